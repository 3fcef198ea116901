"""A picture remembers its drawing, and a link is a drawing: both come back as they were. Strangers' are data only."""

import base64
import io
import json
import math
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.sheet import Open, Sheet, drop, ink, pixels
from tests.browser.test_keep import more
from tests.browser.test_web import both, difference

KEYWORD = "pix2pix drawing"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
CLIPBOARD = ["clipboard-read", "clipboard-write"]


def saved(sheet: Sheet) -> bytes:
    with sheet.page.expect_download() as download:
        sheet.press("Save picture")
    return download.value.path().read_bytes()


def remembered(png: bytes) -> dict[str, Any]:
    picture = Image.open(io.BytesIO(png))
    assert isinstance(picture.info[KEYWORD], str)
    return json.loads(picture.info[KEYWORD])


def copied(page: Page) -> str:
    page.context.grant_permissions(CLIPBOARD)
    page.get_by_label("More to save and open").click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".status")).to_contain_text("Link copied")
    return page.evaluate("navigator.clipboard.readText()")


def link_of(home: str, drawing: Any) -> str:
    """As the page would make it, of anything."""
    text = drawing if isinstance(drawing, bytes) else json.dumps(drawing).encode()
    deflate = zlib.compressobj(wbits=-15)
    packed = deflate.compress(text) + deflate.flush()
    return f"{home}#drawing={base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def lines(*strokes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": 1, "kind": "edges", "strokes": list(strokes), **more}


LINE = {"tool": "pen", "x": [4000, 100, 0], "y": [6000, 0, 0]}  # (40, 60), (81, 120), (122, 180)


def test_a_saved_picture_is_the_drawing_again(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.press("Variations")
    sheet.settle()
    sheet.press("Keep variation 3")
    drawn, picture = sheet.drawing(), sheet.picture_url
    png = saved(sheet)
    memory = remembered(png)
    assert (memory["model"], memory["kind"], len(memory["strokes"])) == ("tiny2shoes", "edges", 1)
    assert isinstance(memory["seed"], int)
    assert (pixels(picture) == pixels("," + base64.b64encode(png).decode())).all()

    sheet.press("Clear")
    sheet.press("Plain again")
    sheet.page.get_by_label("Model").select_option("wide2shoes")
    drop(sheet.page, "shoe.png", "image/png", png)
    expect(sheet.page.get_by_label("Model")).to_have_value("tiny2shoes")
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    assert (sheet.drawing() == drawn).all()
    assert sheet.picture_url == picture, "the same drawing, model and seed"
    sheet.page.reload()
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    assert (sheet.drawing() == drawn).all()
    assert json.loads(sheet.page.evaluate("localStorage.getItem('pix2pix studio')"))["model"] == "tiny2shoes"


def test_drawing_and_picture_side_by_side_remember_too(labels: Sheet):
    labels.press("door")
    labels.stroke((64, 64), (128, 128))
    painted = labels.drawing()
    with labels.page.expect_download() as download:
        more(labels, "Save drawing and picture")
    png = download.value.path().read_bytes()
    labels.press("Empty wall")
    labels.page.get_by_label("Model").select_option("tiny2shoes")
    drop(labels.page, "house.png", "image/png", png)
    expect(labels.page.get_by_label("Model")).to_have_value("tiny2facades")
    assert (labels.drawing() == painted).all()


def test_it_remembers_the_drawing_that_the_picture_was_made_of(sheet: Sheet):
    """Not one that is newer than the picture, which the server may owe for some time."""
    sheet.stroke((40, 60), (200, 80))
    sheet.settle()
    sheet.page.route("**/component_server/", lambda route: None)
    sheet.stroke((40, 160), (200, 180))
    assert len(remembered(saved(sheet))["strokes"]) == 1


def test_a_picture_that_remembers_nothing_is_traced(sheet: Sheet):
    file = io.BytesIO()
    Image.new("RGB", (90, 60), "navy").save(file, "PNG")
    drop(sheet.page, "photo.png", "image/png", file.getvalue())
    expect(sheet.page.locator(".traced")).to_be_visible()
    drop(sheet.page, "broken.png", "image/png", b"broken")
    expect(sheet.page.locator(".status")).to_contain_text("broken.png is not a picture that can be shown")
    expect(sheet.page.locator(".traced")).to_be_visible()
    drop(sheet.page, "photo.png", "image/png", file.getvalue())
    expect(sheet.page.locator(".status")).to_be_empty()


def test_where_a_picture_lands_is_shown_while_it_is_dragged(sheet: Sheet):
    transfer = sheet.page.evaluate_handle("new DataTransfer()")
    sheet.page.dispatch_event("#draw-canvas", "dragover", {"dataTransfer": transfer})
    expect(sheet.page.locator(".board.over")).to_be_visible()
    sheet.page.dispatch_event("#draw-canvas", "dragleave", {"dataTransfer": transfer})
    expect(sheet.page.locator(".board.over")).to_have_count(0)


def test_a_link_from_a_phone_is_the_drawing_on_another_page(open_draw: Open):
    sheet = Sheet(open_draw(**PHONE), "wide2shoes")
    sheet.stroke((40, 60), (200, 80), (120, 200))
    sheet.press("Colour")
    sheet.stroke((60, 150), (90, 170))
    drawn = sheet.drawing()
    link = copied(sheet.page)
    assert len(link) < 1500

    other = Sheet(open_draw(), "tiny2facades")
    opens = (
        "(link) => { location.href = link; dispatchEvent(new HashChangeEvent('hashchange')); return location.href; }"
    )
    assert other.page.evaluate(opens, link) == link, "the address has the drawing until the page has it"
    other.page.reload()
    expect(other.page.get_by_label("Model")).to_have_value("wide2shoes")
    expect(other.page.locator("#draw-picture")).to_be_visible()
    assert (other.drawing() == drawn).all()
    assert other.page.url == sheet.page.url, "a refresh must not bring the link's drawing over a newer one"
    other.press("Pen")
    other.stroke((40, 220), (200, 220))
    with_more = other.drawing()
    other.page.reload()
    expect(other.page.locator("#draw-picture")).to_be_visible()
    assert (other.drawing() == with_more).all()


def test_a_link_in_an_open_page_takes_nothing_away(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80))
    mine = sheet.drawing()
    sheet.page.goto(link_of(sheet.page.url, lines(LINE, model="tiny2shoes")))
    expect(sheet.page).to_have_url(sheet.page.url.split("#")[0])
    sheet.settle()
    assert (sheet.drawing() != mine).any()
    sheet.press("Undo")
    assert (sheet.drawing() == mine).all()


