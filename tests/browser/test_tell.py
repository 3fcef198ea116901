"""Someone who looks at something else is told how the training gets on: by the title, and by the browser."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from pix2pix.files.places import ROOT
from tests.browser.sheet import asks, lose
from tests.browser.test_train import WAIT_MS, app, circles, held, runs, start, state
from tests.waiting import wait_until
from training.config import TrainConfig
from training.run import Run

__all__ = ["app", "circles", "runs"]  # fixtures
RARE = 100_000
SILENT = {"steps": RARE, "log-every": RARE, "preview-every": RARE}  # a trainer of which the coach hears nothing
# Has a run as a trainer has it, and computes nothing: it finishes when it is told to, and not between two looks.
IDLE = """import sys; from training.run import Run
run = Run(sys.argv[1])
with run.claim():
    run.write_status(state="running", step=10, total=40)
    sys.stdin.readline()
    run.write_status(state="finished", step=40)
"""
# Chromium's own notifications, whose titles and texts are kept as well.
LISTEN = """window.told = []; const Own = window.Notification;
window.Notification = class extends Own {
  constructor(title, options) { super(title, options); window.told.push(title + ": " + options.body); }
};"""


def open_train(open_page: Callable[..., Page], allowed: bool = True) -> Page:
    page = open_page(permissions=["notifications"]) if allowed else open_page()
    page.evaluate(f"() => {{ {LISTEN} }}")
    page.add_init_script(LISTEN)  # where it is loaded again, too
    return page


@contextmanager
def going(circles: Path) -> Iterator[Run]:
    """A run of that name, which finishes when this is left."""
    run = Run.create(TrainConfig(name="circles", dataset=str(circles)))
    with subprocess.Popen([sys.executable, "-c", IDLE, str(run.path)], cwd=ROOT, stdin=subprocess.PIPE):
        yield run


def test_the_title_counts_and_the_browser_tells_of_the_end(open_page: Callable[..., Page], circles: Path):
    page = open_train(open_page)
    expect(page).to_have_title("Gradio")  # which has no better name in the tests
    page.get_by_label("Notify me in this browser").check()
    start(page, circles, **SILENT)
    wait_until(lambda: any(run.status().state == "running" for run in Run.list()))
    with held("circles"):
        state(page, "running")
        expect(page).to_have_title(re.compile(r"^\d+ % circles · Gradio$"))
        page.reload()
        expect(page).to_have_title(re.compile(r"^\d+ % circles · Gradio$"), timeout=WAIT_MS)
        expect(page.get_by_label("Notify me in this browser")).to_be_checked()
        page.get_by_role("tab", name="Draw").click()  # someone looks at something else
    Run.named("circles").request_stop()
    expect(page).to_have_title("circles has stopped · Gradio", timeout=WAIT_MS)
    (told,) = page.evaluate("window.told")
    assert told.startswith("circles has stopped: step ")
    page.reload()
    expect(page.locator("#train-status")).to_contain_text("Stopped")
    expect(page).to_have_title("Gradio")  # what ended before is no news


def test_the_coach_is_heard_elsewhere(open_page: Callable[..., Page], circles: Path):
    page = open_train(open_page)
    page.get_by_label("Notify me in this browser").check()
    with going(circles) as run:
        expect(page).to_have_title("25 % circles · Gradio")
        with page.expect_event("requestfailed", lambda request: asks(request, "trainings")):
            lose(page, 1, lambda route: route.abort(), "trainings")
        for step in range(1, 30):
            run.append_metrics({"step": step, "loss_D": 0.1, "acc_D": 0.999})
        expect(page).to_have_title("⚠ 25 % circles · Gradio")
        for step in range(30, 60):
            run.append_metrics({"step": step, "loss_D": 0.1, "acc_D": 0.999})
        page.wait_for_timeout(3000)
        (told,) = page.evaluate("window.told")
    assert told.startswith("The coach of circles: The discriminator has won since step")


def test_nobody_is_told_who_did_not_ask_or_may_not(open_page: Callable[..., Page], circles: Path):
    page = open_train(open_page, allowed=False)
    page.context.clear_permissions()
    page.get_by_label("Notify me in this browser").click()
    expect(page.locator("#train-tell")).to_contain_text("The browser does not allow it")
    expect(page.get_by_label("Notify me in this browser")).not_to_be_checked()
    with going(circles):
        expect(page).to_have_title("25 % circles · Gradio")
    expect(page).to_have_title("circles has finished · Gradio")
    assert page.evaluate("window.told") == []
