"""The dataset doctor: every kind of oddity is found in pictures drawn for it, and a sound dataset has none."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pix2pix.data.doctor import Finding, Report, examine
from pix2pix.data.kinds import kind_of
from pix2pix.data.pairs import find_pairs
from pix2pix.doctor import main
from pix2pix.palette import CMP
from tests.scenes import COLOURS, photo, save, scene

COUNT = 60  # pairs: fewer would be said to be few


def drawn(index: int, size: int = 64) -> tuple[Image.Image, Image.Image]:
    """A box in outline at a place of its own, and the same box filled."""
    rng = np.random.default_rng(index)
    pair = []
    left, top, width, height = rng.integers((4, 4, 12, 12), (30, 30, 30, 30))
    box = (left, top, left + width, top + height)
    for fill in (None, tuple(rng.integers(0, 200, 3).tolist())):
        picture = Image.new("RGB", (size, size), "white")
        ImageDraw.Draw(picture).rectangle(box, fill=fill, outline="black", width=2)
        pair.append(picture)
    return pair[0], pair[1]


def beside(a: Image.Image, b: Image.Image) -> Image.Image:
    whole = Image.new("RGB", (a.width + b.width, a.height))
    whole.paste(a, (0, 0))
    whole.paste(b, (a.width, 0))
    return whole


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Writes pairs side by side to a folder; `change` may alter those of some numbers."""

    def make(change: Callable[[int], tuple[Image.Image, Image.Image]] = drawn, below: str = "train") -> Path:
        folder = tmp_path / "dataset" / below
        folder.mkdir(parents=True)
        for index in range(COUNT):
            beside(*change(index)).save(folder / f"{index:03d}.png")
        return tmp_path / "dataset"

    return make


def last(folder: Path, open_files: bool = True) -> Report:
    return list(examine(find_pairs(folder, open_files=open_files)))[-1]


def only(findings: tuple[Finding, ...], word: str) -> Finding:
    (finding,) = (finding for finding in findings if word in finding.what)
    return finding


def test_a_sound_dataset_is_reported_as_one(make: Callable[..., Path]):
    report = last(make())
    assert report.done
    assert report.findings == ()
    assert report.leave_out == ()
    assert report.a
    assert report.a.kind == "edges"


