"""Draws the pictures of docs/your-own-data.md, in docs/own-data/: `python docs/own_data.py`.

Each case is a folder that is really made, of pictures drawn by code; on the left stand its files as any viewer shows
them, on the right what the library reads. tests/test_own_data.py compares what the guide says with what it says.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pix2pix.data.dataset import PairedImages
from pix2pix.data.layouts import DatasetError, Reading
from pix2pix.data.pairs import Found, find_pairs
from pix2pix.data.sides import formats, likely_direction, look_for_labels
from pix2pix.input_checks import inverted, on_sheet

OUT = Path(__file__).with_name("own-data")
COUNT, SIDE = 12, 64  # pictures of a folder, and pixels of each
SHOWN, READ = 2, 2  # files of a folder, and pairs of a reading, that are drawn
TILE, GAP, LINE = 72, 8, 15
INK, QUIET, RIM, PAPER, FOLDER, ACCENT = "#1e293b", "#64748b", "#cbd5e1", "#ffffff", "#f1f5f9", "#4f46e5"
CLASSES = np.array([[70, 130, 200], [60, 150, 70], [190, 90, 60], [230, 200, 60]], np.uint8)  # sky, grass, wall, roof
PAINT = np.array([[150, 190, 235], [95, 125, 60], [200, 180, 160], [110, 50, 45]])


def scene(seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> tuple[np.ndarray, np.ndarray]:
    """A house on a hill: (H, W) numbers of its four classes, and (H, W, 3) uint8 of what it looks like."""
    rng = np.random.default_rng(seed)
    width, height = size
    drawn = Image.new("L", size, 0)
    pen = ImageDraw.Draw(drawn)
    horizon, x = int(rng.uniform(0.5, 0.75) * height), int(rng.uniform(0.05, 0.45) * width)
    wide, high = int(rng.uniform(0.3, 0.5) * width), int(rng.uniform(0.2, 0.35) * height)
    pen.polygon([(0, horizon + 6), (width, horizon - 6), (width, height), (0, height)], fill=1)
    top = horizon - high + 8
    pen.rectangle((x, top, x + wide, horizon + 8), fill=2)
    pen.polygon([(x - 4, top), (x + wide / 2, top - high * 0.8), (x + wide + 4, top)], fill=3)
    numbers = np.asarray(drawn)
    light = np.linspace(0.75, 1.15, height)[:, None, None]
    picture = PAINT[numbers] * light + rng.normal(0, 9, (height, width, 1))
    return numbers, picture.clip(0, 255).astype(np.uint8)


def labels(seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    return CLASSES[scene(seed, size)[0]]


def photo(seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    return scene(seed, size)[1]


def grey(seed: int) -> np.ndarray:
    """(H, W) in [0, 1]."""
    return photo(seed).mean(2) / 255


def outline(seed: int) -> np.ndarray:
    """The scene in black lines on white."""
    numbers = scene(seed)[0].astype(int)
    down, right = np.diff(numbers, axis=0, prepend=numbers[:1]), np.diff(numbers, axis=1, prepend=numbers[:, :1])
    edges = (down != 0) | (right != 0)
    return np.where(edges, 0, 255).astype(np.uint8)


Draw = Callable[[int], np.ndarray]
Case = dict[str, Draw]  # path of each file, with {} for its number -> what it holds


def beside(
    *draws: Callable[..., np.ndarray], axis: int = 1, size: tuple[int, int] = (SIDE, SIDE), begin: int = 0
) -> Draw:
    return lambda seed: np.concatenate([draw(begin + seed, size) for draw in draws], axis)


def mirrored(seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    return photo(seed, size)[::-1] // 2


CASES: dict[str, Case] = {
    # folders
    "two-folders": {"masks/{}.png": labels, "images/{}.jpg": photo},
    "input-target": {"train/input/{}.png": photo, "train/target/{}.png": labels},
    "a-and-b": {"trainA/{}.png": photo, "trainB/{}.png": labels},
    "long-names": {"label/{}_labelIds.png": labels, "img/{}_leftImg8bit.png": photo},
    "one-folder": {"{}_image.jpg": photo, "{}_mask.png": labels},
    "splits": {f"{name}/{{}}.png": beside(labels, photo, begin=begin)
               for name, begin in (("Training", 0), ("validation", 20), ("TEST", 40))},
    "side-by-side": {"{}.png": beside(labels, photo)},
    "tall-halves": {"{}.png": beside(labels, photo, size=(40, SIDE))},
    "stacked": {"{}.png": beside(labels, photo, axis=0, size=(SIDE, 40))},
    "photos": {"cottages/cottage {}.jpg": photo, "villas/villa-{}.jpg": lambda seed: photo(seed + 20)},
    # what is asked about
    "three-folders": {"train_label/{}.png": labels, "train_inst/{}.png": lambda seed: labels(seed)[..., ::-1],
                      "train_img/{}.png": photo},
    "three-in-a-row": {"{}.png": beside(labels, photo, mirrored)},
    "two-of-a-kind": {"summer/{}.png": photo, "winter/{}.png": lambda seed: photo(seed) // 3 + 160},
    "wide-photos": {"{}.png": lambda seed: photo(seed, (2 * SIDE, SIDE))},
    # values
    "twelve-bits": {"A/{}.png": lambda seed: (grey(seed) * 3914 + 90).astype(np.uint16), "B/{}.png": labels},
    "hounsfield": {"A/{}.tif": lambda seed: (grey(seed) * 4095 - 1024).astype(np.float32), "B/{}.png": labels},
    "class-numbers": {"A/{}.png": lambda seed: scene(seed)[0].astype(np.uint8), "B/{}.png": photo},
    "masks": {"A/{}.png": photo, "B/{}.png": lambda seed: np.where(scene(seed)[0] > 1, 255, 0).astype(np.uint8)},
}  # fmt: skip


def make(case: Case, root: Path) -> Path:
    for path, draw in case.items():
        for index in range(COUNT):
            file = root / path.format(f"{index + 1:03}")
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw(index)).save(file)
    return root


# --- drawing


def font(size: int = 12) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found.font_variant(layout_engine=ImageFont.Layout.BASIC)  # without ligatures: two hyphens stay two


def as_any_viewer(picture: Image.Image) -> Image.Image:
    """Deep grey values are shown by most as if they were all of 16 bits, and floating point as if from 0 to 255."""
    if picture.mode.startswith("I"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        return Image.fromarray(np.asarray(picture).clip(0, 255).astype(np.uint8)).convert("RGB")
    return picture.convert("RGB")


def tile(picture: Image.Image, caption: str, background: str = PAPER, height: int = TILE) -> Image.Image:
    width = round(picture.width * height / picture.height)
    wide = max(width, round(font(11).getlength(caption)))
    made = Image.new("RGB", (wide, height + LINE), background)
    pen, left = ImageDraw.Draw(made), (wide - width) // 2
    made.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (left, 0))
    pen.rectangle((left, 0, left + width - 1, height - 1), outline=RIM)
    pen.text((wide / 2, height + 2), caption, QUIET, font(11), anchor="ma")
    return made


def row(pictures: list[Image.Image], gap: int = GAP, background: str = PAPER) -> Image.Image:
    made = Image.new("RGB", (sum(each.width for each in pictures) + gap * (len(pictures) - 1),
                             max(each.height for each in pictures)), background)  # fmt: skip
    x = 0
    for each in pictures:
        made.paste(each, (x, (made.height - each.height) // 2 if background == PAPER else 0))
        x += each.width + gap
    return made


def column(pictures: list[Image.Image], gap: int = GAP) -> Image.Image:
    made = Image.new("RGB", (max(each.width for each in pictures),
                             sum(each.height for each in pictures) + gap * (len(pictures) - 1)), PAPER)  # fmt: skip
    y = 0
    for each in pictures:
        made.paste(each, (0, y))
        y += each.height + gap
    return made


def titled(words: str, inside: Image.Image, background: str = PAPER, colour: str = INK) -> Image.Image:
    pad = 0 if background == PAPER else GAP
    width = max(inside.width, round(font().getlength(words))) + 2 * pad
    made = Image.new("RGB", (width, inside.height + LINE + 4 + 2 * pad), PAPER)
    pen = ImageDraw.Draw(made)
    pen.rounded_rectangle((0, 0, made.width - 1, made.height - 1), 6, background)
    pen.text((pad, pad), words, colour, font())
    made.paste(inside, (pad, pad + LINE + 4))
    return made


def files_of(root: Path) -> Image.Image:
    """Each folder with its first files, as any viewer shows them; files of two series are shown in turn."""
    folders = []
    for folder in sorted({file.parent for file in root.rglob("*.*")}):
        files = sorted(folder.iterdir())
        series = {file.name.replace(file.stem[:3], "", 1) for file in files} if folder == root else {""}
        tiles = [
            tile(as_any_viewer(Image.open(file)), file.name, FOLDER) for file in files[: SHOWN * min(2, len(series))]
        ]
        name = f"{folder.relative_to(root).as_posix()}/" if folder != root else "a folder"
        folders.append(titled(name, row([*tiles, tile_of_more()], background=FOLDER), FOLDER))
    return column(folders) if len(folders) > 2 else row(folders)


def tile_of_more() -> Image.Image:
    made = Image.new("RGB", (14, TILE), FOLDER)
    ImageDraw.Draw(made).text((2, TILE / 2), "…", QUIET, font(14))
    return made


def reading_of(found: Found, words: str = "") -> Image.Image:
    kinds = look_for_labels(found)
    direction = likely_direction(found, *kinds)
    pairs = PairedImages(found, direction=direction, load_size=SIDE, crop_size=SIDE, **formats(found, direction))
    looks = [pairs.pictures(index) for index in range(READ)]
    looks = [row([tile(a, "input"), arrow(16), tile(b, "target")], 2) for a, b in looks]
    return titled(words, row(looks, 2 * GAP)) if words else row(looks, 2 * GAP)


def arrow(width: int = 40) -> Image.Image:
    made = Image.new("RGB", (width, TILE + LINE), PAPER)
    pen, middle = ImageDraw.Draw(made), TILE // 2
    pen.line((2, middle, width - 4, middle), ACCENT, 2)
    pen.polygon([(width - 9, middle - 5), (width - 2, middle), (width - 9, middle + 5)], ACCENT)
    return made


def asked(root: Path, readings: tuple[Reading, ...]) -> Image.Image:
    return column([
        reading_of(find_pairs(root, each.layout, folders=each.folders), f"{number}.  {each.options}")
        for number, each in enumerate(readings, start=1)
    ])  # fmt: skip


def sheet_of(case: Case) -> Image.Image:
    with tempfile.TemporaryDirectory() as folder:
        root = make(case, Path(folder))
        try:
            right = reading_of(find_pairs(root))
        except DatasetError as error:
            right = asked(root, error.readings)
        return framed(row([files_of(root), arrow(), right], 2 * GAP))


def framed(inside: Image.Image) -> Image.Image:
    return ImageOps.expand(inside, GAP, PAPER)


def drawings() -> dict[str, Image.Image]:
    """What is unlike a drawing, and what is made of it where something is."""
    lines = Image.fromarray(outline(3)).resize((2 * TILE, 2 * TILE), Image.Resampling.LANCZOS)
    dark = ImageOps.invert(lines).convert("RGB")
    strokes = Image.new("RGBA", lines.size, "white")
    strokes.putalpha(ImageOps.invert(lines))
    squares = Image.fromarray(np.kron(np.indices((18, 18)).sum(0) % 2, np.ones((8, 8))).astype(np.uint8) * 40 + 190)
    clear = squares.convert("RGBA")
    clear.alpha_composite(strokes.resize(clear.size))
    thick = Image.fromarray(outline(3)).convert("L")
    coarse = (
        ImageOps.invert(thick)
        .resize((16, 16), Image.Resampling.BOX)
        .point([255 * (value > 30) for value in range(256)])
    )
    thick = ImageOps.invert(coarse)
    return {
        "inverted": row([tile(dark, "light on dark"), arrow(), tile(inverted(dark), "--invert")], GAP),
        "on-nothing": row([tile(clear, "strokes on nothing"), arrow(), tile(on_sheet(strokes), "laid on black")], GAP),
        "remarked": row([tile(Image.new("RGB", (TILE, TILE), "white"), "an empty sheet"),
                         tile(Image.fromarray(photo(3)), "a photo"),
                         tile(thick.convert("RGB"), "far thicker lines")], 2 * GAP),
    }  # fmt: skip


def main() -> None:
    OUT.mkdir(exist_ok=True)
    for name, picture in {name: sheet_of(case) for name, case in CASES.items()}.items():
        picture.quantize(128).save(OUT / f"{name}.png", optimize=True)
    for name, picture in drawings().items():
        framed(picture).quantize(128).save(OUT / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
