"""Distillation: a narrower generator begins with the strongest channels of another, and learns from its pictures."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from pix2pix.files import checkpoint
from pix2pix.losses import l1_loss
from pix2pix.models import INPUT_KERNEL, Generator, GeneratorConfig
from tests.test_loop import assert_resumes, make_run  # noqa: F401
from training.distillation import Teacher, take_strongest, with_strokes
from training.loop import train
from training.run import Run


def generator(**config: Any) -> Generator:
    torch.manual_seed(1)
    return Generator(replace(GeneratorConfig(32, ngf=8), **config)).eval()


def test_as_many_channels_make_the_very_same_picture():
    wide, copy = generator(), Generator(GeneratorConfig(32, ngf=8)).eval()
    assert take_strongest(copy, wide) == "It begins with the strongest of its channels, 100% of its weights."
    a = torch.rand(1, 3, 32, 32) * 2 - 1
    assert torch.equal(copy(a), wide(a))


def test_channels_that_nothing_reads_are_not_missed():
    wide, narrow = generator(), Generator(GeneratorConfig(32, ngf=4)).eval()
    with torch.no_grad():
        for name, weight in wide.named_parameters():
            if weight.ndim == 4 and name.startswith("up"):
                weight[1::2] = 0
            elif weight.ndim == 4 and name != INPUT_KERNEL:
                weight[:, 1::2] = 0
    take_strongest(narrow, wide)
    a = torch.rand(1, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(narrow(a), wide(a))


def test_channels_are_chosen_where_the_networks_are():
    """Tensors that have a device and no values: for them it is an error to meet those of another, as it is on a GPU."""
    with FakeTensorMode():
        with torch.device("cuda"):
            wide, narrow = (Generator(GeneratorConfig(32, ngf=ngf)) for ngf in (8, 4))
        assert next(wide.parameters()).is_cuda
        assert take_strongest(narrow, wide).startswith("It begins with the strongest")


@pytest.mark.parametrize("config", [{"ngf": 16}, {"out_channels": 1}, {"classes": ((0, 0, 0), (255, 0, 0))}])
def test_a_generator_of_another_kind_begins_anew(config: dict[str, Any]):
    other = generator(**config)
    before = {name: weight.clone() for name, weight in other.state_dict().items()}
    assert take_strongest(other, generator()).startswith("It begins anew")
    assert all(torch.equal(weight, before[name]) for name, weight in other.state_dict().items())


def test_some_drawings_get_strokes_and_the_same_ones_each_time():
    drawings = torch.ones(40, 3, 64, 64)
    drawings[:, 0, :8] = -1  # something coloured, which strokes leave where they are not
    twice = [with_strokes(drawings, torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*twice)
    drawn = (twice[0] != drawings).flatten(1).any(1)
    assert 0 < drawn.sum() < 25
    stroked, before = twice[0][drawn], drawings[drawn]
    assert (stroked <= before).all()
    assert ((stroked == -1).all(1)).flatten(1).any(1).all()  # each has black in it
    share = (stroked < before).any(1).float().mean((1, 2))
    assert share.max() < 0.3  # lines, no areas


def test_a_student_learns_the_pictures_of_its_teacher(
    make_run: Callable[..., Run],  # noqa: F811
    make_generator: Callable[..., Path],
):
    teacher = make_generator("wide")
    run = make_run(steps=40, distil_from=str(teacher), ngf=2, lr=2e-3, provenance="Boxes.", flip=False)
    train(run)
    student, metadata = checkpoint.load(run.generator_file)
    assert (metadata.config.ngf, metadata.provenance) == (2, "Boxes. Learned from the pictures of wide.")
    wide, _ = checkpoint.load(teacher)
    a = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        assert l1_loss(student(a), wide(a)) < l1_loss(student(a), torch.ones_like(a)) / 10  # B's white paper


def test_a_student_resumes_to_the_very_same_losses(
    make_run: Callable[..., Run],  # noqa: F811
    make_generator: Callable[..., Path],
    photos: Path,
):
    teacher = make_generator("wide")
    settings = {
        "steps": 6,
        "distil_from": str(teacher),
        "ngf": 2,
        "dataset": str(photos),
        "layout": "photos",
        "ema": 0.9,
    }
    whole, cut = make_run("whole", **settings), make_run("cut", **settings)
    assert_resumes(whole, cut)


def test_the_teacher_learns_nothing(make_run: Callable[..., Run], make_generator: Callable[..., Path]):  # noqa: F811
    run = make_run(distil_from=str(make_generator("wide")))
    teacher = Teacher(run.config, torch.device("cpu"))
    a, b = teacher.lesson(torch.zeros(1, 3, 32, 32), torch.Generator())
    assert not b.requires_grad
    assert not any(weight.requires_grad for weight in teacher.parameters())
    assert torch.equal(b, teacher.generator(a))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop_size": 64, "load_size": 64}, "makes pictures of 32 pixels: to learn from it, crop_size must be 32 too"),
        ({"distil_from": "nobody"}, "no generator 'nobody'"),
        ({"a": "labels", "palette": "cmp"}, "takes line drawings, and the input of this training is label maps"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(
    make_run: Callable[..., Run],  # noqa: F811
    make_generator: Callable[..., Path],
    settings: dict[str, Any],
    message: str,
):
    run = make_run(**{"distil_from": str(make_generator("wide"))} | settings)
    with pytest.raises(ValueError, match=message), run.claim():
        train(run)
    assert run.status().state == "failed"


@pytest.mark.parametrize("palette", ["none", "wall=#0030ff,window=#027fff"])
def test_a_teacher_of_label_maps_wants_maps_of_its_colours(
    make_run: Callable[..., Run],  # noqa: F811
    make_generator: Callable[..., Path],
    palette: str,
):
    run = make_run(distil_from=str(make_generator("wide", kind="labels")), palette=palette)
    with pytest.raises(ValueError, match="to learn from it, palette must list its 12 colours"):
        train(run)
