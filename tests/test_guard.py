"""Whom the server answers: which names, which pages, which bodies; and that all who should get in still do."""

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from gradio_client import Client, handle_file
from PIL import Image
from starlette.responses import PlainTextResponse

from benchmarks.app_process import free_port
from ui import guard
from ui.blocks import Page
from ui.demo import create_demo
from ui.guard import SERVER, Guard, Rules, is_loopback, name_of
from ui.serving import launch
from ui.studio import Studio

JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    status: int
    words: str
    headers: dict[str, str]


class Served(NamedTuple):
    url: str
    port: int
    canvas: int  # the component whose server functions the page calls

    def ask(self, path: str = "/", body: Any = None, method: str = "", host: str = "", **headers: str) -> Answer:
        """Whatever a browser or a program might send; an underscore in the name of a header is a dash."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        try:
            connection.putrequest(method or ("GET" if body is None else "POST"), path, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            for key, value in named.items():
                connection.putheader(key, value)
            if isinstance(body, bytes) and "Content-Length" not in named:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(), dict(response.getheaders()))
        finally:
            connection.close()

    def call(self, fn: str, data: Any = None, **headers: str) -> Answer:
        """A server function of the canvas, without a session or a cookie."""
        about = {"data": data, "component_id": self.canvas, "fn_name": fn, "session_hash": "none"}
        return self.ask(SERVER, json.dumps(about).encode(), **{"Content_Type": "application/json", **headers})

    def told(self, endpoint: str, *data: Any) -> str:
        """What curl gets of a named endpoint, as the words of its event stream."""
        begun = self.ask(f"/gradio_api/call/{endpoint}", json.dumps({"data": data}).encode(), **JSON_)
        if begun.status != 200:
            return begun.words
        return self.ask(f"/gradio_api/call/{endpoint}/{json.loads(begun.words)['event_id']}").words


def serve(rules: Rules, public: bool = False, **options: Any) -> Iterator[Served]:
    port = free_port()
    demo = create_demo(Studio(public))
    url = launch(demo, rules, options.pop("host", "127.0.0.1"), port, **options)
    (canvas,) = (key for key, block in demo.blocks.items() if getattr(block, "elem_id", "") == "draw")
    yield Served(url, port, canvas)
    demo.close()


@pytest.fixture(scope="module")
def private() -> Iterator[Served]:
    yield from serve(Rules.private("127.0.0.1", ["studio.example"]))


@pytest.fixture(scope="module")
def public() -> Iterator[Served]:
    yield from serve(Rules.public(), public=True)


@pytest.fixture(scope="module")
def locked() -> Iterator[Served]:
    yield from serve(Rules.private("0.0.0.0"), password="open sesame", host="0.0.0.0")


# --- who gets in


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "localhost:{}", "localhost", "LOCALHOST:1", "[::1]:{}", "[::1]",
                                  "127.0.0.2:8", "studio.example", "studio.example:443", "localhost.:{}", "localhost:",
                                  "[::ffff:127.0.0.1]"])  # fmt: skip
def test_the_page_is_found_by_the_names_of_this_machine_and_those_that_were_allowed(private: Served, host: str):
    assert private.ask(host=host.format(private.port)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{}",
        "localhost.evil.example",
        "192.168.1.5:{}",
        "127.0.0.1.evil.example",
        "0.0.0.0:{}",
        "localhost@evil.example",
        "evil.example@localhost",
        "evil.example@127.0.0.1:{}",
        "localhost/.evil.example",
        "localhost?evil.example",
        "localhost#evil.example",
        "localhost:80:90",
        "localhost:99999",
        "localhost:x",
        "[::1",
        "[::1]evil.example",
        "[evil.example]",
        "[::ffff:8.8.8.8]",
        "localhost..",
        "[",
        "x:y",
    ],
)
@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info"])
def test_it_is_not_found_by_another_name(private: Served, host: str, path: str):
    answer = private.ask(path, host=host.format(private.port))
    assert answer.status in (400, 403)  # 400: the server itself takes it for no host at all
    assert answer.status == 400 or "--allow-host" in answer.words


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{}",
                                    "http://localhost:{}", "file://", "", "http://127.0.0.1", "127.0.0.1:{}",
                                    "http://127.0.0.1:{}@evil.example", "http://127.0.0.1:{} http://evil.example",
                                    "chrome-extension://127.0.0.1:{}"])  # fmt: skip
@pytest.mark.parametrize("host", ["127.0.0.1:{}", "[::1]:{}"])
def test_a_foreign_page_gets_nothing(private: Served, origin: str, host: str):
    origin, host = origin.format(private.port), host.format(private.port)
    if origin.startswith("https") and "::1" not in host:
        return  # a proxy that adds TLS at the same port would send this
    for answer in (
        private.call("models", Origin=origin, host=host),
        private.ask("/config", Origin=origin, host=host),
        private.ask(SERVER, method="OPTIONS", Origin=origin, host=host, Access_Control_Request_Method="POST"),
    ):
        assert answer.status == 403
        assert "access-control-allow-origin" not in {name.lower() for name in answer.headers}


@pytest.mark.parametrize("more", [b"Host: 127.0.0.1\r\nHost: evil.example\r\n", b"", b"Host: localhost\r\nOrigin: "
                                  b"http://localhost\r\nOrigin: http://evil.example\r\n"])  # fmt: skip
def test_what_no_browser_sends_gets_nothing(private: Served, more: bytes):
    """Two names, none at all, and two pages that ask."""
    with socket.create_connection(("127.0.0.1", private.port), 60) as connection:
        connection.sendall(b"GET /config HTTP/1.0\r\n" + more + b"\r\n")
        assert connection.recv(100).split()[1] in (b"400", b"403")


def test_a_page_of_evil_cannot_start_a_training(private: Served, runs: Path):
    """As text/plain no browser asks first whether it may send this, and Gradio reads it as JSON."""
    data = {"model": "edges2shoes", "picture": "data:,", "target": "data:,"}
    assert private.call("correct", data, Origin="http://evil.example", Content_Type="text/plain").status == 403
    assert private.call("correct", data, Content_Type="text/plain").status == 415
    assert private.call("correct", data, host="evil.example", Origin="http://evil.example").status == 403
    assert not runs.exists()


def test_uploads_of_a_foreign_page_are_refused(private: Served):
    body, kind = form(b"x")
    assert private.ask("/gradio_api/upload", body, Content_Type=kind, Origin="http://evil.example").status == 403


def test_the_page_itself_and_one_behind_a_proxy_get_in(private: Served):
    own = f"http://127.0.0.1:{private.port}"
    assert private.call("models", Origin=own).status == 200
    # The proxy keeps the name, or puts its own address in its place.
    assert private.call("models", Origin="https://studio.example", host="studio.example").status == 200
    assert private.call("models", Origin="https://studio.example").status == 200


def test_a_name_that_is_only_listened_at_is_no_proxy():
    rules = Rules.private("studio.lan")
    assert rules.hosts == {"studio.lan"}
    app = guard.Guard(None, rules, None)  # pyright: ignore[reportArgumentType]
    assert app._is_own("http://studio.lan:7860", "studio.lan:7860")
    assert not app._is_own("http://studio.lan:3000", "studio.lan:7860")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
def test_an_address_that_stands_for_all_is_no_name_of_the_page(host: str):
    assert "0.0.0.0" not in (Rules.private(host).hosts or ())
    assert not is_loopback(host)


@pytest.mark.parametrize(("host", "name"), [("[::1]:7860", "::1"), ("::1", "::1"), ("A.example.:80", "a.example"),
                                            ("", ""), ("[", ""), ("127.0.0.1", "127.0.0.1")])  # fmt: skip
def test_names_are_read_off_a_host(host: str, name: str):
    assert name_of(host) == name


# --- bodies


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_json_wants_its_content_type(private: Served, kind: str):
    assert private.call("models", Content_Type=kind).status == 415


def test_a_body_is_bounded_whatever_its_header_says(public: Served, private: Served):
    for served in (public, private):
        assert served.ask(SERVER, b"", Content_Length="500000000", **JSON_).status == 413
        huge = iter([b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))] * 11 + [b"0\r\n\r\n"])
        assert served.ask(SERVER, huge, Transfer_Encoding="chunked", **JSON_).status == 413
    assert public.ask("/gradio_api/upload", b"", Content_Length="500000000", Content_Type=form(b"")[1]).status == 413
    assert public.ask("/login", b"", Content_Length="50000", Content_Type="multipart/form-data").status == 413


JSON_ = {"Content_Type": "application/json"}


def test_values_of_fields_are_small(public: Served):
    words = json.dumps({"data": ["x" * guard.JSON_BYTES]}).encode()
    assert public.ask("/gradio_api/call/translate", words, **JSON_).status == 413


def test_many_bodies_at_once_are_bounded_in_all():
    """Each is of a size that is taken, and waits for an answer; then as many are taken again."""
    answers: list[int] = []

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.sleep(0.1)
        await PlainTextResponse("made")(scope, receive, send)

    bounded = Guard(waits, Rules.public(), None)  # pyright: ignore[reportArgumentType]
    headers = [(b"content-type", b"application/json"), (b"content-length", b"5000000")]
    scope = {"type": "http", "method": "POST", "path": SERVER, "headers": headers}

    async def receive() -> Any:
        return {"type": "http.request", "body": bytes(5_000_000), "more_body": False}

    async def send(message: Any) -> None:
        answers.extend([message["status"]] if "status" in message else [])

    async def many() -> None:
        await asyncio.gather(*(bounded(scope, receive, send) for _ in range(30)))

    for _ in range(2):
        answers.clear()
        asyncio.run(many())
        assert (answers.count(200), answers.count(503)) == (20, 10)
    assert bounded.held.size == 0


def test_a_private_page_takes_larger_uploads(private: Served):
    body, kind = form(b" " * (guard.HELD_BYTES + 1))
    answer = private.ask("/gradio_api/upload", body, Content_Type=kind)
    assert answer.status == 200
    Path(json.loads(answer.words)[0]).unlink()


def form(content: bytes) -> tuple[bytes, str]:
    """A multipart upload, as a browser sends it, and its content type."""
    head = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    return head + content + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge"


# --- what must go on working


def test_a_program_uses_the_page_as_before(private: Served, make_generator: Any, runs: Path, tmp_path: Path):
    make_generator("generator", folder=runs / "mine")
    Image.new("RGB", (50, 40), "white").save(tmp_path / "drawing.png")
    client = Client(private.url, verbose=False)
    endpoints = client.view_api(return_format="dict", print_info=False)
    assert isinstance(endpoints, dict)
    assert {"/translate", "/train_start", "/train_status", "/train_stop"} <= set(endpoints["named_endpoints"])
    result = client.predict(handle_file(tmp_path / "drawing.png"), "mine", None, api_name="/translate")
    with Image.open(result) as opened:
        assert opened.size == (50, 40)


def test_curl_uses_the_queue_and_its_event_stream(private: Served, runs: Path):
    begun = private.ask("/gradio_api/call/train_status", json.dumps({"data": ["none"]}).encode(), **JSON_)
    assert begun.status == 200
    told = private.ask(f"/gradio_api/call/train_status/{json.loads(begun.words)['event_id']}")
    assert told.status == 200
    assert "event: error" in told.words  # there is no such run


def test_the_canvas_answers_a_program_without_a_session(private: Served, make_generator: Any, runs: Path):
    make_generator("generator", folder=runs / "mine")
    assert "mine" in [model["name"] for model in json.loads(private.call("models").words)]


def test_an_upload_arrives(public: Served):
    body, kind = form(b"picture")
    answer = public.ask("/gradio_api/upload", body, Content_Type=kind)
    assert Path(json.loads(answer.words)[0]).read_bytes() == b"picture"


def test_a_public_page_answers_to_any_name(public: Served):
    assert public.ask(host="owner-name.hf.space").status == 200
    assert public.call("models", Origin="https://elsewhere.example", host="owner-name.hf.space").status == 200


def test_a_private_page_on_another_address_wants_its_password(locked: Served):
    assert locked.ask(host=f"localhost:{locked.port}").status == 200  # the page to log in
    assert locked.call("models").status == 401
    assert locked.ask(host=f"192.168.1.5:{locked.port}").status == 403
    assert Client(locked.url, auth=("me", "open sesame"), verbose=False).view_api(
        return_format="dict", print_info=False
    )
    with pytest.raises(ValueError, match="Could not login"):
        Client(locked.url, auth=("me", "wrong"), verbose=False)


def test_the_app_listens_at_an_ipv6_address():
    with Page() as demo:
        pass
    port = free_port()
    url = launch(demo, Rules.private("::1"), "::1", port)  # Gradio asks it for its start on the way
    assert url == f"http://[::1]:{port}/"
    demo.close()


def test_the_app_starts_where_a_busy_machine_takes_long_over_the_page(monkeypatch: pytest.MonkeyPatch):
    serve = Guard.__call__

    async def busy(guard: Guard, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == "/":
            await asyncio.sleep(5)
        await serve(guard, scope, receive, send)

    monkeypatch.setattr(Guard, "__call__", busy)
    with Page() as demo:
        pass
    assert launch(demo, Rules.private("127.0.0.1"), "127.0.0.1").startswith("http://127.0.0.1:")
    demo.close()
