"""The camera of the Upload tab, with one that Chromium invents: it is asked for, seen, paused, freed and refused."""

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from pix2pix import Translator, images
from tests.browser.conftest import QUIET, App, demo_of, next_page, served
from tests.browser.sheet import image, pixels
from tests.browser.test_access import CONTRASTS
from tests.browser.test_local import QUICK, SOON
from tests.browser.test_remember import remembered
from tests.browser.test_upload import choose
from ui import serving
from ui.demo import create_demo
from ui.draw import assets
from ui.guard import Rules
from ui.studio import Studio

ELSEWHERE = "studio.test"  # a name of this machine that no browser trusts without TLS
INVENTED = "--use-fake-device-for-media-stream"
TRACK = "document.querySelector('#camera video').srcObject.getVideoTracks()[0]"
# What is asked of a worker from now on is answered with an error.
LOST = """() => { Worker.prototype.postMessage = function ({ id }) {
  this.dispatchEvent(new MessageEvent("message", { data: { id, error: "lost" } }));
}; }"""
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
STILL = """document.querySelector('#camera').getAnimations({ subtree: true })
  .every(({ playState }) => playState !== "running")"""

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def invented(launch: Callable[..., Browser]) -> Iterator[Browser]:
    """A browser with a camera, which shows a green field with a disc that turns."""
    rules = f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"
    browser = launch(*QUIET, "--disable-gpu", INVENTED, rules, whole=True)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def camera_app(studio: Studio, runs: Path) -> Iterator[App]:
    """The tab with the camera and the one that goes on with its shots."""
    with served(demo_of(studio, "draw", "upload")) as url:
        yield App(url, studio, runs)


@pytest.fixture(scope="module")
def allowing(invented: Browser) -> Iterator[BrowserContext]:
    """Where all pages may use the camera: another page costs less than another context."""
    context = invented.new_context(viewport={"width": 1000, "height": 800})
    context.grant_permissions(["camera"])
    yield context
    context.close()


@pytest.fixture
def visit(camera_app: App, invented: Browser, allowing: BrowserContext) -> Iterator[Visit]:
    """The Upload tab of a page that may use the camera, unless it says otherwise, with a model chosen."""
    opened, wrong = [], []

    def visit(browser: Browser = invented, url: str = camera_app.url, allowed: bool = True, **options: Any) -> Page:
        if browser is invented and allowed and not options:
            page = next_page(allowing, url)
            opened.append(page)
        else:
            context = browser.new_context(**{"viewport": {"width": 1000, "height": 800}, **options})
            if allowed:
                context.grant_permissions(["camera"])
            opened.append(context)
            page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(url)
        open_tab(page)
        return page

    yield visit
    for each in opened:
        each.close()
    assert wrong == []


def open_tab(page: Page, model: str = "tiny2shoes") -> None:
    page.get_by_role("tab", name="Upload").click()
    choose(page, model)
    expect(page.locator("#upload-about")).to_contain_text(model)


