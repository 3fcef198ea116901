"""The networks as the paper and the original describe them: sizes, widths, receptive field, initial weights, noise."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pix2pix.models import Convolution, Discriminator, Generator, GeneratorConfig, TransposedConvolution, summary
from tests.rounding import SAME


def blocks(*modules: nn.Module) -> list[nn.Sequential]:
    return [module for module in modules if isinstance(module, nn.Sequential)]


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def kernels(G: Generator) -> list[torch.Tensor]:
    """Of the up-convolutions, from the innermost outwards, in double precision."""
    return [weight.detach().double().clone() for weight in G.up.parameters() if weight.ndim == 4]


def small(image_size: int = 32, **settings) -> Generator:
    torch.manual_seed(0)
    return Generator(GeneratorConfig(image_size, ngf=4, **settings))


def test_parameter_counts_are_the_originals():
    assert count(Generator()) == 54_414_531
    assert count(Discriminator()) == 2_768_705


@pytest.mark.parametrize("size", [32, 64, 128, 256, 512, 1024])
def test_generator_halves_down_to_one_pixel_and_back(size: int):
    G = small(size).eval()
    innermost = []
    G.down[-1].register_forward_hook(lambda _, __, output: innermost.append(output.shape[2:]))
    with torch.no_grad():
        assert G(torch.zeros(1, 3, size, size)).shape == (1, 3, size, size)
    assert innermost == [(1, 1)]


def test_generator_takes_other_channel_counts():
    G = small(in_channels=1, out_channels=4).eval()
    assert G(torch.zeros(2, 1, 32, 32)).shape == (2, 4, 32, 32)


@pytest.mark.parametrize("settings", [{"image_size": 100}, {"image_size": 16}, {"ngf": 0}, {"dropout": 1.0}])
def test_impossible_architectures_are_refused(settings: dict):
    with pytest.raises(ValueError, match=next(iter(settings))):
        GeneratorConfig(**settings)


def test_generator_output_is_in_range_of_tanh():
    G = small()
    fake = G(torch.randn(2, 3, 32, 32) * 50)
    assert fake.min() >= -1
    assert fake.max() <= 1


@pytest.mark.parametrize(("size", "patches"), [(256, 30), (128, 14), (64, 6), (32, 2)])
def test_discriminator_judges_overlapping_patches(size: int, patches: int):
    a = torch.zeros(1, 3, size, size)
    assert Discriminator(ndf=4)(a, a).shape == (1, 1, patches, patches)


def test_discriminator_sees_70_pixels():
    # Norms mix all pixels of an image; without them what reaches one logit is its receptive field alone.
    D = Discriminator(ndf=4).double()
    for layer in blocks(*D.layers):
        del layer[1:]
    a = torch.zeros(1, 3, 256, 256, dtype=torch.double)
    b = torch.randn(1, 3, 256, 256, dtype=torch.double, requires_grad=True)
    D(a, b)[0, 0, 15, 15].backward()
    assert b.grad is not None
    seen = b.grad[0].abs().sum(0).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [70, 70]


def test_initial_weights_have_the_papers_statistics():
    """Of n weights the mean is off by 0.02 / sqrt(n), and the deviation by 1 / sqrt(2 n) of itself: four times that."""
    torch.manual_seed(0)
    for network in (Generator(GeneratorConfig(64, ngf=32)), Discriminator(ndf=32)):
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.weight.numel() > 10_000:
                assert module.weight.mean().item() == pytest.approx(0, abs=1e-3)
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.05)
            if isinstance(module, nn.GroupNorm):
                assert module.weight.mean().item() == pytest.approx(1, abs=0.02)
        gains = torch.cat([m.weight for m in network.modules() if isinstance(m, nn.GroupNorm)])
        assert gains.std().item() == pytest.approx(0.02, rel=0.15)
        assert all((bias == 0).all() for name, bias in network.named_parameters() if name.endswith("bias"))


def test_outermost_and_innermost_convolutions_have_a_bias_and_no_norm():
    G = small()
    for block in blocks(G.down[0], G.down[-1], G.up[-1]):
        assert len(block) == 1
        assert block[0].bias is not None
    for block in blocks(*G.down[1:-1], *G.up[:-1]):
        assert block[0].bias is None
        assert isinstance(block[1], nn.GroupNorm)


@pytest.mark.parametrize("side", [4, 32])  # few positions, and many
@pytest.mark.parametrize("ours", [Convolution, TransposedConvolution])
def test_our_convolutions_are_torchs_own(ours: type[nn.Conv2d | nn.ConvTranspose2d], side: int):
    layer = ours(6, 5, 4, stride=2, padding=1, bias=False).double()
    results = []
    for forward in (layer.forward, lambda x: ours.__bases__[0].forward(layer, x)):
        x = torch.linspace(-1, 1, 2 * 6 * side * side, dtype=torch.double).view(2, 6, side, side).requires_grad_()
        y = forward(x)
        results.append((y, *torch.autograd.grad(y.square().sum(), (x, layer.weight))))
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_the_discriminator_shows_what_its_layers_see():
    D = Discriminator(ndf=4)
    a, b = torch.rand(2, 1, 3, 64, 64)
    logits, features = D(a, b, features=True)
    assert torch.equal(logits, D(a, b))
    assert [layer.shape[1:] for layer in features] == [(4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 7, 7)]


def test_a_smooth_up_convolution_keeps_an_even_area_even():
    G = small(64).double()
    before = kernels(G)
    G.remove_checkerboard()
    after = kernels(G)
    assert all(torch.equal(*weights) for weights in zip(before[:-4], after[:-4], strict=True))
    for rough, kernel in zip(before[-4:], after[-4:], strict=True):
        even = torch.ones(1, len(kernel), 6, 6, dtype=kernel.dtype)
        was, now = (F.conv_transpose2d(even, w, stride=2, padding=1)[..., 2:-2, 2:-2] for w in (rough, kernel))
        means = was.mean((2, 3), keepdim=True)  # as bright as before
        torch.testing.assert_close(now, means.expand_as(now), atol=SAME, rtol=0)
        assert (was - means).abs().max() > 1e-3


def test_smoothing_finds_the_nearest_kernel():
    G = small(64).double()
    rough = kernels(G)[-2]
    G.remove_checkerboard()
    once = kernels(G)[-2]
    G.remove_checkerboard()
    torch.testing.assert_close(kernels(G)[-2], once, atol=SAME, rtol=0)  # which stays as it is
    assert torch.sum((rough - once) * once).item() == pytest.approx(0, abs=SAME)  # what was taken is orthogonal to it


def test_an_image_gives_the_same_in_a_batch_as_alone():
    G, D = small().eval().double(), Discriminator(ndf=4).double()
    a = torch.randn(3, 3, 32, 32, dtype=torch.float64)
    alone = torch.cat([G(image[None]) for image in a])
    torch.testing.assert_close(G(a), alone, atol=SAME, rtol=0)
    torch.testing.assert_close(D(a, alone)[1:2], D(a[1:2], alone[1:2]), atol=SAME, rtol=0)


def test_dropout_is_on_in_training_and_off_in_inference():
    a = torch.randn(1, 3, 32, 32)
    G = small()
    assert not torch.equal(G(a), G(a))
    G.eval()
    assert torch.equal(G(a), G(a))


def test_noise_in_inference_is_dropout_drawn_from_its_own_generator():
    G, a = small().eval(), torch.randn(1, 3, 32, 32)
    before = torch.get_rng_state()
    one, again, other = (G(a, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert not torch.equal(one, G(a))
    assert torch.equal(before, torch.get_rng_state())


def test_noise_keeps_half_of_the_three_innermost_blocks():
    G, a = small(64).eval(), torch.randn(1, 3, 64, 64)
    inputs = []
    for block in G.up[1:5]:
        block.register_forward_hook(lambda _, args, __: inputs.append((args[0] == 0).float().mean().item()))
    G(a)
    quiet = list(inputs)
    inputs.clear()
    G(a, torch.Generator().manual_seed(0))
    more_zeros = [noisy > still + 0.05 for noisy, still in zip(inputs, quiet, strict=True)]
    assert more_zeros == [True, True, True, False]


def test_summary_prints_layers_shapes_and_the_total(capsys: pytest.CaptureFixture[str]):
    summary(small(), torch.zeros(1, 3, 32, 32))
    table = capsys.readouterr().out
    assert "(1, 32, 1, 1)" in table
    assert table.splitlines()[-1].split() == ["total", f"{count(small()):,}"]
