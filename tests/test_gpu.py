"""The script that tries everything on a GPU: here on the CPU, with networks as small as they can be."""

import os
import subprocess
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks import gpu
from benchmarks.app_process import has_ended
from pix2pix.files.places import ROOT
from training.config import TrainConfig
from training.run import Run


def tried(tmp_path: Path, *flags: str) -> tuple[int, str, str]:
    """Its status, what it printed, and its report."""
    report = tmp_path / "gpu.md"
    command = [sys.executable, "benchmarks/gpu.py", "--tiny", "--report", str(report), *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr, report.read_text("utf-8")


@pytest.mark.timeout(600)  # an app and eight trainings start, one after the other
def test_what_a_cpu_has_passes_and_the_rest_is_said_to_be_not_here(tmp_path: Path):
    # Data that lie on the device are what "CPU" and "resume" train on as well.
    paths = ["workers", "graph", "CPU", "resume", "inference", "app"]
    status, printed, report = tried(tmp_path, "--device", "cpu", "--only", *paths)
    assert status == 0, printed
    for path in paths:
        assert f"| {path} | {'not here' if path == 'graph' else 'passed'} |" in report
    assert "| only CUDA has it |" in report
    assert "losses differ by 0 at most in 5 steps" in report, "the CPU beside itself"
    assert "resumed and finished; losses differ by 0 at most" in report
    assert "0.000 grey levels from the CPU's, 0 at most" in report


SLOW = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True).pid, flush=True)
time.sleep(600)
"""


def test_a_path_that_takes_too_long_leaves_nothing_behind():
    output, status = gpu._output_within([sys.executable, "-c", SLOW], dict(os.environ), 4.0)
    assert (output.splitlines()[-1], status) == ("Not done after 4 s.", 1)
    with suppress(psutil.NoSuchProcess):
        assert has_ended(psutil.Process(int(output.split()[0])))


def test_the_time_of_a_step_is_without_what_a_graph_takes_to_be_captured():
    run = Run.create(TrainConfig(name="graph", dataset="any"))
    for step in range(1, 21):
        run.append_metrics({"step": step, "time": 0.01 * step + (60 if step > 1 else 0) + (2 if step > 3 else 0)})
    assert "10.0 ms a step" in gpu._speed(run)


def test_what_ran_elsewhere_says_nothing_of_a_device():
    for used, wanted in (("cuda", "cuda:1"), ("cuda:0", "cuda"), ("cpu", "cpu"), ("cuda", "cpu")):
        gpu._need_device(used, Namespace(device=wanted))
    with pytest.raises(RuntimeError, match="it trained on cpu, and not on cuda"):
        gpu._need_device("cpu", Namespace(device="cuda"))


def test_a_path_that_fails_is_named_with_its_reason_and_the_others_still_run(tmp_path: Path):
    status, printed, report = tried(tmp_path, "--device", "meta", "--only", "inference", "graph")
    assert status == 1, printed
    assert "| inference | failed |" in report
    assert "Traceback (most recent call last)" in report.partition("## inference")[2]
    assert "| graph | not here |" in report
