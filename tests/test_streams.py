"""Several pictures at once: how many, and whose picture is whose."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pix2pix import Translator, inference
from pix2pix.models import Generator, GeneratorConfig
from pix2pix.streams import SLOWER, Batched, best_streams
from tests.rounding import SAME
from ui.studio import Studio

SOON = 10  # seconds until a wait counts as failed


def machine(cores: int, alone: float, shared: float) -> Callable[[int], float]:
    """A machine on which a picture takes `alone` seconds that no further core shortens, and `shared` core seconds."""
    return lambda streams: alone + shared * streams / cores


def test_two_cores_are_one_stream_and_nothing_is_measured():
    def never(_: int) -> float:
        raise AssertionError

    assert best_streams(2, never) == best_streams(3, never) == 1


def test_many_cores_are_several_streams_as_long_as_a_picture_stays_quick():
    time_of = machine(16, alone=0.004, shared=0.024)
    streams = best_streams(16, time_of)
    assert streams > 1
    assert time_of(streams) <= SLOWER * time_of(1)
    assert streams / time_of(streams) > 1 / time_of(1)


def test_where_more_streams_give_no_more_pictures_there_is_one():
    assert best_streams(64, lambda streams: 0.01 * streams) == 1


def test_no_more_is_measured_once_the_time_is_up():
    asked: list[int] = []
    assert best_streams(64, lambda streams: asked.append(streams) or 0.01, limit=0.0) == 1
    assert asked == [1]


class Slow:
    """A forward pass that doubles, waits at a gate, and remembers its batches."""

    def __init__(self) -> None:
        self.begun, self.gate = threading.Event(), threading.Event()
        self.batches: list[int] = []

    def __call__(self, a: Tensor) -> Tensor:
        self.batches.append(len(a))
        self.begun.set()
        assert self.gate.wait(SOON)
        if (a < 0).any():
            raise ValueError("no picture")
        return 2 * a


def all_at_once(batched: Batched, slow: Slow, values: list[float]) -> list[float | Exception]:
    """The first is computed while all others come to wait."""

    def ask(value: float) -> float | Exception:
        try:
            return batched(torch.full((1, 1, 2, 2), value)).mean().item()
        except ValueError as error:
            return error

    with ThreadPoolExecutor(len(values)) as threads:
        first = threads.submit(ask, values[0])
        assert slow.begun.wait(SOON)
        others = [threads.submit(ask, value) for value in values[1:]]
        while len(batched._waiting) < len(others):
            pass
        slow.gate.set()
        return [future.result(SOON) for future in (first, *others)]


def test_what_waits_for_a_gpu_is_its_next_batch():
    slow = Slow()
    assert all_at_once(Batched(slow, largest=4), slow, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]) == [2, 4, 6, 8, 10, 12, 14]
    assert slow.batches == [1, 4, 2]


def test_a_batch_that_fails_fails_for_each_and_no_later_one():
    slow = Slow()
    batched = Batched(slow)
    good, *bad = all_at_once(batched, slow, [1.0, -2.0, 3.0])
    assert good == 2
    assert all(isinstance(each, ValueError) for each in bad)
    assert batched(torch.ones(1, 1, 2, 2)).mean().item() == 2


def test_each_of_a_batch_gets_what_it_would_get_alone():
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(32, ngf=4)).eval().double()
    a = torch.rand(3, 3, 32, 32, dtype=torch.float64) * 2 - 1
    with torch.no_grad():
        together = generator(a)
        for i in range(3):
            assert (together[i] - generator(a[i : i + 1])[0]).abs().max() < SAME


def test_streams_of_a_cpu_mix_up_no_pictures(make_generator: Callable[..., Path], monkeypatch: pytest.MonkeyPatch):
    def several(_: int, time_of: Callable[[int], float]) -> int:
        assert time_of(3) > 0
        return 3

    monkeypatch.setattr(inference, "best_streams", several)
    translator = Translator.load(make_generator("several"), "cpu").compile("fp32")
    assert translator.streams == 3, "OpenVINO is installed"
    drawings = [Image.new("RGB", (32, 32), (20 * i, 255 - 20 * i, 100)) for i in range(12)]
    alone = np.stack([np.asarray(translator(drawing), int) for drawing in drawings])
    with ThreadPoolExecutor(6) as threads:
        for i, made in enumerate(threads.map(translator, drawings)):
            apart = np.abs(alone - np.asarray(made)).max(axis=(1, 2, 3))
            assert apart[i] <= 1, "a grey level: a stream may have another number of threads"
            assert apart.argmin() == i


def test_a_drawing_is_read_while_another_is_computed(make_generator: Callable[..., Path], runs: Path):
    make_generator("generator", folder=runs / "mine")
    studio = Studio()
    studio.warm_up("mine").result()
    studio.compiling.run("tests", lambda: None)  # comes after what the first use has begun
    both = threading.Barrier(2)
    futures = [studio.submit("mine", session, lambda _: both.wait(SOON)) for session in ("a", "b")]
    assert sorted(future.result(SOON) for future in futures) == [0, 1]
