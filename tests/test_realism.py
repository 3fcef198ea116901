"""benchmarks/realism.py: KID is what its definition says, and the judge prefers what is more like a real picture."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from benchmarks import realism
from benchmarks.evaluation import open_pairs
from benchmarks.realism import SPARSE, TARGETS, Judge, kid, means_of, outputs_of, real_pictures
from pix2pix.edges import edges
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.models import GeneratorConfig
from tests.rounding import rounding

EDGES = Metadata("things", 5, GeneratorConfig(256), Side("edges"), Side("photo"))


def thing(seed: int) -> Image.Image:
    """A shaded ellipse with a stripe on white."""
    rng = np.random.default_rng(seed)
    photo = Image.new("RGB", (256, 256), "white")
    pen, (left, top) = ImageDraw.Draw(photo), rng.integers(10, 80, 2).tolist()
    box, colour = (left, top, left + 150, top + 90), rng.integers(0, 200, 3)
    pen.ellipse(box, fill=tuple(colour.tolist()))
    pen.arc(box, 20, 160, fill=tuple((colour // 2).tolist()), width=12)
    pen.line((left + 30, top + 45, left + 120, top + 50), fill=tuple((colour + 50).tolist()), width=6)
    return photo


@pytest.fixture(scope="module")
def things() -> list[Image.Image]:
    return [thing(seed) for seed in range(12)]


@pytest.fixture(scope="module")
def judge(things: list[Image.Image]) -> Judge:
    return Judge(things[:6])


# KID


def test_kid_is_the_unbiased_squared_mmd_of_the_cubic_kernel():
    x, y = torch.randn(4, 5, generator=torch.manual_seed(0)), torch.randn(3, 5)

    def k(a: torch.Tensor, b: torch.Tensor) -> float:
        return (float(a.double() @ b.double()) / 5 + 1) ** 3

    within_x = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    within_y = np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    assert kid(x, y) == pytest.approx(within_x + within_y - 2 * np.mean([k(a, b) for a in x for b in y]))


def test_kid_of_one_distribution_is_zero_on_average_and_grows_with_a_shift():
    random = torch.manual_seed(0)
    draws = [torch.randn(2, 40, 16, generator=random) for _ in range(50)]
    same = np.array([kid(x, y) for x, y in draws])
    assert abs(same.mean()) < 4 * same.std() / len(same) ** 0.5  # unbiased: a biased one would be at 0.3
    assert same.mean() + same.std() < np.mean([kid(x + 0.3, y) for x, y in draws])


# What the network sees


def test_the_maps_are_those_of_the_packages_own_network(judge: Judge, things: list[Image.Image]):
    maps = judge.maps(things[:2])
    sides = [tuple(depth.shape[1:]) for depth in maps]
    assert sides == [(16, 128, 128), (24, 64, 64), (40, 32, 32), (112, 16, 16), (320, 8, 8)]
    assert means_of(maps).shape == (2, 472)
    pictures = torch.stack([torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 127.5 - 1 for picture in things[:2]])
    net = judge.network
    with torch.inference_mode():
        theirs = net.extract_features(pictures)
        # 16 blocks of three layers, of sums of at most 1,152 terms
        close = rounding(layers=48, terms=1152) * float(theirs.abs().max())
        assert (net._swish(net._bn1(net._conv_head(maps[-1]))) - theirs).abs().max() < close


def test_pictures_of_any_size_are_judged_at_one(judge: Judge, things: list[Image.Image]):
    assert judge.maps([things[0].resize((64, 64)), things[1]])[0].shape == (2, 16, 128, 128)


# The judge


def test_the_worse_a_picture_is_the_farther_it_is_from_real_ones_and_from_its_target(
    judge: Judge, things: list[Image.Image]
):
    noise = np.random.default_rng(0).normal(0, 60, (256, 256, 3))
    sets = [
        (
            target,
            {
                "the same": target,
                "soft": target.filter(ImageFilter.GaussianBlur(1)),
                "stained": Image.fromarray((np.asarray(target) + noise).clip(0, 255).astype(np.uint8)),
            },
        )
        for target in things[6:]
    ]
    rows = judge(sets)
    assert rows["the same"] == rows[TARGETS]
    assert rows[TARGETS]["distance"] == 0 < rows["soft"]["distance"] < rows["stained"]["distance"]
    assert rows[TARGETS]["KID"] < rows["soft"]["KID"] < rows["stained"]["KID"]


def test_photos_are_judged_by_a_sparse_drawing_and_by_a_default_one(tmp_path: Path, things: list[Image.Image]):
    for number, photo in enumerate(things[:2]):
        (tmp_path / "train").mkdir(exist_ok=True)
        photo.save(tmp_path / "train" / f"{number}.png")
    pairs = open_pairs(tmp_path, "all", EDGES)
    target, outputs = next(outputs_of(lambda drawing: drawing, pairs))
    assert outputs == {"sparse drawings": edges(target, SPARSE), "default drawings": edges(target)}


@pytest.mark.parametrize(("count", "expected"), [(4467, 204), (400, 200), (100, 100), (301, 151), (299, 299)])
def test_about_200_real_pictures_are_taken_from_the_first(count: int, expected: int):
    class Numbers:
        def __len__(self) -> int:
            return count

        def pictures(self, index: int) -> tuple[int, int]:
            return -index, index

    chosen = np.array(real_pictures(Numbers()))  # pyright: ignore[reportArgumentType]
    assert (chosen[0], len(chosen)) == (0, expected)
    assert len(set(np.diff(chosen))) == 1


# The command line


def test_several_generators_are_judged_at_once(
    pairs: Path,
    make_generator: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    generators = [str(make_generator(name)) for name in ("first", "second")]
    monkeypatch.setattr(sys, "argv", ["realism.py", str(pairs), *generators, "--split", "all"])
    realism.main()
    printed = capsys.readouterr().out
    rows = json.loads(printed.splitlines()[-1])["realism"]
    assert set(rows) == {f"{generators[0]}, generator", f"{generators[1]}, generator", TARGETS}
    assert "| realism | KID | distance |\n| --- | --- | --- |" in printed
    assert "KID of 8 pictures says little" in printed
    assert rows[TARGETS]["distance"] == 0 < rows[f"{generators[0]}, generator"]["distance"]
