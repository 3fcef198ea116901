"""The page in one file, opened from disk by a real browser that has no network."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pix2pix import Translator
from pix2pix.__main__ import main
from pix2pix.files.places import ROOT
from tests.browser.conftest import QUIET, READY

TIME = re.compile(r"A picture takes \d+ ms.*WebAssembly in this browser; nothing leaves it")


def both(page: Page) -> tuple[Image.Image, Image.Image]:
    """The drawing as the network saw it, and the picture, once the newest one is there."""
    expect(page.locator("#draw-picture")).to_be_visible(timeout=READY)
    before = None
    while (now := page.locator("#draw-picture").get_attribute("src")) != before:  # it follows the last strokes
        before = now
        page.wait_for_timeout(1000)
    page.get_by_label("More to save and open").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save drawing and picture").click()
    sheet = Image.open(io.BytesIO(download.value.path().read_bytes())).convert("RGB")
    page.get_by_label("More to save and open").click()
    size = sheet.height
    return sheet.crop((0, 0, size, size)), sheet.crop((size, 0, 2 * size, size))


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, int) - np.asarray(other, int)).mean())


@pytest.mark.parametrize(("name", "sample"), [("edges2shoes", "Boot"), ("labels2facades", "Palace")])
def test_the_shipped_generators_draw_as_pytorch_does(
    open_file: Callable[..., Page], tmp_path: Path, name: str, sample: str
):
    path = ROOT / "checkpoints" / f"{name}.safetensors"
    assert main(["export-web", str(path), str(tmp_path / "page.html")]) == 0
    page = open_file(tmp_path / "page.html")
    translator = Translator.load(path)
    page.get_by_role("button", name=sample).click()
    drawing, picture = both(page)
    assert difference(picture, Image.new("RGB", picture.size, "white")) > 20
    assert difference(picture, translator(drawing)) < 3
    expect(page.locator(".runs")).to_contain_text(TIME)
    # Without hints variations come from dropout, which is not in the file.
    expect(page.get_by_role("button", name="Variations")).to_be_visible(visible=translator.metadata.colour_hints)


def test_webgpu_draws_as_pytorch_does(launch: Callable[..., Browser], tiny: Path):
    """On a GPU that Chromium plays in software, which is far too slow for larger networks."""
    page = launch(*QUIET, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader").new_page()
    page.goto(tiny.as_uri())
    expect(page.locator(".runs")).to_contain_text("Ready: WebGPU", timeout=READY)
    page.get_by_role("button", name="Boot").click()
    drawing, picture = both(page)
    assert difference(picture, Translator.load(tiny.with_suffix(".safetensors"))(drawing)) < 3


def test_the_picture_follows_the_pen(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny)
    box = page.locator("#draw-canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 120, steps=10)
    expect(page.locator("#draw-picture")).to_be_visible(timeout=READY)  # the pen is still down
    page.mouse.up()
    drawing, picture = both(page)
    assert drawing.size == (64, 64)
    assert difference(picture, Translator.load(tiny.with_suffix(".safetensors"))(drawing)) < 3
    page.keyboard.press("Control+z")
    expect(page.locator("#draw-picture")).to_be_hidden()


def test_colourways_need_no_server(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny)
    page.get_by_role("button", name="Boot").click()
    page.get_by_role("button", name="Variations").click()
    pictures = page.locator(".others img")
    for picture in pictures.all():
        expect(picture).to_be_visible(timeout=READY)
    assert len({picture.get_attribute("src") for picture in pictures.all()}) == 4
    page.get_by_role("button", name="Keep variation 3").click()
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    page.get_by_role("button", name="Clear", exact=True).click()
    paper = page.locator("#draw-canvas")
    paper.hover(position={"x": 50, "y": 50})  # where it is once the samples are back above it
    page.mouse.down()
    paper.hover(position={"x": 90, "y": 60})
    page.mouse.up()
    expect(page.locator(".note")).to_contain_text("Close the outline, and four colours appear here.")


def test_what_makes_no_sense_without_a_server_is_not_offered(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny)
    for name in ("Compare models", "Replay its training"):
        expect(page.get_by_role("button", name=name)).to_be_hidden()
    expect(page.get_by_label("Model")).to_be_hidden()
    expect(page.get_by_role("heading")).to_have_text("</script><b>box")
    expect(page.locator("footer")).to_contain_text("7 training steps")
    expect(page.locator("footer")).to_contain_text("Licence: <MIT>")


def test_it_fits_a_phone(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny, viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
