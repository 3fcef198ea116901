"""Small scenes drawn by code, for tests of what people's folders hold: a map of classes, and a noisy picture of it."""

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
