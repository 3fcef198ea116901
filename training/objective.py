"""What D and G minimise: the paper's objective (section 3.1) and the terms beside it, each of them times its lambda."""

from dataclasses import dataclass, replace

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from pix2pix.losses import colour_loss, discriminator_loss, feature_loss, generator_loss
from training.config import TrainConfig
from training.perceptual_terms import FeatureMaps, PerceptualTerms, perceptual_terms

NAMES = ("loss_D", "loss_G", "loss_L1", "acc_D")
Losses = dict[str, Tensor]  # by these names, and those of the perceptual terms: what is logged


@dataclass(frozen=True)
class Objective:
    """The weights of its terms, and the networks that some of them need."""

    lambda_l1: float = 100.0
    lambda_feature_matching: float = 0.0
    lambda_colour: float = 0.0
    terms: PerceptualTerms | None = None

    @classmethod
    def of(cls, config: TrainConfig, accelerator: Accelerator) -> "Objective":
        """Raises WeightsMissingError, naming the package to install."""
        terms = perceptual_terms(config, accelerator)
        return cls(config.lambda_l1, config.lambda_feature_matching, config.lambda_colour, terms)

    @property
    def discriminators(self) -> list[nn.Module]:
        """Those that are trained beside D."""
        return [self.terms.projected] if self.terms and self.terms.projected else []

    @property
    def names(self) -> tuple[str, ...]:
        """Of the losses of a step, in their order."""
        return (*NAMES, *(self.terms.names if self.terms else ()))

    def parallel(self) -> "Objective":
        """The same for as many processes as there are."""
        return replace(self, terms=self.terms and self.terms.parallel())

    def seen(self, a: Tensor, b: Tensor, fake: Tensor, window: Tensor | None) -> FeatureMaps | None:
        """What the frozen network sees through the `window`, if there is one; once for both updates."""
        return self.terms.features(a, b, fake, window) if self.terms else None

    def of_D(self, real_logits: Tensor, fake_logits: Tensor, maps: FeatureMaps | None) -> tuple[Tensor, Losses]:
        """What D minimises. Of it half is logged, as the original reports it, and the share of patches judged right."""
        loss_D = discriminator_loss(real_logits, fake_logits)
        acc_D = ((real_logits > 0).float().mean() + (fake_logits < 0).float().mean()) / 2
        further, further_losses = self.terms.of_D(maps) if self.terms and maps else (0.0, {})
        return loss_D + further, {"loss_D": loss_D / 2, "acc_D": acc_D, **further_losses}

    def of_G(
        self,
        a: Tensor,
        b: Tensor,
        fake: Tensor,
        fake_logits: Tensor,
        fake_features: list[Tensor],
        real_features: list[Tensor],
        maps: FeatureMaps | None,
    ) -> tuple[Tensor, Losses]:
        """What G minimises: D takes the fake for real, and the fake is near the real B, in each of these senses."""
        loss_G, loss_L1 = generator_loss(fake_logits, fake, b)
        objective = loss_G + self.lambda_l1 * loss_L1
        if self.lambda_feature_matching:
            objective = objective + self.lambda_feature_matching * feature_loss(fake_features, real_features)
        if self.lambda_colour:
            objective = objective + self.lambda_colour * colour_loss(a, fake, b)
        further, further_losses = self.terms.of_G(maps) if self.terms and maps else (0.0, {})
        return objective + further, {"loss_G": loss_G, "loss_L1": loss_L1, **further_losses}

    def logged(self, losses: Losses) -> Tensor:
        """Those of a step, (names,), without their gradients; zero for what the step had no use for."""
        none = torch.zeros_like(losses["loss_L1"])
        return torch.stack([losses.get(name, none) for name in self.names]).detach()
