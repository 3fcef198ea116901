"""What a folder holds to train on: finding it, telling what is wrong with it, and giving it as tensors."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pix2pix.data.dataset import PairedImages
    from pix2pix.data.pairs import DatasetError, Found, find_pairs

__all__ = ["DatasetError", "Found", "PairedImages", "find_pairs"]

_HOMES = {"DatasetError": "pairs", "Found": "pairs", "PairedImages": "dataset", "find_pairs": "pairs"}


def __getattr__(name: str) -> Any:
    # Lazily, since the modules here that bring a dataset need no torch, and should not wait for it.
    if name in _HOMES:
        return getattr(import_module(f"pix2pix.data.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'pix2pix.data' has no attribute {name!r}")