def switch_on(page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#camera .picture")).to_be_visible()


def hint(page: Page) -> Locator:
    return page.locator("#camera .hint")


def is_frame(request: Request) -> bool:
    return request.url.rstrip("/").endswith("component_server") and '"fn_name":"see"' in (request.post_data or "")


def frames_within(page: Page, ms: int) -> int:
    seen: list[Request] = []
    page.on("request", lambda request: seen.append(request) if is_frame(request) else None)
    page.wait_for_timeout(ms)
    return len(seen)


def test_what_the_camera_sees_becomes_a_drawing_and_its_picture(visit: Visit, runs: Path):
    page = visit()
    open_requests, most = 0, 0

    def begins(request: Request) -> None:
        nonlocal open_requests, most
        open_requests += is_frame(request)
        most = max(most, open_requests)

    def ends(request: Request) -> None:
        nonlocal open_requests
        open_requests -= is_frame(request)

    page.on("request", begins)
    page.on("requestfinished", ends)
    assert frames_within(page, 1000) == 0, "nobody has asked for the camera yet"
    expect(hint(page)).to_contain_text("keeps none of them")
    with page.expect_response(lambda response: is_frame(response.request)) as answered:
        switch_on(page)
    asked = json.loads(answered.value.request.post_data or "")["data"]
    frame = image(asked["picture"])
    assert (frame.format, frame.size) == ("JPEG", (64, 64)), "the size of the generator, and no larger"
    assert np.asarray(frame).std() > 10, "it shows something"
    made = answered.value.json()
    translator = Translator.load(runs / "tiny2shoes")
    drawing = translator.edges_of(frame, asked["detail"])
    assert image(made["drawing"]).tobytes() == drawing.tobytes()
    assert np.abs(pixels(made["picture"]) - np.asarray(translator(drawing), int)).max() <= 1
    page.wait_for_timeout(1500)
    assert most == 1, "one frame at a time"


def test_a_shot_is_kept_saved_and_drawn_on(visit: Visit):
    page = visit()
    page.locator("#camera .start").press("Enter")
    expect(page.locator("#camera .picture")).to_be_visible()
    page.locator("#camera .detail input").fill("1")
    page.get_by_role("button", name="Take a shot").press("Enter")
    expect(hint(page)).to_contain_text("kept in the Draw tab too")
    card = page.locator("#camera .shot")
    drawn, shown = (card.locator("img").nth(i).get_attribute("src") for i in (0, 1))
    with page.expect_download() as download:
        card.get_by_role("button", name="Save").click()
    png = download.value.path().read_bytes()
    assert (images.read(io.BytesIO(png)).tobytes(), download.value.suggested_filename) == (
        image(shown).convert("RGB").tobytes(), "tiny2shoes.png",
    )  # fmt: skip
    memory = remembered(png)
    assert (memory["model"], memory["kind"]) == ("tiny2shoes", "edges")
    assert memory["strokes"]

    page.reload()
    result = page.get_by_role("button", name=re.compile("^Take up again: tiny2shoes"))
    expect(result).to_have_count(1)
    with page.expect_request(lambda request: '"fn_name":"translate"' in (request.post_data or "")) as asked:
        result.click()
    again = pixels(json.loads(asked.value.post_data or "")["data"]["picture"])
    # The pen draws the same lines, with rims of its own: most of the ink is where it was.
    before, after = (255 - each.mean(axis=2) for each in (pixels(drawn), again))
    assert np.minimum(before, after).sum() > 0.6 * max(before.sum(), after.sum())


def test_on_a_phone_it_fits_can_be_read_and_its_shot_is_drawn_on_at_once(visit: Visit):
    page = visit(**PHONE)
    switch_on(page)
    page.get_by_role("button", name="Take a shot").tap()
    expect(page.locator("#camera .shot")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for look in ("light", "dark"):
        page.emulate_media(color_scheme=look)
        expect(page.locator("body.dark")).to_have_count(int(look == "dark"))
        page.wait_for_function(STILL)  # a colour goes over into another one
        contrasts = page.evaluate(CONTRASTS, "#camera :is(button:not(.shoot), label, figcaption, output, p)")
        assert len(contrasts) > 5
        assert [(text, round(contrast, 1)) for text, contrast in contrasts if contrast < 4.5] == []
    page.get_by_role("button", name="Draw on it").tap()
    expect(page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#draw-picture")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()


def test_who_leaves_the_tab_pauses_it_and_who_stops_it_frees_it(visit: Visit):
    page = visit()
    switch_on(page)
    page.evaluate(f"window.track = {TRACK}")
    page.get_by_role("tab", name="Draw").click()
    page.wait_for_function("!track.enabled")
    page.wait_for_timeout(500)  # what was on its way is answered
    assert frames_within(page, 1000) == 0
    page.get_by_role("tab", name="Upload").click()
    page.wait_for_function("track.enabled")
    with page.expect_request(is_frame):
        pass
    page.get_by_role("button", name="Stop the camera").click()
    assert page.evaluate("track.readyState") == "ended"
    expect(page.locator("#camera video")).to_be_hidden()
    page.wait_for_timeout(500)
    assert frames_within(page, 1000) == 0
    switch_on(page)


def test_it_goes_with_its_generator_or_by_itself_and_a_lost_frame_is_asked_again(visit: Visit):
    page = visit()
    switch_on(page)
    page.evaluate(f"window.track = {TRACK}")
    choose(page, "tiny2facades")  # generators of other pictures have no camera
    expect(page.locator("#camera .camera")).to_be_hidden()
    assert page.evaluate("track.readyState") == "ended"
    choose(page, "tiny2shoes")
    expect(page.get_by_role("button", name="Use the camera")).to_be_visible()

    switch_on(page)
    page.evaluate(f"{TRACK}.dispatchEvent(new Event('ended'))")  # as when it is unplugged
    expect(hint(page)).to_contain_text("The camera is gone")

    left = iter(range(1))

    def lose(route: Any) -> None:
        lost = is_frame(route.request) and next(left, None) is not None
        route.abort() if lost else route.continue_()

    page.route("**/component_server/", lose)
    page.get_by_role("button", name="Use the camera").click()
    expect(hint(page)).to_contain_text("Connection lost")
    expect(page.locator("#camera .picture")).to_be_visible()
    expect(hint(page)).to_have_text("")


def test_a_refusal_and_no_camera_are_said_in_words(visit: Visit, browser: Browser):
    for page, words in (
        (visit(allowed=False), "does not let this page use the camera"),
        (visit(browser), "has no camera"),
    ):
        page.get_by_role("button", name="Use the camera").click()
        expect(hint(page)).to_contain_text(words)
        expect(page.get_by_role("button", name="Use the camera")).to_be_enabled()


def test_strangers_have_it_too_and_only_by_https(visit: Visit, runs: Path):
    studio = Studio(public=True, precision="fp32")
    demo = create_demo(studio)
    url = serving.launch(demo, Rules.public(), "127.0.0.1")
    try:
        assets.describe(studio, "tiny2shoes").result()  # with frames of the camera beside it, it takes long
        page = visit(url=url)
        page.evaluate(QUICK)
        switch_on(page)
        expect(page.locator("#camera .pace")).to_have_text(re.compile("by this browser"), timeout=SOON)
        with page.expect_response(lambda response: is_frame(response.request)) as answered:
            pass
        assert answered.value.json().keys() == {"drawing"}, "the server finds the edges, and makes no picture"
        page.evaluate(LOST)
        expect(page.locator("#camera .pace")).to_have_text(re.compile("by the server"))
        page = visit(url=url.replace("127.0.0.1", ELSEWHERE), allowed=False)
        page.get_by_role("button", name="Use the camera").click()
        expect(hint(page)).to_contain_text("only to pages that came over https")
    finally:
        demo.close()
