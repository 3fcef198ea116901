"""A training run is a folder, and the folder is the only truth about it.

The trainer writes it and the app reads it; they share nothing else. So a page that is refreshed, a second browser and
an app that was restarted all see the same run. Nothing here needs torch.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import filelock
import psutil

from pix2pix.places import BEST, GENERATOR_FILE, ROOT, SNAPSHOTS, best, runs_dir, snapshots
from training import faults
from training.config import TrainConfig

if TYPE_CHECKING:
    from PIL import Image

# Those of status.json, and "queued", which a file of that name says: the run waits for the device.
State = Literal["queued", "starting", "running", "stopping", "stopped", "finished", "failed"]

PATIENCE_S = 120.0  # one step of a wide 512 px model takes over ten seconds on a slow CPU, and loading torch as long
RESERVED_NAMES = ("datasets",)  # beside the runs lie the datasets that were uploaded
FULL_MB = 10  # of free disk, down to which it counts as full
# What torchrun and `accelerate launch` print of the process that has ended first, before they end the others.
_ENDED_FIRST = re.compile(r"failed \(exitcode: (-?\d+)\) local_rank: (\d+)")
_HEADER = "=== training started "  # begins each attempt in log.txt: an old traceback is not blamed for a new end


class RunBusy(RuntimeError):
    """The run is being trained by another process."""


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


class Run:
    """A handle on `runs/<name>`. It keeps nothing in memory but the path and the config, which never changes."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises FileNotFoundError or ValueError, in words, when `path` is not a run directory."""
        self.path = Path(path).expanduser().resolve()
        self.name = self.path.name
        try:
            self.config = TrainConfig.from_json(self.config_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(f"there is no training run in {self.path}: it has no config.json") from None
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.config_file} is not the config of a training run: {error}") from None

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    # --- making and finding runs

    @classmethod
    def create(cls, config: TrainConfig) -> Self:
        """Makes the folder. Raises FileExistsError when the name is taken."""
        path = runs_dir() / config.name
        _require_free_name(config.name)
        runs_dir().mkdir(parents=True, exist_ok=True)
        try:
            path.mkdir()  # only one of two processes can
        except FileExistsError:
            words = f"there is already a run named {config.name!r}: choose another name, or resume that run"
            raise FileExistsError(words) from None
        (path / "previews").mkdir()
        with replacing(path / "config.json") as temporary:
            temporary.write_text(config.to_json(), encoding="utf-8")
        return cls(path)

    @classmethod
    def list(cls) -> "list[Self]":
        """All runs, newest first. A folder that is no run, or a damaged one, is left out."""
        found = []
        for config_file in runs_dir().glob("*/config.json"):
            if config_file.parent.name.startswith("."):  # one that is being deleted
                continue
            with suppress(OSError, ValueError):
                found.append((config_file.stat().st_mtime, cls(config_file.parent)))
        return [run for _, run in sorted(found, key=lambda pair: (pair[0], pair[1].name), reverse=True)]

    @classmethod
    def named(cls, name: str) -> Self:
        """The run of that name in the runs folder. Raises FileNotFoundError or ValueError as the constructor does."""
        if Path(name).name != name or name in ("", ".", ".."):
            raise ValueError(f"{name!r} is not the name of a run")
        return cls(runs_dir() / name)

    @property
    def config_file(self) -> Path:
        return self.path / "config.json"

    @property
    def state_file(self) -> Path:
        return self.path / "state.pt"

    @property
    def generator_file(self) -> Path:
        return self.path / GENERATOR_FILE

    @property
    def log_file(self) -> Path:
        return self.path / "log.txt"

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def pinned_file(self) -> Path:
        """The drawing that every preview shows as well."""
        return self.path / "pinned.png"

    @property
    def _queued_file(self) -> Path:
        return self.path / "queued"

    @property
    def _stop_at_file(self) -> Path:
        return self.path / "stop_at"

    @property
    def _status_file(self) -> Path:
        return self.path / "status.json"

    @property
    def _stop_file(self) -> Path:
        return self.path / "stop"

    # --- the app's side: start and stop

    def start(self) -> None:
        """Starts training in a process of its own, which outlives the app. It goes on from the last save, if any.

        Raises RunBusy when the run is being trained, and ValueError when it has nothing left to train.
        """
        # A training that has ended holds the lock for the moment until its process is gone.
        with self._lock(timeout_s=0 if self.status().alive else 10):
            status = self.status()
            if status.alive:
                raise RunBusy(f"{self.name} is already being trained")
            if self._read_status().state == "finished":
                raise ValueError(f"{self.name} has finished its {status.total:,} steps: nothing is left to resume")
            self.clear_stop()
            self.leave_queue()
            process = self._spawn()
            # The trainer cannot have written yet: it waits in `claim` for the lock that is held here.
            self._write_beginning(process.pid, _create_time(process.pid), launcher=process.pid)

    def resume(self) -> str:
        """`start`, and says in words from where it goes on."""
        self.start()
        return f"{self.name} {self._next_beginning()}."

    def submit(self) -> str:
        """`resume`, as soon as nothing else is trained on its device; says in words what has become of it."""
        with _queue_lock():
            if other := self._in_the_way():
                if other.name == self.name or self._read_status().state == "finished":
                    self.start()  # which says why not
                self._queued_file.write_text(str(time.time_ns()))
                return f"{self.name} waits in the queue until {other.name} has ended."
            return self.resume()

    def leave_queue(self) -> None:
        self._queued_file.unlink(missing_ok=True)

    @classmethod
    def start_next(cls) -> "list[Self]":
        """Starts those of the queue, in its order, whose device is free by now."""
        started = []
        with _queue_lock():
            for run in sorted((run for run in cls.list() if run.is_queued()), key=lambda run: run._place_in_queue()):
                if run._in_the_way():
                    continue
                try:
                    run.start()
                    started.append(run)
                except (RunBusy, ValueError):
                    run.leave_queue()
        return started

    def is_queued(self) -> bool:
        return self._queued_file.exists()

    def _place_in_queue(self) -> str:
        with suppress(OSError):
            return self._queued_file.read_text()
        return ""

    def _in_the_way(self) -> "Run | None":
        """A run that is being trained on the same device: two at once would be half as fast each."""
        mine = self.config.device
        for run in Run.list():
            theirs = run.config.device
            if run.status().alive and (mine == theirs or "auto" in (mine, theirs)):
                return run
        return None

    def _spawn(self) -> subprocess.Popen[bytes]:
        launch = ["-m", "accelerate.commands.launch", "--num_processes", str(self.config.num_processes)]
        command = [sys.executable, *(launch if self.config.num_processes > 1 else []), "-m", "training", str(self.path)]
        with self.log_file.open("ab") as log:
            log.write(f"{_HEADER}{time.strftime('%Y-%m-%d %H:%M:%S')} ===\n".encode())
            log.flush()
            # A file and not a pipe: a pipe that nobody reads stops the training when it is full.
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        # Until its parent asks for the exit code, an ended process stays behind as a zombie.
        threading.Thread(target=process.wait, name=f"reap {self.name}", daemon=True).start()
        return process

    def request_stop(self) -> None:
        """Asks the trainer to finish its step, save and exit, or takes the run out of the queue. Returns at once."""
        self.leave_queue()
        if self.status().alive:
            self._stop_file.touch()

    def stop(self, grace_s: float = 60.0, term_s: float = 10.0) -> str:
        """Stops the run and says in words what that took: asking, SIGTERM after `grace_s`, or SIGKILL after `term_s`.

        Only the last two can lose steps: those since the last save.
        """
        process = self._process(status := self._read_status())
        if not status.alive or process is None:
            return f"{self.name} was not running."
        family = _family(process, status.launcher)
        self._stop_file.touch()
        if _gone(family, grace_s):
            return self._how_it_ended()
        family |= _family(process, status.launcher)
        # Not killpg: a run that was started in a terminal shares its group with whatever else was started there.
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.terminate()
        means = "was ended with SIGTERM"
        if not _gone(family, term_s):
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            _gone(family, term_s)
            means = "had to be killed with SIGKILL"
        self._record_stopped(process.pid)
        return f"{self.name} did not stop when asked and {means}. Resume {self._next_beginning()}."

    def _how_it_ended(self) -> str:
        status = self.status()
        if status.state == "stopped":
            return f"{self.name} has stopped at step {status.step:,}. Resume {self._next_beginning()}."
        return f"{self.name} has {status.state}{': ' + status.error if status.error else '.'}"

    def _record_stopped(self, pid: int) -> None:
        """Writes the end that a killed trainer could not write, unless someone has resumed it in the meantime."""
        with suppress(RunBusy), self._lock(timeout_s=5):
            self.clear_stop()
            status = self._read_status()
            if status.pid == pid and status.alive:
                self.write_status(state="stopped")

    # --- the app's side: change it while it does not train

    def extend(self, steps: int) -> None:
        """So many steps more than were to be made. Raises RunBusy while it is being trained."""
        if steps < 1:
            raise ValueError(f"{steps} further steps are none")
        with self._at_rest():
            status = self._read_status()
            if not status.total:
                raise ValueError(f"{self.name} has not begun yet: it cannot be extended")
            self.config = self.config.with_changes(steps=status.total + steps)
            self._write_config()
            state = "stopped" if status.state == "finished" else status.state
            self.write_status(state=state, total=self.config.steps, eta_s=None)

    def rename(self, name: str) -> "Run":
        """The run under its new name. Raises RunBusy while it is being trained, FileExistsError, ValueError."""
        if name == self.name:
            return self
        config = self.config.with_changes(name=name)
        with _queue_lock():
            _require_free_name(name)
            if (runs_dir() / name).exists():
                raise FileExistsError(f"there is already a run named {name!r}: choose another name")
            with self._at_rest():
                self.config = config
                self._write_config()
            return Run(self.path.rename(self.path.with_name(name)))

    def delete(self) -> None:
        """For good. Its dataset stays. Raises RunBusy while it is being trained."""
        with self._at_rest():
            self.leave_queue()
        # Under another name first: a run that is half deleted should not be found.
        shutil.rmtree(self.path.rename(self.path.with_name(f".{self.name}.deleted")))

    def pin(self, drawing: "Image.Image") -> None:
        """Every preview from now on shows what becomes of this drawing."""
        with replacing(self.pinned_file) as temporary:
            drawing.convert("RGB").save(temporary, format="PNG")

    def stop_at(self, when: float | None) -> None:
        """Asks the trainer to stop at that time (of `time.time()`), or not to if None."""
        if when is None:
            self._stop_at_file.unlink(missing_ok=True)
        else:
            self._stop_at_file.write_text(str(when))

    def stops_at(self) -> float | None:
        """The time at which it is to stop, if one was given."""
        try:
            return float(self._stop_at_file.read_text())
        except (OSError, ValueError):
            return None

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """Held while something is changed that a trainer would not notice, or must not lose."""
        if self.status().alive:
            raise RunBusy(f"{self.name} is being trained: stop it first")
        with self._lock(timeout_s=10):
            yield

    def _write_config(self) -> None:
        with replacing(self.config_file) as temporary:
            temporary.write_text(self.config.to_json(), encoding="utf-8")

    # --- the app's side: watch

    def status(self) -> Status:
        """How the run is doing now: what the trainer last wrote, checked against whether it still lives."""
        status = self._read_status()
        if status.alive and self._process(status) is None:
            status = self._read_status()  # it may have written its end between our two looks
            if status.alive:
                status = replace(status, state="failed", error=self._cause_of_death())
        if not status.alive:
            return replace(status, state="queued") if self.is_queued() else status
        silent_s = time.time() - (status.heartbeat or 0)
        error = status.error
        if silent_s > PATIENCE_S:
            error = (
                f"The training process exists but has not been heard of for {silent_s / 60:.0f} minutes. "
                "A very large model may need that long for a step; if it does not, stop the run and resume it."
            )
        return replace(status, state="stopping" if self._stop_file.exists() else status.state, error=error)

    def metrics(self, since: int = 0) -> "tuple[list[dict[str, Any]], int]":
        """The rows written after byte `since`, and the offset to give next time.

        A last line that is only half written is left for the next call. When a resume has cut the file to less than
        `since`, all of it is returned.
        """
        try:
            with self.metrics_file.open("rb") as file:
                since = since if since <= file.seek(0, os.SEEK_END) else 0
                file.seek(since)
                data = file.read()
        except FileNotFoundError:
            return [], 0
        whole = data[: data.rfind(b"\n") + 1]
        return _rows(whole), since + len(whole)

    def previews(self) -> "list[Path]":
        """The preview pictures, sorted by step."""
        found = [path for path in (self.path / "previews").glob("*.jpg") if path.stem.isdecimal()]
        return sorted(found, key=lambda path: int(path.stem))

    def log(self, max_chars: int = 20_000) -> str:
        """The end of what the process printed."""
        try:
            with self.log_file.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 4 * max_chars))
                return file.read().decode("utf-8", errors="replace")[-max_chars:]
        except FileNotFoundError:
            return ""

    def _cause_of_death(self) -> str:
        attempt = self.log().rpartition(_HEADER)[2]
        if ended := _ENDED_FIRST.search(attempt):
            code, rank = int(ended[1]), int(ended[2])
            if code < 0:
                who = f"Process {rank + 1} of {self.config.num_processes}"
                return f"{who} was killed ({signal.Signals(-code).name}). Resume {self._next_beginning()}."
            # The launcher's own traceback follows, and torch has put a rank before each line of the process's.
            attempt = re.sub(r"^\[rank\d+\]: ?", "", attempt[: ended.start()], flags=re.MULTILINE)
        _, found, traceback = attempt.rpartition("Traceback (most recent call last):")
        if found:
            unindented = [line for line in traceback.splitlines() if line and not line[0].isspace()]
            cause = f"The training process failed: {unindented[0] if unindented else 'its log says how'}"
        elif shutil.disk_usage(self.path).free < FULL_MB << 20:
            cause = faults.DISK_FULL
        elif errors := [line for line in attempt.splitlines() if line.startswith("error: ")]:
            cause = f"The training process failed: {errors[-1].removeprefix('error: ')}"
        else:
            cause = "The training process was killed: by someone, by a restart of the machine, or for want of memory"
        return f"{cause.rstrip('.')}. Resume {self._next_beginning()}."

    def _next_beginning(self) -> str:
        if not self.state_file.exists():
            return "starts from the beginning, since nothing was saved yet"
        step = self._read_status().saved_step
        return "continues from the last save" if step is None else f"continues from step {step:,}"

    # --- the trainer's side

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Held while training, so that no two processes ever train in one folder. Raises RunBusy when one does.

        An exception inside is recorded as the reason why the run failed.
        """
        with self._lock(timeout_s=10):  # `start` holds it for a moment, and so do workers of a trainer just killed
            process = psutil.Process()
            status = self._read_status()
            ancestors = (process.pid, *(parent.pid for parent in process.parents()))
            launcher = status.launcher if status.state == "starting" and status.launcher in ancestors else None
            if launcher is None:  # else `start` has removed a stale stop file, and one that is there now is meant
                self.clear_stop()
            self._write_beginning(process.pid, process.create_time(), launcher)
            try:
                yield
            except KeyboardInterrupt:
                self.write_status(state="stopped")
                raise
            except Exception as error:
                words = f"{faults.in_words(error)}. Resume {self._next_beginning()}."
                with suppress(OSError):  # the disk may be full: then `status` finds the cause
                    self.write_status(state="failed", error=words)
                raise

    def write_status(self, **changes: Any) -> None:
        """Changes these keys of status.json and the heartbeat, all at once. Only for whoever holds the claim."""
        values = self._read_json() | {"heartbeat": time.time()} | changes
        with replacing(self._status_file) as temporary:
            temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

    def _write_beginning(self, pid: int, create_time: float, launcher: int | None) -> None:
        self.write_status(
            state="starting",
            error="",
            images_per_s=None,
            eta_s=None,
            pid=pid,
            create_time=create_time,
            launcher=launcher,
        )

    def append_metrics(self, row: "dict[str, Any]") -> None:
        with self.metrics_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def save_preview(self, step: int, image: "Image.Image") -> None:
        (self.path / "previews").mkdir(exist_ok=True)
        with replacing(self.path / "previews" / f"{step:06d}.jpg") as temporary:
            image.save(temporary, format="JPEG", quality=92)

    def rewind(self, step: int) -> None:
        """Forgets the metrics, previews, snapshots and the best from beyond `step`, before training goes on there."""
        rows = [row for row in self.metrics()[0] if row["step"] <= step]
        with replacing(self.metrics_file) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        kept = (*snapshots(self.generator_file).values(), *(self.path / BEST).glob("*.safetensors"))
        for seen in (*self.previews(), *kept):
            if int(seen.stem) > step:
                seen.unlink()

    def snapshot_file(self, step: int) -> Path:
        return self.path / SNAPSHOTS / f"{step:06d}.safetensors"

    def best_file(self, step: int) -> Path:
        return self.path / BEST / f"{step:06d}.safetensors"

    def best_val_L1(self) -> float:
        """That of the generator that is kept as the best; infinite without one."""
        kept = best(self.generator_file)
        rows = self.metrics()[0] if kept else []
        return min((row["val_L1"] for row in rows if kept and row["step"] == kept[0] and "val_L1" in row), default=inf)

    def forget_worse(self, step: int) -> None:
        """Keeps the generator of that step alone as the best."""
        for path in (self.path / BEST).glob("*.safetensors"):
            if path != self.best_file(step):
                path.unlink()

    def should_stop(self) -> bool:
        return self._stop_file.exists() or self._time_is_up()

    def clear_stop(self) -> None:
        self._stop_file.unlink(missing_ok=True)
        if self._time_is_up():
            self.stop_at(None)

    def _time_is_up(self) -> bool:
        when = self.stops_at()
        return when is not None and time.time() >= when

    # --- helpers

    @contextmanager
    def _lock(self, timeout_s: float) -> Iterator[None]:
        """The system frees it when its process ends, however that ends."""
        lock = filelock.FileLock(self.path / ".lock", timeout=timeout_s)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise RunBusy(f"{self.name} is already being trained") from None
        try:
            yield
        finally:
            lock.release()

    def _read_json(self) -> "dict[str, Any]":
        try:
            values = json.loads(self._status_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}

    def _read_status(self) -> Status:
        known = {field.name for field in fields(Status)}
        values = {key: value for key, value in self._read_json().items() if key in known}
        return Status(**values) if values.get("state", "stopped") in get_args(State) else Status()

    @staticmethod
    def _process(status: Status) -> psutil.Process | None:
        """The training process, or None when it is gone, though its pid may be another's by now."""
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if status.pid is not None and status.create_time is not None:
                process = psutil.Process(status.pid)
                same = abs(process.create_time() - status.create_time) < 2  # a corrected clock moves it by a second
                return process if same and _lives(process) else None
        return None


