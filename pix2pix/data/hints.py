"""Colour hints: colours under the lines of an edge drawing, which say what colour the picture has there.

Strokes, dabs, filled parts, or the whole inside; a drawing without hints is just the drawing. Their rims are soft: the
network's first skip connection passes on whatever is sharp, and the picture would show where a hint ends.

A photo of what is neither grey nor brown always has hints. A network gives a drawing without them the mean of all that
it may be: of blue and red and brown things of one shape that is brown with stains. A drawing that has colours already,
as somebody's own, gets no others.
"""

import cv2
import numpy as np
from PIL import Image, ImageChops

SHARE = 0.5  # of the drawings of a training get hints, so that a drawing without them stays at home too
FILLS, INSIDES = 0.2, 0.2  # of those, parts that are filled, and the whole inside; the others have strokes and dabs
THINNEST, BROADEST = 4, 28  # pixels at 256
SMALLEST_FILL = 60  # pixels at 256 x 256
SOFTNESS = 4.0  # pixels at 256: sigma of the blur of a hint's rim
REACH = 12  # pixels at 256 that the blur looks to each side
OPAQUE = 1 / 3  # of what is around a place has a colour where a hint is opaque; from there it fades
PAPER = 232  # of 255: lighter colours would not be seen on white paper
GREY, BRIGHT = 16.0, 55.0  # chroma in CIELAB: below the first is grey; from the second on too bright for brown
VIVID = 0.1  # share of a thing that is of another colour than these
OF_ITS_OWN = 64  # of 255 between red, green and blue: more is a colour, and no trace of JPEG beside a line
LINE = 128  # of 255: darker pixels of a drawing are line


