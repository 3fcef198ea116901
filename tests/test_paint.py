"""Paint in label maps: colours of no class, which say what colour a wall has."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image, ImageDraw

from pix2pix import Translator, images
from pix2pix.files import checkpoint, export
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.files.places import ROOT
from pix2pix.input_checks import remark_on
from pix2pix.models import Generator, GeneratorConfig, with_paint
from pix2pix.page import page
from pix2pix.palette import CMP, FAR, apart, snap
from tests.rounding import rounding
from training.config import TrainConfig
from training.distillation import take_strongest
from training.loop import train
from training.run import Run

COLOURS = np.array(list(CMP.values()), np.float32)
BRICK, CREAM = (158, 84, 66), (222, 206, 172)
WALL = list(CMP).index("facade")
CONFIG = GeneratorConfig(64, ngf=4, classes=tuple(CMP.values()), painted=WALL)


def plan(size: int = 64) -> Image.Image:
    """A sky, and a wall with six windows."""
    labels = Image.new("RGB", (128, 128), CMP["background"])
    draw = ImageDraw.Draw(labels)
    draw.rectangle((10, 30, 117, 128), fill=CMP["facade"])
    for x in (20, 50, 80):
        for y in (45, 85):
            draw.rectangle((x, y, x + 17, y + 25), fill=CMP["window"])
    return labels.resize((size, size), Image.Resampling.NEAREST)


def painted(colour: tuple[int, int, int], size: int = 64) -> Image.Image:
    labels = plan(size)
    labels.paste(colour, (6, 34, 9, 60))
    return labels


def painting() -> Generator:
    torch.manual_seed(0)
    return Generator(CONFIG).eval()


def about(config: GeneratorConfig = CONFIG) -> Metadata:
    hints = config.painted is not None
    return Metadata("walls", 1, config, a=Side("photo"), b=Side("labels", CMP), direction="BtoA", colour_hints=hints)


def test_the_network_sees_paint_as_the_wall_and_its_colour():
    one_hot = painting().one_hot
    a = torch.tensor([[CMP["window"], BRICK]]).permute(2, 0, 1)[None] / 127.5 - 1  # (1, 3, 1, 2)
    window, wall = one_hot(a)[0, :, 0].T
    assert window.tolist() == [float(name == "window") for name in CMP] + [0, 0, 0, 0]
    assert wall[: len(CMP) + 1].tolist() == [float(name == "facade") for name in CMP] + [1]
    assert ((wall[-3:] + 1) * 127.5).round().tolist() == list(BRICK)


def test_paint_changes_the_picture_and_a_generator_without_it_is_as_before():
    with_it = painting()
    without = Generator(replace(CONFIG, painted=None)).eval()
    without.load_state_dict(with_paint(with_it.state_dict(), without.config))
    taught = Generator(CONFIG).eval()
    taught.load_state_dict(with_paint(without.state_dict(), CONFIG))
    plain, brick, cream = (images.to_tensor(map_)[None] for map_ in (plan(), painted(BRICK), painted(CREAM)))
    with torch.no_grad():
        assert (with_it(brick) - with_it(cream)).abs().max() > 1e-3
        for network in (with_it, taught):  # the same sums, in another order, and zeros
            torch.testing.assert_close(network(plain), without(plain), atol=rounding(1000, 1), rtol=0)
        assert torch.equal(taught(brick), taught(cream)), "before it has learned, paint does nothing"


def test_the_painted_class_is_one_of_them():
    with pytest.raises(ValueError, match="painted is class 12"):
        replace(CONFIG, painted=12)
    with pytest.raises(ValueError, match="painted is class 0"):
        GeneratorConfig(64, painted=0)


def test_a_file_keeps_the_painted_class_and_others_say_nothing_of_it(tmp_path: Path):
    path = tmp_path / "walls.safetensors"
    checkpoint.save(path, painting(), about())
    assert checkpoint.load(path)[0].config == checkpoint.read_metadata(path).config == CONFIG
    assert page.describe("walls", about())["painted"] == "facade"
    plain = replace(CONFIG, painted=None)
    assert "painted" not in about(plain).to_json()["architecture"]
    assert page.describe("walls", about(plain))["painted"] is None


def test_what_is_exported_and_what_is_compiled_know_paint():
    translator = Translator(painting(), about(), "cpu")
    expected = np.asarray(translator(painted(BRICK))).astype(int)
    session = onnxruntime.InferenceSession(export.to_onnx(translator.generator).SerializeToString())
    given = translator.prepare(painted(BRICK)).numpy()
    (made,) = session.run(None, {session.get_inputs()[0].name: given})
    assert np.abs(np.asarray(images.to_picture(torch.from_numpy(made)[0])).astype(int) - expected).max() <= 1
    compiled = np.asarray(translator.compile("fp32")(painted(BRICK))).astype(int)
    assert translator.runtime.startswith("OpenVINO")
    assert np.abs(compiled - expected).max() <= 1


def test_a_drawn_map_keeps_its_paint_and_a_smeared_one_has_none():
    assert snap(painted(BRICK), CMP, hints=True).tobytes() == painted(BRICK).tobytes()
    assert snap(painted(BRICK), CMP).tobytes() != painted(BRICK).tobytes()
    smeared = plan().resize((90, 90), Image.Resampling.BILINEAR)
    assert snap(smeared, CMP, hints=True).tobytes() == snap(smeared, CMP).tobytes()


def test_a_map_that_is_all_paint_is_not_strange_and_a_photo_is():
    wall = Image.new("RGB", (64, 64), BRICK)
    assert remark_on(wall, "labels", CMP)
    assert not remark_on(wall, "labels", CMP, hints=True)
    noise = np.random.default_rng(0).integers(60, 190, (64, 64, 3), dtype=np.uint8)
    assert remark_on(Image.fromarray(noise), "labels", CMP, hints=True)


def test_colours_near_to_a_class_become_greyer_until_they_are_paint():
    assert tuple(apart(np.array(BRICK, float), CMP)) == BRICK
    for colour in (*COLOURS, np.array([255.0, 0, 0]), np.array([0, 0, 255.0])):
        assert np.linalg.norm(COLOURS - apart(colour, CMP), axis=1).min() > FAR


def test_a_training_that_begins_from_it_knows_no_paint(tmp_path: Path, pairs: Path):
    path = tmp_path / "walls.safetensors"
    network = Generator(replace(CONFIG, image_size=32)).eval()
    checkpoint.save(path, network, about())
    sizes = {"load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4, "device": "cpu"}
    labels = {"palette": "cmp", "a": "labels", "b": "photo", "one_hot": True}
    options = {"name": "plain", "dataset": str(pairs), "init_from": str(path), "steps": 1, "lr": 1e-12}
    run = Run.create(TrainConfig(**options, **sizes, **labels))
    train(run)
    begun, metadata = checkpoint.load(run.generator_file)
    assert isinstance(begun, Generator)
    assert (begun.config.painted, metadata.colour_hints) == (None, False)
    a = images.to_tensor(plan(32))[None]
    with torch.no_grad():
        torch.testing.assert_close(begun(a), network(a), atol=rounding(1000, 1, torch.float16), rtol=0)


def test_a_narrow_one_begins_with_its_channels_but_not_with_paint():
    wide, narrow = painting(), GeneratorConfig(64, ngf=2, classes=CONFIG.classes)
    plain = Generator(replace(CONFIG, painted=None)).eval()
    plain.load_state_dict(with_paint(wide.state_dict(), plain.config))
    begun = []
    for teacher in (wide, plain):
        begun.append(Generator(narrow))
        assert "strongest of its channels" in take_strongest(begun[-1], teacher)
    assert all(torch.equal(a, b) for a, b in zip(*(each.state_dict().values() for each in begun), strict=True))


def test_the_lesson_changes_what_paint_does_and_nothing_else():
    spec = importlib.util.spec_from_file_location("learn_paint", ROOT / "checkpoints/paint/learn_paint.py")
    assert spec
    assert spec.loader
    lesson = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lesson)
    photo = Image.new("RGB", (128, 128), (150, 140, 130))
    for number in range(30):
        labels, target = lesson.painted(plan(128), photo, np.random.default_rng(number))
        paint = (np.asarray(labels) != np.asarray(plan(128))).any(axis=2)
        assert (np.asarray(plan(128))[paint] == CMP["facade"]).all()
        for colour in np.unique(np.asarray(labels)[paint], axis=0):
            assert np.abs(np.median(np.asarray(target)[paint], axis=0) - colour).max() <= 1
    G, before = painting().train(), painting().state_dict()

    class Pairs:
        def __len__(self) -> int:
            return 4

        def pictures(self, _key: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
            return plan(), photo.resize((64, 64))

    lesson.learn(G, Pairs(), 2)
    same = with_paint(G.state_dict(), replace(CONFIG, painted=None))
    plain = with_paint(before, replace(CONFIG, painted=None))
    assert all(torch.equal(same[name], plain[name]) for name in plain)
    assert not torch.equal(G.state_dict()["up.5.0.weight"], before["up.5.0.weight"])
