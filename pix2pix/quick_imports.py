"""Large libraries, brought into memory sooner."""

import gc
import sys
from importlib import import_module


def import_quickly(*names: str) -> None:
    """Imports modules without looking for garbage meanwhile, nor later among what they have made.

    PyTorch is half a million objects, none of which is ever garbage. To look through them again and again, while they
    become more and when the process ends, takes a third of the time of importing them.
    """
    if all(name in sys.modules for name in names):
        return
    looks = gc.isenabled()
    gc.disable()
    try:
        for name in names:
            import_module(name)
        gc.freeze()
    finally:
        if looks:
            gc.enable()
