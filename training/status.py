"""How a training run is doing: what the trainer has last written to status.json."""

import json
import shlex
import time
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from pix2pix.files.places import atomic_write
from pix2pix.validation import parse_json, validate

# Those of status.json, and "queued", which a file of that name says: the run waits for the device.
State = Literal["queued", "starting", "running", "stopping", "stopped", "finished", "failed"]

Count = Annotated[int, Field(ge=0, lt=2**63)]
Figure = Annotated[float, Field(ge=0, lt=2**53, allow_inf_nan=False)]
Moment = Annotated[float, Field(ge=0, lt=2**35, allow_inf_nan=False)]  # of `time.time()`: in the next thousand years

PATIENCE_S = 120.0  # one step of a wide 512 px model takes over ten seconds on a slow CPU, and loading torch as long


@dataclass(frozen=True, kw_only=True)
class Status:
    """How a run is doing. `error` is for a person to read, and empty when nothing is wrong."""

    state: State = "stopped"
    step: Count = 0
    total: Count = 0
    images_per_s: Figure | None = None
    eta_s: Figure | None = None
    memory_mb: Count | None = None
    device: str = ""
    error: str = ""
    saved_step: Count | None = None
    """the step of state.pt, from which a resume goes on"""
    pid: Count | None = None
    """the training process (of rank 0)"""
    create_time: Moment | None = None
    """when that process began; with the pid it names one process for good, because pids are used again"""
    launcher: Count | None = None
    """pid of the process that `start` made: the training process, or the `accelerate launch` above it"""
    heartbeat: Moment | None = None
    """when the trainer last wrote"""

    @property
    def alive(self) -> bool:
        """Whether a trainer should be at work, as far as the file says."""
        return self.state in ("starting", "running", "stopping")

    def silence(self) -> str:
        """What to say of a trainer that lives but has not written for long; empty if it has."""
        if self.heartbeat is None:
            return "The training process exists, but its status.json is damaged. If that stays so, stop and resume it."
        silent_s = time.time() - self.heartbeat
        if abs(silent_s) <= PATIENCE_S:
            return ""
        if silent_s < 0:
            return (
                f"The training process exists, but what it last wrote is dated {-silent_s / 60:.0f} minutes ahead, so "
                "it has written nothing since the clock was set back. If that stays so, stop the run and resume it."
            )
        return (
            f"The training process exists but has not been heard of for {silent_s / 60:.0f} minutes. "
            "A very large model may need that long for a step; if it does not, stop the run and resume it."
        )

    @classmethod
    def read(cls, file: Path) -> Self:
        """Keys of a later version are left aside, and so are values that make no sense."""
        values = read_values(file)
        sound = {}
        for field in fields(cls):
            if field.name in values:
                with suppress(ValueError):
                    validate(cls, {field.name: values[field.name]})
                    sound[field.name] = values[field.name]
        return validate(cls, sound) if "state" in sound else cls()


def read_values(file: Path) -> dict[str, Any]:
    """All keys of status.json; none where it is missing or damaged."""
    try:
        values = parse_json(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def write_values(file: Path, **changes: Any) -> None:
    """Changes these keys, all at once."""
    with atomic_write(file) as temporary:
        temporary.write_text(json.dumps(read_values(file) | changes, indent=2) + "\n", encoding="utf-8")


def extending(path: Path) -> str:
    """In words, how to go on beyond the end of a run."""
    return f"to go on beyond its last step, extend it: python -m training {shlex.quote(str(path))} --steps N"
