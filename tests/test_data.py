"""Datasets: every layout a folder may have, what is wrong with it in words, and pairs cut to size, reproducibly."""

import logging
import os
import shutil
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageOps
from torch import Tensor

from pix2pix.data import dataset as dataset_module
from pix2pix.data import pairs
from pix2pix.data.dataset import PairedImages, ResidentPairs, ShuffledBatches
from pix2pix.data.pairs import SPLITS, DatasetError, Layout, find_pairs
from pix2pix.edges import edges
from pix2pix.palette import CMP

RGB = tuple[int, int, int]
RED, BLUE, GREY = (255, 0, 0), (0, 0, 255), (128, 128, 128)


def save(path: Path, colour: RGB = RED, size: tuple[int, int] = (32, 32)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def save_pair(path: Path, left: RGB = RED, right: RGB = BLUE) -> Path:
    picture = Image.new("RGB", (64, 32), left)
    picture.paste(right, (32, 0, 64, 32))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path


def save_folders(folder_a: Path, folder_b: Path, *names: str) -> None:
    for name in names:
        save(folder_a / name, RED)
        save(folder_b / name, BLUE)


def save_numbered(root: Path, count: int) -> Path:
    """Photos 00.png, 01.png … of the colours (0, 0, 0), (1, 0, 0) …"""
    for number in range(count):
        save(root / f"{number:02}.png", (number, 0, 0))
    return root


def save_noise(path: Path, size: tuple[int, int] = (32, 32)) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def save_twins(path: Path, side: int = 40) -> Path:
    """Both halves show the same noise, so that what is done to one can be compared with what is done to the other."""
    half = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(np.concatenate([half, half], axis=1)).save(path)
    return path


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def dataset(root: Path, split: str = "train", load_size: int = 20, crop_size: int = 16, **options) -> PairedImages:
    return PairedImages(find_pairs(root), split, load_size=load_size, crop_size=crop_size, **options)


def colour(image: Tensor) -> tuple[int, ...]:
    """The colour of a picture that has only one."""
    colours = colours_of(image)
    assert len(colours) == 1, colours
    return colours.pop()


def colours_of(image: Tensor) -> set[tuple[int, ...]]:
    pixels = ((image + 1) * 127.5).round().int().flatten(1).T
    return {tuple(pixel) for pixel in pixels.tolist()}


def names(root: Path, split: str = "train") -> list[str]:
    return [entry.name for entry in find_pairs(root).splits[split]]


# Layouts

SCHEMES = ("{}A {}B", "{}_A {}_B", "{}/A {}/B", "A/{} B/{}")


@pytest.mark.parametrize("case", [str, str.upper, str.lower, str.title], ids=lambda case: case.__name__)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_two_folders_with_splits(tmp_path: Path, scheme: str, case):
    for split in SPLITS:
        a, b = case(scheme.format(split, split)).split()
        save_folders(tmp_path / a, tmp_path / b, f"{split}.png")
    found = find_pairs(tmp_path)
    assert [names(tmp_path, split) for split in SPLITS] == [["train"], ["val"], ["test"]]
    assert (found.layout, found.held_out, found.left_out) == ("folders", False, {})
    assert tuple(map(colour, dataset(tmp_path)[0])) == (RED, BLUE)


@pytest.mark.parametrize("folders", ["A B", "a b", "trainA trainB", "train_A train_B", "train/A train/B"])
def test_two_folders_without_splits(tmp_path: Path, folders: str):
    a, b = folders.split()
    save_folders(tmp_path / a, tmp_path / b, "1.png")
    assert find_pairs(tmp_path).layout == "folders"
    assert tuple(map(colour, dataset(tmp_path)[0])) == (RED, BLUE)


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "VAL"])
def test_side_by_side_pairs_with_splits(tmp_path: Path, validation: str):
    for folder in ("Train", validation, "test"):
        save_pair(tmp_path / folder / f"{folder}.png")
    found = find_pairs(tmp_path)
    assert (found.layout, found.held_out) == ("pairs", False)
    assert [names(tmp_path, split) for split in SPLITS] == [
        ["Train/Train.png"],
        [f"{validation}/{validation}.png"],
        ["test/test.png"],
    ]


def test_side_by_side_pairs_in_the_folder_itself_and_below(tmp_path: Path):
    save_pair(tmp_path / "1.png")
    save_pair(tmp_path / "boots" / "2.PNG")
    assert find_pairs(tmp_path).layout == "pairs"
    assert sorted(names(tmp_path) + names(tmp_path, "val")) == ["1.png", "boots/2.PNG"]
    assert tuple(map(colour, dataset(tmp_path)[0])) == (RED, BLUE)


def test_a_middle_column_too_many_belongs_to_neither_half(tmp_path: Path):
    picture = Image.open(save_pair(tmp_path / "1.png")).crop((0, 0, 65, 32))  # the 65th column is black
    picture.save(tmp_path / "1.png")
    assert tuple(map(colour, dataset(tmp_path)[0])) == (RED, BLUE)


