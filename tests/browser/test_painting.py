"""What the page spares the browser while the pen moves."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.sheet import Open, Sheet

COUNT = """() => {
  window.canvases = 0;
  const create = document.createElement.bind(document);
  document.createElement = (name, ...more) => {
    canvases += name === "canvas";
    return create(name, ...more);
  };
}"""


@pytest.fixture
def sheet(open_draw: Open) -> Sheet:
    return Sheet(open_draw(), "tiny2shoes")


def test_a_stroke_makes_no_canvas_but_what_the_model_gets(sheet: Sheet):
    sheet.stroke((40, 40), (60, 60))
    sheet.settle()
    sheet.page.evaluate(COUNT)
    asked = len(sheet.sent)
    sheet.stroke((40, 90), (200, 90), (200, 200), (40, 200), (40, 100))
    sheet.settle()
    looks = 4  # a thumbnail and what is remarked on, of either stroke, once the pen has rested
    assert sheet.page.evaluate("canvases") <= len(sheet.sent) - asked + looks


def test_nothing_lies_above_the_paper_unless_something_is_shown_there(sheet: Sheet):
    sheet.stroke((40, 90), (200, 90))
    expect(sheet.page.locator(".above")).to_be_hidden()
    sheet.press("Symmetry")
    expect(sheet.page.locator(".above")).to_be_visible()
    sheet.press("Symmetry")
    expect(sheet.page.locator(".above")).to_be_hidden()


def test_the_eraser_takes_lines_and_later_lines_lie_on_what_it_took(sheet: Sheet):
    sheet.stroke((40, 90), (200, 90))
    before = sheet.drawing()
    sheet.press("Eraser")
    sheet.stroke((122, 60), (122, 120))
    sheet.press("Pen")
    sheet.stroke((118, 20), (118, 80))
    after = sheet.drawing()
    unit = len(after) / 256

    def at(x: int, y: int, drawing: np.ndarray = after) -> int:
        return drawing[int(y * unit), int(x * unit)].max()

    assert at(122, 90, before) < 128, "a line is there"
    assert at(122, 90) > 240, "where the eraser went it is gone"
    assert at(60, 90) < 128, "elsewhere it is not"
    assert at(118, 70) < 128, "and a later one is whole"
