"""What it gains to begin from a trained generator, and from its discriminators too, on 40 photos of another thing.

python benchmarks/trained_pair.py [--begin-from edges2shoes] [--steps 300]

The photos are handbags on white, drawn by code; 16 further ones are looked at. Three trainings by the recommended
preset: from random weights, from the generator alone, and from both. Prints a Markdown table of the distances from the
target (the perceptual one, and L1) after each third of the steps, and as its last line all of them as JSON.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # when this file is run itself, not as a module

SIZE, FINE = 256, 2  # pixels of a photo, and how many times finer it is drawn
TRAINED, LOOKED_AT = 40, 16  # photos


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--begin-from", default="edges2shoes", help="a generator of drawings that has discriminators")
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    from training.__main__ import prepare_process

    prepare_process()
    from pix2pix.files import checkpoint

    with tempfile.TemporaryDirectory() as folder:
        os.environ["PIX2PIX_RUNS"] = f"{folder}/runs"
        photos = draw_photos(Path(folder, "handbags"))
        both = checkpoint.locate(options.begin_from)
        alone = shutil.copy(both, Path(folder, "alone.safetensors"))  # away from the discriminators beside it
        ways = {"from random weights": "", "from the generator": str(alone), "from both": str(both)}
        figures = {way: distances(photos, name, options.steps) for way, name in ways.items()}

    steps = list(next(iter(figures.values())))
    print(f"\n| perceptual distance (L1) | {' | '.join(f'step {step}' for step in steps)} |")
    print("| --- |" + " --- |" * len(steps))
    for way, looks in figures.items():
        print(f"| {way} | {' | '.join(f'{seen:.3f} ({l1:.3f})' for seen, l1 in looks.values())} |")
    print("\n" + json.dumps(figures))


def distances(photos: Path, begin_from: str, steps: int) -> dict[int, tuple[float, float]]:
    """Step -> perceptual distance and L1 on val, of a training by the recommended preset."""
    from training.config import PRESETS, TrainConfig
    from training.loop import train
    from training.run import Run

    third = max(1, steps // 3)
    settings: dict[str, Any] = PRESETS["recommended"] | {
        "steps": steps,
        "decay_steps": 0,
        "preview_every": third,
        "save_every": steps,
    }
    name = Path(begin_from).stem or "random"
    run = Run.create(TrainConfig(name=name, dataset=str(photos), layout="photos", init_from=begin_from, **settings))
    train(run)
    rows = run.metrics()[0]
    return {row["step"]: (row["val_perceptual"], row["val_L1"]) for row in rows if "val_perceptual" in row}


def draw_photos(folder: Path) -> Path:
    """Handbags in train/ and val/."""
    for split, seeds in (("train", range(TRAINED)), ("val", range(1000, 1000 + LOOKED_AT))):
        (folder / split).mkdir(parents=True)
        for seed in seeds:
            handbag(np.random.default_rng(seed)).save(folder / split / f"{seed}.png")
    return folder


def handbag(rng: np.random.Generator) -> Image.Image:
    """A bag of leather on white paper: a body with a flap or a zip, a handle, a clasp, and a light from above."""
    side = SIZE * FINE
    colour = np.array([(90, 55, 35), (30, 30, 34), (150, 30, 40), (40, 60, 110), (190, 150, 110)][rng.integers(5)])
    middle, width = side / 2, side * rng.uniform(0.28, 0.4)
    top, bottom = side * rng.uniform(0.42, 0.52), side * rng.uniform(0.78, 0.88)
    slant = width * rng.uniform(-0.15, 0.15)
    body = [(middle - width + slant, top), (middle + width - slant, top),
            (middle + width + slant, bottom), (middle - width - slant, bottom)]  # fmt: skip

    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).polygon(body, fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(side * 0.03)).point([0] * 129 + [255] * 127)  # round corners
    grain = np.asarray(
        Image.fromarray(rng.integers(0, 255, (side, side), np.uint8)).filter(ImageFilter.GaussianBlur(2))
    )
    light = np.linspace(1.15, 0.75, side)[:, None] + (grain.astype(float) - 127) / 500
    leather = Image.fromarray(np.clip(light[..., None] * colour, 0, 255).astype(np.uint8))

    photo = Image.new("RGB", (side, side), "white")
    dark, metal = tuple((colour * 0.55).astype(int).tolist()), (196, 170, 90)
    pen = ImageDraw.Draw(photo)
    reach, rise = width * rng.uniform(0.4, 0.7), side * rng.uniform(0.2, 0.32)
    pen.arc((middle - reach, top - rise, middle + reach, top + rise), 180, 360, fill=dark, width=int(side * 0.025))
    photo.paste(leather, mask=mask)
    if rng.random() < 0.5:  # a flap with a clasp
        flap = top + (bottom - top) * rng.uniform(0.4, 0.65)
        pen.line([body[0], (middle, flap), body[1]], fill=dark, width=int(side * 0.008), joint="curve")
        pen.ellipse((middle - side * 0.02, flap - side * 0.04, middle + side * 0.02, flap), fill=metal)
    else:  # a zip
        y = top + (bottom - top) * 0.12
        pen.line([(middle - width * 0.85, y), (middle + width * 0.85, y)], fill=metal, width=int(side * 0.01))
    return photo.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
