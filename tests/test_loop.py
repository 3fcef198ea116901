"""The training loop: it learns, it resumes to the very same losses, and what it leaves behind is always usable."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from PIL import Image
from torch import Tensor, nn

from pix2pix import Translator
from pix2pix.data.pairs import DatasetError
from pix2pix.files import checkpoint, places
from pix2pix.files.places import ROOT
from pix2pix.losses import ACTIVATION_BOUND
from tests.rounding import BRAIN, HALF, TRAINED
from tests.trainers import Trainer
from tests.waiting import wait_until
from training import loop
from training.batches import prepared_ahead
from training.config import TrainConfig
from training.loop import adam, learning_rate, multiplies_bf16, networks, train, update
from training.objective import Objective
from training.run import Run
from training.state import DivergedError

TINY = {"load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4, "device": "cpu", "log_every": 1, "save_every": 5}


@pytest.fixture
def make_run(pairs: Path) -> Callable[..., Run]:
    def make(name: str = "run", **settings: Any) -> Run:
        data: dict[str, Any] = {} if "dataset" in settings else {"dataset": str(pairs), "layout": "pairs"}
        return Run.create(TrainConfig(**({"name": name, "steps": 12} | data | TINY | settings)))

    return make


def losses(run: Run) -> list[tuple]:
    """Every figure of every row but those of the clock."""
    return [tuple(value for key, value in row.items() if key not in ("time", "data_wait")) for row in run.metrics()[0]]


def trained(run: Run) -> list[Tensor]:
    """G's weights, as a resume would go on from them."""
    return list(torch.load(run.state_file, weights_only=True)["G"].values())


def wait_for_rows(run: Run, count: int) -> None:
    wait_until(lambda: len(run.metrics()[0]) >= count, run)


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


def test_smooth_training_leaves_no_checkerboard(make_run: Callable[..., Run]):
    first = make_run()
    train(first)
    run = make_run("second", checkerboard_free=True, ema=0.9, init_from=str(first.generator_file))
    train(run)
    saved = torch.load(run.state_file, weights_only=True)
    averages = {key.removeprefix("module."): value for key, value in saved["average"].items()}
    for weights in (saved["G"], averages):
        last = weights["up.4.0.weight"]  # (in, out, 4, 4): the four pixels that one becomes weigh the same in sum
        sums = [last[..., y::2, x::2].sum((2, 3)) for y in (0, 1) for x in (0, 1)]
        for other in sums[1:]:
            torch.testing.assert_close(other, sums[0], atol=1e-7, rtol=0)  # four taps of up to 0.1, in fp32: 2e-8


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


def test_a_run_that_was_cut_off_resumes_to_the_very_same_losses(make_run: Callable[..., Run]):
    settings = {"steps": 180, "save_every": 7, "log_every": 3, "preview_every": 50, "decay_steps": 50}
    whole, cut = make_run("whole", **settings), make_run("cut", **settings)
    train(whole)
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        begun = len(cut.metrics()[0])
        trainer = Trainer(cut)
        wait_for_rows(cut, begun + 6)
        trainer.send_signal(how)
        status = trainer.wait()
        assert len(cut.metrics()[0]) < len(whole.metrics()[0])
        assert checkpoint.load(cut.generator_file)[1].steps > 0
        if how != signal.SIGKILL:
            assert status == 0
            assert cut.status().state == "stopped"
            assert cut.status().saved_step == cut.status().step

    assert Trainer(cut).wait() == 0
    assert cut.status().state == "finished"
    assert losses(cut) == losses(whole)
    assert all(torch.equal(a, b) for a, b in zip(trained(whole), trained(cut), strict=True))


def test_the_time_to_stop_stops_and_saves(make_run: Callable[..., Run]):
    run = make_run(steps=1000)
    run.stop_at(time.time() + 1)
    with run.claim():
        train(run)
    assert run.status().state == "stopped"
    assert 1 <= run.status().step == (run.status().saved_step or 0) < 1000
    assert run.stops_at() is None


def test_the_best_by_validation_is_kept(make_run: Callable[..., Run]):
    run = make_run(steps=60, preview_every=3, lr=2e-3)
    train(run)
    looks = {row["step"]: row["val_L1"] for row in run.metrics()[0] if "val_L1" in row}
    best = min(looks, key=lambda step: looks[step])
    kept = places.best(run.generator_file)
    assert kept
    assert kept[0] == best
    assert checkpoint.read_metadata(kept[1]).steps == best
    assert run.best_value() == looks[best]
    assert places.generators()["run (best)"] == kept[1]


