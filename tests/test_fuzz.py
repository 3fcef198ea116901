"""Pictures, weights and files of runs that are broken at random, through every entrance: a result or a sentence.

`make test` tries some dozens, `make fuzz` a thousand pictures and five hundred other files. The seed is printed; with
FUZZ_SEED the same are tried again.
"""

import base64
import io
import json
import os
import random
import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from pix2pix import Translator, images
from pix2pix.__main__ import main
from pix2pix.data import doctor
from pix2pix.data.pairs import Entry
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.files.importing import About, import_generator
from pix2pix.files.places import generators
from pix2pix.models import Generator, GeneratorConfig
from tests.test_foreign import NestedUNet, batch
from training import queue
from training.config import TrainConfig
from training.run import Run
from ui import requests
from ui.draw import canvas
from ui.models import cards
from ui.studio import Studio, StudioError, read_picture
from ui.train.monitor import RunMonitor
from ui.train.report import report

SEED = int(os.environ.get("FUZZ_SEED") or random.randrange(1 << 30))
PICTURES, FILES = int(os.environ.get("FUZZ_PICTURES", "20")), int(os.environ.get("FUZZ_FILES", "20"))
MOST_MEMORY = 1e9  # bytes above what the process takes at rest
MOST_WORDS = 1000  # characters of a sentence, paths included

KINDS = [("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I")]
KINDS += [("JPEG", mode) for mode in ("L", "RGB", "CMYK")] + [("WEBP", mode) for mode in ("RGB", "RGBA")]
KINDS += [("TIFF", mode) for mode in ("1", "L", "RGB", "CMYK", "F", "I;16", "LAB")]
KINDS += [("BMP", "RGB"), ("GIF", "P"), ("GIF", "L")]


def thorough(count: int) -> Callable[[Any], Any]:
    """So many examples by hypothesis, from the seed; what fails is shown as it was found: shrinking takes long."""

    def decorate(test: Any) -> Any:
        chosen = settings(
            max_examples=count, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        )  # fmt: skip
        return pytest.mark.timeout(600 + 10 * count)(seed(SEED)(chosen(test)))

    return decorate


class Tally:
    """What became of all that was tried."""

    def __init__(self, what: str) -> None:
        self.what, self.counts, self.most_memory = what, Counter(), 0.0

    @contextmanager
    def tries(self, entrance: str) -> Iterator[None]:
        """One entrance, for one file: what it raises must be an error of ours, and its words a sentence."""
        before = psutil.Process().memory_info().rss
        forget_peak()
        try:
            yield
            self.counts["result"] += 1
        except (OSError, ValueError, StudioError) as error:
            check_words(entrance, str(error))
            self.counts["sentence"] += 1
        self.most_memory = max(self.most_memory, peak() - before)
        assert peak() - before < MOST_MEMORY, f"{entrance} took {(peak() - before) / 1e6:.0f} MB"

    def show(self) -> None:
        told = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        print(f"\n{self.what}: {told}; at most {self.most_memory / 1e6:.0f} MB more; seed {SEED}")


def check_words(entrance: str, words: str) -> None:
    """What an error says: a sentence, of bounded length, and not what a program says to programmers."""
    assert words, f"{entrance} raised without a word"
    assert "\n" not in words.strip(), f"{entrance}: {words}"
    assert len(words) <= MOST_WORDS, f"{entrance}: {words}"
    assert "Traceback" not in words


def forget_peak() -> None:
    if os.access("/proc/self/clear_refs", os.W_OK):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """Bytes that the process has taken at most since then; now, where the system does not tell."""
    with open("/proc/self/status", encoding="ascii") if os.path.exists("/proc/self/status") else io.StringIO() as lines:
        for line in lines:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return psutil.Process().memory_info().rss


# --- pictures


