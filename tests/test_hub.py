"""hf://owner/name with the real huggingface_hub client, against a small server that speaks what it asks for."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from PIL import Image

from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.files.download import HubError
from pix2pix.files.places import ROOT
from pix2pix.files.push import card, push
from pix2pix.page.sheet import sample_picture
from tests.rounding import SAME

NOBODY = "http://127.0.0.1:9"
TOKEN = "hf_of_somebody"
COMMIT = {"main": "a" * 40, "v1": "b" * 40}


class Hub(ThreadingHTTPServer):
    """Repositories of files by revision; `gated` ones want a token, and so does all that writes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: dict[str, dict[str, dict[str, bytes]]] = {}  # repository -> revision -> path -> content
        self.gated: set[str] = set()
        self.blobs: dict[str, bytes] = {}  # sent for a commit that is yet to come
        self.cards: list[str] = []  # that were asked to be validated
        self.private: dict[str, bool] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Hub  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._file(body=False)

    def do_GET(self) -> None:
        if self.path == "/api/whoami-v2":
            return self._json({"name": "somebody", "type": "user"}) if self._known() else self._error(401)
        return self._file(body=True)

    def _file(self, body: bool) -> None:
        found = re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/([\w.-]+)/(.+)", self.path)
        repository, revision, path = found.groups() if found else ("", "", "")
        if repository not in self.server.files:
            return self._error(404, "RepoNotFound")
        if repository in self.server.gated and not self._known():
            return self._error(403, "GatedRepo")
        by_name = {COMMIT.get(name, name): files for name, files in self.server.files[repository].items()}
        commit = COMMIT.get(revision, revision)
        if commit not in by_name:
            return self._error(404, "RevisionNotFound")
        if path not in by_name[commit]:
            return self._error(404, "EntryNotFound", commit)
        content = by_name[commit][path]
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        repository = "/".join(self.path.removeprefix("/api/models/").lstrip("/").split("/")[:2]).removesuffix(".git")
        if self.path == "/api/validate-yaml":
            self.server.cards.append(json.loads(body)["content"])
            return self._json({"errors": [], "warnings": []})
        if not self._known():
            return self._error(401)
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization') or 'somebody'}/{asked['name']}"
            if not name.startswith("somebody/"):
                return self._error(403)
            self.server.private[name] = bool(asked.get("private") or asked.get("visibility") == "private")
            self.server.files.setdefault(name, {"main": {}})
            return self._json({"url": f"{self.server.url}/{name}"})
        if "/preupload/" in self.path:
            files = json.loads(body)["files"]
            mode = {True: "lfs", False: "regular"}
            return self._json(
                {"files": [{"path": f["path"], "uploadMode": mode[f["path"].endswith(("safetensors", "jpg"))],
                            "shouldIgnore": False} for f in files]}
            )  # fmt: skip
        if self.path.endswith(".git/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            upload = {o["oid"]: {"upload": {"href": f"{self.server.url}/blob/{o['oid']}"}} for o in objects}
            return self._json({"transfer": "basic", "objects": [{**o, "actions": upload[o["oid"]]} for o in objects]})
        if "/commit/" in self.path:
            return self._commit(repository, [json.loads(line) for line in body.splitlines()])
        return self._error(404)

    def _commit(self, repository: str, lines: list[dict[str, Any]]) -> None:
        files = self.server.files[repository]["main"]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.blobs[value["oid"]]
        self._json({"commitOid": "a" * 40, "commitUrl": f"{self.server.url}/{repository}/commit/{'a' * 40}"})

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.blobs[self.path.rpartition("/")[2]] = content
        assert hashlib.sha256(content).hexdigest() == self.path.rpartition("/")[2]
        self._json({})

    def _known(self) -> bool:
        return self.headers["Authorization"] == f"Bearer {TOKEN}"

    def _json(self, data: object) -> None:
        content = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _error(self, status: int, code: str = "", commit: str = "") -> None:
        self.send_response(status)
        for name, value in (("X-Error-Code", code), ("X-Repo-Commit", commit)):
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(make_generator: Callable[..., Path]) -> Iterator[Hub]:
    server = Hub()
    now, before = make_generator("boxes").read_bytes(), make_generator("first-boxes").read_bytes()
    server.files["somebody/boxes"] = {
        "main": {"generator.safetensors": now},
        "v1": {"generator.safetensors": before},
    }
    server.files["somebody/secret"] = {"main": {"generator.safetensors": now}}
    server.gated.add("somebody/secret")
    server.files["somebody/words"] = {"main": {"README.md": b"#"}}
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pix2pix(server: Hub, tmp_path: Path) -> Command:
    """`python -m pix2pix …` with a cache of its own."""

    def pix2pix(*arguments: str, endpoint: str = server.url, **settings: str) -> subprocess.CompletedProcess[str]:
        own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}
        return subprocess.run(
            [sys.executable, "-m", "pix2pix", *arguments],
            cwd=ROOT, env=os.environ | own | settings, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return pix2pix


def test_a_generator_comes_from_the_hub_and_then_from_the_cache(pix2pix: Command):
    first = pix2pix("info", "hf://somebody/boxes", TQDM_POSITION="-1")  # as if stderr were a terminal
    assert json.loads(first.stdout)["name"] == "boxes"
    assert "generator.safetensors" in first.stderr  # the progress of the download
    assert json.loads(pix2pix("info", "hf://somebody/boxes", endpoint=NOBODY).stdout)["name"] == "boxes"
    assert json.loads(pix2pix("info", "hf://somebody/boxes", HF_HUB_OFFLINE="1").stdout)["name"] == "boxes"


def test_a_revision_is_what_was_there_then(pix2pix: Command):
    for revision in ("v1", COMMIT["v1"]):
        assert json.loads(pix2pix("info", f"hf://somebody/boxes@{revision}").stdout)["name"] == "first-boxes"
    assert json.loads(pix2pix("info", "hf://somebody/boxes@main").stdout)["name"] == "boxes"
    assert json.loads(pix2pix("info", "hf://somebody/boxes@v1", endpoint=NOBODY).stdout)["name"] == "first-boxes"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf://somebody/nothing", "cannot be had: 404, there is no such repository, or it is private: log in"),
        ("hf://some/bo/dy", "not of the form hf://owner/name"),
        ("hf://somebody/secret", "is gated: accept its terms at http://127.0.0.1"),
        ("hf://somebody/boxes@v9", "has no revision 'v9'"),
        ("hf://somebody/words", "has no generator.safetensors; `python -m pix2pix import` reads"),
    ],
)
def test_what_cannot_be_had_is_said_in_a_line(pix2pix: Command, name: str, message: str):
    done = pix2pix("info", name)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith(f"error: {name}")
    assert len(done.stderr.splitlines()) == 1


