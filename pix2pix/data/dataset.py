"""The pairs of a folder as tensors: decoded, augmented and cut to size, in an order that depends on the seed alone."""

import logging
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from pix2pix import images
from pix2pix.data.augment import AFFINE_SHARE, GAP_SHARE, Crop, affine, with_gap
from pix2pix.data.hints import SHARE, has_colours, hinted, is_vivid
from pix2pix.data.layouts import HALVES, DatasetError, halves
from pix2pix.data.pairs import MIN_SIDE, Entry, Found
from pix2pix.edges import EdgeStyle, edges
from pix2pix.palette import Palette, snap
from pix2pix.scales import Scale, is_deep, values_of

KEPT_BYTES = 1 << 30  # datasets that fit in this once decoded stay decoded

log = logging.getLogger(__name__)


class PairedImages(Dataset):
    """The pairs of one split as tensors: `dataset[index]` is (a, b), each float32 (3, crop_size, crop_size) in [-1, 1].

    `direction` decides which is which: with BtoA, a is the folder's B. Each picture is resized to a square of
    `load_size`, whatever its shape, and cropped: at the centre, or, with `augment`, at random, half of them mirrored,
    edges in a random style. With `hints`, for which a must be line drawings, half of them have colour hints; with
    `random_affine` (photos alone), half of the photos are seen smaller, turned and off the middle, and some with a gap.
    What is random depends on seed, epoch and index alone, so `dataset[epoch, index]` can be had again in any order, in
    any process.

    `palette` is that of the input's labels: their colours are snapped to it; files that hold the numbers of classes are
    coloured in it, as those of the target in `target_palette`. `scales` are those of deep grey values, of the folder's
    A and B (that of photos alone is B's); values outside are clipped, counted in `clipped` and logged.

    A file that turns out broken is replaced by the next one, logged once and noted in `left_out`.

    Raises DatasetError for `random_affine` with pairs, and ValueError for a split or a direction that there is none of,
    and for a `load_size` below `crop_size`.
    """

    def __init__(
        self,
        found: Found,
        split: str = "train",
        *,
        direction: Literal["AtoB", "BtoA"] = "AtoB",
        load_size: int = 286,
        crop_size: int = 256,
        augment: bool = False,
        flip: bool = True,
        palette: Palette | None = None,
        target_palette: Palette | None = None,
        scales: tuple[Scale | None, Scale | None] = (None, None),
        hints: bool = False,
        random_affine: bool = False,
        seed: int = 0,
    ) -> None:
        if random_affine and found.layout != "photos":
            raise DatasetError(f"a random affine needs photos alone; {found.root} has pairs")
        if load_size < crop_size:
            raise ValueError(f"load_size {load_size} is below crop_size {crop_size}")
        if split not in found.splits:
            raise ValueError(f"there is no split {split!r}: take one of {', '.join(found.splits)}")
        if direction not in ("AtoB", "BtoA"):
            raise ValueError(f"direction {direction!r} is neither AtoB nor BtoA")
        self.found, self.entries, self.left_out = found, found.splits[split], found.left_out
        self.direction, self.load_size, self.crop_size = direction, load_size, crop_size
        self.augment, self.flip, self.palette, self.hints, self.seed = augment, flip, palette, hints, seed
        self.random_affine = random_affine and augment
        palettes = palette, target_palette
        self.palettes = palettes if direction == "AtoB" else palettes[::-1]  # of the folder's A and B
        self.scales = scales
        self.clipped = [0, 0]  # values of the folder's A and B
        pictures = 1 if found.layout == "photos" else 2
        self.is_small = len(self.entries) * pictures * 3 * load_size**2 <= KEPT_BYTES
        self._kept: dict[int, tuple[np.ndarray, ...]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, key: int | tuple[int, int]) -> tuple[Tensor, Tensor]:
        a, b = self.pictures(key)
        return images.to_tensor(a), images.to_tensor(b)

    def pictures(self, key: int | tuple[int, int]) -> tuple[Image.Image, Image.Image]:
        """The same pair as pictures: what the network takes, and what it should make of it, each RGB of crop_size."""
        index, crop, rng = self._crop(key)
        pictures = [Image.fromarray(crop.of(pixels)) for pixels in self._decoded(index)]
        if self.found.layout == "photos":
            photo, style = pictures[0], EdgeStyle.sample(rng) if self.augment else EdgeStyle()
            if self.random_affine and rng.random() < AFFINE_SHARE:
                photo = Image.fromarray(affine(self._decoded(index)[0], crop, rng))
            if self.random_affine and rng.random() < GAP_SHARE:
                photo = Image.fromarray(with_gap(np.asarray(photo), rng))
            pictures = [edges(photo, style), photo]
        a, b = pictures if self.direction == "AtoB" else reversed(pictures)
        return hinted(a, b, rng) if self.hints and self._wants_hints(a, b, rng) else (a, b)

    def _wants_hints(self, drawing: Image.Image, photo: Image.Image, rng: np.random.Generator) -> bool:
        """Half of them, but for what would be learned wrong: see `pix2pix.data.hints`.

        Pairs are always seen as they are, too: someone has made them.
        """
        wanted = rng.random() < SHARE
        if self.found.layout == "photos":
            return wanted or is_vivid(photo)
        return wanted and not has_colours(drawing)

    def _crop(self, key: int | tuple[int, int]) -> tuple[int, Crop, np.random.Generator]:
        """The index, what is seen of it this time, and the source of all else that is random in it."""
        epoch, index = key if isinstance(key, tuple) else (0, key)
        if not 0 <= index < len(self):
            raise IndexError(index)
        rng = np.random.default_rng((self.seed, epoch, index))
        room = self.load_size - self.crop_size
        top, left = rng.integers(0, room + 1, 2) if self.augment else (room // 2, room // 2)
        return index, Crop(top, left, self.crop_size, self.augment and self.flip and rng.random() < 0.5), rng

    def _decoded(self, index: int) -> tuple[np.ndarray, ...]:
        """uint8 (load_size, load_size, 3) of A and B, or of the photo alone."""
        if index not in self._kept:
            decoded = self._decode_or_next(index)
            if not self.is_small:
                return decoded
            self._kept[index] = decoded
        return self._kept[index]

    def _decode_or_next(self, index: int) -> tuple[np.ndarray, ...]:
        reason = ""
        for offset in range(len(self)):
            entry = self.entries[(index + offset) % len(self)]
            try:
                return self._decode(entry)
            except OSError as error:
                is_there = all(path.exists() for path in (entry.a, entry.b) if path)
                reason = reason or (str(error) if is_there else "")
                if not self.found.root.is_dir():
                    raise DatasetError(f"{self.found.root} is not there any more") from error
                if entry.name not in self.left_out:
                    log.warning("%s is left out: %s", entry.name, error)
                    self.left_out[entry.name] = str(error)
        if reason:
            raise DatasetError(f"not one picture in {self.found.root} can be read: {reason}")
        raise DatasetError(f"not one picture in {self.found.root} can be read any more")

    def _decode(self, entry: Entry) -> tuple[np.ndarray, ...]:
        pictures = [images.load(path) for path in (entry.a, entry.b) if path]
        if self.found.layout in HALVES:
            # Halves are cut before they are resized, so that neither bleeds into the other at the seam.
            pictures = halves(pictures[0], self.found.layout)
        for picture in pictures:
            if min(picture.size) < MIN_SIDE:
                raise OSError(f"too small: {picture.width}x{picture.height}")
        if self.found.layout == "photos":
            return (self._resize(self._rgb(pictures[0], 1, None, entry), None),)
        return tuple(
            self._resize(self._rgb(picture, side, palette, entry), palette)
            for side, (picture, palette) in enumerate(zip(pictures, self.palettes, strict=True))
        )

    def _rgb(self, picture: Image.Image, side: int, classes: Palette | None, entry: Entry) -> Image.Image:
        scale = self.scales[side]
        if scale and is_deep(picture) and (outside := scale.outside(values_of(picture))):
            before, self.clipped[side] = self.clipped[side], self.clipped[side] + outside
            if before.bit_length() < self.clipped[side].bit_length():  # not for every file
                log.warning(
                    "%s of %s has values outside of %s, which are clipped: %d so far",
                    "AB"[side], entry.name, scale.describe(), self.clipped[side],
                )  # fmt: skip
        return images.to_rgb(picture, scale, classes)

    def _resize(self, picture: Image.Image, palette: Palette | None) -> np.ndarray:
        size = (self.load_size, self.load_size)
        if palette:
            return np.asarray(snap(picture, palette).resize(size, Image.Resampling.NEAREST))
        return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))


