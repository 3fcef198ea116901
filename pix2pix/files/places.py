"""Where generator files lie: the shipped ones in `checkpoints/`, those being trained in `runs/`.

In a checkout both folders lie beside app.py, whatever the working directory. An installed package has the first within
it, and the second is in the user's data folder. PIX2PIX_RUNS moves the second.
"""

import errno
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_path

if TYPE_CHECKING:
    from PIL import Image

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent  # from where `python -m training` finds this very version
IS_CHECKOUT = (ROOT / "app.py").is_file()
CHECKPOINTS = (ROOT if IS_CHECKOUT else PACKAGE) / "checkpoints"
DATA_FOLDER = "pix2pix-studio"  # of an installed package, among the user's data
GENERATOR_FILE = "generator.safetensors"  # of a run directory
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # of a folder in runs/
SNAPSHOTS = "snapshots"  # folder of a run directory
BEST = "best"  # folder of a run directory: the generator of the step that came nearest to val
DISCRIMINATORS_FILE = "discriminators.safetensors"  # of a run directory, beside the generator
BEST_DISCRIMINATORS_FILE = "best_discriminators.safetensors"


def runs_dir() -> Path:
    """The folder that holds one folder per training run. It need not exist yet."""
    if chosen := os.environ.get("PIX2PIX_RUNS"):
        return Path(chosen).expanduser().resolve()
    return (ROOT if IS_CHECKOUT else user_data_path(DATA_FOLDER, appauthor=False)).resolve() / "runs"


def expanded(path: str | os.PathLike[str]) -> Path:
    """With the home folder in the place of `~`. Raises ValueError for that of a user who is not known here."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"{path} names a user who is not known here") from None


def resolved(path: str | os.PathLike[str]) -> Path:
    """The same as a whole path, without links. Raises OSError for one that leads to itself; ValueError as above."""
    try:
        return expanded(path).resolve()
    except RuntimeError:  # as Python up to 3.12 has it
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


def is_text(name: str) -> bool:
    """Whether the name of a file is UTF-8: others cannot be shown, sent or kept."""
    return name.isascii() or name == name.encode("utf-8", "replace").decode()


def generators() -> dict[str, Path]:
    """Every generator that can be loaded by name: the shipped ones first, then the runs, newest first.

    A run that has the name of a shipped generator is called `runs/<name>`. What it was at its best follows
    as `<name> (best)`.
    """
    shipped = {path.stem: path for path in CHECKPOINTS.glob("*.safetensors")}
    found = {name: shipped[name] for name in sorted(shipped)}  # a light one after the one that it learned from
    trained = {path: _modified(path) for path in runs_dir().glob(f"*/{GENERATOR_FILE}") if is_text(path.parent.name)}
    for path in sorted(trained, key=trained.__getitem__, reverse=True):
        name = path.parent.name
        name = f"runs/{name}" if name in found else name
        found[name] = path
        if kept := best(path):
            found[f"{name} (best)"] = kept[1]
    return found


def best(generator: Path) -> tuple[int, Path] | None:
    """The step and the file of what the generator of a run was at its best, by its distance from val."""
    files = [path for path in generator.parent.glob(f"{BEST}/*.safetensors") if path.stem.isdecimal()]
    return max(((int(path.stem), path) for path in files), default=None)


def snapshots(generator: Path) -> dict[int, Path]:
    """What the generator of a run was after so many steps, earliest first; empty for one that is not of a run."""
    files = generator.parent.glob(f"{SNAPSHOTS}/*.safetensors") if generator.name == GENERATOR_FILE else ()
    return {int(path.stem): path for path in sorted(files) if path.stem.isdecimal()}


def discriminators_of(generator: Path) -> Path | None:
    """The file of the discriminators that were trained with a generator, if it is there."""
    if generator.parent == CHECKPOINTS:
        path = CHECKPOINTS / "discriminators" / generator.name
    elif generator.parent.name == BEST:
        path = generator.parent.parent / BEST_DISCRIMINATORS_FILE
    else:
        path = generator.parent / DISCRIMINATORS_FILE
    return path if path.is_file() else None


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, which takes its place if all goes well: readers see old or new, whole."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # or after a power cut the name could stand for an empty file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_picture(picture: "Image.Image", path: Path, file_format: str, **options: Any) -> None:
    """Writes the file whole or not at all. Raises OSError.

    By way of memory: Pillow itself does not notice when a full disk takes but a part of what it writes.
    """
    content = io.BytesIO()
    picture.save(content, file_format, **options)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content.getvalue())


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # deleted while we look
        return 0.0
