"""Photo -> edge drawing: thin black lines on white paper, like those a person draws.

One Canny pass over the steepest gradient of red, green, blue and "foreground" (how far a pixel is from the paper, so
that a white shoe on white has an outline too); its lines are followed, the short ones dropped, the others smoothed and
drawn by their distance, which takes any line width.

The thresholds were chosen against 58 edges2shoes drawings (HED, thinned) and their photos, so that the default has as
much ink as they have. Ink in percent of the picture, median, with lines 1 pixel wide:

                              detail 0   0.25   0.5   0.75    1     edges2shoes (10th to 90th percentile)
    the edges2shoes photos       1.4     1.5    2.2    3.0   4.8     2.3 (1.4 to 3.7)
    204 of the shoes to learn    1.1     1.4    1.9    2.7   4.0

Detail 0 is the silhouette and perhaps a line or two within it. Shadows and reflections under a sole are left out where
they fade slowly; sharp ones (the mirror image on a glossy floor) are drawn.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from PIL import Image

GRID = 256  # pixels: lines are looked for in a picture whose longer side is at most this long
SUBPIXELS = 2  # lines are drawn on a canvas this many times finer, then averaged
STRAIGHT = 0.25  # pixels of it by which a line that is given by fewer points may run beside itself
PAPER_NOISE = 12  # of 255: how far JPEG moves the pixels of a plain background
PAPER_SHARE = 0.6  # of the border pixels are plain where a product lies on paper

SHADOW_SLOPE = 45  # Sobel units: shadows fade more slowly than this, an edge of 20 in 255 does not
LIGHTEN = np.rint(255 * (np.arange(256) / 255) ** 0.6).astype(np.uint8)  # so that seams show on black leather


@dataclass(frozen=True)
class EdgeStyle:
    """How a drawing looks. The defaults come close to the edges2shoes drawings."""

    detail: float = 0.5  # 0: only the outline and a few of the strongest lines, 1: fine texture too
    line_width: float = 1.0  # pixels of the picture given (training: 256 px)

    def __post_init__(self) -> None:
        """Raises ValueError for what no drawing can have."""
        if not 0 <= self.detail <= 1:
            raise ValueError(f"detail {self.detail} is not between 0 (the outline) and 1 (fine texture)")
        if not self.line_width >= 0:
            raise ValueError(f"line_width {self.line_width} is below 0 pixels")

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        """A random style for training: detail in [0, 1), line width in [1, 3) pixels.

        Half of the details are below 0.31 and half of the widths below 1.7: people draw few lines, and thin ones.
        """
        return cls(detail=float(rng.random() ** 1.7), line_width=float(1 + 2 * rng.random() ** 1.5))


def edges(photo: Image.Image, style: EdgeStyle = EdgeStyle()) -> Image.Image:
    """The lines of `photo`, of any size and mode, as an RGB picture of the same size: black (0) on white (255).

    Raises TypeError for what is no PIL image.
    """
    pixels, scale = _looked_at(photo)
    strokes = _strokes(_gradient(pixels, style.detail), style.detail)
    distance = _distance(strokes, pixels.shape[:2])
    if scale > 1:
        distance = scale * cv2.resize(distance, photo.size, interpolation=cv2.INTER_LINEAR)
    ink = np.clip(style.line_width - 2 * distance + 0.35, 0, 1)  # the rim is half a pixel wide
    return Image.fromarray(np.rint(255 * (1 - ink)).astype(np.uint8)).convert("RGB")


def lines(photo: Image.Image, detail: float = EdgeStyle.detail) -> list[np.ndarray]:
    """The same lines as points: each (n, 2) float32 x, y from 0 to 1, of a closed walk along both sides of it."""
    pixels, _ = _looked_at(photo)
    strokes = _strokes(_gradient(pixels, detail), detail)
    if not strokes:
        return []
    height, width = pixels.shape[:2]
    ends = np.cumsum([len(stroke) for stroke in strokes])[:-1]
    walks = (cv2.approxPolyDP(walk, STRAIGHT, True)[:, 0] for walk in np.split(_smooth(strokes) + 0.5, ends))
    return [walk / np.array([width, height], np.float32) for walk in walks]


def _looked_at(photo: Image.Image) -> tuple[np.ndarray, float]:
    """Its pixels (H, W, 3) at the size at which lines are looked for, and how much larger it is."""
    if not isinstance(photo, Image.Image):
        raise TypeError(f"lines are found in a PIL image, not in a {type(photo).__name__}: open it with Image.open")
    pixels = np.asarray(photo.convert("RGB"))
    height, width = pixels.shape[:2]
    scale = max(1.0, max(height, width) / GRID)
    if scale > 1:
        small = (max(1, round(width / scale)), max(1, round(height / scale)))
        pixels = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    return pixels, scale


def _gradient(pixels: np.ndarray, detail: float) -> tuple[np.ndarray, np.ndarray]:
    """The steepest gradient of each pixel over red, green, blue and foreground: (H, W) int16 along x and along y."""
    layers = [*cv2.split(cv2.LUT(pixels, LIGHTEN)), _foreground(pixels)]
    dx, dy, steepest = (np.zeros(pixels.shape[:2], np.int16) for _ in range(3))
    for layer in layers:
        blurred = cv2.GaussianBlur(layer, (0, 0), 2.0 - detail, borderType=cv2.BORDER_REPLICATE)
        layer_dx, layer_dy = cv2.spatialGradient(blurred, borderType=cv2.BORDER_REPLICATE)
        steepness = np.abs(layer_dx) + np.abs(layer_dy)
        steeper = steepness > steepest
        for strongest, value in ((dx, layer_dx), (dy, layer_dy), (steepest, steepness)):
            np.copyto(strongest, value, where=steeper)
    return dx, dy


def border_of(pixels: np.ndarray) -> np.ndarray:
    """The outermost pixels (N, 3) of a picture (H, W, 3); where it shows a thing on paper, mostly paper."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _foreground(pixels: np.ndarray) -> np.ndarray:
    """What differs from the paper around it, (H, W) in 0..255, stretched so that a pale product stands out on white."""
    border = border_of(pixels)
    paper = np.median(border, axis=0)
    if (np.abs(border - paper).max(axis=1) < PAPER_NOISE).mean() < PAPER_SHARE:
        return np.zeros(pixels.shape[:2], np.uint8)  # a scene, not a product on plain paper
    red, green, blue = (cv2.absdiff(pixels[..., i], np.full_like(pixels[..., i], paper[i])) for i in range(3))
    difference = cv2.max(cv2.max(red, green), blue)
    return cv2.addWeighted(difference, 6, _shadow(difference), -6, -36)


