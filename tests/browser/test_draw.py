"""Drawing as people do it: a pointer on a page. Playwright moves it, the pictures come from real, tiny generators."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, expect

from pix2pix import Translator
from pix2pix.palette import CMP
from tests.browser.conftest import QUIET, App
from tests.browser.install import system_chromium
from tests.browser.sheet import Open, Sheet, body_of, image, ink, is_translation, lose, pixels


def test_ready_at_once_and_invites(sheet: Sheet):
    expect(sheet.page.get_by_text("Draw a shoe here")).to_be_visible()
    expect(sheet.page.get_by_role("button", name="Pen")).to_have_attribute("aria-pressed", "true")
    expect(sheet.page.get_by_role("button", name="Save picture")).to_be_disabled()
    mark = sheet.page.get_by_label("Model").evaluate("(e) => getComputedStyle(e).backgroundImage")
    assert mark.startswith("url("), "that there is a choice can be seen"


def test_pictures_come_while_the_pen_is_down(sheet: Sheet):
    seen = set()
    sheet.stroke((40, 120), (50, 120), up=False)
    expect(sheet.page.locator("#draw-picture")).to_be_visible(timeout=30_000)  # the generator may still be loading
    for x in range(60, 220, 16):
        sheet.page.mouse.move(*sheet.at((x, 120 + x / 8)), steps=3)
        sheet.page.wait_for_timeout(60)
        seen.add(sheet.picture_url)
    sheet.page.mouse.up()
    assert len(seen - {None}) >= 3


def test_last_picture_is_that_of_the_last_drawing(draw_app: App, sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.settle()
    expected = Translator.load(draw_app.runs / "tiny2shoes")(image(sheet.sent[-1]))
    assert np.abs(pixels(sheet.picture_url) - np.asarray(expected).astype(int)).max() <= 1


@pytest.mark.parametrize("scale", [1, 2])
def test_model_gets_its_own_size_and_line_width_from_any_screen(open_draw: Open, scale: int):
    sheet = Sheet(open_draw(device_scale_factor=scale), "wide2shoes")
    sheet.stroke((60, 128), (190, 128))
    drawing = sheet.drawing()
    assert drawing.shape == (256, 256, 3)
    assert (drawing[:100] == 255).all()
    widths = (255 - drawing[:, 80:170, 0]).sum(axis=0) / 255  # of the line, column by column
    assert np.abs(widths - 2).max() < 0.5  # the metadata say 2.0
    side = sheet.page.evaluate(
        "() => { const c = document.querySelector('#draw-canvas'); return c.width / c.clientWidth; }"
    )
    assert side == pytest.approx(scale, abs=0.01)


def test_undo_redo_clear(sheet: Sheet):
    sheet.stroke((40, 60), (200, 60))
    one = ink(sheet.drawing())
    sheet.stroke((40, 160), (200, 160))
    two = ink(sheet.drawing())
    assert two > 1.5 * one
    sheet.page.keyboard.press("Control+z")
    assert ink(sheet.drawing()) == one
    sheet.page.keyboard.press("Control+y")
    assert ink(sheet.drawing()) == two
    sheet.press("Undo")
    assert ink(sheet.drawing()) == one
    sheet.page.keyboard.press("Control+Shift+z")
    sheet.press("Clear")
    expect(sheet.page.locator("#draw-picture")).to_be_hidden()
    expect(sheet.page.get_by_text("Your picture appears here")).to_be_visible()
    sheet.press("Undo")
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    assert ink(sheet.drawing()) == two


def test_eraser(sheet: Sheet):
    sheet.stroke((40, 100), (200, 100))
    before = ink(sheet.drawing())
    sheet.press("Eraser")
    sheet.stroke((100, 90), (140, 110))
    assert 0 < ink(sheet.drawing()) < 0.95 * before


def test_sample_fills_the_sheet_and_can_be_undone(sheet: Sheet):
    sheet.page.get_by_role("group", name="Sample drawings").get_by_role("button").first.click()
    assert ink(sheet.drawing()) > 10
    assert sheet.picture_url
    sheet.press("Undo")
    expect(sheet.page.locator("#draw-picture")).to_be_hidden()


def test_finger(open_draw: Open):
    sheet = Sheet(open_draw(has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740}), "tiny2shoes")
    touch = sheet.page.context.new_cdp_session(sheet.page)
    for kind, point in [("Start", (60, 60)), *(("Move", (60 + 4 * i, 60 + 4 * i)) for i in range(30)), ("End", None)]:
        x, y = sheet.at(point or (0, 0))
        points = [{"x": x, "y": y}] if point else []
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    assert ink(sheet.drawing()) > 20
    assert sheet.page.evaluate("[scrollX, scrollY]") == [0, 0]  # the page stayed where it was
    assert sheet.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_slow_model_still_gets_the_last_drawing(draw_app: App, sheet: Sheet, monkeypatch: pytest.MonkeyPatch):
    gate, submit = threading.Event(), draw_app.studio.submit

    def slowly(model, session, work, step=None):
        def waiting(translator):
            assert gate.wait(20)
            return work(translator)

        return submit(model, session, waiting, step)

    monkeypatch.setattr(draw_app.studio, "submit", slowly)
    for y in (60, 100, 140, 180):
        sheet.stroke((40, y), (200, y))
    assert len(sheet.sent) == 1  # the rest waits in the page
    gate.set()
    sheet.settle()
    assert sheet.most_open == 1
    assert len(sheet.sent) == 2
    bands = np.split(pixels(sheet.sent[-1]), [20, 30, 40, 48])
    assert [ink(band) > 20 for band in bands] == [True, True, True, True, False]


def test_one_request_at_a_time(sheet: Sheet):
    sheet.stroke(*[(40 + 5 * i, 60 + 40 * (i % 2)) for i in range(30)])
    sheet.settle()
    assert sheet.most_open == 1
    assert len(sheet.sent) > 3


def test_lifting_the_pen_asks_for_nothing_new(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), up=False)
    sheet.settle()
    asked, shown = len(sheet.sent), sheet.picture_url
    sheet.page.mouse.up()
    sheet.settle()
    assert (len(sheet.sent), sheet.picture_url) == (asked, shown)
    sheet.press("Undo")
    expect(sheet.page.locator("#draw-picture")).to_be_hidden()


def test_lost_connection_is_tried_again(sheet: Sheet):
    lose(sheet.page, 2, lambda route: route.abort())
    sheet.stroke((40, 60), (200, 60))
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    assert ink(sheet.drawing()) > 20


def test_the_place_in_the_line_is_said_and_the_newest_drawing_is_asked_for(sheet: Sheet):
    sheet.stroke((40, 60), (200, 60))
    before, shown, status = sheet.drawing(), sheet.picture_url, sheet.page.locator(".status")
    told = {"error": "Your drawing waits for its turn: it is number 12 in the line.", "again_ms": 200}
    lose(sheet.page, 10_000, lambda route: route.fulfill(json=told))
    sheet.stroke((40, 90), (200, 90), up=False)
    expect(status).to_have_text(told["error"])
    assert sheet.picture_url == shown, "the picture that is there stays"
    sheet.page.mouse.move(*sheet.at((200, 200)), steps=10)
    sheet.page.mouse.up()
    sheet.page.unroute("**/component_server/")
    expect(status).to_contain_text(" ms")
    assert ink(sheet.drawing()) > 2 * ink(before), "the last picture is of all three strokes"


def test_request_without_an_answer_is_given_up(open_draw: Open):
    page = open_draw(fresh=True)  # its clock is of the whole context
    page.clock.install()
    sheet = Sheet(page, "tiny2shoes")
    lose(page, 1, lambda route: None)
    sheet.stroke((40, 60), (200, 60))
    page.clock.fast_forward(10_500)
    page.clock.fast_forward(1_000)
    expect(page.locator("#draw-picture")).to_be_visible()


def test_rectangle_has_exactly_the_colours_of_the_palette(labels: Sheet):
    labels.press("door")
    labels.stroke((64, 64), (128, 192))
    expected = Image.new("RGB", (64, 64), CMP["facade"])
    ImageDraw.Draw(expected).rectangle((16, 16, 31, 47), fill=CMP["door"])
    assert (labels.drawing() == np.asarray(expected)).all()


def test_brush_has_exactly_the_colours_of_the_palette(labels: Sheet):
    labels.press("Brush")
    labels.press("shop")
    labels.stroke((30, 40), (200, 90), (90, 230))
    colours = {tuple(colour) for colour in labels.drawing().reshape(-1, 3)}
    assert colours == {CMP["facade"], CMP["shop"]}


def test_each_kind_of_drawing_keeps_its_sheet(sheet: Sheet):
    sheet.stroke((40, 60), (200, 60))
    before = sheet.drawing()
    chooser = sheet.page.get_by_label("Model")
    chooser.select_option("tiny2facades")
    expect(sheet.page.get_by_text("Paint a building here")).to_be_visible()
    expect(sheet.page.get_by_role("button", name="Rectangle")).to_be_visible()
    expect(sheet.page.get_by_role("button", name="Pen")).to_be_hidden()
    chooser.select_option("wide2shoes")  # the same kind, another size: the same strokes
    assert sheet.drawing().shape == (256, 256, 3)
    chooser.select_option("tiny2shoes")
    assert (sheet.drawing() == before).all()


def test_model_that_improves_while_the_pen_is_down(draw_app: App, sheet: Sheet):
    """A training run replaces its generator: the stroke goes on, and the drawing is translated anew."""
    sheet.stroke((40, 60), (120, 60), up=False)
    sheet.settle()
    drawings = len(sheet.sent)
    os.utime(draw_app.runs / "tiny2shoes" / "generator.safetensors")
    with sheet.page.expect_request(is_translation):
        sheet.page.get_by_label("Model").dispatch_event("focus")
    sheet.page.mouse.move(*sheet.at((200, 60)), steps=10)
    sheet.page.mouse.up()
    assert (sheet.drawing()[14:17, 20:48] < 255).any(axis=(0, 2)).all()  # one line, from one end to the other
    assert len(sheet.sent) > drawings
    sheet.press("Undo")
    expect(sheet.page.get_by_role("button", name="Undo")).to_be_disabled()


def test_save(sheet: Sheet):
    sheet.stroke((40, 60), (200, 60))
    sheet.settle()
    with sheet.page.expect_download() as download:
        sheet.press("Save picture")
    assert download.value.suggested_filename == "tiny2shoes.png"
    with Image.open(download.value.path()) as picture:
        assert picture.size == (64, 64)


def test_broken_model_says_so_in_words(open_draw: Open):
    page = open_draw()
    expect(page.get_by_label("Model")).not_to_have_value("broken")  # is not offered first
    Sheet(page, "broken")
    expect(page.locator(".status")).to_contain_text("broken cannot be loaded")


def test_server_answers_nonsense_in_words(sheet: Sheet):
    with sheet.page.expect_request(is_translation) as request:
        sheet.stroke((40, 90), (200, 90))
    for fields, words in (
        ({"picture": "data:image/png;base64,AAAA"}, "not a picture"),
        ({"picture": "data:image/png;base64,@@@"}, "did not arrive"),
        ({"picture": "x" * 5_000_000}, "too large"),
        ({"picture": None}, "no picture"),
        ({"model": "../../etc/passwd"}, "no model called"),
        ({"model": "hf://someone/something"}, "no model called"),
        ({"seed": "many"}, "seed is not"),
        ({"seed": -1}, "seed is not"),
        ({"step": 3}, "no snapshot"),
    ):
        body = body_of(request.value)
        body["data"].update({"session": "another page"}, **fields)  # not to be superseded by this one's drawings
        answer = sheet.page.request.post(request.value.url, data=body)
        assert answer.ok
        assert words in answer.json()["error"], fields


def test_chromium_would_install_the_page_as_an_app(draw_app: App, browser: Browser, tmp_path: Path):
    program = system_chromium()
    kind = browser.browser_type
    with kind.launch_persistent_context(tmp_path, executable_path=program, args=QUIET) as context:  # not incognito
        page = context.pages[0]
        page.goto(draw_app.url)
        expect(page.locator("#draw-canvas")).to_be_visible()
        errors = context.new_cdp_session(page).send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert errors == []


def test_endpoint(draw_app: App, tmp_path):
    drawing = tmp_path / "drawing.png"
    picture = Image.new("RGB", (100, 80), "white")
    ImageDraw.Draw(picture).line((10, 10, 90, 70), fill="black", width=2)
    picture.save(drawing)
    client = Client(draw_app.url, verbose=False)
    result = client.predict(handle_file(drawing), "tiny2shoes", None, api_name="/translate")
    expected = Translator.load(draw_app.runs / "tiny2shoes")(picture)
    with Image.open(result) as got:
        assert np.abs(np.asarray(got.convert("RGB")).astype(int) - np.asarray(expected)).max() <= 1
    seeded = [client.predict(handle_file(drawing), "tiny2shoes", seed, api_name="/translate") for seed in (1, 1, 2)]
    one, again, other = [np.asarray(Image.open(path)) for path in seeded]
    assert (one == again).all()
    assert (one != other).any()


def test_endpoint_says_what_is_wrong(draw_app: App, tmp_path):
    text = tmp_path / "drawing.png"
    text.write_text("not a picture")
    client = Client(draw_app.url, verbose=False)
    with pytest.raises(AppError, match="not a picture"):
        client.predict(handle_file(text), "tiny2shoes", None, api_name="/translate")
    Image.new("RGB", (8, 8)).save(text)
    with pytest.raises(AppError, match="no model called"):
        client.predict(handle_file(text), "nothing", None, api_name="/translate")
