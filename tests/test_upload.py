"""What the Upload tab does where no browser is needed to see it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from pix2pix import Translator
from pix2pix.input_checks import INVERTED
from tests.test_input_checks import boot
from ui import upload
from ui.studio import Studio


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    picture = Image.new("RGB", (1400, 200), "white")
    ImageDraw.Draw(picture).ellipse((20, 20, 700, 180), outline="black", width=3)
    picture.save(tmp_path / "drawing.png")
    return tmp_path / "drawing.png"


@pytest.fixture
def studio() -> Iterator[Studio]:
    studio = Studio()
    yield studio
    studio.compiling.run("tests", lambda: None)  # what it compiles in a thread would go on beside other tests


@pytest.mark.parametrize(("public", "seen"), [(False, 1400), (True, upload.PUBLIC_SIDE)])
def test_on_a_public_page_large_pictures_are_seen_smaller(
    studio: Studio, make_generator: Callable[..., Path], runs: Path, drawing: Path, public: bool, seen: int
):
    translator = Translator.load(make_generator("generator", folder=runs / "mine"))
    studio.public = public
    made, *_ = upload._translate(studio, str(drawing), "mine", False, 0.5, "whole", None)
    assert made is not None
    assert made.size == (1400, 200)
    expected = translator(Image.open(drawing), how="whole", size=seen)
    # A grey level: while the studio compiles in its thread, torch may round another way.
    assert np.abs(np.asarray(made, int) - np.asarray(expected, int)).max() <= 1


def test_edges_are_made_at_the_size_that_is_seen(
    studio: Studio, make_generator: Callable[..., Path], runs: Path, drawing: Path
):
    make_generator("generator", folder=runs / "mine")
    made, lines, _ = upload._translate(studio, str(drawing), "mine", True, 0.5, "whole", 700)
    assert made is not None
    assert made.size == (1400, 200)
    assert lines.value is not None


def test_a_size_that_cannot_be_is_said_in_words(
    studio: Studio, make_generator: Callable[..., Path], runs: Path, drawing: Path
):
    make_generator("generator", folder=runs / "mine")
    with pytest.raises(gr.Error, match="not between 1 and"):
        upload._translate(studio, str(drawing), "mine", False, 0.5, "whole", 10**6)


def test_light_lines_on_dark_are_remarked_on_and_inverted(
    studio: Studio, make_generator: Callable[..., Path], runs: Path, tmp_path: Path
):
    translator = Translator.load(make_generator("generator", folder=runs / "mine", kind="edges"))
    ImageOps.invert(boot()).save(tmp_path / "dark.png")
    _, _, notice = upload._translate(studio, str(tmp_path / "dark.png"), "mine", False, 0.5, "square", None)
    assert notice.value == f"⚠️ {INVERTED} Tick the box above."
    made, _, notice = upload._translate(studio, str(tmp_path / "dark.png"), "mine", False, 0.5, "square", None, True)
    assert not notice.visible
    assert np.abs(np.asarray(made, int) - np.asarray(translator(boot()), int)).max() <= 1
