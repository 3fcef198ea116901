"""Image pairs to train on: finding them in a folder, saying what is wrong with it, and cutting them to size.

`find_pairs` looks at names (and, up to a few thousand files, into each of them); `PairedImages` decodes.
A is the left half of a side-by-side picture, or what lies in folder A, or the edges made from a photo.
"""

import logging
import os
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from pix2pix import images
from pix2pix.edges import EdgeStyle, border_of, edges
from pix2pix.hints import SHARE, hinted
from pix2pix.palette import Palette, snap

Layout = Literal["pairs", "folders", "photos"]
SPLITS = ("train", "val", "test")
SPLIT_NAMES = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}  # of their folders
MIN_SIDE = 16  # pixels; smaller pictures are left out
SIDE_BY_SIDE = 1.9  # width / height from which a picture is taken for a pair
CHECKED_FILES = 5_000  # folders up to this size are looked through file by file when they are opened
WANDER_SHARE, SMALLEST, TURN = 0.5, 0.6, 12.0  # how many of the photos wander, to what size, by how many degrees
GAP_SHARE = 0.2  # of the photos that may wander get a gap
PAPER_TOLERANCE = 24  # of 255: what differs more from the paper of a photo is no paper
KEPT_BYTES = 1 << 30  # datasets that fit in this once decoded stay decoded

log = logging.getLogger(__name__)


class DatasetError(ValueError):
    """A folder that cannot be trained on; the message says what was looked for and what was there."""


class Entry(NamedTuple):
    """One pair: a side-by-side picture or a photo (b is None), or a file of each folder."""

    name: str
    a: Path
    b: Path | None = None

    def file_below(self, root: Path) -> str:
        """What names this pair among all that are in a dataset: the path of its A below the folder."""
        return self.a.relative_to(root).as_posix()


@dataclass
class Found:
    """What `find_pairs` found in a folder."""

    root: Path
    layout: Layout
    splits: dict[str, list[Entry]]
    held_out: bool  # whether val was set aside from train, for want of a folder of its own
    left_out: dict[str, str] = field(default_factory=dict)  # file name -> why

    def describe(self) -> str:
        """One sentence for a person."""
        count = sum(len(entries) for entries in self.splits.values())
        what = {
            "pairs": f"{count_of(count, 'pair')} side by side, A on the left",
            "folders": f"{count_of(count, 'pair')} in two folders, A and B",
            "photos": f"{count_of(count, 'photo')}, whose edges will be made on the fly",
        }[self.layout]
        width, height = _size(next(iter(self.splits["train"])).a)
        parts = [f"{what}, {width}x{height}", f"{len(self.splits['train']):,} to train on"]
        if self.splits["val"]:
            parts.append(f"{len(self.splits['val']):,} {'held out ' if self.held_out else ''}to look at")
        if self.splits["test"]:
            parts.append(f"{len(self.splits['test']):,} to test on")
        if self.left_out:
            parts.append(f"{count_of(len(self.left_out), 'file')} left out")
        return "; ".join(parts) + "."


