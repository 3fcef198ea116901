"""What a run's settings leave to its dataset, found once, when the run first begins: scales and palettes."""

import logging
from typing import Any

from pix2pix.classes import ranged
from pix2pix.data.pairs import Found
from pix2pix.data.sides import look_for_labels, measure, with_every_class
from pix2pix.palette import listed
from training.config import TrainConfig
from training.run import Run

log = logging.getLogger("training")


def resolve_auto(run: Run, found: Found, is_main: bool) -> TrainConfig:
    """The run's settings with the scales of deep grey values and the palettes of class numbers, as its files have them.

    They are kept in its config.json, so that a resume goes on with them whatever has become of the files.
    """
    config = run.config
    if run.state_file.exists():
        return config
    changes: dict[str, Any] = {}
    kinds = with_every_class(found, look_for_labels(found))
    palettes = ("palette", "target_palette") if config.direction == "AtoB" else ("target_palette", "palette")
    for side, kind, palette in zip("ab", kinds, palettes, strict=True):
        if kind and kind.numbers and getattr(config, palette) == "none":
            changes[palette] = listed(kind.palette)
            if is_main:
                log.info("%s holds the numbers of classes: %s.", side.upper(), ranged(kind.numbers))
    if "auto" in (config.scale_a, config.scale_b):
        for side, values in zip("ab", measure(found, kinds), strict=True):
            if values and getattr(config, f"scale_{side}") == "auto":
                changes[f"scale_{side}"] = str(values.scale)
                if is_main:
                    log.info("%s: %s.", side.upper(), values.describe())
    if changes and is_main:
        run.change_settings(**changes)
    return config.with_changes(**changes) if changes else config
