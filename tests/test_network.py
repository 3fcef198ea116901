"""Nothing comes from the network at run time but what the user asks for: the app, a translation and a training."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.app_process import running
from tests.test_guard import Served, form
from tests.waiting import wait_until
from ui import guard

# What every Python process of the app does first, since it is found on its path.
WATCH = """
import ipaddress, os, sys

def near(host):
    try:
        return ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host in ("localhost", "", None)

def watch(event, values):
    if event in ("socket.connect", "socket.sendto") and isinstance(values[1], tuple):
        host = values[1][0]
    elif event == "socket.getaddrinfo":
        host = values[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if not near(host):
        with open(os.environ["ASKED_FOR"], "a") as file:
            print(event, host, *sys.argv, file=file)

sys.addaudithook(watch)
"""


@pytest.fixture
def asked_for(tmp_path: Path) -> Path:
    """A file with the hosts beyond this machine that were asked for."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    return tmp_path / "asked-for"


def test_the_app_asks_no_other_machine_for_anything(asked_for: Path, tmp_path: Path, pairs: Path, runs: Path):
    watched = {"ASKED_FOR": str(asked_for), "PYTHONPATH": str(tmp_path / "watch")}
    as_everywhere = ["GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE"]
    with running(cwd=tmp_path, without=as_everywhere, **watched) as app:
        served = Served(app.url, app.port, 0)
        assert served.ask("/").status == 200
        assert served.ask("/config").status == 200
        body, kind = form(next(pairs.glob("*.png")).read_bytes())
        path = json.loads(served.ask(guard.UPLOAD, body, Content_Type=kind).words)[0]
        sent = {"path": path, "meta": {"_type": "gradio.FileData"}}
        assert "event: complete" in served.told("translate", sent, "edges2shoes", None)
        assert "event: complete" in served.told("train_start", str(pairs), "boxes", "quick", "AtoB", "auto", "")
        wait_until(lambda: '"state": "running"' in served.told("train_status", "boxes"))
        assert "event: complete" in served.told("train_stop", "boxes")
    assert not asked_for.exists(), asked_for.read_text()


def test_what_is_asked_for_would_be_seen(asked_for: Path, tmp_path: Path):
    environment = os.environ | {"ASKED_FOR": str(asked_for), "PYTHONPATH": str(tmp_path / "watch")}
    code = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 0.1)\nexcept OSError: pass"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert "192.0.2.1" in asked_for.read_text()
