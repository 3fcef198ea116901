"""What scripts of the page ask of the server, checked and bounded, and what they are told: pictures, or a sentence."""

import base64
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from ui.scheduler import Busy, Superseded
from ui.studio import StudioError, read_picture

MAX_PIXELS = 1024 * 1024  # of a drawing: the page sends it in the size of its model, and none is larger
MAX_DRAWING = 4_300_000  # characters of a PNG data URL of so many pixels at worst; a drawing has some ten thousand
DRAWINGS, MAX_NAME = ("picture", "target"), 1000  # keys of requests that are drawings; characters of all others

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)


async def answer(begin: Callable[[], Awaitable[T]], reply: Callable[[T], R]) -> R | dict[str, Any]:
    """What the page gets, when its turn has come: never a traceback. `again_ms`: ask again, after so many."""
    try:
        return reply(await begin())
    except Superseded:
        return {"superseded": "yes"}
    except Busy as error:
        return {"error": str(error), "again_ms": error.again_ms}
    except StudioError as error:
        return {"error": str(error)}
    except Exception:
        log.exception("the canvas asked for something that failed")
        return {"error": "Something went wrong on the server; its log says what."}


def text(data: Any, key: str) -> str:
    value = data.get(key) if isinstance(data, dict) else None
    if not isinstance(value, str):
        raise StudioError(f"The request has no {key}.")
    if len(value) > (MAX_DRAWING if key in DRAWINGS else MAX_NAME):  # before it waits, with a hundred others
        raise StudioError(f"The {key} is too large.")
    return value


def number(data: Any, key: str) -> int | None:
    value = data.get(key)
    if value is None or (type(value) is int and 0 <= value < 2**63):
        return value
    raise StudioError(f"The {key} is not a whole number.")


def decode(url: str, read: Callable[[bytes, int], Image.Image] = read_picture) -> Image.Image:
    try:
        return read(base64.b64decode(url.partition(",")[2], validate=True), MAX_PIXELS)
    except ValueError as error:
        raise StudioError("The drawing did not arrive as a picture.") from error


def encode(picture: Image.Image) -> str:
    """A grey or RGB picture as PNG. Pillow, which chooses a filter for each row, takes over twice as long."""
    import cv2  # the page should not wait for it

    pixels = np.asarray(picture)
    _, png = cv2.imencode(".png", pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return data_url(png.tobytes(), "png")


def data_url(file: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file).decode('ascii')}"
