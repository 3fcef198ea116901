"""What a folder holds to train on: `find_pairs` looks at names (and, up to a few thousand files, into each of them).

A is the left half of a side-by-side picture, or what lies in folder A, or the edges made from a photo.
"""

import os
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from PIL import Image

from pix2pix import images

Layout = Literal["pairs", "folders", "photos"]
SPLITS = ("train", "val", "test")
SPLIT_NAMES = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}  # of their folders
MIN_SIDE = 16  # pixels; smaller pictures are left out
SIDE_BY_SIDE = 1.9  # width / height from which a picture is taken for a pair
CHECKED_FILES = 5_000  # folders up to this size are looked through file by file when they are opened


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
