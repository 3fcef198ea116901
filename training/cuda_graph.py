"""A step of training as a CUDA graph.

At batch 1 a GPU is done with a step's thousand kernels before Python has asked for them; a graph asks for all at once.
See "CUDA graphs" in torch's notes on the semantics of CUDA, whole-network capture.
"""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3  # steps before the capture, in which libraries choose their kernels and the optimizers make their state

log = logging.getLogger("training")


class CUDAGraphStep:
    """Does what `step(*inputs)` does; from its fourth call on the GPU does again what it was asked for in that one.

    All batches are of one shape, and the tensor that is returned is overwritten by the next call. The step may not wait
    for the GPU, and learning rates change by `set_lr`. Where no graph can be captured it says why, and does without.
    """

    def __init__(self, step: Callable[..., Tensor], *optimizers: torch.optim.Optimizer) -> None:
        self.step, self.optimizers = step, optimizers
        self.stream, self.calls = torch.cuda.Stream(), 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        self.calls += 1
        if self.calls <= WARM_UP:
            return self._warm_up(*inputs)
        if self.calls == WARM_UP + 1:
            try:
                self._capture(*inputs)
            except RuntimeError as error:
                log.warning("No CUDA graph, so the steps are asked for one by one: %s", error)
        if not self.graph:
            return self.step(*inputs)
        for kept, given in zip(self.inputs, inputs, strict=True):
            kept.copy_(given)
        self.graph.replay()
        return self.losses

    def _warm_up(self, *inputs: Tensor) -> Tensor:
        """A step on the stream that the capture will be on."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            losses = self.step(*inputs)
        torch.cuda.current_stream().wait_stream(self.stream)
        return losses

    def _capture(self, *inputs: Tensor) -> None:
        """Computes nothing yet: weights and moments stay as they are."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group.update(capturable=True, lr=torch.tensor(float(group["lr"]), device=inputs[0].device))
        self.inputs = [torch.clone(given) for given in inputs]
        graph = torch.cuda.CUDAGraph()
        # Threads that make the next batches may use the GPU meanwhile.
        with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
            self.losses = self.step(*self.inputs)
        self.graph = graph


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Of the steps to come, in the tensor that a graph reads it from where there is one."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr
