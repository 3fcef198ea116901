"""Pictures in and out: any file as upright RGB, bytes and [-1, 1] and back, and the grid."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pix2pix import Translator, images, input_checks

RED, GREEN = (255, 0, 0), (0, 255, 0)

# EXIF orientation -> what a camera stores of an upright picture (H, W, 3).
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: np.rot90,
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def read_back(picture: Image.Image, file_format: str = "PNG", **options) -> np.ndarray:
    """What reading gives of a picture stored as a file, (H, W, 3) int."""
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    file.seek(0)
    rgb = images.read(file)
    assert (rgb.mode, rgb.size) == ("RGB", picture.size)
    return np.asarray(rgb, int)


def flat(value: float, *shape: int) -> Tensor:
    return torch.full(shape, value)


# Reading


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_exif_rotation_is_applied(tmp_path: Path, file_format: str, orientation: int):
    upright = np.zeros((32, 64, 3), np.uint8)
    upright[:16, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    stored.save(tmp_path / "photo", file_format, exif=exif)
    picture = np.asarray(images.read(tmp_path / "photo"), int)
    assert picture.shape == upright.shape
    assert abs(picture - upright).max() < 8


@pytest.mark.parametrize(
    "exif", [b"garbage!", b"Exif\0\0II*\0", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x04six\0\0\0\0\0"]
)
def test_damaged_exif_does_not_spoil_a_picture(exif: bytes):
    assert (read_back(Image.new("RGB", (8, 8), RED), exif=exif) == RED).all()


def test_grey_becomes_rgb():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (read_back(Image.fromarray(grey)) == grey[..., None]).all()


def test_black_and_white_becomes_rgb():
    bits = np.indices((9, 9)).sum(axis=0) % 2 == 0
    assert (read_back(Image.fromarray(bits)) == 255 * bits[..., None]).all()


@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
def test_a_palette_is_looked_up(file_format: str):
    picture = Image.new("P", (4, 2), 1)
    picture.putpalette([*RED, *GREEN])
    picture.putpixel((0, 0), 0)
    pixels = read_back(picture, file_format)
    assert (tuple(pixels[0, 0]), tuple(pixels[1, 3])) == (RED, GREEN)


@pytest.mark.parametrize(
    ("mode", "colour", "on_white"),
    [
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (200, 0, 100, 51), (244, 204, 224)),
        ("LA", (0, 255), (0, 0, 0)),
        ("LA", (0, 0), (255, 255, 255)),
        ("LA", (100, 51), (224, 224, 224)),
    ],
)
def test_transparency_is_laid_on_white(mode: str, colour: tuple[int, ...], on_white: tuple[int, ...]):
    assert (read_back(Image.new(mode, (4, 4), colour)) == on_white).all()


@pytest.mark.parametrize(("mode", "clear"), [("P", 0), ("L", 0), ("RGB", (0, 0, 0))])
def test_a_transparent_colour_is_laid_on_white(mode: str, clear):
    assert (read_back(Image.new(mode, (4, 4)), transparency=clear) == 255).all()


def deep_with_a_clear_value(clear: int) -> bytes:
    """A 16-bit grey PNG, as Pillow does not write it: values 0, 1000, …, of which one is transparent."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (1000 * np.arange(64)).astype(">u2").reshape(8, 8)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", 8, 8, 16, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tRNS", struct.pack(">H", clear)), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


@pytest.mark.parametrize("clear", [0, 5000, 63_000])
def test_sixteen_bit_grey_keeps_its_transparency(clear: int, tmp_path: Path, make_generator: Callable[..., Path]):
    file = tmp_path / "deep.png"
    file.write_bytes(deep_with_a_clear_value(clear))
    values = 1000 * np.arange(64).reshape(8, 8)
    expected = np.where(values == clear, 255, np.rint(values * 255 / 65535)).astype(int)
    drawn = Translator.load(make_generator(), "cpu").rgb(images.load(file))  # strokes on a sheet
    for picture in (images.read(file), drawn, input_checks.on_sheet(images.load(file))):
        assert (np.asarray(picture, int) == expected[..., None]).all()


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(file_format: str):
    values = (np.arange(256) * 257).astype(np.uint16).reshape(16, 16)
    expected = np.arange(256).reshape(16, 16, 1)
    assert (read_back(Image.fromarray(values), file_format) == expected).all()


def test_a_dark_sixteen_bit_picture_stays_dark():
    assert (read_back(Image.fromarray(np.full((4, 4), 200, np.uint16))) == 1).all()


@pytest.mark.parametrize(("value", "eight_bit"), [(0, 0), (200, 200)])
def test_thirty_two_bit_whole_numbers_up_to_255_are_kept(value: int, eight_bit: int):
    assert (read_back(Image.fromarray(np.full((4, 4), value, np.int32)), "TIFF") == eight_bit).all()


