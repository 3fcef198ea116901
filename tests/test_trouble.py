"""What can happen to a training from outside: no broken file, at most one save interval lost, and the page says it.

Each trainer is a process of its own, as ever. `make faults` runs these beside the kills and the full disk.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from pix2pix.data import dataset
from pix2pix.data.dataset import PairedImages, ShuffledBatches
from pix2pix.data.layouts import DatasetError
from pix2pix.data.pairs import find_pairs
from pix2pix.files import checkpoint
from pix2pix.files.places import ROOT
from tests.conftest import trainers_in
from tests.test_kills import check_the_disk, losses
from tests.trainers import Trainer
from tests.waiting import wait_until
from training import process
from training.batches import WORKERS, by_processes
from training.config import TrainConfig
from training.loop import train
from training.run import Run, RunBusyError
from ui.train.monitor import REFRESH_S, status_html

TRUTH_S = 5.0  # within which the page says what is so
SETTINGS: dict[str, Any] = {
    "layout": "pairs", "crop_size": 32, "load_size": 36, "ngf": 4, "ndf": 4, "device": "cpu",
    "log_every": 3, "preview_every": 20, "save_every": 7,
}  # fmt: skip
# Root may write anywhere; as another user one may not.
AS_A_USER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.geteuid() == 0 else []


def make(pairs: Path, name: str = "boxes", **settings: Any) -> Run:
    chosen: dict[str, Any] = {"steps": 30} | SETTINGS | settings
    return Run.create(TrainConfig(name=name, dataset=str(pairs), **chosen))


def shown(run: Run) -> str:
    """What the page says of a run."""
    return status_html(run, run.status(), [])


def until_saved(run: Run) -> None:
    wait_until(lambda: run.status().saved_step)


def test_the_page_looks_often_enough_to_tell_the_truth_in_time():
    assert 2 * REFRESH_S < TRUTH_S


# --- the folder


@pytest.fixture
def unprivileged() -> None:
    if AS_A_USER and (not shutil.which("setpriv") or subprocess.run([*AS_A_USER, "true"], check=False).returncode):
        pytest.skip("root may write everywhere here")


@pytest.mark.usefixtures("unprivileged")
def test_a_folder_that_cannot_be_written_to_any_more_costs_one_interval(pairs: Path):
    run = make(pairs, steps=10_000)
    command = [*AS_A_USER, sys.executable, "-m", "training", str(run.path)]
    trainer = subprocess.Popen(command, cwd=ROOT)
    until_saved(run)
    run.path.chmod(0o555)
    try:
        assert trainer.wait() != 0
        status = run.status()
        assert status.state == "failed"
        assert "Permission denied" in status.error or "cannot be written to" in status.error
        assert f"Resume continues from step {status.saved_step}" in status.error
        assert "data-state='failed'" in shown(run)
        code = f"from training.run import Run; Run({str(run.path)!r}).start()"
        tried = subprocess.run([*AS_A_USER, sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
        assert b"PermissionError" in tried.stderr
        assert not trainers_in(run.path), "one that is said not to have begun trains all the same"
    finally:
        run.path.chmod(0o755)
    check_the_disk(run)
    run.config_file.write_text(run.config.with_changes(steps=(status.saved_step or 0) + 10).to_json())
    assert Trainer(run).wait() == 0


def test_a_file_in_the_place_of_a_folder_is_said(pairs: Path):
    run = make(pairs)
    shutil.rmtree(run.path / "previews")
    (run.path / "previews").write_text("no folder")
    with pytest.raises(OSError, match="previews"), run.claim():
        train(run)
    assert "previews" in run.status().error
    (run.path / "previews").unlink()
    train(run)
    assert run.status().state == "finished"


# --- the dataset


def test_a_dataset_that_goes_while_it_is_trained_on_is_said(pairs: Path, monkeypatch: pytest.MonkeyPatch):
    """One that is too large to be kept in memory."""
    monkeypatch.setattr(dataset, "KEPT_BYTES", 0)
    run = make(pairs, steps=10_000, preview_every=10_000)
    elsewhere, write = pairs.with_name("elsewhere"), run.write_status

    def write_and_move(**changes: Any) -> None:
        write(**changes)
        if changes.get("saved_step") == 14:
            pairs.rename(elsewhere)

    monkeypatch.setattr(run, "write_status", write_and_move)
    with pytest.raises(DatasetError), run.claim():
        train(run)
    status = run.status()
    assert status.state == "failed"
    assert status.error == f"{pairs} is not there any more. Resume continues from step 14."
    check_the_disk(run)
    elsewhere.rename(pairs)
    run.config_file.write_text(run.config.with_changes(steps=21).to_json())
    train(Run(run.path))
    assert run.status().state == "finished"


def test_what_a_process_says_of_a_dataset_is_said_in_its_words(pairs: Path):
    found = find_pairs(pairs, "pairs")
    batches = by_processes(PairedImages(found), ShuffledBatches(len(found.splits["train"]), 1, seed=0))
    shutil.rmtree(pairs)
    with pytest.raises(DatasetError, match=f"^{re.escape(str(pairs))} is not there any more$"):
        deque(batches, maxlen=0)  # what was made before


# --- numbers


def test_losses_that_are_none_cost_one_interval(pairs: Path, monkeypatch: pytest.MonkeyPatch):
    from training import loop

    real, count = loop.update, iter(range(1, 1000))

    def poisoned(*arguments: Any) -> torch.Tensor:
        return real(*arguments) * (float("nan") if next(count) >= 17 else 1)

    run = make(pairs)
    monkeypatch.setattr(loop, "update", poisoned)
    with pytest.raises(ValueError, match="not a number"), run.claim():
        train(run)
    status = run.status()
    assert "is not a number since step 17" in status.error
    assert "Resume continues from step 14" in status.error
    check_the_disk(run)


def test_where_nothing_was_saved_nothing_is_said_to_be(pairs: Path):
    run = make(pairs)
    object.__setattr__(run.config, "lr", 1e30)  # far more than a config allows
    with pytest.raises(ValueError, match=r"not a number|not numbers"), run.claim():
        train(run)
    assert run.status().error.endswith("Resume starts from the beginning, since nothing was saved yet.")
    assert "kept" not in run.status().error


# --- the clock


def test_a_clock_that_jumps_changes_nothing(pairs: Path, monkeypatch: pytest.MonkeyPatch):
    quiet, jumping = make(pairs, "quiet", steps=40), make(pairs, "jumping", steps=40)
    train(quiet)
    now, moments = time.time, random.Random(0)
    monkeypatch.setattr(time, "time", lambda: now() + moments.choice([-1, 1]) * moments.choice([0, 90, 3600, 10**6]))
    with jumping.claim():
        train(jumping)
    monkeypatch.undo()
    assert jumping.status().state == "finished"
    assert losses(jumping) == losses(quiet)
    times = [row["time"] for row in jumping.metrics()[0]]
    assert times == sorted(times)


@pytest.mark.parametrize("jump_s", [-86_400, -3600, 3600, 86_400])
def test_a_clock_that_was_set_is_noticed_by_the_next_heartbeat(
    pairs: Path, monkeypatch: pytest.MonkeyPatch, jump_s: float
):
    """The page's clock is another one than that of the heartbeats so far; then both have the new one."""
    run, now = make(pairs), time.time
    with run.claim():
        run.write_status(state="running", step=3, total=30)
        monkeypatch.setattr(time, "time", lambda: now() + jump_s)
        assert run.status().state == "running"
        run.write_status(step=4)
        assert run.status().error == ""


