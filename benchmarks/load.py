"""Many drawers at once: what each gets of `python app.py`, over the very requests that the page makes.

python benchmarks/load.py [--seconds 60] [--streams 4 --cost 9] [--drawers 200]

The app is a process of its own on the loopback interface, with the generator that it offers first. A drawer is what
the page is: a pen that moves and rests, one request in flight, and the newest drawing sent when the answer returns.
Whoever is told to wait for his turn asks again with the newest drawing, and a picture's time counts from when it was
first asked for. The drawers share the processor with the app, and take some milliseconds of it a picture.

With `--streams` and `--cost` a machine is simulated that this one is not: its generator merely waits, so many
milliseconds for a picture, in so many streams at once. All else of the app is what it is, on the cores of this one.
"""

import argparse
import asyncio
import base64
import bisect
import io
import json
import random
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.app_process import running
from benchmarks.machine import describe
from pix2pix.files.places import ROOT

DRAWERS = (1, 5, 20, 50, 200)
SETTLE = 8  # seconds of drawing that are not counted, until the generator is compiled
PATIENCE = 10  # seconds until the page gives a request up
MOVES = 60  # of the pen, a second
DRAWINGS = 64  # different ones that are sent, drawn beforehand
ENCODINGS = "gzip, deflate, br, zstd"  # a browser's
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without certificates, which take a while to read
SIMULATED = """
import sys
import time
from threading import BoundedSemaphore
from pix2pix import inference
streams, cost = int(sys.argv.pop(1)), float(sys.argv.pop(1)) / 1000
free = BoundedSemaphore(streams)
def forward(a):
    with free:
        time.sleep(cost)
    return a
inference._openvino = lambda *_: (forward, "nothing", streams)
from ui.command import main
main()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="for each number of drawers (default: 60)")
    parser.add_argument("--drawers", type=int, nargs="+", default=DRAWERS, help="so many at once, one after the other")
    parser.add_argument("--streams", type=int, default=0, help="simulate a machine with so many")
    parser.add_argument("--cost", type=float, default=9.0, help="of a picture there, in ms")
    options = parser.parse_args()
    simulated = ["-c", SIMULATED, str(options.streams), str(options.cost)]
    with serve(simulated if options.streams else None) as (url, process):
        if options.streams:
            print(f"simulated: {options.streams} streams, in each of which a picture takes {options.cost:g} ms\n")
        figures = asyncio.run(measure(url, process, options.seconds, options.drawers))
    print("\n" + json.dumps(figures))


@contextmanager
def serve(program: list[str] | None = None, **environment: str) -> Iterator[tuple[str, psutil.Process]]:
    """`python app.py`, or another program, without any runs of one's own. Yields its address and its process."""
    program = program or [str(ROOT / "app.py")]
    with tempfile.TemporaryDirectory() as runs:
        environment = {"PIX2PIX_RUNS": runs} | environment
        with running(program=program, **environment) as app:
            yield app.url, app.process


async def measure(
    url: str, process: psutil.Process, seconds: float, numbers: Sequence[int] = DRAWERS
) -> dict[str, dict[str, float]]:
    drawings = [_drawing(seed) for seed in range(DRAWINGS)]
    async with browser(url) as client:
        page = await Page.open(client)
        print(f"{describe()}; {page.model}\n")
        print("| drawers | pictures/s | p50 (ms) | p95 (ms) | slowest drawer (/s) | errors | told to wait | RSS (MB) |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        await _draw_together(page, 1, drawings, SETTLE)
        figures = {}
        for drawers in numbers:
            seen = await _draw_together(page, drawers, drawings, seconds)
            row = figures[str(drawers)] = _row(seen, seconds) | {"rss_mb": process.memory_info().rss / 1e6}
            print("| {} | {:.1f} | {:.0f} | {:.0f} | {:.2f} | {} | {} | {:.0f} |".format(drawers, *row.values()))
    return {drawers: {name: round(value, 2) for name, value in row.items()} for drawers, row in figures.items()}


def browser(url: httpx.URL | str) -> httpx.AsyncClient:
    """A client for one person. Hundreds in one pool would wait for it: it goes through all of them for each request."""
    sys.modules.setdefault("sniffio", None)  # pyright: ignore[reportArgumentType]  # httpcore looks for it each time
    headers = {"Accept-Encoding": ENCODINGS}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE, verify=NO_TLS, trust_env=False)


