"""The drawing canvas: a piece of page of our own, which asks for a new picture while the pen moves.

Its look and its behaviour are in page/; here is what the server answers.
"""

import asyncio
import io
import os
import time
import uuid
from collections.abc import Awaitable
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image, ImageDraw, ImageFont
from starlette.responses import JSONResponse, Response

from pix2pix.files.places import generators, snapshots
from pix2pix.page import page
from pix2pix.page.page import samples
from ui.draw import assets, teach
from ui.requests import answer, data_url, decode, encode, number, text
from ui.studio import Studio, StudioError, find, load_picture, metadata

if TYPE_CHECKING:
    from pix2pix.inference import Translator

STAGES = "wait", "read", "compute", "write"  # of a picture: what its time went into
MOST_REPLAYS = 8  # that wait; they are made one by one
REPLAY_SIDE = 512  # pixels of its pictures
FRAME_MS, LAST_FRAME_MS = 500, 2000  # of an animation


def drawing_canvas(studio: Studio) -> gr.HTML:
    """The canvas, the picture beside it, and all their controls.

    Server functions do not go through Gradio's queue: a request costs some milliseconds, and the studio's scheduler
    decides whose turn it is. Those that wait for it are coroutines: a waiting page must not hold one of Gradio's 40
    threads. (Not a subclass of gr.HTML: Gradio writes a .pyi file beside the source of each one.)
    """

    replays = Replays(studio)

    def models(_: Any) -> list[dict[str, Any]]:
        return [describe(name, path) for name, path in generators().items()]

    async def warm_up(data: Any) -> dict[str, Any]:
        return await answer(lambda: asyncio.wrap_future(studio.warm_up(text(data, "model"))), lambda _: {})

    async def translate(data: Any) -> Response | dict[str, Any]:
        return await answer(lambda: studio.scheduler.in_turn(_translate(studio, data)), _timed)

    async def remark(data: Any) -> dict[str, str]:
        return await answer(lambda: asyncio.to_thread(_remark, studio, data), lambda words: {"remark": words})

    async def parts(data: Any) -> dict[str, Any]:
        def begin() -> Awaitable[dict[str, Any]]:
            return asyncio.wrap_future(assets.describe(studio, text(data, "model")))

        return await answer(begin, lambda found: found)

    async def replay(data: Any) -> dict[str, str]:
        return await answer(lambda: replays.make(data), lambda url: {"animation": url})

    async def pin(data: Any) -> dict[str, str]:
        def work() -> str:
            return teach.pin(text(data, "model"), decode(text(data, "picture")))

        return await answer(lambda: asyncio.to_thread(work), lambda words: {"words": words})

    async def correct(data: Any) -> dict[str, str]:
        def work() -> str:
            return teach.teach(*(text(data, "model"), *(decode(text(data, key)) for key in ("picture", "target"))))

        return await answer(lambda: asyncio.to_thread(work), lambda run: {"run": run})

    async def learning(data: Any) -> dict[str, str]:
        return await answer(lambda: asyncio.to_thread(teach.progress, text(data, "run")), lambda state: state)

    can_train = not studio.public and not os.environ.get("SPACE_ID")
    further = [pin, correct, learning] if can_train else []
    further += [parts] if studio.public else []
    return gr.HTML(
        html_template=(page.PAGE / "canvas.html").read_text("utf-8"),
        css_template=page.style(),
        js_on_load=page.script(),
        apply_default_css=False,
        server_functions=[models, warm_up, translate, remark, replay, *further],
        samples=samples(),
        can_train=can_train,
        has_dropout=True,
        browser_computes=studio.public,
        elem_id="draw",
    )


def describe(name: str, path: Path) -> dict[str, Any]:
    """What the page needs to know of a generator: the size of its drawings, its line width or its palette."""
    try:
        about = metadata(path)
        stamp = path.stat().st_mtime_ns
    except (OSError, ValueError):
        return {"name": name, "broken": True}  # whoever chooses it is told why
    # Another stamp: it was trained further.
    return {**page.describe(name, about), "stamp": str(stamp), "snapshots": list(snapshots(path))}


