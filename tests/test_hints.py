"""Colour hints: coloured strokes under the lines of a drawing, in the colours of the photo that belongs to it."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pix2pix.edges import edges
from pix2pix.hints import PAPER, hinted

SEEDS = range(60)


def disc(colour: str = "teal", size: int = 64) -> Image.Image:
    """A disc on white, half as wide as the picture."""
    photo = Image.new("RGB", (size, size), "white")
    ImageDraw.Draw(photo).ellipse((size // 4, size // 4, size * 3 // 4, size * 3 // 4), fill=colour)
    return photo


def blank(photo: Image.Image) -> Image.Image:
    return Image.new("RGB", photo.size, "white")


def hint(drawing: Image.Image, photo: Image.Image, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Both as (H, W, 3) uint8."""
    with_hints, truth = hinted(drawing, photo, np.random.default_rng(seed))
    assert with_hints.mode == truth.mode == "RGB"
    return np.asarray(with_hints), np.asarray(truth)


def on_disc(photo: Image.Image) -> np.ndarray:
    return (np.asarray(photo) != 255).any(axis=2)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hint_has_the_colour_that_the_photo_has_there(seed: int):
    photo = disc()
    drawing, truth = hint(blank(photo), photo, seed)
    colour = truth[32, 32]
    is_hint = (drawing != 255).any(axis=2)
    assert (drawing[is_hint] == colour).all()
    assert is_hint[on_disc(photo)].any()


def test_each_hint_has_one_colour_also_where_the_photo_has_many():
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 200, (64, 64, 3), np.uint8))
    for seed in SEEDS:
        drawing, _ = hint(blank(photo), photo, seed)
        assert 2 <= len(np.unique(drawing.reshape(-1, 3), axis=0)) <= 1 + 6  # paper, and at most six hints


def test_lines_stay_black_on_top_and_the_rest_of_the_drawing_stays():
    photo = disc()
    plain = edges(photo)
    lines = np.asarray(plain)
    crossed = 0
    for seed in SEEDS:
        drawing, _ = hint(plain, photo, seed)
        paint, _ = hint(blank(photo), photo, seed)
        is_hint = (paint != 255).any(axis=2)
        assert (drawing[lines == 0] == 0).all()
        assert (drawing[~is_hint] == lines[~is_hint]).all()
        crossed += (is_hint & (lines[..., 0] == 0)).any()
    assert crossed > len(SEEDS) / 2


@pytest.mark.parametrize("colour", ["black", "grey", "teal", "red", "yellow", "magenta"])
def test_only_the_colours_of_the_photo_change(colour: str):
    photo = disc(colour)
    for seed in SEEDS:
        _, truth = hint(blank(photo), photo, seed)
        assert (truth[~on_disc(photo)] == 255).all()  # paper stays paper
        assert (truth[on_disc(photo)].min(axis=1) < PAPER).all()  # and nothing else becomes paper
        assert len(np.unique(truth.reshape(-1, 3), axis=0)) == 2


def test_three_quarters_of_the_photos_change_their_colours_into_all_there_are():
    photo = disc()
    colours = [tuple(hint(blank(photo), photo, seed)[1][32, 32]) for seed in range(300)]
    assert 50 < colours.count((0, 128, 128)) < 100
    strongest = np.array([np.argmax(colour) for colour in colours if colour != (0, 128, 128)])
    assert min(np.bincount(strongest, minlength=3)) > 30  # red, green and blue


def test_a_white_photo_gives_no_hints():
    photo, drawing = Image.new("RGB", (64, 64), "white"), edges(disc())
    for seed in SEEDS:
        with_hints, truth = hint(drawing, photo, seed)
        assert (with_hints == np.asarray(drawing)).all()
        assert (truth == 255).all()


def test_the_same_generator_gives_the_same_hints():
    photo = disc()
    first, again, other = (hint(edges(photo), photo, seed) for seed in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first[0] != other[0]).any()


@pytest.mark.parametrize("size", [32, 256, 512])
def test_hints_grow_with_the_picture(size: int):
    photo = disc(size=size)
    shares = [(hint(blank(photo), photo, seed)[0] != 255).any(axis=2).mean() for seed in SEEDS]
    assert 0.02 < np.median(shares) < 0.09


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (40, 16)])
def test_tiny_and_oblong_pictures_work(size: tuple[int, int]):
    photo = Image.new("RGB", size, "teal")
    for seed in SEEDS:
        drawing, truth = hint(blank(photo), photo, seed)
        assert drawing.shape == truth.shape == (size[1], size[0], 3)
