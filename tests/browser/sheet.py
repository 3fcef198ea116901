"""The Draw tab as a test uses it: a pointer on a page, and what the page asks of the server."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Request, Route, expect

# What can be pressed and is smaller than a finger's target by WCAG 2.5.8; a check box has its label for one.
SMALL = """() => [...document.querySelectorAll("button, a[href], summary, select, textarea, input, label:has(input)")]
  .filter((e) => !e.closest("footer, .visually-hidden") && !/^(checkbox|radio|file|hidden)$/.test(e.type))
  .filter((e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((e) => [e.outerHTML.slice(0, 120), e.getBoundingClientRect()])
  .filter(([, { width, height }]) => Math.min(width, height) < 24)
  .map(([html, { width, height }]) => [html, width, height])"""
# The page paints, and asks for a picture, once in a frame, for which it may wait where others use the machine.
TWO_FRAMES = "() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
Open = Callable[..., Page]
Point = tuple[float, float]  # in the drawing's own grid of 256 units


class Sheet:
    """A page with one model chosen: what can be done to its canvas, and what it sent to the server."""

    def __init__(self, page: Page, model: str, label: str = "Model") -> None:
        """`label` of the choice of models, in the page's language."""
        self.page = page
        self.sent: list[str] = []  # drawings, as data URLs
        self.open: set[Request] = set()  # that this has seen begin: a page that was there before may wait for others
        self.most_open = 0
        expect(page.get_by_label(label).locator(f"option[value='{model}']")).to_be_attached()
        page.get_by_label(label).select_option(model)
        page.on("request", self._begins)
        page.on("requestfinished", self._ends)
        page.on("requestfailed", self._ends)

    def _begins(self, request: Request) -> None:
        if is_translation(request):
            self.sent.append(body_of(request)["data"]["picture"])
            self.open.add(request)
            self.most_open = max(self.most_open, len(self.open))

    def _ends(self, request: Request) -> None:
        self.open.discard(request)

    def at(self, point: Point) -> Point:
        box = self.page.locator("#draw-canvas").bounding_box()
        assert box is not None
        return box["x"] + point[0] / 256 * box["width"], box["y"] + point[1] / 256 * box["height"]

    def stroke(self, *points: Point, up: bool = True) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.at(point), steps=3)
        if up:
            mouse.up()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    @property
    def picture_url(self) -> str | None:
        return self.page.locator("#draw-picture").get_attribute("src")

    def settle(self) -> None:
        """Waits until nothing has been asked for a while, and the answer to the last question is shown."""
        quiet = 0
        for _ in range(800):
            self.page.wait_for_timeout(50)
            quiet = 0 if self.open else quiet + 1
            if quiet >= 5:
                asked = len(self.sent)
                self.page.evaluate(TWO_FRAMES)
                if not self.open and len(self.sent) == asked:
                    return
                quiet = 0
        raise AssertionError("the page goes on asking for pictures")

    def drawing(self) -> np.ndarray:
        """What the model got last."""
        self.settle()
        return pixels(self.sent[-1])


def is_translation(request: Request) -> bool:
    return asks(request, "translate")


def asks(request: Request, what: str) -> bool:
    """Whether it is one for a server function of that name."""
    return request.url.rstrip("/").endswith("component_server") and f'"fn_name":"{what}"' in (request.post_data or "")


def body_of(request: Request) -> dict[str, Any]:
    return json.loads(request.post_data or "")


def lose(page: Page, times: int, how: Callable[[Route], None], what: str = "translate") -> None:
    """The next translations, or what else the page asks for, do not reach the server."""
    left = iter(range(times))

    def handle(route: Route) -> None:
        if asks(route.request, what) and next(left, None) is not None:
            how(route)
        else:
            route.continue_()

    page.route("**/component_server/", handle)


def drop(page: Page, name: str, kind: str, content: bytes) -> None:
    """A file onto the paper, as from the desktop."""
    transfer = page.evaluate_handle(
        """([name, type, content]) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], name, { type }));
          return transfer;
        }""",
        [name, kind, base64.b64encode(content).decode()],
    )
    page.dispatch_event("#draw-canvas", "drop", {"dataTransfer": transfer})


def image(url: str | None) -> Image.Image:
    assert url is not None
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def pixels(url: str | None) -> np.ndarray:
    return np.asarray(image(url).convert("RGB")).astype(int)


def ink(drawing: np.ndarray) -> float:
    """Black on white: how many pixels' worth of it."""
    return float((255 - drawing).sum() / 3 / 255)
