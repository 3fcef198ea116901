"""Several processes train as one: the same weights, the same losses, one stop for all, and no wait for the dead."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from pix2pix.files import checkpoint
from pix2pix.files.places import ROOT
from tests.rounding import TRAINED
from tests.trainers import Launcher, Together
from tests.waiting import wait_until
from training import process
from training.config import OBJECTIVES, ObjectiveName, TrainConfig
from training.loop import train
from training.run import Run

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
STEPS = 130  # of a training that is cut off five times
TINY = {
    "layout": "pairs", "load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4, "device": "cpu",
    "log_every": 1, "save_every": 7,
}  # fmt: skip
# The default config of `accelerate launch` that makes it start two processes on a machine without GPUs.
ACCELERATE = """
compute_environment: LOCAL_MACHINE
distributed_type: MULTI_GPU
num_processes: 2
num_machines: 1
gpu_ids: all
use_cpu: false
"""

# The command of a training, in each process, which also writes what its weights are in the end.
DIGEST = """
import hashlib, sys
from training import loop
from training.__main__ import main
from training.run import Run

networks = []

def kept(kind):
    return lambda *arguments, **settings: networks.append(kind(*arguments, **settings)) or networks[-1]

loop.Generator, loop.Discriminator = kept(loop.Generator), kept(loop.Discriminator)
main(sys.argv[1:])
run, rank = Run.named("whole"), loop.Accelerator().process_index
weights = b"".join(part.detach().numpy().tobytes() for network in networks for part in network.parameters())
(run.path / f"digest {rank}").write_text(f"{len(weights)} {hashlib.sha256(weights).hexdigest()}")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pairs of 32x32 of two plain colours each, and the runs that are trained on them."""
    folder = tmp_path_factory.mktemp("distributed")
    (folder / "pairs").mkdir()
    rng = np.random.default_rng(0)
    for index in range(8):
        halves = rng.integers(0, 256, (1, 2, 3), dtype=np.uint8).repeat(32, axis=0).repeat(32, axis=1)
        Image.fromarray(halves).save(folder / "pairs" / f"{index}.png")
    return folder


@pytest.fixture(autouse=True)
def runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIX2PIX_RUNS", str(folder / "runs"))


@pytest.fixture(scope="module")
def whole(folder: Path) -> Run:
    """A run that two processes create and train, by the command line, and that nothing interrupts."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in TINY.items()]
    words = [f"--dataset={folder / 'pairs'}", "--name=whole", f"--steps={STEPS}", *options]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIX2PIX_RUNS", str(folder / "runs"))
        assert Together(2, *words, program=DIGEST).wait() == [0, 0]
        return Run.named("whole")


def make(name: str, folder: Path, **settings: Any) -> Run:
    return Run.create(
        TrainConfig(**({"name": name, "dataset": str(folder / "pairs"), "steps": STEPS} | TINY | settings))
    )


def torchrun(run: Run) -> subprocess.Popen:
    command = [*TORCHRUN, "-m", "training", str(run.path)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL)


def losses(run: Run) -> list[tuple]:
    figures = ("step", "loss_D", "loss_G", "loss_L1", "loss_perceptual", "loss_D_projected", "loss_G_projected")
    return [tuple(row[key] for key in figures if key in row) for row in run.metrics()[0]]


def worker(launcher: int, rank: int) -> psutil.Process:
    children = psutil.Process(launcher).children()
    return next(child for child in children if child.environ().get("RANK") == str(rank))


def is_cut_off_here(step: int) -> bool:
    """Soon after a save: before the next one there is time for a signal to arrive."""
    return 0 < step % TINY["save_every"] < 4


def wait_for_steps(run: Run, begun: int) -> None:
    """Until it has made nine steps more, or a few further ones, and saved."""
    wait_until(lambda: (made := len(run.metrics()[0])) >= begun + 9 and is_cut_off_here(made), run)


@contextmanager
def cut_off(run: Run, launch: Callable[[Run], subprocess.Popen | Launcher]) -> Iterator[int]:
    """The pid of the launcher of a training that has gone on; it must end by what is done to it, and both with it."""
    begun, launcher = len(run.metrics()[0]), launch(run)
    pid = launcher.pid or 0
    try:
        wait_for_steps(run, begun)
        yield pid
        assert launcher.wait(60) == 1
    finally:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        launcher.wait()


