"""Which files belong together, as far as names tell: those of two folders, or of two series in one.

A series is what one role has: the files of the folder `masks`, or those of one folder whose names end in `_mask`.
Members of two series belong together when their names are the same but for what all names of a series share.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Self

from pix2pix.data.tree import MEANING, Folder, words_of

MOST = 8  # series that are compared with each other; more folders than that are kinds of photos
MATCHED = 0.5  # share of the larger series from which two belong together
ALL_MATCHED = 0.9  # share from which the names alone leave no doubt
FEWEST = 2  # files of a part of a series that belong to all of another
FREQUENT = 0.15  # share of the names that have an ending for it to be that of a series
SAMPLED = 5_000  # names that are asked for their endings: of 100,000 that takes a third of a second
_TOKEN = re.compile(r"\d+|[^\W\d_]+|[\W_]")  # a number, a word, or one character between them
_ENDING = re.compile(r"(?:[ _.\-]+[^\W_]*[^\W\d_][^\W_]*|(?<=\d)[^\W\d_]+)$")
_BEGINNING = re.compile(r"(?:[^\W_]*[^\W\d_][^\W_]*[ _.\-]+|[^\W\d_]+(?=\d))")

Key = tuple[str, str]  # the split ("" where none is named), and the name below the role's folder


@dataclass
class Series:
    """The files of one role, by what names them among all of it."""

    role: str
    """as in the folders, in lower case: images, or images/*_mask"""
    files: dict[Key, str] = field(default_factory=dict)
    """path below the root"""
    label: str = ""
    """the name of its folder as it is written, for a person, and for the words in it"""
    paths: set[str] = field(default_factory=set)
    """of its folders below the root, without a slash at the end"""
    doubles: dict[str, Key] = field(default_factory=dict)
    """paths of further files that have the name of one of these but for the extension"""

    def splits(self) -> set[str]:
        return {split for split, _ in self.files}


@dataclass
class Match:
    """Two series whose files belong together."""

    a: Series
    b: Series
    pairs: dict[Key, tuple[str, str]]
    share: float
    """of the files of the larger one, in splits that both have"""
    exact: bool = True
    """whether the names are the very same, but for the extension"""


@dataclass
class Roles:
    """All files, by the names of the folders they lie in that are not those of splits."""

    outermost: dict[str, Series]
    innermost: dict[str, Series]
    """the very same where no folder lies in another"""
    every: Series
    """all of them as one, by what names each below the root"""

    @classmethod
    def of(cls, folders: Sequence[Folder]) -> Self:
        outermost = _by_role(folders, 0)
        is_flat = all(len(folder.parts) < 2 for folder in folders)
        every = next(iter(outermost.values())) if len(outermost) == 1 else _by_role(folders, None)[""]
        return cls(outermost, outermost if is_flat else _by_role(folders, -1), every)

    @property
    def ways(self) -> list[dict[str, Series]]:
        return [self.outermost] if self.innermost is self.outermost else [self.outermost, self.innermost]


def _by_role(folders: Iterable[Folder], place: int | None) -> dict[str, Series]:
    found: dict[str, Series] = {} if folders else {"": Series("")}
    for folder in folders:
        parts = list(folder.parts)
        role = parts.pop(place) if parts and place is not None else ""
        series = found.setdefault(role.lower(), Series(role.lower(), label=role or "the folder itself"))
        series.paths.add(folder.path.rstrip("/"))
        below, split = "".join(f"{part}/" for part in parts), folder.split or ""
        for name in folder.files:
            _add(series, (split, below + name.rpartition(".")[0]), folder.path + name)
    return found


def _add(series: Series, key: Key, path: str) -> None:
    if key in series.files:
        series.doubles[path] = key
    else:
        series.files[key] = path


def within(series: Series) -> list[Series]:
    """The series that lie mixed in one folder, told apart by extension, ending, beginning, or, where each pair has a
    folder of its own, by name; itself where it is one.
    """
    for tell in (_by_extension, _by_ending, _by_beginning, _by_name):
        parts = tell(series)
        if 2 <= len(parts) <= MOST and any(match(*two) for two in combinations(parts, 2)):
            return parts
    return [series]


def means(series: Series) -> bool:
    """Whether the name of its folder, or what its names share within one, says what it is for."""
    return bool(words_of(series.label.rpartition("/")[2] if is_mixed(series) else series.label) & MEANING)


def _both_mean(a: Series, b: Series) -> bool:
    """Also 001 and 001_mask."""
    said = [means(series) or series.role.endswith("*") for series in (a, b)]
    return all(said) and (means(a) or means(b))


def is_mixed(series: Series) -> bool:
    """Whether it lies in one folder with another."""
    return "*" in series.role


def matches(series: Iterable[Series]) -> list[Match]:
    """All that belong together by their names."""
    series = list(series)
    if len(series) > MOST:
        return []
    return [found for two in combinations(series, 2) if (found := match(*two))]


def match(a: Series, b: Series, at_least: float = MATCHED, simplified: bool = True) -> Match | None:
    """How the files of two series belong together; None where less than a share of them do.

    Where both say what they are for, all of the smaller one are enough: some of many images have a mask.

    `simplified`: names that differ by what all of a series share are the same, too.
    """
    shared, best = a.splits() & b.splits(), None
    for simplify in (_as_they_are, _without_what_all_share)[: 1 + simplified]:
        ours, theirs = simplify(a), simplify(b)
        if ours is None or theirs is None:
            continue
        pairs = {key: (a.files[ours[key]], b.files[theirs[key]]) for key in ours.keys() & theirs.keys()}
        smaller, larger = sorted(sum(key[0] in shared for key in names) for names in (ours, theirs))
        exact = simplify is _as_they_are
        found = Match(a, b, dict(sorted(pairs.items())), len(pairs) / larger if larger else 0.0, exact)
        best = max(best, found, key=lambda each: each.share) if best else found
        if best.share >= MATCHED:
            break
        if exact and len(pairs) >= max(FEWEST, ALL_MATCHED * smaller) and _both_mean(a, b):
            return best
    return best if best and best.pairs and best.share >= at_least else None


def _as_they_are(series: Series) -> dict[Key, Key]:
    return {key: key for key in series.files}


def _without_what_all_share(series: Series) -> dict[Key, Key] | None:
    """Simplified keys and the keys they stand for; None where too few names are there to tell what they share."""
    if len(series.files) < 2:
        return None
    split = {key: (below, _TOKEN.findall(stem)) for key in series.files for below, _, stem in [key[1].rpartition("/")]}
    tokens = [each for _, each in split.values()]
    first, last = _shared(tokens), _shared([each[::-1] for each in tokens])
    simple = {
        (key[0], f"{below}/{''.join(each[first : len(each) - last])}"): key for key, (below, each) in split.items()
    }
    return simple if len(simple) == len(series.files) and min(map(len, tokens)) >= first + last else None


def _shared(tokens: list[list[str]]) -> int:
    """How many tokens all begin with."""
    low, high = min(tokens), max(tokens)
    return next(
        (place for place, (x, y) in enumerate(zip(low, high, strict=False)) if x != y), min(len(low), len(high))
    )


def _by_extension(series: Series) -> list[Series]:
    if not series.doubles:
        return []
    return _grouped(series, lambda path: (_stem(path), f"*.{path.rpartition('.')[2].lower()}"))


def _by_ending(series: Series) -> list[Series]:
    """x_image and x_mask, or x and x_mask."""
    return _by_affix(series, _ending, lambda stem, ending: (stem.removesuffix(ending), f"*{ending}"))


def _by_beginning(series: Series) -> list[Series]:
    """image_x and mask_x, or x and mask_x."""
    return _by_affix(series, _beginning, lambda stem, beginning: (stem.removeprefix(beginning), f"{beginning}*"))


def _by_name(series: Series) -> list[Series]:
    """a/image, a/mask, b/image, b/mask, …"""
    folders = {below.rpartition("/")[0] for _, below in series.files} - {""}
    names = {below.rpartition("/")[2] for _, below in series.files}
    is_so = 2 <= len(names) <= MOST and len(names) < len(folders)
    return _grouped(series, lambda path: ("", f"*/{_stem(path)}")) if is_so else []


