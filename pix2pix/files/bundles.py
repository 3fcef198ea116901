"""The weights of a generator in a file, which may hold more: a discriminator, optimizers, the number of an epoch."""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from pix2pix.validation import require_short_header, shorten

Weights = Mapping[str, Tensor]
Network = TypeVar("Network", bound=nn.Module)

# What projects call a generator: alone, in front of its weights' names, or with something behind.
GENERATOR = re.compile(r"(net_?|model_?)?(g|gen|generator)(_?(model|net|params|ema|state(_?dict)?))*", re.IGNORECASE)
SEVERAL = re.compile(r"(net_?|model_?)?(g|gen|generator)(_|$)", re.IGNORECASE)  # G_A and G_B, of a CycleGAN
WHOLE = ("state_dict", "model_state_dict", "model", "params_ema", "params")  # what may hold a generator and more
WRAPPED = ("module.", "_orig_mod.")  # in front of names: DataParallel, torch.compile
MOST_NAMED = 8
MOST_PARTS = 20_000  # of a zip: each tensor is one
LFS = b"version https://git-lfs"
OTHERS = {b"\x89HDF": "HDF5, as Keras has it", b"\x1f\x8b": "packed by gzip", b"7z\xbc\xaf": "packed as 7z"}
WEB_PAGE = re.compile(rb"\s*<(!doctype html|html|head)", re.IGNORECASE)


class ForeignError(ValueError):
    """Why weights cannot be imported, in words, with the name of the file."""


class CompressedError(ValueError):
    """A zip that PyTorch has not written."""


def tensors(path: Path) -> Weights:
    """The tensors of the generator in a file by their names. No code of the file is run. Raises ForeignError."""
    content = _content(path)
    found = _generator(content)
    if found is None:
        there = _named(list(content)) if isinstance(content, dict) else f"a {type(content).__name__}"
        several = isinstance(content, dict) and sum(bool(SEVERAL.match(str(key))) for key in content) > 1
        which = "more than one generator is among them" if several else "no generator (G, netG, …) is among them"
        raise ForeignError(f"{path} is no state dict: it holds more than named weights, and {which}: {there}")
    return {_plain(str(key)): value for key, value in found.items()}


