"""The training loop: it learns, it resumes to the very same losses, and what it leaves behind is always usable."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pix2pix import Translator, checkpoint
from pix2pix.places import ROOT
from training.config import TrainConfig
from training.loop import DivergedError, learning_rate, train
from training.run import Run

TINY = {"load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4, "device": "cpu", "log_every": 1, "save_every": 5}


@pytest.fixture
def make_run(pairs: Path) -> Callable[..., Run]:
    def make(name: str = "run", **settings: Any) -> Run:
        return Run.create(TrainConfig(**({"name": name, "dataset": str(pairs), "steps": 12} | TINY | settings)))

    return make


def losses(run: Run) -> list[tuple]:
    """Every figure of every row but the time."""
    return [tuple(value for key, value in row.items() if key != "time") for row in run.metrics()[0]]


def spawn(run: Run) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "training", str(run.path)], cwd=ROOT, stdout=subprocess.DEVNULL)


def wait_for_rows(run: Run, count: int) -> None:
    deadline = time.monotonic() + 120
    while len(run.metrics()[0]) < count:
        assert time.monotonic() < deadline, run.log()
        time.sleep(0.01)


def test_training_brings_the_fake_near_b(make_run: Callable[..., Run]):
    run = make_run(steps=150, lr=1e-3, log_every=10)
    train(run)
    l1 = [row["loss_L1"] for row in run.metrics()[0]]
    assert l1[-1] < l1[0] / 2


def test_a_finished_run_has_all_that_is_promised(make_run: Callable[..., Run]):
    run = make_run(preview_every=6)
    with run.claim():
        train(run)
    status = run.status()
    assert (status.state, status.step, status.total, status.device, status.error) == ("finished", 12, 12, "cpu", "")
    rows = run.metrics()[0]
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert {"time", "loss_D", "loss_G", "loss_L1", "lr"} <= set(rows[0])
    assert [row["step"] for row in rows if "val_L1" in row] == [6, 12]
    assert [path.name for path in run.previews()] == ["000000.jpg", "000006.jpg", "000012.jpg"]
    assert Translator.load(run.path)(Image.new("RGB", (32, 32))).size == (32, 32)


def test_a_preview_has_rows_of_a_b_and_fake(make_run: Callable[..., Run]):
    run = make_run(steps=1, direction="BtoA", flip=False)
    train(run)
    sheet = Image.open(run.previews()[0])
    assert sheet.size == (5 * 36 - 4, 3 * 36 - 4)  # four columns of train, and the one that val has
    filled, outline = (np.asarray(sheet.crop((0, y, 32, y + 32)).convert("L")) < 200 for y in (0, 36))
    assert filled.sum() > 1.3 * outline.sum()  # A is the right half now


def test_the_log_line_is_the_originals(make_run: Callable[..., Run], caplog: pytest.LogCaptureFixture):
    run = make_run(steps=8, log_every=8)
    with caplog.at_level("INFO", "training"):
        train(run)
    row = run.metrics()[0][0]
    expected = f"[2/2][8] Loss_D: {row['loss_D']:.4f} Loss_G: {row['loss_G']:.4f} Loss_L1: {row['loss_L1']:.4f}"
    assert any(line.startswith(expected) for line in caplog.messages)


def test_epochs_count_the_pairs_once_each(make_run: Callable[..., Run]):
    run = make_run(steps=0, epochs=3, batch_size=2)
    train(run)  # of eight pairs one is held out
    assert run.status().total == 11


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_was_cut_off_resumes_to_the_very_same_losses(make_run: Callable[..., Run], how: signal.Signals):
    settings = {"steps": 400, "save_every": 7, "log_every": 3, "preview_every": 50, "decay_steps": 100}
    whole, cut = make_run("whole", **settings), make_run("cut", **settings)
    train(whole)

    process = spawn(cut)
    wait_for_rows(cut, 10)
    process.send_signal(how)
    status = process.wait(60)
    assert len(cut.metrics()[0]) < len(whole.metrics()[0])
    assert checkpoint.load(cut.generator_file)[1].steps > 0
    if how != signal.SIGKILL:
        assert status == 0
        assert cut.status().state == "stopped"
        assert cut.status().saved_step == cut.status().step

    assert spawn(cut).wait(120) == 0
    assert cut.status().state == "finished"
    assert losses(cut) == losses(whole)
    weights = [torch.load(run.state_file, weights_only=True)["G"] for run in (whole, cut)]
    assert all(torch.equal(a, b) for a, b in zip(*(w.values() for w in weights), strict=True))


def test_the_stop_file_stops_and_saves(make_run: Callable[..., Run]):
    run = make_run(steps=1000)
    with run.claim():
        (run.path / "stop").touch()
        train(run)
    assert run.status().state == "stopped"
    assert run.status().step == run.status().saved_step == 1
    assert not (run.path / "stop").exists()


def test_weights_that_are_not_numbers_never_replace_good_ones(make_run: Callable[..., Run]):
    run = make_run(steps=200, lr=1e30)
    with pytest.raises(DivergedError, match=r"not a number|not numbers"), run.claim():
        train(run)
    assert run.status().state == "failed"
    assert "learning rate" in run.status().error
    assert not run.generator_file.exists()


def test_a_damaged_state_is_named(make_run: Callable[..., Run]):
    run = make_run(steps=1)
    run.state_file.write_bytes(b"half a file")
    with pytest.raises(ValueError, match=r"state\.pt cannot be resumed from"):
        train(run)


def test_the_learning_rate_is_constant_and_then_falls_linearly():
    config = TrainConfig(name="n", dataset="d", steps=10, decay_steps=4, lr=5.0)
    assert [learning_rate(config, step, 10) for step in range(1, 11)] == [5, 5, 5, 5, 5, 5, 4, 3, 2, 1]


def test_photos_alone_train_edges_to_photo(make_run: Callable[..., Run], tmp_path: Path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for shade in (40, 90):
        Image.new("RGB", (40, 40), (shade, 99, 9)).save(folder / f"{shade}.png")
    run = make_run(dataset=str(folder), steps=2)
    train(run)
    metadata = checkpoint.read_metadata(run.generator_file)
    assert (metadata.source.kind, metadata.target.kind, metadata.steps) == ("edges", "photo", 2)
    assert metadata.line_width > 1


def test_the_generator_says_what_it_was_trained_on(make_run: Callable[..., Run]):
    run = make_run(steps=1, direction="BtoA", palette="cmp", b="labels", licence="MIT", provenance="boxes")
    train(run)
    metadata = checkpoint.read_metadata(run.generator_file)
    assert metadata.source.palette
    assert (metadata.name, metadata.dataset, metadata.direction) == ("run", "pairs", "BtoA")
    assert (metadata.licence, metadata.provenance) == ("MIT", "boxes")


def test_two_processes_train_the_same_weights(make_run: Callable[..., Run], pairs: Path):
    # One pair each, or both in one process: the same updates, but for rounding.
    settings = {"load_size": 32, "flip": False, "dropout": 0.0, "steps": 5}
    alone = make_run("alone", batch_size=2, **settings)
    train(alone)
    together = make_run("together", batch_size=1, num_processes=2, **settings)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    subprocess.run([*torchrun, "-m", "training", together.path], cwd=ROOT, check=True, timeout=120)
    assert together.status().state == "finished"
    for mine, theirs in zip(losses(together), losses(alone), strict=True):
        assert mine == pytest.approx(theirs, rel=2e-3)


def test_several_processes_may_create_the_run_they_train(pairs: Path, runs: Path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "training"]
    options = ["--steps=2", "--load-size=36", "--crop-size=32", "--ngf=4", "--ndf=4", "--device=cpu"]
    subprocess.run([*torchrun, f"--dataset={pairs}", "--name=ours", *options], cwd=ROOT, check=True, timeout=120)
    assert Run(runs / "ours").status().state == "finished"


def command_line(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_line_creates_and_trains(pairs: Path, runs: Path):
    options = ["--steps", "3", "--load-size", "36", "--crop-size", "32", "--ngf", "4", "--ndf", "4", "--log-every", "1"]
    done = command_line("--dataset", str(pairs), "--name", "mine", *options)
    assert done.returncode == 0, done.stderr
    run = Run(runs / "mine")
    assert run.config.ngf == 4
    assert run.status().state == "finished"
    assert "Loss_L1" in done.stdout
    assert run.log().splitlines() == done.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs/nothing"], "no training run in"),
        (["--dataset", "/nowhere", "--name", "n"], "/nowhere is not there"),
        (["--dataset", ".", "--name", "a b"], "name 'a b' must be"),
        (["--dataset", ".", "--name", "n", "--crop-size", "100"], "crop_size 100 is not one of"),
        (["--dataset", ".", "--name", "n", "--device", "abacus"], "abacus"),
        (["--dataset", ".", "--name", "n", "--ngf", "wide"], "wide"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(arguments: list[str], message: str):
    done = command_line(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
