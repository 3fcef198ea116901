"""What a generator file says of itself: in the metadata of a .safetensors header, one key with a JSON object.

The key is `pix2pix`, and the object that of `Metadata.to_json`. Nothing is unpickled, and torch is not loaded.
"""

import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field
from safetensors import SafetensorError, safe_open

from pix2pix.architectures import Foreign, GeneratorConfig
from pix2pix.files import download
from pix2pix.files.places import GENERATOR_FILE, expanded, generators
from pix2pix.scales import Scale
from pix2pix.validation import parse_json, require_short_header, shorten, validate

Level = Annotated[int, Field(ge=0, le=255)]
Words = Annotated[str, Field(max_length=20_000)]

FORMAT = 1
KEY = "pix2pix"
MOST_HEADER = 1_000_000  # characters of our entry in a header; those of a palette of 256 colours are some 10,000


class CheckpointError(ValueError):
    """A generator file that cannot be used; the message names the file and says what is wrong with it."""


@dataclass(frozen=True)
class Side:
    """What one half of a pair shows: `edges`, `photo`, `labels` (with their palette, class name -> RGB) or `image`."""

    kind: Annotated[str, Field(max_length=100)] = "image"
    palette: Annotated[Mapping[str, tuple[Level, Level, Level]], Field(min_length=1, max_length=256)] | None = None
    scale: Scale | None = None  # of grey values of over 8 bits, as its files had them


