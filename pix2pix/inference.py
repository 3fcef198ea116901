"""Translating pictures: load a generator once, then call it with one image after another."""

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pix2pix import images
from pix2pix.classes import further_numbers, ranged
from pix2pix.devices import pick_device
from pix2pix.edges import EdgeStyle, edges, lines
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Network
from pix2pix.input_checks import LOOKED_AT, inverted, on_sheet, remark_on
from pix2pix.palette import snap
from pix2pix.scales import shallow
from pix2pix.sizes import MEMORY, How, check_copies, seen_size, tile_side, translated
from pix2pix.streams import LARGEST_BATCH, Batched, Forward, OneByOne, best_streams
from pix2pix.upsampling import without_transposed

MOST_SEED = 2**63 - 1  # that torch takes
TRIES = 3  # of each number of streams

Precision = Literal["auto", "fp32"]

log = logging.getLogger(__name__)
_converting = threading.Lock()


class Translator:
    """A generator, ready to use: PIL picture in, PIL picture of the same size out.

    >>> translator = Translator.load("edges2shoes")
    >>> picture = translator(drawing)
    """

    def __init__(self, generator: Network, metadata: Metadata, device: str = "auto") -> None:
        """Raises ValueError for a device that is not here, and for a generator of neither 1 nor 3 channels."""
        if generator.config.in_channels not in (1, 3) or generator.config.out_channels not in (1, 3):
            raise ValueError(f"{metadata.name} does not translate pictures: it has neither 1 nor 3 channels")
        self.device = pick_device(device)
        self.generator = generator.eval().to(self.device)
        self.metadata = metadata
        self.config = generator.config
        self._torch = OneByOne(self.generator)
        self._forward: Forward = self._torch
        self.runtime = f"PyTorch on {self.device}"  # what computes the pictures, in words
        self.streams = 1  # pictures that it computes at once, for as many threads

    @classmethod
    def load(cls, name: str | Path, device: str = "auto") -> Self:
        """`name`: a name in checkpoints/ or runs/, a path, or hf://owner/name.

        Raises CheckpointError for a file that cannot be found or used, and what the constructor does.
        """
        return cls(*checkpoint.load(checkpoint.locate(name)), device)

    def compile(self, precision: Precision = "auto") -> Self:
        """Makes every later call quicker, for one to three seconds now: worth it from some hundred pictures on.

        On the CPU OpenVINO computes from then on, if it is installed and takes the network (`benchmarks/inference.py`
        says why just that). Where the CPU multiplies bf16 (those with AMX do), `auto` computes in that: of the shipped
        generators no pixel is over 4 grey levels from fp32. Elsewhere, and with `fp32`, it is as before to within 1e-5.
        Other devices, and calls with a seed, stay with torch. May be called in a thread of its own, beside calls.

        Calls from several threads are computed at once where there are the cores for it, and as a batch on a GPU.
        """
        if self.device.type == "cpu":
            try:
                self._forward, self.runtime, self.streams = _openvino(self.generator, precision)
            except Exception as error:  # whatever is wrong with it, torch does the same
                log.info("OpenVINO cannot be used, torch computes: %s", error)
        else:
            self._forward, self.streams = Batched(self._torch), LARGEST_BATCH
        return self

    @torch.inference_mode()
    def __call__(
        self,
        picture: Image.Image,
        seed: int | None = None,
        how: How = "square",
        size: int | None = None,
        memory: float = MEMORY,
    ) -> Image.Image:
        """Translates a picture of any size and mode into one of the same size.

        The same picture always gives the same result. With a seed the dropout that the network was trained with is
        on: another seed, another variation.

        how:    square, as in training: squeezed to a square of image_size, so proportions and detail are lost.
                whole or tiles: in its own proportions; but the network sees nothing larger than image_size as one
                thing, whole shares one normalisation over all of the picture, and no tile knows of the others.
        size:   the longer side, in pixels, at which the network sees it whole or in tiles; its own if None
        memory: MB that this may take beside the generator; tiles are as large as that allows, or all in one

        Raises ValueError where the memory is not enough, before any of it is taken, and for a seed that is none; and
        TypeError for what is no PIL image.
        """
        if not isinstance(picture, Image.Image):
            raise TypeError(
                f"a translator takes a PIL image, not a {type(picture).__name__}: Image.open(path) reads a file, and "
                "Image.fromarray(pixels) takes an array"
            )
        if seed is not None and not 0 <= seed <= MOST_SEED:
            raise ValueError(f"seed {seed} is not between 0 and {MOST_SEED}")
        side = self.tile_side(picture, how, size, memory)
        picture = self.rgb(picture)
        a = self.prepare(picture, how, size).to(self.device)
        noise = None if seed is None else torch.Generator(self.device).manual_seed(seed)
        if side is None:
            b = self._forward(a) if noise is None else self._torch(a, noise)
        else:  # what `compile` has made takes the square only
            b = translated(lambda tile: self._torch(tile, noise), a, self.generator.needs.multiple, side)
        del a
        if not b.sum(dtype=torch.float32).isfinite():  # a twentieth of the time that it takes to look at each
            raise ValueError("the generator makes something of this that is not a picture: its weights are too large")
        fake = images.to_picture(b[0])
        return fake if fake.size == picture.size else fake.resize(picture.size, Image.Resampling.BICUBIC)

    def rgb(self, picture: Image.Image) -> Image.Image:
        """A picture as upright 8-bit RGB, on the scale of grey values and in the class colours it was trained with.

        Light strokes on a transparent sheet are laid on black for a generator of drawings, where they can be seen.
        """
        source = self.metadata.source
        if source.kind == "edges" and picture.has_transparency_data and not images.has_fourth_band(picture):
            picture = on_sheet(shallow(picture, source.scale))
        return images.to_rgb(picture, source.scale, source.palette)

    def inverted(self, picture: Image.Image) -> Image.Image:
        """Light lines on a dark ground, or on a transparent sheet, as dark lines on light; all else as it is."""
        source = self.metadata.source
        return picture if source.palette else inverted(shallow(picture, source.scale))

    def remark(self, picture: Image.Image) -> str:
        """One sentence on an input that is unlike what the generator learned from; empty where all is well."""
        source = self.metadata.source
        if further := further_numbers(picture, source.palette):
            return (
                f"It holds numbers of classes that this generator did not learn, {ranged(further)}: each was taken for "
                "another one."
            )
        picture = self.rgb(picture)
        width = self.metadata.line_width * LOOKED_AT / self.config.image_size
        return remark_on(picture, source.kind, source.palette, width, self.metadata.colour_hints)

    def seen_size(self, picture: Image.Image, how: How = "square", size: int | None = None) -> tuple[int, int]:
        """(width, height) at which the network sees an upright picture. Raises ValueError for a size out of bounds."""
        return seen_size(picture.size, self.config.image_size, how, size)

    def tile_side(
        self, picture: Image.Image, how: How = "square", size: int | None = None, memory: float = MEMORY
    ) -> float | None:
        """The longest side of a tile with which a picture stays within `memory` (MB); None for the square.

        Raises ValueError where nothing does. Whatever is made of a picture asks this first.
        """
        seen = self.seen_size(picture, how, size)
        check_copies(picture.size, memory)
        return None if how == "square" else tile_side(*seen, self.generator.needs, how, memory)

    def prepare(self, picture: Image.Image, how: How = "square", size: int | None = None) -> Tensor:
        """What the network sees: (1, in_channels, height, width) in [-1, 1], label colours snapped."""
        picture = self.rgb(picture)
        seen = self.seen_size(picture, how, size)
        if palette := self.metadata.source.palette:
            picture = snap(picture, palette, hints=self.metadata.colour_hints)
            picture = picture if picture.size == seen else picture.resize(seen, Image.Resampling.NEAREST)
        elif picture.size != seen:
            picture = picture.resize(seen, Image.Resampling.BILINEAR)
        if self.config.in_channels == 1:
            picture = picture.convert("L")
        return images.to_tensor(picture)[None]

    def edges_of(
        self,
        photo: Image.Image,
        detail: float = EdgeStyle.detail,
        how: How = "square",
        size: int | None = None,
        memory: float = MEMORY,
    ) -> Image.Image:
        """A drawing of the photo as this network wants it, with its line width, of the size at which it is seen.

        Raises ValueError where there is not the memory to translate it.
        """
        self.tile_side(photo, how, size, memory)  # the edges take a third of the copies that are counted there
        return edges(self._photo(photo, how, size), EdgeStyle(detail, self.metadata.line_width))

    def lines_of(self, photo: Image.Image, detail: float = EdgeStyle.detail) -> list[np.ndarray]:
        """The lines of the drawing that `edges_of` makes for the square, as `pix2pix.edges.lines` gives them."""
        self.tile_side(photo)
        return lines(self._photo(photo), detail)

    def _photo(self, photo: Image.Image, how: How = "square", size: int | None = None) -> Image.Image:
        """At the size at which it is seen, as 8-bit RGB."""
        photo = images.to_rgb(photo, self.metadata.target.scale)
        return photo.resize(self.seen_size(photo, how, size), Image.Resampling.BILINEAR)


