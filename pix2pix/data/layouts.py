"""How pairs can lie in a folder, and a folder that can be read in more than one way.

A is the left half of a side-by-side picture, or the upper one, or what lies in folder A, or the edges of a photo.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

Layout = Literal["pairs", "stacked", "thirds-12", "thirds-13", "thirds-23", "folders", "photos"]
Box = tuple[float, float, float, float]  # left, top, right and bottom, as shares of the picture

LEFT, RIGHT = (0, 0, 1 / 2, 1), (1 / 2, 0, 1, 1)
UPPER, LOWER = (0, 0, 1, 1 / 2), (0, 1 / 2, 1, 1)
FIRST, SECOND, THIRD = (0, 0, 1 / 3, 1), (1 / 3, 0, 2 / 3, 1), (2 / 3, 0, 1, 1)

# Where A and B are, in pictures that hold both.
HALVES: dict[Layout, tuple[Box, Box]] = {
    "pairs": (LEFT, RIGHT),
    "stacked": (UPPER, LOWER),
    "thirds-12": (FIRST, SECOND),
    "thirds-13": (FIRST, THIRD),
    "thirds-23": (SECOND, THIRD),
}
SIDES: dict[Layout, tuple[str, str]] = {
    "pairs": ("the left half", "the right half"),
    "stacked": ("the upper half", "the lower half"),
    "thirds-12": ("the left third", "the middle third"),
    "thirds-13": ("the left third", "the right third"),
    "thirds-23": ("the middle third", "the right third"),
    "folders": ("folder A", "folder B"),
    "photos": ("edges made of the photo", "the photo"),
}


@dataclass(frozen=True)
class Reading:
    """One way in which a folder can be read."""

    words: str
    """what the pictures then are"""
    layout: Layout
    folders: tuple[str, ...] = ()
    """those of A and B, where they are not called so; of one name: the only one that counts"""

    @property
    def options(self) -> str:
        """What says so on the command line of a training."""
        layout = "" if self.layout == "folders" else f"--layout {self.layout}"
        folders = f"--folders {shlex.join(self.folders)}" if self.folders else ""
        return f"{layout} {folders}".strip()


class DatasetError(ValueError):
    """A folder that cannot be trained on; the message says what was looked for and what was there.

    Where it can be read in more than one way, these are in `readings`, the likeliest first.
    """

    def __init__(self, message: str, readings: Sequence[Reading] = ()) -> None:
        super().__init__(message)
        self.readings = tuple(readings)


def in_doubt(seen: str, readings: Sequence[Reading]) -> DatasetError:
    """For what was seen, and what it could mean."""
    lines = [f"{seen} Say which it is:", *(f"  {reading.options}    {reading.words}" for reading in readings)]
    return DatasetError("\n".join(lines), readings)


def halves(picture: Image.Image, layout: Layout) -> tuple[Image.Image, Image.Image]:
    """A and B of a picture that holds both; they have one size, and a column or row too many belongs to neither."""
    a, b = HALVES[layout]
    width, height = half_size(picture.size, layout)
    corners = [(round(left / (a[2] - a[0])) * width, round(top / (a[3] - a[1])) * height) for left, top, *_ in (a, b)]
    first, second = (picture.crop((x, y, x + width, y + height)) for x, y in corners)
    return first, second


def half_size(size: tuple[int, int], layout: Layout) -> tuple[int, int]:
    """(width, height) of either of them; of photos, and pictures in folders, their own."""
    if layout not in HALVES:
        return size
    left, top, right, bottom = HALVES[layout][0]
    return int(size[0] * (right - left) + 1e-6), int(size[1] * (bottom - top) + 1e-6)
