"""Trainings in processes of their own, which begin at once."""

import multiprocessing
import os
import sys

import torch
from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]

from training.__main__ import main as train_command
from training.run import Run

LOADED = ["training.__main__", "training.loop", "torch._dynamo"]  # before a trainer is forked; optimizers want the last


class Trainer(multiprocessing.get_context("forkserver").Process):
    """`python -m training RUN`, in a process that is forked where torch is in memory already: that saves its start.

    words:       of the command line: a run, or others
    program:     Python code that is run in place of the module
    environment: variables that it gets beside ours
    """

    def __init__(self, *words: Run | str, program: str = "", **environment: str) -> None:
        multiprocessing.set_forkserver_preload(LOADED)
        variables = dict(os.environ) | environment  # those of the server are of when it was started
        line = [str(word.path) if isinstance(word, Run) else word for word in words]
        super().__init__(target=_train, args=(line, program, variables))
        self.start()

    def wait(self) -> int:
        """Its status; of one that was killed, minus the number of the signal."""
        self.join(300)
        assert self.exitcode is not None, "it goes on and on"
        return self.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid or 0, number)


def together(count: int, *words: Run | str, program: str = "") -> list[int]:
    """The statuses of so many trainers that are one training: those that `torchrun` would have started."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    here = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True",
            "TORCHELASTIC_RESTART_COUNT": "0", "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}  # fmt: skip
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]
    return [each.wait() for each in [Trainer(*words, program=program, **here, **rank) for rank in ranks]]


def _train(words: list[str], program: str, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    torch.set_num_threads(1)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    if program:
        sys.argv[1:] = words
        exec(program, {"__name__": "__main__"})
    else:
        sys.exit(train_command(words))
