"""`python app.py`, as a person starts it, and its endpoints, as a program calls them."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import gradio as gr
import psutil
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageOps

from benchmarks import app_process
from benchmarks.app_process import free_port, has_ended, running
from pix2pix import Translator
from pix2pix.files import checkpoint, places
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.files.places import ROOT
from pix2pix.input_checks import INVERTED
from pix2pix.models import Generator, GeneratorConfig
from tests.scenes import labels, photo, save
from tests.test_input_checks import boot
from training.config import TrainConfig
from training.run import Run
from ui.command import main
from ui.demo import ICON
from ui.studio import Studio


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of an app that was started from another folder, and its runs."""
    folder = tmp_path_factory.mktemp("served")
    generator = Generator(GeneratorConfig(32, ngf=4))
    metadata = Metadata("tiny", 1, a=Side("edges"), b=Side("photo"))
    checkpoint.save(folder / "runs" / "tiny" / places.GENERATOR_FILE, generator, metadata)
    url, runs = f"http://127.0.0.1:{free_port()}", folder / "runs"
    with running(cwd=folder, PIX2PIX_RUNS=str(runs), GRADIO_SERVER_PORT=url.rpartition(":")[2]) as started:
        assert started.url == url
        yield url, runs


@pytest.mark.parametrize(
    ("arguments", "public"),
    [([], False), (["--host", "localhost"], False), (["--host", "0.0.0.0"], True), (["--share"], True),
     (["--host", "0.0.0.0", "--private"], False), (["--share", "--private"], True), (["SPACE_ID"], True),
     (["GRADIO_SERVER_NAME"], True)],
)  # fmt: skip
def test_an_app_that_others_can_open_is_public(arguments: list[str], public: bool, monkeypatch: pytest.MonkeyPatch):
    built, launched = [], {}
    for name in [argument for argument in arguments if argument.isupper()]:  # what a Space sets
        monkeypatch.setenv(name, {"SPACE_ID": "owner/name", "GRADIO_SERVER_NAME": "0.0.0.0"}[name])
        arguments = []
    monkeypatch.setattr(sys, "argv", ["app.py", "--port", "8123", "--no-inbrowser", *arguments])
    monkeypatch.setattr(Studio, "warm_up_soon", lambda studio: built.append(studio))  # noqa: PLW0108 (to bind it)
    monkeypatch.setattr(gr.Blocks, "launch", lambda _, **options: launched.update(options))
    monkeypatch.setattr(gr.Blocks, "block_thread", lambda _: None)
    main()
    assert [studio.public for studio in built] == [public]
    assert (launched["server_port"], launched["share"]) == (8123, "--share" in arguments)


@pytest.mark.parametrize(
    ("address", "asked_for", "given"),
    [("0.0.0.0", ["--private"], "made"), ("0.0.0.0", ["--private"], "--password"),
     ("0.0.0.0", ["--private"], "PIX2PIX_PASSWORD"), ("127.0.0.1", ["--private"], "made"),
     ("127.0.0.1", ["--allow-host", "studio.example"], "made")],
)  # fmt: skip
def test_a_private_page_for_others_is_never_open(address: str, asked_for: list[str], given: str, tmp_path: Path):
    """As in Docker, whose image listens everywhere, or through a proxy. It prints only a password that it made."""
    environment = {"GRADIO_SERVER_NAME": address, "PIX2PIX_RUNS": str(tmp_path / "runs")}
    environment |= {given: "open sesame"} if given.isupper() else {}
    words = [given, "open sesame"] if given == "--password" else []
    with running(*asked_for, *words, **environment) as started:
        password = "open sesame"
        if given == "made":
            password = started.wait_until_said(re.compile(r"password (\S+)$", re.MULTILINE))
            assert len(password) >= 16
        else:
            assert "open sesame" not in started.said()
        url = f"http://127.0.0.1:{started.port}"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{url}/config", timeout=20)
        assert Client(url, auth=("anyone", password), verbose=False).view_api(return_format="dict", print_info=False)
        with pytest.raises(ValueError, match="Could not login"):
            Client(url, auth=("anyone", "another"), verbose=False)


