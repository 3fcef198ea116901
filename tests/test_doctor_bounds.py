"""The doctor and pictures that are made to be trouble: each is a finding, and the others are looked at."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from pix2pix.data.doctor import examine
from pix2pix.data.pairs import find_pairs


def without_palette() -> bytes:
    """An indexed PNG that lacks its palette: decoding it raises an error without a word."""
    file = io.BytesIO()
    Image.new("P", (64, 32)).save(file, "PNG")
    data, kept, at = file.getvalue(), b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        chunk, at = data[at : at + 12 + length], at + 12 + length
        kept += b"" if chunk[4:8] == b"PLTE" else chunk
    return data[:8] + kept


def vast() -> bytes:
    """A PNG of some bytes that says it has 14,000 x 7,000 pixels, half as many again as are read."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 14_000, 7_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # that is the picture
def test_no_picture_stops_the_doctor(pairs: Path):
    (pairs / "without-palette.png").write_bytes(without_palette())
    (pairs / "vast.png").write_bytes(vast())
    *_, report = examine(find_pairs(pairs, open_files=False))
    assert report.done
    named = [line for finding in report.findings for line in finding.files]
    assert any(line.startswith("without-palette.png") for line in named), "broken, or black, as Pillow's version has it"
    (broken,) = (finding for finding in report.findings if "cannot be used" in finding.what)
    (words,) = (words for name, _, words in (line.partition(": ") for line in broken.files) if name == "vast.png")
    assert "too many" in words
