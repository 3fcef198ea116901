"""Folders of datasets that are being filled: their names, the room that there is, and what is wrong."""

import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_UNPACKED = 20 << 30  # bytes of one upload, once unpacked
KEPT_FREE = 1 << 30  # bytes of disk that an upload must leave free


class IntakeError(ValueError):
    """Why an upload cannot be used, in words for whoever uploaded it."""


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which is there under its name only once it is whole."""
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        with suppress(OSError):  # someone else was quicker
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def room(folder: Path) -> int:
    """The bytes that an upload may take there."""
    folder.mkdir(parents=True, exist_ok=True)
    return min(MAX_UNPACKED, shutil.disk_usage(folder).free - KEPT_FREE)


def plain_name(wish: str) -> str:
    """Of the characters that names of runs may have."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", wish).strip(".-") or "pictures"


def unused_name(wish: str, folder: Path) -> str:
    """A name that nothing in `folder` has, of the characters that names of runs may have."""
    plain = plain_name(wish)
    name, number = plain, 1
    while (folder / name).exists() or name.lower() == "datasets":
        number += 1
        name = f"{plain}-{number}"
    return name
