"""The training loop of pix2pix: read it from top to bottom, beside sections 3 and 3.3 of the paper.

What is random in a step depends on the seed, the step and the process's rank alone, and the order and the crops of the
data likewise. So the networks, the two Adams and the number of the step are all that a resume needs to go on as if
nothing had happened: on the CPU of one machine, with as many threads, to the very same losses.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import psutil
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from PIL import Image
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm

from pix2pix import checkpoint, images
from pix2pix.checkpoint import Metadata, Side
from pix2pix.data import Found, PairedImages, ResidentPairs, ShuffledBatches, find_pairs
from pix2pix.devices import pick_device
from pix2pix.losses import discriminator_loss, feature_loss, generator_loss, held, l1_loss
from pix2pix.models import Discriminator, Generator, GeneratorConfig
from pix2pix.palette import chosen, snap
from training import coach
from training.config import TrainConfig
from training.graph import Replayed, set_lr
from training.run import Run, replacing

PREVIEW_COLUMNS = 4  # of train, and as many of val
VAL_PAIRS = 16  # that val_L1 is averaged over, at each preview
DRAWN_LINE_WIDTH = 1.5  # pixels; in the middle of the line widths that EdgeStyle.sample trains on
FIRST_MOMENT = 50  # steps until the first snapshot
HEARTBEAT_S = 2.0  # between writes of status.json
PACE_S = 60.0  # over which the speed is averaged, previews and saves included
LOSSES = ("loss_D", "loss_G", "loss_L1", "acc_D")

T = TypeVar("T")

log = logging.getLogger("training")


class DivergedError(ValueError):
    """The losses or the weights are not numbers any more."""


def train(run: Run) -> None:
    """Trains a run from where it stands to its end, or until it is asked to stop.

    Raises DatasetError for a dataset that cannot be used, ValueError for a device that is not here, DivergedError.
    """
    config = run.config
    accelerator = accelerator_for(config)
    device, is_main = accelerator.device, accelerator.is_main_process
    torch.manual_seed(config.seed)

    # Data
    found = find_pairs(config.dataset, config.layout, leave_out=config.leave_out)
    train_set = _pairs(config, found, "train", augment=True)
    pairs_per_step = config.batch_size * accelerator.num_processes
    total = config.steps or math.ceil(config.epochs * len(train_set) / pairs_per_step)

    # Networks and their optimizers
    G, D = networks(config, device)
    opt_G, opt_D = adam(G, config), adam(D, config)

    # Resume
    state = State(G, D, opt_G, opt_D, average=averaged(G, config) if config.ema else None)
    if run.state_file.exists():
        state.load(run)
    elif config.init_from:
        state.begin_from(config.init_from)
    if config.smooth:
        state.smooth()
    order = ShuffledBatches(
        len(train_set), config.batch_size, config.seed,
        start=state.step, shard=accelerator.process_index, shards=accelerator.num_processes,
    )  # fmt: skip
    batches = _batches(train_set, order, device)
    compiled = [torch.compile(network, dynamic=False) if config.compile else network for network in (G, D)]
    G_parallel, D_parallel = accelerator.prepare(*compiled)

    # A step of G alone, and one of both
    def step_of_G(a: Tensor, b: Tensor) -> Tensor:
        return update_l1(G_parallel, opt_G, a, b, config.lambda_l1, accelerator)

    def step_of_both(a: Tensor, b: Tensor) -> Tensor:
        weights = config.lambda_l1, accelerator, config.lambda_features
        return update(G_parallel, D_parallel, opt_G, opt_D, a, b, *weights)

    if config.compile and device.type == "cuda" and accelerator.num_processes == 1:
        step_of_both = Replayed(step_of_both, opt_G, opt_D)

    # Begin
    metadata, preview = _metadata(config, found), Preview(config, found, device)
    if is_main:
        run.rewind(state.step)
        run.write_status(state="running", step=state.step, total=total, device=str(device))
        where = f"{device}{', in bf16' if accelerator.mixed_precision == 'bf16' else ''}"
        log.info("%s Training on %s from step %d to %d.", found.describe(), where, state.step, total)
        if state.step == 0:
            preview.save(run, state.generator, 0)
    best = run.best_val_L1()
    pace = Pace(total, pairs_per_step, state, show_bar=is_main)
    stopping = False

    while state.step < total and not stopping:
        state.step += 1
        step = state.step
        torch.manual_seed(_seed(config.seed, step, accelerator.process_index))
        pair = pace.wait_for(batches)
        a, b = (half.to(device, non_blocking=True, memory_format=memory_format(device)) for half in pair)
        lr = learning_rate(config, step, total)
        set_lr(opt_G, lr)
        set_lr(opt_D, lr * config.lr_D / config.lr if config.lr_D else lr)

        # Update D and G, and note the losses; they stay on the device until they are logged
        state.note((step_of_G if step <= config.l1_steps else step_of_both)(a, b))
        if config.smooth:
            G.smooth()
        if state.average:
            state.average.update_parameters(G)
        pace.tick(run if is_main else None)
        stopping = _agree(is_main and run.should_stop(), accelerator)

        # Log
        row: dict[str, Any] = {}
        if step % config.log_every == 0 or step == total:
            first_bad = state.first_bad()
            row = {**state.take_losses(accelerator), "lr": lr}
            if not math.isfinite(sum(row.values())):
                raise DivergedError(coach.not_a_number(min(first_bad, step)))
            epoch, epochs = (math.ceil(n * pairs_per_step / len(train_set)) for n in (step, total))
            log.info("[%d/%d][%d] Loss_D: %.4f Loss_G: %.4f Loss_L1: %.4f %.1f s",
                     epoch, epochs, step, row["loss_D"], row["loss_G"], row["loss_L1"], state.seconds)  # fmt: skip

        # Look
        if is_main and (step % config.preview_every == 0 or step == total):
            row["val_L1"] = preview.save(run, state.generator, step)
            if row["val_L1"] < best:
                best = row["val_L1"]
                checkpoint.save(run.best_file(step), state.generator, metadata.at(step))
                run.forget_worse(step)
        if is_main and row:
            timing = {"time": round(state.seconds, 2), "data_wait": round(pace.take_wait_share(), 4)}
            run.append_metrics({"step": step, **timing, **row})

        # Save
        if is_main and is_moment(step):
            checkpoint.save(run.snapshot_file(step), state.generator, metadata.at(step))
        if step % config.save_every == 0 or step == total or stopping:
            state.share_losses(accelerator)
            if is_main:
                state.save(run, metadata)

    pace.close()
    if is_main:
        finished = state.step >= total
        run.clear_stop()
        run.write_status(state="finished" if finished else "stopped", step=state.step, eta_s=0 if finished else None)
        log.info("%s at step %d of %d.", "Finished" if finished else "Stopped", state.step, total)
    accelerator.wait_for_everyone()  # the others have nothing to save, and would be gone long before the main process


def is_moment(step: int) -> bool:
    """Whether G is kept as it is now, to show later how it came to be: after 50, 100, 200, 500, 1,000, … steps."""
    return step >= FIRST_MOMENT and str(step).rstrip("0") in ("1", "2", "5")


def networks(config: TrainConfig, device: torch.device) -> tuple[Generator, Discriminator]:
    """G and D with random weights, as the device likes them."""
    G = Generator(GeneratorConfig(config.crop_size, ngf=config.ngf, dropout=config.dropout))
    D = Discriminator(ndf=config.ndf, n_layers=config.n_layers)
    for network in (G, D):
        network.to(device=device, memory_format=memory_format(device))  # pyright: ignore[reportCallIssue]
    if config.lambda_spikes:
        for norm in (module for module in G.modules() if isinstance(module, nn.GroupNorm)):
            norm.register_forward_hook(partial(_held, config.lambda_spikes))
    return G, D


def _held(weight: float, _norm: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return held(output, weight)


def memory_format(device: torch.device) -> torch.memory_format:
    """Tensor cores want channels last; the CPU is slower with it (`benchmarks/training_step.py`)."""
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format


def update(
    G: nn.Module,
    D: nn.Module,
    opt_G: torch.optim.Optimizer,
    opt_D: torch.optim.Optimizer,
    a: Tensor,
    b: Tensor,
    lambda_l1: float,
    accelerator: Accelerator,
    lambda_features: float = 0.0,
) -> Tensor:
    """One step of training on a batch of pairs, each half (N, 3, H, W) in [-1, 1]: D's update, then G's.

    Returns (4,): half of loss_D, as the original reports it, the two terms of G's objective, GAN and L1, and the share
    of patches that D judged right.
    """
    # Translate, once for both updates
    fake = G(a)

    # Update D: real pairs are real, fake pairs are fake. One batch holds both, as each image is normalised alone.
    opt_D.zero_grad()
    logits, features = D(torch.cat([a, a]), torch.cat([b, fake.detach()]), features=True)
    real_logits, fake_logits = logits.chunk(2)
    loss_D = discriminator_loss(real_logits, fake_logits)
    acc_D = ((real_logits > 0).float().mean() + (fake_logits < 0).float().mean()) / 2
    accelerator.backward(loss_D)
    opt_D.step()

    # Update G: D takes the fake for real, and the fake is near the real B. D is frozen, and has nothing to synchronise.
    opt_G.zero_grad()
    judge = accelerator.unwrap_model(D)
    with frozen(judge):
        fake_logits, fake_features = judge(a, fake, features=True)
    loss_G, loss_L1 = generator_loss(fake_logits, fake, b)
    objective = loss_G + lambda_l1 * loss_L1
    if lambda_features:
        objective = objective + lambda_features * feature_loss(fake_features, [both[: len(b)] for both in features])
    accelerator.backward(objective)
    opt_G.step()
    return torch.stack([loss_D.detach() / 2, loss_G.detach(), loss_L1.detach(), acc_D])


def update_l1(
    G: nn.Module, opt_G: torch.optim.Optimizer, a: Tensor, b: Tensor, lambda_l1: float, accelerator: Accelerator
) -> Tensor:
    """A step of G alone, by the L1 term of its objective, as SRGAN begins; the same losses, those of D being zero."""
    opt_G.zero_grad()
    loss_L1 = l1_loss(G(a), b)
    accelerator.backward(lambda_l1 * loss_L1)
    opt_G.step()
    none = torch.zeros_like(loss_L1)
    return torch.stack([none, none, loss_L1, none]).detach()


@dataclass
class State:
    """All that training changes, in memory and in state.pt."""

    G: Generator
    D: Discriminator
    opt_G: torch.optim.Optimizer
    opt_D: torch.optim.Optimizer
    average: AveragedModel | None = None  # of G
    step: int = 0
    seconds: float = 0.0  # of training so far, over all sittings
    losses: Tensor = field(init=False)  # sums of what LOSSES names since the last line of metrics
    noted: int = 0  # steps in these sums
    sound: Tensor = field(init=False)  # those of them in which each was a number

    def __post_init__(self) -> None:
        self.losses = torch.zeros(len(LOSSES), device=next(self.G.parameters()).device)
        self.sound = torch.zeros((), dtype=torch.long, device=self.losses.device)

    @property
    def generator(self) -> Generator:
        """What the training is for: G, or its moving average."""
        return self.average.module if self.average else self.G  # pyright: ignore[reportReturnType]

    def note(self, losses: Tensor) -> None:
        """Of one step."""
        self.losses += losses
        self.noted += 1
        self.sound += torch.isfinite(losses).all()

    def first_bad(self) -> int:
        """The first step since the last line of metrics whose losses were not numbers; none of the later ones were."""
        return self.step - self.noted + int(self.sound) + 1

    def take_losses(self, accelerator: Accelerator) -> dict[str, float]:
        """Their averages since the last call, over all processes."""
        means: Any = accelerator.reduce(self.losses / self.noted, reduction="mean")
        self.losses, self.noted, self.sound = torch.zeros_like(self.losses), 0, torch.zeros_like(self.sound)
        return dict(zip(LOSSES, means.tolist(), strict=True))

    def share_losses(self, accelerator: Accelerator) -> None:
        """Gives each process the average of all, which the main one then saves for all."""
        self.losses = accelerator.reduce(self.losses, reduction="mean")  # pyright: ignore[reportAttributeAccessIssue]

    def save(self, run: Run, metadata: Metadata) -> None:
        """Replaces state.pt and the generator. Raises DivergedError rather than overwrite good weights with bad."""
        weights = chain(self.generator.parameters(), self.D.parameters())
        if not all(torch.isfinite(weight).all() for weight in weights):
            raise DivergedError(f"weights are not numbers at step {self.step}; try a lower learning rate")
        with replacing(run.state_file) as temporary:
            parts = {name: part.state_dict() for name, part in self._parts().items()}
            counts = {"step": self.step, "seconds": self.seconds, "losses": self.losses, "noted": self.noted}
            torch.save(parts | counts, temporary)
        checkpoint.save(run.generator_file, self.generator, metadata.at(self.step))
        run.write_status(saved_step=self.step)

    def load(self, run: Run) -> None:
        """Raises ValueError when state.pt is damaged or does not fit the config."""
        try:
            saved = torch.load(run.state_file, map_location=self.losses.device, weights_only=True)
            for name, part in self._parts().items():
                part.load_state_dict(saved[name])
            for optimizer in (self.opt_G, self.opt_D):  # of a run that was replayed, perhaps on another machine
                for group in optimizer.param_groups:
                    group.update(capturable=False, lr=float(group["lr"]))
            self.step, self.seconds, self.noted = saved["step"], saved["seconds"], saved["noted"]
            self.losses[: len(saved["losses"])] = saved["losses"]  # runs of earlier versions have noted fewer
            self.sound.fill_(self.noted)
        except Exception as error:  # unpickling raises anything at all on broken data
            raise ValueError(f"{run.state_file} cannot be resumed from: {error}") from error

    def begin_from(self, name: str) -> None:
        """G takes the weights of a finished generator. Raises CheckpointError, ValueError for another architecture."""
        generator, _ = checkpoint.load(checkpoint.locate(name))
        has = replace(generator.config, dropout=self.G.config.dropout)
        if has != self.G.config:
            raise ValueError(f"to begin from {name}, a run must have its architecture: {has}, not {self.G.config}")
        for network in self._generators():
            network.load_state_dict(generator.state_dict())

    def smooth(self) -> None:
        """Frees G, and its average, of checkerboards; those that are free of them stay as they are."""
        for network in self._generators():
            network.smooth()

    def _generators(self) -> list[Generator]:
        return [self.G, *([self.generator] if self.average else [])]

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        parts = {"G": self.G, "D": self.D, "opt_G": self.opt_G, "opt_D": self.opt_D, "average": self.average}
        return {name: part for name, part in parts.items() if part}


class Preview:
    """Rows A, B and fake of the same few pairs each time: columns of train, then of val."""

    def __init__(self, config: TrainConfig, found: Found, device: torch.device) -> None:
        train_set, self.val_set = (_pairs(config, found, split, augment=False) for split in ("train", "val"))
        self.train_columns = [train_set[index] for index in _spread(PREVIEW_COLUMNS, train_set)]
        self.val = _spread(VAL_PAIRS, self.val_set)
        self.device = device
        self.palette = chosen(config.palette)

    def save(self, run: Run, G: Generator, step: int) -> float:
        """Writes the picture, and returns the mean L1 over a fixed part of val."""
        pairs = self.train_columns + [self.val_set[index] for index in self.val]
        pinned = self._pinned(run, G.config.image_size)
        with evaluating(G):
            fakes = [G(a[None].to(self.device))[0].cpu() for a, _ in [*pairs, *pinned]]
        shown = min(len(self.train_columns) + PREVIEW_COLUMNS, len(pairs))
        columns = [(a, b, fake) for (a, b), fake in zip([*pairs, *pinned], fakes, strict=True)]
        run.save_preview(step, images.grid(list(zip(*columns[:shown], *columns[len(pairs) :], strict=True))))
        errors = [l1_loss(fake, b).item() for fake, (_, b) in zip(fakes[: len(pairs)], pairs, strict=True)]
        return float(np.mean(errors[len(self.train_columns) :]))

    def _pinned(self, run: Run, size: int) -> list[tuple[Tensor, Tensor]]:
        """The drawing that someone has pinned to the run, if any; it has no target, and white stands for that."""
        try:
            drawing = images.read(run.pinned_file)
        except OSError:
            return []
        if self.palette:
            drawing = snap(drawing, self.palette).resize((size, size), Image.Resampling.NEAREST)
        a = images.to_tensor(drawing.resize((size, size), Image.Resampling.BILINEAR))
        return [(a, torch.ones_like(a))]


class Pace:
    """How fast it goes: the progress bar, and the heartbeat, speed and remaining time in status.json."""

    def __init__(self, total: int, pairs_per_step: int, state: State, show_bar: bool) -> None:
        self.total, self.pairs_per_step, self.state = total, pairs_per_step, state
        disable = None if show_bar else True  # None: where it is not a terminal
        self.bar = tqdm(total=total, initial=state.step, unit="step", smoothing=0.05, disable=disable)
        self.last_tick = self.last_beat = time.perf_counter()
        self.beats = deque([(self.last_beat, state.step)])  # time and step of those of the last PACE_S
        self.waited_s, self.noted = 0.0, self.last_tick  # for data, since then

    def wait_for(self, batches: Iterator[T]) -> T:
        """The next batch; what it takes to get it is noted."""
        began = time.perf_counter()
        batch = next(batches)
        self.waited_s += time.perf_counter() - began
        return batch

    def take_wait_share(self) -> float:
        """The share of the time since the last call that was spent waiting for data."""
        now = time.perf_counter()
        share = self.waited_s / (now - self.noted)
        self.waited_s, self.noted = 0.0, now
        return share

    def tick(self, run: Run | None) -> None:
        """After each step; writes the status now and then if given a run."""
        now = time.perf_counter()
        took, self.last_tick = now - self.last_tick, now
        self.state.seconds += took
        self.bar.update()
        if run and now - self.last_beat >= HEARTBEAT_S:
            self.last_beat = now
            self.beats.append((now, self.state.step))
            while len(self.beats) > 2 and now - self.beats[0][0] > PACE_S:
                self.beats.popleft()
            (since, first), step = self.beats[0], self.state.step
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


def _spread(count: int, dataset: PairedImages) -> list[int]:
    """Indices of so many pairs, apart from each other: neighbours by name are often alike."""
    return np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int).tolist()


def learning_rate(config: TrainConfig, step: int, total: int) -> float:
    """Of a step counted from 1: constant, then falling linearly over the last decay_steps, never quite to zero."""
    return config.lr * min(1.0, (total - step + 1) / (config.decay_steps + 1))


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Gradients flow through the network, but not to its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """No dropout and no gradients."""
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        network.train()


def accelerator_for(config: TrainConfig) -> Accelerator:
    """Of one process or of several."""
    device = pick_device(config.device)
    if device.index is not None:
        torch.cuda.set_device(device)
    bf16 = multiplies_bf16(device) if config.precision == "auto" else config.precision == "bf16"
    return Accelerator(cpu=device.type == "cpu", mixed_precision="bf16" if bf16 else "no")


def multiplies_bf16(device: torch.device) -> bool:
    """CUDA does, and the CPUs that have AMX: there a step takes about 0.6 of its time in fp32. Others would emulate."""
    if device.type == "cpu":
        return torch.cpu._is_amx_tile_supported()  # pyright: ignore[reportPrivateUsage]
    return device.type == "cuda"


def adam(network: nn.Module, config: TrainConfig) -> torch.optim.Adam:
    """The paper's optimizer (section 3.3), with the original's epsilon."""
    fused = next(network.parameters()).device.type in ("cpu", "cuda", "mps")
    return torch.optim.Adam(network.parameters(), config.lr, (config.beta1, 0.999), eps=1e-7, fused=fused)


def averaged(G: Generator, config: TrainConfig) -> AveragedModel:
    """The exponential moving average of G's weights, which EDM and StyleGAN show instead of G's own."""
    return AveragedModel(G, multi_avg_fn=get_ema_multi_avg_fn(config.ema))


def _pairs(config: TrainConfig, found: Found, split: str, *, augment: bool) -> PairedImages:
    return PairedImages(
        found,
        split,
        direction=config.direction,
        load_size=config.load_size,
        crop_size=config.crop_size,
        augment=augment,
        flip=config.flip,
        palette=chosen(config.palette),
        hints=config.colour_hints,
        wander=config.wander,
        seed=config.seed,
    )


def _batches(dataset: PairedImages, order: ShuffledBatches, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs as `order` wants them, made while the step before them computes."""
    if device.type == "cuda" and ResidentPairs.fits(dataset):
        resident = ResidentPairs(dataset, device)
        return (resident[keys] for keys in order)
    # A thread is enough beside a step on the CPU, and processes would each keep decoded pictures of their own.
    workers = 4 if device.type == "cuda" else 0
    loader = DataLoader(
        dataset,
        batch_sampler=order,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # it draws a seed for its workers, which the dropout should not notice
    )
    return iter(loader) if workers else _ahead(iter(loader))


