"""What is odd about a dataset, in words, and what will be done about each oddity.

`examine` looks into every file of what `find_pairs` has found, and reports again and again on the way, so that the
first findings of a large folder can be shown long before the last one.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from pix2pix import images
from pix2pix.data.alignment import THUMBNAIL, Compared, not_lined_up, outlines
from pix2pix.data.evidence import spread
from pix2pix.data.findings import (
    USELESS,
    Finding,
    about_count,
    about_direction,
    about_files,
    about_labels,
    about_sizes,
    about_values,
    said_of,
    with_reason,
)
from pix2pix.data.kinds import Kinds
from pix2pix.data.layouts import HALVES, DatasetError, Layout, half_size, halves
from pix2pix.data.pairs import MIN_SIDE, Entry, Found
from pix2pix.data.sides import Values, look_for_labels, measure, with_every_class
from pix2pix.data.tree import SPLITS
from pix2pix.formats import deep_bands, opened, why_not
from pix2pix.palette import Palette, is_strange
from pix2pix.scales import Scale

BATCH = 128  # pairs between two reports
BLANK = 2.0  # standard deviation of the grey levels up to which a picture is blank
SAMPLED = 200  # pairs that are looked at for whether they line up
DARK = 64  # grey level up to which all of a picture lies whose 16 bits hold values of 14 or less
FOURTH_BAND = "a fourth band that is not transparency"
DEEP_BANDS = "several bands of 16 bits"
DARK_BANDS = "several bands of 16 bits, of which their values need but the lower ones"
SEVERAL = "several pictures in one file"
ODDITIES = {
    SEVERAL: "Only the first of them is used: save those that matter as files of their own.",
    FOURTH_BAND: "Only red, green and blue are used.",
    DEEP_BANDS: "The upper 8 bits of each are used: pictures are computed and written in 8 bits.",
    DARK_BANDS: "They are nearly black as they are: save them in 8 bits, as bright as they should be.",
}


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


class Side(NamedTuple):
    """What is known of A or B before each picture of it is looked at."""

    scale: Scale | None = None  # of deep grey values
    kinds: Kinds = Kinds()

    @property
    def classes(self) -> Palette | None:
        """The colours of class numbers, where the files hold these."""
        return self.kinds.palette if self.kinds.numbers else None


class Half(NamedTuple):
    """What is kept of one picture."""

    size: tuple[int, int]
    is_even: bool  # all of one colour, or nearly so
    is_class: bool  # and that colour is one of the label maps'
    outlines: np.ndarray | None  # (THUMBNAIL, THUMBNAIL), of mean 0 and norm 1, where they are compared


class Look(NamedTuple):
    """What is kept of a pair, or why there is nothing."""

    halves: tuple[Half, ...]
    digest: bytes
    problem: str = ""
    culprit: Path | None = None  # the file that has it
    oddities: frozenset[str] = frozenset()  # of ODDITIES


def examine(found: Found) -> Iterator[Report]:
    """Reports on a dataset, each on more pairs than the one before; the last one is `done`.

    Raises DatasetError when the folder goes away meanwhile.
    """
    entries = [(split, entry) for split in SPLITS for entry in found.splits.get(split, ())]
    compared = set(spread(len(entries), SAMPLED)) if found.layout != "photos" else set()
    notes = Notes(found)
    yield notes.report(0, len(entries))
    kinds = with_every_class(found, look_for_labels(found))
    notes.values = measure(found, kinds)
    scales = [values and values.scale for values in notes.values]
    sides = [Side(scale, kind or Kinds()) for scale, kind in zip(scales, kinds, strict=True)]
    sides = sides[1:] if found.layout == "photos" else sides
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


def look_at(entry: Entry, layout: Layout, sides: Sequence[Side], compared: bool) -> Look:
    """Opens the file or the files of a pair; `sides`: A and B, or the photos alone."""
    path = entry.a
    try:
        raw, sizes, oddities = [], [], set()
        for path in filter(None, (entry.a, entry.b)):
            picture, size, odd = _load(path)
            raw, sizes, oddities = [*raw, picture], [*sizes, size], oddities | odd
        if layout in HALVES:
            raw, sizes = list(halves(raw[0], layout)), [half_size(sizes[0], layout)] * 2
        if small := next((size for size in sizes if min(size) < MIN_SIDE), None):
            return Look((), b"", f"too small: {small[0]}x{small[1]}", entry.a)
        pictures = [images.to_rgb(picture, side.scale, side.classes) for picture, side in zip(raw, sides, strict=True)]
        thumbnails = [picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX) for picture in pictures]
    except Exception as error:  # decoders raise anything at all on broken data
        return Look((), b"", why_not(path, error), path)
    kept = tuple(
        Half(
            size, is_even := _is_even(small), is_even and _is_class(small, side), outlines(small) if compared else None
        )
        for size, small, side in zip(sizes, thumbnails, sides, strict=True)
    )
    digest = hashlib.blake2b(b"".join(small.tobytes() for small in thumbnails), digest_size=16).digest()
    return Look(kept, digest, oddities=frozenset(oddities))


def _is_even(picture: Image.Image) -> bool:
    return float(np.asarray(picture.convert("L")).std()) < BLANK


def _is_class(picture: Image.Image, side: Side) -> bool:
    """Whether it is a label map that is all of one class."""
    return side.kinds.palette is not None and _is_even(picture) and not is_strange(picture, side.kinds.palette)


@dataclass
class Notes:
    """What examining has brought to light so far."""

    found: Found
    problems: dict[str, str] = field(default_factory=dict)
    culprits: dict[str, str] = field(default_factory=dict)  # the file of the pair that has the problem
    blank: list[str] = field(default_factory=list)
    of_one_class: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)  # of another of the same split
    leaks: list[str] = field(default_factory=list)  # of a pair of an earlier split
    unequal: list[str] = field(default_factory=list)
    odd: dict[str, list[str]] = field(default_factory=dict)  # of ODDITIES -> those that have it
    values: tuple[Values | None, Values | None] = (None, None)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    outlines: list[Compared] = field(default_factory=list)
    _first: dict[bytes, str] = field(default_factory=dict)  # digest -> the split where it was seen first

    def add(self, split: str, entry: Entry, look: Look) -> None:
        name = entry.file_below(self.found.root)
        if look.problem:
            self.problems[name] = look.problem
            self.culprits[name] = (look.culprit or entry.a).relative_to(self.found.root).as_posix()
            return
        self.sizes[look.halves[0].size] += 1
        for oddity in look.oddities:
            self.odd.setdefault(oddity, []).append(name)
        if any(half.is_even and not half.is_class for half in look.halves):
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
            if a.is_class or b.is_class:
                self.of_one_class.append(name)
            elif a.outlines is not None and b.outlines is not None:
                self.outlines.append(Compared(name, a.outlines, b.outlines))

    def report(self, looked_at: int, count: int, a: Kinds | None = None, b: Kinds | None = None) -> Report:
        done = looked_at == count
        findings = [
            *self._left_out(),
            *self._about_files(),
            *(about_sizes(self.sizes) if done else ()),
            *(not_lined_up(self.outlines) if done else ()),
            *about_labels("A", a),
            *about_labels("B", b),
            *about_direction(self.found, a, b),
            *about_values("A", self.values[0]),
            *about_values("B", self.values[1]),
        ]
        leave_out = (*self.problems, *self.blank, *self.copies, *self.leaks)
        findings += about_count(len(self._train - set(leave_out)))
        return Report(looked_at, count, tuple(findings), leave_out, a, b)

    @cached_property
    def _train(self) -> frozenset[str]:
        return frozenset(entry.file_below(self.found.root) for entry in self.found.splits["train"])

    def _about_files(self) -> Iterator[Finding]:
        noun = "photo" if self.found.layout == "photos" else "pair"
        for files, one, many, action in (
            (self.blank, "is blank, or nearly so", "are blank, or nearly so",
             "Left out: there is nothing to learn from."),
            (self.of_one_class, "has a label map that is all of one class", "have label maps that are all of one class",
             "Used all the same: take out those that were never labelled."),
            (self.copies, "is a copy of another", "are copies of others", "Left out, so that none counts twice."),
            (self.leaks, "of val or test is also in train", "of val or test are also in train",
             "Left out there, where the result would look too good."),
            (self.unequal, "has an A and a B of different sizes", "have an A and a B of different sizes",
             "Both are stretched to the same square."),
            *((self.odd.get(oddity, []), f"has {oddity}", f"have {oddity}", action)
              for oddity, action in ODDITIES.items()),
        ):  # fmt: skip
            yield from about_files(files, noun, one, many, action)

    def _left_out(self) -> Iterator[Finding]:
        groups: dict[tuple[str, str], dict[str, str]] = {}
        for name, why in (self.found.left_out | self.problems).items():
            said = said_of(why)
            line = f"{self.culprits.get(name, name)}: {why}" if USELESS in said[0] else name
            groups.setdefault(said, {})[line] = why
        for said, lines in groups.items():
            one, many = with_reason(list(lines.values())) if said[0] == USELESS else said
            yield from about_files(list(lines), "file", one, many, "Left out.")


def _load(path: Path) -> tuple[Image.Image, tuple[int, int], set[str]]:
    """Upright, made small on the way where the format makes that quicker; the size that the file has; and what is odd
    about its bands.
    """
    with opened(path) as picture:
        width, height = picture.size
        has_deep_bands = deep_bands(picture)
        picture.draft("RGB", (4 * THUMBNAIL, 2 * THUMBNAIL))
        picture.load()
        lies_on_side, has_band = images.orientation(picture) >= 5, images.has_fourth_band(picture)
        odd = ({FOURTH_BAND} if has_band else set()) | ({SEVERAL} if _has_several(picture) else set())
        if has_deep_bands:
            brightest = np.asarray(picture.convert("RGB")).max()
            odd.add(DARK_BANDS if brightest < DARK else DEEP_BANDS)
        upright = picture.convert("RGB") if has_band else ImageOps.exif_transpose(picture)
        return upright, (height, width) if lies_on_side else (width, height), odd


def _has_several(picture: Image.Image) -> bool:
    """Whether it is the first page, or frame, of several."""
    try:
        return getattr(picture, "n_frames", 1) > 1
    except Exception:  # decoders raise anything at all on broken data; the first one is whole
        return False
