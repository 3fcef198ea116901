"""Nothing that was drawn is lost, and it can be taken along."""

import json

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.browser.sheet import Open, Sheet, ink, pixels


def more(sheet: Sheet, name: str) -> None:
    sheet.page.locator("summary").click()
    sheet.press(name)


def test_the_drawing_survives_a_refresh(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), (120, 200))
    before = sheet.drawing()
    of_another_tab = json.dumps({"model": "tiny2facades", "drawings": []})
    sheet.page.evaluate("(drawn) => localStorage.setItem('pix2pix studio', drawn)", of_another_tab)
    sheet.page.reload()
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    expect(sheet.page.get_by_label("Model")).to_have_value("tiny2shoes")
    assert (sheet.drawing() == before).all()


def test_each_kind_of_drawing_survives_a_refresh(open_draw: Open):
    labels = Sheet(open_draw(), "tiny2facades")
    labels.stroke((64, 64), (128, 128))
    painted = labels.drawing()
    labels.page.get_by_label("Model").select_option("tiny2shoes")
    labels.stroke((40, 60), (200, 80))
    labels.page.reload()
    expect(labels.page.locator("#draw-picture")).to_be_visible()
    labels.page.get_by_label("Model").select_option("tiny2facades")
    assert (labels.drawing() == painted).all()


def test_what_another_version_has_kept_is_no_obstacle(sheet: Sheet):
    kept = '{"drawings": [["null", {"strokes": [{}]}]]}'
    sheet.page.evaluate("(kept) => [localStorage, sessionStorage].map((all) => (all['pix2pix studio'] = kept))", kept)
    sheet.page.reload()
    again = Sheet(sheet.page, "tiny2shoes")
    again.stroke((40, 60), (200, 80))
    assert ink(again.drawing()) > 10


def test_drawing_and_picture_side_by_side(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), (120, 200))
    drawn = sheet.drawing()
    with sheet.page.expect_download() as download:
        more(sheet, "Save drawing and picture")
    both = np.asarray(Image.open(download.value.path()).convert("RGB")).astype(int)
    assert (both[:, :64] == drawn).all()
    assert (both[:, 64:] == pixels(sheet.picture_url)).all()


def test_a_drawing_is_saved_and_opened_again(sheet: Sheet):
    sheet.stroke((40, 60), (200, 80), (120, 200))
    drawn = sheet.drawing()
    with sheet.page.expect_download() as download:
        more(sheet, "Save drawing as strokes")
    kept = json.loads(download.value.path().read_text())
    assert kept["kind"] == "edges"
    assert len(kept["strokes"]) == 1
    sheet.press("Clear")
    with sheet.page.expect_file_chooser() as chooser:
        more(sheet, "Open a drawing")
    chooser.value.set_files(download.value.path())
    expect(sheet.page.locator("#draw-picture")).to_be_visible()
    assert (sheet.drawing() == drawn).all()


def test_what_is_no_drawing_is_said_in_words(sheet: Sheet, tmp_path):
    for name, text in {
        "text.json": "no JSON",
        "labels.json": '{"kind": "labels", "strokes": [], "background": "water"}',
        "nonsense.json": '{"kind": "edges", "strokes": [{"tool": "hammer", "points": [[1, 2]]}]}',
        "endless.json": '{"kind": "edges", "strokes": [{"tool": "pen", "points": []}]}',
    }.items():
        (tmp_path / name).write_text(text)
        with sheet.page.expect_file_chooser() as chooser:
            more(sheet, "Open a drawing")
        chooser.value.set_files(tmp_path / name)
        expect(sheet.page.locator(".status")).to_contain_text(f"{name} is not a drawing that can be opened")
    expect(sheet.page.get_by_role("button", name="Undo")).to_be_disabled()
