"""Whose turn it is: so many computations at a time, and of each session only its newest one waits.

A page that draws sends more drawings than a CPU can translate. Gradio's queue would work through all of them, long
after the pen has moved on; here an older one that still waits is given up the moment a newer one arrives.

Where many draw, a turn may take long to come. A page that heard nothing for so long would take the connection for lost,
so it is told its place in the line after some seconds, and asks again with the drawing as it is by then.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


MOST_WAITING = 250  # sessions: on two cores the last of them has its picture after some ten seconds
TURN_S = 4.0  # until a page is told that it still waits; it gives up after ten
KEPT_S = 3.0  # that its place is kept for it until it asks again
LATER_MS = 2000


class Busy(Exception):  # noqa: N818 (an answer, not an error)
    """Why there is no picture yet. Who asks again, after so many ms, may have it then."""

    again_ms = 0


class QueueFull(Busy):
    """So many sessions wait that no further one may."""

    again_ms = LATER_MS

    def __init__(self) -> None:
        super().__init__("Too many drawings are waiting just now: try again in a moment.")


class StillWaiting(Busy):
    """The turn has not come yet. The place in the line is kept for who asks again soon."""

    def __init__(self, before: int) -> None:
        super().__init__(f"Your drawing waits for its turn: it is number {before + 1} in the line.")


class Superseded(Exception):  # noqa: N818 (an answer, not an error)
    """A newer job of the same session arrived before this one's turn."""


@dataclass
class _Place:
    """A session's in the line: what it waits for, or since nobody waits, until when it is kept."""

    work: Callable[[], Any]
    future: Future[Any]
    kept_until: float = 0.0


class Scheduler:
    """One worker thread, or several. Sessions take turns, in the order in which they came to wait."""

    def __init__(self) -> None:
        self._workers = 0
        # session -> its place, the next one first. A job that replaces another keeps its place in the line, and
        # a session that was just served goes to the end of it: that alone makes the turns fair.
        self._waiting: dict[str, _Place] = {}
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
            self._forget_places()
            if session not in self._waiting and len(self._waiting) >= MOST_WAITING:
                future.set_exception(QueueFull())
                return future
            older = self._waiting.get(session)
            self._waiting[session] = _Place(work, future)
            self._arrival.notify()
        if older is not None and older.future.set_running_or_notify_cancel():
            older.future.set_exception(Superseded())
        return future

    async def in_turn(self, future: Future[T]) -> T:
        """What was submitted, for a page that waits for it. Raises StillWaiting where its turn has not come in time."""
        result = asyncio.wrap_future(future)
        await asyncio.wait([result], timeout=TURN_S)
        if not result.done() and (before := self._leave(future)) is not None:
            raise StillWaiting(before)
        return await result

    def _leave(self, future: Future[Any]) -> int | None:
        """Nobody waits for it any more: how many are before it. None where it is being computed already."""
        with self._arrival:
            if not future.cancel():
                return None
            waiting = [place for place in self._waiting.values() if place.future is future or not _is_left(place)]
            for before, place in enumerate(waiting):
                if place.future is future:
                    place.kept_until = time.monotonic() + KEPT_S
                    return before
            return 0  # its turn came this very moment

    def _forget_places(self) -> None:
        now = time.monotonic()
        for session, place in list(self._waiting.items()):
            if _is_left(place) and place.kept_until < now:
                del self._waiting[session]

    def _serve(self) -> None:
        while True:
            place = self._next()
            if place.future.set_running_or_notify_cancel():
                try:
                    place.future.set_result(place.work())
                except BaseException as error:  # whatever it was, it is the caller's, and others wait for this thread
                    place.future.set_exception(error)
            del place  # a drawing should not be kept until the next one arrives

    def _next(self) -> _Place:
        with self._arrival:
            while (session := self._first()) is None:
                self._arrival.wait()
            return self._waiting.pop(session)

    def _first(self) -> str | None:
        """The session whose turn it is; those are passed over that have yet to ask again."""
        return next((session for session, place in self._waiting.items() if not _is_left(place)), None)


def _is_left(place: _Place) -> bool:
    return place.future.cancelled()
