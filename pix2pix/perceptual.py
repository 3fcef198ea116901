"""What a frozen network sees in a picture: for the objective, and to choose the best generator by."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pix2pix.efficientnet import CHANNELS, STRIDES, EfficientNetLite0
from pix2pix.losses import perceptual_loss

MEASURED_ON = 64  # pictures
LEAST = 1e-3  # root mean square of a channel; one that is never active tells nothing, and stays so
WINDOW = 7 / 8  # of the side of a picture; at 256 pixels 224, the size that the network was trained on


class Perception(nn.Module):
    """The maps of the frozen network, each channel divided by its root mean square over some real pictures.

    picture: (N, 3, S, S) in [-1, 1], S a power of two from 32
    returns: five maps (see EfficientNetLite0)

    The network's weights never change; what a training keeps of this is `scales`, a parameter (channels,) for each map.
    With `bf16` it has them in that precision as well, for use in an autocast, which would cast frozen ones at each use.
    """

    def __init__(self, network: EfficientNetLite0, bf16: bool = False) -> None:
        super().__init__()
        # On a CPU this network, of 1x1 convolutions and of channels by themselves, takes a fifth less in this order.
        self.network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.network_bf16 = copy.deepcopy(self.network).bfloat16() if bf16 else None
        self.scales = nn.ParameterList(nn.Parameter(torch.ones(width), requires_grad=False) for width in CHANNELS)

    def forward(self, picture: Tensor, window: Tensor | None = None) -> list[Tensor]:
        """With a `window`, (2,) whole numbers, its upper left corner (y, x), only that part of the picture is seen."""
        return self.together(picture[:0], picture, window)[1]

    def together(self, given: Tensor, fake: Tensor, window: Tensor | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """The same for some pictures and for a fake, to which alone gradients flow, in less time."""
        if window is not None:
            given, fake = _seen(given, window), _seen(fake, window)
        network = self.network
        if self.network_bf16 and torch.is_autocast_enabled(fake.device.type):
            network = self.network_bf16
        given, fake = (pictures.contiguous(memory_format=torch.channels_last) for pictures in (given, fake))
        of_given, of_fake = network.together(given, fake)
        scales = [scale[:, None, None] for scale in self.scales]
        return _divided(of_given, scales), _divided(of_fake, scales)

    @torch.no_grad()
    def measure(self, pictures: Iterable[Tensor]) -> None:
        """Sets the scales from real pictures, each (3, S, S) in [-1, 1]."""
        device = self.scales[0].device
        powers = [[seen.square().mean((0, 2, 3)) for seen in self.network(x[None].to(device))] for x in pictures]
        for scale, of_pictures in zip(self.scales, zip(*powers, strict=True), strict=True):
            scale.copy_(torch.stack(of_pictures).mean(0).sqrt().clamp_min(LEAST))


def _divided(maps: list[Tensor], scales: list[Tensor]) -> list[Tensor]:
    return [seen / scale for seen, scale in zip(maps, scales, strict=True)]


def window_side(side: int) -> int:
    """Of the part that is seen of a picture of so many pixels: the largest multiple of 32 within seven eighths."""
    return max(STRIDES, int(side * WINDOW) // STRIDES * STRIDES)


def window_at(side: int, generator: torch.Generator) -> Tensor:
    """A random place for the window in a picture of that side, (2,).

    The network halves pictures five times, and what it says of a place depends on where that lies in a grid of 32
    pixels. A generator that always meets the same grid learns to draw it: zigzags on an even sky. So the grid moves.
    """
    return torch.randint(0, side - window_side(side) + 1, (2,), generator=generator)


def _seen(picture: Tensor, window: Tensor) -> Tensor:
    side = window_side(picture.shape[-1])
    if picture.device.type == "cpu":
        y, x = window.tolist()
        return picture[..., y : y + side, x : x + side]
    # By indices on the device, so that a CUDA graph sees another place each time.
    along = torch.arange(side, device=picture.device)
    return picture.index_select(2, window[0] + along).index_select(3, window[1] + along)


@torch.inference_mode()
def perceptual_distance(perception: Perception, fake: Tensor, b: Tensor) -> float:
    """The perceptual term of one picture, all of it seen: (3, S, S) each, in [-1, 1]."""
    device = perception.scales[0].device
    fake_maps, real_maps = (perception(picture[None].to(device)) for picture in (fake, b))
    return perceptual_loss(fake_maps, real_maps).item()
