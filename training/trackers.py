"""Shows a training in a tracker that people have (TensorBoard, Trackio, Weights & Biases), through Accelerate.

A tracker that is not installed, fails or hangs costs a line in the log, and some seconds when the training is over.
"""

import logging
import time
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from training.config import TrainConfig
from training.followers import Follower
from training.run import Run

if TYPE_CHECKING:
    from accelerate.tracking import GeneralTracker

LOOK_S = 5.0  # between looks
FOLDER = "tracker"  # of the run directory, for trackers that write files
NOT_TOLD = ("name", "dataset", "notify", "provenance", "licence")  # of the settings: places and words
RENAMED = {"time": "trained_s"}  # of the figures: Trackio means something else by it

log = logging.getLogger("training")


class Watcher(Follower):
    """Shows a run in the tracker that its config names."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._step = run.status().saved_step or 0  # what is beyond it is forgotten by a resume, and made anew
        self._shown = self._step if self._step else -1
        self._offset = 0

    @staticmethod
    def wanted(config: TrainConfig) -> bool:
        return config.log_to != "none"

    def follow(self) -> None:
        try:
            self._wait_for_the_beginning()
            tracker = self._tracker()
            while not self.over.wait(LOOK_S):
                self._tell(tracker)
            self._tell(tracker)
            tracker.finish()
        except Exception as error:  # a tracker may raise anything at all
            why = f"{type(error).__name__}: {error}".replace("\n", " ")[:300]
            log.warning("%s follows no longer (%s). That does not change the training.", self.run.config.log_to, why)

    def _wait_for_the_beginning(self) -> None:
        """When it runs, a resume has forgotten what is made anew, and Accelerate knows its processes: two threads that
        ask it for the first time at once get in each other's way.
        """
        while not self.over.is_set() and self.run.status().state != "running":
            time.sleep(0.1)

    def _tracker(self) -> "GeneralTracker":
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

        name = self.run.config.log_to
        if name not in [str(each.value) for each in get_available_trackers()]:
            raise ModuleNotFoundError(f"it is not installed here: pip install {name}")
        kind: Any = LOGGER_TYPE_TO_CLASS[name]
        folder = self.run.path / FOLDER
        folder.mkdir(exist_ok=True)
        where = [folder] if kind.requires_logging_directory else []
        more = {
            # Its files are named by the second, and one of the same name would take the other's place.
            "tensorboard": {"filename_suffix": f".from-{self._step}"},
            "wandb": {"dir": str(folder)},  # else they lie wherever the training was started
        }
        started = kind(self.run.name, *where, **more.get(name, {}))
        started.start()
        settings = {key: value for key, value in asdict(self.run.config).items() if key not in NOT_TOLD}
        started.store_init_configuration(
            {key: value if isinstance(value, int | float | str) else str(value) for key, value in settings.items()}
        )
        return started

    def _tell(self, tracker: "GeneralTracker") -> None:
        """The rows and the previews that have come since the last time, by step, since some trackers never go back."""
        rows, self._offset = self.run.metrics(self._offset)
        told = [(row["step"], row) for row in rows if row["step"] > self._step]
        shown = [(int(path.stem), path) for path in self.run.previews() if int(path.stem) > self._shown]
        for step, what in sorted([*shown, *told], key=lambda pair: pair[0]):
            if isinstance(what, dict):
                tracker.log({RENAMED.get(key, key): what[key] for key in what.keys() - {"step"}}, step=step)
                self._step = step
            else:
                with Image.open(what) as picture:
                    self._show(tracker, np.asarray(picture.convert("RGB")), step)
                self._shown = step

    def _show(self, tracker: Any, pixels: np.ndarray, step: int) -> None:
        """Accelerate knows how with all but Trackio."""
        if self.run.config.log_to == "tensorboard":
            tracker.log_images({"previews": pixels[None]}, step=step, dataformats="NHWC")
        elif self.run.config.log_to == "trackio":
            tracker.log({"previews": import_module("trackio").Image(pixels)}, step=step)
        else:
            tracker.log_images({"previews": [pixels]}, step=step)