def test_a_resumed_run_does_not_take_a_worse_one_for_the_best(make_run: Callable[..., Run]):
    run = make_run(steps=2, preview_every=1, save_every=1)
    train(run)
    run.metrics_file.write_text("".join(f'{{"step": {step}, "val_L1": 0.0}}\n' for step in (1, 2)))
    kept = places.best(run.generator_file)
    run.extend(3)
    train(run)
    assert places.best(run.generator_file) == kept


def test_a_run_of_an_earlier_version_which_noted_less_can_be_resumed(make_run: Callable[..., Run]):
    run = make_run(steps=3)
    train(run)
    saved = torch.load(run.state_file, weights_only=True)
    torch.save(saved | {"losses": saved["losses"][:3]}, run.state_file)
    run.extend(3)
    train(run)
    assert [row["step"] for row in run.metrics()[0]] == list(range(1, 7))


def test_a_run_of_a_gpu_goes_on_on_a_cpu(make_run: Callable[..., Run]):
    """Where all weights, and Adam's moments, have their channels last."""
    from_cpu, from_gpu = make_run("from-cpu", steps=3), make_run("from-gpu", steps=3)
    train(from_cpu)
    train(from_gpu)
    saved = torch.load(from_gpu.state_file, weights_only=True)
    for weights in (saved["G"], saved["D"], *saved["opt_G"]["state"].values(), *saved["opt_D"]["state"].values()):
        for name, value in weights.items():
            weights[name] = value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value
    torch.save(saved, from_gpu.state_file)
    for run in (from_cpu, from_gpu):
        run.extend(3)
        train(run)
    assert losses(from_gpu) == losses(from_cpu)
    assert all(torch.equal(a, b) for a, b in zip(trained(from_gpu), trained(from_cpu), strict=True))


def test_d_is_right_about_most_patches_once_it_has_learned(make_run: Callable[..., Run]):
    run = make_run(steps=60, lambda_l1=0.0, lr_D=2e-3, lr=1e-6, log_every=20)
    train(run)
    first, *_, last = (row["acc_D"] for row in run.metrics()[0])
    assert 0 <= first < last <= 1
    assert last > 0.9


def test_a_pinned_drawing_is_in_every_preview(make_run: Callable[..., Run], pairs: Path):
    run = make_run(steps=4, preview_every=2)
    train(run)
    with Image.open(run.previews()[-1]) as sheet:
        plain = sheet.size
    run.pin(Image.new("RGB", (90, 60), "lime"))
    run.extend(2)
    before = losses(run)
    train(run)
    with Image.open(run.previews()[-1]) as sheet:
        assert sheet.size == (plain[0] + 36, plain[1])
        assert sheet.convert("RGB").getpixel((sheet.width - 16, 16)) == pytest.approx((0, 255, 0), abs=4)
    assert losses(run)[: len(before)] == before


def test_the_stop_file_stops_and_saves(make_run: Callable[..., Run]):
    run = make_run(steps=1000)
    with run.claim():
        (run.path / "stop").touch()
        train(run)
    assert run.status().state == "stopped"
    assert run.status().step == run.status().saved_step == 1
    assert not (run.path / "stop").exists()


def test_a_preview_and_a_save_are_made_when_asked_for_and_change_no_loss(make_run: Callable[..., Run]):
    rare = {"steps": 6, "preview_every": 1000, "save_every": 1000}
    plain, asked = make_run("plain", **rare), make_run("asked", **rare)
    train(plain)
    for what in ("preview", "save"):
        with pytest.raises(ValueError, match="is not being trained"):
            asked.ask(what)
    for name in ("preview_now", "save_now"):
        (asked.path / name).touch()
    train(asked)  # which answers after its first step, and once
    assert [int(path.stem) for path in asked.previews()] == [0, 1, 6]
    assert not list(asked.path.glob("*_now"))
    assert [len(row) for row in asked.metrics()[0]] == [len(row) + (row["step"] == 1) for row in plain.metrics()[0]]
    assert all(map(torch.equal, trained(plain), trained(asked)))


