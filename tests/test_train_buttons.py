"""Each button of the Train tab, with no run, one run, a broken one and one that is gone: never a traceback."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from training.config import TrainConfig
from training.run import Run
from ui.demo import create_demo
from ui.studio import Studio, StudioError
from ui.train.form import Form
from ui.train.light import fill_light
from ui.train.monitor import NOTHING_YET
from ui.train.starting import start

BUTTONS = ("train-stop", "train-resume", "train-set-at", "train-extend", "train-rename", "train-delete",
           "train-delete-sure", "train-preview-now", "train-save-now", "train-report", "train-zip", "train-samples",
           "train-duplicate", "train-fine-tune")  # fmt: skip


NO_SENTENCE = re.compile(r"\[Errno|Traceback|NoneType|has no attribute|Error\b")


@pytest.fixture(scope="module")
def press() -> Callable[..., Any]:
    """Does what a click on a button does, with these values for its fields; the first is the name of the run."""
    demo = create_demo(Studio())
    ids = {getattr(block, "elem_id", None): key for key, block in demo.blocks.items()}
    methods: Any = (fn.fn for fn in demo.fns.values() if getattr(fn.fn, "__name__", "") == "refresh")
    (watch,) = (method.__self__ for method in methods)

    def press(button: str, name: Any, *values: Any) -> list[Any]:
        (event,) = (fn for fn in demo.fns.values() if (ids[button], "click") in fn.targets and fn.fn)
        given = [getattr(demo.blocks[each._id], "value", None) for each in event.inputs][1:]
        if any(each is watch.seen for each in event.inputs):
            given = [1, {}]
        assert event.fn
        return event.fn(name, *(values or given))

    press.watch = watch  # pyright: ignore[reportFunctionMemberAccess]
    return press


def make(name: str, pairs: Path) -> Run:
    return Run.create(TrainConfig(name=name, dataset=str(pairs), ngf=4, ndf=4, crop_size=32, load_size=32))


@pytest.mark.parametrize("trains", [False, True], ids=["nothing trains", "one trains"])
@pytest.mark.parametrize("button", BUTTONS)
def test_a_button_has_an_answer_whatever_became_of_the_run(
    press: Callable[..., Any], pairs: Path, button: str, trains: bool
):
    said, names = [], [None, "", "gone", "broken", "../x", "x" * 5000, 7]
    make("broken", pairs).config_file.write_text("[]")
    with ExitStack() as training:
        if trains:
            make("other", pairs)  # which waits in the queue if it is resumed
            going = make("going", pairs)
            training.enter_context(going.claim())
            going.write_status(state="running", step=3, total=9)
            names += ["other", "going"]
        for name in names:
            try:
                press(button, name)
            except gr.Error as error:
                said.append(error.message)
    assert all(0 < len(words) < 700 for words in said)
    assert not [words for words in said if NO_SENTENCE.search(words)]


def test_the_only_run_is_deleted_without_an_error(press: Callable[..., Any], pairs: Path):
    make("only", pairs)
    updates = press("train-delete-sure", "only")
    assert Run.list() == []
    assert any(NOTHING_YET in str(update) for update in updates.values())


def test_a_broken_run_is_shown_with_its_reason_and_the_others_as_ever(press: Callable[..., Any], pairs: Path):
    watch = press.watch  # pyright: ignore[reportFunctionMemberAccess]
    good, broken = make("good", pairs), make("broken", pairs)
    broken.config_file.write_bytes(b"\xff")
    updates = watch.show("broken")
    assert updates[watch.run].choices == [("good", "good"), ("broken", "broken")]
    assert "is not the config of a training run" in updates[watch.status]
    assert "Not started" in watch.show("good")[watch.status]
    assert "Not started" in watch.show(None)[watch.status]
    assert watch.refresh("broken", 1, updates[watch.seen]) == gr.skip(), "nothing is sent twice"
    press("train-delete-sure", "broken")
    assert [path.name for path in good.path.parent.iterdir() if not path.name.startswith(".")] == ["good"]


def test_with_no_run_the_page_begins_as_ever(press: Callable[..., Any]):
    watch = press.watch  # pyright: ignore[reportFunctionMemberAccess]
    assert watch.refresh(None, 1, {}) == gr.skip()
    assert watch.refresh("gone", 1, {"run": "gone", "runs": ["gone"]})[watch.seen] == {}


@pytest.mark.parametrize("dataset", ["~nosuchuser/photos", 5, None, ["a"], "", "/none", "a\0b"])
def test_what_is_no_folder_is_said_in_our_words(dataset: Any):
    with pytest.raises(ValueError, match=r"not known here|no text|no folder|Give a folder"):
        start(dataset, "name")


def test_a_light_run_has_half_the_width_and_the_pictures_of_the_run_it_learns_from(
    pairs: Path, make_generator: Callable[..., Path], runs: Path
):
    run = make("wide", pairs)
    make_generator("generator", folder=run.path)
    with gr.Blocks():
        form = Form()
    updates = fill_light(form, "wide")
    given = {name: updates[field] for name, field in form.settings.items()}
    assert (given["distil_from"], given["ngf"], given["crop_size"], given["dropout"]) == ("wide", 2, 32, 0.0)
    assert (updates[form.folder], updates[form.name]) == (str(pairs), "wide-light")
    with pytest.raises(StudioError, match="nobody"):
        fill_light(form, "nobody")
