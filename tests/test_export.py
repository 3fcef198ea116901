"""Generators for other runtimes: the files that are written are read by those runtimes, and compared with PyTorch."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from pix2pix.__main__ import main
from pix2pix.files import checkpoint, export
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.files.export import ExportError
from pix2pix.files.places import CHECKPOINTS
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.palette import CMP
from tests.rounding import GREY_LEVEL, rounding

TINY = rounding(layers=10, terms=16 * 64)  # of generators of 32 pixels and ngf 4


def noise(batch: int, size: int) -> Tensor:
    return torch.rand(batch, 3, size, size) * 2 - 1


@pytest.mark.parametrize("batch", [1, 4, 7])
def test_onnxruntime_makes_the_same(make_generator: Callable[..., Path], tmp_path: Path, batch: int):
    path = make_generator()
    assert main(["export", str(path), str(tmp_path / "out" / "tiny.onnx")]) == 0
    session = onnxruntime.InferenceSession(tmp_path / "out" / "tiny.onnx", providers=["CPUExecutionProvider"])
    a = noise(batch, 32)
    with torch.inference_mode():
        expected = checkpoint.load(path)[0](a).numpy()
    assert np.abs(session.run(None, {"a": a.numpy()})[0] - expected).max() < TINY


def test_a_generator_that_sees_planes_takes_the_same_label_map_everywhere(tmp_path: Path):
    torch.manual_seed(0)
    colours = tuple(CMP.values())
    generator = Generator(GeneratorConfig(32, ngf=4, classes=colours)).eval()
    labels = Metadata("planes", 1, a=Side("labels", CMP), b=Side("photo"))
    checkpoint.save(tmp_path / "planes.safetensors", generator, labels, torch.float32)
    export.export(tmp_path / "planes.safetensors", tmp_path / "planes.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "planes.onnx", providers=["CPUExecutionProvider"])
    a = torch.tensor(colours)[torch.randint(12, (1, 32, 32))].permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        expected = generator(a).numpy()
    assert np.abs(session.run(None, {"a": a.numpy()})[0] - expected).max() < TINY


def test_the_shipped_generators_fit_into_onnx(tmp_path: Path):
    written = export.export(CHECKPOINTS / "edges2shoes.safetensors", tmp_path / "shoes.onnx")
    assert written.difference is not None
    assert written.difference < rounding(layers=16, terms=16 * 512)


def test_an_onnx_file_states_its_opset_and_tells_about_itself(make_generator: Callable[..., Path], tmp_path: Path):
    export.export(make_generator("box"), tmp_path / "box.onnx")
    model = onnx.load(tmp_path / "box.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", export.OPSET)]
    assert json.loads({entry.key: entry.value for entry in model.metadata_props}["pix2pix"])["name"] == "box"
    assert {node.op_type for node in model.graph.node} == {
        "Conv", "ConvTranspose", "InstanceNormalization", "LeakyRelu", "Relu", "Concat", "Tanh",
    }  # fmt: skip


@pytest.mark.parametrize("batch", [1, 4])
def test_a_program_makes_the_same(make_generator: Callable[..., Path], tmp_path: Path, batch: int):
    path = make_generator("box")
    export.export(path, tmp_path / "box.pt2")
    extra = {"pix2pix.json": ""}
    program = torch.export.load(tmp_path / "box.pt2", extra_files=extra).module()
    a = noise(batch, 32)
    with torch.inference_mode():
        assert (program(a) - checkpoint.load(path)[0](a)).abs().max() < TINY
    assert json.loads(extra["pix2pix.json"])["name"] == "box"


def test_the_weights_are_written_in_fp16(make_generator: Callable[..., Path], tmp_path: Path):
    generator, metadata = checkpoint.load(make_generator("box"))
    checkpoint.save(tmp_path / "full.safetensors", generator, metadata, torch.float32)
    export.export(tmp_path / "full.safetensors", tmp_path / "half.safetensors")
    assert (tmp_path / "half.safetensors").stat().st_size < 0.6 * (tmp_path / "full.safetensors").stat().st_size
    half, read = checkpoint.load(tmp_path / "half.safetensors")
    assert read == metadata
    a = noise(1, 32)
    with torch.inference_mode():
        assert (half(a) - generator(a)).abs().max() < GREY_LEVEL


def test_a_network_that_comes_out_different_is_not_written(
    make_generator: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Forgetful(nn.Module):
        def forward(self, a: Tensor) -> Tensor:
            return torch.tanh(a)

    monkeypatch.setattr(export, "plain", lambda generator: Forgetful())
    for name in ("wrong.onnx", "wrong.pt2"):
        with pytest.raises(ExportError, match="would differ from PyTorch by"):
            export.export(make_generator(), tmp_path / name)
        assert not (tmp_path / name).exists()


def test_an_unknown_ending_lists_the_known_ones(
    make_generator: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["export", str(make_generator()), str(tmp_path / "tiny.mlmodel")]) == 2
    assert ".onnx (ONNX), .pt2" in capsys.readouterr().err


def test_a_generator_is_not_replaced_by_its_export(make_generator: Callable[..., Path]):
    path = make_generator()
    before = path.read_bytes()
    with pytest.raises(ExportError, match="is the generator itself"):
        export.export(path, path)
    assert path.read_bytes() == before
