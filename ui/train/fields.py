"""The settings in the form's Advanced: a field for each, in groups, with the words of the command line."""

from typing import Any, get_args, get_origin, get_type_hints

import gradio as gr

from training.config import PRESETS, Preset, TrainConfig, help_of_settings
from training.config import bounds_of_settings as all_bounds
from ui.train.init_from import generator_choices

# What is in Advanced, in the order of TrainConfig, which is that of `python -m training --help`.
GROUPS: dict[str, tuple[str, ...]] = {
    "The pictures": (
        "layout", "one_hot", "line_width", "scale_a", "scale_b", "colour_hints", "load_size", "crop_size", "flip",
        "random_affine",
    ),
    "The networks": ("ngf", "ndf", "n_layers", "dropout", "checkerboard_free", "init_from", "distil_from", "ema"),
    "The training": (
        "epochs", "steps", "decay_steps", "batch_size", "lr", "lr_D", "beta1", "beta2", "lambda_l1",
        "lambda_feature_matching", "lambda_activation", "lambda_perceptual", "lambda_colour", "lambda_projected",
        "l1_steps", "seed",
    ),
    "The machine": ("device", "precision", "compile", "num_processes", "log_every", "preview_every", "save_every",
                    "log_to", "notify"),
    "For its file": ("licence", "provenance"),
}  # fmt: skip
CHOICES = {"crop_size": [32, 64, 128, 256, 512, 1024], "device": ["auto", "cpu", "mps", "cuda"]}


def advanced(preset: Preset) -> dict[str, Any]:
    """Fields by their name in TrainConfig, with the values of a preset and the words of the command line."""
    values, texts, types = default_values(preset), help_of_settings(), get_type_hints(TrainConfig)
    fields: dict[str, Any] = {}
    for title, names in GROUPS.items():
        gr.Markdown(f"#### {title}")
        with gr.Row():
            for name in names:
                if types[name] is not bool:
                    fields[name] = _field(name, types[name], values[name], texts[name])
        for name in names:  # a row makes them too narrow to be read
            if types[name] is bool:
                fields[name] = gr.Checkbox(values[name], label=f"{name}: {texts[name]}", elem_id=f"train-{name}")
    return fields


def _field(name: str, kind: Any, value: Any, text: str) -> Any:
    about: dict[str, Any] = {"label": name, "info": text, "elem_id": f"train-{name.replace('_', '-')}"}
    if name == "init_from":
        return gr.Dropdown(generator_choices(), value="", allow_custom_value=True, min_width=260, **about)
    if name in CHOICES:
        return gr.Dropdown(CHOICES[name], value=value, allow_custom_value=name == "device", min_width=200, **about)
    if get_origin(kind) is not None:
        return gr.Dropdown(list(get_args(kind)), value=value, min_width=200, **about)
    if kind is str:
        return gr.Textbox(value, max_lines=1, min_width=260, **about)
    bounds = all_bounds()[name]
    about["info"] = f"{text} ({bounds.least:,} to {bounds.most:,})"
    whole = 0 if kind is int else None
    return gr.Number(value, precision=whole, minimum=bounds.least, maximum=bounds.most, min_width=200, **about)


def default_values(preset: Preset) -> dict[str, Any]:
    config = TrainConfig(name="any", dataset="any", **PRESETS[preset])
    return {name: getattr(config, name) for name in TrainConfig.__dataclass_fields__}


def typed(settings: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError for a field that was left empty."""
    for name, value in settings.items():
        if value is None:
            raise ValueError(f"{name} is empty")
    return settings
