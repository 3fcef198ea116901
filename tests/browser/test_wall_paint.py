"""Paint on the walls of label maps as the canvas sends it, and the colourways of walls."""

import json
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, expect

from pix2pix.page.page import PAGE
from pix2pix.palette import CMP, apart
from tests.browser.sheet import Sheet, body_of, is_translation, pixels
from tests.browser.test_colour import hexed
from tests.browser.test_keep import more
from tests.browser.test_views import others

BRICK = (158, 84, 66)


def give(labels: Sheet, tmp_path: Path, *strokes: dict[str, object]) -> np.ndarray:
    """Opens a plan of those strokes on a wall. What the model gets, (64, 64, 3)."""
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"kind": "labels", "background": "facade", "strokes": strokes}))
    with labels.page.expect_request(is_translation), labels.page.expect_file_chooser() as chooser:
        more(labels, "Open a drawing")
        chooser.value.set_files(path)
    return labels.drawing()


def saved(labels: Sheet) -> list[dict[str, object]]:
    with labels.page.expect_download() as download:
        more(labels, "Save drawing as strokes")
    return json.loads(Path(download.value.path()).read_text())["strokes"]


def area(label: str, left: int, top: int, right: int, bottom: int) -> dict[str, object]:
    return {"tool": "rect", "label": label, "points": [(left, top), (right, bottom)]}


def hint(tool: str, colour: tuple[int, int, int], *points: tuple[int, int], **more: object) -> dict[str, object]:
    return {"tool": tool, "colour": hexed(colour), "points": points, **more}


def at(seen: np.ndarray, x: int, y: int) -> tuple[int, ...]:
    return tuple(seen[y // 4, x // 4])


def test_paint_lies_on_walls_alone_and_off_their_rim(labels: Sheet, tmp_path: Path):
    """A stroke over a window and the sky; a fill between two bands; a door that comes later; a wall painted anew."""
    ochre = (196, 150, 88)
    seen = give(
        labels, tmp_path,
        area("background", 0, 0, 256, 64), area("window", 100, 120, 140, 180), area("cornice", 0, 208, 256, 220),
        hint("colour", BRICK, (20, 30), (20, 150), (240, 150), width=24), hint("fill", ochre, (128, 240)),
        area("door", 200, 120, 224, 200), area("facade", 40, 130, 64, 170),
    )  # fmt: skip
    assert at(seen, 80, 150) == at(seen, 180, 150) == at(seen, 20, 100) == BRICK
    assert at(seen, 120, 150) == CMP["window"]
    assert at(seen, 20, 40) == CMP["background"]
    assert at(seen, 212, 150) == CMP["door"], "what comes later lies above"
    assert at(seen, 52, 150) == CMP["facade"], "a wall that is painted anew is bare"
    assert at(seen, 96, 150) == at(seen, 196, 150) == CMP["facade"], "beside another class there is no paint"
    assert at(seen, 128, 240) == ochre
    assert at(seen, 80, 90) == at(seen, 80, 190) == CMP["facade"]


def test_walls_have_colourways_that_can_be_kept_and_undone(labels: Sheet, tmp_path: Path):
    own = [area("background", 0, 0, 256, 64), area("window", 100, 120, 140, 180)]
    give(labels, tmp_path, *own)
    with labels.page.expect_request(is_translation):
        labels.press("Variations")
    expect(labels.page.locator(".others img:visible")).to_have_count(4)
    labels.settle()
    sent = [pixels(each) for each in labels.sent[-4:]]
    walls = {at(seen, 40, 200) for seen in sent}
    assert len(walls) == 4
    assert not walls & set(CMP.values())
    assert {(at(seen, 120, 150), at(seen, 40, 30)) for seen in sent} == {(CMP["window"], CMP["background"])}
    assert len(set(others(labels))) == 4
    labels.press("Keep variation 2")
    *kept, wall = saved(labels)
    assert [stroke["tool"] for stroke in kept] == ["rect", "rect"]
    assert (wall["tool"], wall["points"]) == ("inside", [])
    labels.press("Again")
    labels.settle()
    again = {at(pixels(each), 40, 200) for each in labels.sent[-4:]}
    assert len(again) == 4
    assert not again & walls
    labels.press("Undo")
    assert [stroke["tool"] for stroke in saved(labels)] == ["rect", "rect"]


def test_a_map_without_a_wall_varies_by_chance_and_the_page_says_so(labels: Sheet, tmp_path: Path):
    give(labels, tmp_path, area("window", 0, 0, 256, 256))
    with labels.page.expect_request(is_translation) as request:
        labels.press("Variations")
    note = labels.page.locator(".note")
    expect(note).to_contain_text("no facade to paint in this map. These four differ by chance.")
    assert body_of(request.value)["data"]["seed"] is not None
    labels.settle()
    give(labels, tmp_path, area("background", 0, 0, 256, 64), hint("fill", BRICK, (128, 200)))
    expect(note).to_have_text("Nearly all of the facade in this map is painted. These four differ by chance.")
    labels.settle()
    assert {at(pixels(each), 128, 200) for each in labels.sent[-4:]} == {BRICK}


def test_the_tools_offer_colours_and_a_fill_has_what_was_chosen_last(labels: Sheet):
    page, brown = labels.page, (122, 74, 43)
    expect(page.locator(".colours")).to_be_hidden()
    labels.press("Fill")
    labels.press("brown")
    labels.stroke((200, 200))
    assert at(labels.drawing(), 200, 200) == brown
    labels.press("door")
    labels.stroke((100, 100))
    assert at(labels.drawing(), 200, 200) == CMP["door"], "a class takes the paint with it"
    labels.press("brown")
    labels.stroke((100, 100))
    expect(page.locator(".status")).to_have_text("Nothing is painted: colours are for facade alone.")
    labels.press("Undo")
    labels.press("Undo")
    labels.press("Colour")
    expect(page.locator(".colours")).to_be_visible()
    labels.stroke((60, 60), (120, 60))
    assert at(labels.drawing(), 90, 60) == brown


def test_colours_near_to_a_class_become_greyer_as_in_training(browser: Browser):
    """To a level: halves are rounded up there, and to even numbers here."""
    colours = [(198, 40, 40), (47, 95, 179), (7, 120, 250), (255, 0, 0), BRICK, (232, 195, 58)]
    page = browser.new_page()
    script = "\n".join((PAGE / f"{name}.js").read_text("utf-8") for name in ("hints", "wall_paint"))
    given = [[hexed(colour) for colour in colours], [[name, colour] for name, colour in CMP.items()]]
    made = page.evaluate(
        f"([colours, palette]) => {{ {script}\n return colours.map((c) => paintPixel(c, palette)); }}", given
    )
    page.close()
    for number, colour in zip(made, colours, strict=True):
        levels = np.frombuffer(int(number).to_bytes(4, "little"), np.uint8)[:3].astype(int)
        assert np.abs(levels - apart(np.array(colour, float), CMP)).max() <= 1
