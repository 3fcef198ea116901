"""What the two sides of the pairs show, as their colours tell: label maps in a palette, drawings, or pictures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from pix2pix import images
from pix2pix.data.pairs import Found
from pix2pix.palette import CMP, Palette

COLOURED = 24  # pictures that are looked at for a palette
FLAT = 16  # grey levels that neighbours may differ by in an area of one colour; JPEG ripples
FLAT_SHARE = 0.3  # of a label map at least
SAME, ALIKE = 16.0, 32.0  # distances of colours: labels are as many at both, photos are not
MOST_LABELS = 32
RECURRING = 0.2  # share of the pictures that have a label's colour, for half of the labels at least
RARE = 0.002  # share of the flat area below which a colour is a smear

Kind = Literal["image", "edges", "labels"]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Kinds:
    """What one side of the pairs shows, as far as its colours tell."""

    kind: Kind = "image"
    palette: Palette | None = None


def look_for_labels(found: Found) -> tuple[Kinds | None, Kinds | None]:
    """What A and B show; None where that is known (photos alone)."""
    if found.layout == "photos":
        return None, None
    entries = list(chain.from_iterable(found.splits.values()))
    sides: tuple[list[Image.Image], list[Image.Image]] = ([], [])
    for index in spread(len(entries), COLOURED):
        try:
            _, a, b = entries[index]
            pair = [images.read(a), images.read(b)] if b else images.halves(images.read(a))
        except OSError:
            continue
        for side, picture in zip(sides, pair, strict=True):
            side.append(picture)
    return kind_of(sides[0]), kind_of(sides[1])


def kind_of(pictures: Sequence[Image.Image]) -> Kinds:
    """Label maps are made of areas of few colours, the same ones in all; drawings of lines on white."""
    if not pictures:
        return Kinds()
    each, shares = zip(*map(flat_colours, pictures), strict=True)
    colours: Counter[Colour] = sum(each, Counter())
    close, far = (_merged(colours, distance) for distance in (SAME, ALIKE))
    common = [colour for colour, part in close if part >= RARE]
    if np.mean(shares) < FLAT_SHARE or not common:
        return Kinds()
    if all(min(colour) > 225 or max(colour) < 30 for colour in common):
        return Kinds("edges" if min(common[0]) > 225 else "image")
    stable = len(_covering(close)) == len(_covering(far))
    recurring = np.median([np.mean([_has(colour, one) for one in each]) for colour in common]) >= RECURRING
    if not 3 <= len(common) <= MOST_LABELS or not stable or not recurring:
        return Kinds()
    facade = np.array(list(CMP.values()))
    if all(np.linalg.norm(facade - colour, axis=1).min() < SAME for colour in common):
        return Kinds("labels", CMP)
    return Kinds("labels", {f"colour {index + 1}": colour for index, colour in enumerate(common)})


def flat_colours(picture: Image.Image) -> tuple[Counter[Colour], float]:
    """How many pixels have each colour where neighbours hardly differ, and what share of all pixels these are."""
    size = (min(256, picture.width), min(256, picture.height))
    pixels = np.asarray(picture.resize(size, Image.Resampling.NEAREST))
    square = np.ones((3, 3), np.uint8)
    even = (cv2.dilate(pixels, square) - cv2.erode(pixels, square)).max(2) <= FLAT
    colours, counts = np.unique(pixels[even] // 4 * 4 + 2, axis=0, return_counts=True)
    seen = {(int(r), int(g), int(b)): int(count) for (r, g, b), count in zip(colours, counts, strict=True)}
    return Counter(seen), float(even.mean())


def _has(colour: Colour, seen: Counter[Colour]) -> bool:
    keys, counts = np.array(list(seen), np.float32).reshape(-1, 3), np.array(list(seen.values()))
    near = np.linalg.norm(keys - colour, axis=1) < SAME
    return bool(counts[near].sum() > RARE * counts.sum())


def _merged(colours: Counter[Colour], distance: float) -> list[tuple[Colour, float]]:
    """The commonest colours, each with the share of those that are near it and nearer to no commoner one."""
    keys = np.array([key for key, _ in colours.most_common()], np.float32).reshape(-1, 3)
    counts = np.array([count for _, count in colours.most_common()], np.float64)
    merged, left, total = [], np.ones(len(keys), bool), max(1.0, counts.sum())
    while left.any() and len(merged) <= 4 * MOST_LABELS:
        first = int(left.argmax())
        near = left & (np.linalg.norm(keys - keys[first], axis=1) < distance)
        red, green, blue = np.average(keys[near], axis=0, weights=counts[near]).round().astype(int).tolist()
        merged.append(((red, green, blue), float(counts[near].sum() / total)))
        left &= ~near
    return sorted(merged, key=lambda each: -each[1])


def _covering(merged: list[tuple[Colour, float]], share: float = 0.95) -> list[Colour]:
    chosen, covered = [], 0.0
    for colour, part in merged:
        if covered >= share:
            break
        chosen.append(colour)
        covered += part
    return chosen


def spread(length: int, count: int) -> list[int]:
    """So many indices, evenly apart."""
    return sorted(set(np.linspace(0, length - 1, min(length, count)).round().astype(int).tolist())) if length else []
