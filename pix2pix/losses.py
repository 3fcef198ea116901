"""The objective of pix2pix (Isola et al. 2017, section 3.1) as pure functions of the networks' outputs."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

COLOUR_SQUARE = 16  # pixels a side
COLOURLESS = 0.1  # of 2: the most by which red, green and blue of a grey pixel differ, for JPEG moves them apart
ACTIVATION_BOUND = 6.0  # of normalised activations


def gan_loss(logits: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy of D's logits (N, 1, h, w) against "all real" or "all fake", averaged over the patches."""
    # In fp32 whatever the autocast, since log-sigmoid of a confident logit underflows in half precision.
    logits = logits.float()
    return F.softplus(-logits if real else logits).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """D's objective: real pairs are real, fake pairs are fake. The figure that is logged is half of this sum."""
    return gan_loss(real_logits, real=True) + gan_loss(fake_logits, real=False)


def l1_loss(fake: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference between G(a) and the real B, both (N, C, H, W) in [-1, 1]."""
    return F.l1_loss(fake.float(), b)


def colour_loss(a: Tensor, fake: Tensor, b: Tensor) -> Tensor:
    """The L1 term of what is left of fake and B, (N, C, H, W), when each square of COLOUR_SQUARE pixels is one colour.

    It holds the colours to those of B, which the maps of a frozen network hardly tell, and leaves the textures free.
    Pictures whose A has no colour at all do not count: nothing in black lines tells the colour of a shoe, and the mean
    of all that it could have is a dark grey.
    """
    tells = ((a.amax(1) - a.amin(1)).amax((1, 2)) > COLOURLESS).float()
    difference = F.avg_pool2d(fake.float(), COLOUR_SQUARE) - F.avg_pool2d(b, COLOUR_SQUARE)
    return (tells * difference.abs().mean((1, 2, 3))).mean()


def generator_loss(fake_logits: Tensor, fake: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """G's objective in its two terms: D takes the fake for real, and the fake is near the real B.

    What G minimises is the first plus lambda times the second.
    """
    return gan_loss(fake_logits, real=True), l1_loss(fake, b)


def feature_loss(fake_features: Sequence[Tensor], real_features: Sequence[Tensor]) -> Tensor:
    """Feature matching (Wang et al. 2018, pix2pixHD, section 3.3): D's layers should see the same in the fake as in B.

    The sum over the layers of the mean absolute difference. No gradient flows to the real side.
    """
    pairs = zip(fake_features, real_features, strict=True)
    return torch.stack([l1_loss(fake, real.detach().float()) for fake, real in pairs]).sum()


def perceptual_loss(fake_maps: Sequence[Tensor], real_maps: Sequence[Tensor]) -> Tensor:
    """How differently a frozen network sees the fake and the real B (after Johnson et al. 2016 and Zhang et al. 2018):
    the mean absolute difference of its maps, averaged over the maps. No gradient flows to the real side.

    The maps are those of `pix2pix.perceptual.Perception`, whose channels are all of one size, so each counts alike.
    """
    pairs = zip(fake_maps, real_maps, strict=True)
    return torch.stack([l1_loss(fake, real.detach().float()) for fake, real in pairs]).mean()


def hinge_discriminator_loss(real_logits: Sequence[Tensor], fake_logits: Sequence[Tensor]) -> Tensor:
    """The objective of the discriminators on maps, averaged over them: real pairs above 1, fake pairs below -1.

    Hinge loss, as projected GANs have it (Sauer et al. 2021), since their weights are bound by spectral norm.
    """
    pairs = zip(real_logits, fake_logits, strict=True)
    losses = [F.relu(1 - real.float()).mean() + F.relu(1 + fake.float()).mean() for real, fake in pairs]
    return torch.stack(losses).mean()


def hinge_generator_loss(fake_logits: Sequence[Tensor]) -> Tensor:
    """G's side of it, averaged over the discriminators: they take the fake for real."""
    return -torch.stack([logits.float().mean() for logits in fake_logits]).mean()


def activation_penalty(x: Tensor, weight: float) -> Tensor:
    """x itself, whose gradient is that of an objective with a further term: for each picture, half of weight times the
    sum of the squares of what in x is beyond ±ACTIVATION_BOUND.

    For normalised activations (N, C, H, W). Instance norm scales a map by all that is in it, so a network learns to
    make one huge value where it does least harm, and dims the rest with it: a blot that is always in the same place
    (Karras et al. 2020, StyleGAN2, section 2). Elsewhere activations are hardly ever beyond.
    """
    return _ActivationPenalty.apply(x, weight)  # pyright: ignore[reportReturnType]


class _ActivationPenalty(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: float) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(x)
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (x,) = ctx.saved_tensors
        return torch.add(gradient, F.softshrink(x, ACTIVATION_BOUND), alpha=ctx.weight / len(x)), None
