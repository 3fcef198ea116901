"""From stroke to picture in real Chromium: our canvas against Gradio's own gr.Sketchpad, on the same checkpoint.

python benchmarks/live_drawing.py [--checkpoint edges2shoes] [--strokes 12]

Both apps are processes of their own, and both generators are compiled; Playwright draws the same strokes on each page,
in turn, as fast as a hand does. Chromium renders in software, and shares the processor with the app.
"""

import argparse
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, Request, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.load import serve
from benchmarks.machine import describe
from pix2pix.files.places import ROOT
from tests.browser.install import system_chromium

MOVE_MS = 16  # between two moves of the pen
MOVES = 50  # of a stroke
PAPER = 0.8  # of a canvas is paper at least: gr.Sketchpad leaves a border
QUIET_MS = 2500  # without a new picture: the one that is there is the last
COMPILING_MS = 6000  # that the first pictures are given before anything counts
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
# Notes when a picture is shown, and when the pen is put down and lifted.
WATCH = """
window.seen = [], window.put = [], window.lifted = [];
document.addEventListener("load", (event) => event.target.matches?.(SELECTOR) && seen.push(performance.now()), true);
addEventListener("pointerdown", () => put.push(performance.now()), true);
addEventListener("pointerup", () => lifted.push(performance.now()), true);
"""
STOCK = """
import sys
import gradio as gr
from pix2pix import Translator
translator = Translator.load(sys.argv[1]).compile()
def translate(drawing):
    return translator(drawing["composite"]) if drawing and drawing["composite"] is not None else None
with gr.Blocks(analytics_enabled=False) as demo:
    with gr.Row():
        brush = gr.Brush(default_size=4, colors=["#000000"], color_mode="fixed")
        pad = gr.Sketchpad(type="pil", canvas_size=(512, 512), brush=brush, layers=False, elem_id="stock-pad")
        picture = gr.Image(elem_id="stock-picture", height=512, width=512)
    pad.change(translate, pad, picture, show_progress="hidden")
demo.launch(server_port=int(sys.argv[2]), prevent_thread_lock=True)
demo.block_thread()
"""


@dataclass
class Seen:
    """What came of the strokes on one page."""

    latencies: list[float] = field(default_factory=list)  # ms from the pen's lift to the picture of the whole stroke
    during: list[float] = field(default_factory=list)  # pictures per second shown while the pen was down
    requests: list[int] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="edges2shoes")
    parser.add_argument("--strokes", type=int, default=12)
    options = parser.parse_args()

    with serve() as (ours, _), stock(options.checkpoint) as theirs, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system_chromium(), args=CHROMIUM)
        pages = {
            "gr.Sketchpad": _open(browser, theirs, "#stock-pad canvas", "#stock-picture img", "queue/join"),
            "ours": _open(browser, ours, "#draw-canvas", "#draw-picture", "component_server"),
        }
        pages["ours"].page.get_by_label("Model").select_option(options.checkpoint)
        pages["gr.Sketchpad"].page.get_by_role("button", name="Brush").first.click()
        for board in pages.values():
            board.stroke(0)
            board.page.wait_for_timeout(COMPILING_MS)
        for number in range(1, options.strokes + 1):
            for board in pages.values():
                board.draw(number)
        version = browser.version
        browser.close()
    report(options.checkpoint, version, {name: board.seen for name, board in pages.items()})


def report(checkpoint: str, version: str, seen: dict[str, Seen]) -> None:
    print(f"{describe()}; Chromium {version}; {checkpoint}\n")
    columns = "stroke end to picture, median (ms)", "95th percentile (ms)", "pictures per second meanwhile", "requests"
    print(f"| | {' | '.join(columns)} |")
    print("| --- | --- | --- | --- | --- |")
    figures = {}
    for name, board in seen.items():
        p50, p95 = np.quantile(board.latencies, (0.5, 0.95))
        row = {"p50_ms": p50, "p95_ms": p95, "during": np.mean(board.during), "requests": np.mean(board.requests)}
        figures[name] = {key: round(float(value), 1) for key, value in row.items()}
        print("| {} | {:.0f} | {:.0f} | {:.1f} | {:.1f} |".format(name, *row.values()))
    figures["ratio"] = round(figures["gr.Sketchpad"]["p50_ms"] / figures["ours"]["p50_ms"], 1)
    print(f"\nours is {figures['ratio']} times as fast\n\n{json.dumps(figures)}")


class Board:
    """A page with a canvas and a picture."""

    def __init__(self, page: Page, canvas: str, asks: str) -> None:
        self.page, self.canvas, self.asks = page, canvas, asks
        self.seen, self.asked = Seen(), 0
        page.on("request", self._count)

    def _count(self, request: Request) -> None:
        wanted = self.asks in request.url and request.method == "POST"
        self.asked += wanted and (
            "fn_name" not in (request.post_data or "") or '"translate"' in (request.post_data or "")
        )

    def draw(self, number: int) -> None:
        """A stroke, and what comes of it."""
        self.page.evaluate("seen.length = put.length = lifted.length = 0")
        self.asked = 0
        self.stroke(number)
        while True:
            last = self.page.evaluate("Math.max(0, ...seen, ...lifted)")
            now = self.page.evaluate("performance.now()")
            if now - last > QUIET_MS:
                break
            self.page.wait_for_timeout(QUIET_MS - (now - last) + 50)
        times, (put, *_), (lifted, *_) = self.page.evaluate("[seen, put, lifted]")
        after = [time_ - lifted for time_ in times if time_ > lifted]
        if not after:
            raise RuntimeError(f"No picture came for the stroke on {self.canvas}.")
        self.seen.latencies.append(after[-1])
        self.seen.during.append(1000 * sum(time_ <= lifted for time_ in times) / (lifted - put))
        self.seen.requests.append(self.asked)

    def stroke(self, number: int) -> None:
        box = self.page.locator(self.canvas).first.bounding_box()
        assert box
        rng = np.random.default_rng(number)
        angle = np.linspace(0, rng.uniform(2, 5), MOVES) + rng.uniform(0, 6)
        x, y = 0.35 * np.cos(angle), rng.uniform(0.1, 0.35) * np.sin(angle)
        middle_x, middle_y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        side = PAPER * min(box["width"], box["height"])
        mouse = self.page.mouse
        for index, (px, py) in enumerate(zip(x, y, strict=True)):
            began = time.perf_counter()
            mouse.move(middle_x + px * side, middle_y + py * side)
            if index == 0:
                mouse.down()
            self.page.wait_for_timeout(max(0.0, MOVE_MS - 1000 * (time.perf_counter() - began)))
        mouse.up()


def _open(browser: Browser, url: str, canvas: str, picture: str, asks: str) -> Board:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(WATCH.replace("SELECTOR", json.dumps(picture)))
    page.goto(url)
    page.locator(canvas).first.wait_for()
    page.wait_for_timeout(1000)
    return Board(page, canvas, asks)


@contextmanager
def stock(checkpoint: str) -> Iterator[str]:
    """An app of the stock components. Yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-c", STOCK, checkpoint, port]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            while "http" not in (line := process.stdout.readline()):
                if not line:
                    raise RuntimeError("The app of stock components did not start.")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
