"""What pictures show, as far as their colours tell: label maps (with their palette), line drawings, or others."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import cv2
import numpy as np
from PIL import Image

from pix2pix.classes import HIGHEST, UNLABELLED, are_classes, palette_of
from pix2pix.palette import CMP, Palette

FLAT = 16  # grey levels that neighbours may differ by in an area of one colour; JPEG ripples
FLAT_SHARE = 0.3  # of a label map at least
SAME, ALIKE = 16.0, 32.0  # distances of colours: labels are as many at both, photos are not
MOST_LABELS = 32
RECURRING = 0.2  # share of the pictures that have a label's colour, for half of the labels at least
DARK, LIGHT = 30, 225  # grey levels below which, and above which, all is black or white
# Shares of the flat area from which pictures of black and white are masks: white on black, and black on white, of which
# drawings in thick lines have some hundredths.
SPOTS, SHAPES = 0.01, 0.15
RARE = 0.002  # share of the flat area below which a colour is a smear
FEWEST_CLASSES = 16  # from which greys of over 63 look like the numbers of many classes
EVEN_SHARE = 0.5  # of a map of class numbers: pixels whose neighbours all have the same number

Kind = Literal["image", "edges", "labels"]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Kinds:
    """What one side of the pairs shows, as far as its colours tell."""

    kind: Kind = "image"
    palette: Palette | None = None
    numbers: tuple[int, ...] = ()
    """of the classes, where the files hold these; the palette then has a colour for each"""
    highest: int = 0
    """of what look like the numbers of more classes than are shown in colours"""


def kind_of(pictures: Sequence[Image.Image], numbers: Sequence[Set[int] | None] = ()) -> Kinds:
    """Label maps are made of areas of few colours, the same ones in all, masks of black and white ones; drawings are
    lines on white.

    `numbers`: those that each file holds, for files of one band.
    """
    if not pictures:
        return Kinds()
    if classes := class_numbers(pictures, numbers):
        return Kinds("labels", palette_of(classes), classes)
    kinds = _by_colours(pictures)
    return replace(kinds, highest=_highest(pictures, numbers)) if kinds.kind == "image" else kinds


def class_numbers(pictures: Sequence[Image.Image], numbers: Sequence[Set[int] | None]) -> tuple[int, ...]:
    """The numbers of the classes, where the files hold these; else none."""
    if not numbers or any(each is None for each in numbers):
        return ()
    every: set[int] = set().union(*(each or () for each in numbers))
    return (
        tuple(sorted(every)) if are_classes(every) and np.mean([_even(each) for each in pictures]) > EVEN_SHARE else ()
    )


def _highest(pictures: Sequence[Image.Image], numbers: Sequence[Set[int] | None]) -> int:
    """Of the numbers of many classes: areas of many greys, which anti-aliased lines are not; 0 where they are none."""
    if not numbers or any(each is None for each in numbers):
        return 0
    every: set[int] = set().union(*(each or () for each in numbers)) - {UNLABELLED}
    if len(every) < FEWEST_CLASSES or max(every) <= HIGHEST:
        return 0
    return max(every) if np.mean([_even(each, inside=True) for each in pictures]) > EVEN_SHARE else 0


def _even(picture: Image.Image, inside: bool = False) -> float:
    """The share of pixels whose 3x3 neighbours all have the very same colour; `inside`: of those that are grey."""
    pixels, square = np.asarray(picture.convert("L")), np.ones((3, 3), np.uint8)
    even = cv2.dilate(pixels, square) == cv2.erode(pixels, square)
    counted = (pixels > 0) & (pixels < 255) if inside else np.ones_like(even)
    return float(even[counted].mean()) if counted.any() else 0.0


def _by_colours(pictures: Sequence[Image.Image]) -> Kinds:
    each = [flat_colours(picture) for picture in pictures]
    if np.mean([colours.share for colours in each]) < FLAT_SHARE:
        return Kinds()
    every = np.sum([colours.counts for colours in each], axis=0)
    keys = np.flatnonzero(every)
    keys = keys[np.argsort(-every[keys], kind="stable")]
    close, far = (_merged(_unpacked(keys), every[keys], distance) for distance in (SAME, ALIKE))
    common = [colour for colour, part in close if part >= RARE]
    if not common:
        return Kinds()
    if all(min(colour) > LIGHT or max(colour) < DARK for colour in common):
        return _black_and_white(close)
    if not 3 <= len(common) <= MOST_LABELS or len(_covering(close)) != len(_covering(far)):
        return Kinds()
    if np.median(np.mean([_has(common, colours) for colours in each], axis=0)) < RECURRING:
        return Kinds()
    facade = np.array(list(CMP.values()))
    if all(np.linalg.norm(facade - colour, axis=1).min() < SAME for colour in common):
        return Kinds("labels", CMP)
    return Kinds("labels", {f"colour {index + 1}": colour for index, colour in enumerate(common)})


def _black_and_white(merged: list[tuple[Colour, float]]) -> Kinds:
    """Areas of both are a mask; of white alone, as thin lines are no areas, a drawing."""
    white = sum(part for colour, part in merged if min(colour) > LIGHT)
    if SPOTS < white < 1 - SHAPES:
        return Kinds("labels", {"black": (0, 0, 0), "white": (255, 255, 255)})
    return Kinds("edges" if white > 0.5 else "image")


def looks_drawn(picture: Image.Image) -> bool:
    """Whether a single picture is made of few plain areas, as a label map or a line drawing is."""
    colours = flat_colours(picture)
    counts = np.sort(colours.counts)[::-1]
    return bool(colours.share > 0.8 and np.count_nonzero(counts) > 1 and counts[:8].sum() > 0.98 * counts.sum())


class FlatColours(NamedTuple):
    """Of one picture."""

    counts: np.ndarray  # (64 ** 3,): pixels of each colour, of 64 levels a channel, where neighbours hardly differ
    share: float  # of all pixels


def flat_colours(picture: Image.Image) -> FlatColours:
    """How many pixels have each colour where neighbours hardly differ, and what share of all pixels these are."""
    size = (min(256, picture.width), min(256, picture.height))
    pixels = np.asarray(picture.resize(size, Image.Resampling.NEAREST))
    square = np.ones((3, 3), np.uint8)
    even = (cv2.dilate(pixels, square) - cv2.erode(pixels, square)).max(2) <= FLAT
    red, green, blue = (pixels[even] >> 2).astype(np.int32).T
    return FlatColours(np.bincount(red << 12 | green << 6 | blue, minlength=64**3), float(even.mean()))


def _unpacked(keys: np.ndarray) -> np.ndarray:
    """(N, 3) of the colours that such indices stand for."""
    return np.stack([keys >> 12, keys >> 6 & 63, keys & 63], axis=1).astype(np.float32) * 4 + 2


def _has(common: list[Colour], seen: FlatColours) -> list[bool]:
    """Whether more than a smear of the picture is near each colour."""
    keys = np.flatnonzero(seen.counts)
    colours, counts = _unpacked(keys), seen.counts[keys]
    near = [np.linalg.norm(colours - colour, axis=1) < SAME for colour in common]
    return [bool(counts[each].sum() > RARE * counts.sum()) for each in near]


def _merged(colours: np.ndarray, counts: np.ndarray, distance: float) -> list[tuple[Colour, float]]:
    """The commonest colours, each with the share of those that are near it and nearer to no commoner one."""
    merged, left, total = [], np.ones(len(colours), bool), float(counts.sum())
    while left.any() and len(merged) <= 4 * MOST_LABELS:
        first = int(left.argmax())
        near = left & (np.linalg.norm(colours - colours[first], axis=1) < distance)
        red, green, blue = np.average(colours[near], axis=0, weights=counts[near]).round().astype(int).tolist()
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
