"""Trainings in processes of their own, which begin at once."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from training.__main__ import main as train_command
from training.run import Run


class Forked(multiprocessing.get_context("forkserver").Process):
    """A process that is forked where torch is in memory already: that saves its start.

    output:      a file to which it prints; else that goes nowhere
    environment: variables that it gets beside ours
    """

    def __init__(
        self, work: Callable[..., None], *arguments: Any, output: Path | None = None, **environment: str
    ) -> None:
        multiprocessing.set_forkserver_preload(["tests.loaded"])
        variables = dict(os.environ) | environment  # those of the server are of when it was started
        super().__init__(target=_with, args=(variables, str(output or os.devnull), work, *arguments))
        self.start()

    def wait(self, seconds: float = 300) -> int:
        """Its status; of one that was killed, minus the number of the signal."""
        self.join(seconds)
        assert self.exitcode is not None, "it goes on and on"
        return self.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid or 0, number)


class Trainer(Forked):
    """`python -m training RUN`.

    words:   of the command line: a run, or others
    program: Python code that is run in place of the module
    """

    def __init__(self, *words: Run | str, program: str = "", output: Path | None = None, **environment: str) -> None:
        line = [str(word.path) if isinstance(word, Run) else word for word in words]
        super().__init__(_train, line, program, output=output, **environment)


class Launcher(Forked):
    """`torchrun --standalone --nproc_per_node=2 -m training RUN`, in a session of its own: the launcher of torch is the
    same, but for the processes that it starts, which are forked, too. It is for trainings that something ends.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(_launch, [str(run.path)])


class Together:
    """So many trainers that are one training, as `torchrun` would have started them."""

    def __init__(self, count: int, *words: Run | str, program: str = "") -> None:
        self.store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        here = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.store.port), "WORLD_SIZE": str(count),
                "LOCAL_WORLD_SIZE": str(count), "TORCHELASTIC_USE_AGENT_STORE": "True",
                "TORCHELASTIC_RESTART_COUNT": "0"}  # fmt: skip
        ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]
        self.trainers = [Trainer(*words, program=program, output=None, **here, **rank) for rank in ranks]

    def wait(self) -> list[int]:
        """Their statuses."""
        return [each.wait() for each in self.trainers]


def _with(environment: dict[str, str], output: str, work: Callable[..., None], *arguments: Any) -> None:
    os.environ.clear()
    os.environ.update(environment)
    torch.set_num_threads(1)
    with open(output, "a", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    work(*arguments)


def _train(words: list[str], program: str = "") -> None:
    if program:
        sys.argv[1:] = words
        exec(program, {"__name__": "__main__"})
    elif status := train_command(words):
        sys.exit(status)


def _launch(words: list[str]) -> None:
    os.setsid()
    about = LaunchConfig(1, 1, 2, rdzv_backend="c10d", rdzv_endpoint="localhost:0", max_restarts=0,
                         start_method="fork")  # fmt: skip
    elastic_launch(about, _worker)(words)


def _worker(words: list[str]) -> NoReturn:
    os._exit(train_command(words))  # one that returned would wait until the launcher has heard that
