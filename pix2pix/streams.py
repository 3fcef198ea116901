"""Several pictures at once: in as many streams as a CPU has cores for, or as batches of what waits for a GPU.

Nothing here decides whose turn it is: callers come from threads of their own, and wait here for each other.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import torch
from torch import Tensor

Forward = Callable[[Tensor], Tensor]

FEWEST_CORES = 2  # of a stream: on one core a picture takes nearly twice as long, and most people draw alone
SLOWER = 1.5  # times as long may a picture take, for the sake of many at once
WORTH = 1.1  # times as many pictures that more streams must give
MEASURING_S = 1.0  # for all of it; what was begun is finished
LARGEST_BATCH = 8  # pictures


def best_streams(cores: int, time_of: Callable[[int], float], limit: float = MEASURING_S) -> int:
    """How many pictures such a CPU should compute at once.

    time_of: seconds that so many pictures take that are computed at once, which is measured
    """
    if cores < 2 * FEWEST_CORES:
        return 1
    until = time.perf_counter() + limit
    alone = time_of(1)
    best, best_rate, streams = 1, 1 / alone, 2
    while cores // streams >= FEWEST_CORES and time.perf_counter() < until:
        took = time_of(streams)
        if took > SLOWER * alone:
            break
        if streams / took > WORTH * best_rate:
            best, best_rate = streams, streams / took
        streams *= 2
    return best


class OneByOne:
    """A forward pass that is done for one caller at a time: torch gives each all the cores."""

    def __init__(self, forward: Callable[..., Tensor]) -> None:
        self.forward = forward
        self._turn = threading.Lock()

    def __call__(self, *given: object) -> Tensor:
        with self._turn:
            return self.forward(*given)


class Batched:
    """A forward pass whose callers share it: what waits while one is done is the next one's batch.

    A GPU computes eight pictures in little more time than one. Whoever comes alone does not wait for company.
    """

    def __init__(self, forward: Forward, largest: int = LARGEST_BATCH) -> None:
        self.forward, self.largest = forward, largest
        self._turn, self._arrival = threading.Lock(), threading.Lock()
        self._waiting: list[tuple[Tensor, Future[Tensor]]] = []

    def __call__(self, a: Tensor) -> Tensor:
        """(1, C, H, W) -> (1, C, H, W); all callers give the same shape."""
        mine: Future[Tensor] = Future()
        with self._arrival:
            self._waiting.append((a, mine))
        with self._turn:
            while not mine.done():  # it may have been in the batch of whoever had the turn before
                self._next_batch()
        return mine.result()

    def _next_batch(self) -> None:
        with self._arrival:
            batch, self._waiting = self._waiting[: self.largest], self._waiting[self.largest :]
        inputs, futures = zip(*batch, strict=True)
        try:
            made = self.forward(torch.cat(inputs))
        except Exception as error:  # it is that of each caller
            for future in futures:
                future.set_exception(error)
            return
        for future, b in zip(futures, made.split(1), strict=True):
            future.set_result(b)
