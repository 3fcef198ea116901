"""What the pictures of a folder themselves say about how it is to be read.

Two pictures, or two halves of one, belong together where the same outlines are in both, more than in strangers, or
where one side is label maps or line drawings and the other is not. A picture that was put together of two has a seam.
At most 64 pictures are looked at.
"""

from collections.abc import Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from os import cpu_count
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from pix2pix import images
from pix2pix.classes import coloured, palette_of, values_of
from pix2pix.data.kinds import Kinds, kind_of
from pix2pix.data.layouts import FIRST, LEFT, LOWER, RIGHT, SECOND, THIRD, UPPER, Box, Layout
from pix2pix.data.tree import Tree
from pix2pix.formats import opened

LOOKED_AT = 64  # pictures, for whatever is asked of a folder
SHEET = 192  # pixels a side of a picture in which seams are looked for: halves and thirds of it are whole
SMALL = 64  # pixels a side, of what is compared

# What each of these separates was measured on 48 pairs each of CMP facades (photo and labels) and of edges2shoes (edges
# and photo), on two sets of 48 photos of shoes, which are no pairs, and on the scenes of tests/scenes.py.

# A seam: by how many pixels of a sheet it may lie off, so that pairs with a white gap of up to 4 % of a half are found;
# among how many of the strongest changes it is, and it is the strongest in every facade; and the share of the pictures
# that have one in the same place. All facades have, of the photos 8 % at most, and of edges2shoes 23 %, where white
# meets white: for these their outlines speak.
NEAR, TOP, SEEN = 2, 2, 0.5

# What outlines have in common, as a correlation: how much more than those of strangers, and the share of the pairs of
# which that holds. Of the facades 92 % have more than 0.05 (half of them over 0.19), of edges2shoes all have 0.23 or
# more, of the scenes 0.77; of photos cut into two or three 4 to 21 % have over 0.05.
BEYOND, LINED_UP = 0.05, 0.7

# The same of a single pair, where there is no stranger: edges2shoes and the scenes have 0.41 at least, the parts of a
# cut photo 0.26 at most. Of the facades, whose labels leave out much of the photo, only a fifth has 0.3.
ALONE = 0.3

# Grey levels by which two copies of a picture may differ on average. A photo of a shoe and its JPEG of quality 30, its
# blur or its half differ by 0.1 to 2.1, and a tenth brighter by 1.4 to 7; two such photos by 8 or more, A and B by 11.
SAME_PICTURE = 6.0

# By how much the logarithm of width / height may be off: pairs with a narrow frame fit; photos of 16:9 are 12 % off.
FITS = 0.07
BLANK = 1.0  # grey levels from one column to the next: where all change by less, there is nothing to see


class Glance(NamedTuple):
    """A picture as it is needed here."""

    size: tuple[int, int]  # upright, as the file has it
    rgb: Image.Image  # at most some 500 pixels a side
    numbers: Set[int] | None  # of a file of one band


@dataclass(frozen=True)
class Together:
    """What two sides have to do with each other."""

    a: Kinds
    b: Kinds
    common: float | None
    """how much more their outlines correlate than those of strangers; None where none has any"""
    lined_up: bool
    copies: bool
    """each B is the same picture as its A"""
    same_size: bool = True

    @property
    def unlike(self) -> bool:
        """Whether one is label maps or drawings and the other is not."""
        return (self.a.kind == "image") != (self.b.kind == "image")


NOT_SEEN = Together(Kinds(), Kinds(), 0.0, lined_up=False, copies=False)


@dataclass(frozen=True)
class Cut:
    """How pictures that were put together of several would fall into them."""

    words: str
    boxes: tuple[Box, ...]
    layouts: dict[tuple[int, int], Layout]  # by the parts that are A and B
    proportion: float  # width / height, where the parts are squares


CUTS = (
    Cut("two side by side", (LEFT, RIGHT), {(0, 1): "pairs"}, 2.0),
    Cut("two, one above the other", (UPPER, LOWER), {(0, 1): "stacked"}, 0.5),
    Cut(
        "three in a row", (FIRST, SECOND, THIRD),
        {(0, 1): "thirds-12", (0, 2): "thirds-13", (1, 2): "thirds-23"}, 3.0,
    ),
)  # fmt: skip


