"""Discriminators that judge what a frozen network sees in a picture, beside the PatchGAN that judges the picture.

After Projected GANs (Sauer et al. 2021), with the condition of pix2pix: each sees the maps of B, or of the fake, and
those of A. See `pix2pix.efficientnet` for the maps.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from pix2pix.efficientnet import CHANNELS
from pix2pix.models import SLOPE

DEPTHS = (1, 2, 3, 4)  # of the maps: the outermost one is left to the PatchGAN
PROJECTED, WIDTH = 64, 128  # channels of each projection, and of the convolutions
HALVED = 2  # the two larger maps are halved first, where a convolution as wide as these takes longest


class ProjectedDiscriminators(nn.Module):
    """One discriminator for each of four maps.

    projections: what `project` makes of the maps of A and of those of a real B or a fake
    returns:     four maps of logits, (N, 1, h, w)
    """

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            _Head(CHANNELS[depth], stride=2 if place < HALVED else 1) for place, depth in enumerate(DEPTHS)
        )

    def project(self, maps_a: list[Tensor], *all_maps_b: list[Tensor]) -> list[list[Tensor]]:
        """For each of some B of the same A, from what `EfficientNetLite0` gives, five maps of N pictures each: four
        projections, (N, 128, h, w).

        A fixed random 1x1 projection comes before each discriminator, as in the paper: it mixes the channels, so that
        no few of them are all that is judged. It is not trained, and is kept with the weights, of which it decides the
        meaning.
        """
        by_head = [
            head.project(maps_a[depth], [maps_b[depth] for maps_b in all_maps_b])  # pyright: ignore[reportCallIssue]
            for depth, head in zip(DEPTHS, self.heads, strict=True)
        ]
        return [list(of_pair) for of_pair in zip(*by_head, strict=True)]

    def forward(self, projections: list[Tensor]) -> list[Tensor]:
        convolutions = [layer for layer in self.modules() if isinstance(layer, nn.Conv2d)]
        weights = iter(_normalised(convolutions, projections[0].dtype))
        return [head(projection, weights) for projection, head in zip(projections, self.heads, strict=True)]


class _Head(nn.Module):
    projection_a: Tensor
    projection_b: Tensor

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        for name in ("projection_a", "projection_b"):
            self.register_buffer(name, torch.randn(PROJECTED, channels, 1, 1) / channels**0.5)
        self.layers = nn.Sequential(
            spectral_norm(nn.Conv2d(2 * PROJECTED, WIDTH, 3, stride, padding=1)),
            nn.LeakyReLU(SLOPE),
            spectral_norm(nn.Conv2d(WIDTH, WIDTH, 3, padding=1)),
            nn.LeakyReLU(SLOPE),
            spectral_norm(nn.Conv2d(WIDTH, 1, 3, padding=1)),
        )

    def project(self, a: Tensor, all_b: list[Tensor]) -> list[Tensor]:
        projected_a = F.conv2d(a, self.projection_a)
        return [torch.cat([projected_a, F.conv2d(b, self.projection_b)], dim=1) for b in all_b]

    def forward(self, x: Tensor, weights: Iterator[Tensor]) -> Tensor:
        """The convolutions take their weights, normalised, from `weights`."""
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                x = F.conv2d(x, next(weights), layer.bias, layer.stride, layer.padding)
            else:
                x = layer(x)
        return x


def _normalised(convolutions: list[nn.Conv2d], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Their weights by spectral norm (Miyato et al. 2018), which in training mode makes its step.

    In fp32 whatever the autocast, in which their largest singular value would be off by a part in 100. Torch's module
    keeps the weights and the vectors u and v; but it computes each alone, and the gradient of each by a dozen
    operations, which takes 3 % of a step of the preset Recommended on a CPU.
    """
    kept: list[Any] = [convolution.parametrizations for convolution in convolutions]
    weights, norms = [each.weight.original for each in kept], [each.weight[0] for each in kept]
    with torch.autocast(weights[0].device.type, enabled=False):
        for weight, norm in zip(weights, norms, strict=True):
            if norm.training:
                matrix = weight.detach().flatten(1)
                norm._u.copy_(F.normalize(matrix @ norm._v, dim=0))
                norm._v.copy_(F.normalize(matrix.T @ norm._u, dim=0))
        u, v = [norm._u.clone() for norm in norms], [norm._v.clone() for norm in norms]
        return _Normalised.apply(dtype, *weights, *u, *v)  # pyright: ignore[reportReturnType]


class _Normalised(torch.autograd.Function):
    """W / sigma for each W of shape (out, in, h, w), with sigma = u' W v of the matrix (out, in * h * w), in which u
    and v count as constants; in a precision, and with the channels last, as the maps are.

    So with the gradient D of a result, that of its W is (D - <D, W / sigma> u v') / sigma.
    """

    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, *given: Tensor) -> tuple[Tensor, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        weights, *vectors = _thirds(given)
        sigmas = [torch.dot(u, weight.flatten(1) @ v) for weight, u, v in zip(weights, *vectors, strict=True)]
        ctx.save_for_backward(*given)
        ctx.sigmas = sigmas
        results = [weight / sigma for weight, sigma in zip(weights, sigmas, strict=True)]
        return tuple(result.to(dtype).contiguous(memory_format=torch.channels_last) for result in results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        of_weights = []
        for of_result, sigma, weight, u, v in zip(gradients, ctx.sigmas, *_thirds(ctx.saved_tensors), strict=True):
            matrix = of_result.to(weight.dtype).flatten(1)
            inner = torch.dot(matrix.flatten(), weight.flatten()) / sigma
            of_weights.append(torch.addr(matrix, u * inner, v, alpha=-1).div_(sigma).view_as(weight))
        return None, *of_weights, *[None] * (2 * len(of_weights))


def _thirds(tensors: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], ...]:
    """Weights, u and v."""
    third = len(tensors) // 3
    return tensors[:third], tensors[third : 2 * third], tensors[2 * third :]
