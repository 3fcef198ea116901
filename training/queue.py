"""Who waits for a device: in the folder of each run that waits, a file `queued` with the time at which it came."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from pix2pix.files.places import atomic_write, runs_dir

FILE = "queued"


@contextmanager
def lock() -> Iterator[None]:
    """Held while it is decided who may train: by this process, another app, or a trainer that ends."""
    runs_dir().mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(runs_dir() / ".queue.lock", timeout=30):
        yield


def join(folder: Path) -> None:
    """The run waits from now on; a file says since when, in nanoseconds since 1970."""
    with atomic_write(folder / FILE) as temporary:
        temporary.write_text(str(time.time_ns()))


def leave(folder: Path) -> None:
    """It waits no longer, if it did."""
    (folder / FILE).unlink(missing_ok=True)


def waits(folder: Path) -> bool:
    """Whether it waits for a device."""
    return (folder / FILE).exists()


def place(folder: Path) -> str:
    """What those that wait are to be sorted by."""
    with suppress(OSError):
        return (folder / FILE).read_text("utf-8", errors="replace")
    return ""


def are_one_device(one: str, other: str) -> bool:
    """Whether two settings of a device may mean the same: cuda is cuda:0, and auto could be any."""
    one, other = ("cuda:0" if name == "cuda" else name for name in (one, other))
    return one == other or "auto" in (one, other)