class ResidentPairs:
    """A small set of pairs kept on a device as uint8, and cut there: nothing is left to wait for.

    `resident[keys]` is (a, b), each (N, 3, crop_size, crop_size): to the bit what `dataset[key]` gives for each key.
    """

    def __init__(self, dataset: PairedImages, device: torch.device) -> None:
        self.dataset = dataset
        shape = (len(dataset), 2, dataset.load_size, dataset.load_size, 3)
        self.pictures = torch.empty(shape, dtype=torch.uint8, device=device)
        for index, pair in enumerate(self.pictures):
            pair.copy_(torch.from_numpy(np.stack(dataset._decode_or_next(index))))

    @staticmethod
    def fits(dataset: PairedImages) -> bool:
        """The edges of photos and colour hints are made on the CPU."""
        return dataset.found.layout != "photos" and not dataset.hints and dataset.is_small

    def __getitem__(self, keys: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        pairs = []
        for key in keys:
            index, crop, _ = self.dataset._crop(key)
            pair = self.pictures[index, :, crop.top : crop.top + crop.size, crop.left : crop.left + crop.size]
            pairs.append(pair.flip(2) if crop.mirrored else pair)
        left, right = images.scale(torch.stack(pairs).permute(1, 0, 4, 2, 3))
        return (left, right) if self.dataset.direction == "AtoB" else (right, left)


class ShuffledBatches(Sampler[list[tuple[int, int]]]):
    """Endless batches of (epoch, index), shuffled anew each epoch from the seed, starting at any step.

    A batch may straddle two epochs. Of `shards` processes each takes its own part of every step's pairs.
    """

    def __init__(
        self, length: int, batch_size: int, seed: int, *, start: int = 0, shard: int = 0, shards: int = 1
    ) -> None:
        self.length, self.batch_size, self.seed = length, batch_size, seed
        self.start, self.shard, self.shards = start, shard, shards

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        known, order = -1, np.arange(self.length)
        position = (self.start * self.shards + self.shard) * self.batch_size
        while True:
            batch = []
            for place in range(position, position + self.batch_size):
                epoch, offset = divmod(place, self.length)
                if epoch != known:
                    known, order = epoch, np.random.default_rng((self.seed, epoch)).permutation(self.length)
                batch.append((epoch, int(order[offset])))
            yield batch
            position += self.shards * self.batch_size
