"""The command line of training.

    python -m training --dataset DIR --name NAME [settings]    create a run and train it in the foreground
    python -m training runs/NAME                               start or resume a run

Ctrl-C, SIGTERM or the stop file finish the step, save and exit; a second Ctrl-C exits at once.
"""

import logging
import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

import tyro
from tqdm.contrib.logging import logging_redirect_tqdm

from training.config import TrainConfig
from training.run import Run, RunBusy


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0, or 2 with a line on stderr for what a person can mend."""
    try:
        run = _named(arguments) if arguments and not arguments[0].startswith("-") else _created(arguments)
        _train(run)
    except (RunBusy, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
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
    return Run.create(config.with_changes(dataset=str(Path(config.dataset).expanduser().resolve())))


def _train(run: Run) -> None:
    from training.loop import train  # torch takes seconds to import: not for --help or a wrong name

    is_main = int(os.environ.get("RANK", "0")) == 0
    _log_to(run, is_main)
    signal.signal(signal.SIGTERM, lambda *_: run.request_stop())
    signal.signal(
        signal.SIGINT, lambda *_: (run.request_stop(), signal.signal(signal.SIGINT, signal.default_int_handler))
    )
    with run.claim() if is_main else nullcontext(), logging_redirect_tqdm():
        train(run)


def _stop_once(run: Run) -> None:
    run.request_stop()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the second Ctrl-C does not wait


def _log_to(run: Run, is_main: bool) -> None:
    """To the terminal and log.txt; when the app has started this process, stdout is log.txt already."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if is_main and not (run.log_file.exists() and os.path.samestat(os.fstat(1), run.log_file.stat())):
        handlers.append(logging.FileHandler(run.log_file, encoding="utf-8"))
    logging.basicConfig(level=logging.INFO if is_main else logging.WARNING, format="%(message)s", handlers=handlers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
