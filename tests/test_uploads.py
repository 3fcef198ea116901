"""What is sent to the page as files: nothing stays that is no use, and not more than there is room for."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image
from safetensors.torch import save_file
from torch import zeros

from benchmarks.app_process import running
from tests.test_guard import Served, form, serve
from training.config import TrainConfig
from training.run import Run
from ui import command, guard, models, upload, uploads
from ui.demo import create_demo
from ui.guard import Rules
from ui.studio import Studio
from ui.train.cost import Costs
from ui.uploads import FullError, Shelf


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads lie."""
    monkeypatch.setenv(command.FOLDER, str(tmp_path / "uploads"))
    return tmp_path / "uploads"


def put(folder: Path, name: str, content: bytes = b"no picture", age_s: float = 0) -> Path:
    path = folder / f"hash-of-{name}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    return path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# --- what is no use goes


def test_a_picture_that_is_none_is_deleted_and_others_stay(folder: Path):
    good = put(folder, "good.png")
    Image.new("RGB", (8, 8)).save(good)
    how: Any = ("edges2shoes", False, 0.5, "square", None)
    upload._translate(Studio(), str(good), *how)
    with pytest.raises(gr.Error, match="not a picture"):
        upload._translate(Studio(), str(put(folder, "bad.png")), *how)
    assert left(folder) == ["good.png"]
    assert [path.name for path in folder.iterdir()] == ["hash-of-good.png"], "nor is its folder left"


def test_what_was_not_uploaded_is_never_deleted(folder: Path, tmp_path: Path):
    mine = put(tmp_path, "mine.png")
    (folder / "link").mkdir(parents=True)
    (folder / "link" / "x.png").symlink_to(mine)
    uploads.forget([mine, folder / "link" / "x.png", folder / ".." / "hash-of-mine.png" / "mine.png", "gone"])
    assert mine.exists()


def pressed(button: str, event: str = "click") -> Any:
    """What a click on a button does, or another event of a component."""
    demo = create_demo(Studio())
    ids = {getattr(block, "elem_id", None): key for key, block in demo.blocks.items()}
    (found,) = (fn for fn in demo.fns.values() if (ids[button], event) in fn.targets and fn.fn)
    return found.fn


def test_a_dataset_leaves_no_copy_behind_whether_it_is_one_or_not(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Costs, "begin", lambda _: None)  # it would measure on, beside other tests
    receive = pressed("train-drop", "upload")
    with pytest.raises(gr.Error, match="cannot be unpacked"):
        receive([str(put(folder, "bad.zip"))])
    Image.new("RGB", (128, 64)).save(put(folder, "a.png"))
    receive([str(folder / "hash-of-a.png" / "a.png")])
    assert left(folder) == []


def test_a_pinned_drawing_leaves_no_copy_behind(folder: Path, pairs: Path):
    run, pin = Run.create(TrainConfig(name="boxes", dataset=str(pairs))), pressed("train-pin", "upload")
    with pytest.raises(gr.Error):
        pin("boxes", str(put(folder, "bad.png")))
    Image.new("RGB", (16, 8)).save(put(folder, "good.png"))
    pin("boxes", str(folder / "hash-of-good.png" / "good.png"))
    assert run.pinned_file.exists()
    assert left(folder) == []


def test_weights_stay_only_while_another_name_may_do(folder: Path, make_generator: Any, runs: Path):
    about: dict[str, Any] = {"a": "image", "b": "image"}
    mine = put(folder, "mine.safetensors", make_generator().read_bytes())
    other = put(folder, "other.safetensors")
    save_file({"weight": zeros(3)}, other)
    for path in (other, put(folder, "bad.pth")):
        with pytest.raises(gr.Error):
            models.import_model(str(path), "", "", about, gr.Progress())
    with pytest.raises(gr.Error, match="already"):
        models.import_model(str(mine), "", "edges2shoes", about, gr.Progress())
    assert left(folder) == ["mine.safetensors"]
    models.import_model(str(mine), "", "free", about, gr.Progress())
    assert left(folder) == []


# --- no more than there is room for


def test_the_oldest_go_first_and_gradio_forgets_them(folder: Path):
    paths = [put(folder, f"{number}.png", bytes(100), age_s=number) for number in range(6)]
    sets = [{str(path) for path in paths}]
    Shelf(350, sets, folder).tidy()
    assert left(folder) == ["0.png", "1.png", "2.png"]
    assert sets == [{str(path) for path in paths[:3]}]


def test_room_is_made_for_what_comes(folder: Path):
    for number in range(6):
        put(folder, f"{number}.png", bytes(100), age_s=number)
    shelf = Shelf(600, [], folder)
    shelf.reserve(250)
    assert left(folder) == ["0.png", "1.png", "2.png"]
    with pytest.raises(FullError, match="Too much is being sent"):
        shelf.reserve(400)
    shelf.release(250)
    shelf.reserve(600)
    assert left(folder) == []


def test_many_small_files_are_too_many(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MOST_FILES", 3)
    for number in range(6):
        put(folder, f"{number}.png", age_s=number)
    Shelf(10**9, [], folder).tidy()
    assert left(folder) == ["0.png", "1.png", "2.png"]


def test_an_upload_that_was_broken_off_goes(folder: Path):
    folder.mkdir()
    for name, age_s in (("still", 5), ("broken-off", 1000)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age_s, time.time() - age_s))
    Shelf(10**9, [], folder).tidy()
    assert left(folder) == ["still"]


def test_a_nearly_full_disk_takes_no_uploads(folder: Path):
    with pytest.raises(FullError, match="nearly full"):
        Shelf(1 << 62, [], folder).reserve(1 << 60)


@pytest.fixture
def public(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(guard, "PUBLIC_KEPT_BYTES", 3_000_000)
    yield from serve(Rules.public(), public=True)


def test_a_public_page_keeps_so_much_and_no_more(public: Served, folder: Path):
    def size() -> int:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    for number in range(8):
        body, kind = form(bytes([number]) * 1_000_000)
        assert public.ask(guard.UPLOAD, body, Content_Type=kind).status == 200
        assert size() <= 3_000_000
    assert size() > 1_000_000
    body, kind = form(bytes(4_000_000))
    answer = public.ask(guard.UPLOAD, body, Content_Type=kind)
    assert answer.status == 507
    assert "Too much is being sent" in answer.words
    assert size() <= 3_000_000


def test_a_call_leaves_no_empty_file_behind(public: Served, folder: Path):
    body, kind = form(b"no picture")
    path = json.loads(public.ask(guard.UPLOAD, body, Content_Type=kind).words)[0]
    sent = {"path": path, "meta": {"_type": "gradio.FileData"}}
    assert "not a picture" in public.told("translate", sent, "edges2shoes", None)
    assert left(folder) == []


# --- the folder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_an_app_that_is_ended_takes_its_folder_with_it(number: int, tmp_path: Path):
    """Docker ends it with SIGTERM, a terminal with SIGINT."""
    place = tmp_path / "tmp"
    place.mkdir()
    folders = {"TMPDIR": str(place), "PIX2PIX_RUNS": str(tmp_path / "runs")}
    with running(without=[command.FOLDER], **folders) as started:
        served = Served(started.url, started.port, 0)
        body, kind = form(b"picture")
        path = Path(json.loads(served.ask(guard.UPLOAD, body, Content_Type=kind).words)[0])
        assert path.is_relative_to(place)
        started.process.send_signal(number)
        assert started.process.wait(60) == 0
    assert list(place.iterdir()) == []
