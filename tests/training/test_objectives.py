"""What the players minimise agrees with its formulas, and sends gradients where they belong."""

import math

import pytest
import torch
from torch import nn

from synthaug._seed import torch_stream
from synthaug.training.objectives import OBJECTIVES, REGULARISERS, squared_gradient

B, D = 5, 3


def rows(*path, b=B):
    """Return rows (b, d) in float64."""
    return torch.randn(b, D, dtype=torch.float64, generator=torch_stream(0, *path))


def linear_critic():
    """Return a critic w.x + c, and its module."""
    module = nn.Linear(D, 1).double()
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[1.0, -2.0, 0.5]]))
        module.bias.fill_(0.25)
    return (lambda x: module(x).squeeze(1)), module


def log_sigmoid(logit):
    """Return log(1 / (1 + exp(-logit)))."""
    return -math.log1p(math.exp(-logit))


FORMULAS = {
    "hinge": (lambda x, g: max(0.0, 1 - x) + max(0.0, 1 + g), lambda x, g: -g),
    "non_saturating": (lambda x, g: -log_sigmoid(x) - log_sigmoid(-g), lambda x, g: -log_sigmoid(g)),
    "least_squares": (lambda x, g: (x - 1) ** 2 + g**2, lambda x, g: (g - 1) ** 2),
    "relativistic": (lambda x, g: -log_sigmoid(x - g), lambda x, g: -log_sigmoid(g - x)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_losses_are_what_the_table_says(name):
    """Each player's loss of each pair of samples is the formula of the module's table, in plain Python."""
    critic, _ = linear_critic()
    real, fake = rows("real", b=50), rows("fake", b=50)
    for player, formula in zip((OBJECTIVES[name].critic, OBJECTIVES[name].generator), FORMULAS[name], strict=True):
        loss = sum(player(critic, real, fake).values())
        wanted = [formula(x, g) for x, g in zip(critic(real).tolist(), critic(fake).tolist(), strict=True)]
        assert loss.tolist() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_terms_are_one_number_a_sample_and_finite(objective):
    """Also where the critic is as sure as can be, on either side."""
    real, fake = rows("real"), rows("fake")
    for sure in (0.0, 1e-8, 1.0, 1e4, -1e4):
        critic = lambda x, scale=sure: scale * x.sum(1)  # noqa: E731
        terms = objective.critic(critic, real, fake) | objective.generator(critic, real, fake)
        assert terms
        for term in terms.values():
            assert term.shape == (B,)
            assert term.isfinite().all()


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_the_players_pull_in_opposite_directions(objective):
    """The generator wants its samples' logits higher; the critic wants them lower and the real ones' higher."""
    logits = lambda x: x[:, 0]  # noqa: E731
    real, fake = (torch.zeros(B, 1, dtype=torch.float64, requires_grad=True) for _ in range(2))
    sum(objective.generator(logits, real, fake).values()).sum().backward()
    assert (fake.grad < 0).all()
    real.grad = fake.grad = None
    sum(objective.critic(logits, real, fake + 0.1).values()).sum().backward()
    assert (fake.grad > 0).all()
    assert (real.grad < 0).all()


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_gradients_reach_the_generator_and_the_critic(objective):
    """The generator's loss moves the synthetic samples, the critic's loss the critic; both agree with differences."""
    critic, module = linear_critic()
    real, fake = rows("real"), rows("fake").requires_grad_()
    loss = lambda fake: sum(objective.generator(critic, real, fake).values())  # noqa: E731
    assert torch.autograd.gradcheck(loss, (fake,))
    loss(fake).sum().backward()
    assert (fake.grad.abs().sum(1) > 0).all()
    module.zero_grad()
    sum(objective.critic(critic, real, fake.detach()).values()).sum().backward()
    assert module.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", REGULARISERS)
def test_regularisers_are_one_number_a_sample_that_moves_the_critic(name):
    """Shape (b,), finite, not negative; its gradient reaches the critic's weights and stays off the samples."""
    critic = nn.Sequential(nn.Linear(D, 7), nn.Tanh(), nn.Linear(7, 1), nn.Flatten(0)).double()
    real, fake = rows("real").requires_grad_(), rows("fake").requires_grad_()
    terms = REGULARISERS[name](critic, real, fake)
    assert name in terms
    for term in terms.values():
        assert term.shape == (B,)
        assert term.isfinite().all()
        assert (term >= 0).all()
    sum(terms.values()).sum().backward()
    assert critic[0].weight.grad.abs().sum() > 0
    assert real.grad is None
    assert fake.grad is None


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_the_penalty_of_a_linear_critic_is_half_its_squared_weights(name):
    """The gradient of w.x + c is w everywhere; the penalty's own gradient is then w."""
    critic, module = linear_critic()
    (penalty,) = REGULARISERS[name](critic, rows("real"), rows("fake")).values()
    torch.testing.assert_close(penalty, torch.full((B,), 0.5 * (1 + 4 + 0.25), dtype=torch.float64))
    (gradient,) = torch.autograd.grad(penalty.mean(), module.weight)
    torch.testing.assert_close(gradient, module.weight)


@pytest.mark.parametrize(("name", "where"), [("r1", "real"), ("r2", "fake")])
def test_the_penalty_is_taken_at_its_own_samples(name, where):
    """The gradient of |x|^2 / 2 is x: the penalty tells at which samples it was taken."""
    critic = lambda x: 0.5 * x.square().sum(1)  # noqa: E731
    samples = {"real": rows("real"), "fake": rows("fake")}
    (penalty,) = REGULARISERS[name](critic, **samples).values()
    torch.testing.assert_close(penalty, 0.5 * samples[where].square().sum(1))


def test_squared_gradients_of_images_add_up_over_all_pixels():
    """Every axis but the first counts."""
    images = torch.randn(4, 2, 3, 5, dtype=torch.float64, generator=torch_stream(1))
    got = squared_gradient(lambda x: x.sin().sum((1, 2, 3)), images)
    torch.testing.assert_close(got, images.cos().square().sum((1, 2, 3)))
