"""What the Train tab says and makes: words, curves, the page of results, the zip, costs, and one run of two clicks."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from pix2pix.files import checkpoint
from pix2pix.files.places import ROOT
from training.config import PRESETS, TrainConfig
from training.run import Run
from training.status import Status
from ui.train import starting
from ui.train.actions import pack
from ui.train.cost import Costs
from ui.train.fields import GROUPS
from ui.train.monitor import status_html
from ui.train.report import report, spread
from ui.words import duration, next_time


def make(pairs: Path, **settings: object) -> Run:
    return Run.create(TrainConfig(**{"name": "boxes", "dataset": str(pairs), **settings}))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (100, "2 min"), (5400, "2 h"), (3 * 86400, "3 days")]
)
def test_durations_are_said_as_people_do(seconds: float, words: str):
    assert duration(seconds) == words


@pytest.mark.parametrize(("text", "when"), [("7:30", (25, 7, 30)), ("22:15", (24, 22, 15)), ("12:00", (25, 12, 0))])
def test_a_time_is_the_next_one_of_the_clock(text: str, when: tuple[int, int, int]):
    assert next_time(text, datetime(2030, 5, 24, 12, 0)) == datetime(2030, 5, *when)


@pytest.mark.parametrize("text", ["", "soon", "25:00", "7.30"])
def test_what_is_no_time_is_said(text: str):
    with pytest.raises(ValueError, match="not a time such as 7:30"):
        next_time(text, datetime(2030, 5, 24))


def test_every_setting_is_in_the_form_or_chosen_above_it():
    above = {"name", "dataset", "folders", "direction", "a", "b", "palette", "target_palette", "leave_out"}
    fields = list(TrainConfig.__dataclass_fields__)
    shown = [name for names in GROUPS.values() for name in names]
    assert shown == [name for name in fields if name not in above], "and in the order of --help"


def test_the_status_says_what_there_is_to_know(pairs: Path):
    run = make(pairs)
    status = Status(state="running", step=50, total=100, images_per_s=2.5, eta_s=20.0, device="cpu", memory_mb=1500)
    words = status_html(run, status, [{"lr": 2e-4, "acc_D": 0.93}])
    for fact in ("step 50 of 100", "2.5 images/s", "20 s left", "1.5 GB", "learning rate 0.0002", "D is right 93%"):
        assert fact in words
    assert "waits in the queue" in status_html(run, Status(state="queued"), []).lower()


def test_a_second_click_starts_nothing(pairs: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Run, "submit", lambda self: "started")
    first, _ = starting.start(str(pairs), "")
    again, _ = starting.start(str(pairs), "")
    assert first.name == again.name == "pairs"
    other, _ = starting.start(str(pairs), "", ngf=8)
    assert other.name == "pairs-2", "other settings are another wish"
    monkeypatch.setattr(starting, "ONE_CLICK_S", 0.0)
    later, _ = starting.start(str(pairs), "", ngf=8)
    assert later.name == "pairs-3"


def test_the_page_of_results_needs_nothing_else(pairs: Path):
    run = make(pairs, ngf=8, provenance="<b>boxes</b>")
    assert "None yet" in report(run)
    for step in range(1, 31):
        run.append_metrics({"step": step, "time": 60.0 * step, "loss_L1": 1 / step, "val_L1": 2 / step})
        run.save_preview(step, Image.new("RGB", (8, 8)))
    run.write_status(state="stopped", step=30, total=100, device="cpu")
    page = report(run)
    assert "Stopped at step 30 of 100, after\n30.0 minutes" in page
    assert "Lowest validation L1: 0.0667, at step 30." in page
    assert page.count("<figure><figcaption>Step") == 8
    assert "<polyline" in page
    assert "<td>ngf</td><td>8</td>" in page
    assert "&lt;b&gt;boxes" in page
    shown = re.sub("<script.*?</script>", "", page, flags=re.DOTALL)  # its words in other languages name addresses
    assert not any(link in shown for link in ("http:", "https:", "src='/", "href"))
    assert not re.search(r"<script[^>]*\bsrc\b|\bfetch\(", page)


def test_spread_keeps_the_first_and_the_last():
    assert spread(list(range(100)), 4) == [0, 33, 66, 99]
    assert spread([1, 2], 4) == [1, 2]


def test_the_zip_has_all_but_what_means_something_here_alone(pairs: Path, tmp_path: Path):
    run = make(pairs)
    run.save_preview(5, Image.new("RGB", (8, 8)))
    for name in ("stop", "queued", ".lock", ".state.pt.tmp", "state.pt"):
        (run.path / name).touch()
    pack(run, tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert sorted(archive.namelist()) == ["boxes/config.json", "boxes/previews/000005.jpg", "boxes/state.pt"]


def test_costs_are_what_was_measured(runs: Path):
    costs = Costs()
    assert costs.words("quick", 100) == ""
    costs._measure()
    kept = json.loads((runs / "speed.json").read_text())["speeds"]
    expected = duration(kept["quick"]["step_s"] * PRESETS["quick"]["steps"])
    assert costs.words("quick", 100) == f"about {expected} on your {kept['quick']['device']}"
    assert (
        costs.words("paper", 100)
        == f"about {duration(kept['paper']['step_s'] * 20_000)} on your {kept['paper']['device']}"
    )
    (runs / "speed.json").write_text('{"of": ["another machine"], "speeds": {}}')
    assert costs.words("quick", 100) == ""


def test_the_help_reads_like_the_form():
    done = subprocess.run(
        [sys.executable, "-m", "training", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    words = " ".join(done.stdout.partition("options ─")[2].split())  # after what is said of all
    places = [words.index(f"--{name.replace('_', '-')}") for names in GROUPS.values() for name in names]
    assert places == sorted(places)


def test_the_recommended_preset_offers_what_knows_the_input():
    from ui.train.init_from import offer_shipped

    box, init_from, planes, hints = offer_shipped("Line drawings", "recommended", "", 256, 32)
    assert (box.visible, box.value, init_from.value, planes, hints) == (True, True, "edges2shoes", False, True)
    labels = "Facade labels, in the 12 CMP colours"
    box, init_from, planes, hints = offer_shipped(labels, "recommended", "edges2shoes", 256, 32)
    assert (box.visible, init_from.value, planes, hints) == (True, "labels2facades", True, False)
    for input_kind, preset, crop_size in (("Photos", "recommended", 256), ("Line drawings", "paper", 256),
                                          ("Line drawings", "recommended", 128)):  # fmt: skip
        box, init_from, *seen = offer_shipped(input_kind, preset, "edges2shoes", crop_size, 32)  # pyright: ignore[reportArgumentType]
        assert (box.visible, init_from.value, seen) == (False, "", [False, False])
    assert offer_shipped("Line drawings", "recommended", "my own", 256, 32) == gr.skip()
    for kind in ("Line drawings", labels):  # one that is made light keeps what it has
        box, *others = offer_shipped(kind, "recommended", "", 256, 32, "a wide one")
        assert (box.visible, others) == (False, [gr.skip()] * 3)


def test_who_begins_from_one_that_takes_hints_goes_on_with_them(make_generator: Callable[..., Path]):
    from ui.train.init_from import fit

    path = make_generator()
    assert fit(str(path), "Line drawings") == [32, 4, 36, False]
    generator, about = checkpoint.load(path)
    checkpoint.save(path, generator, replace(about, colour_hints=True))
    assert fit(str(path), "Line drawings")[-1] is True
    assert fit(str(path), "Any picture")[-1] is False