def test_a_save_that_was_asked_for_is_where_a_killed_run_goes_on(make_run: Callable[..., Run]):
    run = make_run(steps=100_000, preview_every=100_000, save_every=100_000)
    trainer = Trainer(run)
    wait_for_rows(run, 3)
    assert run.status().saved_step is None
    run.ask("save")
    wait_until(lambda: run.status().saved_step is not None, run)
    trainer.kill()
    trainer.wait()
    step = run.status().saved_step
    assert torch.load(run.state_file, weights_only=True)["step"] == step
    assert f"Resume continues from step {step:,}." in run.status().error


def test_weights_that_are_not_numbers_never_replace_good_ones(make_run: Callable[..., Run]):
    run = make_run(steps=200)
    object.__setattr__(run.config, "lr", 1e30)  # far more than a config allows
    with pytest.raises(DivergedError, match=r"not a number|not numbers"), run.claim():
        train(run)
    assert run.status().state == "failed"
    assert "learning rate" in run.status().error
    assert not run.generator_file.exists()


def test_the_first_step_that_is_not_a_number_is_named(make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch):
    count = iter(range(1, 100))

    def poisoned(*arguments: Any) -> Tensor:
        losses = update(*arguments)
        return losses * float("nan") if next(count) >= 7 else losses

    monkeypatch.setattr(loop, "update", poisoned)
    run = make_run(log_every=10)
    with pytest.raises(DivergedError), run.claim():
        train(run)
    assert run.status().error == (
        "The loss is not a number since step 7, so the training was stopped. Lower the learning rate: "
        "duplicate the run with half of it. Resume continues from step 5."
    )


def test_a_damaged_state_is_named(make_run: Callable[..., Run]):
    run = make_run(steps=1)
    run.state_file.write_bytes(b"half a file")
    with pytest.raises(ValueError, match=r"state\.pt cannot be resumed from, since it is damaged\."), run.claim():
        train(run)
    assert run.status().error.endswith("or fine-tune from what it has saved."), "a resume would find the same"


def test_a_state_of_other_networks_is_named(make_run: Callable[..., Run]):
    run = make_run(steps=1)
    torch.save({}, run.state_file)
    with pytest.raises(ValueError, match=r"state\.pt cannot be resumed from: 'G'"), run.claim():
        train(run)
    assert "Resume" not in run.status().error, "it would find the same"


def test_the_learning_rate_is_constant_and_then_falls_linearly():
    config = TrainConfig(name="n", dataset="d", steps=10, decay_steps=4, lr=5.0)
    assert [learning_rate(config, step, 10) for step in range(1, 11)] == [5, 5, 5, 5, 5, 5, 4, 3, 2, 1]


def test_the_discriminator_may_learn_at_a_rate_of_its_own(make_run: Callable[..., Run]):
    plain, slower = make_run("plain"), make_run("slower", lr_D=1e-6)
    for run in (plain, slower):
        train(run)
        rates = torch.load(run.state_file, weights_only=True)
        assert rates["opt_G"]["param_groups"][0]["lr"] == pytest.approx(2e-4)
        assert rates["opt_D"]["param_groups"][0]["lr"] == pytest.approx(run.config.lr_D or 2e-4)
    assert losses(plain) != losses(slower)


def test_what_the_doctor_found_is_left_out(make_run: Callable[..., Run]):
    run = make_run(steps=0, epochs=1, leave_out=("0.png", "1.png", "2.png"))
    train(run)  # of eight pairs three are left out, and one is held out
    assert run.status().total == 4


def test_photos_alone_train_edges_to_photo(make_run: Callable[..., Run], photos: Path):
    run = make_run(dataset=str(photos), steps=2)
    train(run)
    metadata = checkpoint.read_metadata(run.generator_file)
    assert (metadata.source.kind, metadata.target.kind, metadata.steps) == ("edges", "photo", 2)
    assert metadata.line_width > 1
    assert not metadata.colour_hints


def test_a_generator_that_learned_from_colour_hints_says_so(make_run: Callable[..., Run], photos: Path):
    run = make_run(dataset=str(photos), steps=12, colour_hints=True)
    train(run)
    assert checkpoint.read_metadata(run.generator_file).colour_hints
    plain = make_run("plain", dataset=str(photos), steps=12)
    train(plain)
    assert losses(run) != losses(plain)


