"""From a folder and some settings to a run that trains, or that waits for its turn."""

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pix2pix.data.folders import unused_name
from pix2pix.files.places import expanded, runs_dir
from training.config import PRESETS, Direction, Preset, TrainConfig
from training.run import Run
from ui.words import text

if TYPE_CHECKING:
    from pix2pix.data.layouts import Reading

ONE_CLICK_S = 5.0  # within which the same settings are the second click of a double click

_starting = threading.Lock()


def start(
    dataset: str, name: str, preset: Preset = "quick", direction: Direction = "AtoB", **settings: Any
) -> tuple[Run, str]:
    """Creates a run and starts it, or queues it behind one that is being trained. The run, and what became of it.

    Raises ValueError, RunBusyError or OSError, in words. A second click, with the same settings, starts nothing more.
    """
    place = text(dataset).strip()
    folder = expanded(place) if place else None
    if folder is None or not folder.is_dir():
        raise ValueError(f"There is no folder {folder}." if folder else "Give a folder of pictures to train on.")
    if preset not in get_args(Preset) or direction not in get_args(Direction):
        raise ValueError(f"preset {preset!r} or direction {direction!r} is not one of {get_args(Preset)}, "
                         f"{get_args(Direction)}")  # fmt: skip
    folder = folder.resolve()
    _require_certain(folder, settings)
    with _starting:
        name = text(name).strip() or unused_name(folder.name, runs_dir())
        config = TrainConfig(name=name, dataset=str(folder), direction=direction, **(PRESETS[preset] | settings))
        if run := _just_started(config):
            return run, ""
        run = Run.create(config)
        return run, run.submit()


def _require_certain(folder: Path, settings: dict[str, Any]) -> None:
    """Raises DatasetError, a ValueError, for a folder that has nothing to train on, or can be read in several ways."""
    from pix2pix.data.layouts import DatasetError
    from pix2pix.data.pairs import find_pairs

    how = {name: settings[name] for name in ("layout", "folders", "leave_out") if name in settings}
    try:
        find_pairs(folder, open_files=False, **how)
    except DatasetError as error:
        if not error.readings:
            raise
        ways = [f"{_as_arguments(reading)} ({reading.words})" for reading in error.readings]
        raise ValueError(f"{str(error).partition(chr(10))[0]} {'; '.join(ways)}.") from error


def _as_arguments(reading: "Reading") -> str:
    """What says so to the form, and to `/train_start`."""
    layout = "" if reading.layout == "folders" else f"layout {reading.layout}"
    folders = f"folders {','.join(reading.folders)}" if reading.folders else ""
    return f"{layout} {folders}".strip()


def _just_started(config: TrainConfig) -> Run | None:
    for run in Run.list()[:1]:
        young = abs(time.time() - run.config_file.stat().st_mtime) < ONE_CLICK_S  # the clock may have been set back
        if young and run.config.with_changes(name=config.name) == config:
            return run
    return None
