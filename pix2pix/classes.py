"""Label maps that hold the number of each pixel's class, 0 to 33 say, and the colours that they are shown in.

A palette whose names begin with whole numbers, such as `0` or `7 road`, says which number has which colour.
"""

from collections.abc import Iterable, Mapping, Set

import numpy as np
from PIL import Image

from pix2pix.palette import Palette

MOST_CLASSES = 64
HIGHEST = 63  # of the numbers, beside that of what is not labelled
UNLABELLED = 255  # by custom
MOSTLY = 0.5  # share of the pixels whose numbers a palette has to have, for others to be further classes
_BITS = 8
_STEP = 16  # pixels between those that tell most pictures of several bands


def colour_of(number: int) -> tuple[int, int, int]:
    """The colour of a class as PASCAL VOC has it, so that a number has the same colour in every dataset."""
    red = green = blue = 0
    for bit in range(_BITS):
        red |= (number & 1) << (_BITS - 1 - bit)
        green |= (number >> 1 & 1) << (_BITS - 1 - bit)
        blue |= (number >> 2 & 1) << (_BITS - 1 - bit)
        number >>= 3
    return red, green, blue


def palette_of(numbers: Iterable[int]) -> Palette:
    """A colour for each number, which is its name; black and white where there are just 0 and 1."""
    numbers = sorted(set(numbers))
    if set(numbers) <= {0, 1}:
        return {str(number): (255 * number, 255 * number, 255 * number) for number in numbers}
    return {str(number): colour_of(number) for number in numbers}


def numbered(palette: Palette | None) -> Mapping[int, tuple[int, int, int]]:
    """The colours by the numbers that the names of a palette begin with; empty where one has none."""
    found = {}
    for name, colour in (palette or {}).items():
        number = name.split(maxsplit=1)[0] if name.strip() else ""
        if not number.isdecimal():
            return {}
        found[int(number)] = colour
    return found


def _one_band(picture: Image.Image) -> Image.Image | None:
    """That of a picture which has but one, or several that are alike and nothing clear; None for others."""
    if picture.mode in ("L", "I", "F") or picture.mode.startswith("I;16"):
        return picture
    if picture.mode == "P":
        picture = picture.convert("RGBA")
    if picture.mode not in ("RGB", "RGBA", "LA"):
        return None
    pixels = np.asarray(picture)
    for part in (pixels[::_STEP, ::_STEP], pixels):
        colours, clear = (
            (part[..., :-1], part[..., -1] < 255) if picture.mode.endswith("A") else (part, np.array(False))
        )
        if (colours != part[..., :1]).any() or clear.any():
            return None
    return picture.getchannel(0)


def values_of(picture: Image.Image) -> Set[int] | None:
    """The numbers that a picture of one band, or of several that are alike, holds; None where they are too many, or not
    whole, to be classes.
    """
    band = _one_band(picture)
    if band is None:
        return None
    if band.mode == "L":
        values = [value for value, count in enumerate(band.histogram()) if count]
    else:
        pixels = np.asarray(band)
        if not (pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= UNLABELLED):
            return None
        if pixels.dtype.kind == "f" and (pixels != np.floor(pixels)).any():
            return None
        values = np.flatnonzero(np.bincount(pixels.ravel().astype(np.int64))).tolist()
    return set(values) if len(values) <= MOST_CLASSES else None


def are_classes(numbers: Set[int]) -> bool:
    """Whether these look like the numbers of classes: few and small, beside one for what is not labelled."""
    small = numbers - {UNLABELLED}
    return len(numbers) >= 2 and bool(small - {0}) and min(small) >= 0 and max(small) <= HIGHEST


def coloured(picture: Image.Image, palette: Palette) -> Image.Image | None:
    """RGB of a picture of class numbers; None where it is none.

    Numbers that the palette has not have the colours that they commonly have.
    """
    colours = numbered(palette)
    if not colours or (further := further_numbers(picture, palette)) is None:
        return None
    band = _one_band(picture)
    table = np.zeros((UNLABELLED + 1, 3), np.uint8)
    for number, colour in {**colours, **{number: colour_of(number) for number in further}}.items():
        table[number] = colour
    return Image.fromarray(table[np.asarray(band, np.int64)])


def further_numbers(picture: Image.Image, palette: Palette | None) -> Set[int] | None:
    """The class numbers of a picture that the palette has not; None where it does not hold numbers of its classes."""
    colours = numbered(palette)
    if not colours or max(colours) > UNLABELLED or (values := values_of(picture)) is None:
        return None
    further = values - colours.keys()
    if further:
        pixels = np.asarray(_one_band(picture), np.int64)
        are_greys = {(number,) * 3 for number in further} <= set(colours.values())  # black and white, say
        are_small = max(further - {UNLABELLED}, default=0) <= HIGHEST
        if are_greys or not are_small or np.isin(pixels, list(colours)).mean() < MOSTLY:
            return None
    return further


def ranged(numbers: Iterable[int]) -> str:
    """In words: 0 … 3, 255."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(", ".join(map(str, part)) if len(part) < 3 else f"{part[0]} … {part[-1]}" for part in parts)
