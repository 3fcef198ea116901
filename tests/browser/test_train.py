"""The Train tab in real Chromium, with real training: tiny pictures, a tiny model, a few seconds."""

import os
import re
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
import psutil
import pytest
from gradio_client import Client
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from pix2pix.files import places
from tests.browser.conftest import App, draw_circles, note_speeds
from tests.waiting import wait_until
from training.config import TrainConfig
from training.run import Run
from ui.draw import tab as draw
from ui.studio import Studio
from ui.train import tab as train
from ui.train.monitor import LAST, RunMonitor
from ui.train.notifications import teller

WAIT_MS = 90_000  # for what takes a process to start, on a machine that is busy with other tests
TINY = {"load-size": 36, "steps": 4000, "ngf": 4, "ndf": 4, "log-every": 20, "preview-every": 100, "save-every": 1000}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PIX2PIX_RUNS", str(tmp_path / "runs"))
    note_speeds(tmp_path / "runs")
    yield tmp_path / "runs"
    for run in Run.list():
        run.stop(grace_s=0, term_s=0)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One for all tests of a file: of each it shows the runs that are in its folder."""
    yield from _serve(tmp_path_factory.mktemp("before any test"), tabs=("train", "draw"))


@pytest.fixture(scope="module")
def train_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The Train tab alone, whose page costs less computing."""
    yield from _serve(tmp_path_factory.mktemp("before any test"), tabs=("train",))


def _serve(folder: Path, tabs: tuple[str, ...]) -> Iterator[App]:
    studio = Studio()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIX2PIX_RUNS", str(folder / "runs"))
        with gr.Blocks() as demo:
            teller()
            for name in tabs:
                with gr.Tab(name.title(), id=name):
                    {"train": train, "draw": draw}[name].build(studio)
        _, url, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, _frontend=False)
        yield App(url, studio, folder / "runs")
        demo.close()


@pytest.fixture
def circles(tmp_path: Path) -> Path:
    """Outlines on the left, discs on the right."""
    return draw_circles(tmp_path / "circles")


def state(page: Page, *states: str) -> None:
    expect(page.locator("#train-status [data-state]")).to_have_attribute(
        "data-state", re.compile("|".join(states)), timeout=WAIT_MS
    )


def width(picture: Path) -> int:
    with Image.open(picture) as opened:
        return opened.width


def give(page: Page, folder: Path) -> None:
    page.get_by_label("Folder of pictures").fill(str(folder))
    page.get_by_label("Folder of pictures").press("Enter")
    expect(page.locator("#train-found img")).to_have_count(10, timeout=WAIT_MS)


def press_slowly(page: Page, button: str) -> None:
    """As a person does, who holds the button for longer than the app needs to look into a folder."""
    page.locator(button).hover()
    page.mouse.down()
    page.wait_for_timeout(500)
    page.mouse.up()


def fill(values: dict[Locator, str]) -> None:
    """What is typed in the tenth of a second in which an accordion opens Gradio may put back to what it was."""
    for _ in range(20):
        for field, value in values.items():
            field.fill(value)
        time.sleep(0.2)
        if all(field.input_value() == value for field, value in values.items()):
            return
    raise AssertionError(f"the page changes {list(values)}")


def start(page: Page, folder: Path, **settings: int) -> None:
    give(page, folder)
    page.get_by_role("radio", name=re.compile("^Quick")).check()
    if not page.locator("#train-load-size").is_visible():
        page.get_by_role("button", name="Advanced").click()
    page.locator("#train-crop-size input").click()
    page.get_by_role("option", name="32", exact=True).click()
    fill({page.locator(f"#train-{name} input"): str(value) for name, value in (TINY | settings).items()})
    page.locator("#train-start").dblclick()


@contextmanager
def held(name: str) -> Iterator[None]:
    """The trainer of that run lives and makes no step: what is looked at meanwhile needs none of its computing."""
    trainer = psutil.Process(Run.named(name).status().pid)
    trainer.suspend()
    try:
        yield
    finally:
        trainer.resume()


