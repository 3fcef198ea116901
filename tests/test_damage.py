"""Files of a run that are damaged, made up or gone: the run is shown as what it is, and the others as ever."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from pix2pix.files.places import ROOT, generators
from pix2pix.validation import parse_json, shorten, validate
from training import process, queue
from training.config import _SHARES as SHARES
from training.config import TrainConfig, bounds_of_settings
from training.run import Run, RunBusyError
from training.status import PATIENCE_S, Status

DEEP = "[" * 100_000
WRONG = [b"[]", b'""', b"null", b"7", DEEP.encode(), b"\xff\xfe", b"", b'{"name": [], "dataset": {}}',
         b'{"name": "x", "dataset": "y", "epochs": "many"}', b'{"name": "x", "dataset": "y", "leave_out": 7}',
         b'{"name": "x", "dataset": "y", "a": []}', b'{"name": "x", "dataset": "y", "ngf": 1e400}']  # fmt: skip


def make(name: str = "shoes", **settings: Any) -> Run:
    return Run.create(TrainConfig(name=name, dataset="photos", **settings))


# --- each file


@pytest.mark.parametrize("content", WRONG, ids=lambda content: content[:20].decode("latin-1"))
def test_a_wrong_config_is_a_sentence(content: bytes):
    run = make()
    run.config_file.write_bytes(content)
    with pytest.raises(ValueError, match="is not the config of a training run: ") as error:
        Run(run.path)
    assert len(str(error.value)) < 500 + len(str(run.path))
    assert Run.list() == []


@pytest.mark.parametrize("content", [*WRONG, b'{"state": ["running"]}', b'{"state": "running", "pid": "x"}',
                                     b'{"state": "running", "pid": 1e99, "create_time": {}}'])  # fmt: skip
def test_a_wrong_status_is_a_run_that_is_not_trained(content: bytes):
    run = make()
    (run.path / "status.json").write_bytes(content)
    assert not run.status().alive


def test_of_a_wrong_status_what_is_sound_is_kept():
    run = make()
    values = {"state": "stopped", "step": 5, "total": "many", "device": ["cpu"], "heartbeat": -1e999, "saved_step": 5}
    (run.path / "status.json").write_text(json.dumps(values))
    assert run.status() == Status(state="stopped", step=5, saved_step=5)


def test_of_wrong_metrics_what_is_sound_is_kept():
    run = make()
    lines = [b'{"step": 1, "loss_G": 1.5, "val_L1": "low", "note": [1]}', b"[]", DEEP.encode(), b'{"step": "2"}',
             b'{"step": 1e999}', b"\xff", b'{"step": 3, "loss_G": NaN, "lr": 1e999}', b'{"loss_G": 1}']  # fmt: skip
    run.metrics_file.write_bytes(b"\n".join(lines) + b"\n")
    assert run.metrics()[0] == [{"step": 1, "loss_G": 1.5}, {"step": 3}]
    run.rewind(2)
    assert [row["step"] for row in run.metrics()[0]] == [1]


@pytest.mark.parametrize("content", [b"\xff", b"soon", b"nan", b"1e999", b"1e300", b"-5", b"", DEEP.encode()])
def test_a_wrong_time_to_stop_is_none(content: bytes):
    run = make()
    (run.path / "stop_at").write_bytes(content)
    assert run.stops_at() is None
    assert not run.should_stop()


def test_a_place_in_the_queue_may_be_anything():
    run = make()
    (run.path / "queued").write_bytes(b"\xff\xfe")
    assert run.is_queued()
    other = make("other")
    other.path.joinpath("queued").write_text("1")
    queue.leave(run.path)


@pytest.mark.parametrize("name", ["status.json", "metrics.jsonl", "stop_at", "log.txt"])
def test_a_folder_in_the_place_of_a_file_is_no_file(name: str):
    run = make()
    (run.path / name).mkdir()
    run.status()
    assert run.metrics()[0] == []
    assert run.stops_at() is None
    assert run.log() == ""


def test_a_link_to_itself_and_a_name_that_is_no_text_leave_the_others_as_ever():
    run = make()
    runs = run.path.parent
    (runs / "loop").symlink_to("loop")
    strange = runs / os.fsdecode(b"caf\xe9")
    shutil.copytree(run.path, strange)
    (strange / "generator.safetensors").touch()
    assert [each.name for each in Run.list()] == ["shoes"]
    assert list(Run.broken()) == ["loop"]
    json.dumps(list(generators()), ensure_ascii=False).encode()  # as all that is sent to the page
    Run.discard("loop")
    assert Run.broken() == {}


@pytest.mark.parametrize("name", ["config.json", "status.json", ".lock", "queued", "stop", "log.txt", "previews"])
def test_a_run_can_be_deleted_whatever_its_files_are(name: str):
    run = make()
    file = run.path / name
    shutil.rmtree(file, ignore_errors=True)
    file.unlink(missing_ok=True)
    (file / "inside").mkdir(parents=True)
    assert [run.name for run in Run.list()] + list(Run.broken()) == ["shoes"]
    Run.discard("shoes")
    assert list(run.path.parent.iterdir()) == []


LOCKED = """
import json, os
from pathlib import Path
from training.config import TrainConfig
from training.run import Run

