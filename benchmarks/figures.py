"""Makes the pictures of docs/: short trainings on facades drawn by code, and a drawing that becomes a shoe.

    python benchmarks/figures.py training        trains, as the runs good, won, high and few
    python benchmarks/figures.py figures         docs/figures, from these runs
    python benchmarks/figures.py drawing NAME    docs/drawing.webp, by the app in Chromium, with the generator NAME
    python benchmarks/figures.py pages NAME      docs/draw.png, phone.png, facade.png, upload.png and train.png, by the
                                                 app in Chromium; the last shows the run NAME

The second needs matplotlib (requirements-dev.txt), the others Playwright and Chromium.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # when this file is run itself, not as a module

from pix2pix import Translator, images
from pix2pix.data.dataset import PairedImages
from pix2pix.data.intake import demo
from pix2pix.data.pairs import find_pairs
from pix2pix.files.places import DISCRIMINATORS_FILE, ROOT
from pix2pix.models import Discriminator
from pix2pix.page.page import samples
from training import discriminators
from training.run import Run

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

FIGURES = ROOT / "docs" / "figures"
SIDE, SHOWN = 64, 160  # pixels of a picture in training, and as shown
STEPS = (50, 100, 200, 500)
GOOD, WON, HIGH, FEW = "good", "won", "high", "few"
TRAININGS = {
    GOOD: "--steps 500",
    WON: "--steps 500 --lr 0.00002 --lr-D 0.002",
    HIGH: "--steps 500 --lr 0.02",
    FEW: "--steps 1000 --no-flip --load-size 64 --direction BtoA --palette cmp",
}
FEW_PAIRS = 4
WAIT_MS, PAUSE_MS, FRAME_MS, LAST_MS, WIDTH = 120_000, 120, 110, 2500, 600  # of the moving picture

WINDOW = (1280, 960)
COLOURS = 256  # of a look at a page
FILLS = (("blue", (90, 150), (185, 120)), ("orange", (60, 190)), ("grey", (120, 187)))  # places in the sneaker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("training")
    commands.add_parser("figures")
    commands.add_parser("drawing").add_argument("checkpoint", metavar="NAME")
    commands.add_parser("pages").add_argument("run", metavar="NAME")
    options = parser.parse_args()
    if options.what == "training":
        train()
    elif options.what == "figures":
        FIGURES.mkdir(exist_ok=True)
        pictures()
        curves()
    elif options.what == "drawing":
        moving_picture(options.checkpoint)
    else:
        pages(options.run)


def train() -> None:
    size = f"--crop-size {SIDE} --load-size 72 --ngf 16 --ndf 16".split()
    often = ["--log-every", "10", "--preview-every", "20", "--save-every", "400"]
    with tempfile.TemporaryDirectory() as folder:
        few_pairs(Path(folder))
        for name, own in TRAININGS.items():
            dataset = folder if name == FEW else "demo"
            command = [sys.executable, "-m", "training", "--dataset", dataset, "--name", name]
            subprocess.run([*command, *size, *often, *own.split()], cwd=ROOT, check=True)


def few_pairs(folder: Path) -> None:
    """The first few facades to learn from, and all that are only looked at."""
    for split, most in (("train", FEW_PAIRS), ("val", None)):
        (folder / split).mkdir()
        for file in sorted((demo() / split).iterdir())[:most]:
            shutil.copy(file, folder / split)


def pictures() -> None:
    run = Run.named(GOOD)
    pairs = PairedImages(find_pairs(demo()), "val", load_size=SIDE, crop_size=SIDE, direction="BtoA", palette=None)
    best = Translator.load(run.generator_file, "cpu")

    rows = [(a, b, translated(best, a)) for a, b in (pairs[index] for index in (0, 2, 4, 6))]
    save([list(column) for column in zip(*rows, strict=True)], "rows.jpg")
    a, b = pairs[2]
    moments = [translated(Translator.load(run.snapshot_file(step), "cpu"), a) for step in STEPS]
    save([[a, *moments, b]], "steps.jpg")

    D = Discriminator(ndf=16)
    discriminators.load_fitting(run.path / DISCRIMINATORS_FILE, {"D": D})
    with torch.inference_mode():
        verdicts = [D(a[None], picture[None])[0].sigmoid() * 2 - 1 for picture in (b, translated(best, a))]
    large = [torch.nn.functional.interpolate(verdict[None], SIDE)[0].expand(3, -1, -1) for verdict in verdicts]
    save([[b, large[0]], [translated(best, a), large[1]]], "patches.jpg")


def translated(translator: Translator, a: torch.Tensor) -> torch.Tensor:
    return images.to_tensor(translator(images.to_picture(a)))


def save(rows: list[list[torch.Tensor]], name: str) -> None:
    shown = [[torch.nn.functional.interpolate(x[None], SHOWN, mode="nearest")[0] for x in row] for row in rows]
    images.grid(shown).save(FIGURES / name, quality=72)


def curves() -> None:
    own = [
        [(GOOD, name, name) for name in names] for names in (("loss_L1", "val_L1"), ("loss_D", "loss_G"), ("acc_D",))
    ]
    plot("curves-good.png", dict(zip(("loss_L1 and val_L1", "loss_D and loss_G", "acc_D"), own, strict=True)))
    plot("curves-bad.png", {
        "acc_D: the discriminator has won": [(GOOD, "acc_D", "as above"), (WON, "acc_D", "won")],
        "loss_D: the rate is too high": [(GOOD, "loss_D", "as above"), (HIGH, "loss_D", "too high")],
        "four pairs, learned by heart": [(FEW, "loss_L1", "loss_L1"), (FEW, "val_L1", "val_L1")],
    })  # fmt: skip


def plot(file: str, panels: dict[str, list[tuple[str, str, str]]]) -> None:
    """Panels side by side, by their titles: of each curve its run, its name in the metrics, and its label."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(panels), figsize=(3.2 * len(panels), 2.4), squeeze=False)
    for axis, (title, drawn) in zip(axes[0], panels.items(), strict=True):
        for run, name, label in drawn:
            points = [(row["step"], row[name]) for row in Run.named(run).metrics()[0] if name in row]
            axis.plot(*zip(*points, strict=True), label=label)
        axis.set_xlabel("step")
        axis.set_title(title, fontsize=9)
        if len(drawn) > 1:
            axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(FIGURES / file, dpi=80, pil_kwargs={"optimize": True})
    pyplot.close(figure)


