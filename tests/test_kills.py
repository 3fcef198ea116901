"""SIGKILL at random moments: what is on the disk is always whole, and resuming leads to the very same training.

`make test` kills 5 times, `make faults` 200 times.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from pix2pix.files import checkpoint
from pix2pix.files.places import ROOT
from training.config import OBJECTIVES, TrainConfig
from training.run import Run

KILLS = int(os.environ.get("KILLS", "5"))
SETTINGS = {
    "crop_size": 32, "load_size": 36, "ngf": 4, "ndf": 4, "device": "cpu",
    "log_every": 3, "preview_every": 20, "save_every": 7,
} | OBJECTIVES["recommended"]  # fmt: skip  # with all that a run can have to save


def spawn(run: Run) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "training", str(run.path)], cwd=ROOT, stdout=subprocess.DEVNULL)


def losses(run: Run) -> list[tuple]:
    return [tuple(value for key, value in row.items() if key not in ("time", "data_wait")) for row in run.metrics()[0]]


def wait_until_it_trains(run: Run, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while process.poll() is None and run.status().state == "starting":
        assert time.monotonic() < deadline, run.log()
        time.sleep(0.01)


@pytest.mark.timeout(60 + 60 * KILLS)
def test_kills_at_random_moments_cost_no_more_than_the_last_interval(pairs: Path):
    seed = random.randrange(1 << 30)
    print(f"random moments from seed {seed}")
    moments = random.Random(seed)
    steps = 30 * KILLS
    whole, killed = (Run.create(TrainConfig(name=name, dataset=str(pairs), steps=steps, **SETTINGS)) for name in "ab")
    assert spawn(whole).wait() == 0

    for _ in range(KILLS):
        process = spawn(killed)
        if moments.random() < 0.9:  # else while it starts
            wait_until_it_trains(killed, process)
        time.sleep(moments.uniform(0, 1.5))
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:  # it had finished before
            break
        check_the_disk(killed)
        if killed.status().state == "failed":
            assert "was killed" in killed.status().error

    assert spawn(killed).wait() in (0, 2)  # 2: it had finished, and nothing is left to resume
    assert killed.status().state == "finished"
    assert losses(killed) == losses(whole)
    weights = [checkpoint.load(run.generator_file)[0].state_dict() for run in (whole, killed)]
    assert all(torch.equal(a, b) for a, b in zip(*(each.values() for each in weights), strict=True))


def check_the_disk(run: Run) -> None:
    """What is left behind is whole, and no save is lost."""
    status = run.status()
    assert not status.alive
    if status.state == "failed":
        assert "Resume" in status.error
    if run.generator_file.exists():
        assert checkpoint.load(run.generator_file)[1].steps > 0
    if run.state_file.exists():
        saved = torch.load(run.state_file, weights_only=True)["step"]
        assert saved >= (status.saved_step or 0)
        assert status.step - saved < 2 * SETTINGS["save_every"]
