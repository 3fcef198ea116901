"""The curves of a run: drawn as its figures come, with a zoom, a log scale and a smoothing that are kept."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.test_train import WAIT_MS, circles, runs
from tests.browser.test_train import train_app as app
from training.config import TrainConfig
from training.run import Run

__all__ = ["app", "circles", "runs"]  # fixtures


def make(name: str, circles: Path, last: int = 100) -> Run:
    run = Run.create(TrainConfig(name=name, dataset=str(circles)))
    for step in range(10, last + 1, 10):
        run.append_metrics({"step": step, "loss_L1": 1000 / step, "loss_D": 0.5, "loss_G": 2.0, "lr": 2e-4})
    return run


def plot(page: Page, title: str) -> Locator:
    return page.locator("#train-curves figure", has_text=title)


def steps(figure: Locator) -> list[int]:
    """Those that stand below it."""
    return [int(text.replace(",", "")) for text in figure.locator("text[text-anchor=middle]").all_text_contents()]


def drag(page: Page, figure: Locator, first: float, last: float) -> None:
    """Along shares of the plot's width."""
    figure.scroll_into_view_if_needed()
    box = figure.locator("svg").bounding_box()
    assert box
    for share, act in ((first, page.mouse.down), (last, page.mouse.up)):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 80, steps=4)
        act()


def test_curves_are_drawn_as_they_come(open_page: Callable[..., Page], circles: Path):
    run = make("circles", circles)
    page = open_page()
    expect(page.locator("#train-curves figure:visible")).to_have_count(3, timeout=WAIT_MS)
    distance = plot(page, "Distance from the target (L1)")
    expect(distance.locator("p")).to_have_text("loss_L1")
    assert max(steps(distance)) == 100
    run.append_metrics({"step": 400, "loss_L1": 1.0, "val_L1": 0.5, "acc_D": 0.7})
    expect(distance.locator("text[text-anchor=middle]").last).to_have_text("400", timeout=WAIT_MS)
    figure = distance.locator("svg")
    within = "(text) => text.getBoundingClientRect().right <= text.ownerSVGElement.getBoundingClientRect().right"
    assert all(text.evaluate(within) for text in distance.locator("text").all()), "no number is cut off"
    figure.hover(position={"x": 300, "y": 50})
    expect(distance.locator("p")).to_contain_text(re.compile(r"loss_L1 \d+.*step \d+"))
    run.delete()
    expect(page.locator("#train-status")).to_contain_text("No training yet", timeout=WAIT_MS)
    expect(page.locator("#train-curves figure:visible")).to_have_count(0)


def test_what_was_chosen_is_kept(open_page: Callable[..., Page], circles: Path):
    make("circles", circles, last=1000)
    page = open_page()
    distance, other = plot(page, "Distance from the target (L1)"), plot(page, "Generator against discriminator")
    expect(distance).to_be_visible(timeout=WAIT_MS)
    drag(page, distance, 0.6, 0.9)
    expect(page.get_by_role("button", name="All steps")).to_be_visible()
    assert min(steps(distance)) > 400
    assert steps(other) == steps(distance), "all are zoomed"
    smooth = distance.locator("path[stroke]").get_attribute("d")
    page.get_by_label("Smoothing of the curves").fill("0")
    assert distance.locator("path[stroke]").get_attribute("d") != smooth
    page.locator("#train-curves").get_by_label("Log scale").check()
    zoomed, drawn = steps(distance), distance.locator("path[stroke]").get_attribute("d")

    page.reload()
    expect(distance.locator("path[stroke]")).to_have_attribute("d", drawn or "", timeout=WAIT_MS)
    assert steps(distance) == zoomed
    expect(page.locator("#train-curves").get_by_label("Log scale")).to_be_checked()
    make("second", circles, last=1000)
    page.locator("#train-run input").click()
    page.get_by_role("option", name="second").click()
    expect(page.get_by_role("button", name="All steps")).to_be_hidden(timeout=WAIT_MS)
    page.locator("#train-run input").click()
    page.get_by_role("option", name="circles").click()
    expect(page.get_by_role("button", name="All steps")).to_be_visible(timeout=WAIT_MS)
    distance.locator("svg").dblclick()
    expect(page.get_by_role("button", name="All steps")).to_be_hidden()
    assert max(steps(distance)) == 1000


def test_keys_zoom_too(open_page: Callable[..., Page], circles: Path):
    make("circles", circles, last=1000)
    page = open_page(viewport={"width": 360, "height": 740})
    distance = plot(page, "Distance from the target (L1)")
    expect(distance).to_be_visible(timeout=WAIT_MS)
    for key, holds in (
        ("+", lambda shown: min(shown) > 200 and max(shown) < 800),
        ("ArrowRight", lambda shown: min(shown) >= 400 and max(shown) >= 800),
        ("-", lambda shown: max(shown) == 1000),
        ("0", lambda shown: min(shown) <= 500 and max(shown) == 1000),
    ):
        distance.locator("svg").press(key)
        assert holds(steps(distance)), (key, steps(distance))
        expect(page.get_by_role("button", name="All steps")).to_be_visible(visible=key != "0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_any_figures_can_be_drawn(open_page: Callable[..., Page], circles: Path):
    odd = {"zero": [0.0, 0.0, 0.0], "below": [-1.0, 5.0, 0.0], "far": [1e-300, 1e300, 1.0], "level": [2e-4] * 9}
    for name, values in odd.items():
        run = Run.create(TrainConfig(name=name, dataset=str(circles)))
        for step, value in enumerate(values):
            run.append_metrics({"step": step, "loss_L1": value})
    page = open_page()
    distance = plot(page, "Distance from the target (L1)")
    line, log = distance.locator("path[stroke]"), page.locator("#train-curves").get_by_label("Log scale")
    expect(distance).to_be_visible(timeout=WAIT_MS)
    drawn = line.get_attribute("d") or ""
    for name, values in odd.items():
        page.locator("#train-run input").click()
        page.get_by_role("option", name=name).click()
        expect(page.locator("#train-status [data-run]")).to_have_attribute("data-run", name, timeout=WAIT_MS)
        expect(line).not_to_have_attribute("d", drawn, timeout=WAIT_MS)  # that of the one before
        drawn = line.get_attribute("d") or ""
        assert drawn.count("L") == len(values) - 1
        for is_log in (True, False):
            log.set_checked(is_log)
            assert "NaN" not in distance.inner_html()
            assert len(distance.inner_html()) < 20_000
        if len(set(values)) == 1:
            heights = re.findall(r"[ML][\d.]+ ([\d.]+)", drawn)
            assert len(set(heights)) == 1, "what is level is drawn so"
