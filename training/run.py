"""A training run is a folder, and the folder is the only truth about it.

The trainer writes it and the app reads it; they share nothing else. So a page that is refreshed, a second browser and
an app that was restarted all see the same run. Nothing here needs torch.
"""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil

from pix2pix.files import places
from pix2pix.files.places import save_picture
from training import faults, folders, metrics, process, queue
from training.config import LONGEST, TrainConfig
from training.process import RunBusy, RunBusyError
from training.status import Status, extending, write_values

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Run", "RunBusy", "RunBusyError"]

log = logging.getLogger("training")


class Run:
    """A handle on `runs/<name>`. It keeps nothing in memory but the path and the config, which never changes."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises FileNotFoundError or ValueError, in words, when `path` is not a run directory."""
        self.path = places.resolved(path)
        self.name = self.path.name
        self.config_file = self.path / folders.CONFIG
        self.state_file = self.path / "state.pt"
        self.generator_file = self.path / places.GENERATOR_FILE
        self.discriminators_file = self.path / places.DISCRIMINATORS_FILE
        self.best_discriminators_file = self.path / places.BEST_DISCRIMINATORS_FILE
        self.log_file = self.path / "log.txt"
        self.metrics_file = self.path / "metrics.jsonl"
        self.hardest_folder = self.path / "hardest"  # the pairs that it is farthest from, once someone has asked
        self.pinned_file = self.path / "pinned.png"  # the drawing that every preview shows as well
        self._status_file = self.path / "status.json"
        self._told: dict[str, Any] = {}  # what this process, if it trains, has written to status.json
        try:
            self.config = TrainConfig.from_json(self.config_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(f"there is no training run in {self.path}: it has no config.json") from None
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.config_file} {folders.why_unreadable(error)}") from None

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    # --- making and finding runs

    @classmethod
    def create(cls, config: TrainConfig) -> Self:
        """Makes the folder. Raises FileExistsError when the name is taken."""
        return cls(folders.create(config))

    @classmethod
    def list(cls) -> "list[Self]":
        """All runs, newest first. A folder that is no run, or a damaged one, is left out."""
        found = []
        for folder in folders.known():
            with suppress(OSError, ValueError):
                found.append(((folder / folders.CONFIG).stat().st_mtime, cls(folder)))
        return [run for _, run in sorted(found, key=lambda pair: (pair[0], pair[1].name), reverse=True)]

    @classmethod
    def broken(cls) -> dict[str, str]:
        """The folders in the runs folder that were runs and cannot be read, by name, and why."""
        return folders.broken(cls)

    @classmethod
    def named(cls, name: str) -> Self:
        """The run of that name in the runs folder. Raises FileNotFoundError or ValueError as the constructor does."""
        return cls(folders.named(name))

    @classmethod
    def discard(cls, name: str) -> None:
        """Deletes the run of that name, a broken one too. Raises RunBusyError, FileNotFoundError or ValueError."""
        if name in cls.broken():
            folders.delete(folders.named(name))
        else:
            cls.named(name).delete()

    # --- the app's side: start and stop

    def start(self) -> None:
        """Starts training in a process of its own, which outlives the app. It goes on from the last save, if any.

        Raises RunBusyError when the run is being trained, and ValueError when it has nothing left to train.
        """
        # A training that has ended holds the lock for the moment until its process is gone.
        with process.locked(self.path, timeout_s=0 if self.status().alive else 10):
            status = self.status()
            if status.alive:
                raise RunBusyError(f"{self.name} is already being trained")
            if self._read_status().state == "finished":
                what = f"{self.name} has finished its {status.total:,} steps: nothing is left to resume"
                raise ValueError(f"{what}; {extending(self.path)}")
            self.clear_stop()
            queue.leave(self.path)
            trainer = process.spawn(self.path, self.log_file, self.config.num_processes)
            try:  # the trainer cannot have written yet: it waits in `claim` for the lock that is held here
                self._write_beginning(trainer.pid, process.create_time(trainer.pid), launcher=trainer.pid)
            except OSError:
                trainer.kill()  # whoever asked is told that it has not begun
                raise

    def resume(self) -> str:
        """`start`, and says in words from where it goes on."""
        self.start()
        return f"{self.name} {self._next_beginning()}."

    def submit(self) -> str:
        """`resume`, as soon as nothing else is trained on its device; says in words what has become of it."""
        with queue.lock():
            if other := self._in_the_way():
                if other.name == self.name or self._read_status().state == "finished":
                    self.start()  # which says why not
                queue.join(self.path)
                return f"{self.name} waits in the queue until {other.name} has ended."
            return self.resume()

    @classmethod
    def start_next(cls) -> "list[Self]":
        """Starts those of the queue, in its order, whose device is free by now."""
        started = []
        with queue.lock():
            waiting = (run for run in cls.list() if run.is_queued())
            for run in sorted(waiting, key=lambda run: queue.place(run.path)):
                try:
                    if not run._in_the_way():
                        run.start()
                        started.append(run)
                except (RunBusyError, ValueError):
                    queue.leave(run.path)
        return started

    def is_queued(self) -> bool:
        return queue.waits(self.path)

    def _in_the_way(self) -> "Run | None":
        """A run that is being trained on the same device: two at once would be half as fast each."""
        for run in Run.list():
            if run.status().alive and queue.are_one_device(self.config.device, run.config.device):
                return run
        return None

    def request_stop(self) -> None:
        """Asks the trainer to finish its step, save and exit, or takes the run out of the queue. Returns at once."""
        queue.leave(self.path)
        if self.status().alive:
            process.ask_to_stop(self.path)

    def ask(self, what: process.Ask) -> None:
        """Asks the trainer for a preview of what it has now, or to save it. Raises ValueError where none trains."""
        if not self.status().alive:
            raise ValueError(f"{self.name} is not being trained")
        process.ask(self.path, what)

    def stop(self, grace_s: float = 60.0, term_s: float = 10.0) -> str:
        """Stops the run and says in words what that took: asking, SIGTERM after `grace_s`, or SIGKILL after `term_s`.

        Only the last two can lose steps: those since the last save.
        """
        waited = self.is_queued()
        queue.leave(self.path)
        status = self._read_status()
        trainer = self._trainer(status) or process.holder(self.path)  # the status may be of another, or made up
        if trainer is None:
            return f"{self.name} has left the queue." if waited else f"{self.name} was not running."
        if not (sent := process.end(trainer, status.launcher, self.path, grace_s, term_s)):
            return self._how_it_ended()
        self._record_stopped(trainer.pid)
        means = {"SIGTERM": "was ended with SIGTERM", "SIGKILL": "had to be killed with SIGKILL"}[sent]
        return f"{self.name} did not stop when asked and {means}. Resume {self._next_beginning()}."

    def _trainer(self, status: Status) -> psutil.Process | None:
        """The process that the status names, or, where that was lost, the one that holds the lock."""
        if status.alive:
            return process.find(status.pid, status.create_time, self.path)
        return process.holder(self.path) if status.heartbeat is None else None

    def _how_it_ended(self) -> str:
        status = self.status()
        if status.state == "stopped":
            return f"{self.name} has stopped at step {status.step:,}. Resume {self._next_beginning()}."
        return f"{self.name} has failed: {status.error}" if status.error else f"{self.name} has finished."

    def _record_stopped(self, pid: int | None) -> None:
        """Writes the end that a killed trainer could not write, unless someone has resumed it in the meantime."""
        with suppress(RunBusyError), process.locked(self.path, timeout_s=5):
            self.clear_stop()
            status = self._read_status()
            if status.pid == pid and status.alive:
                self.write_status(state="stopped")

    # --- the app's side: change it while it does not train

    def extend(self, steps: int) -> None:
        """So many steps more than were to be made. Raises RunBusyError while it is being trained."""
        if not 1 <= steps <= LONGEST:
            raise ValueError(f"{steps:.15g} further steps are not between 1 and {LONGEST:,}")
        with self._at_rest():
            status = self._read_status()
            if not status.total:
                raise ValueError(f"{self.name} has not begun yet: it cannot be extended")
            self.config = self.config.with_changes(steps=status.total + steps)
            folders.write_config(self.path, self.config)
            state = "stopped" if status.state == "finished" else status.state
            self.write_status(state=state, total=self.config.steps, eta_s=None)

    def change_settings(self, **settings: Any) -> None:
        """Fills in settings that were left to the dataset. For the trainer, before its first step."""
        self.config = self.config.with_changes(**settings)
        folders.write_config(self.path, self.config)

    def rename(self, name: str) -> "Run":
        """The run under its new name. Raises RunBusyError while it is being trained, FileExistsError, ValueError."""
        if name == self.name:
            return self
        config = self.config.with_changes(name=name)
        with queue.lock():
            folders.require_unused(name)
            with self._at_rest():
                folders.write_config(self.path, config)
            return Run(self.path.rename(self.path.with_name(name)))

    def delete(self) -> None:
        """For good. Its dataset stays. Raises RunBusyError while it is being trained."""
        with suppress(OSError), self._at_rest():  # where nobody can hold the lock nobody trains
            queue.leave(self.path)
        folders.delete(self.path)

    def pin(self, drawing: "Image.Image") -> None:
        """Every preview from now on shows what becomes of this drawing."""
        save_picture(drawing.convert("RGB"), self.pinned_file, "PNG")

    def stop_at(self, when: float | None) -> None:
        """Asks the trainer to stop at that time (of `time.time()`), or not to if None."""
        process.ask_to_stop_at(self.path, when)

    def stops_at(self) -> float | None:
        """The time at which it is to stop, if one was given."""
        return process.asked_to_stop_at(self.path)

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """Held while something is changed that a trainer would not notice, or must not lose."""
        if self.status().alive:
            raise RunBusyError(f"{self.name} is being trained: stop it first")
        with process.locked(self.path, timeout_s=10):
            yield

    # --- the app's side: watch

    def status(self) -> Status:
        """How the run is doing now: what the trainer last wrote, checked against whether it still lives."""
        status = self._read_status()
        trainer = self._trainer(status)
        if status.alive and trainer is None:
            status = self._read_status()  # it may have written its end between our two looks
            if status.alive:
                status = replace(status, state="failed", error=self._exit_reason())
        elif trainer and not status.alive:  # status.json was lost: the next heartbeat brings it back
            status = replace(status, state="running", pid=trainer.pid, heartbeat=time.time())
        if not status.alive:
            return replace(status, state="queued") if self.is_queued() else status
        return replace(
            status,
            state="stopping" if process.is_asked_to_stop(self.path) else status.state,
            error=status.silence() or status.error,
        )

    def metrics(self, since: int = 0) -> "tuple[list[dict[str, Any]], int]":
        """The rows written after byte `since`, and the offset to give next time; all of them after a resume's cut."""
        return metrics.read(self.metrics_file, since)

    def previews(self) -> "list[Path]":
        """The preview pictures, sorted by step."""
        found = (path for path in (self.path / "previews").glob("*.jpg") if path.stem.isdecimal())
        return sorted(found, key=lambda path: int(path.stem))

    def log(self, max_chars: int = 20_000) -> str:
        """The end of what the process printed."""
        return process.end_of_log(self.log_file, max_chars)

    def _exit_reason(self) -> str:
        cause = faults.exit_reason(process.last_log(self.log_file), self.config.num_processes, self.path)
        return f"{cause}. Resume {self._next_beginning()}."

    def _next_beginning(self) -> str:
        if not self.state_file.exists():
            return "starts from the beginning, since nothing was saved yet"
        step = self._read_status().saved_step
        return "continues from the last save" if step is None else f"continues from step {step:,}"

    def _read_status(self) -> Status:
        return Status.read(self._status_file)

    # --- the trainer's side

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Held while training, so that no two processes ever train in one folder. Raises RunBusyError when one does.

        An exception inside is recorded as the reason why the run failed.
        """
        # `start` holds it for a moment, and so do workers of a trainer just killed.
        with process.locked(self.path, timeout_s=10):
            folders.clear_unfinished(self.path)
            trainer, status = psutil.Process(), self._read_status()
            self._told = {key: value for key, value in asdict(status).items() if value is not None}
            ancestors = (trainer.pid, *(parent.pid for parent in trainer.parents()))
            launcher = status.launcher if status.state == "starting" and status.launcher in ancestors else None
            if launcher is None:  # else `start` has removed a stale stop file, and one that is there now is meant
                self.clear_stop()
            self._write_beginning(trainer.pid, trainer.create_time(), launcher)
            try:
                yield
            except KeyboardInterrupt:
                self.write_status(state="stopped")
                raise
            except Exception as error:
                words = faults.error_message(error)
                try:
                    self.write_status(state="failed", error=words + faults.resume_hint(error, self._next_beginning()))
                except OSError:  # the disk may be full, say: then `status` finds the cause
                    log.error(f"{faults.SAID}%s", words)
                raise
            finally:
                self._told = {}

    def write_status(self, **changes: Any) -> None:
        """Changes these keys of status.json and the heartbeat, all at once. Only for whoever holds the claim.

        A trainer writes all that it has ever written: someone may have lost or damaged the file meanwhile.
        """
        changes["heartbeat"] = time.time()
        if self._told:
            self._told |= changes
        write_values(self._status_file, **(self._told | changes))

    def _write_beginning(self, pid: int, create_time: float, launcher: int | None) -> None:
        trainer = {"pid": pid, "create_time": create_time, "launcher": launcher}
        self.write_status(state="starting", error="", images_per_s=None, eta_s=None, **trainer)

    def append_metrics(self, row: "dict[str, Any]") -> None:
        metrics.append(self.metrics_file, row)

    def save_preview(self, step: int, image: "Image.Image") -> None:
        (self.path / "previews").mkdir(exist_ok=True)
        save_picture(image, self.path / "previews" / f"{step:06d}.jpg", "JPEG", quality=92)

    def rewind(self, step: int) -> None:
        """Forgets the metrics, previews, snapshots and the best from beyond `step`, before training goes on there."""
        metrics.cut(self.metrics_file, step)
        kept = (*places.snapshots(self.generator_file).values(), *(self.path / places.BEST).glob("*.safetensors"))
        for seen in (*self.previews(), *kept):
            if int(seen.stem) > step:
                seen.unlink()

    def snapshot_file(self, step: int) -> Path:
        return self.path / places.SNAPSHOTS / f"{step:06d}.safetensors"

    def best_file(self, step: int) -> Path:
        return self.path / places.BEST / f"{step:06d}.safetensors"

    def best_value(self) -> float:
        """That of the generator that is kept as the best, by what `config.best_by` names; infinite without one."""
        kept, by = places.best(self.generator_file), self.config.best_by
        rows = self.metrics()[0] if kept else []
        return min((row[by] for row in rows if kept and row["step"] == kept[0] and by in row), default=inf)

    def forget_worse(self, step: int) -> None:
        """Keeps the generator of that step alone as the best."""
        folders.keep_alone(self.best_file(step))

    def should_stop(self) -> bool:
        return process.is_asked_to_stop(self.path) or process.is_time_to_stop(self.path)

    def take_asked(self) -> set[str]:
        """What the trainer is to do after this step. A preview and a save are asked for once."""
        return {*process.take_asked(self.path), *(["stop"] if self.should_stop() else [])}

    def clear_stop(self) -> None:
        process.clear_stop(self.path)
