"""Light generators beside wide ones: their size, and what a picture takes of one core, in turn in one process.

python benchmarks/light.py edges2shoes edges2shoes-light
python benchmarks/light.py                                 # random weights of several widths

All is processor time, so that other programs on the machine count for little. A picture is made from PIL to PIL by
PyTorch, and by OpenVINO as the app does it; the network is what of the latter is no turning of pixels into numbers and
back; read and write is what the app takes besides, to read the drawing that a page sends and to write the picture.

Of the random ones, 16/4 has an ngf of 16, and in its three innermost levels 4 ngf channels rather than 8.

What it costs in quality is for benchmarks/realism.py to say, and how quick its page of one file is for
benchmarks/web_page.py; both take several generators in one run.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # when this file is run itself, not as a module

from benchmarks.machine import describe
from pix2pix import Translator
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.page.page import fitting
from pix2pix.page.web import _html, parts_of
from pix2pix.samples import draw
from ui.requests import decode, encode

BLOCK = 5  # pictures of one before the next one's turn; one more before them is not counted
INNERMOST = 3  # levels that may be narrower
OPENVINO, NETWORK = "OpenVINO", "of it the network"
WIDTHS = "32", "32/4", "24", "24/4", "20", "20/4", "16", "16/4", "12"


class Waisted(GeneratorConfig):
    """Fewer channels in the innermost levels."""

    waist = 8  # ngf, at most

    @property
    def widths(self) -> list[int]:
        widths = super().widths
        return widths[:-INNERMOST] + [min(width, self.waist * self.ngf) for width in widths[-INNERMOST:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="generators; the first is what the others are compared with")
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    torch.set_num_threads(1)
    translators = {name: Translator.load(name, "cpu") for name in options.names} or {
        name: _random(*map(int, f"{name}/8".split("/")[:2])) for name in WIDTHS
    }
    works = {name: _works(translator) for name, translator in translators.items()}
    times = {(name, what): [] for name, of_it in works.items() for what in of_it}
    for _ in range(options.rounds):
        for name, of_it in works.items():
            for what, work in of_it.items():
                work()
                started = time.process_time()
                for _ in range(BLOCK):
                    work()
                times[name, what].append(1000 * (time.process_time() - started) / BLOCK)
    medians = {key: statistics.median(values) for key, values in times.items()}

    columns = [*next(iter(works.values()))]
    print(f"{describe('cpu')}; one core of it\n")
    timed = "".join(f"{column} (ms) | " for column in columns)
    print(f"| | weights (millions) | file (MB) | page of one file (MB) | {timed}times as fast |")
    print("| --- " * (5 + len(columns)) + "|")
    first = medians[next(iter(translators)), OPENVINO]
    for name, translator in translators.items():
        file, page = _sizes(translator)
        count = sum(weight.numel() for weight in translator.generator.parameters()) / 1e6
        row = " | ".join(f"{medians[name, what]:.2f}" for what in columns)
        print(f"| {name} | {count:.1f} | {file:.1f} | {page:.1f} | {row} | {first / medians[name, OPENVINO]:.2f} |")


def _random(ngf: int, waist: int) -> Translator:
    config = Waisted(ngf=ngf)
    object.__setattr__(config, "waist", waist)  # it is frozen
    return Translator(Generator(config), Metadata(f"{ngf}/{waist}", 0), "cpu")


def _works(translator: Translator) -> dict[str, Callable[[], object]]:
    """What is timed, by the name of its column."""
    about = translator.metadata
    drawing = draw(fitting(about)[0], about)
    plain = Translator(translator.generator, about, "cpu")
    translator.compile()
    sent, picture, a = encode(drawing), translator(drawing), translator.prepare(drawing)
    return {
        "PyTorch": lambda: plain(drawing),
        OPENVINO: lambda: translator(drawing),
        NETWORK: lambda: translator._forward(a),
        "read and write": lambda: (decode(sent), encode(picture)),
    }


def _sizes(translator: Translator) -> tuple[float, float]:
    """MB of the file, and of the page that is one file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generator.safetensors"
        checkpoint.save(path, translator.generator, translator.metadata)
        page = _html(translator.metadata, parts_of(translator))
        return path.stat().st_size / 1e6, len(page.encode()) / 1e6


if __name__ == "__main__":
    main()
