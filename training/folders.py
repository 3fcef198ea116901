"""The folders of runs: by which names they are found, and how they are made known, changed and deleted."""

import re
import shutil
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pix2pix.files.places import BEST, PLAIN_NAME, SNAPSHOTS, atomic_write, is_text, runs_dir
from pix2pix.validation import in_words, shorten
from training.config import TrainConfig
from training.status import extending

RESERVED_NAMES = ("datasets",)  # beside the runs lie the datasets that were uploaded
CONFIG = "config.json"  # what makes a folder that of a run
# Files that only a trainer writes, while they are not whole. The last is safetensors' name for them, which version
# 0.2.0 of this project left it to choose.
UNFINISHED = re.compile(
    r"\.(state\.pt|(status|config)\.json|metrics\.jsonl|\d{6,}\.jpg|"
    r"(\d{6,}|generator|(best_)?discriminators)\.safetensors)\.tmp|\.tmp[A-Za-z0-9]{6}"
)


def known() -> list[Path]:
    """All that are there, damaged ones too; not those that are just being deleted."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return [folder for folder in runs_dir().iterdir() if _is_one(folder)]
    return []


def _is_one(folder: Path) -> bool:
    if folder.name.startswith(".") or not is_text(folder.name):
        return False
    try:
        (folder / CONFIG).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # nobody here may look into it; but its name is taken, so that it should be seen
        return bool(PLAIN_NAME.fullmatch(folder.name)) and folder.name.lower() not in RESERVED_NAMES
    return True


def named(name: str) -> Path:
    """In the runs folder. Raises ValueError for what is no name."""
    if not name:
        raise ValueError("there is no run to do that with")
    if not isinstance(name, str) or Path(name).name != name or name == ".." or len(name) > 255 or "\0" in name:
        raise ValueError(f"{shorten(repr(name))} is not the name of a run")
    return runs_dir() / name


def require_free(name: str) -> None:
    """Raises FileExistsError where that is no name for a run."""
    if name.lower() in RESERVED_NAMES:
        raise FileExistsError(f"the name {name!r} is kept for uploaded datasets: choose another")


def require_unused(name: str) -> None:
    """Raises FileExistsError where another folder has that name, too."""
    require_free(name)
    if (runs_dir() / name).exists():
        raise FileExistsError(f"there is already a run named {name!r}: choose another name")


def create(config: TrainConfig) -> Path:
    """The folder of a new run. Raises FileExistsError when the name is taken."""
    path = runs_dir() / config.name
    require_free(config.name)
    runs_dir().mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir()  # only one of two processes can
    except FileExistsError:
        words = f"there is already a run named {config.name!r}: choose another name, or resume that run"
        raise FileExistsError(f"{words}; {extending(path)}") from None
    try:
        (path / "previews").mkdir()
        write_config(path, config)
    except OSError:  # a full disk, say: the name should be free
        shutil.rmtree(path, ignore_errors=True)
        raise
    return path


def write_config(folder: Path, config: TrainConfig) -> None:
    """Replaces config.json whole. Raises OSError."""
    with atomic_write(folder / CONFIG) as temporary:
        temporary.write_text(config.to_json(), encoding="utf-8")


def delete(folder: Path) -> None:
    """Under another name first: a run that is half deleted should not be found, unless that is where it ends.

    Raises PermissionError, in words, for what belongs to another user.
    """
    try:
        away = folder.rename(folder.with_name(f".{folder.name}.{time.time_ns()}.deleted"))
        try:
            if away.is_symlink():
                away.unlink()
            else:
                _open_up(away)
                shutil.rmtree(away)
        except OSError:
            away.rename(folder)
            raise
    except PermissionError as error:
        raise PermissionError(
            f"{folder.name} cannot be deleted: this program may not delete {error.filename}. "
            "Delete the folder as the user to whom it belongs"
        ) from error


def _open_up(folder: Path) -> None:
    """What its owner may not look into, or change, can be deleted all the same."""
    with suppress(PermissionError):  # it belongs to another
        if folder.stat().st_mode & stat.S_IRWXU != stat.S_IRWXU:
            folder.chmod(stat.S_IRWXU)
        for inside in folder.iterdir():
            if inside.is_dir() and not inside.is_symlink():
                _open_up(inside)


def broken(read: Callable[[Path], object]) -> dict[str, str]:
    """The folders that were runs and that `read` cannot read, by name, and why."""
    reasons = {}
    for folder in sorted(known()):
        try:
            read(folder)
        except (OSError, ValueError) as error:
            reasons[folder.name] = in_words(error)
    return reasons


def why_unreadable(error: OSError | ValueError) -> str:
    """What is wrong with a config, in words that go on after its path."""
    if isinstance(error, PermissionError):
        return "cannot be read: this program has no permission to"
    why = error.strerror if isinstance(error, OSError) else error
    return f"is not the config of a training run: {why}"


def clear_unfinished(folder: Path) -> None:
    """Deletes what a trainer that was killed had begun to write. For whoever holds the lock."""
    for place in (folder, folder / "previews", folder / SNAPSHOTS, folder / BEST):
        for path in place.glob(".*"):
            if UNFINISHED.fullmatch(path.name) and path.is_file():
                path.unlink()


def keep_alone(file: Path) -> None:
    """Deletes the other files of its kind that lie beside it."""
    for other in file.parent.glob(f"*{file.suffix}"):
        if other != file:
            other.unlink()
