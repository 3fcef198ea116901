"""The settings of a run: what makes no sense is said by name, and JSON gives back the same settings."""

import json
from dataclasses import FrozenInstanceError, asdict

import pytest

from training.config import FORMER_NAMES, TrainConfig

NOT_THE_DEFAULTS = {
    "name": "shoes-2.1_b",
    "dataset": "/data/Schuhe für alle",
    "layout": "folders",
    "direction": "BtoA",
    "a": "photo",
    "b": "labels",
    "folders": ("masks", "images"),
    "scale_a": "0..4095",
    "scale_b": "-1..1",
    "target_palette": "0=#000000,1=#ffffff",
    "palette": "cmp",
    "one_hot": True,
    "line_width": 2.0,
    "leave_out": ("train/1.png", "train/2.png"),
    "colour_hints": True,
    "load_size": 143,
    "crop_size": 128,
    "flip": False,
    "random_affine": True,
    "ngf": 32,
    "ndf": 16,
    "n_layers": 2,
    "dropout": 0.0,
    "init_from": "edges2shoes",
    "distil_from": "edges2shoes",
    "checkerboard_free": True,
    "ema": 0.999,
    "epochs": 7,
    "steps": 1000,
    "decay_steps": 500,
    "batch_size": 4,
    "lr": 1e-4,
    "lr_D": 5e-5,
    "beta1": 0.0,
    "beta2": 0.99,
    "lambda_l1": 0.0,
    "lambda_feature_matching": 10.0,
    "lambda_activation": 0.004,
    "lambda_perceptual": 20.0,
    "lambda_colour": 50.0,
    "lambda_projected": 1.0,
    "l1_steps": 7,
    "seed": 42,
    "device": "cuda:1",
    "precision": "bf16",
    "compile": True,
    "num_processes": 2,
    "log_every": 1,
    "preview_every": 2,
    "save_every": 3,
    "log_to": "wandb",
    "notify": "https://example.org:8443/hooks/1?key=2",
    "licence": "CC0",
    "provenance": "drawn by code",
}


def config(**settings) -> TrainConfig:
    return TrainConfig(**{"name": "shoes", "dataset": "shoes", **settings})


def test_the_defaults_are_the_papers_recipe():
    paper = config()
    assert (paper.lr, paper.beta1, paper.lambda_l1, paper.batch_size, paper.epochs) == (2e-4, 0.5, 100, 1, 200)
    assert (paper.load_size, paper.crop_size, paper.flip, paper.ngf, paper.ndf, paper.n_layers) == (
        286,
        256,
        True,
        64,
        64,
        3,
    )


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("name", "", "name '' must be letters, digits, dot, dash and underscore"),
        ("name", "my shoes", "name 'my shoes' must be letters"),
        ("name", "../shoes", "not starting with dot or dash"),
        ("name", "a/b", "name 'a/b' must be letters"),
        ("name", "-shoes", "not starting with dot or dash"),
        ("name", "schüh", "name 'schüh' must be letters"),
        ("dataset", "", "dataset is empty: give a folder of images"),
        ("crop_size", 100, "crop_size 100 is not one of 32, 64, 128, 256, 512, 1024"),
        ("crop_size", 16, "crop_size 16 is not one of"),
        ("load_size", 255, "load_size 255 is below crop_size 256"),
        ("dropout", 1.0, r"dropout 1.0 is not in \[0, 1\)"),
        ("dropout", -0.1, "dropout -0.1 is not in"),
        ("beta1", 1.0, r"beta1 1.0 is not in \[0, 1\)"),
        ("ema", 1.0, r"ema 1.0 is not in \[0, 1\)"),
        ("ema", -0.1, "ema -0.1 is not in"),
        ("lr", 0.0, "lr 0.0 must be above 0"),
        ("lr", float("nan"), "lr nan must be above 0"),
        ("lr", float("inf"), "lr inf must be above 0"),
        ("lr_D", -1e-4, "lr_D -0.0001 must not be negative"),
        ("palette", "wall=#12345", "is not none, cmp or a list"),
        *[
            ("notify", address, "is not an address that begins with http:// or https://")
            for address in (
                "example.org",
                "ftp://example.org",
                "http://",
                "https://a b",
                "http://a:x",
                "http://[::1",
                "file:///x",
            )
        ],
        ("notify", "http://a/" + "x" * 10_000, "notify has more than 10,000 characters"),
        ("line_width", -1.0, "line_width -1.0 must not be negative"),
        ("direction", "left", "direction 'left' is not one of AtoB, BtoA"),
        ("palette", "rgb", "palette 'rgb' is not none, cmp or a list such as"),
        ("epochs", 0, "steps and epochs are both 0: nothing to train"),
        *[
            (setting, 0, f"{setting} 0 must be 1 or more")
            for setting in ("ngf", "ndf", "n_layers", "batch_size", "num_processes")
        ],
        *[(setting, 0, f"{setting} 0 must be 1 or more") for setting in ("log_every", "preview_every", "save_every")],
        *[
            (setting, -1, f"{setting} -1 must not be negative")
            for setting in ("lambda_l1", "steps", "decay_steps", "seed")
        ],
    ],
)
def test_what_makes_no_sense_is_said(setting: str, value: object, message: str):
    with pytest.raises(ValueError, match=message):
        config(**{setting: value})