# --- two of them


def test_of_two_trainers_one_trains_and_the_other_says_so(pairs: Path):
    alone, run = make(pairs, "alone"), make(pairs, "both")
    train(alone)
    trainers = [Trainer(run) for _ in range(2)]
    assert sorted(trainer.wait() for trainer in trainers) in ([0, 0], [0, 2])  # [0, 0]: one after the other
    assert run.status().state == "finished"
    assert losses(run) == losses(alone)
    check_the_disk(run)


def test_a_second_trainer_is_refused_while_the_first_trains_and_a_pid_that_is_used_again_is_not_one(
    pairs: Path, tmp_path: Path
):
    run = make(pairs, steps=10_000)
    trainer = Trainer(run)
    until_saved(run)
    trainer.send_signal(signal.SIGSTOP)  # it holds its lock, and does not compute for the ten seconds that others wait
    assert Trainer(run, output=tmp_path / "said").wait() == 2
    assert (tmp_path / "said").read_text().strip().endswith("error: boxes is already being trained")
    trainer.send_signal(signal.SIGCONT)
    with pytest.raises(RunBusyError):
        run.start()
    assert run.status().pid == trainer.pid

    trainer.kill()
    trainer.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        # As if the system had given the same pid again: what is in the file is true, but of the one before.
        values = json.loads((run.path / "status.json").read_text()) | {"pid": other.pid}
        for create_time in (values["create_time"], psutil.Process(other.pid).create_time()):
            (run.path / "status.json").write_text(json.dumps(values | {"create_time": create_time}))
            assert run.status().state == "failed"
            assert "was killed" in run.status().error
            assert "data-state='failed'" in shown(run)
            assert run.stop() == "boxes was not running."
        assert other.poll() is None
        other.terminate()
    check_the_disk(run)
    run.config_file.write_text(run.config.with_changes(steps=(run.status().saved_step or 0) + 5).to_json())
    train(Run(run.path))
    assert checkpoint.load(run.generator_file)[1].steps == run.status().step


