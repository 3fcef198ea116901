"""Which image files are read, and why one is not: a format, bands, bits, too many pixels, or damage. Needs no torch."""

import ctypes
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

try:
    from pi_heif import register_heif_opener
except ImportError:  # where there is no wheel of it: HEIC is then named as not read
    HEIF: tuple[str, ...] = ()
else:
    register_heif_opener()
    HEIF = ("HEIF",)

# Others are not read: some run programs of the machine.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "PPM", *HEIF)
_JPEG, _TIFF, _PPM = (".jpg", ".jpeg", ".jpe", ".jfif"), (".tif", ".tiff"), (".ppm", ".pgm", ".pbm", ".pnm")
EXTENSIONS = frozenset((*_JPEG, *_TIFF, *_PPM, ".png", ".webp", ".bmp", ".gif", ".avif", ".heic", ".heif"))
READABLE = "JPEG, PNG, WebP, AVIF, HEIC, TIFF, BMP, GIF and PPM are"

# By extension: pictures, or what holds some, that are not read.
_NAMES = {
    ".jxl": "JPEG XL", ".jp2": "JPEG 2000", ".j2k": "JPEG 2000", ".psd": "Photoshop", ".svg": "SVG", ".pdf": "PDF",
    ".eps": "PostScript", ".exr": "OpenEXR", ".hdr": "Radiance HDR", ".tga": "Targa", ".dds": "DDS", ".ico": "icon",
    ".xcf": "GIMP", ".kra": "Krita", ".pcx": "PCX", ".qoi": "QOI", ".sgi": "SGI", ".icns": "icon",
    ".dcm": "DICOM", ".nii": "NIfTI", ".nii.gz": "NIfTI", ".nrrd": "NRRD", ".mha": "MetaImage", ".mhd": "MetaImage",
    ".fits": "FITS", ".fit": "FITS", ".czi": "Zeiss CZI", ".lif": "Leica LIF", ".nd2": "Nikon ND2",
    ".npy": "NumPy", ".npz": "NumPy", ".mat": "MATLAB", ".h5": "HDF5", ".hdf5": "HDF5",
    ".mp4": "video", ".mov": "video", ".avi": "video", ".mkv": "video", ".webm": "video", ".m4v": "video",
    ".dng": "camera raw", ".cr2": "camera raw", ".cr3": "camera raw", ".nef": "camera raw", ".arw": "camera raw",
    ".orf": "camera raw", ".rw2": "camera raw", ".raf": "camera raw",
}  # fmt: skip
UNREAD = {extension: f"{name} is not read ({READABLE})" for extension, name in _NAMES.items()}


def extension_of(name: str) -> str:
    """In lower case, with its dot: of .nii.gz both parts."""
    lower = name.lower()
    return ".nii.gz" if lower.endswith(".nii.gz") else lower[lower.rfind(".") :]


