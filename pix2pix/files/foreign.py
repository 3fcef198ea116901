"""Generators of other projects, as plain modules, and the reading of their weights.

junyanz-unet, junyanz-resnet   `*_net_G.pth` of pytorch-CycleGAN-and-pix2pix (unet_256, resnet_9blocks, …)
pytorch-gan-unet               `GeneratorUNet` of PyTorch-GAN, which HugGAN has too (`pytorch_model.bin`)

The architecture is read off the names and shapes of the weights. What these do not tell is a field of `Foreign` with
a default: whether there was dropout, and which statistics batch norm takes. By default those of the picture at hand,
as these projects' own tests do; `running` takes the averages of the training, where the file has them.
"""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Literal, get_args

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from pix2pix.checked import short
from pix2pix.sizes import Needs

Architecture = Literal["junyanz-unet", "junyanz-resnet", "pytorch-gan-unet"]
Statistics = Literal["picture", "running"]
Weights = Mapping[str, Tensor]
DROPOUT = 0.5  # of all three, where they have any
SLOPE = 0.2
RESNET_SIZE = 256  # a ResNet takes any size; this is what its project trains at
MOST_BLOCKS = 64  # of a ResNet; its project has 6 or 9
MAX_DEPTH = 10  # halvings: a picture of 1024
WRAPPERS = ("state_dict", "model_state_dict", "generator", "netG", "model")  # under which some files keep the weights


class ForeignError(ValueError):
    """Why weights cannot be imported, in words, with the name of the file."""


@dataclass(frozen=True)
class Foreign:
    """The architecture of a foreign generator; travels in the checkpoint's header."""

    network: Architecture
    image_size: int
    in_channels: int
    out_channels: int
    ngf: int
    depth: int  # halvings of a U-Net, blocks of a ResNet
    norm: Literal["batch", "instance"]
    dropout: float = 0.0
    statistics: Statistics = "picture"  # that batch norm takes

    def __post_init__(self) -> None:
        for name, allowed in (
            ("network", Architecture),
            ("statistics", Statistics),
            ("norm", Literal["batch", "instance"]),
        ):
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(f"{name} {getattr(self, name)!r} is not one of {', '.join(get_args(allowed))}")
        if min(self.image_size, self.in_channels, self.out_channels, self.ngf) < 1 or self.depth < 0:
            raise ValueError(f"sizes and channels must be 1 or more: {self}")
        if self.image_size > 1024 or max(self.in_channels, self.out_channels) > 1024 or self.ngf > 512:
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
        multiple = 4 if c.network == "junyanz-resnet" else 2**c.depth
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
    """resnet_6blocks, resnet_9blocks: two halvings, residual blocks, two doublings; the rims are mirrored."""

    def __init__(self, config: Foreign) -> None:
        super().__init__(config)
        ngf, bias = config.ngf, config.norm == "instance"

        def conv(ins: int, outs: int, size: int, stride: int = 1, padding: int = 0) -> Layer:
            return Layer(nn.Conv2d(ins, outs, size, stride, padding, bias=bias), _norm(outs, config))

        def conv_transpose(ins: int, outs: int) -> Layer:
            convolution = nn.ConvTranspose2d(ins, outs, 3, 2, 1, output_padding=1, bias=bias)
            return Layer(convolution, _norm(outs, config))

        self.first = conv(config.in_channels, ngf, 7)
        self.down = nn.ModuleList([conv(ngf, 2 * ngf, 3, 2, 1), conv(2 * ngf, 4 * ngf, 3, 2, 1)])
        self.blocks = nn.ModuleList(
            nn.ModuleList([conv(4 * ngf, 4 * ngf, 3), conv(4 * ngf, 4 * ngf, 3)]) for _ in range(config.depth)
        )
        self.up = nn.ModuleList([conv_transpose(4 * ngf, 2 * ngf), conv_transpose(2 * ngf, ngf)])
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


def _norm(channels: int, config: Foreign) -> nn.Module:
    if config.norm == "instance":  # in these projects without a gain
        return nn.GroupNorm(channels, channels, affine=False)
    return nn.BatchNorm2d(channels) if config.statistics == "running" else nn.GroupNorm(channels, channels)


def _mirrored(x: Tensor, width: int) -> Tensor:
    return F.pad(x, (width,) * 4, mode="reflect")


# --- reading weights