def _ahead(batches: Iterator[T], count: int = 2) -> Iterator[T]:
    """The same, each made in a thread up to so many before its turn. For endless iterators."""
    with ThreadPoolExecutor(1, "data") as thread:
        coming = deque(thread.submit(next, batches) for _ in range(count))
        while True:
            yield coming.popleft().result()
            coming.append(thread.submit(next, batches))


def _metadata(config: TrainConfig, found: Found) -> Metadata:
    kinds = ("edges", "photo") if found.layout == "photos" else (config.a, config.b)
    a, b = (Side(kind) for kind in kinds)
    if palette := chosen(config.palette):
        labels = Side("labels", palette)
        a, b = (labels, b) if config.direction == "AtoB" else (a, labels)
    provenance = config.provenance
    if config.init_from:
        provenance = f"{provenance} Fine-tuned from {Path(config.init_from).stem}.".strip()
    return Metadata(
        name=config.name,
        steps=0,
        line_width=config.line_width or (DRAWN_LINE_WIDTH if found.layout == "photos" else Metadata.line_width),
        a=a,
        b=b,
        direction=config.direction,
        colour_hints=config.colour_hints,
        dataset=found.root.name,
        licence=config.licence,
        provenance=provenance,
    )


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _agree(stop: bool, accelerator: Accelerator) -> bool:
    """What the main process saw, so that all leave the loop at the same step."""
    if accelerator.num_processes == 1:
        return stop
    decision = [stop]
    broadcast_object_list(decision)
    return decision[0]
