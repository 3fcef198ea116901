"""Inputs that are unlike what a generator learned from: said in one sentence, and the picture is still made."""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

from pix2pix.palette import FAR, MOST_HINTS, STRANGE, Palette, is_strange
from pix2pix.scales import shallow

LOOKED_AT = 256  # pixels a side at most
DARK, LIGHT = 64, 192  # grey levels up to which a pixel is ink, and from which it is paper
SHEET = 0.5  # share of a drawing that is paper; hints and filled parts take the rest
CLEAR = 0.5  # share of a transparent sheet that is wholly so
PLAIN = 3.0  # standard deviation of the grey levels of an empty sheet
PAPER, RIM, AREA = 244, 2, 0.02  # a photo has an inside, away from paper by some pixels, of that share at least
TEXTURE, LINE = 2.0, 64.0  # grey levels by which neighbours bend in a texture, and at a line
SOFT_HINT = 7.0  # by which they bend at the soft rim of a colour hint, at most; many textures bend more
TEXTURED = 0.3  # share of the pixels of a photo that do
THICK = 3.0  # times the width of the lines that it learned
DENSE = 0.2  # share of the sheet that is lines; of the drawings of a training some hundredths are
THINNEST = 2.0  # pixels at 256 that count as the width of thin lines
WIDEST = 48.0  # pixels at 256, beyond which a dark part is no line but the inside of a thing, as hints may be
FEW_LINES = 0.002  # share of the sheet that is thin lines up to which there are none; below hints there are some


class Drawing(NamedTuple):
    """What there is to say of a picture for a generator of drawings."""

    picture: Image.Image  # RGB, laid on the colour that shows its strokes
    remark: str  # empty where all is well
    is_inverted: bool  # light lines on dark


def remark_on(
    picture: Image.Image, kind: str, palette: Palette | None = None, line_width: float = 1.0, hints: bool = False
) -> str:
    """One sentence on a picture that is unlike what a generator takes; empty where all is well.

    kind: what it takes (edges, labels, photo, image); `line_width` is that of its drawings, in pixels at 256;
    hints: whether these may have coloured strokes, which can be dark, or label maps parts in other colours
    """
    if palette:
        if is_strange(picture, palette, hints):
            return NO_LABELS.format(count=len(palette))
        return ""
    if kind == "edges":
        return as_drawing(picture, line_width, hints).remark
    grey = np.asarray(_small(on_sheet(picture)).convert("L"))
    return EMPTY if grey.std() < PLAIN else ""


def bounds_and_words() -> dict[str, float | str]:
    """By which the page of one file makes the same remarks (page/offline/remark.js)."""
    names = ("LOOKED_AT", "DARK", "LIGHT", "SHEET", "PLAIN", "PAPER", "RIM", "AREA", "TEXTURE", "LINE", "SOFT_HINT",
             "TEXTURED", "THICK", "DENSE", "THINNEST", "WIDEST", "FEW_LINES",
             "EMPTY", "INVERTED", "PHOTO", "NO_LABELS", "THICK_LINES", "DENSE_LINES")  # fmt: skip
    return {name: globals()[name] for name in names} | {"FAR": FAR, "STRANGE": STRANGE, "MOST_HINTS": MOST_HINTS}


EMPTY = "This is an empty sheet: what comes of it is made up."
INVERTED = "These are light lines on a dark ground, and the generator learned dark lines on white: invert it."
PHOTO = "This looks like a photo, and the generator takes line drawings: let edges be made of it first."
NO_LABELS = (
    "Most of its colours are far from the {count} label colours that this generator takes: each was taken for the "
    "nearest of them."
)
THICK_LINES = (
    "Its lines are about {width} pixels wide, of {of}, and the generator learned lines of {learned}: thinner ones will "
    "do better."
)
DENSE_LINES = (
    "Its lines are far denser than those of the drawings that the generator learned from: fewer will do better."
)


