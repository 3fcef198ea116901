"""Which of the ways in which a folder can be read is the one: by names first, by what the pictures show where they
do not decide, and by neither where neither does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Literal

from pix2pix.data.evidence import LOOKED_AT, NOT_SEEN, Together, compare, looks_at, spread
from pix2pix.data.layouts import DatasetError, Layout, Reading, in_doubt
from pix2pix.data.series import (
    ALL_MATCHED,
    MATCHED,
    MOST,
    Key,
    Match,
    Roles,
    Series,
    is_mixed,
    match,
    matches,
    means,
    within,
)
from pix2pix.data.sheets import cut_up
from pix2pix.data.tree import INPUT_WORDS, LABEL_WORDS, PICTURE_WORDS, TARGET_WORDS, Tree, words_of

SAMPLED = 16  # pairs of two folders that are compared; where there are more folders, as many pictures in all
FEWEST = 2  # of them for any two folders
AGAIN = 8  # pairs of those that seem to belong together by fewer
MOST_READINGS = 6
FOREMOST = frozenset({"label", "labels", "labelids", "mask", "masks", "input"})  # of several that mean alike


@dataclass
class Plan:
    """A folder as it is read."""

    layout: Layout
    pairs: dict[Key, tuple[str, str | None]]
    """(split, name) -> the files of A and B, or the one file"""
    left_out: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


def read(tree: Tree, layout: Layout | Literal["auto"], folders: tuple[str, ...]) -> Plan:
    """Raises DatasetError, with the readings, for what is in doubt."""
    if len(folders) > 2:
        raise DatasetError(
            f"--folders names {len(folders)} folders; give those of A and B, or the only one that counts"
        )
    if len(folders) == 2 and layout not in ("auto", "folders"):
        raise DatasetError(f"--layout {layout} has no folders A and B: give one folder, the only one that counts")
    roles = Roles.of(tree.folders)
    if len(folders) == 2:
        a, b = (_named(tree, roles, folder) for folder in folders)
        return _folders(tree, match(a, b, at_least=0) or Match(a, b, {}, 0), folders)
    every = [_named(tree, roles, folders[0])] if folders else list(roles.outermost.values())
    if layout in ("auto", "folders") and not folders:
        if plan := _two_folders(tree, roles):
            return plan
        if layout == "folders":
            return Plan("folders", {})
    plan = _single_files(every, folders)
    if layout == "auto":
        if not folders:
            _never_pool(roles)
        to_train = [path for (split, _), (path, _) in plan.pairs.items() if split in ("", "train")]
        plan.layout = cut_up(tree, to_train, folders)
    else:
        plan.layout = layout
    return plan


# --- two folders


def _two_folders(tree: Tree, roles: Roles) -> Plan | None:
    for way in roles.ways:
        if "a" in way and "b" in way:
            a, b = way["a"], way["b"]
            return _folders(tree, match(a, b, at_least=0, simplified=False) or Match(a, b, {}, 0), ())
    for series in _candidates(roles):
        if (found := matches(series)) and (plan := _judged(tree, found)):
            return plan
    return None


def _candidates(roles: Roles) -> Iterable[list[Series]]:
    """The series between which pairs are looked for, one set of them after the other."""
    ways = [[series for series in way.values() if series.files] for way in roles.ways]
    every = within(roles.every) if len(ways[0]) > 1 else []  # kitchen/1_in, kitchen/1_out, hall/1_in, …
    every_first = _covered(every) >= ALL_MATCHED * sum(len(series.files) for series in every)
    if every_first:
        yield every
    for way in sorted(ways, key=_told, reverse=True):  # set1/images, set1/masks, set2/…: the inner names say more
        if 2 <= len(way) <= MOST:
            yield way
            yield [part for series in way for part in within(series)]
        elif len(way) == 1:
            yield within(way[0])
    if not every_first:
        yield every


def _covered(series: Sequence[Series]) -> int:
    """The files of those that belong to another."""
    paired = {each.role: len(each.files) for pair in matches(series) for each in (pair.a, pair.b)}
    return sum(paired.values())


def _told(way: Sequence[Series]) -> int:
    """The files of folders whose names say what they are for, where there are two of those."""
    telling = [series for series in way if means(series)]
    return sum(len(series.files) for series in telling) if len(telling) > 1 else 0


def _judged(tree: Tree, found: list[Match]) -> Plan | None:
    """The plan for series that match by their names; None where the pictures say that they are one set of photos."""
    several = len({series.role for pair in found for series in (pair.a, pair.b)})
    count = max(FEWEST, 2 * SAMPLED // several)
    seen = [(pair, _compared(tree, pair, count)) for pair in found]
    belong = [(pair, each) for pair, each in seen if _belong(pair, each)]
    if count < AGAIN:  # few pairs may have outlines in common by accident
        again = [(pair, _compared(tree, pair, AGAIN)) for pair, _ in belong]
        belong = [(pair, each) for pair, each in again if each is NOT_SEEN or _belong(pair, each)]
    if not belong:
        _never_pool_alike(seen)
        return None
    whole = [(pair, each) for pair, each in belong if pair.share >= MATCHED]
    if len(whole) == 1:
        pair, each = whole[0]
        first = input_of(pair.a, pair.b, each)
        if first and (len(belong) == 1 or _leans(pair.a) != _leans(pair.b)):
            second = pair.b if first is pair.a else pair.a
            swapped = {key: (y, x) for key, (x, y) in pair.pairs.items()}
            ordered = pair if first is pair.a else Match(first, second, swapped, pair.share)
            return _folders(tree, ordered, (_option(first), _option(second)))
    if len(belong) > 1:
        raise _one_of_many([pair for pair, _ in belong])
    raise _of_two(*belong[0])


def _belong(pair: Match, seen: Together | None) -> bool:
    """Whether series that match by their names are pairs: their own names or the pictures have to say so as well.

    Where nothing can be seen in the pictures, as in blank ones, two folders whose files have the very same names are.
    """
    is_saved_twice = is_mixed(pair.a) and seen and seen.copies and not _are_versions(pair, seen)
    if means(pair.a) and means(pair.b) and not (is_saved_twice and _leans(pair.a) == _leans(pair.b)):
        return True
    if seen and seen.copies:
        return False
    if seen and (seen.unlike or seen.lined_up):
        return True
    is_blank = seen is None or seen.common is None
    return is_blank and pair.exact and pair.share >= ALL_MATCHED and not is_mixed(pair.a)


def _never_pool_alike(seen: Sequence[tuple[Match, Together | None]]) -> None:
    """Two folders whose files have the same names, and two versions of each picture in one, are not one set of photos.

    Pictures of one folder that were saved in several formats or sizes are.
    """
    alike = [
        (pair, each)
        for pair, each in seen
        if pair.exact and (not is_mixed(pair.a) or (each and each.copies and _are_versions(pair, each)))
    ]
    if not any(pair.share >= ALL_MATCHED for pair, _ in alike):
        return
    pair, each = max(alike, key=lambda both: both[0].share)
    raise in_doubt(
        f"The files of {_called(pair.a)} and {_called(pair.b)} have the same names, but "
        f"{'show the same pictures' if each and each.copies else 'have hardly an outline in common'}.",
        [*_both_ways(pair.a, pair.b),
         Reading("photos, whose edges will be made" if is_mixed(pair.a) else "photos, in folders by kind", "photos")],
    )  # fmt: skip


def _are_versions(pair: Match, seen: Together) -> bool:
    """Whether copies have one format and size, so that there must be another reason for them."""
    return seen.same_size and all(_extension(a) == _extension(b) for a, b in pair.pairs.values())


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _of_two(pair: Match, seen: Together | None) -> DatasetError:
    """For two series that belong together, but which is the input, or few have a partner."""
    first = input_of(pair.a, pair.b, seen)
    ways = _both_ways(pair.a, pair.b)
    if pair.share >= MATCHED:
        return in_doubt(
            f"The files of {_called(pair.a)} and {_called(pair.b)} belong together by their names, and nothing says "
            "which of the two is the input.",
            [*ways, *_views((pair.a, pair.b))],
        )
    fewer, more = sorted((pair.a, pair.b), key=lambda series: len(series.files))
    if first:
        ways = [_way(first, pair.b if first is pair.a else pair.a)]
    return in_doubt(
        f"Only {len(pair.pairs):,} of the {len(more.files):,} files of {_called(more)} have a partner of the same name "
        f"in {_called(fewer)}.",
        [*ways, Reading(f"only {_called(more)} counts", "photos", (_option(more),))],
    )


def _one_of_many(found: list[Match]) -> DatasetError:
    series = list({each.role: each for pair in found for each in (pair.a, pair.b)}.values())
    order = sorted(series, key=lambda each: (_leans(each), not words_of(each.label) & FOREMOST, each.role))
    matched = {frozenset((pair.a.role, pair.b.role)) for pair in found}
    ways = [(x, y) for x, y in permutations(order, 2) if frozenset((x.role, y.role)) in matched]
    directed = [(x, y) for x, y in ways if _leans(x) < _leans(y)]
    directed.sort(key=lambda way: _leans(way[0]) - _leans(way[1]))
    return in_doubt(
        f"{len(series)} sets of files belong together by their names: {', '.join(map(_called, order))}.",
        [*(_way(x, y) for x, y in (directed or ways)[:MOST_READINGS]), *_views(order)],
    )


def _views(series: Sequence[Series]) -> list[Reading]:
    """Files of one folder that are called a and b may be two views of a thing, as front and side are."""
    is_said = any(means(each) or not is_mixed(each) for each in series)
    return [] if is_said else [Reading("photos, whose edges will be made", "photos")]


def input_of(a: Series, b: Series, seen: Together | None) -> Series | None:
    """Which of the two is A: the one called so, or whose name is that of an input, or that is labels or drawings."""
    names = words_of(a.label), words_of(b.label)
    for first, second, here in ((*names, a), (*names[::-1], b)):
        if "a" in first and "b" in second:  # x_A and x_B
            return here
    x, y = _leans(a), _leans(b)
    if x != y and (abs(x) == 2 or abs(y) == 2):
        return a if x < y else b
    if seen and seen.unlike:
        return b if seen.a.kind == "image" else a
    if x != y:
        return a if x < y else b
    return None


def _leans(series: Series) -> int:
    """-2 for the name of an input, -1 for that of labels, 1 for that of pictures, 2 for that of a target, else 0."""
    words = words_of(series.label)
    for leaning, meant in ((-2, INPUT_WORDS), (2, TARGET_WORDS), (-1, LABEL_WORDS), (1, PICTURE_WORDS)):
        if words & meant:
            return leaning
    return 0


def _both_ways(a: Series, b: Series) -> list[Reading]:
    first, second = (b, a) if _leans(a) > _leans(b) else (a, b)
    return [_way(first, second), _way(second, first)]


def _way(a: Series, b: Series) -> Reading:
    return Reading(f"pairs: A, the input, is {_called(a)}, and B is {_called(b)}", "folders", (_option(a), _option(b)))


def _option(series: Series) -> str:
    return series.role or "."


def _called(series: Series) -> str:
    if "*" in series.role:
        return series.role
    return f"{series.role}/" if series.role else "what lies in the folder itself"


def _compared(tree: Tree, pair: Match, count: int) -> Together | None:
    """What the pictures of two series have to do with each other; None where none can be read."""
    every = [two for (split, _), two in pair.pairs.items() if split in ("", "train")] or list(pair.pairs.values())
    chosen = [every[index] for index in spread(len(every), count)]
    while len({path for two in chosen for path in two} - tree.seen.keys()) > LOOKED_AT - len(tree.seen):
        chosen.pop()
    if len(chosen) < min(FEWEST, len(every)):
        return NOT_SEEN
    looks = looks_at(tree, [path for two in chosen for path in two])
    both = [(x, y) for x, y in zip(looks[::2], looks[1::2], strict=True) if x and y]
    return compare(*zip(*both, strict=True)) if both else None


def _folders(tree: Tree, pair: Match, folders: tuple[str, ...]) -> Plan:
    """Pairs of two series; what else there is has no partner, or lies in neither."""
    used = {path for two in pair.pairs.values() for path in two}
    unread = {_stem(path): path for path in tree.left_out}
    left_out = {}
    for mine, other in ((pair.a, pair.b), (pair.b, pair.a)):
        for path in mine.files.values():
            if path not in used:
                lost = unread.get(_stem(path))
                left_out[path] = (
                    f"its partner {lost} cannot be used" if lost else f"no partner of this name in {other.label}"
                )
        left_out |= {
            path: f"has the name of {mine.files[key].rpartition('/')[2]}" for path, key in mine.doubles.items()
        }
    known = used | left_out.keys()
    neither = {folder.path + name for folder in tree.folders for name in folder.files} - known
    left_out |= dict.fromkeys(sorted(neither), "lies in neither of the two folders")
    pairs: dict[Key, tuple[str, str | None]] = dict(pair.pairs)
    return Plan("folders", pairs, left_out, folders)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _named(tree: Tree, roles: Roles, folder: str) -> Series:
    """The series that someone means. Raises DatasetError, with those that there are."""
    wanted = folder.strip("/").lower()
    known: dict[str, Series] = {}
    for way in roles.ways:
        for series in way.values():
            for part in (series, *within(series)):
                known.setdefault(_option(part).lower(), part)
                known.update({path.lower(): part for path in part.paths if part is series and path})
    known |= {part.role.lower(): part for part in within(roles.every) if is_mixed(part)}
    if wanted not in known:
        there = ", ".join(sorted(name for name, series in known.items() if name == _option(series).lower()))
        raise DatasetError(f"there are no pictures of a folder {folder} in {tree.root}; there are: {there or 'none'}")
    return known[wanted]


# --- single files


def _single_files(every: list[Series], folders: tuple[str, ...]) -> Plan:
    pairs: dict[Key, tuple[str, str | None]] = {}
    for series in every:
        for path, (split, _) in [*((path, key) for key, path in series.files.items()), *series.doubles.items()]:
            pairs[split, path] = path, None
    return Plan("photos", pairs, {}, folders)


def _never_pool(roles: Roles) -> None:
    """Folders whose names mean something are not one set of photos."""
    every = [series for _, series in sorted(roles.outermost.items()) if series.files]
    if len(every) >= 2 and any(_leans(series) for series in every):
        readings = [Reading(f"only {_called(series)} counts", "photos", (_option(series),)) for series in every]
        raise in_doubt(
            f"There is {' and '.join(map(_called, every[:MOST_READINGS]))}, and the names of their files do not match.",
            [*readings[:MOST_READINGS], Reading("all of them are photos", "photos")],
        )
