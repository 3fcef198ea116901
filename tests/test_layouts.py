"""Folders as people have them: read as what they are, or not at all."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pix2pix.data import evidence
from pix2pix.data.evidence import Glance
from pix2pix.data.layouts import HALVES, DatasetError, halves
from pix2pix.data.pairs import Found, find_pairs
from pix2pix.data.sides import likely_direction, look_for_labels
from pix2pix.data.tree import split_of
from tests.scenes import labels, photo, save
from training.config import Layout as LayoutSetting

COUNT = 10
Draw = Callable[[int], np.ndarray]


def fill(root: Path, folders: dict[str, Draw], names: str = "{:04d}.png", count: int = COUNT) -> Path:
    """The same names in each folder, or, with a name that has a * in it, in the folder itself."""
    for folder, draw in folders.items():
        for index in range(count):
            save(draw(index), root / folder / names.format(index))
    return root


def doubt(root: Path, **options) -> DatasetError:
    with pytest.raises(DatasetError) as raised:
        find_pairs(root, **options)
    assert raised.value.readings, raised.value
    return raised.value


def options(error: DatasetError) -> list[str]:
    return [reading.options for reading in error.readings]


# Two folders, whatever they are called


@pytest.mark.parametrize(
    ("a", "b", "drawn"),
    [
        ("masks", "images", "a"),  # the labels are the input, by their content and by their name
        ("train/input", "train/target", "a"),
        ("source", "target", "b"),  # its name says that the photo is the input
        ("SegmentationClass", "JPEGImages", "a"),
        ("x", "y", "b"),
        ("sketch", "photo", "a"),
        ("one", "two", "a"),  # names that say nothing: the labels
        ("train/lr", "train/hr", ""),  # two photos of the same: names that mean something
        ("before", "after", ""),
    ],
)
def test_folders_of_the_same_names_are_pairs(tmp_path: Path, a: str, b: str, drawn: str):
    fill(tmp_path, {a: labels if drawn == "a" else photo, b: labels if drawn == "b" else photo})
    found = find_pairs(tmp_path)
    assert (found.layout, sum(map(len, found.splits.values()))) == ("folders", COUNT)
    entry = found.splits["train"][0]
    assert entry.a.relative_to(tmp_path).parent.as_posix() == a
    assert entry.b
    assert entry.b.relative_to(tmp_path).parent.as_posix() == b
    assert entry.a.name == entry.b.name


def test_two_photos_of_the_same_leave_open_which_is_the_input(tmp_path: Path):
    error = doubt(fill(tmp_path, {"summer": photo, "winter": lambda index: 255 - photo(index)}))
    assert options(error) == ["--folders summer winter", "--folders winter summer"]
    found = find_pairs(tmp_path, folders=("winter", "summer"))
    assert found.splits["train"][0].a.parent.name == "winter"
    assert "A is winter and B is summer" in found.describe()


def test_names_may_differ_by_what_all_of_a_folder_share(tmp_path: Path):
    for index in range(COUNT):
        save(labels(index), tmp_path / "train_label" / f"town_{index:06d}_000019_gtFine_labelIds.png")
        save(photo(index), tmp_path / "train_img" / f"town_{index:06d}_000019_leftImg8bit.jpg")
        save(labels(index + 50), tmp_path / "test_label" / f"town_{index + 50:06d}_000019_gtFine_labelIds.png")
    found = find_pairs(tmp_path)
    assert found.folders == ("label", "img")
    assert {len(found.splits[split]) for split in ("train", "val")} == {COUNT - 1, 1}
    assert found.splits["test"] == []
    for entry in found.splits["train"]:
        assert entry.b
        assert entry.a.name[:11] == entry.b.name[:11]
    assert sum(why.startswith("no partner") for why in found.left_out.values()) == COUNT


def test_three_folders_of_the_same_names_are_asked_about(tmp_path: Path):
    """As pix2pixHD has them: nothing says whether labels or instances are the input, and 2:1 is no pair."""

    def wide(draw: Callable[..., np.ndarray]) -> Draw:
        return lambda index: draw(index, (128, 64))

    fill(tmp_path, {"train_label": wide(labels), "train_inst": wide(labels), "train_img": wide(photo)})
    assert options(doubt(tmp_path)) == ["--folders label img", "--folders inst img"]
    found = find_pairs(tmp_path, folders=("label", "img"))
    assert found.layout == "folders"
    assert set(found.left_out.values()) == {"lies in neither of the two folders"}


@pytest.mark.parametrize("names", [("{}_image.jpg", "{}_mask.png"), ("{}.jpg", "{}_mask.png"), ("{}.jpg", "{}.png"),
                                   ("img_{}.png", "seg_{}.png"), ("{}_B.png", "{}_A.png"),
                                   ("{}_A.png", "{}_B.png")])  # fmt: skip
def test_two_series_in_one_folder_are_pairs(tmp_path: Path, names: tuple[str, str]):
    for index in range(COUNT):
        for name, draw in zip(names, (photo, labels), strict=True):
            save(draw(index), tmp_path / name.format(f"{index:03d}"))
    found = find_pairs(tmp_path)
    assert (found.layout, sum(map(len, found.splits.values()))) == ("folders", COUNT)
    entry = found.splits["train"][0]
    assert entry.b
    shown = [path.name.replace(entry.name, "{}") for path in (entry.a, entry.b)]
    assert shown == sorted(names, key=lambda name: name.startswith(("{}_image", "{}.jpg", "img", "{}_B")))
    assert find_pairs(tmp_path, folders=found.folders).splits == found.splits


def test_the_splits_are_found_by_their_usual_names(tmp_path: Path):
    for split in ("Training", "validation", "TEST"):
        fill(tmp_path, {f"{split}/Images": photo, f"{split}/Masks": labels}, count=3)
    found = find_pairs(tmp_path)
    assert {split: len(entries) for split, entries in found.splits.items()} == {"train": 3, "val": 3, "test": 3}
    assert found.splits["val"][0].a.parent.parent.name == "validation"


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("train", ("train", "")), ("Training", ("train", "")), ("dev", ("val", "")), ("EVAL", ("test", "")),
        ("testing", ("test", "")), ("valid", ("val", "")), ("trainA", ("train", "A")), ("TRAINB", ("train", "B")),
        ("val_img", ("val", "img")), ("images-test", ("test", "images")), ("trainLabels", ("train", "Labels")),
        ("train2017", ("train", "")), ("testlabel", ("test", "label")), ("trainers", (None, "trainers")),
        ("valley", (None, "valley")), ("Testimony", (None, "Testimony")), ("boots", (None, "boots")),
    ],
)  # fmt: skip
def test_what_the_name_of_a_folder_means(name: str, meaning: tuple[str | None, str]):
    assert split_of(name) == meaning


def test_validation_and_test_folders_are_never_trained_on(tmp_path: Path):
    fill(tmp_path, {"": photo, "test": photo, "dev": photo})
    found = find_pairs(tmp_path)
    assert {split: len(entries) for split, entries in found.splits.items()} == {"train": 10, "val": 10, "test": 10}
    assert {entry.a.parent for entry in found.splits["train"]} == {tmp_path}
    fill(tmp_path / "only", {"testing": photo, "val": photo})
    with pytest.raises(DatasetError, match="which is never trained on"):
        find_pairs(tmp_path / "only")


def test_what_lies_beside_the_folder_to_train_on_is_named(tmp_path: Path):
    fill(tmp_path, {"train": photo, "": lambda index: photo(index + 20)}, count=3)
    found = find_pairs(tmp_path)
    assert len(found.splits["train"]) + len(found.splits["val"]) == 3
    assert found.left_out == {f"{index:04d}.png": "lies beside the folder to train on" for index in range(3)}


def test_sets_of_two_folders_each_are_pooled_by_the_inner_names(tmp_path: Path):
    for part in ("monday", "tuesday"):
        fill(tmp_path, {f"{part}/images": photo, f"{part}/masks": labels}, count=4)
    found = find_pairs(tmp_path)
    assert sum(map(len, found.splits.values())) == 8
    assert all(entry.b and entry.a.parent.parent == entry.b.parent.parent for entry in found.splits["train"])


@pytest.mark.parametrize("names", [("scene {0}/{1}_in.png", "scene {0}/{1}_out.png"),
                                   ("{0}-{1}/image.png", "{0}-{1}/mask.png")])  # fmt: skip
@pytest.mark.parametrize("scenes", [2, 12])
def test_pairs_may_lie_in_folders_by_scene_or_have_one_each(tmp_path: Path, names: tuple[str, str], scenes: int):
    """Files that are called alike in each folder are no reason to pair the folders, nor to pool all."""
    for index in range(24):
        for name, draw in zip(names, (photo, labels), strict=True):
            save(draw(index), tmp_path / name.format(index % scenes, index // scenes))
    found = find_pairs(tmp_path)
    assert (found.layout, sum(map(len, found.splits.values()))) == ("folders", 24)
    assert all(entry.b and entry.a.parent == entry.b.parent for entry in found.splits["train"])


def test_views_of_things_may_be_photos(tmp_path: Path):
    for index in range(24):
        save(photo(index), tmp_path / f"shoe {index // 2}" / f"{index % 2 + 1}.png")
        save(255 - photo(index), tmp_path / f"shoe {index // 2}" / f"{index % 2 + 3}.png")
    assert options(doubt(tmp_path))[-1] == "--layout photos"


def test_sets_of_which_one_is_to_test_on(tmp_path: Path):
    fill(tmp_path, {"our485/low": lambda index: photo(index) // 4, "our485/high": photo})
    fill(tmp_path, {"eval15/low": lambda index: photo(index + 20) // 4, "eval15/high": lambda index: photo(index + 20)})
    found = find_pairs(tmp_path)
    assert {split: len(entries) for split, entries in found.splits.items()} == {"train": 9, "val": 1, "test": 10}
    assert found.splits["train"][0].a.parent == tmp_path / "our485/low"


def test_where_few_have_a_partner_it_is_asked(tmp_path: Path):
    fill(tmp_path, {"images": photo}, count=30)
    fill(tmp_path, {"masks": labels}, count=4)
    error = doubt(tmp_path)
    assert "Only 4 of the 30 files of images/ have a partner of the same name in masks/" in str(error)
    assert options(error) == ["--folders masks images", "--layout photos --folders images"]
    assert sum(map(len, find_pairs(tmp_path, folders=("masks", "images")).splits.values())) == 4


def test_two_label_maps_of_a_part_of_the_photos_are_no_pair(tmp_path: Path):
    """As PASCAL VOC has them."""
    fill(tmp_path, {"JPEGImages": photo}, "2007_{:06d}.png", count=30)
    for folder in ("SegmentationClass", "SegmentationObject"):
        fill(tmp_path, {folder: labels}, "2007_{:06d}.png", count=5)
    assert options(doubt(tmp_path)) == [
        "--folders segmentationclass jpegimages", "--folders segmentationobject jpegimages"
    ]  # fmt: skip


# Photos


def test_photos_in_folders_by_kind_are_one_set(tmp_path: Path):
    fill(tmp_path, {"boots": photo}, "boot {}.png")
    fill(tmp_path, {"heels": lambda index: photo(index + 20)}, "heel-{}.png")
    fill(tmp_path, {"trainers": lambda index: photo(index + 40)}, "{}.png")
    found = find_pairs(tmp_path)
    assert (found.layout, len(found.splits["train"]), len(found.splits["val"])) == ("photos", 27, 3)


def test_photos_in_folders_by_kind_that_are_numbered_alike_are_asked_about(tmp_path: Path):
    fill(tmp_path, {"boots": photo, "heels": lambda index: photo(index + 20)})
    assert options(doubt(tmp_path))[-1] == "--layout photos"
    assert len(find_pairs(tmp_path, "photos").splits["train"]) == 18


@pytest.mark.parametrize("kinds", [2, 5, 8])
def test_at_most_64_pictures_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: int):
    """Photos by kind, some of which are called alike, take the longest to be known as what they are."""
    for kind in range(kinds):
        for index in range(60):
            name = f"{index}.jpg" if index < 50 else f"of {kind} {index}.jpg"
            save(photo(index + 60 * kind), tmp_path / f"kind {kind}" / name)
    looked_at: list[Path] = []

    def glance(path: Path) -> Glance | None:
        looked_at.append(path)
        return see(path)

    see = evidence.glance
    monkeypatch.setattr(evidence, "glance", glance)
    with suppress(DatasetError) if kinds == 8 else nullcontext():  # of 28 ways to pair them one may seem to be right
        assert find_pairs(tmp_path, open_files=False).layout == "photos"
    assert kinds < len(looked_at) <= 64


def test_folders_that_mean_something_are_never_pooled(tmp_path: Path):
    fill(tmp_path, {"images": photo}, "frame{}.png")
    fill(tmp_path, {"masks": labels}, "{:04d}-b.png", count=3)
    assert options(doubt(tmp_path)) == [
        "--layout photos --folders images", "--layout photos --folders masks", "--layout photos",
    ]  # fmt: skip
    found = find_pairs(tmp_path, "photos", folders=("images",))
    assert {entry.a.parent.name for entry in found.splits["train"]} == {"images"}


def test_one_picture_in_several_formats_is_no_pair(tmp_path: Path):
    for index in range(COUNT):
        for ending in ("a.png", "b.jpg", "c.webp"):
            save(photo(index), tmp_path / f"{index}_{ending}")
    assert find_pairs(tmp_path).layout == "photos"


def test_two_versions_of_each_picture_in_one_folder_are_not_one_set(tmp_path: Path):
    for index in range(COUNT):
        for folder, a, b in (("told", "{}_noisy.png", "{}_clean.png"), ("not told", "rain-{}.png", "norain-{}.png")):
            save(photo(index) | 7, tmp_path / folder / a.format(index))
            save(photo(index), tmp_path / folder / b.format(index))
    found = find_pairs(tmp_path / "told")
    assert (found.layout, found.splits["train"][0].a.name[1:]) == ("folders", "_noisy.png")
    error = doubt(tmp_path / "not told")
    assert "show the same pictures" in str(error)
    assert options(error) == ["--folders 'norain-*' 'rain-*'", "--folders 'rain-*' 'norain-*'", "--layout photos"]


def shore(index: int) -> np.ndarray:
    """A photo with the horizon in its middle."""
    sky = np.linspace(200, 240, 24)[:, None, None] + np.random.default_rng(index).normal(0, 2, (24, 64, 3))
    return np.concatenate([sky.astype(np.uint8), photo(index, (64, 24)) // 2])


def test_links_to_one_picture_speak_once(tmp_path: Path):
    """A seam in forty pictures is one, and in one picture an accident."""
    original = save(shore(0), tmp_path / "linked" / "0.png")
    for index in range(1, 40):
        (original.parent / f"{index}.png").symlink_to(original)
    assert find_pairs(original.parent).layout == "photos"
    assert "one above the other" in str(doubt(fill(tmp_path / "others", {"": shore})))


def test_labels_and_photos_whose_names_do_not_match_are_not_pooled(tmp_path: Path):
    for index in range(COUNT):
        save(photo(index), tmp_path / f"holiday{index * 7}.png")
        save(labels(index), tmp_path / f"p{index * 3 + 1000}.png")
    assert "label maps or drawings and the others like photos" in str(doubt(tmp_path))


# Pictures that hold both


def beside(
    index: int, *draws: Callable[..., np.ndarray], size: tuple[int, int] = (64, 64), axis: int = 1
) -> np.ndarray:
    return np.concatenate([draw(index, size) for draw in draws], axis)


@pytest.mark.parametrize(
    ("draw", "layout"),
    [
        (lambda index: beside(index, labels, photo, size=(48, 72)), "pairs"),
        (lambda index: beside(index, photo, labels, size=(96, 48)), "pairs"),
        (lambda index: beside(index, labels, photo), "pairs"),
        (lambda index: beside(index, photo, labels, axis=0), "stacked"),
        (lambda index: beside(index, labels, photo, axis=0, size=(96, 54)), "stacked"),
        (lambda index: photo(index, (160, 72)), "photos"),
        (lambda index: photo(index, (72, 160)), "photos"),
        (lambda index: photo(index, (192, 64)), "photos"),
    ],
)
def test_the_halves_speak_and_not_the_shape(tmp_path: Path, draw: Draw, layout: str):
    found = find_pairs(fill(tmp_path, {"": draw}))
    assert found.layout == layout


def test_a_shape_alone_is_asked_about(tmp_path: Path):
    error = doubt(fill(tmp_path, {"": lambda index: photo(index, (128, 64))}))
    assert options(error) == ["--layout pairs", "--layout photos"]
    assert "no seam" in str(error)


def test_photos_among_pairs_are_not_cut_in_two(tmp_path: Path):
    fill(tmp_path, {"": lambda index: beside(index, labels, photo)}, count=12)
    fill(tmp_path, {"": lambda index: photo(index + 20)}, "single {}.png", count=5)
    error = doubt(tmp_path)
    assert "two side by side" in str(error)
    assert "But 29% of them have another shape" in str(error)
    assert options(error) == ["--layout pairs", "--layout photos"]


def test_three_in_a_row_are_asked_about(tmp_path: Path):
    error = doubt(fill(tmp_path, {"": lambda index: beside(index, labels, photo, lambda *of: photo(*of)[::-1])}))
    assert options(error) == [f"--layout thirds-{which}" for which in ("12", "13", "23")]
    assert "three in a row" in str(error)


def test_halves_are_where_the_layout_says():
    row = np.arange(18, dtype=np.uint8)[None].repeat(16, 0)
    first, last = {}, {}
    for layout in HALVES:
        a, b = halves(Image.fromarray(row.T if layout == "stacked" else row), layout)
        first[layout], last[layout] = int(np.asarray(a).min()), int(np.asarray(b).min())
        assert a.size == b.size
    assert first == {"pairs": 0, "stacked": 0, "thirds-12": 0, "thirds-13": 0, "thirds-23": 6}
    assert last == {"pairs": 9, "stacked": 9, "thirds-12": 6, "thirds-13": 12, "thirds-23": 12}


# Direction


@pytest.mark.parametrize(
    ("a", "b", "direction"), [(photo, labels, "BtoA"), (labels, photo, "AtoB"), (photo, photo, "AtoB")]
)
def test_the_direction_is_guessed_and_the_sides_stay(tmp_path: Path, a: Draw, b: Draw, direction: str):
    found = find_pairs(fill(tmp_path, {"A": a, "B": b}))
    assert {entry.a.parent.name for entry in found.splits["train"]} == {"A"}
    assert likely_direction(found, *look_for_labels(found)) == direction


@pytest.mark.parametrize(("a", "b"), [("source", "target"), ("input", "output"), ("x", "y")])
def test_folders_whose_names_say_which_is_the_input_leave_nothing_to_guess(tmp_path: Path, a: str, b: str):
    found = find_pairs(fill(tmp_path, {a: photo, b: labels}))
    assert found.folders == (a, b)
    assert likely_direction(found, *look_for_labels(found)) == "AtoB"


# What is asked, and where


def test_a_reading_can_be_taken(tmp_path: Path):
    """Each reading that is offered is one that `find_pairs` then gives."""
    fill(tmp_path, {"train_label": labels, "train_inst": labels, "train_img": photo})
    for reading in doubt(tmp_path).readings:
        found = find_pairs(tmp_path, reading.layout, folders=reading.folders)
        assert isinstance(found, Found)
        assert found.folders == reading.folders


def test_a_folder_that_is_not_there_is_named_with_those_that_are(tmp_path: Path):
    fill(tmp_path, {"images": photo, "masks": labels})
    with pytest.raises(DatasetError, match=r"no pictures of a folder sketches .* there are: images, masks"):
        find_pairs(tmp_path, folders=("sketches", "images"))


def test_every_layout_is_a_setting():
    from typing import get_args

    from pix2pix.data.layouts import Layout

    assert set(get_args(LayoutSetting)) == {"auto", *get_args(Layout)}
