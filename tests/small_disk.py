"""What happens on a disk that is full, at each moment: test_full_disk.py runs this with a disk of its own.

python -m tests.small_disk FOLDER COUNT SEED     FOLDER: where the disk is mounted; COUNT: moments that are tried
"""

import io
import json
import os
import random
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors import safe_open

import tests.loaded  # noqa: F401 (what each trainer, which is a fork, would load for itself)
from pix2pix.__main__ import main as translate
from pix2pix.data.intake import receive
from training.__main__ import main as train_command
from training.config import OBJECTIVES, TrainConfig
from training.faults import DISK_FULL
from training.run import Run
from ui.words import said

SIZE = 256  # MB of the disk
STEPS, BEGUN, SAVE_EVERY = 20, 5, 5
SETTINGS: dict[str, Any] = {
    "layout": "pairs", "crop_size": 32, "load_size": 36, "ngf": 4, "ndf": 4, "device": "cpu",
    "log_every": 2, "preview_every": 5, "save_every": SAVE_EVERY,
} | OBJECTIVES["recommended"]  # fmt: skip  # with all that a run can have to save


class Disk:
    """A small one, which can be filled in a moment."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ballast = folder, folder / "ballast"
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "none", folder], check=True)

    def fill(self, left: int = 0) -> None:
        """Until so many bytes are left."""
        about = os.statvfs(self.folder)
        with self.ballast.open("ab") as file:
            file.truncate(self.ballast.stat().st_size)
            os.posix_fallocate(file.fileno(), 0, max(1, about.f_bavail * about.f_frsize - left))

    def free(self) -> None:
        self.ballast.unlink(missing_ok=True)


def in_a_child(work: Callable[[], int]) -> int:
    """Its exit status. A fork, which has torch in memory already, and is a process like any trainer."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = work()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def trained(run: Run, disk: Disk | None = None, moment: int = 0, left: int = 0) -> tuple[int, int]:
    """The exit status of a training, and how often it opens or renames a file of the run.

    At that `moment` of these the disk becomes full, but for some bytes.
    """
    count, (read, write) = 0, os.pipe()

    def hook(event: str, arguments: tuple) -> None:
        nonlocal count
        if event in ("open", "os.rename", "os.mkdir") and str(run.path) in str(arguments[0]):
            count += 1
            if disk and count == moment:
                disk.fill(left)

    def work() -> int:
        sys.addaudithook(hook)
        with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            status = train_command([str(run.path)])
        os.write(write, str(count).encode())
        return status

    status = in_a_child(work)
    os.close(write)
    with os.fdopen(read) as told:
        return status, int(told.read() or 0)


def losses(run: Run) -> list[tuple]:
    return [tuple(value for key, value in row.items() if key not in ("time", "data_wait")) for row in run.metrics()[0]]


def check_files(run: Run) -> None:
    """Each is whole, or not there."""
    for path in run.path.rglob("*"):
        assert not path.name.endswith(".tmp"), path
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                assert list(file.keys())
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".jpg":
            Image.open(path).load()
    lines = run.metrics_file.read_bytes().split(b"\n")[:-1]  # the last may be half a line: it is none
    assert [json.loads(line)["step"] for line in lines] == [row["step"] for row in run.metrics()[0]]


