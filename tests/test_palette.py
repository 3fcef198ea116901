"""Snapping label maps: exactly the palette's colours, the nearest ones, and no lines of classes that are not there."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from pix2pix.palette import CMP, PALETTES, chosen, is_strange, listed, snap

SIZES = [(1, 1), (9, 1), (3, 2), (64, 51)]  # width, height
COLOURS = np.array(list(CMP.values()))


def noise(size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8))


def facade(size: int = 128) -> Image.Image:
    """Walls, windows and a shop, as one paints them."""
    picture = Image.new("RGB", (size, size), CMP["facade"])
    draw = ImageDraw.Draw(picture)
    for x in range(16, size - 16, 32):
        draw.rectangle((x, 24, x + 15, 60), CMP["window"])
    draw.rectangle((0, size - 32, size, size), CMP["shop"])
    return picture


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def colours_of(picture: Image.Image) -> set[tuple[int, ...]]:
    return set(map(tuple, np.asarray(picture).reshape(-1, 3).tolist()))


@pytest.mark.parametrize("size", SIZES)
def test_snap_is_the_nearest_colour_and_then_the_majority(size: tuple[int, int]):
    pixels = np.asarray(noise(size)).astype(int)
    distances = ((pixels[:, :, None] - COLOURS) ** 2).sum(axis=3)
    nearest = Image.fromarray(distances.argmin(axis=2).astype(np.uint8))
    expected = COLOURS[np.asarray(nearest.filter(ImageFilter.ModeFilter(3)))]
    assert (np.asarray(snap(noise(size), CMP)) == expected).all()


def test_of_two_equally_near_colours_the_first_is_taken():
    between = Image.new("RGB", (4, 4), (10, 10, 10))
    assert colours_of(snap(between, {"dark": (0, 10, 10), "light": (20, 10, 10)})) == {(0, 10, 10)}


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_snap_gives_rgb_of_the_same_size_in_the_palettes_colours_alone(mode: str):
    snapped = snap(noise((33, 17)).convert(mode), CMP)
    assert (snapped.mode, snapped.size) == ("RGB", (33, 17))
    assert colours_of(snapped) <= set(CMP.values())


def test_what_is_drawn_with_the_palette_keeps_its_thinnest_line():
    drawing = facade()
    ImageDraw.Draw(drawing).line((3, 3, 90, 110), CMP["pillar"], width=1)
    assert snap(drawing, CMP).tobytes() == drawing.tobytes()


@pytest.mark.parametrize("quality", [50, 75, 90])
def test_smeared_labels_are_repaired(quality: int):
    snapped = snap(jpeg(facade(), quality), CMP)
    right = (np.asarray(snapped) == np.asarray(facade())).all(axis=2)
    assert right.mean() > 0.97


def test_the_line_that_smearing_leaves_between_two_classes_is_removed():
    wall = Image.new("RGB", (20, 20), CMP["background"])
    wall.paste(CMP["window"], (10, 0, 20, 20))
    wall.paste(CMP["facade"], (10, 0, 11, 20))  # half way between the two
    wall.putpixel((0, 0), (1, 0, 222))  # not quite drawn with the palette
    inside = snap(wall, CMP).crop((0, 1, 20, 19))
    assert colours_of(inside) == {CMP["background"], CMP["window"]}


def test_cmp_has_the_twelve_classes_in_colours_that_can_be_told_apart():
    assert (len(CMP), PALETTES["cmp"]) == (12, CMP)
    gaps = np.linalg.norm(COLOURS[:, None] - COLOURS, axis=2)[~np.eye(12, dtype=bool)]
    assert gaps.min() > 40


@pytest.mark.parametrize("quality", [40, 90])
def test_smeared_labels_are_not_strange(quality: int):
    assert not is_strange(facade(), CMP)
    assert not is_strange(jpeg(facade(), quality), CMP)
    assert not is_strange(jpeg(facade().resize((40, 40), Image.Resampling.BILINEAR), quality), CMP)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_picture_in_other_colours_is_strange(mode: str):
    gradient = Image.linear_gradient("L").resize((300, 200)).convert(mode)
    assert is_strange(gradient, CMP)
    assert is_strange(Image.new("RGB", (2, 2), "white"), CMP)


def test_a_palette_may_be_chosen_by_name_or_listed():
    assert chosen("none") is None
    assert chosen("cmp") is CMP
    mine = {"wall": (0, 48, 255), "colour 2": (2, 127, 255)}
    assert chosen("wall=#0030ff,#027FFF") == mine
    assert chosen(listed(mine)) == mine
    assert (listed(CMP), listed(None)) == ("cmp", "none")
    for wrong in ("reds", "wall=blue", "#12", "#12345g"):
        with pytest.raises(ValueError, match=r"#rrggbb|hexadecimal"):
            chosen(wrong)