def glances(paths: Sequence[Path]) -> list[Glance | None]:
    """Each of at most 64 pictures; None for what cannot be read."""
    with ThreadPoolExecutor(min(4, cpu_count() or 1)) as pool:
        return list(pool.map(glance, paths))


def looks_at(tree: Tree, paths: Sequence[str]) -> list[Glance | None]:
    """The same of files below a folder, each of which is opened once."""
    new = [path for path in dict.fromkeys(paths) if path not in tree.seen]
    tree.seen |= zip(new, glances([tree.root / path for path in new]), strict=True)
    return [tree.seen[path] for path in paths]


def glance(path: Path) -> Glance | None:
    """One picture; None where it cannot be read."""
    try:
        with opened(path) as picture:
            width, height = picture.size
            picture.draft("RGB", (2 * SHEET, 2 * SHEET))
            numbers = values_of(picture)
            lies_on_side = images.orientation(picture) >= 5
            classes = coloured(picture, palette_of(numbers)) if numbers and max(numbers) < SMALL else None
            rgb = images.to_rgb(picture) if classes is None else classes
            if max(rgb.size) > 4 * SHEET:  # no mixing of the colours of labels
                shrink = 2.5 * SHEET / max(rgb.size)
                rgb = rgb.resize(
                    (round(shrink * rgb.width) or 1, round(shrink * rgb.height) or 1), Image.Resampling.NEAREST
                )
            return Glance((height, width) if lies_on_side else (width, height), rgb, numbers)
    except Exception:  # decoders raise anything at all on broken data
        return None


def spread(length: int, count: int) -> list[int]:
    """So many indices below `length`, or all of them, evenly apart: neighbours by name are often alike."""
    return sorted(set(np.linspace(0, length - 1, min(length, count)).round().astype(int).tolist())) if length else []


def compare(a: Sequence[Glance], b: Sequence[Glance]) -> Together:
    """Two sides of as many pairs, in the same order."""
    kinds = [kind_of([each.rgb for each in side], [each.numbers for each in side]) for side in (a, b)]
    same_size = all(x.size == y.size for x, y in zip(a, b, strict=True))
    return replace(together([each.rgb for each in a], [each.rgb for each in b], *kinds), same_size=same_size)