@pytest.mark.parametrize(
    "settings", [{"epochs": 0, "steps": 1}, {"load_size": 32, "crop_size": 32}, {"dropout": 0}, {"ema": 0}]
)
def test_the_limits_themselves_are_allowed(settings: dict[str, int]):
    assert config(**settings)


def test_json_gives_back_the_same_settings():
    unusual = TrainConfig(**NOT_THE_DEFAULTS)
    assert all(value != getattr(config(), name) for name, value in NOT_THE_DEFAULTS.items())
    assert asdict(unusual) == NOT_THE_DEFAULTS
    assert TrainConfig.from_json(unusual.to_json()) == unusual


def test_json_is_for_people_too():
    assert config().to_json().startswith('{\n  "name": "shoes",\n  "dataset": "shoes",\n')


def test_settings_missing_from_json_take_their_default():
    assert TrainConfig.from_json('{"name": "shoes", "dataset": "shoes"}') == config()


def test_settings_are_understood_by_their_former_names_too():
    now = {name: NOT_THE_DEFAULTS[name] for name in FORMER_NAMES.values()}
    old = {former: NOT_THE_DEFAULTS[name] for former, name in FORMER_NAMES.items()}
    mixed = dict(list(old.items())[:2] + list(now.items())[2:])
    for settings in (old, now, mixed):
        read = TrainConfig.from_json(json.dumps({"name": "shoes", "dataset": "shoes", "ngf": 32, **settings}))
        assert read == config(ngf=32, **now)
    assert not FORMER_NAMES.keys() & json.loads(read.to_json()).keys()
    with pytest.raises(ValueError, match="wander and random_affine are the same setting: it has both"):
        TrainConfig.from_json(json.dumps({"name": "shoes", "dataset": "shoes", "wander": True, "random_affine": True}))


def test_settings_of_a_later_version_are_named():
    later = {**asdict(config()), "warmup": 3, "loss": "hinge"}
    with pytest.raises(ValueError, match="unknown settings: loss, warmup"):
        TrainConfig.from_json(json.dumps(later))


def test_json_is_checked_too():
    with pytest.raises(ValueError, match="load_size 1 is below"):
        TrainConfig.from_json('{"name": "shoes", "dataset": "shoes", "load_size": 1}')


def test_changes_make_another_config_and_are_checked():
    changed = config().with_changes(ngf=32)
    assert (changed.ngf, changed.name, config().ngf) == (32, "shoes", 64)
    with pytest.raises(ValueError, match="ngf 0"):
        changed.with_changes(ngf=0)


def test_a_config_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        config().ngf = 32  # pyright: ignore[reportAttributeAccessIssue]
