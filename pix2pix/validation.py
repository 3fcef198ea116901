"""What others have written, as values of the types that we expect: JSON in files that may be damaged or made up.

Each dataclass says by its annotations what it takes; pydantic compares. No torch here.
"""

from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

T = TypeVar("T")

MOST_CHARACTERS = 200  # of a reason; what is wrong may be quoted in it
LONGEST_HEADER = 4_000_000  # bytes of a .safetensors: up to a megabyte of words, and a hundred for each tensor


def parse_json(text: str | bytes) -> Any:
    """The JSON value. Raises ValueError, for endless nesting too, where `json` raises something else."""
    try:
        return from_json(text)
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from None


def validate(kind: type[T], values: Any) -> T:
    """`values`, a dictionary say, as `kind`, a dataclass say; whole numbers and text may stand for each other.

    Raises ValueError, which says of which part it is true, in a sentence of bounded length.
    """
    if is_dataclass(kind) and isinstance(values, dict):
        unknown = sorted(map(str, values.keys() - {field.name for field in fields(kind)}))
        if unknown:
            raise ValueError(shorten(f"it has what is not known here: {', '.join(unknown)}"))
    try:
        return _adapter(kind).validate_python(values)
    except ValidationError as error:
        raise ValueError(shorten(_words(error))) from None


def shorten(words: str, most: int = MOST_CHARACTERS) -> str:
    """The first line of it, cut where it is too long to be read."""
    line = words.strip().split("\n", 1)[0].strip()
    return line if len(line) <= most else f"{line[: most - 1]}…"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _words(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    own = first.get("ctx", {}).get("error")  # what a dataclass itself has raised
    if isinstance(own, ValueError):
        return str(own)
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"it lacks {place}"
    what = first["msg"].removeprefix("Input ")
    return f"{place or 'it'} {what}, and is {first['input']!r:.60}"


def require_short_header(safetensors: Path) -> None:
    """Raises ValueError for a file that names more tensors than any generator has, before memory is taken for them."""
    with safetensors.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
    if size > LONGEST_HEADER:
        raise ValueError(f"its header would be {size:,} bytes, and at most {LONGEST_HEADER:,} are read")


def in_words(error: Exception) -> str:
    """What went wrong; of an error of the system what that says, and of which file, without its number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
