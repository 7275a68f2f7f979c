"""The step of a variational autoencoder: its terms against closed forms, and what an update does."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from synthaug.data.schema import Column, TableSchema
from synthaug.models.heads import RowHead
from synthaug.training.unlabelled import Unlabelled
from synthaug.training.variational import (
    Coders,
    VariationalAutoencoder,
    VariationalStep,
    calibrated_error,
    draw_codes,
    gaussian_divergence,
    mixed_error,
)


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=stream(seed), dtype=torch.float64)


def test_the_divergence_is_that_of_gaussians():
    """The divergence agrees with torch's closed form for two Gaussians, row by row."""
    mean, log_variance = numbers(5, 3), numbers(5, 3, seed=1)
    theirs = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(gaussian_divergence(mean, log_variance), theirs)


def test_a_posterior_equal_to_the_prior_costs_nothing():
    """The divergence is 0 for mean 0 and variance 1, where its gradient vanishes too."""
    mean, log_variance = (torch.zeros(2, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    cost = gaussian_divergence(mean, log_variance)
    assert cost.tolist() == [0.0, 0.0]
    assert all(not gradient.any() for gradient in torch.autograd.grad(cost.sum(), (mean, log_variance)))


def test_the_divergence_is_the_expected_difference_of_log_densities():
    """The mean of log q(z|x) - log p(z) over drawn codes tends to the divergence."""
    mean, log_variance = torch.tensor([[0.7, -1.2]]), torch.tensor([[-1.0, 0.4]])
    codes = draw_codes(mean.expand(200_000, 2), log_variance.expand(200_000, 2), stream())
    ours, prior = Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)
    measured = (ours.log_prob(codes) - prior.log_prob(codes)).sum(1).mean()
    assert measured.item() == pytest.approx(gaussian_divergence(mean, log_variance).item(), abs=0.02)


def test_codes_have_the_mean_and_variance_told():
    """Drawn codes have the mean and the variance of their Gaussian, and gradients reach both."""
    mean = torch.tensor([[2.0, -1.0]], requires_grad=True)
    log_variance = torch.tensor([[0.0, math.log(0.25)]], requires_grad=True)
    codes = draw_codes(mean.expand(100_000, 2), log_variance.expand(100_000, 2), stream())
    torch.testing.assert_close(codes.mean(0), mean[0], atol=0.02, rtol=0)
    torch.testing.assert_close(codes.var(0), torch.tensor([1.0, 0.25]), atol=0.02, rtol=0)
    assert all(gradient.any() for gradient in torch.autograd.grad(codes.square().sum(), (mean, log_variance)))


def test_the_error_is_a_gaussians_likelihood():
    """The error is -log N(x; rebuilt, σ²) with σ² the mean squared error of the batch."""
    rebuilt, samples = numbers(6, 1, 2, 3), numbers(6, 1, 2, 3, seed=1)
    deviation = (rebuilt - samples).square().mean().sqrt()
    theirs = -Normal(rebuilt, deviation).log_prob(samples).flatten(1).sum(1)
    torch.testing.assert_close(calibrated_error(rebuilt, samples), theirs)


def test_the_errors_variance_is_the_one_that_costs_least():
    """No other shared variance gives a smaller error, and the gradient is that of ½ n log(mean squared error)."""
    rebuilt, samples = numbers(4, 5).requires_grad_(), numbers(4, 5, seed=1)
    ours = calibrated_error(rebuilt, samples).mean()
    deviation = (rebuilt - samples).square().mean().sqrt()
    for factor in (0.9, 1.1):
        assert -Normal(rebuilt, factor * deviation).log_prob(samples).sum(1).mean() > ours
    direct = 0.5 * 5 * (rebuilt - samples).square().mean().log()
    torch.testing.assert_close(
        torch.autograd.grad(ours, rebuilt, retain_graph=True), torch.autograd.grad(direct, rebuilt)
    )


def test_a_perfect_rebuild_is_no_infinite_gain():
    """Where nothing is missed the variance stays above its least value, so the error is finite."""
    samples = numbers(3, 4)
    assert calibrated_error(samples, samples).isfinite().all()


class Linear(nn.Module):
    """A decoder that is linear in the code, with an offset for each label."""

    def __init__(self, d, width, n_labels):
        super().__init__()
        self.map, self.offset = nn.Linear(d, width), nn.Embedding(n_labels, width)

    def forward(self, codes, labels):
        return self.map(codes) + self.offset(labels)


def coders(*, n_labels=3, d=2, width=4, lr=0.01):
    torch.manual_seed(0)
    both = VariationalAutoencoder(nn.Linear(width, 2 * d), Linear(d, width, n_labels), d)
    return Coders(both, torch.optim.Adam(both.parameters(), lr))


@pytest.fixture(autouse=True)
def _streams():
    with torch.random.fork_rng():
        yield


def batch(n=64, width=4):
    """Rows on a line, shifted by their label."""
    labels = torch.arange(n) % 2
    place = torch.randn(n, 1, generator=stream(3))
    return place * torch.ones(width) + labels[:, None] * torch.tensor([3.0, -3.0, 3.0, -3.0]), labels


def test_a_step_reaches_every_parameter_and_names_its_terms():
    """One step moves encoder and decoder, and gives the mean of each term under its name."""
    learner, (real, labels) = coders(), batch()
    before = {name: value.clone() for name, value in learner.both.named_parameters()}
    terms = VariationalStep(1.0)(learner, real, labels, stream())
    assert set(terms) == {"reconstruction", "divergence"}
    assert all(value.ndim == 0 and not value.requires_grad for value in terms.values())
    assert all((before[name] != value).any() for name, value in learner.both.named_parameters())


def test_the_bound_rises():
    """Steps on rows of a line lower the sum of the terms until the error is that of the noise left."""
    learner, (real, labels) = coders(), batch()
    source = stream()
    costs = [sum(VariationalStep(1.0)(learner, real, labels, source).values()).item() for _ in range(300)]
    assert sum(costs[-20:]) / 20 < costs[0] - 4
    assert (learner.both(real, labels) - real).square().mean() < 0.1


def test_the_weight_multiplies_the_divergence():
    """The divergence is told and summed times its weight."""
    real, labels = batch()
    light, heavy = (VariationalStep(weight)(coders(), real, labels, stream())["divergence"] for weight in (0.5, 2.0))
    torch.testing.assert_close(4 * light, heavy)


def test_rows_without_labels_are_decoded_under_a_label_of_their_own():
    """With rows without labels the step has terms of theirs, and moves the offset of the label *unknown*, no other."""
    learner, (real, _) = coders(), batch()
    before = learner.both.decoder.offset.weight.detach().clone()
    step = VariationalStep(1.0, Unlabelled(real[:3], 2))
    terms = step(learner, real, torch.zeros(len(real), dtype=torch.int64), stream())
    moved = (learner.both.decoder.offset.weight != before).any(1)
    assert moved.tolist() == [True, False, True]
    assert set(terms) == {
        "reconstruction",
        "divergence",
        "reconstruction_unlabelled",
        "divergence_unlabelled",
    }


def test_each_kind_of_row_counts_as_its_own_mean():
    """The same rows as labelled and as unlabelled ones cost the same, up to the codes drawn."""
    learner, (real, labels) = coders(lr=1e-9), batch(2000)
    terms = VariationalStep(1.0, Unlabelled(real, 0))(learner, real, labels * 0, stream())
    assert terms["divergence"].item() == pytest.approx(terms["divergence_unlabelled"].item(), rel=0.1)
    assert terms["reconstruction"].item() == pytest.approx(terms["reconstruction_unlabelled"].item(), rel=0.1)


def test_mixed_rows_cost_their_negative_log_likelihood():
    """Of regular numbers the Gaussian's, by torch.distributions, and of categories the cross-entropy."""
    schema = TableSchema((Column("a", "number"), Column("a", "category", 2), Column("b", "number")), 1)
    rows = torch.tensor([[1.0, 1, 0, 5], [3.0, 1, 0, 1], [0.0, 0, 1, 3]])
    raw = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    regular = torch.tensor([[1.0, 1], [1, 1], [0, 1]])
    squares = (raw - rows)[:, [0, 3]].square() * regular
    deviation = (squares.sum() / 5).sqrt()
    numbers = -Normal(raw[:, [0, 3]], deviation).log_prob(rows[:, [0, 3]]) * regular
    entropy = torch.nn.functional.cross_entropy(raw[:, 1:3], rows[:, 1:3].argmax(1), reduction="none")
    found = mixed_error(RowHead.of(schema), raw, rows)
    torch.testing.assert_close(found, numbers.sum(1) + entropy)
