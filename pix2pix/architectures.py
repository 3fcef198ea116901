"""What generators a file can hold, by their sizes: read from its header without loading torch, which takes seconds."""

from dataclasses import dataclass
from math import log2
from typing import Literal, get_args

MOST_CHANNELS, MOST_WIDTH = 1024, 512  # of a generator: ngf 512 takes 14 GB
MOST_CLASSES = 256  # that one picture of indices can have

Architecture = Literal["junyanz-unet", "junyanz-resnet", "pytorch-gan-unet"]
Statistics = Literal["picture", "running"]
Norm = Literal["batch", "instance", "none"]
MAX_WIDTH = 512
MAX_BLOCKS = 64  # of a ResNet; its project has 6 or 9
MAX_DEPTH = 10  # halvings: a picture of 1024
MAX_SIZE = 2048  # pixels a side


@dataclass(frozen=True)
class GeneratorConfig:
    """The architecture of a generator; travels in the checkpoint's header."""

    image_size: int = 256
    in_channels: int = 3
    out_channels: int = 3
    ngf: int = 64
    dropout: float = 0.5
    classes: tuple[tuple[int, int, int], ...] = ()
    """the colours, red, green and blue from 0 to 255, that stand for classes in a label map; none for other inputs"""
    painted: int | None = None
    """the class, by its place among them, that colours of no class stand for: they say in which paint it is"""

    def __post_init__(self) -> None:
        if self.image_size not in (32, 64, 128, 256, 512, 1024):
            raise ValueError(f"image_size must be a power of two from 32 to 1024, not {self.image_size}")
        if min(self.in_channels, self.out_channels, self.ngf) < 1:
            raise ValueError(f"channels and ngf must be 1 or more: {self}")
        if max(self.in_channels, self.out_channels) > MOST_CHANNELS or self.ngf > MOST_WIDTH:
            raise ValueError(f"channels may be up to {MOST_CHANNELS}, and ngf up to {MOST_WIDTH}: {self}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), not {self.dropout}")
        if len(self.classes) > MOST_CLASSES or not all(
            0 <= level <= 255 for colour in self.classes for level in colour
        ):
            raise ValueError(f"classes are up to {MOST_CLASSES} colours, of three numbers from 0 to 255")
        if self.painted is not None and not 0 <= self.painted < len(self.classes):
            raise ValueError(f"painted is class {self.painted}, and there are {len(self.classes)} classes")
        if self.classes and self.in_channels != 3:
            raise ValueError(f"colours that stand for classes need an input of 3 channels, not {self.in_channels}")

    @property
    def widths(self) -> list[int]:
        """Channels after each down convolution: ngf·(1, 2, 4, 8, 8, …), one per halving of the image down to 1x1."""
        return [self.ngf * min(2**level, 8) for level in range(int(log2(self.image_size)))]


@dataclass(frozen=True)
class Foreign:
    """The architecture of a foreign generator; travels in the checkpoint's header.

    Raises ValueError, in words, for sizes that no such generator of pictures has.
    """

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
        if self.in_channels not in (1, 3):
            raise ValueError(f"it takes {self.in_channels} channels; pictures have one or three")
        if self.out_channels not in (1, 3):
            raise ValueError(f"it makes {self.out_channels} channels; pictures have one or three")
        is_resnet = self.network == "junyanz-resnet"
        for name, least, most in (
            ("ngf", 1, MAX_WIDTH),
            ("depth", 0 if is_resnet else 2, MAX_BLOCKS if is_resnet else MAX_DEPTH),
            ("downs", 0, MAX_DEPTH),
        ):
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be from {least} to {most}, not {getattr(self, name)}")
        if self.image_size % self.multiple or not self.multiple <= self.image_size <= MAX_SIZE:
            raise ValueError(
                f"its image size must be a multiple of {self.multiple}, at most {MAX_SIZE}, not {self.image_size}"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), not {self.dropout}")

    @property
    def multiple(self) -> int:
        """That the sides of a picture must be of."""
        return 2 ** (self.downs if self.network == "junyanz-resnet" else self.depth)

    @property
    def widths(self) -> list[int]:
        """Channels of a U-Net after each halving."""
        return [self.ngf * min(2**level, 8) for level in range(self.depth)]
