"""Runs all that this project does on a GPU, times it, and writes a report: `make gpu`.

python benchmarks/gpu.py [--device cuda:0] [--report gpu.md]

Each path is a process of its own. So one that fails, and be it by taking the device's context with it, is named in the
report with its traceback, and the others still run. Losses are compared between two runs of the same settings: those of
a GPU are not the same from run to run, since it does not add in the same order each time. Ends with status 1 where a
path failed. With `--tiny` networks and pictures are as small as they can be, to try the script itself on a CPU.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # when this file is run itself, not as a module

from benchmarks.app_process import end, running
from pix2pix.files.places import ROOT
from training.config import DEMO_SETTINGS, OBJECTIVES, TrainConfig
from training.run import Run

PAIRS = 64  # in the dataset that is drawn for this
TINY: dict[str, Any] = {"load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4}
PATH_S = 300.0  # that one path may take
MOST_LINES = 30  # of the output of a path that failed

Options = argparse.Namespace


class NotHereError(Exception):
    """Why a path cannot be tried on this device."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--report", type=Path, default=Path("gpu.md"), help="default: %(default)s")
    parser.add_argument("--only", nargs="+", choices=[*PATHS], default=[*PATHS], metavar="PATH", help="; ".join(PATHS))
    parser.add_argument("--tiny", action="store_true", help="of no use for figures")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)  # of a path's own process
    options = parser.parse_args()
    if options.work:
        print(PATHS[options.only[0]](options))
        return
    with tempfile.TemporaryDirectory() as folder:
        options.work = Path(folder)
        draw_datasets(options)
        results = {}
        for name in options.only:
            results[name] = _tried(name, options)
            print(f"{name}: {results[name][0]}. {results[name][1].splitlines()[-1]}", flush=True)
    options.report.write_text(report(results, options), "utf-8")
    print(f"The report is {options.report}.")
    sys.exit(any(state == "failed" for state, _, _ in results.values()))


