"""Teaches the shipped generator of facades the paint of walls, and nothing else: without paint its pictures stay.

python checkpoints/paint/learn_paint.py path/to/facades labels2facades.safetensors --steps 600

Only the kernels that the outermost up-blocks have for paint are trained (PAINTED_BLOCKS in pix2pix/models.py), with
the photos of the CMP Facade Database and their label maps. In each map some of the wall is in the median colour of the
photo there: all of it, some parts, or dabs and strokes. It keeps some pixels from all other classes. Most photos are
painted in colours that walls have first, since few have each of them; windows and the sky keep their own.
"""

import argparse
from dataclasses import replace

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from pix2pix import images
from pix2pix.data.dataset import PairedImages, ShuffledBatches
from pix2pix.data.hints import random_stroke
from pix2pix.data.pairs import find_pairs
from pix2pix.files import checkpoint
from pix2pix.models import PAINT_PLANES, PAINTED_BLOCKS, Generator, with_paint
from pix2pix.palette import CMP, apart

BATCH = 2
RATE, BETAS, FALLING = 0.01, (0.8, 0.99), 0.4  # of Adam, and the share of the steps in which its rate falls to zero
L1, COLOUR, AT_PAINT, SQUARE = 20.0, 20.0, 60.0, 8  # weights of the objective; colours are means of squares of so many
WHOLE, PARTS = 0.7, 0.15  # of the maps: all of the wall, some of its parts; the others have dabs and strokes
RIMS = 1.5, 5.0  # pixels that paint keeps from other classes
SMALLEST = 60  # pixels of a part that is painted
PAINTED = 0.85  # of the photos
GLASS, SKY = ("window", "door", "shop"), "background"
PAINTS = (  # brick, dark brick, ochre, cream, white, two greys, sage, olive, rose, terracotta, slate, straw, blue
    (158, 84, 66), (112, 62, 52), (196, 150, 88), (222, 206, 172), (226, 224, 218), (176, 176, 174), (98, 96, 94),
    (158, 170, 142), (128, 124, 84), (208, 158, 148), (190, 118, 84), (112, 126, 142), (206, 184, 120), (150, 176, 190),
)  # fmt: skip
WALL = list(CMP).index("facade")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="the pairs: photos on the left, labels on the right")
    parser.add_argument("out")
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    generator, metadata = checkpoint.load(checkpoint.locate("labels2facades"))
    assert isinstance(generator, Generator)
    G = Generator(replace(generator.config, painted=WALL)).train()
    G.load_state_dict(with_paint(with_paint(generator.state_dict(), replace(generator.config, painted=None)), G.config))
    learn(G, PairedImages(find_pairs(options.folder), direction="BtoA", augment=True, palette=CMP), options.steps)
    steps = metadata.steps + (options.steps if generator.config.painted is None else 0)  # else it was taught before
    checkpoint.save(options.out, G, replace(metadata, steps=steps, colour_hints=True))


def learn(G: Generator, pairs: PairedImages, steps: int) -> None:
    torch.manual_seed(0)
    kernels = [kernel for kernel in G.up.parameters() if kernel.ndim == 4][-PAINTED_BLOCKS:]
    kept = [kernel.detach()[:-PAINT_PLANES].clone() for kernel in kernels]
    G.requires_grad_(False)
    for kernel in kernels:
        kernel.requires_grad_(True).register_hook(_of_paint)
    optimizer = torch.optim.Adam(kernels, lr=RATE, betas=BETAS)
    order = iter(ShuffledBatches(len(pairs), BATCH, seed=1))
    sums = np.zeros(2)
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = RATE * min(1.0, (steps - step + 1) / (FALLING * steps))
        made = [painted(*pairs.pictures(key), np.random.default_rng((5, *key))) for key in next(order)]
        a, b = (torch.stack([images.to_tensor(pair[half]) for pair in made]) for half in (0, 1))
        loss, at_paint = objective(G, a, b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        G.remove_checkerboard()
        for kernel, values in zip(kernels, kept, strict=True):
            kernel.data[:-PAINT_PLANES] = values
        sums += loss.item(), at_paint.item()
        if step % 50 == 0:
            print(
                f"[{step}/{steps}] objective {sums[0] / 50:.3f}, at paint {127.5 * sums[1] / 50:.1f} grey levels",
                flush=True,
            )
            sums[:] = 0


def objective(G: Generator, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """L1, and how far mean colours are from those of the photo: everywhere, and where there is paint."""
    fake = G(a)
    paint = G.one_hot(a)[:, -PAINT_PLANES : 1 - PAINT_PLANES]  # (N, 1, H, W)
    share = F.avg_pool2d(paint, SQUARE)
    colours = (F.avg_pool2d(fake, SQUARE) - F.avg_pool2d(b, SQUARE)).abs()
    at_paint = (colours * share).sum() / (3 * share.sum()).clamp(min=1)
    return L1 * F.l1_loss(fake, b) + COLOUR * colours.mean() + AT_PAINT * at_paint, at_paint


def painted(labels: Image.Image, photo: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """The label map with paint on its walls, and the photo that belongs to it, both RGB of one size."""
    given, pixels = np.array(labels), np.asarray(photo)
    classes = np.argmax([(given == colour).all(axis=2) for colour in CMP.values()], axis=0)
    places = _places(classes == WALL, rng)
    if places and rng.random() < PAINTED:
        pixels = _repainted(pixels, classes, rng)
    for place in places:
        given[place] = apart(np.median(pixels[place], axis=0), CMP)
    return Image.fromarray(given), Image.fromarray(pixels)


def _places(wall: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Masks (H, W) of what is painted."""
    free = cv2.distanceTransform(wall.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) > rng.uniform(*RIMS)
    kind = rng.random()
    if kind < WHOLE:
        places = [free]
    elif kind < WHOLE + PARTS:
        count, parts = cv2.connectedComponents(free.astype(np.uint8), connectivity=4)
        places = [parts == part for part in rng.permutation(np.arange(1, count))[: rng.integers(1, 5)]]
    else:
        starts = np.argwhere(free)
        count = rng.integers(1, 5) if len(starts) else 0
        strokes = [
            random_stroke(
                starts[rng.integers(len(starts))][::-1], free.shape, rng, steps=12, step=12, turn=0.4, widths=(8, 48)
            )
            for _ in range(count)
        ]
        places = [stroke & free for stroke in strokes]
    return [place for place in places if place.sum() >= SMALLEST]


def _repainted(pixels: np.ndarray, classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photo with its building nearer to one of the paints; its windows are a little, and its sky is not."""
    strength = np.array([0.0 if name == SKY else 0.35 if name in GLASS else 1.0 for name in CMP], np.float32)
    paint = np.array(PAINTS[rng.integers(len(PAINTS))]) * rng.uniform(0.9, 1.1, 3)
    now = np.maximum(np.median(pixels[strength[classes] == 1], axis=0), 8)
    gain = np.clip((paint / now) ** rng.uniform(0.3, 1.0), 0.45, 1.8)
    where = cv2.GaussianBlur(strength[classes], (0, 0), 1.0)[..., None]
    return np.rint(np.clip(pixels * (1 + where * (gain - 1)), 0, 255)).astype(np.uint8)


def _of_paint(gradient: Tensor) -> Tensor:
    """What the kernels have for all else stays."""
    return torch.cat([torch.zeros_like(gradient[:-PAINT_PLANES]), gradient[-PAINT_PLANES:]])


if __name__ == "__main__":
    main()
