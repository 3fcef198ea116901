"""Transposed convolutions as ordinary ones, which runtimes compute faster: OpenVINO in bf16 takes half the time."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# An even row of the result is made of two rows, and so is an odd one: which of the kernel's rows meet them, the upper
# one first. Columns are the same.
TAPS = (3, 1), (2, 0)


class ShuffledConvolution(nn.Module):
    """What a transposed convolution of kernel 4, stride 2 and padding 1 does: (N, C, H, W) -> (N, C', 2H, 2W).

    Each pixel of the result is made of 2x2 pixels, by one of four kernels: that of even rows and even columns, and so
    on. One convolution has all four, and what it gives is put in order.
    """

    def __init__(self, transposed: nn.ConvTranspose2d) -> None:
        super().__init__()
        weight = transposed.weight.detach()  # (C, C', 4, 4)
        kernels = [weight[:, :, rows][:, :, :, columns].transpose(0, 1) for rows in TAPS for columns in TAPS]
        channels, self.channels = weight.shape[:2]
        bias = transposed.bias
        self.convolution = nn.Conv2d(channels, 4 * self.channels, kernel_size=2, padding=1, bias=bias is not None)
        self.convolution.weight = nn.Parameter(torch.cat(kernels), requires_grad=False)
        if bias is not None:
            self.convolution.bias = nn.Parameter(bias.detach().repeat(4), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        four = self.convolution(x).split(self.channels, dim=1)  # each (N, C', H + 1, W + 1)
        four = [each[:, :, i // 2 : i // 2 + height, i % 2 : i % 2 + width] for i, each in enumerate(four)]
        return F.pixel_shuffle(torch.stack(four, dim=2).flatten(1, 2), 2)


def without_transposed(network: nn.Module) -> nn.Module:
    """The same network, changed in place: its transposed convolutions of that kind are written as ordinary ones."""
    for module in list(network.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, nn.ConvTranspose2d) and _is_doubling(layer):
                setattr(module, name, ShuffledConvolution(layer).train(layer.training))
    return network


def _is_doubling(layer: nn.ConvTranspose2d) -> bool:
    form = layer.kernel_size, layer.stride, layer.padding, layer.output_padding, layer.dilation, layer.groups
    return form == ((4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1)
