"""Several processes of the app behind a proxy that keeps each visitor on one of them, as compose.yaml starts them."""

import asyncio
import io
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
import uvicorn
import yaml
from gradio_client import Client, handle_file
from PIL import Image
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from benchmarks.app_process import free_port, running
from benchmarks.load import Page
from pix2pix.files import checkpoint, places
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.files.places import ROOT
from pix2pix.models import Generator, GeneratorConfig
from tests.test_canvas import drawn

COOKIE = "replica"
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}  # headers of one connection alone
SOON = 60  # seconds until a wait counts as failed


@dataclass
class Proxy:
    """A visitor's first request goes to the next replica, and all later ones there, as long as it answers."""

    replicas: list[str]
    served: list[int] = field(default_factory=list)  # which replica answered, request by request
    newcomers: int = 0

    def __post_init__(self) -> None:
        self.client = httpx.AsyncClient(timeout=SOON, trust_env=False)
        methods = ["GET", "HEAD", "POST"]
        self.app = Starlette(routes=[Route("/{path:path}", self.forward, methods=methods)])

    async def forward(self, request: Request) -> StreamingResponse:
        first = int(request.cookies.get(COOKIE, self.newcomers)) % len(self.replicas)
        self.newcomers += COOKIE not in request.cookies
        body = await request.body()
        for number in (first, 1 - first):
            url = self.replicas[number] + request.url.path + (f"?{request.url.query}" if request.url.query else "")
            headers = [(name, value) for name, value in request.headers.items() if name not in HOP]
            asked = self.client.build_request(request.method, url, headers=headers, content=body)
            try:
                answer = await self.client.send(asked, stream=True)
                break
            except httpx.TransportError:  # it is gone, maybe with a connection that was kept open
                continue
        else:
            raise AssertionError("no replica answers")
        self.served.append(number)
        headers = {name: value for name, value in answer.headers.items() if name not in HOP}
        reply = StreamingResponse(
            answer.aiter_raw(), answer.status_code, headers, background=BackgroundTask(answer.aclose)
        )
        reply.set_cookie(COOKIE, str(number))
        return reply


@dataclass
class Served:
    url: str
    proxy: Proxy
    processes: list[psutil.Popen]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    runs = tmp_path_factory.mktemp("replicas")
    metadata = Metadata("tiny", 1, a=Side("edges"), b=Side("photo"))
    checkpoint.save(runs / "tiny" / places.GENERATOR_FILE, Generator(GeneratorConfig(32, ngf=4)), metadata)
    # A Space is a public page, too, and needs no address that others reach.
    environment = {"SPACE_ID": "owner/name", "PIX2PIX_RUNS": str(runs)}
    with ExitStack() as stack, ThreadPoolExecutor() as at_once:
        both = [at_once.submit(stack.enter_context, running(**environment)) for _ in range(2)]
        apps = [started.result() for started in both]
        proxy, port = Proxy([app.url for app in apps]), free_port()
        server = uvicorn.Server(uvicorn.Config(proxy.app, port=port, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            assert thread.is_alive()
        yield Served(f"http://127.0.0.1:{port}", proxy, [app.process for app in apps])
        server.should_exit = True
        thread.join(SOON)


def draw(served: Served, times: int, **cookies: str) -> list[str]:
    """The pictures of one drawing that visitors get who draw once each."""

    async def visit() -> list[str]:
        pictures = []
        for visitor in range(times):
            async with httpx.AsyncClient(
                base_url=served.url, timeout=SOON, trust_env=False, cookies=cookies or None
            ) as client:
                page = await Page.open(client)
                client.cookies = httpx.Cookies(cookies)  # the drawing itself goes wherever the proxy likes
                asked = {"model": "tiny", "session": f"{visitor}", "picture": drawn()}
                pictures.append((await page.ask("translate", f"{visitor}", asked))["picture"])
        return pictures

    return asyncio.run(visit())


def test_any_replica_draws_the_same(served: Served):
    before = len(served.proxy.served)
    pictures = draw(served, 4)
    assert len(set(pictures)) == 1
    assert set(served.proxy.served[before:]) == {0, 1}


def test_what_was_uploaded_is_there_for_who_stays(served: Served, tmp_path: Path):
    """An upload, a call, its answer as a stream, and a file: all of one visitor."""
    Image.new("RGB", (32, 32), "white").save(tmp_path / "drawing.png")
    before = len(served.proxy.served)
    client = Client(served.url, headers={"Cookie": f"{COOKIE}=1"}, verbose=False)
    made = client.predict(handle_file(tmp_path / "drawing.png"), "tiny", None, api_name="/translate")
    assert Image.open(io.BytesIO(Path(made).read_bytes())).size == (32, 32)
    assert set(served.proxy.served[before:]) == {1}


def test_when_a_replica_is_gone_its_visitors_draw_on(served: Served):
    served.processes[0].terminate()
    served.processes[0].wait(SOON)
    before = len(served.proxy.served)
    assert draw(served, 1, replica="0")[0].startswith("data:image/png")
    assert set(served.proxy.served[before:]) == {1}


def test_compose_starts_them_so():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    app, caddyfile = services["services"]["app"], services["configs"]["caddyfile"]["content"]
    assert app["deploy"]["replicas"] == 2
    (port,) = app["expose"]
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert f"EXPOSE {port}" in dockerfile
    assert "--private" not in dockerfile + str(app), "a public page"
    assert re.search(rf"dynamic a app {port}\b", caddyfile)
    assert f"lb_policy cookie {COOKIE}" in caddyfile
    assert "volumes" not in app, "replicas share nothing"
