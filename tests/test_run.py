"""The run directory, with real processes: a stand-in trainer that uses Run as the loop does, but needs no torch."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image

from pix2pix.files.places import ROOT, atomic_write
from tests.waiting import wait_until
from training import process
from training.config import TrainConfig
from training.run import Run, RunBusyError
from training.status import Status

STAND_IN = """
import os, signal, sys, time
from pix2pix.files.places import atomic_write
from training.run import Run

run, habit = Run(sys.argv[1]), os.environ["HABIT"]
if habit == "cannot import":
    raise ImportError("no module named torch")
if habit == "says what is wrong":
    sys.exit("error: libcudart.so is not there")
if habit == "ignores SIGTERM":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with run.claim():
    first = int(run.state_file.read_text()) if run.state_file.exists() else 0
    run.rewind(first)
    run.write_status(state="running", step=first, total=1000, device="cpu")
    for step in range(first + 1, 1001):
        time.sleep(0.01)
        run.append_metrics({"step": step, "loss_G": 1 / step})
        run.write_status(step=step)
        if habit == "fails" and step == 3:
            raise ValueError("the folder of images is gone")
        if habit == "finishes" and step == first + 5:
            run.write_status(state="finished", step=1000)
            break
        stopping = habit == "trains" and run.should_stop()
        if stopping or step % 10 == 0:
            with atomic_write(run.state_file) as temporary:
                temporary.write_text(str(step))
            run.write_status(saved_step=step)
        if stopping:
            run.clear_stop()
            run.write_status(state="stopped")
            break
"""


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIX2PIX_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`python -m training` becomes the stand-in, in Run.start as it is; whatever is still running is killed."""
    package = tmp_path / "root" / "training"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"__path__.append({str(ROOT / 'training')!r})")
    (package / "__main__.py").write_text(STAND_IN)
    monkeypatch.setattr(process, "ROOT", package.parent)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def behave(habit: str) -> None:
        monkeypatch.setenv("HABIT", habit)

    behave("trains")
    yield behave
    for run in Run.list():
        status = run.status()
        if status.alive and status.pid and status.pid != os.getpid():
            os.kill(status.pid, signal.SIGKILL)


def make(name: str = "shoes") -> Run:
    return Run.create(TrainConfig(name=name, dataset="photos"))


def _write_half(path: Path) -> None:
    path.write_text("ne")
    raise OSError("the disk is full")


def write_raw_status(run: Run, **values: object) -> None:
    (run.path / "status.json").write_text(json.dumps(values))


# --- making and finding


def test_create_keeps_the_config(runs: Path):
    run = Run.create(TrainConfig(name="shoes", dataset="photos", ngf=4))
    assert run.path == runs / "shoes"
    assert Run(str(run.path)).config.ngf == 4
    assert run.status() == Status(state="stopped")
    assert run.metrics() == ([], 0)
    assert run.previews() == []
    assert run.log() == ""


def test_create_refuses_a_name_that_is_taken():
    make()
    with pytest.raises(FileExistsError, match="choose another name"):
        make()
    with pytest.raises(FileExistsError, match="kept for uploaded"):
        make("datasets")


def test_of_several_threads_one_creates():
    results: list[object] = []

    def attempt() -> None:
        try:
            results.append(make())
        except FileExistsError as error:
            results.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(result, Run) for result in results) == 1


def test_list_is_newest_first_and_skips_broken_folders(runs: Path):
    for age, name in enumerate(["new", "middle", "old"]):
        os.utime(make(name).config_file, (1e9 - age, 1e9 - age))
    (runs / "empty").mkdir()
    (runs / "datasets" / "shoes").mkdir(parents=True)
    for name, config in {"broken": "{", "strange": '{"name": "strange", "colour": 1}', "short": "{}"}.items():
        (runs / name).mkdir()
        (runs / name / "config.json").write_text(config)
    assert [run.name for run in Run.list()] == ["new", "middle", "old"]


def test_no_run_directory_is_said_in_words(runs: Path):
    with pytest.raises(FileNotFoundError, match="no training run"):
        Run(runs / "nothing")
    run = make()
    run.config_file.write_text("{")
    with pytest.raises(ValueError, match="not the config of a training run"):
        Run(run.path)
    for name in ("..", "../shoes", "/tmp"):
        with pytest.raises(ValueError, match="not the name"):
            Run.named(name)
    with pytest.raises(ValueError, match="there is no run to do that with"):
        Run.named("")


# --- what is written and read