def test_files_of_two_folders_may_differ_in_extension_and_size(tmp_path: Path):
    save(tmp_path / "A" / "shoe.v1.png", RED)
    save(tmp_path / "B" / "shoe.v1.JPEG", GREY, (50, 40))
    assert names(tmp_path) == ["shoe.v1"]
    assert tuple(map(colour, dataset(tmp_path)[0])) == (RED, GREY)


def test_sub_folders_are_part_of_the_name(tmp_path: Path):
    files = ("boots/1.png", "clogs/1.png", "clogs/dutch/1.png")
    save_folders(tmp_path / "trainA", tmp_path / "trainB", *files)
    save_folders(tmp_path / "valA", tmp_path / "valB", *files)
    assert names(tmp_path) == names(tmp_path, "val") == ["boots/1", "clogs/1", "clogs/dutch/1"]


def test_files_without_a_partner_are_named(tmp_path: Path):
    for name in ("A/1", "B/1", "A/2", "B/boots/2"):
        save(tmp_path / f"{name}.png")
    assert names(tmp_path) == ["1"]
    assert find_pairs(tmp_path).left_out == {
        "A/2.png": "no partner of this name in B",
        "B/boots/2.png": "no partner of this name in A",
    }


def test_of_two_files_of_one_name_the_second_is_named(tmp_path: Path):
    for name in ("A/1.jpg", "A/1.png", "B/1.png"):
        save(tmp_path / name)
    found = find_pairs(tmp_path)
    assert [entry.a.name for entry in found.splits["train"]] == ["1.jpg"]
    assert found.left_out == {"A/1.png": "has the name of 1.jpg"}


def test_hidden_files_and_those_that_are_no_images_do_not_count(tmp_path: Path):
    for name in ("1.png", "._1.png", ".cache/2.png", "__MACOSX/3.png"):
        save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    assert names(tmp_path) == names(tmp_path, "val") == ["1.png"]
    assert not find_pairs(tmp_path).left_out


def test_folders_may_be_links(tmp_path: Path):
    save_folders(tmp_path / "elsewhere" / "A", tmp_path / "elsewhere" / "B", "1.png")
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "train").symlink_to(tmp_path / "elsewhere")
    assert tuple(map(colour, dataset(tmp_path / "dataset")[0])) == (RED, BLUE)


def test_the_home_directory_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save_pair(tmp_path / "shoes" / "1.png")
    assert find_pairs("~/shoes").root == tmp_path / "shoes"


def test_a_folder_in_a_folder_is_entered(tmp_path: Path):
    save_pair(tmp_path / "download" / "facades" / "train" / "1.png")
    save_pair(tmp_path / "download" / "facades" / "val" / "2.png")
    (tmp_path / "__MACOSX").mkdir()
    assert names(tmp_path) == ["train/1.png"]
    assert names(tmp_path, "val") == ["val/2.png"]


def test_one_wide_photo_does_not_make_a_folder_of_pairs(tmp_path: Path):
    save_numbered(tmp_path, 3)
    save(tmp_path / "panorama.png", size=(96, 32))
    assert find_pairs(tmp_path).layout == "photos"


def test_a_photo_on_its_side_is_judged_by_how_it_is_looked_at(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32)).save(tmp_path / "1.jpg", exif=exif)
    assert find_pairs(tmp_path).describe().startswith("1 photo, whose edges will be made on the fly, 32x64;")


@pytest.mark.parametrize(
    ("layout", "found"), [("auto", "folders"), ("folders", "folders"), ("pairs", "pairs"), ("photos", "photos")]
)
def test_layout_overrides_the_guess(tmp_path: Path, layout: Layout, found: Layout):
    save_pair(tmp_path / "A" / "1.png")
    save_pair(tmp_path / "B" / "1.png")
    assert find_pairs(tmp_path, layout).layout == found
    assert (find_pairs(tmp_path, layout).splits["train"][0].b is not None) == (found == "folders")


def test_layout_folders_does_not_settle_for_less(tmp_path: Path):
    save_pair(tmp_path / "1.png")
    with pytest.raises(DatasetError, match="nothing to train on"):
        find_pairs(tmp_path, "folders")


# The hold-out


def test_a_tenth_is_held_out_always_the_same_ones(tmp_path: Path):
    save_numbered(tmp_path, 30)
    train, val = names(tmp_path), names(tmp_path, "val")
    assert (len(train), len(val), set(train) & set(val)) == (27, 3, set())
    assert val == ["01.png", "08.png", "14.png"]


def test_the_hold_out_goes_by_name_alone(tmp_path: Path):
    save_numbered(tmp_path / "here", 20)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    for path in (tmp_path / "there").iterdir():
        save(path, BLUE)
    assert names(tmp_path / "here", "val") == names(tmp_path / "there", "val")