def hinted(drawing: Image.Image, photo: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """The drawing with hints, and the photo they belong to, both RGB of one size.

    Either one to six dabs and strokes at random places, 4 to 28 pixels wide at 256, or up to three parts of the drawing
    that are filled, or the inside of the thing but for a margin. Each has the median colour of the photo under it; what
    goes over the paper does not count, as people paint over the rim. Three quarters of the photos change their colours
    first, since people ask for colours that few photos have.
    """
    pixels = np.asarray(photo)
    change = rng.integers(4)
    if change:
        pixels = (_turned if change == 1 else _dyed)(pixels, rng)
    coloured = pixels.min(axis=2) < PAPER
    colours, coverage = np.zeros_like(pixels), np.zeros(coloured.shape, bool)
    for hint in _hints(np.asarray(drawing.convert("L")), coloured, rng):
        colours[hint] = np.median(pixels[hint & coloured], axis=0)
        coverage |= hint
    layer = Image.fromarray(softened(colours, coverage))
    return ImageChops.multiply(drawing, layer), Image.fromarray(pixels)


def is_vivid(photo: Image.Image) -> bool:
    """Whether over a tenth of the thing on a photo (RGB) is neither grey nor brown."""
    pixels = np.asarray(photo)
    thing = pixels[pixels.min(axis=2) < PAPER].astype(np.float32) / 255
    if not len(thing):
        return False
    _, a, b = cv2.cvtColor(thing[None], cv2.COLOR_RGB2LAB)[0].T
    chroma = np.hypot(a, b)
    brown = (chroma < BRIGHT) & (b > 0.7 * a) & (a > -0.25 * b)  # by hue from mahogany to sand
    return float(((chroma > GREY) & ~brown).mean()) > VIVID


def has_colours(drawing: Image.Image) -> bool:
    """Whether anything on a drawing (RGB) is neither black nor white nor grey."""
    pixels = np.asarray(drawing)
    return bool((pixels.max(axis=2) - pixels.min(axis=2) > OF_ITS_OWN).any())


def softened(colours: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """The layer of colours that lies under the lines, (H, W, 3) uint8, white where there is no hint.

    colours:  (H, W, 3) uint8
    coverage: (H, W), how much of each pixel has a colour, from 0 to 1

    Both are blurred. A colour is the mean of the colours around it, each counted by its coverage; it is opaque where
    a third of what is around it has a colour, and fades from there, so that a thin stroke is as strong as a broad one.
    The page does the same (`soften` in page/hints.js), and a test holds both to each other.
    """
    scale = max(coverage.shape) / 256
    reach = max(1, round(REACH * scale))
    covered = coverage.astype(np.float32)[..., None]
    both = np.concatenate([colours.astype(np.float32) * covered, covered], axis=2)
    side = 2 * reach + 1
    blurred = cv2.GaussianBlur(both, (side, side), SOFTNESS * scale, borderType=cv2.BORDER_REPLICATE)
    weight = blurred[..., 3:]
    mean = blurred[..., :3] / np.maximum(weight, 1e-6)
    opacity = np.minimum(weight / OPAQUE, 1)
    return np.rint(255 + opacity * (mean - 255)).astype(np.uint8)


def _hints(drawn: np.ndarray, coloured: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Masks (H, W), each with something coloured in it."""
    kind = rng.random()
    if kind < FILLS:
        hints = _fills(drawn, coloured, rng)
    elif kind < FILLS + INSIDES:
        hints = _inside(coloured, rng)
    else:
        hints = []
    if hints:
        return hints
    starts = np.argwhere(coloured)
    count = rng.integers(1, 7) if len(starts) else 0
    scale = max(coloured.shape) / 256
    return [
        random_stroke(
            starts[rng.integers(len(starts))][::-1], coloured.shape, rng,
            steps=8, step=10 * scale, turn=0.5, widths=(THINNEST * scale, BROADEST * scale),
        )
        for _ in range(count)
    ]  # fmt: skip


def _fills(drawn: np.ndarray, coloured: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Up to three parts of the drawing that lines enclose, mostly within the thing."""
    count, parts, boxes, _ = cv2.connectedComponentsWithStats((drawn >= LINE).astype(np.uint8), connectivity=4)
    smallest = SMALLEST_FILL * drawn.size / 256**2
    sizes = boxes[:, cv2.CC_STAT_AREA]
    within = np.bincount(parts[coloured], minlength=count) / np.maximum(sizes, 1)
    fit = [part for part in range(1, count) if sizes[part] >= smallest and within[part] > 0.5]
    if not fit:
        return []
    some = rng.choice(fit, size=min(len(fit), rng.integers(1, 4)), replace=False)
    return [parts == part for part in some]


def _inside(coloured: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """The largest thing, holes filled, but for a margin of 10 to 60 % of its half thickness."""
    outlines, _ = cv2.findContours(coloured.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return []
    thing = np.zeros(coloured.shape, np.uint8)
    cv2.drawContours(thing, [max(outlines, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    depth = cv2.distanceTransform(thing, cv2.DIST_L2, cv2.DIST_MASK_5)
    inside = depth > rng.uniform(0.1, 0.6) * depth.max()
    return [inside] if (inside & coloured).any() else []


def random_stroke(
    start: np.ndarray,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    *,
    steps: int,
    step: float,
    turn: float,
    widths: tuple[float, float],
) -> np.ndarray:
    """A dab, or a stroke that wanders from `start` (x, y): a mask (H, W) of its pixels.

    steps:  fewer than so many, of `step` pixels each; a dab takes none
    turn:   by which the heading changes with each step, in radians: sigma of a normal distribution
    widths: of the thinnest and the broadest, in pixels, evenly spread by their logarithm
    """
    points, heading = [start.astype(float)], rng.uniform(0, 2 * np.pi)
    for _ in range(rng.integers(0, steps)):
        heading += rng.normal(0, turn)
        points.append(points[-1] + step * np.array([np.cos(heading), np.sin(heading)]))
    mask = np.zeros(shape, np.uint8)
    thinnest, broadest = widths
    width = max(1, round(thinnest * (broadest / thinnest) ** rng.random()))
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
