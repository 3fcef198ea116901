"""Draws docs/your-own-data.jpg: how pairs can lie in a folder. python benchmarks/layouts_sheet.py"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pix2pix.classes import coloured, palette_of

OUT = Path(__file__).resolve().parent.parent / "docs" / "your-own-data.jpg"
SIDE, GAP = 96, 12
PAINT = np.array([[120, 160, 210], [150, 90, 60], [60, 120, 50], [200, 200, 190]])


def scene(seed: int) -> tuple[Image.Image, Image.Image, Image.Image]:
    """Class numbers, their colours, and a picture of them."""
    rng = np.random.default_rng(seed)
    numbers = Image.new("L", (SIDE, SIDE))
    for kind in (1, 2, 3, 1, 2):
        x, y, width, height = rng.integers((0, 0, 20, 20), (70, 70, 50, 50)).tolist()
        ImageDraw.Draw(numbers).rectangle((x, y, x + width, y + height), fill=kind)
    picture = PAINT[np.asarray(numbers)] * np.linspace(0.7, 1.2, SIDE)[:, None, None]
    picture = (picture + rng.normal(0, 10, picture.shape)).clip(0, 255).astype(np.uint8)
    labels = coloured(numbers, palette_of(range(4)))
    assert labels
    return numbers, labels, Image.fromarray(picture)


def beside(*pictures: Image.Image, down: bool = False) -> Image.Image:
    count = len(pictures)
    whole = Image.new("RGB", (SIDE, count * SIDE) if down else (count * SIDE, SIDE))
    for place, picture in enumerate(pictures):
        whole.paste(picture, (0, place * SIDE) if down else (place * SIDE, 0))
    return whole


def main() -> None:
    numbers, labels, photo = scene(1)
    _, other, second = scene(2)
    rows = [
        ("masks/001.png, images/001.png", [labels, photo]),
        ("class numbers 0 … 3, as a file has them, and as they are shown", [numbers.convert("RGB"), labels]),
        ("side by side", [beside(labels, photo), beside(other, second)]),
        ("one above the other", [beside(labels, photo, down=True), beside(other, second, down=True)]),
        ("three in a row: you are asked", [beside(labels, photo, photo.rotate(180))]),
        ("boots/1.jpg, heels/a.jpg: photos", [photo, second]),
    ]
    height = sum(max(each.height for each in pictures) + 3 * GAP for _, pictures in rows)
    sheet, y = Image.new("RGB", (5 * SIDE, height), "white"), GAP
    for words, pictures in rows:
        ImageDraw.Draw(sheet).text((GAP, y), words, "black", ImageFont.load_default(13))
        x = GAP
        for picture in pictures:
            sheet.paste(picture, (x, y + 18))
            x += picture.width + GAP
        y += max(each.height for each in pictures) + 3 * GAP
    sheet.save(OUT, quality=85)


if __name__ == "__main__":
    main()
