"""Shows what a generator makes of twenty drawings of shoes that it was never tuned on: drawings above, pictures below.

python benchmarks/drawings.py edges2shoes sheet.jpg

They are strokes as a person draws them, in benchmarks/drawings/: arches, straps, heels of two lines, outlines with
gaps, lines of 1 to 4 pixels, shoes that fill the paper or a third of it, to the left and to the right. None is
exchanged, so that sheets can be compared.
"""

import argparse
import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # when this file is run itself, not as a module

from benchmarks.contact_sheet import sheet
from pix2pix import Translator
from pix2pix.samples import FINER, GRID

DRAWINGS = Path(__file__).parent / "drawings"
COLUMNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="a name in checkpoints/ or runs/, a path, or hf://owner/name")
    parser.add_argument("out", type=Path, help="where to save the sheet")
    options = parser.parse_args()
    try:
        translator = Translator.load(options.checkpoint)
    except ValueError as error:
        parser.error(str(error))
    drawings = load()
    rows = []
    for start in range(0, len(drawings), COLUMNS):
        row = drawings[start : start + COLUMNS]
        rows += [row, [translator(drawing) for drawing in row]]
    sheet(rows).save(options.out, quality=88)


def load() -> list[Image.Image]:
    """The twenty, each RGB of 256 x 256, in the order of their numbers."""
    return [draw(path) for path in sorted(DRAWINGS.glob("*.json"))]


def draw(path: Path) -> Image.Image:
    """A drawing of the format of pix2pix/page/samples, but every stroke in its own width and with round ends."""
    paper = Image.new("L", (GRID * FINER, GRID * FINER), 255)
    pen = ImageDraw.Draw(paper)
    for stroke in json.loads(path.read_text("utf-8"))["strokes"]:
        points = [(x * FINER, y * FINER) for x, y in stroke["points"]]
        pen.line(points, fill=0, width=round(stroke["width"] * FINER), joint="curve")
        for end in (points[0], points[-1]):
            pen.circle(end, stroke["width"] * FINER / 2, fill=0)
    return paper.resize((GRID, GRID), Image.Resampling.BOX).convert("RGB")


if __name__ == "__main__":
    main()
