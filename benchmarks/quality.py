"""How good a generator is, on pictures that it was not trained on, beside outputs that need no network.

python benchmarks/quality.py edges2shoes path/to/photos --out sheet.jpg

Prints a Markdown table, and as its last line all figures as JSON. Each figure is the average over all pairs:

L1         mean absolute difference to the target, on [-1, 1], as in training
PSNR       in dB
SSIM       on [0, 1]: around the zero of [-1, 1] its comparison of the means makes no sense
grid       power at wavelengths of 2, 4 and 8 pixels, across and down, where a U-Net's checkerboards lie, as a multiple
           of that at the wavelengths beside them; about 1 without a checkerboard
found      share of the line pixels of the input (of edges) with an edge of the output within 2 pixels
not drawn  share of the edge pixels of the output without a line of the input within 2 pixels

The second table has KID and the perceptual distance to the targets: see benchmarks/realism.py.

A generator that takes colour hints is also given some, with photos in colours that go with them; the third table has
the mean absolute difference of red, green and blue, 0 to 255, to those photos: at all that is not paper, and at those
of these pixels that have a hint.
"""

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # when this file is run itself, not as a module

from benchmarks.contact_sheet import sheet
from benchmarks.evaluation import as_json, open_pairs, table
from benchmarks.realism import Judge, caution, outputs_of, real_pictures
from pix2pix import Translator, images
from pix2pix.data.dataset import PairedImages
from pix2pix.data.evidence import spread
from pix2pix.data.hints import PAPER, hinted
from pix2pix.data.pairs import SPLITS
from pix2pix.edges import edges

LINE = 128  # of 255: darker pixels of a drawing are line
GRID = (2, 4, 8)  # pixels: the wavelengths of the checkerboards of the three outermost up-convolutions
NEAR = 2.0  # pixels within which a line is found again
MEAN_OF = 1000  # so many training pictures at most make the mean one
COLUMNS = 8  # pairs on the contact sheet

Translate = Callable[[Image.Image], Image.Image]
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="a name in checkpoints/ or runs/, a path, or hf://owner/name")
    parser.add_argument("folder", help="a dataset, in any layout that training takes")
    parser.add_argument("--split", choices=[*SPLITS, "all"], default="val")
    parser.add_argument("--train", metavar="FOLDER", help="the dataset whose train split the mean picture is made of")
    parser.add_argument("--out", type=Path, metavar="SHEET", help="where to save some pairs with their fakes")
    options = parser.parse_args()
    try:
        translator = Translator.load(options.checkpoint)
        metadata = translator.metadata
        pairs = open_pairs(options.folder, options.split, metadata)
        train_pairs = open_pairs(options.train or options.folder, "train", metadata)
    except ValueError as error:
        parser.error(str(error))

    takes_edges = metadata.source.kind == "edges"
    takes_hints = metadata.takes_hints
    outputs = compare(translator, pairs, mean_target(train_pairs), takes_edges)
    judge = Judge(real_pictures(pairs if options.split == "all" else train_pairs))
    realism = judge(outputs_of(translator, pairs))
    colours = colour_errors(translator, pairs) if takes_hints else {}
    if options.out:
        contact_sheet(translator, pairs, takes_hints).save(options.out, quality=88)

    name = pairs.found.root.name
    print(f"{metadata.name} after {metadata.steps:,} steps, on {len(pairs)} pairs of {name} ({options.split})\n")
    print(table("output", outputs))
    print("\n" + table("realism", realism) + caution(len(pairs)))
    if colours:
        print("\n" + table("colour error", colours))
    about = {"checkpoint": metadata.name, "steps": metadata.steps, "dataset": name, "split": options.split}
    figures = {"outputs": outputs, "realism": realism, "colour_errors": colours}
    print("\n" + as_json({**about, "pairs": len(pairs), **figures}))


def mean_target(pairs: PairedImages) -> Image.Image:
    """The mean of the targets, or of MEAN_OF of them: what a generator would make that does not look at its input."""
    chosen = spread(len(pairs), MEAN_OF)
    total = sum(
        np.asarray(pairs.pictures(index)[1], float) for index in tqdm(chosen, "mean", leave=False, disable=None)
    )
    return Image.fromarray(np.rint(total / len(chosen)).astype(np.uint8))


def compare(
    translate: Translate, pairs: PairedImages, mean: Image.Image, takes_edges: bool
) -> dict[str, dict[str, float]]:
    """The figures of the generator's outputs, and of others to judge them by. Those of lines only if it takes edges."""
    rows = defaultdict(list)
    for index in tqdm(range(len(pairs)), "compare", leave=False, disable=None):
        a, b = pairs.pictures(index)
        outputs = {"generator": translate(a), "mean training picture": mean, "input itself": a}
        if takes_edges:
            outputs["target itself"] = b  # whose edges need not be those of the input, where a person drew them
        for name, output in outputs.items():
            rows[name].append(likeness(output, b) | (lines_in_common(a, output) if takes_edges else {}))
    return {name: average(figures) for name, figures in rows.items()}


