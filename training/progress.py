"""How fast a training goes: in the terminal, and in status.json for whoever watches from elsewhere."""

import time
from collections import deque
from collections.abc import Iterator
from typing import TypeVar

import psutil
import torch
from tqdm import tqdm

from training.run import Run
from training.state import State

HEARTBEAT_S = 2.0  # between writes of status.json
SPEED_S = 60.0  # over which the speed is averaged, previews and saves included

T = TypeVar("T")


class Progress:
    """How fast it goes: the progress bar, and the heartbeat, speed and remaining time in status.json."""

    def __init__(self, total: int, pairs_per_step: int, state: State, show_bar: bool) -> None:
        self.total, self.pairs_per_step, self.state = total, pairs_per_step, state
        disable = None if show_bar else True  # None: where it is not a terminal
        self.bar = tqdm(total=total, initial=state.step, unit="step", smoothing=0.05, disable=disable)
        self.last_update = self.last_report = time.perf_counter()
        self.reports = deque([(self.last_report, state.step)])  # time and step of those of the last SPEED_S
        self.waited_s, self.waited_since = 0.0, self.last_update  # for data, since that time

    def wait_for(self, batches: Iterator[T]) -> T:
        """The next batch; what it takes to get it is noted."""
        began = time.perf_counter()
        batch = next(batches)
        self.waited_s += time.perf_counter() - began
        return batch

    def take_wait_share(self) -> float:
        """The share of the time since the last call that was spent waiting for data."""
        now = time.perf_counter()
        share = self.waited_s / (now - self.waited_since)
        self.waited_s, self.waited_since = 0.0, now
        return share

    def update(self, run: Run | None) -> None:
        """After each step; writes the status now and then if given a run."""
        now = time.perf_counter()
        took, self.last_update = now - self.last_update, now
        self.state.seconds += took
        self.bar.update()
        if run and now - self.last_report >= HEARTBEAT_S:
            self.last_report = now
            self.reports.append((now, self.state.step))
            while len(self.reports) > 2 and now - self.reports[0][0] > SPEED_S:
                self.reports.popleft()
            (since, first), step = self.reports[0], self.state.step
            step_s = (now - since) / (step - first)
            run.write_status(
                step=step,
                images_per_s=round(self.pairs_per_step / step_s, 3),
                eta_s=round((self.total - step) * step_s, 1),
                memory_mb=round(memory_mb(self.state.losses.device)),
            )

    def close(self) -> None:
        self.bar.close()


def memory_mb(device: torch.device) -> float:
    """What the training takes: of the GPU's memory at most so far, else of the machine's now."""
    in_use = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else psutil.Process().memory_info().rss
    return in_use / 1e6
