"""A picture dropped on the paper can be traced, or translated as it is; what is unlike about an input is said."""

import base64
import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect

from pix2pix import Translator
from pix2pix.classes import palette_of
from pix2pix.files.checkpoint import Side
from pix2pix.input_checks import INVERTED, PHOTO
from tests.browser import conftest
from tests.browser.conftest import App
from tests.browser.sheet import Open, Sheet, image, pixels
from tests.test_input_checks import GROUND, boot
from tests.test_input_checks import sheet as strokes_on_nothing

DARK = ImageOps.invert(boot())


def drop(sheet: Sheet, picture: Image.Image) -> None:
    file = io.BytesIO()
    picture.save(file, "PNG")
    transfer = sheet.page.evaluate_handle(
        """(data) => {
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
            transfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
            return transfer;
        }""",
        base64.b64encode(file.getvalue()).decode(),
    )
    sheet.page.locator("#draw-canvas").dispatch_event("drop", {"dataTransfer": transfer})
    expect(sheet.page.locator(".traced")).to_be_visible()


@pytest.mark.parametrize("options", [{}, {"viewport": {"width": 390, "height": 844}, "has_touch": True}])
def test_a_dropped_picture_is_translated_as_it_is_and_inverted(open_draw: Open, options: dict):
    sheet = Sheet(open_draw(**options), "tiny2shoes")
    remark = sheet.page.locator(".remark")
    drop(sheet, DARK)
    sheet.press("Translate it as it is")
    assert sheet.drawing().mean() < 64
    expect(remark).to_have_text(INVERTED)
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    overflow = sheet.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0

    sheet.press("Invert it")
    expect(remark).to_be_hidden()
    given = np.asarray(boot().resize((64, 64), Image.Resampling.BOX), int)
    assert np.abs(sheet.drawing() - given).mean() < 8
    sheet.page.wait_for_timeout(1000)
    expect(remark).to_be_hidden()

    sheet.stroke((40, 60), (200, 60))
    assert (sheet.drawing()[30:] == 255).all(), "what is drawn on it takes its place"
    expect(sheet.page.locator(".traced")).to_be_visible()
    expect(sheet.page.locator(".given")).to_contain_text("the model does not see it")


def test_light_strokes_on_nothing_are_seen(sheet: Sheet, draw_app: App):
    drop(sheet, strokes_on_nothing("white"))
    sheet.press("Translate it as it is")
    expect(sheet.page.locator(".remark")).to_have_text(INVERTED)
    sheet.settle()
    given = image(sheet.sent[-1])
    assert given.getchannel("A").getextrema()[0] == 0, "what is clear arrives so"
    on_black = Image.alpha_composite(Image.new("RGBA", given.size, "black"), given)
    expected = np.asarray(Translator.load(draw_app.runs / "tiny2shoes")(on_black.convert("RGB")), int)
    assert np.abs(pixels(sheet.picture_url) - expected).max() <= 1
    sheet.press("Invert it")
    sheet.settle()
    assert image(sheet.sent[-1]).getchannel("A").getextrema() == (255, 255)
    assert sheet.drawing().mean() > 192


def test_what_a_browser_cannot_show_is_said(sheet: Sheet):
    drop(sheet, Image.fromarray(np.asarray(boot().convert("L")).astype(np.uint16) * 16))  # 12 bits
    sheet.press("Translate it as it is")
    expect(sheet.page.locator(".remark")).to_contain_text("16 bits, of which a browser shows 8")


def test_another_picture_is_traced_first(sheet: Sheet):
    drop(sheet, DARK)
    sheet.press("Translate it as it is")
    expect(sheet.page.locator(".traced")).to_be_hidden()
    drop(sheet, boot())
    expect(sheet.page.locator(".given")).to_contain_text("the model does not see it")
    expect(sheet.page.locator("#draw-picture")).to_be_hidden()


def test_a_photo_is_remarked_on_until_it_is_put_away(sheet: Sheet):
    drop(sheet, GROUND.resize((400, 300)))
    sheet.press("Translate it as it is")
    expect(sheet.page.locator(".remark")).to_have_text(PHOTO)
    sheet.press("Trace it instead")
    expect(sheet.page.locator(".remark")).to_be_hidden()
    expect(sheet.page.locator("#draw-picture")).to_be_hidden()
    sheet.press("Translate it as it is")
    expect(sheet.page.locator(".remark")).to_have_text(PHOTO)
    sheet.press("Trace a picture")
    expect(sheet.page.locator(".given")).to_be_hidden()
    expect(sheet.page.locator(".remark")).to_be_hidden()


def test_too_dense_a_drawing_is_remarked_on_and_a_plain_one_is_not(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.page.wait_for_timeout(1500)
    expect(sheet.page.locator(".remark")).to_be_hidden()
    for place in range(20, 240, 20):
        sheet.stroke((20, place), (236, place))
    expect(sheet.page.locator(".remark")).to_contain_text("far denser")
    sheet.press("Clear")
    expect(sheet.page.locator(".remark")).to_be_hidden()


# Label maps that hold the numbers of classes


@pytest.fixture
def classes(runs, open_draw: Open) -> Iterator[Sheet]:
    """A generator of maps of the classes 0 to 3, of which two have names."""
    palette = {{"1": "1 road", "3": "3 sky"}.get(name, name): colour for name, colour in palette_of(range(4)).items()}
    conftest._save(runs, "tiny2towns", 64, Side("labels", palette))
    yield Sheet(open_draw(), "tiny2towns")
    (runs / "tiny2towns" / "generator.safetensors").unlink()
    (runs / "tiny2towns").rmdir()


def test_classes_are_painted_by_their_number_or_name(classes: Sheet, draw_app: App):
    names = classes.page.locator(".swatches button").all_inner_texts()
    assert names == ["0", "1 road", "2", "3 sky"]
    colours = palette_of(range(4))
    classes.press("3 sky")
    classes.stroke((4, 4), (200, 128))
    classes.press("2")
    classes.stroke((64, 160), (128, 224))
    drawn = classes.drawing()
    assert {tuple(colour) for colour in drawn.reshape(-1, 3).tolist()} == {colours["0"], colours["2"], colours["3"]}
    numbers = np.zeros((64, 64), np.uint8)
    numbers[1:32, 1:50], numbers[40:56, 16:32] = 3, 2
    assert (drawn == np.array(list(colours.values()))[numbers]).all()
    expected = np.asarray(Translator.load(draw_app.runs / "tiny2towns")(Image.fromarray(numbers)), int)
    assert np.abs(pixels(classes.picture_url) - expected).max() <= 1, "as of a file that holds the numbers"


def test_a_map_of_class_numbers_is_taken_as_such(classes: Sheet, draw_app: App):
    numbers = np.zeros((128, 128), np.uint8)
    numbers[2:64, 2:100], numbers[80:112, 32:64] = 3, 2
    drop(classes, Image.fromarray(numbers))
    classes.press("Translate it as it is")
    classes.settle()
    expected = np.asarray(Translator.load(draw_app.runs / "tiny2towns")(Image.fromarray(numbers[::2, ::2])), int)
    assert np.abs(pixels(classes.picture_url) - expected).max() <= 1, "as of a file that holds the numbers"
