"""On a page for strangers the visitor's own browser computes the pictures, where it can: else the server goes on."""

import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import BrowserContext, Page, Response, expect

from pix2pix.files import checkpoint, places
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.models import Generator, GeneratorConfig
from tests.browser.conftest import demo_of, next_page, served
from tests.browser.sheet import Sheet, pixels
from ui.guard import Rules
from ui.studio import Studio

# All are quick enough, on any machine, however busy.
QUICK = "const now = performance.now.bind(performance); performance.now = () => 0.001 * now();"
SOON = 120_000  # ms: the first one is exported meanwhile
OUTLINE = ((60, 120), (200, 120), (200, 200), (60, 200), (60, 120))
HERE, THERE = re.compile("by this browser"), re.compile("by the server")


@pytest.fixture(scope="module")
def public(runs: Path) -> Iterator[str]:
    """The Draw tab alone, for strangers."""
    with served(demo_of(Studio(public=True, precision="fp32"), "draw"), Rules.public()) as url:
        yield url


@pytest.fixture
def visit(public: str, used: BrowserContext) -> Iterator[Callable[..., Sheet]]:
    """Opens the public page; `script` runs before its own."""
    pages, wrong = [], []

    def visit(script: str = "", without: str = "", model: str = "tiny2shoes") -> Sheet:
        page = next_page(used, public)
        pages.append(page)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        if script:
            page.add_init_script(script)
        if without:
            page.route(without, lambda route: route.abort())
        page.goto(public)
        return Sheet(page, model)

    yield visit
    for page in pages:
        page.close()
    assert wrong == []


def status(page: Page):
    return page.locator("#draw .status")


def test_the_browser_takes_over_and_draws_what_the_server_drew(visit: Callable[..., Sheet]):
    sheet = visit(QUICK)
    fetched: list[Response] = []
    sheet.page.on("response", lambda answer: fetched.append(answer) if "/browser/" in answer.url else None)
    sheet.page.wait_for_timeout(1000)
    assert fetched == []  # nobody has drawn yet
    sheet.stroke(*OUTLINE)
    sheet.settle()
    expect(status(sheet.page)).to_have_text(THERE)
    by_server = pixels(sheet.picture_url).astype(int)
    change_until(sheet, HERE)
    assert len(fetched) == 4
    assert {answer.headers["cache-control"] for answer in fetched} == {"public, max-age=31536000, immutable"}
    sent = len(sheet.sent)
    assert np.abs(pixels(sheet.picture_url).astype(int) - by_server).mean() < 1.5  # its weights have 8 bits
    sheet.stroke((100, 140), (160, 180))
    expect(status(sheet.page)).to_have_text(HERE)
    assert len(sheet.sent) == sent  # the server was not asked
    # As where a GPU is lost, and says nothing.
    sheet.page.evaluate(
        "() => { window.post = Worker.prototype.postMessage; Worker.prototype.postMessage = () => {}; }"
    )
    sheet.stroke((80, 140), (80, 180))
    expect(status(sheet.page)).to_have_text(THERE)
    assert len(sheet.sent) > sent
    sheet.page.evaluate("() => { Worker.prototype.postMessage = window.post; }")
    for model in ("tiny2facades", "tiny2shoes"):  # another is chosen, and this one again
        sheet.page.get_by_label("Model").select_option(model)
    change_until(sheet, HERE)


def test_a_browser_that_becomes_slow_hands_over_to_the_server(visit: Callable[..., Sheet]):
    """Its clock says so: after what it needs to begin, each look at it is a second later."""
    sheet = visit(QUICK)
    sheet.stroke(*OUTLINE)
    change_until(sheet, HERE)
    sheet.page.evaluate("() => { let now = 0; performance.now = () => (now += 1000); }")
    change_until(sheet, THERE)


def change_until(sheet: Sheet, by: re.Pattern[str]) -> None:
    """Each change of the drawing asks whoever is there by then."""
    for _ in range(240):
        sheet.press("Undo")
        sheet.press("Redo")
        sheet.page.wait_for_timeout(500)
        if by.search(status(sheet.page).inner_text()):
            break
    expect(status(sheet.page)).to_have_text(by)


@pytest.mark.parametrize(
    "trouble",
    [
        {"without": "**/browser/*"},
        {"script": "const now = performance.now.bind(performance); performance.now = () => 1e6 * now();"},
        {"script": "Object.defineProperty(navigator, 'connection', { value: { saveData: true } });"},
        {"script": "delete window.Worker;"},
    ],
    ids=["no files", "a slow machine", "save data", "no workers"],
)
def test_where_the_browser_cannot_the_server_goes_on(visit: Callable[..., Sheet], trouble: dict[str, str]):
    sheet = visit(**trouble)
    sheet.stroke(*OUTLINE)
    expect(status(sheet.page)).to_have_text(THERE)
    sheet.page.wait_for_timeout(5000)
    sent = len(sheet.sent)
    sheet.stroke((100, 140), (160, 180))
    expect(status(sheet.page)).to_have_text(THERE)
    assert len(sheet.sent) > sent


def test_a_light_one_draws_where_the_wide_one_cannot(visit: Callable[..., Sheet], runs: Path):
    for name, ngf in (("broad2shoes", 4), ("broad2shoes-light", 2)):
        metadata = Metadata(name, 9, a=Side("edges"), b=Side("photo"), line_width=2.0)
        torch.manual_seed(1)
        checkpoint.save(runs / name / places.GENERATOR_FILE, Generator(GeneratorConfig(64, ngf=ngf)), metadata)
    try:
        # Of the wide one nothing comes: what has three times the weights of the light one.
        script = """
            const ask = Worker.prototype.postMessage;
            let begun = 0;
            Worker.prototype.postMessage = function (message, ...rest) {
                if (message.work === "begin" && ++begun > 1) message = { id: message.id, work: "begin", given: {} };
                return ask.call(this, message, ...rest);
            };
        """
        sheet = visit(QUICK + script, model="broad2shoes")
        sheet.stroke(*OUTLINE)
        change_until(sheet, re.compile("by broad2shoes-light in this browser"))
    finally:
        for name in ("broad2shoes", "broad2shoes-light"):
            shutil.rmtree(runs / name)


def test_only_what_was_described_is_served(public: str):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{public}browser/{'0' * 64}")


def test_a_private_page_computes_on_its_server(sheet: Sheet):
    sheet.stroke(*OUTLINE)
    expect(status(sheet.page)).to_have_text(re.compile(r"^\d+ ms$"))
