"""The grid of samples: each picture of each preview, one by one, by mouse, keys and touch."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from pix2pix.images import GAP
from tests.browser.test_train import WAIT_MS, circles, runs
from tests.browser.test_train import train_app as app
from training.config import TrainConfig
from training.run import Run

__all__ = ["app", "circles", "runs"]  # fixtures
SIDE, PAIRS = 32, 3
CLOSE = 8  # of 255, after JPEG


def colour(step: int, row: int, pair: int) -> tuple[int, int, int]:
    """Of a cell: no two are alike. Input and target are the same at each step."""
    return (40 + 60 * pair, 20 + 80 * row, step if row == 2 else 0)


def save(run: Run, *steps: int) -> None:
    for step in steps:
        sheet = Image.new("RGB", (PAIRS * (SIDE + GAP) - GAP, 3 * (SIDE + GAP) - GAP), "white")
        for row in range(3):
            for pair in range(PAIRS):
                sheet.paste(
                    Image.new("RGB", (SIDE, SIDE), colour(step, row, pair)), (pair * (SIDE + GAP), row * (SIDE + GAP))
                )
        run.save_preview(step, sheet)


@pytest.fixture
def run(runs: Path, circles: Path) -> Run:
    run = Run.create(TrainConfig(name="circles", dataset=str(circles)))
    save(run, 0, 100, 200)
    return run


def middle(canvas: Locator) -> list[int]:
    return canvas.evaluate(
        "c => [...c.getContext('2d').getImageData(c.width >> 1, c.height >> 1, 1, 1).data].slice(0, 3)"
    )


def is_shown(canvas: Locator, step: int, row: int, pair: int) -> None:
    assert middle(canvas) == pytest.approx(colour(step, row, pair), abs=CLOSE)


def open_grid(page: Page) -> Locator:
    expect(page.locator("#train-preview img")).to_be_visible(timeout=WAIT_MS)  # which moves what is below it
    page.get_by_role("button", name="Grid of samples").click()
    page.locator("#train-grid .row").last.scroll_into_view_if_needed(timeout=WAIT_MS)  # only what is seen is painted
    cells = page.locator("#train-grid .row button")
    expect(cells).to_have_count(9, timeout=WAIT_MS)
    return cells


def test_rows_are_steps_and_columns_are_pairs(open_page: Callable[..., Page], run: Run):
    page = open_page()
    cells = open_grid(page)
    for place, (step, pair) in enumerate((step, pair) for step in (200, 100, 0) for pair in range(3)):
        is_shown(cells.nth(place).locator("canvas"), step, 2, pair)
    page.reload()
    page.locator("#train-grid .row").last.scroll_into_view_if_needed(timeout=WAIT_MS)
    expect(page.locator("#train-grid .row button")).to_have_count(9, timeout=WAIT_MS)
    save(run, 250)
    expect(page.locator("#train-grid .row button")).to_have_count(12, timeout=WAIT_MS)
    expect(page.locator("#train-grid .row").first).to_contain_text("Step 250")
    run.rewind(100)
    expect(page.locator("#train-grid .row")).to_have_count(2, timeout=WAIT_MS)


def test_one_is_looked_at_with_keys(open_page: Callable[..., Page], run: Run):
    page = open_page()
    open_grid(page).nth(1).click()
    dialog, canvas = page.locator("#train-grid dialog"), page.locator("#train-grid dialog canvas")
    caption = dialog.locator(".caption")
    expect(caption).to_have_text("Step 200, pair 2 of 3: what the generator makes")
    is_shown(canvas, 200, 2, 1)
    expect(dialog.get_by_role("button", name="Later")).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    expect(caption).to_have_text("Step 100, pair 2 of 3: what the generator makes")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(caption).to_have_text("Step 100, pair 1 of 3: what the generator makes")
    page.keyboard.press("i")
    expect(caption).to_have_text("Step 100, pair 1 of 3: the input")
    is_shown(canvas, 100, 0, 0)
    page.keyboard.press("t")
    expect(caption).to_have_text("Step 100, pair 1 of 3: the target")
    is_shown(canvas, 100, 1, 0)
    page.keyboard.press("t")
    page.keyboard.press("ArrowRight")
    expect(caption).to_have_text("Step 200, pair 1 of 3: what the generator makes")
    is_shown(canvas, 200, 2, 0)
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement !== null")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement === null")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_finger_does_the_same_on_a_small_screen(open_page: Callable[..., Page], run: Run):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True)
    if not page.get_by_role("button", name="Grid of samples").is_visible():
        page.get_by_role("tab", name="Train").tap()
    expect(page.locator("#train-preview img")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Grid of samples").tap()
    page.get_by_role("button", name="Step 200, pair 1").tap()
    dialog = page.locator("#train-grid dialog")
    for button, words in (("Earlier", "Step 100, pair 1"), ("Next pair", "Step 100, pair 2"), ("Target", "the target")):
        dialog.get_by_role("button", name=button).tap()
        expect(dialog.locator(".caption")).to_contain_text(words)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dialog.get_by_role("button", name="Close").tap()
    expect(dialog).to_be_hidden()


def test_all_samples_can_be_taken_along(open_page: Callable[..., Page], run: Run):
    page = open_page()
    with page.expect_download() as download:
        page.get_by_role("button", name="Samples as a zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = [f"{kind}.jpg" for kind in ("000000", "000100", "000200", "input", "target")]
        assert sorted(archive.namelist()) == [f"circles/pair-{pair}/{name}" for pair in (1, 2, 3) for name in names]
        with Image.open(io.BytesIO(archive.read("circles/pair-2/target.jpg"))) as picture:
            assert picture.size == (SIDE, SIDE)
            assert picture.getpixel((16, 16)) == pytest.approx(colour(0, 1, 1), abs=CLOSE)
