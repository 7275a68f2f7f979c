"""What is special about the variational autoencoder: drawing from a density of codes, and rows without labels."""

import pytest
import torch

from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import ConfigError
from synthaug.generators import VAE, Limits
from synthaug.generators.vae import code_density, number_spread
from synthaug.models.density import CodeDensity

SCHEMA = TableSchema((Column("a", "number"), Column("b", "number")), 2)


def learn(x, y, *, schema=SCHEMA, more=None, **parameters):
    learner = VAE(**({"n_steps": 3, "batch_size": 8, "width": 8} | parameters))
    return learner.fit(x, y, schema=schema, seed=0, on_step=lambda record: None, limits=Limits(), x_unlabeled=more)


def clusters(n_first, n_second):
    """Class 0 around (-1, ±1), class 1 around (1, ±1)."""
    generator = torch.Generator().manual_seed(0)
    y = torch.tensor([0] * n_first + [1] * n_second)
    x = 0.15 * torch.randn(len(y), 2, generator=generator)
    x[:, 0] += 2.0 * y - 1.0
    x[:, 1] += 1.0 - 2.0 * (torch.arange(len(y)) % 2)
    return x, y


@pytest.mark.parametrize("unlabelled", [False, True], ids=["alone", "beside rows without labels"])
def test_rows_come_out_in_their_class(unlabelled):
    """On two clusters a class, what is drawn lies with its class, and both clusters of a class are met."""
    x, y = clusters(60, 60)
    more = clusters(100, 100)[0] if unlabelled else None
    learner = learn(x, y, more=more, n_steps=300, batch_size=32, width=32, code_dim=2, lr=3e-3)
    labels = torch.tensor([0, 1] * 100)
    drawn = learner.draw(labels, seed=0)
    assert (drawn[:, 0].sign() == 2 * labels - 1).float().mean() > 0.95
    for number in (0, 1):
        upper = (drawn[labels == number, 1] > 0).float().mean()
        assert 0.15 < upper < 0.85


def test_codes_are_drawn_with_the_spread_of_rows_and_of_each_rows_code():
    """A large class has the covariance of its rows' mean codes and, on top, the mean variance of a row's code."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(4000) % 2
    mean = torch.randn(4000, 2, generator=generator) * torch.tensor([1.0, 0.5]) + y[:, None]
    variance = torch.full((4000, 2), 0.25)
    density = code_density(mean, variance, y, 2)
    codes = density.draw(torch.ones(50_000, dtype=torch.int64), generator)
    torch.testing.assert_close(codes.mean(0), torch.ones(2), atol=0.06, rtol=0)
    torch.testing.assert_close(codes.T.cov(), torch.diag(torch.tensor([1.25, 0.5])), atol=0.06, rtol=0)


def test_nothing_of_a_small_class_but_its_mean_is_kept():
    """Beside large classes, other codes of the same mean and another spread give a small class the same Gaussian."""
    generator = torch.Generator().manual_seed(0)
    y = torch.tensor([0] * 100 + [1] * 2)
    mean = torch.randn(102, 3, generator=generator)
    wider = mean.clone()
    wider[100:] = mean[100:].mean(0) + 5 * (mean[100:] - mean[100:].mean(0))
    first, second = (code_density(codes, torch.ones(102, 3), y, 2) for codes in (mean, wider))
    torch.testing.assert_close(first.mean, second.mean)
    torch.testing.assert_close(first.root[1], second.root[1])
    assert isinstance(first, CodeDensity)


def test_rows_without_labels_are_one_label_more():
    """The decoder knows one label more where it saw rows without labels, and the state says so."""
    x, y = clusters(8, 8)
    assert learn(x, y).state()[1]["n_labels"] == 2
    assert learn(x, y, more=x).state()[1]["n_labels"] == 3


def test_one_class_alone_can_be_learned():
    """A generator without classes is a generator of one class."""
    schema = ImageSchema((1, 8, 8), 1)
    x = torch.rand(10, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    drawn = learn(x, torch.zeros(10, dtype=torch.int64), schema=schema).draw(torch.zeros(3, dtype=torch.int64), 0)
    assert drawn.shape == (3, 1, 8, 8)
    assert drawn.isfinite().all()
    assert len(drawn.flatten(1).unique(dim=0)) == 3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kl_weight": 0.0}, "kl_weight must be a positive number; got 0.0"),
        ({"code_dim": 0}, "code_dim must be a positive integer; got 0"),
    ],
)
def test_impossible_parameters_are_named(parameters, message):
    """A parameter that cannot be is named before anything is learned."""
    with pytest.raises(ConfigError, match=message):
        learn(*clusters(6, 6), **parameters)


def test_numbers_are_spread_as_they_lie_about_what_is_decoded():
    """The spread is the root mean square error of a number's regular rows, and 0 at the places of categories."""
    schema = TableSchema((Column("a", "number"), Column("a", "category", 2), Column("b", "number")), 2)
    rows = torch.tensor([[1.0, 1, 0, 5], [3.0, 1, 0, 1], [0.0, 0, 1, 3]])
    raw = torch.tensor([[0.0, 9, 9, 5], [0.0, 9, 9, 1], [7.0, 9, 9, 0]])
    torch.testing.assert_close(number_spread(raw, rows, schema), torch.tensor([5**0.5, 0, 0, 3**0.5]))


def test_columns_of_pure_noise_keep_their_width():
    """Numbers that no code explains are drawn as widely as they were seen, not at their mean."""
    x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    drawn = learn(x, torch.arange(200) % 2, n_steps=150, code_dim=1).draw(torch.arange(1000) % 2, 0)
    assert (drawn.std(0) > 0.75).all()
