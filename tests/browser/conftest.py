"""The app as a real server on a loopback port, and real Chromium. Without a browser these tests fail, never skip."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from pix2pix.__main__ import main
from pix2pix.files import checkpoint, places
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.palette import CMP
from tests.browser.install import headless_shell, system_chromium
from tests.browser.sheet import Open, Sheet
from tests.conftest import seed_weights
from training.config import PRESETS
from ui import serving, upload
from ui.blocks import Page as PageOfTabs
from ui.demo import TITLE, create_demo
from ui.draw import tab as draw_tab
from ui.guard import Rules
from ui.studio import Studio
from ui.train import cost

QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
DESKTOP: dict[str, Any] = {"viewport": {"width": 1000, "height": 800}}
READY = 60_000  # ms until the page in one file has compiled WebAssembly, and made a first picture
WAIT_MS = 60_000  # for what a page is expected to show; other tests, and trainings, share the machine's cores
SNAPSHOTS = (50, 100)  # of tiny2shoes, which is at step 1,000
KINDS = {"tiny2shoes": Side("edges"), "tiny2facades": Side("labels", CMP)}

expect.set_options(timeout=WAIT_MS)


@dataclass(frozen=True)
class App:
    url: str
    studio: Studio
    runs: Path


@pytest.fixture(scope="package", autouse=True)
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tiny generators with random weights, one of 256 pixels, and a broken file; the shipped ones are hidden."""
    folder = tmp_path_factory.mktemp("runs")
    seed_weights()
    for name, side in KINDS.items():
        _save(folder, name, 64, side)
    _save(folder, "wide2shoes", 256, Side("edges"))
    for step in SNAPSHOTS:
        snapshot = folder / "tiny2shoes" / places.SNAPSHOTS / f"{step:06d}.safetensors"
        _write(snapshot, "tiny2shoes", 64, KINDS["tiny2shoes"], step)
    (folder / "broken").mkdir()
    (folder / "broken" / places.GENERATOR_FILE).write_bytes(b"not a generator")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIX2PIX_RUNS", str(folder))
        patch.setattr(places, "CHECKPOINTS", folder / "none")
        note_speeds(folder)
        yield folder


def note_speeds(runs: Path) -> None:
    """As on a machine whose training was timed before: an app that finds no speeds there computes for half a minute."""
    speeds = {preset: {"step_s": 0.5, "device": "2-core CPU"} for preset in PRESETS}
    runs.mkdir(exist_ok=True)
    (runs / "speed.json").write_text(json.dumps({"of": cost._machine(), "speeds": speeds}))


def _save(runs: Path, name: str, size: int, side: Side) -> None:
    _write(runs / name / places.GENERATOR_FILE, name, size, side, steps=1000)


def _write(path: Path, name: str, size: int, side: Side, steps: int) -> None:
    hints = name in ("wide2shoes", "tiny2facades")
    metadata = Metadata(name, steps, a=side, b=Side("photo"), line_width=2.0, colour_hints=hints)
    walls = {"classes": tuple(side.palette.values()), "painted": 1} if side.palette else {}
    checkpoint.save(path, Generator(GeneratorConfig(size, ngf=4, **walls)), metadata)


def draw_circles(folder: Path) -> Path:
    """Makes the folder, with six pairs in it: outlines on the left, discs on the right."""
    folder.mkdir()
    for index in range(6):
        pair = Image.new("RGB", (128, 64), "white")
        box = (4 * index, 4 * index, 4 * index + 30, 4 * index + 30)
        ImageDraw.Draw(pair).ellipse(box, outline="black")
        ImageDraw.Draw(pair).ellipse((box[0] + 64, box[1], box[2] + 64, box[3]), fill="red")
        pair.save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="package")
def studio(runs: Path) -> Studio:
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    studio = Studio(precision="fp32")  # so that its pictures are those of PyTorch, to a grey level, on every CPU
    # What compiling imports, in a thread, has come up before a test begins: pytest looks through the modules meanwhile.
    studio.warm_up("tiny2shoes").result()
    studio.compiling.run("tests", lambda: None)
    return studio


@pytest.fixture(scope="package")
def app(studio: Studio, runs: Path) -> Iterator[App]:
    with served(create_demo(studio)) as url:
        yield App(url, studio, runs)


@pytest.fixture(scope="package")
def draw_app(studio: Studio, runs: Path) -> Iterator[App]:
    """The Draw tab alone: its page costs half of the computing."""
    with served(demo_of(studio, "draw")) as url:
        yield App(url, studio, runs)


def demo_of(studio: Studio, *tabs: Literal["draw", "upload"]) -> PageOfTabs:
    """The app, with these tabs alone."""
    with PageOfTabs(title=TITLE, analytics_enabled=False) as demo:
        for name in tabs:
            with gr.Tab(name.title(), id=name):
                {"draw": draw_tab, "upload": upload}[name].build(studio)
    return demo