def test_a_host_that_is_none_is_said():
    command = [sys.executable, str(ROOT / "app.py"), "--allow-host", "https://studio.example/"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'https://studio.example/' is no name of a host, such as studio.example.org" in done.stderr


PARENT = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("Open http://127.0.0.1:" + str(child.pid) + " in a browser.", flush=True)
time.sleep(600)
"""


def test_what_is_started_here_is_ended_with_all_below_it(monkeypatch: pytest.MonkeyPatch):
    """Also what does not heed SIGTERM, and has left its session."""
    monkeypatch.setattr(app_process, "END_S", 0.2)
    with running(program=["-c", PARENT]) as started:
        child = psutil.Process(started.port)
    assert has_ended(child)
    assert has_ended(started.process)


def test_what_ends_at_once_is_said():
    program = ["-c", "raise SystemExit('no more of this')"]
    with pytest.raises(RuntimeError, match="no more of this"), running(program=program):
        pass


def test_the_page_can_be_installed_as_an_app(served: tuple[str, Path]):
    with urllib.request.urlopen(f"{served[0]}/manifest.json", timeout=20) as answer:
        manifest = json.load(answer)
    assert manifest["name"] == "pix2pix studio"
    assert manifest["display"] == "standalone"
    assert manifest["icons"]
    for icon in manifest["icons"]:
        with urllib.request.urlopen(urljoin(f"{served[0]}/", icon["src"]), timeout=20) as picture:
            assert picture.read() == ICON.read_bytes()


def test_the_page_answers(served: tuple[str, Path]):
    with urllib.request.urlopen(served[0], timeout=20) as page:
        assert "pix2pix studio" in page.read().decode()


def test_a_program_translates_a_picture(served: tuple[str, Path], tmp_path: Path):
    url, runs = served
    drawing = Image.new("RGB", (50, 40), "white")
    drawing.save(tmp_path / "drawing.png")
    client = Client(url, verbose=False)
    result = client.predict(handle_file(tmp_path / "drawing.png"), "tiny", None, api_name="/translate")
    expected = Translator.load(runs / "tiny")(drawing)
    assert Image.open(result).convert("RGB").tobytes() == expected.tobytes()


def test_a_program_is_told_what_is_unlike_about_a_picture(served: tuple[str, Path], tmp_path: Path):
    client = Client(served[0], verbose=False)
    for name, picture, remark in (("dark", ImageOps.invert(boot()), INVERTED), ("right", boot(), None)):
        picture.save(tmp_path / f"{name}.png")
        made = client.predict(handle_file(tmp_path / f"{name}.png"), "tiny", None, api_name="/translate")
        with Image.open(made) as opened:
            assert (opened.size, opened.info.get("remark")) == (picture.size, remark)


def test_the_example_of_a_client_saves_what_the_app_draws(served: tuple[str, Path], tmp_path: Path):
    drawing = Image.new("RGB", (50, 40), "white")
    drawing.save(tmp_path / "drawing.png")
    command = [
        sys.executable,
        str(ROOT / "examples" / "client.py"),
        "drawing.png",
        "--url",
        served[0],
        "--model",
        "tiny",
    ]
    told = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "picture.webp is what tiny makes of drawing.png" in told
    with Image.open(tmp_path / "picture.webp") as picture:
        assert picture.size == drawing.size


def test_a_program_is_told_of_an_unknown_model(served: tuple[str, Path], tmp_path: Path):
    Image.new("RGB", (8, 8)).save(tmp_path / "drawing.png")
    client = Client(served[0], verbose=False)
    with pytest.raises(AppError, match=r"no model called 'nothing'.*tiny"):
        client.predict(handle_file(tmp_path / "drawing.png"), "nothing", None, api_name="/translate")


def test_a_program_is_asked_how_a_folder_is_to_be_read(
    served: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url, runs = served
    monkeypatch.setenv("PIX2PIX_RUNS", str(runs))
    for index in range(6):
        for folder, draw in (("train_label", labels), ("train_inst", labels), ("train_img", photo)):
            save(draw(index), tmp_path / folder / f"{index}.png")
    given, client = [str(tmp_path), "town", "quick", "AtoB"], Client(url, verbose=False)
    with pytest.raises(AppError, match=r"3 sets of files.*folders label,img \(pairs: .*folders inst,img \(pairs"):
        client.predict(*given, api_name="/train_start")
    assert not (runs / "town").exists(), "nothing starts before it is said which it is"
    assert client.predict(*given, folders="label, img", api_name="/train_start") == "town"
    run = Run.named("town")
    assert (run.config.folders, run.config.layout) == (("label", "img"), "auto")
    run.stop(grace_s=0, term_s=0)


def test_a_program_watches_a_training(served: tuple[str, Path], pairs: Path, monkeypatch: pytest.MonkeyPatch):
    url, runs = served
    monkeypatch.setenv("PIX2PIX_RUNS", str(runs))
    run = Run.create(TrainConfig(name="boxes", dataset=str(pairs), crop_size=32, load_size=32, ngf=4, ndf=4, steps=5))
    run.start()
    client = Client(url, verbose=False)
    deadline = time.monotonic() + 120
    while (status := client.predict("boxes", api_name="/train_status"))["state"] != "finished":
        assert status["state"] != "failed", status
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert (status["step"], status["total"]) == (5, 5)
