"""The Translator: any picture in, a picture of the same size out, the same each time unless a seed is given."""

import logging
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from pix2pix import Translator
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.page.page import fitting
from pix2pix.palette import CMP
from pix2pix.samples import draw


def drawing(width: int = 32, height: int = 32, mode: str = "RGB") -> Image.Image:
    picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).ellipse((width // 4, height // 4, width // 2, height // 2), outline="black", width=2)
    return picture.convert(mode)


@pytest.fixture
def translator(make_generator: Callable[..., Path]) -> Translator:
    return Translator.load(make_generator())


@pytest.mark.parametrize("size", [(32, 32), (100, 40), (17, 201), (1, 1)])
def test_the_picture_has_the_size_of_the_drawing(translator: Translator, size: tuple[int, int]):
    picture = translator(drawing(*size))
    assert picture.size == size
    assert picture.mode == "RGB"


@pytest.mark.parametrize("mode", ["RGBA", "L", "1", "P", "CMYK", "LA"])
def test_any_mode_is_taken(translator: Translator, mode: str):
    assert translator(drawing(mode=mode)).tobytes() == translator(drawing()).tobytes()  # black and white in each


def test_transparency_is_white_paper(translator: Translator):
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    assert translator(clear).tobytes() == translator(Image.new("RGB", (32, 32), "white")).tobytes()


def test_the_same_drawing_gives_the_same_picture(translator: Translator):
    assert translator(drawing()).tobytes() == translator(drawing()).tobytes()
    assert translator(drawing()).tobytes() != translator(Image.new("RGB", (32, 32), "white")).tobytes()


def test_a_seed_gives_a_variation_of_its_own(translator: Translator):
    plain, one, again, other = (translator(drawing(), seed).tobytes() for seed in (None, 1, 1, 2))
    assert one == again
    assert len({plain, one, other}) == 3


def test_label_colours_are_snapped(make_generator: Callable[..., Path]):
    translator = Translator.load(make_generator(kind="labels"))
    flat = Image.new("RGB", (64, 64), CMP["facade"])
    ImageDraw.Draw(flat).rectangle((16, 16, 40, 40), fill=CMP["window"])
    smeared = Image.fromarray((np.asarray(flat, np.int16) + 9).clip(0, 255).astype(np.uint8))
    assert translator(smeared).tobytes() == translator(flat).tobytes()
    colours = np.unique((translator.prepare(smeared)[0].permute(1, 2, 0).reshape(-1, 3).numpy() + 1) * 127.5, axis=0)
    assert {tuple(colour.round().astype(int)) for colour in colours} == {CMP["facade"], CMP["window"]}


def test_a_photo_becomes_a_drawing_at_the_models_grid(translator: Translator):
    photo = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(photo).ellipse((60, 40, 240, 160), fill="navy")
    lines = translator.edges_of(photo)
    assert lines.size == (32, 32)
    assert 0.02 < (np.asarray(lines.convert("L")) < 128).mean() < 0.4


@pytest.mark.parametrize("given", ["drawing.png", np.zeros((32, 32, 3), np.uint8)])
def test_what_is_no_picture_is_named(translator: Translator, given: object):
    with pytest.raises(TypeError, match=rf"takes a PIL image, not a {type(given).__name__}: "):
        translator(given)  # pyright: ignore[reportArgumentType]


def test_an_unknown_device_is_named(make_generator: Callable[..., Path]):
    with pytest.raises(ValueError, match=r"abacus.*not available"):
        Translator.load(make_generator(), device="abacus")


def test_compiled_it_draws_the_same(translator: Translator, monkeypatch: pytest.MonkeyPatch):
    before = [np.asarray(translator(drawing()), int), np.asarray(translator(drawing(), seed=3), int)]
    assert translator.compile() is translator
    with monkeypatch.context() as patch:  # the proof that another runtime has taken over
        patch.setattr(type(translator.generator), "forward", None)
        after = np.asarray(translator(drawing()), int)
    assert np.abs(after - before[0]).max() <= 24, "grey levels: in bf16, where the CPU has units for it"
    assert np.abs(after - before[0]).mean() <= 1.5
    assert np.array_equal(np.asarray(translator(drawing(), seed=3)), before[1])


def test_compiled_in_fp32_it_draws_the_very_same(translator: Translator):
    before = np.asarray(translator(drawing()), int)
    assert "fp32" in translator.compile("fp32").runtime
    assert np.abs(np.asarray(translator(drawing()), int) - before).max() <= 1, "a grey level, by rounding"


@pytest.mark.parametrize("name", ["edges2shoes", "labels2facades"])
def test_in_bf16_a_shipped_generator_draws_what_it_draws_in_fp32(name: str):
    outputs = []
    for precision in ("auto", "fp32"):
        translator = Translator.load(name).compile(precision)
        inputs = [draw(sample, translator.metadata) for sample in fitting(translator.metadata)]
        outputs.append(np.stack([np.asarray(translator(a), int) for a in inputs]))
    apart = np.abs(outputs[0] - outputs[1])
    assert apart.max() <= 24
    assert apart.mean() <= 1.5


def test_calls_go_on_while_it_compiles(translator: Translator):
    before = np.asarray(translator(drawing()), int)
    during = []
    with ThreadPoolExecutor(1) as thread:
        compiling = thread.submit(translator.compile)
        while not compiling.done():
            during.append(translator(drawing()))
    assert compiling.result() is translator
    assert len(during) > 3
    assert max(np.abs(np.asarray(picture, int) - before).max() for picture in during) <= 24, "some perhaps in bf16"


def test_without_openvino_torch_goes_on(translator: Translator, monkeypatch: pytest.MonkeyPatch):
    before = translator(drawing()).tobytes()
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert translator.compile()(drawing()).tobytes() == before


class Unknown(Generator):
    """With an operation that OpenVINO does not have."""

    def forward(self, a: Tensor, noise: torch.Generator | None = None) -> Tensor:
        return super().forward(a, noise) + 0 * torch.linalg.svdvals(a).sum()


def test_warnings_are_heard_after_it_compiled():
    """OpenVINO silences the root logger while it converts, and for ever where it cannot."""
    network = Unknown(GeneratorConfig(32, ngf=4))
    translator = Translator(network, Metadata("unknown", steps=7, a=Side("edges"), b=Side("photo"))).compile()
    assert translator.runtime.startswith("PyTorch")
    assert logging.getLogger().isEnabledFor(logging.WARNING)
    assert not logging.getLogger().filters