# By how a file begins.
_BEGINNINGS: tuple[tuple[str, Callable[[bytes], object]], ...] = (
    ("HEIC", lambda head: head[4:8] == b"ftyp" and re.search(rb"hei[cxs]|hev[cx]|mif1|msf1", head[8:64])),
    ("AVIF", lambda head: head[4:8] == b"ftyp" and b"avi" in head[8:64]),
    ("video", lambda head: head[4:8] == b"ftyp"),
    ("JPEG XL", lambda head: head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL "))),
    ("JPEG 2000", lambda head: head.startswith((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"))),
    ("Photoshop", lambda head: head.startswith(b"8BPS")),
    ("PDF", lambda head: head.startswith(b"%PDF")),
    ("PostScript", lambda head: head.startswith(b"%!PS")),
    ("OpenEXR", lambda head: head.startswith(b"v/1\x01")),
    ("Radiance HDR", lambda head: head.startswith(b"#?R")),
    ("DICOM", lambda head: head[128:132] == b"DICM"),
    ("NumPy", lambda head: head.startswith(b"\x93NUMPY")),
    ("SVG", lambda head: b"<svg" in head),
    ("a web page", lambda head: re.match(rb"\s*<(!doctype html|html|head)", head, re.IGNORECASE)),
    ("text", lambda head: head and not re.search(rb"[^\t\n\r\x20-\x7e\x80-\xff]", head)),
)
_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MAGIC = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"BM", *_TIFFS, b"GIF8", b"P4", b"P5", b"P6")
_COMPRESSIONS = {
    33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000", 34887: "LERC", 50001: "WebP",
    50002: "JPEG XL",
}  # fmt: skip
ONE_BAND = (
    "one band of {kind}: whole numbers of 1, 8, 16 and 32 bits, and floating point of 32, are read; save it as such"
)
HEAD = 4096  # bytes that tell a format
UNSIGNED = "unsigned"  # in the info of a picture whose values Pillow takes for whole numbers of 32 bits with a sign
MOST_PIXELS = 64_000_000  # of a file that is read: each takes up to 17 bytes on the way to RGB

# What Pillow has to say is said here, once and with the file's name; and what libtiff would print of a damaged file.
logging.getLogger("PIL").setLevel(logging.CRITICAL)
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
with suppress(AttributeError, OSError, TypeError):  # where it is no library that Pillow loads
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)


class NotReadError(OSError):
    """A picture that is not read, for a reason that is no damage."""


class TooLargeError(NotReadError):
    """A picture of more pixels than are read."""


@contextmanager
def opened(source: str | Path | BinaryIO, most: int = MOST_PIXELS) -> Iterator[Image.Image]:
    """An image file of which only the header was read so far.

    Raises OSError when it is missing, no image, or has more than `most` pixels.
    """
    try:
        picture = Image.open(source, formats=FORMATS)
    except Image.DecompressionBombError as error:
        count = re.findall(r"\d+", str(error))[0]
        words = f"it has far more than {most / 1e6:.3g} million pixels: {int(count):,}, as a decompression bomb has"
        raise TooLargeError(words) from None
    with picture:
        width, height = picture.size
        if width * height > most:
            raise TooLargeError(f"{width} x {height} pixels are too many: at most {most / 1e6:.3g} million are read")
        if isinstance(picture, TiffImagePlugin.TiffImageFile):
            has_sign = int(_first(picture.tag_v2, 339, 1)) == 2
            if picture.mode == "L" and has_sign:  # which Pillow takes for 0 … 255
                raise NotReadError(ONE_BAND.format(kind="8 bits with a sign"))
            if picture.mode == "I" and not has_sign and int(_first(picture.tag_v2, 258, 1)) == 32:
                picture.info[UNSIGNED] = True
        yield picture


def deep_bands(picture: Image.Image) -> bool:
    """Whether a file that was opened, and not read yet, has 16 bits in each of several bands: 8 of them are read."""
    return len(picture.getbands()) > 1 and any(";16" in str(tile[3]) for tile in getattr(picture, "tile", ()))


def why_not(source: str | Path | BinaryIO, error: BaseException) -> str:
    """Why a file could not be read, in words, after `error` was raised; "broken: …" where it is damaged."""
    if isinstance(error, NotReadError):
        return str(error)
    if isinstance(error, Image.DecompressionBombError):
        return too_many_pixels(error)
    if isinstance(error, OSError) and error.errno and error.strerror:  # of the system, not of a decoder
        return f"cannot be opened: {error.strerror}"
    head = _head(source)
    if not head:
        return "an empty file"
    is_unknown = isinstance(error, UnidentifiedImageError)
    if head.startswith(_TIFFS) and (reason := _why_no_tiff(source, is_unknown)):
        return reason
    if is_unknown or not head.startswith(_MAGIC):
        name = next((name for name, begins in _BEGINNINGS if begins(head)), None)
        if name in ("HEIC", "AVIF") and name.replace("HEIC", "HEIF") in FORMATS:
            return f"broken: a {name} file that cannot be decoded"
        if name:
            return (
                f"{name} is not read ({READABLE})"
                if name[0].isupper()
                else f"broken: cannot identify image file: it holds {name}"
            )
    return f"broken: {_plain(error)}"


def too_many_pixels(error: Image.DecompressionBombError) -> str:
    """In words, of what Pillow says of a picture that is larger than it decodes."""
    count, most = re.findall(r"\d+", str(error))[:2]
    return f"too many pixels: {int(count):,}, and at most {int(most):,} are read, for fear of a decompression bomb"


def _why_no_tiff(source: str | Path | BinaryIO, is_unknown: bool) -> str | None:
    """Of a TIFF: compression, bands and bits that are not read; None where these are none of the reasons.

    is_unknown: whether it could not even be opened
    """
    try:
        tags = _tiff_tags(source)
        bands, bits, form = (int(_first(tags, tag, otherwise)) for tag, otherwise in ((277, 1), (258, 1), (339, 1)))
        compression = int(_first(tags, 259, 1))
    except Exception:  # a damaged header says nothing
        return None
    if name := _COMPRESSIONS.get(compression):
        return f"TIFF compressed as {name} is not read: save it without, or as LZW or deflate"
    if not is_unknown:
        return None
    kind = {3: f"{bits}-bit floating point", 5: f"{bits}-bit complex numbers", 6: f"{bits}-bit complex numbers"}.get(
        form, f"{bits} bits"
    )
    if bands == 1 and (form > 3 or bits not in ((32,) if form == 3 else (1, 8, 16, 32))):
        return ONE_BAND.format(kind=kind)
    if bands > 3 or (bands == 3 and (form == 3 or bits not in (8, 16))) or bands == 2:
        return (
            f"{bands} bands of {kind}: pictures of one band, or of red, green and blue in 8 or 16 bits, are read; save "
            "those that matter as such"
        )
    return None


def _tiff_tags(source: str | Path | BinaryIO) -> TiffImagePlugin.ImageFileDirectory_v2:
    if isinstance(source, str | Path):
        with open(source, "rb") as file:
            return _tiff_tags(file)
    source.seek(0)
    header = source.read(8)
    tags = TiffImagePlugin.ImageFileDirectory_v2(header)
    source.seek(tags.next)
    tags.load(source)
    return tags


def _first(tags: TiffImagePlugin.ImageFileDirectory_v2, number: int, otherwise: int) -> int:
    value = tags.get(number, otherwise)
    return value[0] if isinstance(value, tuple) else value


def _head(source: str | Path | BinaryIO) -> bytes:
    try:
        if isinstance(source, str | Path):
            with open(source, "rb") as file:
                return file.read(HEAD)
        source.seek(0)
        return source.read(HEAD)
    except (OSError, ValueError):
        return b""


def _plain(error: BaseException) -> str:
    """What a decoder said, on one line and without the path, which is named anyway."""
    words = " ".join(str(error).split()) or type(error).__name__
    words = re.sub(r"cannot identify image file .*", "cannot identify image file", words)
    return words if len(words) <= 200 else f"{words[:200]} …"