@pytest.mark.parametrize("steps", [30, 29])
def test_a_kill_during_the_last_save_costs_no_step_of_the_generator(pairs: Path, steps: int):
    """state.pt has all steps by then, so that no further one is made; also where its config asks for fewer since."""
    run = make(pairs)
    code = f"""
import os, signal, sys
from training import state
from training.__main__ import main
save = state.checkpoint.save
def save_or_die(path, generator, metadata):
    if metadata.steps == 30 and str(path) == {str(run.generator_file)!r}:
        os.kill(os.getpid(), signal.SIGKILL)
    save(path, generator, metadata)
state.checkpoint.save = save_or_die
main(sys.argv[1:])
"""
    assert Trainer(run, program=code).wait() == -signal.SIGKILL
    assert check_the_disk(run) == 0
    assert checkpoint.load(run.generator_file)[1].steps == 28
    run.config_file.write_text(run.config.with_changes(steps=steps).to_json())
    assert Trainer(run).wait() == 0
    assert run.status().state == "finished"
    assert checkpoint.load(run.generator_file)[1].steps == 30


# The command of a training whose batches are made by processes, as on CUDA.
BY_PROCESSES = """
import multiprocessing, sys
from training import batches, loop
from training.__main__ import main

multiprocessing.set_start_method("fork", force=True)
loop.batches_of = lambda dataset, order, _: batches.by_processes(dataset, order)
sys.exit(main(sys.argv[1:]))
"""


def test_a_signal_that_reaches_the_makers_of_its_batches_too_stops_a_trainer_as_ever(pairs: Path):
    """Ctrl-C in a terminal reaches all that was started there, and a manager of jobs sends SIGTERM to all of a job."""
    run = make(pairs, steps=100_000, save_every=100_000, preview_every=100_000)
    trainer = Trainer(run, program=BY_PROCESSES)
    wait_until(lambda: len(run.metrics()[0]) > 2, run)
    makers = psutil.Process(trainer.pid).children()
    assert len(makers) == WORKERS
    for number in (signal.SIGINT, signal.SIGTERM):
        for maker in makers:
            maker.send_signal(number)
    trainer.send_signal(signal.SIGINT)
    assert trainer.wait() == 0, run.log()
    status = run.status()
    assert (status.state, status.saved_step) == ("stopped", status.step)
    assert not any(process.lives(maker) for maker in makers)


def test_a_trainer_that_hangs_is_ended_by_stop(pairs: Path):
    run = make(pairs, steps=10_000)
    trainer = Trainer(run)
    until_saved(run)
    trainer.send_signal(signal.SIGSTOP)
    values = json.loads((run.path / "status.json").read_text())
    (run.path / "status.json").write_text(json.dumps(values | {"heartbeat": time.time() - 600}))
    assert "has not been heard of for 10 minutes" in shown(run)
    assert "SIGKILL" in run.stop(grace_s=0.2, term_s=0.2)
    assert trainer.wait() == -signal.SIGKILL
    assert run.status().state == "stopped"
    check_the_disk(run)
