"""Discriminators that judge what a frozen network sees in a picture, beside the PatchGAN that judges the picture.

After Projected GANs (Sauer et al. 2021), with the condition of pix2pix: each sees the maps of B, or of the fake, and
those of A. See `pix2pix.efficientnet` for the maps.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
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
        with parametrize.cached():
            self._normalise_weights()
            return [head(projection) for projection, head in zip(projections, self.heads, strict=True)]

    def _normalise_weights(self) -> None:
        """In fp32 whatever the autocast, in which their largest singular value would be off by a part in 100."""
        with torch.autocast(next(self.parameters()).device.type, enabled=False):
            for module in self.modules():
                if parametrize.is_parametrized(module):
                    _ = module.weight


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

    def forward(self, projection: Tensor) -> Tensor:
        return self.layers(projection)
