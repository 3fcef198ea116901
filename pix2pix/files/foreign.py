"""Weights of other projects: which network they are of, and the generator that they make.

The architecture is read off the names and shapes of the weights (`foreign_networks` has those that are known). What
these do not tell is a field of `Foreign` with a default: whether there was dropout, and which statistics batch norm
takes. By default those of the picture at hand, as these projects' own tests do; `running` takes the averages of the
training, where the file has them.
"""

import re
from dataclasses import replace
from pathlib import Path

import torch

from pix2pix.architectures import MAX_DEPTH, Foreign, Norm, Statistics
from pix2pix.files.bundles import ForeignError, Weights, filled, tensors
from pix2pix.files.foreign_networks import ForeignGenerator, build
from pix2pix.files.unsupported import unsupported
from pix2pix.models import Uninitialised
from pix2pix.validation import shorten

DROPOUT = 0.5  # of all three, where they have any
RESNET_SIZE = 256  # a ResNet takes any size; this is what its project trains at


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
        config = replace(config, image_size=image_size or config.image_size)
    except KeyError as error:
        raise ForeignError(f"{path} looks like a generator of another project, but lacks {error}") from None
    except (ValueError, IndexError) as error:  # IndexError: a weight of fewer dimensions than it should have
        raise ForeignError(f"{path} cannot be imported: {shorten(str(error))}") from error
    with torch.device("meta"), Uninitialised():  # which takes no memory: the sizes are read off some of the weights
        generator = build(config)
    return filled(path, generator, weights, names).eval()


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
    if name := unsupported(weights):
        raise ValueError(f"it is {name}, an architecture that is not known here")
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