@contextmanager
def _queue_lock() -> Iterator[None]:
    """Held while it is decided who may train: by this process, another app, or a trainer that ends."""
    runs_dir().mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(runs_dir() / ".queue.lock", timeout=30):
        yield


def _require_free_name(name: str) -> None:
    if name.lower() in RESERVED_NAMES:
        raise FileExistsError(f"the name {name!r} is kept for uploaded datasets: choose another")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, which takes its place if all goes well: readers see old or new, whole."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # or after a power cut the new name could stand for an empty file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _create_time(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:  # it has ended and been reaped already: it will be reported as failed
        return time.time()


def _family(process: psutil.Process, launcher: int | None) -> set[psutil.Process]:
    """The training process, its launcher if it has one, and all below them."""
    with suppress(psutil.NoSuchProcess):
        top = next((parent for parent in process.parents() if parent.pid == launcher), process)
        return {top, *top.children(recursive=True)}
    return {process}


def _gone(processes: set[psutil.Process], timeout_s: float) -> bool:
    """Waits for their end."""
    deadline = time.monotonic() + timeout_s
    while any(map(_lives, processes)):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return (
            process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        )  # a zombie has ended: nobody has looked
    return False


def _rows(data: bytes) -> list[dict[str, Any]]:
    rows = []
    for line in data.splitlines():
        with suppress(ValueError):  # a line that a crash cut short
            row = json.loads(line)
            if isinstance(row, dict) and "step" in row:
                rows.append(row)
    return rows
