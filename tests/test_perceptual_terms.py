"""Training with the perceptual terms: what learns from what, and all that holds for any other run."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pix2pix.files import checkpoint
from pix2pix.files.places import generators
from pix2pix.palette import CMP
from pix2pix.projected import ProjectedDiscriminators
from tests.rounding import HALF, rounding
from training.config import OBJECTIVES, PRESETS, TrainConfig
from training.loop import accelerator_for, adam, networks, step_functions, train, update
from training.objective import Objective
from training.perceptual_terms import frozen
from training.run import Run

RECOMMENDED = OBJECTIVES["recommended"]
TINY = {"load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4, "device": "cpu", "log_every": 1, "save_every": 2}


@pytest.fixture
def make_run(pairs: Path) -> Callable[..., Run]:
    def make(name: str = "run", **settings: Any) -> Run:
        settings = {"name": name, "dataset": str(pairs), "steps": 4} | TINY | RECOMMENDED | settings
        return Run.create(TrainConfig(**settings))

    return make


class Parts:
    """All that a step needs."""

    def __init__(self, **settings: Any) -> None:
        torch.manual_seed(0)
        self.config = TrainConfig(name="n", dataset="d", **(TINY | RECOMMENDED | settings))
        self.accelerator = accelerator_for(self.config)
        self.G, self.D = networks(self.config, self.accelerator.device)
        self.objective = Objective.of(self.config, self.accelerator)
        self.opt_G, self.opt_D = (
            adam(self.config, self.G),
            adam(self.config, self.D, *self.objective.discriminators),
        )
        self.a, self.b = torch.rand(2, 1, 3, 32, 32) * 2 - 1
        self.window = torch.zeros(2, dtype=torch.long)

    def update(self) -> Tensor:
        networks = self.G, self.D, self.opt_G, self.opt_D
        return update(*networks, self.objective, self.accelerator, self.a, self.b, self.window)


def losses(run: Run) -> list[dict]:
    return [{key: value for key, value in row.items() if key not in ("time", "data_wait")} for row in run.metrics()[0]]


def test_each_update_moves_its_own_networks_alone():
    parts = Parts(lambda_l1=0.0)
    terms = parts.objective.terms
    assert terms
    assert terms.projected
    trained = {"G": parts.G, "D": parts.D, "projected": terms.projected}
    seen: dict[str, list[str]] = {}

    def note(which: str, step: Callable) -> Callable:
        def noted(*arguments: Any, **settings: Any) -> Any:
            seen[which] = [name for name, part in trained.items() if all(w.grad is not None for w in part.parameters())]
            for name in seen[which]:
                for weight in trained[name].parameters():
                    if which == "D":
                        weight.grad_of_D = weight.grad.clone()  # pyright: ignore
                    elif name != "G":
                        assert torch.equal(weight.grad, weight.grad_of_D)  # pyright: ignore
            return step(*arguments, **settings)

        return noted

    parts.opt_D.step, parts.opt_G.step = note("D", parts.opt_D.step), note("G", parts.opt_G.step)
    parts.update()
    assert seen["D"] == ["D", "projected"]
    assert seen["G"] == ["G", "D", "projected"]  # the latter two with what D's update left, to the bit
    assert all(weight.grad is None for weight in terms.perception.parameters())


def test_spectral_norm_makes_its_step_for_the_update_of_d_alone():
    projected = ProjectedDiscriminators()
    kept = {name: value.clone() for name, value in projected.state_dict().items()}
    seen = [torch.randn(1, 128, 8, 8) for _ in range(4)]
    with frozen(projected):
        projected(seen)
    assert all(torch.equal(value, kept[name]) for name, value in projected.state_dict().items())
    projected(seen)
    moved = {name for name, value in projected.state_dict().items() if not torch.equal(value, kept[name])}
    assert moved
    assert all(name.endswith(("_u", "_v")) for name in moved)


def test_spectral_norm_is_that_of_torch():
    ours = ProjectedDiscriminators()
    theirs = copy.deepcopy(ours)
    seen = [torch.randn(2, 128, 8, 8) for _ in range(4)]
    for _ in range(2):  # the second with the vectors that the first has turned
        layers = [nn.Sequential(*head.children()) for head in theirs.heads]  # each by itself
        logits = ours(seen), [each(x) for x, each in zip(seen, layers, strict=True)]
        for one, other in zip(*logits, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)  # sums of 1,152 products, in fp32
        for of in logits:
            torch.stack([each.square().mean() for each in of]).sum().backward()
    for (name, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert one.grad is not None, name
        assert other.grad is not None, name
        assert (one.grad - other.grad).norm() <= 1e-4 * other.grad.norm(), name
    for (name, one), other in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, msg=name)


def test_the_generator_learns_from_each_term():
    gradients = []
    for only in ({"lambda_perceptual": 20.0}, {"lambda_projected": 1.0}):
        parts = Parts(**({"lambda_l1": 0.0, "lambda_perceptual": 0.0, "lambda_projected": 0.0} | only))
        parts.update()
        gradients.append(torch.cat([w.grad.flatten() for w in parts.G.parameters() if w.grad is not None]))
    assert all(gradient.abs().max() > 0 for gradient in gradients)
    assert not torch.allclose(*gradients)


def test_the_perceptual_term_brings_the_fake_near_b_in_the_networks_eyes():
    parts = Parts(lambda_projected=0.0, lr=5e-3)
    distances = [parts.update()[4].item() for _ in range(15)]
    assert min(distances[-3:]) < 0.9 * distances[0]


def test_a_run_logs_the_further_terms_and_chooses_the_best_by_perception(make_run: Callable[..., Run]):
    run = make_run(preview_every=2)
    train(run)
    rows = run.metrics()[0]
    assert {"loss_perceptual", "loss_D_projected", "loss_G_projected", "loss_D", "acc_D"} <= set(rows[0])
    looks = {row["step"]: row["val_perceptual"] for row in rows if "val_perceptual" in row}
    assert list(looks) == [2, 4]
    (kept,) = (run.path / "best").glob("*.safetensors")
    assert int(kept.stem) == min(looks, key=looks.__getitem__)
    assert run.best_value() == min(looks.values())


def test_without_them_a_run_has_no_trace_of_them(make_run: Callable[..., Run]):
    run = make_run(**dict.fromkeys(("lambda_perceptual", "lambda_projected"), 0.0))
    train(run)
    assert not {key for row in run.metrics()[0] for key in row} & {"loss_perceptual", "val_perceptual"}
    assert set(torch.load(run.state_file, weights_only=True)) >= {"G", "D", "opt_G", "opt_D"}


@pytest.mark.parametrize("settings", [{}, {"precision": "bf16"}, {"lambda_projected": 0.0}, {"l1_steps": 2}])
def test_a_resume_goes_on_to_the_very_same_losses(make_run: Callable[..., Run], settings: dict):
    whole = make_run("whole", **settings)
    train(whole)
    halves = make_run("halves", **settings)
    (halves.path / "stop").touch()
    train(halves)
    assert halves.status().step == 1
    train(halves)
    assert losses(halves) == losses(whole)


def test_the_discriminators_are_kept_beside_the_generator_and_taken_up(
    make_run: Callable[..., Run], caplog: pytest.LogCaptureFixture
):
    first = make_run(preview_every=2)
    train(first)
    with caplog.at_level("INFO", "training"):
        second = make_run("second", init_from=str(first.generator_file), steps=1, lr=1e-12)
        train(second)
    assert "The PatchGAN discriminator is taken up and the discriminators on features are taken up." in caplog.text
    saved, begun = (torch.load(run.state_file, weights_only=True) for run in (first, second))
    for part in ("D", "projected", "scales"):
        for name in [name for name in saved[part] if not name.endswith(("_u", "_v"))]:  # each step turns these two
            value = saved[part][name]
            torch.testing.assert_close(begun[part][name], value, rtol=HALF, atol=1e-7)
    assert (first.path / "best_discriminators.safetensors").stat().st_size < 8e6
    assert set(generators()) == {*generators(), "run", "run (best)", "second"}
    assert not [name for name in generators() if "discriminators" in name]


def test_discriminators_that_do_not_fit_begin_anew(make_run: Callable[..., Run], caplog: pytest.LogCaptureFixture):
    first = make_run(lambda_perceptual=0.0, lambda_projected=0.0)
    train(first)
    with caplog.at_level("INFO", "training"):
        train(make_run("second", init_from=str(first.generator_file), steps=1, ndf=8))
    assert "The PatchGAN discriminator begins anew and the discriminators on features begin anew." in caplog.text
    caplog.clear()
    first.discriminators_file.unlink()
    with caplog.at_level("INFO", "training"):
        train(make_run("third", init_from=str(first.generator_file), steps=1))
    assert "has no discriminators beside it: they begin anew" in caplog.text


def test_label_maps_are_seen_as_planes_and_begin_from_what_saw_colours(make_run: Callable[..., Run]):
    settings = {"palette": "cmp", "a": "labels", "b": "photo"}
    colours = make_run("colours", **settings)
    train(colours)
    planes = make_run("planes", one_hot=True, init_from=str(colours.generator_file), steps=1, lr=1e-12, **settings)
    train(planes)
    saw_colours, sees_planes = (checkpoint.load(run.generator_file)[0] for run in (colours, planes))
    assert sees_planes.state_dict()["down.0.0.weight"].shape[1] == len(CMP)
    a = torch.tensor(list(CMP.values()))[torch.randint(12, (1, 32, 32))].permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        # Weights were rounded to fp16: one that is off is so in each term alike.
        torch.testing.assert_close(sees_planes(a), saw_colours(a), atol=rounding(10, 1, torch.float16), rtol=0)


def test_the_recommended_preset_is_in_between():
    assert list(PRESETS) == ["quick", "recommended", "paper"]
    config = TrainConfig(name="n", dataset="d", **PRESETS["recommended"])
    assert config.has_perceptual_terms
    assert config.best_by == "val_perceptual"
    assert not TrainConfig(name="n", dataset="d", **PRESETS["paper"]).has_perceptual_terms


def test_a_step_of_g_alone_has_as_many_losses():
    parts = Parts()
    of_G, of_both = step_functions(
        parts.config, parts.accelerator, parts.G, parts.D, parts.opt_G, parts.opt_D, parts.objective
    )
    assert of_G(parts.a, parts.b, parts.window).shape == of_both(parts.a, parts.b, parts.window).shape == (7,)
