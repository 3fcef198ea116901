"""What the server answers to the canvas: drawings of the size that it sends, and replays that hold nobody up."""

import asyncio
import base64
import io
import json
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PIL import Image

from pix2pix.files.places import SNAPSHOTS
from ui import requests
from ui.draw import assets, canvas
from ui.draw.canvas import Replays
from ui.scheduler import MOST_WAITING, QueueFull, Scheduler
from ui.studio import Studio, StudioError

T = TypeVar("T")


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """What it gives, in an event loop in a thread of its own: this one may have Playwright's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def drawn(width: int = 32, height: int = 32) -> str:
    file = io.BytesIO()
    Image.new("1", (width, height), 1).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


@pytest.fixture
def model(make_generator: Callable[..., Path], runs: Path) -> str:
    make_generator("generator", folder=runs / "mine")
    make_generator("000050", folder=runs / "mine" / SNAPSHOTS)
    return "mine"


def ask(model: str, session: str = "a", **more: Any) -> dict[str, Any]:
    return {"model": model, "picture": drawn(), "session": session, **more}


def test_a_drawing_has_the_pixels_that_the_page_sends_and_no_more():
    assert requests.decode(drawn(1024, 1024)).size == (1024, 1024)
    with pytest.raises(StudioError, match="too large"):
        requests.decode(drawn(1025, 1024))


def test_a_replay_leaves_the_event_loop_to_the_others(model: str, monkeypatch: pytest.MonkeyPatch):
    threads = []

    def noting(work: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*values: Any) -> Any:
            threads.append(threading.get_ident())
            return work(*values)

        return noted

    for name in ("decode", "_frame", "_animation"):
        monkeypatch.setattr(canvas, name, noting(getattr(canvas, name)))
    studio = Studio()
    made = in_a_loop(Replays(studio).make(ask(model)))
    assert made.startswith("data:image/webp;base64,UklGR")
    assert len(threads) == 4, "the drawing, two pictures, and the animation"
    assert threading.get_ident() not in threads


def test_each_has_one_replay_at_a_time(model: str, monkeypatch: pytest.MonkeyPatch):
    studio, begun, gate = Studio(), [], Future()

    def submit(*_: Any) -> Future[Any]:
        begun.append(1)
        return gate

    monkeypatch.setattr(studio, "submit", submit)

    async def all_ask() -> None:
        replays = Replays(studio)
        tasks = [asyncio.create_task(replays.make(ask(model, str(i)))) for i in range(canvas.MOST_REPLAYS)]
        while not begun:
            await asyncio.sleep(0.01)
        with pytest.raises(StudioError, match="last replay is still being made"):
            await replays.make(ask(model, "0"))
        with pytest.raises(StudioError, match="Others wait"):
            await replays.make(ask(model, "one more"))
        assert len(begun) == 1, "the others wait"
        gate.set_exception(StudioError("enough"))
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(error) for error in done] == ["enough"] * canvas.MOST_REPLAYS
        with pytest.raises(StudioError, match="enough"):
            await replays.make(ask(model, "0"))

    in_a_loop(all_ask())


def test_only_so_many_drawings_wait():
    scheduler, gate = Scheduler(), threading.Event()
    scheduler.submit("busy", gate.wait)
    while scheduler._waiting:  # until it is served
        pass
    waiting = [scheduler.submit(str(number), lambda: "made") for number in range(MOST_WAITING)]
    with pytest.raises(QueueFull, match="Too many drawings"):
        scheduler.run("one more", lambda: "made")
    waiting.append(scheduler.submit("0", lambda: "newer"))  # a session that waits already may replace its drawing
    gate.set()
    assert waiting[-1].result(20) == "newer"
    assert waiting[5].result(20) == "made"


def test_a_page_is_told_that_it_waits_and_its_newest_drawing_is_translated(model: str, monkeypatch: pytest.MonkeyPatch):
    """Long before it gives up, however many are before it."""
    monkeypatch.setattr("ui.scheduler.TURN_S", 0.05)
    studio, gate = Studio(), threading.Event()
    translate = canvas.drawing_canvas(studio).translate  # pyright: ignore[reportAttributeAccessIssue]

    async def draw() -> tuple[Any, Any]:
        told = await translate(ask(model))
        newer = asyncio.create_task(translate(ask(model, picture=drawn(64, 64))))
        await asyncio.sleep(0)
        gate.set()
        return told, await newer

    studio.scheduler.submit("busy", gate.wait)
    told, made = in_a_loop(draw())
    assert told == {"error": "Your drawing waits for its turn: it is number 1 in the line.", "again_ms": 0}
    assert requests.decode(json.loads(made.body)["picture"]).size == (64, 64)


def test_an_answer_says_where_its_time_went(model: str):
    studio = Studio()
    answer = canvas._timed(canvas._translate(studio, ask(model)).result())
    stages = dict(stage.split(";dur=") for stage in answer.headers["Server-Timing"].split(", "))
    assert tuple(stages) == canvas.STAGES
    assert all(float(milliseconds) >= 0 for milliseconds in stages.values())


def test_what_browsers_compute_with_is_kept_for_so_many_generators(
    make_generator: Callable[..., Path], runs: Path, monkeypatch: pytest.MonkeyPatch
):
    """What all of them need stays, and one that is asked for again is made again."""
    monkeypatch.setattr(assets, "KEPT", 1)
    make_generator("generator", folder=runs / "first")
    make_generator("generator", folder=runs / "second", image_size=64)
    first, second = (assets.describe(Studio(public=True), name).result()["files"] for name in ("first", "second"))
    offered = {f"{assets.PATH}/{digest}" for digest in assets._files}
    assert set(second.values()) <= offered
    assert {name for name, address in first.items() if address in offered} == {"runtime", "worker"}