def test_keys_alone_copy_a_link(sheet: Sheet):
    sheet.page.context.grant_permissions(CLIPBOARD)
    sheet.stroke((40, 60), (200, 80))
    sheet.page.get_by_label("More to save and open").focus()
    sheet.page.keyboard.press("Enter")
    while sheet.page.evaluate("document.activeElement.textContent") != "Copy link":
        sheet.page.keyboard.press("Tab")
    sheet.page.keyboard.press("Enter")
    expect(sheet.page.locator(".status")).to_contain_text("Link copied")
    assert "#drawing=" in sheet.page.evaluate("navigator.clipboard.readText()")


def test_a_link_without_the_clipboard_of_secure_pages(open_draw: Open):
    """By http from another machine a page has no navigator.clipboard."""
    sheet = Sheet(open_draw(permissions=CLIPBOARD), "tiny2shoes")
    sheet.stroke((40, 60), (200, 80))
    sheet.page.evaluate("() => { window.real = navigator.clipboard;"
                        "Object.defineProperty(navigator, 'clipboard', { value: undefined }); }")  # fmt: skip
    more(sheet, "Copy link")
    expect(sheet.page.locator(".status")).to_contain_text("Link copied")
    assert "#drawing=" in sheet.page.evaluate("window.real.readText()")


def test_a_long_drawing_gets_a_link_of_simpler_lines(sheet: Sheet):
    rng = np.random.default_rng(0)
    waves = [[[x / 2, round(y + 3 * math.sin(x / 9) + rng.normal(0, 0.05), 2)] for x in range(40, 480)]
             for y in range(20, 240, 20)]  # fmt: skip
    strokes = [{"tool": "pen", "points": wave} for wave in waves]
    drawing = json.dumps({"kind": "edges", "strokes": strokes}).encode()
    drop(sheet.page, "waves.json", "application/json", drawing)
    drawn = sheet.drawing()
    link = copied(sheet.page)
    expect(sheet.page.locator(".status")).to_contain_text("simpler")
    assert len(link) <= 4000
    sheet.press("Clear")
    sheet.page.goto(link)
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    again = sheet.drawing()
    assert abs(ink(again) - ink(drawn)) < 0.03 * ink(drawn)
    assert abs(again - drawn).mean() < 10, "of 255"


def test_a_model_that_is_not_here_gives_way_to_one_of_its_kind(sheet: Sheet):
    sheet.page.get_by_label("Model").select_option("tiny2facades")
    sheet.page.goto(link_of(sheet.page.url, lines(LINE, model="edges2dragons", seed=5)))
    expect(sheet.page.get_by_label("Model")).to_have_value(re.compile("2shoes"))
    expect(sheet.page.locator(".note")).to_have_text("It was made by edges2dragons, which is not here.")
    sheet.stroke((40, 160), (200, 180))
    expect(sheet.page.locator(".note")).to_be_hidden()


