"""Files that are read, and the reason for those that are not: named, counted, told apart from what is broken."""

import io
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tyro
from PIL import Image

from pix2pix import images
from pix2pix.data.doctor import examine
from pix2pix.data.pairs import find_pairs
from pix2pix.doctor import main as doctor
from pix2pix.edges import edges
from pix2pix.files.places import ROOT
from pix2pix.formats import FORMATS
from pix2pix.palette import chosen
from tests.scenes import labels, photo, save, tiff
from training.config import TrainConfig

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)  # how one begins
COUNT = 4


def rgbn(index: int) -> np.ndarray:
    """Red, green, blue and near infrared."""
    picture = photo(index)
    return np.concatenate([picture, 255 - picture[..., 1:2]], 2)


# What is read


@pytest.mark.parametrize("extension", ["jpg", "jfif", "jpe", "png", "webp", "avif", "ppm", "bmp", "tif", "gif"])
def test_these_formats_are_read(tmp_path: Path, extension: str):
    formats = {"jfif": "JPEG", "jpe": "JPEG"}
    for index in range(COUNT):
        Image.fromarray(photo(index)).save(tmp_path / f"{index}.{extension}", formats.get(extension))
    found = find_pairs(tmp_path)
    assert len(found.splits["train"]) + len(found.splits["val"]) == COUNT
    read = np.asarray(images.read(tmp_path / f"0.{extension}"), int)
    assert np.abs(read - photo(0)).mean() < 20


def test_a_phones_heic_is_read(tmp_path: Path):
    pi_heif = pytest.importorskip("pi_heif")
    assert "HEIF" in pi_heif.libheif_info()
    assert "HEIF" in FORMATS


def test_sixteen_bits_in_three_bands_are_read_right(tmp_path: Path):
    path = tiff(tmp_path / "1.tif", photo(0).astype(np.uint16) * 257, 2)
    assert np.abs(np.asarray(images.read(path), int) - photo(0)).max() <= 1


@pytest.mark.parametrize("extra", [(2,), (1,)])
def test_near_infrared_that_is_called_transparency_is_not_laid_on_white(tmp_path: Path, extra: tuple[int, ...]):
    for index in range(COUNT):
        tiff(tmp_path / "A" / f"{index}.tif", rgbn(index), 2, (2,))
        save(photo(index), tmp_path / "B" / f"{index}.png")
    assert (np.asarray(images.read(tmp_path / "A" / "0.tif")) == photo(0)).all()
    *_, report = examine(find_pairs(tmp_path))
    (finding,) = (each for each in report.findings if "fourth band" in each.what)
    assert finding.what.startswith("4 pairs have a fourth band that is not transparency")
    assert report.leave_out == ()


def test_real_transparency_in_a_tiff_is(tmp_path: Path):
    clear = np.dstack([photo(0), np.where(np.arange(64) < 30, 0, 255)[None].repeat(64, 0).astype(np.uint8)])
    path = tiff(tmp_path / "1.tif", clear, 2, (2,))
    read = np.asarray(images.read(path))
    assert (read[:, :30] == 255).all()
    assert (read[:, 30:] == photo(0)[:, 30:]).all()


@pytest.mark.parametrize(
    ("bits", "what", "action"),
    [
        (16, "4 pairs have several bands of 16 bits", "computed and written in 8 bits"),
        (
            12,
            "4 pairs have several bands of 16 bits, of which their values need but the lower ones",
            "save them in 8 bits",
        ),
    ],
)
def test_bands_of_sixteen_bits_are_said_to_be_read_in_eight(tmp_path: Path, bits: int, what: str, action: str):
    for index in range(COUNT):
        bright = photo(index).astype(np.uint16) << bits - 8
        cv2.imwrite(str(save(photo(index), tmp_path / "A" / f"{index}.png")), bright[..., ::-1])
        save(labels(index), tmp_path / "B" / f"{index}.png")
    *_, report = examine(find_pairs(tmp_path))
    (finding,) = (each for each in report.findings if "bands" in each.what)
    assert finding.what == what
    assert action in finding.action


# What is not, and why


