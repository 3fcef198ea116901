"""Shows what a generator makes of the sample drawings that come with the app: drawings above, pictures below.

python -m benchmarks.contact_sheet edges2shoes checkpoints/edges2shoes.jpg
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from pix2pix import Translator, images
from pix2pix.places import ROOT

SIZE = 256  # the grid of the samples
FINER = 4  # lines are drawn so many times finer, then averaged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()

    translator = Translator.load(options.checkpoint)
    kind = "labels" if translator.metadata.source.palette else "edges"
    samples = [json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "ui" / "samples").glob("*.json"))]
    drawings = [draw(sample, translator) for sample in samples if sample["kind"] == kind]
    sheet([drawings, [translator(drawing) for drawing in drawings]]).save(options.out, quality=88)


def sheet(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """Rows of pictures of one size, as many in each row."""
    return images.grid([[images.to_tensor(picture) for picture in row] for row in rows])


def draw(sample: dict, translator: Translator) -> Image.Image:
    """A sample as the canvas would send it: exact colours, or antialiased black lines of the model's width."""
    palette = translator.metadata.source.palette
    if palette:
        picture = Image.new("RGB", (SIZE, SIZE), palette[sample["background"]])
        for stroke in sample["strokes"]:
            (x0, y0), (x1, y1) = stroke["points"]
            ImageDraw.Draw(picture).rectangle((x0, y0, x1 - 1, y1 - 1), fill=palette[stroke["label"]])
        return picture
    paper = Image.new("L", (SIZE * FINER, SIZE * FINER), 255)
    width = round(translator.metadata.line_width * FINER)
    for stroke in sample["strokes"]:
        points = [(x * FINER, y * FINER) for x, y in stroke["points"]]
        ImageDraw.Draw(paper).line(points, fill=0, width=width, joint="curve")
    return paper.resize((SIZE, SIZE), Image.Resampling.BOX).convert("RGB")


if __name__ == "__main__":
    main()