def test_at_most_100_are_held_out(tmp_path: Path):
    first = save(tmp_path / "0.png", size=(16, 16))
    for number in range(1, 1_010):
        os.link(first, tmp_path / f"{number}.png")
    found = find_pairs(tmp_path)
    assert (len(found.splits["train"]), len(found.splits["val"]), found.held_out) == (910, 100, True)


@pytest.mark.parametrize(("count", "train", "val"), [(1, 1, 1), (2, 1, 1), (19, 18, 1)])
def test_a_small_folder_has_something_to_train_on_and_to_look_at(tmp_path: Path, count: int, train: int, val: int):
    save_numbered(tmp_path, count)
    assert (len(names(tmp_path)), len(names(tmp_path, "val"))) == (train, val)


# What is wrong with a folder


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"not an image", "broken: cannot identify"),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), "broken: "),
    ],
)
@pytest.mark.parametrize("name", ["bad.png", "bad.jpg"])
def test_a_broken_file_is_left_out_and_named(tmp_path: Path, name: str, content: bytes, reason: str):
    save_numbered(tmp_path, 2)
    (tmp_path / name).write_bytes(content)
    found = find_pairs(tmp_path)
    assert list(found.left_out) == [name]
    assert found.left_out[name].startswith(reason)
    assert name not in names(tmp_path) + names(tmp_path, "val")


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "gif", "tif", "bmp"])
def test_a_truncated_file_is_left_out_and_named(tmp_path: Path, extension: str):
    save_numbered(tmp_path, 2)
    truncate(save_noise(tmp_path / f"cut.{extension}"))
    assert find_pairs(tmp_path).left_out["cut." + extension].startswith("broken: ")


@pytest.mark.parametrize(
    ("layout", "size", "usable"),
    [
        ("photos", (16, 16), True),
        ("photos", (15, 16), False),
        ("photos", (16, 15), False),
        ("pairs", (32, 16), True),
        ("pairs", (31, 16), False),
    ],
)
def test_under_16_pixels_is_too_small(tmp_path: Path, layout: Layout, size: tuple[int, int], usable: bool):
    save(tmp_path / "large.png", size=(64, 32))
    save(tmp_path / "x.png", size=size)
    reason = {} if usable else {"x.png": f"too small: {size[0]}x{size[1]}"}
    assert find_pairs(tmp_path, layout).left_out == reason


