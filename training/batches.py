"""The pairs of a dataset, as a run's settings want them, in batches that are ready when the loop asks for them."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from pix2pix.data.dataset import PairedImages, ResidentPairs, ShuffledBatches
from pix2pix.data.layouts import DatasetError
from pix2pix.data.pairs import Found
from pix2pix.palette import chosen
from pix2pix.scales import Scale
from training.config import Kind, TrainConfig

WORKERS = min(4, os.cpu_count() or 1)  # processes that make batches beside a step on a GPU

T = TypeVar("T")


def pairs_of(config: TrainConfig, found: Found, split: str, *, augment: bool) -> PairedImages:
    """The pairs of a split as the settings want them. Raises DatasetError for settings that want others."""
    a, b = kinds_of(config, found)
    side, kind = ("A", a) if config.direction == "AtoB" else ("B", b)
    if config.colour_hints and kind != "edges":
        raise DatasetError(
            f"colour hints need line drawings as the input, and {side} of {found.root} is not said to be that"
        )
    return PairedImages(
        found,
        split,
        direction=config.direction,
        load_size=config.load_size,
        crop_size=config.crop_size,
        augment=augment,
        flip=config.flip,
        palette=chosen(config.palette),
        target_palette=chosen(config.target_palette),
        scales=(scale_of(config.scale_a), scale_of(config.scale_b)),
        hints=config.colour_hints,
        random_affine=config.random_affine,
        seed=config.seed,
    )


def kinds_of(config: TrainConfig, found: Found) -> tuple[Kind, Kind]:
    """What the folder's A and B show."""
    return ("edges", "photo") if found.layout == "photos" else (config.a, config.b)


def scale_of(setting: str) -> Scale | None:
    """That of `scale_a` or `scale_b`; None for auto, as `resolve_auto` leaves it where no file is deep."""
    return None if setting == "auto" else Scale.parse(setting)


def batches_of(dataset: PairedImages, order: ShuffledBatches, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs as `order` wants them, made while the step before them computes."""
    if device.type == "cuda" and ResidentPairs.fits(dataset):
        resident = ResidentPairs(dataset, device)
        return (resident[keys] for keys in order)
    if device.type == "cuda":
        return by_processes(dataset, order, pin_memory=True)
    # A thread is enough beside a step on the CPU, and processes would each keep decoded pictures of their own.
    return prepared_ahead(iter(_loader(dataset, order)))


def by_processes(
    dataset: PairedImages, order: ShuffledBatches, *, pin_memory: bool = False
) -> Iterator[tuple[Tensor, Tensor]]:
    """The same, made by processes, which begin at once and end with the iterator."""
    return _in_the_words_of_the_dataset(iter(_loader(dataset, order, WORKERS, pin_memory)))


def _in_the_words_of_the_dataset(batches: Iterator[T]) -> Iterator[T]:
    """Torch puts what a process says at the end of its traceback."""
    try:
        yield from batches
    except DatasetError as error:
        error.__traceback__ = None  # it would keep the batches in a circle, where they cannot tell their makers to end
        raise DatasetError(str(error).rpartition(f"{DatasetError.__name__}: ")[2].strip()) from None


def _loader(dataset: PairedImages, order: ShuffledBatches, workers: int = 0, pin_memory: bool = False) -> DataLoader:
    return DataLoader(
        dataset,
        batch_sampler=order,
        num_workers=workers,
        pin_memory=pin_memory,
        worker_init_fn=_go_on_while_the_trainer_does,
        generator=torch.Generator(),  # it draws a seed for its workers, which the dropout should not notice
    )


def _go_on_while_the_trainer_does(_worker: int) -> None:
    """Ctrl-C, and the SIGTERM of whatever ends all processes of a job, reach these too. But the trainer then finishes
    its step and saves, for which it needs them. They end when it says so, or is gone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":  # only here can one see who has sent it
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_when_the_trainer_says_so, name="signals", daemon=True).start()


def _end_when_the_trainer_says_so() -> None:
    trainer = multiprocessing.parent_process()
    while trainer and signal.sigwaitinfo({signal.SIGTERM}).si_pid != trainer.pid:
        pass
    os._exit(0)


def prepared_ahead(batches: Iterator[T], count: int = 2) -> Iterator[T]:
    """The same, each made in a thread up to so many before its turn. For endless iterators."""
    with ThreadPoolExecutor(1, "data") as thread:
        coming = deque(thread.submit(next, batches) for _ in range(count))
        while True:
            yield coming.popleft().result()
            coming.append(thread.submit(next, batches))
