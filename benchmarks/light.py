"""A light generator beside its teacher: size, and how long a picture takes from PIL to PIL, in turn in one process.

python benchmarks/light.py edges2shoes edges2shoes-light

What it costs in quality is for benchmarks/quality.py to say, and how quick its page of one file is for
benchmarks/web_page.py; both take several generators in one run.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # when this file is run itself, not as a module

from benchmarks.machine import describe
from pix2pix import Translator
from pix2pix.files.checkpoint import locate
from pix2pix.page.page import fitting
from pix2pix.samples import draw

BLOCK = 5  # pictures of one before the next one's turn; one more before them is not counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wide")
    parser.add_argument("light")
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()

    names = options.wide, options.light
    ways = {"PyTorch": _plain, "OpenVINO": _compiled}
    translators = {(name, way): make(name) for name in names for way, make in ways.items()}
    times: dict[tuple[str, str], list[float]] = {key: [] for key in translators}
    for _ in range(options.rounds):
        for key, translator in translators.items():
            about = translator.metadata
            drawing = draw(fitting(about)[0], about)
            translator(drawing)
            for _ in range(BLOCK):
                start = time.perf_counter()
                translator(drawing)
                times[key].append(time.perf_counter() - start)

    print(f"{describe('cpu')}\n\n| | ngf | weights (millions) | file (MB) | PyTorch (ms) | OpenVINO (ms) |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in names:
        generator = translators[name, "PyTorch"].generator
        count = sum(weight.numel() for weight in generator.parameters()) / 1e6
        size = locate(name).stat().st_size / 1e6
        medians = [1000 * statistics.median(times[name, way]) for way in ways]
        figures = f"{generator.config.ngf} | {count:.1f} | {size:.1f} | {medians[0]:.1f} | {medians[1]:.1f}"
        print(f"| {name} | {figures} |")
    wide, light = ({way: statistics.median(times[name, way]) for way in ways} for name in names)
    ratios = [wide[way] / light[way] for way in ways]
    print(f"\ntimes as fast: {ratios[0]:.2f} by PyTorch, {ratios[1]:.2f} by OpenVINO")


def _plain(name: str) -> Translator:
    return Translator.load(name, "cpu")


def _compiled(name: str) -> Translator:
    translator = Translator.load(name, "cpu")
    translator.compile()
    return translator


if __name__ == "__main__":
    main()
