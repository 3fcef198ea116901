"""How long a picture much larger than those of the training takes, and how much memory beside the generator.

python benchmarks/large_pictures.py edges2shoes --width 4000 --height 3000
"""

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import describe
from pix2pix import Translator

WAYS = (("whole", 6000), ("tiles", 1200))  # and the bound of memory, in MB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--width", type=int, default=4000)
    parser.add_argument("--height", type=int, default=3000)
    parser.add_argument("--one", nargs=2, metavar=("HOW", "MB"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = (options.width, options.height)
    if options.one:
        return _measure(options.checkpoint, size, options.one[0], float(options.one[1]))
    print(f"{describe('cpu')}\n")
    print("| how | bound (MB) | seconds | memory used (MB) |\n| --- | --- | --- | --- |", flush=True)
    for how, memory in WAYS:  # each in a process of its own: memory that was once used stays
        arguments = [options.checkpoint, "--width", str(size[0]), "--height", str(size[1])]
        subprocess.run([sys.executable, __file__, *arguments, "--one", how, str(memory)], check=True)
    return None


def _measure(checkpoint: str, size: tuple[int, int], how, memory: float) -> None:
    translator = Translator.load(checkpoint, "cpu")
    translator(Image.new("RGB", (256, 256), "white"))  # the first one takes longer
    drawing = Image.new("RGB", size, "white")
    ImageDraw.Draw(drawing).ellipse((200, 200, size[0] // 2, size[1] - 200), outline="black", width=3)
    rss = [psutil.Process().memory_info().rss]

    def watch() -> None:
        while True:
            rss.append(psutil.Process().memory_info().rss)
            time.sleep(0.01)

    threading.Thread(target=watch, daemon=True).start()
    started = time.perf_counter()
    translator(drawing, how=how, memory=memory)
    seconds = time.perf_counter() - started
    print(f"| {how} | {memory:.0f} | {seconds:.1f} | {(max(rss) - rss[0]) / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
