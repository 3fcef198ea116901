"""From the values of deep grey pictures (over 8 bits, or floating point) to the 256 greys that a network is shown.

All pictures of one side of a dataset share one scale, so that the same value gives the same grey in each of them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image

from pix2pix.formats import UNSIGNED

BULK = (0.1, 99.9)  # percentiles between which a picture's values are no outliers in any case
FENCE = 0.5  # of the distance of these two, by which others may lie beyond
ODD = 0.005  # share of the files (one at least, of eight or more) that may lie far beyond all others
FEWEST = 8
STRIP = 64  # rows
SAMPLE = 4_000_000  # values of a picture of which the percentiles are taken
# What commonly stands for "nothing was measured here": the least numbers of 16 bits and of floating point, and -9999.
NO_DATA = (-9999.0, -99999.0, -32768.0, float(np.finfo(np.float32).min))
_SCALE = re.compile(r"\s*(-?[\d.]+(?:e[-+]?\d+)?)\s*\.\.\s*(-?[\d.]+(?:e[-+]?\d+)?)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Scale:
    """Which value is black and which is white."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not np.isfinite([self.low, self.high]).all() or self.low >= self.high:
            raise ValueError(f"a scale goes from a lower to a higher value, not from {self.low:g} to {self.high:g}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `90..4004` or `-1..1`. Raises ValueError."""
        match = _SCALE.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is no scale of grey values such as 0..4095 or -1024..3071")
        return cls(float(match[1]), float(match[2]))

    def __str__(self) -> str:
        return f"{self.low:.9g}..{self.high:.9g}"

    def describe(self) -> str:
        """90 … 4,004"""
        return " … ".join(f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}" for value in (self.low, self.high))

    def grey(self, values: np.ndarray) -> np.ndarray:
        """uint8 of the same shape; what lies outside is clipped, and what is no number is black."""
        grey = np.empty(values.shape, np.uint8)
        for first in range(0, len(values), STRIP):  # the copies as float64 are of so many rows at a time
            strip = values[first : first + STRIP].astype(np.float64)
            strip = np.nan_to_num(strip, copy=False, nan=self.low, posinf=self.high, neginf=self.low)
            strip -= self.low
            strip *= 255 / (self.high - self.low)
            grey[first : first + STRIP] = strip.clip(0, 255, out=strip).round(out=strip)
        return grey

    def outside(self, values: np.ndarray) -> int:
        """How many lie outside, or are no numbers."""
        return int(values.size - ((values >= self.low) & (values <= self.high)).sum())


FULL = Scale(0, 255)


def is_deep(picture: Image.Image) -> bool:
    """Whether the values of a picture are more than 8 bits: it then needs a scale."""
    return picture.mode.startswith(("I", "F"))


def values_of(picture: Image.Image) -> np.ndarray:
    """Of a deep picture of one band, (H, W)."""
    values = np.asarray(picture)
    return values.view(np.uint32) if picture.info.get(UNSIGNED) and picture.mode == "I" else values


def shallow(picture: Image.Image, scale: Scale | None = None) -> Image.Image:
    """A deep picture in 8 bits: L, or LA where a 16-bit PNG has one value that is transparent. Others as they are.

    scale: None for the one that the picture alone suggests
    """
    if not is_deep(picture):
        return picture
    values, clear = values_of(picture), picture.info.get("transparency")
    grey = Image.fromarray((scale or of_one(picture)).grey(values))
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(values == clear, np.uint8(0), np.uint8(255))))
    return grey


def bits_of(picture: Image.Image) -> str:
    """How the file keeps them, in words."""
    return {"F": "floating point", "I": "32 bits"}.get(picture.mode, "16 bits")


def of_one(picture: Image.Image) -> Scale:
    """The scale that a deep picture alone suggests: of the bits that its values need, or of its own range."""
    values = _finite(values_of(picture))
    if not values.size:
        return FULL
    low, high = float(values.min()), float(values.max())
    if picture.mode == "F":
        known = [Scale(0, 1), Scale(-1, 1), FULL]
    else:  # a 16-bit file of dark values is dark, unless they need but some of its bits
        bits = (8, 16) if picture.mode == "I" else (10, 12, 14, 16) if high > FULL.high else (16,)
        known = [Scale(0, 2**each - 1) for each in bits]
    for scale in known:
        if scale.low <= low and high <= scale.high:
            return scale
    return Scale(*span(values)) if low < high else Scale(low, low + 1)


def span(values: np.ndarray) -> tuple[float, float]:
    """The lowest and the highest value, but for single ones that lie far from all others."""
    values = _finite(values).ravel()
    if not values.size:
        return 0.0, 0.0
    low, high = np.percentile(values[:: max(1, values.size // SAMPLE)], BULK)
    if low == high:  # small things on an even ground
        return float(values.min()), float(values.max())
    room = FENCE * (high - low)
    inside = (values >= low - room) & (values <= high + room)  # some are: those between the percentiles
    least, most = values.min(), values.max()
    return float(values.min(where=inside, initial=most)), float(values.max(where=inside, initial=least))


def of_all(spans: Iterable[tuple[float, float]]) -> Scale | None:
    """The scale of many pictures, of their spans; None where all have one and the same value.

    A picture in 200 (or one of eight) may lie far beyond the others without making these dark.
    """
    lows, highs = (np.sort(each) for each in zip(*spans, strict=True))
    low, high = float(lows[0]), float(highs[-1])
    if len(lows) >= FEWEST:
        odd = max(1, round(ODD * len(lows)))
        next_low, next_high = float(lows[odd]), float(highs[-1 - odd])
        width = next_high - next_low
        if 0 < width < high - next_high:
            high = next_high
        if 0 < width < next_low - low:
            low = next_low
    return Scale(low, high) if low < high else None


def _finite(values: np.ndarray) -> np.ndarray:
    """Without those that are no numbers, or stand for none: far below all others."""
    finite = np.isfinite(values) if values.dtype.kind == "f" else None
    values = values if finite is None or finite.all() else values[finite]
    least = float(values.min(initial=0))
    if least not in NO_DATA or not (others := values[values > least]).size:
        return values
    low, high = float(others.min()), float(others.max())
    return others if low - least > high - low else values
