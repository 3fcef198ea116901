"""A disk that becomes full at each moment at which a training writes: nothing breaks, and it is said.

`make test` tries 4 moments, `make faults` all of them. The disk is a small one of the test's own, in memory, for which
Linux wants a user namespace; where there is none the test is left out.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pix2pix.files import checkpoint
from pix2pix.files.places import ROOT
from tests.trainers import Trainer
from training.config import TrainConfig
from training.run import Run

MOMENTS = int(os.environ.get("FULL", "4"))
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Where a small disk can be mounted, in a namespace."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = [*NAMESPACE, "mount", "-t", "tmpfs", "none", str(folder)]
    if not shutil.which("unshare") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system of one's own can be mounted here")
    return folder


@pytest.mark.timeout(600 + 20 * MOMENTS)
def test_a_disk_that_becomes_full_breaks_nothing(disk: Path, pairs: Path):
    seed = random.randrange(1 << 30)
    command = [*NAMESPACE, sys.executable, "-m", "tests.small_disk", str(disk), str(MOMENTS), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"seed {seed}\n{done.stdout}\n{done.stderr}"
    ends = json.loads(done.stdout.splitlines()[-1])
    tried = ends["failed"] + ends["refused"] + ends["finished"]
    print(f"\nof {ends['moments']} moments {tried} were tried: {ends['failed']} trainings failed and were resumed, "
          f"{ends['refused']} could not begin, {ends['finished']} finished; seed {seed}")  # fmt: skip
    assert ends["failed"] + ends["refused"] > 0


def test_a_file_that_may_not_grow_costs_no_save(pairs: Path):
    """The same by a limit that any user may set, on each file: state.pt is the first that is larger."""
    settings: dict[str, Any] = {
        "crop_size": 32, "load_size": 36, "ngf": 4, "ndf": 4, "save_every": 5, "preview_every": 50,
    }  # fmt: skip
    run = Run.create(TrainConfig(name="limited", dataset=str(pairs), steps=10, **settings))
    assert Trainer(run).wait() == 0
    run.extend(10)
    before = {file: file.read_bytes() for file in (run.state_file, run.generator_file)}

    limited = """
import resource, sys
from training.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
sys.exit(main(sys.argv[1:]))
"""
    assert Trainer(run, program=limited).wait() != 0
    status = run.status()
    assert status.state == "failed"
    assert status.error.endswith("Resume continues from step 10.")
    assert {file: file.read_bytes() for file in before} == before
    assert not list(run.path.glob(".*.tmp"))
    assert Trainer(run).wait() == 0
    assert checkpoint.load(run.generator_file)[1].steps == 20
