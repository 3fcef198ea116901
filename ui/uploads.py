"""Files that are sent to the page: where they lie, how much of them is kept, and that none stays which is no use."""

import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
from gradio.data_classes import ListFiles
from gradio.utils import get_upload_folder

MOST_FILES = 5000
KEPT_FREE = 1 << 30  # bytes of disk that an upload must leave free
ABORTED_S = 120.0  # after which a file that is still being received is not

Component = TypeVar("Component", gr.File, gr.Image, gr.UploadButton)


class FullError(Exception):
    """There is no room for an upload."""


def by_path(component: Component) -> Component:
    """Makes the component pass on paths. (Gradio's own way leaves an empty file behind each time.)"""

    def preprocess(payload: Any) -> Any:
        if isinstance(payload, ListFiles):
            return [file.path for file in payload]
        return payload and payload.path

    component.preprocess = preprocess
    return component


def new_file(name: str) -> Path:
    """Where to write a file that the page offers: it is kept as long as what was uploaded."""
    folder = Path(get_upload_folder()).resolve() / f"made-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    return folder / name


def forget(paths: Iterable[str | Path]) -> None:
    """Deletes those of them that were uploaded, and no other file."""
    folder = Path(get_upload_folder()).resolve()
    for path in map(Path, paths):
        with suppress(OSError):
            if path.resolve().is_relative_to(folder):
                path.unlink()
                path.parent.rmdir()


class Shelf:
    """What is kept of uploads and of what was made of them: so many bytes, of which the oldest go first.

    sets: those in which Gradio remembers its files
    """

    def __init__(self, most: int, sets: list[set[str]], folder: Path | None = None) -> None:
        self.most, self.sets = most, sets
        self.folder = folder or Path(get_upload_folder())
        self._expected = 0  # bytes of the uploads that are on their way
        self._lock = threading.Lock()

    def reserve(self, size: int) -> None:
        """Makes room for an upload of so many bytes, until `release`. Raises FullError, in words."""
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self.folder).free - self._expected - size < KEPT_FREE:
                raise FullError("The disk of this machine is nearly full: it has no room for this.")
            if self._expected + size > self.most:
                raise FullError("Too much is being sent here just now: try again in a moment.")
            self._expected += size
            self._tidy(self.most - self._expected)

    def release(self, size: int) -> None:
        """It was received, or will not be."""
        with self._lock:
            self._expected -= size

    def tidy(self) -> None:
        """Deletes what is too much by now."""
        with self._lock:
            self._tidy(self.most - self._expected)

    def _tidy(self, most: int) -> None:
        gone, total = [], 0
        files = sorted(self._files(), reverse=True)  # the newest first
        for number, (modified, size, path) in enumerate(files):
            total += size
            aborted = path.parent == self.folder and time.time() - modified > ABORTED_S
            if total > most or number >= MOST_FILES or aborted:
                gone.append(str(path))
        forget(gone)
        for remembered in self.sets if gone else ():
            remembered.difference_update(gone)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When each was modified, its size, and its path; of folders only those that have files."""
        for root, folders, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):
                    path = Path(root, name)
                    about = path.stat()
                    yield about.st_mtime, about.st_size, path
            if not folders and not names and Path(root) != self.folder:
                with suppress(OSError):
                    if time.time() - Path(root).stat().st_mtime > ABORTED_S:
                        Path(root).rmdir()
