"""The process that trains in a folder: it is spawned, found again by its pid, asked to stop, and ended."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import filelock
import psutil

from pix2pix.files.places import ROOT, atomic_write

STOP, STOP_AT = "stop", "stop_at"  # files in the folder: the second holds a time
Ask = Literal["preview", "save"]  # of a trainer that goes on
ASKS: dict[Ask, str] = {"preview": "preview_now", "save": "save_now"}  # and the files in the folder that ask for it
LOCK = ".lock"  # file in the folder, which its trainer has locked
FOLDER = "PIX2PIX_RUN"  # environment variable of a trainer that was spawned, and of all below it
LATEST = 2.0**35  # of the times to stop at: in a thousand years
MOST_OF_LOG = 20_000  # characters of it that are looked at
HEADER = "=== training started "  # begins each attempt in the log: an old traceback is not blamed for a new end


class RunBusyError(RuntimeError):
    """The run is being trained by another process."""


RunBusy = RunBusyError  # as it was called up to version 0.2


@contextmanager
def locked(folder: Path, timeout_s: float) -> Iterator[None]:
    """Held by whoever trains in the folder, or changes what a trainer must not lose. Raises RunBusyError.

    The system frees it when its process ends, however that ends.
    """
    lock = filelock.FileLock(folder / LOCK, timeout=timeout_s)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise RunBusyError(f"{folder.name} is already being trained") from None
    try:
        yield
    finally:
        lock.release()


def spawn(folder: Path, log: Path, num_processes: int = 1) -> subprocess.Popen[bytes]:
    """Starts `python -m training FOLDER` in a session of its own, several of them under `accelerate launch`.

    What it prints is appended to `log`.
    """
    launch = ["-m", "accelerate.commands.launch", "--num_processes", str(num_processes)]
    command = [sys.executable, *(launch if num_processes > 1 else []), "-m", "training", str(folder)]
    begin_log(log)
    with log.open("ab") as file:
        # A file and not a pipe: a pipe that nobody reads stops the training when it is full.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1", FOLDER: str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    _wait_for_its_name(process)
    # Until its parent asks for the exit code, an ended process stays behind as a zombie.
    threading.Thread(target=process.wait, name=f"reap {folder.name}", daemon=True).start()
    return process


def _wait_for_its_name(process: subprocess.Popen[bytes]) -> None:
    """For some milliseconds a new process has neither a command line nor an environment to be known by."""
    with suppress(psutil.Error):
        while process.poll() is None and not psutil.Process(process.pid).cmdline():
            time.sleep(0.001)


def begin_log(log: Path) -> None:
    """Before what an attempt prints."""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{HEADER}{time.strftime('%Y-%m-%d %H:%M:%S')} ===\n")


def end_of_log(log: Path, max_chars: int) -> str:
    """Empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4 * max_chars))
            return file.read().decode("utf-8", errors="replace")[-max_chars:]
    except OSError:
        return ""


def last_log(log: Path) -> str:
    """The end of what the last attempt has printed."""
    return end_of_log(log, MOST_OF_LOG).rpartition(HEADER)[2]


def find(pid: int | None, create_time: float | None, folder: Path) -> psutil.Process | None:
    """The process that began then to train in the folder, or None when it is gone, though its pid may be another's.

    The time is compared since pids are used again, and it must be one of ours, since whoever can write to the folder
    can put any two numbers there. Whoever holds the lock is the one, even if the clock was set since.
    """
    with suppress(psutil.Error, OverflowError):
        if pid is not None and create_time is not None:
            process = psutil.Process(pid)
            same = abs(process.create_time() - create_time) < 2  # a corrected clock moves it by a second
            ours = (same and trains(process, folder)) or _holds_lock(process, folder)
            return process if ours and lives(process) else None
    return None


def trains(process: psutil.Process, folder: Path) -> bool:
    """Whether a process is one that trains in the folder, however it was started, and not any that status.json names.

    It holds the lock, or its command line or environment names the folder. Of the processes of others the system may
    tell only some of that.
    """
    with suppress(psutil.Error):
        if any(Path(word) == folder for word in process.cmdline()[1:]):
            return True
    with suppress(psutil.Error):
        if any(Path(process.cwd(), word) == folder for word in process.cmdline()[1:]):
            return True
    with suppress(psutil.Error):
        if process.environ().get(FOLDER) == str(folder):
            return True
    return _holds_lock(process, folder)


