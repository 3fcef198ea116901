"""The command line of training.

    python -m training --dataset DIR --name NAME [--preset quick] [settings]    create a run, train it in the foreground
    python -m training runs/NAME                                                start or resume a run
    python -m training runs/NAME --steps N                                      extend it to N steps in all

DIR may also be owner/name of a dataset on the Hugging Face Hub, or `demo`: facades that are drawn by code. The settings
are those of the Train tab, in its order; --preset puts those of one of its presets in their place, the paper's recipe
being the default. Ctrl-C, SIGTERM or the stop file finish the step, save and exit; a second Ctrl-C exits at once.
"""

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path, PurePath
from typing import NoReturn

import psutil

from pix2pix.console import exit_status
from pix2pix.quick_imports import import_quickly
from training import process
from training.config import DEMO_SETTINGS, FORMER_NAMES, PRESETS, TrainConfig
from training.run import Run, RunBusyError

JOIN_S = 60.0  # that other processes wait for the first one to create the run
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h
END_S = 5.0  # that a process may take to end after its peers have lost the connection to it


class ProcessLostError(ValueError):
    """Another process of this training has ended, and none can go on without it."""


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0, or 2 with a line on stderr for what a person can mend."""
    try:
        run = _named(arguments) if arguments and not arguments[0].startswith("-") else _created(arguments)
        _train(run)
    except BrokenPipeError:  # of what it prints to
        raise
    except (RunBusyError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Left at once; what came after the last save is lost.", file=sys.stderr)
        return 130
    return 0


def prepare_process() -> None:
    """Settings of the C libraries that make a step on the CPU a quarter faster; to be called before torch is imported.

    What the user has set in the environment wins.
    """
    # OpenMP's threads sleep while they wait for each other, in GNU's OpenMP after they have spun for a tenth of a
    # millisecond or two. By default they spin for long, and beside another busy program, such as the drawing tab of the
    # app, spin away the time of the very thread that they wait for; but a thread that sleeps at once has to be woken
    # for each of a step's thousand small operations (at ngf 32 and batch 1 a quarter of the time).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
    # glibc keeps freed memory for the next step, rather than give it back to the system and fetch it again, page by
    # page, filled with zeros. (The environment variables that say so are read before Python runs.)
    if sys.platform == "linux" and not any(name.startswith("MALLOC_") for name in os.environ):
        with suppress(AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_MMAP_MAX, 0)
            mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def _named(arguments: list[str]) -> Run:
    """A run to start or resume; with --steps, a higher number of steps in all than it was to make."""
    folder, *rest = arguments
    below_runs = PurePath(folder).parts[:-1] == ("runs",)  # as the documentation has it, from wherever it is called
    run = Run.named(PurePath(folder).name) if below_runs and not Path(folder).exists() else Run(folder)
    if not rest:
        return run
    option, _, value = rest[0].partition("=")
    value = value or " ".join(rest[1:])
    if option != "--steps" or not value.isdecimal():
        raise ValueError(
            f"a run keeps the settings it was created with: {' '.join(rest)} cannot be given with {folder}; only "
            "--steps N can, which extends it to N steps in all"
        )
    if _is_main() and (further := int(value) - run.status().total) != 0:
        if run.status().total and further < 0:
            raise ValueError(f"{run.name} has {run.status().total:,} steps already: give --steps a higher number")
        run.extend(further)
    return run


def _created(arguments: list[str]) -> Run:
    import tyro

    arguments = _with_preset([_renamed(argument) for argument in arguments])
    prog = "pix2pix-train" if Path(sys.argv[0]).stem == "pix2pix-train" else "python -m training"  # as it was called
    config = tyro.cli(TrainConfig, args=arguments, prog=prog, description=__doc__)
    if _is_main():
        from pix2pix.data.intake import bring, demo

        folder = demo() if config.dataset == "demo" and not Path("demo").exists() else bring(config.dataset)
        about = DEMO_SETTINGS if config.dataset == "demo" else {}
        _require_certain(config, folder)
        return Run.create(config.with_changes(dataset=str(folder.resolve()), **about))
    deadline = time.monotonic() + JOIN_S
    while time.monotonic() < deadline:  # under torchrun: the first process creates it
        with suppress(FileNotFoundError):
            return Run.named(config.name)
        time.sleep(0.1)
    raise ValueError(f"the first process has not created the run {config.name!r}")


def _require_certain(config: TrainConfig, folder: Path) -> None:
    """Raises DatasetError, in words, for a folder that has nothing to train on, or can be read in more than one way."""
    from pix2pix.data.pairs import find_pairs

    find_pairs(folder, config.layout, folders=config.folders, leave_out=config.leave_out, open_files=False)


def _renamed(argument: str) -> str:
    """An option that was called otherwise, by the name that it has now: --no-smooth becomes --no-checkerboard-free."""
    option, equals, value = argument.partition("=")
    dashes, name = ("--no-", option[5:]) if option.startswith("--no-") else ("--", option[2:])
    if not option.startswith("--") or (now := FORMER_NAMES.get(name.replace("-", "_"))) is None:
        return argument
    return f"{dashes}{now.replace('_', '-')}{equals}{value}"


def _with_preset(arguments: list[str]) -> list[str]:
    """--preset NAME becomes its settings, which those that are given win over."""
    if "--preset" not in arguments:
        return arguments
    place = arguments.index("--preset")
    name = arguments[place + 1] if place + 1 < len(arguments) else ""
    if name not in PRESETS:
        raise ValueError(f"--preset {name} is not one of {', '.join(PRESETS)}")
    rest = arguments[:place] + arguments[place + 2 :]
    given = {argument.partition("=")[0].replace("_", "-") for argument in rest}
    settings = [(key.replace("_", "-"), value) for key, value in PRESETS[name].items()]
    kept = [(key, value) for key, value in settings if not {f"--{key}", f"--no-{key}"} & given]
    return [word for key, value in kept for word in _words(key, value)] + rest


def _words(key: str, value: object) -> list[str]:
    if isinstance(value, bool):  # a flag, which takes no value
        return [f"--{key}" if value else f"--no-{key}"]
    return [f"--{key}", str(value)]


def _train(run: Run) -> None:
    import_quickly("training.loop", "torch._dynamo")  # torch takes seconds to import: not for --help or a wrong name

    from tqdm.contrib.logging import logging_redirect_tqdm

    from training.followers import followed
    from training.loop import train
    from training.notify import Teller
    from training.trackers import Watcher

    _log_to(run)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(run))
    with followed(run, Teller, Watcher) if _is_main() else nullcontext():
        try:
            with run.claim() if _is_main() else nullcontext(), logging_redirect_tqdm(), _naming_the_lost():
                train(run)
        finally:
            if _processes() == 1:  # what torchrun has put into the environment is not for others: the app sees to it
                Run.start_next()


@contextmanager
def _naming_the_lost() -> Iterator[None]:
    """When one of several processes ends, the others get an error about sockets: says instead which one has ended."""
    try:
        yield
    except RuntimeError as error:
        if not (lost := _lost()):
            raise
        which = " and ".join(f"process {rank + 1}" for rank in lost)
        raise ProcessLostError(
            f"{which} of {_processes()} has ended: it was killed, perhaps for want of memory, or has printed why"
        ) from error


def _lost() -> list[int]:
    """The ranks of the processes that have ended, of those that the launcher of this one started on this machine."""
    count = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    first = int(os.environ.get("RANK", "0")) - int(os.environ.get("LOCAL_RANK", "0"))
    lost: set[int] = set()
    deadline = time.monotonic() + (END_S if count > 1 else 0)
    while not lost and time.monotonic() < deadline:
        time.sleep(0.05)
        lost = set(range(first, first + count)) - _living()
    return sorted(lost)


def _living() -> set[int]:
    """The ranks of the processes that have the parent of this one."""
    launcher = psutil.Process().parent()
    ranks = set()
    for child in launcher.children() if launcher else []:
        with suppress(psutil.Error, KeyError):  # a process that has ended has no environment
            ranks.add(int(child.environ()["RANK"]))
    return ranks


def _stop(run: Run) -> None:
    """The first time it asks, the second time it does not wait.

    Several processes always wait: Ctrl-C reaches each of them twice, from the terminal and from the launcher, which
    itself kills those that do not end within half a minute.
    """
    if run.should_stop() and _processes() == 1:
        raise KeyboardInterrupt
    run.request_stop()


def _is_main() -> bool:
    return int(os.environ.get("RANK", "0")) == 0


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def _log_to(run: Run) -> None:
    """To the terminal and log.txt; when the app has started this process, stdout is log.txt already.

    Where nobody reads the terminal's side any more (`… | head -1`), the training goes on, and so does log.txt.
    """
    logging.raiseExceptions = False
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if _is_main() and not (run.log_file.exists() and os.path.samestat(os.fstat(1), run.log_file.stat())):
        process.begin_log(run.log_file)
        # It opens with the first line: where others have set up logging, basicConfig leaves it unused.
        handlers.append(logging.FileHandler(run.log_file, encoding="utf-8", delay=True))
    logging.basicConfig(level=logging.INFO if _is_main() else logging.WARNING, format="%(message)s", handlers=handlers)


def _leave(status: int) -> NoReturn:
    """Ends this process without taking gloo down.

    Its threads abort one in thirty finished trainings of two processes ("terminate called without an active
    exception"), whether the process group is destroyed first or left to the end of the interpreter.
    """
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)


def command() -> NoReturn:
    """`python -m training`, and `pix2pix-train` where it is installed."""
    prepare_process()
    (_leave if _processes() > 1 else sys.exit)(exit_status(lambda: main(sys.argv[1:])))


if __name__ == "__main__":
    command()