@torch.inference_mode()
def likeness(output: Image.Image, target: Image.Image) -> Figures:
    """L1, PSNR (infinite for the target itself) and SSIM of two pictures of one size, and the grid of the output."""
    fake, b = ((images.to_tensor(picture.convert("RGB"))[None] + 1) / 2 for picture in (output, target))
    return {
        "L1": 2 * (fake - b).abs().mean().item(),
        "PSNR": peak_signal_noise_ratio(fake, b, data_range=1.0).item(),
        "SSIM": float(structural_similarity_index_measure(fake, b, data_range=1.0)),  # pyright: ignore[reportArgumentType]
        "grid": grid(output),
    }


def grid(picture: Image.Image) -> float:
    """The power of what repeats every 2, 4 and 8 pixels over that of its neighbours; NaN for a picture without any."""
    grey = np.asarray(picture.convert("L"), float)
    power = np.abs(np.fft.fft2((grey - grey.mean()) * np.outer(*map(np.hanning, grey.shape)))) ** 2
    here, beside = [], []
    for axis, length in enumerate(grey.shape):
        spectrum = power.mean(axis=1 - axis)[: length // 2 + 1]
        for wavelength in GRID:
            away = np.abs(np.arange(len(spectrum)) - length / wavelength)
            here.append(spectrum[away <= 1].mean())
            beside.append(spectrum[(away > 2) & (away <= max(4, length // 32))].mean())
    ratios = [a / b for a, b in zip(here, beside, strict=True) if b > 0]
    return float(np.mean(ratios)) if ratios else math.nan


def lines_in_common(drawing: Image.Image, output: Image.Image) -> Figures:
    """How many lines of the drawing are edges of the output, and how many edges of the output nobody drew."""
    drawn, seen = (np.asarray(picture.convert("L")) < LINE for picture in (drawing, edges(output)))
    return {"found": share_near(drawn, seen), "not drawn": 1 - share_near(seen, drawn)}


def share_near(lines: np.ndarray, others: np.ndarray) -> float:
    """The share of the pixels of one mask (H, W) that have one of the other within NEAR; NaN where there are none."""
    if not lines.any():
        return math.nan
    if not others.any():
        return 0.0
    distance = cv2.distanceTransform((~others).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[lines] <= NEAR).mean())


def colour_errors(translate: Translate, pairs: PairedImages) -> dict[str, Figures]:
    """How far the outputs are from the colours that the hints ask for, for drawings with them and for plain ones."""
    rows = defaultdict(list)
    for index in tqdm(range(len(pairs)), "colours", leave=False, disable=None):
        plain, _ = pairs.pictures(index)
        drawing, photo = with_hints(pairs, index)
        truth = np.asarray(photo, int)
        is_hint, is_object = (np.asarray(drawing) != np.asarray(plain)).any(axis=2), truth.min(axis=2) < PAPER
        masks = {"at the hints": is_hint & is_object, "all but paper": is_object}
        for name, given in (("with hints", drawing), ("without", plain)):
            error = np.abs(np.asarray(translate(given).convert("RGB"), int) - truth).mean(axis=2)
            rows[name].append({place: error[mask].mean() if mask.any() else math.nan for place, mask in masks.items()})
    return {name: average(figures) for name, figures in rows.items()}


def with_hints(pairs: PairedImages, index: int) -> tuple[Image.Image, Image.Image]:
    """Always the same hints in a drawing, and the photo in the colours that they ask for."""
    return hinted(*pairs.pictures(index), np.random.default_rng(index))


def contact_sheet(translate: Translate, pairs: PairedImages, takes_hints: bool) -> Image.Image:
    """Rows of input, target and fake, of pairs far from each other; below them the same with hints."""
    chosen = spread(len(pairs), COLUMNS)
    sets = [[pairs.pictures(index) for index in chosen]]
    if takes_hints:
        sets.append([with_hints(pairs, index) for index in chosen])
    rows = []
    for shown in sets:
        rows += [[a for a, _ in shown], [b for _, b in shown], [translate(a) for a, _ in shown]]
    return sheet(rows)


def average(rows: Sequence[Figures]) -> Figures:
    """Of each figure, over the rows that have it; NaN where none has."""
    columns = {name: [row[name] for row in rows if not math.isnan(row[name])] for name in rows[0]}
    return {name: float(np.mean(values)) if values else math.nan for name, values in columns.items()}


if __name__ == "__main__":
    main()