@pytest.mark.parametrize(
    ("bands", "photometric", "extra", "reason"),
    [
        (lambda: rgbn(0), 1, (0, 0, 0), "4 bands of 8 bits"),
        (lambda: rgbn(0).astype(np.uint16) * 16, 1, (0, 0, 0), "4 bands of 16 bits"),
        (lambda: np.concatenate([rgbn(0)] * 3, 2).astype(np.uint16), 1, (0,) * 11, "12 bands of 16 bits"),
        (lambda: (photo(0) / 255).astype(np.float32), 2, (), "3 bands of 32-bit floating point"),
    ],
)
def test_bands_that_are_not_read_are_named(tmp_path: Path, bands, photometric: int, extra, reason: str):
    path = tiff(tmp_path / "1.tif", bands(), photometric, extra)
    with pytest.raises(OSError, match=rf"^{reason}: pictures of one band, or of red, green and blue"):
        images.read(path)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(np.float64, "64-bit floating point"), (np.uint64, "64 bits"), (np.complex64, "64-bit complex numbers"),
     (np.int8, "8 bits with a sign")],
)  # fmt: skip
def test_one_band_that_is_not_read_is_named(tmp_path: Path, kind: type, reason: str):
    path = tiff(tmp_path / "1.tif", photo(0)[..., :1].astype(kind), 1)
    with pytest.raises(OSError, match=rf"^one band of {reason}: whole numbers of 1, 8, 16 and 32 bits"):
        images.read(path)
    assert find_pairs(save(photo(0), tmp_path / "2.png").parent).left_out["1.tif"].startswith("one band of")


def test_a_compression_that_is_not_read_is_named(tmp_path: Path):
    path = tiff(tmp_path / "1.tif", photo(0)[..., :1], 1, compression=34887)
    with pytest.raises(OSError, match=r"^TIFF compressed as LERC is not read"):
        images.read(path)


def test_files_of_several_pictures_are_told_of(tmp_path: Path):
    first, *others = (Image.fromarray(photo(index)) for index in range(3))
    first.save(tmp_path / "pages.tif", save_all=True, append_images=others)
    save(photo(5), tmp_path / "one.png")
    *_, report = examine(find_pairs(tmp_path))
    (finding,) = (each for each in report.findings if "several pictures" in each.what)
    assert (finding.what, finding.files) == ("1 photo has several pictures in one file", ("pages.tif",))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (HEIC, "broken: a HEIC file that cannot be decoded"),
        (b"\xff\x0a" + bytes(50), "JPEG XL is not read"),
        (b"8BPS" + bytes(50), "Photoshop is not read"),
        (b"%PDF-1.4" + bytes(50), "PDF is not read"),
        (bytes(128) + b"DICM" + bytes(50), "DICOM is not read"),
        (b"\x93NUMPY" + bytes(50), "NumPy is not read"),
        (b"<!DOCTYPE html><html>", "broken: cannot identify image file: it holds a web page"),
        (b"not an image", "broken: cannot identify image file: it holds text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), "broken: "),
        (b"\0" * 50, "broken: cannot identify image file"),
    ],
)
@pytest.mark.parametrize("extension", ["png", "jpg", "heic"])
def test_a_file_is_named_by_what_it_is_and_not_by_its_extension(
    tmp_path: Path, content: bytes, reason: str, extension: str
):
    (tmp_path / f"x.{extension}").write_bytes(content)
    with pytest.raises(OSError, match=r".") as raised:
        images.read(tmp_path / f"x.{extension}")
    assert str(raised.value).startswith(reason)
    assert str(tmp_path) not in str(raised.value)


