"""Inputs unlike what a generator learned from are noticed, in one sentence, and the picture is still made."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from pix2pix import Translator
from pix2pix.__main__ import main
from pix2pix.edges import edges
from pix2pix.input_checks import EMPTY, INVERTED, PHOTO, as_drawing, inverted, on_sheet, remark_on
from pix2pix.palette import CMP
from tests.scenes import photo

POINTS = [(51, 51), (115, 51), (122, 140), (217, 174), (225, 204), (51, 204), (51, 51)]


def boot(width: int = 2) -> Image.Image:
    """A boot in black lines on white."""
    drawn = Image.new("L", (256, 256), 255)
    pen = ImageDraw.Draw(drawn)
    pen.line(POINTS, 0, width)
    pen.line([(51, 192), (225, 192)], 0, width)
    return drawn.convert("RGB")


def sheet(strokes: str) -> Image.Image:
    """The boot in strokes of that colour, on nothing."""
    picture = Image.new("RGBA", (256, 256), strokes)
    picture.putalpha(ImageOps.invert(boot().convert("L")))
    return picture


def hinted() -> Image.Image:
    """The boot with dark and bright colours in it, with soft rims."""
    soft = Image.new("RGB", (256, 256), "white")
    pen = ImageDraw.Draw(soft)
    pen.ellipse((60, 60, 116, 185), (90, 20, 20))
    pen.rectangle((125, 172, 205, 190), (20, 30, 160))
    return Image.fromarray(np.minimum(np.asarray(soft.filter(ImageFilter.GaussianBlur(4))), np.asarray(boot())))


def with_black_hint() -> Image.Image:
    """The boot with a black inside."""
    soft = Image.new("L", (256, 256), 255)
    ImageDraw.Draw(soft).ellipse((60, 60, 112, 180), 0)
    soft = soft.filter(ImageFilter.GaussianBlur(4)).convert("RGB")
    return Image.fromarray(np.minimum(np.asarray(soft), np.asarray(boot())))


def busy() -> Image.Image:
    drawn = Image.new("RGB", (256, 256), "white")
    for place in range(0, 256, 6):
        ImageDraw.Draw(drawn).line((place, 0, place, 256), "black", 2)
    return drawn


GROUND = Image.fromarray(photo(1, (256, 256)))
PRODUCT = Image.composite(GROUND, Image.new("RGB", (256, 256), "white"),
                          Image.new("L", (256, 256), 0).point(lambda _: 0)).copy()  # fmt: skip
PRODUCT.paste(GROUND.crop((60, 60, 200, 160)), (60, 80))


@pytest.mark.parametrize(
    ("picture", "remark"),
    [
        (boot(), ""), (boot(1), ""), (boot(5), ""), (edges(GROUND), ""), (sheet("black"), ""), (sheet("#aa0000"), ""),
        (ImageOps.invert(boot()), INVERTED), (sheet("white"), INVERTED), (ImageOps.invert(boot(6)), INVERTED),
        (Image.new("RGB", (256, 256), "white"), EMPTY), (Image.new("RGBA", (64, 64)), EMPTY),
        (Image.new("RGB", (64, 64), "black"), EMPTY),
        (GROUND, PHOTO), (PRODUCT, PHOTO), (GROUND.resize((1200, 900)), PHOTO),
        (boot(20), "pixels wide"), (boot(32), "pixels wide"), (busy(), "denser"),
    ],
)  # fmt: skip
def test_a_drawing_is_what_a_generator_of_drawings_takes(picture: Image.Image, remark: str):
    said = remark_on(picture, "edges", line_width=1.5)
    assert said == remark if remark in ("", INVERTED, EMPTY, PHOTO) else remark in said


def test_coloured_strokes_are_no_photo_where_they_are_learned():
    assert remark_on(hinted(), "edges", hints=True) == ""


@pytest.mark.parametrize(
    ("picture", "remark"), [(boot(20), "pixels wide"), (busy(), "denser"), (boot(), ""), (with_black_hint(), "")]
)
def test_thick_and_dense_lines_are_seen_where_there_may_be_hints(picture: Image.Image, remark: str):
    """Dark strokes of any width are hints where there are thin lines above them."""
    said = remark_on(picture, "edges", line_width=1.5, hints=True)
    assert remark in said
    assert bool(said) == bool(remark)


def test_others_are_told_of_an_empty_sheet_alone():
    assert remark_on(GROUND, "photo") == ""
    assert remark_on(Image.new("RGB", (64, 64)), "image") == EMPTY


def test_a_photo_is_no_label_map():
    assert "label colours" in remark_on(GROUND, "labels", CMP)
    assert remark_on(Image.new("RGB", (64, 64), CMP["window"]), "labels", CMP) == ""


def test_strokes_on_nothing_are_laid_where_they_can_be_seen():
    assert np.asarray(on_sheet(sheet("white"))).mean() < 64
    assert np.abs(np.asarray(on_sheet(sheet("black")), int) - np.asarray(boot())).max() == 0
    opaque = Image.new("RGBA", (64, 64), (250, 250, 250, 255))  # a white thing with a clear corner is no stroke
    opaque.paste((0, 0, 0, 0), (0, 0, 8, 8))
    assert np.asarray(on_sheet(opaque)).min() == 250


@pytest.mark.parametrize("picture", [ImageOps.invert(boot()), sheet("white"), boot(), sheet("black")])
def test_inverting_makes_dark_lines_on_light_of_all(picture: Image.Image):
    assert np.abs(np.asarray(inverted(picture), int) - np.asarray(boot(), int)).max() <= 1
    assert as_drawing(inverted(picture)).remark == ""


def test_the_command_line_says_it_and_makes_the_picture(
    tmp_path: Path, make_generator: Callable[..., Path], capsys: pytest.CaptureFixture[str]
):
    folder, generator = tmp_path / "drawings", make_generator(kind="edges")
    folder.mkdir()
    for name, picture in {"right": boot(), "dark": ImageOps.invert(boot()), "nothing": sheet("white")}.items():
        picture.save(folder / f"{name}.png")
    options = ["--checkpoint", str(generator), "--out"]
    assert main(["translate", str(folder), *options, str(tmp_path / "as-they-are")]) == 0
    said = capsys.readouterr().err
    assert said.count(f"{INVERTED} (--invert)") == 2
    assert len(list((tmp_path / "as-they-are").iterdir())) == 3
    assert main(["translate", str(folder), *options, str(tmp_path / "inverted"), "--invert"]) == 0
    assert "warning" not in capsys.readouterr().err
    made = [np.asarray(Image.open(tmp_path / "inverted" / f"{name}.png"), int) for name in ("right", "dark", "nothing")]
    assert max(np.abs(each - made[0]).max() for each in made) <= 2, "grey levels: the inputs differ by one at most"


def test_a_generator_of_drawings_sees_strokes_on_nothing(make_generator: Callable[..., Path]):
    translator = Translator.load(make_generator(kind="edges"))
    assert translator.remark(sheet("white")) == INVERTED
    dark = translator(ImageOps.invert(boot())).tobytes()
    assert translator(sheet("white")).tobytes() == dark, "not the picture of an empty sheet"
