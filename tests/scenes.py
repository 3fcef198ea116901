"""Small scenes drawn by code, for tests of what people's folders hold: a map of classes, and a noisy picture of it."""

import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = np.array([[0, 0, 170], [0, 85, 255], [0, 170, 255], [85, 255, 170], [170, 255, 85], [255, 170, 0]], np.uint8)
PAINT = np.array([[120, 160, 210], [150, 90, 60], [60, 120, 50], [200, 200, 190], [90, 90, 95], [230, 180, 40]])


def scene(seed: int, size: tuple[int, int] = (64, 64), classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) class numbers from 0, and (H, W, 3) uint8 of what they look like."""
    rng = np.random.default_rng(seed)
    width, height = size
    drawn = Image.new("L", size, 0)
    pen = ImageDraw.Draw(drawn)
    for _ in range(5):
        x, y = int(rng.integers(0, width * 3 // 4)), int(rng.integers(0, height * 3 // 4))
        box = [x, y, x + int(rng.integers(width // 6, width // 2)), y + int(rng.integers(height // 6, height // 2))]
        pen.rectangle(box, fill=int(rng.integers(1, classes)))
    numbers = np.asarray(drawn)
    light = np.linspace(0.7, 1.2, height)[:, None, None]
    picture = PAINT[numbers % 6] * light + rng.normal(0, 12, (height, width, 3))
    return numbers, picture.clip(0, 255).astype(np.uint8)


def labels(seed: int, size: tuple[int, int] = (64, 64)) -> np.ndarray:
    """The map of classes of a scene, in colours."""
    return COLOURS[scene(seed, size)[0]]


def photo(seed: int, size: tuple[int, int] = (64, 64)) -> np.ndarray:
    """The picture of a scene."""
    return scene(seed, size)[1]


def save(pixels: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def tiff(path: Path, bands: np.ndarray, photometric: int, extra: tuple[int, ...] = (), compression: int = 1) -> Path:
    """An uncompressed TIFF of (H, W, C), as programs for satellite pictures write them; `extra`: ExtraSamples."""
    height, width, count = bands.shape
    data = bands.astype(bands.dtype.newbyteorder("<")).tobytes()
    bits, kind = bands.dtype.itemsize * 8, {"f": 3, "i": 2, "c": 6}.get(bands.dtype.kind, 1)
    tags = [(256, [width]), (257, [height]), (258, [bits] * count), (259, [compression]), (262, [photometric]),
            (273, [0]), (277, [count]), (278, [height]), (279, [len(data)]), (339, [kind] * count)]  # fmt: skip
    if extra:
        tags.insert(-1, (338, list(extra)))
    begins = 8 + 2 + 12 * len(tags) + 4
    beyond = sum(4 * len(values) for _, values in tags if len(values) > 1)
    entries, further = b"", b""
    for number, values in tags:
        value = [begins + beyond] if number == 273 else values
        packed = struct.pack(f"<{len(value)}I", *value)
        if len(value) > 1:
            further, packed = further + packed, struct.pack("<I", begins + len(further))
        entries += struct.pack("<HHI", number, 4, len(value)) + packed
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + further + data)
    return path