def test_a_gated_repository_opens_with_a_token(pix2pix: Command):
    assert json.loads(pix2pix("info", "hf://somebody/secret", HF_TOKEN=TOKEN).stdout)["name"] == "boxes"


def test_no_network_is_said_in_a_line(pix2pix: Command):
    done = pix2pix("info", "hf://somebody/boxes", endpoint=NOBODY)
    assert done.returncode == 2
    assert done.stderr == "error: hf://somebody/boxes is not in the cache, and the Hub cannot be reached\n"
    assert "HF_HUB_OFFLINE forbids" in pix2pix("info", "hf://somebody/boxes", HF_HUB_OFFLINE="1").stderr


def test_weights_of_another_project_are_imported_from_the_hub(pix2pix: Command, server: Hub, tmp_path: Path):
    from tests.test_foreign import NETWORKS

    torch.save(NETWORKS["unet_128 batch"]().state_dict(), tmp_path / "G.bin")
    server.files["somebody/theirs"] = {"main": {"pytorch_model.bin": (tmp_path / "G.bin").read_bytes()}}
    done = pix2pix("import", "hf://somebody/theirs", "--name", "theirs")
    assert done.returncode == 0, done.stderr
    told = json.loads(pix2pix("info", "theirs").stdout)
    assert told["architecture"]["network"] == "junyanz-unet"
    assert told["provenance"] == "imported from hf://somebody/theirs"
    again = pix2pix("import", "hf://somebody/words", "--name", "words")
    assert "has no generator.safetensors or pytorch_model.bin or" in again.stderr


@pytest.fixture
def run(make_generator: Callable[..., Path], runs: Path) -> Path:
    return make_generator("generator", folder=runs / "mine")