@dataclass(frozen=True)
class Metadata:
    """What a generator file says of itself. A and B are those of the dataset: A is the left half."""

    name: Annotated[str, Field(max_length=1000)]
    steps: Annotated[int, Field(ge=0, lt=2**53)]
    config: GeneratorConfig | Foreign = field(default_factory=GeneratorConfig)
    a: Side = field(default_factory=Side)
    b: Side = field(default_factory=Side)
    direction: Literal["AtoB", "BtoA"] = "AtoB"
    line_width: Annotated[float, Field(ge=0, le=100)] = 1.0  # of the lines in an input drawing, in pixels at image_size
    colour_hints: bool = False  # whether a drawing may have coloured strokes under its lines (see pix2pix.data.hints)
    dataset: Words = ""
    licence: Words = "unknown"
    provenance: Words = ""

    @property
    def source(self) -> Side:
        """What the generator takes."""
        return self.a if self.direction == "AtoB" else self.b

    @property
    def target(self) -> Side:
        """What the generator makes."""
        return self.b if self.direction == "AtoB" else self.a

    @property
    def takes_hints(self) -> bool:
        """Whether it takes line drawings with colour hints, which a training can show it, as it cannot show paint."""
        return self.colour_hints and self.source.kind == "edges"

    def at(self, steps: int) -> Self:
        """The same after so many training steps."""
        return replace(self, steps=steps)

    def to_json(self) -> dict[str, Any]:
        """The object in the header of a file, as `from_json` reads it."""
        return {
            "format": FORMAT,
            "name": self.name,
            "steps": self.steps,
            "architecture": _architecture_to_json(self.config),
            "A": _side_to_json(self.a),
            "B": _side_to_json(self.b),
            "direction": self.direction,
            "prepare": {
                "line_width": self.line_width,
                "colour_hints": self.colour_hints,
                "snap_to_palette": self.source.palette is not None,
            },
            "dataset": self.dataset,
            "licence": self.licence,
            "provenance": self.provenance,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError when something is missing or of the wrong kind."""
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {data['format']!r}, and this version reads format {FORMAT}")
        if data["direction"] not in ("AtoB", "BtoA"):
            raise ValueError(f"its direction is {data['direction']!r}, neither AtoB nor BtoA")
        values = {
            "name": data["name"],
            "steps": data["steps"],
            "config": _architecture_from_json(data["architecture"]),
            "a": {"kind": data["A"]["kind"], "palette": data["A"].get("palette"), "scale": data["A"].get("scale")},
            "b": {"kind": data["B"]["kind"], "palette": data["B"].get("palette"), "scale": data["B"].get("scale")},
            "direction": data["direction"],
            "line_width": data["prepare"]["line_width"],
            "colour_hints": data["prepare"].get("colour_hints", False),
            "dataset": data["dataset"],
            "licence": data["licence"],
            "provenance": data["provenance"],
        }
        return validate(cls, values)


def read_metadata(path: str | Path) -> Metadata:
    """What the file says of itself, without reading its weights. Raises CheckpointError."""
    path = Path(path)
    try:
        require_short_header(path)
        with safe_open(path, "np") as file:
            header = file.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"{path} is not there") from None
    except (SafetensorError, OSError, ValueError, struct.error) as error:
        raise CheckpointError(f"{path} is not a whole .safetensors file: {shorten(str(error))}") from error
    if KEY not in header:
        raise CheckpointError(f"{path} has no '{KEY}' entry in its header: it was not made by this project")
    try:
        if len(header[KEY]) > MOST_HEADER:
            raise ValueError(f"it has more than {MOST_HEADER:,} characters")
        return Metadata.from_json(parse_json(header[KEY]))
    except KeyError as error:
        raise CheckpointError(f"{path}: its '{KEY}' header lacks {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path}: its '{KEY}' header makes no sense: {shorten(str(error))}") from error


def is_ours(path: str | Path) -> bool:
    """Whether the header of a .safetensors file has our entry, whatever it says."""
    try:
        require_short_header(Path(path))
        with safe_open(path, "np") as file:
            return KEY in (file.metadata() or {})
    except (SafetensorError, OSError, ValueError, struct.error):
        return False


def locate(name: str | Path) -> Path:
    """The generator file meant by a name in checkpoints/ or runs/, a path to a file or to a run directory, or a Hub id.

    hf://owner/name[@revision] downloads generator.safetensors from that Hugging Face repository, or takes it from the
    cache.
    Raises CheckpointError, listing the known names, when there is none.
    """
    text = str(name)
    if text.startswith("hf://"):
        try:
            return download.fetch(text.removeprefix("hf://"))
        except download.HubError as error:
            raise CheckpointError(str(error)) from error
    known = generators()
    if text in known:
        return known[text]
    path = expanded(text)
    if path.is_dir() and (path / GENERATOR_FILE).is_file():
        return path / GENERATOR_FILE
    if path.is_file():
        return path
    names = ", ".join(known) or "none yet"
    raise CheckpointError(f"no generator {text!r}: it is neither a file nor one of the known names ({names})")


def _architecture_to_json(config: GeneratorConfig | Foreign) -> dict[str, Any]:
    """Only a foreign one names its network: files from before there were any have none."""
    if isinstance(config, Foreign):
        return asdict(config)
    data = {**asdict(config), "norm": "instance"}
    return {key: value for key, value in data.items() if value not in ((), None)}  # as in files from before these


def _architecture_from_json(data: dict[str, Any]) -> GeneratorConfig | Foreign:
    """Raises KeyError, TypeError or ValueError."""
    sizes = [data[name] for name in ("image_size", "in_channels", "out_channels", "ngf")]
    if not all(isinstance(size, int) for size in sizes):
        raise ValueError(f"its sizes are not whole numbers: {sizes}")
    if "network" in data:
        return validate(Foreign, data)
    if data["norm"] != "instance":
        raise ValueError(f"its norm is {data['norm']!r}, and only 'instance' is known")
    return validate(GeneratorConfig, {key: value for key, value in data.items() if key != "norm"})


def _side_to_json(side: Side) -> dict[str, Any]:
    palette = {name: list(colour) for name, colour in side.palette.items()} if side.palette else None
    scale = {"low": side.scale.low, "high": side.scale.high} if side.scale else None
    return {"kind": side.kind, **({"palette": palette} if palette else {}), **({"scale": scale} if scale else {})}