def find_pairs(
    root: str | Path,
    layout: Layout | Literal["auto"] = "auto",
    *,
    leave_out: Collection[str] = (),
    open_files: bool = True,
) -> Found:
    """Finds the pairs in a folder, in any of these layouts:

    - side-by-side pictures, A on the left ("pairs"), or photos alone ("photos"): in train/, val/ and test/, or all
      in the folder itself
    - A/ and B/, trainA/ and trainB/ (valA …), train_A/ and train_B/, train/A and train/B, A/train and B/train, with
      files of the same name, whatever the extension ("folders")

    A folder that holds nothing but one folder stands for that one, as zips often are.
    Without a val folder a tenth of train, at most 100 pairs, is held out: always the same ones, by name.
    Files that are empty, broken, under 16 pixels or without a partner are left out and named in `left_out`, and so are
    the pairs whose A, by its path below the folder, is in `leave_out`. Without `open_files`, and in folders of more
    than a few thousand files, the names alone are looked at. Raises DatasetError when nothing is left.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise DatasetError(f"{root} is {'a file' if root.exists() else 'not there'}; give a folder of images")

    root = _unwrapped(root)
    left_out: dict[str, str] = {}
    splits = _two_folders(root, left_out) if layout in ("auto", "folders") else {}
    found_layout: Layout = "folders"
    if not splits and layout != "folders":
        splits = _single_files(root, left_out)
        entries = [entry for split in splits.values() for entry in split]
        found_layout = _guess_layout(entries) if layout == "auto" else layout

    _leave_out_unwanted(root, splits, frozenset(leave_out), left_out)
    if open_files:
        _leave_out_broken(root, splits, found_layout, left_out)
    if not splits.get("train"):
        raise DatasetError(_nothing_usable(root, left_out))
    held_out = not splits.get("val")
    if held_out:
        splits["train"], splits["val"] = _hold_out(splits["train"])
    splits.setdefault("test", [])
    return Found(root, found_layout, splits, held_out, left_out)


class PairedImages(Dataset):
    """The pairs of one split as tensors: `dataset[index]` is (a, b), each float32 (3, crop_size, crop_size) in [-1, 1].

    `direction` decides which is which: with BtoA, a is the folder's B. Each picture is resized to a square of
    `load_size`, whatever its shape, and cropped: at the centre, or, with `augment`, at random, half of them mirrored,
    edges in a random style. With `hints` (photos alone), half of the drawings have colour hints; with `wander` (photos
    alone, too), half of the photos are seen smaller, turned and off the middle, and some with a gap. What is random
    depends on seed, epoch and index alone, so `dataset[epoch, index]` can be had again in any order, in any process.

    A file that turns out broken is replaced by the next one, logged once and noted in `left_out`.
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
        hints: bool = False,
        wander: bool = False,
        seed: int = 0,
    ) -> None:
        for wish, name in ((hints, "colour hints need"), (wander, "to wander needs")):
            if wish and found.layout != "photos":
                raise DatasetError(f"{name} photos alone, whose edges are made here; {found.root} has pairs")
        if load_size < crop_size:
            raise ValueError(f"load_size {load_size} is below crop_size {crop_size}")
        self.found, self.entries, self.left_out = found, found.splits[split], found.left_out
        self.direction, self.load_size, self.crop_size = direction, load_size, crop_size
        self.augment, self.flip, self.palette, self.hints, self.seed = augment, flip, palette, hints, seed
        self.wander = wander and augment
        pictures = 1 if found.layout == "photos" else 2
        self.is_small = len(self.entries) * pictures * 3 * load_size**2 <= KEPT_BYTES
        self._kept: dict[int, tuple[np.ndarray, ...]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, key: int | tuple[int, int]) -> tuple[Tensor, Tensor]:
        a, b = self._pair(key)
        return images.to_tensor(a), images.to_tensor(b)

    def look(self, index: int) -> tuple[Image.Image, Image.Image]:
        """The pair as pictures of crop_size: what the network takes, and what it should make of it."""
        return self._pair(index)

    def _pair(self, key: int | tuple[int, int]) -> tuple[Image.Image, Image.Image]:
        index, cut, rng = self._cut(key)
        pictures = [Image.fromarray(cut.of(pixels)) for pixels in self._decoded(index)]
        if self.found.layout == "photos":
            photo, style = pictures[0], EdgeStyle.sample(rng) if self.augment else EdgeStyle()
            if self.wander and rng.random() < WANDER_SHARE:
                photo = Image.fromarray(_wandered(self._decoded(index)[0], cut, rng))
            if self.wander and rng.random() < GAP_SHARE:
                photo = Image.fromarray(_with_gap(np.asarray(photo), rng))
            drawing = edges(photo, style)
            pictures = hinted(drawing, photo, rng) if self.hints and rng.random() < SHARE else (drawing, photo)
        a, b = pictures
        return (a, b) if self.direction == "AtoB" else (b, a)

    def _cut(self, key: int | tuple[int, int]) -> "tuple[int, Cut, np.random.Generator]":
        """The index, what is seen of it this time, and the source of all else that is random in it."""
        epoch, index = key if isinstance(key, tuple) else (0, key)
        if not 0 <= index < len(self):
            raise IndexError(index)
        rng = np.random.default_rng((self.seed, epoch, index))
        room = self.load_size - self.crop_size
        top, left = rng.integers(0, room + 1, 2) if self.augment else (room // 2, room // 2)
        return index, Cut(top, left, self.crop_size, self.augment and self.flip and rng.random() < 0.5), rng

    def _decoded(self, index: int) -> tuple[np.ndarray, ...]:
        """uint8 (load_size, load_size, 3) of A and B, or of the photo alone."""
        if index not in self._kept:
            decoded = self._decode_or_next(index)
            if not self.is_small:
                return decoded
            self._kept[index] = decoded
        return self._kept[index]

    def _decode_or_next(self, index: int) -> tuple[np.ndarray, ...]:
        for offset in range(len(self)):
            entry = self.entries[(index + offset) % len(self)]
            try:
                return self._decode(entry)
            except OSError as error:
                if not self.found.root.is_dir():
                    raise DatasetError(f"{self.found.root} is not there any more") from error
                if entry.name not in self.left_out:
                    log.warning("%s is left out: %s", entry.name, error)
                    self.left_out[entry.name] = str(error)
        raise DatasetError(f"not one picture in {self.found.root} can be read any more")

    def _decode(self, entry: Entry) -> tuple[np.ndarray, ...]:
        pictures = [images.read(entry.a)]
        if self.found.layout == "folders" and entry.b:
            pictures.append(images.read(entry.b))
        elif self.found.layout == "pairs":
            # Halves are cut before they are resized, so that neither bleeds into the other at the seam.
            (whole,), half, height = pictures, pictures[0].width // 2, pictures[0].height
            pictures = [whole.crop((0, 0, half, height)), whole.crop((half, 0, 2 * half, height))]
        for picture in pictures:
            if min(picture.size) < MIN_SIDE:
                raise OSError(f"too small: {picture.width}x{picture.height}")
        has_labels = self.palette is not None and len(pictures) == 2
        labels = {"AtoB": 0, "BtoA": 1}[self.direction] if has_labels else None
        return tuple(
            self._resize(picture, self.palette if side == labels else None) for side, picture in enumerate(pictures)
        )

    def _resize(self, picture: Image.Image, palette: Palette | None) -> np.ndarray:
        size = (self.load_size, self.load_size)
        if palette:
            return np.asarray(snap(picture, palette).resize(size, Image.Resampling.NEAREST))
        return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))


