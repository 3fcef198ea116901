"""The Draw tab without a pointer or without sight: names, keys, and colours that can be told apart."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.sheet import Open, Sheet

CONTROLS = "#draw :is(button, input, select, summary, a[href])"
TEXTS = "#draw :is(button, label, summary, output, small, figcaption, span)"
UNNAMED = re.compile(
    r"^\s*- (?:button|combobox|slider|textbox|checkbox|img|group|toolbar)(?: \[[^]]*\])*:?$", re.MULTILINE
)
MOST_TABS = 120
FOCUSED = "(document.activeElement.closest('#draw') && document.activeElement)"
NUMBER = """(selector) => [...document.querySelectorAll(selector)]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled)
  .map((e, i) => (e.dataset.number = String(i)))"""
# WCAG's contrast of each visible text with what is behind it: on the boards paper, which no style names.
CONTRASTS = """(selector) => {
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => ((v /= 255), v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = (css) => {
    const [r, g, b, a = 1] = css.match(/[\\d.]+/g).map(Number);
    const most = css.startsWith("color(") ? 255 : 1;
    return [r * most, g * most, b * most, a];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((v, i) => v * a + below[i] * (1 - a));
  const above = (node) => (node ? [node, ...above(node.parentElement)] : []);
  const behind = (node) => above(node).reverse()
    .reduce((below, each) => over(parse(getComputedStyle(each).backgroundColor), below), [255, 255, 255]);
  const says = (e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(" ");
  return [...document.querySelectorAll(selector)]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && says(e))
    .filter((e) => !e.closest(".labels .board"))
    .map((e) => {
      const [r, g, b, a] = parse(getComputedStyle(e).color);
      const shade = above(e).reduce((all, each) => all * getComputedStyle(each).opacity, a);
      const ground = e.closest(".board") ? [255, 255, 255] : behind(e);
      const [x, y] = [luminance(over([r, g, b, shade], ground)), luminance(ground)].sort((p, q) => q - p);
      return [says(e), (x + 0.05) / (y + 0.05)];
    });
}"""


def open_all(page: Page, model: str) -> Sheet:
    """With all that may be shown for a model on the page."""
    sheet = Sheet(page, model)
    sheet.stroke((60, 60), (180, 180))
    sheet.settle()
    page.get_by_label("More to save and open").click()
    if model == "wide2shoes":
        sheet.press("Colour")
    sheet.press("Compare models")
    return sheet


@pytest.mark.parametrize("model", ["wide2shoes", "tiny2facades"])
def test_every_control_has_a_name_and_is_reached_by_tab_which_shows_where_it_is(open_draw: Open, model: str):
    page = open_draw()
    open_all(page, model) if model == "wide2shoes" else Sheet(page, model)
    snapshot = page.locator("#draw").aria_snapshot()
    assert "button" in snapshot
    assert UNNAMED.findall(snapshot) == []
    wanted = page.evaluate(NUMBER, CONTROLS)
    assert len(wanted) > 15
    page.evaluate("document.activeElement.blur()")
    seen, without_frame = set(), []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        number = page.evaluate(f"{FOCUSED}?.dataset?.number")
        if number is not None:
            seen.add(number)
            if not page.evaluate(f"parseFloat(getComputedStyle({FOCUSED}).outlineWidth)"):
                without_frame.append(page.evaluate(f"{FOCUSED}.outerHTML")[:80])
    missed = [
        page.evaluate(f"document.querySelector('[data-number=\"{n}\"]').outerHTML")[:80]
        for n in wanted
        if n not in seen
    ]
    assert (missed, without_frame) == ([], [])


def test_a_shoe_without_a_pointer(sheet: Sheet):
    sample = sheet.page.get_by_role("group", name="Sample drawings").get_by_role("button").first
    sample.focus()
    sheet.page.keyboard.press("Enter")
    sheet.settle()
    expect(sheet.page.locator("#draw-picture")).to_have_attribute("alt", "What tiny2shoes makes of your drawing")
    mirror = sheet.page.get_by_role("button", name="Mirror")
    mirror.focus()
    before = sheet.picture_url
    sheet.page.keyboard.press("Space")
    sheet.settle()
    assert sheet.picture_url != before


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_both_themes(open_draw: Open, theme: str):
    page = open_draw(color_scheme=theme)
    for model in ("tiny2facades", "wide2shoes"):
        open_all(page, model) if model == "wide2shoes" else Sheet(page, model)
        assert page.evaluate("document.body.classList.contains('dark')") is (theme == "dark")
        scheme = page.locator(".width input").evaluate("(slider) => getComputedStyle(slider).colorScheme")
        assert (scheme == "dark") is (theme == "dark"), "what the browser itself paints"
        contrasts = page.evaluate(CONTRASTS, TEXTS)
        assert len(contrasts) > 8
        assert [(text, round(contrast, 1)) for text, contrast in contrasts if contrast < 4.5] == []


def test_the_menu_opens_within_the_page_and_closes(sheet: Sheet):
    opener, choice = (
        sheet.page.locator(".more summary"),
        sheet.page.get_by_role("button", name="Save drawing as strokes"),
    )
    sheet.stroke((60, 60), (180, 180))
    for close in (
        lambda: sheet.page.keyboard.press("Escape"),
        lambda: sheet.stroke((60, 100), (180, 100)),
        choice.click,
    ):
        opener.click()
        box = choice.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 1000
        close()
        expect(choice).to_be_hidden()
