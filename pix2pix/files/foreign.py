"""Generators of other projects, as plain modules, and the reading of their weights.

junyanz-unet, junyanz-resnet   `*_net_G.pth` of pytorch-CycleGAN-and-pix2pix (unet_256, resnet_9blocks, …), and
                               GlobalGenerator of pix2pixHD, which is such a ResNet with more halvings
pytorch-gan-unet               `GeneratorUNet` of PyTorch-GAN, which HugGAN has too (`pytorch_model.bin`)

The architecture is read off the names and shapes of the weights. What these do not tell is a field of `Foreign` with
a default: whether there was dropout, and which statistics batch norm takes. By default those of the picture at hand,
as these projects' own tests do; `running` takes the averages of the training, where the file has them.
"""

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pix2pix.files.bundles import ForeignError, Weights, filled, tensors
from pix2pix.sizes import Needs
from pix2pix.validation import shorten

Architecture = Literal["junyanz-unet", "junyanz-resnet", "pytorch-gan-unet"]
Statistics = Literal["picture", "running"]
Norm = Literal["batch", "instance", "none"]
DROPOUT = 0.5  # of all three, where they have any
SLOPE = 0.2
RESNET_SIZE = 256  # a ResNet takes any size; this is what its project trains at
MOST_BLOCKS = 64  # of a ResNet; its project has 6 or 9
MAX_DEPTH = 10  # halvings: a picture of 1024
MAX_SIZE = 2048  # pixels a side


@dataclass(frozen=True)
class Foreign:
    """The architecture of a foreign generator; travels in the checkpoint's header."""

    network: Architecture
    image_size: int
    in_channels: int
    out_channels: int
    ngf: int
    depth: int  # halvings of a U-Net, blocks of a ResNet
    norm: Norm
    dropout: float = 0.0
    statistics: Statistics = "picture"  # that batch norm takes
    downs: int = 2  # halvings of a ResNet

    def __post_init__(self) -> None:
        for name, allowed in (
            ("network", Architecture),
            ("statistics", Statistics),
            ("norm", Norm),
        ):
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(f"{name} {getattr(self, name)!r} is not one of {', '.join(get_args(allowed))}")
        if min(self.image_size, self.in_channels, self.out_channels, self.ngf) < 1 or self.depth < 0:
            raise ValueError(f"sizes and channels must be 1 or more: {self}")
        if self.image_size > MAX_SIZE or max(self.in_channels, self.out_channels) > 1024 or self.ngf > 512:
            raise ValueError(f"sizes and channels are beyond what is known here: {self}")
        if self.depth > MOST_BLOCKS:
            raise ValueError(f"depth {self.depth} is over {MOST_BLOCKS}")
        if self.network != "junyanz-resnet" and not 2 <= self.depth <= MAX_DEPTH:
            raise ValueError(f"depth must be from 2 to {MAX_DEPTH}, not {self.depth}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), not {self.dropout}")

    @property
    def widths(self) -> list[int]:
        """Channels of a U-Net after each halving."""
        return [self.ngf * min(2**level, 8) for level in range(self.depth)]


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
        multiple = 2 ** (c.downs if c.network == "junyanz-resnet" else c.depth)
        return Needs(multiple, bytes_per_pixel=64 + per_channel * c.ngf)

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
    return NETWORKS[config.network](config)


def _norm(channels: int, config: Foreign) -> nn.Module | None:
    if config.norm == "none":
        return None
    if config.norm == "instance":  # in these projects without a gain
        return nn.GroupNorm(channels, channels, affine=False)
    return nn.BatchNorm2d(channels) if config.statistics == "running" else nn.GroupNorm(channels, channels)


def _mirrored(x: Tensor, width: int) -> Tensor:
    return F.pad(x, (width,) * 4, mode="reflect")


# --- reading weights


def read(
    path: str | Path,
    dropout: float | None = None,
    statistics: Statistics = "picture",
    image_size: int | None = None,
) -> ForeignGenerator:
    """The generator in a file of weights of one of these projects, in fp32. Raises ForeignError.

    dropout:    what it was trained with. None: what the file tells, or else the default of its project.
    image_size: of its training, which no file tells. None: what its project trains at, by the depth of a U-Net.
    """
    path = Path(path)
    weights = dict(tensors(path))
    try:
        _require_plain(weights, path.stat().st_size)
        config, names = _architecture(weights, dropout, statistics)
        config = _sized(config, image_size)
    except KeyError as error:
        raise ForeignError(f"{path} looks like a generator of another project, but lacks {error}") from None
    except (ValueError, IndexError) as error:  # IndexError: a weight of fewer dimensions than it should have
        raise ForeignError(f"{path} cannot be imported: {shorten(str(error))}") from error
    return filled(path, build(config), weights, names).eval()


def _sized(config: Foreign, image_size: int | None) -> Foreign:
    """Raises ValueError for channels that are no pictures, and for a size that the network cannot halve as often."""
    for channels, verb in ((config.in_channels, "takes"), (config.out_channels, "makes")):
        if channels not in (1, 3):
            raise ValueError(f"it {verb} {channels} channels; pictures have one or three")
    if image_size is None:
        return config
    multiple = 2 ** (config.downs if config.network == "junyanz-resnet" else config.depth)
    if image_size % multiple or not multiple <= image_size <= MAX_SIZE:
        raise ValueError(f"its image size must be a multiple of {multiple}, at most {MAX_SIZE}, not {image_size}")
    return replace(config, image_size=image_size)


