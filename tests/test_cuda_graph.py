"""Steps that are replayed are the steps that would have been made, one by one.

Where there is no GPU, `Tape` stands in for its graphs: it notes the operations of a step, and does them again in the
same memory. All that a replay could miss is missed by it too: what Python computes, and learning rates and counts that
are numbers rather than tensors.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from training.config import TrainConfig
from training.cuda_graph import WARM_UP, CUDAGraphStep, set_lr
from training.loop import accelerator_for, adam, networks, step_functions, update
from training.objective import Objective

STEPS = WARM_UP + 4
# A learning rate in a tensor is one in fp32, and a GPU does not add in the same order each time. Adam, whose epsilon is
# 1e-7, makes of a gradient's rounding, some 1e-9, up to a hundredth of the learning rate, 2e-3. 1e-6 was seen on a CPU.
TOLERANCE = 1e-4
CONFIG = TrainConfig(
    name="any", dataset="any", crop_size=32, ngf=4, ndf=4, precision="fp32", device="cpu", lambda_feature_matching=10.0
)
OBJECTIVES = {
    "paper": CONFIG,
    "with perceptual terms": CONFIG.with_changes(lambda_perceptual=20.0, lambda_projected=1.0, lambda_colour=50.0),
}


class Tape(TorchDispatchMode):
    """A graph, and the capture of one."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Callable[..., object], tuple, dict, object]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out))
        return out

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, out in self.calls:
            again = func(*args, **kwargs)
            for memory, result in zip(tree_leaves(out), tree_leaves(again), strict=True):
                if isinstance(memory, Tensor) and memory.data_ptr() != result.data_ptr():
                    memory.copy_(result)


class Training:
    """The networks, their optimizers and a step."""

    losses: Tensor

    def __init__(self, config: TrainConfig) -> None:
        AcceleratorState._reset_state(reset_partial_state=True)
        torch.manual_seed(0)
        accelerator = accelerator_for(config)
        objective = Objective.of(config, accelerator)
        G, D = networks(config, accelerator.device)
        self.networks = [G, D, *objective.discriminators]
        self.optimizers = opt_G, opt_D = adam(config, G), adam(config, D, *objective.discriminators)
        _, self.step = step_functions(config, accelerator, G, D, opt_G, opt_D, objective)

    def tensors(self) -> list[Tensor]:
        weights = [value for network in self.networks for value in network.state_dict().values()]
        states = [state for optimizer in self.optimizers for state in optimizer.state.values()]
        return [*weights, *(each for state in states for each in state.values())]

    def run(self, step: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
        """Its losses (STEPS, of each); another batch and another learning rate in each step."""
        losses = []
        for number in range(STEPS):
            torch.manual_seed(number)
            a, b = (torch.rand(2, 1, 3, 32, 32) * 2 - 1).to(self.device)
            for optimizer in self.optimizers:
                set_lr(optimizer, 2e-3 / (1 + number))
            losses.append(step(a, b, torch.zeros(2, dtype=torch.long, device=self.device)).clone())
        return torch.stack(losses)

    @property
    def device(self) -> torch.device:
        return next(self.networks[0].parameters()).device


@pytest.fixture(params=OBJECTIVES, scope="module")
def config(request: pytest.FixtureRequest) -> TrainConfig:
    config = OBJECTIVES[request.param]
    return config.with_changes(device="cuda") if torch.cuda.is_available() else config


@pytest.fixture(scope="module")
def trained(config: TrainConfig) -> Training:
    """By steps that were made one by one."""
    training = Training(config)
    training.losses = training.run(training.step)
    return training


@pytest.fixture
def training(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> Training:
    """Another, in the very same state. Without a GPU it has tapes for graphs."""
    training = Training(config)
    if torch.cuda.is_available():
        return training

    @contextmanager
    def captured(tape: Tape, **_: object) -> Iterator[None]:
        before = [tensor.detach().clone() for tensor in training.tensors()]
        with tape, torch.random.fork_rng(devices=()):
            yield
        with torch.no_grad():
            for tensor, value in zip(training.tensors(), before, strict=True):
                tensor.copy_(value)  # a capture computes nothing

    stream = SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Tape)
    monkeypatch.setattr(torch.cuda, "graph", captured)
    return training


def test_replayed_steps_are_those_that_would_have_been_made(training: Training, trained: Training):
    asked: list[int] = []

    def step(a: Tensor, b: Tensor, window: Tensor) -> Tensor:
        asked.append(1)
        return training.step(a, b, window)

    losses = training.run(CUDAGraphStep(step, *training.optimizers))
    torch.testing.assert_close(losses, trained.losses, rtol=TOLERANCE, atol=0)
    torch.testing.assert_close(training.tensors(), trained.tensors(), rtol=TOLERANCE, atol=TOLERANCE)
    assert len(asked) == WARM_UP + 1


def test_without_a_graph_it_goes_on_and_says_why(
    training: Training, trained: Training, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def refused(*_: object, **__: object):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(torch.cuda, "graph", refused)
    losses = training.run(CUDAGraphStep(training.step, *training.optimizers))
    torch.testing.assert_close(losses, trained.losses, rtol=TOLERANCE, atol=0)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "not permitted when stream is capturing" in record.message


@pytest.mark.parametrize("perceptual", [0.0, 20.0])
def test_a_step_waits_for_no_answer_of_the_device(perceptual: float):
    """On the device `meta` numbers have no values, and to ask for one is an error. It has no autocast, which the
    discriminators on features need.
    """
    config = CONFIG.with_changes(lambda_perceptual=perceptual, lambda_feature_matching=10.0, lambda_colour=50.0)
    accelerator, meta = Accelerator(cpu=True), torch.device("meta")
    objective = Objective.of(config, accelerator)
    if objective.terms:
        objective.terms.perception.to(meta)
    G, D = networks(config, meta)
    opt_G, opt_D = adam(config, G), adam(config, D, *objective.discriminators)
    a, b = torch.rand(2, 1, 3, 32, 32, device=meta)
    window = torch.zeros(2, dtype=torch.long, device=meta)
    losses = update(G, D, opt_G, opt_D, objective, accelerator, a, b, window)
    assert losses.is_meta
    with pytest.raises(RuntimeError):
        losses.sum().item()