def test_pairs_of_drawings_can_have_colour_hints_and_others_cannot(make_run: Callable[..., Run], pairs: Path):
    train(run := make_run(dataset=str(pairs), a="edges", steps=12, colour_hints=True))
    assert checkpoint.read_metadata(run.generator_file).colour_hints
    train(plain := make_run("plain", dataset=str(pairs), a="edges", steps=12))
    assert losses(run) != losses(plain)
    for name, settings in {"kind": {}, "way": {"a": "edges", "direction": "BtoA"}}.items():
        with pytest.raises(DatasetError, match=r"colour hints need line drawings.*pairs is not said to be that"):
            train(make_run(name, dataset=str(pairs), colour_hints=True, **settings))


def test_with_ema_the_moving_average_is_saved_and_not_g(make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch):
    seen: list[dict[str, Tensor]] = []  # G after each step

    def watched(G: nn.Module, *rest: Any) -> Tensor:
        result = update(G, *rest)
        seen.append({name: weight.detach().clone() for name, weight in G.state_dict().items()})
        return result

    monkeypatch.setattr(loop, "update", watched)
    run = make_run(steps=5, lr=1e-2, ema=0.5)
    train(run)
    average = seen[0]
    for weights in seen[1:]:
        average = {name: 0.5 * average[name] + 0.5 * weights[name] for name in weights}
    saved = checkpoint.load(run.generator_file)[0].state_dict()
    assert all(torch.allclose(saved[name], average[name], rtol=HALF, atol=1e-7) for name in saved)
    assert not all(torch.allclose(saved[name], seen[-1][name], rtol=HALF, atol=1e-7) for name in saved)


def test_ema_does_not_change_what_is_trained(make_run: Callable[..., Run]):
    plain, averaged = make_run("plain"), make_run("averaged", ema=0.9, preview_every=6)
    for run in (plain, averaged):
        train(run)
    assert all(torch.equal(a, b) for a, b in zip(trained(plain), trained(averaged), strict=True))
    assert plain.generator_file.read_bytes() != averaged.generator_file.read_bytes()


def test_a_run_with_ema_resumes_to_the_very_same_losses_and_generator(make_run: Callable[..., Run]):
    settings = {"steps": 10, "ema": 0.9, "preview_every": 2}
    whole, cut = make_run("run", **settings), make_run("cut", **settings)
    train(whole)
    with cut.claim():
        (cut.path / "stop").touch()
        train(cut)
    assert cut.status().state == "stopped"
    with cut.claim():
        train(cut)
    assert losses(cut) == losses(whole)  # val_L1 too, which is the average's
    weights = [checkpoint.load(run.generator_file)[0].state_dict() for run in (whole, cut)]
    assert all(torch.equal(a, b) for a, b in zip(*(w.values() for w in weights), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(trained(whole), trained(cut), strict=True))


def test_a_run_may_begin_from_a_generator(make_run: Callable[..., Run], make_generator: Callable[..., Path]):
    path = make_generator("ancestor")
    run = make_run(steps=1, lr=1e-8, init_from=str(path), dropout=0.25, provenance="boxes.")
    train(run)
    (before, ancestor), (after, metadata) = (checkpoint.load(file) for file in (path, run.generator_file))
    weights = zip(before.state_dict().values(), after.state_dict().values(), strict=True)
    assert all(torch.allclose(old, new, rtol=HALF, atol=1e-7) for old, new in weights)  # a step of 1e-8, in fp16
    assert metadata.provenance == "boxes. Fine-tuned from ancestor."
    assert (metadata.steps, metadata.config.dropout, ancestor.config.dropout) == (1, 0.25, 0.5)


def test_beginning_from_another_run_needs_but_its_name(make_run: Callable[..., Run]):
    train(make_run("first", steps=2))
    second = make_run("second", steps=1, init_from="first")
    train(second)
    assert checkpoint.read_metadata(second.generator_file).provenance == "Fine-tuned from first."


def assert_resumes(whole: Run, cut: Run) -> None:
    """Of two runs with the same settings one is trained at once, and one stopped after its first step and resumed."""
    train(whole)
    with cut.claim():
        (cut.path / "stop").touch()
        train(cut)
    train(cut)
    assert losses(cut) == losses(whole)
    assert all(torch.equal(a, b) for a, b in zip(trained(whole), trained(cut), strict=True))


def test_a_run_that_began_from_a_generator_resumes_from_its_own_weights(
    make_run: Callable[..., Run], make_generator: Callable[..., Path]
):
    settings = {"steps": 6, "init_from": str(make_generator("ancestor"))}
    whole, cut = make_run("whole", **settings), make_run("cut", **settings)
    assert_resumes(whole, cut)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ngf": 8}, "to begin from .*ancestor.*, crop_size must be 32 and ngf 4, as they are there"),
        ({"crop_size": 64, "load_size": 64}, "crop_size must be 32 and ngf 4"),
        ({"init_from": "nobody"}, "no generator 'nobody'"),
    ],
)
def test_a_generator_that_a_run_cannot_begin_from_is_refused(
    make_run: Callable[..., Run], make_generator: Callable[..., Path], settings: dict[str, Any], message: str
):
    run = make_run(**{"init_from": str(make_generator("ancestor"))} | settings)
    with pytest.raises(ValueError, match=message), run.claim():
        train(run)
    assert run.status().state == "failed"
    assert not run.generator_file.exists()


