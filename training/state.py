"""What training changes, in memory and in state.pt: from it a resume goes on as if nothing had happened."""

import logging
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from pix2pix.architectures import Foreign
from pix2pix.files import checkpoint
from pix2pix.files.checkpoint import Metadata
from pix2pix.files.places import atomic_write, discriminators_of
from pix2pix.models import INPUT_KERNEL, Discriminator, Generator, GeneratorConfig, one_hot_kernel, with_paint
from pix2pix.validation import shorten
from training import discriminators
from training.distillation import Teacher, take_strongest
from training.faults import NotResumableError
from training.objective import Objective
from training.run import Run

log = logging.getLogger("training")


class DivergedError(ValueError):
    """The losses or the weights are not numbers any more."""


def _unlike(name: str, has: GeneratorConfig | Foreign, wanted: GeneratorConfig) -> str:
    """Why a training cannot begin from a generator of another architecture, and what would have to be set."""
    if not isinstance(has, GeneratorConfig):
        return f"{name} comes from another project: only a U-Net of this app can be trained further"
    if (has.image_size, has.ngf) != (wanted.image_size, wanted.ngf):
        return f"to begin from {name}, crop_size must be {has.image_size} and ngf {has.ngf}, as they are there"
    if (has.in_channels, has.out_channels) != (wanted.in_channels, wanted.out_channels):
        return f"{name} translates {has.in_channels} channels into {has.out_channels}: only colours can be learned"
    return f"to begin from {name}, palette must list the {len(has.classes)} colours that it knows, with one_hot on"


def _lay_out_as_weights(optimizer: torch.optim.Optimizer) -> None:
    """Fused Adam goes through a weight and its moments in memory, side by side, and never asks whether each has its
    channels first or last. A GPU's have them last, a CPU's first, and what is loaded keeps the order it was saved in.
    """
    for weight, moments in optimizer.state.items():
        for name, value in moments.items():
            if value.shape == weight.shape:
                moments[name] = torch.empty_like(weight).copy_(value)


@dataclass
class State:
    """All that training changes, in memory and in state.pt."""

    G: Generator
    D: Discriminator
    opt_G: torch.optim.Optimizer
    opt_D: torch.optim.Optimizer
    objective: Objective
    average: AveragedModel | None = None  # of G
    step: int = 0
    seconds: float = 0.0  # of training so far, over all sittings
    losses: Tensor = field(init=False)  # the sum of each since the last line of metrics
    noted: int = 0  # steps in these sums
    sound: Tensor = field(init=False)  # those of them in which each was a number

    def __post_init__(self) -> None:
        self.losses = torch.zeros(len(self.objective.names), device=next(self.G.parameters()).device)
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
        return dict(zip(self.objective.names, means.tolist(), strict=True))

    def share_losses(self, accelerator: Accelerator) -> None:
        """Gives each process the average of all, which the main one then saves for all."""
        self.losses = accelerator.reduce(self.losses, reduction="mean")  # pyright: ignore[reportAttributeAccessIssue]

    def save(self, run: Run, metadata: Metadata) -> None:
        """Replaces state.pt and the generator. Raises DivergedError rather than overwrite good weights with bad."""
        weights = chain(self.generator.parameters(), self.D.parameters())
        if not all(torch.isfinite(weight).all() for weight in weights):
            raise DivergedError(f"weights are not numbers at step {self.step}; try a lower learning rate")
        with atomic_write(run.state_file) as temporary:
            parts = {name: part.state_dict() for name, part in self._parts().items()}
            counts = {"step": self.step, "seconds": self.seconds, "losses": self.losses, "noted": self.noted}
            torch.save(parts | counts, temporary)
        checkpoint.save(run.generator_file, self.generator, metadata.at(self.step))
        discriminators.save(run.discriminators_file, self.discriminators)
        run.write_status(saved_step=self.step)

    def load(self, run: Run) -> None:
        """Raises NotResumableError when state.pt is damaged or does not fit the config."""
        try:
            saved = torch.load(run.state_file, map_location=self.losses.device, weights_only=True)
        except Exception as error:  # anything at all, in words for programmers that advise to trust the file
            raise NotResumableError(
                f"{run.state_file} cannot be resumed from, since it is damaged. Duplicate the run to begin anew, or "
                "fine-tune from what it has saved"
            ) from error
        try:
            for name, part in self._parts().items():
                part.load_state_dict(saved[name])
            for optimizer in (self.opt_G, self.opt_D):  # of a run that was replayed, perhaps on another machine
                for group in optimizer.param_groups:
                    group.update(capturable=False, lr=float(group["lr"]))
                _lay_out_as_weights(optimizer)
            self.step, self.seconds, self.noted = saved["step"], saved["seconds"], saved["noted"]
            self.losses[: len(saved["losses"])] = saved["losses"]  # runs of earlier versions have noted fewer
            self.sound.fill_(self.noted)
        except Exception as error:  # what is missing, or of another size, is told of in many ways
            raise NotResumableError(f"{run.state_file} cannot be resumed from: {shorten(str(error))}") from error

    def begin_from(self, name: str) -> None:
        """G takes the weights of a finished generator, and the discriminators those beside it, where they fit.

        Raises CheckpointError, ValueError for a generator of another architecture.
        """
        path = checkpoint.locate(name)
        generator, _ = checkpoint.load(path)
        weights, has = generator.state_dict(), replace(generator.config, dropout=self.G.config.dropout)
        if isinstance(has, GeneratorConfig) and self.G.config.classes and not has.classes:  # it has seen colours
            has = replace(has, classes=self.G.config.classes)
            weights[INPUT_KERNEL] = one_hot_kernel(weights[INPUT_KERNEL], has.classes)
        if isinstance(has, GeneratorConfig) and has.painted is not None:  # no training shows paint
            has = replace(has, painted=None)
            weights = with_paint(weights, has)
        if has != self.G.config:
            raise ValueError(_unlike(name, has, self.G.config))
        for network in self._generators():
            network.load_state_dict(weights)
        if file := discriminators_of(path):
            log.info("Beginning from %s. %s", name, discriminators.load_fitting(file, self.discriminators))
        else:
            log.info("Beginning from %s, which has no discriminators beside it: they begin anew.", name)

    def begin_narrower(self, teacher: Teacher) -> None:
        """G takes the strongest channels of the generator that it learns from, and the discriminators those beside it,
        where they fit.
        """
        said = take_strongest(self.G, teacher.generator)
        self.generator.load_state_dict(self.G.state_dict())  # its average, where there is one
        if file := discriminators_of(teacher.path):
            said = f"{said} {discriminators.load_fitting(file, self.discriminators)}"
        log.info(said)

    def remove_checkerboard(self) -> None:
        """Frees G, and its average, of checkerboards; those that are free of them stay as they are."""
        for network in self._generators():
            network.remove_checkerboard()

    def _generators(self) -> list[Generator]:
        return [self.G, *([self.generator] if self.average else [])]

    @property
    def discriminators(self) -> dict[str, nn.Module]:
        """All that judges G and is trained, and what decides the meaning of its weights."""
        parts: dict[str, nn.Module] = {"D": self.D}
        if terms := self.objective.terms:
            parts["scales"] = terms.perception.scales
            if terms.projected:
                parts["projected"] = terms.projected
        return parts

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        parts = {"G": self.G, "opt_G": self.opt_G, "opt_D": self.opt_D, "average": self.average}
        return {name: part for name, part in parts.items() if part} | self.discriminators
