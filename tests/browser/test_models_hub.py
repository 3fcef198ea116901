"""The Models tab and the Hub: buttons of an app in a process of its own, whose Hub is a server of ours."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.app_process import running
from pix2pix.files import checkpoint
from tests.test_hub import TOKEN, Hub, server  # noqa: F401 (a fixture)

SOON = 60_000  # ms


@pytest.fixture
def studio(server: Hub, tmp_path: Path, make_generator: Callable[..., Path]) -> Iterator[tuple[str, Path]]:  # noqa: F811
    """`python app.py` with a run called mine. Yields its address and its runs."""
    runs = tmp_path / "runs"
    make_generator("generator", folder=runs / "mine")
    own = {"PIX2PIX_RUNS": str(runs), "HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "cache")}
    own |= {"HF_HUB_DISABLE_XET": "1", "HF_TOKEN": TOKEN}
    with running(**own) as app:
        yield app.url, runs


@pytest.fixture
def page(studio: tuple[str, Path], browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(studio[0])
    page.get_by_role("tab", name="Models").click()
    yield page
    context.close()


def test_a_model_goes_to_the_hub_and_another_comes_from_it(page: Page, studio: tuple[str, Path], server: Hub):  # noqa: F811
    page.locator("#models-chosen input").click()
    page.get_by_role("option", name="mine", exact=True).click()
    page.locator("#models-repository").get_by_role("textbox").fill("somebody/mine")
    page.locator("#models-push").click()
    expect(page.locator("#models-said")).to_contain_text("somebody/mine", timeout=SOON)
    pushed = server.files["somebody/mine"]["main"]
    assert {"README.md", "config.json", "generator.safetensors", "sample.jpg"} <= set(pushed)

    page.locator("#models-hub").get_by_role("textbox").fill("somebody/boxes@v1")
    page.locator("#models-name").get_by_role("textbox").fill("theirs")
    page.locator("#models-import").click()
    expect(page.locator("article[data-model='theirs']")).to_be_visible(timeout=SOON)
    came = studio[1] / "theirs" / "generator.safetensors"
    assert came.read_bytes() == server.files["somebody/boxes"]["v1"]["generator.safetensors"]
    assert checkpoint.load(came)[1].steps == 7