def moving_picture(checkpoint: str) -> None:
    """The sneaker among the samples, drawn with the mouse in the real app: a frame per few moves of the pen."""
    from tests.browser.sheet import Sheet

    (sneaker,) = (sample for sample in samples() if "sneaker" in sample["name"].lower())
    frames: list[Image.Image] = []
    with opened(1000, 800) as page:
        sheet = Sheet(page, checkpoint)
        for stroke in sneaker["strokes"]:
            points = stroke["points"]
            page.mouse.move(*sheet.at(points[0]))
            page.mouse.down()
            for number, point in enumerate(points[1:]):
                page.mouse.move(*sheet.at(point))
                if number % 12 == 11:
                    frames.append(look(sheet))
            page.mouse.up()
            frames.append(look(sheet))
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    frames[0].save(ROOT / "docs" / "drawing.webp", save_all=True, append_images=frames[1:], duration=durations, loop=0,
                   quality=45, method=6)  # fmt: skip


@contextmanager
def opened(width: int, height: int, *arguments: str) -> Iterator["Page"]:
    """A page of the app, in a Chromium with further arguments."""
    from playwright.sync_api import expect, sync_playwright

    from tests.browser.install import system_chromium
    from ui import serving
    from ui.demo import create_demo
    from ui.guard import Rules
    from ui.studio import Studio

    expect.set_options(timeout=WAIT_MS)
    demo_page = create_demo(Studio())
    url = serving.launch(demo_page, Rules.private("127.0.0.1"), "127.0.0.1")
    with sync_playwright() as playwright:
        always = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=system_chromium(), args=[*always, *arguments])
        page = browser.new_page(viewport={"width": width, "height": height}, locale="en-GB")
        page.set_default_timeout(WAIT_MS)
        page.goto(url)
        yield page
        browser.close()
    demo_page.close()


