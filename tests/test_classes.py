"""Label maps that hold the numbers of classes: recognised, coloured, and kept in their colours."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pix2pix import Translator
from pix2pix.classes import colour_of, coloured, numbered, palette_of, ranged
from pix2pix.data.dataset import PairedImages
from pix2pix.data.doctor import examine
from pix2pix.data.kinds import Kinds
from pix2pix.data.pairs import find_pairs
from pix2pix.data.sides import formats, likely_direction, look_for_labels, with_every_class
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.palette import chosen, listed
from tests.scenes import photo, save, scene

COUNT = 10


def many(seed: int) -> np.ndarray:
    """0 … 33 and 255, as the label maps of Cityscapes have."""
    numbers = scene(seed, classes=34)[0].copy()
    numbers[:3] = 255
    return numbers.astype(np.uint8)


DRAWN = {
    "0 … 3": lambda seed: scene(seed)[0].astype(np.uint8),
    "0, 1": lambda seed: (scene(seed)[0] > 0).astype(np.uint8),
    "0 … 33, 255": many,
    "0, 8, 16, 24": lambda seed: (scene(seed)[0] * 8).astype(np.uint8),
    "in 16 bits": lambda seed: scene(seed)[0].astype(np.uint16),
    "in floating point": lambda seed: scene(seed)[0].astype(np.float32),
    "0 … 3 and 255": lambda seed: np.where(scene(seed)[1][..., 0] > 250, 255, scene(seed)[0]).astype(np.uint8),
}


def fill(root: Path, kind: str, labels: str = "A", pictures: str = "B") -> Path:
    for index in range(COUNT):
        save(DRAWN[kind](index), root / labels / f"{index:02}.{'tif' if 'floating' in kind else 'png'}")
        save(photo(index), root / pictures / f"{index:02}.png")
    return root


@pytest.mark.parametrize("kind", DRAWN)
def test_numbers_of_classes_are_recognised_and_coloured(tmp_path: Path, kind: str):
    found = find_pairs(fill(tmp_path, kind))
    a, b = look_for_labels(found)
    assert a
    assert (a.kind, b) == ("labels", Kinds())
    there = set().union(*(np.unique(DRAWN[kind](index)).tolist() for index in range(COUNT)))
    assert set(a.numbers) == there
    pairs = PairedImages(found, load_size=64, crop_size=64, **formats(found, "AtoB"))
    index = int(found.splits["train"][0].a.stem)
    shown = np.asarray(pairs.pictures(0)[0])
    colours = numbered(a.palette)
    expected = np.array([[colours[number] for number in row] for row in DRAWN[kind](index).tolist()])
    assert (shown == expected).all()
    *_, report = examine(found)
    assert report.leave_out == (), "none of them is blank"
    assert any("hold the numbers of classes" in finding.what for finding in report.findings)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_numbers_in_bands_that_are_all_alike_are_the_same(tmp_path: Path, mode: str):
    (tmp_path / "A").mkdir()
    for index in range(COUNT):
        Image.fromarray(many(index)).convert(mode).save(tmp_path / "A" / f"{index}.png")
        save(photo(index), tmp_path / "B" / f"{index}.png")
    found = find_pairs(tmp_path)
    kinds, _ = look_for_labels(found)
    assert kinds
    assert set(kinds.numbers) == set().union(*(np.unique(many(index)).tolist() for index in range(COUNT)))
    shown, _ = PairedImages(found, load_size=64, crop_size=64, **formats(found, "AtoB")).pictures(0)
    expected = coloured(Image.fromarray(many(int(found.splits["train"][0].a.stem))), palette_of(kinds.numbers))
    assert expected
    assert shown.tobytes() == expected.tobytes()


def test_a_class_that_is_in_few_files_has_its_colour_too(tmp_path: Path):
    """Of many files a handful is looked at for what they are, and more for the classes that there are."""
    fill(tmp_path, "0 … 3")
    for index in range(COUNT, 60):
        save(DRAWN["0 … 3"](index), tmp_path / "A" / f"{index:02}.png")
        save(photo(index), tmp_path / "B" / f"{index:02}.png")
    numbers = DRAWN["0 … 3"](1)
    numbers[10:30, 10:30] = 21
    save(numbers, tmp_path / "A" / "01.png")
    found = find_pairs(tmp_path)
    quick, _ = look_for_labels(found)
    assert quick
    assert 21 not in quick.numbers, "else this tests nothing"
    every, _ = with_every_class(found, (quick, None))
    assert every
    assert every.numbers == (0, 1, 2, 3, 21)
    assert every.palette == palette_of([0, 1, 2, 3, 21])


def test_numbers_that_a_palette_has_not_leave_the_others_their_colours():
    numbers = DRAWN["0 … 3"](0)
    numbers[10:30, 10:30], numbers[:2] = 21, 255
    shown = coloured(Image.fromarray(numbers), palette_of(range(4)))
    expected = coloured(Image.fromarray(numbers), palette_of([0, 1, 2, 3, 21, 255]))
    assert shown
    assert expected
    assert shown.tobytes() == expected.tobytes()
    black_and_white = Image.fromarray(np.where(numbers > 0, 255, 0).astype(np.uint8))
    assert coloured(black_and_white, palette_of([0, 1])) is None, "these are its colours"


def test_as_the_target_they_are_coloured_too(tmp_path: Path):
    found = find_pairs(fill(tmp_path, "0, 1", labels="B", pictures="A"))
    assert likely_direction(found, *look_for_labels(found)) == "BtoA"
    _, target = PairedImages(found, load_size=64, crop_size=64, **formats(found, "AtoB")).pictures(0)
    assert set(np.unique(np.asarray(target))) == {0, 255}


@pytest.mark.parametrize("name", ["masks", "annotations"])
def test_a_folder_of_them_is_the_input(tmp_path: Path, name: str):
    found = find_pairs(fill(tmp_path, "0 … 3", labels=name, pictures="images"))
    assert found.folders == (name, "images")


@pytest.mark.parametrize(
    "draw",
    [
        lambda index: photo(index).mean(2).astype(np.uint8),  # a grey photo
        lambda index: (photo(index).mean(2) / 4).astype(np.uint8),  # a dark one, of 64 greys
        lambda index: np.where(scene(index)[0] > 0, 255, 0).astype(np.uint8),  # black and white
        lambda index: np.zeros((64, 64), np.uint8),
    ],
)
def test_other_grey_pictures_are_none(tmp_path: Path, draw):
    for index in range(COUNT):
        save(draw(index), tmp_path / "A" / f"{index}.png")
        save(photo(index), tmp_path / "B" / f"{index}.png")
    a, _ = look_for_labels(find_pairs(tmp_path))
    assert a
    assert a.numbers == ()


def test_more_classes_than_are_coloured_are_told_of(tmp_path: Path):
    """As ADE20K has them; lines with soft rims have as many greys, and are none."""
    many = np.random.default_rng(0).integers(0, 150, (COUNT, 6, 6)).astype(np.uint8)
    for index in range(COUNT):
        save(np.kron(many[index], np.ones((12, 12), np.uint8)), tmp_path / "A" / f"{index}.png")
        soft = Image.new("L", (288, 288), 255)
        ImageDraw.Draw(soft).ellipse((20 + 4 * index, 30, 200, 200 + 5 * index), outline=0, width=4)
        (tmp_path / "B").mkdir(exist_ok=True)
        soft.resize((72, 72), Image.Resampling.BOX).save(tmp_path / "B" / f"{index}.png")
    a, b = look_for_labels(found := find_pairs(tmp_path))
    assert a
    assert b
    assert (a.highest, b.highest) == (many.max(), 0)
    *_, report = examine(found)
    assert any("numbers of many classes, up to 1" in finding.what for finding in report.findings)


def test_the_colours_are_those_of_pascal_voc():
    assert [colour_of(number) for number in (0, 1, 2, 15, 20)] == [
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (192, 128, 128), (0, 64, 128),
    ]  # fmt: skip
    assert len({colour_of(number) for number in range(256)}) == 256


def test_a_palette_with_numbers_can_be_written_and_named():
    palette = palette_of([0, 7, 255])
    assert chosen(listed(palette)) == palette
    named = chosen("0 sky=#8080ff,7 road=#404040")
    assert numbered(named) == {0: (128, 128, 255), 7: (64, 64, 64)}
    assert numbered(chosen("cmp")) == {}
    assert coloured(Image.fromarray(np.full((2, 2), 9, np.uint8)), palette) is None, "a number that it does not know"
    assert ranged([0, 1, 2, 3, 7, 8, 255]) == "0 … 3, 7, 8, 255"


def test_a_generator_takes_numbers_and_colours_alike(tmp_path: Path):
    palette = palette_of(range(4))
    path = tmp_path / "town.safetensors"
    checkpoint.save(path, Generator(GeneratorConfig(32, ngf=4)), Metadata("town", 1, a=Side("labels", palette)))
    translator = Translator.load(path)
    assert translator.metadata.source.palette == palette
    numbers = Image.fromarray(DRAWN["0 … 3"](0))
    colours = coloured(numbers, palette)
    assert colours
    assert translator(numbers).tobytes() == translator(colours).tobytes()
    assert np.asarray(translator(numbers)).std() > 0
    assert translator.remark(numbers) == ""
    assert translator.inverted(numbers) is numbers, "there is nothing to invert in classes"
    strange = Image.fromarray(np.where(np.asarray(numbers) == 3, np.uint8(9), np.asarray(numbers)))
    assert "did not learn, 9" in translator.remark(strange)