def test_a_half_written_line_of_metrics_is_left_for_the_next_call():
    run = make()
    run.append_metrics({"step": 1})
    with run.metrics_file.open("a") as file:
        file.write('{"step": 2, "lo')
    rows, offset = run.metrics()
    assert [row["step"] for row in rows] == [1]
    with run.metrics_file.open("a") as file:
        file.write('ss_G": 3}\n')
    assert run.metrics(offset)[0] == [{"step": 2, "loss_G": 3}]


def test_rewind_forgets_what_is_from_beyond_the_step():
    run = make()
    for step in (10, 20, 30):
        run.append_metrics({"step": step})
        run.save_preview(step, Image.new("RGB", (8, 8)))
    with run.metrics_file.open("a") as file:
        file.write('{"step": 4')  # a crash
    _, offset = run.metrics()
    run.rewind(20)
    assert [path.name for path in run.previews()] == ["000010.jpg", "000020.jpg"]
    run.append_metrics({"step": 25})
    assert [row["step"] for row in run.metrics()[0]] == [10, 20, 25]
    run.rewind(10)
    assert [row["step"] for row in run.metrics(offset)[0]] == [10], "a file that was cut is read from the beginning"


def test_previews_are_sorted_by_step_beyond_six_digits():
    run = make()
    for step in (1_000_000, 500, 999_999):
        run.save_preview(step, Image.new("RGB", (8, 8)))
    assert [int(path.stem) for path in run.previews()] == [500, 999_999, 1_000_000]


def test_a_failed_write_leaves_the_old_file():
    run = make()
    run.state_file.write_text("old")
    with pytest.raises(OSError, match="disk is full"), atomic_write(run.state_file) as temporary:
        _write_half(temporary)
    assert run.state_file.read_text() == "old"
    assert not list(run.path.glob(".state*"))


def test_status_is_merged_and_unknown_keys_are_ignored():
    run = make()
    run.write_status(state="stopped", step=5, total=10)
    run.write_status(step=6, colour="red")
    status = run.status()
    assert (status.step, status.total) == (6, 10)
    assert status.heartbeat is not None
    (run.path / "status.json").write_text("{")
    assert run.status() == Status()


def test_log_is_its_end():
    run = make()
    run.log_file.write_text("é" * 1000 + "end")
    assert run.log(max_chars=5) == "ééend"


# --- is it alive?


def test_a_reused_pid_is_not_the_run():
    run = make()
    me = psutil.Process()
    write_raw_status(run, state="running", pid=me.pid, create_time=me.create_time() - 100, heartbeat=time.time())
    status = run.status()
    assert status.state == "failed"
    assert "was killed" in status.error
    assert run.stop() == "shoes was not running."


def test_a_living_process_that_is_silent_is_said_to_be():
    run = make()
    with subprocess.Popen([sys.executable, "-c", "input()", run.path], stdin=subprocess.PIPE) as trainer:
        check_silence(run, psutil.Process(trainer.pid))
        trainer.terminate()


def check_silence(run: Run, trainer: psutil.Process) -> None:
    wait_until(lambda: bool(trainer.cmdline()))
    about = {"pid": trainer.pid, "create_time": trainer.create_time()}
    write_raw_status(run, state="running", heartbeat=time.time() - 600, **about)
    status = run.status()
    assert status.state == "running"
    assert "not been heard of for 10 minutes" in status.error
    with pytest.raises(RunBusyError):
        run.start()


def test_a_zombie_is_not_alive():
    run = make()
    process = subprocess.Popen([sys.executable, "-c", ""])
    write_raw_status(run, state="running", pid=process.pid, create_time=psutil.Process(process.pid).create_time())
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    assert run.status().state == "failed"
    process.wait()


# --- start, stop, resume


def test_start_stop_resume_and_finish(stand_in: Callable[[str], None]):
    run = make()
    run.start()
    assert run.status().state == "starting"
    with pytest.raises(RunBusyError):
        run.start()
    wait_until(lambda: run.status().step > 3)
    status = run.status()
    assert (status.state, status.total, status.device) == ("running", 1000, "cpu")
    assert os.getsid(status.pid or 0) == status.pid, "the run must not die with the app's terminal"

    words = run.stop()
    stopped = run.status()
    assert stopped.state == "stopped"
    assert words == f"shoes has stopped at step {stopped.step}. Resume continues from step {stopped.step}."
    assert run.stop() == "shoes was not running."

    stand_in("finishes")
    assert run.resume() == f"shoes continues from step {stopped.step}."
    wait_until(lambda: run.status().state == "finished")
    assert [row["step"] for row in run.metrics()[0]] == list(range(1, stopped.step + 6)), "no step lost or done twice"
    with pytest.raises(ValueError, match="nothing is left to resume"):
        run.resume()