def test_a_truncated_file_is_broken(tmp_path: Path):
    for name in ("x.png", "x.jpg", "x.tif", "x.webp"):
        path = save(photo(0), tmp_path / name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(OSError, match=r"^broken: "):
            images.read(path)


def test_too_many_pixels_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = save(photo(0, (100, 100)), tmp_path / "x.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2_000)
    with pytest.raises(OSError, match="pixels"):
        images.read(path)


def test_pictures_of_other_formats_are_mentioned(tmp_path: Path):
    for index in range(COUNT):
        save(photo(index), tmp_path / f"{index}.png")
        (tmp_path / f"{index}.psd").write_bytes(b"8BPS")
        (tmp_path / f"{index}.cr2").write_bytes(b"II*\0")
        (tmp_path / f"{index}.NII.gz").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("not a picture, and no word about it")
    found = find_pairs(tmp_path)
    assert len(found.left_out) == 3 * COUNT
    assert found.left_out["0.psd"].startswith("Photoshop is not read (JPEG, PNG, WebP, AVIF, HEIC")
    *_, report = examine(found)
    assert [finding.what for finding in report.findings if "cannot be used" in finding.what] == [
        "4 files cannot be used: NIfTI is not read", "4 files cannot be used: camera raw is not read",
        "4 files cannot be used: Photoshop is not read",
    ]  # fmt: skip


def test_a_partner_that_cannot_be_read_is_no_missing_one(tmp_path: Path):
    for index in range(COUNT):
        save(labels(index), tmp_path / "A" / f"{index}.png")
        save(photo(index), tmp_path / "B" / f"{index}.png")
    save(labels(8), tmp_path / "A" / "8.png")
    (tmp_path / "B" / "8.psd").write_bytes(b"8BPS")
    save(labels(9), tmp_path / "A" / "9.png")
    (tmp_path / "B" / "9.heic").write_bytes(HEIC)
    found = find_pairs(tmp_path)
    assert found.left_out["A/8.png"] == "its partner B/8.psd cannot be used"
    assert found.left_out["B/8.psd"].startswith("Photoshop is not read")
    assert found.left_out["B/9.heic"] == "broken: a HEIC file that cannot be decoded"
    *_, report = examine(find_pairs(tmp_path, open_files=False))
    lines = [line for finding in report.findings for line in finding.files]
    assert "B/9.heic: broken: a HEIC file that cannot be decoded" in lines


# What the doctor prints


def test_the_doctors_command_can_be_pasted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = tmp_path / "under water's"
    for index in range(COUNT):
        save(labels(index), root / "masks" / f"{index} a.png")
        save(photo(index) if index else np.full((64, 64, 3), 250, np.uint8), root / "images" / f"{index} a.png")
    assert doctor(str(root)) == 0
    command = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert command[:3] == ["python", "-m", "training"]
    config = tyro.cli(TrainConfig, args=command[3:])
    assert (config.dataset, config.leave_out, config.direction) == (str(root), ("masks/0 a.png",), "AtoB")
    assert len(chosen(config.palette) or {}) == 4
    assert config.a == "image", "the palette says that it is labels"


def test_what_looks_like_an_option_can_be_pasted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for index in range(COUNT):
        save(photo(index), tmp_path / "-shoes" / f"{index}.png")
    save(np.full((64, 64, 3), 250, np.uint8), tmp_path / "-shoes" / "--steps.png")
    assert doctor("./-shoes", "--layout", "photos") == 0
    config = tyro.cli(TrainConfig, args=shlex.split(capsys.readouterr().out.splitlines()[-1])[3:])
    assert (config.dataset, config.leave_out) == ("./-shoes", ("./--steps.png",))
    assert find_pairs(config.dataset, leave_out=config.leave_out).left_out == {"--steps.png": "left out on request"}
    assert doctor("--", "-shoes") == 0
    assert "--dataset ./-shoes" in capsys.readouterr().out


def test_the_command_says_that_the_input_is_drawings(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for index in range(COUNT):
        save(photo(index), tmp_path / "A" / f"{index}.png")
        save(np.asarray(edges(Image.fromarray(photo(index)))), tmp_path / "B" / f"{index}.png")
    assert doctor(str(tmp_path)) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("--direction BtoA --b edges")


def test_no_command_leaves_out_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for index in range(COUNT):
        save(np.full((64, 64, 3), 9 * index, np.uint8), tmp_path / f"{index}.png")
    assert doctor(str(tmp_path)) == 2
    said = capsys.readouterr().out
    assert "Nothing would be left to train on." in said
    assert "python -m training" not in said
    assert "Used all the same" not in said


def test_a_doubt_names_the_option_to_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for folder in ("train_label", "train_inst", "train_img"):
        for index in range(COUNT):
            save((photo if folder == "train_img" else labels)(index), tmp_path / folder / f"{index}.png")
    assert doctor(str(tmp_path)) == 2
    assert "--folders label img" in capsys.readouterr().err
    assert doctor(str(tmp_path), "--folders", "label", "img") == 0
    assert "--folders label img" in capsys.readouterr().out.splitlines()[-1]


def test_nothing_but_our_own_lines_is_printed_also_into_a_closed_pipe(tmp_path: Path):
    for index in range(COUNT):
        save(photo(index), tmp_path / "B" / f"{index}.png")
        tiff(tmp_path / "A" / f"{index}.tif", np.concatenate([rgbn(index)] * 3, 2).astype(np.uint16), 1, (0,) * 11)
    command = [sys.executable, "-m", "pix2pix.doctor", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "4 files cannot be used: 12 bands of 16 bits" in done.stdout
    for each in (command, [sys.executable, "-m", "training", "--help"]):
        piped = f"{shlex.join(each)} | head -c 1; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", piped], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.stderr, len(done.stdout)) == ("", 1)


def test_a_file_in_memory_has_its_reason_too():
    with pytest.raises(OSError, match="Photoshop is not read"):
        images.read(io.BytesIO(b"8BPS" + bytes(100)))
