"""Label maps: pictures in which each colour means a class. Snapping makes a smeared one flat again."""

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageFilter

Palette = Mapping[str, tuple[int, int, int]]

# The 12 classes of the CMP Facade Database, in the colours that the pix2pix facades have (medians over the JPEGs).
CMP: Palette = {
    "background": (0, 0, 222),
    "facade": (0, 48, 255),
    "window": (2, 127, 255),
    "door": (1, 207, 255),
    "cornice": (34, 254, 226),
    "sill": (112, 253, 146),
    "balcony": (192, 255, 63),
    "blind": (253, 240, 6),
    "deco": (255, 159, 2),
    "molding": (253, 80, 1),
    "pillar": (248, 2, 3),
    "shop": (174, 0, 1),
}
PALETTES: Mapping[str, Palette] = {"cmp": CMP}


def snap(picture: Image.Image, palette: Palette) -> Image.Image:
    """RGB picture, same size, in which each pixel has exactly one of the palette's colours, the nearest.

    Where JPEG smears the border between two classes, the colours between them belong to classes that are not there:
    a majority vote of each pixel's 3x3 neighbours removes those lines.
    """
    colours = np.array(list(palette.values()), np.uint8)
    pixels = np.asarray(picture.convert("RGB"))
    exact = (pixels[:, :, None] == colours).all(axis=3)
    if exact.any(axis=2).all():  # drawn with the palette: nothing to repair, keep every line
        return picture.convert("RGB")
    distance = ((pixels[:, :, None].astype(np.int32) - colours) ** 2).sum(axis=3)  # (H, W, classes)
    classes = Image.fromarray(distance.argmin(axis=2).astype(np.uint8)).filter(ImageFilter.ModeFilter(3))
    return Image.fromarray(colours[np.asarray(classes)])
