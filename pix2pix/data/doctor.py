"""What is odd about a dataset, in words, and what will be done about each oddity.

`examine` looks into every file of what `find_pairs` has found, and reports again and again on the way, so that the
first findings of a large folder can be shown long before the last one.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from pix2pix import images
from pix2pix.checked import short
from pix2pix.data.kinds import Kinds, look_for_labels, spread
from pix2pix.data.pairs import MIN_SIDE, SPLITS, DatasetError, Entry, Found, Layout, count_of
from pix2pix.palette import CMP

THUMBNAIL = 64  # pixels a side, of what is compared
BATCH = 128  # pairs between two reports
BLANK = 2.0  # standard deviation of the grey levels up to which a picture is blank
SAMPLED = 200  # pairs that are looked at for whether they line up
FEWEST_TO_JUDGE = 8  # pairs, of a whole dataset
LINED_UP = 0.75  # share of pairs that have more outlines in common than strangers have
MOVED = 0.75  # share of pairs of which B would have to be moved by the same way
FURTHEST = 16  # pixels of a thumbnail that B is looked for
STRAYED = 0.05  # share up to which those that do not line up are the exception
FEW = 50  # pairs to learn from


@dataclass(frozen=True)
class Finding:
    """Something odd: what it is, what will be done about it, and which files it is about."""

    what: str
    action: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What is known after so many pairs."""

    looked_at: int
    count: int
    findings: tuple[Finding, ...] = ()
    leave_out: tuple[str, ...] = ()
    """what the findings say is left out: for `find_pairs(leave_out=…)`"""
    a: Kinds | None = None
    b: Kinds | None = None

    @property
    def done(self) -> bool:
        return self.looked_at == self.count


class Half(NamedTuple):
    """What is kept of one picture."""

    size: tuple[int, int]
    deviation: float  # of its grey levels
    outlines: np.ndarray | None  # (THUMBNAIL, THUMBNAIL), of mean 0 and norm 1, where they are compared


class Look(NamedTuple):
    """What is kept of a pair, or why there is nothing."""

    halves: tuple[Half, ...]
    digest: bytes
    problem: str = ""


def examine(found: Found) -> Iterator[Report]:
    """Reports on a dataset, each on more pairs than the one before; the last one is `done`.

    Raises DatasetError when the folder goes away meanwhile.
    """
    entries = [(split, entry) for split in SPLITS for entry in found.splits.get(split, ())]
    compared = set(spread(len(entries), SAMPLED)) if found.layout != "photos" else set()
    notes = Notes(found)
    yield notes.report(0, len(entries))
    a, b = look_for_labels(found)
    with ThreadPoolExecutor(os.cpu_count() or 1, "doctor") as pool:
        for first in range(0, len(entries), BATCH):
            batch = entries[first : first + BATCH]
            places = range(first, first + len(batch))
            looks = pool.map(lambda at: look_at(entries[at][1], found.layout, at in compared), places)
            for (split, entry), look in zip(batch, looks, strict=True):
                notes.add(split, entry, look)
            if not found.root.is_dir():
                raise DatasetError(f"{found.root} is not there any more")
            yield notes.report(first + len(batch), len(entries), a, b)