def read(path: str | Path, dropout: float | None = None, statistics: Statistics = "picture") -> ForeignGenerator:
    """The generator in a file of weights of one of these projects, in fp32. Raises ForeignError.

    dropout: what it was trained with. None: what the file tells, or else the default of its project.
    """
    path = Path(path)
    weights = {str(key).removeprefix("module."): value for key, value in _tensors(path).items()}
    try:
        _require_plain(weights, path.stat().st_size)
        config, names = _architecture(weights, dropout, statistics)
    except KeyError as error:
        raise ForeignError(f"{path} looks like a generator of another project, but lacks {error}") from None
    except (ValueError, IndexError) as error:  # IndexError: a weight of fewer dimensions than it should have
        raise ForeignError(f"{path} cannot be imported: {short(str(error))}") from error
    return _filled(path, build(config), weights, names).eval()


def _tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by their names. No code of the file is run."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        _require_stored(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ForeignError(f"{path} is not there") from None
    except UnpicklingError as error:
        wants = re.search(r"GLOBAL ([\w.]+)", str(error))
        reason = f"it would call {wants[1]}" if wants else "it holds more than weights, or is damaged"
        raise ForeignError(
            f"{path} is refused: {reason}. Files of weights are read, but nothing in them is run"
        ) from None
    except Exception as error:  # unpickling raises anything at all on broken data
        raise ForeignError(
            f"{path} is no whole file of PyTorch weights: {short(str(error)) or type(error).__name__}"
        ) from None
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ForeignError(f"{path} is no state dict: it holds more than named weights")
    return content


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


def _require_stored(path: Path) -> None:
    """Raises ValueError for a zip that unpacks to more than it is; PyTorch stores what it writes as it is."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as opened:
        members = opened.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("it is a compressed zip, which PyTorch does not write")
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise ValueError("it claims to hold more than its size")


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
        "(unet_…, resnet_…) and GeneratorUNet of PyTorch-GAN"
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
        "batch" if f"{innermost}.model.4.weight" in weights else "instance",
        dropout,
        statistics,
    ), names


def _junyanz_resnet(weights: Weights, dropout: float | None, statistics: Statistics):
    blocks = len({key.split(".")[1] for key in weights if ".conv_block." in key})
    dropped = "model.10.conv_block.6.weight" in weights and weights["model.10.conv_block.6.weight"].ndim == 4
    second = 6 if dropped else 5  # a dropout layer has no weights, but the next one has another number
    names: dict[str, tuple[str, str | None]] = {
        "first": ("model.1", "model.2"),
        "down.0": ("model.4", "model.5"),
        "down.1": ("model.7", "model.8"),
        "up.0": (f"model.{10 + blocks}", f"model.{11 + blocks}"),
        "up.1": (f"model.{13 + blocks}", f"model.{14 + blocks}"),
        "final": (f"model.{17 + blocks}", None),
    }
    for block in range(blocks):
        prefix = f"model.{10 + block}.conv_block"
        names[f"blocks.{block}.0"] = (f"{prefix}.1", f"{prefix}.2")
        names[f"blocks.{block}.1"] = (f"{prefix}.{second}", f"{prefix}.{second + 1}")
    ngf, in_channels = weights["model.1.weight"].shape[:2]
    return Foreign(
        "junyanz-resnet",
        RESNET_SIZE,
        in_channels,
        weights[f"model.{17 + blocks}.weight"].shape[0],
        ngf,
        blocks,
        "batch" if "model.2.weight" in weights else "instance",
        (DROPOUT if dropout is None else dropout) if dropped else 0.0,
        statistics,
    ), names


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


def _filled(
    path: Path, generator: ForeignGenerator, weights: Weights, names: dict[str, tuple[str, str | None]]
) -> ForeignGenerator:
    """With the weights of the file. Raises ForeignError where some are missing, left over, or of another shape."""
    ours, used = {}, set()
    for key, value in generator.state_dict().items():
        layer, _, rest = key.rpartition(".")
        conv, norm = names[layer.removesuffix(".conv").removesuffix(".norm")]
        theirs = f"{norm if layer.endswith('.norm') else conv}.{rest}"
        if rest == "num_batches_tracked":  # which old files lack, and nothing needs
            ours[key] = value
            continue
        if theirs not in weights:
            wanted = "running statistics" if rest.startswith("running") else theirs
            raise ForeignError(f"{path} has no {wanted}")
        if weights[theirs].shape != value.shape:
            raise ForeignError(
                f"{path}: {theirs} is {tuple(weights[theirs].shape)}, and should be {tuple(value.shape)}"
            )
        ours[key] = weights[theirs].float()
        used.add(theirs)
    # Running statistics, where they are not asked for; files from before PyTorch 0.4 have them for instance norm too.
    left = [
        key for key in weights if key not in used and not re.search(r"\.(running_(mean|var)|num_batches_tracked)$", key)
    ]
    if left:
        raise ForeignError(f"{path} has weights that its architecture has no place for: {', '.join(left[:3])}")
    generator.load_state_dict(ours)
    return generator
