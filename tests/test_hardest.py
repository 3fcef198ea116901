"""The pairs that a run is farthest from: a wrong one is the first of them."""

import json
from pathlib import Path

import pytest
from PIL import Image

from training import hardest
from training.config import TrainConfig
from training.loop import train
from training.run import Run

TINY = {"load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4, "device": "cpu", "steps": 60, "lr": 1e-3}


@pytest.fixture
def greys(tmp_path: Path) -> Path:
    """Thirty pairs of grey on both sides; of one the right half is of another colour, and so it is in val."""
    for split, count in (("train", 30), ("val", 4)):
        (tmp_path / "greys" / split).mkdir(parents=True)
        for number in range(count):
            wrong = (split, number) in {("train", 7), ("val", 2)}
            pair = Image.new("RGB", (64, 32), (120, 120, 120 + number))
            pair.paste("red" if wrong else (90, 90, 90), (32, 0, 64, 32))
            pair.save(tmp_path / "greys" / split / f"{number:02d}.png")
    return tmp_path / "greys"


def test_a_wrong_pair_comes_first(greys: Path):
    run = Run.create(TrainConfig(name="greys", dataset=str(greys), **TINY))
    assert hardest.main([str(run.path)]) == 2, "it has saved no generator yet"
    train(run)
    assert hardest.main([str(run.path)]) == 0
    found = json.loads((run.hardest_folder / "pairs.json").read_text())
    assert found["step"] == 60
    assert found["looked_at"] == {"val": [4, 4], "train": [30, 30]}
    by_split = {split: [pair for pair in found["pairs"] if pair["split"] == split] for split in ("val", "train")}
    assert by_split["train"][0]["file"] == "train/07.png"
    assert by_split["val"][0]["file"] == "val/02.png"
    assert len(by_split["train"]) == hardest.KEPT
    errors = [pair["error"] for pair in by_split["train"]]
    assert errors == sorted(errors, reverse=True)
    with Image.open(run.hardest_folder / by_split["train"][0]["picture"]) as picture:
        target = picture.convert("RGB").crop((36, 0, 68, 32)).resize((1, 1))
    assert target.getpixel((0, 0)) == pytest.approx((255, 0, 0), abs=20)


def test_of_many_pairs_some_are_looked_at(greys: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hardest, "MOST_LOOKED_AT", 10)
    run = Run.create(TrainConfig(**{"name": "greys", "dataset": str(greys), **TINY, "steps": 1}))
    train(run)
    hardest.look(run)
    assert json.loads((run.hardest_folder / "pairs.json").read_text())["looked_at"] == {
        "val": [4, 4],
        "train": [10, 30],
    }
