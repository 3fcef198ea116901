"""Single keys choose and switch, and a card lists all of them."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.sheet import Open, Sheet
from tests.browser.test_access import CONTRASTS
from tests.browser.test_remember import PHONE

CARD = "#draw .help :is(b, dt kbd, dd, label)"


def pressed(page: Page, name: str) -> None:
    expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-pressed", "true")


def test_keys_choose_tools_and_switch_views(open_draw: Open):
    page = open_draw()
    Sheet(page, "wide2shoes")
    page.evaluate("document.activeElement.blur()")
    for key, name in {"e": "Eraser", "f": "Fill", "c": "Colour", "p": "Pen"}.items():
        page.keyboard.press(key)
        pressed(page, name)
    page.keyboard.press("b")  # of label maps alone
    pressed(page, "Pen")
    names = {"s": "Symmetry", "l": "Overlay", "n": "What the network sees", "w": "Slider"}
    for key, name in names.items():
        page.keyboard.press(key)
        pressed(page, name)
        page.keyboard.press(key)
        expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("+")
    expect(page.locator(".zoom-text")).to_have_text("150 %")
    page.keyboard.press("0")
    expect(page.locator(".zoom-text")).to_have_text("100 %")
    page.keyboard.press("Alt+e")
    page.keyboard.press("Control+e")
    pressed(page, "Pen")


def test_keys_are_for_plans_too_and_leave_other_fields_alone(open_page: Open):
    page = Sheet(open_page(), "tiny2facades").page
    page.evaluate("document.activeElement.blur()")
    for key, name in {"b": "Brush", "f": "Fill", "i": "Pick", "r": "Rectangle"}.items():
        page.keyboard.press(key)
        pressed(page, name)
    page.get_by_label("Model").focus()
    page.keyboard.press("f")
    pressed(page, "Rectangle")
    page.get_by_role("tab", name="Upload").click()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("b")
    page.get_by_role("tab", name="Draw").click()
    pressed(page, "Rectangle")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_card_lists_every_key(open_draw: Open, theme: str):
    page = open_draw(color_scheme=theme)
    Sheet(page, "wide2shoes")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    card = page.get_by_role("dialog", name="Keys and crosshair")
    expect(card).to_be_visible()
    for key in ("P", "C", "F", "E", "[", "]", "S", "M", "L", "W", "N", "X", "+", "-", "0", "?", "Ctrl Z", "Ctrl Y"):
        expect(card.locator("kbd").get_by_text(key, exact=True)).to_be_visible()
    expect(card.locator("kbd").get_by_text("B", exact=True)).to_have_count(0)
    contrasts = page.evaluate(CONTRASTS, CARD)
    assert len(contrasts) > 30
    assert [(text, round(contrast, 1)) for text, contrast in contrasts if contrast < 4.5] == []
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_single_keys_can_be_switched_off(sheet: Sheet):
    page = sheet.page
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    page.get_by_label("Keys without Ctrl act").uncheck()
    page.get_by_label("Close").click()
    page.keyboard.press("e")
    pressed(page, "Pen")
    page.reload()
    sheet.stroke((40, 60), (200, 80))
    page.keyboard.press("e")
    pressed(page, "Pen")
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    page.keyboard.press("?")
    page.get_by_label("Keys without Ctrl act").check()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    pressed(page, "Eraser")


def test_the_card_on_a_phone(open_draw: Open):
    page = open_draw(**PHONE)
    Sheet(page, "tiny2shoes")
    page.get_by_label("More to save and open").tap()
    page.get_by_role("button", name="Keys and crosshair").tap()
    card = page.get_by_role("dialog")
    box = card.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert box["y"] + box["height"] <= 740
    page.get_by_label("A crosshair through the pointer").tap()
    expect(page.get_by_label("A crosshair through the pointer")).to_be_checked()
    page.touchscreen.tap(180, 8)  # beside it
    expect(card).to_be_hidden()
    assert re.search("crosshair.:true", page.evaluate("localStorage.getItem('pix2pix studio preferences')"))
