"""Datasets of the Hub, with the real huggingface_hub client, against a small server that speaks what it asks for."""

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import environ
from pathlib import Path
from threading import Thread

import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from pix2pix.data.pairs import find_pairs
from pix2pix.files.places import ROOT

FILES: dict[str, dict[str, bytes]] = {}  # repository -> file -> content


class Hub(BaseHTTPRequestHandler):
    """Says which files a dataset has, and hands them out."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        path = self.path.partition("?")[0]
        for repository, files in FILES.items():
            if path.startswith(f"/api/datasets/{repository}/tree/"):
                listed = [{"type": "file", "path": name, "size": len(data), "oid": "0"} for name, data in files.items()]
                return self._send(json.dumps(listed).encode())
            if path.startswith(f"/api/datasets/{repository}"):
                about = {"id": repository, "sha": "0" * 40, "siblings": [{"rfilename": name} for name in files]}
                return self._send(json.dumps(about).encode())
            name = path.removeprefix(f"/datasets/{repository}/resolve/main/")
            if name in files:
                return self._send(files[name])
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return b""

    def _send(self, data: bytes) -> bytes:
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return data

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    FILES.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def picture(shade: int, kind: str = "PNG") -> dict[str, object]:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (shade, shade, 99)).save(file, kind)
    return {"bytes": file.getvalue(), "path": None}


def table(**columns: list[object]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), file, row_group_size=2)
    return file.getvalue()


def bring(text: str, endpoint: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the client reads its settings when it is imported."""
    code = "import sys; from pix2pix.data.intake import *\n" \
           "try: print(bring(sys.argv[1]))\nexcept IntakeError as error: sys.exit(str(error))"  # fmt: skip
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run(
        [sys.executable, "-c", code, text],
        cwd=ROOT, env=environ | settings, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_pairs_come_from_the_hub_and_then_from_the_folder(hub: str, tmp_path: Path, runs: Path):
    shades = list(range(5))
    FILES["somebody/boxes"] = {
        "README.md": b"boxes",
        "data/train-00000-of-00001.parquet": table(
            imageA=[picture(shade) for shade in shades], imageB=[picture(200 + shade, "JPEG") for shade in shades]
        ),
        "data/validation-00000-of-00001.parquet": table(imageA=[picture(9)], imageB=[picture(209)]),
    }
    done = bring("somebody/boxes", hub, tmp_path)
    folder = Path(done.stdout.strip())
    assert folder == runs / "datasets" / "somebody--boxes", done.stderr
    found = find_pairs(folder)
    assert (found.layout, len(found.splits["train"]), len(found.splits["val"])) == ("folders", 5, 1)
    for shade, (_, a, b) in enumerate(found.splits["train"]):
        assert b
        with Image.open(a) as left, Image.open(b) as right:
            assert left.getpixel((0, 0)) == (shade, shade, 99)
            assert right.getpixel((0, 0)) == pytest.approx((200 + shade, 200 + shade, 99), abs=3)
            assert right.format == "JPEG"
    assert bring("hf://somebody/boxes", "http://127.0.0.1:9", tmp_path).stdout == done.stdout


def test_photos_alone_come_too(hub: str, tmp_path: Path):
    FILES["somebody/photos"] = {"train.parquet": table(image=[picture(5), picture(6)], label=[0, 1])}
    found = find_pairs(bring("somebody/photos", hub, tmp_path).stdout.strip())
    assert (found.layout, sum(map(len, found.splits.values()))) == ("photos", 2)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"pictures.zip": b""}, "has no parquet files"),
        ({"train.parquet": table(text=["a"], label=[1])}, "has the columns text, label; imageA and imageB"),
        ({"train.parquet": table(imageA=["a"], imageB=["b"])}, "its column imageA has no pictures in it"),
        ({"train.parquet": table(imageA=[b"no"], imageB=[b"no"])}, "something that is no picture"),
        ({"train.parquet": b"broken"}, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said_and_leaves_nothing(
    hub: str, tmp_path: Path, runs: Path, files: dict[str, bytes], message: str
):
    FILES["somebody/other"] = files
    done = bring("somebody/other", hub, tmp_path)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list((runs / "datasets").iterdir()) == []


@pytest.mark.parametrize(("name", "there"), [("nobody/nothing", True), ("somebody/boxes", False)])
def test_what_is_not_there_is_said(hub: str, tmp_path: Path, name: str, there: bool):
    done = bring(name, hub if there else "http://127.0.0.1:9", tmp_path)
    assert ("cannot be had from the Hub" if there else "cannot be reached") in done.stderr
    assert len(done.stderr.splitlines()) == 1, "the client does not try again and again"