def test_the_generator_says_what_it_was_trained_on(make_run: Callable[..., Run]):
    run = make_run(steps=1, direction="BtoA", palette="cmp", b="labels", licence="MIT", provenance="boxes")
    train(run)
    metadata = checkpoint.read_metadata(run.generator_file)
    assert metadata.source.palette
    assert (metadata.name, metadata.dataset, metadata.direction) == ("run", "pairs", "BtoA")
    assert (metadata.licence, metadata.provenance) == ("MIT", "boxes")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_want_of_memory_is_said_in_words(make_run: Callable[..., Run]):
    """The limit is what the process has anyway, and a bit: the first layer of D makes 1 GB of activations."""
    run = make_run(crop_size=256, load_size=256, batch_size=64, ndf=128)
    limited = """
import resource, sys
import psutil
from training.__main__ import main
most = psutil.Process().memory_info().vms + 900_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, most))
sys.exit(main(sys.argv[1:]))
"""
    assert Trainer(run, program=limited).wait() == 1
    assert run.status().state == "failed"
    assert run.status().error.startswith("There was not enough memory. Duplicate the run with a smaller batch size")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file that is always full is Linux's")
def test_a_full_disk_is_said_in_words_and_costs_no_save(make_run: Callable[..., Run]):
    run = make_run(steps=30, save_every=5)
    run.stop_at(time.time() + 1)
    with run.claim():
        train(run)
    saved = run.status().saved_step
    before = run.state_file.read_bytes()
    run.stop_at(None)
    run.extend(20)
    full = run.path / ".state.pt.tmp"
    full.symlink_to("/dev/full")  # where the next save is written first
    with pytest.raises((OSError, RuntimeError)), run.claim():
        train(run)
    assert run.status().error.startswith("The disk is full. Free some space")
    assert run.status().error.endswith(f"Resume continues from step {saved}.")
    assert run.state_file.read_bytes() == before
    train(run)  # there is room again
    assert run.status().state == "finished"


def test_a_dataset_that_is_deleted_meanwhile_is_named(make_run: Callable[..., Run], pairs: Path):
    run = make_run(steps=30)
    with run.claim():
        (run.path / "stop").touch()
        train(run)
    elsewhere = pairs.rename(pairs.with_name("moved"))
    with pytest.raises(DatasetError), run.claim():
        train(run)
    assert run.status().error == f"{pairs} is not there; give a folder of images. Resume continues from step 1."
    elsewhere.rename(pairs)
    train(run)
    assert run.status().state == "finished"


