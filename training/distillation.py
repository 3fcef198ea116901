"""Distillation: a narrow generator learns from the pictures that a wide one makes, rather than from photos.

What a drawing leaves open, a photo answers in one of many ways, and a small network that is held to all of them makes
their mean. The wide generator answers always in the same way, which is far easier to learn (Ren et al., "Online
multi-granularity distillation for GAN compression", 2021), and it answers any drawing, also one that no photo has.
"""

import logging
from dataclasses import replace

import torch
from torch import Tensor, nn

from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Side
from pix2pix.models import INPUT_KERNEL, Generator, GeneratorConfig, with_paint
from training.config import TrainConfig

STROKES_SHARE = 0.25  # of the drawings, which get random strokes besides
MOST_STROKES = 4
KINDS = {"edges": "line drawings", "labels": "label maps", "photo": "real photos"}
LINE_WIDTHS = 1.0, 4.0  # pixels, at any size
ON_A_CURVE = 96  # points; at 256 pixels a curve of all the picture's width is drawn without a gap

log = logging.getLogger("training")


class Teacher(nn.Module):
    """A finished generator, whose pictures are the targets of another one's training.

    a:       (N, 3, S, S) in [-1, 1], S the run's crop_size
    returns: (N, 3, S, S) in [-1, 1]

    Raises CheckpointError, ValueError for a generator that takes pictures of another size, or of something else.
    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        super().__init__()
        name = config.distil_from
        self.path = checkpoint.locate(name)
        self.generator, metadata = checkpoint.load(self.path)
        size = self.generator.config.image_size
        if size != config.crop_size:
            raise ValueError(f"{name} makes pictures of {size} pixels: to learn from it, crop_size must be {size} too")
        channels = self.generator.config.in_channels, self.generator.config.out_channels
        if channels != (3, 3):
            raise ValueError(
                f"{name} translates {channels[0]} channels into {channels[1]}: only colours can be learned"
            )
        self.name, self.source = name, metadata.source
        self.takes_drawings = metadata.source.kind == "edges"
        self.to(device).eval().requires_grad_(False)
        log.info("Learning from the pictures of %s.", name)
        if metadata.takes_hints and not config.colour_hints:
            log.info("It takes colour hints, which this training does not show: colour_hints would.")

    def check(self, source: Side) -> None:
        """Raises ValueError for a training whose inputs are none that it takes: what it makes of them says nothing."""
        kinds = {self.source.kind, source.kind}
        if len(kinds) > 1 and "image" not in kinds:  # which may be anything
            theirs, ours = (KINDS[side.kind] for side in (self.source, source))
            raise ValueError(
                f"{self.name} takes {theirs}, and the input of this training is {ours}: nothing is learned so"
            )
        if self.source.palette and list(self.source.palette.values()) != list((source.palette or {}).values()):
            colours = len(self.source.palette)
            raise ValueError(f"{self.name} takes label maps: to learn from it, palette must list its {colours} colours")

    @torch.no_grad()
    def forward(self, a: Tensor) -> Tensor:
        return self.generator(a)

    def lesson(self, a: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Inputs, of which some drawings have strokes that no photo has, and what the teacher makes of them."""
        if self.takes_drawings:
            a = with_strokes(a, generator)
        return a, self(a)


def with_strokes(a: Tensor, generator: torch.Generator) -> Tensor:
    """Drawings, some of them with a few random black strokes: people draw what no photo has.

    a: (N, 3, H, W) in [-1, 1]; the same share of it each time, decided by the generator (on the CPU).
    """
    drawings = []
    for drawing in a:
        if torch.rand((), generator=generator) < STROKES_SHARE:
            for _ in range(int(torch.randint(1, MOST_STROKES + 1, (), generator=generator))):
                drawing = torch.minimum(drawing, _stroke(drawing, generator))  # noqa: PLW2901
        drawings.append(drawing)
    return torch.stack(drawings)


