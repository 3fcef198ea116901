"""Colour hints: coloured strokes under the lines of a drawing, in the colours of the photo that belongs to it."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pix2pix.data.hints import PAPER, hinted, is_vivid, softened
from pix2pix.edges import EdgeStyle, edges

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


def test_a_hint_has_the_colour_that_the_photo_has_there():
    photo = disc()
    for seed in SEEDS:
        drawing, truth = hint(blank(photo), photo, seed)
        colour = truth[32, 32].astype(int)
        tinted = (drawing != 255).any(axis=2)
        assert tinted[on_disc(photo)].any()
        # From paper to the colour, and nothing else: each channel has gone the same share of its way.
        share = (255 - drawing[tinted].astype(float)) / np.maximum(255 - colour, 1)
        channels = np.flatnonzero(255 - colour > 64)
        assert np.ptp(share[:, channels], axis=1).max() < 2 / 64  # by rounding
        assert share[:, channels].max() == pytest.approx(1, abs=0.01)


def test_a_broad_hint_has_one_colour_also_where_the_photo_has_many():
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 200, (64, 64, 3), np.uint8))
    ones = 0
    for seed in SEEDS:
        colours, counts = np.unique(hint(blank(photo), photo, seed)[0].reshape(-1, 3), axis=0, return_counts=True)
        full = [colour for colour, count in zip(colours, counts, strict=True) if count > 20 and colour.max() < 200]
        ones += len(full) == 1
        assert len(full) <= 6
    assert ones > len(SEEDS) / 4


def test_a_hint_fades_and_has_no_rim():
    colours, coverage = np.zeros((256, 256, 3), np.uint8), np.zeros((256, 256), bool)
    colours[...], coverage[100:140, 60:200] = (200, 30, 30), True
    layer = softened(colours, coverage).astype(int)
    assert (layer[120, 130] == (200, 30, 30)).all()
    assert (layer[70, 130] == 255).all()
    assert np.abs(np.diff(layer, axis=0)).max() < 225 / 3  # between neighbours: a sharp rim has all of it at once
    assert (layer[:, :, 1] >= 30).all()


def test_the_thinnest_hint_is_as_strong_as_a_broad_one():
    colours, coverage = np.zeros((256, 256, 3), np.uint8), np.zeros((256, 256), bool)
    colours[...], coverage[100:104] = (20, 20, 200), True
    assert (softened(colours, coverage)[101:103, 128] == (20, 20, 200)).all()


def test_where_two_hints_meet_they_blend():
    colours, coverage = np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), bool)
    colours[:, :32], colours[:, 32:] = (200, 0, 0), (0, 0, 200)
    layer = softened(colours, coverage)
    assert layer[..., 1].max() == 0  # no paper shows between them
    assert (layer[0, 0] == (200, 0, 0)).all()


def test_hints_are_strokes_filled_parts_and_whole_insides():
    photo = disc(size=256)
    drawing = edges(photo, EdgeStyle(line_width=2))
    inside, outside = on_disc(photo), ~on_disc(photo)
    shares = np.array([(hint(blank(photo), photo, seed)[0][inside] < 250).any(axis=1).mean() for seed in range(100)])
    filled = [hint(drawing, photo, seed)[0] for seed in range(100)]
    flat = sum((each[inside] < 250).any(axis=1).mean() > 0.95 and (each[outside] < 250).any(axis=1).mean() < 0.1
               for each in filled)  # fmt: skip
    assert (shares < 0.5).mean() > 0.3  # strokes
    assert flat > 8  # of 100, a fifth fill the disc up to its outline
    assert (shares > 0.5).mean() > 0.1  # the inside but for a margin


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
    assert 0.05 < np.median(shares) < 0.15


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (40, 16)])
def test_tiny_and_oblong_pictures_work(size: tuple[int, int]):
    photo = Image.new("RGB", size, "teal")
    for seed in SEEDS:
        drawing, truth = hint(blank(photo), photo, seed)
        assert drawing.shape == truth.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("colour", ["black", "grey", "white", "saddlebrown", "tan", "beige", "#3b2417", "#7a3b22"])
def test_leather_and_greys_are_not_vivid(colour: str):
    assert not is_vivid(disc(colour))


@pytest.mark.parametrize(
    "colour", ["red", "navy", "pink", "green", "purple", "teal", "orange", "#8a1030", "yellowgreen"]
)
def test_other_colours_are_vivid(colour: str):
    assert is_vivid(disc(colour))


def test_a_little_colour_makes_nothing_vivid():
    photo = disc("black")
    photo.paste((255, 0, 0), (30, 30, 36, 36))  # of 32 x 32
    assert not is_vivid(photo)
    photo.paste((255, 0, 0), (24, 24, 40, 40))
    assert is_vivid(photo)
