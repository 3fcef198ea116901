"""Label maps of facades and the buildings that they stand for, drawn by code: a dataset that needs no download."""

import numpy as np
from PIL import Image, ImageDraw

from pix2pix.palette import CMP

SIZE = 128  # pixels a side
Box = tuple[int, int, int, int]  # left, top, right, bottom


def draw_pair(number: int) -> Image.Image:
    """A building on the left, its labels in the CMP colours on the right: always the same for the same number."""
    rng = np.random.default_rng((7, number % (1 << 32)))
    boxes = _plan(rng)
    labels = Image.new("RGB", (SIZE, SIZE), CMP["background"])
    draw = ImageDraw.Draw(labels)
    for label, box in boxes:
        draw.rectangle(box, fill=CMP[label])
    pair = Image.new("RGB", (2 * SIZE, SIZE))
    pair.paste(_building(boxes, rng), (0, 0))
    pair.paste(labels, (SIZE, 0))
    return pair


def _plan(rng: np.random.Generator) -> list[tuple[str, Box]]:
    """What is where, the lower things first."""
    left, right = int(rng.integers(2, 14)), SIZE - int(rng.integers(2, 14))
    top, ground = int(rng.integers(6, 24)), SIZE - int(rng.integers(2, 8))
    floors, columns = int(rng.integers(2, 5)), int(rng.integers(2, 6))
    height, width = (ground - top) / floors, (right - left) / columns
    boxes: list[tuple[str, Box]] = [("facade", (left, top, right, ground))]
    boxes.append(("cornice", (left - 2, top - 3, right + 2, top + 2)))
    has_sills, has_balconies, has_blinds = rng.random(3) < (0.7, 0.35, 0.35)
    door = int(rng.integers(columns))
    is_shop = rng.random() < 0.4
    for floor in range(floors):
        is_ground = floor == floors - 1
        if floor and rng.random() < 0.5:
            y = round(top + floor * height)
            boxes.append(("molding", (left, y - 1, right, y + 1)))
        for column in range(columns):
            x, y = left + column * width, top + floor * height
            window = (
                round(x + 0.25 * width),
                round(y + 0.28 * height),
                round(x + 0.75 * width),
                round(y + 0.8 * height),
            )
            if is_ground and column == door:
                boxes.append(("door", (window[0], round(y + 0.3 * height), window[2], ground)))
            elif is_ground and is_shop:
                boxes.append(("shop", (round(x + 0.1 * width), window[1], round(x + 0.9 * width), ground - 3)))
            else:
                boxes.append(("window", window))
                if has_blinds:
                    third = max(2, (window[2] - window[0]) // 3)
                    boxes.append(("blind", (window[0] - third, window[1], window[0] - 1, window[3])))
                    boxes.append(("blind", (window[2] + 1, window[1], window[2] + third, window[3])))
                if has_sills:
                    boxes.append(("sill", (window[0] - 2, window[3] + 1, window[2] + 2, window[3] + 3)))
                if has_balconies and not is_ground and column % 2 == floor % 2:
                    boxes.append(("balcony", (window[0] - 3, window[3] - 4, window[2] + 3, window[3] + 3)))
    return boxes


def _building(boxes: list[tuple[str, Box]], rng: np.random.Generator) -> Image.Image:
    """The same in stone, glass and wood, under a sky."""
    rows = np.linspace(0, 1, SIZE)[:, None, None]
    sky = np.array([120, 165, 215]) * (1 - rows) + np.array([225, 232, 238]) * rows
    picture = np.repeat(sky, SIZE, axis=1)
    wall = rng.uniform((120, 80, 60), (225, 200, 170))
    wood, cloth = rng.uniform((50, 30, 20), (130, 80, 60)), rng.uniform((40, 60, 40), (120, 130, 110))
    for label, (left, top, right, bottom) in boxes:
        area = picture[max(0, top) : bottom + 1, max(0, left) : right + 1]
        area[:] = _material(label, area.shape[:2], wall, wood, cloth)
        if label in ("window", "door", "shop") and min(area.shape[:2]) > 6:
            _frame(area, wood if label == "door" else np.array([238, 236, 228]), mullion=label != "door")
    picture += rng.normal(0, 3, (SIZE, SIZE, 1))
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def _material(label: str, size: tuple[int, int], wall: np.ndarray, wood: np.ndarray, cloth: np.ndarray) -> np.ndarray:
    """(height, width, 3) of what a label stands for."""
    y, x = np.mgrid[: size[0], : size[1]]
    down = (y / max(1, size[0] - 1))[..., None]
    if label == "facade":  # bricks, each row moved by half of one
        joint = (y % 4 == 0) | ((x + 4 * (y // 4 % 2)) % 8 == 0)
        return wall * (1 - 0.14 * joint[..., None])
    if label in ("window", "shop"):  # glass, which mirrors the sky
        return np.array([70, 90, 115]) * (1 - 0.55 * down) + 25 * ((x + y) % 17 < 3)[..., None]
    if label == "door":
        return wood * (1 - 0.25 * (x % 6 == 0)[..., None])
    if label == "blind":
        return cloth * (1 - 0.35 * (y % 3 == 0)[..., None])
    if label == "balcony":
        return np.where((x % 4 == 0)[..., None] | (down < 0.2), 45.0, wall * 0.8)
    stone = {"cornice": 1.12, "molding": 0.9, "sill": 1.2}[label]  # lit from above
    return np.clip(wall * stone * (1.08 - 0.3 * down), 0, 255)


def _frame(area: np.ndarray, colour: np.ndarray, mullion: bool) -> None:
    area[:1], area[-1:], area[:, :1], area[:, -1:] = colour, colour, colour, colour
    if mullion:
        area[:, area.shape[1] // 2] = colour
        area[area.shape[0] // 3] = colour
