"""Pictures of how the training gets on: A, B and fake of the same few pairs each time."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from pix2pix import images
from pix2pix.data.evidence import spread
from pix2pix.data.pairs import Found
from pix2pix.losses import l1_loss
from pix2pix.models import Generator
from pix2pix.palette import chosen, snap
from pix2pix.perceptual import Perception, perceptual_distance
from training.batches import pairs_of
from training.config import TrainConfig
from training.run import Run

PREVIEW_COLUMNS = 4  # of train, and as many of val
VAL_PAIRS = 16  # that val_L1 is averaged over, at each preview


class Preview:
    """Rows A, B and fake of the same few pairs each time: columns of train, then of val."""

    def __init__(self, config: TrainConfig, found: Found, device: torch.device, perception: Perception | None) -> None:
        train_set, self.val_set = (pairs_of(config, found, split, augment=False) for split in ("train", "val"))
        self.train_columns = [train_set[index] for index in spread(len(train_set), PREVIEW_COLUMNS)]
        self.val = spread(len(self.val_set), VAL_PAIRS)
        self.device, self.perception = device, perception
        self.palette = chosen(config.palette)

    def save(self, run: Run, G: Generator, step: int) -> dict[str, float]:
        """Writes the picture, and returns the mean distances from the target over a fixed part of val."""
        pairs = self.train_columns + [self.val_set[index] for index in self.val]
        pinned = self._pinned(run, G.config.image_size)
        with evaluating(G):
            fakes = [G(a[None].to(self.device))[0].cpu() for a, _ in [*pairs, *pinned]]
        shown = min(len(self.train_columns) + PREVIEW_COLUMNS, len(pairs))
        columns = [(a, b, fake) for (a, b), fake in zip([*pairs, *pinned], fakes, strict=True)]
        run.save_preview(step, images.grid(list(zip(*columns[:shown], *columns[len(pairs) :], strict=True))))
        val = list(zip(fakes, (b for _, b in pairs), strict=False))[len(self.train_columns) :]
        distances = {"val_L1": np.mean([l1_loss(fake, b).item() for fake, b in val])}
        if self.perception:
            distances["val_perceptual"] = np.mean([perceptual_distance(self.perception, fake, b) for fake, b in val])
        return {name: float(distance) for name, distance in distances.items()}

    def _pinned(self, run: Run, size: int) -> list[tuple[Tensor, Tensor]]:
        """The drawing that someone has pinned to the run, if any; it has no target, and white stands for that."""
        try:
            drawing = images.read(run.pinned_file)
        except OSError:
            return []
        if self.palette:
            drawing = snap(drawing, self.palette).resize((size, size), Image.Resampling.NEAREST)
        a = images.to_tensor(drawing.resize((size, size), Image.Resampling.BILINEAR))
        return [(a, torch.ones_like(a))]


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """No dropout and no gradients."""
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        network.train()
