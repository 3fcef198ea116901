"""Whether training ever waits for its data: start-up on many files, the share of a step spent waiting, and memory.

python benchmarks/data.py

All of it on photos and pairs drawn here: noise over shapes, as hard to decode as photos are. The last two start real
trainings, and read what they log.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import describe
from pix2pix.data.pairs import find_pairs
from pix2pix.files.places import ROOT

FILES = 100_000
PICTURES = 200  # different ones
STEPS = 10_000
MARKS = (1_000, 2_500, 5_000, 7_500, 10_000)  # steps at which the memory is noted
WAIT_STEPS = 200
POLL_S = 0.2


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"{describe()}\n")
    with tempfile.TemporaryDirectory() as folder:
        photos, pairs = Path(folder, "photos"), Path(folder, "pairs")
        _draw(photos, (256, 256))
        _draw(pairs, (512, 256))
        runs = Path(folder, "runs")
        figures = {
            "start_s": start(pairs, Path(folder, "many")),
            "wait_share": {"pairs": wait(pairs, runs), "photos": wait(photos, runs, "--colour-hints")},
            "rss_mb": memory(photos, runs),
        }
    print("\n" + json.dumps(figures))


def start(pairs: Path, folder: Path) -> dict[str, float]:
    """Seconds until so many files are found, sorted and matched: as pairs, and as folders A and B of half as many."""
    sources = sorted(pairs.iterdir())
    for part, count in {"pairs": FILES, "folders/A": FILES // 2, "folders/B": FILES // 2}.items():
        (folder / part).mkdir(parents=True)
        for index in range(count):
            os.link(sources[index % len(sources)], folder / part / f"{index:06}.jpg")
    seconds = {}
    for layout in ("pairs", "folders"):
        started = time.perf_counter()
        found = find_pairs(folder / layout)
        seconds[layout] = round(time.perf_counter() - started, 2)
        print(f"{FILES:,} files, {layout}: {seconds[layout]} s; {found.describe()}")
    return seconds


def wait(dataset: Path, runs: Path, *settings: str) -> float:
    """The share of its time that a training at 256 px and ngf 32 waits for data, after the first tenth of it."""
    name = f"wait-{dataset.name}"
    size = ["--ngf", "32", "--ndf", "32", "--steps", str(WAIT_STEPS), "--log-every", str(WAIT_STEPS // 10)]
    with _training(dataset, runs, name, *size, *settings) as process:
        process.wait()
    rows = [json.loads(line) for line in (runs / name / "metrics.jsonl").read_text().splitlines()]
    share = float(np.mean([row["data_wait"] for row in rows[1:]]))
    print(f"waiting for {dataset.name}: {share:.2%} of the time")
    return round(share, 5)


def memory(dataset: Path, runs: Path) -> dict[str, int]:
    """Megabytes resident while a small training runs for 10,000 steps."""
    small = ["--crop-size", "64", "--load-size", "72", "--ngf", "4", "--ndf", "4", "--preview-every", "1000"]
    seen: dict[str, int] = {}
    with _training(dataset, runs, "memory", *small, "--steps", str(STEPS), "--save-every", "1000") as process:
        watched, status = psutil.Process(process.pid), runs / "memory" / "status.json"
        while process.poll() is None:
            step = json.loads(status.read_text()).get("step", 0) if status.exists() else 0
            for mark in MARKS:
                if step >= mark and str(mark) not in seen:
                    seen[str(mark)] = round(watched.memory_info().rss / 1e6)
            time.sleep(POLL_S)
    print("resident after so many steps (MB): " + ", ".join(f"{step} {size}" for step, size in seen.items()))
    return seen


@contextmanager
def _training(dataset: Path, runs: Path, name: str, *settings: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "training", "--dataset", str(dataset), "--name", name, *settings]
    environment = os.environ | {"PIX2PIX_RUNS": str(runs)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as it:
        yield it
    if it.returncode:
        raise RuntimeError(f"The training {name} ended with {it.returncode}.")


def _draw(folder: Path, size: tuple[int, int]) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(PICTURES):
        picture = Image.fromarray(rng.normal(200, 8, (size[1], size[0], 3)).clip(0, 255).astype(np.uint8))
        pen = ImageDraw.Draw(picture)
        for _ in range(6):
            x, y, w, h = rng.integers(0, size[1], 4).tolist()
            pen.ellipse((x, y, x + w, y + h), fill=tuple(rng.integers(0, 255, 3).tolist()))
        picture.save(folder / f"{index:03}.jpg", quality=90)


if __name__ == "__main__":
    main()