@contextmanager
def _alone() -> Iterator[None]:
    """One conversion at a time, after which the root logger is again as it was.

    OpenVINO lets only errors through while it converts. Of two conversions at once one would take that for how it was
    before, and one that raises leaves it so: the process would warn of nothing any more.
    """
    root = logging.getLogger()
    with _converting:
        level, filters = root.level, root.filters[:]
        try:
            yield
        finally:
            root.setLevel(level)
            root.filters[:] = filters


def _openvino(generator: Network, precision: Precision, pictures: int = 1) -> tuple[Forward, str, int]:
    """The forward pass of so many pictures, on as many threads as torch has; what it is in words; and its streams.

    Raises when it cannot be had.
    """
    # It would tell Google Analytics of each conversion. Where this package is missing it does not, and here it is.
    sys.modules.setdefault("openvino_telemetry", None)  # pyright: ignore[reportArgumentType]
    import openvino

    c = generator.config
    shape = (pictures, c.in_channels, c.image_size, c.image_size)
    # While torch exports a network it swaps the weights for placeholders, which a call in another thread would meet.
    copy = without_transposed(deepcopy(generator))
    with _alone():
        model = openvino.convert_model(torch.export.export(copy, (torch.zeros(shape),)))
    core, threads = openvino.Core(), torch.get_num_threads()
    bf16 = precision == "auto" and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
        "INFERENCE_NUM_THREADS": threads,
    }
    compiled: dict[int, Any] = {}  # by the number of streams

    def seconds(streams: int) -> float:
        more = {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": streams} if streams > 1 else {}
        compiled[streams] = core.compile_model(model, "CPU", settings | more)
        return _seconds_at_once(openvino.AsyncInferQueue(compiled[streams], streams), torch.zeros(shape))

    streams = best_streams(threads, seconds)
    if not compiled:
        compiled[streams] = core.compile_model(model, "CPU", settings)
    idle: SimpleQueue[Any] = SimpleQueue()
    for _ in range(streams):
        idle.put(compiled[streams].create_infer_request())

    def forward(a: Tensor) -> Tensor:
        request = idle.get()
        try:
            return torch.from_numpy(request.infer([a.numpy()])[0])
        finally:
            idle.put(request)

    return forward, f"OpenVINO on the CPU, in {'bf16' if bf16 else 'fp32'}", streams


def _seconds_at_once(requests: Any, a: Tensor) -> float:
    """For as many pictures as there are requests; the quickest of some tries, the first of which does not count."""
    times = []
    for _ in range(1 + TRIES):
        started = time.perf_counter()
        for _ in range(len(requests)):
            requests.start_async([a.numpy()])
        requests.wait_all()
        times.append(time.perf_counter() - started)
    return min(times[1:])