def test_a_pair_of_which_one_file_is_broken_is_left_out(tmp_path: Path):
    save_folders(tmp_path / "A", tmp_path / "B", "1.png", "2.png")
    (tmp_path / "B" / "2.png").write_text("not an image")
    assert (names(tmp_path), list(find_pairs(tmp_path).left_out)) == (["1"], ["B/2.png"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes that are files")
def test_a_pipe_is_not_waited_for(tmp_path: Path):
    save_numbered(tmp_path, 1)
    os.mkfifo(tmp_path / "pipe.png")
    found = find_pairs(tmp_path)
    assert ([entry.name for entry in found.splits["train"]], found.left_out) == (["00.png"], {})


def test_a_link_that_leads_nowhere_is_left_out_and_named(tmp_path: Path):
    save_numbered(tmp_path, 1)
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert find_pairs(tmp_path).left_out == {
        "link.png": "cannot be opened: No such file or directory",
        "loop.png": "cannot be opened: Too many levels of symbolic links",
    }


def test_names_that_are_no_text_are_left_out_and_told(tmp_path: Path):
    """As the zips of other systems have them."""
    save_numbered(tmp_path, 1)
    try:
        os.rename(tmp_path / "00.png", os.fsencode(tmp_path) + b"/caf\xe9.png")
    except OSError:
        pytest.skip("this file system takes no such names")
    save_numbered(tmp_path, 2)
    assert find_pairs(tmp_path).left_out == {
        "caf?.png": "its name, or that of its folder, is not in UTF-8: rename it"
    }  # fmt: skip


def test_damaged_exif_does_not_spoil_a_picture(tmp_path: Path):
    Image.new("RGB", (32, 32), RED).save(tmp_path / "1.png", exif=b"garbage!")
    assert not find_pairs(tmp_path).left_out
    assert colour(dataset(tmp_path)[0][1]) == RED


def test_a_decompression_bomb_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save_numbered(tmp_path, 1)
    save(tmp_path / "bomb.png", size=(100, 100))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2_000)
    assert "bomb" in find_pairs(tmp_path).left_out["bomb.png"]


def test_nothing_usable_says_what_was_looked_for_and_what_was_there(tmp_path: Path):
    (tmp_path / "masks").mkdir()
    for name in ("1.txt", "2.txt", "shoes.zip", "0.png"):
        (tmp_path / name).touch()
    with pytest.raises(DatasetError) as raised:
        find_pairs(tmp_path)
    for words in ("side-by-side pairs or photos", "A/ and B/", "trainA/ and trainB/"):
        assert words in str(raised.value)
    for words in ("masks/, 2 .txt files", "1 .zip file", "1 image left out, such as 0.png (an empty file)"):
        assert words in str(raised.value)


def test_an_empty_folder_has_nothing(tmp_path: Path):
    with pytest.raises(DatasetError, match="There was: nothing"):
        find_pairs(tmp_path)


def test_two_folders_without_common_names_say_so(tmp_path: Path):
    save(tmp_path / "A" / "1.png")
    save(tmp_path / "B" / "2.png")
    with pytest.raises(DatasetError, match=r"2 images left out, such as A/1.png \(no partner of this name in B\)"):
        find_pairs(tmp_path)


@pytest.mark.parametrize(("name", "words"), [("gone", "is not there"), ("file.png", "is a file")])
def test_what_is_no_folder_is_said(tmp_path: Path, name: str, words: str):
    save(tmp_path / "file.png")
    with pytest.raises(DatasetError, match=words):
        find_pairs(tmp_path / name)


# The sentence


def test_describe_photos(tmp_path: Path):
    save_numbered(tmp_path, 20)
    (tmp_path / "empty.png").touch()
    assert find_pairs(tmp_path).describe() == (
        "20 photos, whose edges will be made on the fly, 32x32; 18 to train on; 2 held out to look at; 1 file left out."
    )


def test_describe_pairs_with_splits(tmp_path: Path):
    for split in SPLITS:
        save_pair(tmp_path / split / "1.png")
    assert find_pairs(tmp_path).describe() == (
        "3 pairs side by side, A on the left, 64x32; 1 to train on; 1 to look at; 1 to test on."
    )


def test_describe_two_folders(tmp_path: Path):
    save_folders(tmp_path / "A", tmp_path / "B", "1.png", "2.png")
    assert find_pairs(tmp_path).describe().startswith("2 pairs in two folders, A and B, 32x32; 1 to train on; 1 held")


# Pairs


def test_a_pair_is_two_tensors_of_the_crop_size(tmp_path: Path):
    save_twins(tmp_path / "1.png")
    for image in dataset(tmp_path, load_size=24, crop_size=16)[0]:
        assert (image.shape, image.dtype) == ((3, 16, 16), torch.float32)
        assert -1 <= image.min() < -0.5 < 0.5 < image.max() <= 1


@pytest.mark.parametrize(("direction", "expected"), [("AtoB", (RED, BLUE)), ("BtoA", (BLUE, RED))])
def test_direction(tmp_path: Path, direction: str, expected: tuple[RGB, RGB]):
    save_pair(tmp_path / "sides" / "1.png")
    save_folders(tmp_path / "A", tmp_path / "B", "1.png")
    for root in (tmp_path / "sides", tmp_path):
        assert tuple(map(colour, dataset(root, direction=direction)[0])) == expected


def test_iterating_goes_through_every_pair_once(tmp_path: Path):
    pairs = dataset(save_numbered(tmp_path, 9))
    assert len(pairs) == 8
    assert len({colour(photo) for _, photo in pairs}) == 8  # pyright: ignore[reportGeneralTypeIssues]


@pytest.mark.parametrize("index", [1, -1])
def test_an_index_that_is_not_there(tmp_path: Path, index: int):
    save_pair(tmp_path / "1.png")
    with pytest.raises(IndexError):
        dataset(tmp_path)[index]


def test_crop_size_may_not_exceed_load_size(tmp_path: Path):
    save_pair(tmp_path / "1.png")
    with pytest.raises(ValueError, match="load_size 15 is below crop_size 16"):
        dataset(tmp_path, load_size=15, crop_size=16)


def test_a_split_a_direction_or_a_layout_that_there_is_not_is_named(tmp_path: Path):
    save_pair(tmp_path / "1.png")
    found = find_pairs(tmp_path)
    with pytest.raises(ValueError, match="no split 'validation': take one of train, val, test"):
        PairedImages(found, "validation")
    with pytest.raises(ValueError, match="direction 'BA' is neither AtoB nor BtoA"):
        PairedImages(found, direction="BA")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="layout 'pair' is not one of auto, pairs, "):
        find_pairs(tmp_path, layout="pair")  # pyright: ignore[reportArgumentType]


def test_looking_cuts_out_the_centre(tmp_path: Path):
    save_twins(tmp_path / "1.png", side=40)
    a, b = dataset(tmp_path, load_size=40, crop_size=16).pictures(0)
    whole = np.asarray(Image.open(tmp_path / "1.png"))
    assert (np.asarray(a) == whole[12:28, 12:28]).all()
    assert (np.asarray(b) == whole[12:28, 52:68]).all()


def test_training_crops_everywhere_and_mirrors_half(tmp_path: Path):
    whole = np.asarray(Image.open(save_twins(tmp_path / "1.png", side=20)))[:, :20]
    pairs = dataset(tmp_path, load_size=20, crop_size=16, augment=True)
    windows = {
        whole[top : top + 16, left : left + 16][:, ::step].tobytes(): (top, left, step)
        for top in range(5)
        for left in range(5)
        for step in (1, -1)
    }
    seen = [windows[np.asarray(pairs.pictures((epoch, 0))[0]).tobytes()] for epoch in range(300)]
    assert {place for place, _ in zip(seen, seen, strict=True)} == set(windows.values())
    assert 100 < sum(step == -1 for *_, step in seen) < 200