def pages(run: str) -> None:
    """The tabs as they are, with things drawn, seen and trained."""
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "shoe.mjpeg"
        shoe_before_a_camera(film)
        camera = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                  f"--use-file-for-fake-video-capture={film}")  # fmt: skip
        with opened(*WINDOW, *camera) as page:
            draw_tab(page)
            upload_tab(page)
            train_tab(page, run)


def draw_tab(page: "Page") -> None:
    from tests.browser.sheet import Sheet

    sheet = Sheet(page, "edges2shoes")
    page.get_by_role("button", name="Sneaker", exact=True).click()
    sheet.press("Fill")
    for colour, *places in FILLS:
        page.get_by_role("button", name=colour, exact=True).click()
        for place in places:
            sheet.stroke(place)
    sheet.settle()
    page.wait_for_timeout(PAUSE_MS + 1700)  # until it is among what was made
    keep(page, "draw.png")
    page.set_viewport_size({"width": 360, "height": WINDOW[1]})
    page.wait_for_timeout(PAUSE_MS)
    keep(page, "phone.png")
    page.set_viewport_size({"width": WINDOW[0], "height": WINDOW[1]})
    page.get_by_label("Model").select_option("labels2facades")
    page.get_by_role("group", name="Sample drawings").get_by_role("button").nth(2).click()
    sheet.settle()
    page.wait_for_timeout(PAUSE_MS)
    keep(page, "facade.png")


def shoe_before_a_camera(film: Path) -> None:
    """What a camera would see of a shoe that the generator made of the sneaker; a film of some JPEG files."""
    from pix2pix.samples import draw

    translator = Translator.load("edges2shoes", "cpu")
    (sneaker,) = (sample for sample in samples() if sample["name"] == "Sneaker")
    table = Image.new("RGB", (640, 480), "white")
    table.paste(translator(draw(sneaker, translator.metadata)).resize((460, 460)), (90, 10))
    file = io.BytesIO()
    table.save(file, "JPEG", quality=92)
    film.write_bytes(10 * file.getvalue())


def upload_tab(page: "Page") -> None:
    from playwright.sync_api import expect

    page.get_by_role("tab", name="Upload").click()
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#camera .picture")).to_be_visible()
    page.get_by_role("button", name="Take a shot").click()
    expect(page.locator("#camera .shot")).to_be_visible()
    page.wait_for_timeout(1000)
    keep(page, "upload.png", page.locator("#camera"))
    page.get_by_role("button", name="Stop the camera").click()


def train_tab(page: "Page", run: str) -> None:
    from playwright.sync_api import expect

    page.get_by_role("tab", name="Train").click()
    page.locator("#train-run input").click()
    page.get_by_role("option", name=run, exact=True).click()
    expect(page.locator("#train-status [data-run]")).to_have_attribute("data-run", run)
    expect(page.locator("#train-curves figure:visible svg").first).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 1600})
    page.wait_for_timeout(2000)
    column = "xpath=ancestor::div[contains(concat(' ', @class, ' '), ' column ')][1]"
    keep(page, "train.png", page.locator("#train-run").locator(column))


def keep(page: "Page", name: str, part: "Locator | None" = None) -> None:
    """A look at the page, or at a part of it, in few colours: it is for reading."""
    shot = Image.open(io.BytesIO((part or page).screenshot())).convert("RGB")
    shot.quantize(COLOURS, kmeans=3, dither=Image.Dither.NONE).save(ROOT / "docs" / name, optimize=True)


def look(sheet) -> Image.Image:
    """The canvas and the picture beside it, once that is of what is drawn."""
    sheet.page.wait_for_timeout(PAUSE_MS)
    while sheet.open:
        sheet.page.wait_for_timeout(PAUSE_MS)
    sheet.page.wait_for_timeout(PAUSE_MS)
    boxes = [sheet.page.locator(name).bounding_box() for name in ("#draw-canvas", "#draw-picture")]
    shot = Image.open(io.BytesIO(sheet.page.screenshot())).convert("RGB")
    parts = [shot.crop((box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"])) for box in boxes]
    frame = Image.new("RGB", (WIDTH, WIDTH // 2), "white")
    for place, part in enumerate(parts):
        frame.paste(part.resize((WIDTH // 2, WIDTH // 2), Image.Resampling.LANCZOS), (place * WIDTH // 2, 0))
    return frame


if __name__ == "__main__":
    main()
