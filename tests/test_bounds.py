"""No picture takes more memory than it may, whichever way it comes, and no field takes a number without a bound."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from pix2pix import Translator, images, sizes
from pix2pix.__main__ import main
from ui import upload
from ui.demo import create_demo
from ui.studio import Studio, StudioError, read_picture


@pytest.fixture
def model(make_generator: Callable[..., Path], runs: Path) -> str:
    make_generator("generator", folder=runs / "mine")
    return "mine"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.linear_gradient("L").resize((90, 60)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def vast(tmp_path: Path) -> Path:
    """Some kilobytes that stand for 81 million pixels."""
    Image.new("1", (9000, 9000)).save(tmp_path / "vast.png")
    return tmp_path / "vast.png"


@pytest.mark.parametrize("how", ["whole", "tiles"])
def test_edges_ask_for_the_memory_first(model: str, photo: Path, how: sizes.How):
    """At that size they alone would take 18 GB."""
    translator = Translator.load(model, "cpu")
    with Image.open(photo) as opened, pytest.raises(ValueError, match="the bound is 4000 MB"):
        translator.edges_of(opened, how=how, size=30_000)


def test_the_page_makes_no_edges_without_a_bound(model: str, photo: Path):
    with pytest.raises(gr.Error, match="the bound is 4000 MB"):
        upload._translate(Studio(), str(photo), model, True, 0.5, "whole", 30_000)


@pytest.mark.parametrize("size", ["30000", "5000"])
def test_the_command_line_keeps_its_bound_for_edges(
    model: str, photo: Path, tmp_path: Path, size: str, capsys: pytest.CaptureFixture[str]
):
    options = ["--photo", "--how", "tiles", "--size", size, "--memory", "500"]
    assert main(["translate", str(photo), "--checkpoint", model, "--out", str(tmp_path / "out"), *options]) == 2
    assert "the bound is 500 MB" in capsys.readouterr().err


@pytest.mark.parametrize("memory", ["0", "nan", "-5"])
def test_a_bound_of_nothing_is_said(
    model: str, photo: Path, tmp_path: Path, memory: str, capsys: pytest.CaptureFixture[str]
):
    main(["translate", str(photo), "--checkpoint", model, "--out", str(tmp_path / "out"), "--memory", memory])
    assert "leaves no memory" in capsys.readouterr().err


def test_squeezing_asks_too(model: str):
    with pytest.raises(ValueError, match=r"takes about 576 MB, and the bound is 500 MB"):
        Translator.load(model, "cpu")(Image.new("L", (3000, 3000)), memory=500)


def test_a_picture_is_measured_before_it_is_read(vast: Path):
    with pytest.raises(images.TooLargeError, match="9000 x 9000 pixels are too many"):
        images.read(vast)
    with pytest.raises(StudioError, match="too large"):
        read_picture(vast)


def test_a_seed_that_is_none_is_said(model: str):
    for seed in (-1, 2**63, 10**30):
        with pytest.raises(ValueError, match="is not between 0 and"):
            Translator.load(model, "cpu")(Image.new("RGB", (8, 8)), seed=seed)


@pytest.mark.parametrize("public", [True, False])
def test_no_field_of_the_page_takes_a_number_without_a_bound(public: bool):
    blocks = create_demo(Studio(public)).blocks.values()
    fields = [block for block in blocks if isinstance(block, gr.Number | gr.Slider)]
    assert fields
    unbounded = [field.label for field in fields if field.minimum is None or field.maximum is None]
    assert unbounded == []


def test_the_page_knows_the_largest_size():
    assert upload.LONGEST == sizes.LARGEST