def test_both_halves_are_cropped_and_mirrored_alike(tmp_path: Path):
    save_twins(tmp_path / "1.png")
    pairs = dataset(tmp_path, load_size=24, crop_size=16, augment=True)
    for epoch in range(20):
        a, b = pairs[epoch, 0]
        assert torch.equal(a, b)


def test_flip_can_be_turned_off(tmp_path: Path):
    save_twins(tmp_path / "1.png")
    pairs = dataset(tmp_path, load_size=16, crop_size=16, augment=True, flip=False)
    assert all(torch.equal(pairs[epoch, 0][0], pairs[0][0]) for epoch in range(20))


def test_augmentation_depends_on_seed_epoch_and_index_alone(tmp_path: Path):
    for number in range(3):
        save_twins(tmp_path / f"{number}.png")
    keys = [(0, 0), (0, 1), (1, 0), (1, 1)]
    first, second = (dataset(tmp_path, load_size=64, augment=True, seed=7) for _ in range(2))
    there, back = {key: first[key] for key in keys}, {key: second[key] for key in reversed(keys)}
    assert all(torch.equal(there[key][0], back[key][0]) for key in keys)


def test_augmentation_differs_between_seeds_epochs_and_pairs(tmp_path: Path):
    for number in range(3):
        save_twins(tmp_path / f"{number}.png")
    pictures = [
        dataset(tmp_path, load_size=64, augment=True, seed=seed)[epoch, index][0].numpy().tobytes()
        for seed in (0, 1)
        for epoch in (0, 1)
        for index in (0, 1)
    ]
    assert len(set(pictures)) == len(pictures)


def test_photos_get_their_edges_on_the_fly(tmp_path: Path):
    photo = Image.new("RGB", (64, 64), "white")
    photo.paste((90, 20, 20), (16, 16, 48, 48))
    photo.save(tmp_path / "1.png")
    drawing, shown = dataset(tmp_path, load_size=64, crop_size=64).pictures(0)
    assert shown.tobytes() == photo.tobytes()
    assert drawing.tobytes() == edges(photo).tobytes()
    assert 0.01 < (np.asarray(drawing) < 128).mean() < 0.2


def test_edges_are_drawn_in_a_style_that_varies_in_training(tmp_path: Path):
    photo = Image.new("RGB", (64, 64), "white")
    photo.paste((90, 20, 20), (16, 16, 48, 48))
    photo.save(tmp_path / "1.png")
    pairs = dataset(tmp_path, load_size=64, crop_size=64, augment=True, flip=False)
    assert len({pairs[epoch, 0][0].numpy().tobytes() for epoch in range(4)}) == 4
    assert len({pairs[epoch, 0][1].numpy().tobytes() for epoch in range(4)}) == 1


# Colour hints


def save_squares(root: Path, count: int, colour: tuple[int, int, int] = (90, 60, 30)) -> Path:
    """Photos of a square on white, brown if nothing else is said."""
    root.mkdir(exist_ok=True)
    for number in range(count):
        photo = Image.new("RGB", (64, 64), "white")
        photo.paste((*colour[:2], colour[2] + number), (16, 16, 48, 48))
        photo.save(root / f"{number}.png")
    return root


def has_hints(drawing: Image.Image) -> bool:
    pixels = np.asarray(drawing)
    return bool((pixels != pixels[..., :1]).any())


def test_half_of_the_drawings_have_colour_hints(tmp_path: Path):
    root = save_squares(tmp_path, 2)
    pairs = dataset(root, load_size=64, crop_size=64, augment=True, hints=True)
    hinted = [has_hints(pairs.pictures((epoch, 0))[0]) for epoch in range(200)]
    assert 70 < sum(hinted) < 130
    plain = dataset(root, load_size=64, crop_size=64, augment=True)
    assert not any(has_hints(plain.pictures((epoch, 0))[0]) for epoch in range(20))


def test_what_is_vivid_always_has_hints(tmp_path: Path):
    for name, colour in {"red": (170, 20, 30), "navy": (30, 40, 100), "green": (40, 120, 60)}.items():
        pairs = dataset(save_squares(tmp_path / name, 2, colour), load_size=64, crop_size=64, augment=True, hints=True)
        assert all(has_hints(pairs.pictures((epoch, 0))[0]) for epoch in range(20)), name


def test_a_drawing_without_hints_keeps_its_photo(tmp_path: Path):
    pairs = dataset(save_squares(tmp_path, 2), load_size=64, crop_size=64, augment=True, hints=True)
    photos: dict[bool, set[bytes]] = {True: set(), False: set()}
    for epoch in range(40):
        drawing, photo = pairs.pictures((epoch, 0))
        photos[has_hints(drawing)].add(photo.tobytes())
    assert len(photos[False]) == 1
    assert len(photos[True]) > 5  # colours that the hints ask for


