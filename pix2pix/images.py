"""Pictures in and out: reading any image file right, uint8 <-> [-1, 1], and the A / B / fake picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
GAP = 4  # pixels of white between the pictures of a grid


def read(source: str | Path | BinaryIO) -> Image.Image:
    """An image file as upright 8-bit RGB, whatever it was: see `to_rgb`.

    Raises OSError when it is missing, no image, broken or truncated.
    """
    try:
        with Image.open(source) as picture:
            return to_rgb(picture)
    except OSError:
        raise
    except Exception as error:  # decoders raise anything at all on broken data
        raise OSError(f"cannot be decoded: {error}") from error


def to_rgb(picture: Image.Image) -> Image.Image:
    """Upright 8-bit RGB: EXIF rotation applied, transparency laid on white, 16 bits scaled to 8, CMYK converted."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):
        picture = _sixteen_to_eight(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


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
    pixels = np.array(picture)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return scale(torch.from_numpy(pixels).permute(2, 0, 1))


def scale(pixels: Tensor) -> Tensor:
    """uint8 in [0, 255] -> float32 in [-1, 1], the range of tanh."""
    return pixels.float().div_(127.5).sub_(1)


def to_picture(image: Tensor) -> Image.Image:
    """(C, H, W) in [-1, 1], C = 1 or 3 -> picture; values outside are clipped."""
    pixels = unscale(image).permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def unscale(image: Tensor) -> Tensor:
    """float in [-1, 1] -> uint8 in [0, 255], rounded to nearest; values outside are clipped."""
    return image.detach().float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def grid(rows: Sequence[Sequence[Tensor]]) -> Image.Image:
    """The A / B / fake picture (the original's showX): each row a sequence of (C, H, W) images in [-1, 1].

    All images have one size; rows may differ in length, and grey images stand beside coloured ones.
    """
    pictures = [[to_picture(image).convert("RGB") for image in row] for row in rows]
    width, height = pictures[0][0].size
    columns = max(len(row) for row in pictures)
    sheet = Image.new("RGB", (columns * (width + GAP) - GAP, len(rows) * (height + GAP) - GAP), "white")
    for y, row in enumerate(pictures):
        for x, picture in enumerate(row):
            sheet.paste(picture, (x * (width + GAP), y * (height + GAP)))
    return sheet
