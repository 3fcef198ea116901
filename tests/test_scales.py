"""Grey values of more than 8 bits: one scale for all of a side, found, shown, kept and used again."""

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pix2pix import Translator, images
from pix2pix.data.dataset import PairedImages
from pix2pix.data.doctor import examine
from pix2pix.data.evidence import spread
from pix2pix.data.pairs import Found, find_pairs
from pix2pix.data.sides import HEADERS, Values, formats, look_for_labels, measure
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.scales import Scale, of_all, of_one, span
from tests.scenes import photo, save, tiff

COUNT = 10


def grey(seed: int) -> np.ndarray:
    """(64, 64) in [0, 1], from 0 to 1."""
    values = photo(seed).mean(2)
    return (values - values.min()) / np.ptp(values)


# How files keep values from 0 to 1, and the scale that is right for them.
DEEP = {
    "10 bits": (lambda values: (values * 1023).astype(np.uint16), "png", Scale(0, 1023)),
    "12 bits": (lambda values: (values * 4095).astype(np.uint16), "png", Scale(0, 4095)),
    "12 bits of 16": (lambda values: (values * 4004 + 90).astype(np.uint16), "tif", Scale(90, 4094)),
    "16 bits": (lambda values: (values * 65535).astype(np.uint16), "png", Scale(0, 65535)),
    "32-bit counts": (lambda values: (values * 3_000_000).astype(np.int32), "tif", Scale(0, 3_000_000)),
    "32-bit counts without a sign": (lambda values: (values * 4e9).astype(np.uint32), "tif", Scale(0, 4e9)),
    "hounsfield": (lambda values: (values * 4095 - 1024).astype(np.float32), "tif", Scale(-1024, 3071)),
    "-1 to 1": (lambda values: (values * 2 - 1).astype(np.float32), "tif", Scale(-1, 1)),
    "0 to 1": (lambda values: values.astype(np.float32), "tif", Scale(0, 1)),
}


def fill(root: Path, kind: str, count: int = COUNT) -> Path:
    """A in that kind, B the negative in 8 bits."""
    to_file, extension, _ = DEEP[kind]
    for index in range(count):
        values, path = to_file(grey(index)), root / "A" / f"{index:02}.{extension}"
        if values.dtype == np.uint32:  # which Pillow writes as if it had a sign
            tiff(path, values[..., None], 1)
        else:
            save(values, path)
        save((255 - 255 * grey(index)).astype(np.uint8), root / "B" / f"{index:02}.png")
    return root


def values_of(found: Found) -> tuple[Values | None, Values | None]:
    return measure(found, look_for_labels(found))


@pytest.mark.parametrize("kind", DEEP)
def test_each_side_has_the_range_of_its_files(tmp_path: Path, kind: str):
    found = find_pairs(fill(tmp_path, kind))
    a, b = values_of(found)
    assert b is None, "8 bits keep 0 … 255"
    assert a
    right = DEEP[kind][2]
    assert (a.scale.low, a.scale.high) == pytest.approx((right.low, right.high), abs=(right.high - right.low) / 500)
    pairs = PairedImages(found, scales=(a.scale, None), load_size=64, crop_size=64)
    seen, _ = pairs.pictures(0)
    expected = 255 * grey(int(found.splits["train"][0].a.stem))
    assert np.abs(np.asarray(seen)[..., 0] - expected).max() <= 1
    assert len(np.unique(np.asarray(seen))) > 100, "not a handful of greys"


def test_the_same_value_gives_the_same_grey_in_every_picture(tmp_path: Path):
    for index in range(COUNT):  # from 1,000 to 1,000 + 300 · index: each alone would be stretched
        save((1000 + 300 * index * grey(index)).astype(np.uint16), tmp_path / "A" / f"{index}.png")
        save(photo(index), tmp_path / "B" / f"{index}.png")
    found = find_pairs(tmp_path)
    a, _ = values_of(found)
    assert a
    greys: dict[int, set[int]] = {}
    for entry in found.splits["train"]:
        raw, shown = np.asarray(Image.open(entry.a)), np.asarray(images.read(entry.a, scale=a.scale))[..., 0]
        for value, level in {*zip(raw.ravel().tolist(), shown.ravel().tolist(), strict=True)}:
            greys.setdefault(value, set()).add(level)
    assert max(map(len, greys.values())) == 1


def test_one_deep_file_among_many_is_found(tmp_path: Path):
    shallow = (255 * grey(1)).astype(np.uint8)
    for index in range(200):
        for side in "AB":
            save(shallow, tmp_path / side / f"{index:03}.png")
    train = find_pairs(tmp_path).splits["train"]
    rarely_asked = sorted(set(range(len(train))) - set(spread(len(train), HEADERS)))[0]
    save((grey(2) * 4004).astype(np.uint16), tmp_path / "B" / train[rarely_asked].a.name)
    a, b = values_of(find_pairs(tmp_path))
    assert a is None
    assert b
    assert b.scale.high == pytest.approx(4004, abs=8)


def test_single_outliers_do_not_make_the_others_dark(tmp_path: Path):
    fill(tmp_path, "12 bits")
    for index in range(3):  # a dead pixel in some files, and a file of another kind
        pixels = np.array(Image.open(tmp_path / "A" / f"{index:02}.png"))
        pixels[5, 5] = 65535
        save(pixels, tmp_path / "A" / f"{index:02}.png")
    save(np.full((64, 64), 60000, np.uint16), tmp_path / "A" / "07.png")
    a, _ = values_of(find_pairs(tmp_path))
    assert a
    assert a.scale.high == pytest.approx(4095, abs=10)