def _translate(studio: Studio, data: Any) -> Future[tuple[str, list[float]]]:
    """The picture as a data URL, and how many seconds each of STAGES took.

    PNG is read and written when the turn has come, not in the event loop.
    """
    drawing, model, session = (text(data, key) for key in ("picture", "model", "session"))
    seed, step = (number(data, key) for key in ("seed", "step"))
    asked = time.perf_counter()

    def work(translator: "Translator") -> tuple[str, list[float]]:
        times = [asked, time.perf_counter()]
        picture = _input(drawing)
        times.append(time.perf_counter())
        made = translator(picture, seed)
        times.append(time.perf_counter())
        url = encode(made)
        times.append(time.perf_counter())
        return url, [after - before for before, after in pairwise(times)]

    return studio.submit(model, session, work, step)


def _timed(made: tuple[str, list[float]]) -> Response:
    """The picture, and where its time went, in a header that browsers show and benchmarks/live_drawing.py reads."""
    url, seconds = made
    stages = (f"{stage};dur={1000 * took:.2f}" for stage, took in zip(STAGES, seconds, strict=True))
    return JSONResponse({"picture": url}, headers={"Server-Timing": ", ".join(stages)})


def _remark(studio: Studio, data: Any) -> str:
    """What is unlike about a drawing, or a picture that is translated as it is; empty where all is well."""
    drawing, model = (text(data, key) for key in ("picture", "model"))
    return studio.translator(model).remark(_input(drawing))


class Replays:
    """What the snapshots of a training, and at last its generator, make of a drawing: an animation.

    A replay translates a dozen times and takes seconds of a core and some hundred megabytes at its end. So one is made
    at a time, whoever asks, and none of it in the event loop, which all pages share.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self._sessions: set[str] = set()  # whose replay is made, or waits
        self._turn = asyncio.Lock()

    async def make(self, data: Any) -> str:
        """The animation as a data URL. Raises StudioError, Superseded, QueueFull."""
        drawing, model = (text(data, key) for key in ("picture", "model"))
        session = str(data.get("session", ""))[:100]
        if session in self._sessions:
            raise StudioError("Your last replay is still being made.")
        if len(self._sessions) >= MOST_REPLAYS:
            raise StudioError("Others wait for their replays just now: try again in a minute.")
        self._sessions.add(session)
        try:
            async with self._turn:
                return await self._made(drawing, model)
        finally:
            self._sessions.discard(session)

    async def _made(self, drawing: str, model: str) -> str:
        """Each picture waits for its own turn, so that others can draw meanwhile."""
        picture = await asyncio.to_thread(decode, drawing)
        picture.thumbnail((REPLAY_SIDE, REPLAY_SIDE))
        session, frames = f"replay {uuid.uuid4()}", []
        for step in (*snapshots(find(model)), None):

            def work(translator: "Translator") -> Image.Image:
                return _frame(picture, translator(picture), f"step {translator.metadata.steps:,}")

            frames.append(await asyncio.wrap_future(self.studio.submit(model, session, work, step)))
        return await asyncio.to_thread(_animation, frames)


def _animation(frames: list[Image.Image]) -> str:
    file = io.BytesIO()
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_FRAME_MS]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=85)
    return data_url(file.getvalue(), "webp")


def _frame(drawing: Image.Image, result: Image.Image, caption: str) -> Image.Image:
    width, height = drawing.size
    line = max(12, height // 14)
    frame = Image.new("RGB", (2 * width, height + line), "white")
    frame.paste(drawing, (0, 0))
    frame.paste(result, (width, 0))
    font = ImageFont.load_default(0.75 * line)
    ImageDraw.Draw(frame).text((1.5 * width, height + line / 2), caption, "black", font, anchor="mm")
    return frame


def _input(drawing: str) -> Image.Image:
    """What a generator is to see: as it is where parts of it are clear, for it to be laid on what shows its strokes."""
    picture = decode(drawing, load_picture)
    is_opaque = picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255)
    return picture.convert("RGB") if is_opaque else picture
