"""benchmarks/drawings.py: the twenty drawings are the same as ever, and a sheet shows what is made of them."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import drawings
from benchmarks.drawings import DRAWINGS, draw, load


def test_the_twenty_drawings_are_the_ones_that_every_sheet_shows():
    files = sorted(DRAWINGS.glob("*.json"))
    strokes = json.dumps([json.loads(path.read_text("utf-8"))["strokes"] for path in files])
    assert len(files) == 20
    assert hashlib.sha256(strokes.encode()).hexdigest().startswith("a3ced97ecd2b2836")


def test_they_are_black_lines_on_white_that_stay_on_the_paper():
    for drawing in load():
        pixels = np.asarray(drawing)
        assert pixels.shape == (256, 256, 3)
        assert 0.003 < (pixels < 128).mean() < 0.08  # from a small shoe of thin lines to a large one of thick lines
        rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert rim.mean() > 250


@pytest.mark.parametrize("width", [1, 4])
def test_a_stroke_has_its_own_width_and_round_ends(tmp_path: Path, width: int):
    line = {"tool": "pen", "width": width, "points": [[50, 100], [150, 100]]}
    (tmp_path / "line.json").write_text(json.dumps({"strokes": [line]}))
    ink = 1 - np.asarray(draw(tmp_path / "line.json").convert("L"), float) / 255
    assert ink[:, 100].sum() == pytest.approx(width, abs=0.3)  # Pillow's lines are up to a fine pixel wider
    assert ink.sum() == pytest.approx(100 * width + np.pi * (width / 2) ** 2, rel=0.3)


def test_the_sheet_has_the_drawings_above_their_pictures(
    make_generator: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "argv", ["drawings.py", str(make_generator()), str(tmp_path / "sheet.png")])
    drawings.main()
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (5 * 260 - 4, 8 * 260 - 4)
        first = np.asarray(sheet.convert("RGB").crop((0, 0, 256, 256)))
    assert np.array_equal(first, np.asarray(load()[0]))
