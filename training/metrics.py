"""metrics.jsonl: one row of figures for each of some steps, appended while others read."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from pix2pix.files.places import atomic_write
from pix2pix.validation import parse_json

Row = dict[str, Any]

LARGEST = 1e300  # of a figure; sums and averages of them are numbers, too


def append(file: Path, row: Row) -> None:
    """Adds a line of JSON. Raises OSError."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(row) + "\n")


def read(file: Path, since: int = 0) -> tuple[list[Row], int]:
    """The rows written after byte `since`, and the offset to give next time.

    A last line that is only half written is left for the next call. When `cut` has made the file shorter than `since`,
    all of it is returned.
    """
    try:
        with file.open("rb") as lines:
            since = since if since <= lines.seek(0, os.SEEK_END) else 0
            lines.seek(since)
            data = lines.read()
    except OSError:
        return [], 0
    whole = data[: data.rfind(b"\n") + 1]
    return _rows(whole), since + len(whole)


def cut(file: Path, step: int) -> None:
    """Forgets the rows from beyond that step."""
    rows = [row for row in read(file)[0] if row["step"] <= step]
    with atomic_write(file) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _rows(data: bytes) -> list[Row]:
    """Of each line the step and what else is a number; a line that a crash cut short, or that has no step, is none."""
    rows = []
    for line in data.splitlines():
        with suppress(ValueError):
            row = parse_json(line)
            if isinstance(row, dict) and type(row.get("step")) is int and 0 <= row["step"] < 2**63:
                rows.append({key: value for key, value in row.items() if _is_number(value)})
    return rows


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
