"""How long one picture takes, from PIL to PIL, by each runtime that could compute it, in turn in one process.

python benchmarks/inference.py

A second table has the forward pass alone of several pictures in one batch, by OpenVINO on the CPU: whether it would
pay to compute the drawings of several people at once.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import describe
from pix2pix import Translator
from pix2pix.files.checkpoint import Metadata
from pix2pix.inference import _openvino
from pix2pix.models import Generator, GeneratorConfig

BATCHES = (1, 2, 4, 8)
BLOCK = 5  # calls of one runtime before the next one's turn; one more before them is not counted
Runtime = Callable[[Translator], Callable[[Tensor], Tensor]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    print(f"{describe(options.device)}\n")
    print("| ngf | runtime | ready after (s) | p50 (ms) | p95 (ms) | first call (ms) | differs by (grey levels) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    results = {str(ngf): _compare(ngf, options.rounds, options.device) for ngf in (32, 64)}
    print("\n| ngf | pictures at once | a picture (ms) |\n| --- | --- | --- |")
    batches = {str(ngf): _at_once(ngf, options.rounds) for ngf in (32, 64)}
    print("\n" + json.dumps({"runtimes": results, "at_once": batches}))


def _at_once(ngf: int, rounds: int) -> dict[str, float]:
    """Milliseconds for each picture of a batch, by its length; medians."""
    generator = Generator(GeneratorConfig(ngf=ngf)).eval()
    forwards = {count: _openvino(generator, "fp32", count)[0] for count in BATCHES}
    times: dict[int, list[float]] = {count: [] for count in BATCHES}
    for _ in range(rounds):
        for count, forward in forwards.items():
            a = torch.rand(count, 3, 256, 256) * 2 - 1
            forward(a)
            for _ in range(BLOCK):
                started = time.perf_counter()
                forward(a)
                times[count].append(1000 * (time.perf_counter() - started) / count)
    medians = {str(count): round(float(np.median(values)), 2) for count, values in times.items()}
    for count, milliseconds in medians.items():
        print(f"| {ngf} | {count} | {milliseconds:.1f} |")
    return medians


def _compare(ngf: int, rounds: int, device: str) -> dict[str, dict[str, float]]:
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(ngf=ngf))
    drawing, translators, figures, times = _drawing(), {}, {}, {}
    reference = np.asarray(Translator(generator, Metadata("reference", 0), device)(drawing), int)
    for name, prepare in RUNTIMES.items():
        translator = Translator(generator, Metadata(name, 0), device)
        try:
            started = time.perf_counter()
            prepare(translator)
            ready_s = time.perf_counter() - started
            started = time.perf_counter()
            difference = np.abs(np.asarray(translator(drawing), int) - reference).max()
        except Exception as error:
            print(f"| {ngf} | {name} | cannot be used: {str(error).splitlines()[0]} |")
            continue
        figures[name] = {"ready_s": ready_s, "first_ms": 1000 * (time.perf_counter() - started)}
        figures[name]["difference"] = int(difference)
        translators[name], times[name] = translator, []
    for _ in range(rounds):
        for name, translator in translators.items():
            translator(drawing)
            for _ in range(BLOCK):
                started = time.perf_counter()
                translator(drawing)
                times[name].append(1000 * (time.perf_counter() - started))
    for name, row in figures.items():
        row["p50_ms"], row["p95_ms"] = np.quantile(times[name], (0.5, 0.95))
        print(
            f"| {ngf} | {name} | {row['ready_s']:.1f} | {row['p50_ms']:.1f} | {row['p95_ms']:.1f} "
            f"| {row['first_ms']:.0f} | {row['difference']} |"
        )
    return {name: {key: round(float(value), 2) for key, value in row.items()} for name, row in figures.items()}


def _eager(translator: Translator) -> None:
    """As loaded."""


def _channels_last(translator: Translator) -> None:
    translator.generator.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _inductor(translator: Translator) -> None:
    from torch._inductor import config

    config.freezing = True
    translator._forward = torch.compile(translator.generator)
    translator(_drawing())


def _onnxruntime(translator: Translator) -> None:
    import onnxruntime

    size = translator.config.image_size
    with warnings.catch_warnings(action="ignore"):
        program = torch.onnx.export(translator.generator, (torch.zeros(1, 3, size, size),), input_names=["a"])
    assert program
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    translator._forward = lambda a: torch.from_numpy(session.run(None, {"a": a.numpy()})[0])


def _fp32(translator: Translator) -> None:
    translator.compile("fp32")


def _default(translator: Translator) -> None:
    translator.compile()


RUNTIMES: dict[str, Callable[[Translator], None]] = {
    "torch, eager": _eager,
    "torch, channels_last": _channels_last,
    "torch.compile, frozen": _inductor,
    "onnxruntime": _onnxruntime,
    "Translator.compile, fp32 (OpenVINO on the CPU)": _fp32,
    "Translator.compile (in bf16, where the CPU has it)": _default,
}


def _drawing() -> Image.Image:
    """A sketch in 256x256."""
    picture = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(picture).line([(20, 180), (60, 120), (120, 110), (230, 170), (230, 200), (20, 200), (20, 180)], 0, 2)
    return picture


if __name__ == "__main__":
    main()
