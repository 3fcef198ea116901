"""The Models tab in a real browser: what is here, and how a model comes in, goes out, and goes away."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr
import numpy as np
import onnxruntime
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from pix2pix import Translator
from pix2pix.files import checkpoint
from tests.browser.conftest import App
from tests.rounding import rounding
from tests.test_foreign import NETWORKS
from ui.demo import create_demo
from ui.studio import Studio

SOON = 60_000  # ms


@pytest.fixture
def models(open_page: Callable[..., Page]) -> Page:
    page = open_page()
    page.get_by_role("tab", name="Models").click()
    expect(card(page, "tiny2shoes")).to_be_visible(timeout=SOON)
    return page


def card(page: Page, name: str) -> Locator:
    return page.locator(f"article[data-model='{name}']")


def choose(page: Page, name: str) -> None:
    page.locator("#models-chosen input").click()
    page.get_by_role("option", name=name, exact=True).click()


def test_each_model_says_what_it_is_and_shows_what_it_makes(models: Page):
    expect(card(models, "tiny2shoes")).to_contain_text("edges → photo")
    expect(card(models, "tiny2shoes")).to_contain_text("64 px, pix2pix U-Net, ngf 4")
    expect(card(models, "tiny2facades")).to_contain_text("labels → photo")
    expect(card(models, "tiny2facades")).to_contain_text("1,000 steps")
    for name in ("tiny2shoes", "tiny2facades"):
        expect(card(models, name).locator("img")).to_have_count(2, timeout=SOON)
        expect(card(models, name).get_by_alt_text("What it makes of it")).to_be_visible()
    expect(models.locator("#models-list")).to_contain_text("It cannot be loaded")  # `broken`


def test_a_model_is_exported(models: Page, app: App):
    choose(models, "tiny2shoes")
    models.locator("#models-format input").click()
    models.get_by_role("option", name="ONNX").click()
    models.locator("#models-export").click()
    expect(models.locator("#models-said")).to_contain_text("of PyTorch at batch 1 and 4", timeout=120_000)
    with models.expect_download() as download:
        models.locator("#models-file a").first.click()
    assert download.value.suggested_filename == "tiny2shoes.onnx"
    session = onnxruntime.InferenceSession(download.value.path(), providers=["CPUExecutionProvider"])
    a = torch.zeros(1, 3, 64, 64)
    with torch.inference_mode():
        expected = checkpoint.load(app.runs / "tiny2shoes" / "generator.safetensors")[0](a).numpy()
    assert np.abs(session.run(None, {"a": a.numpy()})[0] - expected).max() < rounding(layers=12, terms=16 * 64)


def test_a_light_one_is_trained_from_a_filled_form(models: Page, app: App, pairs: Path):
    choose(models, "wide2shoes")
    models.locator("#models-light").click()
    expect(models.locator("#train-folder textarea, #train-folder input")).to_be_visible(timeout=SOON)
    expect(models.locator("#train-name input, #train-name textarea")).to_have_value("wide2shoes-light")
    assert models.evaluate("scrollY") == 0, "the form is seen, however far down the button was"
    models.get_by_role("button", name="Advanced").click()
    for name, value in {"distil-from": "wide2shoes", "ngf": "2", "crop-size": "256", "lr": "0.0004"}.items():
        expect(models.locator(f"#train-{name}").locator("input, textarea").first).to_have_value(value)
    expect(models.locator("#train-colour_hints input")).to_be_checked()
    models.get_by_label("Folder of pictures").fill(str(pairs))
    models.get_by_label("Folder of pictures").press("Enter")
    expect(models.locator("#train-found")).to_contain_text("to train on", timeout=SOON)
    expect(models.locator("#train-name input, #train-name textarea")).to_have_value("wide2shoes-light")


def test_weights_of_another_project_come_in_and_go_again(models: Page, app: App, tmp_path: Path):
    torch.save(NETWORKS["unet_128 batch"]().state_dict(), tmp_path / "latest_net_G.pth")
    models.locator("#models-weights input[type=file]").set_input_files(tmp_path / "latest_net_G.pth")
    models.locator("#models-name input, #models-name textarea").fill("theirs")
    expect(models.locator("#models-weights")).to_contain_text("latest_net_G", timeout=SOON)
    models.get_by_text("What weights of other projects do not tell").click()
    expect(models.get_by_label("Dropout (empty")).to_have_value("")
    models.locator("#models-import").click()
    expect(models.locator("#models-said")).to_contain_text("theirs is here", timeout=SOON)
    expect(card(models, "theirs")).to_contain_text("128 px, junyanz-unet, ngf 8", timeout=SOON)
    assert Translator.load(app.runs / "theirs").config.image_size == 128

    models.locator("#models-delete").click()  # the one that has just come is chosen
    expect(models.locator("#models-warning")).to_contain_text("Delete theirs: the imported weights")
    assert (app.runs / "theirs").is_dir()
    models.locator("#models-really").click()
    expect(card(models, "theirs")).to_have_count(0, timeout=SOON)
    assert not (app.runs / "theirs").exists()


def test_a_file_that_is_no_weights_is_refused_in_words(models: Page, app: App, tmp_path: Path):
    (tmp_path / "page.pth").write_text("<html>404</html>")
    models.locator("#models-weights input[type=file]").set_input_files(tmp_path / "page.pth")
    expect(models.locator("#models-weights")).to_contain_text("page", timeout=SOON)
    models.locator("#models-import").click()
    toast = models.get_by_test_id("toast-body").first
    expect(toast).to_contain_text("page.pth", timeout=SOON)
    expect(toast).not_to_contain_text("/page.pth")
    expect(models.locator("#models-chosen input")).to_be_visible()
    expect(models.locator("#models-weights")).not_to_contain_text("page")
    hidden = "#models-chosen .error, #models-weights .error"  # what Gradio lays over a part of the page
    expect(models.locator(hidden)).to_have_count(0)
    assert not (app.runs / "page").exists()


def test_a_push_without_a_name_of_the_hub_is_refused_in_words(models: Page):
    choose(models, "tiny2shoes")
    models.locator("#models-push").click()
    expect(models.get_by_test_id("toast-body").first).to_contain_text("Give a repository", timeout=SOON)
    models.get_by_test_id("toast-close").first.click()
    models.locator("#models-repository input, #models-repository textarea").fill("nonsense")
    models.locator("#models-push").click()
    expect(models.get_by_test_id("toast-body").first).to_contain_text("not of the form owner/name", timeout=SOON)


def test_visitors_of_a_public_page_can_only_look(app: App):
    demo = create_demo(Studio(public=True))
    labels = {getattr(block, "value", None) for block in demo.blocks.values() if isinstance(block, gr.Button)}
    assert not labels & {"Export", "Push", "Import", "Delete …"}
    listed = [block for block in demo.blocks.values() if getattr(block, "elem_id", None) == "models-list"]
    assert len(listed) == 1
