"""What a folder holds: pairs in two folders, pairs in one picture, or photos; in train, val and test.

`find_pairs` looks at names, into at most 64 pictures where names do not decide, and, up to a few thousand files,
whether each can be read. What is in doubt it does not guess: DatasetError then has the readings.
"""

import os
import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Literal, NamedTuple

from pix2pix import images
from pix2pix.data.layouts import SIDES, DatasetError, Layout, half_size
from pix2pix.data.reading import Plan, read
from pix2pix.data.tree import SPLITS, Tree, scan, shown
from pix2pix.files.places import is_text
from pix2pix.formats import opened, why_not

MIN_SIDE = 16  # pixels; smaller pictures are left out
CHECKED_FILES = 5_000  # folders up to this size are looked through file by file when they are opened


class Entry(NamedTuple):
    """One pair: a picture of both or a photo (b is None), or a file of each folder."""

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
    folders: tuple[str, ...] = ()
    """those of A and B, where they are not called so"""

    def describe(self) -> str:
        """One sentence for a person."""
        train, val, test = (self.splits[split] for split in SPLITS)
        count = len(train) + len(test) + (0 if val == train else len(val))  # one alone is in two splits
        pairs, named = count_of(count, "pair"), self.folders if len(self.folders) == 2 else ()
        a, b = SIDES[self.layout]
        what = {
            "pairs": f"{pairs} side by side, A on the left",
            "stacked": f"{pairs} in one picture each, A above B",
            "folders": f"{pairs} in two folders, {f'A is {named[0]} and B is {named[1]}' if named else 'A and B'}",
            "photos": f"{count_of(count, 'photo')}, whose edges will be made on the fly",
        }.get(self.layout) or f"{pairs} in one picture each, A is {a} and B is {b}"
        width, height = size_of(train[0].a)
        parts = [f"{what}, {width}x{height}" if width else what, f"{len(train):,} to train on"]
        if val:
            parts.append(f"{len(val):,} {'held out ' if self.held_out else ''}to look at")
        if test:
            parts.append(f"{len(test):,} to test on")
        if self.left_out:
            parts.append(f"{count_of(len(self.left_out), 'file')} left out")
        return "; ".join(parts) + "."


def find_pairs(
    root: str | Path,
    layout: Layout | Literal["auto"] = "auto",
    *,
    folders: Sequence[str] = (),
    leave_out: Collection[str] = (),
    open_files: bool = True,
) -> Found:
    """Finds the pairs in a folder, in any of these layouts:

    - two folders whose files have the same names, up to what all names of a folder share, whatever the extension
      ("folders"); or two such series in one folder, as x_image and x_mask, or in many, as x/image and x/mask. Those
      called A and B are A and B; of others the input becomes A: the one whose name says so (input, source), or that
      holds label maps or line drawings
    - pictures that hold both: side by side ("pairs"), A above B ("stacked"), or two of three in a row ("thirds-12",
      "thirds-13", "thirds-23"); where A and B themselves speak for it, by their outlines or a seam
    - photos alone, in one folder or in folders by kind ("photos")

    each in folders for train, val and test (or training, valid, validation, dev, testing, eval; before, after or beside
    the other names: trainA, train_A, train/A, A/train), or all to train on. `folders` names those of A and B, or the
    only one that counts. A folder in which all pictures lie stands for the one given, as zips often have it.

    Without a val folder a tenth of train, at most 100 pairs, is held out: always the same ones, by name. Files that are
    empty, broken, of a format that is not read, under 16 pixels or without a partner are left out and named in
    `left_out`, and so are the pairs whose A, by its path below the folder, is in `leave_out`. Without `open_files`, and
    in folders of more than a few thousand files, what is broken shows only when its turn comes.

    Raises DatasetError when nothing is left, and, with `readings`, when the folder can be read in more than one way.
    Raises ValueError for a layout that there is not.
    """
    return pairs_in(look_through(root), layout, folders=folders, leave_out=leave_out, open_files=open_files)


def look_through(root: str | Path) -> Tree:
    """The names of all pictures in a folder: the quick part of `find_pairs`. Raises DatasetError where it is none."""
    root = Path(root).expanduser()
    if not root.is_dir():
        raise DatasetError(f"{root} is {'a file' if root.exists() else 'not there'}; give a folder of images")
    if not is_text(str(root)):
        raise DatasetError(f"the name of {shown(str(root))} is not in UTF-8: rename it")
    return scan(root)


