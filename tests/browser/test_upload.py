"""The Upload tab in a real browser: a picture in, its translation beside it."""

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from pix2pix import Translator, images
from pix2pix.palette import CMP


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A disc in the upper left of a picture that its EXIF data turn upright by a quarter: 120 wide, 80 high."""
    picture = Image.new("RGB", (80, 120), "white")
    ImageDraw.Draw(picture).ellipse((10, 70, 50, 110), fill="navy")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    return tmp_path / "photo.jpg"


@pytest.fixture
def upload(open_page: Callable[..., Page]) -> Page:
    page = open_page()
    page.get_by_role("tab", name="Upload").click()
    return page


def give(page: Page, path: Path) -> None:
    page.locator("#upload-given input[type=file]").set_input_files(path)


def choose(page: Page, model: str) -> None:
    page.locator("#upload-model input").click()
    page.get_by_role("option", name=model).click()


def shown(page: Page, label: str) -> Image.Image:
    """The picture that the page shows under this label, once it is there."""
    picture = page.get_by_test_id("block-label").filter(has_text=label).locator("xpath=..").locator("img")
    expect(picture).to_be_visible(timeout=60_000)
    expect(picture).not_to_have_js_property("naturalWidth", 0)  # it has no address yet
    reply = page.request.get(picture.get_attribute("src") or "")
    assert reply.ok, reply.text()
    return Image.open(io.BytesIO(reply.body())).convert("RGB")


def test_an_uploaded_drawing_is_translated(upload: Page, photo: Path, runs: Path):
    choose(upload, "tiny2shoes")
    give(upload, photo)
    expected = Translator.load(runs / "tiny2shoes")(images.read(photo))
    assert shown(upload, "Translation").size == (120, 80)
    assert shown(upload, "Translation").tobytes() == expected.tobytes()


def test_a_photo_has_its_edges_made_first(upload: Page, photo: Path):
    choose(upload, "tiny2shoes")
    give(upload, photo)
    shown(upload, "Translation")
    upload.locator("#upload-photo input").check()
    lines = np.asarray(shown(upload, "Its edges").convert("L"))
    assert lines.shape == (64, 64)
    rows, columns = (lines < 128).nonzero()
    assert (columns.min() + columns.max()) / 2 / 64 == pytest.approx(30 / 120, abs=0.05)  # where the disc lies upright
    assert (rows.min() + rows.max()) / 2 / 64 == pytest.approx(30 / 80, abs=0.05)


def test_another_model_forgets_that_it_was_a_photo(upload: Page, photo: Path, runs: Path):
    choose(upload, "tiny2shoes")
    give(upload, photo)
    upload.locator("#upload-photo input").check()
    shown(upload, "Its edges")
    choose(upload, "tiny2facades")
    expect(upload.get_by_test_id("block-label").filter(has_text="Its edges")).to_be_hidden(timeout=60_000)
    expected = Translator.load(runs / "tiny2facades")(images.read(photo)).tobytes()
    deadline = time.monotonic() + 20  # the picture of the other model is there until then
    while shown(upload, "Translation").tobytes() != expected:
        assert time.monotonic() < deadline, "the picture is still another one"
        upload.wait_for_timeout(100)


def test_label_maps_need_no_edges(upload: Page):
    upload.get_by_label("Model").locator("visible=true").focus()
    expect(upload.get_by_role("listbox")).to_be_visible()
    upload.keyboard.press("Tab")
    expect(upload.get_by_role("listbox")).to_have_count(0)  # else it lies over what comes next
    choose(upload, "tiny2facades")
    expect(upload.locator("#upload-about")).to_contain_text("label map")
    expect(upload.locator("#upload-photo")).to_be_hidden()


def test_smeared_labels_give_what_exact_ones_give(upload: Page, tmp_path: Path, runs: Path):
    labels = Image.new("RGB", (128, 128), CMP["facade"])
    ImageDraw.Draw(labels).rectangle((32, 32, 63, 95), fill=CMP["window"])
    labels.save(tmp_path / "labels.jpg", quality=60)
    choose(upload, "tiny2facades")
    give(upload, tmp_path / "labels.jpg")
    difference = np.asarray(shown(upload, "Translation"), int) - np.asarray(
        Translator.load(runs / "tiny2facades")(labels), int
    )
    assert np.abs(difference).mean() < 2


def test_a_picture_far_from_the_palette_is_said_to_be_so(upload: Page, photo: Path, tmp_path: Path):
    choose(upload, "tiny2facades")
    give(upload, photo)
    notice = upload.locator("#upload-notice")
    expect(notice).to_contain_text("Is this a label map?", timeout=60_000)
    assert shown(upload, "Translation").size == (120, 80)

    Image.new("RGB", (64, 64), CMP["facade"]).save(tmp_path / "wall.png")
    upload.reload()
    upload.get_by_role("tab", name="Upload").click()
    choose(upload, "tiny2facades")
    give(upload, tmp_path / "wall.png")
    assert shown(upload, "Translation").size == (64, 64)
    expect(notice).to_be_hidden()


def test_what_is_no_picture_is_said_in_words(upload: Page, tmp_path: Path):
    (tmp_path / "broken.png").write_bytes(b"no picture at all")
    choose(upload, "tiny2shoes")
    give(upload, tmp_path / "broken.png")
    expect(upload.get_by_text("not a picture that can be read").first).to_be_visible(timeout=60_000)


def test_a_broken_model_is_said_in_words(upload: Page):
    choose(upload, "broken")
    expect(upload.locator("#upload-about")).to_contain_text("cannot be loaded")


def see(page: Page, way: str) -> None:
    page.locator("#upload-how").get_by_label(way).check()


def test_a_picture_is_translated_in_its_own_proportions(upload: Page, tmp_path: Path, runs: Path):
    drawing = Image.new("RGB", (200, 90), "white")
    ImageDraw.Draw(drawing).ellipse((20, 20, 120, 70), outline="black", width=2)
    drawing.save(tmp_path / "long.png")
    choose(upload, "tiny2shoes")
    give(upload, tmp_path / "long.png")
    translator = Translator.load(runs / "tiny2shoes")
    assert shown(upload, "Translation").tobytes() == translator(drawing).tobytes()

    see(upload, "Whole")
    expect(upload.locator("#upload-how")).to_contain_text("Proportions and detail are kept")
    expect(upload.locator("#upload-size")).to_be_visible()
    assert eventually(upload, translator(drawing, how="whole"))
    upload.locator("#upload-size input").fill("100")
    upload.locator("#upload-size input").press("Enter")
    assert eventually(upload, translator(drawing, how="whole", size=100))


def test_a_picture_may_be_given_after_how_it_is_seen(upload: Page, tmp_path: Path, runs: Path):
    drawing = Image.new("RGB", (120, 90), "white")
    drawing.save(tmp_path / "long.png")
    choose(upload, "tiny2shoes")
    see(upload, "Whole")
    expect(upload.locator("#upload-size input")).to_have_value("")
    give(upload, tmp_path / "long.png")
    assert eventually(upload, Translator.load(runs / "tiny2shoes")(drawing, how="whole"))


def eventually(page: Page, expected: Image.Image) -> bool:
    """Whether the translation becomes this one."""
    for _ in range(100):
        if shown(page, "Translation").tobytes() == expected.tobytes():
            return True
        page.wait_for_timeout(200)
    return False


def test_boxes_have_words_on_a_phone(open_page: Callable[..., Page]):
    page = open_page(viewport={"width": 360, "height": 740})
    page.get_by_role("tab", name="Upload").click()
    choose(page, "tiny2shoes")
    for words in ("It is a photo", "Light lines on dark"):
        within = page.get_by_text(words).evaluate(
            "(words) => words.getBoundingClientRect().right <= words.closest('.block').getBoundingClientRect().right"
        )
        assert within, words
