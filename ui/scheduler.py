"""Whose turn it is: so many computations at a time, and of each session only its newest one waits.

A page that draws sends more drawings than a CPU can translate. Gradio's queue would work through all of them, long
after the pen has moved on; here an older one that still waits is given up the moment a newer one arrives.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


MOST_WAITING = 250  # sessions: on two cores the last of them has its picture before its page gives up


class QueueFull(Exception):
    """So many sessions wait that no further one may."""

    def __init__(self) -> None:
        super().__init__("Too many drawings are waiting just now: try again in a moment.")


class Superseded(Exception):
    """A newer job of the same session arrived before this one's turn."""


class Scheduler:
    """One worker thread, or several. Sessions take turns, in the order in which they came to wait."""

    def __init__(self) -> None:
        self._workers = 0
        # session -> its waiting job, the next one first. A job that replaces another keeps its place in the line, and
        # a session that was just served goes to the end of it: that alone makes the turns fair.
        self._waiting: dict[str, tuple[Callable[[], Any], Future[Any]]] = {}
        self._arrival = threading.Condition()
        self.widen(1)

    def widen(self, workers: int) -> None:
        """So many computations at a time from now on, or as many as before if those were more."""
        with self._arrival:
            missing = max(0, workers - self._workers)
            self._workers += missing
        for _ in range(missing):
            threading.Thread(target=self._serve, name="scheduler", daemon=True).start()

    def run(self, session: str, work: Callable[[], T]) -> T:
        """What `work` returns or raises, when its turn has come. Raises Superseded if that is never, or QueueFull."""
        return self.submit(session, work).result()

    def submit(self, session: str, work: Callable[[], T]) -> Future[T]:
        """The same, without waiting for it. Who cancels the future gives up the turn. It may raise QueueFull."""
        future: Future[T] = Future()
        with self._arrival:
            if session not in self._waiting and len(self._waiting) >= MOST_WAITING:
                future.set_exception(QueueFull())
                return future
            _, older = self._waiting.get(session, (None, None))
            self._waiting[session] = (work, future)
            self._arrival.notify()
        if older is not None and older.set_running_or_notify_cancel():
            older.set_exception(Superseded())
        return future

    def _serve(self) -> None:
        while True:
            work, future = self._next()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:  # whatever it was, it is the caller's, and others wait for this thread
                    future.set_exception(error)
            del work, future  # a drawing should not be kept until the next one arrives

    def _next(self) -> tuple[Callable[[], Any], Future[Any]]:
        with self._arrival:
            self._arrival.wait_for(lambda: self._waiting)
            return self._waiting.pop(next(iter(self._waiting)))
