"""What a training can begin from: nothing, a generator, or what a run has kept on the way."""

from typing import Any

import gradio as gr

from pix2pix.files.places import generators, snapshots
from training.config import PRESETS, Preset, TrainConfig
from ui.words import errors_on_page

DRAWINGS = "Line drawings"
# The shipped generators, by the kind of input that they know; facade labels have a palette of 12.
KNOWN_INPUTS = {DRAWINGS: "edges2shoes", "Facade labels, in the 12 CMP colours": "labels2facades"}


def generator_choices(more: str = "") -> list[tuple[str, str]]:
    """What a training can begin from: nothing, every generator, and what runs have kept on the way."""
    choices = [("nothing: random weights", "")]
    for name, path in generators().items():
        choices.append((name, name))
        choices += [(f"{name}, step {step:,}", str(kept)) for step, kept in snapshots(path).items()]
    return choices if any(value == more for _, value in choices) else [*choices, (more, more)]


def offer_generators(chosen: str) -> Any:
    return gr.Dropdown(choices=generator_choices(chosen))


def fit(name: str, input_kind: str) -> list[Any]:
    """The architecture of the generator to begin from, which the run must have too, and whether it takes hints."""
    from pix2pix.files.checkpoint import locate, read_metadata

    if not name:
        return [gr.skip()] * 4
    with errors_on_page():
        about = read_metadata(locate(name))
    size = about.config.image_size
    return [size, about.config.ngf, round(size * 286 / 256), input_kind == DRAWINGS and about.takes_hints]


def offer_shipped(
    input_kind: str, preset: Preset, init_from: str, crop_size: int, ngf: int, distil_from: str = ""
) -> Any:
    """With the recommended preset, to begin from the shipped generator that knows this kind of input.

    Not where it learns from another one, of which it then has the strongest channels.
    """
    if init_from not in ("", *KNOWN_INPUTS.values()):
        return gr.skip()  # someone has chosen another
    wanted = PRESETS["recommended"]
    fits = preset == "recommended" and (crop_size, ngf) == (TrainConfig.crop_size, wanted["ngf"])
    name = KNOWN_INPUTS.get(input_kind, "") if fits and not distil_from else ""
    name = name if name in generators() else ""
    if not name and not init_from:
        return [gr.Checkbox(False, visible=False), gr.skip(), gr.skip(), gr.skip()]
    words = f"Begin from {name}, which knows such inputs already: it gets better sooner"
    return [gr.Checkbox(bool(name), label=words, visible=bool(name)), *begin_from(bool(name), input_kind)]


def begin_from(wanted: bool, input_kind: str) -> list[Any]:
    """The generator to begin from, and what of its input the run must go on to show, or it would be forgotten."""
    name = KNOWN_INPUTS[input_kind] if wanted else ""
    choice = gr.Dropdown(choices=generator_choices(name), value=name)
    return [choice, wanted and "labels" in input_kind, wanted and input_kind == DRAWINGS]
