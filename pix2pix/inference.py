"""Translating pictures: load a generator once, then call it with one image after another."""

from pathlib import Path
from typing import Self

import torch
from PIL import Image
from torch import Tensor

from pix2pix import checkpoint, images
from pix2pix.checkpoint import Metadata
from pix2pix.devices import pick_device
from pix2pix.edges import EdgeStyle, edges
from pix2pix.models import Generator
from pix2pix.palette import snap


class Translator:
    """A generator, ready to use: PIL picture in, PIL picture of the same size out.

    >>> translator = Translator.load("edges2shoes")
    >>> picture = translator(drawing)
    """

    def __init__(self, generator: Generator, metadata: Metadata, device: str = "auto") -> None:
        if generator.config.in_channels not in (1, 3) or generator.config.out_channels not in (1, 3):
            raise ValueError(f"{metadata.name} does not translate pictures: it has neither 1 nor 3 channels")
        self.device = pick_device(device)
        self.generator = generator.eval().to(self.device)
        self.metadata = metadata
        self.config = generator.config

    @classmethod
    def load(cls, name: str | Path, device: str = "auto") -> Self:
        """`name`: a name in checkpoints/ or runs/, a path, or hf://owner/name. Raises CheckpointError."""
        return cls(*checkpoint.load(checkpoint.locate(name)), device)

    @torch.inference_mode()
    def __call__(self, picture: Image.Image, seed: int | None = None) -> Image.Image:
        """Translates a picture of any size and mode; the network sees it as a square of image_size.

        The same picture always gives the same result. With a seed the dropout that the network was trained with is
        on: another seed, another variation.
        """
        noise = None if seed is None else torch.Generator(self.device).manual_seed(seed)
        a = self.prepare(picture).to(self.device)
        fake = images.to_picture(self.generator(a, noise)[0])
        return fake if fake.size == picture.size else fake.resize(picture.size, Image.Resampling.BICUBIC)

    def prepare(self, picture: Image.Image) -> Tensor:
        """What the network sees: (1, in_channels, image_size, image_size) in [-1, 1], label colours snapped."""
        size = (self.config.image_size, self.config.image_size)
        picture = images.to_rgb(picture)
        if palette := self.metadata.source.palette:
            picture = snap(picture, palette).resize(size, Image.Resampling.NEAREST)
        elif picture.size != size:
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        if self.config.in_channels == 1:
            picture = picture.convert("L")
        return images.to_tensor(picture)[None]

    def edges_of(self, photo: Image.Image, detail: float = EdgeStyle.detail) -> Image.Image:
        """A drawing of the photo as this network wants it: image_size square, with its line width."""
        size = (self.config.image_size, self.config.image_size)
        square = images.to_rgb(photo).resize(size, Image.Resampling.BILINEAR)
        return edges(square, EdgeStyle(detail, self.metadata.line_width))
