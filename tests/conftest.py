"""Tiny things that many tests need, drawn by code."""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image, ImageDraw
from xdist.scheduler import LoadFileScheduling

from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.palette import CMP

# One thread here and in the processes that tests start: figures are the same only for the same number of threads.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"

# A shell has what it starts in the background ignore Ctrl-C, and with it the apps and trainings that tests end by that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Files that take longest, the longest first: processes that share the tests (`pytest -n 3`) begin with them, so that in
# the end none waits long for another. Each opens its browser once, since tests/browser comes before all else.
LONGEST = (
    "browser/test_train.py", "browser/test_tools.py", "browser/test_draw.py", "browser/test_remember.py",
    "browser/test_views.py", "browser/test_making.py", "browser/test_web.py", "browser/test_local.py",
    "browser/test_strip.py", "browser/test_symmetry.py", "browser/test_photo_colours.py",
    "test_distributed.py", "test_gpu.py", "test_trouble.py", "test_loop.py", "test_full_disk.py", "test_hub.py",
    "test_app.py", "test_foreign.py", "test_train_tab.py", "test_kills.py", "test_export.py", "test_docs.py",
    "test_run.py", "test_quality.py",
)  # fmt: skip


# What the tests import stays: to look for garbage in it, again and again, takes a fifth of the time of importing it.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> tuple[bool, int]:
        return item.path.parent.name != "browser", places.get(item.path, len(places))

    items.sort(key=place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """A file is for one process, which has what its tests share."""
    config.option.loadscopereorder = False  # or those with most tests would come first
    return LoadFileScheduling(config, log)


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty runs folder of the test's own; no test touches the real one, or leaves a trainer behind in its own."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("PIX2PIX_RUNS", str(folder))
    yield folder
    left = trainers_in(folder) if folder.exists() else []
    for trainer in left:
        with suppress(psutil.NoSuchProcess):
            trainer.kill()
    assert not left, f"the test has left {len(left)} trainers behind, which were killed"


def trainers_in(folder: Path) -> list[psutil.Process]:
    """The processes that were told to work in a folder, and do so still."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # one that has ended has no command line
            if any(Path(word).is_relative_to(folder) for word in process.cmdline()[1:]):
                found.append(process)
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """An app of the test before may still compile a generator, in its thread, and neither PyTorch's optimizers nor
    torch.manual_seed stand it: what they and torch.export note for tracing lies in one global dict.
    """
    wait_for_compilers()


def pytest_sessionfinish() -> None:
    """Nor does a process whose interpreter ends meanwhile: it aborts."""
    wait_for_compilers()


def wait_for_compilers() -> None:
    threads = [thread.ident for thread in threading.enumerate() if thread.name == "scheduler"]
    for _ in range(1200):
        frames = sys._current_frames()
        if all(frames[thread].f_code.co_name == "wait" for thread in threads if thread in frames):
            return
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def another_precision() -> Iterator[None]:
    """Accelerate lets a process choose its precision but once; each test trains in the one that it wants."""
    yield
    if "accelerate" in sys.modules:
        from accelerate.state import AcceleratorState

        AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A folder of eight side-by-side pairs of 32x32: a box in outline, and the same box filled with a colour."""
    folder = tmp_path / "pairs"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(8):
        left, top = (int(corner) for corner in rng.integers(2, 14, 2))
        picture = Image.new("RGB", (64, 32), "white")
        draw = ImageDraw.Draw(picture)
        draw.rectangle((left, top, left + 14, top + 14), outline="black")
        draw.rectangle((32 + left, top, 32 + left + 14, top + 14), fill=(200, 60, 30))
        picture.save(folder / f"{index}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of photos of coloured boxes on white."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for shade in range(40, 200, 40):
        photo = Image.new("RGB", (40, 40), "white")
        photo.paste((shade, 99, 9), (8, 8, 32, 32))
        photo.save(folder / f"{shade}.png")
    return folder


def seed_weights() -> None:
    """torch.manual_seed, which is not for while an app compiles a generator (`pytest_runtest_setup`)."""
    torch.default_generator.manual_seed(0)


@pytest.fixture
def make_generator(tmp_path: Path) -> Callable[..., Path]:
    """Writes a tiny generator with random weights to a file: `make_generator("name", kind="labels", image_size=64)`."""

    def make(name: str = "tiny", kind: str = "edges", image_size: int = 32, folder: Path = tmp_path) -> Path:
        seed_weights()
        palette = CMP if kind == "labels" else None
        metadata = Metadata(name, steps=7, a=Side(kind, palette), b=Side("photo"), line_width=2.0, licence="MIT")
        path = folder / f"{name}.safetensors"
        checkpoint.save(path, Generator(GeneratorConfig(image_size, ngf=4)), metadata)
        return path

    return make
