"""Each tool of the Draw tab, by what reaches the model."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from pix2pix.palette import CMP
from tests.browser.sheet import Open, Sheet, ink, pixels

RED = (198, 40, 40)


@pytest.fixture
def hints(open_draw: Open) -> Sheet:
    return Sheet(open_draw(), "wide2shoes")


def colours(drawing: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in drawing.reshape(-1, 3).tolist()}


def at(drawing: np.ndarray, x: int, y: int) -> tuple[int, ...]:
    """The colour at a point of the grid of 256 units."""
    scale = len(drawing) / 256
    return tuple(drawing[int(y * scale), int(x * scale)].tolist())


def touch(sheet: Sheet, *steps: tuple[str, list[tuple[float, float]]]) -> None:
    session = sheet.page.context.new_cdp_session(sheet.page)
    for kind, points in steps:
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(map(sheet.at, points))]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": places})


def test_a_colour_is_a_hint_under_the_lines(hints: Sheet):
    hints.stroke((60, 128), (200, 128))
    hints.press("Colour")
    hints.press("red")
    hints.stroke((128, 90), (128, 170))
    drawing = hints.drawing()
    assert at(drawing, 128, 100) == RED
    assert at(drawing, 80, 100) == (255, 255, 255)
    assert max(at(drawing, 128, 127)) < 60, "the line is still there"


def test_only_models_that_learned_from_hints_offer_colours(hints: Sheet):
    hints.press("Colour")
    hints.page.get_by_label("Model").select_option("tiny2shoes")
    expect(hints.page.get_by_role("button", name="Colour", exact=True)).to_be_hidden()
    expect(hints.page.get_by_role("button", name="Pen")).to_have_attribute("aria-pressed", "true")


def test_any_other_colour(hints: Sheet):
    hints.press("Colour")
    hints.page.get_by_label("Any other colour").fill("#12ab34")
    hints.stroke((100, 100), (150, 100))
    assert at(hints.drawing(), 125, 100) == (0x12, 0xAB, 0x34)


def test_the_eraser_takes_lines_and_colours(hints: Sheet):
    hints.stroke((60, 128), (200, 128))
    hints.press("Colour")
    hints.stroke((100, 128), (150, 128))
    hints.press("Eraser")
    hints.stroke((125, 100), (125, 160))
    drawing = hints.drawing()
    assert min(at(drawing, 125, 128)) >= 253, "of the colours around it, a trace of their blur is left"
    assert at(drawing, 70, 128) != (255, 255, 255)


def test_the_eraser_can_be_made_broader(sheet: Sheet):
    sheet.press("Eraser")
    sheet.page.get_by_label("Width of the tool").fill("40")
    sheet.press("Pen")
    for y in (116, 128, 140):
        sheet.stroke((40, y), (200, y))
    sheet.press("Eraser")
    sheet.stroke((30, 128), (220, 128))
    assert ink(sheet.drawing()) < 1


def test_shift_draws_a_straight_line(sheet: Sheet):
    sheet.stroke((40, 60), (90, 60), up=False)
    sheet.page.keyboard.down("Shift")
    sheet.page.mouse.move(*sheet.at((120, 200)), steps=5)
    sheet.page.mouse.move(*sheet.at((200, 60)), steps=5)
    sheet.page.keyboard.up("Shift")
    sheet.page.mouse.up()
    drawing = sheet.drawing()
    assert ink(drawing[20:]) == 0, "the detour is not in the drawing"
    assert ink(drawing[:20, 45:]) > 5


def test_mirror(sheet: Sheet):
    sheet.stroke((40, 60), (100, 80))
    before = sheet.drawing()
    sheet.press("Mirror")
    assert ink(np.abs(255 - np.abs(sheet.drawing() - before[:, ::-1]))) < 3
    sheet.press("Undo")
    assert (sheet.drawing() == before).all()


def test_zoom_magnifies_what_is_drawn_not_what_is_sent(hints: Sheet):
    for _ in range(3):
        hints.press("Zoom in")
    expect(hints.page.get_by_label("Zoom", exact=True)).to_contain_text("338 %")
    hints.stroke((0, 128), (256, 128))  # over the whole of the paper that can be seen
    drawing = hints.drawing()
    inked = np.flatnonzero((drawing[128] < 128).any(axis=1))
    assert 76 <= inked[-1] - inked[0] + 1 <= 82  # 256 / 3.375, and round ends
    widths = (255 - drawing[:, 100:150, 0]).sum(axis=0) / 255
    assert np.abs(widths - 2).max() < 0.5, "the line is as wide as ever"


def test_wheel_zooms_at_the_pointer(hints: Sheet):
    hints.page.mouse.move(*hints.at((64, 64)))
    hints.page.keyboard.down("Control")
    hints.page.mouse.wheel(0, -300)
    hints.page.keyboard.up("Control")
    expect(hints.page.get_by_label("Zoom", exact=True)).to_contain_text("272 %")
    hints.stroke((64, 64))
    drawing = hints.drawing()
    ys, xs = np.nonzero(drawing.min(axis=2) < 128)
    assert abs(xs.mean() - 64) < 1.5
    assert abs(ys.mean() - 64) < 1.5


def test_two_fingers_zoom_and_draw_nothing(open_draw: Open):
    sheet = Sheet(open_draw(has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740}), "wide2shoes")
    both = [(100.0, 128.0), (156.0, 128.0)]
    touch(sheet, ("Start", both[:1]), ("Start", both), ("Move", [(72, 128), (184, 128)]), ("End", []))
    expect(sheet.page.get_by_label("Zoom", exact=True)).to_contain_text("200 %")
    expect(sheet.page.get_by_role("button", name="Undo")).to_be_disabled()


def test_what_the_model_sees_is_shown(sheet: Sheet):
    sheet.stroke((40, 60), (200, 190))
    sheet.press("What the network sees")
    sheet.settle()  # it is painted with the next frame
    shown = pixels(sheet.page.evaluate("() => document.querySelector('#draw-canvas').toDataURL()"))
    sent = sheet.drawing()
    side = len(shown)
    middles = ((np.arange(64) + 0.5) * side / 64).astype(int)
    assert (shown[np.ix_(middles, middles)] == sent).all()


def test_a_traced_picture_is_shown_and_not_sent(sheet: Sheet, tmp_path):
    Image.new("RGB", (90, 60), "navy").save(tmp_path / "photo.png")
    with sheet.page.expect_file_chooser() as chooser:
        sheet.press("Trace a picture")
    chooser.value.set_files(tmp_path / "photo.png")
    expect(sheet.page.locator(".traced")).to_be_visible()
    sheet.stroke((40, 60), (200, 60))
    assert (sheet.drawing()[30:] == 255).all()
    sheet.press("Trace a picture")
    expect(sheet.page.locator(".traced")).to_be_hidden()


def test_bucket_fills_an_area_of_one_class(labels: Sheet):
    labels.press("window")
    labels.stroke((64, 64), (192, 192))
    labels.press("Fill")
    labels.press("door")
    labels.stroke((128, 128))
    drawing = labels.drawing()
    assert at(drawing, 128, 128) == CMP["door"]
    assert at(drawing, 30, 30) == CMP["facade"]
    labels.press("shop")
    labels.stroke((10, 10))
    drawing = labels.drawing()
    assert colours(drawing) == {CMP["door"], CMP["shop"]}
    assert at(drawing, 128, 128) == CMP["door"]


def test_pick_takes_the_class_under_the_pointer(labels: Sheet):
    labels.press("balcony")
    labels.stroke((64, 64), (128, 128))
    labels.press("door")
    labels.press("Pick")
    labels.stroke((100, 100))
    expect(labels.page.get_by_role("button", name="balcony")).to_have_attribute("aria-pressed", "true")
    expect(labels.page.get_by_role("button", name="Rectangle")).to_have_attribute("aria-pressed", "true")


def test_start_from_an_empty_wall(labels: Sheet):
    labels.stroke((64, 64), (128, 128))
    labels.press("Empty wall")
    expect(labels.page.locator("#draw-picture")).to_be_hidden()
    labels.press("Undo")
    assert colours(labels.drawing()) == {CMP["facade"], CMP["window"]}


def test_a_stylus_presses(open_draw: Open):
    sheet = Sheet(open_draw(), "wide2shoes")
    for y, force in ((80, 0.15), (170, 1.0)):
        pen(sheet, "mousePressed", (60, y), force)
        for x in range(64, 200, 4):
            pen(sheet, "mouseMoved", (x, y), force)
        pen(sheet, "mouseReleased", (200, y), force)
    drawing = sheet.drawing()
    light, firm = (ink(part[:, 70:190]) for part in (drawing[:128], drawing[128:]))
    assert 0 < 1.3 * light < firm


def pen(sheet: Sheet, kind: str, point: tuple[float, float], force: float) -> None:
    x, y = sheet.at(point)
    session = sheet.page.context.new_cdp_session(sheet.page)
    down = {"button": "left", "buttons": 1, "clickCount": 1, "force": force, "pointerType": "pen"}
    session.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **down})


@pytest.mark.parametrize("model", ["wide2shoes", "tiny2facades"])
def test_on_a_small_phone_each_toolbar_is_one_row(open_draw: Open, model: str):
    page = open_draw(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    phone = Sheet(page, model)
    phone.press("Colour")
    for toolbar in (".tools button", ".colours :is(button, input)", ".options > :is(button, .width, .zoom)"):
        controls = page.locator(toolbar).filter(visible=True)
        boxes = [box for control in controls.all() if (box := control.bounding_box())]
        middles = [box["y"] + box["height"] / 2 for box in boxes]
        assert max(middles, default=0) - min(middles, default=0) < 4
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 360 for box in boxes)
    look = """(buttons) => buttons.map((e) =>
      [e.innerText.trim(), parseFloat(getComputedStyle(e).fontSize), e.scrollWidth - e.clientWidth])"""
    looks = page.locator(".tools button:not([hidden]), .options > button, .die").evaluate_all(look)
    assert len(looks) > 10
    assert all(word and size > 10 and cut < 2 for word, size, cut in looks), "a finger gets no title, but reads names"
    chosen, other = ("colour", "fill")
    border = "(tool) => getComputedStyle(tool).borderColor"
    borders = [page.locator(f".tool[data-tool={tool}]").evaluate(border) for tool in (chosen, other)]
    assert borders[0] != borders[1], "the chosen tool has a frame"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(page.get_by_text("Or start from")).to_be_visible()


def test_in_a_low_window_the_samples_can_be_reached_and_nothing_lies_on_another(labels: Sheet):
    for width, height in ((1366, 640), (780, 360)):
        labels.page.set_viewport_size({"width": width, "height": height})
        samples = labels.page.get_by_role("group", name="Sample drawings").bounding_box()
        assert samples
        assert samples["width"] > 240, "four of them are seen"
        cut = "(buttons) => buttons.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.innerText)"
        assert labels.page.locator(".swatches button").evaluate_all(cut) == []
    edits = [labels.page.get_by_role("button", name=name).bounding_box() for name in ("Undo", "Redo", "Clear")]
    assert len({box["y"] for box in edits if box}) == 1, "they stay together"
