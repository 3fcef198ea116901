"""Hours of use: whether the app is as it was at the beginning, or keeps memory, processes, handles, threads or files.

python benchmarks/soak.py [--drawers 50] [--minutes 10] [--day-minutes 20]

First so many people draw at once while one training goes on. Then a day of visits in a row: each opens the page, draws,
has a picture translated, trains, takes the run along as a zip, deletes it and leaves. All is asked for as the page asks
for it, of `python app.py` on the loopback interface. It ends with 1 where something was kept or went wrong.
"""

import argparse
import asyncio
import io
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import load
from benchmarks.machine import describe
from pix2pix.data.facades import draw_pair

PATIENCE_S = 120.0  # until a request counts as lost: the drawers wait for each other
WARM_UP = 0.2  # share of the time after which things are as they will be
QUIET_S = 15.0  # in which threads that wait for work in vain end
MEMORY = 1.10  # times as much as after the warm-up is no leak
FEW = 4  # handles and threads more are none: pools grow to their size when they are needed
PAIRS = 8
ENDPOINT = "/gradio_api"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drawers", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10, help="of drawing at once (default: 10)")
    parser.add_argument("--day-minutes", type=float, default=20, help="of visits, one after the other (default: 20)")
    options = parser.parse_args()
    print(f"{describe()}\n")
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        with place.serve() as (url, process):
            asyncio.run(soak(url, process, place, options, faults))
            faults += [f"{child} is still there" for child in place.trainers() if child.is_running()]
        faults += place.left_over()
    print(
        "\n".join(["", *(f"FAULT: {fault}" for fault in faults)]) if faults else "\nNothing was kept, nothing failed."
    )
    return 1 if faults else 0


