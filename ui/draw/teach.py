"""From the Draw tab to a training: a drawing that is pinned to a run, and one that corrects a generator.

To correct it, someone gives what should have become of a drawing. The pair joins a dataset of such pairs, and a run
that begins from the generator learns them in some steps; then both can be compared on the same drawing.
"""

import threading
from pathlib import Path
from typing import Any

from PIL import Image
from safetensors import SafetensorError, safe_open

from pix2pix.data.folders import unused_name
from pix2pix.files.places import discriminators_of, runs_dir, save_picture
from training.config import OBJECTIVES
from training.run import Run, RunBusyError
from ui.studio import StudioError, find, metadata
from ui.train.starting import start

STEPS = 200
SETTINGS: dict[str, Any] = {"steps": STEPS, "epochs": 0, "lr": 1e-4, "log_every": 10, "preview_every": 50}

_adding = threading.Lock()


def pin(model: str, drawing: Image.Image) -> str:
    """Pins it to the run of that generator, else to the one that is trained now; says to which. Raises StudioError."""
    runs = Run.list()
    generator = find(model)
    own = next((run for run in runs if run.generator_file == generator), None)
    run = own or next((run for run in runs if run.status().alive), None)
    if run is None:
        raise StudioError(f"{model} comes from no training of yours, and none is going on: there is nothing to pin to.")
    run.pin(drawing)
    return f"Pinned: from the next one on, each preview of “{run.name}” shows what becomes of it."


def teach(model: str, drawing: Image.Image, target: Image.Image) -> str:
    """Begins to train; gives the name of the run. Raises StudioError."""
    size = metadata(find(model)).config.image_size
    folder = runs_dir() / "datasets" / f"taught-{unused_name(model, Path())}"
    _add(folder, drawing.resize((size, size)), target.convert("RGB").resize((size, size), Image.Resampling.LANCZOS))
    try:
        run, _ = start(str(folder), unused_name(f"{model}-taught", runs_dir()), "paper", **settings_for(model))
    except (ValueError, OSError, RunBusyError) as error:
        raise StudioError(str(error)) from error
    return run.name


def settings_for(model: str) -> dict[str, Any]:
    """Of a run that begins from that generator, and from what judged it where that is kept beside it."""
    from pix2pix.palette import listed

    path = find(model)
    about = metadata(path)
    size = about.config.image_size
    return _judged(path) | SETTINGS | {
        "init_from": model,
        "a": about.source.kind,
        "b": about.target.kind,
        "palette": listed(about.source.palette),
        "one_hot": bool(getattr(about.config, "classes", ())),
        "line_width": about.line_width,
        "colour_hints": about.takes_hints,
        "crop_size": size,
        "load_size": round(size * 286 / 256),
        "ngf": about.config.ngf,
        "save_every": STEPS,
    }  # fmt: skip


def _judged(generator: Path) -> dict[str, Any]:
    """The sizes of the discriminators that were trained with a generator, and the objective that they are for."""
    path = discriminators_of(generator)
    try:
        if path is None:
            return {}
        with safe_open(path, "np") as file:
            names = list(file.keys())
            first = file.get_slice("D.layers.0.0.weight").get_shape()
    except (SafetensorError, OSError):  # the training says so
        return {}
    layers = {name.split(".")[2] for name in names if name.startswith("D.layers.")}
    on_features = any(name.startswith("projected.") for name in names)
    # Of the moving average so few steps would be hardly seen.
    objective = OBJECTIVES["recommended"] | {"ema": 0.0} if on_features else {}
    return {"ndf": first[0], "n_layers": len(layers) - 1, **objective}


def progress(name: str) -> dict[str, str]:
    """How the learning of a correction is getting on. Raises StudioError."""
    try:
        status = Run.named(name).status()
    except (ValueError, OSError) as error:
        raise StudioError(str(error)) from error
    if status.state == "failed":
        raise StudioError(status.error)
    words = {
        "queued": f"{name} waits in the queue.",
        "running": f"Learning it: step {status.step} of {status.total} …",
        "finished": f"Learned: “{name}” is compared with it below.",
        "stopped": f"{name} was stopped: resume it in the Train tab.",
    }
    return {"state": status.state, "words": words.get(status.state, "Learning it: starting …")}


def _add(folder: Path, drawing: Image.Image, target: Image.Image) -> None:
    pair = Image.new("RGB", (2 * drawing.width, drawing.height))
    pair.paste(drawing, (0, 0))
    pair.paste(target, (drawing.width, 0))
    with _adding:
        folder.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in folder.glob("*.png"))
        while (folder / f"{number:04d}.png").exists():
            number += 1
        save_picture(pair, folder / f"{number:04d}.png", "PNG")
