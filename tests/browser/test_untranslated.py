"""In a Chinese browser no English is left: all tabs in many states are read, on a desktop and on a phone."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pix2pix.files import places
from tests.browser.conftest import KINDS, App, _opener, _save, draw_circles, note_speeds
from tests.browser.english import english_in
from tests.browser.sheet import SMALL, Open, Sheet
from tests.browser.test_tell import LISTEN
from tests.browser.test_train import fill, held
from training.config import TrainConfig
from training.hardest import look
from training.loop import train
from training.run import Run
from ui import serving
from ui.demo import create_demo
from ui.guard import Rules
from ui.studio import Studio

CHINESE = {"locale": "zh-CN"}
WIDTHS = (1000, 360)
WAIT_MS = 90_000  # for what takes a process to start, on a machine that is busy with other tests
TINY = {"load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4, "device": "cpu", "log_every": 5, "preview_every": 10}
# Names: of models and runs, of settings and their values, of what metrics.jsonl holds, and of files.
NAMES = {*KINDS, "circles", "circles2", "endless", "failing", *TrainConfig.__dataclass_fields__, "photos", "pairs",
         "stacked", "thirds", "folders", "none", "wandb", "trackio", "graph", "AtoB", "BtoA", "png", "loss_D", "loss_G",
         "loss_L1", "val_L1", "acc_D", "fp32",
         "neither", "other2shoes"}  # fmt: skip


@pytest.fixture(scope="module")
def circles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outlines on the left, discs on the right; a blank pair, and a file that is no picture."""
    folder = draw_circles(tmp_path_factory.mktemp("data") / "circles")
    Image.new("RGB", (128, 64), "blue").save(folder / "6.png")
    (folder / "7.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """With the generators of the other tests, and runs of its own."""
    folder = tmp_path_factory.mktemp("runs of the chinese page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIX2PIX_RUNS", str(folder))
        patch.setattr(places, "CHECKPOINTS", folder / "none")
        note_speeds(folder)
        for name, side in KINDS.items():
            _save(folder, name, 64, side)
        _save(folder, "other2shoes", 64, KINDS["tiny2shoes"])
        studio = Studio(precision="fp32")
        demo = create_demo(studio)
        yield App(serving.launch(demo, Rules.private("127.0.0.1"), "127.0.0.1"), studio, folder)
        for run in Run.list():
            run.stop(grace_s=0, term_s=0)
        demo.close()


@pytest.fixture(scope="module")
def chinese(app: App, browser: Browser, used: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that is loaded again for each test: to open another one costs twice the computing."""
    for open_page in _opener(app.url, browser, used, request):
        yield open_page(**CHINESE)


def opened(tab: str, page: Page) -> Page:
    page.reload()
    page.get_by_role("tab", name=tab).click()
    return page


def read(page: Page) -> None:
    """Fails for English, for what does not fit on the page, and on a phone for what is too small for a finger."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(300)  # until what is shown at that width is
        until = time.monotonic() + 10
        while (left := english_in(page, NAMES)) and time.monotonic() < until:  # Gradio's own words come and go
            page.wait_for_timeout(100)
        assert left == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        while (small := _too_small(page, width)) and time.monotonic() < until:  # a picture that has not come is low
            page.wait_for_timeout(100)
        assert small == [], "a finger is broad"
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})


def _too_small(page: Page, width: int) -> list:
    return page.evaluate(SMALL) if width < WIDTHS[0] else []


def test_the_draw_tab(chinese: Page):
    page = opened("绘画", chinese)
    sheet = Sheet(page, "tiny2facades", "模型")
    read(page)
    sheet.stroke((60, 60), (200, 180))
    expect(page.locator(".status")).to_have_text(re.compile("毫秒"))
    read(page)
    sheet = Sheet(page, "tiny2shoes", "模型")
    sheet.stroke((60, 60), (200, 60), (200, 180), (60, 180), (60, 60))
    expect(page.locator(".status")).to_have_text(re.compile("毫秒"))
    for button in ("[data-mode=variations]", "[data-mode=compare]", ".slide", "[data-mode=making]", ".lens"):
        page.locator(button).click()
        read(page)
    page.locator(".more summary").click()
    read(page)
    page.locator(".more .keys").click()
    expect(page.get_by_role("dialog")).to_contain_text("Ctrl+滚轮，或双指")
    read(page)


def test_the_upload_tab(chinese: Page, tmp_path: Path):
    page = opened("上传", chinese)
    read(page)
    Image.effect_noise((80, 60), 60).convert("RGB").save(tmp_path / "noise.png")
    page.locator("#upload-given input[type=file]").set_input_files(tmp_path / "noise.png")
    expect(page.locator("#upload-result img")).to_be_visible(timeout=WAIT_MS)
    read(page)
    page.get_by_label("整张，按原尺寸").check()
    expect(page.locator("#upload-size")).to_be_visible()
    read(page)
    page.get_by_label("分块，按原尺寸").check()
    expect(page.locator("#upload-how")).to_contain_text("用于很大的图片")
    read(page)
    (tmp_path / "broken.png").write_bytes(b"no picture at all")
    page.reload()
    page.get_by_role("tab", name="上传").click()
    page.locator("#upload-given input[type=file]").set_input_files(tmp_path / "broken.png")
    expect(page.get_by_text("无法读取这张图片").first).to_be_visible(timeout=WAIT_MS)
    read(page)


def test_the_models_tab(chinese: Page):
    page = opened("模型", chinese)
    expect(page.locator("#models-list img")).to_have_count(6, timeout=WAIT_MS)
    read(page)
    expect(page.locator("#models-format input")).to_have_value("单个网页，无需联网即可绘画")
    page.locator("#models-chosen input").click()
    page.get_by_role("option", name="tiny2shoes").click()
    page.locator("#models-delete").click()
    expect(page.locator("#models-warning")).to_contain_text("此操作无法撤销")
    read(page)
    page.locator("#models-format input").click()
    page.get_by_role("option", name="仅权重").click()
    page.locator("#models-export").click()
    expect(page.locator("#models-said")).to_contain_text("fp16 生成器", timeout=WAIT_MS)
    read(page)
    page.get_by_role("button", name="其他项目的权重中没有的信息").click()
    expect(page.get_by_label("训练数据")).to_be_visible()
    page.locator("#models-push").click()
    expect(page.get_by_text("形式").first).to_be_visible(timeout=WAIT_MS)
    read(page)


def test_the_form_of_the_train_tab(chinese: Page, circles: Path, tmp_path: Path):
    page = opened("训练", chinese)
    expect(page.locator("#train-status")).to_contain_text("还没有训练")
    read(page)
    broken = tmp_path / "broken.zip"
    for _ in range(2):  # the second time nothing of the first is left
        broken.write_bytes(b"no zip")
        page.locator("#train-drop input[type=file]").set_input_files(broken)
        expect(page.get_by_text("zip 已损坏").first).to_be_visible(timeout=WAIT_MS)
        read(page)
        expect(page.locator("#train-drop")).to_contain_text("或 zip、图片", timeout=WAIT_MS)
        page.get_by_test_id("toast-close").first.click()
    folder = page.get_by_label("图片文件夹")
    folder.fill("neither")
    folder.press("Enter")
    expect(page.locator("#train-found")).to_contain_text("不", timeout=WAIT_MS)
    read(page)
    folder.fill(str(circles))
    folder.press("Enter")
    expect(page.locator("#train-findings")).to_contain_text("已检查全部", timeout=WAIT_MS)
    read(page)
    page.get_by_role("button", name="高级").click()
    expect(page.locator("#train-seed")).to_be_visible()
    read(page)
    page.locator("#train-kind input").click()
    read(page)


def test_runs_in_all_states(chinese: Page, circles: Path):
    for name, rate in (("circles", 2e-4), ("circles2", 1e-3)):
        train(Run.create(TrainConfig(name=name, dataset=str(circles), steps=40, lr=rate, **TINY)))
    failing = Run.create(TrainConfig(name="failing", dataset=str(circles), steps=40, **TINY))
    failing.write_status(state="failed", error="The disk is full. Free some space and resume", step=3, total=40)
    look(Run.named("circles"))  # for the hardest pairs, which the page would do in a process of its own
    page = opened("训练", chinese)
    choose(page, "failing", "失败")
    read(page)
    choose(page, "circles", "已完成")
    expect(page.locator("#train-preview img")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#train-curves svg:visible").first).to_be_visible(timeout=WAIT_MS)
    read(page)
    page.get_by_role("button", name="样本网格").click()
    expect(page.locator("#train-grid .rows button").first).to_be_visible(timeout=WAIT_MS)
    read(page)
    page.get_by_role("button", name="并排对比训练任务").click()
    for name in ("circles", "circles2"):
        page.locator("#train-compare .which").get_by_label(name, exact=True).check()
    expect(page.locator("#train-compare tr").first).to_be_visible(timeout=WAIT_MS)
    read(page)
    page.get_by_role("button", name="最难的图像对").click()
    expect(page.locator("#train-hardest .pairs img").first).to_be_visible(timeout=WAIT_MS)
    read(page)
    page.locator("#train-grid .rows button").first.click()
    read(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="定时停止、延长、重命名、删除").click()
    page.locator("#train-delete").click()
    expect(page.locator("#train-delete-sure")).to_have_text("永久删除“circles”")
    fill({page.locator("#train-at").get_by_label("停止时间"): "25:00"})
    page.locator("#train-set-at").click()
    expect(page.get_by_text("不是 7:30 或 22:15 这样的时间")).to_be_visible(timeout=WAIT_MS)
    read(page)
    page.goto("about:blank")  # it watches what comes no more


def test_a_run_that_goes_on_and_stops(open_page: Open, circles: Path):
    run = Run.create(TrainConfig(name="endless", dataset=str(circles), steps=1_000_000, **TINY))
    run.start()
    page = open_page(permissions=["notifications"], **CHINESE)
    page.evaluate(f"() => {{ {LISTEN} }}")
    expect(page).to_have_title(re.compile("% endless"))  # the Train tab was not looked at yet
    page.evaluate("localStorage.setItem('pix2pix studio tell', 'true')")
    page.get_by_role("tab", name="训练").click()
    choose(page, "endless", "训练中|启动中")
    expect(page.get_by_label("在此浏览器中通知我")).to_be_checked()
    read(page)
    expect(page.locator("#train-preview img")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#train-status")).to_contain_text("剩余", timeout=WAIT_MS)
    with held("endless"):
        read(page)
    page.locator("#train-stop").click()
    expect(page.locator("#train-status")).to_contain_text("已停止", timeout=WAIT_MS)
    expect(page).to_have_title(re.compile("endless 已停止"))
    told = page.evaluate("window.told")  # the coach may have had something to say as well
    assert any(re.match(r"endless 已停止: 第 \d+ / 1,000,000 步 · cpu", words) for words in told), told
    read(page)


def choose(page: Page, name: str, state: str) -> None:
    page.locator("#train-run input").click()
    page.get_by_role("option", name=name, exact=True).click()
    expect(page.locator("#train-status .state")).to_have_text(re.compile(state), timeout=WAIT_MS)


def test_the_page_in_one_file(open_file: Callable[..., Page], tiny: Path):
    page = open_file(tiny, ready="就绪", **CHINESE)
    names = NAMES | {"script", "<MIT>", "</script><b>box"}
    box = page.locator("#draw-canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 90, steps=5)
    page.mouse.up()
    expect(page.locator(".runs")).to_contain_text("一张图片需要")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert english_in(page, names) == []
