"""Which of the ways in which a folder can be read is the one: by names first, by what the pictures show where they
do not decide, and by neither where neither does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Literal

from pix2pix.data.evidence import CUTS, LOOKED_AT, Together, Verdict, compare, glances, spread, verdicts
from pix2pix.data.kinds import looks_drawn
from pix2pix.data.layouts import SIDES, DatasetError, Layout, Reading, in_doubt
from pix2pix.data.series import ALL_MATCHED, MOST, Key, Match, Roles, Series, match, matches, within
from pix2pix.data.tree import INPUT_WORDS, LABEL_WORDS, MEANING, PICTURE_WORDS, TARGET_WORDS, Tree, words_of

SAMPLED = 16  # pairs of two folders that are compared, and in all where there are more folders
FEWEST = 2  # of them for any two folders
AGAIN = 8  # pairs of those two that alone seem to belong together, of many
CUT_UP = 32  # pictures, at most, of which it is asked whether they were put together of several
FEW = 8  # pictures, below which a single sign is an accident
MIXED = 0.2  # share of drawn pictures among photos, or of photos among drawn ones, from which they are two sorts
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
        plan.layout = _cut_up(tree, plan, folders)
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
        if found := matches(series):
            return _judged(tree, found)
    return None


def _candidates(roles: Roles) -> Iterable[list[Series]]:
    """The series between which pairs are looked for, one set of them after the other."""
    ways = [[series for series in way.values() if series.files] for way in roles.ways]
    ways.sort(key=lambda way: sum(_means(series.role) for series in way) < 2)  # set1/images, set1/masks, set2/…
    for way in ways:
        if 2 <= len(way) <= MOST:
            yield way
            yield [part for series in way for part in within(series)]
        elif len(way) == 1:
            yield within(way[0])


def _judged(tree: Tree, found: list[Match]) -> Plan | None:
    """The plan for series that match by their names; None where the pictures say that they are one set of photos."""
    seen = [(pair, _compared(tree, pair, max(FEWEST, SAMPLED // len(found)))) for pair in found]
    belong = [(pair, each) for pair, each in seen if _belong(pair, each)]
    if len(belong) == 1 and len(found) > SAMPLED // AGAIN:  # few pairs may have outlines in common by accident
        pair = belong[0][0]
        each = _compared(tree, pair, AGAIN)
        belong = [(pair, each)] if _belong(pair, each) else []
    if len(belong) > 1:
        raise _one_of_many([pair for pair, _ in belong])
    if not belong:
        alike = [(pair, each) for pair, each in seen if pair.exact and "*" not in pair.a.role]
        if not any(pair.share >= ALL_MATCHED for pair, _ in alike):
            return None
        pair, each = max(alike, key=lambda both: both[0].share)
        raise in_doubt(
            f"The files of {_called(pair.a)} and {_called(pair.b)} have the same names, but "
            f"{'show the same pictures' if each and each.copies else 'have hardly an outline in common'}.",
            [*_both_ways(pair.a, pair.b), Reading("photos, in folders by kind", "photos")],
        )
    pair, each = belong[0]
    a, b = pair.a, pair.b
    first = input_of(a, b, each)
    if first is None:
        raise in_doubt(
            f"The files of {_called(a)} and {_called(b)} belong together by their names, and nothing says which of the "
            "two is the input.",
            _both_ways(a, b),
        )  # fmt: skip
    second = b if first is a else a
    swapped = {key: (y, x) for key, (x, y) in pair.pairs.items()}
    ordered = pair if first is a else Match(b, a, swapped, pair.share)
    return _folders(tree, ordered, (_option(first), _option(second)))


def _belong(pair: Match, seen: Together | None) -> bool:
    """Whether series that match by their names are pairs: their own names or the pictures have to say so as well.

    Where nothing can be seen in the pictures, as in blank ones, two folders whose files have the very same names are.
    """
    is_within_one = "*" in pair.a.role
    if seen and seen.copies and is_within_one:  # pictures that were saved in several formats, or sizes
        return False
    if _means(pair.a.role) and _means(pair.b.role):
        return True
    if seen and seen.copies:
        return False
    if seen and (seen.unlike or seen.lined_up):
        return True
    is_blank = seen is None or seen.common is None
    return is_blank and pair.exact and pair.share >= ALL_MATCHED and not is_within_one


def _one_of_many(found: list[Match]) -> DatasetError:
    series = list({each.role: each for pair in found for each in (pair.a, pair.b)}.values())
    order = sorted(series, key=lambda each: (_leans(each.role), not words_of(each.role) & FOREMOST, each.role))
    matched = {frozenset((pair.a.role, pair.b.role)) for pair in found}
    ways = [(x, y) for x, y in permutations(order, 2) if frozenset((x.role, y.role)) in matched]
    directed = [(x, y) for x, y in ways if _leans(x.role) < _leans(y.role)]
    directed.sort(key=lambda way: _leans(way[0].role) - _leans(way[1].role))
    return in_doubt(
        f"{len(series)} sets of files belong together by their names: {', '.join(map(_called, order))}.",
        [_way(x, y) for x, y in (directed or ways)[:MOST_READINGS]],
    )


def input_of(a: Series, b: Series, seen: Together | None) -> Series | None:
    """Which of the two is A: the one called so, or whose name is that of an input, or that is labels or drawings."""
    names = words_of(a.role), words_of(b.role)
    for first, second, here in ((*names, a), (*names[::-1], b)):
        if "a" in first and "b" in second:  # x_A and x_B
            return here
    x, y = _leans(a.role), _leans(b.role)
    if x != y and (abs(x) == 2 or abs(y) == 2):
        return a if x < y else b
    if seen and seen.unlike:
        return b if seen.a.kind == "image" else a
    if x != y:
        return a if x < y else b
    return None


def _leans(role: str) -> int:
    """-2 for the name of an input, -1 for that of labels, 1 for that of pictures, 2 for that of a target, else 0."""
    words = words_of(role)
    for leaning, meant in ((-2, INPUT_WORDS), (2, TARGET_WORDS), (-1, LABEL_WORDS), (1, PICTURE_WORDS)):
        if words & meant:
            return leaning
    return 0


def _means(role: str) -> bool:
    return bool(words_of(role) & MEANING)


def _both_ways(a: Series, b: Series) -> list[Reading]:
    first, second = (b, a) if _leans(a.role) > _leans(b.role) else (a, b)
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
    tree.looked_at += 2 * len(chosen)
    looks = glances([tree.root / path for two in chosen for path in two])
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
    if len(every) >= 2 and any(_leans(series.role) for series in every):
        readings = [Reading(f"only {_called(series)} counts", "photos", (_option(series),)) for series in every]
        raise in_doubt(
            f"There is {' and '.join(map(_called, every[:MOST_READINGS]))}, and the names of their files do not match.",
            [*readings[:MOST_READINGS], Reading("all of them are photos", "photos")],
        )


def _cut_up(tree: Tree, plan: Plan, folders: tuple[str, ...]) -> Layout:
    """Whether pictures hold both A and B, and how; or are photos."""
    paths = [path for (split, _), (path, _) in plan.pairs.items() if split in ("", "train")]
    count = min(CUT_UP, LOOKED_AT - tree.looked_at)
    looks = glances([tree.root / paths[index] for index in spread(len(paths), count)])
    seen = list({each.rgb.tobytes(): each for each in looks if each}.values())  # copies of a picture speak once
    if not seen:
        return "photos"
    found = verdicts(seen)
    best = found[0]
    if best.spoken_for:
        if len(best.cut.layouts) == 1:
            return next(iter(best.cut.layouts.values()))
        raise in_doubt(f"The pictures seem to be {best.cut.words}{_why(best)}.", _cuts([best], folders))
    signs = [each for each in found if (each.points and len(seen) >= FEW) or (each.fits and each.cut is CUTS[0])]
    if signs:
        size = "x".join(map(str, seen[0].size))
        raise in_doubt(
            f"The pictures, of {size}, may be {' or '.join(each.cut.words for each in signs)}, or one photo each: "
            f"{_why_not(signs[0])}.",
            [*_cuts(signs, folders), Reading("photos, whose edges will be made", "photos", folders)],
        )
    drawn = sum(looks_drawn(each.rgb) for each in seen) / len(seen)
    if len(seen) >= FEW and MIXED <= drawn <= 1 - MIXED:
        raise in_doubt(
            f"About {drawn:.0%} of the pictures look like label maps or drawings and the others like photos, and their "
            "names do not say which belong together.",
            [Reading("all are photos, whose edges will be made", "photos", folders)],
        )
    return "photos"


def _cuts(found: Sequence[Verdict], folders: tuple[str, ...]) -> list[Reading]:
    return [
        Reading(f"pairs: A is {SIDES[layout][0]}, and B {SIDES[layout][1]}", layout, folders)
        for each in found
        for layout in each.cut.layouts.values()
    ]


def _why(verdict: Verdict) -> str:
    if verdict.seam >= 0.5 and verdict.parts.lined_up:
        return ": there is a seam where they meet and they have outlines in common"
    if verdict.seam >= 0.5:
        return ": there is a seam where they meet"
    return ": they have outlines in common" if verdict.parts.lined_up else ""


def _why_not(verdict: Verdict) -> str:
    if verdict.points:
        return "there is a seam" if verdict.seam >= 0.5 else "the parts have outlines in common, and that is all"
    return "their shape is that of pairs, but there is no seam and hardly an outline in common"
