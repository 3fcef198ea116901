"""Published weights of other projects become generators here: see pix2pix.files.foreign for which."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from tqdm import tqdm

from pix2pix.architectures import Statistics
from pix2pix.files import checkpoint, download, foreign
from pix2pix.files.checkpoint import CheckpointError, Metadata, Side
from pix2pix.files.places import GENERATOR_FILE, PLAIN_NAME, atomic_write, expanded, generators, runs_dir
from pix2pix.palette import PALETTES

# In this order in a repository of the Hub. A generator of ours is taken as it is.
HUB_FILES = (GENERATOR_FILE, "pytorch_model.bin", "latest_net_G.pth", "model.safetensors")


@dataclass(frozen=True, kw_only=True)
class About:
    """What weights do not tell of themselves. A and B are those of the dataset they were trained on: A is left."""

    direction: Literal["AtoB", "BtoA"] = "AtoB"
    a: str = "image"  # edges, photo, labels or image
    b: str = "image"
    palette: str = "none"  # of the labels, if the input is some: its colours are snapped
    line_width: float = 1.0  # of drawings, in pixels
    dropout: float | None = None  # None: what the file tells, or else what its project trains with
    image_size: int | None = None  # of its training; None: what its project trains at, by the depth of a U-Net
    statistics: Statistics = "picture"  # that batch norm takes: of the picture at hand, or the training's averages
    steps: int = 0
    dataset: str = ""
    licence: str = "unknown"


def import_generator(source: str, name: str, about: About, bar: type[tqdm] | None = None) -> Path:
    """The generator file of `name`, made of a file of weights or of hf://owner/name[@revision].

    It then is among the generators that are known by name. `bar` shows the progress of a download.

    Raises CheckpointError, ForeignError or HubError, which are ValueErrors, and OSError for a full disk and the like.
    """
    if not PLAIN_NAME.fullmatch(name):
        raise CheckpointError(f"the name {name!r} must be of letters, digits, dot, dash and underscore")
    target = runs_dir() / name / GENERATOR_FILE
    if name in generators() or target.parent.exists():
        raise CheckpointError(f"there is already a generator or a run named {name!r}: choose another name")
    path = download.fetch(source.removeprefix("hf://"), HUB_FILES, bar) if source.startswith("hf://") else Path(source)
    path = expanded(path)
    if path.suffix == ".safetensors" and checkpoint.is_ours(path):
        checkpoint.load(path)  # finds out now what would only fail later
        with _new_folder(target.parent), atomic_write(target) as temporary:
            shutil.copy(path, temporary)
        return target
    generator = foreign.read(path, about.dropout, about.statistics, about.image_size)
    palette = PALETTES.get(about.palette)
    metadata = Metadata(
        name=name,
        steps=about.steps,
        config=generator.config,
        a=_side(about.a, palette),
        b=_side(about.b, palette),
        direction=about.direction,
        line_width=about.line_width,
        dataset=about.dataset,
        licence=about.licence,
        provenance=f"imported from {source if source.startswith('hf://') else path.name}",
    )
    with _new_folder(target.parent):
        checkpoint.save(target, generator, metadata, torch.float32)  # as it came: nothing is lost
    return target


@contextmanager
def _new_folder(folder: Path) -> Iterator[None]:
    """It is gone again where filling it fails, on a full disk, say: the name is free then."""
    folder.mkdir(parents=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def is_usable(path: str | Path) -> bool:
    """Whether a file of weights could be imported under some name."""
    path = Path(path)
    try:
        if path.suffix == ".safetensors" and checkpoint.is_ours(path):
            checkpoint.load(path)
        else:
            foreign.read(path)
    except ValueError:
        return False
    return True


def _side(kind: str, palette: Mapping[str, tuple[int, int, int]] | None) -> Side:
    return Side(kind, palette if kind == "labels" else None)