def as_drawing(picture: Image.Image, line_width: float = 1.0, hints: bool = False) -> Drawing:
    """A picture laid on the colour that shows its strokes, and what is unlike about it for a generator of drawings."""
    rgb = on_sheet(picture)
    pixels = np.asarray(_small(rgb), np.int16)
    grey = np.asarray(_small(rgb).convert("L"))
    paper, ink = float((grey >= LIGHT).mean()), float((grey <= DARK).mean())
    if grey.std() < PLAIN:
        return Drawing(rgb, EMPTY, is_inverted=False)
    if ink > SHEET and paper < ink:
        return Drawing(rgb, INVERTED, is_inverted=True)
    if _is_photo(pixels, SOFT_HINT if hints else TEXTURE):
        return Drawing(rgb, PHOTO, is_inverted=False)
    return Drawing(rgb, _about_lines(grey, pixels, line_width, hints), is_inverted=False)


def inverted(picture: Image.Image) -> Image.Image:
    """Light lines on a dark ground, or on a transparent sheet, as dark lines on a light one; others as they are."""
    drawing = as_drawing(picture)
    return ImageOps.invert(drawing.picture) if drawing.is_inverted else drawing.picture


def on_sheet(picture: Image.Image) -> Image.Image:
    """RGB; light strokes on a transparent sheet are laid on black, where they can be seen, and all else on white."""
    picture = shallow(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    red, green, blue, alpha = (np.asarray(band, np.float32) for band in picture.split())
    strokes = alpha > 0
    light = bool(strokes.any()) and float(np.average((red + green + blue)[strokes] / 3, weights=alpha[strokes])) > LIGHT
    sheet = "black" if light and (alpha == 0).mean() > CLEAR else "white"
    return Image.alpha_composite(Image.new("RGBA", picture.size, sheet), picture).convert("RGB")


def _small(picture: Image.Image) -> Image.Image:
    scale = min(1.0, LOOKED_AT / max(picture.size))
    size = max(1, round(scale * picture.width)), max(1, round(scale * picture.height))
    return picture.resize(size, Image.Resampling.BOX) if scale < 1 else picture


def _is_photo(pixels: np.ndarray, texture: float) -> bool:
    """Texture inside of what is no paper, which lines and the even colours of hints and filled parts have not."""
    thrice = pixels.astype(np.float32).sum(2)  # the grey levels, and exact, so that the page of one file finds the same
    bend, square = np.abs(cv2.Laplacian(thrice, cv2.CV_32F)) / 3, np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    inside = cv2.erode((pixels.min(2) < PAPER).astype(np.uint8), square) > 0
    inside &= cv2.dilate((bend > LINE).astype(np.uint8), square) == 0  # away from lines as well
    return inside.mean() >= AREA and float((bend[inside] > texture).mean()) > TEXTURED


def _about_lines(grey: np.ndarray, pixels: np.ndarray, line_width: float, hints: bool) -> str:
    """Far thicker or denser lines than those that it learned. Dark hints may be of any width, but lie below lines."""
    coloured = (pixels.max(2) - pixels.min(2)) > DARK  # hints are no lines
    lines = ((grey < (DARK + LIGHT) / 2) & ~coloured).astype(np.uint8)
    if not lines.any():
        return ""
    depth = cv2.distanceTransform(np.pad(lines, 1), cv2.DIST_L2, 3)
    width = 2 * float(np.percentile(depth[depth > 0], 95)) - 1
    widest = THICK * max(THINNEST, line_width)
    thin = _away_from(depth[1:-1, 1:-1] > (widest + 1) / 2, int(widest)) & (lines > 0)
    if width > widest and not (hints and (width > WIDEST or thin.mean() > FEW_LINES)):
        return THICK_LINES.format(width=f"{width:.0f}", of=LOOKED_AT, learned=f"{line_width:.3g}")
    if (thin if hints else lines).mean() > DENSE:
        return DENSE_LINES
    return ""


def _away_from(places: np.ndarray, by: int) -> np.ndarray:
    """Where none of these places is within so many pixels."""
    return cv2.dilate(places.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) == 0
