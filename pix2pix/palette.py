"""Label maps: pictures in which each colour means a class. Snapping makes a smeared one flat again."""

from collections.abc import Mapping

import cv2
import numpy as np
from PIL import Image

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

FAR = 64.0  # from a colour of the palette, as red, green and blue go from 0 to 255
STRANGE = 0.6  # share of far pixels; the JPEGs of the pix2pix facades have up to 0.3, photos of houses over 0.99
MOST_HINTS = 100  # colours of the hints in a map; photos have more
LOOKED_AT = 256  # pixels a side at most


def chosen(text: str) -> Palette | None:
    """The palette that a setting means: none, a name of PALETTES, or colours such as `wall=#0030ff,#027fff`.

    Raises ValueError for anything else.
    """
    if text == "none" or text in PALETTES:
        return PALETTES.get(text)
    palette: dict[str, tuple[int, int, int]] = {}
    for part in text.split(","):
        name, _, colour = part.strip().rpartition("=")
        if not colour.startswith("#") or len(colour) != 7:
            raise ValueError(f"the palette's {part!r} is not of the form #rrggbb or name=#rrggbb")
        red, green, blue = bytes.fromhex(colour[1:])
        palette[name.strip() or f"colour {len(palette) + 1}"] = (red, green, blue)
    return palette


def listed(palette: Palette | None) -> str:
    """The setting that means it."""
    known = next((name for name, each in PALETTES.items() if each is palette), None)
    if known or not palette:
        return known or "none"
    return ",".join(f"{name}=#{bytes(colour).hex()}" for name, colour in palette.items())


def is_strange(picture: Image.Image, palette: Palette, hints: bool = False) -> bool:
    """Whether the picture can hardly be a label map in these colours, however smeared: a photo, say.

    hints: a map that was drawn with the palette may be full of hints
    """
    picture = picture.convert("RGB")
    size = (min(picture.width, LOOKED_AT), min(picture.height, LOOKED_AT))
    pixels = np.asarray(picture.resize(size, Image.Resampling.NEAREST), np.float32)
    colours = np.array(list(palette.values()), np.float32)
    distance = np.linalg.norm(pixels - colours[_nearest(pixels, colours)], axis=2)
    if hints and _has_hints(pixels, distance):
        return False
    return bool((distance > FAR).mean() > STRANGE)


def snap(picture: Image.Image, palette: Palette, hints: bool = False) -> Image.Image:
    """RGB picture, same size, in which each pixel has exactly one of the palette's colours, the nearest.

    Where JPEG smears the border between two classes, the colours between them belong to classes that are not there:
    a majority vote of each pixel's 3x3 neighbours removes those lines.

    hints: in a map that was drawn with the palette, what is FAR from all of its colours stays as it is
    """
    pixels = np.asarray(picture.convert("RGB"))
    colours = np.array(list(palette.values()), np.uint8)
    classes = _nearest(pixels, colours)
    if hints:
        distance = np.linalg.norm(pixels.astype(np.float32) - colours[classes], axis=2)
        if _has_hints(pixels, distance):
            return Image.fromarray(pixels)
    if not np.array_equal(colours[classes], pixels):  # else it was drawn with the palette: keep every line
        classes = _majority(classes, len(colours))
    return Image.fromarray(colours[classes])


def apart(colour: np.ndarray, palette: Palette) -> np.ndarray:
    """The colour (3,) as one that stands for no class: made greyer, where it must be."""
    known = np.array(list(palette.values()), np.float32)
    for share in np.linspace(0, 1, 21):
        greyer = np.rint(colour + share * (colour.mean() - colour))
        if np.linalg.norm(known - greyer, axis=1).min() > FAR:
            return greyer.astype(np.uint8)
    return np.full(3, 128, np.uint8)


def _has_hints(pixels: np.ndarray, distance: np.ndarray) -> bool:
    """Whether all that is in none of the palette's colours is FAR from them, and of few colours: that was drawn.

    distance: (H, W), of each pixel to the nearest colour
    """
    far = distance > FAR
    return bool(far.any() and (distance[~far] == 0).all() and len(np.unique(pixels[far], axis=0)) <= MOST_HINTS)


def _nearest(pixels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """The index of the colour nearest to each pixel, (H, W) uint8; of two equally near ones, the first."""
    points = pixels.astype(np.float32)
    nearest = np.zeros(pixels.shape[:2], np.uint8)
    least = np.full(pixels.shape[:2], np.inf, np.float32)
    for index, colour in enumerate(colours.astype(np.float32)):
        # |pixel - colour|², less the |pixel|² that all colours share: whole numbers, which float32 holds exactly.
        distance = cv2.transform(points, np.append(-2 * colour, colour @ colour)[None])
        np.copyto(nearest, np.uint8(index), where=distance < least)
        np.minimum(least, distance, out=least)
    return nearest


def _majority(classes: np.ndarray, count: int) -> np.ndarray:
    """The commonest class of each pixel's 3x3 neighbours; where none has three of them, the pixel's own."""
    winner, most = classes.copy(), np.full(classes.shape, 2, np.uint8)
    for index in range(count):
        votes = cv2.boxFilter(
            (classes == index).view(np.uint8), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        np.copyto(winner, np.uint8(index), where=votes > most)
        np.maximum(most, votes, out=most)
    return winner
