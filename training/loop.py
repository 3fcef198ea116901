"""The training loop of pix2pix: read it from top to bottom, beside sections 3 and 3.3 of the paper.

What is random in a step depends on the seed, the step and the process's rank alone, and the order and the crops of the
data likewise. So the networks, the two Adams and the number of the step are all that a resume needs to go on as if
nothing had happened: on the CPU of one machine, with as many threads, to the very same losses.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pix2pix.data.dataset import ShuffledBatches
from pix2pix.data.pairs import Found, find_pairs
from pix2pix.devices import pick_device
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata, Side
from pix2pix.losses import activation_penalty, l1_loss
from pix2pix.models import Discriminator, Generator, GeneratorConfig
from pix2pix.palette import chosen
from pix2pix.perceptual import window_at
from training import coach, discriminators
from training.batches import batches_of, kinds_of, pairs_of, scale_of
from training.config import TrainConfig
from training.cuda_graph import CUDAGraphStep, set_lr
from training.distillation import Teacher
from training.objective import Objective
from training.perceptual_terms import frozen, targets_of
from training.preview import Preview
from training.progress import Progress
from training.resolve import resolve_auto
from training.run import Run
from training.state import DivergedError, State
from training.status import extending

DRAWN_LINE_WIDTH = 1.5  # pixels; in the middle of the line widths that EdgeStyle.sample trains on
FIRST_SNAPSHOT = 50  # steps until the first snapshot

Step = Callable[[Tensor, Tensor, Tensor], Tensor]  # of a, b and the window of the frozen network; gives the losses

log = logging.getLogger("training")


def train(run: Run) -> None:
    """Trains a run from where it stands to its end, or until it is asked to stop.

    Raises DatasetError for a dataset that cannot be used, ValueError for a device that is not here, DivergedError.
    """
    config = run.config
    accelerator = accelerator_for(config)
    device, is_main = accelerator.device, accelerator.is_main_process
    torch.manual_seed(config.seed)

    # Data
    found = find_pairs(config.dataset, config.layout, folders=config.folders, leave_out=config.leave_out)
    config = resolve_auto(run, found, is_main)
    train_set = pairs_of(config, found, "train", augment=True)
    pairs_per_step = config.batch_size * accelerator.num_processes
    total = config.steps or math.ceil(config.epochs * len(train_set) / pairs_per_step)

    # Networks and their optimizers
    G, D = networks(config, device)
    objective = Objective.of(config, accelerator)
    metadata = _metadata(config, found)
    teacher = Teacher(config, device) if config.distil_from else None
    if teacher:
        teacher.check(metadata.source)
    opt_G, opt_D = adam(config, G), adam(config, D, *objective.discriminators)

    # Resume
    state = State(G, D, opt_G, opt_D, objective, averaged(G, config) if config.ema else None)
    if run.state_file.exists():
        state.load(run)
    else:
        begin(state, config, found, teacher)
    order = ShuffledBatches(
        len(train_set), config.batch_size, config.seed,
        start=state.step, shard=accelerator.process_index, shards=accelerator.num_processes,
    )  # fmt: skip
    batches = batches_of(train_set, order, device)
    step_of_G, step_of_both = step_functions(config, accelerator, G, D, opt_G, opt_D, objective)

    # Begin
    perception = objective.terms and objective.terms.perception
    preview = Preview(config, found, device, perception)
    if is_main:
        run.rewind(state.step)
        run.write_status(state="running", step=state.step, total=total, device=str(device))
        where = f"{device}{', in bf16' if accelerator.mixed_precision == 'bf16' else ''}"
        log.info("%s Training on %s from step %d to %d.", found.describe(), where, state.step, total)
        if state.step == 0:
            preview.save(run, state.generator, 0)
        if state.step >= total:  # it was killed during its last save, perhaps before that reached the generator
            state.save(run, metadata)
    best = run.best_value()
    progress = Progress(total, pairs_per_step, state, show_bar=is_main)
    stopping = False

    while state.step < total and not stopping:
        state.step += 1
        step = state.step
        torch.manual_seed(_seed(config.seed, step, accelerator.process_index))
        pair = progress.wait_for(batches)
        a, b = (half.to(device, non_blocking=True, memory_format=memory_format(device)) for half in pair)
        if teacher:
            a, b = teacher.lesson(a, torch.Generator().manual_seed(_seed(config.seed, step, accelerator.process_index)))
        window = window_at(config.crop_size, torch.Generator().manual_seed(_seed(config.seed, step))).to(device)
        lr = learning_rate(config, step, total)
        set_lr(opt_G, lr)
        set_lr(opt_D, lr * config.lr_D / config.lr if config.lr_D else lr)

        # Update D and G, and note the losses; they stay on the device until they are logged
        make_step = step_of_G if step <= config.l1_steps else step_of_both
        state.note(make_step(a, b, window))
        if config.checkerboard_free:
            G.remove_checkerboard()
        if state.average:
            state.average.update_parameters(G)
        progress.update(run if is_main else None)
        asked = _agree(run.take_asked() if is_main else set(), accelerator)
        stopping = "stop" in asked

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
        if is_main and (step % config.preview_every == 0 or step == total or "preview" in asked):
            row |= preview.save(run, state.generator, step)
            if row[config.best_by] < best:
                best = row[config.best_by]
                checkpoint.save(run.best_file(step), state.generator, metadata.at(step))
                discriminators.save(run.best_discriminators_file, state.discriminators)
                run.forget_worse(step)
        if is_main and row:
            timing = {"time": round(state.seconds, 2), "data_wait": round(progress.take_wait_share(), 4)}
            run.append_metrics({"step": step, **timing, **row})

        # Save
        if is_main and is_snapshot(step):
            checkpoint.save(run.snapshot_file(step), state.generator, metadata.at(step))
        if step % config.save_every == 0 or step == total or asked & {"stop", "save"}:
            state.share_losses(accelerator)
            if is_main:
                state.save(run, metadata)

    progress.close()
    if is_main:
        finished = state.step >= total
        run.clear_stop()
        run.write_status(state="finished" if finished else "stopped", step=state.step, eta_s=0 if finished else None)
        log.info("%s at step %d of %d.", "Finished" if finished else "Stopped", state.step, total)
        if finished:
            advice = extending(run.path)
            log.info("%s.", advice[0].upper() + advice[1:])
    accelerator.wait_for_everyone()  # the others have nothing to save, and would be gone long before the main process


def begin(state: State, config: TrainConfig, found: Found, teacher: Teacher | None) -> None:
    """Puts into a state whose weights are random what a training does not begin with by chance."""
    if terms := state.objective.terms:
        terms.perception.measure(targets_of(config, found))
    if config.init_from:
        state.begin_from(config.init_from)
    elif teacher:
        state.begin_narrower(teacher)
    if config.checkerboard_free:
        state.remove_checkerboard()


def is_snapshot(step: int) -> bool:
    """Whether G is kept as it is now, to show later how it came to be: after 50, 100, 200, 500, 1,000, … steps."""
    return step >= FIRST_SNAPSHOT and str(step).rstrip("0") in ("1", "2", "5")


def networks(config: TrainConfig, device: torch.device) -> tuple[Generator, Discriminator]:
    """G and D with random weights, as the device likes them."""
    classes = tuple((chosen(config.palette) or {}).values()) if config.one_hot else ()
    G = Generator(GeneratorConfig(config.crop_size, ngf=config.ngf, dropout=config.dropout, classes=classes))
    D = Discriminator(ndf=config.ndf, n_layers=config.n_layers)
    for network in (G, D):
        network.to(device=device, memory_format=memory_format(device))  # pyright: ignore[reportCallIssue]
    if config.lambda_activation:
        for norm in (module for module in G.modules() if isinstance(module, nn.GroupNorm)):
            norm.register_forward_hook(partial(_with_penalty, config.lambda_activation))
    return G, D


def _with_penalty(weight: float, _norm: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return activation_penalty(output, weight)


def memory_format(device: torch.device) -> torch.memory_format:
    """Tensor cores want channels last; the CPU is slower with it (`benchmarks/training_step.py`)."""
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format


def step_functions(
    config: TrainConfig,
    accelerator: Accelerator,
    G: Generator,
    D: Discriminator,
    opt_G: torch.optim.Optimizer,
    opt_D: torch.optim.Optimizer,
    objective: Objective,
) -> tuple[Step, Step]:
    """A step of G alone and one of both, as the config and the device want them: compiled, shared between processes,
    replayed as a CUDA graph.
    """
    compiled = [torch.compile(network, dynamic=False) if config.compile else network for network in (G, D)]
    G_parallel, D_parallel = accelerator.prepare(*compiled)
    objective = objective.parallel()

    def l1_step(a: Tensor, b: Tensor, _window: Tensor, /) -> Tensor:
        return update_l1(G_parallel, opt_G, objective, accelerator, a, b)

    def full_step(a: Tensor, b: Tensor, window: Tensor, /) -> Tensor:
        return update(G_parallel, D_parallel, opt_G, opt_D, objective, accelerator, a, b, window)

    if config.compile and accelerator.device.type == "cuda" and accelerator.num_processes == 1:
        return l1_step, CUDAGraphStep(full_step, opt_G, opt_D)
    return l1_step, full_step


def update(
    G: nn.Module,
    D: nn.Module,
    opt_G: torch.optim.Optimizer,
    opt_D: torch.optim.Optimizer,
    objective: Objective,
    accelerator: Accelerator,
    a: Tensor,
    b: Tensor,
    window: Tensor | None = None,
) -> Tensor:
    """One step of training on a batch of pairs, each half (N, 3, H, W) in [-1, 1]: D's update, then G's.

    Returns the losses that `objective.names` names. A frozen network, if the objective has one, sees the pictures
    through the `window` (see `pix2pix.perceptual`).
    """
    # Translate, once for both updates
    fake = G(a)
    maps = objective.seen(a, b, fake, window)

    # Update D: real pairs are real, fake pairs are fake. One batch holds both, as each image is normalised alone.
    opt_D.zero_grad()
    logits, features = D(torch.cat([a, a]), torch.cat([b, fake.detach()]), features=True)
    real_logits, fake_logits = logits.chunk(2)
    objective_D, losses_D = objective.of_D(real_logits, fake_logits, maps)
    accelerator.backward(objective_D)
    opt_D.step()

    # Update G: D takes the fake for real, and the fake is near the real B. D is frozen, and has nothing to synchronise.
    opt_G.zero_grad()
    judge = accelerator.unwrap_model(D)
    with frozen(judge):
        fake_logits, fake_features = judge(a, fake, features=True)
    real_features = [both[: len(b)] for both in features]
    objective_G, losses_G = objective.of_G(a, b, fake, fake_logits, fake_features, real_features, maps)
    accelerator.backward(objective_G)
    opt_G.step()
    return objective.logged(losses_D | losses_G)


def update_l1(
    G: nn.Module, opt_G: torch.optim.Optimizer, objective: Objective, accelerator: Accelerator, a: Tensor, b: Tensor
) -> Tensor:
    """A step of G alone, by the L1 term of its objective, as SRGAN begins; the same losses, the others being zero."""
    opt_G.zero_grad()
    loss_L1 = l1_loss(G(a), b)
    accelerator.backward(objective.lambda_l1 * loss_L1)
    opt_G.step()
    return objective.logged({"loss_L1": loss_L1})


def learning_rate(config: TrainConfig, step: int, total: int) -> float:
    """Of a step counted from 1: constant, then falling linearly over the last decay_steps, never quite to zero."""
    return config.lr * min(1.0, (total - step + 1) / (config.decay_steps + 1))


def accelerator_for(config: TrainConfig) -> Accelerator:
    """Of one process or of several."""
    device = pick_device(config.device)
    if device.index is not None:
        torch.cuda.set_device(device)
    bf16 = multiplies_bf16(device) if config.precision == "auto" else config.precision == "bf16"
    return Accelerator(cpu=device.type == "cpu", mixed_precision="bf16" if bf16 else "no")


def multiplies_bf16(device: torch.device) -> bool:
    """CUDA does from Ampere on, and the CPUs that have AMX or AVX512_BF16: there a step takes 0.6 to 0.8 of its time in
    fp32. Others would emulate it.
    """
    if device.type == "cpu":
        has_amx = torch.cpu._is_amx_tile_supported()  # pyright: ignore[reportPrivateUsage]
        return has_amx or torch.cpu._is_avx512_bf16_supported()  # pyright: ignore[reportPrivateUsage]
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def adam(config: TrainConfig, *networks: nn.Module) -> torch.optim.Adam:
    """The paper's optimizer (section 3.3) of all their weights, with the original's epsilon."""
    weights = [weight for network in networks for weight in network.parameters()]
    fused = weights[0].device.type in ("cpu", "cuda", "mps")
    return torch.optim.Adam(weights, config.lr, (config.beta1, config.beta2), eps=1e-7, fused=fused)


def averaged(G: Generator, config: TrainConfig) -> AveragedModel:
    """The exponential moving average of G's weights, which EDM and StyleGAN show instead of G's own."""
    return AveragedModel(G, multi_avg_fn=get_ema_multi_avg_fn(config.ema))


def _metadata(config: TrainConfig, found: Found) -> Metadata:
    a, b = (Side(kind) for kind in kinds_of(config, found))
    given = chosen(config.palette), chosen(config.target_palette)
    palettes = given if config.direction == "AtoB" else given[::-1]
    a, b = (Side("labels", palette) if palette else side for side, palette in zip((a, b), palettes, strict=True))
    a, b = replace(a, scale=scale_of(config.scale_a)), replace(b, scale=scale_of(config.scale_b))
    provenance = config.provenance
    if config.init_from:
        provenance = f"{provenance} Fine-tuned from {Path(config.init_from).stem}.".strip()
    if config.distil_from:
        provenance = f"{provenance} Learned from the pictures of {Path(config.distil_from).stem}.".strip()
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


def _agree(asked: set[str], accelerator: Accelerator) -> set[str]:
    """What the main process saw, so that all save, and leave the loop, at the same step."""
    if accelerator.num_processes == 1:
        return asked
    decision = [asked]
    broadcast_object_list(decision)
    return decision[0]