def look_at(entry: Entry, layout: Layout, compared: bool) -> Look:
    """Opens the file or the files of a pair."""
    try:
        pictures, sizes = map(list, zip(*(_read(path) for path in (entry.a, entry.b) if path), strict=True))
        if layout == "pairs":
            pictures, sizes = images.halves(pictures[0]), [(sizes[0][0] // 2, sizes[0][1])] * 2
        if small := next((size for size in sizes if min(size) < MIN_SIDE), None):
            raise OSError(f"too small: {small[0]}x{small[1]}")
        thumbnails = [picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX) for picture in pictures]
    except Exception as error:  # decoders raise anything at all on broken data
        return Look((), b"", short(str(error)) or f"it cannot be decoded ({type(error).__name__})")
    halves = tuple(
        Half(size, float(np.asarray(small.convert("L")).std()), outlines(small) if compared else None)
        for size, small in zip(sizes, thumbnails, strict=True)
    )
    digest = hashlib.blake2b(b"".join(small.tobytes() for small in thumbnails), digest_size=16).digest()
    return Look(halves, digest)


@dataclass
class Notes:
    """What examining has brought to light so far."""

    found: Found
    problems: dict[str, str] = field(default_factory=dict)
    blank: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)  # of another of the same split
    leaks: list[str] = field(default_factory=list)  # of a pair of an earlier split
    unequal: list[str] = field(default_factory=list)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    outlines: list[tuple[str, np.ndarray, np.ndarray]] = field(default_factory=list)
    _first: dict[bytes, str] = field(default_factory=dict)  # digest -> the split where it was seen first

    def add(self, split: str, entry: Entry, look: Look) -> None:
        name = entry.file_below(self.found.root)
        if look.problem:
            self.problems[name] = look.problem
            return
        self.sizes[look.halves[0].size] += 1
        if any(half.deviation < BLANK for half in look.halves):
            self.blank.append(name)
            return
        if look.digest in self._first:
            earlier = self._first[look.digest]
            # What is held out comes from the same folder: there it is but a copy.
            (self.copies if earlier == split or self.found.held_out else self.leaks).append(name)
            return
        self._first[look.digest] = split
        if len(look.halves) == 2:
            a, b = look.halves
            if a.size != b.size:
                self.unequal.append(name)
            if a.outlines is not None and b.outlines is not None:
                self.outlines.append((name, a.outlines, b.outlines))

    def report(self, looked_at: int, count: int, a: Kinds | None = None, b: Kinds | None = None) -> Report:
        done = looked_at == count
        noun = "photo" if self.found.layout == "photos" else "pair"
        findings = [
            *self._left_out(),
            *_about(self.blank, noun, "is blank, or nearly so", "are blank, or nearly so",
                    "Left out: there is nothing to learn from."),
            *_about(self.copies, noun, "is a copy of another", "are copies of others",
                    "Left out, so that none counts twice."),
            *_about(self.leaks, noun, "of val or test is also in train", "of val or test are also in train",
                    "Left out there, where the result would look too good."),
            *_about(self.unequal, noun, "has an A and a B of different sizes", "have an A and a B of different sizes",
                    "Both are stretched to the same square."),
            *(_sizes(self.sizes) if done else ()),
            *(_not_lined_up(self.outlines) if done else ()),
            *_labels("A", a),
            *_labels("B", b),
            *_few(len(self.found.splits["train"])),
        ]  # fmt: skip
        return Report(looked_at, count, tuple(findings), (*self.problems, *self.blank, *self.copies, *self.leaks), a, b)

    def _left_out(self) -> Iterator[Finding]:
        unpaired = [name for name, why in self.found.left_out.items() if why.startswith("no partner")]
        yield from _about(
            unpaired, "file", "has no partner of the same name", "have no partner of the same name", "Left out."
        )
        broken = {name: why for name, why in self.found.left_out.items() if name not in unpaired} | self.problems
        if broken:
            what = f"{count_of(len(broken), 'file')} cannot be used"
            yield Finding(what, "Left out.", tuple(f"{name}: {why}" for name, why in broken.items()))


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


def _read(path: Path) -> tuple[Image.Image, tuple[int, int]]:
    """Upright RGB, made small on the way where the format makes that quicker, and the size that the file has."""
    with images.opened(path) as picture:
        width, height = picture.size
        picture.draft("RGB", (4 * THUMBNAIL, 2 * THUMBNAIL))
        lies_on_side = images.orientation(picture) >= 5
        return images.to_rgb(picture), (height, width) if lies_on_side else (width, height)


def _about(files: list[str], noun: str, one: str, many: str, action: str) -> Iterator[Finding]:
    if files:
        yield Finding(f"{count_of(len(files), noun)} {one if len(files) == 1 else many}", action, tuple(files))


def _sizes(sizes: Counter[tuple[int, int]]) -> Iterator[Finding]:
    if len(sizes) > 1:
        (width, height), (wide, high) = min(sizes), max(sizes)
        yield Finding(
            f"The pictures have {len(sizes):,} sizes, from {width}x{height} to {wide}x{high}",
            "Each is resized to one square.",
        )


def _not_lined_up(pairs: list[tuple[str, np.ndarray, np.ndarray]]) -> Iterator[Finding]:
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
        yield from _about(strayed, "pair", "may not line up", "may not line up", action)


def _stranger(pairs: list[tuple[str, np.ndarray, np.ndarray]], index: int) -> float:
    """What A has in common with the B of other pairs."""
    a = pairs[index][1]
    return float(np.mean([(a * pairs[(index + step) % len(pairs)][2]).sum() for step in (1, 2, 3)]))


def _way(pixels: int, forward: str, backward: str) -> str:
    return f"{100 * abs(pixels) / THUMBNAIL:.0f} % {forward if pixels > 0 else backward}"


def _labels(side: str, kinds: Kinds | None) -> Iterator[Finding]:
    if kinds and kinds.palette:
        palette = "the 12 facade classes" if kinds.palette is CMP else f"{len(kinds.palette)} colours"
        yield Finding(
            f"{side} is label maps in {palette}",
            "As the input, their colours are snapped to these, and the Draw tab paints with them.",
        )


def _few(count: int) -> Iterator[Finding]:
    if count < FEW:
        yield Finding(
            f"{count_of(count, 'picture')} to train on is little",
            "Used all the same: enough to try it, while a good translator takes some hundred.",
        )
