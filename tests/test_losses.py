import torch
from torch.nn import functional as F

from pix2pix.losses import (
    ACTIVATION_BOUND,
    activation_penalty,
    colour_loss,
    discriminator_loss,
    feature_loss,
    gan_loss,
    generator_loss,
    l1_loss,
)


def test_gan_loss_is_binary_cross_entropy_averaged_over_patches():
    logits = torch.randn(2, 1, 5, 5)
    for real in (True, False):
        # In fp64, for 1 - sigmoid cancels in fp32; ours is fp32, to its last digits but two.
        expected = F.binary_cross_entropy(logits.double().sigmoid(), torch.full_like(logits, float(real)).double())
        torch.testing.assert_close(gan_loss(logits, real), expected.float(), rtol=1e-5, atol=0)


def test_gan_loss_stays_finite_and_steep_for_a_confident_discriminator():
    logits = torch.tensor([-200.0], requires_grad=True)
    loss = gan_loss(logits, real=True)
    loss.backward()
    assert loss.item() == 200
    assert logits.grad == -1


def test_gan_loss_is_computed_in_fp32_under_autocast():
    assert gan_loss(torch.full((1,), 30.0, dtype=torch.bfloat16), real=True).dtype == torch.float32


def test_discriminator_wants_real_high_and_fake_low():
    high, low = torch.full((1, 1, 2, 2), 5.0), torch.full((1, 1, 2, 2), -5.0)
    assert discriminator_loss(high, low) < 0.02
    assert discriminator_loss(low, high) > 9.9


def test_generator_loss_has_two_terms():
    fake, b = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    gan, l1 = generator_loss(torch.full((1, 1, 2, 2), -5.0), fake, b)
    assert gan > 5
    assert l1 == 1 == l1_loss(fake, b)


def test_feature_loss_adds_up_the_layers_and_moves_the_fake_alone():
    fake = [torch.full((1, 2, 3, 3), value, requires_grad=True) for value in (0.0, 1.0)]
    real = [torch.full((1, 2, 3, 3), value, requires_grad=True) for value in (2.0, 4.0)]
    loss = feature_loss(fake, real)
    loss.backward()
    assert loss == 2 + 3
    assert all(layer.grad is not None for layer in fake)
    assert all(layer.grad is None for layer in real)


def test_the_colour_loss_sees_colours_and_no_texture():
    b, red = torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)
    red[:, 1:] = -1
    texture = b.clone()
    texture[..., ::2], texture[..., 1::2] = 0.5, -0.5
    assert colour_loss(red, texture, b) == 0 != l1_loss(texture, b)
    assert colour_loss(red, b + 0.25, b) == 0.25


def test_the_colour_loss_counts_what_a_says_of_colours():
    lines, b = torch.ones(2, 3, 32, 32), torch.zeros(2, 3, 32, 32)
    lines[:, :, 8:10] = -1
    assert colour_loss(lines, b + 0.5, b) == 0
    lines[1, 0, 20:24, 20:24] = 0  # one of the two has a hint
    assert colour_loss(lines, b + 0.5, b) == 0.25


def test_what_is_held_is_as_it_was_and_has_the_gradient_of_a_further_term():
    x = (8 * torch.randn(2, 3, 4, 4, dtype=torch.float64)).requires_grad_()
    assert torch.equal(activation_penalty(x, 0.5), x)
    (ours,) = torch.autograd.grad(activation_penalty(x, 0.5).square().mean(), x)
    beyond = F.relu(x.abs() - ACTIVATION_BOUND)
    per_picture = beyond.square().sum(dim=(1, 2, 3))
    (theirs,) = torch.autograd.grad(x.square().mean() + 0.5 / 2 * per_picture.mean(), x)
    torch.testing.assert_close(ours, theirs)


def test_what_stays_within_is_left_alone():
    x = torch.linspace(-ACTIVATION_BOUND, ACTIVATION_BOUND, 32).reshape(1, 2, 4, 4).requires_grad_()
    (gradient,) = torch.autograd.grad(activation_penalty(x, 1.0).sum(), x)
    assert torch.equal(gradient, torch.ones_like(x))
