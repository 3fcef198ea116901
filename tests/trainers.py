"""Trainings in processes of their own, which begin at once."""

import multiprocessing
import os
import sys

import torch

from training.__main__ import main as train_command
from training.run import Run

LOADED = ["training.__main__", "training.loop", "torch._dynamo"]  # before a trainer is forked; optimizers want the last


class Trainer(multiprocessing.get_context("forkserver").Process):
    """`python -m training RUN`, in a process that is forked where torch is in memory already: that saves its start."""

    def __init__(self, run: Run) -> None:
        multiprocessing.set_forkserver_preload(LOADED)
        super().__init__(target=_train, args=(str(run.path),))
        self.start()

    def wait(self) -> int:
        """Its status; of one that was killed, minus the number of the signal."""
        self.join(300)
        assert self.exitcode is not None, "it goes on and on"
        return self.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid or 0, number)


def _train(path: str) -> None:
    torch.set_num_threads(1)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    sys.exit(train_command([path]))
