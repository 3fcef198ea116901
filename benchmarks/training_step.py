"""Times a training step, ours against the common PyTorch recipe, at 256 px on random pairs.

python benchmarks/training_step.py --ngf 64 --batch 1 [--device cuda]

The recipe is that of pytorch-CycleGAN-and-pix2pix, written here with our own networks: one forward of G, D on the fake
and on the real pair one after the other, plain Adam, torch's own convolutions and norms, no setting of threads, memory
or precision. Each of the two lives in a process of its own, with the environment it would have, and they take turns;
while one computes the other sleeps. The peak is a large matrix product's; the FLOPs are those of the recipe, by torch's
flop counter, so that work which ours saves counts for it.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # when this file is run itself, not as a module

BLOCK = 4  # steps in one turn; one more before them is not counted
WARM_UP = 4  # steps before the first turn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ngf", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=5, help=f"turns of {BLOCK} steps each (default: 5)")
    options = parser.parse_args()

    workers = {name: _Worker(name, options) for name in ("reference", "ours")}
    times: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(options.rounds):
        for name, worker in workers.items():
            times[name] += worker.ask("time")
    machine, peak, flops = (workers["reference"].ask(question) for question in ("machine", "peak", "flops"))
    for worker in workers.values():
        worker.ask(None)

    ours, reference = (statistics.median(times[name]) for name in ("ours", "reference"))
    print(f"{machine}; matrix product {peak / 1e9:.0f} GFLOP/s\n")
    print(f"256 px, batch {options.batch}, ngf = ndf = {options.ngf}, {flops / 1e9:.1f} GFLOP a step\n")
    print("| | median (s) | fastest (s) | share of the peak | times as fast |\n| --- | --- | --- | --- | --- |")
    for name, median in (("the common recipe", reference), ("ours", ours)):
        fastest = min(times["ours" if name == "ours" else "reference"])
        print(f"| {name} | {median:.3f} | {fastest:.3f} | {flops / median / peak:.0%} | {reference / median:.2f} |")
    figures = {"median_s": ours, "reference_median_s": reference, "ratio": reference / ours}
    figures["peak_share"] = flops / ours / peak
    print("\n" + json.dumps({name: round(value, 4) for name, value in figures.items()}))


class _Worker:
    """A process that answers questions about one way to train."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        context.Process(target=_work, args=(name, options, theirs), daemon=True).start()

    def ask(self, question: str | None):
        self.pipe.send(question)
        return self.pipe.recv()


def _work(name: str, options: argparse.Namespace, pipe: Connection) -> None:
    if name == "ours":
        from training.__main__ import prepare_process

        prepare_process()
    import torch

    from benchmarks.machine import describe, matmul_flops

    step = (_ours if name == "ours" else _reference)(options.ngf, options.batch, options.device)
    for _ in range(WARM_UP):
        step()
    answers: dict[str, Callable[[], object]] = {
        "time": lambda: _timed(step, options.device),
        "machine": lambda: describe(options.device),
        "peak": lambda: matmul_flops(options.device),
        "flops": lambda: _flops(step),
    }
    torch.manual_seed(0)
    while question := pipe.recv():
        pipe.send(answers[question]())
    pipe.send(os.getpid())


def _timed(step: Callable[[], object], device: str) -> list[float]:
    import torch

    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    times = []
    for _ in range(1 + BLOCK):
        wait()
        started = time.perf_counter()
        step()
        wait()
        times.append(time.perf_counter() - started)
    return times[1:]


def _flops(step: Callable[[], object]) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def _ours(ngf: int, batch: int, device: str) -> Callable[[], object]:
    """The loop's own parts, put together as `training.loop.train` does."""
    import torch

    from training.config import TrainConfig
    from training.loop import accelerator_for, adam, memory_format, networks, update

    config = TrainConfig(name="benchmark", dataset="none", ngf=ngf, ndf=ngf, batch_size=batch, device=device)
    accelerator = accelerator_for(config)
    G, D = networks(config, accelerator.device)
    opt_G, opt_D = adam(G, config), adam(D, config)
    G, D = accelerator.prepare(G, D)
    a, b = torch.rand(2, batch, 3, 256, 256, device=accelerator.device) * 2 - 1
    a, b = (half.contiguous(memory_format=memory_format(accelerator.device)) for half in (a, b))
    return lambda: update(G, D, opt_G, opt_D, a, b, config.lambda_l1, accelerator)


def _reference(ngf: int, batch: int, device: str) -> Callable[[], object]:
    import torch
    from torch import nn

    from pix2pix.models import Discriminator, Generator, GeneratorConfig

    G, D = (_plain(network).to(device) for network in (Generator(GeneratorConfig(ngf=ngf)), Discriminator(ndf=ngf)))
    opt_G, opt_D = (torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999)) for network in (G, D))
    a, b = torch.rand(2, batch, 3, 256, 256, device=device) * 2 - 1
    bce, l1 = nn.BCEWithLogitsLoss(), nn.L1Loss()

    def gan(logits: torch.Tensor, real: bool) -> torch.Tensor:
        return bce(logits, torch.full_like(logits, float(real)))

    def step() -> None:
        fake = G(a)

        D.requires_grad_(True)
        opt_D.zero_grad()
        loss_D = (gan(D(a, fake.detach()), False) + gan(D(a, b), True)) / 2
        loss_D.backward()
        opt_D.step()

        D.requires_grad_(False)
        opt_G.zero_grad()
        loss_G = gan(D(a, fake), True) + 100 * l1(fake, b)
        loss_G.backward()
        opt_G.step()

    return step


def _plain(network):
    """Torch's own layers in place of ours."""
    from torch import nn

    for module in network.modules():
        for name, layer in module.named_children():
            match layer:
                case nn.Conv2d():
                    layer.__class__ = nn.Conv2d
                case nn.ConvTranspose2d():
                    layer.__class__ = nn.ConvTranspose2d
                case nn.GroupNorm():
                    setattr(module, name, nn.InstanceNorm2d(layer.num_channels, eps=layer.eps, affine=True))
    return network


if __name__ == "__main__":
    main()
