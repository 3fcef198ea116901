"""A folder that can be read in more than one way: the Train tab shows the readings, with pictures, and asks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.test_train import WAIT_MS, app, runs, state  # noqa: F401 (fixtures)
from tests.scenes import labels, photo, save, scene
from training.run import Run

COUNT = 6
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Labels, instances and photos of the same names, as pix2pixHD has them."""
    folder = tmp_path / "town"
    for index in range(COUNT):
        save(scene(index)[0].astype(np.uint8), folder / "train_label" / f"{index}_labelIds.png")
        save(scene(index)[0].astype(np.uint16) * 1000, folder / "train_inst" / f"{index}_instanceIds.png")
        save(photo(index), folder / "train_img" / f"{index}_leftImg8bit.png")
    return folder


@pytest.fixture
def triples(tmp_path: Path) -> Path:
    folder = tmp_path / "triples"
    for index in range(COUNT):
        pixels = np.concatenate([labels(index), photo(index), photo(index)[::-1]], 1)
        save(pixels, folder / f"{index}.png")
    return folder


def give(page: Page, folder: Path) -> None:
    page.get_by_label("Folder of pictures").fill(str(folder))
    page.get_by_label("Folder of pictures").press("Enter")


def choices(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#train-reading label").all_inner_texts()]


def choose(page: Page, number: int) -> None:
    page.locator("#train-reading input").nth(number - 1).check()


@pytest.mark.parametrize("options", [{}, PHONE])
def test_the_readings_are_shown_and_one_is_trained_on(open_page: Callable[..., Page], town: Path, options: dict):
    page = open_page(**options)
    give(page, town)
    expect(page.locator("#train-found [role=alert]")).to_contain_text("3 sets of files belong together by their names")
    expect(page.locator("#train-found .reading img")).to_have_count(2 * 4, timeout=WAIT_MS)
    assert choices(page) == [
        "1. pairs: A, the input, is label/, and B is img/", "2. pairs: A, the input, is inst/, and B is img/",
    ]  # fmt: skip
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    page.locator("#train-start").click()
    expect(page.locator(".toast-body").last).to_contain_text("choose which it is")
    assert Run.list() == [], "nothing starts before it is said which it is"

    choose(page, 2)
    expect(page.locator("#train-found")).to_contain_text("A is inst and B is img", timeout=WAIT_MS)
    choose(page, 1)  # on second thoughts
    expect(page.locator("#train-found")).to_contain_text("A is label and B is img", timeout=WAIT_MS)
    expect(page.locator("#train-findings [data-checkup=done]")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#train-findings")).to_contain_text("hold the numbers of classes: 0 … 3")
    expect(page.locator("#train-kind input")).to_have_value("Label maps, in the colours that were found")
    page.locator("#train-start").click()
    state(page, "starting", "running")
    config = Run.named("town").config
    assert (config.folders, config.direction) == (("label", "img"), "AtoB")
    assert config.palette.startswith("0=#000000,1=#800000")


def test_what_was_chosen_for_a_folder_is_not_for_the_next(
    open_page: Callable[..., Page], triples: Path, tmp_path: Path
):
    page = open_page()
    give(page, triples)
    expect(page.locator("#train-found .reading img")).to_have_count(3 * 4, timeout=WAIT_MS)
    shown = page.locator("#train-found .reading img").evaluate_all("all => all.map(each => each.src)")
    assert len(set(shown)) == 6, "the two pairs of three thirds, in each of the ways"
    page.get_by_role("button", name="Advanced").click()
    choose(page, 3)
    expect(page.locator("#train-found")).to_contain_text("A is the middle third", timeout=WAIT_MS)
    expect(page.locator("#train-layout input")).to_have_value("thirds-23")

    for index in range(COUNT):
        save(labels(index), tmp_path / "plain" / "masks" / f"{index}.png")
        save(photo(index), tmp_path / "plain" / "images" / f"{index}.png")
    give(page, tmp_path / "plain")
    expect(page.locator("#train-found")).to_contain_text("A is masks and B is images", timeout=WAIT_MS)
    expect(page.locator("#train-layout input")).to_have_value("auto")
    expect(page.locator("#train-reading")).to_be_hidden()
    page.locator("#train-layout input").click()
    page.get_by_role("option", name="photos").click()
    expect(page.locator("#train-found")).to_contain_text("12 photos", timeout=WAIT_MS)


def test_a_phone_shows_each_reading_in_one_row(open_page: Callable[..., Page], town: Path, tmp_path: Path):
    page = open_page(**PHONE)
    give(page, town)
    pictures = page.locator("#train-found .reading").first.locator("img")
    expect(pictures).to_have_count(4, timeout=WAIT_MS)
    boxes = [pictures.nth(index).bounding_box() or {} for index in range(4)]
    assert len({round(box["y"]) for box in boxes}) == 1
    assert min(box["width"] for box in boxes) > 60, "large enough to be told apart"
    page.locator("#train-found").screenshot(path=tmp_path / "found.png")
    with Image.open(tmp_path / "found.png") as looked:
        assert looked.width <= 390
