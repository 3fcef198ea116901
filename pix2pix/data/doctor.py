"""What is odd about a dataset, in words, and what will be done about each oddity.

`examine` looks into every file of what `find_pairs` has found, and reports again and again on the way, so that the
first findings of a large folder can be shown long before the last one.
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

from pix2pix import images
from pix2pix.classes import ranged
from pix2pix.data.evidence import spread
from pix2pix.data.kinds import Kinds
from pix2pix.data.layouts import HALVES, DatasetError, Layout, half_size, halves
from pix2pix.data.pairs import MIN_SIDE, Entry, Found, count_of
from pix2pix.data.sides import Values, likely_direction, look_for_labels, measure
from pix2pix.data.tree import SPLITS
from pix2pix.formats import opened, why_not
from pix2pix.palette import CMP, Palette
from pix2pix.scales import Scale

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
NOT_READ = re.compile(
    r"is not read|bands of|too many|far more than|lies in|lies beside|its partner|has the name|left out on"
)
NOT_DAMAGED = ("too small", "an empty file")


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
    culprit: Path | None = None  # the file that has it
    has_fourth_band: bool = False


def examine(found: Found) -> Iterator[Report]:
    """Reports on a dataset, each on more pairs than the one before; the last one is `done`.

    Raises DatasetError when the folder goes away meanwhile.
    """
    entries = [(split, entry) for split in SPLITS for entry in found.splits.get(split, ())]
    compared = set(spread(len(entries), SAMPLED)) if found.layout != "photos" else set()
    notes = Notes(found)
    yield notes.report(0, len(entries))
    kinds = look_for_labels(found)
    notes.values = measure(found, kinds)
    scales = [values and values.scale for values in notes.values]
    classes = [kind.palette if kind and kind.numbers else None for kind in kinds]
    sides = [(scales[1], None)] if found.layout == "photos" else list(zip(scales, classes, strict=True))
    with ThreadPoolExecutor(os.cpu_count() or 1, "doctor") as pool:
        for first in range(0, len(entries), BATCH):
            batch = entries[first : first + BATCH]
            places = range(first, first + len(batch))
            looks = pool.map(lambda at: look_at(entries[at][1], found.layout, sides, at in compared), places)
            for (split, entry), look in zip(batch, looks, strict=True):
                notes.add(split, entry, look)
            if not found.root.is_dir():
                raise DatasetError(f"{found.root} is not there any more")
            yield notes.report(first + len(batch), len(entries), *kinds)


def look_at(entry: Entry, layout: Layout, sides: Sequence[tuple[Scale | None, Palette | None]], compared: bool) -> Look:
    """Opens the file or the files of a pair; `sides` are the scales and the palettes of class numbers of A and B."""
    path = entry.a
    try:
        raw, sizes, has_fourth_band = [], [], False
        for path in filter(None, (entry.a, entry.b)):
            picture, size, has_band = _load(path)
            raw, sizes, has_fourth_band = [*raw, picture], [*sizes, size], has_fourth_band or has_band
        if layout in HALVES:
            raw, sizes = list(halves(raw[0], layout)), [half_size(sizes[0], layout)] * 2
        if small := next((size for size in sizes if min(size) < MIN_SIDE), None):
            return Look((), b"", f"too small: {small[0]}x{small[1]}", entry.a)
        pictures = [images.to_rgb(picture, *side) for picture, side in zip(raw, sides, strict=True)]
        thumbnails = [picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX) for picture in pictures]
    except Exception as error:  # decoders raise anything at all on broken data
        return Look((), b"", why_not(path, error), path)
    kept = tuple(
        Half(size, float(np.asarray(small.convert("L")).std()), outlines(small) if compared else None)
        for size, small in zip(sizes, thumbnails, strict=True)
    )
    digest = hashlib.blake2b(b"".join(small.tobytes() for small in thumbnails), digest_size=16).digest()
    return Look(kept, digest, has_fourth_band=has_fourth_band)


@dataclass
class Notes:
    """What examining has brought to light so far."""

    found: Found
    problems: dict[str, str] = field(default_factory=dict)
    culprits: dict[str, str] = field(default_factory=dict)  # the file of the pair that has the problem
    blank: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)  # of another of the same split
    leaks: list[str] = field(default_factory=list)  # of a pair of an earlier split
    unequal: list[str] = field(default_factory=list)
    fourth_band: list[str] = field(default_factory=list)
    values: tuple[Values | None, Values | None] = (None, None)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    outlines: list[tuple[str, np.ndarray, np.ndarray]] = field(default_factory=list)
    _first: dict[bytes, str] = field(default_factory=dict)  # digest -> the split where it was seen first

    def add(self, split: str, entry: Entry, look: Look) -> None:
        name = entry.file_below(self.found.root)
        if look.problem:
            self.problems[name] = look.problem
            self.culprits[name] = (look.culprit or entry.a).relative_to(self.found.root).as_posix()
            return
        self.sizes[look.halves[0].size] += 1
        if look.has_fourth_band:
            self.fourth_band.append(name)
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
            *_about(self.fourth_band, noun, "has a fourth band that is not transparency",
                    "have a fourth band that is not transparency", "Only red, green and blue are used."),
            *(_sizes(self.sizes) if done else ()),
            *(_not_lined_up(self.outlines) if done else ()),
            *_labels("A", a),
            *_labels("B", b),
            *_direction(a, b),
            *_values("A", self.values[0]),
            *_values("B", self.values[1]),
        ]  # fmt: skip
        leave_out = (*self.problems, *self.blank, *self.copies, *self.leaks)
        train = {entry.file_below(self.found.root) for entry in self.found.splits["train"]}
        findings += _few(len(train - set(leave_out)))
        return Report(looked_at, count, tuple(findings), leave_out, a, b)

    def _left_out(self) -> Iterator[Finding]:
        unpaired = [name for name, why in self.found.left_out.items() if why.startswith("no partner")]
        yield from _about(
            unpaired, "file", "has no partner of the same name", "have no partner of the same name", "Left out."
        )
        others = {name: why for name, why in self.found.left_out.items() if name not in unpaired} | self.problems
        reasons: dict[str, dict[str, str]] = {}
        for name, why in others.items():  # what is damaged is not what is just not read
            kind = "cannot be used" if why.startswith("broken") else why.partition(":")[0].partition(" (")[0]
            kind = kind if kind in NOT_DAMAGED or NOT_READ.search(why) else "cannot be used"
            reasons.setdefault(kind, {})[name] = why
        for kind, files in reasons.items():
            lines = tuple(f"{self.culprits.get(name, name)}: {why}" for name, why in files.items())
            is_damage = kind == "cannot be used"
            what = f"{count_of(len(files), 'file')} cannot be used{'' if is_damage else f': {kind}'}"
            yield Finding(what, "Left out.", lines)


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


def _load(path: Path) -> tuple[Image.Image, tuple[int, int], bool]:
    """Upright, made small on the way where the format makes that quicker; the size that the file has; and whether it
    has a fourth band that is no transparency.
    """
    with opened(path) as picture:
        width, height = picture.size
        picture.draft("RGB", (4 * THUMBNAIL, 2 * THUMBNAIL))
        picture.load()
        lies_on_side, has_band = images.orientation(picture) >= 5, images.has_fourth_band(picture)
        upright = picture.convert("RGB") if has_band else ImageOps.exif_transpose(picture)
        return upright, (height, width) if lies_on_side else (width, height), has_band


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
    if kinds and kinds.numbers:
        yield Finding(
            f"{side} is label maps that hold the numbers of classes: {ranged(kinds.numbers)}",
            "Each is shown in a colour, which is kept with the run; as the input, the Draw tab paints with them.",
        )
    elif kinds and kinds.palette:
        palette = "the 12 facade classes" if kinds.palette is CMP else f"{len(kinds.palette)} colours"
        yield Finding(
            f"{side} is label maps in {palette}",
            "As the input, their colours are snapped to these, and the Draw tab paints with them.",
        )


def _direction(a: Kinds | None, b: Kinds | None) -> Iterator[Finding]:
    if likely_direction(a, b) == "BtoA":
        yield Finding(
            "B looks like the input: it is " + ("label maps" if b and b.kind == "labels" else "line drawings"),
            "BtoA learns to make A of it; AtoB, the default, the other way round.",
        )


def _values(side: str, values: Values | None) -> Iterator[Finding]:
    if values:
        yield Finding(
            f"{side}: {values.describe()}",
            f"These are black and white; --scale-{side.lower()}=LOW..HIGH says otherwise. Pictures are computed and "
            "written in 8 bits.",
        )


def _few(count: int) -> Iterator[Finding]:
    if count < FEW:
        yield Finding(
            f"{count_of(count, 'picture')} to train on is little",
            "Used all the same: enough to try it, while a good translator takes some hundred.",
        )
