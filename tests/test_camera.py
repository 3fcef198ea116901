"""What the server makes of a frame of a camera: a drawing, its picture and its lines, and nothing that stays."""

import asyncio
import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from pix2pix import Translator
from tests.test_canvas import in_a_loop
from ui.camera.live import camera
from ui.requests import decode
from ui.studio import Studio

SIDE = 32


def frame(side: int = SIDE) -> str:
    picture, file = Image.new("RGB", (side, side), "white"), io.BytesIO()
    ImageDraw.Draw(picture).ellipse((side // 4, side // 4, side * 3 // 4, side * 3 // 4), fill="navy")
    picture.save(file, "JPEG")
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


@pytest.fixture
def mine(make_generator: Callable[..., Path], runs: Path) -> Path:
    return make_generator("generator", folder=runs / "mine")


def ask(what: str, studio: Studio | None = None, **changes: Any) -> dict[str, Any]:
    data = {"model": "mine", "session": "a", "detail": 0.5, "picture": frame()} | changes
    return in_a_loop(getattr(camera(studio or Studio()), what)(data))


def test_a_frame_becomes_a_drawing_and_its_picture_and_no_file(mine: Path, tmp_path: Path):
    before = set(tmp_path.rglob("*"))
    made = ask("see")
    translator = Translator.load(mine)
    drawing = translator.edges_of(decode(frame()), 0.5)
    assert decode(made["drawing"]).tobytes() == drawing.tobytes()
    assert decode(made["picture"]).tobytes() == translator(drawing).tobytes()
    assert set(tmp_path.rglob("*")) == before


def test_the_lines_of_a_frame_are_those_of_its_drawing(mine: Path):
    lines = ask("lines")["lines"]
    across, down = zip(*(point for line in lines for point in line), strict=True)
    assert (min(across), max(across)) == pytest.approx((0.25, 0.75), abs=0.06)
    assert (min(down), max(down)) == pytest.approx((0.25, 0.75), abs=0.06)
    assert len(across) < 60, "straight parts need few points"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"picture": frame(1100)}, "too large"),
        ({"picture": "data:,nothing"}, "did not arrive as a picture"),
        ({"detail": float("nan")}, "not a number from 0 to 1"),
        ({"detail": "much"}, "not a number from 0 to 1"),
        ({"model": "none"}, "no model called 'none'"),
        ({"model": "labels"}, "does not take drawings"),
        ({"session": None}, "has no session"),
    ],
)
def test_what_cannot_be_done_is_said(
    mine: Path, make_generator: Callable[..., Path], runs: Path, changes: dict[str, Any], words: str
):
    make_generator("generator", folder=runs / "labels", kind="labels")
    for what in ("see", "lines"):
        assert words in ask(what, **changes)["error"]


def test_of_the_frames_of_a_page_the_newest_wins(mine: Path):
    """As of its drawings: one that still waits gives way."""

    async def three() -> list[dict[str, Any]]:
        seen = camera(Studio())
        data = {"model": "mine", "session": "a", "detail": 0.5, "picture": frame()}
        return await asyncio.gather(*(seen.see(data) for _ in range(3)))  # pyright: ignore[reportAttributeAccessIssue]

    answers = in_a_loop(three())
    assert "picture" in answers[2]
    assert {"superseded": "yes"} in answers[:2]
