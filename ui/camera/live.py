"""The camera of the Upload tab: frames that a page sends become drawings, and these pictures. None of it is kept."""

import asyncio
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from pix2pix.page.page import part
from ui.requests import answer, decode, encode, text
from ui.studio import Studio, StudioError

if TYPE_CHECKING:
    from pix2pix.files.checkpoint import Metadata
    from pix2pix.inference import Translator

PAGE = Path(__file__).parent / "page"


def camera(studio: Studio) -> gr.HTML:
    """What the camera sees, its edges, and what a generator makes of them. Its value is what `offer` says.

    Gradio's own webcam streams through the queue and a file for each frame. Here a frame is a request of its own, as a
    drawing of the canvas is: in memory alone, in turn with all others, and gone once a newer one has come.
    """

    async def see(data: Any) -> dict[str, Any]:
        return await answer(lambda: studio.scheduler.in_turn(_see(studio, data)), lambda made: made)

    async def lines(data: Any) -> dict[str, Any]:
        return await answer(lambda: asyncio.wrap_future(_lines(studio, data)), lambda found: {"lines": found})

    return gr.HTML(
        html_template=(PAGE / "camera.html").read_text("utf-8"),
        css_template=(PAGE / "camera.css").read_text("utf-8"),
        js_on_load="\n".join([part("answers"), part("asking"), (PAGE / "camera.js").read_text("utf-8")]),
        apply_default_css=False,
        server_functions=[see, lines],
        browser_computes=studio.public,
        elem_id="camera",
    )


def offer(name: str, about: "Metadata") -> dict[str, Any] | None:
    """What the page needs to know of a generator; None for one that the camera is not for."""
    return {"name": name, "size": about.config.image_size} if about.source.kind == "edges" else None


def _see(studio: Studio, data: Any) -> Future[dict[str, str]]:
    """The drawing of a frame and its picture, as data URLs. All is computed in the session's turn.

    With `edges_only` there is no picture: the browser makes it.
    """

    def work(translator: "Translator", frame: Image.Image, detail: float) -> dict[str, str]:
        drawing = translator.edges_of(frame, detail)
        made = {"drawing": encode(drawing)}
        return made if data.get("edges_only") is True else made | {"picture": encode(translator(drawing))}

    return _submit(studio, data, work, "camera")


def _lines(studio: Studio, data: Any) -> Future[list[list[tuple[float, float]]]]:
    """The same drawing as lines, [[x, y], …] in shares of the frame's sides: for a shot, which can be drawn on."""

    def work(translator: "Translator", frame: Image.Image, detail: float) -> list[list[tuple[float, float]]]:
        return [line.round(4).tolist() for line in translator.lines_of(frame, detail)]

    return _submit(studio, data, work, "shot")


def _submit(studio: Studio, data: Any, work: Any, what: str) -> Future[Any]:
    frame, model, session = (text(data, key) for key in ("picture", "model", "session"))
    detail = data.get("detail")
    if type(detail) not in (int, float) or not 0 <= detail <= 1:
        raise StudioError("The detail is not a number from 0 to 1.")

    def checked(translator: "Translator") -> Any:
        if translator.metadata.source.kind != "edges":
            raise StudioError(f"{model} does not take drawings, so the camera is not for it.")
        return work(translator, decode(frame), detail)

    return studio.submit(model, f"{what} {session}", checked)
