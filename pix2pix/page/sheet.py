"""What a generator makes of the drawings that come with the app, as one picture."""

from pathlib import Path

from PIL import Image

from pix2pix import images
from pix2pix.files.places import GENERATOR_FILE
from pix2pix.inference import Translator
from pix2pix.page.page import fitting
from pix2pix.samples import draw


def sample_picture(path: Path) -> Image.Image:
    """Drawings that come with the app above what the generator makes of them; or its newest preview in training."""
    translator = Translator.load(path)
    takes_drawings = translator.metadata.source.kind in ("edges", "labels")
    previews = sorted(path.parent.glob("previews/*.jpg")) if path.name == GENERATOR_FILE else []
    if previews and not takes_drawings:
        return images.read(previews[-1])
    inputs = [draw(sample, translator.metadata) for sample in fitting(translator.metadata)]
    inputs = inputs or [Image.new("RGB", (256, 256), "white")]
    rows = [inputs, [translator(each) for each in inputs]]
    return images.grid([[images.to_tensor(picture) for picture in row] for row in rows])
