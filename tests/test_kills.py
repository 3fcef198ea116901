"""SIGKILL at random moments: what is on the disk is always whole, and resuming leads to the very same training.

`make test` kills 5 times, `make faults` 200 times: short trainings, again and again, each until it has ended.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

from pix2pix.files import checkpoint
from pix2pix.files.places import ROOT
from tests.trainers import Trainer
from training.config import OBJECTIVES, TrainConfig
from training.run import Run

KILLS = int(os.environ.get("KILLS", "5"))
STEPS = 45
SETTINGS = {
    "layout": "pairs", "crop_size": 32, "load_size": 36, "ngf": 4, "ndf": 4, "device": "cpu",
    "log_every": 1, "preview_every": 20, "save_every": 7,
} | OBJECTIVES["recommended"]  # fmt: skip  # with all that a run can have to save
WRITTEN = ".tmp"  # at the end of the name of a file that is being written
PATIENCE_S = 300.0


def spawn(run: Run) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "training", str(run.path)], cwd=ROOT, stdout=subprocess.DEVNULL)


def losses(run: Run) -> list[tuple]:
    return [tuple(value for key, value in row.items() if key not in ("time", "data_wait")) for row in run.metrics()[0]]


@pytest.mark.timeout(60 + 60 * KILLS)
def test_kills_at_random_moments_cost_no_more_than_the_last_interval(pairs: Path):
    seed = random.randrange(1 << 30)
    print(f"\nrandom moments from seed {seed}")
    rng, kills, ended, lost = random.Random(seed), Counter(), 0, 0
    whole = make(pairs, "whole")
    assert Trainer(whole).wait() == 0

    while kills.total() < KILLS:
        killed = make(pairs, f"killed-{ended}")
        while kills.total() < KILLS:
            kind = rng.choices(["starts", "trains", "writes"], [1, 4, 5])[0]
            process = spawn(killed) if kind == "starts" else Trainer(killed)
            when = wait_for_a_moment(kind, killed, process, rng)
            process.kill()
            if process.wait() == 0:  # it had finished before
                break
            kills[when] += 1
            lost = max(lost, check_the_disk(killed))
            if killed.status().state == "failed":
                assert "was killed" in killed.status().error

        assert Trainer(killed).wait() in (0, 2)  # 2: it had finished, and nothing is left to resume
        check_it_ended_as(killed, whole)
        killed.delete()
        ended += 1
    told = ", ".join(f"{count} {when}" for when, count in kills.most_common())
    print(f"{kills.total()} kills: {told}. {lost} steps were lost at most, of {SETTINGS['save_every']} in an interval; "
          f"{ended} trainings ended as the one that was never killed.")  # fmt: skip


def make(pairs: Path, name: str) -> Run:
    return Run.create(TrainConfig(name=name, dataset=str(pairs), steps=STEPS, **SETTINGS))


def wait_for_a_moment(kind: str, run: Run, process: subprocess.Popen | Trainer, rng: random.Random) -> str:
    """Until a random one of that kind, or until the training has ended; which one, in words."""
    if kind == "starts":
        time.sleep(rng.uniform(0, 2))
        return "while it starts"
    steps, further, writes = run.metrics()[0], rng.randint(1, 9), rng.randint(1, 9)
    begun = steps[-1]["step"] if steps else 0
    last, deadline = "", time.monotonic() + PATIENCE_S
    while lives(process):
        assert time.monotonic() < deadline, run.log()
        if kind == "writes":
            now = being_written(run)
            if now and now != last and (writes := writes - 1) == 0:
                return f"while it writes {now}"
            last = now
            time.sleep(0.001)
        elif run.status().state == "running" and reached(run) >= min(begun + further, STEPS - 1):
            time.sleep(rng.uniform(0, 0.3))
            return "while it trains"
        else:
            time.sleep(0.05)
    return "at its end"


def lives(process: subprocess.Popen | Trainer) -> bool:
    return process.is_alive() if isinstance(process, Trainer) else process.poll() is None


def reached(run: Run) -> int:
    rows = run.metrics()[0]
    return rows[-1]["step"] if rows else 0


def being_written(run: Run) -> str:
    """The name of a file that takes its place just now, such as `state.pt`; those of pictures without their step."""
    for folder in (run.path, *(run.path / name for name in ("previews", "best", "snapshots"))):
        for name in os.listdir(folder) if folder.is_dir() else ():
            if name.endswith(WRITTEN):
                file = name.removeprefix(".").removesuffix(WRITTEN)
                return file if folder == run.path else f"one of the {folder.name}"
    return ""


def check_it_ended_as(killed: Run, whole: Run) -> None:
    assert killed.status().state == "finished"
    assert losses(killed) == losses(whole)
    weights = [checkpoint.load(run.generator_file)[0].state_dict() for run in (whole, killed)]
    assert all(torch.equal(a, b) for a, b in zip(*(each.values() for each in weights), strict=True))
    files = [{str(path.relative_to(run.path)) for path in run.path.rglob("*")} for run in (whole, killed)]
    assert files[0] == files[1], "nothing is missing, and no half of a file is left"


def check_the_disk(run: Run) -> int:
    """What is left behind is whole, and no save is lost. How many steps are."""
    status = run.status()
    assert not status.alive
    if status.state == "failed":
        assert "Resume" in status.error
    if run.generator_file.exists():
        assert checkpoint.load(run.generator_file)[1].steps > 0
    saved = torch.load(run.state_file, weights_only=True)["step"] if run.state_file.exists() else 0
    assert saved >= (status.saved_step or 0)
    rows = run.metrics()[0]
    lost = max(status.step, rows[-1]["step"] if rows else 0) - saved
    assert lost <= run.config.save_every
    return lost
