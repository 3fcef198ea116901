"""The two networks of pix2pix (Isola et al. 2017, appendix 6.1): a U-Net generator and a PatchGAN discriminator.

Both normalise each image with its own statistics, in training and in inference alike. That is what the original
does at its batch size of 1 (batch norm with `training=1`); as instance norm it has nothing to save or synchronise.
Instance norm is written as group norm with one channel per group: the same numbers, by a quicker way through torch.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from pix2pix.architectures import GeneratorConfig
from pix2pix.palette import FAR
from pix2pix.sizes import Needs

EPS = 1.01e-5  # the original's
SLOPE = 0.2  # of every LeakyReLU
KERNEL, PADDING = 4, 1  # of every convolution
DROPOUT_BLOCKS = 3  # the innermost up-blocks, whose input is 1x1, 2x2 and 4x4
CHECKERBOARD_BLOCKS = 4  # the outermost up-blocks, which draw its checkerboard
INPUT_KERNEL = "down.0.0.weight"  # the kernel of the outermost convolution, the one that sees the input
PAINTED_BLOCKS = 5  # the outermost up-blocks, which give what is painted its colour
PAINT_PLANES = 4  # where there is paint, and its red, green and blue
PAINT = (0.8 * FAR / 127.5) ** 2  # |a - c|² from which a pixel is paint: it is FAR; bf16 rounds
FEW_POSITIONS = 64  # of all images of a batch; up to so many the CPU convolves by a matrix product ...
# ... and up to so many in fp32, whatever the autocast. Where MKL multiplies in fp32 as fast as memory allows (the CPUs
# with AMX are Intel's), casting the weights takes longer than that; on an AMD EPYC it is the other way round.
VERY_FEW_POSITIONS = 16 if torch.cpu._is_amx_tile_supported() else 1  # pyright: ignore[reportPrivateUsage]


class Generator(nn.Module):
    """U-Net from the input image A to a picture like B.

    a:       (N, in_channels, H, W) in [-1, 1], H = W = image_size, or multiples of it
    returns: (N, out_channels, H, W) in [-1, 1]

    A label map, which is a picture in the colours of `classes`, is seen as one plane per class. Where it is in another
    colour, it is of the class `painted`, and that colour is seen by the outermost up-blocks.

    In training mode dropout is on and draws from torch's global generator. In eval mode it is off, unless `noise` is
    given: a torch.Generator, on the device of `a`, from which to draw the dropout, the only noise z that pix2pix has.
    """

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config or GeneratorConfig()
        widths = self.config.widths
        last = len(widths) - 1

        self.one_hot = OneHot(self.config.classes, self.config.painted) if self.config.classes else nn.Identity()
        channels = [len(self.config.classes) or self.config.in_channels, *widths]
        self.down = nn.ModuleList(
            _conv(channels[level], width, norm=0 < level < last) for level, width in enumerate(widths)
        )
        # From the innermost outwards. All but the innermost see their skip beside what comes from below.
        outputs = [self.config.out_channels, *widths[:-1]]
        inputs = [widths[level] * (1 if level == last else 2) + self._paint_planes(level) for level in range(last + 1)]
        self.up = nn.ModuleList(
            _conv_transpose(inputs[level], outputs[level], norm=level > 0) for level in range(last, -1, -1)
        )
        self.apply(init_weights)

    @property
    def needs(self) -> Needs:
        """Each level halves the picture. The memory is measured: 6 to 8 times that of ngf channels of the picture."""
        return Needs(multiple=self.config.image_size, bytes_per_pixel=64 + 8 * self.config.ngf)

    def forward(self, a: Tensor, noise: torch.Generator | None = None) -> Tensor:
        x, skips = self.one_hot(a), []
        paint = None
        if self.config.painted is not None:
            x, paint = x.split([len(self.config.classes), PAINT_PLANES], dim=1)
        for level, down in enumerate(self.down):
            x = down(x if level == 0 else F.leaky_relu(x, SLOPE))  # (N, ngf·2^level up to 8 ngf, H/2^(level+1), …)
            skips.append(x)

        x = skips.pop()  # (N, 8 ngf, 1, 1)
        for depth, up in enumerate(self.up):
            x = F.relu(x if depth == 0 else torch.cat([skips.pop(), x], dim=1))
            level = len(self.up) - 1 - depth
            if paint is not None and self._paint_planes(level):
                x = torch.cat([x, F.avg_pool2d(paint, 2 ** (level + 1))], dim=1)
            x = up(x)
            if depth < DROPOUT_BLOCKS:
                x = self._dropout(x, noise)
        return torch.tanh(x)  # (N, out_channels, H, W)

    @torch.no_grad()
    def remove_checkerboard(self) -> None:
        """Takes from the outer up-convolutions what draws a checkerboard on an even area, in place.

        Such a kernel makes each of the four pixels that one becomes with taps of its own, 2x2 of 16. Each kernel
        becomes the nearest one whose four sums of taps are equal (after Sugawara et al., "Checkerboard artifacts free
        convolutional neural networks", 2019), so that an even input gives an even output.
        """
        kernels = [weight for weight in self.up.parameters() if weight.ndim == 4]  # (in, out, 4, 4)
        for weight in kernels[-CHECKERBOARD_BLOCKS:]:
            taps = weight.unflatten(3, (2, 2)).unflatten(2, (2, 2))  # (in, out, 2, y of pixel, 2, x of pixel)
            pixels = taps.mean((2, 4), keepdim=True)
            weight.sub_((pixels - pixels.mean((3, 5), keepdim=True)).expand_as(taps).reshape_as(weight))

    def _paint_planes(self, level: int) -> int:
        """That the up-block of a level sees beside all else, where 0 is the outermost."""
        return PAINT_PLANES if self.config.painted is not None and level < PAINTED_BLOCKS else 0

    def _dropout(self, x: Tensor, noise: torch.Generator | None) -> Tensor:
        keep = 1 - self.config.dropout
        if noise is None or self.training:
            return F.dropout(x, self.config.dropout, self.training)
        return x * torch.empty_like(x).bernoulli_(keep, generator=noise) / keep


class OneHot(nn.Module):
    """A label map as one plane per class, 1 where it is that class and 0 elsewhere.

    Two of the twelve colours of facades differ little as numbers, and a mean of two colours may be a third: planes say
    outright what is where. Each pixel is of the class whose colour is nearest.

    With `painted`, the place of a class, a pixel that is far from all colours is of that class. Four further planes
    have 1 where such pixels are, and their red, green and blue; 0 elsewhere.

    a:       (N, 3, H, W) in [-1, 1]
    returns: (N, classes, H, W), or (N, classes + 4, H, W) with `painted`
    """

    colours: Tensor

    def __init__(self, classes: Sequence[tuple[int, int, int]], painted: int | None = None) -> None:
        super().__init__()
        self.painted = painted
        colours = torch.tensor(classes, dtype=torch.float32, device="cpu") / 127.5 - 1  # no file has them: never "meta"
        self.register_buffer("colours", colours, persistent=False)  # the config says them

    def forward(self, a: Tensor) -> Tensor:
        # The nearest colour c has the largest a·c - |c|²/2. Two classes of one colour would both be seen.
        with torch.autocast(a.device.type, enabled=False):
            nearness = F.conv2d(a.float(), self.colours[:, :, None, None], -self.colours.square().sum(1) / 2)
            nearest = nearness.amax(dim=1, keepdim=True)
            planes = (nearness == nearest).to(a.dtype)
            if self.painted is None:
                return planes
            distance = a.float().square().sum(dim=1, keepdim=True) - 2 * nearest  # |a - c|²
            paint = (distance > PAINT).to(a.dtype)
            wall = torch.zeros(len(self.colours), 1, 1, dtype=a.dtype, device=a.device)
            wall[self.painted] = 1
            return torch.cat([planes * (1 - paint) + wall * paint, paint, paint * a], dim=1)


def with_paint(weights: Mapping[str, Tensor], config: GeneratorConfig) -> dict[str, Tensor]:
    """The weights of a generator that knows no paint, as one of `config` that does the same, and to which paint does
    nothing; or the other way round, those of one that knows paint without what paint does.
    """
    with torch.device("meta"), Uninitialised():
        shapes = {name: weight.shape for name, weight in Generator(config).state_dict().items()}
    return {
        name: weight if (more := shapes[name][0] - len(weight)) == 0
        else torch.cat([weight, weight.new_zeros(more, *weight.shape[1:])]) if more > 0 else weight[:more]
        for name, weight in weights.items()
    }  # fmt: skip


def one_hot_kernel(weight: Tensor, classes: Sequence[tuple[int, int, int]]) -> Tensor:
    """The first convolution of a generator that sees colours, (out, 3, 4, 4), as one that sees planes does the same."""
    colours = torch.tensor(classes, dtype=weight.dtype) / 127.5 - 1
    return torch.einsum("oihw,ki->okhw", weight, colours)


class Discriminator(nn.Module):
    """PatchGAN: says of each overlapping patch of B whether it is the real partner of A.

    a:       (N, in_channels, H, W) in [-1, 1]
    b:       (N, out_channels, H, W) in [-1, 1], a real B or G(a)
    returns: (N, 1, h, w) logits; 256x256 gives 30x30, each seeing 70x70 pixels, with n_layers = 3; with `features`
             also what each layer but the last saw, a list of (N, ndf·2^level up to 8 ndf, …)
    """

    def __init__(self, in_channels: int = 3, out_channels: int = 3, ndf: int = 64, n_layers: int = 3) -> None:
        super().__init__()
        widths = [ndf * min(2**level, 8) for level in range(n_layers + 1)]
        strides = [2] * n_layers + [1]
        channels = [in_channels + out_channels, *widths]
        self.layers = nn.ModuleList(
            _conv(channels[level], width, norm=level > 0, stride=strides[level]) for level, width in enumerate(widths)
        )
        self.final = Convolution(widths[-1], 1, KERNEL, padding=PADDING)
        self.apply(init_weights)

    @overload
    def forward(self, a: Tensor, b: Tensor) -> Tensor: ...
    @overload
    def forward(self, a: Tensor, b: Tensor, *, features: Literal[True]) -> tuple[Tensor, list[Tensor]]: ...
    def forward(self, a: Tensor, b: Tensor, *, features: bool = False) -> Tensor | tuple[Tensor, list[Tensor]]:
        x, seen = torch.cat([a, b], dim=1), []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            seen.append(x)
        logits = self.final(x)
        return (logits, seen) if features else logits


class Convolution(nn.Conv2d):
    """A convolution that is quick on the CPU at the U-Net's waist too.

    There a few positions meet millions of weights, and torch spends most of the time on putting the weights in
    another order. As a matrix product they are read just once: at ngf 64 a whole translation takes two thirds.
    """

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        height, width = ((side + 2 * PADDING - KERNEL) // self.stride[0] + 1 for side in x.shape[2:])
        if not _few(x, height * width):
            return super().forward(x)
        patches = F.unfold(x, KERNEL, stride=self.stride, padding=PADDING)  # (N, in_channels·16, height·width)
        y = _product(patches.transpose(1, 2), self.weight.flatten(1), self.bias)
        return y.transpose(1, 2).unflatten(2, (height, width))


class TransposedConvolution(nn.ConvTranspose2d):
    """The same for a transposed convolution, which doubles height and width. It has no bias where positions are few."""

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        height, width = x.shape[2:]
        if self.bias is not None or not _few(x, height * width):
            return super().forward(x)
        patches = _product(x.flatten(2).transpose(1, 2), self.weight.flatten(1).T)  # (N, height·width, channels·16)
        return F.fold(patches.transpose(1, 2), (2 * height, 2 * width), KERNEL, stride=2, padding=PADDING)


def _few(x: Tensor, positions: int) -> bool:
    """Whether a matrix product is the quicker way. Exported and compiled networks keep their convolutions."""
    if torch.jit.is_tracing() or torch.compiler.is_compiling():  # pyright: ignore[reportPrivateImportUsage]
        return False
    return len(x) * positions <= FEW_POSITIONS and x.device.type == "cpu"


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(N, positions, in) times (out, in), as the autocast says, or in fp32 for very few positions."""
    if x.shape[0] * x.shape[1] > VERY_FEW_POSITIONS:
        return F.linear(x, weight, bias)
    with torch.autocast(x.device.type, enabled=False):
        return F.linear(x.to(weight.dtype), weight, bias)


class Uninitialised(TorchFunctionMode):
    """Networks that are made under it have no values in their weights yet: a file fills them.

    On the meta device the functions of torch.nn.init run through parts of torch.fx that keep their state in a global,
    so that a network could not be made there while another thread traces one.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if kwargs and "tensor" in kwargs else args[0]
        return func(*args, **(kwargs or {}))


def init_weights(module: nn.Module) -> None:
    """N(0, 0.02) for convolutions, N(1, 0.02) for norm gains, 0 for biases (appendix 6.2)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.GroupNorm):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def summary(network: nn.Module, *inputs: Tensor) -> None:
    """Prints the layers that hold weights, in the order they run, with output shape and number of parameters.

    Runs the network once on `inputs`: G takes a, D takes a and b.
    """
    rows: list[tuple[str, str, str]] = []

    def note(name: str):
        def hook(module: nn.Module, _: object, output: Tensor) -> None:
            count = sum(weight.numel() for weight in module.parameters())
            rows.append((f"{name} ({type(module).__name__})", str(tuple(output.shape)), f"{count:,}"))

        return hook

    leaves = [(name, m) for name, m in network.named_modules() if next(m.parameters(recurse=False), None) is not None]
    handles = [module.register_forward_hook(note(name)) for name, module in leaves]
    try:
        with torch.no_grad():
            network(*inputs)
    finally:
        for handle in handles:
            handle.remove()

    total = sum(weight.numel() for weight in network.parameters())
    rows = [("layer", "output", "parameters"), *rows, ("total", "", f"{total:,}")]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for layer, shape, count in rows:
        print(f"{layer:<{widths[0]}}  {shape:<{widths[1]}}  {count:>{widths[2]}}")


def _conv(in_channels: int, out_channels: int, *, norm: bool, stride: int = 2) -> nn.Sequential:
    convolution = Convolution(in_channels, out_channels, KERNEL, stride, PADDING, bias=not norm)
    return _with_norm(convolution, out_channels, norm)


def _conv_transpose(in_channels: int, out_channels: int, *, norm: bool) -> nn.Sequential:
    convolution = TransposedConvolution(in_channels, out_channels, KERNEL, stride=2, padding=PADDING, bias=not norm)
    return _with_norm(convolution, out_channels, norm)


def _with_norm(convolution: nn.Module, channels: int, norm: bool) -> nn.Sequential:
    return nn.Sequential(convolution, *([nn.GroupNorm(channels, channels, eps=EPS)] if norm else []))
