"""Architectures of other projects that are not imported, known by what only they have: so that they can be named."""

from collections.abc import Callable, Iterable

UNSUPPORTED: dict[str, Callable[[str], bool]] = {
    "the ResNet of PyTorch-GAN's CycleGAN": lambda key: ".block." in key and key.startswith("model."),
    "LocalEnhancer of pix2pixHD (its GlobalGenerator is imported)": lambda key: key.startswith("model1_1."),
    "the ResNet of CUT, with filters against aliasing": lambda key: key.endswith(".filt"),
    "SPADE, also called GauGAN": lambda key: key.startswith("head_0."),
}


def unsupported(keys: Iterable[str]) -> str | None:
    """Whose weights have such names; None where they are of none of these."""
    keys = list(keys)
    return next((name for name, has in UNSUPPORTED.items() if any(map(has, keys))), None)