@pytest.mark.parametrize("augment", [True, False])
def test_hints_depend_on_seed_epoch_and_index_alone(tmp_path: Path, augment: bool):
    root = save_squares(tmp_path, 9)
    options = {"load_size": 64, "crop_size": 64, "augment": augment, "hints": True}
    first, second, other = (dataset(root, seed=seed, **options) for seed in (7, 7, 8))
    keys = [(epoch, index) for epoch in (0, 1) for index in range(8)]
    there, back = {key: first[key] for key in keys}, {key: second[key] for key in reversed(keys)}
    assert all(torch.equal(there[key][half], back[key][half]) for key in keys for half in (0, 1))
    assert any(not torch.equal(there[key][1], other[key][1]) for key in keys)


def save_drawn_pair(path: Path, line: str = "black") -> Path:
    """The outline of a square, and a square that is red all over: vivid."""
    picture = Image.new("RGB", (128, 64), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((12, 12, 52, 52), outline=line)
    draw.rectangle((76, 12, 116, 52), fill="red")
    picture.save(path)
    return path


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_half_of_the_pairs_get_hints_and_the_others_stay_as_they_are(tmp_path: Path, direction: str):
    path = save_drawn_pair(tmp_path / "1.png")
    if direction == "BtoA":
        ImageOps.mirror(Image.open(path)).save(path)
    options = {"load_size": 64, "crop_size": 64, "augment": True, "flip": False, "direction": direction}
    plain, pairs = dataset(tmp_path, **options), dataset(tmp_path, hints=True, **options)
    as_it_is, seen = plain.pictures(0), [pairs.pictures((epoch, 0)) for epoch in range(60)]
    hinted = [pair for pair in seen if pair != as_it_is]
    assert 15 < len(hinted) < 45
    for drawing, photo in hinted:
        assert has_hints(drawing)
        lines = np.asarray(as_it_is[0].convert("L")) < 64
        assert (np.asarray(drawing.convert("L"))[lines] < 64).all()  # under the lines
        assert (np.asarray(photo)[:8] == 255).all()  # the paper stays
    assert len({photo.tobytes() for _, photo in hinted}) > 5  # colours that the hints ask for


def test_a_drawing_with_colours_of_its_own_gets_no_hints(tmp_path: Path):
    save_drawn_pair(tmp_path / "1.png", line="blue")
    plain, pairs = (dataset(tmp_path, load_size=64, crop_size=64, hints=hints) for hints in (False, True))
    assert all(pairs.pictures((epoch, 0)) == plain.pictures(0) for epoch in range(20))


def test_hints_are_made_on_the_cpu(tmp_path: Path):
    save_drawn_pair(tmp_path / "1.png")
    assert ResidentPairs.fits(dataset(tmp_path))
    assert not ResidentPairs.fits(dataset(tmp_path, hints=True))


# Wandering


def test_half_of_the_photos_are_moved_and_stay_in_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dataset_module, "GAP_SHARE", 0)
    options = {"load_size": 72, "crop_size": 64, "augment": True, "flip": False}
    root = save_squares(tmp_path, 2)
    plain = dataset(root, **options)
    pairs = dataset(root, random_affine=True, **options)
    seen = [pairs.pictures((epoch, 0)) for epoch in range(100)]
    moved = [pair for epoch, pair in enumerate(seen) if pair[1] != plain.pictures((epoch, 0))[1]]
    assert 30 < len(moved) < 70
    areas, middles = [], []
    for drawing, photo in moved:
        square = np.asarray(photo.convert("L")) < 180
        rim = np.asarray(drawing.convert("L")) < 180
        assert square.sum() == square[1:-1, 1:-1].sum()  # whole
        assert rim.any()
        assert cv2.dilate(square.astype(np.uint8), np.ones((7, 7)))[rim].all()  # drawn from what is seen
        areas.append(square.mean())
        middles.append(np.argwhere(square).mean(axis=0))
    assert 0.07 < min(areas) < 0.13  # of the picture; as it is, a quarter
    assert 0.2 < max(areas) <= 0.26
    assert np.ptp(middles, axis=0).min() > 8


def test_a_fifth_of_them_have_a_gap_that_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dataset_module, "AFFINE_SHARE", 0)
    root = save_squares(tmp_path, 2)
    options = {"load_size": 64, "crop_size": 64, "augment": True, "flip": False}
    plain, pairs = dataset(root, **options), dataset(root, random_affine=True, **options)
    whole = np.asarray(plain.pictures(0)[1].convert("L")) < 180
    gaps = 0
    for epoch in range(200):
        drawing, photo = pairs.pictures((epoch, 0))
        gap = whole & (np.asarray(photo.convert("L")) > 200)
        if not gap.any():
            continue
        gaps += 1
        rows = np.flatnonzero(gap.any(axis=1))
        square = np.flatnonzero(whole.any(axis=1))
        assert rows[-1] >= square[-1] - 1  # it enters from below
        assert rows[0] > square[0]  # and leaves the top whole
        lines = np.asarray(drawing.convert("L")) < 180
        assert lines[cv2.dilate(gap.astype(np.uint8), np.ones((5, 5))).astype(bool) & whole].any()
    assert 20 < gaps < 60


