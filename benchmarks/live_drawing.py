"""From stroke to picture in real Chromium: our canvas against Gradio's own gr.Sketchpad, on the same checkpoint.

python benchmarks/live_drawing.py [--checkpoint edges2shoes] [--strokes 12]

Both apps are processes of their own, and both generators are compiled; Playwright draws the same strokes on each page,
in turn, as fast as a hand does. Chromium renders in software, and shares the processor with the app. A second table
says where the time of our pictures goes: what the server says of it in its answers (Server-Timing), what the browser
says of its requests, and what of a core the processes of both have used.
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
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Browser, Page, Request, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.load import serve
from benchmarks.machine import describe
from pix2pix.files.places import ROOT
from tests.browser.install import system_chromium

RESTED_MS = 100  # after an answer: who asks so late had nothing to ask for, as the pen did not move
MOVE_MS = 16  # between two moves of the pen
MOVES = 50  # of a stroke
PAPER = 0.8  # of a canvas is paper at least: gr.Sketchpad leaves a border
QUIET_MS = 2500  # without a new picture: the one that is there is the last
COMPILING_MS = 6000  # that the first pictures are given before anything counts
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
# Notes when a picture is shown, and when the pen is put down and lifted.
WATCH = """
window.seen = [], window.put = [], window.lifted = [], window.moved = 0;
document.addEventListener("load", (event) => event.target.matches?.(SELECTOR) && seen.push(performance.now()), true);
addEventListener("pointerdown", () => put.push(performance.now()), true);
addEventListener("pointermove", () => (moved = performance.now()), true);
addEventListener("pointerup", () => lifted.push(performance.now()), true);
"""
# Of each picture that was asked for: when, when it was there, and how long each stage of the server's work took.
ASKED = """performance.getEntriesByType("resource").filter((entry) => entry.serverTiming.length).map((entry) => ({
  asked: entry.fetchStart,
  answered: entry.responseEnd,
  server: Object.fromEntries(entry.serverTiming.map(({ name, duration }) => [name, duration])),
}))"""
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
    pictures: int = 0
    parts: dict[str, list[float]] = field(default_factory=dict)  # of what a picture takes, in ms
    cpu: dict[str, float] = field(default_factory=dict)  # seconds of a core, by who used them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="edges2shoes")
    parser.add_argument("--strokes", type=int, default=12)
    options = parser.parse_args()

    with serve() as (ours, app), stock(options.checkpoint) as theirs, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system_chromium(), args=CHROMIUM)
        pages = {
            "gr.Sketchpad": _open(browser, theirs, "#stock-pad canvas", "#stock-picture img", "queue/join"),
            "ours": _open(browser, ours, "#draw-canvas", "#draw-picture", "component_server"),
        }
        pages["ours"].app = app
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
    figures: dict[str, Any] = {}
    for name, board in seen.items():
        p50, p95 = np.quantile(board.latencies, (0.5, 0.95))
        row = {"p50_ms": p50, "p95_ms": p95, "during": np.mean(board.during), "requests": np.mean(board.requests)}
        figures[name] = {key: round(float(value), 1) for key, value in row.items()}
        print("| {} | {:.0f} | {:.0f} | {:.1f} | {:.1f} |".format(name, *row.values()))
    print()
    figures["parts"] = report_parts(seen["ours"])
    figures["ratio"] = round(figures["gr.Sketchpad"]["p50_ms"] / figures["ours"]["p50_ms"], 1)
    print(f"\nours is {figures['ratio']} times as fast\n\n{json.dumps(figures)}")


def report_parts(seen: Seen) -> dict[str, float]:
    """Where the time of a picture goes: medians, and seconds of a core for each."""
    rows = {name: float(np.median(times)) for name, times in seen.parts.items()}
    rows |= {f"{name}, of a core": 1000 * seconds / seen.pictures for name, seconds in seen.cpu.items()}
    print("| a picture of ours takes | ms |\n| --- | --- |")
    for name, milliseconds in rows.items():
        print(f"| {name} | {milliseconds:.1f} |")
    return {name: round(milliseconds, 1) for name, milliseconds in rows.items()}


class Board:
    """A page with a canvas and a picture."""

    def __init__(self, page: Page, canvas: str, asks: str) -> None:
        self.page, self.canvas, self.asks = page, canvas, asks
        self.seen, self.asked = Seen(), 0
        self.app: psutil.Process | None = None
        page.on("request", self._count)

    def _count(self, request: Request) -> None:
        wanted = self.asks in request.url and request.method == "POST"
        self.asked += wanted and (
            "fn_name" not in (request.post_data or "") or '"translate"' in (request.post_data or "")
        )

    def draw(self, number: int) -> None:
        """A stroke, and what comes of it."""
        self.page.evaluate("seen.length = put.length = lifted.length = 0")
        self.page.evaluate("performance.clearResourceTimings()")
        self.asked = 0
        before = self._cpu()
        self.stroke(number)
        while True:
            last = self.page.evaluate("Math.max(0, ...seen, ...lifted)")
            now = self.page.evaluate("performance.now()")
            if now - last > QUIET_MS:
                break
            self.page.wait_for_timeout(QUIET_MS - (now - last) + 50)
        times, (put, *_), (lifted, *_) = self.page.evaluate("[seen, put, lifted]")
        # The picture of the whole stroke may be there before the pen is lifted: nobody waits for it then.
        if not times or times[-1] < self.page.evaluate("moved"):
            raise RuntimeError(f"No picture came for the stroke on {self.canvas}.")
        self.seen.latencies.append(max(0.0, times[-1] - lifted))
        self.seen.during.append(1000 * sum(time_ <= lifted for time_ in times) / (lifted - put))
        self.seen.requests.append(self.asked)
        self.seen.pictures += len(times)
        for name, seconds in self._cpu().items():
            self.seen.cpu[name] = self.seen.cpu.get(name, 0.0) + seconds - before[name]
        self._take_apart(times, self.page.evaluate(ASKED))

    def _cpu(self) -> dict[str, float]:
        """Seconds of a core that each has used until now."""
        browser = [each for each in psutil.Process().children(recursive=True) if "chrom" in each.name()]
        used = {"Chromium": browser} | ({"the app": [self.app]} if self.app else {})
        return {name: sum(sum(each.cpu_times()[:2]) for each in processes) for name, processes in used.items()}

    def _take_apart(self, shown: list[float], asked: list[dict[str, Any]]) -> None:
        """`shown`: when each picture was there."""
        for each in asked:
            self._note("on the ways, and in Gradio", each["answered"] - each["asked"] - sum(each["server"].values()))
            for stage, milliseconds in each["server"].items():
                self._note(f"the server: {stage}", milliseconds)
            if after := [time_ for time_ in shown if time_ > each["answered"]]:
                self._note("until it is shown", after[0] - each["answered"])
        for each, following in pairwise(asked):
            if (passed := following["asked"] - each["answered"]) < RESTED_MS:
                self._note("from the answer to the next question", passed)

    def _note(self, part: str, milliseconds: float) -> None:
        self.seen.parts.setdefault(part, []).append(milliseconds)

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
