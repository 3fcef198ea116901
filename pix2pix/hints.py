"""Colour hints: a few coloured strokes and dabs in an edge drawing, which say what colour the picture has there.

The colours lie under the lines, so a drawing without hints is just the drawing.
"""

import cv2
import numpy as np
from PIL import Image, ImageChops

SHARE = 0.5  # of the drawings of a training get hints, so that a drawing without them stays at home too
THINNEST, BROADEST = 4, 28  # pixels at 256
PAPER = 232  # of 255: lighter colours would not be seen on white paper


def hinted(drawing: Image.Image, photo: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """The drawing with one to six hints at random places, and the photo they belong to, both RGB of one size.

    Each hint is a dab or a stroke, 4 to 28 pixels wide at 256, in the median colour of the photo under it; what goes
    over the paper does not count, as people paint over the rim. Three quarters of the photos change their colours
    first, since people ask for colours that few photos have.
    """
    pixels = np.asarray(photo)
    change = rng.integers(4)
    if change:
        pixels = (_turned if change == 1 else _dyed)(pixels, rng)
    paint = np.full_like(pixels, 255)
    coloured = pixels.min(axis=2) < PAPER
    starts = np.argwhere(coloured)
    if len(starts):
        for _ in range(rng.integers(1, 7)):
            hint = _hint(starts[rng.integers(len(starts))][::-1], pixels.shape[:2], rng)
            paint[hint] = np.median(pixels[hint & coloured], axis=0)
    return ImageChops.multiply(drawing, Image.fromarray(paint)), Image.fromarray(pixels)


def _hint(start: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """The pixels of a dab or a stroke from `start` (x, y): a mask (H, W)."""
    scale = max(shape) / 256
    points, heading = [start.astype(float)], rng.uniform(0, 2 * np.pi)
    for _ in range(rng.integers(0, 8)):  # a dab takes no step
        heading += rng.normal(0, 0.5)
        points.append(points[-1] + 10 * scale * np.array([np.cos(heading), np.sin(heading)]))
    mask = np.zeros(shape, np.uint8)
    width = max(1, round(scale * THINNEST * (BROADEST / THINNEST) ** rng.random()))  # as many below 11 as above
    cv2.polylines(mask, [np.rint(points).astype(np.int32)], isClosed=False, color=1, thickness=width)
    mask[start[1], start[0]] = 1
    return mask.astype(bool)


def _turned(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photo with all hues turned and its colours made stronger or weaker; white, grey and black stay."""
    hue, saturation, value = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV))
    hue = ((hue.astype(int) + rng.integers(180)) % 180).astype(np.uint8)
    saturation = np.minimum(saturation * rng.uniform(0.7, 2.0), 255).astype(np.uint8)
    return cv2.cvtColor(cv2.merge([hue, saturation, value]), cv2.COLOR_HSV2RGB)


def _dyed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photo in shades of one colour, dark things lightened so that it shows; white stays."""
    darkest, value = pixels.min(axis=2), pixels.max(axis=2)  # of red, green and blue: only white has all three high
    levels = np.arange(256) / 255
    strength = np.rint(255 * rng.uniform(0.4, 1.0) * np.clip(8 * (0.95 - levels), 0, 1)).astype(np.uint8)
    lighter = np.rint(255 * levels ** rng.uniform(0.35, 1.0)).astype(np.uint8)
    saturation, value = cv2.LUT(darkest, strength), cv2.LUT(value, lighter)
    hue = np.full_like(value, rng.integers(180))
    return cv2.cvtColor(cv2.merge([hue, saturation, value]), cv2.COLOR_HSV2RGB)