runs = [Run.create(TrainConfig(name=name, dataset="/data")).path for name in ("mine", "theirs", "spare")]
Run.discard("spare")  # so that all is imported that this takes
if os.geteuid() == 0:  # who may do anything
    for path in (runs[0].parent, *runs[0].parent.rglob("*")):
        os.chown(path, 65534, 65534)
    os.setgid(65534)
    os.setuid(65534)
for path in runs[:2]:
    (path / "previews" / "1.jpg").touch()
    (path / "previews").chmod(0)
    path.chmod(0)
broken = Run.broken()
try:
    Run.create(TrainConfig(name="mine", dataset="/data"))
except FileExistsError as error:
    taken = str(error)
Run.discard("mine")
runs[0].parent.chmod(0o500)  # as if it were another's
try:
    Run.discard("theirs")
except OSError as error:
    refused = str(error)
print(json.dumps([broken, taken, list(Run.broken()), refused]))
"""


def test_a_run_that_may_not_be_read_is_shown_and_can_be_deleted():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        environment = os.environ | {"PIX2PIX_RUNS": f"{folder}/runs", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", LOCKED], env=environment, cwd=folder, capture_output=True, check=False
        )
        Path(folder, "runs").chmod(0o700)
        assert done.returncode == 0, done.stderr.decode()
    broken, taken, left, refused = json.loads(done.stdout)
    assert broken == {
        name: f"{folder}/runs/{name}/config.json cannot be read: this program has no permission to"
        for name in ("mine", "theirs")
    }
    assert "already a run named 'mine'" in taken
    assert left == ["theirs"], "it is where it was"
    assert refused.startswith("theirs cannot be deleted: this program may not delete ")


def test_a_reason_is_never_longer_than_a_person_reads():
    assert shorten("x" * 5000).endswith("x…")
    assert len(shorten("x" * 5000)) == 200
    with pytest.raises(ValueError, match="epochs ") as error:
        validate(TrainConfig, {"name": "x", "dataset": "y", "epochs": "9" * 5000 + "x"})
    assert len(str(error.value)) <= 200
    with pytest.raises(ValueError, match="no JSON"):
        parse_json(DEEP)


# --- who trains


def test_the_lock_says_who_trains_where_the_status_was_lost():
    """The trainer is another process, as ever: it holds the lock, and takes long for its step."""
    run = make()
    code = (
        f"from training.run import Run; run = Run({str(run.path)!r})\nwith run.claim(): print(1, flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as trainer:
        assert trainer.stdout
        trainer.stdout.readline()
        (run.path / "status.json").unlink()
        assert run.status().state == "running"
        assert run.status().pid == trainer.pid
        with pytest.raises(RunBusyError):
            run.start()
        run.request_stop()
        assert run.status().state == "stopping"
        me = psutil.Process()
        forge(run, pid=me.pid, create_time=me.create_time())  # until it writes its status anew
        assert "SIGTERM" in run.stop(grace_s=0.1)
    assert trainer.returncode != 0


def test_a_trainer_writes_again_what_was_lost():
    run = make()
    with run.claim():
        run.write_status(state="running", step=7, total=100, device="cpu")
        for spoil in (lambda file: file.unlink(), lambda file: file.write_text("[]")):
            spoil(run.path / "status.json")
            run.write_status(step=8)
            status = run.status()
            assert (status.state, status.step, status.total, status.device) == ("running", 8, 100, "cpu")
            assert status.pid == psutil.Process().pid


def forge(run: Run, **values: Any) -> None:
    (run.path / "status.json").write_text(json.dumps({"state": "running", "heartbeat": time.time()} | values))


def test_a_program_that_is_not_ours_is_no_trainer_and_is_never_ended():
    """Its pid and the time when it began are made up, copied from elsewhere, or that of a pid that was used again."""
    run = make()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        forge(run, pid=other.pid, create_time=psutil.Process(other.pid).create_time(), launcher=other.pid)
        assert run.status().state == "failed"
        assert "was killed" in run.status().error
        assert run.stop(grace_s=0, term_s=0) == "shoes was not running."
        assert other.poll() is None
        other.terminate()


def test_what_is_above_a_trainer_is_not_ended_with_it():
    """The app, a terminal or this very test, which someone has written into status.json as its launcher."""
    run = make()
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE) as trainer:
        assert trainer.stdout
        trainer.stdout.readline()
        me = psutil.Process()
        ended: list[int] = []
        before = signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
        try:
            for launcher in (me.pid, me.ppid()):
                forge(run, pid=trainer.pid, create_time=psutil.Process(trainer.pid).create_time(), launcher=launcher)
                assert run.status().state == "running"
            family = process._family(psutil.Process(trainer.pid), me.pid, run.path)
            assert {each.pid for each in family} == {trainer.pid}
            forge(run, pid=trainer.pid, create_time=psutil.Process(trainer.pid).create_time(), launcher=me.pid)
            assert "SIGKILL" in run.stop(grace_s=0, term_s=0.2)
        finally:
            signal.signal(signal.SIGTERM, before)
    assert trainer.returncode == -signal.SIGKILL
    assert ended == []


def test_a_clock_that_was_set_does_not_hide_who_trains():
    run = make()
    with run.claim():
        run.write_status(state="running", create_time=psutil.Process().create_time() - 3600)
        assert run.status().state == "running"


@pytest.mark.parametrize(
    ("heartbeat", "words"),
    [(PATIENCE_S + 60, "3 minutes ahead"), (3e9, "minutes ahead"), (1e300, "is damaged"), (0, ""),
     (-PATIENCE_S - 60, "not been heard of for 3 minutes")],
)  # fmt: skip
def test_a_heartbeat_at_another_time_hides_no_frozen_trainer(heartbeat: float, words: str):
    run = make()
    with run.claim():
        me = psutil.Process()
        forge(run, pid=me.pid, create_time=me.create_time(), heartbeat=time.time() + heartbeat)
        assert run.status().state == "running"
        assert words in run.status().error
        assert len(run.status().error) < 300
        assert bool(run.status().error) == bool(words)


# --- bounds


@pytest.mark.parametrize("name", sorted(bounds_of_settings()))
def test_every_number_has_a_bound_with_a_reason(name: str):
    bounds = bounds_of_settings()[name]
    share = name in SHARES
    with pytest.raises(ValueError, match=rf"{name} .* is {'not in' if share else 'over'}") as error:
        make(**{name: bounds.most * 10})  # pyright: ignore[reportArgumentType]
    assert share or bounds.why in str(error.value)


def test_no_setting_that_is_a_number_lacks_bounds():
    numbers = {name for name, field in TrainConfig.__dataclass_fields__.items() if type(field.default) in (int, float)}
    assert numbers - {"crop_size"} == set(bounds_of_settings())


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"batch_size": 10**9}, "batch_size"), ({"n_layers": 10**6}, "n_layers"), ({"seed": 2**70}, "seed"),
     ({"crop_size": 64, "n_layers": 6}, "nothing")],
)  # fmt: skip
def test_settings_that_no_machine_could_take_are_said(settings: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        make(**settings)


@pytest.mark.parametrize("steps", [1e308, float("inf"), float("nan"), 10**30, 0, -5])
def test_a_run_is_not_extended_beyond_reason(steps: float):
    run = make()
    run.write_status(state="finished", step=5, total=5)
    with pytest.raises(ValueError, match="steps"):
        run.extend(steps)  # pyright: ignore[reportArgumentType]
    assert run.status().total == 5
