"""Makes the pictures of docs/: a short training on facades drawn by code, and a drawing that becomes a shoe.

    python benchmarks/figures.py training        trains, as the run `good`
    python benchmarks/figures.py figures         docs/figures, from that run
    python benchmarks/figures.py drawing NAME    docs/drawing.webp, by the app in Chromium, with the generator NAME

The second needs matplotlib (requirements-dev.txt), the third Playwright and Chromium.
"""

import argparse
import io
import subprocess
import sys
from pathlib import Path

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

FIGURES = ROOT / "docs" / "figures"
SIDE, SHOWN = 64, 160  # pixels of a picture in training, and as shown
STEPS = (50, 100, 200, 500)
TRAINING, LENGTH = "good", 500
WAIT_MS, PAUSE_MS, FRAME_MS, LAST_MS, WIDTH = 120_000, 120, 110, 2500, 600  # of the moving picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("training")
    commands.add_parser("figures")
    commands.add_parser("drawing").add_argument("checkpoint", metavar="NAME")
    options = parser.parse_args()
    if options.what == "training":
        train()
    elif options.what == "figures":
        FIGURES.mkdir(exist_ok=True)
        pictures()
        curves()
    else:
        moving_picture(options.checkpoint)


def train() -> None:
    size = f"--crop-size {SIDE} --load-size 72 --ngf 16 --ndf 16 --steps {LENGTH}".split()
    often = ["--log-every", "10", "--preview-every", "20", "--save-every", "400"]
    command = [sys.executable, "-m", "training", "--dataset", "demo", "--name", TRAINING]
    subprocess.run([*command, *size, *often], cwd=ROOT, check=True)


def pictures() -> None:
    run = Run.named(TRAINING)
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
    plot("curves-good.png", Run.named(TRAINING), (("loss_L1", "val_L1"), ("loss_D", "loss_G"), ("acc_D",)))


def plot(file: str, run: Run, panels: tuple[tuple[str, ...], ...]) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(panels), figsize=(3.2 * len(panels), 2.4), squeeze=False)
    rows, _ = run.metrics()
    for axis, names in zip(axes[0], panels, strict=True):
        for name in names:
            points = [(row["step"], row[name]) for row in rows if name in row]
            axis.plot(*zip(*points, strict=True), label=name)
        axis.set_xlabel("step")
        axis.set_title(" and ".join(names), fontsize=9)
        if len(names) > 1:
            axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(FIGURES / file, dpi=80, pil_kwargs={"optimize": True})
    pyplot.close(figure)


def moving_picture(checkpoint: str) -> None:
    """The sneaker among the samples, drawn with the mouse in the real app: a frame per few moves of the pen."""
    from playwright.sync_api import expect, sync_playwright

    from tests.browser.install import system_chromium
    from tests.browser.sheet import Sheet
    from ui import serving
    from ui.demo import create_demo
    from ui.guard import Rules
    from ui.studio import Studio

    expect.set_options(timeout=WAIT_MS)
    demo_page = create_demo(Studio())
    url = serving.launch(demo_page, Rules.private("127.0.0.1"), "127.0.0.1")
    (sneaker,) = (sample for sample in samples() if "sneaker" in sample["name"].lower())
    frames: list[Image.Image] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        page.set_default_timeout(WAIT_MS)
        page.goto(url)
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
        browser.close()
    demo_page.close()
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    frames[0].save(ROOT / "docs" / "drawing.webp", save_all=True, append_images=frames[1:], duration=durations, loop=0,
                   quality=45, method=6)  # fmt: skip


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