def test_reports_come_on_the_way(make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pix2pix.data.doctor.BATCH", 16)
    reports = list(examine(find_pairs(make())))
    assert [report.looked_at for report in reports] == [0, 16, 32, 48, 60]
    assert [report.done for report in reports] == [False] * 4 + [True]


def test_blank_pairs_are_left_out(make: Callable[..., Path]):
    def change(index: int) -> tuple[Image.Image, Image.Image]:
        a, b = drawn(index)
        return (Image.new("RGB", a.size, (250, 251, 250)), b) if index in (3, 7) else (a, b)

    folder = make(change)
    report = last(folder)
    assert only(report.findings, "blank").files == ("train/003.png", "train/007.png")
    assert "Left out" in only(report.findings, "blank").action
    assert report.leave_out == ("train/003.png", "train/007.png")
    found = find_pairs(folder, leave_out=report.leave_out)
    names = {entry.name for entries in found.splits.values() for entry in entries}
    assert len(names) == COUNT - 2
    assert not names & set(report.leave_out)


@pytest.mark.parametrize(
    ("draw", "even"),
    [
        (lambda index: COLOURS[scene(index)[0]], COLOURS[2]),  # in colours
        (lambda index: scene(index)[0].astype(np.uint8), 0),  # in numbers of classes
        (lambda index: np.where(scene(index)[0] > 1, 255, 0).astype(np.uint8), 0),  # a mask, and nothing masked
    ],
)
def test_a_label_map_of_one_class_is_not_blank(tmp_path: Path, draw: Callable[[int], np.ndarray], even: object):
    for index in range(COUNT):
        drawn = draw(index)
        save(np.full_like(drawn, even) if index in (3, 7) else drawn, tmp_path / "A" / f"{index:03d}.png")
        save(photo(index), tmp_path / "B" / f"{index:03d}.png")
    save(np.full((64, 64, 3), 250, np.uint8), tmp_path / "B" / "009.png")
    report = last(tmp_path)
    assert only(report.findings, "all of one class").files == ("A/003.png", "A/007.png")
    assert report.leave_out == ("A/009.png",), "but a picture with nothing on it is"
    assert not [finding for finding in report.findings if "line up" in finding.what]


def test_copies_are_left_out_and_the_first_of_them_stays(make: Callable[..., Path]):
    report = last(make(lambda index: drawn(5 if index == 50 else index)))
    finding = only(report.findings, "cop")
    assert finding.what == "1 pair is a copy of another"
    assert finding.files == report.leave_out
    assert report.leave_out in (("train/050.png",), ("train/005.png",))  # one of them may have been held out


def test_what_is_in_train_too_is_left_out_of_val(make: Callable[..., Path]):
    folder = make()
    (folder / "val").mkdir()
    beside(*drawn(1000)).save(folder / "val" / "new.png")
    shutil.copy(folder / "train" / "004.png", folder / "val" / "seen.png")
    report = last(folder)
    assert only(report.findings, "also in train").files == ("val/seen.png",)
    assert report.leave_out == ("val/seen.png",)


def test_what_cannot_be_read_is_found_even_if_it_was_not_opened_before(make: Callable[..., Path]):
    folder = make()
    (folder / "train" / "009.png").write_bytes((folder / "train" / "009.png").read_bytes()[:99])
    report = last(folder, open_files=False)
    finding = only(report.findings, "cannot be used")
    assert finding.files[0].startswith("train/009.png: broken: ")
    assert finding.what == f"1 file cannot be used: {finding.files[0].removeprefix('train/009.png: ')}"
    assert "train/009.png" in report.leave_out
    assert only(last(folder).findings, "cannot be used").files[0].startswith("train/009.png: ")
    (folder / "train" / "008.png").write_bytes(b"no picture")
    two = "2 files cannot be used, the first for this reason: broken: cannot identify image file: it holds text"
    assert only(last(folder).findings, "cannot be used").what == two


def test_unpaired_names_and_unequal_sizes_of_two_folders(tmp_path: Path):
    for side in "AB":
        (tmp_path / side).mkdir()
    for index in range(COUNT):
        a, b = drawn(index)
        a.save(tmp_path / "A" / f"{index}.png")
        b.resize((80, 64) if index == 2 else b.size).save(tmp_path / "B" / f"{index}.png")
    drawn(99)[0].save(tmp_path / "A" / "alone.png")
    findings = last(tmp_path).findings
    assert only(findings, "partner").files == ("A/alone.png",)
    assert only(findings, "different sizes").files == ("A/2.png",)


def test_a_shifted_half_is_found_with_its_way(make: Callable[..., Path]):
    def change(index: int) -> tuple[Image.Image, Image.Image]:
        a, b = drawn(index)
        moved = Image.new("RGB", b.size, "white")
        moved.paste(b, (6, 0))
        return a, moved

    finding = only(last(make(change)).findings, "B lies")
    assert finding.what == "B lies 9 % right of where it would fit A"


def test_pairs_that_do_not_belong_together_are_found(make: Callable[..., Path]):
    finding = only(last(make(lambda index: (drawn(index)[0], drawn((index + 7) % COUNT)[1]))).findings, "in common")
    assert "the right ones are paired" in finding.action


def test_single_strays_are_named(make: Callable[..., Path]):
    def change(index: int) -> tuple[Image.Image, Image.Image]:
        return drawn(index)[0], drawn(500 if index == 30 else index)[1]

    assert only(last(make(change)).findings, "line up").files == ("train/030.png",)


@pytest.mark.parametrize("quality", [None, 90])
def test_the_colours_of_facade_labels_are_recognised(quality: int | None, tmp_path: Path):
    assert kind_of([labels(tmp_path, index, list(CMP.values())[:5], quality) for index in range(8)]).palette is CMP


def test_other_label_colours_are_listed(tmp_path: Path):
    colours = [(200, 30, 30), (30, 200, 30), (90, 90, 90), (240, 240, 20)]
    kinds = kind_of([labels(tmp_path, index, colours) for index in range(8)])
    assert kinds.kind == "labels"
    assert kinds.palette
    assert len(kinds.palette) == 4
    near = [min(np.abs(np.subtract(colour, other)).max() for other in kinds.palette.values()) for colour in colours]
    assert max(near) <= 2


def labels(folder: Path, index: int, colours: list[tuple[int, int, int]], quality: int | None = None) -> Image.Image:
    """Rectangles of these colours, as PNG or as a JPEG."""
    rng = np.random.default_rng(index)
    picture = Image.new("RGB", (128, 128), colours[0])
    for place in range(12):
        left, top = rng.integers(0, 90, 2).tolist()
        ImageDraw.Draw(picture).rectangle((left, top, left + 30, top + 30), fill=colours[place % len(colours)])
    if quality is None:
        return picture
    picture.save(folder / "labels.jpg", quality=quality)
    with Image.open(folder / "labels.jpg") as read:
        return read.convert("RGB")


def test_photos_are_no_label_maps():
    rng = np.random.default_rng(0)
    photos = []
    for _ in range(8):
        low = Image.fromarray(rng.integers(0, 255, (5, 5, 3), np.uint8))
        photos.append(low.resize((128, 128), Image.Resampling.BICUBIC))
    assert kind_of(photos).kind == "image"


def test_a_few_pairs_are_said_to_be_few(make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.test_doctor.COUNT", 6)
    assert only(last(make()).findings, "little").what == "5 pictures to train on is little"


def test_the_command_line_says_it_too(make: Callable[..., Path], capsys: pytest.CaptureFixture[str]):
    folder = make(lambda index: drawn(5 if index > 50 else index))
    assert main(str(folder)) == 0
    said = capsys.readouterr().out
    assert said.startswith("60 pictures: 60 in train/.\n60 pairs side by side")
    assert "9 pairs are copies of others. Left out, so that none counts twice." in said
    assert "… and 4 more" in said
    assert said.count("train/0") == 5 + 9
    assert main(str(folder / "nothing")) == 2
    assert "is not there" in capsys.readouterr().err