def test_a_generator_is_pushed_and_comes_back(pix2pix: Command, server: Hub, run: Path, tmp_path: Path):
    """First as a private one, and then again, which does no harm."""
    assert pix2pix("push", "mine", "somebody/mine", "--private", HF_TOKEN=TOKEN).returncode == 0
    assert server.private["somebody/mine"] is True
    done = pix2pix("push", "mine", "somebody/mine", HF_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{server.url}/somebody/mine"
    files = server.files["somebody/mine"]["main"]
    assert set(files) >= {"README.md", "config.json", "generator.safetensors", "model.safetensors", "sample.jpg"}
    assert files["generator.safetensors"] == files["model.safetensors"] == run.read_bytes()
    assert server.private["somebody/mine"] is False, "what was asked for"
    assert json.loads(pix2pix("info", "hf://somebody/mine").stdout)["steps"] == 7
    assert server.cards  # the Hub was asked whether the card is well-formed
    check_the_mixin_loads_it(server, run, tmp_path)


def check_the_mixin_loads_it(server: Hub, run: Path, folder: Path) -> None:
    code = """
import torch
from huggingface_hub import PyTorchModelHubMixin
from pix2pix import Generator

class OnTheHub(Generator, PyTorchModelHubMixin):
    pass

generator = OnTheHub.from_pretrained("somebody/mine").eval().double()
torch.manual_seed(0)
print(float(generator(torch.rand(1, 3, 32, 32).double()).sum()))
"""
    settings = {"HF_ENDPOINT": server.url, "HF_HOME": str(folder / "cache"), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=True
    )
    generator, _ = checkpoint.load(run)
    torch.manual_seed(0)
    with torch.no_grad():
        expected = float(generator.double()(torch.rand(1, 3, 32, 32).double()).sum())
    assert float(done.stdout) == pytest.approx(expected, abs=SAME)


@pytest.mark.parametrize(
    ("repository", "token", "message"),
    [
        ("somebody/mine", "", "does not know who you are: log in with `hf auth login`"),
        ("somebody/mine", "hf_wrong", "may not be written with this token"),
        ("mine", TOKEN, "not of the form owner/name"),
    ],
)
def test_what_cannot_be_pushed_is_said(pix2pix: Command, run: Path, repository: str, token: str, message: str):
    done = pix2pix("push", "mine", repository, HF_TOKEN=token)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_push_that_fails_makes_no_repository(server: Hub, run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    before = set(server.files)
    with pytest.raises(FileNotFoundError):
        push("mine", "somebody/mine", lambda path: Image.open(path.with_name("lost.png")))
    with pytest.raises(HubError, match="another/mine may not be written with this token"):
        push("mine", "another/mine", lambda _: Image.new("RGB", (8, 8)))
    assert set(server.files) == before


def test_no_network_is_said_of_a_push_too(pix2pix: Command, run: Path):
    done = pix2pix("push", "mine", "somebody/mine", endpoint=NOBODY, HF_TOKEN=TOKEN)
    assert done.returncode == 2
    assert "the Hub cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("licence", "expected"),
    [("MIT", ("mit", None)), ("weights for research | only", ("other", "weights-for-research-only")),
     ("unknown", ("unknown", None))],
)  # fmt: skip
def test_the_card_is_one_of_the_hub(licence: str, expected: tuple[str, str | None]):
    from huggingface_hub import ModelCard

    about = Metadata("mine", 1234, a=Side("edges"), b=Side("photo"), licence=licence, dataset="my shoes")
    made = ModelCard(card(about, "somebody/mine"))
    told = made.data.to_dict()
    assert (told["license"], told.get("license_name")) == expected
    assert (told["pipeline_tag"], told["library_name"]) == ("image-to-image", "pytorch")
    assert told["datasets"] == ["my-shoes"]
    assert 'Translator.load("hf://somebody/mine")' in made.text
    assert "| training steps | 1,234 |" in made.text
    assert "![What it is given, above, and what it makes of it, below](sample.jpg)" in made.text


def test_the_sample_of_a_model_of_photos_is_its_newest_preview(make_generator: Callable[..., Path], runs: Path):
    path = make_generator("generator", kind="photo", folder=runs / "mine")
    (path.parent / "previews").mkdir()
    for step, colour in ((100, "red"), (200, "blue")):
        Image.new("RGB", (90, 60), colour).save(path.parent / "previews" / f"{step:06d}.jpg")
    red, _, blue = sample_picture(path).resize((1, 1)).getpixel((0, 0))  # pyright: ignore[reportGeneralTypeIssues]
    assert blue > 200 > red


def test_the_sample_of_a_model_of_drawings_is_made_of_its_drawings(make_generator: Callable[..., Path]):
    sheet = sample_picture(make_generator("boxes"))
    assert sheet.width > 5 * 256
    assert sheet.crop((4, 4, 200, 200)).getcolors(maxcolors=40_000)
