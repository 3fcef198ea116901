"""A drawing that is kept as strokes becomes a picture, for where no browser paints it."""

from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

if TYPE_CHECKING:  # torch takes seconds to import: the page should not wait for it
    from pix2pix.files.checkpoint import Metadata

GRID = 256  # units a side, whatever the model's size
FINER = 4  # lines are drawn so many times finer, then averaged


def draw(sample: dict[str, Any], metadata: "Metadata") -> Image.Image:
    """A sample as the canvas would send it: exact colours, or antialiased black lines of the model's width."""
    if palette := metadata.source.palette:
        picture = Image.new("RGB", (GRID, GRID), palette[sample["background"]])
        for stroke in sample["strokes"]:
            (x0, y0), (x1, y1) = stroke["points"]
            ImageDraw.Draw(picture).rectangle((x0, y0, x1 - 1, y1 - 1), fill=palette[stroke["label"]])
        return picture
    paper = Image.new("L", (GRID * FINER, GRID * FINER), 255)
    width = max(1, round(metadata.line_width * GRID / metadata.config.image_size * FINER))
    for stroke in sample["strokes"]:
        points = [(x * FINER, y * FINER) for x, y in stroke["points"]]
        ImageDraw.Draw(paper).line(points, fill=0, width=width, joint="curve")
    return paper.resize((GRID, GRID), Image.Resampling.BOX).convert("RGB")
