"""What the server lets in: a middleware before all of Gradio.

Whoever can make a browser of this machine open a page can make it send requests here, too. Two things tell those from
the page's own: the name by which the browser asked for us (Host), and the page that asked (Origin). Programs send no
Origin. Gradio's own check, of CORS, hides answers from foreign pages, but carries out what they ask for.
"""

import asyncio
import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.uploads import FullError, Shelf

MB = 1_000_000
# The largest bodies that the page itself sends: two pictures of 1024 x 1024 as PNG in base64 take up to 8.4 MB, to a
# function of the canvas; what else it says are the values of some fields.
JSON_BYTES, DRAWING_BYTES = 1 * MB, 10 * MB
HELD_BYTES = 100 * MB  # of JSON whose answers are awaited: once it is read, each byte takes three of memory
LOGIN_BYTES = 10_000
PUBLIC_UPLOAD_BYTES = 40 * MB  # a photo of 32 million pixels, of which nearly all are smaller as JPEG or PNG
UPLOAD, SERVER = "/gradio_api/upload", "/gradio_api/component_server"
PUBLIC_KEPT_BYTES = 1_000 * MB
PRIVATE_BYTES = 20_000 * MB  # a large dataset as a zip
FORMS = {"/login": LOGIN_BYTES, UPLOAD: None}  # paths that take a form; all others take JSON
FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")
DEFAULT_PORTS = {"http": 80, "https": 443}
# A name or an address, perhaps a port, and nothing else: parsers of URLs would find `localhost` in `evil@localhost`.
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::([0-9]{0,5}))?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Rules:
    """Whom the server answers.

    hosts:   names by which it may be asked for beside those of this machine; None for any, which suits a page where
             nothing changes state
    proxies: those of them that a proxy may have put another name in the place of, so that their pages are our own
    upload:  bytes that an upload may have
    kept:    bytes of uploads, and of what was made of them, that are kept in all
    """

    hosts: frozenset[str] | None
    proxies: frozenset[str] = frozenset()
    upload: int = PRIVATE_BYTES
    kept: int = PRIVATE_BYTES

    @classmethod
    def private(cls, host: str, more: Iterable[str] = ()) -> "Rules":
        """Of a page on which one may train and delete. `host`: the address that it listens at."""
        names = {name_of(host)} - {"0.0.0.0"}  # "::" stays, since Gradio's check at its start asks for just that
        proxies = frozenset(name_of(name) for name in more) - {""}
        return cls(proxies | names, proxies)

    @classmethod
    def public(cls) -> "Rules":
        """Of a page for strangers, which a Space or a tunnel may serve by any name."""
        return cls(None, upload=PUBLIC_UPLOAD_BYTES, kept=PUBLIC_KEPT_BYTES)


