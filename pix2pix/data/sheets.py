"""Whether pictures were put together of several, side by side say, as far as they themselves tell."""

from collections.abc import Sequence

import numpy as np

from pix2pix.data.evidence import CUTS, LOOKED_AT, Glance, Verdict, judged, looks_at, spread, verdicts
from pix2pix.data.kinds import looks_drawn
from pix2pix.data.layouts import SIDES, Layout, Reading, in_doubt
from pix2pix.data.tree import Tree

CUT_UP = 32  # pictures, at most, of which it is asked whether they were put together of several
FEW = 8  # pictures, below which a single sign is an accident
MIXED = 0.2  # share of drawn pictures among photos, or of photos among drawn ones, from which they are two sorts
OTHER_SHAPE = 0.2  # of the logarithm of width / height
FEW_OTHERS = 4


def cut_up(tree: Tree, paths: Sequence[str], folders: tuple[str, ...]) -> Layout:
    """Whether pictures hold both A and B, and how; or are photos. Raises DatasetError for what is in doubt."""
    chosen = [paths[index] for index in spread(len(paths), CUT_UP)]
    new = [path for path in chosen if path not in tree.seen]
    new = [new[index] for index in spread(len(new), LOOKED_AT - len(tree.seen))]
    looks = looks_at(tree, [*new, *(path for path in paths if path in tree.seen)][:CUT_UP])
    seen = list({each.rgb.tobytes(): each for each in looks if each}.values())  # copies of a picture speak once
    if not seen:
        return "photos"
    found = verdicts(seen)
    best = found[0]
    if best.spoken_for:
        _never_halve_others(best, seen, folders)
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


def _never_halve_others(verdict: Verdict, seen: Sequence[Glance], folders: tuple[str, ...]) -> None:
    """Pictures of another shape that do not fall into the same parts are others, among those that do."""
    shapes = np.log([width / height for (width, height), *_ in seen])
    odd = [each for each, off in zip(seen, np.abs(shapes - np.median(shapes)), strict=True) if off > OTHER_SHAPE]
    if len(odd) < max(FEW_OTHERS, MIXED * len(seen)) or judged(verdict.cut, odd).points:
        return
    raise in_doubt(
        f"The pictures seem to be {verdict.cut.words}{_why(verdict)}. But {len(odd) / len(seen):.0%} of them have "
        "another shape, with neither a seam nor outlines in common.",
        [*_cuts([verdict], folders), Reading("photos, whose edges will be made", "photos", folders)],
    )


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
