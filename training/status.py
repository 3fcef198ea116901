"""How a training run is doing: what the trainer has last written to status.json."""

import json
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pix2pix.places import replacing

# Those of status.json, and "queued", which a file of that name says: the run waits for the device.
State = Literal["queued", "starting", "running", "stopping", "stopped", "finished", "failed"]

PATIENCE_S = 120.0  # one step of a wide 512 px model takes over ten seconds on a slow CPU, and loading torch as long


@dataclass(frozen=True, kw_only=True)
class Status:
    """How a run is doing. `error` is for a person to read, and empty when nothing is wrong."""

    state: State = "stopped"
    step: int = 0
    total: int = 0
    images_per_s: float | None = None
    eta_s: float | None = None
    memory_mb: int | None = None
    device: str = ""
    error: str = ""
    saved_step: int | None = None
    """the step of state.pt, from which a resume goes on"""
    pid: int | None = None
    """the training process (of rank 0)"""
    create_time: float | None = None
    """when that process began; with the pid it names one process for good, because pids are used again"""
    launcher: int | None = None
    """pid of the process that `start` made: the training process, or the `accelerate launch` above it"""
    heartbeat: float | None = None
    """when the trainer last wrote"""

    @property
    def alive(self) -> bool:
        return self.state in ("starting", "running", "stopping")

    def silence(self) -> str:
        """What to say of a trainer that lives but has not written for long; empty if it has."""
        silent_s = time.time() - (self.heartbeat or 0)
        if silent_s <= PATIENCE_S:
            return ""
        return (
            f"The training process exists but has not been heard of for {silent_s / 60:.0f} minutes. "
            "A very large model may need that long for a step; if it does not, stop the run and resume it."
        )

    @classmethod
    def read(cls, file: Path) -> Self:
        """Keys of a later version are left aside; a file that is missing or damaged tells of a run that is stopped."""
        known = {field.name for field in fields(cls)}
        values = {key: value for key, value in read_values(file).items() if key in known}
        return cls(**values) if values.get("state", "stopped") in get_args(State) else cls()


def read_values(file: Path) -> dict[str, Any]:
    """All keys of status.json."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def write_values(file: Path, **changes: Any) -> None:
    """Changes these keys, all at once."""
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(read_values(file) | changes, indent=2) + "\n", encoding="utf-8")