def test_the_command_line_creates_and_trains(pairs: Path, runs: Path):
    options = ["--steps", "3", "--load-size", "36", "--crop-size", "32", "--ngf", "4", "--ndf", "4", "--log-every", "1"]
    command = [sys.executable, "-m", "training", "--dataset", str(pairs), "--name", "mine", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = Run(runs / "mine")
    assert run.config.ngf == 4
    assert run.status().state == "finished"
    assert "Loss_L1" in done.stdout
    began, *said = run.log().splitlines()
    assert began.startswith("=== training started ")
    assert said == done.stdout.splitlines()


def test_the_command_line_has_the_presets_and_the_demo_of_the_form(runs: Path, tmp_path: Path):
    trainer = Trainer(
        "--preset", "quick", "--dataset", "demo", "--name", "houses", "--steps", "2", "--crop-size", "32",
        "--load-size", "36", "--device", "cpu", "--smooth", "--lambda_spikes=0.004",
        output=tmp_path / "said",
    )  # fmt: skip
    assert trainer.wait() == 0, (tmp_path / "said").read_text()
    config = Run(runs / "houses").config
    assert (config.checkerboard_free, config.lambda_activation) == (True, 0.004)  # what these two were called before
    assert (config.steps, config.crop_size, config.ngf, config.log_every) == (2, 32, 32, 20)
    assert (config.direction, config.palette) == ("BtoA", "cmp")
    assert checkpoint.read_metadata(runs / "houses" / "generator.safetensors").source.kind == "labels"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--preset", "slow", "--dataset", ".", "--name", "n"],
            "--preset slow is not one of quick, recommended, paper",
        ),
        (["runs/nothing"], "no training run in"),
        (["--dataset", "/nowhere", "--name", "n"], "/nowhere is not there"),
        (["--dataset", ".", "--name", "a b"], "name 'a b' must be"),
        (["--dataset", ".", "--name", "n", "--crop-size", "100"], "crop_size 100 is not one of"),
        (["--dataset", ".", "--name", "n", "--device", "abacus"], "abacus"),
        (["--dataset", ".", "--name", "n", "--ngf", "wide"], "wide"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(arguments: list[str], message: str, tmp_path: Path):
    assert Trainer(*arguments, output=tmp_path / "said").wait() == 2
    said = (tmp_path / "said").read_text()
    assert message in said
    assert "Traceback" not in said


def test_batches_are_made_while_the_step_before_them_computes():
    made, consumer = threading.Event(), threading.get_ident()

    def batches() -> Iterator[int]:
        yield 0
        assert threading.get_ident() != consumer
        made.set()
        yield 1
        raise OSError("the disk is gone")

    ahead = prepared_ahead(batches())
    assert next(ahead) == 0
    assert made.wait(10)  # nobody has asked for it yet
    assert next(ahead) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)
    assert not any(thread.name.startswith("data") for thread in threading.enumerate())


def test_the_time_spent_waiting_for_data_is_logged(make_run: Callable[..., Run]):
    run = make_run()
    train(run)
    assert all(0 <= row["data_wait"] < 1 for row in run.metrics()[0])


def test_the_first_steps_may_be_of_l1_alone(make_run: Callable[..., Run]):
    run = make_run(steps=6, l1_steps=4, log_every=1)
    train(run)
    rows = run.metrics()[0]
    assert [row["loss_D"] > 0 for row in rows] == [row["loss_G"] > 0 for row in rows] == [False] * 4 + [True] * 2
    assert all(row["loss_L1"] > 0 for row in rows)
    adams = torch.load(run.state_file, weights_only=True)
    assert {int(weight["step"]) for weight in adams["opt_D"]["state"].values()} == {2}
    assert {int(weight["step"]) for weight in adams["opt_G"]["state"].values()} == {6}


@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="torch.compile needs a C++ compiler")
def test_compiled_networks_train_to_nearly_the_same_losses(make_run: Callable[..., Run]):
    settings = {"dropout": 0.0, "precision": "fp32", "steps": 6}
    plain, compiled = make_run("plain", **settings), make_run("compiled", compile=True, **settings)
    for run in (plain, compiled):
        train(run)
    for mine, theirs in zip(losses(compiled), losses(plain), strict=True):
        assert mine[1:4] == pytest.approx(theirs[1:4], rel=TRAINED)
    assert Translator.load(compiled.path)(Image.new("RGB", (32, 32))).size == (32, 32)


def test_what_was_replayed_on_a_gpu_goes_on_elsewhere(make_run: Callable[..., Run]):
    whole, run = make_run("whole", steps=6), make_run("run", steps=3)
    for each in (whole, run):
        train(each)
    state = torch.load(run.state_file, weights_only=True)
    for group in (*state["opt_G"]["param_groups"], *state["opt_D"]["param_groups"]):
        group.update(capturable=True, lr=torch.tensor(group["lr"]))
    torch.save(state, run.state_file)
    run.extend(3)
    train(run)
    assert [row[:5] for row in losses(run)] == [row[:5] for row in losses(whole)]


def test_feature_matching_moves_g_and_not_d(make_run: Callable[..., Run]):
    plain, matched = make_run("plain", steps=1), make_run("matched", steps=1, lambda_feature_matching=10.0)
    for run in (plain, matched):
        train(run)
    ours, theirs = (torch.load(run.state_file, weights_only=True) for run in (plain, matched))
    assert all(torch.equal(ours["D"][name], theirs["D"][name]) for name in ours["D"])
    assert not all(torch.equal(ours["G"][name], theirs["G"][name]) for name in ours["G"])


