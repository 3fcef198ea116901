"""Pictures of other sizes than a network learned from: whole, or in overlapping tiles that are blended.

A U-Net is a convolution, so it takes any picture whose sides are multiples of what its levels divide by. What it cannot
do is look further than it learned to: nothing that is larger than its training pictures is seen as one thing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf, isqrt
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

How = Literal["square", "whole", "tiles"]
"""square: squeezed to the square of the training; whole, tiles: in its own proportions, in one piece or in several"""

MEMORY = 4000  # MB that a translation may take beside the generator, unless it is told another bound
PICTURE_BYTES = 64  # per pixel of the picture, for its copies as numbers on the way in and out
OVERLAP = 1 / 4  # of a tile's side, at least, is shared with the next tile
SMALLEST = 64  # pixels of a tile's side: in smaller ones nothing could be recognised
LARGEST = 30_000  # pixels a side: more than Pillow's own formats take


@dataclass(frozen=True)
class Needs:
    """What a network asks of the pictures it is given: see `Generator.needs`."""

    multiple: int  # that the sides must be of
    bytes_per_pixel: int  # that one forward pass takes, beside the weights


def seen_size(size: tuple[int, int], square: int, how: How, longer: int | None) -> tuple[int, int]:
    """(width, height) at which the network sees a picture of `size`: the longer side `longer`, or its own.

    Raises ValueError where there is no such size.
    """
    if how == "square":
        return square, square
    if how not in ("whole", "tiles"):
        raise ValueError(f"{how!r} is not a way to translate: square, whole or tiles")
    if longer is None:
        return size
    if not 1 <= longer <= LARGEST:
        raise ValueError(f"size {longer} is not between 1 and {LARGEST} pixels")
    scale = longer / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def check_copies(size: tuple[int, int], memory: float) -> None:
    """Raises ValueError where the pixels of a picture of that size alone take more than `memory` (MB)."""
    if not memory > 0:
        raise ValueError(f"a bound of {memory} MB leaves no memory at all")
    if (copies := size[0] * size[1] * PICTURE_BYTES) > memory * 1e6:
        raise ValueError(
            f"a picture of {size[0]} x {size[1]} takes about {_mb(copies)} MB, and the bound is {memory:.0f} MB: make "
            "it smaller first"
        )


def tile_side(width: int, height: int, needs: Needs, how: How, memory: float) -> float:
    """The longest side of a tile for which a picture of this size stays within `memory` (MB); inf for all in one.

    Raises ValueError, saying what would be enough, when nothing does.
    """
    padded = [ceil(side / needs.multiple) * needs.multiple for side in (width, height)]
    copies = padded[0] * padded[1] * PICTURE_BYTES
    whole = padded[0] * padded[1] * needs.bytes_per_pixel
    if copies + whole <= memory * 1e6:
        return inf
    if how != "tiles":
        raise ValueError(
            f"whole, a picture of {width} x {height} takes about {_mb(copies + whole)} MB, and the bound is "
            f"{memory:.0f} MB: translate it in tiles, or seen at a smaller size"
        )
    room = memory * 1e6 - copies
    side = isqrt(max(0, int(room / needs.bytes_per_pixel))) // needs.multiple * needs.multiple
    if side < max(needs.multiple, SMALLEST):
        least = copies + max(needs.multiple, SMALLEST) ** 2 * needs.bytes_per_pixel
        raise ValueError(
            f"a picture of {width} x {height} takes about {_mb(least)} MB even in the smallest tiles, and the bound is "
            f"{memory:.0f} MB"
        )
    return side


def translated(forward: Callable[[Tensor], Tensor], a: Tensor, multiple: int, side: float = inf) -> Tensor:
    """What `forward` makes of a (1, C, H, W) of any H and W, in tiles of at most `side`: (1, C', H, W).

    The rim is repeated outwards until the sides are multiples of `multiple`; what is made of that is cut off again.
    Tiles fade into each other where they overlap.
    """
    height, width = a.shape[2:]
    down, right = -height % multiple, -width % multiple
    top, left = down // 2, right // 2
    a = F.pad(a, (left, right - left, top, down - top), mode="replicate")
    rows, columns = tiles(a.shape[2], side), tiles(a.shape[3], side)
    b = forward(a) if len(rows) == len(columns) == 1 else _blended(forward, a, rows, columns)
    return b[:, :, top : top + height, left : left + width]


def tiles(length: int, side: float) -> list[tuple[slice, Tensor]]:
    """Places of tiles along one side of a picture, and how much of the picture is taken from each, place by place.

    The shares of all tiles add up to 1 everywhere; where two overlap one fades out as the other fades in.
    """
    side = int(min(side, length))
    steps = ceil((length - side) / max(1, side * (1 - OVERLAP)))
    starts = [round(step * (length - side) / steps) for step in range(steps)] + [length - side]
    shares = torch.zeros(len(starts), length)
    for index, start in enumerate(starts):
        share = torch.ones(side)
        if index > 0:
            fade = starts[index - 1] + side - start
            share[:fade] *= _ramp(fade)
        if index < steps:
            fade = start + side - starts[index + 1]
            share[side - fade :] *= _ramp(fade).flip(0)
        shares[index, start : start + side] = share
    shares /= shares.sum(0)
    return [(slice(start, start + side), shares[i, start : start + side]) for i, start in enumerate(starts)]


def _ramp(length: int) -> Tensor:
    """From nearly 0 to nearly 1."""
    return (torch.arange(length) + 0.5) / length


def _blended(
    forward: Callable[[Tensor], Tensor],
    a: Tensor,
    rows: list[tuple[slice, Tensor]],
    columns: list[tuple[slice, Tensor]],
) -> Tensor:
    b = None
    for row, down in rows:
        for column, across in columns:
            made = forward(a[:, :, row, column].contiguous())
            if b is None:
                b = made.new_zeros(1, made.shape[1], *a.shape[2:])
            b[:, :, row, column] += made * torch.outer(down, across).to(made.device)
    assert b is not None
    return b


def _mb(size: float) -> str:
    return f"{ceil(size / 1e6):,}"
