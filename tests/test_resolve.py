"""What a run's dataset decides when it begins, what is refused before it does, and how it goes on beyond its end."""

from pathlib import Path

import numpy as np
import pytest

from pix2pix import Translator
from pix2pix.scales import Scale
from tests.scenes import labels, photo, save, scene
from training.__main__ import main
from training.config import TrainConfig
from training.run import Run
from ui.train import starting

TINY = ["--crop-size", "32", "--load-size", "32", "--ngf", "4", "--ndf", "4", "--device", "cpu", "--steps", "2",
        "--n-layers", "1"]  # fmt: skip


def train(*arguments: object) -> int:
    return main([*map(str, arguments)])


def three_folders(root: Path) -> Path:
    for index in range(4):
        save(labels(index), root / "label" / f"{index}.png")
        save(labels(index), root / "inst" / f"{index}.png")
        save(photo(index), root / "img" / f"{index}.png")
    return root


def test_scales_and_classes_are_kept_in_config_and_generator_and_a_run_can_be_extended(
    tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    for index in range(4):
        save(scene(index)[0].astype(np.uint8), tmp_path / "A" / f"{index}.png")
        save((photo(index).mean(2) * 16).astype(np.uint16), tmp_path / "B" / f"{index}.png")
    assert train("--dataset", tmp_path, "--name", "ct", *TINY) == 0
    said = caplog.text
    assert "A holds the numbers of classes: 0 … 3." in said
    assert "of 16 bits" in said
    config = Run.named("ct").config
    assert config.palette == "0=#000000,1=#800000,2=#008000,3=#808000"
    assert config.scale_a == "auto"
    scale = Scale.parse(config.scale_b)
    assert 0 < scale.low < scale.high < 16 * 255
    metadata = Translator.load("ct").metadata
    assert metadata.source.palette
    assert list(metadata.source.palette) == ["0", "1", "2", "3"]
    assert metadata.target.scale == scale
    # It has ended: each message says how to go on
    run = runs / "ct"
    assert f"python -m training {run} --steps N" in said
    caplog.clear()
    assert train(run) == 0
    assert f"python -m training {run} --steps N" in caplog.text
    assert train("--dataset", tmp_path, "--name", "ct", *TINY) == 2
    assert f"python -m training {run} --steps N" in capsys.readouterr().err
    with pytest.raises(ValueError, match="--steps N"):
        Run.named("ct").start()
    assert train(run, "--steps", 4) == 0
    assert Run.named("ct").status().step == 4
    assert Run.named("ct").config.scale_b == config.scale_b
    for wrong in (["--steps", "1"], ["--lr", "1"], ["--steps", "many"], ["--steps", "9", "--lr", "1"]):
        assert train(run, *wrong) == 2
    assert "give --steps a higher number" in capsys.readouterr().err


def test_what_is_in_doubt_starts_nothing(tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]):
    folder = three_folders(tmp_path / "dataset")
    assert train("--dataset", folder, "--name", "x", *TINY) == 2
    said = capsys.readouterr().err
    assert "--folders label img" in said
    assert "Traceback" not in said
    with pytest.raises(ValueError, match="folders label,img"):  # as the endpoint takes it
        starting.start(str(folder), "x")
    assert not (runs / "x").exists()


def test_the_choice_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Run, "submit", lambda self: "started")
    folder = three_folders(tmp_path / "dataset")
    run, _ = starting.start(str(folder), "x", folders=("label", "img"))
    assert TrainConfig.from_json(run.config.to_json()).folders == ("label", "img")


@pytest.mark.parametrize("setting", [{"scale_a": "90"}, {"scale_b": "5..x"}, {"target_palette": "red"},
                                     {"folders": ("a", "b", "c")}])  # fmt: skip
def test_settings_that_make_no_sense_are_named(setting: dict):
    with pytest.raises(ValueError, match=next(iter(setting))):
        TrainConfig(name="x", dataset="x", **setting)
