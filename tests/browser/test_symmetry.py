"""What helps the hand: symmetry, a crosshair, widths that are remembered, and a sample that chance has changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pix2pix.palette import CMP
from tests.browser.sheet import Open, Sheet, drop, ink, pixels
from tests.browser.test_remember import PHONE
from tests.browser.test_tools import at, touch
from tests.browser.test_web import both


def kept(page: Page) -> list[dict[str, Any]]:
    """The drawings that the browser keeps."""
    drawings = json.loads(page.evaluate("localStorage.getItem('pix2pix studio')"))["drawings"]
    return [drawing for _, drawing in drawings]


def is_even(drawing: np.ndarray) -> bool:
    return ink(255 - np.abs(drawing - drawing[:, ::-1])) < 3


def test_both_sides_are_drawn_while_the_pen_moves(sheet: Sheet):
    sheet.press("Symmetry")
    sheet.stroke((40, 60), (100, 80), up=False)
    half = sheet.drawing()
    assert ink(half) > 20
    assert is_even(half)
    sheet.page.mouse.up()
    sheet.press("Eraser")
    sheet.stroke((60, 40), (60, 100))
    whole = sheet.drawing()
    assert is_even(whole)
    assert ink(whole) < ink(half)
    sheet.page.reload()
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    assert (sheet.drawing() == whole).all()
    expect(sheet.page.get_by_role("button", name="Symmetry")).to_have_attribute("aria-pressed", "true")
    sheet.press("Clear")
    sheet.press("Pen")
    sheet.stroke((40, 60), (100, 80))
    sheet.settle()
    sheet.press("Undo")
    expect(sheet.page.locator("#draw-picture")).to_be_hidden()  # both sides at once
    sheet.press("Symmetry")
    sheet.stroke((40, 60), (100, 80))
    assert not is_even(sheet.drawing())


def test_plans_and_fills_are_symmetric_too(labels: Sheet):
    labels.press("Symmetry")
    labels.press("window")
    labels.stroke((40, 64), (80, 128))
    labels.press("Fill")
    labels.press("door")
    labels.stroke((60, 100))
    drawing = labels.drawing()
    assert at(drawing, 60, 100) == at(drawing, 196, 100) == CMP["door"]
    assert (drawing == drawing[:, ::-1]).all()


def test_a_fill_whose_other_side_is_open_fills_one_side(open_draw: Open):
    sheet = Sheet(open_draw(), "wide2shoes")
    sheet.stroke((30, 30), (100, 30), (100, 100), (30, 100), (30, 30))
    sheet.press("Symmetry")
    sheet.press("Fill")
    sheet.stroke((60, 60))
    assert [line["tool"] for line in kept(sheet.page)[-1]["strokes"]] == ["pen", "fill"]


def test_the_axis_is_shown_and_not_sent(sheet: Sheet):
    sheet.stroke((40, 200), (60, 200))
    before = sheet.drawing()
    shown = "() => document.querySelector('.above').toDataURL()"
    sheet.press("Symmetry")
    sheet.page.wait_for_timeout(200)
    lines = pixels(sheet.page.evaluate(shown))
    assert lines[:, lines.shape[1] // 2 - 2 : lines.shape[1] // 2 + 2].any()
    assert not lines[:, : lines.shape[1] // 3].any()
    assert (sheet.drawing() == before).all()


def test_a_finger_draws_both_sides(open_draw: Open):
    phone = Sheet(open_draw(**PHONE), "tiny2shoes")
    phone.page.get_by_role("button", name="Symmetry").tap()
    touch(phone, ("Start", [(60, 60)]), ("Move", [(80, 90)]), ("Move", [(90, 160)]), ("End", []))
    assert is_even(phone.drawing())
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_crosshair_follows_the_pointer(sheet: Sheet):
    page = sheet.page
    cross = page.locator(".crosshair")
    page.mouse.move(*sheet.at((100, 100)))
    expect(cross).to_be_hidden()
    page.keyboard.press("x")
    page.mouse.move(*sheet.at((64, 192)))
    expect(cross).to_be_visible()
    box, (x, y) = page.locator("#draw-canvas").bounding_box(), sheet.at((64, 192))
    assert box is not None
    place = cross.evaluate("e => ['--x', '--y'].map((name) => parseFloat(e.style.getPropertyValue(name)))")
    assert place == pytest.approx([x - box["x"], y - box["y"]], abs=1)
    page.mouse.move(5, 5)
    expect(cross).to_be_hidden()
    page.reload()
    page.mouse.move(*sheet.at((100, 100)))
    page.mouse.move(*sheet.at((110, 100)))
    expect(cross).to_be_visible()


def test_each_tool_has_a_width_of_its_own_that_is_remembered(open_draw: Open):
    sheet = Sheet(open_draw(), "wide2shoes")
    width = sheet.page.get_by_label("Width of the tool")
    sheet.press("Eraser")
    width.fill("30")
    sheet.press("Colour")
    width.fill("6")
    sheet.page.reload()
    sheet.page.get_by_label("Model").select_option("wide2shoes")
    sheet.press("Eraser")
    expect(width).to_have_value("30")
    sheet.press("Colour")
    expect(width).to_have_value("6")
    for _ in range(30):
        sheet.page.keyboard.press("[")
    expect(width).to_have_value("2")
    sheet.page.evaluate('localStorage.setItem(\'pix2pix studio preferences\', \'{"widths": {"eraser": "<b>"}}\')')
    sheet.page.reload()
    sheet.page.get_by_label("Model").select_option("wide2shoes")
    sheet.press("Eraser")
    expect(width).to_have_value("14")


def test_a_surprise_is_a_changed_sample(open_draw: Open):
    sheet = Sheet(open_draw(), "wide2shoes")
    seen = []
    for _ in range(4):
        sheet.press("Surprise me")
        seen.append(sheet.drawing())
        points = [point for line in kept(sheet.page)[-1]["strokes"] for point in line["points"]]
        assert all(0 <= value <= 256 for point in points for value in point)
    assert all(ink(each) > 100 for each in seen)
    assert all((one != other).any() for i, one in enumerate(seen) for other in seen[:i])
    sheet.page.reload()
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    assert (sheet.drawing() == seen[-1]).all()
    expect(sheet.page.locator(".recall:visible").first).to_be_visible()  # it counts as made


def test_a_surprising_plan_is_a_plan(labels: Sheet):
    labels.press("Surprise me")
    drawing = labels.drawing()
    others = {tuple(colour) for colour in drawing.reshape(-1, 3).tolist()} - set(CMP.values())
    assert len(others) <= 1, "the colour of its walls"
    labels.press("Undo")
    expect(labels.page.locator("#draw-picture")).to_be_hidden()


def test_the_page_in_one_file_has_them_too(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny, viewport={"width": 360, "height": 740})
    page.get_by_role("button", name="Symmetry").click()
    drop(page, "line.json", "application/json", json.dumps({"kind": "edges", "strokes": []}).encode())
    page.get_by_role("button", name="Surprise me").click()
    drawing, _ = both(page)
    assert ink(np.asarray(drawing).astype(int)) > 50
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
