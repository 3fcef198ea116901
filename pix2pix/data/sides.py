"""What the two sides of the pairs are: label maps, drawings or pictures, on which scale of grey values, and which of
them is the input.
"""

from collections.abc import Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from os import cpu_count
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pix2pix import images, scales
from pix2pix.classes import HIGHEST, UNLABELLED, palette_of, values_of
from pix2pix.data.evidence import Glance, glances, spread
from pix2pix.data.kinds import Kinds, kind_of
from pix2pix.data.layouts import HALVES, halves
from pix2pix.data.pairs import Entry, Found
from pix2pix.scales import Scale

COLOURED = 24  # pairs that are looked at for what they show
MEASURED = 500  # files of a side, spread by name, whose values make its scale
FEW = 16  # files of a side, to have a look
HEADERS = 64  # files of a side that are asked whether they are deep at all, or more where more are measured

Direction = Literal["AtoB", "BtoA"]


def look_for_labels(found: Found) -> tuple[Kinds | None, Kinds | None]:
    """What A and B show; None where that is known (photos alone)."""
    if found.layout == "photos":
        return None, None
    entries = every_entry(found)
    chosen = [entries[index] for index in spread(len(entries), COLOURED)]
    if found.layout == "folders":
        looks = glances([path for entry in chosen for path in (entry.a, entry.b) if path])
        sides = looks[::2], looks[1::2]
    else:
        looks = [each for each in glances([entry.a for entry in chosen]) if each]
        parts = [halves(each.rgb, found.layout) for each in looks]
        sides = tuple(
            [Glance(each.size, part[side], each.numbers) for each, part in zip(looks, parts, strict=True)]
            for side in (0, 1)
        )
    a, b = ([each for each in side if each] for side in sides)
    return _kinds(a), _kinds(b)


def with_every_class(
    found: Found, kinds: tuple[Kinds | None, Kinds | None], most: int = MEASURED
) -> tuple[Kinds | None, Kinds | None]:
    """The same, with the numbers of the classes that are in so many files of a side: some are in few of them."""
    entries = every_entry(found)
    chosen = [entries[index] for index in spread(len(entries), most)]
    a, b = (_with_every_class(found, chosen, side, kind) for side, kind in enumerate(kinds))
    return a, b


def _with_every_class(found: Found, entries: Sequence[Entry], side: int, kind: Kinds | None) -> Kinds | None:
    if not kind or not kind.numbers:
        return kind
    with ThreadPoolExecutor(cpu_count() or 1) as pool:
        every = set(kind.numbers).union(*pool.map(lambda entry: _numbers(found, entry, side), entries))
    numbers = tuple(sorted(number for number in every if number <= HIGHEST or number == UNLABELLED))
    return replace(kind, numbers=numbers, palette=palette_of(numbers))


def _numbers(found: Found, entry: Entry, side: int) -> Set[int]:
    try:
        picture = images.load(entry.b if side and entry.b else entry.a)
    except OSError:
        return frozenset()
    if found.layout in HALVES:
        picture = halves(picture, found.layout)[side]
    return values_of(picture) or frozenset()


def _kinds(side: Sequence[Glance]) -> Kinds:
    return kind_of([each.rgb for each in side], [each.numbers for each in side])


def likely_direction(found: Found, a: Kinds | None, b: Kinds | None) -> Direction:
    """Labels or lines are the input; AtoB where neither or both are, and where the folders' names made the input A."""
    is_b = a is not None and b is not None and a.kind == "image" and b.kind != "image"
    return "BtoA" if is_b and len(found.folders) < 2 else "AtoB"


class Values(NamedTuple):
    """The grey values of one side."""

    scale: Scale
    bits: str
    """how its files keep them, in words"""

    def describe(self) -> str:
        """90 … 4,004 of 16 bits"""
        return f"{self.scale.describe()} {'in' if 'point' in self.bits else 'of'} {self.bits}"


def measure(
    found: Found, kinds: tuple[Kinds | None, Kinds | None], most: int = MEASURED
) -> tuple[Values | None, Values | None]:
    """The scales of the grey values of A and B, of so many files; None for a side that has but 8 bits, or none.

    Of photos alone, that of the photos is B's. A side that holds the numbers of classes has no scale.
    """
    entries = found.splits["train"] or every_entry(found)
    measured = [
        None if kind and kind.numbers else _measure(found, entries, side, most) for side, kind in enumerate(kinds)
    ]
    return measured[0], measured[1]


def formats(found: Found, direction: Direction) -> dict[str, Any]:
    """For PairedImages, the scales and the palettes of class numbers that a few files suggest: to have a look."""
    kinds = look_for_labels(found)
    palettes = [kind.palette if kind and kind.numbers else None for kind in kinds]
    source, target = palettes if direction == "AtoB" else palettes[::-1]
    scales = tuple(values and values.scale for values in measure(found, kinds, FEW))
    return {"palette": source, "target_palette": target, "scales": scales}


def _measure(found: Found, entries: Sequence[Entry], side: int, most: int) -> Values | None:
    if found.layout == "photos" and side == 0:
        return None
    paths = [entry.b if side and entry.b else entry.a for entry in entries]
    bits = [each for each in map(_bits, (paths[index] for index in spread(len(paths), max(HEADERS, most)))) if each]
    if not bits:
        return None
    with ThreadPoolExecutor(cpu_count() or 1) as pool:
        spans = pool.map(lambda index: _span(found, paths[index], side), spread(len(paths), most))
        scale = scales.of_all([each for each in spans if each])
    return Values(scale, bits[0]) if scale else None


def _bits(path: Path) -> str | None:
    """How a file keeps its grey values, if in more than 8 bits."""
    try:
        with images.opened(path) as picture:
            return scales.bits_of(picture) if scales.is_deep(picture) else None
    except Exception:  # decoders raise anything at all on broken data
        return None


def _span(found: Found, path: Path, side: int) -> tuple[float, float] | None:
    try:
        picture = images.load(path)
    except OSError:
        return None
    if not scales.is_deep(picture):
        return None
    if found.layout in HALVES:
        picture = halves(picture, found.layout)[side]
    return scales.span(scales.values_of(picture))


def every_entry(found: Found) -> list[Entry]:
    return list(chain.from_iterable(found.splits.values()))
