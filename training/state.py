"""What training changes, in memory and in state.pt: from it a resume goes on as if nothing had happened."""

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from pix2pix import checkpoint
from pix2pix.checkpoint import Metadata
from pix2pix.models import Discriminator, Generator
from pix2pix.places import replacing
from training.run import Run

LOSSES = ("loss_D", "loss_G", "loss_L1", "acc_D")


class DivergedError(ValueError):
    """The losses or the weights are not numbers any more."""


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
