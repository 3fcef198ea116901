"""What the Train tab's own scripts ask of the server: previews as pictures. Only a page that may train has them."""

import io
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from pix2pix.images import GAP
from pix2pix.page.page import part
from training.run import Run
from ui.requests import data_url

PAGE = Path(__file__).parent / "page"
GRID_SCRIPTS = ("sheets", "grid")
MOST_NAME = 200  # characters
MAX_POINTS = 1000  # of a curve
NOT_DRAWN = ("step", "time", "data_wait")  # of the figures of a row

log = logging.getLogger(__name__)


def grid_of_samples() -> gr.HTML:
    """The previews of a run as a grid of pictures that can be looked at one by one."""
    return gr.HTML(
        html_template=(PAGE / "grid.html").read_text("utf-8"),
        css_template=style("base", "grid"),
        js_on_load=script(*GRID_SCRIPTS),
        apply_default_css=False,
        server_functions=[previews, preview],
        gap=GAP,
        elem_id="train-grid",
    )


def script(*names: str) -> str:
    """Files that are one script: the body of a function of `element`, `props` and `server`."""
    return "\n".join([part("answers"), *((PAGE / f"{name}.js").read_text("utf-8") for name in names)])


def style(*names: str) -> str:
    """Files that are one style."""
    return "\n".join((PAGE / f"{name}.css").read_text("utf-8") for name in names)


def previews(data: Any) -> dict[str, Any]:
    """The steps of a run's previews, each with a stamp that changes with the picture."""

    def look(run: Run) -> dict[str, Any]:
        found = {int(path.stem): path for path in run.previews()}
        return {"previews": [[step, str(path.stat().st_mtime_ns)] for step, path in found.items()]}

    return answer(data, look)


def figures(data: Any) -> dict[str, Any]:
    """The curves of a run, as {name: [[step, value], …]}, unless the page has those of this `stamp`."""

    def look(run: Run) -> dict[str, Any]:
        stamp = stamp_of(run.metrics_file) or "none"
        if stamp == data.get("stamp"):
            return {"stamp": stamp}
        rows = run.metrics()[0]
        names = {name: None for row in rows for name in row if name not in NOT_DRAWN}
        curves = {name: thinned([(row["step"], row[name]) for row in rows if name in row]) for name in names}
        return {"stamp": stamp, "curves": curves, "alive": run.status().alive}

    return answer(data, look)


def thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Of many points the averages of MAX_POINTS stretches, each at its last step."""
    length = -(-len(points) // MAX_POINTS) or 1
    stretches = [points[first : first + length] for first in range(0, len(points), length)]
    return [(stretch[-1][0], sum(value for _, value in stretch) / len(stretch)) for stretch in stretches]


def stamp_of(file: Path) -> str | None:
    """What changes with the content of a file; None where there is none."""
    try:
        about = file.stat()
        return f"{about.st_mtime_ns}-{about.st_size}"
    except OSError:
        return None


def preview(data: Any) -> dict[str, Any]:
    """The picture of a step, as a data URL."""

    def look(run: Run) -> dict[str, Any]:
        found = {int(path.stem): path for path in run.previews()}
        if (step := data.get("step")) not in found:
            raise ValueError(f"{run.name} has no preview of that step.")
        return {"picture": data_url(found[step].read_bytes(), "jpeg")}

    return answer(data, look)


def pack_samples(run: Run, file: Path) -> None:
    """A folder for each pair, with its input, its target, and what became of it at each step. Raises ValueError."""
    if not (found := run.previews()):
        raise ValueError(f"{run.name} has no previews yet.")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as opened:
        for path in found:
            for column, cells in enumerate(cut(path), start=1):
                named = dict(zip(("input", "target", path.stem), cells, strict=True))
                for name, cell in named.items() if path == found[-1] else [(path.stem, cells[-1])]:
                    picture = io.BytesIO()
                    cell.save(picture, "JPEG", quality=95)
                    opened.writestr(f"{run.name}/pair-{column}/{name}.jpg", picture.getvalue())


def cut(sheet: Path) -> list[list[Image.Image]]:
    """The input, the target and the fake of each pair of a preview."""
    with Image.open(sheet) as opened:
        picture = opened.convert("RGB")
    side = (picture.height - 2 * GAP) // 3
    lefts, tops = range(0, picture.width, side + GAP), [row * (side + GAP) for row in range(3)]
    return [[picture.crop((left, top, left + side, top + side)) for top in tops] for left in lefts]


def answer(data: Any, look: Callable[[Run], dict[str, Any]]) -> dict[str, Any]:
    """What `look` finds in the run that is named: never a traceback."""
    try:
        name = data.get("run") if isinstance(data, dict) else None
        if not isinstance(name, str) or len(name) > MOST_NAME:
            raise ValueError("The request names no run.")
        return look(Run.named(name))
    except (ValueError, OSError, TypeError) as error:
        return {"error": str(error)}
    except Exception:
        log.exception("the Train tab asked for something that failed")
        return {"error": "Something went wrong on the server; its log says what."}
