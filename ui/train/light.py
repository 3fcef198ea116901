"""Make it light: the form filled for a training of a narrower generator, which learns from the pictures of another."""

from typing import Any

import gradio as gr

from pix2pix.data.folders import unused_name
from pix2pix.files.places import runs_dir
from training.config import PRESETS, TrainConfig
from training.run import Run
from ui.studio import find, metadata
from ui.train.form import Form
from ui.train.init_from import generator_choices

# Beside the recommended preset. A network of few weights learns from pictures that are always the same at twice the
# rate of others; its discriminators, which know their trade, go on at their own.
LESSON: dict[str, Any] = {"lr": 4e-4, "lr_D": 2e-4, "init_from": "", "dropout": 0.0}


def settings_for(name: str) -> dict[str, Any]:
    """Of a run in which a generator of half the width learns from this one.

    Raises ValueError for a generator that is no U-Net of ours, or as narrow as can be.
    """
    from pix2pix.models import GeneratorConfig

    about = metadata(find(name))
    if not isinstance(about.config, GeneratorConfig) or about.config.ngf < 2:
        raise ValueError(f"{name} cannot be made light: only a U-Net of this app with an ngf of 2 or more can.")
    size = about.config.image_size
    return PRESETS["recommended"] | LESSON | {
        "distil_from": name,
        "ngf": about.config.ngf // 2,
        "crop_size": size,
        "load_size": round(size * 286 / 256),
        "colour_hints": about.takes_hints,
        "random_affine": about.takes_hints,
        "one_hot": bool(about.config.classes),
        "line_width": about.line_width,
    }  # fmt: skip


def fill_light(form: Form, name: str) -> dict[Any, Any]:
    """The updates of `form.filled` for it. The pictures are those that the generator's own run had, if it is here."""
    settings, wish = settings_for(name), unused_name(f"{name.rpartition('/')[2]}-light", runs_dir())
    folder = find(name).parent
    if (folder / "config.json").exists():
        return form.fill(Run(folder), **settings) | {form.name: wish}
    values = {key: getattr(TrainConfig(name="any", dataset="any", **settings), key) for key in form.settings}
    updates: dict[Any, Any] = {form.settings[key]: value for key, value in values.items()}
    updates[form.settings["init_from"]] = gr.Dropdown(choices=generator_choices(), value="")
    return updates | {form.name: wish}
