"""A training in a tracker that people have: TensorBoard gets figures and previews, and no tracker stops a training."""

import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import accelerate.tracking
import pytest
from accelerate.tracking import GeneralTracker

from tests.test_notify import hangs, server
from training import followers, trackers
from training.__main__ import main
from training.config import TrainConfig
from training.followers import followed
from training.notify import Teller
from training.run import Run
from training.trackers import Watcher

TINY = {"load_size": 36, "crop_size": 32, "ngf": 4, "ndf": 4, "device": "cpu", "steps": 4, "log_every": 1,
        "preview_every": 2, "log_to": "tensorboard"}  # fmt: skip


@pytest.fixture
def make_run(pairs: Path) -> Callable[..., Run]:
    def make(**settings: Any) -> Run:
        return Run.create(TrainConfig(**{"name": "seen", "dataset": str(pairs), **TINY, **settings}))

    return make


def told(run: Run) -> Iterator[tuple[int, str]]:
    """Step and name of all that TensorBoard's files hold: records of a length, a sum, an event and a sum."""
    from tensorboardX.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]

    files = (run.path / trackers.FOLDER / run.name).glob("events.*")
    for file in sorted(files, key=lambda file: file.stat().st_mtime_ns):
        data = file.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            yield from ((event.step, value.tag) for value in event.summary.value)


def test_tensorboard_gets_the_figures_and_the_previews(make_run: Callable[..., Run]):
    run = make_run()
    assert main([str(run.path)]) == 0
    seen = list(told(run))
    assert [step for step, name in seen if name == "loss_L1"] == [1, 2, 3, 4]
    assert [step for step, name in seen if name == "val_L1"] == [2, 4]
    assert [step for step, name in seen if name == "trained_s"] == [1, 2, 3, 4]
    assert sorted({step for step, name in seen if name.startswith("previews")}) == [0, 2, 4]
    run.extend(2)
    assert main([str(run.path)]) == 0
    assert [step for step, name in told(run) if name == "loss_L1"] == [1, 2, 3, 4, 5, 6], "nothing is told twice"


class Broken(GeneralTracker):
    """Accelerate knows it by the name of another, which is not installed here."""

    name, requires_logging_directory = "wandb", False
    fails_in, hangs = "", threading.Event()

    def __init__(self, run_name: str, dir: str) -> None:
        super().__init__()
        self.act("init")

    def act(self, where: str) -> None:
        if where == self.fails_in:
            raise RuntimeError("the tracker has no\nconnection")
        if f"hangs in {where}" == self.fails_in:
            self.hangs.wait(60)

    def start(self) -> None:
        self.act("start")

    @property
    def tracker(self) -> None:
        return None

    def store_init_configuration(self, values: dict) -> None:
        self.act("store")

    def log(self, values: dict, step: int | None = None, **_: Any) -> None:
        self.act("log")

    def log_images(self, values: dict, step: int | None = None, **_: Any) -> None:
        self.act("log")

    def finish(self) -> None:
        self.act("finish")


def break_wandb(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setitem(accelerate.tracking.LOGGER_TYPE_TO_CLASS, "wandb", Broken)
    monkeypatch.setattr(accelerate.tracking, "get_available_trackers", lambda: [accelerate.tracking.LoggerType.WANDB])
    monkeypatch.setattr(Broken, "fails_in", where)
    monkeypatch.setattr(Broken, "hangs", threading.Event())


@pytest.mark.parametrize("where", ["init", "start", "store", "log", "finish", "hangs in start", "hangs in log"])
def test_no_tracker_can_stop_a_training(
    make_run: Callable[..., Run], where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    break_wandb(monkeypatch, where)
    monkeypatch.setattr(followers, "LEAVE_S", 1.0)
    run = make_run(log_to="wandb")
    assert main([str(run.path)]) == 0
    assert run.status().state == "finished"
    assert [row["step"] for row in run.metrics()[0]] == [1, 2, 3, 4]
    said = [record.getMessage() for record in caplog.records if "follows no longer" in record.getMessage()]
    assert len(said) == (not where.startswith("hangs"))
    Broken.hangs.set()
    time.sleep(0.1)


def test_a_tracker_and_an_address_that_hang_are_waited_for_at_once(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
):
    break_wandb(monkeypatch, "hangs in init")
    monkeypatch.setattr(followers, "LEAVE_S", 2.0)
    hanging = threading.Event()
    with server(hangs(hanging)) as (address, told):
        run = make_run(log_to="wandb", notify=address)
        with followed(run, Teller, Watcher):
            with run.claim():
                run.write_status(state="finished", step=4, total=4)
            shown = threading.Timer(0.5, lambda: states.append(Run(run.path).status().state))
            states: list[str] = []
            shown.start()
            began = time.monotonic()
        assert time.monotonic() - began < 3.5, "4 s if one were waited for after the other"
        assert [message["event"] for message in told] == ["finished"]
        hanging.set()
    Broken.hangs.set()
    shown.join()
    assert states == ["finished"], "while it waits it is shown as what it is"


def test_one_that_is_not_installed_is_said(make_run: Callable[..., Run], caplog: pytest.LogCaptureFixture):
    run = make_run(log_to="trackio")
    assert main([str(run.path)]) == 0
    assert run.status().state == "finished"
    assert (
        "trackio follows no longer (ModuleNotFoundError: it is not installed here: pip install trackio)" in caplog.text
    )


def test_a_tracker_that_nobody_knows_is_refused(make_run: Callable[..., Run]):
    with pytest.raises(ValueError, match="log_to 'excel' is not one of none, tensorboard, trackio, wandb"):
        make_run(log_to="excel")
