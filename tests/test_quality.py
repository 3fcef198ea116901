"""benchmarks/quality.py: its figures mean what they say."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks import quality
from benchmarks.evaluation import open_pairs
from benchmarks.quality import colour_errors, compare, grid, likeness, lines_in_common, mean_target
from pix2pix import Translator
from pix2pix.data.pairs import DatasetError
from pix2pix.edges import edges
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.files.places import ROOT
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.palette import CMP

EDGES = Metadata("shoes", 5, GeneratorConfig(64), Side("edges"), Side("photo"))
LABELS = Metadata("houses", 5, GeneratorConfig(32), Side("photo"), Side("labels", CMP), "BtoA")


def square(colour: str = "teal", left: int = 16) -> Image.Image:
    photo = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(photo).rectangle((left, 16, left + 31, 47), fill=colour)
    return photo


def together(*photos: Image.Image) -> Image.Image:
    return Image.fromarray(np.minimum.reduce([np.asarray(photo) for photo in photos]))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photos of squares, two to train on and two in val."""
    root = tmp_path / "photos"
    for split, colours in {"train": ("teal", "navy"), "val": ("olive", "purple")}.items():
        (root / split).mkdir(parents=True)
        for colour in colours:
            square(colour).save(root / split / f"{colour}.png")
    return root


def itself(picture: Image.Image) -> Image.Image:
    return picture


# Likeness


def test_l1_and_psnr_of_two_plain_pictures():
    figures = likeness(Image.new("RGB", (64, 64), (51, 0, 0)), Image.new("RGB", (64, 64)))
    assert figures["L1"] == pytest.approx(2 * 0.2 / 3)
    assert figures["PSNR"] == pytest.approx(-10 * math.log10(0.2**2 / 3), abs=1e-3)


def test_a_picture_is_most_like_itself_and_a_shift_costs_likeness():
    same, near, far = (likeness(square(left=left), square(left=16)) for left in (16, 18, 26))
    assert (same["L1"], same["PSNR"]) == (0, math.inf)
    assert same["SSIM"] == pytest.approx(1, abs=1e-4)
    assert same["L1"] < near["L1"] < far["L1"]
    assert near["PSNR"] > far["PSNR"]
    assert same["SSIM"] > near["SSIM"] > far["SSIM"]


def test_ssim_does_not_mind_a_shade_of_grey():
    # Around the zero of [-1, 1] it would: means of opposite signs count as opposites.
    assert likeness(Image.new("RGB", (64, 64), (124,) * 3), Image.new("RGB", (64, 64), (131,) * 3))["SSIM"] > 0.99


@pytest.mark.parametrize("wavelength", [2, 4, 8])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_checkerboard_is_seen(wavelength: int, axis: int):
    noise = np.random.default_rng(0).normal(128, 20, (256, 256))
    clean = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
    wave = 20 * np.cos(2 * np.pi * np.arange(256) / wavelength)
    striped = Image.fromarray((noise + np.expand_dims(wave, axis)).clip(0, 255).astype(np.uint8))
    assert grid(clean) == pytest.approx(1, abs=0.2)
    assert grid(striped) > 3
    assert math.isnan(grid(Image.new("RGB", (64, 64), "teal")))


# Lines


def test_the_lines_of_a_photo_are_all_found_in_it_and_no_others():
    assert lines_in_common(edges(square()), square()) == {"found": 1, "not drawn": 0}


@pytest.mark.parametrize(("shift", "found"), [(1, True), (2, True), (4, False)])
def test_lines_may_lie_two_pixels_beside(shift: int, found: bool):
    figures = lines_in_common(edges(square(left=16)), square(left=16 + shift))
    if found:
        assert figures["found"] > 0.97
        assert figures["not drawn"] < 0.03
    else:  # above and below it is where it was
        assert 0.4 < figures["found"] < 0.65
        assert 0.35 < figures["not drawn"] < 0.6


