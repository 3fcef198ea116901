"""Generators that say of themselves what is not so: a sentence each, little memory, and the others as ever."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pix2pix.files import checkpoint, foreign
from pix2pix.files.checkpoint import CheckpointError
from pix2pix.files.foreign import ForeignError
from pix2pix.files.importing import About, import_generator
from pix2pix.files.places import generators
from ui import models
from ui.draw import canvas
from ui.studio import Studio


def claim(path: Path, **changes: Any) -> Path:
    """Rewrites a generator file so that its header says something else; `architecture__ngf` is in the architecture."""
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["pix2pix"])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for key, value in changes.items():
        *above, last = key.split("__")
        part = header
        for name in above:
            part = part[name]
        part[last] = value
    save_file(weights, path, {"pix2pix": json.dumps(header)})
    return path


RESNET = {
    "network": "junyanz-resnet",
    "image_size": 256,
    "in_channels": 3,
    "out_channels": 3,
    "ngf": 4,
    "norm": "batch",
}
HEADERS: list[dict[str, Any]] = [
    {"architecture__ngf": 10**9}, {"architecture__ngf": 500}, {"architecture__ngf": True},
    {"architecture__in_channels": 10**9}, {"architecture__image_size": 10**9}, {"architecture__dropout": "x"},
    {"architecture": RESNET | {"depth": 10**9}}, {"architecture": RESNET | {"depth": 9}}, {"architecture": [1]},
    {"architecture": RESNET | {"depth": -1}}, {"architecture": RESNET | {"depth": "9"}, "name": []},
    {"A__palette": [1, 2]}, {"A__palette": {"wall": 5}}, {"A__palette": {"wall": [1, 2]}}, {"A__kind": 5},
    {"A__palette": {"wall": [0, 0, 300]}}, {"A": None}, {"A__kind": ["edges"]}, {"B": []}, {"steps": "many"},
    {"steps": 1e300}, {"steps": -1}, {"name": None}, {"dataset": 5}, {"licence": ["MIT"]}, {"provenance": {}},
    {"prepare": []}, {"prepare__line_width": "wide"}, {"prepare__line_width": 1e9}, {"prepare__line_width": None},
    {"prepare__colour_hints": [1]}, {"direction": ["AtoB"]}, {"format": "1"},
]  # fmt: skip


@pytest.mark.parametrize("changes", HEADERS, ids=str)
def test_a_header_that_makes_no_sense_spoils_no_list(make_generator: Callable[..., Path], runs: Path, changes: dict):
    make_generator("generator", folder=runs / "good")
    wrong = claim(make_generator("generator", folder=runs / "wrong"), **changes)
    with pytest.raises(CheckpointError, match="wrong") as error:
        checkpoint.load(wrong)
    assert len(str(error.value)) < 400 + 2 * len(str(wrong))
    described = {name: canvas.describe(name, path) for name, path in generators().items()}
    assert "broken" not in described["good"]
    if "broken" not in described["wrong"]:
        json.dumps(described["wrong"])  # the page gets it
    *_, page = models.cards(Studio())
    assert "data-model='good'" in page
    assert "wrong" in page
    with pytest.raises(ValueError, match="wrong"):
        import_generator(str(wrong), "again", About())


def test_weights_that_are_no_numbers_are_said(make_generator: Callable[..., Path]):
    path = make_generator()
    generator, metadata = checkpoint.load(path)
    next(generator.parameters()).data[0] = float("nan")
    checkpoint.save(path, generator, metadata)
    with pytest.raises(CheckpointError, match="not all numbers"):
        checkpoint.load(path)


def zipped(path: Path) -> None:
    """The weights of a generator in a zip that is a hundred times smaller than they are."""
    torch.save({"model.model.0.weight": torch.zeros(1 << 20)}, path)
    with zipfile.ZipFile(path) as stored:
        members = {member: stored.read(member) for member in stored.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)


def expanded(path: Path) -> None:
    """One number that says it is a billion."""
    torch.save({"model.model.0.weight": torch.zeros(1, dtype=torch.float16).expand(1 << 30)}, path)


def sparse(path: Path) -> None:
    torch.save({"model.model.0.weight": torch.zeros(4, 3, 4, 4).to_sparse()}, path)


def flat(path: Path) -> None:
    torch.save({"model.model.0.weight": torch.zeros(())}, path)


def numbered(path: Path) -> None:
    torch.save({1: torch.zeros(1), (2, 3): torch.zeros(1)}, path)


def empty(path: Path) -> None:
    torch.save({}, path)


def deep(path: Path) -> None:
    """Names of a U-Net of ten halvings, whose first layer is as wide as any: the network would take 10 GB."""
    names = ["model.model.0.weight", "model.model.3.weight"]
    prefix = "model.model.1"
    for _ in range(9):
        names += [f"{prefix}.model.1.weight", f"{prefix}.model.3.weight", f"{prefix}.model.4.weight"]
        prefix += ".model.3"
    torch.save({name: torch.zeros(512 if name == names[0] else 3, 3, 4, 4) for name in names}, path)


def scattered(path: Path) -> None:
    """As many tensors as take minutes to look through."""
    torch.save({f"model.{number}.conv_block.1.weight": torch.zeros(1) for number in range(20_001)}, path)


@pytest.mark.filterwarnings("ignore:Validating sparse tensor invariants:UserWarning")  # by torch: it takes time
@pytest.mark.parametrize(
    "write", [zipped, expanded, sparse, flat, numbered, empty, deep, scattered], ids=lambda write: write.__name__
)
def test_weights_that_claim_to_be_more_are_refused_in_a_sentence(tmp_path: Path, write: Callable[[Path], None]):
    path = tmp_path / "latest_net_G.pth"
    write(path)
    before = psutil.Process().memory_info().rss
    with pytest.raises(ForeignError, match=r"latest_net_G\.pth") as error:
        foreign.read(path)
    assert "\n" not in str(error.value)
    assert psutil.Process().memory_info().rss - before < 200e6  # the billion would be 2 GB


def test_a_header_that_names_more_tensors_than_any_generator_is_not_read(tmp_path: Path):
    """Half a million empty ones, in a file of 35 MB, would take 1 GB."""
    header = {f"t{number}": {"dtype": "F16", "shape": [0], "data_offsets": [0, 0]} for number in range(500_000)}
    packed = json.dumps(header).encode()
    path = tmp_path / "many.safetensors"
    path.write_bytes(len(packed).to_bytes(8, "little") + packed)
    before = psutil.Process().memory_info().rss
    with pytest.raises(CheckpointError, match=r"its header would be [\d,]+ bytes, and at most 4,000,000 are read"):
        checkpoint.load(path)
    with pytest.raises(ForeignError, match="its header would be"):
        import_generator(str(path), "again", About())
    assert psutil.Process().memory_info().rss - before < 20e6


@pytest.mark.parametrize("content", [b"root:x:0:0:root", b"PK\3\4 no zip", b"PK\5\6" + bytes(18), b"\0" * 99])
def test_what_is_no_file_of_weights_is_said_in_our_words(tmp_path: Path, content: bytes):
    path = tmp_path / "latest_net_G.pth"
    path.write_bytes(content)
    with pytest.raises(ForeignError) as error:
        foreign.read(path)
    allowed = (f"{path} is no whole file of PyTorch weights", f"{path} is refused: it holds more than weights")
    assert str(error.value).startswith(allowed)
    assert "index" not in str(error.value)


def test_a_folder_is_no_file_of_weights(tmp_path: Path):
    with pytest.raises(ForeignError, match="cannot be read: Is a directory"):
        foreign.read(tmp_path)