def check_training(disk: Disk, pairs: Path, moments: int, rng: random.Random) -> dict[str, int]:
    """The disk becomes full at each moment of a training, or at so many of them. How they ended."""
    begun = Run.create(TrainConfig(name="begun", dataset=str(pairs), steps=STEPS, **SETTINGS))
    begun.config_file.write_text(begun.config.with_changes(steps=BEGUN).to_json())
    assert trained(Run(begun.path))[0] == 0
    Run(begun.path).extend(STEPS - BEGUN)
    whole = copied(begun, "whole")
    status, count = trained(whole)
    assert status == 0, whole.log()
    ends = {"moments": count, "failed": 0, "refused": 0, "finished": 0}
    chosen = range(1, count + 1) if moments >= count else sorted(rng.sample(range(1, count + 1), moments))
    for moment in chosen if moments else ():
        run = copied(begun, "full")
        before = run.status()
        left = rng.choice([0, 0, 4096, 40_000, 400_000])
        status, _ = trained(run, disk, moment, left)
        told = run.status()
        where = f"at moment {moment} of {count}, {left} bytes left: {told}\n{run.log()}"
        assert not told.alive, where
        if status == 0:
            assert told.state == "finished", where
            ends["finished"] += 1
        elif told == before:  # it could not even write that it has begun, which whoever started it was told
            ends["refused"] += 1
        else:
            assert told.state == "failed", where
            assert told.error.startswith(DISK_FULL), where
            saved = torch.load(run.state_file, weights_only=True)["step"]
            assert saved >= max(BEGUN, told.saved_step or 0), where
            assert told.step - saved <= SAVE_EVERY, where
            assert f"Resume continues from step {told.saved_step}" in told.error, where
            ends["failed"] += 1
        check_files(run)
        disk.free()
        if status:
            assert trained(run)[0] == 0, where
        assert losses(run) == losses(whole), where
        run.delete()
    return ends


def copied(run: Run, name: str) -> Run:
    if (run.path.with_name(name)).exists():
        Run.discard(name)
    shutil.copytree(run.path, run.path.with_name(name))
    copy = Run(run.path.with_name(name))
    copy.config_file.write_text(copy.config.with_changes(name=name).to_json())
    return Run(copy.path)


def check_the_rest(disk: Disk, pairs: Path) -> None:
    """All else that writes: a sentence each, and what was there before is there still."""
    run = Run.named("begun")
    out, runs = disk.folder / "out", run.path.parent
    shutil.copy(run.generator_file, theirs := disk.folder / "theirs.safetensors")
    picture = next(pairs.glob("*.png"))
    assert translate(["translate", str(picture), "--checkpoint", "begun", "--out", str(out)]) == 0
    made = {path: path.read_bytes() for path in out.iterdir()}
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file() and path.suffix in (".json", "")}
    disk.fill()
    refused: dict[str, Callable[[], object]] = {
        "start": run.start,
        "create": lambda: Run.create(TrainConfig(name="new", dataset=str(pairs))),
        "pin": lambda: run.pin(Image.effect_noise((64, 64), 50)),
        "extend": lambda: run.extend(5),
        "rename": lambda: run.rename("other"),
        "stop at": lambda: run.stop_at(4e9),
        "upload": lambda: receive([picture]),
    }  # fmt: skip
    for work in refused.values():
        with pytest.raises(OSError, match="No space left") as error:
            work()
        assert said(error.value) == "The disk is full: free some space, and try again."
    for arguments in (
        ["translate", str(picture), "--checkpoint", "begun", "--out", str(out)],
        ["import", str(theirs), "--name", "again"],
        ["export", "begun", str(disk.folder / "begun.safetensors")],
        ["export", "begun", str(disk.folder / "begun.onnx")],
    ):
        with redirect_stderr(io.StringIO()) as told:
            assert translate(arguments) == 2, arguments
        (line,) = [line for line in told.getvalue().splitlines() if line.startswith("error: ")]
        assert "No space left on device" in line, line
    assert not run.status().alive
    run.stop()
    disk.free()
    assert {path: path.read_bytes() for path in before} == before
    assert {path: path.read_bytes() for path in out.iterdir()} == made
    assert not [path for path in disk.folder.rglob("*") if ".tmp" in path.name or path.name.startswith("begun.")]
    assert not any((runs / name).exists() for name in ("new", "other", "again"))
    assert list((runs / "datasets").iterdir()) == []


def main(folder: str, count: str, seed: str) -> None:
    torch.set_num_threads(1)
    disk = Disk(Path(folder))
    os.environ["PIX2PIX_RUNS"] = str(disk.folder / "runs")
    pairs = Path(folder).with_name("pairs")
    ends = check_training(disk, pairs, int(count), random.Random(int(seed)))
    check_the_rest(disk, pairs)
    print(json.dumps(ends))


if __name__ == "__main__":
    main(*sys.argv[1:])
