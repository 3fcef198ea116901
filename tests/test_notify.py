"""Being told: a line of JSON when a training ends and when the coach warns, and whatever the address does, no harm."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import wait_until
from training import followers, notify
from training.__main__ import main
from training.config import TrainConfig
from training.followers import followed
from training.notify import Teller
from training.run import Run

TINY = {"load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4, "device": "cpu", "steps": 3}
Told = list[dict[str, Any]]


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[str, Told]]:
    """A real one: its address, and what it was sent."""
    told: Told = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert body.count(b"\n") == 1
            assert self.headers["Content-Type"] == "application/json"
            told.append(json.loads(body))
            answer(self)

        def log_message(self, format: str, *_: Any) -> None:
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{served.server_port}/secret?key=1", told
    finally:
        served.shutdown()
        served.server_close()


def thanks(request: BaseHTTPRequestHandler) -> None:
    request.send_response(204)
    request.end_headers()


def refuses(request: BaseHTTPRequestHandler) -> None:
    request.send_error(500)


def hangs(until: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(_: BaseHTTPRequestHandler) -> None:
        until.wait(60)

    return answer


@pytest.fixture
def make_run(pairs: Path) -> Callable[..., Run]:
    def make(**settings: Any) -> Run:
        return Run.create(TrainConfig(**{"name": "told", "dataset": str(pairs), **TINY, **settings}))

    return make


def warn(run: Run, count: int = 30) -> None:
    """D has won, to judge by the metrics."""
    for step in range(1, count + 1):
        run.append_metrics({"step": step, "loss_D": 0.1, "acc_D": 0.999})


def test_the_end_is_told(make_run: Callable[..., Run]):
    with server(thanks) as (address, told):
        assert main([str(make_run(notify=address).path)]) == 0
    assert told == [
        {"text": "told has finished at step 3 of 3.", "run": "told", "event": "finished", "step": 3, "total": 3}
    ]


def test_a_failure_is_told_with_its_reason(make_run: Callable[..., Run], pairs: Path):
    with server(thanks) as (address, told):
        run = make_run(notify=address)
        pairs.rename(pairs.with_name("moved"))
        assert main([str(run.path)]) == 2
    assert [message["event"] for message in told] == ["failed"]
    assert "is not there; give a folder of images" in told[0]["text"]


def test_the_coach_warns_once_and_while_it_trains(make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notify, "LOOK_S", 0.05)
    with server(thanks) as (address, told):
        run = make_run(notify=address)
        with followed(run, Teller):
            warn(run)
            wait_until(lambda: bool(told))
            warn(run, 40)
            time.sleep(0.3)
    assert [(message["event"], message.get("rule")) for message in told] == [
        ("warning", "discriminator_has_won"),
        ("stopped", None),
    ]
    assert told[0]["text"].startswith("told: The discriminator has won since step")


@pytest.mark.parametrize("fault", ["it hangs", "it answers with an error", "nobody listens", "no such host"])
def test_no_address_can_harm_the_training(
    make_run: Callable[..., Run], fault: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(followers, "LEAVE_S", 1.0)
    monkeypatch.setattr(notify, "TIMEOUT_S", 0.5)
    hanging = threading.Event()
    with server(refuses if "error" in fault else hangs(hanging)) as (address, _):
        elsewhere = {"nobody listens": "http://127.0.0.1:1/secret", "no such host": "http://nobody.invalid/secret"}
        run = make_run(notify=elsewhere.get(fault, address))
        warn(run)  # so that there is more than one thing to tell
        began = time.monotonic()
        with followed(run, Teller), run.claim():
            run.write_status(state="finished", step=3, total=3)
        assert time.monotonic() - began < 3, "it leaves"
        wait_until(lambda: any("not notified" in record.getMessage() for record in caplog.records))
        hanging.set()
    said = [record.getMessage() for record in caplog.records if "not notified" in record.getMessage()]
    assert len(said) == 1
    assert "secret" not in said[0]
    assert run.status().state == "finished"


def test_a_server_that_hangs_costs_no_step(make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notify, "LOOK_S", 0.01)
    monkeypatch.setattr(followers, "LEAVE_S", 0.5)
    hanging = threading.Event()
    with server(hangs(hanging)) as (address, told):
        run = make_run(notify=address)
        with followed(run, Teller):
            warn(run)
            wait_until(lambda: bool(told))  # and it waits for the answer from now on
            run.metrics_file.unlink()
            assert main([str(run.path)]) == 0
        assert run.status().state == "finished"
        hanging.set()


def test_an_address_is_not_in_the_page_of_results(make_run: Callable[..., Run]):
    from ui.train.report import report

    assert "secret" not in report(make_run(notify="http://127.0.0.1:1/secret"))
