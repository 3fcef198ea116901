"""Shows what a generator makes of the sample drawings that come with the app: drawings above, pictures below.

python -m benchmarks.contact_sheet edges2shoes checkpoints/edges2shoes.jpg
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from pix2pix import Translator, images
from pix2pix.page.page import fitting
from pix2pix.samples import draw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()

    translator = Translator.load(options.checkpoint)
    drawings = [draw(sample, translator.metadata) for sample in fitting(translator.metadata)]
    sheet([drawings, [translator(drawing) for drawing in drawings]]).save(options.out, quality=88)


def sheet(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """Rows of pictures of one size, as many in each row."""
    return images.grid([[images.to_tensor(picture) for picture in row] for row in rows])


if __name__ == "__main__":
    main()