def test_from_a_folder_to_a_generator(open_page: Callable[..., Page], circles: Path, runs: Path):
    page = open_page()
    start(page, circles)
    wait_until(lambda: any(run.previews() for run in Run.list()))
    with held("circles"):
        state(page, "running")
        expect(page.locator("#train-preview img")).to_be_visible(timeout=WAIT_MS)
        assert [run.name for run in Run.list()] == ["circles"], "two clicks, one run"

        page.reload()
        state(page, "running")
        other = open_page()
        state(other, "running")
        expect(other.locator("#train-preview img")).to_be_visible()
        expect(other.locator("#train-run input")).to_have_value("circles")

    page.locator("#train-stop").press("Enter")
    state(page, "stopped")
    expect(page.locator("#train-stop")).to_be_hidden()
    expect(page.locator("#train-status"), "the button is gone").to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#train-resume")).to_be_focused()
    state(other, "stopped")
    run = Run.named("circles")
    end = run.status().step + 100
    assert 100 < end < 4000
    run.config_file.write_text(run.config.with_changes(steps=end).to_json())  # so as not to wait for all of it

    other.locator("#train-resume").click()
    wait_until(lambda: run.status().state == "running", run)
    with held("circles"):
        state(other, "running")
        state(page, "running")
    state(page, "finished")
    expect(page.locator("#train-status")).to_contain_text(f"step {end:,} of {end:,}")
    expect(page.locator("#train-status")).to_contain_text("the Draw tab has it")
    steps = [row["step"] for row in run.metrics()[0]]
    assert steps == sorted(set(steps))
    expect(page.locator("#train-resume")).to_be_hidden()
    assert (runs / "circles" / "generator.safetensors").exists()

    page.get_by_role("tab", name="Draw").click()
    page.get_by_label("Model").select_option("circles")
    box = page.locator("#draw-canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 90, steps=5)
    page.mouse.up()
    expect(page.locator("#draw-picture")).to_be_visible(timeout=WAIT_MS)
    page.close()

    other.get_by_role("button", name="Stop at a time").click()  # beside it: a finished run is extended, and goes on
    fill({other.get_by_label("Further steps"): "60"})
    other.locator("#train-extend").click()
    expect(other.locator("#train-status")).to_contain_text(f"step {end + 60:,} of {end + 60:,}", timeout=WAIT_MS)
    state(other, "finished")


def test_the_form_says_what_it_found_and_what_is_wrong(
    open_page: Callable[..., Page], circles: Path, runs: Path, tmp_path: Path
):
    page = open_page()
    found = page.locator("#train-found")
    page.get_by_label("Folder of pictures").fill(str(tmp_path / "nothing"))
    press_slowly(page, "#train-start")
    expect(page.locator(".toast-body")).to_contain_text("is not there")
    expect(found).to_contain_text("not there")

    give(page, circles)
    expect(found).to_contain_text("6 pairs side by side")
    expect(found).to_contain_text("Input, what you will draw or give: the left half")
    expect(page.get_by_label("Name", exact=True)).to_have_value("circles")
    first = found.locator("img").first
    outline = first.get_attribute("src")
    page.locator("#train-swap").click()
    expect(first).not_to_have_attribute("src", outline or "")
    expect(found).to_contain_text("Input, what you will draw or give: the right half")
    page.locator("#train-swap").click()
    expect(first).to_have_attribute("src", outline or "")

    page.get_by_label("Name", exact=True).fill("my circles")
    page.locator("#train-start").click()
    expect(page.locator(".toast-body").last).to_contain_text("letters, digits, dot, dash")
    assert Run.list() == []


@pytest.mark.timeout(600)
def test_the_doctor_says_what_it_finds_and_the_run_leaves_it_out(
    open_page: Callable[..., Page], circles: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
):
    (runs / "speed.json").unlink()  # so that this app measures
    monkeypatch.setattr(places, "CHECKPOINTS", places.ROOT / "checkpoints")  # the app of other tests has none
    Image.new("RGB", (128, 64), "white").save(circles / "blank.png")
    (circles / "broken.png").write_bytes(b"no picture")
    page = open_page()
    page.get_by_label("Folder of pictures").fill(str(circles))
    page.get_by_label("Folder of pictures").press("Enter")
    findings = page.locator("#train-findings")
    expect(findings.locator("[data-checkup=done]")).to_be_visible(timeout=WAIT_MS)
    expect(findings).to_contain_text("1 pair is blank, or nearly so. Left out")
    expect(findings).to_contain_text(
        "1 file cannot be used: broken: cannot identify image file: it holds text. Left out."
    )
    findings.get_by_text("show").last.click()
    expect(findings.get_by_text("blank.png")).to_be_visible()
    expect(page.locator("#train-kind input")).to_have_value("Line drawings")
    # Measured meanwhile, which is half a minute of computing.
    expect(page.locator("#train-preset")).to_contain_text("-core CPU", timeout=3 * WAIT_MS)
    # The recommended preset offers the shipped generator of line drawings; another preset does not.
    expect(page.get_by_role("radio", name=re.compile("^Recommended"))).to_be_checked()
    expect(page.get_by_label("Begin from edges2shoes")).to_be_checked()
    page.get_by_role("radio", name=re.compile("^Quick")).check()
    expect(page.locator("#train-begin-from")).to_be_hidden()
    page.locator("#train-start").click()
    state(page, "starting", "running")
    config = Run.named("circles").config
    assert set(config.leave_out) == {"blank.png", "broken.png"}
    assert (config.a, config.b, config.init_from) == ("edges", "image", "")


def test_an_uploaded_zip_becomes_a_dataset(open_page: Callable[..., Page], circles: Path, runs: Path, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "discs.zip", "w") as archive:
        for picture in circles.iterdir():
            archive.write(picture, f"discs/train/{picture.name}")
    page = open_page()
    page.locator("#train-drop input[type=file]").set_input_files(tmp_path / "discs.zip")
    expect(page.locator("#train-found img")).to_have_count(10, timeout=WAIT_MS)
    expect(page.get_by_label("Folder of pictures")).to_have_value(str(runs / "datasets" / "discs"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("discs")


def test_try_it_now_trains_without_any_data(open_page: Callable[..., Page], runs: Path):
    page = open_page()
    page.locator("#train-demo").dblclick()
    wait_until(lambda: any(run.previews() for run in Run.list()))
    with held("demo"):
        state(page, "running")
        expect(page.locator("#train-preview img")).to_be_visible(timeout=WAIT_MS)
    assert [run.name for run in Run.list()] == ["demo"], "two clicks, one run"
    assert (runs / "datasets" / "demo-facades" / "train" / "000.png").exists()


def test_what_can_be_done_with_a_run(open_page: Callable[..., Page], circles: Path, tmp_path: Path):
    page = open_page()
    # It is to go on while another waits for its turn, and by itself it neither shows nor saves anything.
    start(page, circles, **dict.fromkeys(("steps", "preview-every", "save-every"), 100_000))
    state(page, "running")
    expect(page.locator("#train-status")).not_to_contain_text("saved at step")
    page.get_by_role("button", name="Preview now").click()
    wait_until(lambda: len(Run.named("circles").previews()) == 2)
    step = int(Run.named("circles").previews()[-1].stem)
    expect(page.get_by_text(f"Step {step:,}. From top to bottom")).to_be_visible()
    page.get_by_role("button", name="Save now").click()
    wait_until(lambda: Run.named("circles").status().saved_step is not None)
    with held("circles"):
        saved = f"saved at step {Run.named('circles').status().saved_step:,}"
        expect(page.locator("#train-status")).to_contain_text(saved)
        page.reload()
        expect(page.get_by_text(f"Step {step:,}. From top to bottom")).to_be_visible(timeout=WAIT_MS)
        expect(page.locator("#train-status")).to_contain_text(saved)
        jump = page.locator("#train-jump")
        expect(jump).to_be_hidden()
        page.set_viewport_size({"width": 360, "height": 740})
        expect(page.locator("#train-status")).not_to_be_in_viewport()
        expect(jump).to_have_text(re.compile(r"circles is at step [\d,]+ of 100,000: see it"))
        jump.press("Enter")
        expect(page.locator("#train-status")).to_be_focused()
        expect(page.locator("#train-status")).to_be_in_viewport(ratio=1)
        page.set_viewport_size({"width": 1000, "height": 800})

    Image.new("RGB", (50, 50), "lime").save(tmp_path / "mine.png")
    with page.expect_file_chooser() as chooser:
        page.locator("#train-pin").click()
    chooser.value.set_files(tmp_path / "mine.png")
    expect(page.locator(".toast-body").last).to_contain_text("the last column")
    page.get_by_role("button", name="Preview now").click()
    wait_until(lambda: width(Run.named("circles").previews()[-1]) > 5 * 36)

    with held("circles"):
        page.get_by_role("button", name="Stop at a time").click()
        fill({page.locator("#train-at input, #train-at textarea").first: "7:xx"})
        page.locator("#train-set-at").click()
        expect(page.locator(".toast-body").last).to_contain_text("not a time such as 7:30")
        page.locator("#train-at input, #train-at textarea").first.fill("7:30")
        page.locator("#train-set-at").click()
        expect(page.locator("#train-status")).to_contain_text("stops at 07:30")

        page.get_by_label("Name", exact=True).fill("circles-2")
        start(page, circles, seed=1)  # waits for its turn
        state(page, "queued")
        assert {run.name: run.status().state for run in Run.list()}["circles-2"] == "queued"
        page.locator("#train-stop").click()
        state(page, "stopped")
        page.locator("#train-delete").click()
        page.locator("#train-delete-sure").click()
        expect(page.locator("#train-run input")).to_have_value("circles")
        assert [run.name for run in Run.list()] == ["circles"]

    page.locator("#train-stop").click()
    state(page, "stopped")
    expect(page.get_by_role("button", name="Preview now")).to_be_hidden()
    page.set_viewport_size({"width": 360, "height": 740})
    expect(jump).to_be_hidden()
    page.set_viewport_size({"width": 1000, "height": 800})
    page.locator("#train-new-name input, #train-new-name textarea").first.fill("discs")
    page.locator("#train-rename").click()
    expect(page.locator("#train-run input")).to_have_value("discs")
    assert [run.name for run in Run.list()] == ["discs"]

    with page.expect_download() as download:
        page.locator("#train-report").click()
    document = download.value.path().read_text("utf-8")
    assert "<svg" in document
    assert "data:image/jpeg;base64" in document
    with page.expect_download() as download:
        page.locator("#train-zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {"discs/config.json", "discs/state.pt", "discs/generator.safetensors"} <= set(archive.namelist())

    page.locator("#train-fine-tune").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("discs-2")
    page.locator("#train-start").click()
    expect(page.locator("#train-run input")).to_have_value("discs-2", timeout=WAIT_MS)
    state(page, "running")
    tuned = Run.named("discs-2").config
    assert tuned.init_from == "discs"
    assert (tuned.crop_size, tuned.ngf, tuned.steps) == (32, 4, 2000)

    os.kill(Run.named("discs-2").status().pid or 0, signal.SIGKILL)
    state(page, "failed")
    expect(page.get_by_role("alert")).to_contain_text("was killed")
    expect(page.get_by_role("alert")).to_contain_text("Resume")
    expect(page.locator("#train-resume")).to_be_visible()


def test_nothing_is_sent_when_nothing_has_changed(runs: Path, circles: Path):
    with gr.Blocks():
        watch = RunMonitor(gr.Button())
    assert watch.refresh(None, LAST, {}) == gr.skip(), "no run at all"
    run = Run.create(TrainConfig(name="still", dataset=str(circles)))
    run.append_metrics({"step": 1, "loss_G": 1.0})
    first = watch.show("still")
    seen = first[watch.seen]
    assert watch.status in first
    again = watch.refresh("still", LAST, seen)
    assert again == gr.skip()
    run.append_metrics({"step": 2, "loss_G": 1.0})
    assert watch.refresh("still", LAST, seen) == gr.skip(), "the curves ask for themselves"


def test_a_late_answer_does_not_choose_a_run_again(runs: Path, circles: Path):
    with gr.Blocks():
        watch = RunMonitor(gr.Button())
    Run.create(TrainConfig(name="first", dataset=str(circles)))
    seen = watch.show("first")[watch.seen]
    Run.create(TrainConfig(name="second", dataset=str(circles)))
    late = watch.refresh("first", LAST, seen)[watch.run]
    assert "second" in str(late.choices)
    assert "value" not in late.constructor_args, "the page may show the second one by now"
    Run.discard("first")
    assert watch.refresh("first", LAST, seen)[watch.run].value == "second", "it is gone"


def test_a_program_can_start_watch_and_stop(app: App, circles: Path):
    client = Client(app.url, verbose=False)
    assert client.predict(str(circles), "discs", "quick", "BtoA", api_name="/train_start") == "discs"
    assert client.predict("discs", api_name="/train_status")["state"] in ("starting", "running")
    assert client.predict("discs", api_name="/train_stop").startswith("discs has stopped at step")
    assert client.predict("discs", api_name="/train_status")["state"] == "stopped"
    endpoints = client.view_api(print_info=False, return_format="dict")
    assert isinstance(endpoints, dict)
    assert set(endpoints["named_endpoints"]) == {"/train_start", "/train_status", "/train_stop", "/translate"}


@pytest.mark.parametrize("where", ["on a Space", "shared"])
def test_a_public_page_cannot_train(where: str, monkeypatch: pytest.MonkeyPatch):
    if where == "on a Space":
        monkeypatch.setenv("SPACE_ID", "someone/space")
    with gr.Blocks() as demo:
        train.build(Studio(public=where == "shared"))
    assert not demo.fns
    shown = str(demo.get_config_file()["components"])
    assert "switched off" in shown
    assert "train-" not in shown, "nor look at what was trained"
