"""The page of one file says what is unlike about an input, in the words that the app has for it."""

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from playwright.sync_api import Locator, Page, expect

from pix2pix import Translator
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.input_checks import INVERTED
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.page.page import describe
from pix2pix.page.web import export_web
from pix2pix.palette import CMP
from tests.browser.sheet import drop, pixels
from tests.test_input_checks import GROUND, PRODUCT, boot, busy, hinted, sheet, with_black_hint
from tests.waiting import wait_until

WINDOW = Image.new("RGB", (256, 256), CMP["window"])
INPUTS = {
    "lines": boot(), "thin lines": boot(1), "thick lines": boot(20), "very thick lines": boot(32), "busy": busy(),
    "inverted": ImageOps.invert(boot()), "on nothing": sheet("black"), "white on nothing": sheet("white"),
    "colours": hinted(), "empty": Image.new("RGB", (256, 256), "white"), "nothing": Image.new("RGBA", (256, 256)),
    "photo": GROUND, "product": PRODUCT, "labels": WINDOW, "dark hint": with_black_hint(),
}  # fmt: skip


def url(picture: Image.Image) -> str:
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode()


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def made(tmp_path: Path, open_file: Callable[..., Page]) -> Callable[..., tuple[Page, Translator]]:
    """The page of a tiny generator, and the generator."""

    def made(a: Side, hints: bool, size: int) -> tuple[Page, Translator]:
        torch.manual_seed(0)
        path = tmp_path / "tiny.safetensors"
        metadata = Metadata("tiny", 7, a=a, b=Side("photo"), line_width=1.5, colour_hints=hints)
        checkpoint.save(path, Generator(GeneratorConfig(size, ngf=2)), metadata)
        export_web(path, tmp_path / "tiny.html")
        return open_file(tmp_path / "tiny.html"), Translator.load(path)

    return made


def test_it_says_what_the_app_says(made: Callable[..., tuple[Page, Translator]]):
    """In one page, which is told of one generator after the other: what it says does not depend on the network."""
    page, translator = made(Side("edges"), False, 256)
    urls = {name: url(picture) for name, picture in INPUTS.items()}
    for a, hints in (
        (Side("edges"), False), (Side("edges"), True), (Side("labels", CMP), False), (Side("labels", CMP), True),
        (Side(), False),
    ):  # fmt: skip
        about = replace(translator.metadata, a=a, colour_hints=hints)
        page.evaluate("(other) => Object.assign(model, other)", describe("tiny", about) | {"kind": a.kind})
        said = {name: page.evaluate("(picture) => offline.remark({ picture })", urls[name]) for name in INPUTS}
        other = Translator(translator.generator, about, "cpu")
        assert {name: words["remark"] for name, words in said.items()} == {
            name: other.remark(picture.resize((256, 256))) for name, picture in INPUTS.items()
        }, (a.kind, hints)


def test_light_strokes_on_nothing_are_seen_said_and_inverted(made: Callable[..., tuple[Page, Translator]]):
    page, translator = made(Side("edges"), False, 64)
    drop(page, "strokes.png", "image/png", png(sheet("white")))
    page.get_by_role("button", name="Translate it as it is").click()
    expect(page.locator(".remark")).to_have_text(INVERTED)
    given = sheet("white").resize((64, 64), Image.Resampling.BILINEAR)
    expect(page.locator("#draw-picture")).to_be_visible()
    page.wait_for_timeout(1000)
    shown = pixels(page.locator("#draw-picture").get_attribute("src"))
    assert np.abs(shown - np.asarray(translator(given), int)).mean() < 3  # of the browser's own way to make it smaller
    page.get_by_role("button", name="Invert it").click()
    expect(page.locator(".remark")).to_be_hidden()


def test_a_map_gets_the_colours_of_its_palette(made: Callable[..., tuple[Page, Translator]]):
    """From numbers, and where JPEG has smeared them; what was painted over a map stays."""
    classes = {f"{number} {name}": colour for number, (name, colour) in enumerate(CMP.items())}
    page, translator = made(Side("labels", classes), True, 64)
    picture = page.locator("#draw-picture")
    numbers = Image.new("L", (64, 64), 2)
    numbers.paste(3, (10, 10, 30, 40))
    numbers.paste(5, (8, 40, 32, 44))
    plan = Image.fromarray(np.array(list(CMP.values()), np.uint8)[np.asarray(numbers)])
    smeared = io.BytesIO()
    plan.save(smeared, "JPEG", quality=75)
    painted = plan.copy()
    painted.paste((200, 60, 30), (40, 8, 60, 30))
    for kind, data in ("jpeg", smeared.getvalue()), ("png", png(painted)), ("png", png(numbers)):
        drop(page, f"plan.{kind}", f"image/{kind}", data)
        page.get_by_role("button", name="Translate it as it is").click()
        expected = np.asarray(translator(Image.open(io.BytesIO(data))), int)
        wait_until(lambda wanted=expected: _is_shown(picture, wanted))


def _is_shown(picture: Locator, expected: np.ndarray) -> bool:
    source = picture.get_attribute("src")
    return bool(source) and np.abs(pixels(source) - expected).max() <= 1
