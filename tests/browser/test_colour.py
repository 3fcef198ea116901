"""Colour hints as the canvas sends them, parts that are filled, and colourways."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, expect

from pix2pix.data.hints import PAPER as LIGHTEST
from pix2pix.data.hints import softened
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.files.places import GENERATOR_FILE
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.page.page import PAGE
from tests.browser.sheet import Open, Sheet, is_translation, pixels
from tests.browser.test_keep import more
from tests.browser.test_tools import at, touch
from tests.browser.test_views import others

Colour = tuple[int, int, int]

RED, BLUE, GREEN = (198, 40, 40), (47, 95, 179), (63, 143, 79)
FINER = 8  # how many times finer the expected strokes are drawn, then averaged
BOX = ((60, 60), (200, 60), (200, 180), (60, 180))
PAPER = (255, 255, 255)
FAR = 25  # grey levels between two colourways, on average over red, green and blue: the pictures must differ by 20


@pytest.fixture
def hints(open_draw: Open) -> Sheet:
    return Sheet(open_draw(), "wide2shoes")


def put(sheet: Sheet, tmp_path: Path, *strokes: dict[str, object]) -> None:
    """Opens a drawing of those strokes, and waits until it is there."""
    with sheet.page.expect_request(is_translation):
        give(sheet, tmp_path, *strokes)


def give(sheet: Sheet, tmp_path: Path, *strokes: dict[str, object]) -> None:
    path = tmp_path / "drawing.json"
    path.write_text(json.dumps({"kind": "edges", "strokes": strokes}))
    with sheet.page.expect_file_chooser() as chooser:
        more(sheet, "Open a drawing")
    chooser.value.set_files(path)


def saved(sheet: Sheet) -> list[dict[str, object]]:
    with sheet.page.expect_download() as download:
        more(sheet, "Save drawing as strokes")
    return json.loads(Path(download.value.path()).read_text())["strokes"]


def pen(*points: tuple[float, float]) -> dict[str, object]:
    return {"tool": "pen", "points": points}


def outline(gap: float = 0) -> dict[str, object]:
    """A box whose upper side has a gap of so many units between the ends of the line."""
    width = 2  # of the pen of wide2shoes
    left, right = 130 - (gap + width) / 2, 130 + (gap + width) / 2
    return pen((right, 60), *BOX[1:], BOX[0], (left if gap else 200, 60))


def hexed(colour: tuple[int, ...]) -> str:
    return "#" + bytes(map(int, colour)).hex()


def stroke(colour: Colour, width: int, *points: tuple[int, int]) -> dict[str, object]:
    return {"tool": "colour", "colour": hexed(colour), "width": width, "points": points}


def fill(colour: Colour, x: float, y: float) -> dict[str, object]:
    return {"tool": "fill", "colour": hexed(colour), "points": [(x, y)]}


def expected(*marks: tuple[Colour, np.ndarray]) -> np.ndarray:
    """What `softened` makes of marks, each a colour and its coverage (256, 256) from 0 to 1, the last on top."""
    premultiplied, coverage = np.zeros((256, 256, 3)), np.zeros((256, 256))
    for colour, mark in marks:
        premultiplied = premultiplied * (1 - mark[..., None]) + np.array(colour) * mark[..., None]
        coverage = coverage * (1 - mark) + mark
    colours = premultiplied / np.maximum(coverage, 1e-6)[..., None]
    return softened(np.rint(colours).astype(np.uint8), coverage).astype(int)


def line(width: int, start: tuple[int, int], end: tuple[int, int]) -> np.ndarray:
    """The coverage of a straight stroke with round ends."""
    fine = Image.new("L", (256 * FINER, 256 * FINER))
    draw = ImageDraw.Draw(fine)
    draw.line([(x * FINER, y * FINER) for x, y in (start, end)], 255, width * FINER)
    for x, y in (start, end):
        draw.circle((x * FINER, y * FINER), width * FINER / 2, 255)
    return np.asarray(fine.resize((256, 256), Image.Resampling.BOX)) / 255


def test_what_is_sent_is_softened_as_in_training(hints: Sheet, tmp_path: Path):
    """Strokes of all widths, over each other and over the rim of the paper; a filled part; and who does not see them.

    The bounds: the sides of a stroke differ by a tenth of a pixel's coverage (antialiasing of curves, in 8 bits),
    which the blur spreads and the opacity trebles. Its ends are round here and nearly so in the browser, by half a
    pixel. On average little more than the rounding to 8 bits is left.
    """
    strokes = [(RED, 4, (30, 40), (120, 40)), (BLUE, 9, (30, 80), (120, 80)), (GREEN, 16, (40, 130), (130, 130)),
               (RED, 28, (180, 60), (180, 200)), (BLUE, 28, (150, 150), (230, 150)),
               (GREEN, 9, (200, 0), (256, 0))]  # fmt: skip
    put(hints, tmp_path, *[stroke(colour, width, start, end) for colour, width, start, end in strokes])
    wanted = expected(*[(colour, line(width, start, end)) for colour, width, start, end in strokes])
    sent = hints.drawing()
    difference = np.abs(sent - wanted)
    y, x = np.mgrid[:256, :256]
    ends = [(width, *end) for _, width, *both in strokes for end in both]
    near_end = np.any([np.hypot(x - ex, y - ey) < width / 2 + 12 for width, ex, ey in ends], axis=0)
    assert difference[~near_end].max() <= 12
    assert difference.max() <= 32
    assert difference.mean() < 1
    for x, y in ((70, 40), (70, 80), (80, 130), (180, 90), (210, 150)):  # in the middles both are the colour itself
        assert difference[y, x].max() <= 2

    shown = pixels(hints.page.evaluate("() => document.querySelector('#draw-canvas').toDataURL()"))
    middles = ((np.arange(256) + 0.5) * len(shown) / 256).astype(int)
    # Between two pixels of the model's grid the screen interpolates: by half of the steepest step at most.
    assert np.abs(shown[np.ix_(middles, middles)] - sent).max() <= np.abs(np.diff(sent, axis=0)).max() / 2 + 2

    put(hints, tmp_path, outline(), fill(RED, 100, 100))
    sent = hints.drawing()
    mask, on_line = np.zeros((256, 256)), np.zeros((256, 256), bool)
    mask[61:179, 61:199] = 1  # training fills what is more paper than line, and the lines are two pixels wide
    on_line[57:183, 57:203], on_line[64:176, 64:196] = True, False
    assert np.abs(sent - expected((RED, mask)))[~on_line].max() <= 6  # the pen rounds the corners; elsewhere it is 1
    assert sent[58:62, 100].max(axis=1).min() < 60, "the line is above"

    hints.page.get_by_label("Model").select_option("tiny2shoes")  # has learned from no hints
    sent = hints.drawing()
    assert (sent == sent[..., :1]).all()


def test_fill_takes_what_the_lines_enclose_and_no_more(hints: Sheet, tmp_path: Path):
    for gap in (0, 3, 6):
        put(hints, tmp_path, outline(gap), pen((60, 120), (200, 120)))
        hints.press("Fill")
        hints.press("blue")
        hints.stroke((100, 90))
        drawing = hints.drawing()
        assert all(at(drawing, x, y) == BLUE for x, y in ((70, 70), (190, 70), (130, 90), (70, 110), (190, 110)))
        assert all(at(drawing, x, y) == PAPER for x, y in ((100, 150), (100, 30), (30, 90), (230, 90), (130, 35)))
    hints.stroke((130, 50), (130, 190))  # it has the Fill tool still: the press counts, a line does not
    assert at(hints.drawing(), 130, 90) == BLUE
    hints.press("Pen")
    hints.stroke((130, 40), (130, 190))
    assert at(hints.drawing(), 170, 90) == BLUE, "lines that come later change no part"
    hints.press("Undo")
    hints.press("Undo")
    assert at(hints.drawing(), 100, 90) == PAPER

    put(hints, tmp_path, outline(), pen((60, 66), (200, 66)), fill(GREEN, 130, 63))
    drawing = hints.drawing()
    assert at(drawing, 130, 63)[0] < 120, "a part that is narrower than a gap"
    assert at(drawing, 130, 120) == PAPER

    put(hints, tmp_path, outline(gap=20))
    hints.settle()
    asked = len(hints.sent)
    hints.press("Fill")
    for x, y in ((20, 20), (130, 120)):
        hints.stroke((x, y))
        expect(hints.page.locator(".status")).to_contain_text("Nothing is filled")
    hints.settle()
    assert len(hints.sent) == asked
    assert [each["tool"] for each in saved(hints)] == ["pen"]

    for bad in ({"colour": "red"}, {"colour": None}, {"points": []}, {"points": [[1, 2], [3, 4]]}):
        give(hints, tmp_path, outline(), fill(RED, 100, 100) | bad)
        expect(hints.page.locator(".status")).to_contain_text("drawing.json is not a drawing that can be opened")


def test_fill_by_touch_on_a_phone_and_by_keys(open_draw: Open, tmp_path: Path):
    phone = Sheet(open_draw(has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740}), "wide2shoes")
    put(phone, tmp_path, outline(), pen((60, 120), (200, 120)))
    phone.press("Fill")
    phone.press("blue")
    touch(phone, ("Start", [(10, 10)]), ("End", []))
    expect(phone.page.locator(".status")).to_contain_text("Nothing is filled")
    expect(phone.page.locator(".status")).to_be_in_viewport(ratio=1)
    touch(phone, ("Start", [(100, 100)]), ("End", []))
    assert at(phone.drawing(), 130, 80) == BLUE

    phone.page.get_by_role("button", name="red", exact=True).focus()
    phone.page.keyboard.press("Enter")
    phone.page.locator("#draw-canvas").focus()
    for key in ("ArrowLeft", "ArrowLeft", "Shift+ArrowDown", "Enter"):
        phone.page.keyboard.press(key)
    assert at(phone.drawing(), 128, 150) == RED
    assert saved(phone)[-1]["points"] == [[112, 129]]


# ------------------------------------------------------------------------------------------------------ colourways


def colours_sent(sheet: Sheet) -> list[tuple[int, ...]]:
    """What the middle of the box was in the last four drawings that were asked for."""
    sheet.settle()
    return [tuple(pixels(url)[150, 130]) for url in sheet.sent[-4:]]


def apart(colours: list[tuple[int, ...]]) -> float:
    every = np.array(colours)
    return min(np.abs(one - other).mean() for i, one in enumerate(every) for other in every[:i])


def test_colourways_come_from_hints_that_can_be_kept_and_undone(hints: Sheet, tmp_path: Path):
    put(hints, tmp_path, outline(gap=5), pen((60, 120), (200, 120)), fill(RED, 100, 90))
    hints.settle()
    hints.press("Variations")
    expect(hints.page.locator(".others img:visible")).to_have_count(4)
    pictures, first = others(hints), colours_sent(hints)
    assert apart(first) > FAR
    assert len(set(pictures)) == 4
    for drawing in map(pixels, hints.sent[-4:]):
        assert at(drawing, 20, 20) == PAPER
        assert at(drawing, 130, 90) == RED, "the drawing has a colour of its own there"
    hints.press("Again")
    other, second = others(hints), colours_sent(hints)
    assert apart(second) > FAR
    assert not set(first) & set(second)

    for number in (2, 4):  # the second one takes the place of the first
        hints.press(f"Keep variation {number}")
        hints.settle()
        assert hints.picture_url == other[number - 1]
        assert others(hints) == other
    *own, kept = saved(hints)
    assert [each["tool"] for each in own] == ["pen", "pen", "fill"]
    assert kept == {"tool": "inside", "colour": hexed(second[3]), "points": []}
    hints.press("Undo")
    hints.press("Undo")
    assert saved(hints) == own

    hints.page.reload()
    again = Sheet(hints.page, "wide2shoes")
    again.press("Variations")
    for picture, before in zip(others(again), pictures, strict=True):  # to a grey level: OpenVINO may be ready by now
        assert np.abs(pixels(picture).astype(int) - pixels(before)).max() <= 1, "the same drawing, the same pictures"


def test_a_drawing_without_an_inside_varies_by_chance_and_the_page_says_so(hints: Sheet, tmp_path: Path):
    put(hints, tmp_path, outline(gap=30))
    hints.press("Variations")
    note = hints.page.locator(".note")
    expect(note).to_contain_text("no inside to colour. These four differ by chance.")
    expect(hints.page.locator(".others img:visible")).to_have_count(4)
    assert len(set(others(hints))) == 4
    assert set(colours_sent(hints)) == {PAPER}
    hints.press("Keep variation 1")
    expect(hints.page.get_by_text("a variation", exact=True)).to_be_visible()
    hints.page.locator("#draw-canvas").scroll_into_view_if_needed()
    hints.stroke((110, 60), (150, 60))
    expect(note).to_be_hidden()
    assert apart(colours_sent(hints)) > FAR
    hints.press("Fill")
    hints.stroke((130, 120))
    expect(note).to_have_text("Nearly all of the inside has colours of its own. These four differ by chance.")
    assert len(set(colours_sent(hints))) == 1
    assert len(set(others(hints))) == 4


def test_where_a_seed_changes_nothing_no_four_pictures_of_one_kind_are_shown(open_draw: Open, runs: Path):
    for name, colour_hints in (("still2shoes", True), ("bare2shoes", False)):
        metadata = Metadata(name, 1, a=Side("edges"), b=Side("photo"), colour_hints=colour_hints)
        checkpoint.save(runs / name / GENERATOR_FILE, Generator(GeneratorConfig(32, ngf=1, dropout=0)), metadata)
    try:
        sheet = Sheet(open_draw(), "still2shoes")
        sheet.stroke((60, 60), (200, 60))
        sheet.press("Variations")
        expect(sheet.page.locator(".note")).to_contain_text("Close the outline, and four colours appear here.")
        assert others(sheet) == [""] * 4
        expect(sheet.page.get_by_text("Keep", exact=True).first).to_be_hidden()
        sheet.stroke((200, 60), (200, 180), (60, 180), (60, 60))
        expect(sheet.page.locator(".others img:visible")).to_have_count(4)
        sheet.page.get_by_label("Model").select_option("bare2shoes")
        expect(sheet.page.get_by_role("button", name="Variations")).to_be_hidden()
    finally:
        for name in ("still2shoes", "bare2shoes"):
            shutil.rmtree(runs / name)


def test_every_roll_has_four_colours_far_apart(browser: Browser):
    page = browser.new_page()
    script = (PAGE / "colourways.js").read_text("utf-8")
    rolled = "(rows) => Array.from({ length: 200 }, (_, i) => colourway(i, rows))"
    shoes, walls = page.evaluate(f"() => {{ {script}\n return [COLOURWAYS, WALLS].map({rolled}); }}")
    page.close()
    for roll, after in [*pairwise(shoes), *pairwise(walls)]:
        assert apart([tuple(bytes.fromhex(colour[1:])) for colour in roll]) > FAR
        assert not set(roll) & set(after)
    for colour in {colour for roll in shoes for colour in roll}:
        assert min(bytes.fromhex(colour[1:])) < LIGHTEST, "lighter ones would not be seen"
