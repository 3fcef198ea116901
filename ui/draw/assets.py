"""Files that browsers fetch once and keep: what they need to compute pictures themselves, and other languages."""

import hashlib
import uuid
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ui.studio import Studio, find

PATH = "browser"  # below the page's own address
KEPT = 8  # generators, those that were asked for last; each has up to 16 MB here
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # of a file whose name is that of its content

_files: dict[str, tuple[bytes, str]] = {}  # by digest: the content and its type
_described: dict[tuple[Path, int], dict[str, Any]] = {}  # by file and its stamp, the one that was used last at the end


def describe(studio: Studio, name: str) -> Future[dict[str, Any]]:
    """Of a generator: what the page needs to know of it, and the paths of its files. Raises StudioError.

    It takes seconds of a core, once, in the thread that compiles: PyTorch traces no two networks at a time.
    """
    path = find(name)
    stamp = path.stat().st_mtime_ns
    return studio.compiling.submit(str(uuid.uuid4()), lambda: _describe(path, stamp))


def _describe(path: Path, stamp: int) -> dict[str, Any]:
    found = _described.pop((path, stamp), None) or _made(path)
    _described[path, stamp] = found
    while len(_described) > KEPT:
        gone = _described.pop(next(iter(_described)))
        kept = {address for each in _described.values() for address in each["files"].values()}
        for address in set(gone["files"].values()) - kept:
            del _files[address.removeprefix(f"{PATH}/")]
    return found


def _made(path: Path) -> dict[str, Any]:
    from pix2pix.inference import Translator
    from pix2pix.page import web

    parts = web.parts_of(Translator.load(path, "cpu"))
    files = {"graph": parts.graph, "weights": parts.weights, "runtime": web.runtime()}
    addresses = {name: offer(content, "application/gzip") for name, content in files.items()}
    addresses["worker"] = offer(web.worker_script().encode(), "text/javascript; charset=utf-8")
    return {"model": parts.model, "table": parts.table, "files": addresses}


def offer(content: bytes, kind: str) -> str:
    """Its address, below the page's own."""
    digest = hashlib.sha256(content).hexdigest()
    _files[digest] = content, kind
    return f"{PATH}/{digest}"


async def serve(request: Request) -> Response:
    """A file by its digest. Only what was offered to someone, and is kept, is there."""
    found = _files.get(request.path_params["digest"])
    if found is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    content, kind = found
    return Response(content, media_type=kind, headers=FOREVER)
