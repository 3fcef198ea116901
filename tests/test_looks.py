"""What the scripts of the Train tab ask for: an answer or a sentence, and no file but a preview."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from training.config import TrainConfig
from training.run import Run
from ui.train import looks


@pytest.fixture
def run(pairs: Path) -> Run:
    run = Run.create(TrainConfig(name="boxes", dataset=str(pairs)))
    run.save_preview(7, Image.new("RGB", (8, 32)))
    return run


def test_a_preview_is_listed_and_given(run: Run):
    ((step, stamp),) = looks.previews({"run": "boxes"})["previews"]
    assert step == 7
    assert looks.preview({"run": "boxes", "step": 7})["picture"].startswith("data:image/jpeg;base64,")
    run.save_preview(7, Image.new("RGB", (8, 32), "red"))
    assert looks.previews({"run": "boxes"})["previews"][0][1] != stamp


@pytest.mark.parametrize("data", [
    None, [], {}, {"run": None}, {"run": 7}, {"run": ""}, {"run": "gone"}, {"run": "../boxes"}, {"run": "x" * 300},
    {"run": "boxes", "step": "7/../../config"}, {"run": "boxes", "step": -1}, {"run": "boxes", "step": [7]},
])  # fmt: skip
def test_nonsense_gets_a_sentence(run: Run, data: Any):
    assert set(looks.preview(data)) == {"error"}
    assert 0 < len(looks.preview(data)["error"]) < 300
