"""What a correction trains with: the generator as it is, and what judged it, where that is kept."""

from pathlib import Path

import pytest
from PIL import Image

from pix2pix import efficientnet
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.files.places import DISCRIMINATORS_FILE, GENERATOR_FILE
from pix2pix.models import Discriminator, Generator, GeneratorConfig
from pix2pix.palette import CMP
from pix2pix.perceptual import Perception
from pix2pix.projected import ProjectedDiscriminators
from training import discriminators
from training.config import TrainConfig
from training.loop import train
from training.run import Run
from ui.draw import teach


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run of a generator of label maps that sees classes, and paint, as the shipped one does."""
    monkeypatch.setenv("PIX2PIX_RUNS", str(tmp_path / "runs"))
    config = GeneratorConfig(32, ngf=4, classes=tuple(CMP.values()), painted=1)
    folder = tmp_path / "runs" / "maps"
    about = Metadata("maps", 5, a=Side("labels", CMP), b=Side("photo"), colour_hints=True)
    checkpoint.save(folder / GENERATOR_FILE, Generator(config), about)
    return folder


def learn(tmp_path: Path) -> None:
    """One step of a correction."""
    pairs = tmp_path / "pairs"
    teach._add(pairs, Image.new("RGB", (32, 32), CMP["facade"]), Image.new("RGB", (32, 32), "brown"))
    settings = teach.settings_for("maps") | {"steps": 1, "device": "cpu"}
    run = Run.create(TrainConfig(name="taught", dataset=str(pairs), **settings))
    with run.claim():
        train(run)
    assert run.status().state == "finished"


def test_what_judged_a_generator_judges_its_correction(maps: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    scales = Perception(efficientnet.load()).scales
    parts = {"D": Discriminator(ndf=4, n_layers=2), "scales": scales, "projected": ProjectedDiscriminators()}
    discriminators.save(maps / DISCRIMINATORS_FILE, parts)
    learn(tmp_path)
    assert "The PatchGAN discriminator is taken up and the discriminators on features are taken up." in caplog.text


def test_a_generator_without_them_or_with_damaged_ones_can_be_corrected(
    maps: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    (maps / DISCRIMINATORS_FILE).write_bytes(b"cut off")
    learn(tmp_path)
    assert "The discriminators begin anew: discriminators.safetensors cannot be read" in caplog.text


def test_a_correction_of_one_that_takes_hints_goes_on_to_show_them(maps: Path):
    about = Metadata("pen", 5, a=Side("edges"), b=Side("photo"), colour_hints=True)
    checkpoint.save(maps.with_name("pen") / GENERATOR_FILE, Generator(GeneratorConfig(32, ngf=4)), about)
    assert teach.settings_for("pen")["colour_hints"]
    assert not teach.settings_for("maps")["colour_hints"], "no training shows paint"
