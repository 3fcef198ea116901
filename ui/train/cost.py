"""What a preset costs on this machine: some of its steps are made and timed, in a process of their own.

That is done once: what was measured is kept beside the runs.
"""

import json
import logging
import math
import os
import platform
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from pix2pix.files.places import ROOT, atomic_write, runs_dir
from training.config import PRESETS, Preset, TrainConfig
from training.run import Run
from ui.words import duration

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Speed:
    step_s: float
    device: str


class Costs:
    """Measures in the background; may be asked at any time."""

    def __init__(self) -> None:
        self._measuring = threading.Lock()

    def begin(self) -> None:
        """Measures, unless that was done already, is being done, or a training needs the device for itself."""
        if not self.known() and not any(run.status().alive for run in Run.list()) and not self._measuring.locked():
            threading.Thread(target=self._measure, name="costs", daemon=True).start()

    def known(self) -> dict[str, Speed]:
        try:
            kept = json.loads(_file().read_text("utf-8"))
            return {name: Speed(**speed) for name, speed in kept["speeds"].items()} if kept["of"] == _machine() else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def words(self, preset: Preset, pairs: int) -> str:
        """`about 40 min on your 2-core CPU`; empty while that is not known."""
        speed = self.known().get(preset)
        config = TrainConfig(name="any", dataset="any", **PRESETS[preset])
        steps = config.steps or math.ceil(config.epochs * pairs / config.batch_size)
        return f"about {duration(speed.step_s * steps)} on your {speed.device}" if speed and steps else ""

    def _measure(self) -> None:
        if not self._measuring.acquire(blocking=False):
            return
        try:
            command = [sys.executable, "-m", "training.measure", *PRESETS]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            speeds = {line["preset"]: asdict(Speed(line["step_s"], line["device"])) for line in lines}
            runs_dir().mkdir(parents=True, exist_ok=True)
            with atomic_write(_file()) as temporary:
                temporary.write_text(json.dumps({"of": _machine(), "speeds": speeds}), "utf-8")
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            log.warning("the speed of training could not be measured: %s", getattr(error, "stderr", "") or error)
        finally:
            self._measuring.release()


def _file() -> Path:
    return runs_dir() / "speed.json"


def _machine() -> list[str]:
    """What the speed depends on."""
    return [platform.node(), str(os.cpu_count()), version("torch"), json.dumps(PRESETS)]
