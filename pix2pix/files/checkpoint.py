"""A generator in one self-describing .safetensors file: the weights, and in the header all that is needed to use it.

What the header says, and where such files are found, is in `header`, which works without torch. Nothing is unpickled.
Imported generators of other projects are kept in the same way; their architecture names the network (`foreign`).
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from pix2pix.architectures import Foreign, GeneratorConfig
from pix2pix.files.foreign_networks import ForeignGenerator, build
from pix2pix.files.header import KEY, MOST_HEADER, CheckpointError, Metadata, Side, is_ours, locate, read_metadata
from pix2pix.files.places import atomic_write
from pix2pix.models import Generator, Uninitialised
from pix2pix.validation import shorten

__all__ = [
    "KEY", "MOST_HEADER", "CheckpointError", "Metadata", "Network", "Side", "is_ours", "load", "locate",
    "read_metadata", "save", "write",
]  # fmt: skip

Network = Generator | ForeignGenerator


def save(path: str | Path, generator: Network, metadata: Metadata, dtype: torch.dtype = torch.float16) -> None:
    """Writes the file whole or not at all. Raises OSError. fp16 halves it, and costs less than one grey level."""
    path = Path(path)
    metadata = replace(metadata, config=generator.config)
    weights = {name: value.detach().to("cpu", dtype).contiguous() for name, value in generator.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        write(weights, temporary, {KEY: json.dumps(metadata.to_json())})


def write(weights: dict[str, torch.Tensor], path: Path, header: dict[str, str]) -> None:
    """Raises OSError.

    By way of memory: safetensors writes into a file of another name, which would be left behind where it is killed.
    """
    path.write_bytes(to_bytes(weights, header))


def load(path: str | Path) -> tuple[Network, Metadata]:
    """The generator, in fp32, on the CPU, in eval mode. Raises CheckpointError for a file that cannot be used."""
    path = Path(path)
    metadata = read_metadata(path)
    config = metadata.config
    with torch.device("meta"), Uninitialised():  # which takes no memory: the sizes that it states may be made up
        generator = _network(config)
    expected = generator.state_dict()
    try:
        with safe_open(path, "pt") as file:
            stored = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            if misfit := _misfit(expected, {name: tuple(part.get_shape()) for name, part in stored.items()}):
                raise CheckpointError(f"{path}: its weights do not fit the architecture it states: {misfit}")
            # Copies in any case, since what is read lies in the file, which may be replaced.
            weights = {name: file.get_tensor(name).to(expected[name].dtype, copy=True) for name in stored}
    except (SafetensorError, OSError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged: {shorten(str(error))}") from error
    if bad := next((name for name, weight in weights.items() if not torch.isfinite(weight).all()), None):
        raise CheckpointError(f"{path} makes no pictures: its weights {bad} are not all numbers")
    generator.load_state_dict(weights, assign=True)
    return generator.eval(), metadata


def _network(config: GeneratorConfig | Foreign) -> Network:
    return build(config) if isinstance(config, Foreign) else Generator(config)


def _misfit(expected: Mapping[str, torch.Tensor], shapes: Mapping[str, tuple[int, ...]]) -> str:
    """The first difference between the weights that a network has and those in a file, in words; empty for none."""
    for name, weight in expected.items():
        if name not in shapes:
            return f"it lacks {name}"
        if shapes[name] != tuple(weight.shape):
            return f"{name} is {shapes[name]}, and should be {tuple(weight.shape)}"
    return next((f"it has no place for {name}" for name in shapes if name not in expected), "")