def test_what_is_missing_and_what_was_never_drawn_are_told_apart():
    half = square(left=-20)  # 12 pixels wide
    assert lines_in_common(edges(half), together(half, square(left=28)))["found"] > 0.95
    assert lines_in_common(edges(half), together(half, square(left=28)))["not drawn"] > 0.5
    assert lines_in_common(edges(together(half, square(left=28))), half)["found"] < 0.5
    assert lines_in_common(edges(together(half, square(left=28))), half)["not drawn"] < 0.05


def test_without_any_edge_nothing_is_found_and_nothing_is_too_much():
    blank = Image.new("RGB", (64, 64), "white")
    figures = lines_in_common(edges(square()), blank)
    assert figures["found"] == 0
    assert math.isnan(figures["not drawn"])
    assert math.isnan(lines_in_common(blank, square())["found"])
    assert lines_in_common(blank, square())["not drawn"] == 1


# A dataset


def test_the_mean_picture_is_the_mean_of_the_targets(tmp_path: Path):
    for side, shades in (("A", [(10, 10, 10), (40, 40, 40)]), ("B", [CMP["window"], CMP["door"]])):
        (tmp_path / "train" / side).mkdir(parents=True)
        for index, shade in enumerate(shades):
            Image.new("RGB", (32, 32), shade).save(tmp_path / "train" / side / f"{index}.png")
    mean = mean_target(open_pairs(tmp_path, "all", LABELS))
    assert mean.size == (32, 32)
    assert mean.getcolors() == [(32 * 32, (25, 25, 25))]  # BtoA: of folder A


def test_each_output_is_measured_on_every_pair(photos: Path):
    pairs = open_pairs(photos, "val", EDGES)
    rows = compare(edges, pairs, square(), takes_edges=True)
    assert list(rows) == ["generator", "mean training picture", "input itself", "target itself"]
    shown = [pairs.pictures(index) for index in range(2)]
    expected = [likeness(edges(a), b) | lines_in_common(a, edges(a)) for a, b in shown]
    for name, value in rows["generator"].items():
        assert value == pytest.approx(np.mean([figures[name] for figures in expected]))
    assert rows["target itself"]["L1"] == 0
    assert rows["target itself"]["found"] == 1
    assert 0 < rows["mean training picture"]["L1"] < rows["input itself"]["L1"]


def test_labels_have_no_lines_to_find(pairs: Path):
    rows = compare(itself, open_pairs(pairs, "val", LABELS), Image.new("RGB", (32, 32)), takes_edges=False)
    assert list(rows) == ["generator", "mean training picture", "input itself"]
    assert list(rows["generator"]) == ["L1", "PSNR", "SSIM", "grid"]
    assert rows["generator"] == rows["input itself"]


def test_what_cannot_be_measured_is_said(photos: Path):
    with pytest.raises(DatasetError, match="has nothing in test"):
        open_pairs(photos, "test", EDGES)
    with pytest.raises(DatasetError, match=r"houses takes label maps, and .*photos has photos alone"):
        open_pairs(photos, "val", LABELS)


# Colour hints


def painted(drawing: Image.Image) -> Image.Image:
    """Whatever has any colour in the colour of the strongest hint: hints fade, and lines are black."""
    pixels = np.asarray(drawing).copy()
    colour = np.ptp(pixels.astype(int), axis=2)
    tinted = colour > 4
    if tinted.any():
        pixels[tinted] = pixels[np.unravel_index(colour.argmax(), colour.shape)]
    return Image.fromarray(pixels)


def test_a_translator_that_paints_what_the_hints_say_errs_only_beside_them(photos: Path):
    # The squares have one colour each, so that a hint has exactly the colour of the photo; lines are black, not that,
    # and make up a quarter of what hints cover of so small a square.
    errors = colour_errors(painted, open_pairs(photos, "val", EDGES))
    assert errors["with hints"]["at the hints"] < 0.3 * errors["without"]["at the hints"]
    assert errors["with hints"]["all but paper"] < errors["without"]["all but paper"]


