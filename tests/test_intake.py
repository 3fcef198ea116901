"""Uploads become folders, and never write outside of theirs."""

import zipfile
from pathlib import Path

import pytest
from PIL import Image

from pix2pix.data import folders
from pix2pix.data.doctor import examine
from pix2pix.data.folders import IntakeError, unused_name
from pix2pix.data.intake import bring, demo, receive
from pix2pix.data.pairs import find_pairs


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIX2PIX_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("RGB", (32, 16)).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def make_zip(path: Path, picture: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), picture.read_bytes())  # `write` would tidy the name up
    return path


def test_only_the_pictures_of_a_zip_are_unpacked(tmp_path: Path, picture: Path, runs: Path):
    archive = make_zip(
        tmp_path / "my shoes.zip", picture, "shoes/train/1.png", "shoes/notes.txt", "__MACOSX/shoes/1.png"
    )
    folder = receive([archive])
    assert folder == runs / "datasets" / "my-shoes"
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.*")] == ["shoes/train/1.png"]
    assert receive([archive]).name == "my-shoes-2"


def test_a_damaged_zip_is_said_in_words(tmp_path: Path, picture: Path, runs: Path):
    archive = tmp_path / "damaged.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("1.png", bytes(1000) + picture.read_bytes())
    data = bytearray(archive.read_bytes())
    data[40:60] = b"\xff" * 20  # the packed bytes, behind the header of 35
    archive.write_bytes(data)
    with pytest.raises(IntakeError, match="cannot be unpacked"):
        receive([archive])
    assert list((runs / "datasets").iterdir()) == []


def test_pictures_are_put_into_a_folder(picture: Path, runs: Path):
    assert [path.name for path in receive([picture]).iterdir()] == ["picture.png"]


@pytest.mark.parametrize(
    "name", ["../outside.png", "/outside.png", "a/../../outside.png", "..\\outside.png", "C:\\x.png"]
)
def test_a_zip_cannot_write_outside(tmp_path: Path, picture: Path, runs: Path, name: str):
    before = set(tmp_path.rglob("*.png"))
    with pytest.raises(IntakeError, match="outside of its folder"):
        receive([make_zip(tmp_path / "evil.zip", picture, "inside.png", name)])
    assert set(tmp_path.rglob("*.png")) == before
    assert list((runs / "datasets").iterdir()) == []


def test_a_zip_that_is_too_large_is_refused(tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, runs: Path):
    monkeypatch.setattr(folders, "MAX_UNPACKED", picture.stat().st_size)
    assert receive([make_zip(tmp_path / "one.zip", picture, "1.png")])
    with pytest.raises(IntakeError, match="too large"):
        receive([make_zip(tmp_path / "two.zip", picture, "1.png", "2.png")])
    assert [path.name for path in (runs / "datasets").iterdir()] == ["one"]


def test_what_is_no_zip_or_holds_no_picture_is_said_in_words(tmp_path: Path, picture: Path):
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    with pytest.raises(IntakeError, match="cannot be unpacked"):
        receive([tmp_path / "broken.zip"])
    with pytest.raises(IntakeError, match="no picture in"):
        receive([make_zip(tmp_path / "text.zip", picture, "notes.txt")])
    with pytest.raises(IntakeError, match="Upload a zip"):
        receive([])


def test_names_are_unused_and_plain(tmp_path: Path):
    (tmp_path / "my-shoes").mkdir()
    assert unused_name("my shoes!", tmp_path) == "my-shoes-2"
    assert unused_name("...", tmp_path) == "pictures"
    assert unused_name("Datasets", tmp_path) == "Datasets-2"


def test_a_path_is_a_path_and_a_folder_that_is_there_is_no_dataset_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for path in ("owner/name", "/nowhere", "pictures", "./owner/other", "a/b/c"):
        assert bring(path) == Path(path)
    assert bring(" ~/x ") == Path("~/x").expanduser()


def test_the_demo_is_a_sound_dataset_that_is_drawn_once(runs: Path):
    folder = demo()
    assert folder == runs / "datasets" / "demo-facades"
    report = list(examine(find_pairs(folder)))[-1]
    assert [finding.what for finding in report.findings] == [
        "B is label maps in the 12 facade classes", "B looks like the input: it is label maps",
    ]  # fmt: skip
    (folder / "train" / "000.png").unlink()
    assert demo() == folder
    assert not (folder / "train" / "000.png").exists(), "it is not drawn again"
    assert [path.name for path in folder.parent.iterdir()] == ["demo-facades"]
