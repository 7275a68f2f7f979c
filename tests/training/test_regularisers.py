"""Regularisers agree with their formulas, and send gradients where they belong."""

import math

import pytest
import torch
from torch import nn

from synthaug._seed import torch_stream
from synthaug.training.critic import Critic
from synthaug.training.regularisers import (
    GENERATOR_REGULARISERS,
    REGULARISERS,
    Made,
    auxiliary_critic,
    auxiliary_generator,
    squared_gradient,
)

B, D, K = 5, 3, 4
LABELS = torch.tensor([0, 1, 2, 3, 1])


def rows(*path, b=B, d=D):
    """Return rows (b, d) in float64."""
    return torch.randn(b, d, dtype=torch.float64, generator=torch_stream(0, *path))


class Judge(nn.Module):
    """A discriminator of one hidden layer with a class head, in float64."""

    def __init__(self):
        super().__init__()
        self.hidden, self.head, self.classes = nn.Linear(D, 7), nn.Linear(7, 1), nn.Linear(7, K)
        for number, weight in enumerate(self.parameters()):
            nn.init.normal_(weight, generator=torch_stream(1, number))

    def features(self, samples, labels):
        """Return the hidden layer."""
        return self.hidden(samples).tanh()

    def class_logits(self, samples):
        """Return the class head's logits."""
        return self.classes(self.features(samples, None))

    def forward(self, samples, labels):
        """Return logits, whatever the labels."""
        return self.head(self.features(samples, labels)).squeeze(1)


class Plain(nn.Module):
    """A discriminator that is a function of the samples."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, samples, labels):
        """Return the function's value."""
        return self.function(samples)


def critic_of(module, **bound):
    """Return the critic of a discriminator, without augmentation."""
    return Critic(module.double(), LABELS, torch_stream(3), **bound)


def linear():
    """Return a discriminator w.x + c with |w|^2 = 5.25."""
    module = nn.Linear(D, 1).double()
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[1.0, -2.0, 0.5]]))
        module.bias.fill_(0.25)
    both = Plain(lambda x: module(x).squeeze(1))
    both.linear = module
    return both


def made_by(generate, noise=None, other=None):
    """Return what a generator makes of noise, and of other noise."""
    noise, other = rows("noise") if noise is None else noise, rows("other") if other is None else other
    return Made(noise, generate(noise), again=lambda: (other, generate(other)))


@pytest.mark.parametrize("name", REGULARISERS)
def test_regularisers_are_one_number_a_sample_that_moves_the_critic(name):
    """Shape (b,), finite, not negative; its gradient reaches the critic's weights."""
    module = Judge()
    terms = REGULARISERS[name](critic_of(module), rows("real"), rows("fake"))
    assert name in terms
    for term in terms.values():
        assert term.shape == (B,)
        assert term.isfinite().all()
        assert (term >= 0).all()
    sum(terms.values()).sum().backward()
    assert module.hidden.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["r1", "r2", "gradient_penalty"])