def test_stop_before_the_first_step(stand_in: Callable[[str], None]):
    run = make()
    run.start()
    run.request_stop()
    assert run.status().state == "stopping"
    wait_until(lambda: run.status().state == "stopped")
    assert run.status().step == 1


@pytest.mark.parametrize(
    ("habit", "means"), [("ignores the stop file", "SIGTERM"), ("ignores SIGTERM", "SIGKILL")]
)  # fmt: skip
def test_stop_escalates(stand_in: Callable[[str], None], habit: str, means: str):
    stand_in(habit)
    run = make()
    run.start()
    wait_until(lambda: run.status().step >= 10)
    words = run.stop(grace_s=0.2, term_s=0.5)
    assert means in words
    assert "Resume continues from step" in words
    assert run.status().state == "stopped"
    assert not run.should_stop()


def test_stop_of_a_run_from_the_terminal_spares_its_neighbours(stand_in: Callable[[str], None]):
    stand_in("ignores SIGTERM")
    run = make()
    trainer = subprocess.Popen([sys.executable, "-m", "training", run.path], cwd=process.ROOT)
    wait_until(lambda: run.status().state == "running")
    assert os.getpgid(trainer.pid) == os.getpgrp(), "this process is in the group of the trainer"
    run.stop(grace_s=0, term_s=0.2)
    assert trainer.wait(5) == -signal.SIGKILL


def test_a_stale_stop_file_is_removed(stand_in: Callable[[str], None]):
    run = make()
    (run.path / "stop").touch()
    trainer = subprocess.Popen([sys.executable, "-m", "training", run.path], cwd=process.ROOT)
    wait_until(lambda: run.status().step > 2)
    run.stop()
    assert trainer.wait(5) == 0


# --- the queue


def test_a_queued_run_starts_when_the_one_before_it_has_ended(stand_in: Callable[[str], None]):
    first, second, third = make("first"), make("second"), make("third")
    assert first.submit().startswith("first starts from the beginning")
    assert second.submit() == "second waits in the queue until first has ended."
    third.submit()
    assert [run.status().state for run in (second, third)] == ["queued", "queued"]
    assert not second.status().alive
    assert Run.start_next() == []

    first.stop()
    assert [run.name for run in Run.start_next()] == ["second"], "in the order in which they came, one at a time"
    assert second.status().state == "starting"
    assert third.status().state == "queued"
    second.stop()
    assert second.status().state == "stopped", "it has left the queue, or it would start again"


def test_a_run_can_leave_the_queue(stand_in: Callable[[str], None]):
    first, second = make("first"), make("second")
    first.submit()
    second.submit()
    second.request_stop()
    assert second.status() == Status()
    first.stop()
    assert Run.start_next() == []


def test_a_program_that_stops_a_run_that_waits_takes_it_out_of_the_queue(stand_in: Callable[[str], None]):
    first, second = make("first"), make("second")
    first.submit()
    second.submit()
    assert second.stop() == "second has left the queue."
    assert not second.is_queued()
    first.stop()
    assert Run.start_next() == []


def test_runs_on_different_devices_do_not_wait_for_each_other(stand_in: Callable[[str], None]):
    runs = [Run.create(TrainConfig(name=f"on-{at}", dataset="photos", device=f"cuda:{at}")) for at in (0, 1)]
    for run in runs:
        assert "starts from the beginning" in run.submit()
    assert all(run.status().alive for run in runs)
    for name, device in (("anywhere", "auto"), ("first", "cuda")):
        waits = Run.create(TrainConfig(name=name, dataset="photos", device=device))
        assert waits.submit() == f"{name} waits in the queue until on-{0 if name == 'first' else 1} has ended."


def test_a_run_with_nothing_left_is_neither_started_nor_queued(stand_in: Callable[[str], None]):
    first, done = make("first"), make("done")
    done.write_status(state="finished", step=5, total=5)
    first.start()
    for _ in range(2):
        with pytest.raises(ValueError, match="nothing is left to resume"):
            done.submit()
        first.stop()
    assert not done.is_queued()


def test_a_run_that_is_trained_is_not_queued_behind_itself(stand_in: Callable[[str], None]):
    run = make()
    run.submit()
    with pytest.raises(RunBusyError, match="already being trained"):
        run.submit()
    assert not run.is_queued()


# --- what may be changed while it does not train


