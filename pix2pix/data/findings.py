"""What is odd about a dataset as a whole, each oddity with what will be done about it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pix2pix.classes import ranged
from pix2pix.data.kinds import Kinds
from pix2pix.data.pairs import Found, count_of
from pix2pix.data.sides import Values, likely_direction
from pix2pix.palette import CMP

FEW = 50  # pairs to learn from
# Why files are left out that are not damaged, as `find_pairs` says it of each, and as it is said of one and of many.
WHOLE = {
    "no partner": ("has no partner of the same name", "have no partner of the same name"),
    "its partner": ("has a partner that is no use", "have partners that are no use"),
    "has the name of": ("has the name of another", "have the names of others"),
    "lies in neither": ("lies in neither of the two folders", "lie in neither of the two folders"),
    "lies beside": ("lies beside the folder to train on", "lie beside the folder to train on"),
    "left out on request": ("is left out on request", "are left out on request"),
}
USELESS = "cannot be used"
TOO_MANY = re.compile("too many|far more than")
NAMED = re.compile("is not read|bands? of|too many pixels|too small|an empty file|its name")


@dataclass(frozen=True)
class Finding:
    """Something odd: what it is, what will be done about it, and which files it is about."""

    what: str
    action: str
    files: tuple[str, ...] = ()


def about_files(files: list[str], noun: str, one: str, many: str, action: str) -> Iterator[Finding]:
    if files:
        yield Finding(f"{count_of(len(files), noun)} {one if len(files) == 1 else many}", action, tuple(files))


def said_of(why: str) -> tuple[str, str]:
    """Of one file that is left out, and of many: why; what is damaged is not what is just not read."""
    whole = next((words for begins, words in WHOLE.items() if why.startswith(begins)), None)
    if whole:
        return whole
    kind = "too many pixels" if TOO_MANY.search(why) else why.partition(":")[0].partition(" (")[0]
    words = f"{USELESS}: {kind}" if NAMED.search(kind) and kind != "broken" else USELESS
    return words, words


def with_reason(whys: list[str]) -> tuple[str, str]:
    """Of one file that cannot be used, and of many, which may be damaged each in its own way: why the first cannot."""
    first, *others = whys
    alike = all(why == first for why in others)
    return f"{USELESS}: {first}", f"{USELESS}{'' if alike else ', the first for this reason'}: {first}"


def about_sizes(sizes: Counter[tuple[int, int]]) -> Iterator[Finding]:
    if len(sizes) > 1:
        (width, height), (wide, high) = min(sizes), max(sizes)
        yield Finding(
            f"The pictures have {len(sizes):,} sizes, from {width}x{height} to {wide}x{high}",
            "Each is resized to one square.",
        )


def about_labels(side: str, kinds: Kinds | None) -> Iterator[Finding]:
    if kinds and kinds.numbers:
        yield Finding(
            f"{side} is label maps that hold the numbers of classes: {ranged(kinds.numbers)}",
            "Each is shown in a colour, which is kept with the run; as the input, the Draw tab paints with them.",
        )
    elif kinds and kinds.highest:
        yield Finding(
            f"{side} may be label maps that hold the numbers of many classes, up to {kinds.highest}",
            "They are read as grey values: only numbers up to 63, and 255, are shown in a colour each.",
        )
    elif kinds and kinds.palette:
        palette = "the 12 facade classes" if kinds.palette is CMP else f"{len(kinds.palette)} colours"
        yield Finding(
            f"{side} is label maps in {palette}",
            "As the input, their colours are snapped to these, and the Draw tab paints with them.",
        )


def about_direction(found: Found, a: Kinds | None, b: Kinds | None) -> Iterator[Finding]:
    if likely_direction(found, a, b) == "BtoA":
        yield Finding(
            "B looks like the input: it is " + ("label maps" if b and b.kind == "labels" else "line drawings"),
            "BtoA learns to make A of it; AtoB, the default, the other way round.",
        )


def about_values(side: str, values: Values | None) -> Iterator[Finding]:
    if values:
        yield Finding(
            f"{side}: {values.describe()}",
            f"These are black and white; --scale-{side.lower()}=LOW..HIGH says otherwise. Pictures are computed and "
            "written in 8 bits.",
        )


def about_count(count: int) -> Iterator[Finding]:
    if 0 < count < FEW:
        yield Finding(
            f"{count_of(count, 'picture')} to train on is little",
            "Used all the same: enough to try it, while a good translator takes some hundred.",
        )