def _shadow(difference: np.ndarray) -> np.ndarray:
    """How much of a product's (H, W) uint8 `difference` from the paper is its shadow or reflection on the ground.

    Those fade slowly towards the paper below: from the bottom up, the difference does not jump before the product.
    """
    smooth = cv2.GaussianBlur(difference, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
    jumps = np.abs(cv2.spatialGradient(smooth, borderType=cv2.BORDER_REPLICATE)[1]) > SHADOW_SLOPE
    rows = np.arange(len(jumps))[:, None]
    sole = np.where(jumps, rows, -1).max(axis=0, keepdims=True).astype(np.float32)
    # Columns where a pale sole makes no jump take the sole of the columns beside them.
    sole = cv2.erode(cv2.dilate(sole, np.ones((1, 49))), np.ones((1, 41)))
    return np.where(rows > sole + 2, difference, 0).astype(np.uint8)


def _strokes(gradient: tuple[np.ndarray, np.ndarray], detail: float) -> list[np.ndarray]:
    """The lines worth drawing: closed walks along both sides of each, (n, 2) int32 points x, y."""
    strong = 270 - 180 * detail**1.3
    # In a photo without strong contrasts the strongest lines are those above its own.
    contrast = np.quantile(np.hypot(*(slope[::4, ::4] for slope in gradient)), 0.99)
    strong *= np.clip(contrast / 300, 0.3, 1)
    lines = cv2.Canny(*gradient, 0.4 * strong, strong, L2gradient=True)
    walks, _ = cv2.findContours(lines, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    shortest = 2 * (36 - 28 * detail)  # a walk goes along its line and back
    return [walk[:, 0] for walk in walks if len(walk) >= shortest]


def _distance(strokes: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """The distance of each pixel to the nearest stroke, (H, W) float32 in pixels."""
    height, width = shape
    paper = np.full((height * SUBPIXELS, width * SUBPIXELS), 255, np.uint8)
    if not strokes:
        return np.full((height, width), GRID, np.float32)
    points = _smooth(strokes)
    fine = np.rint(((points + 0.5) * SUBPIXELS - 0.5) * 16).astype(np.int32)
    ends = np.cumsum([len(stroke) for stroke in strokes])[:-1]
    cv2.polylines(paper, np.split(fine, ends), True, 0, shift=4)
    distance = cv2.distanceTransform(paper, cv2.DIST_L2, cv2.DIST_MASK_5) / SUBPIXELS
    return cv2.resize(distance, (width, height), interpolation=cv2.INTER_AREA)


def _smooth(strokes: list[np.ndarray], rounds: int = 4) -> np.ndarray:
    """All points of all closed walks, (n, 2) float, each averaged with its neighbours a few times."""
    lengths = np.array([len(stroke) for stroke in strokes], dtype=np.intp)
    starts = np.cumsum(lengths) - lengths
    following = np.arange(1, lengths.sum() + 1)
    before = following - 2
    following[starts + lengths - 1] = starts
    before[starts] = starts + lengths - 1
    points = np.concatenate(strokes).astype(np.float32)
    for _ in range(rounds):
        points = points / 2 + (points[before] + points[following]) / 4
    return points
