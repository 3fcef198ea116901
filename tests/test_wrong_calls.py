"""Programs that call the page with anything at all: the answer is a sentence of ours, and the server goes on."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from benchmarks.app_process import free_port
from tests.test_guard import JSON_, Served, form, serve
from ui import guard, requests, serving
from ui.blocks import Page
from ui.demo import create_demo
from ui.guard import Rules
from ui.serving import launch
from ui.studio import Studio

NAN = float("nan")
ANYTHING: list[Any] = [None, 5, NAN, True, [1], {}, "~nosuchuser/x", "a\0b", "x" * 5000, ""]
MOST_WORDS = 700


@pytest.fixture(scope="module")
def private() -> Iterator[Served]:
    yield from serve(Rules.private("127.0.0.1"))


@pytest.fixture(autouse=True)
def no_tracebacks(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert "Traceback" not in "".join(capfd.readouterr())


def sent(served: Served) -> dict[str, Any]:
    """A picture that was uploaded, as a program passes it on."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    body, kind = form(file.getvalue())
    return {"path": json.loads(served.ask(guard.UPLOAD, body, Content_Type=kind).words)[0], **META}


META: dict[str, Any] = {"meta": {"_type": "gradio.FileData"}}


def refused(served: Served, endpoint: str, *data: Any) -> str:
    words = served.told(endpoint, *data)
    assert "event: error" in words, words
    error = json.loads(words.partition("event: error\ndata: ")[2])["error"]
    assert error, f"{endpoint} of {data} is refused without a word"
    assert len(error) < MOST_WORDS
    return error


@pytest.mark.parametrize("seed", [NAN, float("inf"), 1e30, -1, "x", [1], {}, True], ids=str)
def test_a_seed_that_is_none_is_said(private: Served, seed: Any):
    words = refused(private, "translate", sent(private), "edges2shoes", seed)
    assert words.endswith("is not a whole number from 0 to 9,007,199,254,740,991.")


@pytest.mark.parametrize("model", [each for each in ANYTHING if each is not None], ids=lambda each: str(each)[:20])
def test_a_model_that_is_none_is_said(private: Served, model: Any):
    assert "There is no model called" in refused(private, "translate", sent(private), model, None)


@pytest.mark.parametrize("picture", [*ANYTHING, {"path": "/etc/passwd", **META}, {"path": 5}, {"path": [], **META},
                                     {"path": "~nosuchuser/x", **META}], ids=lambda each: str(each)[:20])  # fmt: skip
def test_a_picture_that_is_none_is_said(private: Served, picture: Any):
    words = refused(private, "translate", picture, "edges2shoes", None)
    assert words == "Send a picture." or "is not what is taken here" in words


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_and_too_many_values_are_said(private: Served, count: int):
    assert refused(private, "translate", *[None] * count)


@pytest.mark.parametrize("value", ANYTHING, ids=lambda each: str(each)[:20])
def test_a_training_is_neither_begun_nor_found_nor_stopped_by_nonsense(private: Served, value: Any):
    good = ["/none", "name", "quick", "AtoB"]
    for place in range(4):
        refused(private, "train_start", *good[:place], value, *good[place + 1 :])
    for endpoint in ("train_status", "train_stop"):
        words = refused(private, endpoint, value)
        assert "not the name of a run" in words or "no run" in words


@pytest.mark.parametrize("fn", ["warm_up", "translate", "replay", "pin", "correct", "learning"])
@pytest.mark.parametrize("value", ANYTHING, ids=lambda each: str(each)[:20])
def test_the_canvas_answers_nonsense_in_words(private: Served, fn: str, value: Any):
    keys = ("model", "session", "picture", "target", "run", "seed", "step")
    for data in (value, dict.fromkeys(keys, value)):
        answer = private.call(fn, data)
        assert answer.status == 200
        assert 0 < len(json.loads(answer.words)["error"]) < MOST_WORDS
        assert "Something went wrong" not in answer.words


def test_names_as_long_as_a_drawing_do_not_wait(private: Served):
    long = {"model": "edges2shoes", "session": "x" * 5_000_000, "picture": "data:,"}
    assert "too large" in private.call("translate", long).words
    assert "too large" in private.call("translate", long | {"session": "s", "picture": "x" * 5_000_000}).words
    assert requests.MAX_DRAWING < 5_000_000


def test_a_fault_of_ours_is_said_without_its_words(caplog: pytest.LogCaptureFixture):
    import gradio as gr

    with Page() as demo:
        gr.Button().click(lambda: {}["key"], None, None, api_name="fault")
    port = free_port()
    launch(demo, Rules.private("127.0.0.1"), "127.0.0.1", port)
    assert "its log says what" in refused(Served("", port, 0), "fault")
    demo.close()
    assert "KeyError" in caplog.text


def test_only_so_many_pages_are_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serving, "SESSIONS", 4)
    port, demo = free_port(), create_demo(Studio())
    launch(demo, Rules.private("127.0.0.1"), "127.0.0.1", port)
    served = Served("", port, 0)
    for number in range(9):
        asked = {"data": ["none"], "session_hash": f"page {number}"}
        begun = served.ask("/gradio_api/call/train_status", json.dumps(asked).encode(), **JSON_)
        served.ask(f"/gradio_api/call/train_status/{json.loads(begun.words)['event_id']}")
    assert 0 < len(demo.state_holder.session_data) <= 4
    demo.close()


def test_an_endpoint_that_is_not_there_is_said(private: Served):
    for way in ("call", "run", "api"):
        answer = private.ask(f"/gradio_api/{way}/nothing", b'{"data": []}', **JSON_)
        assert (answer.status, answer.words) == (404, "There is nothing called 'nothing' here.\n")


def test_a_value_from_before_the_page_knew_of_narrower_bounds_is_taken():
    """A slider stands at its end, and the page sends that while the answer with the new end is on its way to it."""
    import gradio as gr

    with Page() as demo:
        slider, shown = gr.Slider(1, 100, 100, step=1), gr.Number(minimum=0, maximum=100)
        gr.Button().click(lambda: gr.Slider(maximum=3, value=3), None, slider, api_name="narrow")
        gr.Button().click(lambda value: value, slider, shown, api_name="look")
    port = free_port()
    launch(demo, Rules.private("127.0.0.1"), "127.0.0.1", port)
    served = Served("", port, 0)

    def told(endpoint: str, *data: Any) -> str:
        body = {"data": data, "session_hash": "page"}
        begun = json.loads(served.ask(f"/gradio_api/call/{endpoint}", json.dumps(body).encode(), **JSON_).words)
        return served.ask(f"/gradio_api/call/{endpoint}/{begun['event_id']}").words

    assert "event: complete" in told("narrow")
    assert "data: [3]" in told("look", 100)
    assert "is not a number from 1 to 100" in told("look", 101)
    demo.close()
