"""metrics.jsonl: one row of figures for each of some steps, appended while others read."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from pix2pix.places import replacing

Row = dict[str, Any]


def append(file: Path, row: Row) -> None:
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
    except FileNotFoundError:
        return [], 0
    whole = data[: data.rfind(b"\n") + 1]
    return _rows(whole), since + len(whole)


def cut(file: Path, step: int) -> None:
    """Forgets the rows from beyond that step."""
    rows = [row for row in read(file)[0] if row["step"] <= step]
    with replacing(file) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _rows(data: bytes) -> list[Row]:
    rows = []
    for line in data.splitlines():
        with suppress(ValueError):  # a line that a crash cut short
            row = json.loads(line)
            if isinstance(row, dict) and "step" in row:
                rows.append(row)
    return rows
