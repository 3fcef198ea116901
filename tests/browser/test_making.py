"""Strokes keep their times: the making of a drawing and its picture is replayed, and saved as an animation."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.sheet import Open, Sheet, drop, image, ink, is_translation, lose, pixels
from tests.browser.test_keep import more
from tests.browser.test_remember import PHONE
from tests.browser.test_symmetry import kept
from tests.browser.test_web import both, difference

# Two lines: the first takes two seconds, the second a second and a half.
LINES = [
    {"tool": "pen", "points": [[30, 40], [90, 40], [220, 40]], "times": [0, 1000, 2000]},
    {"tool": "pen", "points": [[30, 200], [220, 200]], "times": [0, 1500]},
]
HOURS = [{"tool": "pen", "points": [[30, 40], [220, 40]], "times": [0, 9_000_000]}]
DOT = [{"tool": "pen", "points": [[120, 120]], "times": [0]}]
WAIT = 240_000  # ms for an animation of some fifty pictures, on a busy machine


def put(page: Page, strokes: list[dict[str, Any]]) -> None:
    drop(page, "made.json", "application/json", json.dumps({"kind": "edges", "strokes": strokes}).encode())


def saved_as(page: Page, kind: str) -> tuple[list[np.ndarray], list[int]]:
    """The pictures of the animation, and how many ms each stays."""
    button = page.get_by_role("button", name=f"Save as {kind}")
    with page.expect_download(timeout=WAIT) as download:
        button.press("Enter")
    expect(button).to_be_focused()  # it was off meanwhile
    assert download.value.suggested_filename.endswith(f" drawn.{kind.lower()}")
    frames, times = [], []
    with Image.open(download.value.path()) as animation:
        assert animation.format == kind.upper()
        for i in range(getattr(animation, "n_frames", 1)):
            animation.seek(i)
            animation.load()
            frames.append(np.asarray(animation.convert("RGB")).astype(int))
            times.append(int(animation.info["duration"]))
    return frames, times


def test_a_stroke_keeps_its_times_without_being_asked(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), up=False)
    sheet.page.wait_for_timeout(400)
    sheet.page.mouse.move(*sheet.at((120, 200)), steps=5)
    sheet.page.mouse.up()
    sheet.settle()
    (line,) = kept(sheet.page)[-1]["strokes"]
    assert len(line["times"]) == len(line["points"])
    assert line["times"] == sorted(line["times"])
    assert line["times"][0] == 0
    assert line["times"][-1] >= 400
    with sheet.page.expect_download() as download:
        more(sheet, "Save drawing as strokes")
    assert json.loads(download.value.path().read_text())["strokes"] == [line]
    sheet.page.reload()
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    sheet.press("Clear")
    sheet.press("Undo")
    assert kept(sheet.page)[-1]["strokes"] == [line]


def test_the_making_is_replayed_on_the_boards(sheet: Sheet):
    page = sheet.page
    put(page, LINES)
    whole = sheet.drawing()
    picture = sheet.picture_url
    expect(page.locator(".recall:visible")).to_have_count(1)
    before = len(sheet.sent)
    sheet.press("Replay drawing")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()  # it is over
    sheet.settle()
    inks = [ink(pixels(url)) for url in sheet.sent[before:]]
    assert len(inks) > 3
    assert inks == sorted(inks)
    assert inks[0] < ink(whole) / 2
    assert (sheet.drawing() == whole).all()
    assert sheet.picture_url == picture
    page.wait_for_timeout(2000)
    expect(page.locator(".recall:visible")).to_have_count(1)  # a look back makes no results

    slider = page.get_by_label("Moment of the drawing")
    slider.fill("250")
    assert 0 < ink(sheet.drawing()) < ink(whole) * 0.6
    assert (sheet.drawing()[40:] == 255).all(), "the second line has not begun"
    slider.focus()
    page.keyboard.press("End")
    sheet.settle()
    assert (sheet.drawing() == whole).all()
    slider.fill("250")
    sheet.settle()
    sheet.stroke((30, 120), (220, 120))
    assert ink(sheet.drawing()) > ink(whole) * 1.3, "whoever draws has all of the drawing"
    sheet.press("Replay drawing")
    expect(page.get_by_label("Moment of the drawing")).to_be_hidden()


def test_drawing_and_picture_are_saved_as_an_animation(sheet: Sheet):
    put(sheet.page, LINES)
    drawn = sheet.drawing()
    sheet.press("Replay drawing")
    for kind in ("WebP", "GIF"):
        frames, times = saved_as(sheet.page, kind)
        assert 5000 <= sum(times) <= 15_000
        assert len(frames) > 20
        assert {frame.shape for frame in frames} == {(64, 128, 3)}
        inks = [ink(frame[:, :64]) for frame in frames]
        assert all(later > earlier - 12 for earlier, later in pairwise(inks))
        assert inks[0] < 0.3 * inks[-1]
        assert np.abs(frames[-1][:, :64] - drawn).mean() < 6
        assert np.abs(frames[-1][:, 64:] - pixels(sheet.picture_url)).mean() < 12
        assert times[-1] >= 1000, "the finished one stays for a while"

    put(sheet.page, HOURS)  # whose making takes fifteen seconds
    sheet.settle()
    _, times = saved_as(sheet.page, "GIF")
    assert sum(times) == 15_000
    put(sheet.page, DOT)  # and that of a dot five
    sheet.settle()
    for kind in ("GIF", "WebP"):
        _, times = saved_as(sheet.page, kind)
        assert sum(times) == 5000


def test_an_animation_can_be_given_up_and_survives_a_lost_connection(sheet: Sheet):
    put(sheet.page, HOURS)
    sheet.settle()
    sheet.press("Replay drawing")
    sheet.press("Pause")
    sheet.settle()
    lose(sheet.page, 2, lambda route: route.abort())
    sheet.press("Save as GIF")
    expect(sheet.page.locator(".status")).to_contain_text("Making the animation")
    with sheet.page.expect_event("requestfinished", is_translation, timeout=WAIT):
        pass
    sheet.press("Give up")
    expect(sheet.page.get_by_role("button", name="Save as GIF")).to_be_enabled()
    expect(sheet.page.get_by_role("button", name="Give up")).to_be_hidden()


def test_times_that_cannot_be_are_left_out(sheet: Sheet):
    points = [[30, 40], [220, 40]]
    bad = ([0], [0, -1], [5, 1], ["0", 1], [0, 1e99], [0, 0.5], "ab", {"length": 2})
    put(sheet.page, [{"tool": "pen", "points": points, "times": times} for times in bad])
    sheet.settle()
    strokes = kept(sheet.page)[-1]["strokes"]
    assert len(strokes) == len(bad)
    assert not any("times" in line for line in strokes)


def test_plans_are_replayed_too(labels: Sheet):
    labels.press("window")
    labels.stroke((64, 64), (192, 192))
    whole = labels.drawing()
    labels.press("Replay drawing")
    labels.page.get_by_label("Moment of the drawing").fill("300")
    part = labels.drawing()
    assert 0 < (part != part[0, 0]).any(axis=2).sum() < (whole != whole[0, 0]).any(axis=2).sum()


def test_on_a_phone(open_draw: Open):
    phone = Sheet(open_draw(**PHONE), "tiny2shoes")
    put(phone.page, LINES)
    phone.settle()
    phone.page.get_by_role("button", name="Replay drawing").tap()
    phone.page.get_by_role("button", name="Pause").tap()
    for theme in ("light", "dark"):
        phone.page.emulate_media(color_scheme=theme)
        expect(phone.page.locator("body.dark")).to_have_count(int(theme == "dark"))
        slider = phone.page.get_by_label("Moment of the drawing").bounding_box()
        assert slider is not None
        assert slider["width"] > 150
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360
        for name in ("Save as WebP", "Save as GIF"):
            box = phone.page.get_by_role("button", name=name).bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= 360


def test_the_page_in_one_file_saves_animations(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny)
    put(page, LINES)
    drawing, picture = both(page)
    page.get_by_role("button", name="Replay drawing").click()
    frames, times = saved_as(page, "WebP")
    assert 5000 <= sum(times) <= 15_000
    last = Image.fromarray(frames[-1].astype(np.uint8))
    assert difference(last.crop((0, 0, 64, 64)), drawing) < 6
    assert difference(last.crop((64, 0, 128, 64)), picture) < 12
    assert image(page.locator("#draw-picture").get_attribute("src")).size == (64, 64)