@contextmanager
def served(demo: PageOfTabs, rules: Rules | None = None) -> Iterator[str]:
    """Its address while it is served, to its owner unless `rules` say otherwise."""
    yield serving.launch(demo, rules or Rules.private("127.0.0.1"), "127.0.0.1")
    demo.close()


@pytest.fixture(scope="package")
def launch() -> Iterator[Callable[..., Browser]]:
    """Starts a Chromium with further arguments: the `whole` of it, or its headless shell (see `install`)."""
    with sync_playwright() as playwright:

        def launch(*arguments: str, whole: bool = False) -> Browser:
            program = system_chromium() if whole else headless_shell()
            kind: dict[str, Any] = {"executable_path": program}
            if program is None:  # what `playwright install` brought; without that, this raises
                kind = {"channel": "chromium"} if whole else {}
            browser = playwright.chromium.launch(args=["--no-first-run", *arguments], **kind)
            started.append(browser)
            return browser

        started: list[Browser] = []
        yield launch
        for browser in started:
            browser.close()


@pytest.fixture(scope="package")
def browser(launch: Callable[..., Browser]) -> Browser:
    return launch(*QUIET, "--disable-gpu", "--process-per-site")


@pytest.fixture(scope="package")
def whole_browser(launch: Callable[..., Browser]) -> Browser:
    """For what the headless shell has not."""
    return launch(*QUIET, "--disable-gpu", "--process-per-site", whole=True)


@pytest.fixture(scope="package")
def used(browser: Browser) -> Iterator[BrowserContext]:
    """A context that one test after the other has for its first page.

    A page of the app's site stays open in it, and with that the process in which the app's scripts are compiled: a new
    page costs one second of computing there, and two in a fresh context.
    """
    context = browser.new_context(**DESKTOP)
    page = context.new_page()
    page.route("**", lambda route: route.fulfill(body=""))
    page.goto("http://127.0.0.1/")
    yield context
    context.close()


@pytest.fixture
def open_page(
    app: App, browser: Browser, used: BrowserContext, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Page]]:
    """Opens the app: see `_opener`."""
    yield from _opener(app.url, browser, used, request)


@pytest.fixture
def open_draw(
    draw_app: App, browser: Browser, used: BrowserContext, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Page]]:
    """Opens the Draw tab alone: see `_opener`."""
    yield from _opener(draw_app.url, browser, used, request)


def _opener(
    url: str, browser: Browser, used: BrowserContext, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Page]]:
    """Opens a page for somebody who was never here; what it prints as an error, or asks of other hosts, fails.

    A test's second page, and one with options, is another person's; `fresh` gives the first a context of its own, too.
    Who has given permissions has a whole browser.
    """
    contexts, wrong, before = [], [], list(used.pages)

    def open_page(fresh: bool = False, **options) -> Page:
        if fresh or options or contexts:
            theirs = request.getfixturevalue("whole_browser") if "permissions" in options else browser
            contexts.append(theirs.new_context(**{**DESKTOP, **options}))
        else:
            contexts.append(used)
        page = next_page(used, url) if contexts[-1] is used else contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if _is_foreign(request.url, url) else None)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        if context is not used:
            context.close()
    for page in used.pages:
        if page not in before:
            page.close()
    used.clear_permissions()
    assert wrong == []


def next_page(context: BrowserContext, url: str) -> Page:
    """An empty page in a context that others have used: their pages have left nothing there at that address."""
    page = context.new_page()
    of_others = {"origin": url.rstrip("/"), "storageTypes": "all"}
    context.new_cdp_session(page).send("Storage.clearDataForOrigin", of_others)
    return page


def _is_foreign(url: str, home: str) -> bool:
    return not url.startswith((home, "data:", "blob:", "about:"))


@pytest.fixture
def sheet(open_draw: Open) -> Sheet:
    return Sheet(open_draw(), "tiny2shoes")


@pytest.fixture
def labels(open_draw: Open) -> Sheet:
    return Sheet(open_draw(), "tiny2facades")


@pytest.fixture
def open_file(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a file offline; an error of the page, or anything that it asks of a network, fails."""
    contexts, wrong = [], []

    def open_file(path: Path, ready: str = "Ready", **options) -> Page:
        context = browser.new_context(**{**DESKTOP, **options})
        context.set_offline(True)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        expect(page.locator(".runs")).to_contain_text(ready, timeout=READY)
        wrong.extend(url for url in asked if not url.startswith(("file:", "data:", "blob:")))
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="package")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a tiny generator whose name would end a script, if it could; beside it the generator."""
    folder = tmp_path_factory.mktemp("tiny")
    metadata = Metadata(
        "</script><b>box", 7, a=Side("edges"), b=Side("photo"), licence="<MIT>", line_width=2, colour_hints=True
    )
    checkpoint.save(folder / "tiny.safetensors", Generator(GeneratorConfig(64, ngf=4)), metadata)
    assert main(["export-web", str(folder / "tiny.safetensors"), str(folder / "tiny.html")]) == 0
    return folder / "tiny.html"