def test_activations_are_kept_from_growing_into_spikes(make_run: Callable[..., Run]):
    """Here a norm's gain has made them far too large."""
    largest: list[float] = []
    for weight in (0.0, 0.004):
        config = make_run(f"spikes-{weight}", lambda_activation=weight).config
        torch.manual_seed(0)
        G, D = networks(config, torch.device("cpu"))
        norm = next(module for module in G.up.modules() if isinstance(module, torch.nn.GroupNorm))
        norm.weight.data.fill_(20.0)
        seen: list[Tensor] = []
        norm.register_forward_hook(lambda *called, seen=seen: seen.append(torch.as_tensor(called[-1])))
        # Of G this norm alone is trained, step by step along the gradient: what all of it does at such rates is chaos.
        opt_G, opt_D = torch.optim.SGD(norm.parameters(), lr=5.0), adam(config, D)
        a, b = torch.rand(2, 1, 3, 32, 32) * 2 - 1
        for _ in range(100):
            update(G, D, opt_G, opt_D, Objective(config.lambda_l1), Accelerator(cpu=True), a, b)
        largest.append(seen[-1].abs().max().item())
    assert largest[1] < ACTIVATION_BOUND + 1 < largest[0] / 2  # what is beyond goes exponentially, never quite


def test_snapshots_show_how_it_came_to_be(make_run: Callable[..., Run]):
    run = make_run(steps=120, preview_every=120)
    train(run)
    kept = places.snapshots(run.generator_file)
    assert list(kept) == [50, 100]
    assert [checkpoint.read_metadata(path).steps for path in kept.values()] == [50, 100]
    assert kept[50].read_bytes() != kept[100].read_bytes()
    run.rewind(60)
    assert list(places.snapshots(run.generator_file)) == [50]


def test_precision_can_be_chosen(make_run: Callable[..., Run]):
    runs = {name: make_run(name=name, steps=3, precision=name) for name in ("fp32", "bf16")}
    for run in runs.values():
        AcceleratorState._reset_state(reset_partial_state=True)  # which a process has but one of
        train(run)
    one, other = ([row["loss_L1"] for row in run.metrics()[0]] for run in runs.values())
    assert one != other
    assert one == pytest.approx(other, rel=BRAIN)


@pytest.mark.parametrize(("generation", "multiplies"), [(7, False), (8, True)])  # Turing and Ampere
def test_a_gpu_that_would_emulate_bf16_computes_in_fp32(
    generation: int, multiplies: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(major=generation))
    assert multiplies_bf16(torch.device("cuda")) == multiplies


def test_a_step_in_bfloat16_is_nearly_the_same():
    """As on CUDA: convolutions in bf16, weights, losses and the optimizers' state in fp32."""
    config = TrainConfig(name="any", dataset="any", ngf=8, ndf=8, crop_size=64, dropout=0, device="cpu")
    a, b = torch.rand(2, 2, 3, 64, 64) * 2 - 1
    losses: dict[str, Tensor] = {}
    for precision in ("no", "bf16"):
        AcceleratorState._reset_state(reset_partial_state=True)
        torch.manual_seed(0)
        G, D = networks(config, torch.device("cpu"))
        opt_G, opt_D = adam(config, G), adam(config, D)
        accelerator = Accelerator(cpu=True, mixed_precision=precision)
        parallel_G, parallel_D = accelerator.prepare(G, D)
        given = Objective.of(config, accelerator), accelerator, a, b
        steps = [update(parallel_G, parallel_D, opt_G, opt_D, *given) for _ in range(3)]
        losses[precision] = torch.stack(steps)
        state = [value for group in (opt_G, opt_D) for each in group.state.values() for value in each.values()]
        assert {value.dtype for value in (*G.parameters(), *D.parameters(), *state, losses[precision])} == {
            torch.float32
        }
    assert not torch.equal(losses["no"], losses["bf16"])
    # But for acc_D: the logits of a new D are near 0, and a patch that changes sides is one of 144.
    torch.testing.assert_close(losses["bf16"][:, :3], losses["no"][:, :3], rtol=BRAIN, atol=0)