def _stroke(drawing: Tensor, generator: torch.Generator) -> Tensor:
    """A black curve on white, (H, W) in [-1, 1]: a Bézier curve of three random points."""
    height, width = drawing.shape[-2:]
    start, bend, end = torch.rand((3, 2), generator=generator) * torch.tensor([height, width])
    t = torch.linspace(0, 1, ON_A_CURVE)[:, None]
    points = ((1 - t).square() * start + 2 * t * (1 - t) * bend + t.square() * end).to(drawing.device)
    least, most = LINE_WIDTHS
    radius = (least + (most - least) * torch.rand((), generator=generator).item()) / 2
    rows, columns = (torch.arange(side, device=drawing.device) + 0.5 for side in (height, width))
    apart_y, apart_x = (points[:, :1] - rows).square(), (points[:, 1:] - columns).square()
    nearest = (apart_y[:, :, None] + apart_x[:, None, :]).amin(0).sqrt()
    return (nearest - radius + 0.5).clamp(0, 1) * 2 - 1


@torch.no_grad()
def take_strongest(G: Generator, wide: nn.Module) -> str:
    """G begins with the strongest channels of a wider U-Net, and what was done is said in one sentence.

    The strength of a channel is the gain of its norm, times the size of the kernels that read it (after Li et al.,
    "Pruning filters for efficient ConvNets", 2017). What such a network draws is a shoe at once, if a poor one.
    """
    if not isinstance(wide, Generator) or not _is_narrower(G.config, wide.config):
        return "It begins anew: only a narrower U-Net of the same kind can begin with channels of the other."
    theirs, ours = with_paint(wide.state_dict(), replace(wide.config, painted=None)), G.state_dict()
    last, device = len(wide.down) - 1, theirs[INPUT_KERNEL].device
    down = [
        _strongest(ours, theirs, f"down.{level}", _readers_of_down(theirs, level, last)) for level in range(last + 1)
    ]
    up = [_strongest(ours, theirs, f"up.{depth}", _readers_of_up(theirs, depth)) for depth in range(last)]
    up.append(torch.arange(wide.config.out_channels, device=device))

    for level, kept in enumerate(down):
        before = down[level - 1] if level else torch.arange(theirs[INPUT_KERNEL].shape[1], device=device)
        _take(ours, theirs, f"down.{level}", out=kept, dim=0, into=before)
    for depth, kept in enumerate(up):
        skip = down[last - depth]
        width = len(theirs[f"down.{last - depth}.0.weight"])
        before = torch.cat([skip, width + up[depth - 1]]) if depth else skip
        _take(ours, theirs, f"up.{depth}", out=kept, dim=1, into=before)
    G.load_state_dict(ours)
    share = sum(weight.numel() for weight in ours.values()) / sum(weight.numel() for weight in theirs.values())
    return f"It begins with the strongest of its channels, {share:.0%} of its weights."


def _is_narrower(narrow: GeneratorConfig, wide: GeneratorConfig) -> bool:
    same = ("image_size", "in_channels", "out_channels", "classes")
    return narrow.ngf <= wide.ngf and all(getattr(narrow, name) == getattr(wide, name) for name in same)


def _readers_of_down(theirs: dict[str, Tensor], level: int, last: int) -> Tensor:
    """The square of the size of all kernels that read each channel: of the next level, and of the skip."""
    width = len(theirs[f"down.{level}.0.weight"])
    size = theirs[f"up.{last - level}.0.weight"][:width].square().sum((1, 2, 3))
    if level < last:
        size = size + theirs[f"down.{level + 1}.0.weight"].square().sum((0, 2, 3))
    return size


def _readers_of_up(theirs: dict[str, Tensor], depth: int) -> Tensor:
    width = theirs[f"up.{depth}.0.weight"].shape[1]
    return theirs[f"up.{depth + 1}.0.weight"][-width:].square().sum((1, 2, 3))


def _strongest(ours: dict[str, Tensor], theirs: dict[str, Tensor], layer: str, readers: Tensor) -> Tensor:
    """Indices of as many channels as ours has, in their order."""
    count = ours[f"{layer}.0.weight"].shape[0 if layer.startswith("down") else 1]
    gain = theirs.get(f"{layer}.1.weight", torch.ones_like(readers)).abs()
    return (gain * readers.sqrt()).topk(count).indices.sort().values


def _take(
    ours: dict[str, Tensor], theirs: dict[str, Tensor], layer: str, *, out: Tensor, dim: int, into: Tensor
) -> None:
    """All parameters of a layer, of these channels; `dim` is that of the kernel's outputs."""
    for key in [key for key in ours if key.startswith(f"{layer}.")]:
        if theirs[key].ndim == 4:
            ours[key] = theirs[key].index_select(dim, out).index_select(1 - dim, into).clone()
        else:
            ours[key] = theirs[key][out].clone()