@cache
def picture(kind: int, width: int, height: int) -> bytes:
    """A whole file of that kind, of noise that compresses a little."""
    name, mode = KINDS[kind]
    levels = np.random.default_rng(kind).integers(0, 256, (height, width, 3), np.uint8) // 32 * 32
    whole = Image.fromarray(levels)
    if mode in ("I;16", "I", "F"):
        whole = Image.fromarray(levels[..., 0].astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]) * 100)
    else:
        whole = whole.convert("RGB").convert(mode) if mode != "LAB" else Image.merge("LAB", whole.split())
    file = io.BytesIO()
    whole.save(file, name)
    return file.getvalue()


@st.composite
def broken_pictures(draw: st.DrawFn) -> bytes:
    """Mostly with the header left whole, so that what comes after it is tried."""
    data = bytearray(
        picture(
            draw(st.integers(0, len(KINDS) - 1)),
            draw(st.sampled_from([1, 3, 17, 64])),
            draw(st.sampled_from([1, 16, 64])),
        )
    )
    first = 0 if draw(st.integers(0, 3)) == 0 else min(len(data) - 1, 60)
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(first, len(data) - 1))
        data[place] = draw(st.integers(0, 255))
    if draw(st.integers(0, 4)) == 0:
        del data[draw(st.integers(first, len(data))) :]
    if data[:4] == b"\x89PNG" and draw(st.booleans()):
        data = bytearray(summed(bytes(data)))
    return bytes(data)


def summed(data: bytes) -> bytes:
    """A PNG whose checksums are right again: without them nothing of a broken chunk is looked at."""
    at, fixed = 8, data[:8]
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + length]
        fixed += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return fixed


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what Pillow thinks of broken ones is not the point
@pytest.mark.filterwarnings("ignore:Saving I mode")  # what Pillow will no longer write, people have
def test_every_picture_is_a_picture_or_a_sentence(tmp_path: Path):
    tally = Tally("pictures")
    path = save_tiny(tmp_path / "tiny.safetensors")
    translator = Translator.load(path, "cpu")

    @thorough(PICTURES)
    @given(broken_pictures())
    def attempt(data: bytes) -> None:
        file = tmp_path / "picture.png"
        file.write_bytes(data)
        try:
            with images.opened(file):
                tally.counts["past the header"] += 1
        except OSError:
            pass
        with tally.tries("images.read"):
            images.read(file)
        with tally.tries("the Upload tab"):
            translator(read_picture(file))
        with tally.tries("the canvas"):
            requests.decode(f"data:image/png;base64,{base64.b64encode(data).decode()}")
        with tally.tries("the doctor"):
            look = doctor.look_at(Entry("picture", file, None), "photos", [doctor.Side()], compared=True)
            assert look.problem or look.halves
            if look.problem:
                raise ValueError(look.problem)
        with tally.tries("translate"), redirect_stderr(io.StringIO()) as said:
            if main(["translate", str(file), "--checkpoint", str(path), "--out", str(tmp_path / "out")]):
                raise ValueError(said.getvalue().strip().splitlines()[-1])

    attempt()
    tally.show()
    share = 0.5 if PICTURES >= 200 else 0.25  # of a few it varies
    assert tally.counts["past the header"] >= share * PICTURES


# --- weights


