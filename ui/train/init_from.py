"""What a training can begin from: nothing, a generator, or what a run has kept on the way."""

from typing import Any

import gradio as gr

from pix2pix.files.places import generators, snapshots
from ui.words import errors_on_page


def generator_choices(more: str = "") -> list[tuple[str, str]]:
    """What a training can begin from: nothing, every generator, and what runs have kept on the way."""
    choices = [("nothing: random weights", "")]
    for name, path in generators().items():
        choices.append((name, name))
        choices += [(f"{name}, step {step:,}", str(kept)) for step, kept in snapshots(path).items()]
    return choices if any(value == more for _, value in choices) else [*choices, (more, more)]


def offer_generators(chosen: str) -> Any:
    return gr.Dropdown(choices=generator_choices(chosen))


def fit(name: str) -> list[Any]:
    """The architecture of the generator to begin from, which the run must have too."""
    from pix2pix.files.checkpoint import locate, read_metadata

    if not name:
        return [gr.skip()] * 3
    with errors_on_page():
        config = read_metadata(locate(name)).config
    return [config.image_size, config.ngf, round(config.image_size * 286 / 256)]
