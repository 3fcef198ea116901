"""The terms of the objective beside the paper's: what a frozen network sees, and what discriminators make of that."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from pix2pix import efficientnet
from pix2pix.data.pairs import Found
from pix2pix.losses import hinge_discriminator_loss, hinge_generator_loss, perceptual_loss
from pix2pix.perceptual import MEASURED_ON, Perception
from pix2pix.projected import ProjectedDiscriminators
from training.batches import pairs_of
from training.config import TrainConfig

NAMES = ("loss_perceptual", "loss_G_projected", "loss_D_projected")


class FeatureMaps(NamedTuple):
    """What the frozen network sees of B and of the fake, on their way through it five maps each; and what the
    discriminators on maps see of the real and of the fake pair, if there are any.
    """

    b: list[Tensor]
    fake: list[Tensor]
    real_pair: list[Tensor]
    fake_pair: list[Tensor]


@dataclass(frozen=True)
class PerceptualTerms:
    """The networks of these terms, and their weights in the objective."""

    accelerator: Accelerator
    perception: Perception
    lambda_perceptual: float
    projected: nn.Module | None  # ProjectedDiscriminators, perhaps wrapped for several processes
    lambda_projected: float

    @property
    def names(self) -> tuple[str, ...]:
        """Of the losses that they add to those of a step."""
        return NAMES if self.projected else NAMES[:1]

    def parallel(self) -> "PerceptualTerms":
        """The same for as many processes as there are."""
        return replace(self, projected=self.projected and self.accelerator.prepare(self.projected))

    def features(self, a: Tensor, b: Tensor, fake: Tensor, window: Tensor | None) -> FeatureMaps:
        """Once for both updates. Gradients flow to the fake alone."""
        with self.accelerator.autocast():
            if not self.projected:
                return FeatureMaps(*self.perception.together(b, fake, window), [], [])
            given, maps_fake = self.perception.together(torch.cat([a, b]), fake, window)
            maps_a, maps_b = _halves(given)
            projected = self.accelerator.unwrap_model(self.projected)
            return FeatureMaps(maps_b, maps_fake, *projected.project(maps_a, maps_b, maps_fake))

    def of_D(self, maps: FeatureMaps) -> tuple[Tensor | float, dict[str, Tensor]]:
        """What the further discriminators add to D's objective, and half of their loss for the log, as with D's own."""
        if not self.projected:
            return 0.0, {}
        with self.accelerator.autocast():
            pairs = zip(maps.real_pair, maps.fake_pair, strict=True)
            both = [torch.cat([real, fake.detach()]) for real, fake in pairs]
            real_logits, fake_logits = _halves(self.projected(both))
        loss = hinge_discriminator_loss(real_logits, fake_logits)
        return self.lambda_projected * loss, {"loss_D_projected": loss / 2}

    def of_G(self, maps: FeatureMaps) -> tuple[Tensor, dict[str, Tensor]]:
        """What is added to G's objective, and its terms for the log. No discriminator gets a gradient."""
        loss_perceptual = perceptual_loss(maps.fake, maps.b)
        objective = self.lambda_perceptual * loss_perceptual
        if not self.projected:
            return objective, {"loss_perceptual": loss_perceptual}
        projected = self.accelerator.unwrap_model(self.projected)
        with frozen(projected), self.accelerator.autocast():
            loss_G = hinge_generator_loss(projected(maps.fake_pair))
        losses = {"loss_perceptual": loss_perceptual, "loss_G_projected": loss_G}
        return objective + self.lambda_projected * loss_G, losses


def perceptual_terms(config: TrainConfig, accelerator: Accelerator) -> PerceptualTerms | None:
    """None for the paper's objective. Raises WeightsMissingError, naming the package to install."""
    if not config.has_perceptual_terms:
        return None
    perception = Perception(efficientnet.load(), bf16=accelerator.mixed_precision == "bf16").to(accelerator.device)
    projected = ProjectedDiscriminators().to(accelerator.device) if config.lambda_projected else None
    return PerceptualTerms(accelerator, perception, config.lambda_perceptual, projected, config.lambda_projected)


def targets_of(config: TrainConfig, found: Found) -> Iterator[Tensor]:
    """The first targets by name, from which the scale of each channel is measured."""
    train_set = pairs_of(config, found, "train", augment=False)
    by_name = sorted(range(len(train_set)), key=lambda index: train_set.entries[index].name)
    return (train_set[index][1] for index in by_name[:MEASURED_ON])


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Gradients flow through the network, but not to its weights, and spectral norm makes no step of its own: it makes
    one for each update of the weights (Miyato et al. 2018).
    """
    network.requires_grad_(False).eval()
    try:
        yield
    finally:
        network.requires_grad_(True).train()


def _halves(both: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The first and the second half of the batch of each."""
    first, second = zip(*(each.chunk(2) for each in both), strict=True)
    return list(first), list(second)
