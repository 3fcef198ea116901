"""Generators of other projects, as plain modules.

junyanz-unet, junyanz-resnet   `*_net_G.pth` of pytorch-CycleGAN-and-pix2pix (unet_256, resnet_9blocks, …), and
                               GlobalGenerator of pix2pixHD, which is such a ResNet with more halvings
pytorch-gan-unet               `GeneratorUNet` of PyTorch-GAN, which HugGAN has too (`pytorch_model.bin`)
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pix2pix.architectures import Architecture, Foreign
from pix2pix.sizes import Needs

SLOPE = 0.2


class ForeignGenerator(nn.Module):
    """What all three have in common with `Generator`: a (N, in_channels, H, W) in [-1, 1] -> the like of B."""

    def __init__(self, config: Foreign) -> None:
        super().__init__()
        self.config = config

    @property
    def needs(self) -> Needs:
        """The memory is measured: per channel of ngf 5.7, 13.8 and 17.7 bytes at 1024 x 1024 pixels."""
        c = self.config
        per_channel = {"junyanz-unet": 8, "junyanz-resnet": 16, "pytorch-gan-unet": 20}[c.network]
        return Needs(c.multiple, bytes_per_pixel=64 + per_channel * c.ngf)

    def forward(self, a: Tensor, noise: torch.Generator | None = None) -> Tensor:
        raise NotImplementedError

    def drop(self, x: Tensor, noise: torch.Generator | None) -> Tensor:
        """Dropout, from `noise`; none without."""
        if noise is None or not self.config.dropout:
            return x
        keep = 1 - self.config.dropout
        return x * torch.empty_like(x).bernoulli_(keep, generator=noise) / keep


class Layer(nn.Module):
    """A convolution and, unless it is None, the norm after it."""

    def __init__(self, conv: nn.Module, norm: nn.Module | None) -> None:
        super().__init__()
        self.conv = conv
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if self.norm is None else self.norm(x)


class JunyanzUNet(ForeignGenerator):
    """unet_128, unet_256: activations come before the convolutions, as in ours; dropout in the middle, if any."""

    def __init__(self, config: Foreign) -> None:
        super().__init__(config)
        widths, last, bias = config.widths, config.depth - 1, config.norm == "instance"
        channels = [config.in_channels, *widths]
        self.down = nn.ModuleList(
            Layer(nn.Conv2d(channels[i], width, 4, 2, 1, bias=bias), _norm(width, config) if 0 < i < last else None)
            for i, width in enumerate(widths)
        )
        outputs = [config.out_channels, *widths[:-1]]
        self.up = nn.ModuleList(  # from the innermost outwards
            Layer(
                nn.ConvTranspose2d(widths[i] * (1 if i == last else 2), outputs[i], 4, 2, 1, bias=bias or i == 0),
                _norm(outputs[i], config) if i > 0 else None,
            )
            for i in range(last, -1, -1)
        )

    def forward(self, a: Tensor, noise: torch.Generator | None = None) -> Tensor:
        x, skips = a, []
        for level, down in enumerate(self.down):
            x = down(x if level == 0 else F.leaky_relu(x, SLOPE))
            skips.append(x)
        x = skips.pop()
        for depth, up in enumerate(self.up):
            x = up(F.relu(x if depth == 0 else torch.cat([skips.pop(), x], dim=1)))
            if 1 <= depth <= self.config.depth - 5:
                x = self.drop(x, noise)
        return torch.tanh(x)


class PyTorchGanUNet(ForeignGenerator):
    """GeneratorUNet: activations come after the norms, and the picture is doubled by repetition at the end."""

    def __init__(self, config: Foreign) -> None:
        super().__init__(config)
        widths, last = config.widths, config.depth - 1
        channels = [config.in_channels, *widths]
        self.down = nn.ModuleList(
            Layer(nn.Conv2d(channels[i], width, 4, 2, 1, bias=False), _norm(width, config) if 0 < i < last else None)
            for i, width in enumerate(widths)
        )
        self.up = nn.ModuleList(
            Layer(
                nn.ConvTranspose2d(widths[i] * (1 if i == last else 2), widths[i - 1], 4, 2, 1, bias=False),
                _norm(widths[i - 1], config),
            )
            for i in range(last, 0, -1)
        )
        self.final = nn.Conv2d(2 * widths[0], config.out_channels, 4, padding=1)

    def forward(self, a: Tensor, noise: torch.Generator | None = None) -> Tensor:
        x, skips = a, []
        for level, down in enumerate(self.down):
            x = F.leaky_relu(down(x), SLOPE)
            x = self.drop(x, noise) if level >= 3 else x
            skips.append(x)
        x = skips.pop()
        for depth, up in enumerate(self.up):
            x = F.relu(up(x))
            x = self.drop(x, noise) if depth < 4 else x
            x = torch.cat([x, skips.pop()], dim=1)
        x = F.pad(F.interpolate(x, scale_factor=2.0), (1, 0, 1, 0))
        return torch.tanh(self.final(x))


class JunyanzResNet(ForeignGenerator):
    """resnet_6blocks, resnet_9blocks: halvings, residual blocks, as many doublings; the rims are mirrored."""

    def __init__(self, config: Foreign) -> None:
        super().__init__(config)
        ngf, bias = config.ngf, config.norm == "instance"

        def conv(ins: int, outs: int, size: int, stride: int = 1, padding: int = 0) -> Layer:
            return Layer(nn.Conv2d(ins, outs, size, stride, padding, bias=bias), _norm(outs, config))

        def conv_transpose(ins: int, outs: int) -> Layer:
            convolution = nn.ConvTranspose2d(ins, outs, 3, 2, 1, output_padding=1, bias=bias)
            return Layer(convolution, _norm(outs, config))

        widths = [ngf * 2**level for level in range(config.downs + 1)]
        self.first = conv(config.in_channels, ngf, 7)
        self.down = nn.ModuleList(conv(ins, outs, 3, 2, 1) for ins, outs in pairwise(widths))
        self.blocks = nn.ModuleList(
            nn.ModuleList([conv(widths[-1], widths[-1], 3), conv(widths[-1], widths[-1], 3)])
            for _ in range(config.depth)
        )
        self.up = nn.ModuleList(conv_transpose(ins, outs) for ins, outs in pairwise(widths[::-1]))
        self.final = nn.Conv2d(ngf, config.out_channels, 7)

    def forward(self, a: Tensor, noise: torch.Generator | None = None) -> Tensor:
        x = F.relu(self.first(_mirrored(a, 3)))
        for down in self.down:
            x = F.relu(down(x))
        for block in self.blocks:
            first, second = block  # pyright: ignore[reportGeneralTypeIssues]
            y = self.drop(F.relu(first(_mirrored(x, 1))), noise)
            x = x + second(_mirrored(y, 1))
        for up in self.up:
            x = F.relu(up(x))
        return torch.tanh(self.final(_mirrored(x, 3)))


NETWORKS: dict[Architecture, type[ForeignGenerator]] = {
    "junyanz-unet": JunyanzUNet,
    "junyanz-resnet": JunyanzResNet,
    "pytorch-gan-unet": PyTorchGanUNet,
}


def build(config: Foreign) -> ForeignGenerator:
    """The network of that architecture, with random weights."""
    return NETWORKS[config.network](config)


def _norm(channels: int, config: Foreign) -> nn.Module | None:
    if config.norm == "none":
        return None
    if config.norm == "instance":  # in these projects without a gain
        return nn.GroupNorm(channels, channels, affine=False)
    return nn.BatchNorm2d(channels) if config.statistics == "running" else nn.GroupNorm(channels, channels)


def _mirrored(x: Tensor, width: int) -> Tensor:
    return F.pad(x, (width,) * 4, mode="reflect")
