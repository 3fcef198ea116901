"""The strip of what was made: each result comes back with one click, also after the page was closed."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.sheet import Open, Sheet, drop, ink
from tests.browser.test_remember import KEYWORD, PHONE
from tests.browser.test_web import both, difference
from tests.waiting import wait_until

MOST = 60  # results that are kept
# As if the page had been used for a long time: so many results, the oldest of them starred.
FILL = """async (count) => {
  const asked = indexedDB.open("pix2pix studio", 1);
  await new Promise((resolve) => asked.addEventListener("success", resolve));
  const work = asked.result.transaction("results", "readwrite");
  const [one] = await new Promise((resolve) => {
    const all = work.objectStore("results").getAll();
    all.addEventListener("success", () => resolve(all.result));
  });
  for (let i = 0; i < count; i++) {
    work.objectStore("results").put({ ...one, id: "old " + i, at: i, starred: i === 0 });
  }
  await new Promise((resolve) => work.addEventListener("complete", resolve));
}"""


# How many results the browser has written down, and how many of them with a star.
WRITTEN = """async () => {
  const asked = indexedDB.open("pix2pix studio", 1);
  await new Promise((resolve) => asked.addEventListener("success", resolve));
  const all = asked.result.transaction("results").objectStore("results").getAll();
  await new Promise((resolve) => all.addEventListener("success", resolve));
  asked.result.close();
  return [all.result.length, all.result.filter(({ starred }) => starred).length];
}"""


def results(page: Page) -> Locator:
    return page.locator(".recall:visible")


def make(sheet: Sheet, *lines: list[tuple[float, float]]) -> np.ndarray:
    for line in lines:
        sheet.stroke(*line)
    drawn = sheet.drawing()
    sheet.page.wait_for_timeout(1700)  # it has rested
    return drawn


def test_results_are_kept_recalled_starred_and_cleared(sheet: Sheet):
    page = sheet.page
    first = make(sheet, [(40, 60), (200, 80)], [(40, 160), (200, 180)])
    expect(results(page)).to_have_count(1)
    sheet.press("Variations")
    sheet.settle()
    sheet.press("Keep variation 2")
    sheet.settle()
    varied = sheet.picture_url
    page.wait_for_timeout(1700)
    expect(results(page)).to_have_count(2)
    sheet.press("Clear")
    sheet.press("Plain again")
    page.get_by_label("Model").select_option("wide2shoes")
    second = make(sheet, [(60, 200), (120, 40)])
    expect(results(page)).to_have_count(3)

    results(page).nth(1).click()
    expect(page.get_by_label("Model")).to_have_value("tiny2shoes")
    expect(page.locator("#draw-picture")).to_be_visible()
    assert (sheet.drawing() == first).all()
    assert sheet.picture_url == varied, "with its seed"
    expect(results(page)).to_have_count(3)  # a look at one makes no new one

    page.get_by_role("button", name="Star: tiny2shoes").nth(1).click()
    wait_until(lambda: page.evaluate(WRITTEN) == [3, 1])
    page.reload()
    expect(results(page)).to_have_count(3)
    expect(page.locator(".star[aria-pressed=true]")).to_have_count(1)
    sheet.press("Clear what you made")
    expect(results(page)).to_have_count(1)
    sheet.press("Bring back what you made")
    expect(results(page)).to_have_count(3)
    results(page).first.click()
    expect(page.get_by_label("Model")).to_have_value("wide2shoes")
    assert (sheet.drawing() == second).all()
    sheet.press("Undo")
    sheet.press("Clear what you made")
    wait_until(lambda: page.evaluate(WRITTEN) == [1, 1])
    page.reload()
    expect(results(page)).to_have_count(1)
    expect(page.get_by_role("button", name="Clear what you made")).to_be_disabled()


def test_a_drawing_is_one_result_however_long_it_is_drawn(sheet: Sheet):
    make(sheet, [(40, 60), (200, 80)])
    make(sheet, [(40, 100), (200, 120)])
    expect(results(sheet.page)).to_have_count(1)
    sheet.press("Undo")
    sheet.settle()
    sheet.page.wait_for_timeout(1700)
    make(sheet, [(40, 200), (200, 120)])
    expect(results(sheet.page)).to_have_count(2)  # another end for it
    sheet.page.locator(".star").first.click()
    make(sheet, [(40, 220), (200, 220)])
    expect(results(sheet.page)).to_have_count(3)  # the starred one stays as it is


def test_one_that_is_left_at_once_is_kept_and_samples_are_not(sheet: Sheet):
    sheet.press("Boot")
    sheet.settle()
    sheet.press("Loafer")
    sheet.settle()
    sheet.stroke((20, 20), (60, 20))
    sheet.settle()
    sheet.press("Sneaker")
    sheet.settle()
    expect(results(sheet.page)).to_have_count(1)
    sheet.page.wait_for_timeout(1700)
    expect(results(sheet.page)).to_have_count(1)


def test_only_so_many_are_kept_and_starred_ones_stay(sheet: Sheet):
    make(sheet, [(40, 60), (200, 80)])
    sheet.page.evaluate(FILL, MOST + 5)
    sheet.page.reload()
    expect(results(sheet.page)).to_have_count(MOST)
    expect(sheet.page.locator(".star[aria-pressed=true]")).to_have_count(1)
    sheet.page.reload()
    expect(results(sheet.page)).to_have_count(MOST)


def test_all_are_saved_at_once(sheet: Sheet):
    drawn = make(sheet, [(40, 60), (200, 80)])
    sheet.press("Clear")
    sheet.page.get_by_label("Model").select_option("tiny2facades")
    painted = make(sheet, [(64, 64), (128, 128)])
    with sheet.page.expect_download() as download:
        sheet.press("Save all")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        names = ["01 tiny2shoes.png", "01 tiny2shoes drawing.png", "02 tiny2facades.png", "02 tiny2facades drawing.png"]
        assert archive.namelist() == names
        assert archive.infolist()[0].date_time[0] >= 2025
        content = [archive.read(name) for name in names]
    pictures = [np.asarray(Image.open(io.BytesIO(each)).convert("RGB")).astype(int) for each in content]
    assert (pictures[1] == drawn).all()
    assert (pictures[3] == painted).all()
    assert json.loads(Image.open(io.BytesIO(content[0])).info[KEYWORD])["model"] == "tiny2shoes"
    drop(sheet.page, names[0], "image/png", content[0])
    expect(sheet.page.get_by_label("Model")).to_have_value("tiny2shoes")
    assert (sheet.drawing() == drawn).all()


def test_on_a_phone_by_touch_and_by_keys(open_draw: Open):
    phone = Sheet(open_draw(**PHONE), "tiny2shoes")
    page = phone.page
    drawn = make(phone, [(40, 60), (200, 80)])
    phone.press("Clear")
    make(phone, [(40, 160), (200, 180)])
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    strip = page.get_by_role("region", name="What you made").bounding_box()
    assert strip is not None
    assert strip["x"] >= 0
    assert strip["x"] + strip["width"] <= 360
    results(page).nth(1).tap()
    assert (phone.drawing() == drawn).all()
    page.locator(".star").first.tap()
    expect(page.locator(".star").first).to_have_attribute("aria-pressed", "true")
    results(page).first.focus()
    page.keyboard.press("Enter")
    assert ink(abs(phone.drawing() - drawn)) > 0
    page.locator(".star").nth(1).focus()
    page.keyboard.press("Space")
    expect(page.locator(".star").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".star").nth(1)).to_be_focused()


def test_a_browser_that_keeps_nothing(open_draw: Open):
    sheet = Sheet(open_draw(), "tiny2shoes")
    sheet.page.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    sheet.page.reload()
    sheet.page.get_by_label("Model").select_option("tiny2shoes")
    make(sheet, [(40, 60), (200, 80)])
    expect(results(sheet.page)).to_have_count(1)


def test_the_page_in_one_file_has_its_strip(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny)
    page.get_by_role("button", name="Boot").click()
    drawing, _ = both(page)
    box = page.locator("#draw-canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 20, box["y"] + 20)
    more, _ = both(page)
    expect(results(page)).to_have_count(1)
    page.get_by_role("button", name="Clear", exact=True).click()
    page.reload()
    results(page).first.click()
    again, _ = both(page)
    assert difference(again, more) == 0
    assert difference(again, drawing) > 0
