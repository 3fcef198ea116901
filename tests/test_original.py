"""Against numbers recorded from the original Keras code, at 32 px with ngf = ndf = 4 and dropout 0.

The record is of fp32. Here all is computed in fp64, so that on every CPU what is left is the rounding in the record.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from pix2pix.losses import discriminator_loss
from pix2pix.models import Discriminator, Generator, GeneratorConfig
from tests.rounding import SAME
from training.config import TrainConfig
from training.loop import adam, update
from training.objective import Objective

RECORD = np.load(Path(__file__).parent / "data" / "seed_keras_32px_ngf4.npz")
RECORDED = 1e-6  # its rounding on [-1, 1], where fp32 has 7 digits; 1.2e-7 was seen


def image(key: str) -> Tensor:
    return torch.from_numpy(RECORD[key]).permute(0, 3, 1, 2).double().contiguous()


def fill(convolution: Any, norm: Any, layer: str, norm_layer: str) -> None:
    """Copies one layer's recorded weights; kernels are HWIO, transposed ones HWOI."""
    with torch.no_grad():
        convolution.weight.copy_(torch.from_numpy(RECORD[f"{layer}/kernel"]).permute(3, 2, 0, 1))
        if convolution.bias is not None:
            convolution.bias.copy_(torch.from_numpy(RECORD[f"{layer}/bias"]))
        if norm is not None:
            norm.weight.copy_(torch.from_numpy(RECORD[f"{norm_layer}/gamma"]))
            norm.bias.copy_(torch.from_numpy(RECORD[f"{norm_layer}/beta"]))


def fill_all(blocks: list[Any], layers: list[str], first_norm: int) -> None:
    number = first_norm
    for block, layer in zip(blocks, layers, strict=True):
        norm = block[1] if isinstance(block, nn.Sequential) and len(block) > 1 else None
        convolution = block[0] if isinstance(block, nn.Sequential) else block
        fill(convolution, norm, layer, f"{layer[0]}/batch_normalization_{number}")
        number += norm is not None


@pytest.fixture
def networks() -> tuple[Generator, Discriminator]:
    G = Generator(GeneratorConfig(32, ngf=4, dropout=0))
    sizes = [32, 16, 8, 4, 2]
    layers = [f"G/conv_{size}" for size in sizes] + [f"G/convt.{size}" for size in reversed(sizes)]
    fill_all([*G.down, *G.up], layers, first_norm=4)
    D = Discriminator(ndf=4)
    layers = [f"D/{name}" for name in ("First", "pyramid.1", "pyramid.2", "pyramid_last", "final")]
    fill_all([*D.layers, D.final], layers, first_norm=1)
    return G.double(), D.double()


def test_generator_gives_the_recorded_picture(networks: tuple[Generator, Discriminator]):
    G, _ = networks
    torch.testing.assert_close(G(image("A")), image("fake"), atol=RECORDED, rtol=0)


def test_discriminator_gives_the_recorded_probabilities(networks: tuple[Generator, Discriminator]):
    _, D = networks
    for b, expected in (("B", "D_real"), ("fake", "D_fake")):
        torch.testing.assert_close(D(image("A"), image(b)).sigmoid(), image(expected), atol=RECORDED, rtol=0)


def test_five_training_steps_have_the_recorded_losses(networks: tuple[Generator, Discriminator]):
    G, D = networks
    a, b = image("A"), image("B")
    config = TrainConfig(name="paper", dataset="pairs")
    opt_G, opt_D = (adam(config, network) for network in networks)
    accelerator = Accelerator(cpu=True)
    objective = Objective.of(config, accelerator)
    losses = [update(G, D, opt_G, opt_D, objective, accelerator, a, b).tolist() for _ in range(5)]
    # Adam divides each gradient by its size, so that the record's rounding grows: to 5e-6 in three steps, 4e-4 in five.
    np.testing.assert_allclose([row[:3] for row in losses], RECORD["losses"], rtol=1e-3)
    np.testing.assert_allclose([row[:3] for row in losses[:3]], RECORD["losses"][:3], rtol=2e-5)


def test_generators_update_leaves_the_discriminators_gradients_alone(networks: tuple[Generator, Discriminator]):
    G, D = networks
    a, b = image("A"), image("B")
    before = deepcopy(D)
    discriminator_loss(before(a, b), before(a, G(a).detach())).backward()
    opt_G, opt_D = (adam(TrainConfig(name="paper", dataset="pairs"), network) for network in networks)
    update(G, D, opt_G, opt_D, Objective(), Accelerator(cpu=True), a, b)
    for mine, expected in zip(D.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, expected.grad, atol=SAME, rtol=0)
        assert mine.requires_grad