@pytest.mark.parametrize("top", [256, 1000, 65_535, 100_000, 10**6, 2**31 - 1])
@pytest.mark.parametrize("low", [0, -500])
def test_thirty_two_bit_whole_numbers_are_not_white(top: int, low: int):
    values = np.linspace(low, top, 4096).astype(np.int32).reshape(64, 64)
    grey = read_back(Image.fromarray(values), "TIFF")[..., 0]
    bits = 65_535 if top < 65_536 and not low else top  # the scale: 16 bits, or the range of the picture
    assert np.abs(grey - 255 * (values - float(low)) / (bits - low)).max() <= 1


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("top", [1, 255, 4000])
def test_one_value_that_is_none_leaves_a_float_picture_as_it_is(odd: float, top: float):
    values = np.linspace(0, top, 4096, dtype=np.float32).reshape(64, 64)
    values[5, 5] = odd
    grey = read_back(Image.fromarray(values), "TIFF")[..., 0]
    others = np.ones((64, 64), bool)
    others[5, 5] = False
    assert np.abs(grey - 255 * values.astype(float) / top)[others].max() <= 1


def test_a_float_picture_of_nothing_but_nan_is_black():
    assert (read_back(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF") == 0).all()


@pytest.mark.parametrize(("value", "eight_bit"), [(0.0, 0), (0.5, 128), (1.0, 255), (200.0, 200), (-3.0, 0)])
def test_floats_up_to_1_are_stretched(value: float, eight_bit: int):
    assert (read_back(Image.fromarray(np.full((4, 4), value, np.float32)), "TIFF") == eight_bit).all()


@pytest.mark.parametrize(
    ("ink", "colour"), [((0, 255, 255, 0), RED), ((0, 0, 0, 0), (255,) * 3), ((0, 0, 0, 255), (0,) * 3)]
)
def test_cmyk_jpeg_is_converted(ink: tuple[int, ...], colour: tuple[int, int, int]):
    pixels = read_back(Image.new("CMYK", (16, 16), ink), "JPEG", quality=100)
    assert abs(pixels - colour).max() < 4


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_what_is_no_picture_is_an_oserror(tmp_path: Path, content: bytes):
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(OSError, match=r"\w"):
        images.read(tmp_path / "bad.png")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_truncated_picture_is_an_oserror(tmp_path: Path, file_format: str):
    Image.effect_noise((64, 64), 90).convert("RGB").save(tmp_path / "cut", file_format)
    (tmp_path / "cut").write_bytes((tmp_path / "cut").read_bytes()[:1500])
    with pytest.raises(OSError, match=r"\w"):
        images.read(tmp_path / "cut")


def test_a_decompression_bomb_is_an_oserror(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(OSError, match="it has far more than 64 million pixels"):
        read_back(Image.new("RGB", (8, 8)))


def test_a_missing_file_is_an_oserror(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        images.read(tmp_path / "gone.png")


# Tensors


def test_all_256_values_come_back_exactly():
    values = torch.arange(256, dtype=torch.uint8)
    scaled = images.scale(values)
    assert (scaled[0], scaled[255]) == (-1, 1)
    assert np.array_equal(images.unscale(scaled), values)


def test_values_outside_are_clipped():
    assert images.unscale(torch.tensor([-3.0, -1.001, 1.001, 9.0])).tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize(("dtype", "steps"), [(torch.float16, 0), (torch.bfloat16, 1)])
def test_half_precision_comes_back(dtype: torch.dtype, steps: int):
    values = torch.arange(256, dtype=torch.uint8)
    back = images.unscale(images.scale(values).to(dtype))
    assert np.abs(back.astype(int) - values.numpy()).max() <= steps


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 1)])
def test_a_picture_comes_back_from_its_tensor(mode: str, channels: int):
    picture = Image.effect_noise((7, 5), 90).convert(mode)
    tensor = images.to_tensor(picture)
    assert (tensor.shape, tensor.dtype) == ((channels, 5, 7), torch.float32)
    back = images.to_picture(tensor)
    assert (back.mode, back.size, back.tobytes()) == (picture.mode, picture.size, picture.tobytes())


def test_the_picture_is_not_changed_through_its_tensor():
    picture = Image.new("RGB", (4, 4), RED)
    images.to_tensor(picture).zero_()
    assert picture.getpixel((0, 0)) == RED


# The grid


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 3), (3, 1), (3, 2)])
def test_grid_places_each_picture_with_white_between(rows: int, columns: int):
    values = torch.linspace(-1, 0, rows * columns).reshape(rows, columns)
    sheet = images.grid([[flat(float(value), 3, 8, 6) for value in row] for row in values])
    expected = np.full((rows * 12 - 4, columns * 10 - 4, 3), 255, np.uint8)
    for (row, column), value in np.ndenumerate(images.unscale(values)):
        expected[12 * row : 12 * row + 8, 10 * column : 10 * column + 6] = value
    assert sheet.mode == "RGB"
    assert np.array_equal(np.asarray(sheet), expected)


def test_grid_takes_grey_beside_coloured():
    sheet = images.grid([[flat(-1.0, 1, 4, 4), flat(1.0, 3, 4, 4)]])
    assert (sheet.getpixel((0, 0)), sheet.getpixel((11, 3))) == ((0, 0, 0), (255, 255, 255))


def test_grid_takes_what_the_network_gives():
    weird = flat(2.0, 3, 4, 4).to(torch.bfloat16).requires_grad_()
    assert images.grid([[weird]]).getpixel((0, 0)) == (255, 255, 255)
