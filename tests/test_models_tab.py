"""What the buttons of the Models tab do, where no browser is needed to see it."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr
import pytest

from pix2pix.files.places import CHECKPOINTS, generators
from training.config import TrainConfig
from training.run import Run
from ui import models
from ui.studio import Studio


@pytest.fixture
def mine(make_generator: Callable[..., Path], runs: Path) -> Path:
    return make_generator("generator", folder=runs / "mine")


def test_a_model_that_came_with_the_app_is_not_deleted(mine: Path):
    shipped = next(name for name, path in generators().items() if path.parent == CHECKPOINTS)
    with pytest.raises(gr.Error, match="came with the app: it stays"):
        models.delete_model(shipped)
    assert generators()[shipped].is_file()


def test_a_run_that_is_being_trained_is_not_deleted(runs: Path, pairs: Path, make_generator: Callable[..., Path]):
    run = Run.create(TrainConfig(name="busy", dataset=str(pairs), crop_size=32, load_size=32))
    make_generator("generator", folder=run.path)
    with run.claim():
        with pytest.raises(gr.Error, match="is being trained: stop that first"):
            models.delete_model("busy")
        run.write_status(state="stopped")
    assert run.generator_file.is_file()
    assert "its training with all that was saved" in models.warn("busy")
    models.delete_model("busy")
    assert not run.path.exists()


def test_a_name_that_is_no_model_deletes_nothing(mine: Path, runs: Path):
    for name in ("nothing", "..", "../mine", "", None):
        with pytest.raises(gr.Error):
            models.delete_model(name)
    assert mine.is_file()


def test_a_model_of_another_kind_shows_its_preview_or_says_that_there_is_none(
    make_generator: Callable[..., Path], runs: Path
):
    from PIL import Image

    path = make_generator("generator", kind="photo", folder=runs / "photos")
    assert "no sample drawing" in models.thumbnails(path, 0)
    (path.parent / "previews").mkdir()
    Image.new("RGB", (90, 60)).save(path.parent / "previews" / "000100.jpg")
    assert "Its newest preview in training" in models.thumbnails(path, 1)


def test_the_list_comes_at_once_and_then_with_its_pictures(mine: Path):
    first, *_, last = models.cards(Studio())
    assert "data-model='mine'" in first
    assert "<img" not in first
    assert last.count("What it makes of it") == len(generators())


def test_a_name_is_made_from_the_file(make_generator: Callable[..., Path], runs: Path):
    path = make_generator("my boxes")
    shown, words = models.import_model(str(path), "", "", {"a": "image", "b": "image"}, gr.Progress())
    assert (runs / "my-boxes" / "generator.safetensors").read_bytes() == path.read_bytes()
    assert "my-boxes is here" in words
    assert shown.value == "my-boxes"


def test_neither_and_both_sources_are_refused(mine: Path):
    for file, place in ((None, ""), (str(mine), "owner/name")):
        with pytest.raises(gr.Error, match="Give either a file"):
            models.import_model(file, place, "", {"a": "image", "b": "image"}, gr.Progress())


def test_a_download_tells_the_page_how_far_it_is():
    told = []
    bar = models._bar(lambda share, **_: told.append(share))(total=10, name="hub", disable=None)  # pyright: ignore
    bar.update(4)
    bar.update(6)
    assert told == [(4, 10), (10, 10)]
