"""Pictures in and out: reading any image file right, uint8 <-> [-1, 1], and the A / B / fake picture."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps
from torch import Tensor

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")  # others are not read: some run programs of the machine
MOST_PIXELS = 64_000_000  # of a file that is read: each takes up to 28 bytes on the way to RGB
GAP = 4  # pixels of white between the pictures of a grid


class TooLargeError(OSError):
    """A picture of more pixels than are read."""


def read(source: str | Path | BinaryIO, most: int = MOST_PIXELS) -> Image.Image:
    """An image file as upright 8-bit RGB, whatever it was: see `to_rgb`.

    Raises OSError when it is missing, no image, broken, truncated, or has more than `most` pixels.
    """
    try:
        with opened(source, most) as picture:
            return to_rgb(picture)
    except OSError:
        raise
    except Exception as error:  # decoders raise anything at all on broken data
        raise OSError(f"cannot be decoded: {error or type(error).__name__}") from error


@contextmanager
def opened(source: str | Path | BinaryIO, most: int = MOST_PIXELS) -> Iterator[Image.Image]:
    """An image file of which only the header was read so far.

    Raises OSError when it is missing, no image, or has more than `most` pixels.
    """
    try:
        picture = Image.open(source, formats=FORMATS)
    except Image.DecompressionBombError:
        raise TooLargeError(f"it has far more than {most / 1e6:.3g} million pixels") from None
    with picture:
        width, height = picture.size
        if width * height > most:
            raise TooLargeError(f"{width} x {height} pixels are too many: at most {most / 1e6:.3g} million are read")
        yield picture


def to_rgb(picture: Image.Image) -> Image.Image:
    """Upright 8-bit RGB: EXIF rotation applied, transparency laid on white, 16 bits scaled to 8, CMYK converted."""
    if orientation(picture) != 1:
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):
        picture = _sixteen_to_eight(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def orientation(picture: Image.Image) -> int:
    """How EXIF says the picture is turned: 1 is upright, from 5 on it lies on a side; 1 where the EXIF is damaged."""
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # the picture itself may be whole
        return 1


def _sixteen_to_eight(picture: Image.Image) -> Image.Image:
    """PIL clips 16-bit grey at 255 when converting, which turns most such pictures white; scale instead."""
    values = np.asarray(picture, np.float64)
    if picture.mode == "F" and values.max(initial=0) <= 1:
        values = values * 255
    elif values.max(initial=0) > 255 or picture.mode.startswith("I;16"):
        values = values / 257
    return Image.fromarray(values.clip(0, 255).round().astype(np.uint8))


def to_tensor(picture: Image.Image) -> Tensor:
    """RGB or grey picture -> float32 (3 or 1, H, W) in [-1, 1]."""
    pixels = np.asarray(picture)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    # numpy: torch's threads would go on spinning for a while, beside those of another runtime that comes next.
    values = np.array(pixels.transpose(2, 0, 1), np.float32, order="C")
    values /= np.float32(127.5)  # in place: a picture of 12 million pixels takes 144 MB as it is
    values -= np.float32(1)
    return torch.from_numpy(values)


def scale(pixels: Tensor) -> Tensor:
    """uint8 in [0, 255] -> float32 in [-1, 1], the range of tanh."""
    return pixels.float().div_(127.5).sub_(1)


def to_picture(image: Tensor) -> Image.Image:
    """(C, H, W) in [-1, 1], C = 1 or 3 -> picture; values outside are clipped."""
    pixels = unscale(image).transpose(1, 2, 0)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def unscale(image: Tensor) -> np.ndarray:
    """float in [-1, 1] -> uint8 in [0, 255], rounded to nearest; values outside are clipped."""
    values = image.detach().float().cpu().numpy() + np.float32(1)
    values *= np.float32(127.5)
    return np.rint(values, out=values).clip(0, 255, out=values).astype(np.uint8)


def grid(rows: Sequence[Sequence[Tensor]]) -> Image.Image:
    """The A / B / fake picture (the original's showX): rows of images (C, H, W) in [-1, 1], as many in each row.

    All have one height and width; grey ones (C = 1) may stand beside coloured ones.
    """
    from torchvision.utils import make_grid  # takes a second to import, which translating need not wait for

    cells = [image.detach().float().cpu().expand(3, -1, -1) for row in rows for image in row]
    if len(cells) == 1:  # which make_grid gives no border
        return to_picture(cells[0])
    sheet = make_grid(cells, nrow=len(rows[0]), padding=GAP, pad_value=1.0)
    return to_picture(sheet[:, GAP:-GAP, GAP:-GAP])


def halves(picture: Image.Image) -> list[Image.Image]:
    """The left and the right one of a side-by-side picture."""
    half, height = picture.width // 2, picture.height
    return [picture.crop((0, 0, half, height)), picture.crop((half, 0, 2 * half, height))]
