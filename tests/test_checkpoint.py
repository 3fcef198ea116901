"""Generator files: they say all about themselves, and whatever is wrong with one is said in words, with its name."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from types import FrameType

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.fx import traceback

from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import CheckpointError, Metadata, Side
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.palette import CMP
from tests.rounding import GREY_LEVEL


def rewrite(path: Path, header: dict | str | None) -> Path:
    """The same weights under another header."""
    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    text = header if isinstance(header, str) else json.dumps(header)
    save_file(weights, path, {"pix2pix": text} if header is not None else {"format": "pt"})
    return path


def header_of(path: Path) -> dict:
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["pix2pix"])


def test_what_is_saved_is_loaded(tmp_path: Path):
    config = GeneratorConfig(64, ngf=4, dropout=0.25)
    metadata = Metadata(
        "houses",
        steps=12,
        config=config,
        a=Side("photo"),
        b=Side("labels", CMP),
        direction="BtoA",
        line_width=2.5,
        colour_hints=True,
        dataset="facades",
        licence="research use",
        provenance="drawn by hand",
    )
    saved = Generator(config)
    checkpoint.save(tmp_path / "houses.safetensors", saved, metadata, torch.float32)
    loaded, read = checkpoint.load(tmp_path / "houses.safetensors")
    assert read == metadata
    assert read.source == Side("labels", CMP)
    assert read.target == Side("photo")
    assert not loaded.training
    assert all(
        torch.equal(a, b) for a, b in zip(saved.state_dict().values(), loaded.state_dict().values(), strict=True)
    )


def test_what_is_loaded_stays_when_the_file_changes(tmp_path: Path):
    saved, path = Generator(GeneratorConfig(32, ngf=4)), tmp_path / "g.safetensors"
    checkpoint.save(path, saved, Metadata("g", 1), torch.float32)
    loaded, _ = checkpoint.load(path)
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    assert all(
        torch.equal(a, b) for a, b in zip(saved.state_dict().values(), loaded.state_dict().values(), strict=True)
    )


def test_fp16_costs_less_than_a_grey_level(tmp_path: Path):
    generator, path = Generator(GeneratorConfig(64, ngf=8)).eval(), tmp_path / "g.safetensors"
    checkpoint.save(path, generator, Metadata("g", 1))
    a = torch.randn(1, 3, 64, 64).clamp(-1, 1)
    assert (checkpoint.load(path)[0](a) - generator(a)).abs().max() < GREY_LEVEL


def test_the_header_is_the_documented_one(make_generator: Callable[..., Path]):
    header = header_of(make_generator("box", image_size=32))
    assert {"format", "name", "steps", "architecture", "A", "B", "direction", "prepare", "dataset", "licence"} <= set(
        header
    )
    assert header["architecture"] == {
        "image_size": 32, "in_channels": 3, "out_channels": 3, "ngf": 4, "dropout": 0.5, "norm": "instance",
    }  # fmt: skip


def test_a_file_from_before_there_were_colour_hints_takes_none(make_generator: Callable[..., Path]):
    path = make_generator()
    header = header_of(path)
    del header["prepare"]["colour_hints"]
    assert checkpoint.read_metadata(rewrite(path, header)).colour_hints is False


def test_a_failed_save_leaves_the_old_file(make_generator: Callable[..., Path], monkeypatch: pytest.MonkeyPatch):
    path = make_generator()
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint, "to_bytes", fail)
    with pytest.raises(OSError, match="no space"):
        make_generator()
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir() if file.is_file()] == [path.name]


@pytest.mark.parametrize("size", [0, 5, 300, -10])
def test_a_truncated_file_is_named(make_generator: Callable[..., Path], size: int):
    path = make_generator()
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"tiny\.safetensors.*(not a whole|damaged)"):
        checkpoint.load(path)


def test_a_file_of_another_kind_is_named(tmp_path: Path):
    path = tmp_path / "latest_net_G.pth"
    torch.save({"model.0.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"latest_net_G\.pth.*not a whole \.safetensors"):
        checkpoint.load(path)


def test_a_pickle_is_never_run(tmp_path: Path):
    class Harm:
        def __reduce__(self):
            return (tmp_path / "harm").touch, ()

    torch.save(Harm(), tmp_path / "g.safetensors")
    with pytest.raises(CheckpointError):
        checkpoint.load(tmp_path / "g.safetensors")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: None, "not made by this project"),
        (lambda h: "{", "makes no sense"),
        (lambda h: [1], "makes no sense"),
        (lambda h: h | {"format": 99}, "format is 99"),
        (lambda h: {k: v for k, v in h.items() if k != "direction"}, "lacks 'direction'"),
        (lambda h: h | {"direction": "up"}, "direction is 'up'"),
        (lambda h: h | {"architecture": h["architecture"] | {"ngf": 8}}, "do not fit"),
        (lambda h: h | {"architecture": h["architecture"] | {"image_size": 64}}, "do not fit"),
        (lambda h: h | {"architecture": h["architecture"] | {"norm": "batch"}}, "norm is 'batch'"),
        (lambda h: h | {"architecture": h["architecture"] | {"layers": 3}}, "makes no sense"),
    ],
)
def test_a_header_that_does_not_fit_is_explained(make_generator: Callable[..., Path], change: Callable, message: str):
    path = make_generator()
    rewrite(path, change(header_of(path)))
    with pytest.raises(CheckpointError, match=message) as caught:
        checkpoint.load(path)
    assert str(path) in str(caught.value)


def test_a_generator_is_found_by_path_run_directory_and_name(make_generator: Callable[..., Path], runs: Path):
    run = runs / "mine"
    path = make_generator("generator", folder=run)
    for name in (path, str(path), run, "mine"):
        assert checkpoint.locate(name) == path


def test_an_unknown_name_lists_the_known_ones(make_generator: Callable[..., Path], runs: Path):
    make_generator("generator", folder=runs / "mine")
    with pytest.raises(CheckpointError, match=r"'yours'.*mine"):
        checkpoint.locate("yours")


def test_a_generator_can_be_loaded_while_another_is_traced(tmp_path: Path):
    """Tracing keeps what it is about in globals of torch.fx.traceback: a thread that goes through them breaks both."""
    path = tmp_path / "houses.safetensors"
    config = GeneratorConfig(64, ngf=4)
    checkpoint.save(path, Generator(config), Metadata("houses", 1, config=config))
    called = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == traceback.__file__:
            called.append(frame.f_code.co_name)

    def load() -> None:
        sys.setprofile(note)
        checkpoint.load(path)

    class LoadsBeside(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            loading = Thread(target=load)
            loading.start()
            loading.join()
            return x + 1

    torch.export.export(LoadsBeside(), (torch.zeros(1),))
    assert called == []
