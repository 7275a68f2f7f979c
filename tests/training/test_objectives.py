"""What the players minimise agrees with its formulas, and sends gradients where they belong."""

import math

import pytest
import torch
from torch import nn

from synthaug._seed import torch_stream
from synthaug.training.objectives import OBJECTIVES, right_signs, smoothed
from synthaug.training.regularisers import REGULARISERS

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
    "minimax": (lambda x, g: -log_sigmoid(x) - log_sigmoid(-g), lambda x, g: log_sigmoid(-g)),
    "wasserstein": (lambda x, g: g - x, lambda x, g: -g),
    "wasserstein_gp": (lambda x, g: g - x, lambda x, g: -g),
    "relativistic_r1_r2": (lambda x, g: -log_sigmoid(x - g), lambda x, g: -log_sigmoid(g - x)),
    "non_saturating": (lambda x, g: -log_sigmoid(x) - log_sigmoid(-g), lambda x, g: -log_sigmoid(g)),
    "least_squares": (lambda x, g: (x - 1) ** 2 + g**2, lambda x, g: (g - 1) ** 2),
    "relativistic": (lambda x, g: -log_sigmoid(x - g), lambda x, g: -log_sigmoid(g - x)),
}


def test_every_objective_has_its_formula_here():
    """No objective goes without a closed form to agree with."""
    assert set(FORMULAS) == set(OBJECTIVES)


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


SMOOTHED = {
    "minimax": lambda target, logit: -target * log_sigmoid(logit) - (1 - target) * log_sigmoid(-logit),
    "non_saturating": lambda target, logit: -target * log_sigmoid(logit) - (1 - target) * log_sigmoid(-logit),
    "least_squares": lambda target, logit: (logit - target) ** 2,
}


@pytest.mark.parametrize("name", SMOOTHED)
@pytest.mark.parametrize("smoothing", [(0.1, 0.0), (0.0, 0.3), (0.2, 0.1)])
def test_smoothed_targets_are_one_less_a_and_b(name, smoothing):
    """The critic's loss is the formula with targets 1 - a for real and b for synthetic samples."""
    critic, _ = linear_critic()
    real, fake = rows("real", b=50), rows("fake", b=50)
    terms = smoothed(OBJECTIVES[name], smoothing)(critic, real, fake)
    for term, samples, target in (("critic_real", real, 1 - smoothing[0]), ("critic_fake", fake, smoothing[1])):
        wanted = [SMOOTHED[name](target, logit) for logit in critic(samples).tolist()]
        assert terms[term].tolist() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", SMOOTHED)
def test_a_smoothed_critic_is_at_rest_at_its_targets(name):
    """The loss is least where the critic's answer is the target: its derivative is 0 there."""
    at = 0.8 if name == "least_squares" else math.log(0.8 / 0.2)
    logits = torch.full((B, 1), at, dtype=torch.float64, requires_grad=True)
    term = smoothed(OBJECTIVES[name], (0.2, 0.0))(lambda x: x[:, 0], logits, logits.detach())["critic_real"]
    (slope,) = torch.autograd.grad(term.sum(), logits)
    torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-12, rtol=0)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_without_smoothing_the_critic_is_the_objectives_own(objective):
    """Targets of 1 and 0 change nothing, for objectives without targets as well."""
    assert smoothed(objective, (0.0, 0.0)) is objective.critic


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_right_signs_count_what_the_critic_tells_apart(objective):
    """1 where both sides are right, 0 where both are wrong, a half for one of two where signs count."""
    sure = torch.tensor([3.0])
    assert right_signs(objective, sure, -sure) == 1
    assert right_signs(objective, -sure, sure) == 0
    one_of_two = right_signs(objective, 2 * sure, sure)
    assert one_of_two == (1.0 if objective.middle is None else 0.5)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_an_objectives_own_regularisers_are_known(objective):
    """What belongs to an objective has a name among the regularisers and a positive weight."""
    assert set(objective.regularisers) <= set(REGULARISERS)
    assert all(weight > 0 for weight in objective.regularisers.values())