def _require_plain(weights: Weights, size: int) -> None:
    """Raises ValueError unless the weights are numbers, and no more of them than a file of so many bytes can hold.

    A tensor may say that it has any shape, and the numbers of one may be those of another.
    """
    if any(weight.layout != torch.strided or weight.is_quantized or weight.is_complex() for weight in weights.values()):
        raise ValueError("its weights are not plain numbers")
    claimed = sum(weight.numel() * weight.element_size() for weight in weights.values())
    if claimed > size:
        raise ValueError(f"its weights claim to be {claimed:,} bytes, and the file has {size:,}")
    if bad := next((name for name, weight in weights.items() if not torch.isfinite(weight).all()), None):
        raise ValueError(f"its weights {bad} are not all numbers")


def _architecture(
    weights: Weights, dropout: float | None, statistics: Statistics
) -> tuple[Foreign, dict[str, tuple[str, str | None]]]:
    """The architecture, and for each of our layers the names that the file has for its convolution and its norm."""
    if "model.model.0.weight" in weights:
        return _junyanz_unet(weights, DROPOUT if dropout is None else dropout, statistics)
    if "down1.model.0.weight" in weights:
        return _pytorch_gan_unet(weights, DROPOUT if dropout is None else dropout)
    if "model.1.weight" in weights and weights["model.1.weight"].shape[2:] == (7, 7):
        return _junyanz_resnet(weights, dropout, statistics)
    first = ", ".join(list(weights)[:3]) or "none at all"
    raise ValueError(
        f"its weights ({first}, …) are of no generator that is known here: those of pytorch-CycleGAN-and-pix2pix "
        "(unet_…, resnet_…), GlobalGenerator of pix2pixHD and GeneratorUNet of PyTorch-GAN"
    )


def _junyanz_unet(weights: Weights, dropout: float, statistics: Statistics):
    prefixes = ["model.model.1"]
    while f"{prefixes[-1]}.model.3.model.1.weight" in weights:
        prefixes.append(f"{prefixes[-1]}.model.3")
    depth, innermost = 1 + len(prefixes), prefixes[-1]
    names: dict[str, tuple[str, str | None]] = {
        "down.0": ("model.model.0", None),
        f"down.{depth - 1}": (f"{innermost}.model.1", None),
        "up.0": (f"{innermost}.model.3", f"{innermost}.model.4"),
        f"up.{depth - 1}": ("model.model.3", None),
    }
    for level, prefix in enumerate(prefixes[:-1], start=1):
        names[f"down.{level}"] = (f"{prefix}.model.1", f"{prefix}.model.2")
        names[f"up.{depth - 1 - level}"] = (f"{prefix}.model.5", f"{prefix}.model.6")
    ngf, in_channels = weights["model.model.0.weight"].shape[:2]
    return Foreign(
        "junyanz-unet",
        2**depth,
        in_channels,
        weights["model.model.3.weight"].shape[1],
        ngf,
        depth,
        _norm_of(weights, f"{innermost}.model.4", "model.model.0"),
        dropout,
        statistics,
    ), names


def _junyanz_resnet(weights: Weights, dropout: float | None, statistics: Statistics):
    blocks = len({key.split(".")[1] for key in weights if ".conv_block." in key})
    if not blocks and any(".block." in key for key in weights):
        raise ValueError("it is the ResNet of PyTorch-GAN's CycleGAN, an architecture that is not known here")
    downs = 0
    while f"model.{4 + 3 * downs}.weight" in weights and downs < MAX_DEPTH:
        downs += 1
    begin = 4 + 3 * downs  # of the blocks
    third = weights.get(f"model.{begin}.conv_block.6.weight")
    dropped = third is not None and third.ndim == 4
    second = 6 if dropped else 5  # a dropout layer has no weights, but the next one has another number
    names: dict[str, tuple[str, str | None]] = {
        "first": ("model.1", "model.2"),
        "final": (f"model.{begin + blocks + 3 * downs + 1}", None),
    }
    for level in range(downs):
        names[f"down.{level}"] = (f"model.{4 + 3 * level}", f"model.{5 + 3 * level}")
        up = begin + blocks + 3 * level
        names[f"up.{level}"] = (f"model.{up}", f"model.{up + 1}")
    for block in range(blocks):
        prefix = f"model.{begin + block}.conv_block"
        names[f"blocks.{block}.0"] = (f"{prefix}.1", f"{prefix}.2")
        names[f"blocks.{block}.1"] = (f"{prefix}.{second}", f"{prefix}.{second + 1}")
    ngf, in_channels = weights["model.1.weight"].shape[:2]
    return Foreign(
        "junyanz-resnet",
        RESNET_SIZE,
        in_channels,
        weights[f"{names['final'][0]}.weight"].shape[0],
        ngf,
        blocks,
        _norm_of(weights, "model.2", "model.1"),
        (DROPOUT if dropout is None else dropout) if dropped else 0.0,
        statistics,
        downs,
    ), names


def _norm_of(weights: Weights, norm: str, conv: str) -> Norm:
    """Batch norm has weights; instance norm has none, and convolutions with a bias before it."""
    if f"{norm}.weight" in weights:
        return "batch"
    return "instance" if f"{conv}.bias" in weights else "none"


def _pytorch_gan_unet(weights: Weights, dropout: float):
    depth = sum(bool(re.fullmatch(r"down\d+\.model\.0\.weight", key)) for key in weights)
    names: dict[str, tuple[str, str | None]] = {"final": ("final.2", None)}
    for level in range(depth):
        names[f"down.{level}"] = (f"down{level + 1}.model.0", None)
    for level in range(depth - 1):
        names[f"up.{level}"] = (f"up{level + 1}.model.0", None)
    ngf, in_channels = weights["down1.model.0.weight"].shape[:2]
    out_channels = weights["final.2.weight"].shape[0]
    return Foreign(
        "pytorch-gan-unet", 2**depth, in_channels, out_channels, ngf, depth, "instance", dropout
    ), names  # fmt: skip