def holder(folder: Path) -> psutil.Process | None:
    """The process that has locked the folder, if one has: it trains there, whatever status.json says."""
    if not _is_locked(folder):
        return None
    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    return next((process for process in others if trains(process, folder) and _holds_lock(process, folder)), None)


def _is_locked(folder: Path) -> bool:
    """Looked at with a shared lock, so that those who look do not take each other for a trainer."""
    with suppress(OSError, ImportError):
        import fcntl  # not on Windows, where one cannot look

        with (folder / LOCK).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _holds_lock(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        return any(file.path == str(folder / LOCK) for file in process.open_files())
    return False


def ask_to_stop(folder: Path) -> None:
    """Whatever trains there finishes its step, saves and exits."""
    (folder / STOP).touch()


def is_asked_to_stop(folder: Path) -> bool:
    """Whether someone has asked its trainer to stop as soon as it can."""
    return (folder / STOP).exists()


def ask_to_stop_at(folder: Path, when: float | None) -> None:
    """At that time (of `time.time()`), or not if None."""
    if when is None:
        (folder / STOP_AT).unlink(missing_ok=True)
    else:
        with atomic_write(folder / STOP_AT) as temporary:
            temporary.write_text(str(when))


def asked_to_stop_at(folder: Path) -> float | None:
    """That time; None where none was given, or what was given is no time."""
    try:
        when = float((folder / STOP_AT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return when if 0 <= when <= LATEST else None


def is_time_to_stop(folder: Path) -> bool:
    """Whether the time at which it was to stop has come."""
    when = asked_to_stop_at(folder)
    return when is not None and time.time() >= when


def ask(folder: Path, what: Ask) -> None:
    """Whatever trains there does so after its step, and goes on."""
    (folder / ASKS[what]).touch()


def take_asked(folder: Path) -> set[Ask]:
    """What it was asked for since the last time."""
    asked: set[Ask] = {what for what, name in ASKS.items() if (folder / name).exists()}
    for what in asked:
        (folder / ASKS[what]).unlink(missing_ok=True)
    return asked


def clear_stop(folder: Path) -> None:
    """Forgets what was asked for; a time that is still to come is not."""
    (folder / STOP).unlink(missing_ok=True)
    take_asked(folder)
    if is_time_to_stop(folder):
        ask_to_stop_at(folder, None)


def end(process: psutil.Process, launcher: int | None, folder: Path, grace_s: float, term_s: float) -> str:
    """Ends the process, its launcher (a pid) if it has one, and all below them; returns the signal it took, or "".

    It is asked first; SIGTERM follows after `grace_s`, and SIGKILL after another `term_s`.
    """
    family = _family(process, launcher, folder)
    try:
        ask_to_stop(folder)
    except OSError:  # a full disk, or a folder that cannot be written to
        grace_s = 0
    if _gone(family, grace_s):
        return ""
    family |= _family(process, launcher, folder)
    # Not killpg: a run that was started in a terminal shares its group with whatever else was started there.
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    if _gone(family, term_s):
        return "SIGTERM"
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    _gone(family, term_s)
    return "SIGKILL"


def create_time(pid: int) -> float:
    """When a process began, in seconds since 1970; now, if it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:  # it has ended and been reaped already: it will be reported as failed
        return time.time()


def _family(process: psutil.Process, launcher: int | None, folder: Path) -> set[psutil.Process]:
    """The training process, its launcher if it has one, and all below them.

    What is called the launcher must be one of ours, too: above the trainer are also the app, or someone's terminal.
    """
    with suppress(psutil.NoSuchProcess):
        above = [parent for parent in process.parents() if parent.pid == launcher and trains(parent, folder)]
        top = above[0] if above else process
        return {top, *top.children(recursive=True)}
    return {process}


def _gone(processes: set[psutil.Process], timeout_s: float) -> bool:
    """Waits for their end."""
    deadline = time.monotonic() + timeout_s
    while any(map(lives, processes)):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def lives(process: psutil.Process) -> bool:
    """Whether it has not ended; a zombie has, and only its parent has not looked yet."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
