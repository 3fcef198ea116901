"""The Train tab in real Chromium, with real training: tiny pictures, a tiny model, a few seconds."""

import os
import re
import signal
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import pytest
from gradio_client import Client
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from training.run import Run
from ui import train
from ui.studio import Studio

WAIT_MS = 90_000  # for what takes a process to start, on a machine that is busy with other tests
TINY = {
    "Load size (px)": 36,
    "Steps (0: by epochs)": 4000,
    "G width (ngf)": 4,
    "D width (ndf)": 4,
    "Log every (steps)": 20,
    "Preview every (steps)": 100,
    "Save every (steps)": 100,
}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PIX2PIX_RUNS", str(tmp_path / "runs"))
    yield tmp_path / "runs"
    for run in Run.list():
        run.stop(grace_s=0, term_s=0)


@pytest.fixture
def app(runs: Path) -> Iterator[App]:
    studio = Studio()
    with gr.Blocks() as demo, gr.Tab("Train", id="train"):
        train.build(studio)
    _, url, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield App(url, studio, runs)
    demo.close()


@pytest.fixture
def circles(tmp_path: Path) -> Path:
    """Outlines on the left, discs on the right."""
    folder = tmp_path / "circles"
    folder.mkdir()
    for index in range(6):
        pair = Image.new("RGB", (128, 64), "white")
        box = (4 * index, 4 * index, 4 * index + 30, 4 * index + 30)
        ImageDraw.Draw(pair).ellipse(box, outline="black")
        ImageDraw.Draw(pair).ellipse((box[0] + 64, box[1], box[2] + 64, box[3]), fill="red")
        pair.save(folder / f"{index}.png")
    return folder


def state(page: Page, *states: str) -> None:
    expect(page.locator("#train-status [data-state]")).to_have_attribute(
        "data-state", re.compile("|".join(states)), timeout=WAIT_MS
    )


def give(page: Page, folder: Path) -> None:
    page.get_by_label("Folder of pictures").fill(str(folder))
    page.get_by_label("Folder of pictures").press("Enter")
    expect(page.locator("#train-found img")).to_have_count(8, timeout=WAIT_MS)


def start(page: Page, folder: Path) -> None:
    give(page, folder)
    page.get_by_label("Custom: choose everything").check()
    page.get_by_label("Crop size (px)").click()
    page.get_by_role("option", name="32", exact=True).click()
    for label, value in TINY.items():
        page.get_by_label(label, exact=True).fill(str(value))
    page.locator("#train-start").dblclick()


def test_from_a_folder_to_a_generator(open_page: Callable[..., Page], circles: Path, runs: Path):
    page = open_page()
    start(page, circles)
    state(page, "running")
    expect(page.locator("#train-preview img")).to_be_visible(timeout=WAIT_MS)
    assert [run.name for run in Run.list()] == ["circles"], "two clicks, one run"

    page.reload()
    state(page, "running")
    other = open_page()
    state(other, "running")
    expect(other.locator("#train-preview img")).to_be_visible()
    expect(other.locator("#train-run input")).to_have_value("circles")

    page.locator("#train-stop").click()
    state(page, "stopped")
    state(other, "stopped")
    run = Run.named("circles")
    end = run.status().step + 300
    assert 300 < end < 4000
    run.config_file.write_text(run.config.with_changes(steps=end).to_json())  # so as not to wait for all of it

    other.locator("#train-resume").click()
    state(other, "running")
    state(page, "running", "finished")
    state(page, "finished")
    expect(page.locator("#train-status")).to_contain_text(f"step {end:,} of {end:,}")
    expect(page.locator("#train-status")).to_contain_text("the Draw tab has it")
    steps = [row["step"] for row in run.metrics()[0]]
    assert steps == sorted(set(steps))
    expect(page.locator("#train-resume")).to_be_hidden()
    assert (runs / "circles" / "generator.safetensors").exists()


def test_a_killed_training_says_what_to_do(open_page: Callable[..., Page], circles: Path):
    page = open_page()
    start(page, circles)
    state(page, "running")
    os.kill(Run.named("circles").status().pid or 0, signal.SIGKILL)
    state(page, "failed")
    expect(page.get_by_role("alert")).to_contain_text("was killed")
    expect(page.get_by_role("alert")).to_contain_text("Resume")
    expect(page.locator("#train-resume")).to_be_visible()


def test_the_direction_shows_in_the_samples(open_page: Callable[..., Page], circles: Path):
    page = open_page()
    give(page, circles)
    expect(page.locator("#train-found")).to_contain_text("6 pairs side by side")
    expect(page.get_by_label("Name")).to_have_value("circles")
    first = page.locator("#train-found img").first
    outline = first.get_attribute("src")
    page.get_by_label("B to A").check()
    expect(first).not_to_have_attribute("src", outline or "")


def test_an_uploaded_zip_becomes_a_dataset(open_page: Callable[..., Page], circles: Path, runs: Path, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "discs.zip", "w") as archive:
        for picture in circles.iterdir():
            archive.write(picture, f"discs/train/{picture.name}")
    page = open_page()
    page.locator("input[type=file]").set_input_files(tmp_path / "discs.zip")
    expect(page.locator("#train-found img")).to_have_count(8, timeout=WAIT_MS)
    expect(page.get_by_label("Folder of pictures")).to_have_value(str(runs / "datasets" / "discs"))
    expect(page.get_by_label("Name")).to_have_value("discs")


def test_a_wrong_value_is_said_in_words(open_page: Callable[..., Page], circles: Path, tmp_path: Path):
    page = open_page()
    page.get_by_label("Folder of pictures").fill(str(tmp_path / "nothing"))
    page.locator("#train-start").click()
    expect(page.locator(".toast-body")).to_contain_text("is not there")
    expect(page.locator("#train-found")).to_contain_text("not there")
    give(page, circles)
    page.get_by_label("Name").fill("my circles")
    page.locator("#train-start").click()
    expect(page.locator(".toast-body").last).to_contain_text("letters, digits, dot, dash")
    assert Run.list() == []


def test_a_program_can_start_watch_and_stop(app: App, circles: Path):
    client = Client(app.url, verbose=False)
    assert client.predict(str(circles), "discs", "quick", "BtoA", api_name="/train_start") == "discs"
    assert client.predict("discs", api_name="/train_status")["state"] in ("starting", "running")
    assert client.predict("discs", api_name="/train_stop").startswith("discs has stopped at step")
    assert client.predict("discs", api_name="/train_status")["state"] == "stopped"
    endpoints = client.view_api(print_info=False, return_format="dict")
    assert isinstance(endpoints, dict)
    assert set(endpoints["named_endpoints"]) == {"/train_start", "/train_status", "/train_stop"}


@pytest.mark.parametrize("where", ["on a Space", "shared"])
def test_a_public_page_cannot_train(where: str, monkeypatch: pytest.MonkeyPatch):
    if where == "on a Space":
        monkeypatch.setenv("SPACE_ID", "someone/space")
    with gr.Blocks() as demo:
        train.build(Studio(public=where == "shared"))
    assert not demo.fns
    assert "switched off" in str(demo.get_config_file()["components"])
