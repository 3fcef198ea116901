"""What follows a training from threads of its own: it reads the run directory, as the app does, and the training knows
nothing of it. A follower that fails or hangs costs a line in the log, and some seconds when the training is over.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from training.config import TrainConfig
from training.run import Run

LEAVE_S = 5.0  # that the process, whose end is in the run directory by then, waits for all of them before it leaves


class Follower(ABC):
    """One of them. Its thread is a daemon: the process may end while the follower waits for an answer."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.over = threading.Event()  # set when the training has ended
        self.thread = threading.Thread(target=self.follow, name=f"{type(self).__name__} of {run.name}", daemon=True)

    @staticmethod
    @abstractmethod
    def wanted(config: TrainConfig) -> bool:
        """Whether a run is to be followed so."""

    @abstractmethod
    def follow(self) -> None:
        """Until it is over, and then to the last figure. Raises nothing."""


@contextmanager
def followed(run: Run, *kinds: type[Follower]) -> Iterator[None]:
    """While it trains inside."""
    followers = [kind(run) for kind in kinds if kind.wanted(run.config)]
    for follower in followers:
        follower.thread.start()
    try:
        yield
    finally:
        leave_at = time.monotonic() + LEAVE_S
        for follower in followers:
            follower.over.set()
        for follower in followers:
            follower.thread.join(max(0.0, leave_at - time.monotonic()))