class Guard:
    """ASGI middleware that answers 403, 413, 415, 503 or 507, in words, to what the rules keep out."""

    def __init__(self, app: ASGIApp, rules: Rules, shelf: Shelf) -> None:
        self.app, self.rules, self.shelf = app, rules, shelf
        self.held = _Held()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the start and the end of the server; Gradio has no websockets
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        path = scope["path"].rstrip("/")
        refusal = self._stranger(headers) or self._body(scope["method"], path, headers)
        if refusal:
            await refusal(scope, receive, send)
            return
        bounded = _Bounded(self.app, self._most(path), self.held if path not in FORMS else None)
        if path != UPLOAD or scope["method"] != "POST":
            await bounded.serve(scope, receive, send)
            return
        size = self._size(headers)
        try:
            await asyncio.to_thread(self.shelf.reserve, size)
        except FullError as error:
            await _refused(507, str(error))(scope, receive, send)
            return
        try:
            await bounded.serve(scope, receive, send)
        finally:
            self.shelf.release(size)

    def _stranger(self, headers: Headers) -> PlainTextResponse | None:
        """A 403 for a name that is not ours, or a page that is not."""
        if self.rules.hosts is None:
            return None
        host = headers.get("host", "")
        if not (is_loopback(host) or name_of(host) in self.rules.hosts):
            name = name_of(host) or "no name"
            return _refused(403, f"This app does not answer to {name!r}. If that is how you reach it, through a proxy "
                                 f"say, start it with --allow-host {name_of(host) or 'NAME'}.")  # fmt: skip
        origin = next((each for each in headers.getlist("origin") if not self._is_own(each, host)), None)
        if origin is not None:
            return _refused(403, f"This app does not answer to pages of {origin}. If that is its own address, through "
                                 "a proxy say, start it with --allow-host NAME.")  # fmt: skip
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether a page of that origin is the app's own: of the very address asked, or of a name that was allowed."""
        scheme, _, rest = origin.partition("://")  # `null`, say, which sandboxed pages and local files send, has none
        name, port = _address(rest)
        if not name or scheme not in DEFAULT_PORTS:
            return False
        if name in self.rules.proxies:
            return True
        asked_name, asked_port = _address(host)
        usual = DEFAULT_PORTS[scheme]
        return (name, port or usual) == (asked_name, asked_port or usual)

    def _body(self, method: str, path: str, headers: Headers) -> PlainTextResponse | None:
        """A 413 or 415 for a body that the page would not send."""
        if method in ("GET", "HEAD", "OPTIONS"):
            return None
        length = headers.get("content-length", "")
        if length == "0" or not (length or "transfer-encoding" in headers):
            return None
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if path in FORMS and kind not in FORM_TYPES:
            return _refused(415, "This address takes a form.")
        if path not in FORMS and kind != "application/json":
            return _refused(415, "This address takes JSON: send it with the header Content-Type: application/json.")
        most = self._most(path)
        if length and not (length.isdecimal() and int(length) <= most):
            return _too_large(most)
        return None

    def _size(self, headers: Headers) -> int:
        """Bytes that an upload may turn out to have."""
        length = headers.get("content-length", "")
        return int(length) if length.isdecimal() else min(self.rules.upload, PUBLIC_UPLOAD_BYTES)

    def _most(self, path: str) -> int:
        """Bytes that a body sent there may have."""
        if path in FORMS:
            return FORMS[path] or self.rules.upload
        return DRAWING_BYTES if path == SERVER else JSON_BYTES


@dataclass
class _Held:
    """Bytes of all the bodies that are worked on just now."""

    size: int = 0


class _Bounded:
    """One request to `app`, whose body is cut off after so many bytes with a 413, whatever its header said.

    Beyond HELD_BYTES of it and all others, it is cut off with a 503. held: None for a body that is not kept in memory
    """

    def __init__(self, app: ASGIApp, most: int, held: _Held | None = None) -> None:
        self.app, self.most, self.held = app, most, held or _Held()
        self.most_held = HELD_BYTES if held else inf
        self.received = 0
        self.begun = self.refused = False

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            message = await receive()
            size = len(message.get("body", b""))
            self.received += size
            self.held.size += size
            too_large = self.received > self.most
            if self.begun or not (too_large or self.held.size > self.most_held):
                return message
            if not self.refused:
                self.refused = True
                await (_too_large(self.most) if too_large else _too_many())(scope, receive, send)
            return {"type": "http.disconnect"}

        async def answered(message: Message) -> None:
            if not self.refused:
                self.begun = True
                await send(message)

        try:
            with suppress(ClientDisconnect):  # by our own refusal, or by whoever sent it: nobody waits for an answer
                await self.app(scope, counted, answered)
        finally:
            self.held.size -= self.received


def name_of(host: str) -> str:
    """`example.org` of `Example.org:7860`, `::1` of `[::1]:7860` and of `::1`; empty where there is none."""
    return _address(host)[0]


def is_loopback(host: str) -> bool:
    """Whether a name, with or without a port, always means the machine that asks."""
    name = name_of(host)
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _address(host: str) -> tuple[str, int | None]:
    """The name, and the port if there is one; no name for what is not just that."""
    found = HOST.fullmatch(host)
    name, port = (found[1], int(found[2] or 0)) if found else (f"[{host}]", 0)  # an IPv6 address may lack its brackets
    if port > 65535:
        return "", None
    try:
        name = str(ipaddress.ip_address(name[1:-1] if name.endswith("]") else name))
    except ValueError:
        name = "" if name.startswith("[") else name.lower().removesuffix(".")
    return name, port or None


def _too_large(most: int) -> PlainTextResponse:
    return _refused(413, f"This is too large: at most {most / MB:.3g} MB are taken here.")


def _too_many() -> PlainTextResponse:
    return _refused(503, "Too much is being sent here just now: try again in a moment.")


def _refused(status: int, words: str) -> PlainTextResponse:
    return PlainTextResponse(words + "\n", status)
