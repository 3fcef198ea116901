"""The discriminators of a run in a file of their own, in fp16: another training may begin from them.

A generator that begins with discriminators that know nothing is led astray until they have learned. No generator list
shows these files.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from pix2pix.files import checkpoint
from pix2pix.files.places import atomic_write

KEY = "pix2pix discriminators"  # in the header, so that nobody takes the file for a generator
FORMAT = 1
NAMES = {"D": "the PatchGAN discriminator", "projected": "the discriminators on features"}


def save(path: Path, parts: dict[str, nn.Module]) -> None:
    """`D`, and where they are trained `projected` and the `scales` of what they see."""
    weights = {
        f"{name}.{key}": value.detach().to("cpu", torch.float16).contiguous()
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }
    with atomic_write(path) as temporary:
        checkpoint.write(weights, temporary, {KEY: json.dumps({"format": FORMAT})})


def load_fitting(path: Path, parts: dict[str, nn.Module]) -> str:
    """Loads each part that the file has and that fits, and says in one sentence which were taken up."""
    try:
        with safe_open(path, "pt") as file:
            weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        return f"The discriminators begin anew: {path.name} cannot be read ({error})."
    taken = []
    if _fits(parts["D"], weights, "D"):
        _load(parts["D"], weights, "D")
        taken.append("D")
    if "projected" in parts and all(_fits(parts[name], weights, name) for name in ("projected", "scales")):
        for name in ("projected", "scales"):  # together: weights that were learned on maps of these scales
            _load(parts[name], weights, name)
        taken.append("projected")
    wanted = [name for name in NAMES if name in parts]
    words = [f"{NAMES[name]} {'are' if name == 'projected' else 'is'} taken up" for name in taken]
    words += [f"{NAMES[name]} begin{'' if name == 'projected' else 's'} anew" for name in wanted if name not in taken]
    sentence = " and ".join(words)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _fits(part: nn.Module, weights: dict[str, Tensor], name: str) -> bool:
    shapes = {f"{name}.{key}": value.shape for key, value in part.state_dict().items()}
    return shapes == {key: value.shape for key, value in weights.items() if key.startswith(f"{name}.")}


def _load(part: nn.Module, weights: dict[str, Tensor], name: str) -> None:
    part.load_state_dict({key: weights[f"{name}.{key}"] for key in part.state_dict()})
