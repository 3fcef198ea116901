"""Photos as people draw: moved, turned and made smaller, or with a gap between two parts of a thing."""

from typing import NamedTuple

import cv2
import numpy as np

from pix2pix.edges import border_of

AFFINE_SHARE, SMALLEST, TURN = 0.5, 0.6, 12.0  # how many of the photos are moved, to what size, by how many degrees
GAP_SHARE = 0.2  # of the photos that may be moved get a gap
PAPER_TOLERANCE = 24  # of 255: what differs more from the paper of a photo is no paper


class Crop(NamedTuple):
    """The square of a picture that is seen, in pixels."""

    top: int
    left: int
    size: int
    mirrored: bool

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """From (H, W, 3)."""
        square = pixels[self.top : self.top + self.size, self.left : self.left + self.size]
        return np.ascontiguousarray(square[:, :: -1 if self.mirrored else 1])


def affine(pixels: np.ndarray, crop: Crop, rng: np.random.Generator) -> np.ndarray:
    """The whole photo (H, W, 3) on a square of the crop's size: smaller, turned, and as far aside as it may go.

    What was outside of the photo is as its rim: the plain paper of a product photo goes on.
    """
    (height, width), scale = pixels.shape[:2], rng.uniform(SMALLEST, 1) * crop.size / max(pixels.shape)
    to_place = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), rng.uniform(-TURN, TURN), scale)
    room = (crop.size - scale * max(height, width)) / 2
    aside = rng.uniform(-room, room, 2)
    to_place[:, 2] += (crop.size - width) / 2 + aside[0], (crop.size - height) / 2 + aside[1]
    size = (crop.size, crop.size)
    placed = cv2.warpAffine(pixels, to_place, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(placed[:, :: -1 if crop.mirrored else 1])


def with_gap(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photo (H, W, 3) with a wedge of its paper that enters the thing on it from below, as between heel and sole.

    So what is between two parts of a drawing is learned to be paper where it is open, of which few photos tell. Each
    side of the wedge may have a rim of some grey, like a sole or a heel that is drawn with two lines.
    """
    paper = np.median(border_of(pixels), axis=0)
    thing = np.abs(pixels - paper).max(axis=2) > PAPER_TOLERANCE
    ys, xs = np.nonzero(thing)
    if not len(ys):
        return pixels
    (top, bottom), (left, right) = np.percentile(ys, (2, 98)), np.percentile(xs, (2, 98))
    width, height = right - left, bottom - top
    middle, half = rng.uniform(left + 0.25 * width, right - 0.25 * width), rng.uniform(0.06, 0.25) * width
    apex = middle + rng.uniform(-1, 1) * half, bottom - rng.uniform(0.25, 0.85) * height
    feet = [(middle + side * half, bottom + 0.1 * height) for side in (-1, 1)]
    sides = [np.rint(_bow(foot, apex, rng.normal(0, 0.08))).astype(np.int32) for foot in feet]
    seen = pixels.copy()
    for side in sides:
        if rng.random() < 0.5:
            rim, width = np.zeros(thing.shape, np.uint8), max(2, round(rng.uniform(0.06, 0.2) * height))
            cv2.polylines(rim, [side], isClosed=False, color=1, thickness=width)
            seen[rim.astype(bool) & thing] = rng.integers(20, 200)
    cv2.fillPoly(seen, [np.concatenate([sides[0], sides[1][::-1]])], paper.tolist(), lineType=cv2.LINE_AA)
    return seen


def _bow(start: tuple[float, float], end: tuple[float, float], bend: float) -> np.ndarray:
    """Points (16, 2) of a curve that leaves the straight line by that share of its length."""
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    along = np.linspace(0, 1, 16)
    aside = bend * 4 * along * (1 - along)
    return np.stack([x + along * dx - aside * dy, y + along * dy + aside * dx], axis=1)