MARKUP = "<img src=x onerror='window.harmed = 1'>"
BAD_LINKS = {
    "letters": (None, "it is damaged"),
    "a bomb": (b"[" + b" " * 50_000_000, "it is too large"),
    "no JSON": (b"strokes", "it is damaged"),
    "a number": (7, "it has no strokes"),
    "a hammer": (lines({**LINE, "tool": "hammer"}), "a stroke of a tool that is not known"),
    "a prototype": (lines({**LINE, "tool": "__proto__"}), "a stroke of a tool that is not known"),
    "words for places": (lines({**LINE, "x": ["a", "b", "c"]}), "a stroke that cannot be drawn"),
    "places without end": (lines({**LINE, "x": [1e308, 1e308, 1e308]}), "a stroke that cannot be drawn"),
    "half of a place": (lines({**LINE, "y": [1]}), "a stroke that cannot be drawn"),
    "a colour that is markup": (lines({**LINE, "tool": "colour", "colour": MARKUP}), "a stroke that cannot be drawn"),
    "strokes without end": (lines(*[LINE] * 5001), "it has more than 5000 strokes"),
    "a broad brush without end": (
        lines({**LINE, "tool": "brush", "width": 256, "x": [0] + [9] * 10_000, "y": [0] * 10_001}),
        "it is too much to paint",
    ),
    "another kind": (lines(LINE, kind=MARKUP), "there is no model here for such a drawing"),
    "labels that nobody knows": (
        {"kind": "labels", "background": MARKUP, "strokes": [{**LINE, "tool": "brush", "width": 3, "label": MARKUP}]},
        "there is no model here for such a drawing",
    ),
}


def test_links_of_strangers_harm_nothing(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80))
    mine = sheet.drawing()
    home = sheet.page.url
    sheet.page.set_viewport_size({"width": 360, "height": 740})
    for what, (content, words) in BAD_LINKS.items():
        sheet.page.goto(f"{home}#drawing=%3Cb%3E" if content is None else link_of(home, content))
        note = sheet.page.locator(".note")
        expect(note, what).to_have_text(f"This link is not a drawing that can be opened here: {words}.")
        expect(note).to_be_in_viewport(ratio=1)
        expect(sheet.page).to_have_url(home)
        sheet.page.evaluate("document.querySelector('.note').textContent = ''")
    assert not sheet.page.evaluate("window.harmed")
    assert (sheet.drawing() == mine).all()
    expect(sheet.page.get_by_role("button", name="Redo")).to_be_disabled()
    assert (
        len(json.loads(sheet.page.evaluate("localStorage.getItem('pix2pix studio')"))["drawings"][0][1]["strokes"]) == 1
    )


def test_names_in_a_link_are_never_markup(sheet: Sheet):
    sheet.page.goto(link_of(sheet.page.url, lines({**LINE, "label": MARKUP}, model=MARKUP, background=MARKUP)))
    expect(sheet.page.locator(".note")).to_have_text(f"It was made by {MARKUP}, which is not here.")
    assert not sheet.page.evaluate("window.harmed")
    assert sheet.page.locator("img[src=x]").count() == 0


def test_places_far_away_are_brought_near(sheet: Sheet):
    """A line of some million units would otherwise be cut into as many parts."""
    far = {"tool": "pen", "x": [4000, 10**13], "y": [6000, 0]}
    sheet.page.goto(link_of(sheet.page.url, lines(far)))
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    assert ink(sheet.drawing()) > 10


def test_a_damaged_memory_is_said_in_words(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80))
    sheet.settle()
    png = saved(sheet)
    start = png.index(b"iTXt") + 4 + len(KEYWORD) + 5
    after = 33 + 12 + int.from_bytes(png[33:37], "big")
    bomb = zlib.compress(b" " * 20_000_000)
    length = (len(png[41:start]) + len(bomb)).to_bytes(4, "big")
    for name, content, words in (
        ("overwritten", png[: start + 4] + bytes(36) + png[start + 40 :], "it is damaged"),
        ("cut", png[: start + 20], "it is damaged"),
        ("bomb", png[:33] + length + png[37:start] + bomb + bytes(4) + png[after:], "it is too large"),
    ):
        drop(sheet.page, f"{name}.png", "image/png", content)
        status = sheet.page.locator(".status")
        expect(status).to_have_text(f"{name}.png is not a drawing that can be opened here: {words}.")


def test_the_page_in_one_file_opens_links_and_pictures(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny)
    page.get_by_role("button", name="Boot").click()
    drawing, _ = both(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    png = download.value.path().read_bytes()
    link = copied(page)
    assert link.startswith(tiny.as_uri() + "#drawing=")

    page.get_by_role("button", name="Clear").click()
    drop(page, "boot.png", "image/png", png)
    assert difference(both(page)[0], drawing) == 0

    other = open_file(Path(tiny), viewport={"width": 360, "height": 740})
    other.goto(link)
    assert difference(both(other)[0], drawing) == 0
    assert other.url == tiny.as_uri()
