"""`python -m pix2pix`: real processes, files in and out, one line and exit status 2 for what a person can mend."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pix2pix import Translator
from pix2pix.__main__ import main
from pix2pix.files.places import ROOT
from tests.scenes import photo, save


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "drawings"
    folder.mkdir()
    for name, shade in (("one", 255), ("two", 128)):
        Image.new("RGB", (40, 30), (shade, shade, 255)).save(folder / f"{name}.jpg")
    return folder


def translate(*arguments: object) -> int:
    return main(["translate", *map(str, arguments)])


def test_a_folder_is_translated_as_the_library_does_it(
    folder: Path, tmp_path: Path, make_generator: Callable[..., Path], capsys: pytest.CaptureFixture[str]
):
    path, out = make_generator(), tmp_path / "out"
    assert translate(folder, "--checkpoint", path, "--out", out) == 0
    assert capsys.readouterr().out == f"2 pictures written to {out}\n"
    assert sorted(file.name for file in out.iterdir()) == ["one.png", "two.png"]
    expected = Translator.load(path)(Image.open(folder / "one.jpg"))
    assert Image.open(out / "one.png").tobytes() == expected.tobytes()


def test_grid_puts_the_input_beside(folder: Path, tmp_path: Path, make_generator: Callable[..., Path]):
    assert translate(folder / "two.jpg", "--checkpoint", make_generator(), "--out", tmp_path, "--grid") == 0
    sheet = Image.open(tmp_path / "two.png")
    assert sheet.size == (80, 30)
    assert sheet.getpixel((20, 15)) == pytest.approx((128, 128, 255), abs=3)


def test_photo_makes_edges_first(folder: Path, tmp_path: Path, make_generator: Callable[..., Path]):
    options = (folder / "two.jpg", "--checkpoint", make_generator(), "--out", tmp_path, "--grid")
    assert translate(*options, "--photo") == 0
    sheet = Image.open(tmp_path / "two.png")
    assert sheet.getpixel((20, 15)) == (255, 255, 255)  # a plain photo has no edges
    blank = Translator.load(make_generator())(Image.new("RGB", (32, 32), "white"))
    assert sheet.crop((40, 0, 80, 30)).tobytes() == blank.resize((40, 30), Image.Resampling.BICUBIC).tobytes()


def test_info_prints_the_metadata(make_generator: Callable[..., Path], capsys: pytest.CaptureFixture[str]):
    assert main(["info", str(make_generator("box"))]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "box"


def test_a_broken_file_is_named_and_the_others_are_done(
    folder: Path, tmp_path: Path, make_generator: Callable[..., Path], capsys: pytest.CaptureFixture[str]
):
    (folder / "bad.png").write_bytes(b"not a picture")
    assert translate(folder, "--checkpoint", make_generator(), "--out", tmp_path / "out") == 2
    assert "bad.png" in capsys.readouterr().err
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize(
    ("inputs", "checkpoint", "message"),
    [
        (["nowhere.png"], None, "nowhere.png is not there"),
        (["."], None, "no images in"),
        (["drawings"], "nothing", "no generator 'nothing'"),
        (["drawings", "drawings/one.jpg"], None, "would both become"),
        (["drawings"], "drawings/one.jpg", "not a whole .safetensors file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    inputs: list[str], checkpoint: str | None, message: str, folder: Path, make_generator: Callable[..., Path]
):
    options = ["--checkpoint", checkpoint or str(make_generator()), "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-m", "pix2pix", "translate", *inputs, *options],
        cwd=folder.parent, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_input_is_never_overwritten(tmp_path: Path, make_generator: Callable[..., Path]):
    picture = tmp_path / "drawing.png"
    Image.new("RGB", (32, 32), "white").save(picture)
    before = picture.read_bytes()
    assert translate(picture, "--checkpoint", make_generator(), "--out", tmp_path) == 2
    assert picture.read_bytes() == before


def test_help_needs_no_torch():
    command = [sys.executable, "-X", "importtime", "-m", "pix2pix", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "translate" in done.stdout
    assert "argparse" in done.stderr
    assert "torch" not in done.stderr


def first_character(*command: object, **environment: str) -> tuple[str, str]:
    """What `command | head -c 1` prints, and what of it comes on stderr."""
    piped = f"{shlex.join([sys.executable, *map(str, command)])} | head -c 1"
    done = subprocess.run(
        ["bash", "-c", piped], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return done.stdout, done.stderr


def test_a_reader_that_has_gone_away_is_no_error(make_generator: Callable[..., Path]):
    assert first_character("-m", "pix2pix", "info", make_generator()) == ("{", "")


def test_a_training_goes_on_when_its_reader_has_gone_away(tmp_path: Path):
    for index in range(4):
        save(photo(index, (36, 36)), tmp_path / "photos" / f"{index}.png")
    settings = {"dataset": tmp_path / "photos", "name": "unread", "crop-size": 32, "load-size": 36, "ngf": 4, "ndf": 4,
                "steps": 6, "log-every": 1, "device": "cpu", "layout": "photos"}  # fmt: skip
    options = [word for key, value in settings.items() for word in (f"--{key}", value)]
    assert first_character("-m", "training", *options, PIX2PIX_RUNS=str(tmp_path / "runs")) == ("4", "")
    log = (tmp_path / "runs" / "unread" / "log.txt").read_text()
    assert "[6]" in log
    assert "Finished at step 6 of 6." in log


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no file on a disk that is always full")
def test_what_cannot_be_written_to_is_one_line(make_generator: Callable[..., Path]):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "pix2pix.doctor", str(make_generator().parent)]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "No space left" in done.stderr
