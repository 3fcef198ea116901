"""The command line of training.

    python -m training --dataset DIR --name NAME [settings]    create a run and train it in the foreground
    python -m training runs/NAME                               start or resume a run

Ctrl-C, SIGTERM or the stop file finish the step, save and exit; a second Ctrl-C exits at once.
"""

import logging
import os
import signal
import sys
import time
from contextlib import nullcontext, suppress
from pathlib import Path

import tyro
from tqdm.contrib.logging import logging_redirect_tqdm

from training.config import TrainConfig
from training.run import Run, RunBusy

JOIN_S = 60.0  # that other processes wait for the first one to create the run


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0, or 2 with a line on stderr for what a person can mend."""
    try:
        run = _named(arguments) if arguments and not arguments[0].startswith("-") else _created(arguments)
        _train(run)
    except (RunBusy, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Left at once; what came after the last save is lost.", file=sys.stderr)
        return 130
    return 0


def _named(arguments: list[str]) -> Run:
    folder, *rest = arguments
    if rest:
        raise ValueError(
            f"a run keeps the settings it was created with: {' '.join(rest)} cannot be given with {folder}"
        )
    return Run(folder)


def _created(arguments: list[str]) -> Run:
    config = tyro.cli(TrainConfig, args=arguments, prog="python -m training", description=__doc__)
    if _is_main():
        return Run.create(config.with_changes(dataset=str(Path(config.dataset).expanduser().resolve())))
    deadline = time.monotonic() + JOIN_S
    while time.monotonic() < deadline:  # under torchrun: the first process creates it
        with suppress(FileNotFoundError):
            return Run.named(config.name)
        time.sleep(0.1)
    raise ValueError(f"the first process has not created the run {config.name!r}")


def _train(run: Run) -> None:
    from training.loop import train  # torch takes seconds to import: not for --help or a wrong name

    _log_to(run)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(run))
    with run.claim() if _is_main() else nullcontext(), logging_redirect_tqdm():
        train(run)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        _leave_at_once()


def _leave_at_once() -> None:
    """All is saved by now. Taking gloo down as the interpreter ends aborted one process in some thirty runs of two
    ("terminate called without an active exception"), which made torchrun call a finished training failed.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _stop(run: Run) -> None:
    """The first time it asks, the second time it does not wait."""
    if run.should_stop():
        raise KeyboardInterrupt
    run.request_stop()


def _is_main() -> bool:
    return int(os.environ.get("RANK", "0")) == 0


def _log_to(run: Run) -> None:
    """To the terminal and log.txt; when the app has started this process, stdout is log.txt already."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if _is_main() and not (run.log_file.exists() and os.path.samestat(os.fstat(1), run.log_file.stat())):
        handlers.append(logging.FileHandler(run.log_file, encoding="utf-8"))
    logging.basicConfig(level=logging.INFO if _is_main() else logging.WARNING, format="%(message)s", handlers=handlers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
