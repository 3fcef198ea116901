"""What pictures lie below a folder, and what the names of the folders they lie in say of them.

Only names are looked at here, and no file is asked for anything: 100,000 of them take some tenths of a second.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pix2pix.files.places import is_text
from pix2pix.formats import EXTENSIONS, UNREAD, extension_of

SPLITS = ("train", "val", "test")
SPLIT_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}  # of folders, in any case
DEEPEST = 12  # folders below each other that are entered
NO_TEXT = "its name, or that of its folder, is not in UTF-8: rename it"
MOST_NAMED = 6  # of which it is said how many pictures each has


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that say what a folder is for. Pictures below such names are never taken for one set of photos.
INPUT_WORDS = _words(
    "input inputs in source sources src x condition conditions cond before noisy degraded low lq lr blur blurred "
    "blurry rainy hazy sketch sketches drawing drawings edge edges line lines lineart grey gray bw"
)
TARGET_WORDS = _words(
    "target targets output outputs out tgt y gt groundtruth truth after clean sharp high hq hr result results"
)
LABEL_WORDS = _words(
    "label labels labelled labelids mask masks seg segmentation segmentations semantic annotation annotations annot "
    "gtfine gtcoarse inst instance instances map maps"
)
PICTURE_WORDS = _words("image images img imgs picture pictures pic pics photo photos rgb real colour color")
MEANING = INPUT_WORDS | TARGET_WORDS | LABEL_WORDS | PICTURE_WORDS | {"a", "b"}

_SPLIT_OF = {name: split for split, names in SPLIT_NAMES.items() for name in names}
_LONGEST_FIRST = sorted(_SPLIT_OF, key=len, reverse=True)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_BETWEEN = " _.-"  # words of a name


@dataclass
class Folder:
    """The pictures that lie in one folder."""

    path: str
    """below the root, with slashes; empty for the root itself"""
    split: str | None
    """train, val or test, where a name on the way says so"""
    parts: tuple[str, ...]
    """what the names on the way say beside that"""
    files: list[str] = field(default_factory=list)


@dataclass
class Tree:
    """All pictures below a folder."""

    root: Path
    folders: list[Folder]
    left_out: dict[str, str]
    """pictures that cannot be used, by their path below the root, and why"""
    seen: dict[str, Any] = field(default_factory=dict)
    """what was seen in the pictures, by their paths, that have been opened to see how the folder is to be read"""

    def describe(self) -> str:
        """How many there are, and where: one sentence for a person."""
        count = sum(len(folder.files) for folder in self.folders)
        named = [f"{len(folder.files):,} in {folder.path}" for folder in self.folders if folder.path]
        if len(named) > MOST_NAMED:
            where = f" in {len(self.folders):,} folders"
        else:
            where = f": {', '.join(named)}" if named else ""
        return f"{count:,} picture{'s' * (count != 1)}{where}."


def split_of(name: str) -> tuple[str | None, str]:
    """The split that the name of a folder means, if any, and what else it says.

    >>> split_of("train_label"), split_of("Val"), split_of("trainA"), split_of("trainers")
    (('train', 'label'), ('val', ''), ('train', 'A'), (None, 'trainers'))
    """
    lower = name.lower()
    if split := _SPLIT_OF.get(lower):
        return split, ""
    for word in _LONGEST_FIRST:
        if lower.startswith(word):
            rest = name[len(word) :]
            plain = rest.lstrip(_BETWEEN)
            is_hump = rest[0].isupper() and not name[len(word) - 1].isupper()  # trainLabel, but not TRAINERS
            if plain and (plain != rest or rest[0].isdecimal() or is_hump or rest.lower() in MEANING):
                return _SPLIT_OF[word], "" if plain.isdecimal() else plain
        elif lower.endswith(word):
            rest = name[: -len(word)]
            plain = rest.rstrip(_BETWEEN)
            if plain and plain != rest:
                return _SPLIT_OF[word], plain
    return None, name


def shown(name: str) -> str:
    """As far as it can be shown."""
    return name.encode("utf-8", "replace").decode()


def words_of(role: str) -> set[str]:
    """The words of a name in lower case: leftImg8bit -> left, img, 8, bit; what means something as it is, is one."""
    words: set[str] = set()
    for name in role.split("/"):
        whole = name.lower()
        words |= {whole} if whole in MEANING else {whole, *(word.lower() for word in _WORD.findall(name))}
    return words


def scan(root: Path) -> Tree:
    """Looks through a folder and all below it; links are followed. Hidden files, such as macOS leaves in zips, do not
    count. A folder in which all pictures lie stands for the one given, unless its name is that of a split.
    """
    found: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    for below, names in _files(root, "", 0, set()):
        pictures = []
        for name in names:
            extension = extension_of(name)
            if extension in EXTENSIONS and not is_text(below + name):
                left_out[shown(below + name)] = NO_TEXT
            elif extension in EXTENSIONS:
                pictures.append(name)
            elif extension in UNREAD:
                left_out[shown(below + name)] = UNREAD[extension]
        if pictures:
            found[below] = pictures
    root, found, left_out = _unwrapped(root, found, left_out)
    return Tree(root, [_folder(below, names) for below, names in sorted(found.items())], left_out)


def _folder(below: str, files: list[str]) -> Folder:
    split, parts = None, []
    for name in filter(None, below.split("/")):
        means, rest = split_of(name)
        if means and split is None:
            split = means
            parts += [rest] if rest else []
        else:
            parts.append(name)
    return Folder(below, split, tuple(parts), files)


def _files(
    folder: Path | str, below: str, depth: int, entered: set[tuple[int, int]]
) -> Iterator[tuple[str, list[str]]]:
    """The names of the files of each folder, with its path below the root: empty, or ending in a slash."""
    try:
        about = os.stat(folder)
        if (about.st_dev, about.st_ino) in entered or depth > DEEPEST:  # a link that leads back
            return
        entered.add((about.st_dev, about.st_ino))
        folders, files = [], []
        with os.scandir(folder) as listed:
            for entry in listed:
                if entry.name.startswith((".", "__MACOSX")):
                    continue
                if _leads_to(entry.is_dir):
                    folders.append(entry.name)
                elif entry.is_symlink() or _leads_to(entry.is_file):  # no pipe, which would be waited for
                    files.append(entry.name)
    except OSError:
        return
    yield below, sorted(files)
    for name in sorted(folders):
        yield from _files(os.path.join(folder, name), f"{below}{name}/", depth + 1, entered)


def _leads_to(kind: Callable[[], bool]) -> bool:
    """Whether it is of that kind; a link that leads nowhere, or to itself, is of none."""
    try:
        return kind()
    except OSError:
        return False


def _unwrapped(root: Path, found: dict[str, list[str]], left_out: dict[str, str]):
    while found and "" not in found:
        tops = {below.partition("/")[0] for below in found}
        top = tops.pop()
        if tops or split_of(top)[0]:
            break
        root, inside = root / top, f"{top}/"
        found = {below.removeprefix(inside): names for below, names in found.items()}
        left_out = {name.removeprefix(inside): why for name, why in left_out.items() if name.startswith(inside)}
    return root, found, left_out