@dataclass(frozen=True)
class Page:
    """What an open page knows: where the canvas' server functions are, and the model that it draws with."""

    client: httpx.AsyncClient
    component: int
    model: str = ""

    @classmethod
    async def open(cls, client: httpx.AsyncClient) -> "Page":
        config = (await client.get("/config")).json()
        component = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "draw")
        page = cls(client, component)
        models = await page.ask("models", "page", {})
        return cls(client, component, models[0]["name"])

    async def ask(self, function: str, session: str, data: dict[str, str]) -> Any:
        """As Gradio's page calls a server function. Raises httpx.HTTPError."""
        body = {"data": data, "component_id": self.component, "fn_name": function, "session_hash": session}
        reply = await self.client.post("/gradio_api/component_server/", json=body)
        return reply.raise_for_status().json()


@dataclass
class Seen:
    """What a drawer saw: of each picture how many seconds it took, and how often there was another answer, or none."""

    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    told_to_wait: int = 0


async def _draw_together(page: Page, drawers: int, drawings: list[str], seconds: float) -> list[Seen]:
    return await asyncio.gather(*(_draw(page, seed, drawings, seconds) for seed in range(drawers)))


async def _draw(page: Page, seed: int, drawings: list[str], seconds: float) -> Seen:
    async with browser(page.client.base_url) as client:
        return await _keep_up(replace(page, client=client), seed, drawings, seconds)


async def _keep_up(page: Page, seed: int, drawings: list[str], seconds: float) -> Seen:
    """`keepUp` of live.js in pix2pix/page: while the picture is not that of the drawing, the newest drawing is sent."""
    seen, changes, session = Seen(), _changes(random.Random(seed), seconds), f"drawer {seed}"
    started, shown, failures, asked = time.perf_counter(), 0, 0, None
    while (now := time.perf_counter() - started) < seconds:
        version = bisect.bisect(changes, now)
        if version == shown:
            await asyncio.sleep(changes[version] - now if version < len(changes) else seconds - now)
            continue
        asked = now if asked is None else asked
        picture = drawings[(7 * seed + version) % DRAWINGS]
        try:
            reply = await page.ask("translate", session, {"model": page.model, "session": session, "picture": picture})
        except httpx.HTTPError:
            reply = {"error": "lost"}
        if "picture" in reply:
            seen.latencies.append(time.perf_counter() - started - asked)
            shown, failures, asked = version, 0, None
            continue
        if "again_ms" in reply:
            seen.told_to_wait += 1
            await asyncio.sleep(0.001 * int(reply["again_ms"]))
            continue
        seen.errors += 1
        failures += 1
        await asyncio.sleep(min(4.0, 0.25 * 2**failures))
    return seen


def _changes(rng: random.Random, seconds: float) -> list[float]:
    """When the drawing changes, in seconds: strokes with short pauses between them, whatever the server does."""
    changes, now = [], rng.uniform(0, 0.5)
    while now < seconds:
        stroke = int(rng.uniform(0.4, 1.5) * MOVES)
        changes += [now + move / MOVES for move in range(stroke)]
        now = changes[-1] + rng.uniform(0.2, 0.8)
    return changes


def _drawing(seed: int) -> str:
    """A sketch of some strokes, in 256x256, as the page sends it."""
    rng = random.Random(seed)
    picture = Image.new("RGBA", (256, 256), "white")
    pen = ImageDraw.Draw(picture)
    for _ in range(1 + seed % 8):
        points = [(rng.uniform(20, 236), rng.uniform(60, 200)) for _ in range(6)]
        pen.line(points, "black", 2, "curve")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _row(seen: list[Seen], seconds: float) -> dict[str, float]:
    latencies = [1000 * latency for drawer in seen for latency in drawer.latencies]
    p50, p95 = np.quantile(latencies, (0.5, 0.95)) if latencies else (float("nan"),) * 2
    return {
        "pictures_per_s": len(latencies) / seconds,
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "slowest_per_s": min(len(drawer.latencies) for drawer in seen) / seconds,
        "errors": sum(drawer.errors for drawer in seen),
        "told_to_wait": sum(drawer.told_to_wait for drawer in seen),
    }


if __name__ == "__main__":
    main()
