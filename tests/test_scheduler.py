"""Real threads, and events to know where they are: nothing here waits for time to pass."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from tests.test_canvas import in_a_loop
from ui.scheduler import Scheduler, StillWaiting, Superseded

SOON = 10  # seconds until a wait counts as failed


class Gate:
    """Work that says when it has begun, and goes on when it is let."""

    def __init__(self) -> None:
        self.begun, self.opened = threading.Event(), threading.Event()

    def work(self) -> str:
        self.begun.set()
        assert self.opened.wait(SOON)
        return "gate"


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler()


@pytest.fixture
def busy(scheduler: Scheduler) -> Iterator[Gate]:
    """The scheduler computes, until `busy.opened.set()`: whatever is submitted has to wait."""
    gate = Gate()
    scheduler.submit("busy", gate.work)
    assert gate.begun.wait(SOON)
    yield gate
    gate.opened.set()


def test_run_returns_what_the_work_returns(scheduler: Scheduler):
    assert scheduler.run("a", lambda: 42) == 42


def test_run_raises_what_the_work_raises(scheduler: Scheduler):
    with pytest.raises(ZeroDivisionError):
        scheduler.run("a", lambda: 1 / 0)


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_worker_survives(scheduler: Scheduler, error: type[BaseException]):
    def fail() -> None:
        raise error

    with pytest.raises(error):
        scheduler.run("a", fail)
    assert scheduler.run("a", lambda: "alive") == "alive"


def test_newest_of_a_session_wins(scheduler: Scheduler, busy: Gate):
    done: list[int] = []
    older, old, newest = [scheduler.submit("a", lambda i=i: done.append(i)) for i in range(3)]
    for future in (older, old):  # at once: the gate is still shut
        with pytest.raises(Superseded):
            future.result(SOON)
    assert not newest.done()
    busy.opened.set()
    newest.result(SOON)
    assert done == [2]


def test_what_is_being_computed_is_not_superseded(scheduler: Scheduler):
    gate = Gate()
    first = scheduler.submit("a", gate.work)
    assert gate.begun.wait(SOON)
    second = scheduler.submit("a", lambda: "second")
    gate.opened.set()
    assert (first.result(SOON), second.result(SOON)) == ("gate", "second")


def test_sessions_take_turns(scheduler: Scheduler, busy: Gate):
    """Three sessions, each of which asks again as soon as it is served: none is served twice before the others."""
    order: list[str] = []
    last: list[Future[None]] = []

    def draw(session: str) -> None:
        order.append(session)
        if order.count(session) < 4:
            last.append(scheduler.submit(session, lambda: draw(session)))

    for session in "abc":
        last.append(scheduler.submit(session, lambda session=session: draw(session)))
    busy.opened.set()
    for future in last:  # grows while it is walked through
        future.result(SOON)
    assert "".join(order) == "abc" * 4


def told(scheduler: Scheduler, future: Future[Any]) -> str:
    """What its page is told: that it still waits, at once."""
    with pytest.raises(StillWaiting) as told:
        in_a_loop(scheduler.in_turn(future))
    assert future.cancelled()
    return str(told.value)


def test_who_waits_long_is_told_so_and_keeps_the_place(
    scheduler: Scheduler, busy: Gate, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ui.scheduler.TURN_S", 0)
    order: list[str] = []
    first, second = (scheduler.submit(name, lambda name=name: order.append(name)) for name in "ab")
    assert "number 2 in the line" in told(scheduler, second)
    assert "number 1 in the line" in told(scheduler, first)
    last = scheduler.submit("c", lambda: order.append("c"))
    newer = [scheduler.submit(name, lambda name=name: order.append("newer " + name)) for name in "ba"]
    busy.opened.set()
    for future in (last, *newer):
        future.result(SOON)
    assert order == ["newer a", "newer b", "c"]


def test_nobody_waits_for_one_who_does_not_ask_again(scheduler: Scheduler, busy: Gate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ui.scheduler.TURN_S", 0)
    monkeypatch.setattr("ui.scheduler.KEPT_S", -1)
    told(scheduler, scheduler.submit("gone", lambda: "nothing"))
    second = scheduler.submit("b", lambda: "b")
    assert len(scheduler._waiting) == 1
    busy.opened.set()
    assert second.result(SOON) == "b"


def test_what_is_being_computed_is_waited_for(scheduler: Scheduler, busy: Gate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ui.scheduler.TURN_S", 0)
    busy.opened.set()
    future = scheduler.submit("a", lambda: time.sleep(0.2) or "made")
    while not future.running():
        pass
    assert in_a_loop(scheduler.in_turn(future)) == "made"


def test_an_eager_session_keeps_its_place_but_gains_none(scheduler: Scheduler, busy: Gate):
    order: list[str] = []
    scheduler.submit("eager", lambda: order.append("old"))
    patient = scheduler.submit("patient", lambda: order.append("patient"))
    scheduler.submit("eager", lambda: order.append("new"))
    busy.opened.set()
    patient.result(SOON)
    assert order == ["new", "patient"]


def test_one_at_a_time(scheduler: Scheduler):
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        inside -= 1

    threads = [threading.Thread(target=scheduler.run, args=(f"{i}", work)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert most == 1


def test_widened_it_works_on_so_many_at_a_time_and_still_on_the_newest(scheduler: Scheduler, busy: Gate):
    scheduler.widen(2)
    second = Gate()
    working = scheduler.submit("second", second.work)
    assert second.begun.wait(SOON), "beside the busy one"
    old, new = (scheduler.submit("third", lambda word=word: word) for word in ("old", "new"))
    with pytest.raises(Superseded):
        old.result(SOON)
    assert not new.done(), "both workers are busy"
    second.opened.set()
    assert (working.result(SOON), new.result(SOON)) == ("gate", "new")


def test_it_never_narrows(scheduler: Scheduler):
    scheduler.widen(3)
    scheduler.widen(1)
    together = threading.Barrier(3)
    futures = [scheduler.submit(session, lambda: together.wait(SOON)) for session in "abc"]
    assert sorted(future.result(SOON) for future in futures) == [0, 1, 2]
