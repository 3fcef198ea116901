"""Whether A and B of the pairs of a dataset line up, as far as their outlines tell."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from pix2pix.data.findings import Finding, about_files

THUMBNAIL = 64  # pixels a side, of what is compared
FEWEST_TO_JUDGE = 8  # pairs, of a whole dataset
LINED_UP = 0.75  # share of pairs that have more outlines in common than strangers have
MOVED = 0.75  # share of pairs of which B would have to be moved by the same way
FURTHEST = 16  # pixels of a thumbnail that B is looked for
STRAYED = 0.05  # share up to which those that do not line up are the exception


class Compared(NamedTuple):
    """The outlines of a pair, each (THUMBNAIL, THUMBNAIL)."""

    name: str
    a: np.ndarray
    b: np.ndarray


def outlines(picture: Image.Image) -> np.ndarray:
    """How strongly it changes at each pixel of a small RGB picture, float32 of mean 0 and norm 1 (or 0, if blank)."""
    pixels = np.asarray(picture, np.float32)
    across, down = cv2.Sobel(pixels, cv2.CV_32F, 1, 0), cv2.Sobel(pixels, cv2.CV_32F, 0, 1)
    strength = np.sqrt(np.hypot(across, down).max(2))
    strength -= strength.mean()
    norm = float(np.linalg.norm(strength))
    return strength / norm if norm else strength


def shift(a: np.ndarray, b: np.ndarray) -> tuple[int, int]:
    """By how many pixels down and right the outlines of b lie from where they fit those of a best."""
    spectrum = np.fft.rfft2(a).conj() * np.fft.rfft2(b)
    fit = np.fft.fftshift(np.fft.irfft2(spectrum, s=a.shape))
    middle = a.shape[0] // 2
    near = fit[middle - FURTHEST : middle + FURTHEST + 1, middle - FURTHEST : middle + FURTHEST + 1]
    down, right = np.unravel_index(near.argmax(), near.shape)
    return int(down) - FURTHEST, int(right) - FURTHEST


def not_lined_up(pairs: Sequence[Compared]) -> Iterator[Finding]:
    """Of pairs that belong together A and B have outlines in common, more than A has with the B of another pair."""
    if len(pairs) < FEWEST_TO_JUDGE:
        return
    moved = [shift(a, b) for _, a, b in pairs]
    (down, right), _ = Counter(moved).most_common(1)[0]
    together = sum(abs(y - down) <= 1 and abs(x - right) <= 1 for y, x in moved) / len(moved)
    if max(abs(down), abs(right)) >= 2 and together >= MOVED:
        by = " and ".join(_way(*way) for way in ((right, "right", "left"), (down, "down", "up")) if abs(way[0]) >= 2)
        yield Finding(
            f"B lies {by} of where it would fit A",
            "Used as it is, and the translator will move things too: cut the pictures anew if that is not meant.",
        )
        return
    strangers = [_stranger(pairs, index) for index in range(len(pairs))]
    strayed = [name for (name, a, b), other in zip(pairs, strangers, strict=True) if (a * b).sum() <= other]
    if len(strayed) > (1 - LINED_UP) * len(pairs):
        yield Finding(
            "A and B have hardly an outline in common",
            "Used as they are. If A and B should show the same thing, see whether the right ones are paired.",
        )
    elif 0 < len(strayed) <= max(1, STRAYED * len(pairs)):
        action = "Used all the same: have a look, and take out what is wrong."
        yield from about_files(strayed, "pair", "may not line up", "may not line up", action)


def _stranger(pairs: Sequence[Compared], index: int) -> float:
    """What A has in common with the B of other pairs."""
    a = pairs[index].a
    return float(np.mean([(a * pairs[(index + step) % len(pairs)].b).sum() for step in (1, 2, 3)]))


def _way(pixels: int, forward: str, backward: str) -> str:
    return f"{100 * abs(pixels) / THUMBNAIL:.0f} % {forward if pixels > 0 else backward}"