def _by_affix(
    series: Series, affix: Callable[[str], str], without: Callable[[str, str], tuple[str, str]]
) -> list[Series]:
    """Parts of a series by the affixes that many of its names have; none where these do not tell names apart.

    `without` gives a name without its affix, and the pattern of those that have it.
    """
    sample = random.Random(0).sample(paths := list(series.files.values()), min(SAMPLED, len(paths)))
    counts = Counter(affix(_stem(path)) for path in sample)
    frequent = {each for each, count in counts.items() if each and count >= FREQUENT * len(sample)}
    if len(counts) < 2 or not frequent:
        return []

    def tell(path: str) -> tuple[str, str]:
        stem = _stem(path)
        found = affix(stem)
        return without(stem, found) if found in frequent else (stem, "*")

    return _grouped(series, tell)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _ending(stem: str) -> str:
    """The last word with what is before it: _mask of 001_mask, and a of 001a; empty where it is a number or all."""
    match = _ENDING.search(stem)
    return match[0] if match and match.start() > 0 else ""


def _beginning(stem: str) -> str:
    match = _BEGINNING.match(stem)
    return match[0] if match and match.end() < len(stem) else ""


def _grouped(series: Series, tell: Callable[[str], tuple[str, str]]) -> list[Series]:
    """Parts of a series by what `tell` says of each path: the name without what names its part, and that."""
    parts: dict[str, Series] = defaultdict(lambda: Series(""))
    every = [*((path, key) for key, path in series.files.items()), *series.doubles.items()]
    for path, (split, below) in every:
        stem, pattern = tell(path)
        part = parts[pattern]
        part.role = f"{series.role}/{pattern}" if series.role else pattern
        part.label = f"{series.label}/{pattern}" if series.role else pattern
        _add(part, (split, f"{below.rpartition('/')[0]}/{stem}".strip("/")), path)
    return [parts[pattern] for pattern in sorted(parts)]
