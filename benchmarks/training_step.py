"""Times a training step, ours against the common PyTorch recipe, at 256 px on random pairs.

python benchmarks/training_step.py --ngf 64 --batch 1 [--device cuda] [--compile] [--precision fp32]

The recipe is that of pytorch-CycleGAN-and-pix2pix, written here with our own networks: one forward of G, D on the fake
and on the real pair one after the other, plain Adam, torch's own convolutions and norms, no setting of threads or
memory; in fp32, and where ours computes in bf16 in that too. Each lives in a process of its own, with the environment
it would have, and they take turns; while one computes the others sleep. The peak is that of a large matrix product in
the same precision; the FLOPs are those of the recipe, by torch's flop counter, so that work which ours saves counts
for it. In the last line `ratio` compares with the recipe in fp32.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # when this file is run itself, not as a module

from training.config import ObjectiveName

BLOCK = 4  # steps in one turn; one more before them is not counted
WARM_UP = 4  # steps before the first turn
RECIPE, RECIPE_BF16, OURS = "the common recipe", "the common recipe, bf16", "ours"
RECOMMENDED = "ours, the recommended objective"
OURS_BY: dict[str, ObjectiveName] = {OURS: "paper", RECOMMENDED: "recommended"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ngf", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="compile ours, as the setting of that name does")
    parser.add_argument("--precision", choices=("auto", "fp32"), default="auto", help="of ours, as the setting")
    parser.add_argument("--objective", choices=("paper", "recommended"), default="paper", help="time this one too")
    parser.add_argument("--rounds", type=int, default=5, help=f"turns of {BLOCK} steps each (default: 5)")
    options = parser.parse_args()

    names = [RECIPE, RECIPE_BF16, OURS, *([RECOMMENDED] if options.objective == "recommended" else [])]
    workers = {name: _Worker(name, options) for name in names}
    machine, bf16, flops = (workers[RECIPE].ask(question) for question in ("machine", "bf16", "flops"))
    if not bf16:
        workers.pop(RECIPE_BF16).end()
    times: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(options.rounds):
        for name, worker in workers.items():
            times[name] += worker.ask("time")
    peaks = {
        name: worker.ask("peak bf16" if bf16 and name != RECIPE else "peak fp32") for name, worker in workers.items()
    }
    for worker in workers.values():
        worker.end()

    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{machine}\n\n256 px, batch {options.batch}, ngf = ndf = {options.ngf}, {flops / 1e9:.1f} GFLOP a step\n")
    print("| | median (s) | fastest (s) | peak (GFLOP/s) | share of the peak | times as fast |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, median in medians.items():
        share, ratio = flops / median / peaks[name], medians[RECIPE] / median
        print(
            f"| {name} | {median:.3f} | {min(times[name]):.3f} | {peaks[name] / 1e9:.0f} | {share:.0%} | {ratio:.2f} |"
        )
    ours, reference = medians[OURS], medians[RECIPE]
    figures = {"median_s": ours, "reference_median_s": reference, "ratio": reference / ours}
    figures["peak_share"] = flops / ours / peaks[OURS]
    if options.objective == "recommended":
        figures["times_the_papers_step"] = medians[RECOMMENDED] / ours
    print("\n" + json.dumps({name: round(value, 4) for name, value in figures.items()}))


class _Worker:
    """A process that answers questions about one way to train. What fails there is raised here, with its traceback."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name = name
        self.process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self.begun = self.process.submit(_begin, name, options)

    def ask(self, question: str) -> Any:
        try:
            self.begun.result()
            return self.process.submit(_answer, question).result()
        except Exception as error:
            error.add_note(f"This was in the process of {self.name}.")
            raise

    def end(self) -> None:
        self.process.shutdown()


_answers: dict[str, Callable[[], object]] = {}  # to questions, in the process of a worker


def _begin(name: str, options: argparse.Namespace) -> None:
    ngf, batch, device = options.ngf, options.batch, options.device
    if name in OURS_BY:
        from training.__main__ import prepare_process

        prepare_process()
    import torch

    from benchmarks.machine import describe, matmul_flops
    from training.loop import multiplies_bf16

    step = (
        _ours(options, OURS_BY[name]) if name in OURS_BY else _reference(ngf, batch, device, bf16=name == RECIPE_BF16)
    )
    _answers.update({
        "time": lambda: _timed(step, device),
        "machine": lambda: describe(device),
        "bf16": lambda: options.precision == "auto" and multiplies_bf16(torch.device(device)),
        "peak fp32": lambda: matmul_flops(device),
        "peak bf16": lambda: matmul_flops(device, torch.bfloat16),
        "flops": lambda: _flops(step),  # only asked of the recipe
    })  # fmt: skip
    torch.manual_seed(0)
    for _ in range(WARM_UP):
        step()


def _answer(question: str) -> Any:
    return _answers[question]()


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


def _ours(options: argparse.Namespace, name: ObjectiveName = "paper") -> Callable[[], object]:
    """The loop's own parts, put together as `training.loop.train` does."""
    import torch

    from training.config import OBJECTIVES, TrainConfig
    from training.loop import accelerator_for, adam, memory_format, networks, step_functions
    from training.objective import Objective

    ngf, batch = options.ngf, options.batch
    config = TrainConfig(
        name="benchmark", dataset="none", ngf=ngf, ndf=ngf, batch_size=batch, compile=options.compile,
        device=options.device, precision=options.precision, **OBJECTIVES[name],
    )  # fmt: skip
    accelerator = accelerator_for(config)
    G, D = networks(config, accelerator.device)
    objective = Objective.of(config, accelerator)
    opt_G, opt_D = adam(config, G), adam(config, D, *objective.discriminators)
    _, step = step_functions(config, accelerator, G, D, opt_G, opt_D, objective)
    a, b = torch.rand(2, batch, 3, 256, 256, device=accelerator.device) * 2 - 1
    a, b = (half.contiguous(memory_format=memory_format(accelerator.device)) for half in (a, b))
    window = torch.zeros(2, dtype=torch.long, device=accelerator.device)
    return lambda: step(a, b, window)


def _reference(ngf: int, batch: int, device: str, *, bf16: bool) -> Callable[[], object]:
    import torch
    from torch import nn

    from pix2pix.models import Discriminator, Generator, GeneratorConfig

    G, D = (_plain(network).to(device) for network in (Generator(GeneratorConfig(ngf=ngf)), Discriminator(ndf=ngf)))
    opt_G, opt_D = (torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999)) for network in (G, D))
    a, b = torch.rand(2, batch, 3, 256, 256, device=device) * 2 - 1
    bce, l1 = nn.BCEWithLogitsLoss(), nn.L1Loss()
    autocast = torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16)

    def gan(logits: torch.Tensor, real: bool) -> torch.Tensor:
        return bce(logits, torch.full_like(logits, float(real)))

    def step() -> None:
        with autocast:
            fake = G(a)

        D.requires_grad_(True)
        opt_D.zero_grad()
        with autocast:
            loss_D = (gan(D(a, fake.detach()), False) + gan(D(a, b), True)) / 2
        loss_D.backward()
        opt_D.step()

        D.requires_grad_(False)
        opt_G.zero_grad()
        with autocast:
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