def test_small_bright_things_are_no_outliers():
    values = np.zeros((100, 100), np.uint16)
    values[40:42, 40:42] = 4000
    assert span(values) == (0, 4000)
    assert of_all([(0, 4000), (0, 0), (0, 0)]) == Scale(0, 4000)
    assert of_all([(7, 7), (7, 7)]) is None


@pytest.mark.parametrize(("nothing", "kind"), [(-9999, np.float32), (-3.4028235e38, np.float32), (-32768, np.int32)])
def test_where_nothing_was_measured_is_no_value(nothing: float, kind: type):
    values = np.arange(500, 900, dtype=kind).reshape(20, 20)
    values[:8] = nothing
    assert span(values) == (660, 899)


def test_a_number_among_others_is_a_value():
    assert span(np.append(np.linspace(-9990, 20000, 99), -9999))[0] == -9999


def test_values_outside_are_clipped_counted_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    found = find_pairs(fill(tmp_path, "12 bits"))
    pairs = PairedImages(found, scales=(Scale(1000, 2000), None), load_size=64, crop_size=64)
    with caplog.at_level(logging.WARNING):
        seen, _ = pairs.pictures(0)
    assert {0, 255} <= set(np.unique(np.asarray(seen)).tolist())
    assert pairs.clipped[0] > 500
    assert "has values outside of 1,000 … 2,000, which are clipped" in caplog.text


def test_what_is_no_number_is_black_and_takes_no_others_with_it(tmp_path: Path):
    values = grey(0).astype(np.float32)
    values[:4, :4], values[10, 10] = np.nan, np.inf
    save(values, tmp_path / "a.tif")
    seen = np.asarray(images.read(tmp_path / "a.tif"))[..., 0]
    assert (seen[:4, :4] == 0).all()
    assert seen[10, 10] == 255
    assert np.abs(seen[20:] - 255 * grey(0)[20:]).max() <= 1


@pytest.mark.parametrize(
    ("mode", "low", "high", "scale"),
    [
        (np.uint16, 0, 1000, "0..1023"), (np.uint16, 10, 4000, "0..4095"), (np.uint16, 0, 50_000, "0..65535"),
        (np.uint16, 0, 200, "0..65535"), (np.int32, 0, 200, "0..255"), (np.float32, 0, 0.9, "0..1"),
        (np.float32, -0.8, 0.9, "-1..1"), (np.float32, 0, 200, "0..255"), (np.float32, -1000, 3000, "-1000..3000"),
    ],
)  # fmt: skip
def test_a_single_picture_suggests_the_bits_that_it_needs(mode: type, low: float, high: float, scale: str):
    values = np.linspace(low, high, 64).astype(mode).reshape(8, 8)
    assert str(of_one(Image.fromarray(values))) == scale


@pytest.mark.parametrize("text", ["0..4095", "-1024..3071", "-1..1", "0.5..1e+06"])
def test_a_scale_can_be_written_and_read(text: str):
    assert str(Scale.parse(text)) == str(Scale.parse(str(Scale.parse(text))))


@pytest.mark.parametrize("text", ["", "4095", "10..1", "a..b", "0..nan"])
def test_what_is_no_scale_is_said(text: str):
    with pytest.raises(ValueError, match="scale"):
        Scale.parse(text)


def test_the_doctor_shows_it_and_calls_no_good_pair_blank(tmp_path: Path):
    *_, report = examine(find_pairs(fill(tmp_path, "10 bits")))
    words = [f"{finding.what}. {finding.action}" for finding in report.findings]
    assert any(text.startswith("A: 0 … 1,023 of 16 bits.") for text in words)
    assert any("written in 8 bits" in text for text in words)
    assert report.leave_out == ()


def test_it_is_kept_in_the_generators_file_and_used_when_translating(tmp_path: Path):
    scale = Scale(-1024, 3071)
    path = tmp_path / "ct.safetensors"
    metadata = Metadata("ct", 1, a=Side("image", scale=scale))
    checkpoint.save(path, Generator(GeneratorConfig(32, ngf=4)), metadata)
    translator = Translator.load(path)
    assert translator.metadata.source.scale == scale
    values = (grey(0) * 4095 - 1024).astype(np.float32)
    assert np.abs(np.asarray(translator.rgb(Image.fromarray(values)))[..., 0] - 255 * grey(0)).max() <= 1
    eight = Image.fromarray((255 * grey(0)).round().astype(np.uint8))
    wanted, made = (np.asarray(translator(picture), int) for picture in (eight, Image.fromarray(values)))
    assert np.abs(wanted - made).max() <= 2, "grey levels: the inputs differ by one here and there"
    assert translator.inverted(Image.fromarray(values)).tobytes() == translator.rgb(Image.fromarray(values)).tobytes()


def test_edges_are_made_of_a_deep_photo_as_in_training(tmp_path: Path):
    for index in range(COUNT):
        save((grey(index) * 300 + 2000).astype(np.uint16), tmp_path / f"{index}.png")
    found = find_pairs(tmp_path)
    scales = formats(found, "AtoB")["scales"]
    drawing, _ = PairedImages(found, load_size=64, crop_size=64, scales=scales).pictures(0)
    path = tmp_path / "generator.safetensors"
    metadata = Metadata("ct", 1, a=Side("edges"), b=Side("photo", scale=scales[1]))
    checkpoint.save(path, Generator(GeneratorConfig(64, ngf=4)), metadata)
    made = Translator.load(path).edges_of(images.load(found.splits["train"][0].a))
    assert made.tobytes() == drawing.tobytes()
    assert np.asarray(made).min() == 0, "there are lines"
