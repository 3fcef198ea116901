"""Photo -> edge drawing."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pix2pix.edges import EdgeStyle, edges, lines


def disc(size: int = 256, ink: str = "navy", paper: str = "white") -> Image.Image:
    """A disc in the middle of the picture, half as wide as the picture."""
    photo = Image.new("RGB", (size, size), paper)
    ImageDraw.Draw(photo).ellipse((size / 4, size / 4, size * 3 / 4, size * 3 / 4), fill=ink)
    return photo


def textured(seed: int = 0) -> Image.Image:
    """A disc with many smaller marks of all contrasts on it."""
    rng = np.random.default_rng(seed)
    photo = disc()
    draw = ImageDraw.Draw(photo)
    for _ in range(60):
        x, y = rng.integers(80, 170, 2)
        draw.rectangle((x, y, x + rng.integers(2, 20), y + rng.integers(2, 20)), fill=tuple(rng.integers(0, 255, 3)))
    return photo


def ink(drawing: Image.Image) -> np.ndarray:
    """(H, W) in 0..1, 1 where the line is."""
    return 1 - np.asarray(drawing.convert("L")) / 255


def test_black_lines_on_white_paper_of_the_same_size():
    drawing = edges(disc().crop((0, 10, 256, 210)))
    assert (drawing.mode, drawing.size) == ("RGB", (256, 200))
    pixels = np.asarray(drawing)
    assert pixels.min() == 0
    assert np.median(pixels) == 255
    assert (pixels[..., 0] == pixels[..., 1]).all()
    assert (pixels[..., 0] == pixels[..., 2]).all()


def test_more_detail_is_more_ink():
    amounts = [ink(edges(textured(), EdgeStyle(detail=detail))).sum() for detail in (0, 0.5, 1)]
    assert amounts == sorted(amounts)
    assert amounts[-1] > 1.3 * amounts[0]


@pytest.mark.parametrize("width", [1.0, 1.5, 2.0, 3.0])
def test_lines_are_as_wide_as_asked(width: float):
    amount = ink(edges(disc(), EdgeStyle(detail=0, line_width=width))).sum()
    assert amount / (np.pi * 128) == pytest.approx(width, abs=0.3)


@pytest.mark.parametrize("detail", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("ink_colour", "paper"), [("navy", "white"), ("#e0e0e0", "white"), ("white", "black")])
def test_a_disc_gives_one_closed_ring_at_its_rim(detail: float, ink_colour: str, paper: str):
    drawing = edges(disc(ink=ink_colour, paper=paper), EdgeStyle(detail=detail))
    y, x = np.nonzero(ink(drawing) > 0.5)
    radius = np.hypot(x - 128, y - 128)
    assert np.abs(radius - 64).max() < 4
    angles = np.degrees(np.arctan2(y - 128, x - 128))
    assert len(np.unique(angles.round() // 4)) >= 90  # every 4 degrees of the circle has ink


def test_a_large_picture_has_lines_of_the_width_asked_for():
    amount = ink(edges(disc(1000), EdgeStyle(detail=0, line_width=4))).sum()
    assert amount / (np.pi * 500) == pytest.approx(4, abs=1)


def test_a_soft_shadow_on_the_ground_is_not_drawn():
    photo = np.full((256, 256), 255.0)
    photo[60:160, 40:220] = 60  # a product ...
    photo[160:200, 40:220] = np.linspace(215, 255, 40)[:, None]  # ... and its shadow, fading into the paper
    drawing = ink(edges(Image.fromarray(photo.astype(np.uint8)), EdgeStyle(detail=0)))
    assert drawing[155:165, 60:200].sum() > 100
    assert drawing[170:].sum() == 0


@pytest.mark.parametrize("colour", ["white", "black", "teal"])
@pytest.mark.parametrize("detail", [0.0, 1.0])
def test_a_blank_photo_gives_blank_paper(colour: str, detail: float):
    assert not ink(edges(Image.new("RGB", (256, 256), colour), EdgeStyle(detail=detail))).any()


def test_noise_of_a_camera_is_not_drawn():
    noise = np.random.default_rng(0).normal(250, 2, (256, 256, 3)).clip(0, 255).astype(np.uint8)
    assert not ink(edges(Image.fromarray(noise))).any()


def test_lines_as_points_lie_where_they_are_drawn():
    photo = disc().resize((300, 200))
    rows, columns = np.nonzero(ink(edges(photo, EdgeStyle(line_width=2))) > 0.5)
    points = np.concatenate(lines(photo)) * photo.size
    nearest = [np.hypot(columns + 0.5 - x, rows + 0.5 - y).min() for x, y in points]
    assert max(nearest) < 1, "a point lies on the ink"
    assert lines(Image.new("RGB", (64, 64), "white")) == []


def test_the_same_photo_and_style_give_the_same_drawing():
    photo, style = textured(), EdgeStyle(0.7, 1.3)
    assert edges(photo, style).tobytes() == edges(photo, style).tobytes()


def test_samples_cover_the_range_and_repeat_with_the_seed():
    styles = [EdgeStyle.sample(np.random.default_rng(seed)) for seed in range(300)]
    details = [style.detail for style in styles]
    widths = [style.line_width for style in styles]
    assert 0 <= min(details) < 0.05
    assert 0.9 < max(details) <= 1
    assert 1 <= min(widths) < 1.1
    assert 2.8 < max(widths) <= 3
    assert styles[7] == EdgeStyle.sample(np.random.default_rng(7))
    assert styles[7] != styles[8]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16, 16), (1000, 3)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_tiny_and_odd_pictures_work(size: tuple[int, int], mode: str):
    drawing = edges(Image.new(mode, size), EdgeStyle(detail=1))
    assert (drawing.mode, drawing.size) == ("RGB", size)


@pytest.mark.parametrize(
    ("style", "words"), [((3, 1), "detail 3 is not between"), ((0.5, -1), "line_width -1 is below")]
)
def test_a_style_that_no_drawing_can_have_is_named(style: tuple[float, float], words: str):
    with pytest.raises(ValueError, match=words):
        EdgeStyle(*style)


def test_what_is_no_picture_is_named():
    with pytest.raises(TypeError, match=r"not in a str: open it with Image\.open"):
        edges("photo.jpg")  # pyright: ignore[reportArgumentType]
