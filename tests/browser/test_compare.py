"""Runs side by side: a curve of each by step, the same samples at one step, and the settings that differ."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_access import CONTRASTS
from tests.browser.test_grid import is_shown, save
from tests.browser.test_train import WAIT_MS, circles, runs
from tests.browser.test_train import train_app as app
from training.config import TrainConfig
from training.run import Run

__all__ = ["app", "circles", "runs"]  # fixtures


@pytest.fixture
def three(runs: Path, circles: Path) -> dict[str, Run]:
    made = {}
    for number, name in enumerate(("first", "second", "third")):
        run = made[name] = Run.create(TrainConfig(name=name, dataset=str(circles), lr=1e-4 * (number + 1), ngf=8))
        save(run, 0, 100, 200)
        for step in range(10, 210, 10):
            run.append_metrics({"step": step, "loss_L1": 1 / step, "val_L1": (number + 1) / step})
    return made


def choose(page: Page, *names: str) -> None:
    page.get_by_role("button", name="Runs side by side").click()
    for name in names:
        page.locator("#train-compare").get_by_label(name).check()
    expect(page.locator("#train-compare .curves path[stroke]")).to_have_count(len(names), timeout=WAIT_MS)


def test_curves_samples_and_settings_of_two(open_page: Callable[..., Page], three: dict[str, Run]):
    page = open_page()
    choose(page, "first", "second")
    panel = page.locator("#train-compare")
    expect(panel.locator(".figure")).to_have_value("val_L1")
    expect(panel.locator("table tr")).to_have_text(["firstsecond", re.compile("^steps made"), "lr0.00010.0002"])
    # One input, one target, and what each makes of it, at the last step; then all go back together.
    expect(panel.locator(".strip")).to_have_count(4)
    expect(panel.locator(".strip").nth(2)).to_have_text("firstStep 200")
    contrasts = page.evaluate(CONTRASTS, "#train-compare .strip :is(b, span)")
    assert len(contrasts) == 6
    assert [(text, round(contrast, 1)) for text, contrast in contrasts if contrast < 4.5] == []
    is_shown(panel.locator(".strip").nth(0).locator("canvas").nth(1), 200, 0, 1)
    is_shown(panel.locator(".strip").nth(3).locator("canvas").nth(1), 200, 2, 1)
    panel.get_by_label("Step of the samples").press("ArrowLeft")
    expect(panel.locator(".strip").nth(3)).to_have_text("secondStep 100")
    is_shown(panel.locator(".strip").nth(3).locator("canvas").nth(2), 100, 2, 2)
    panel.locator(".figure").select_option("loss_L1")
    panel.get_by_label("Log scale").check()
    panel.get_by_label("Log scale").press("Shift+Tab")
    panel.locator(".figure").press("Tab")
    expect(panel.get_by_label("Log scale")).to_have_css("outline-style", "solid")

    page.reload()
    expect(panel.locator(".strip")).to_have_count(4, timeout=WAIT_MS)
    expect(panel.locator(".figure")).to_have_value("loss_L1")
    expect(panel.get_by_label("Log scale")).to_be_checked()
    expect(panel.locator(".strip").nth(3)).to_have_text("secondStep 100")
    three["second"].append_metrics({"step": 400, "loss_L1": 0.5})  # it goes on
    expect(panel.locator("svg text").get_by_text("400", exact=True)).to_be_visible(timeout=WAIT_MS)
    Run.discard("first")
    expect(panel.locator(".sheets")).to_be_hidden(timeout=WAIT_MS)
    expect(panel.get_by_label("second")).to_be_checked()


def test_a_run_of_other_pictures_has_its_own_inputs(
    open_page: Callable[..., Page], three: dict[str, Run], tmp_path: Path
):
    other = Run.create(TrainConfig(name="other", dataset=str(tmp_path)))
    save(other, 0, 50)
    other.append_metrics({"step": 50, "val_L1": 1.0})
    page = open_page()
    choose(page, "first", "other")
    expect(page.locator("#train-compare .strip")).to_have_count(6)
    expect(page.locator("#train-compare .strip").nth(5)).to_have_text("otherStep 50")


def test_four_are_the_most_and_one_is_not_compared(
    open_page: Callable[..., Page], three: dict[str, Run], circles: Path
):
    for name in ("fourth", "fifth"):
        Run.create(TrainConfig(name=name, dataset=str(circles)))
    page = open_page(viewport={"width": 360, "height": 740})
    panel = page.locator("#train-compare")
    if not page.get_by_role("button", name="Runs side by side").is_visible():
        page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="Runs side by side").click()
    panel.get_by_label("first").check()
    expect(panel.locator(".curves")).to_be_hidden()
    for name in ("second", "third", "fourth"):
        panel.get_by_label(name).check()
    expect(panel.get_by_label("fifth")).to_be_disabled()
    expect(panel.locator(".strip")).to_have_count(6, timeout=WAIT_MS)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