def test_pictures_to_look_at_are_not_moved(tmp_path: Path):
    root = save_squares(tmp_path, 2)
    still, plain = (
        dataset(root, load_size=72, crop_size=64, random_affine=random_affine) for random_affine in (True, False)
    )
    assert all(still.pictures((epoch, 0)) == plain.pictures((epoch, 0)) for epoch in range(5))


def test_a_random_affine_needs_photos_alone(tmp_path: Path):
    save_pair(tmp_path / "1.png")
    with pytest.raises(DatasetError, match=f"a random affine needs photos alone.*{tmp_path.name} has pairs"):
        dataset(tmp_path, random_affine=True)


# Labels


def save_labelled(path: Path, direction: str, **options) -> Image.Image:
    """A pair of labels and noise, the labels in the half that `direction` makes the input; returns the labels."""
    labels, photo = Image.new("RGB", (48, 48), CMP["facade"]), Image.effect_noise((48, 48), 60)
    labels.paste(CMP["window"], (10, 11, 21, 30))
    labels.paste(CMP["pillar"], (30, 0, 37, 48))
    pair = Image.new("RGB", (96, 48))
    pair.paste(labels, (0 if direction == "AtoB" else 48, 0))
    pair.paste(photo, (48 if direction == "AtoB" else 0, 0))
    pair.save(path, **options)
    return labels


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_labels_have_only_their_own_colours_after_resizing(tmp_path: Path, direction: str):
    save_labelled(tmp_path / "1.png", direction)
    a, b = dataset(tmp_path, load_size=37, crop_size=32, direction=direction, palette=CMP)[0]
    assert colours_of(a) == {CMP["facade"], CMP["window"], CMP["pillar"]}
    assert len(colours_of(b)) > len(CMP)


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_labels_smeared_by_jpeg_are_repaired(tmp_path: Path, direction: str):
    labels = save_labelled(tmp_path / "1.jpg", direction, quality=85, subsampling=0)
    a, _ = dataset(tmp_path, load_size=48, crop_size=48, direction=direction, palette=CMP).pictures(0)
    assert set(map(tuple, np.asarray(a).reshape(-1, 3))) <= set(CMP.values())
    assert (np.asarray(a) == np.asarray(labels)).all(axis=2).mean() > 0.9


def test_without_a_palette_labels_are_resized_like_any_picture(tmp_path: Path):
    save_pair(tmp_path / "A" / "1.png")
    save_pair(tmp_path / "B" / "1.png")
    a, _ = dataset(tmp_path, load_size=19, crop_size=19)[0]
    assert len(colours_of(a)) > 2


def test_photos_alone_have_no_labels_to_snap(tmp_path: Path):
    save(tmp_path / "1.png", GREY)
    assert colour(dataset(tmp_path, palette=CMP)[0][1]) == GREY


# A big folder, which is not looked through when it is opened


