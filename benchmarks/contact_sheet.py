"""Shows what a generator makes of the sample drawings that come with the app: drawings above, pictures below.

If walls can be painted, further rows have them in four colours.

python -m benchmarks.contact_sheet edges2shoes checkpoints/edges2shoes.jpg
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from pix2pix import Translator, images
from pix2pix.architectures import GeneratorConfig
from pix2pix.page.page import fitting
from pix2pix.samples import draw

PAINTS = ((158, 84, 66), (230, 220, 194), (102, 102, 106), (208, 164, 92))  # brick, cream, slate, ochre
RIM = 3  # pixels at 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()

    translator = Translator.load(options.checkpoint)
    drawings = [draw(sample, translator.metadata) for sample in fitting(translator.metadata)]
    rows = [drawings, [translator(drawing) for drawing in drawings]]
    config, palette = translator.config, translator.metadata.source.palette
    if isinstance(config, GeneratorConfig) and config.painted is not None and palette:
        wall = config.classes[config.painted]
        rows += [[translator(painted(drawing, wall, paint)) for drawing in drawings] for paint in PAINTS]
    sheet(rows).save(options.out, quality=88)


def painted(labels: Image.Image, wall: tuple[int, int, int], paint: tuple[int, int, int]) -> Image.Image:
    """A label map whose walls have a colour, but for a rim beside all else, as the page gives it."""
    pixels = np.array(labels)
    is_wall = (pixels == wall).all(axis=2).astype(np.uint8)
    pixels[cv2.distanceTransform(is_wall, cv2.DIST_L2, cv2.DIST_MASK_5) > RIM] = paint
    return Image.fromarray(pixels)


def sheet(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """Rows of pictures of one size, as many in each row."""
    return images.grid([[images.to_tensor(picture) for picture in row] for row in rows])


if __name__ == "__main__":
    main()
