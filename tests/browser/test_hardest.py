"""The hardest pairs in the Train tab: looked for, found again after a reload, and left out of the next run."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.test_train import WAIT_MS, circles, held, runs
from tests.browser.test_train import train_app as app
from training.config import TrainConfig
from training.loop import train
from training.run import Run

__all__ = ["app", "circles", "runs"]  # fixtures
TINY = {"load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4, "device": "cpu", "steps": 30, "lr": 1e-3}


def test_a_wrong_pair_is_seen_and_left_out(open_page: Callable[..., Page], circles: Path):
    wrong = Image.new("RGB", (128, 64), "blue")
    wrong.paste("white", (10, 10, 40, 40))
    wrong.paste("white", (90, 30, 120, 60))
    wrong.save(circles / "2.png")
    train(Run.create(TrainConfig(name="circles", dataset=str(circles), **TINY)))
    page = open_page()
    page.get_by_role("button", name="Hardest pairs").click()
    panel = page.locator("#train-hardest")
    expect(panel.locator(".hint")).to_contain_text("at step 30", timeout=WAIT_MS)
    expect(panel.locator(".pairs label")).to_have_count(6)
    expect(panel.locator(".pairs label", has_text=", train,").first).to_contain_text("2.png")
    expect(panel.get_by_role("button", name="out of the next run")).to_be_disabled()

    page.reload()
    expect(panel.locator(".pairs img").first).to_be_visible(timeout=WAIT_MS)
    panel.get_by_label("2.png").check()
    page.set_viewport_size({"width": 320, "height": 740})  # the two buttons have no room in a row
    again, leave = (panel.get_by_role("button", name=name) for name in ("Look again", "Leave it out of the next run"))
    above, below = again.bounding_box(), leave.bounding_box()
    assert above
    assert below
    assert below["y"] - above["y"] - above["height"] > 4, "a finger does not take the wrong one"
    leave.click()
    choice = page.get_by_label("Leave out 1 pair: 2.png")
    expect(choice).to_be_checked(timeout=WAIT_MS)
    expect(page.locator("#train-folder")).to_be_focused()
    assert [run.name for run in Run.list()] == ["circles"], "nothing starts before someone says so"
    page.get_by_role("button", name="Train", exact=True).click()
    shows(page, "circles-2")
    made = Run.named("circles-2").config
    assert made.leave_out == ("2.png",)
    assert (made.lr, made.steps, made.ngf) == (1e-3, 30, 4)

    with held("circles-2"):
        page.get_by_role("button", name="Duplicate with changes").click()
        expect(page.locator("#train-name input, #train-name textarea")).to_have_value("circles-2-2", timeout=WAIT_MS)
        expect(choice).to_be_checked()
        choice.uncheck()
        page.get_by_role("button", name="Train", exact=True).click()
        shows(page, "circles-2-2")
        assert Run.named("circles-2-2").config.leave_out == ()


def shows(page: Page, run: str) -> None:
    expect(page.locator("#train-status [data-run]")).to_have_attribute("data-run", run, timeout=WAIT_MS)


def test_without_a_run_there_is_nothing_to_look_through(open_page: Callable[..., Page]):
    page = open_page()
    page.get_by_role("button", name="Runs side by side").click()
    expect(page.locator("#train-compare legend")).to_have_text("There are not two runs yet.", timeout=WAIT_MS)
    for button in ("Hardest pairs", "Grid of samples"):
        expect(page.get_by_role("button", name=button)).to_be_hidden()


def test_a_run_that_has_saved_nothing_says_so(open_page: Callable[..., Page], circles: Path):
    run = Run.create(TrainConfig(name="circles", dataset=str(circles), **TINY))
    page = open_page(viewport={"width": 360, "height": 740})
    page.get_by_role("button", name="Hardest pairs").click()
    expect(page.locator("#train-hardest .hint")).to_contain_text("circles has saved no generator yet", timeout=WAIT_MS)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    run.config_file.write_text("[]")
    expect(page.locator("#train-status")).to_contain_text("Broken", timeout=WAIT_MS)
    expect(page.get_by_role("button", name="Look again")).to_be_hidden(timeout=WAIT_MS)
