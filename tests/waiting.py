"""Waits that end when the thing happens."""

import time
from collections.abc import Callable

from training.run import Run

LONG_S = 120.0  # for what takes a process to start, on a machine that is busy with other tests


def wait_until(condition: Callable[[], object], run: Run | None = None) -> None:
    """The log of the run that is waited for says why it was in vain."""
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, run.log() if run else "waited in vain"
        time.sleep(0.01)
