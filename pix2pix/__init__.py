"""pix2pix: image-to-image translation with a conditional GAN (Isola et al. 2017)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pix2pix.inference import Translator
    from pix2pix.models import Discriminator, Generator

__all__ = ["Discriminator", "Generator", "Translator"]

_HOMES = {"Discriminator": "models", "Generator": "models", "Translator": "inference"}


def __getattr__(name: str) -> Any:
    # Lazily, so that what needs no torch (`python -m pix2pix --help`, the run directory) does not wait for it.
    if name in _HOMES:
        return getattr(import_module(f"pix2pix.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'pix2pix' has no attribute {name!r}")
