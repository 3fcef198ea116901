"""The main colours of a photo become hints of the drawing, where they were in the photo."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.browser.sheet import Open, Sheet, drop
from tests.browser.test_remember import PHONE
from tests.browser.test_symmetry import kept
from tests.browser.test_tools import at
from tests.browser.test_web import both

RED, BLUE, GREEN = (190, 40, 40), (30, 60, 160), (40, 140, 60)
CLOSE = 12  # of 255: JPEG, and the smaller photo


def photo(kind: str = "PNG", ground: str = "white", flip: bool = False) -> bytes:
    """A thing with a nose at the top left: red above, blue below, and a green heel at the right."""
    picture = Image.new("RGB", (600, 400), ground)
    paint = ImageDraw.Draw(picture)
    paint.polygon([(100, 40), (200, 40), (200, 150), (500, 150), (500, 340), (100, 340)], fill=RED)
    paint.rectangle((100, 260, 400, 340), fill=BLUE)
    paint.rectangle((400, 150, 500, 340), fill=GREEN)
    file = io.BytesIO()
    (picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else picture).save(file, kind, quality=90)
    return file.getvalue()


def put(page: Page, *ways: list[tuple[float, float]]) -> None:
    """The drawing of lines along those ways."""
    strokes = [{"tool": "pen", "points": way} for way in ways]
    drop(page, "lines.json", "application/json", json.dumps({"kind": "edges", "strokes": strokes}).encode())


# Of the form of the thing, smaller and elsewhere.
OUTLINE = [(60.0, 80.0), (100.0, 80.0), (100.0, 124.0), (220.0, 124.0), (220.0, 200.0), (60.0, 200.0), (60.0, 80.0)]
SOLE = [(60.0, 168.0), (180.0, 168.0), (180.0, 200.0)]
HEEL = [(180.0, 124.0), (180.0, 168.0)]
UPPER_AT, SOLE_AT, HEEL_AT = (80, 140), (110, 184), (200, 160)


def take(page: Page, name: str, kind: str, content: bytes) -> None:
    drop(page, name, kind, content)
    page.get_by_role("button", name="Take its colours").click()
    expect(page.locator(".traced")).to_be_hidden()


def hints(page: Page) -> list[dict[str, Any]]:
    return [line for line in kept(page)[-1]["strokes"] if line["tool"] in ("colour", "fill", "inside")]


def is_close(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) < CLOSE


@pytest.fixture
def shoes(open_draw: Open) -> Sheet:
    return Sheet(open_draw(), "wide2shoes")


@pytest.mark.parametrize(("kind", "ground", "flip"), [("PNG", "white", False), ("JPEG", "#b0c4b0", True)])
def test_parts_get_the_colours_that_the_photo_has_there(shoes: Sheet, kind: str, ground: str, flip: bool):
    put(shoes.page, OUTLINE, SOLE, HEEL)
    lines = shoes.drawing()
    take(shoes.page, f"thing.{kind.lower()}", f"image/{kind.lower()}", photo(kind, ground, flip))
    drawing = shoes.drawing()
    for place, colour in ((UPPER_AT, RED), (SOLE_AT, BLUE), (HEEL_AT, GREEN)):
        assert is_close(at(drawing, *place), colour), place
    assert at(drawing, 20, 20) == at(drawing, 160, 100) == (255, 255, 255)
    assert (drawing.max(axis=2) < 60).sum() >= 0.9 * (lines.max(axis=2) < 60).sum(), "the lines are there"
    assert {line["tool"] for line in hints(shoes.page)} == {"fill"}
    shoes.page.reload()
    expect(shoes.page.locator("#draw-picture")).to_be_visible()
    assert (shoes.drawing() == drawing).all()


def test_an_outline_alone_gets_dabs_where_the_colours_were(shoes: Sheet):
    put(shoes.page, OUTLINE)
    take(shoes.page, "thing.png", "image/png", photo())
    drawing = shoes.drawing()
    for place, colour in ((UPPER_AT, RED), (SOLE_AT, BLUE), (HEEL_AT, GREEN)):
        assert is_close(at(drawing, *place), colour), place
    dabs = hints(shoes.page)
    assert {line["tool"] for line in dabs} == {"colour"}
    assert all(4 <= line["width"] <= 28 for line in dabs)  # as in training
    assert len({line["colour"] for line in dabs}) == 3


def test_another_photo_takes_the_place_of_the_first_and_undo_brings_it_back(shoes: Sheet):
    put(shoes.page, OUTLINE, SOLE, HEEL)
    take(shoes.page, "thing.png", "image/png", photo())
    first = hints(shoes.page)
    grey = Image.new("RGB", (90, 90), (120, 120, 120))
    file = io.BytesIO()
    grey.save(file, "PNG")
    take(shoes.page, "grey.png", "image/png", file.getvalue())
    assert {line["colour"] for line in hints(shoes.page)} == {"#787878"}
    shoes.press("Undo")
    assert hints(shoes.page) == first
    shoes.press("Undo")
    assert hints(shoes.page) == []


def test_a_white_thing_is_seen_on_the_paper(shoes: Sheet):
    picture = Image.new("RGB", (100, 100), (30, 30, 30))
    ImageDraw.Draw(picture).rectangle((20, 20, 80, 80), fill="white")
    file = io.BytesIO()
    picture.save(file, "PNG")
    put(shoes.page, OUTLINE)
    take(shoes.page, "white.png", "image/png", file.getvalue())
    assert {line["colour"] for line in hints(shoes.page)} == {"#e0e0e0"}


def test_without_an_outline_the_page_says_what_is_missing(shoes: Sheet):
    drop(shoes.page, "thing.png", "image/png", photo())
    shoes.press("Take its colours")
    expect(shoes.page.locator(".status")).to_contain_text("no outline encloses anything")
    expect(shoes.page.locator(".traced")).to_be_visible()  # it may be traced first
    shoes.stroke((40, 60), (200, 60))
    shoes.settle()
    shoes.press("Take its colours")
    expect(shoes.page.locator(".status")).to_contain_text("no outline encloses anything")


def test_models_without_hints_only_trace(sheet: Sheet):
    drop(sheet.page, "thing.png", "image/png", photo())
    expect(sheet.page.locator(".traced")).to_be_visible()
    expect(sheet.page.get_by_role("button", name="Take its colours")).to_be_hidden()
    sheet.page.get_by_label("Model").select_option("wide2shoes")
    expect(sheet.page.get_by_role("button", name="Take its colours")).to_be_visible()


def test_on_a_phone_and_by_keys(open_draw: Open, tmp_path: Path):
    """A phone drops nothing: the picture comes from the button for tracing."""
    phone = Sheet(open_draw(**PHONE), "wide2shoes")
    put(phone.page, OUTLINE, SOLE, HEEL)
    phone.settle()
    (tmp_path / "thing.png").write_bytes(photo())
    with phone.page.expect_file_chooser() as chooser:
        phone.page.get_by_role("button", name="Trace a picture").tap()
    chooser.value.set_files(tmp_path / "thing.png")
    button = phone.page.get_by_role("button", name="Take its colours")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 32
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360
    button.focus()
    phone.page.keyboard.press("Enter")
    expect(phone.page.get_by_role("button", name="Trace a picture")).to_be_focused()
    assert is_close(at(phone.drawing(), *UPPER_AT), RED)


def test_the_page_in_one_file_takes_colours(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny)
    put(page, OUTLINE, SOLE, HEEL)
    take(page, "thing.png", "image/png", photo())
    drawing, _ = both(page)
    assert is_close(at(np.asarray(drawing), *UPPER_AT), RED)
