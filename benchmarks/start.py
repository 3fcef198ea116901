"""How soon the app answers, against how long its two large libraries take to import; and the command line's --help.

python benchmarks/start.py
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.load import serve
from benchmarks.machine import describe
from pix2pix.files.places import ROOT

COMMANDS = {
    "import torch, gradio": ["-c", "import torch, gradio"],
    "python -m pix2pix --help": ["-m", "pix2pix", "--help"],
    "python -m training --help": ["-m", "training", "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    times: dict[str, list[float]] = {name: [] for name in ("python app.py answers", *COMMANDS)}
    for round_ in range(-1, options.rounds):  # the first fills the disk cache
        taken = {"python app.py answers": _app()} | {name: _command(command) for name, command in COMMANDS.items()}
        for name, seconds in taken.items():
            times[name] += [seconds] * (round_ >= 0)
    medians = {name: statistics.median(values) for name, values in times.items()}
    base = medians["import torch, gradio"]
    print(f"{describe()}\n\n| | median (s) | times the import |\n| --- | --- | --- |")
    for name, seconds in medians.items():
        print(f"| {name} | {seconds:.2f} | {seconds / base:.2f} |")
    print("\n" + json.dumps({name: round(seconds, 3) for name, seconds in medians.items()}))


def _app() -> float:
    """Until the page itself has been answered."""
    started = time.perf_counter()
    with serve() as (url, _):
        httpx.get(url, trust_env=False, timeout=60).raise_for_status()
        return time.perf_counter() - started


def _command(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
