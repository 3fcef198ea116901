"""A generator as a file for other runtimes: ONNX, a torch.export program, or the bare weights in fp16.

Each network is checked before its file is written: what it makes must be what PyTorch makes of the same input.
"""

import io
import json
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import KEY, Metadata, Network
from pix2pix.files.places import atomic_write

if TYPE_CHECKING:
    import onnx

OPSET = 18
IR_VERSION = 8  # the file format that came with that opset: older runtimes refuse newer ones
TOLERANCE = 1e-4  # of [-1, 1], by which another runtime may differ from PyTorch
BATCHES = (1, 4)  # that it is compared at
FORMATS = {".onnx": "ONNX", ".pt2": "a torch.export program", ".safetensors": "the generator in fp16"}


class ExportError(ValueError):
    """Why there is no such file, in words."""


@dataclass(frozen=True)
class Exported:
    """A file that was written. `difference` to PyTorch is on [-1, 1], at its largest; None where none was computed."""

    path: Path
    what: str
    difference: float | None

    def describe(self) -> str:
        megabytes = self.path.stat().st_size / 1e6
        words = f"{self.path}: {self.what}, {megabytes:.1f} MB"
        if self.difference is None:
            return words
        batches = " and ".join(map(str, BATCHES))
        return f"{words}; within {self.difference:.1e} of PyTorch at batch {batches}"


def export(name: str | Path, path: str | Path) -> Exported:
    """Writes the generator of that name to `path`, in the format that its ending says: see FORMATS.

    Raises ExportError for another ending or a network that comes out different, and CheckpointError.
    """
    path, source = Path(path), checkpoint.locate(name)
    if path.suffix not in FORMATS:
        known = ", ".join(f"{ending} ({what})" for ending, what in FORMATS.items())
        raise ExportError(f"{path}: the name must end in one of {known}")
    if path.exists() and path.samefile(source):
        raise ExportError(f"{path} is the generator itself: choose another name")
    generator, metadata = checkpoint.load(source)
    if path.suffix == ".safetensors":
        checkpoint.save(path, generator, metadata, torch.float16)
        return Exported(path, FORMATS[path.suffix], None)
    write = _write_onnx if path.suffix == ".onnx" else _write_program
    return write(path, generator, metadata)


def to_onnx(generator: Network) -> "onnx.ModelProto":
    """a (batch, in_channels, S, S) in [-1, 1] -> b (batch, out_channels, S, S), S = image_size, any batch."""
    with warnings.catch_warnings(action="ignore"):
        program = torch.onnx.export(
            plain(generator),
            (_sample(generator, 2),),
            dynamo=True,
            opset_version=OPSET,
            input_names=["a"],
            output_names=["b"],
            dynamic_shapes={"a": {0: "batch"}},
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    model.ir_version = IR_VERSION
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        part.ClearField("metadata_props")  # where in our source each came from, which that format does not know
    return model


def plain(generator: Network) -> Network:
    """A copy in which instance norm is written as such, which other runtimes have as one operation."""
    copy = deepcopy(generator).eval()
    for module in list(copy.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.GroupNorm) and child.num_groups == child.num_channels:
                norm = nn.InstanceNorm2d(child.num_channels, eps=child.eps, affine=child.affine).eval()
                norm.load_state_dict(child.state_dict())
                setattr(module, name, norm)
    return copy


def _write_onnx(path: Path, generator: Network, metadata: Metadata) -> Exported:
    import onnxruntime

    model = to_onnx(generator)
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, json.dumps(metadata.to_json())
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    difference = _difference(generator, lambda a: torch.from_numpy(session.run(None, {"a": a.numpy()})[0]), path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return Exported(path, f"ONNX, opset {OPSET}, any batch", difference)


def _write_program(path: Path, generator: Network, metadata: Metadata) -> Exported:
    batch = torch.export.Dim("batch")
    program = torch.export.export(plain(generator), (_sample(generator, 2),), dynamic_shapes=({0: batch},))
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={f"{KEY}.json": json.dumps(metadata.to_json())})
    read = torch.export.load(io.BytesIO(file.getvalue())).module()
    difference = _difference(generator, read, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(file.getvalue())
    return Exported(path, "a torch.export program, any batch", difference)


@torch.inference_mode()
def _difference(generator: Network, other: Callable[[Tensor], Tensor], path: Path) -> float:
    """The largest one to PyTorch, on noise, which stresses a network more than drawings do. Raises ExportError."""
    worst = 0.0
    for batch in BATCHES:
        a = _sample(generator, batch)
        worst = max(worst, float((generator(a) - other(a)).abs().max()))
    if not worst <= TOLERANCE:
        raise ExportError(f"{path} is not written: it would differ from PyTorch by {worst:.1e}")
    return worst


def _sample(generator: Network, batch: int) -> Tensor:
    size = generator.config.image_size
    source = torch.Generator().manual_seed(batch)
    return torch.rand(batch, generator.config.in_channels, size, size, generator=source) * 2 - 1
