"""Transposed convolutions as ordinary ones: the same network, by other arithmetic."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from pix2pix.models import Generator, GeneratorConfig
from pix2pix.upsampling import ShuffledConvolution, without_transposed
from tests.rounding import SAME


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (5, 8)])
def test_it_gives_the_same(bias: bool, height: int, width: int):
    torch.manual_seed(0)
    transposed = nn.ConvTranspose2d(5, 3, 4, stride=2, padding=1, bias=bias).double()
    x = torch.randn(2, 5, height, width, dtype=torch.float64)
    made = ShuffledConvolution(transposed)(x)
    assert made.shape == (2, 3, 2 * height, 2 * width)
    assert (made - transposed(x)).abs().max() < SAME


def test_a_generator_has_none_left_and_is_the_same():
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(32, ngf=4)).eval().double()
    a = torch.rand(1, 3, 32, 32, dtype=torch.float64) * 2 - 1
    other = without_transposed(deepcopy(generator))
    assert not any(isinstance(layer, nn.ConvTranspose2d) for layer in other.modules())
    with torch.no_grad():
        assert (other(a) - generator(a)).abs().max() < SAME


@pytest.mark.parametrize(("kernel", "output_padding", "groups"), [(3, 1, 1), (4, 0, 2)])
def test_others_stay_as_they_are(kernel: int, output_padding: int, groups: int):
    network = nn.Sequential(nn.ConvTranspose2d(4, 4, kernel, 2, 1, output_padding, groups))
    (layer,) = without_transposed(network).children()
    assert type(layer) is nn.ConvTranspose2d