def test_a_translator_that_ignores_hints_gains_nothing_from_them(photos: Path):
    errors = colour_errors(lambda drawing: Image.new("RGB", drawing.size, "grey"), open_pairs(photos, "val", EDGES))
    assert errors["with hints"] == errors["without"]
    assert errors["without"]["at the hints"] > 20


# The command line


def command_line(*arguments: object, how: tuple[str, ...] = ("benchmarks/quality.py",)) -> subprocess.CompletedProcess:
    command = [sys.executable, *how, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("how", [("benchmarks/quality.py",), ("-m", "benchmarks.quality")])
def test_the_command_line_prints_tables_and_figures(photos: Path, tmp_path: Path, how: tuple[str, ...]):
    metadata = Metadata("hinted", 3, a=Side("edges"), b=Side("photo"), colour_hints=True)
    checkpoint.save(tmp_path / "hinted.safetensors", Generator(GeneratorConfig(32, ngf=4)), metadata)
    done = command_line(tmp_path / "hinted.safetensors", photos, "--out", tmp_path / "sheet.png", how=how)
    assert done.returncode == 0, done.stderr
    assert "hinted after 3 steps, on 2 pairs of photos (val)" in done.stdout
    assert "| output | L1 | PSNR | SSIM | grid | found | not drawn |\n| --- |" in done.stdout
    assert "| realism | KID | distance |\n| --- |" in done.stdout
    assert "| colour error | at the hints | all but paper |" in done.stdout
    figures = json.loads(done.stdout.splitlines()[-1], parse_constant=pytest.fail)
    assert (figures["checkpoint"], figures["pairs"], figures["outputs"]["target itself"]["PSNR"]) == ("hinted", 2, None)
    assert f"| generator | {figures['outputs']['generator']['L1']:.4f} |" in done.stdout
    assert list(figures["realism"]) == ["the targets themselves", "sparse drawings", "default drawings"]
    assert figures["realism"]["the targets themselves"]["distance"] == 0
    assert figures["colour_errors"]["without"]["at the hints"] > 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (2 * 36 - 4, 6 * 36 - 4)  # input, target and fake, without hints and with them


def test_the_mean_picture_may_come_from_another_folder(
    photos: Path,
    pairs: Path,
    make_generator: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def measured(*arguments: object) -> dict:
        monkeypatch.setattr(sys, "argv", ["quality.py", str(make_generator()), *map(str, arguments)])
        quality.main()
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    own, others = measured(pairs, "--split", "all"), measured(pairs, "--split", "all", "--train", photos)
    assert own["pairs"] == 8
    assert own["colour_errors"] == {}  # not a generator that takes hints
    assert own["outputs"]["generator"] == others["outputs"]["generator"]
    assert own["outputs"]["mean training picture"]["L1"] < others["outputs"]["mean training picture"]["L1"]


@pytest.mark.parametrize(
    ("checkpoint_name", "folder", "message"),
    [("nobody", "{photos}", "no generator 'nobody'"), ("{tiny}", "/nowhere", "/nowhere is not there")],
)
def test_what_is_wrong_is_said_without_a_traceback(
    photos: Path,
    make_generator: Callable[..., Path],
    checkpoint_name: str,
    folder: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    names = {"photos": photos, "tiny": make_generator()}
    monkeypatch.setattr(sys, "argv", ["quality.py", checkpoint_name.format(**names), folder.format(**names)])
    with pytest.raises(SystemExit) as ended:
        quality.main()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_the_generators_own_size_decides_how_pairs_are_cut(photos: Path, make_generator: Callable[..., Path]):
    translator = Translator.load(make_generator(image_size=32))
    a, b = open_pairs(photos, "val", translator.metadata).pictures(0)
    assert a.size == b.size == (32, 32)