def draw_datasets(options: Options) -> None:
    """Facades drawn by code: pairs that fit on the device, and photos alone, whose edges are made by the workers."""
    from pix2pix.data.facades import draw_pair

    for number in range(8 if options.tiny else PAIRS):
        pair = draw_pair(number)
        for folder, picture in ("pairs", pair), ("photos", pair.crop((0, 0, pair.width // 2, pair.height))):
            path = options.work / folder / f"{number:03}.png"
            path.parent.mkdir(exist_ok=True)
            picture.save(path)


def report(results: dict[str, tuple[str, str, float]], options: Options) -> str:
    lines = ["| path | | seconds | what was seen |", "| --- | --- | --- | --- |"]
    for name, (state, words, seconds) in results.items():
        seen = "see below" if state == "failed" else words.strip().splitlines()[-1]
        lines.append(f"| {name} | {state} | {seconds:.0f} | {seen} |")
    sizes = (
        "tiny networks, of no use for figures" if options.tiny else "256 px, ngf and ndf 64 where nothing else is said"
    )
    texts = [f"# What was tried on `{options.device}`", f"{time.strftime('%Y-%m-%d')}; {sizes}.", "\n".join(lines)]
    for name, (state, words, _) in results.items():
        if state == "failed":
            texts += [f"## {name}", f"```\n{words.strip()}\n```"]
    return "\n\n".join(texts) + "\n"


def _tried(name: str, options: Options) -> tuple[str, str, float]:
    """How a path ended (passed, failed, not here), its output, and the seconds it took."""
    command = [sys.executable, __file__, "--only", name, "--device", options.device, "--work", str(options.work)]
    environment = {**os.environ, "PIX2PIX_RUNS": str(options.work / "runs")}
    started = time.monotonic()
    output, code = _output_within([*command, *(["--tiny"] if options.tiny else [])], environment, PATH_S)
    lines = [line for line in output.splitlines() if line.strip()] or [f"It ended with status {code} and no word."]
    state = "passed" if not code else "not here" if NotHereError.__name__ in lines[-1] else "failed"
    if state == "not here":
        lines = [lines[-1].partition(": ")[2]]
    return state, "\n".join(lines[-MOST_LINES:]), time.monotonic() - started


def _output_within(command: list[str], environment: dict[str, str], seconds: float) -> tuple[str, int]:
    """What it printed, and its status: 1 where it was not done in time, and was ended with all that it had started."""
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    with psutil.Popen(command, env=environment, cwd=ROOT, **pipe) as process:
        try:
            return process.communicate(timeout=seconds)[0], process.returncode
        except subprocess.TimeoutExpired:
            end(process)
            return f"{process.communicate()[0]}\nNot done after {seconds:.0f} s.", 1


# --- the paths


def step(*flags: str) -> Callable[[Options], str]:
    """A step against the common recipe, by the benchmark of it."""

    def path(options: Options) -> str:
        if "--compile" in flags:
            _need_cuda(options)
        width = "4" if options.tiny else "32" if "recommended" in flags else "64"
        rounds = "1" if options.tiny else "5"
        command = [
            "benchmarks/training_step.py",
            "--device",
            options.device,
            "--ngf",
            width,
            "--rounds",
            rounds,
            *flags,
        ]
        figures = json.loads(_output(command).splitlines()[-1])
        return f"ngf {width}: " + ", ".join(f"{name} {value:g}" for name, value in figures.items())

    return path


def resident(options: Options) -> str:
    """The whole dataset lies on the device."""
    return _speed(_trained(options, "resident"))


def workers(options: Options) -> str:
    """Edges are made by processes, and come through pinned memory."""
    return _speed(_trained(options, "workers", dataset="photos", layout="photos", colour_hints=True))


def graph(options: Options) -> str:
    """torch.compile and the step as a CUDA graph, against the same run without."""
    _need_cuda(options)
    runs = [_trained(options, f"compiled-{on}", compile=on, steps=20, log_every=1, dropout=0.0) for on in (False, True)]
    log = runs[1].log()
    captured = "no graph could be captured" if "No CUDA graph" in log else "the graph was captured and replayed"
    return f"{captured}; {_speed(runs[1])}; losses differ by {_apart(*runs):.2g} at most in 20 steps"


def recommended(options: Options) -> str:
    """The frozen network and the discriminators on its maps."""
    return _speed(_trained(options, "recommended", **OBJECTIVES["recommended"]))


def precision(options: Options) -> str:
    """bf16, where the device has it, against fp32."""
    runs = [_trained(options, f"in-{name}", precision=name, steps=20, log_every=1) for name in ("auto", "fp32")]
    return f"losses differ by {_apart(*runs):.2g} at most in 20 steps; fp32: {_speed(runs[1])}"


def cpu(options: Options) -> str:
    """The same run on the CPU."""
    settings = {"precision": "fp32", "steps": 5, "log_every": 1, "dropout": 0.0}
    runs = [_trained(options, f"on-{name}", **settings, device=device)
            for name, device in (("device", options.device), ("cpu", "cpu"))]  # fmt: skip
    return f"losses differ by {_apart(*runs):.2g} at most in 5 steps of fp32"


def resumed(options: Options) -> str:
    """Killed on its way and resumed, against the same run in one go."""
    often: dict[str, Any] = {"log_every": 10, "save_every": 20}
    killed = _created(options, "killed", steps=100_000, **often)  # a GPU makes some dozen before anybody looks
    with subprocess.Popen(_command(killed), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as process:
        while process.poll() is None and not killed.status().saved_step:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    saved = killed.status().saved_step or 0
    assert process.returncode == -signal.SIGKILL, killed.log()
    killed.config_file.write_text(killed.config.with_changes(steps=saved + 40).to_json(), "utf-8")
    _train(killed)
    assert killed.status().state == "finished", killed.status()
    whole = _trained(options, "whole", steps=saved + 40, **often)
    return f"killed after step {saved}, resumed and finished; losses differ by {_apart(whole, killed):.2g} at most"


def inference(options: Options) -> str:
    """From PIL to PIL by the shipped generator, against the CPU."""
    import numpy as np

    from pix2pix import Translator
    from pix2pix.page.page import fitting
    from pix2pix.samples import draw

    on_device, on_cpu = Translator.load("edges2shoes", options.device), Translator.load("edges2shoes", "cpu")
    drawings = [draw(sample, on_cpu.metadata) for sample in fitting(on_cpu.metadata)]
    pictures = [[np.asarray(translator(each), int) for each in drawings] for translator in (on_device, on_cpu)]
    apart = np.abs(np.asarray(pictures[0]) - np.asarray(pictures[1]))
    times = []
    for _ in range(3 if options.tiny else 50):
        started = time.perf_counter()
        on_device(drawings[0])
        times.append(1000 * (time.perf_counter() - started))
    return (
        f"{sorted(times)[len(times) // 2]:.1f} ms; {apart.mean():.3f} grey levels from the CPU's, {apart.max()} at most"
    )


def app(options: Options) -> str:
    """Started, stopped and resumed from the app."""
    from gradio_client import Client

    with running() as started:
        client = Client(started.url, verbose=False)
        client.predict(str(options.work / "pairs"), "by-app", "quick", "BtoA", api_name="/train_start")
        run = Run.named("by-app")
        _wait(lambda: run.status().step > 2, run)
        client.predict("by-app", api_name="/train_stop")
        _wait(lambda: run.status().state == "stopped", run)
        stopped = run.status().step
        run.submit()
        _wait(lambda: run.status().step > stopped, run)
        client.predict("by-app", api_name="/train_stop")
        _wait(lambda: run.status().state == "stopped", run)
    _need_device(run.status().device, options)
    return f"stopped at step {stopped}, resumed, and stopped at step {run.status().step}"


def two_processes(options: Options) -> str:
    """One process per GPU, of which there must be two; on the CPU two processes all the same."""
    import torch

    if options.device.startswith("cuda") and torch.cuda.device_count() < 2:
        raise NotHereError(f"it takes two GPUs, and there are {torch.cuda.device_count()}")
    run = _created(options, "two", steps=40, device="cpu" if options.device == "cpu" else "auto")
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "training", str(run.path)]
    _output(launch)
    return _speed(run)


PATHS: dict[str, Callable[[Options], str]] = {
    "step": step(),
    "step, batch 4": step("--batch", "4"),
    "step, fp32": step("--precision", "fp32"),
    "step, compiled": step("--compile"),
    "step, recommended": step("--objective", "recommended"),
    "resident data": resident,
    "workers": workers,
    "graph": graph,
    "recommended": recommended,
    "precision": precision,
    "CPU": cpu,
    "resume": resumed,
    "inference": inference,
    "app": app,
    "two processes": two_processes,
}


# --- what they are made of


def _need_cuda(options: Options) -> None:
    if not options.device.startswith("cuda"):
        raise NotHereError("only CUDA has it")


def _need_device(used: str, options: Options) -> None:
    """The app chooses a device by itself: on a machine without the wanted one that says nothing of it."""
    wanted = options.device.partition(":")[0]
    if wanted != "cpu" and used.partition(":")[0] != wanted:
        raise RuntimeError(f"it trained on {used}, and not on {options.device}")


def _settings(options: Options, **settings: Any) -> dict[str, Any]:
    few = {"steps": 20 if options.tiny else 200, "log_every": 10, "preview_every": 100_000, "save_every": 100_000}
    return {"device": options.device, **few, **(TINY if options.tiny else {}), **settings}


def _created(options: Options, name: str, dataset: str = "pairs", **settings: Any) -> Run:
    sides = {} if dataset == "photos" else DEMO_SETTINGS
    folder = str(options.work / dataset)
    return Run.create(TrainConfig(name=name, dataset=folder, **sides, **_settings(options, **settings)))


def _trained(options: Options, name: str, **settings: Any) -> Run:
    run = _created(options, name, **settings)
    _train(run)
    return run


def _command(run: Run) -> list[str]:
    return [sys.executable, "-m", "training", str(run.path)]


def _train(run: Run) -> None:
    _output(_command(run)[1:])


def _output(command: list[str]) -> str:
    """What Python printed. Raises RuntimeError, with all of it, where it failed."""
    done = subprocess.run(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"python {' '.join(command)} ended with status {done.returncode}:\n{done.stdout}")
    return done.stdout


def _speed(run: Run) -> str:
    rows, _ = run.metrics()
    where = next((line for line in run.log().splitlines() if "Training on" in line), "")
    place = where.partition("Training on ")[2].partition(" from step")[0]
    first, last = rows[(len(rows) - 1) // 2], rows[-1]  # before, kernels are chosen and compiled, and a graph captured
    seconds = (last["time"] - first["time"]) / max(1, last["step"] - first["step"])
    waited = max(row.get("data_wait", 0.0) for row in rows[1:] or rows)
    return f"{place}: {1000 * seconds:.1f} ms a step, {waited:.0%} of it waiting for data"


def _apart(one: Run, other: Run) -> float:
    """The largest difference of a loss, as a share of it, over the steps that both have logged."""
    rows = [{row["step"]: row for row in run.metrics()[0] if "loss_L1" in row} for run in (one, other)]
    names = [name for name in next(iter(rows[0].values())) if name.startswith("loss_")]
    assert rows[0].keys() == rows[1].keys(), "both have logged the same steps"
    return max(
        abs(rows[0][step][name] - rows[1][step][name]) / max(abs(rows[0][step][name]), 1e-3)
        for step in rows[0]
        for name in names
    )


def _wait(happened: Callable[[], bool], run: Run, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise RuntimeError(f"{run.name} is {run.status().state} at step {run.status().step}:\n{run.log()}")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