def stop_by_file(run: Run) -> None:
    trainers = Together(2, run)
    wait_for_steps(run, 0)
    run.request_stop()
    assert trainers.wait() == [0, 0]


def stop_by_signal(run: Run, number: int) -> None:
    """Ctrl-C reaches each process twice: from the terminal, and from the launcher, which alone gets a SIGTERM."""
    with cut_off(run, Launcher) as launcher:
        (os.killpg if number == signal.SIGINT else os.kill)(launcher, number)


def test_several_processes_create_the_run_they_train(whole: Run):
    assert whole.status().state == "finished"
    assert whole.status().step == STEPS


def test_every_process_has_the_same_weights(whole: Run):
    """Though dropout, crops and flips are each process's own."""
    first, second = ((whole.path / f"digest {rank}").read_text() for rank in (0, 1))
    assert first == second
    assert int(first.split()[0]) > 100_000


@pytest.mark.parametrize("objective", ["paper", "recommended"])
def test_two_processes_are_one_with_twice_the_batch(folder: Path, objective: ObjectiveName):
    # One pair each, or both in one process: the same updates, but for rounding.
    settings = {"load_size": 32, "flip": False, "dropout": 0.0, "steps": 5, "precision": "fp32"}
    settings |= OBJECTIVES[objective]
    alone = make(f"alone-{objective}", folder, batch_size=2, **settings)
    train(alone)
    as_two = make(f"as-two-{objective}", folder, **settings)
    assert Together(2, as_two).wait() == [0, 0]
    assert as_two.status().state == "finished"
    for mine, theirs in zip(losses(as_two), losses(alone), strict=True):
        assert mine == pytest.approx(theirs, rel=TRAINED)


def test_all_stop_or_end_and_resume_to_the_very_same_losses(whole: Run, folder: Path):
    """One of those that `torchrun` itself has started is killed; those before it are forked, by its launcher."""
    run = make("cut-off", folder)
    ways: dict[str, Callable[[], None]] = {
        "stop file": lambda: stop_by_file(run),
        "Ctrl-C": lambda: stop_by_signal(run, signal.SIGINT),
        "SIGTERM of the launcher": lambda: stop_by_signal(run, signal.SIGTERM),
    }
    for how, stop in ways.items():
        stop()
        status = run.status()
        assert status.state == "stopped", f"{how}: {status}"
        assert status.saved_step == status.step < STEPS, how
        assert not run.should_stop()

    for rank in (0, 1):
        with cut_off(run, torchrun if rank else Launcher) as launcher:
            os.kill(worker(launcher, 1).pid if rank else run.status().pid or 0, signal.SIGKILL)
        status = run.status()
        assert status.state == "failed"
        # From the terminal, nobody is left to write whose end it was when the main process is gone.
        assert status.error.startswith(
            "process 2 of 2 has ended: it was killed" if rank else "The training process was kill"
        )
        assert status.error.endswith(f"Resume continues from step {status.saved_step}.")
        assert checkpoint.read_metadata(run.generator_file).steps == status.saved_step

    assert Together(2, run).wait() == [0, 0]
    assert losses(run) == losses(whole)


@pytest.mark.timeout(600)
def test_the_app_is_told_which_process_was_killed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The main one, which cannot say so itself, as above: the launcher's log does."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    (tmp_path / "accelerate").mkdir()
    (tmp_path / "accelerate" / "default_config.yaml").write_text(ACCELERATE)
    run = make("started", folder, steps=100_000, num_processes=2)
    run.start()
    wait_until(lambda: len(run.metrics()[0]) >= 9, run)
    worker(run.status().launcher or 0, 0).kill()
    wait_until(lambda: not run.status().alive, run)
    wait_until(lambda: "ChildFailedError" in process.last_log(run.log_file), run)
    status = run.status()
    assert status.state == "failed"
    assert "rocess 1 of 2" in status.error
    assert "killed" in status.error

    assert run.resume().endswith(f"continues from step {status.saved_step}.")
    wait_until(lambda: run.status().step > (status.saved_step or 0) + 9, run)
    assert run.stop().startswith(f"{run.name} has stopped at step"), run.log()