def _content(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            head = file.read(200)
        if not head:
            raise ForeignError(f"{path} is an empty file")
        if WEB_PAGE.match(head):
            raise ForeignError(f"{path} is a web page, not weights: the download was refused, and this is what came")
        if head.startswith(LFS):
            raise ForeignError(f"{path} is a pointer of Git LFS, not weights: `git lfs pull` fetches them")
        if other := next((words for begins, words in OTHERS.items() if head.startswith(begins)), None):
            raise ForeignError(f"{path} is no file of PyTorch weights: it is {other}")
        if path.suffix == ".safetensors":
            return _named_tensors(path)
        if head.startswith(b"PK\3\4") and not zipfile.is_zipfile(path):  # its list of contents is at its end
            raise CompressedError("it is cut off")
        _require_stored(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ForeignError(f"{path} is not there") from None
    except UnpicklingError as error:
        wants = re.search(r"GLOBAL ([\w.]+)", str(error))
        reason = f"it would call {wants[1]}" if wants else "it holds more than weights, or is damaged"
        raise ForeignError(
            f"{path} is refused: {reason}. Files of weights are read, but nothing in them is run"
        ) from None
    except ForeignError:
        raise
    except OSError as error:
        raise ForeignError(f"{path} cannot be read: {error.strerror or shorten(str(error))}") from None
    except CompressedError as error:
        raise ForeignError(f"{path} is no whole file of PyTorch weights: {error}") from None
    except Exception:  # unpickling raises anything at all on broken data, in words for programmers
        raise ForeignError(f"{path} is no whole file of PyTorch weights") from None


def _named_tensors(path: Path) -> Weights:
    try:
        require_short_header(path)
    except ValueError as error:
        raise ForeignError(f"{path} cannot be imported: {error}") from None
    return load_file(path)


def _require_stored(path: Path) -> None:
    """Raises CompressedError for a zip that unpacks to more than it is; PyTorch stores what it writes as it is."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as opened:
        members = opened.infolist()
    if any("/code/" in member.filename for member in members[:MOST_PARTS]):
        raise CompressedError("it is a program of TorchScript: save its state_dict()")
    if len(members) > MOST_PARTS:
        raise CompressedError(f"it has {len(members):,} parts, and no generator has {MOST_PARTS:,}")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise CompressedError("it is a compressed zip, which PyTorch does not write")
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise CompressedError("it claims to hold more than its size")


def _generator(content: Any) -> Weights | None:
    """The weights of the one generator in what a file holds; None where there is none, or more than one."""
    if not isinstance(content, dict):
        return None
    if not all(isinstance(key, str) for key in content):
        return None
    if all(isinstance(value, Tensor) for value in content.values()):
        return _prefixed(content)
    named = [value for key, value in content.items() if isinstance(value, dict) and GENERATOR.fullmatch(str(key))]
    if len(named) == 1:
        return _generator(named[0])
    for key in () if named else WHOLE:
        if (found := _generator(content.get(key))) is not None:
            return found
    return None


def _prefixed(weights: Weights) -> Weights:
    """Those whose names begin with that of a generator, without it, where others begin with something else."""
    parts = {key: _plain(key).partition(".") for key in weights}
    prefixes = {first for first, _, rest in parts.values() if rest and GENERATOR.fullmatch(first)}
    if len(prefixes) != 1:
        return weights
    (prefix,) = prefixes
    return {rest: weights[key] for key, (first, _, rest) in parts.items() if first == prefix}


def _plain(key: str) -> str:
    for prefix in WRAPPED:
        key = key.removeprefix(prefix)
    return key


def _named(keys: list[Any]) -> str:
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    return (", ".join(str(key)[:60] for key in keys[:MOST_NAMED]) or "nothing") + more


def filled(path: Path, generator: Network, weights: Weights, names: dict[str, tuple[str, str | None]]) -> Network:
    """A network without any, on the meta device, with the weights of the file.

    Raises ForeignError where some are missing, left over, or of another shape.
    """
    weights = _without_idle_biases(weights, names)
    ours, used = {}, set()
    for key, value in generator.state_dict().items():
        layer, _, rest = key.rpartition(".")
        conv, norm = names[layer.removesuffix(".conv").removesuffix(".norm")]
        theirs = f"{norm if layer.endswith('.norm') else conv}.{rest}"
        if rest == "num_batches_tracked":  # which old files lack, and nothing needs
            ours[key] = torch.zeros(value.shape, dtype=value.dtype)
            continue
        if theirs not in weights:
            wanted = "running statistics" if rest.startswith("running") else theirs
            raise ForeignError(f"{path} has no {wanted}")
        if weights[theirs].shape != value.shape:
            raise ForeignError(
                f"{path}: {theirs} is {tuple(weights[theirs].shape)}, and should be {tuple(value.shape)}"
            )
        ours[key] = weights[theirs].float()
        used.add(theirs)
    # Running statistics, where they are not asked for; files from before PyTorch 0.4 have them for instance norm too.
    left = [
        key for key in weights if key not in used and not re.search(r"\.(running_(mean|var)|num_batches_tracked)$", key)
    ]
    if left:
        raise ForeignError(f"{path} has weights that its architecture has no place for: {', '.join(left[:3])}")
    generator.load_state_dict(ours, assign=True)
    return generator


def _without_idle_biases(weights: Weights, names: dict[str, tuple[str, str | None]]) -> Weights:
    """Without those before a batch norm, as pix2pixHD has them: what they add to each channel the norm takes away."""
    kept = dict(weights)
    for conv, norm in names.values():
        if f"{norm}.weight" in kept and (bias := kept.pop(f"{conv}.bias", None)) is not None:
            mean = f"{norm}.running_mean"
            kept |= {mean: kept[mean] - bias} if mean in kept else {}
    return kept