@pytest.fixture
def big(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Counts as big: 0.png … 8.png to train on, each of the colour of its number, one of the ten held out."""
    monkeypatch.setattr(pairs, "CHECKED_FILES", 5)
    monkeypatch.setattr(dataset_module, "KEPT_BYTES", 0)
    for number in range(10):
        save(tmp_path / "train" / f"{number}.png", (number, 0, 0))
    save(tmp_path / "val" / "1.png")
    return tmp_path


def test_a_truncated_file_of_a_big_folder_is_replaced_by_the_next_and_logged_once(
    big: Path, caplog: pytest.LogCaptureFixture
):
    truncate(big / "train" / "3.png")
    pairs = dataset(big)
    assert pairs.found.left_out == {}
    with caplog.at_level(logging.WARNING):
        photos = [colour(pairs[3][1]) for _ in range(3)]
    assert photos == [(4, 0, 0)] * 3
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["train/3.png is left out"]
    assert "truncated" in pairs.found.left_out["train/3.png"]


def test_after_the_last_file_of_a_big_folder_comes_the_first(big: Path):
    (big / "train" / "9.png").write_text("not an image")
    assert colour(dataset(big)[9][1]) == (0, 0, 0)


@pytest.mark.parametrize("size", [(15, 16), (1, 1)])
def test_a_tiny_file_of_a_big_folder_is_replaced_too(big: Path, size: tuple[int, int]):
    save(big / "train" / "3.png", size=size)
    pairs = dataset(big)
    assert colour(pairs[3][1]) == (4, 0, 0)
    assert pairs.found.left_out == {"train/3.png": f"too small: {size[0]}x{size[1]}"}


def test_a_big_folder_is_not_opened_file_by_file(big: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pairs, "_problem", lambda *_: pytest.fail("looked into a file"))
    assert len(find_pairs(big).splits["train"]) == 10


def test_a_big_dataset_is_not_kept_in_memory(big: Path):
    pairs = dataset(big)
    pairs[0]
    save(big / "train" / "0.png", BLUE)
    assert colour(pairs[0][1]) == BLUE


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_resident_pairs_are_the_same_pairs(pairs: Path, direction: Literal["AtoB", "BtoA"]):
    dataset = PairedImages(
        find_pairs(pairs), direction=direction, load_size=40, crop_size=32, augment=True, palette=CMP
    )
    keys = [(epoch, index) for epoch in range(3) for index in (0, 4, 2)]
    a, b = ResidentPairs(dataset, torch.device("cpu"))[keys]
    expected_a, expected_b = (torch.stack(half) for half in zip(*(dataset[key] for key in keys), strict=True))
    assert torch.equal(a, expected_a)
    assert torch.equal(b, expected_b)


def test_photos_and_large_sets_do_not_become_resident(pairs: Path, monkeypatch: pytest.MonkeyPatch):
    assert ResidentPairs.fits(PairedImages(find_pairs(pairs)))
    assert not ResidentPairs.fits(PairedImages(find_pairs(pairs, "photos")))
    monkeypatch.setattr("pix2pix.data.dataset.KEPT_BYTES", 1000)
    assert not ResidentPairs.fits(PairedImages(find_pairs(pairs)))


def test_a_small_dataset_is_decoded_once_and_kept(tmp_path: Path):
    pairs = dataset(save_numbered(tmp_path, 1))
    pairs[0]
    shutil.rmtree(tmp_path)
    assert colour(pairs[0][1]) == (0, 0, 0)


def test_a_dataset_deleted_after_opening_is_said_and_not_file_by_file(big: Path, caplog: pytest.LogCaptureFixture):
    pairs = dataset(big)
    shutil.rmtree(big)
    with pytest.raises(DatasetError, match="is not there any more"):
        pairs[0]
    assert not caplog.records


def test_a_dataset_emptied_after_opening_is_said(big: Path):
    pairs = dataset(big)
    shutil.rmtree(big / "train")
    with pytest.raises(DatasetError, match=r"not one picture in .* can be read any more"):
        pairs[0]


def test_a_folder_of_what_is_no_picture_says_why(tmp_path: Path):
    (tmp_path / "shoe.png").write_bytes(b"%PDF-1.4")
    pairs = PairedImages(find_pairs(tmp_path, open_files=False), "train", load_size=20, crop_size=16)
    with pytest.raises(DatasetError, match=r"not one picture in .* can be read: PDF is not read"):
        pairs[0]


# The order


def order(length: int, batch_size: int, count: int, **options) -> list[list[tuple[int, int]]]:
    return list(islice(ShuffledBatches(length, batch_size, seed=3, **options), count))


def test_each_epoch_has_each_pair_once():
    pairs = list(chain.from_iterable(order(length=7, batch_size=1, count=21)))
    assert [epoch for epoch, _ in pairs] == [0] * 7 + [1] * 7 + [2] * 7
    for epoch in range(3):
        assert sorted(index for _, index in pairs[7 * epoch : 7 * epoch + 7]) == list(range(7))


def test_each_epoch_is_shuffled_anew_from_the_seed():
    epochs = [[index for _, index in chain(*order(50, 50, 1, start=epoch))] for epoch in range(3)]
    other_seed = [index for _, index in next(iter(ShuffledBatches(50, 50, seed=4)))]
    assert len({tuple(indices) for indices in (*epochs, other_seed, range(50))}) == 5
    assert order(50, 50, 3) == order(50, 50, 3)


def test_a_batch_may_straddle_epochs():
    assert [[epoch for epoch, _ in batch] for batch in order(length=3, batch_size=2, count=3)] == [
        [0, 0],
        [0, 1],
        [1, 1],
    ]
    assert [epoch for epoch, _ in order(length=1, batch_size=3, count=1)[0]] == [0, 1, 2]


@pytest.mark.parametrize("start", [1, 4, 5, 13])
@pytest.mark.parametrize("shards", [1, 2])
def test_the_order_resumes_at_any_step(start: int, shards: int):
    whole = order(length=9, batch_size=2, count=20, shard=shards - 1, shards=shards)
    assert order(9, 2, 20 - start, start=start, shard=shards - 1, shards=shards) == whole[start:]


@pytest.mark.parametrize("shards", [2, 3])
def test_shards_share_out_the_pairs_of_each_step(shards: int):
    alone = order(length=10, batch_size=2 * shards, count=12)
    shared = zip(*(order(10, 2, 12, shard=shard, shards=shards) for shard in range(shards)), strict=True)
    assert [list(chain(*step)) for step in shared] == alone