@pytest.mark.parametrize("change", ["extend", "rename", "delete"])
def test_a_run_that_is_trained_is_not_changed(stand_in: Callable[[str], None], change: str):
    run = make()
    run.start()
    wait_until(lambda: run.status().state == "running")
    changes = {"extend": lambda: run.extend(5), "rename": lambda: run.rename("other"), "delete": run.delete}
    with pytest.raises(RunBusyError, match="stop it first"):
        changes[change]()
    assert Run.named("shoes").status().alive


def test_a_finished_run_can_be_extended_and_goes_on(stand_in: Callable[[str], None]):
    stand_in("finishes")
    run = make()
    run.start()
    wait_until(lambda: run.status().state == "finished")
    run.extend(500)
    assert (run.status().state, run.status().total) == ("stopped", 1500)
    assert Run.named("shoes").config.steps == 1500
    run.start()
    wait_until(lambda: run.status().state == "finished")


def test_what_has_not_begun_or_is_no_extension_is_refused():
    run = make()
    with pytest.raises(ValueError, match="has not begun yet"):
        run.extend(5)
    with pytest.raises(ValueError, match="not between"):
        run.extend(0)


def test_a_renamed_run_keeps_what_it_has(runs: Path):
    run = make()
    run.append_metrics({"step": 1})
    renamed = run.rename("boots")
    assert (renamed.name, renamed.config.name, renamed.path) == ("boots", "boots", runs / "boots")
    assert renamed.metrics()[0] == [{"step": 1}]
    assert [run.name for run in Run.list()] == ["boots"]
    assert renamed.rename("boots").name == "boots"


def test_a_run_is_not_renamed_over_another_or_to_nonsense(runs: Path):
    make("other")
    run = make()
    for name, error in (("other", FileExistsError), ("datasets", FileExistsError), ("a/b", ValueError)):
        with pytest.raises(error):
            run.rename(name)
    assert sorted(run.name for run in Run.list()) == ["other", "shoes"]
    assert Run.named("shoes").config.name == "shoes"


def test_a_deleted_run_is_gone_and_its_name_is_free(runs: Path):
    make().delete()
    assert Run.list() == []
    assert not list(runs.glob("*shoes*"))
    assert make().status() == Status()


# --- stopping at a time


def test_a_run_stops_at_its_time_and_can_be_resumed_after_it(stand_in: Callable[[str], None]):
    run = make()
    run.stop_at(time.time() + 1000)
    run.start()
    wait_until(lambda: run.status().step > 2)
    assert run.stops_at(), "a start does not forget it"
    run.stop_at(time.time() - 1)
    wait_until(lambda: run.status().state == "stopped")
    run.start()
    assert run.stops_at() is None
    wait_until(lambda: run.status().state == "running")
    run.stop()


def test_a_time_to_stop_can_be_taken_back():
    run = make()
    run.stop_at(time.time() - 1)
    assert run.should_stop()
    run.stop_at(None)
    assert not run.should_stop()


# --- the best


def test_the_best_is_one_and_is_forgotten_with_what_is_beyond_a_rewind():
    run = make()
    for step, val_L1 in ((10, 0.3), (20, 0.2), (30, 0.1)):
        run.append_metrics({"step": step, "val_L1": val_L1})
        run.best_file(step).parent.mkdir(exist_ok=True)
        run.best_file(step).touch()
        run.forget_worse(step)
        assert run.best_value() == val_L1
        assert [path.stem for path in run.best_file(step).parent.iterdir()] == [f"{step:06d}"]
    run.rewind(20)
    assert run.best_value() == float("inf")


# --- when it goes wrong