class Cut(NamedTuple):
    """The square of a picture that is seen, in pixels."""

    top: int
    left: int
    size: int
    mirrored: bool

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """From (H, W, 3)."""
        square = pixels[self.top : self.top + self.size, self.left : self.left + self.size]
        return np.ascontiguousarray(square[:, :: -1 if self.mirrored else 1])


def _wandered(pixels: np.ndarray, cut: Cut, rng: np.random.Generator) -> np.ndarray:
    """The whole photo (H, W, 3) on a square of the cut's size: smaller, turned, and as far aside as it may go.

    What was outside of the photo is as its rim: the plain paper of a product photo goes on.
    """
    (height, width), scale = pixels.shape[:2], rng.uniform(SMALLEST, 1) * cut.size / max(pixels.shape)
    to_place = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), rng.uniform(-TURN, TURN), scale)
    room = (cut.size - scale * max(height, width)) / 2
    aside = rng.uniform(-room, room, 2)
    to_place[:, 2] += (cut.size - width) / 2 + aside[0], (cut.size - height) / 2 + aside[1]
    size = (cut.size, cut.size)
    placed = cv2.warpAffine(pixels, to_place, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(placed[:, :: -1 if cut.mirrored else 1])


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
        """The edges of photos are made on the CPU."""
        return dataset.found.layout != "photos" and dataset.is_small

    def __getitem__(self, keys: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        pairs = []
        for key in keys:
            index, cut, _ = self.dataset._cut(key)
            pair = self.pictures[index, :, cut.top : cut.top + cut.size, cut.left : cut.left + cut.size]
            pairs.append(pair.flip(2) if cut.mirrored else pair)
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


def _with_gap(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photo (H, W, 3) with a wedge of its paper that enters the thing on it from below, as between heel and sole.

    So what is between two parts of a drawing is learned to be paper where it is open, of which few photos tell. Each
    side of the wedge may have a rim of some grey, like a sole or a heel that is drawn with two lines.
    """
    paper = np.median(border_of(pixels), axis=0)
    thing = np.abs(pixels - paper).max(axis=2) > PAPER_TOLERANCE
    ys, xs = np.nonzero(thing)
    if not len(ys):
        return pixels
    (top, bottom), (left, right) = np.percentile(ys, (2, 98)), np.percentile(xs, (2, 98))
    width, height = right - left, bottom - top
    middle, half = rng.uniform(left + 0.25 * width, right - 0.25 * width), rng.uniform(0.06, 0.25) * width
    apex = middle + rng.uniform(-1, 1) * half, bottom - rng.uniform(0.25, 0.85) * height
    feet = [(middle + side * half, bottom + 0.1 * height) for side in (-1, 1)]
    sides = [np.rint(_bow(foot, apex, rng.normal(0, 0.08))).astype(np.int32) for foot in feet]
    seen = pixels.copy()
    for side in sides:
        if rng.random() < 0.5:
            rim, width = np.zeros(thing.shape, np.uint8), max(2, round(rng.uniform(0.06, 0.2) * height))
            cv2.polylines(rim, [side], isClosed=False, color=1, thickness=width)
            seen[rim.astype(bool) & thing] = rng.integers(20, 200)
    cv2.fillPoly(seen, [np.concatenate([sides[0], sides[1][::-1]])], paper.tolist(), lineType=cv2.LINE_AA)
    return seen


def _bow(start: tuple[float, float], end: tuple[float, float], bend: float) -> np.ndarray:
    """Points (16, 2) of a curve that leaves the straight line by that share of its length."""
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    along = np.linspace(0, 1, 16)
    aside = bend * 4 * along * (1 - along)
    return np.stack([x + along * dx - aside * dy, y + along * dy + aside * dx], axis=1)


def _unwrapped(root: Path) -> Path:
    with os.scandir(root) as listed:
        children = list(islice((child for child in listed if not child.name.startswith((".", "__MACOSX"))), 2))
    if len(children) == 1 and children[0].is_dir() and children[0].name.lower() not in SPLIT_NAMES["train"]:
        return _unwrapped(Path(children[0].path))
    return root


def _two_folders(root: Path, left_out: dict[str, str]) -> dict[str, list[Entry]]:
    folders, splits = _subfolders(root), {}
    for split in SPLITS:
        for a, b in _folder_names(split):
            if a in folders and b in folders:
                splits[split] = _match(folders[a], folders[b], root, left_out)
                break
    if not splits and "a" in folders and "b" in folders:
        splits["train"] = _match(folders["a"], folders["b"], root, left_out)
    return splits


def _subfolders(root: Path) -> dict[str, Path]:
    """The folders in `root`, and those in them, by their path in lower case: "traina", "train/a"."""
    folders = {}
    for parent, names, _ in os.walk(root, followlinks=True):
        below = Path(parent).relative_to(root)
        folders.update({(below / name).as_posix().lower(): Path(parent, name) for name in names})
        if below.parts:
            names.clear()
    return folders


def _folder_names(split: str) -> Iterator[tuple[str, str]]:
    """Where A and B of a split may lie, in lower case."""
    for name in SPLIT_NAMES[split]:
        yield from [(f"{name}{a}", f"{name}{b}") for a, b in (("a", "b"), ("_a", "_b"), ("/a", "/b"))]
        yield f"a/{name}", f"b/{name}"


def _match(folder_a: Path, folder_b: Path, root: Path, left_out: dict[str, str]) -> list[Entry]:
    """Pairs the files of two folders by their name below it, without the extension."""
    a, b = _by_stem(folder_a, root, left_out), _by_stem(folder_b, root, left_out)
    for mine, other, elsewhere in ((a, b, folder_b), (b, a, folder_a)):
        for stem in mine.keys() - other.keys():
            left_out[_name(mine[stem], root)] = f"no partner of this name in {elsewhere.name}"
    return [Entry(stem, a[stem], b[stem]) for stem in sorted(a.keys() & b.keys())]


def _by_stem(folder: Path, root: Path, left_out: dict[str, str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for name in _image_files(folder, root, left_out):
        stem, _ = os.path.splitext(name)
        if stem in files:
            left_out[_name(folder / name, root)] = f"has the name of {files[stem].name}"
        else:
            files[stem] = folder / name
    return files


def _single_files(root: Path, left_out: dict[str, str]) -> dict[str, list[Entry]]:
    folders = _subfolders(root)
    found = {split: next((folders[name] for name in SPLIT_NAMES[split] if name in folders), None) for split in SPLITS}
    if not found["train"]:
        found = {"train": root}
    splits = {}
    for split, folder in found.items():
        if folder:
            below = "" if folder == root else f"{_name(folder, root)}/"
            splits[split] = [Entry(below + name, folder / name) for name in _image_files(folder, root, left_out)]
    return splits


def _image_files(folder: Path, root: Path, left_out: dict[str, str]) -> list[str]:
    """The image files below a folder, by their names there ("1.jpg", "boots/1.jpg"), sorted. Hidden ones, such as
    macOS leaves in zips, do not count.
    """
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        below = "" if Path(parent) == folder else f"{_name(Path(parent), folder)}/"
        for name in names:
            _, extension = os.path.splitext(name)
            if extension.lower() not in images.EXTENSIONS or name.startswith("."):
                continue
            if reason := _empty_or_gone(os.path.join(parent, name)):
                left_out[_name(Path(parent, name), root)] = reason
            else:
                files.append(below + name)
    return sorted(files)


def _empty_or_gone(path: str) -> str | None:
    try:
        return None if os.path.getsize(path) else "an empty file"
    except OSError as error:  # such as a link that leads nowhere
        return f"cannot be opened: {error.strerror}"


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _guess_layout(entries: list[Entry]) -> Layout:
    """Side-by-side pairs are about twice as wide as high, or wider; looks at up to 64 of the pictures."""
    sizes = [_size(entry.a) for entry in entries[:: max(1, len(entries) // 64)]]
    wide = sum(width >= SIDE_BY_SIDE * height > 0 for width, height in sizes)
    known = sum(height > 0 for _, height in sizes)
    return "pairs" if known and wide >= 0.8 * known else "photos"


def _size(path: Path) -> tuple[int, int]:
    """Width and height, upright; (0, 0) for what is no image."""
    try:
        with Image.open(path, formats=images.FORMATS) as picture:
            lies_on_side = images.orientation(picture) >= 5
            return (picture.height, picture.width) if lies_on_side else picture.size
    except Exception:  # decoders raise anything at all on broken data
        return 0, 0


def _leave_out_unwanted(
    root: Path, splits: dict[str, list[Entry]], unwanted: frozenset[str], left_out: dict[str, str]
) -> None:
    if not unwanted:
        return
    for split, entries in splits.items():
        kept = []
        for entry in entries:
            if (name := entry.file_below(root)) in unwanted:
                left_out[name] = "left out on request"
            else:
                kept.append(entry)
        splits[split] = kept


def _leave_out_broken(root: Path, splits: dict[str, list[Entry]], layout: Layout, left_out: dict[str, str]) -> None:
    if sum(len(entries) for entries in splits.values()) > CHECKED_FILES:
        return  # names only: what is broken shows when its turn comes
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for split, entries in splits.items():
            problems = list(pool.map(lambda entry: _problem(entry, layout), entries))
            splits[split] = [entry for entry, problem in zip(entries, problems, strict=True) if not problem]
            for problem in filter(None, problems):
                path, reason = problem
                left_out[_name(path, root)] = reason


def _problem(entry: Entry, layout: Layout) -> tuple[Path, str] | None:
    for path in filter(None, (entry.a, entry.b)):
        try:
            with Image.open(path, formats=images.FORMATS) as picture:
                width, height = picture.size
                if min(width // 2 if layout == "pairs" else width, height) < MIN_SIDE:
                    return path, f"too small: {width}x{height}"
                # JPEGs decode at an eighth of their size in a tenth of the time, and show all the same if truncated.
                picture.draft("RGB", (1, 1))
                picture.load()
        except Exception as error:  # decoders raise anything at all on broken data
            return path, f"broken: {error}"
    return None


def _hold_out(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    if len(entries) == 1:
        return entries, entries
    count = min(100, max(1, len(entries) // 10))
    names = sorted((entry.name for entry in entries), key=lambda name: zlib.crc32(name.encode()))
    chosen = set(names[:count])
    train = [entry for entry in entries if entry.name not in chosen]
    return train, [entry for entry in entries if entry.name in chosen]


def _nothing_usable(root: Path, left_out: dict[str, str]) -> str:
    children = [child for child in sorted(root.iterdir()) if not child.name.startswith(".")]
    folders = [f"{child.name}/" for child in children if child.is_dir()]
    kinds = Counter(child.suffix.lower() or "no extension" for child in children if child.is_file())
    there = [*folders[:8], *(f"{count} {kind} file{'s' * (count > 1)}" for kind, count in kinds.most_common(5))]
    message = (
        f"nothing to train on in {root}. Looked for side-by-side pairs or photos (in train/ and val/, or in the folder "
        f"itself), or for A/ and B/ (trainA/ and trainB/, train_A/ and train_B/) with images of the same names. "
        f"There was: {', '.join(there) or 'nothing'}."
    )
    if left_out:
        name, reason = next(iter(left_out.items()))
        message += f" {count_of(len(left_out), 'image')} left out, such as {name} ({reason})."
    return message


def count_of(number: int, noun: str) -> str:
    """1 file, 2 files."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
