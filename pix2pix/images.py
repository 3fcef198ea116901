"""Pictures in and out: reading any image file right, uint8 <-> [-1, 1], and the A / B / fake picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps

from pix2pix.classes import coloured
from pix2pix.formats import MOST_PIXELS, TooLargeError, opened, why_not
from pix2pix.palette import Palette
from pix2pix.scales import Scale, shallow

if TYPE_CHECKING:  # looking through a folder should not wait for it
    from torch import Tensor

GAP = 4  # pixels of white between the pictures of a grid
SEEN_THROUGH = 0.5  # share of the pixels of real transparency that are wholly clear, or not at all


def read(
    source: str | Path | BinaryIO,
    most: int = MOST_PIXELS,
    *,
    scale: Scale | None = None,
    classes: Palette | None = None,
) -> Image.Image:
    """An image file as upright 8-bit RGB, whatever it was: see `to_rgb`.

    Raises OSError, with the reason, when it is missing, no image that is read, broken, truncated, or has more than
    `most` pixels.
    """
    return to_rgb(load(source, most), scale, classes)


def load(source: str | Path | BinaryIO, most: int = MOST_PIXELS) -> Image.Image:
    """An image file as it is, but upright, and without a fourth band that is no transparency. Raises OSError."""
    try:
        with opened(source, most) as picture:
            picture.load()
            if has_fourth_band(picture):
                return picture.convert("RGB")
            return ImageOps.exif_transpose(picture) if orientation(picture) != 1 else picture.copy()
    except (FileNotFoundError, PermissionError, TooLargeError):
        raise
    except Exception as error:  # decoders raise anything at all on broken data
        raise OSError(why_not(source, error)) from error


def to_rgb(picture: Image.Image, scale: Scale | None = None, classes: Palette | None = None) -> Image.Image:
    """Upright 8-bit RGB: EXIF rotation applied, transparency laid on white, CMYK converted.

    scale:   that of the values of grey pictures of over 8 bits; None: the one that this picture alone suggests
    classes: a palette with numbers (see pix2pix.classes), in which pictures that hold such numbers are coloured
    """
    is_band = has_fourth_band(picture)
    if orientation(picture) != 1:
        picture = ImageOps.exif_transpose(picture)
    if classes and (labels := coloured(picture, classes)):
        return labels
    picture = shallow(picture, scale)
    if picture.has_transparency_data and not is_band:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def has_fourth_band(picture: Image.Image) -> bool:
    """Whether a TIFF says of a fourth band that it is transparency, and it is none: near infrared, say.

    Transparency is all or nothing in most pixels.
    """
    if picture.format != "TIFF" or picture.mode != "RGBA":
        return False
    counts = picture.getchannel("A").histogram()
    return counts[0] + counts[255] < SEEN_THROUGH * sum(counts)


def orientation(picture: Image.Image) -> int:
    """How EXIF says the picture is turned: 1 is upright, from 5 on it lies on a side; 1 where the EXIF is damaged."""
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # the picture itself may be whole
        return 1


def to_tensor(picture: Image.Image) -> "Tensor":
    """RGB or grey picture -> float32 (3 or 1, H, W) in [-1, 1]."""
    import torch

    pixels = np.asarray(picture)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    # numpy: torch's threads would go on spinning for a while, beside those of another runtime that comes next.
    values = np.array(pixels.transpose(2, 0, 1), np.float32, order="C")
    values /= np.float32(127.5)  # in place: a picture of 12 million pixels takes 144 MB as it is
    values -= np.float32(1)
    return torch.from_numpy(values)


def scale(pixels: "Tensor") -> "Tensor":
    """uint8 in [0, 255] -> float32 in [-1, 1], the range of tanh."""
    return pixels.float().div_(127.5).sub_(1)


def to_picture(image: "Tensor") -> Image.Image:
    """(C, H, W) in [-1, 1], C = 1 or 3 -> picture; values outside are clipped."""
    bands = [Image.fromarray(band) for band in unscale(image)]
    return bands[0] if len(bands) == 1 else Image.merge("RGB", bands)


def unscale(image: "Tensor") -> np.ndarray:
    """float in [-1, 1] -> uint8 in [0, 255], rounded to nearest; values outside are clipped."""
    values = image.detach().float().cpu().numpy() + np.float32(1)
    values *= np.float32(127.5)
    return np.rint(values, out=values).clip(0, 255, out=values).astype(np.uint8)


def grid(rows: Sequence[Sequence["Tensor"]]) -> Image.Image:
    """The A / B / fake picture (the original's showX): rows of images (C, H, W) in [-1, 1], as many in each row.

    All have one height and width; grey ones (C = 1) may stand beside coloured ones.
    """
    from torchvision.utils import make_grid  # takes a second to import, which translating need not wait for

    cells = [image.detach().float().cpu().expand(3, -1, -1) for row in rows for image in row]
    if len(cells) == 1:  # which make_grid gives no border
        return to_picture(cells[0])
    sheet = make_grid(cells, nrow=len(rows[0]), padding=GAP, pad_value=1.0)
    return to_picture(sheet[:, GAP:-GAP, GAP:-GAP])