class Place:
    """The folders of an app of its own, of which nothing else makes use."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs, self.temporary = folder, folder / "runs", folder / "tmp"
        self.pairs = folder / "pairs"
        for each in (self.runs, self.temporary, self.pairs):
            each.mkdir()
        for number in range(PAIRS):
            draw_pair(number).save(self.pairs / f"{number}.png")

    @contextmanager
    def serve(self) -> Iterator[tuple[str, psutil.Process]]:
        with load.serve(PIX2PIX_RUNS=str(self.runs), TMPDIR=str(self.temporary), GRADIO_TEMP_DIR="") as served:
            yield served

    def trainers(self) -> list[psutil.Process]:
        """Those that train in a run of this app, whoever is above them."""
        found = []
        for process in psutil.process_iter():
            try:
                if any(word.startswith(str(self.runs)) for word in process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def left_over(self) -> list[str]:
        """Once the app has ended."""
        kept = [path for path in self.temporary.rglob("*") if path.is_file()]
        runs = [path for path in self.runs.glob("*") if path.is_dir() and path.name != "datasets"]
        return [f"{path} is left over" for path in (*kept, *runs)]


@dataclass(frozen=True)
class Measured:
    """What an app takes at a moment."""

    memory_mb: float
    handles: int
    threads: int
    children: int
    files: int
    """in its folder of temporary files"""

    @classmethod
    def of(cls, process: psutil.Process, place: Place) -> "Measured":
        with process.oneshot():
            memory, threads, handles = process.memory_info().rss / 1e6, process.num_threads(), process.num_fds()
        files = sum(1 for path in place.temporary.rglob("*") if path.is_file())
        return cls(memory, handles, threads, len(process.children(recursive=True)), files)

    def more_than(self, before: "Measured") -> list[str]:
        """In words, what has grown since then, and should not have."""
        found = []
        if self.memory_mb > MEMORY * before.memory_mb:
            found.append(f"memory grew from {before.memory_mb:.0f} to {self.memory_mb:.0f} MB")
        for name, allowed in (("handles", FEW), ("threads", FEW), ("children", 0)):
            if (now := getattr(self, name)) > (then := getattr(before, name)) + allowed:
                found.append(f"{name} grew from {then} to {now}")
        return found

    def row(self, name: str) -> str:
        return f"| {name} | " + " | ".join(f"{value:.0f}" for value in asdict(self).values()) + " |"


async def soak(url: str, process: psutil.Process, place: Place, options: argparse.Namespace, faults: list[str]) -> None:
    print("| when | memory (MB) | handles | threads | children | temporary files |")
    print("| --- | --- | --- | --- | --- | --- |")
    async with client_of(url) as client:
        page = await load.Page.open(client)
        drawings = [load._drawing(seed) for seed in range(load.DRAWINGS)]
        await load._draw_together(page, 1, drawings, load.SETTLE)
        if options.minutes:
            faults += await draw_together(page, process, place, drawings, options.drawers, 60 * options.minutes)
        if options.day_minutes:
            faults += await day(url, process, place, drawings, 60 * options.day_minutes)


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None)
    headers = {"Accept-Encoding": load.ENCODINGS}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=PATIENCE_S, limits=limits, trust_env=False
    ) as client:
        yield client


# --- many at once


async def draw_together(
    page: load.Page, process: psutil.Process, place: Place, drawings: list[str], drawers: int, seconds: float
) -> list[str]:
    """What went wrong, or was kept."""
    visit = Visit(page)
    await visit.call("train_start", str(place.pairs), "beside", "quick", "AtoB", "auto", "")
    await load._draw_together(page, drawers, drawings, WARM_UP * seconds)
    begun, trained = Measured.of(process, place), await visit.call("train_status", "beside")
    print(begun.row(f"{drawers} draw, after {WARM_UP * seconds:.0f} s"), flush=True)
    seen = await load._draw_together(page, drawers, drawings, (1 - WARM_UP) * seconds)
    ended, status = Measured.of(process, place), await visit.call("train_status", "beside")
    print(ended.row(f"after {seconds:.0f} s"), flush=True)
    pictures, errors = sum(len(each.latencies) for each in seen), sum(each.errors for each in seen)
    print(f"\n{pictures:,} pictures, {errors} errors; the training made its steps {trained['step']} to {status['step']}"
          f" of {status['total']}\n")  # fmt: skip
    faults = ended.more_than(begun)
    faults += [f"{errors} requests failed"] if errors else []
    faults += [f"{ended.files} files are left over"] if ended.files else []
    if status["error"] or status["state"] not in ("starting", "running", "finished"):
        faults.append(f"the training has {status['state']}: {status['error']}")
    await visit.call("train_stop", "beside")
    await visit.delete("beside")
    return faults


# --- a day


async def day(url: str, process: psutil.Process, place: Place, drawings: list[str], seconds: float) -> list[str]:
    """What went wrong, or was kept, after visits for so long."""
    faults: list[str] = []
    begun: Measured | None = None
    started, visits = time.monotonic(), 0
    while time.monotonic() - started < seconds or visits < 2:
        visits += 1
        try:
            await visit_of(url, place, drawings, random.Random(visits))
        except (httpx.HTTPError, RuntimeError, KeyError) as error:
            faults.append(f"visit {visits}: {type(error).__name__}: {error}")
        if begun is None and (time.monotonic() - started > WARM_UP * seconds or visits == 2):
            await asyncio.sleep(QUIET_S)
            begun = Measured.of(process, place)
            print(begun.row(f"after {visits} visits"), flush=True)
    await asyncio.sleep(QUIET_S)
    ended = Measured.of(process, place)
    print(ended.row(f"after {visits} visits"), flush=True)
    assert begun is not None
    return faults + ended.more_than(begun) + [f"{each} still trains" for each in place.trainers()]


async def visit_of(url: str, place: Place, drawings: list[str], rng: random.Random) -> None:
    """Someone opens the page, draws, uploads, trains, takes the run along, deletes it, and closes the page."""
    async with client_of(url) as client:
        for path in ("/", "/theme.css", "/manifest.json"):
            (await client.get(path)).raise_for_status()
        page = await load.Page.open(client)
        visit = Visit(page)
        async with visit.opened():
            seen = await load._draw(page, rng.randrange(1000), drawings, 3)
            if seen.errors:
                raise RuntimeError(f"{seen.errors} drawings failed")
            await visit.call("translate", await visit.upload(drawn(rng)), page.model, rng.randrange(100))
            name = f"visit-{rng.randrange(10**9)}"
            await visit.call("train_start", str(place.pairs), name, "quick", "AtoB", "auto", "")
            await visit.until_trained(name)
            await visit.call("train_stop", name)
            await visit.press("train-zip", name)
            await visit.press("train-report", name)
            await visit.delete(name)


def drawn(rng: random.Random) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((200 + rng.randrange(50), 200), 40).save(file, "PNG")
    return file.getvalue()


class Visit:
    """An open page of its own session."""

    def __init__(self, page: load.Page) -> None:
        self.client, self.session = page.client, f"soak-{random.randrange(1 << 40):x}"
        self.config: dict[str, Any] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """With the connection by which the server knows that the page is there, and what it asks for at its begin."""
        async with self.client.stream("GET", f"{ENDPOINT}/heartbeat/{self.session}"):
            for event in (await self._config())["dependencies"]:
                if [None, "load"] in [[self._element(key), name] for key, name in event["targets"]]:
                    await self._run(event["id"], [])
            yield

    async def call(self, endpoint: str, *data: Any) -> Any:
        """A named endpoint. Raises RuntimeError with the words of its refusal."""
        events = (await self._config())["dependencies"]
        (event,) = (each["id"] for each in events if each["api_name"] == endpoint)
        return (await self._run(event, list(data)))["data"][0]

    async def press(self, button: str, run: str) -> None:
        """One of the buttons below a run."""
        events = (await self._config())["dependencies"]
        (event,) = (each for each in events if [button, "click"] in
                    [[self._element(key), name] for key, name in each["targets"]])  # fmt: skip
        await self._run(event["id"], [run])

    async def delete(self, run: str) -> None:
        """With both of its buttons: the second deletes what the first has asked about."""
        await self.press("train-delete", run)
        await self.press("train-delete-sure", run)

    async def upload(self, content: bytes) -> dict[str, Any]:
        reply = await self.client.post(f"{ENDPOINT}/upload", files={"files": ("drawing.png", content)})
        return {"path": reply.raise_for_status().json()[0], "meta": {"_type": "gradio.FileData"}}

    async def until_trained(self, name: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not (status := await self.call("train_status", name))["step"]:
            if status["state"] == "failed" or time.monotonic() > deadline:
                raise RuntimeError(f"{name} has {status['state']}: {status['error'] or 'no step was made'}")
            await asyncio.sleep(1)

    async def _run(self, event: int, data: list[Any]) -> dict[str, Any]:
        """Through the queue, as the page does."""
        body = {"data": data, "fn_index": event, "session_hash": self.session, "event_data": None}
        joined = (await self.client.post(f"{ENDPOINT}/queue/join", json=body)).raise_for_status().json()["event_id"]
        params = {"session_hash": self.session}
        async with self.client.stream("GET", f"{ENDPOINT}/queue/data", params=params) as stream:
            async for line in stream.aiter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("event_id") == joined and message["msg"] == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(message["output"].get("error") or "the page was told of no reason")
                    return message["output"]
        raise RuntimeError("the server has closed the stream of events")

    async def _config(self) -> dict[str, Any]:
        self.config = self.config or (await self.client.get("/config")).json()
        return self.config

    def _element(self, key: int | None) -> str | None:
        """The elem_id of a component; None for the page as a whole."""
        props = (each["props"] for each in self.config["components"] if each["id"] == key)
        return next(props, {}).get("elem_id")


if __name__ == "__main__":
    sys.exit(main())