def test_a_full_disk_is_the_reason_even_if_that_cannot_be_written(
    stand_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("training.faults.FULL_MB", 1 << 40)
    run = make()
    run.start()
    wait_until(lambda: run.status().step >= 2)
    os.kill(run.status().pid or 0, signal.SIGKILL)
    wait_until(lambda: not run.status().alive)
    assert run.status().error.startswith("The disk is full. Free some space")


def test_a_killed_run_says_so_and_resumes(stand_in: Callable[[str], None]):
    run = make()
    run.start()
    wait_until(lambda: run.status().step >= 12)
    os.kill(run.status().pid or 0, signal.SIGKILL)
    wait_until(lambda: not run.status().alive)
    status = run.status()
    assert status.state == "failed"
    assert "was killed" in status.error
    assert f"Resume continues from step {status.saved_step}" in status.error

    run.resume()
    wait_until(lambda: run.status().step > 20)
    run.stop()
    steps = [row["step"] for row in run.metrics()[0]]
    assert steps == list(range(1, len(steps) + 1))


def test_what_a_killed_trainer_had_begun_to_write_goes_when_the_next_one_begins():
    run = make()
    written = (
        run.state_file, run.generator_file, run.discriminators_file, run.best_discriminators_file, run.metrics_file,
        run.config_file, run.best_file(7), run.snapshot_file(7), run.path / "previews" / "000007.jpg",
    )  # fmt: skip
    theirs = {run.path / name for name in (".notes.tmp", "state.pt.tmp", ".tmp", ".tmp-of-mine", ".pinned.png.tmp")}
    for path in (*written, *theirs):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    before = set(run.path.rglob("*"))
    for path in written:
        with pytest.raises(InterruptedError), atomic_write(path) as temporary:
            raise InterruptedError
        temporary.touch()
    (run.snapshot_file(7).parent / ".tmpKsSUDJ").touch()  # of safetensors
    with run.claim():
        assert set(run.path.rglob("*")) - {run.path / ".lock", run.path / "status.json"} == before


def test_an_exception_is_the_reason(stand_in: Callable[[str], None]):
    stand_in("fails")
    run = make()
    run.start()
    wait_until(lambda: run.status().state == "failed")
    assert run.status().error == (
        "the folder of images is gone. Resume starts from the beginning, since nothing was saved yet."
    )
    wait_until(lambda: "Traceback" in run.log())


@pytest.mark.parametrize(
    ("habit", "reason"),
    [
        ("cannot import", "ImportError: no module named torch"),
        ("says what is wrong", "libcudart.so is not there"),
    ],
)
def test_what_fails_before_the_claim_is_found_in_the_log(stand_in: Callable[[str], None], habit: str, reason: str):
    stand_in(habit)
    run = make()
    run.start()
    wait_until(lambda: run.status().state == "failed")
    assert run.status().error.startswith(f"The training process failed: {reason}.")

    stand_in("trains")
    run.start()
    wait_until(lambda: run.status().step > 1)
    os.kill(run.status().pid or 0, signal.SIGKILL)
    wait_until(lambda: not run.status().alive)
    assert reason not in run.status().error, "the log of an earlier attempt"


def test_two_processes_start_one_training(stand_in: Callable[[str], None]):
    run = make()
    script = (
        "import sys, training.run as r; from pathlib import Path; r.process.ROOT = Path(sys.argv[2])\n"
        "try: r.Run(sys.argv[1]).start()\n"
        "except r.RunBusyError: sys.exit(7)"
    )
    command = [sys.executable, "-c", script, str(run.path), str(process.ROOT)]
    starters = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert sorted(starter.wait(30) for starter in starters) == [0, 7, 7]
    wait_until(lambda: run.status().step > 1)
    assert run.log().count("=== training started") == 1
    run.stop()


def test_a_second_trainer_is_refused(stand_in: Callable[[str], None]):
    run = make()
    with run.claim(), pytest.raises(RunBusyError):
        run.start()
    with run.claim():
        first = run.status()
        trainer = subprocess.Popen([sys.executable, "-m", "training", run.path], cwd=process.ROOT)
        time.sleep(1)
        assert run.status().pid == first.pid
        trainer.kill()
        trainer.wait()


def test_the_interrupt_key_is_a_stop():
    run = make()
    with pytest.raises(KeyboardInterrupt), run.claim():
        raise KeyboardInterrupt
    assert run.status().state == "stopped"


# --- and the real trainer


def test_real_training_starts_stops_resumes_and_finishes(tmp_path: Path):
    (tmp_path / "pairs").mkdir()
    for index in range(4):
        Image.new("RGB", (64, 32), (40 * index, 0, 0)).save(tmp_path / "pairs" / f"{index}.png")
    config = TrainConfig(
        name="tiny", dataset=str(tmp_path / "pairs"), layout="pairs", device="cpu", crop_size=32, load_size=32,
        ngf=4, ndf=4, steps=2000, log_every=1, preview_every=20, save_every=20,
    )  # fmt: skip
    run = Run.create(config)
    run.start()
    wait_until(lambda: run.status().step >= 5)
    assert run.stop(grace_s=60).startswith("tiny has stopped at step"), run.log()
    stopped = run.status()
    assert stopped.state == "stopped"
    assert stopped.saved_step == stopped.step
    assert run.generator_file.exists()

    run.config_file.write_text(config.with_changes(steps=stopped.step + 25).to_json())  # so as not to wait for all
    run.resume()
    wait_until(lambda: run.status().state == "finished")
    assert [row["step"] for row in run.metrics()[0]] == list(range(1, stopped.step + 26))
    assert int(run.previews()[-1].stem) == stopped.step + 25
    with pytest.raises(ValueError, match="nothing is left to resume"):
        run.resume()
