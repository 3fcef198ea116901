"""What the scripts of the Train tab ask for: an answer or a sentence, and no file but a preview."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from training.config import TrainConfig
from training.run import Run
from ui.train import compare, hardest, previews


@pytest.fixture
def run(pairs: Path) -> Run:
    run = Run.create(TrainConfig(name="boxes", dataset=str(pairs)))
    run.save_preview(7, Image.new("RGB", (8, 32)))
    return run


def test_a_preview_is_listed_and_given(run: Run):
    ((step, stamp),) = previews.previews({"run": "boxes"})["previews"]
    assert step == 7
    assert previews.preview({"run": "boxes", "step": 7})["picture"].startswith("data:image/jpeg;base64,")
    run.save_preview(7, Image.new("RGB", (8, 32), "red"))
    assert previews.previews({"run": "boxes"})["previews"][0][1] != stamp


@pytest.mark.parametrize("data", [
    None, [], {}, {"run": None}, {"run": 7}, {"run": ""}, {"run": "gone"}, {"run": "../boxes"}, {"run": "x" * 300},
    {"run": "boxes", "step": "7/../../config"}, {"run": "boxes", "step": -1}, {"run": "boxes", "step": [7]},
])  # fmt: skip
def test_nonsense_gets_a_sentence(run: Run, data: Any):
    assert set(previews.preview(data)) == {"error"}
    assert 0 < len(previews.preview(data)["error"]) < 300


def test_figures_are_sent_once_and_thinned(run: Run):
    for step in range(1, 2502):
        run.append_metrics({"step": step, "time": 1.0, "loss_L1": float(step)} | ({"val_L1": 2.0} if step == 7 else {}))
    told = previews.figures({"run": "boxes"})
    assert set(told["curves"]) == {"loss_L1", "val_L1"}
    assert told["curves"]["val_L1"] == [(7, 2.0)]
    assert told["curves"]["loss_L1"][0] == (3, 2.0), "the average of three"
    assert len(told["curves"]["loss_L1"]) == 834 <= previews.MAX_POINTS
    assert previews.figures({"run": "boxes", "stamp": told["stamp"]}) == {"stamp": told["stamp"]}


def test_of_the_settings_those_are_said_that_differ(run: Run, pairs: Path):
    Run.create(TrainConfig(name="other", dataset=str(pairs), ngf=8, leave_out=("1.png",), notify="https://x.org/y"))
    told = compare.settings({"run": "boxes", "others": ["other"]})
    assert told["rows"] == [["steps made", "0 of 0", "0 of 0"], ["leave_out", "none", "1: 1.png"], ["ngf", "64", "8"]]
    assert not told["alike"]
    assert compare.settings({"run": "boxes", "others": ["boxes"]})["alike"]
    for others in (["gone"], 7, [["x"]], ["../boxes"]):
        assert set(compare.settings({"run": "boxes", "others": others})) == {"error"}


@pytest.mark.parametrize("files", [None, [], [7], "1.png", ["x"] * 5000])
def test_what_is_no_choice_of_pairs_is_refused_in_words(run: Run, files: Any):
    for data in ({"run": "boxes", "files": files}, {"files": ["1.png"]}, None):
        with pytest.raises(ValueError, match="Choose the pairs to leave out"):
            hardest.chosen(data)
    chosen, named = hardest.chosen({"run": "boxes", "files": ["1.png"]})
    assert (chosen.path, named) == (run.path, ("1.png",))


@pytest.mark.parametrize(
    "damage", ["", "[]", "{}", '{"step": 1, "looked_at": {}, "pairs": [{"picture": "../config.json"}]}']
)
def test_of_damaged_findings_nothing_is_shown(run: Run, damage: str):
    run.hardest_folder.mkdir()
    (run.hardest_folder / "pairs.json").write_text(damage)
    assert hardest.Search().found({"run": "boxes"}) == {"looking": False, "problem": "", "stamp": ""}
