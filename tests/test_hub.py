"""hf://owner/name with the real huggingface_hub client, against a small server that speaks what it asks for."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pix2pix.places import ROOT


class Hub(BaseHTTPRequestHandler):
    """One repository, somebody/boxes, with one file."""

    content = b""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        if self._answer():
            self.wfile.write(self.content)

    def _answer(self) -> bool:
        found = self.path == "/somebody/boxes/resolve/main/generator.safetensors"
        self.send_response(200 if found else 404)
        if found:
            self.send_header("ETag", f'"{hashlib.sha256(self.content).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
        else:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", str(len(self.content) if found else 0))
        self.end_headers()
        return found

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(make_generator: Callable[..., Path]) -> Iterator[str]:
    Hub.content = make_generator("boxes").read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def info(hub: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`python -m pix2pix info NAME` with a cache of its own."""

    def info(name: str, endpoint: str = hub) -> subprocess.CompletedProcess[str]:
        settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}
        command = [sys.executable, "-m", "pix2pix", "info", name]
        environment = os.environ | settings
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    return info


def test_a_generator_comes_from_the_hub_and_then_from_the_cache(info: Callable):
    assert json.loads(info("hf://somebody/boxes").stdout)["name"] == "boxes"
    nobody_there = "http://127.0.0.1:9"
    assert json.loads(info("hf://somebody/boxes", nobody_there).stdout)["name"] == "boxes"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf://somebody/nothing", "cannot be had: 404"),
        ("hf://some/bo/dy", "not of the form hf://owner/name"),
    ],
)
def test_what_cannot_be_had_is_said_in_a_line(info: Callable, name: str, message: str):
    done = info(name)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith(f"error: {name}")


def test_no_network_is_said_in_a_line(info: Callable):
    done = info("hf://somebody/boxes", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert "not in the cache, and the Hub cannot be reached" in done.stderr
