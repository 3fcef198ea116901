"""Pictures larger than those a network learned from: whole and in tiles."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from pix2pix import Translator, sizes
from pix2pix.__main__ import HOW
from pix2pix.files.places import ROOT
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.palette import CMP
from pix2pix.sizes import Needs


def drawing(width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).ellipse((width // 4, height // 4, width // 2, height // 2), outline="black", width=2)
    return picture


@pytest.fixture
def translator(make_generator: Callable[..., Path]) -> Translator:
    return Translator.load(make_generator())


def smooth(a: Tensor) -> Tensor:
    """A network that sees 5 pixels far, and each picture alike: its tiles fit without a seam."""
    return torch.nn.functional.avg_pool2d(a, 11, stride=1, padding=5, count_include_pad=False)


@pytest.mark.parametrize("size", [(100, 40), (33, 129), (64, 64), (1, 1)])
@pytest.mark.parametrize("how", ["whole", "tiles"])
def test_the_picture_has_the_size_of_the_drawing(translator: Translator, size: tuple[int, int], how: sizes.How):
    assert translator(drawing(*size), how=how).size == size


def test_at_the_size_of_the_training_whole_is_the_same_as_square(translator: Translator):
    paper = drawing(32, 32)
    assert translator(paper, how="whole").tobytes() == translator(paper).tobytes()


def test_whole_sees_the_picture_in_its_own_proportions(translator: Translator):
    assert translator.prepare(drawing(100, 40), "whole").shape == (1, 3, 40, 100)
    assert translator.prepare(drawing(100, 40), "whole", 50).shape == (1, 3, 20, 50)
    assert translator(drawing(100, 40), how="whole", size=50).size == (100, 40)


def test_what_is_added_at_the_rim_is_cut_off_again():
    a = torch.rand(1, 3, 50, 70)
    assert torch.equal(sizes.translated(lambda a: a, a, multiple=32), a)
    seen = []
    sizes.translated(lambda a: seen.append(a.shape[2:]) or a, a, multiple=32)
    assert seen == [(64, 96)]


def test_the_rim_goes_on_outwards():
    """White paper stays white: an edge of another colour would be a line that nobody drew."""
    seen = []
    sizes.translated(lambda a: seen.append(a) or a, torch.full((1, 3, 50, 70), 0.7), multiple=32)
    assert torch.equal(seen[0], torch.full((1, 3, 64, 96), 0.7))


@pytest.mark.parametrize("length", [64, 65, 100, 112, 113, 250, 1000])
def test_tiles_cover_the_picture_and_overlap(length: int):
    places = sizes.tiles(length, 64)
    total = torch.zeros(length)
    for place, share in places:
        assert place.stop - place.start == 64
        total[place] += share
    assert torch.allclose(total, torch.ones(length), atol=1e-6)  # two to four shares, in fp32: 16 roundings of one
    for (before, _), (after, _) in pairwise(places):
        assert before.stop - after.start >= 64 * sizes.OVERLAP - 1


def test_tiles_of_a_short_sighted_network_show_no_seam():
    torch.manual_seed(0)
    a = torch.rand(1, 3, 200, 300)
    calls = []
    made = sizes.translated(lambda tile: calls.append(tile.shape) or smooth(tile), a, multiple=1, side=64)
    assert len(calls) > 10
    # Away from the rim of a tile both know the same; at the rim one of them has faded out.
    assert (made - smooth(a)).abs().mean() < 0.01
    assert (made - smooth(a)).abs().max() < 0.1


def test_tiles_fade_into_each_other():
    """Each tile has another shade: without blending there would be steps between them."""
    shade = iter(range(1000))
    made = sizes.translated(lambda tile: torch.full_like(tile, next(shade)), torch.zeros(1, 1, 64, 256), 1, side=64)
    steps = made[0, 0, 0].diff()
    assert made.max() >= 4
    assert 0 < steps.abs().max() < 0.1


def test_label_colours_are_snapped(make_generator: Callable[..., Path]):
    translator = Translator.load(make_generator(kind="labels"))
    labels = Image.new("RGB", (100, 60), CMP["facade"])
    ImageDraw.Draw(labels).rectangle((16, 16, 40, 40), fill=CMP["window"])
    smeared = Image.fromarray((np.asarray(labels, np.int16) + 9).clip(0, 255).astype(np.uint8))
    seen = translator.prepare(smeared, "whole")[0].permute(1, 2, 0).reshape(-1, 3).numpy()
    colours = np.unique((seen + 1) * 127.5, axis=0).round().astype(int)
    assert {tuple(colour) for colour in colours} == {CMP["facade"], CMP["window"]}


def test_a_seed_gives_a_variation(translator: Translator):
    plain, one, again, other = (translator(drawing(60, 40), seed, "whole").tobytes() for seed in (None, 1, 1, 2))
    assert one == again
    assert len({plain, one, other}) == 3


def test_edges_are_made_at_the_size_that_is_seen(translator: Translator):
    photo = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(photo).ellipse((60, 40, 240, 160), fill="navy")
    assert translator.edges_of(photo, how="whole").size == (300, 200)
    assert translator.edges_of(photo, how="whole", size=150).size == (150, 100)


NEEDS = Needs(multiple=64, bytes_per_pixel=1000)


def test_tiles_are_as_large_as_the_memory_allows():
    sides = [sizes.tile_side(2000, 1000, NEEDS, "tiles", memory) for memory in (150, 500, 1000, 4000)]
    assert sides == sorted(sides)
    assert sides[0] == 64
    assert sides[-1] == inf


def test_too_little_memory_is_said_with_what_would_do():
    with pytest.raises(ValueError, match=r"takes about 2,2\d\d MB, and the bound is 500 MB: translate it in tiles"):
        sizes.tile_side(2000, 1000, NEEDS, "whole", 500)
    with pytest.raises(ValueError, match="even in the smallest tiles") as caught:
        sizes.tile_side(2000, 1000, NEEDS, "tiles", 10)
    enough = int(str(caught.value).partition("about ")[2].partition(" MB")[0].replace(",", ""))
    assert sizes.tile_side(2000, 1000, NEEDS, "tiles", enough) == 64


@pytest.mark.parametrize(("how", "size", "message"), [("sideways", None, "not a way"), ("whole", 0, "between 1 and")])
def test_a_wrong_way_is_named(translator: Translator, how: sizes.How, size: int | None, message: str):
    with pytest.raises(ValueError, match=message):
        translator(drawing(40, 40), how=how, size=size)


@pytest.mark.parametrize(("how", "memory"), [("tiles", 160), ("whole", 500)])
def test_the_memory_stays_below_the_bound(make_generator: Callable[..., Path], how: str, memory: int):
    """In a process of its own, in which nothing else grows."""
    code = f"""
import threading, time, psutil
from PIL import Image
from pix2pix import Translator

def watch():
    while True:
        rss.append(psutil.Process().memory_info().rss)
        time.sleep(0.002)

translator = Translator.load({str(make_generator())!r})
translator(Image.new("RGB", (32, 32)))
picture, rss = Image.new("RGB", (1800, 1200)), []
threading.Thread(target=watch, daemon=True).start()
assert translator(picture, how={how!r}, memory={memory}).size == picture.size
print((max(rss) - rss[0]) / 1e6)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 20 < float(done.stdout) < memory


def test_the_command_line_knows_the_same_ways():
    assert get_args(sizes.How) == HOW


def test_a_generator_takes_multiples_of_its_size():
    generator = Generator(GeneratorConfig(32, ngf=4)).eval()
    assert generator.needs.multiple == 32
    assert generator(torch.zeros(1, 3, 64, 96)).shape == (1, 3, 64, 96)