def test_penalties_stay_off_the_samples(name):
    """A gradient's penalty sends nothing into the samples, should they ask for it."""
    real, fake = rows("real").requires_grad_(), rows("fake").requires_grad_()
    sum(REGULARISERS[name](critic_of(Judge()), real, fake).values()).sum().backward()
    assert real.grad is None
    assert fake.grad is None


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_the_penalty_of_a_linear_critic_is_half_its_squared_weights(name):
    """The gradient of w.x + c is w everywhere; the penalty's own gradient is then w."""
    module = linear()
    (penalty,) = REGULARISERS[name](critic_of(module), rows("real"), rows("fake")).values()
    torch.testing.assert_close(penalty, torch.full((B,), 0.5 * 5.25, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(penalty.mean(), module.linear.weight)
    torch.testing.assert_close(gradient, module.linear.weight)


@pytest.mark.parametrize(("name", "where"), [("r1", "real"), ("r2", "fake")])
def test_the_penalty_is_taken_at_its_own_samples(name, where):
    """The gradient of |x|^2 / 2 is x: the penalty tells at which samples it was taken."""
    samples = {"real": rows("real"), "fake": rows("fake")}
    critic = critic_of(Plain(lambda x: 0.5 * x.square().sum(1)))
    (penalty,) = REGULARISERS[name](critic, **samples).values()
    torch.testing.assert_close(penalty, 0.5 * samples[where].square().sum(1))


def test_squared_gradients_of_images_add_up_over_all_pixels():
    """Every axis but the first counts."""
    images = torch.randn(4, 2, 3, 5, dtype=torch.float64, generator=torch_stream(1))
    got = squared_gradient(lambda x: x.sin().sum((1, 2, 3)), images)
    torch.testing.assert_close(got, images.cos().square().sum((1, 2, 3)))


def test_the_gradient_penalty_of_a_linear_critic_is_its_norms_distance_to_one():
    """(|w| - 1)^2 at every sample; its gradient with respect to w is 2 (|w| - 1) w / |w|."""
    module = linear()
    (penalty,) = REGULARISERS["gradient_penalty"](critic_of(module), rows("real"), rows("fake")).values()
    torch.testing.assert_close(penalty, torch.full((B,), (math.sqrt(5.25) - 1) ** 2, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(penalty.mean(), module.linear.weight)
    torch.testing.assert_close(gradient, 2 * (1 - 1 / math.sqrt(5.25)) * module.linear.weight)


def test_the_gradient_penalty_is_taken_between_the_samples():
    """For |x|^2 / 2 the gradient is where it was taken: a uniformly drawn point of each pair's line."""
    real, fake = torch.ones(4000, 1, 2, 2, dtype=torch.float64), torch.zeros(4000, 1, 2, 2, dtype=torch.float64)
    seen = []
    module = Plain(lambda x: seen.append(x) or 0.5 * x.square().sum((1, 2, 3)))
    (penalty,) = REGULARISERS["gradient_penalty"](critic_of(module), real, fake).values()
    share = seen[0][:, 0, 0, 0]
    assert (seen[0] == share.view(-1, 1, 1, 1)).all()
    torch.testing.assert_close(penalty, (2 * share - 1) ** 2)
    assert share.min() >= 0
    assert share.max() <= 1
    assert abs(share.mean() - 0.5) < 0.03
    assert abs(share.var() - 1 / 12) < 0.01


def test_the_gradient_penalty_of_a_flat_critic_is_one_and_finite_when_differentiated():
    """Where the gradient is 0 the norm has no slope, and none is invented."""
    module = linear()
    nn.init.zeros_(module.linear.weight)
    (penalty,) = REGULARISERS["gradient_penalty"](critic_of(module), rows("real"), rows("fake")).values()
    torch.testing.assert_close(penalty, torch.ones(B, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(penalty.mean(), module.linear.weight)
    assert gradient.isfinite().all()


def test_lecam_is_the_rectified_squared_distance_to_the_other_sides_running_mean():
    """Over three batches, against a zero-debiased average with decay 0.99 in plain Python."""
    critic = critic_of(linear())
    sums, weight = [0.0, 0.0], 0.0
    for number in range(3):
        real, fake = rows("real", number) + 1, rows("fake", number)
        (term,) = REGULARISERS["lecam"](critic, real, fake).values()
        of_real, of_fake = critic(real).tolist(), critic(fake).tolist()
        sums = [0.99 * s + 0.01 * sum(of) / B for s, of in zip(sums, (of_real, of_fake), strict=True)]
        weight = 0.99 * weight + 0.01
        mean_real, mean_fake = sums[0] / weight, sums[1] / weight
        wanted = [
            max(0, x - mean_fake) ** 2 + max(0, mean_real - g) ** 2 for x, g in zip(of_real, of_fake, strict=True)
        ]
        assert term.tolist() == pytest.approx(wanted, rel=1e-5)


def test_running_means_send_no_gradient():
    """The gradient of LeCam's term is that of its squares with the means held fixed."""
    module = linear()
    critic, real, fake = critic_of(module), rows("real") + 3, rows("fake")
    (term,) = REGULARISERS["lecam"](critic, real, fake).values()
    (got,) = torch.autograd.grad(term.sum(), module.linear.weight)
    means = (critic.means.sums / critic.means.weight).double()
    ahead, behind = (critic(real) - means[1]).relu(), (means[0] - critic(fake)).relu()
    wanted = 2 * (ahead[:, None] * real).sum(0) - 2 * (behind[:, None] * fake).sum(0)
    torch.testing.assert_close(got[0], wanted.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("strength", [1.0, 0.25, 0.0])
def test_the_class_head_is_scored_by_its_cross_entropy(strength):
    """-log of the probability of the right class, times the label's strength, for both players."""
    module = Judge()
    critic, real, fake = critic_of(module, label_strength=strength), rows("real"), rows("fake")
    made = made_by(lambda noise: noise)

    def entropy(samples):
        logits = module.class_logits(samples)
        each = zip(logits.tolist(), LABELS.tolist(), strict=True)
        return [strength * (math.log(sum(map(math.exp, row))) - row[label]) for row, label in each]

    terms = auxiliary_critic(critic, real, fake)
    assert terms["class_real"].tolist() == pytest.approx(entropy(real), abs=1e-12)
    assert terms["class_fake"].tolist() == pytest.approx(entropy(fake), abs=1e-12)
    assert auxiliary_generator(critic, real, made)["generator_class"].tolist() == pytest.approx(
        entropy(made.samples), abs=1e-12
    )


@pytest.mark.parametrize("name", GENERATOR_REGULARISERS)
def test_generator_regularisers_are_one_number_a_sample_that_moves_the_generator(name):
    """Shape (b,), finite, not negative; the gradient that reaches the generator agrees with differences."""
    critic, real, weight = critic_of(Judge()), rows("real"), rows("weight", b=D).requires_grad_()

    def term(weight):
        return GENERATOR_REGULARISERS[name](critic, real, made_by(lambda noise: (noise @ weight).sin()))[name]

    value = term(weight)
    assert value.shape == (B,)
    assert (value >= 0).all()
    assert torch.autograd.gradcheck(term, (weight,))
    (gradient,) = torch.autograd.grad(value.sum(), weight)
    assert gradient.abs().sum() > 0


def test_feature_matching_is_the_squared_distance_of_mean_features():
    """Against NumPy; equal batches cost nothing, in whatever order."""
    module = Judge()
    critic, real, made = critic_of(module), rows("real"), made_by(lambda noise: 2 * noise)
    features = [(x @ module.hidden.weight.T + module.hidden.bias).tanh().detach() for x in (real, made.samples)]
    wanted = ((features[0].numpy().mean(0) - features[1].numpy().mean(0)) ** 2).sum()
    term = GENERATOR_REGULARISERS["feature_matching"](critic, real, made)["feature_matching"]
    assert term.tolist() == pytest.approx([wanted] * B, rel=1e-12)
    same = made_by(lambda noise: real.flip(0))
    none = GENERATOR_REGULARISERS["feature_matching"](critic, real, same)["feature_matching"]
    torch.testing.assert_close(none, torch.zeros_like(none))


@pytest.mark.parametrize("slope", [0.5, 1.0, 4.0])
def test_mode_seeking_of_a_linear_generator_is_the_inverse_of_its_slope(slope):
    """Samples that are so many times the noise move so many times as far as the noise."""
    made = made_by(lambda noise: slope * noise)
    term = GENERATOR_REGULARISERS["mode_seeking"](critic_of(Judge()), rows("real"), made)["mode_seeking"]
    torch.testing.assert_close(term, torch.full((B,), 1 / (slope + 1e-5), dtype=torch.float64))


def test_mode_seeking_of_a_collapsed_generator_is_great_and_finite():
    """A generator that ignores its noise costs 1 / ε."""
    made = made_by(lambda noise: torch.ones_like(noise))
    term = GENERATOR_REGULARISERS["mode_seeking"](critic_of(Judge()), rows("real"), made)["mode_seeking"]
    torch.testing.assert_close(term, torch.full((B,), 1e5, dtype=torch.float64))