def pairs_in(
    tree: Tree,
    layout: Layout | Literal["auto"] = "auto",
    *,
    folders: Sequence[str] = (),
    leave_out: Collection[str] = (),
    open_files: bool = True,
) -> Found:
    """The rest of `find_pairs`, which looks at pictures."""
    if layout != "auto" and layout not in SIDES:
        raise ValueError(f"layout {layout!r} is not one of auto, {', '.join(SIDES)}")
    plan = read(tree, layout, tuple(folders))
    splits = _entries(tree, plan)
    left_out = tree.left_out | plan.left_out
    unwanted = frozenset(name.removeprefix("./") for name in leave_out)  # as it is given where it begins with a dash
    _leave_out_unwanted(tree.root, splits, unwanted, left_out)
    if open_files:
        _leave_out_broken(tree.root, splits, plan.layout, left_out)
    if not splits["train"]:
        raise DatasetError(_nothing_usable(tree, splits, left_out))
    held_out = not splits["val"]
    if held_out:
        splits["train"], splits["val"] = _hold_out(splits["train"])
    return Found(tree.root, plan.layout, splits, held_out, left_out, plan.folders)


def _entries(tree: Tree, plan: Plan) -> dict[str, list[Entry]]:
    """By split. What lies beside a folder to train on is not trained on, and never what is there to look at or test."""
    has_train = any(split == "train" for split, _ in plan.pairs)
    splits: dict[str, list[Entry]] = {split: [] for split in SPLITS}
    for (split, name), (a, b) in plan.pairs.items():
        if not split and has_train:
            plan.left_out[a] = "lies beside the folder to train on"
        else:
            splits[split or "train"].append(Entry(name, tree.root / a, tree.root / b if b else None))
    return {split: sorted(entries, key=attrgetter("name")) for split, entries in splits.items()}


def size_of(path: Path) -> tuple[int, int]:
    """Width and height, upright; (0, 0) for what is no image."""
    try:
        with opened(path) as picture:
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
                left_out[path.relative_to(root).as_posix()] = reason


def _problem(entry: Entry, layout: Layout) -> tuple[Path, str] | None:
    for path in filter(None, (entry.a, entry.b)):
        try:
            with opened(path) as picture:
                if min(half_size(picture.size, layout)) < MIN_SIDE:
                    return path, f"too small: {picture.width}x{picture.height}"
                # JPEGs decode at an eighth of their size in a tenth of the time, and show all the same if truncated.
                picture.draft("RGB", (1, 1))
                picture.load()
        except Exception as error:  # decoders raise anything at all on broken data
            return path, why_not(path, error)
    return None


def _hold_out(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    if len(entries) == 1:
        return entries, entries
    count = min(100, max(1, len(entries) // 10))
    names = sorted((entry.name for entry in entries), key=lambda name: zlib.crc32(name.encode()))
    chosen = set(names[:count])
    train = [entry for entry in entries if entry.name not in chosen]
    return train, [entry for entry in entries if entry.name in chosen]


def _nothing_usable(tree: Tree, splits: dict[str, list[Entry]], left_out: dict[str, str]) -> str:
    others = [f"{count_of(len(splits[split]), 'pair or photo', 'pairs or photos')} in a folder for {split}"
              for split in ("val", "test") if splits[split]]  # fmt: skip
    if others:
        return f"nothing to train on in {tree.root}: there is {' and '.join(others)}, which is never trained on"
    children = [child for child in sorted(tree.root.iterdir()) if not child.name.startswith(".")]
    folders = [f"{child.name}/" for child in children if child.is_dir()]
    kinds = Counter(child.suffix.lower() or "no extension" for child in children if child.is_file())
    there = [*folders[:8], *(f"{count} {kind} file{'s' * (count > 1)}" for kind, count in kinds.most_common(5))]
    message = (
        f"nothing to train on in {tree.root}. Looked for side-by-side pairs or photos (in train/ and val/, or in the "
        f"folder itself), or for A/ and B/ (trainA/ and trainB/, train_A/ and train_B/) or any two folders with images "
        f"of the same names. There was: {', '.join(there) or 'nothing'}."
    )
    if not left_out:
        return message
    name, reason = next(iter(left_out.items()))
    return f"{message} {count_of(len(left_out), 'image')} left out, such as {name} ({reason})."


def count_of(number: int, noun: str, plural: str = "") -> str:
    """1 file, 2 files."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