def together(a: Sequence[Image.Image], b: Sequence[Image.Image], kind_a: Kinds, kind_b: Kinds) -> Together:
    """Two sides of as many pairs, RGB of any size and in the same order, that show these kinds."""
    small_a, small_b = ([_small(each) for each in side] for side in (a, b))
    common, lined_up = _in_common([_outlines(each) for each in small_a], [_outlines(each) for each in small_b])
    tiny_a, tiny_b = ([cv2.resize(each, (SMALL // 4,) * 2, interpolation=cv2.INTER_AREA) for each in side]
                      for side in (small_a, small_b))  # fmt: skip
    apart = [float(np.abs(x - y).mean()) for x, y in zip(tiny_a, tiny_b, strict=True)]
    return Together(kind_a, kind_b, common, lined_up, bool(apart) and float(np.median(apart)) < SAME_PICTURE)


def _small(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.resize((SMALL, SMALL), Image.Resampling.BOX), np.float32)


def _outlines(pixels: np.ndarray) -> np.ndarray | None:
    """How strongly it changes at each pixel, of mean 0 in each row and column, and norm 1; None for a blank one.

    Without the means a horizon, or a strip of paper, that goes through both halves is nothing they have in common.
    """
    across, down = cv2.Sobel(pixels, cv2.CV_32F, 1, 0), cv2.Sobel(pixels, cv2.CV_32F, 0, 1)
    strength = np.sqrt(np.hypot(across, down).max(2))
    strength = strength - strength.mean(0, keepdims=True) - strength.mean(1, keepdims=True) + strength.mean()
    norm = float(np.linalg.norm(strength))
    return strength / norm if norm > 1 else None  # blank ones have a rounding


def _in_common(a: Sequence[np.ndarray | None], b: Sequence[np.ndarray | None]) -> tuple[float | None, bool]:
    """By how much more A and B correlate than strangers, and whether nearly all do."""
    apart = {x.tobytes(): (x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None}
    pairs = list(apart.values())  # copies of a picture are no strangers
    if not pairs:
        return None, False
    own = np.array([float((x * y).sum()) for x, y in pairs])
    if len(pairs) == 1:
        return float(own[0]), bool(own[0] > ALONE)
    others = [[pairs[(i + step) % len(pairs)][1] for step in range(1, min(4, len(pairs)))] for i in range(len(pairs))]
    strangers = np.array([np.mean([(x * y).sum() for y in each]) for (x, _), each in zip(pairs, others, strict=True)])
    more = own - strangers
    return float(more.mean()), float((more > BEYOND).mean()) >= LINED_UP


@dataclass(frozen=True)
class Verdict:
    """What speaks for pictures being put together in one way."""

    cut: Cut
    seam: float
    """share of the pictures that have one in each place where the parts would meet"""
    parts: Together
    """of the first two parts, or of those two that have most in common"""
    fits: bool
    """whether the shape of the pictures is the one that squares would give"""

    @property
    def points(self) -> int:
        """Whether there is a seam, whether outlines are shared, and whether the parts are unlike."""
        return (self.seam >= SEEN) + self.parts.lined_up + self.parts.unlike

    @property
    def spoken_for(self) -> bool:
        """The parts themselves have to speak: a shape alone is none of it."""
        return self.points >= 2 or (self.points == 1 and self.fits)


def verdicts(seen: Sequence[Glance]) -> list[Verdict]:
    """For each way in which pictures could be put together of several, what speaks for it; the likeliest first."""
    return sorted((judged(cut, seen) for cut in CUTS), key=lambda each: (-each.points, not each.fits))


def judged(cut: Cut, seen: Sequence[Glance]) -> Verdict:
    """What speaks for pictures being put together in this way."""
    shape = float(np.median([width / height for (width, height), *_ in seen]))
    fits = bool(abs(np.log(shape / cut.proportion)) < FITS)
    seam = min(_seam(seen, box) for box in cut.boxes[1:])
    sides = [[_part(each.rgb, box) for each in seen] for box in cut.boxes]
    found = [together(*two, Kinds(), Kinds()) for two in combinations(sides, 2)]
    best = max(range(len(found)), key=lambda place: (found[place].lined_up, found[place].common or 0))
    parts, likely = found[best], seam >= SEEN or found[best].lined_up
    if likely or fits:  # else it does not matter, and takes a second
        a, b = list(combinations(sides, 2))[best]
        numbers = [each.numbers for each in seen]
        parts = replace(parts, a=kind_of(a, numbers), b=kind_of(b, numbers))
    return Verdict(cut, seam, parts, fits)


def _part(picture: Image.Image, box: Box) -> Image.Image:
    width, height = picture.size
    left, top, right, bottom = (round(share * side) for share, side in zip(box, (width, height) * 2, strict=True))
    return picture.crop((left, top, max(left + 1, right), max(top + 1, bottom)))


def _seam(seen: Sequence[Glance], box: Box) -> float:
    """The share of pictures whose strongest changes from one column, or row, to the next are where this box begins."""
    left, top, *_ = box
    has = [_changes_at(each.rgb, round(SHEET * (left or top)), transposed=not left) for each in seen]
    judged = [each for each in has if each is not None]
    return float(np.mean(judged)) if judged else 0.0


def _changes_at(picture: Image.Image, place: int, transposed: bool) -> bool | None:
    """Whether the change there is among the strongest; None where nothing changes at all."""
    pixels = np.asarray(picture.resize((SHEET, SHEET), Image.Resampling.BOX), np.float32)
    if transposed:
        pixels = pixels.transpose(1, 0, 2)
    change = np.abs(np.diff(pixels, axis=1)).max(2).mean(0)  # of SHEET - 1 columns: change[x - 1] is at x
    if change.max() < BLANK:
        return None
    here = change[place - 1 - NEAR : place + NEAR].max()
    return bool((change > here).sum() < TOP)