def save_tiny(path: Path) -> Path:
    torch.manual_seed(0)
    metadata = Metadata("tiny", 7, a=Side("labels", {"wall": (0, 48, 255), "window": (2, 127, 255)}), b=Side("photo"))
    checkpoint.save(path, Generator(GeneratorConfig(32, ngf=2)), metadata)
    return path


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """The same JSON, of which one part, however deep, is something else, missing or twice there."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 5)) == 0:
            return {name: part for name, part in value.items() if name != key}
        return value | {key: draw(changed(value[key]))}
    return draw(ANYTHING)


@st.composite
def broken_bytes(draw: st.DrawFn, data: bytes, first: int = 0) -> bytes:
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 8))):
        changed[draw(st.integers(first, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(changed[: draw(st.integers(first, len(data)))] if draw(st.integers(0, 3)) == 0 else changed)


def test_every_file_of_weights_is_a_generator_or_a_sentence(tmp_path: Path, runs: Path):
    tally = Tally("weights")
    whole = save_tiny(tmp_path / "whole.safetensors")
    with safe_open(whole, "pt") as file:
        header = json.loads(file.metadata()["pix2pix"])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    torch.save(NestedUNet(5, 2, batch, False).state_dict(), tmp_path / "theirs.pth")
    theirs = (tmp_path / "theirs.pth").read_bytes()
    save_tiny(runs / "good" / "generator.safetensors")

    @thorough(FILES)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        wrong = runs / "wrong" / "generator.safetensors"
        wrong.parent.mkdir(exist_ok=True)
        how = data.draw(st.sampled_from(["header", "header", "bytes", "theirs"]))
        if how == "header":
            said = data.draw(changed(header))
            save_file(weights, wrong, {"pix2pix": json.dumps(said)})
        elif how == "bytes":
            wrong.write_bytes(data.draw(broken_bytes(whole.read_bytes(), 8)))
        else:
            wrong = tmp_path / "wrong.pth"
            wrong.write_bytes(data.draw(broken_bytes(theirs)))
        tally.counts[how] += 1
        with tally.tries("load"):
            Translator.load(wrong, "cpu")(Image.new("RGB", (8, 8)))
        with tally.tries("import"):
            name = f"again-{sum(tally.counts.values())}"
            import_generator(str(wrong), name, About())
        with tally.tries("the lists"):
            assert {"name": "good", "size": 32}.items() <= canvas.describe("good", generators()["good"]).items()
            json.dumps([canvas.describe(name, path) for name, path in generators().items()])

    attempt()
    with tally.tries("the Models tab"):
        *_, page = cards(Studio())
        assert "data-model='good'" in page
    tally.show()


# --- files of runs


@pytest.mark.timeout(600 + 2 * FILES)
def test_every_file_of_a_run_is_shown_or_a_sentence(pairs: Path):
    tally = Tally("files of runs")
    good = Run.create(TrainConfig(name="good", dataset=str(pairs)))
    run = Run.create(TrainConfig(name="wrong", dataset=str(pairs)))
    run.write_status(state="stopped", step=7, total=100, device="cpu", eta_s=3.5, saved_step=5, images_per_s=2.0)
    run.append_metrics(
        {"step": 5, "loss_G": 1.5, "loss_D": 0.5, "loss_L1": 0.1, "val_L1": 0.2, "lr": 2e-4, "time": 9.0}
    )
    run.append_metrics(
        {"step": 7, "loss_G": 1.4, "loss_D": 0.6, "loss_L1": 0.1, "val_L1": 0.1, "lr": 2e-4, "time": 9.5}
    )
    run.save_preview(5, Image.new("RGB", (8, 8)))
    run.stop_at(4e9)
    (run.path / "queued").write_text("5")
    files = ["config.json", "status.json", "metrics.jsonl", "stop_at", "queued", "previews/000005.jpg"]
    sound = {name: (run.path / name).read_bytes() for name in files}

    @thorough(FILES)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(files))
        if name.endswith(".json") and data.draw(st.booleans()):
            content = json.dumps(data.draw(changed(json.loads(sound[name])))).encode()
        elif name == "metrics.jsonl" and data.draw(st.booleans()):
            row = json.loads(sound[name].splitlines()[0])
            content = sound[name] + json.dumps(data.draw(changed(row))).encode() + b"\n"
        else:
            content = data.draw(broken_bytes(sound[name]))
        for each in files:
            (run.path / each).write_bytes(content if each == name else sound[each])
        queue.leave(run.path) if name != "queued" else None
        tally.counts[name] += 1
        with tally.tries("the list"):
            assert "good" in [each.name for each in Run.list()]
        with tally.tries("the run"):
            report(Run(run.path))
        for chosen in ("wrong", "good"):
            with tally.tries("the Train tab"):
                assert watch.show(chosen)

    import gradio as gr

    with tempfile.TemporaryDirectory(), gr.Blocks(), good.claim():  # what is in the queue then has to wait
        watch = RunMonitor(gr.Button())
        attempt()
        good.write_status(state="stopped")
    assert Run(good.path).status().state == "stopped"
    tally.show()
