"""More than one picture of a drawing: variations, other models, and the snapshots of a training."""

import base64
import os

import numpy as np
from PIL import Image, ImageSequence
from playwright.sync_api import expect

from pix2pix import Translator
from tests.browser.conftest import SNAPSHOTS, App
from tests.browser.sheet import Open, Sheet, body_of, image, is_translation, pixels


def others(sheet: Sheet) -> list[str]:
    sheet.settle()
    return [each.get_attribute("src") or "" for each in sheet.page.locator(".others img").all()]


def test_four_variations_and_four_others(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.press("Variations")
    first = others(sheet)
    assert len(set(first)) == 4
    assert sheet.picture_url not in first
    sheet.press("Again")
    assert len(set(first + others(sheet))) == 8


def test_a_variation_is_kept_until_the_plain_picture_is_wanted(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.settle()
    plain = sheet.picture_url
    sheet.press("Variations")
    wanted = others(sheet)[2]
    sheet.press("Keep variation 3")
    sheet.settle()
    assert sheet.picture_url == wanted
    sheet.stroke((60, 200), (200, 200))
    sheet.press("Undo")
    sheet.settle()
    assert sheet.picture_url == wanted, "the same drawing, the same picture"
    sheet.press("Plain again")
    sheet.settle()
    assert sheet.picture_url == plain


def test_other_models_see_the_same_drawing_live(draw_app: App, sheet: Sheet):
    sheet.press("Compare models")
    sheet.stroke((40, 60), (200, 80), (120, 200))
    assert others(sheet) != [""]
    with sheet.page.expect_request(is_translation):
        sheet.stroke((50, 150), (200, 160), up=False)
    sheet.page.mouse.up()
    (seen,) = others(sheet)
    chosen = sheet.page.get_by_label("Compared generator 1")
    expect(chosen).to_have_value("wide2shoes")
    drawn = [image(url) for url in sheet.sent if image(url).size == (256, 256)][-1]
    expected = Translator.load(draw_app.runs / "wide2shoes")(drawn)
    assert np.abs(pixels(seen) - np.asarray(expected).astype(int)).max() <= 1


def test_a_compared_model_that_improves_is_asked_again(draw_app: App, sheet: Sheet):
    sheet.press("Compare models")
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.settle()
    os.utime(draw_app.runs / "wide2shoes" / "generator.safetensors")
    with sheet.page.expect_request(is_translation) as request:
        sheet.page.get_by_label("Model").dispatch_event("focus")
    assert body_of(request.value)["data"]["model"] == "wide2shoes"


def test_label_models_are_not_compared_with_edge_models(labels: Sheet):
    expect(labels.page.get_by_role("button", name="Compare models")).to_be_hidden()


def test_the_replay_of_a_training_sees_ones_own_drawing(draw_app: App, sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.press("Replay its training")
    sheet.settle()
    slider = sheet.page.get_by_label("Moment of the training")
    for index, step in enumerate(SNAPSHOTS):
        with sheet.page.expect_event("requestfinished", is_translation):
            slider.fill(str(index))
        sheet.settle()
        expected = Translator.load(draw_app.runs / "tiny2shoes" / "snapshots" / f"{step:06d}.safetensors")(
            image(sheet.sent[-1])
        )
        assert np.abs(pixels(sheet.picture_url) - np.asarray(expected).astype(int)).max() <= 1
        expect(sheet.page.get_by_text(f"as it was at step {step}")).to_be_visible()
    sheet.press("Replay its training")
    sheet.settle()
    expected = Translator.load(draw_app.runs / "tiny2shoes")(image(sheet.sent[-1]))
    assert np.abs(pixels(sheet.picture_url) - np.asarray(expected).astype(int)).max() <= 1


def test_a_replay_is_saved_as_an_animation(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.press("Replay its training")
    with sheet.page.expect_download() as download:
        sheet.press("Save as animation")
    assert download.value.suggested_filename == "tiny2shoes.webp"
    with Image.open(download.value.path()) as animation:
        assert len(list(ImageSequence.Iterator(animation))) == len(SNAPSHOTS) + 1
        assert animation.size[0] == 128


def test_models_without_snapshots_have_no_replay(open_draw: Open):
    sheet = Sheet(open_draw(), "wide2shoes")
    expect(sheet.page.get_by_role("button", name="Replay its training")).to_be_hidden()


def test_a_replay_of_what_is_no_drawing(sheet: Sheet):
    with sheet.page.expect_request(is_translation) as request:
        sheet.stroke((40, 90), (200, 90))
    no_picture = "data:image/png;base64," + base64.b64encode(b"no").decode()
    body = body_of(request.value) | {"fn_name": "replay", "data": {"model": "tiny2shoes", "picture": no_picture}}
    assert "not a picture" in sheet.page.request.post(request.value.url, data=body).json()["error"]
