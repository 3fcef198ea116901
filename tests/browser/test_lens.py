"""Drawing on the picture itself, and a slider between the drawing and the picture or between two models."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.sheet import Open, Sheet
from tests.browser.test_remember import PHONE
from tests.browser.test_tools import touch

TOO_SMALL = """() => [...document.querySelectorAll("#draw :is(button, input, select, summary)")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }))
  .filter((e) => Math.min(e.getBoundingClientRect().width, e.getBoundingClientRect().height) < 24)
  .map((e) => e.outerHTML.slice(0, 80))"""
CLOSE = 3.0  # of 255: the same picture, painted at another place of the screen


def seen(board: Locator) -> np.ndarray:
    board.scroll_into_view_if_needed()
    picture = Image.open(io.BytesIO(board.screenshot())).convert("RGB").resize((256, 256))
    return np.asarray(picture).astype(int)[20:-20, 20:-20]  # without the round corners


def paper(page: Page) -> Locator:
    return page.locator(".board").first


def result(page: Page) -> Locator:
    return page.locator(".board.result")


def strengthen(page: Page, strength: int) -> None:
    page.get_by_label("How strong the picture is").fill(str(strength))


def away_from_lines(*boards: np.ndarray) -> np.ndarray:
    """Where the first board, which is the drawing, has no line near."""
    free = boards[0].min(axis=2) > 250
    near = np.lib.stride_tricks.sliding_window_view(np.pad(free, 4, constant_values=True), (9, 9))
    return np.asarray(near.all(axis=(2, 3)))


def test_one_draws_on_the_picture_and_sends_the_drawing(sheet: Sheet):
    page = sheet.page
    sheet.stroke((40, 60), (200, 80), (120, 200))
    before = sheet.drawing()
    drawing, picture = seen(paper(page)), seen(result(page))
    sheet.press("Overlay")
    strengthen(page, 100)
    page.wait_for_timeout(300)
    lensed, far = seen(paper(page)), away_from_lines(drawing)
    assert np.abs(lensed - picture)[far].mean() < CLOSE
    lines = drawing.max(axis=2) < 30
    assert lines.sum() > 50
    assert lensed[lines].mean() < 60, "the lines stay on top"
    strengthen(page, 0)
    page.wait_for_timeout(300)
    assert np.abs(seen(paper(page)) - drawing).mean() < CLOSE
    strengthen(page, 50)
    page.wait_for_timeout(300)
    assert np.abs(seen(paper(page)) - (drawing + picture) / 2)[far].mean() < CLOSE

    sheet.stroke((40, 220), (200, 220))
    sheet.settle()
    assert (sheet.drawing() != before).any()
    expect(page.locator(".lensed")).to_have_attribute("src", sheet.picture_url or "")
    drawn = sheet.drawing()
    page.reload()
    expect(page.locator(".lensed")).to_be_visible()
    assert (sheet.drawing() == drawn).all()
    expect(page.get_by_label("How strong the picture is")).to_have_value("50")
    sheet.press("Clear")
    expect(page.locator(".lensed")).to_be_hidden()
    expect(page.locator(".invitation")).to_be_visible()


def test_the_lens_moves_with_the_paper(sheet: Sheet):
    sheet.stroke((100, 100), (160, 100), (130, 150))
    sheet.settle()
    sheet.press("Overlay")
    strengthen(sheet.page, 100)
    sheet.press("Zoom in")
    sheet.page.wait_for_timeout(300)
    box = sheet.page.locator("#draw-canvas").bounding_box()
    lensed = sheet.page.locator(".lensed").bounding_box()
    assert box is not None
    assert lensed is not None
    assert lensed["width"] == pytest.approx(1.5 * box["width"], abs=1)
    assert lensed["x"] == pytest.approx(box["x"] - box["width"] / 4, abs=1)


def test_plans_of_classes_have_a_lens_too(labels: Sheet):
    labels.press("window")
    labels.stroke((64, 64), (128, 128))
    labels.settle()
    picture = seen(result(labels.page))
    labels.press("Overlay")
    strengthen(labels.page, 100)
    labels.page.wait_for_timeout(300)
    assert np.abs(seen(paper(labels.page)) - picture).mean() < CLOSE


def test_a_slider_between_the_drawing_and_the_picture(sheet: Sheet):
    page = sheet.page
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.settle()
    drawing, picture = seen(paper(page)), seen(result(page))
    sheet.press("Slider")
    slider = page.get_by_label("From Your drawing to Picture")
    middle = drawing.shape[1] // 2
    for at, left in ((50, middle), (100, 2 * middle), (0, 0)):
        slider.fill(str(at))
        page.wait_for_timeout(300)
        both = np.concatenate([drawing[:, :left], picture[:, left:]], axis=1)
        rest = np.ones(both.shape[:2], bool)
        rest[:30] = False  # the names
        rest[:, max(0, left - 20) : left + 20] = False  # the line and its handle
        assert np.abs(seen(result(page)) - both)[rest].mean() < CLOSE
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert float(slider.input_value()) > 0
    page.reload()
    expect(page.get_by_label("From Your drawing to Picture")).to_be_visible()
    sheet.press("Clear")
    expect(page.locator(".wipe")).to_be_hidden()


def test_a_slider_between_two_models(sheet: Sheet):
    page = sheet.page
    sheet.press("Slider")
    page.get_by_label("What is left of the slider").select_option("wide2shoes")
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.settle()
    other = page.locator(".wiped-picture")
    expect(other).to_be_visible()
    first = other.get_attribute("src")
    assert first != sheet.picture_url
    sheet.stroke((40, 220), (200, 220))
    sheet.settle()
    assert other.get_attribute("src") != first, "it follows the pen, too"
    page.reload()
    expect(page.get_by_label("From wide2shoes to tiny2shoes")).to_be_visible()
    expect(other).to_be_visible()
    page.get_by_label("Model").select_option("tiny2facades")
    expect(page.get_by_label("What is left of the slider")).to_be_hidden()


def test_by_touch_on_a_phone(open_draw: Open):
    phone = Sheet(open_draw(**PHONE), "wide2shoes")
    page = phone.page
    page.get_by_role("button", name="Overlay").tap()
    page.get_by_role("button", name="Slider").tap()
    page.get_by_role("button", name="Eraser").tap()
    page.get_by_role("button", name="Pen").tap()
    page.locator("#draw-canvas").scroll_into_view_if_needed()
    touch(phone, ("Start", [(60, 60)]), ("Move", [(120, 90)]), ("Move", [(190, 160)]), ("End", []))
    phone.settle()
    expect(page.locator(".lensed")).to_be_visible()
    wiper = page.locator(".wiper")
    wiper.scroll_into_view_if_needed()
    box = wiper.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 4, box["y"] + box["height"] / 3)
    assert float(wiper.input_value()) == pytest.approx(25, abs=3)
    assert page.evaluate(TOO_SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_page_in_one_file_has_both(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny)
    page.get_by_role("button", name="Boot").click()
    page.get_by_role("button", name="Overlay").click()
    page.get_by_role("button", name="Slider").click()
    expect(page.locator(".lensed")).to_be_visible()
    expect(page.locator(".wiper")).to_be_visible()
    expect(page.get_by_label("What is left of the slider")).to_be_hidden()
