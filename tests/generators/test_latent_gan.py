"""What is special about the latent interpolator: borrowing, and drawing from a density of codes."""

import pytest
import torch

from synthaug.data.schema import Column, TableSchema
from synthaug.errors import ConfigError
from synthaug.generators import LatentGAN, Limits

SCHEMA = TableSchema((Column("a", "number"), Column("b", "number")), 2)


def learn(x, y, **parameters):
    learner = LatentGAN(**({"n_steps": 3, "batch_size": 8, "width": 8} | parameters))
    return learner.fit(x, y, schema=SCHEMA, seed=0, on_step=lambda record: None, limits=Limits())


def clusters(n_first, n_second):
    """Class 0 around (-1, ±1), class 1 around (1, ±1)."""
    generator = torch.Generator().manual_seed(0)
    y = torch.tensor([0] * n_first + [1] * n_second)
    x = 0.15 * torch.randn(len(y), 2, generator=generator)
    x[:, 0] += 2.0 * y - 1.0
    x[:, 1] += 1.0 - 2.0 * (torch.arange(len(y)) % 2)
    return x, y


def test_rare_classes_borrow_and_frequent_ones_do_not():
    """The rarer a class, the more often its codes come from others; classes of equal size borrow nothing."""
    assert learn(*clusters(20, 5)).borrow_.tolist() == [0.0, 0.75]
    assert learn(*clusters(10, 10)).borrow_.tolist() == [0.0, 0.0]
    assert learn(*clusters(20, 5), borrow=0.5).borrow_.tolist() == [0.5, 0.5]


def test_rows_come_out_in_their_class():
    """On two clusters a class, what is drawn lies with its class, and both clusters of a class are met."""
    x, y = clusters(60, 60)
    learner = learn(x, y, n_steps=300, batch_size=32, width=32)
    labels = torch.tensor([0, 1] * 100)
    drawn = learner.draw(labels, seed=0)
    assert (drawn[:, 0].sign() == 2 * labels - 1).float().mean() > 0.95
    for number in (0, 1):
        upper = (drawn[labels == number, 1] > 0).float().mean()
        assert 0.15 < upper < 0.85


@pytest.mark.parametrize(
    ("parameters", "message"), [({"borrow": 1.5}, "borrow must be"), ({"code_dim": 0}, "code_dim")]
)
def test_impossible_parameters_are_named(parameters, message):
    """A parameter that cannot be is named before anything is learned."""
    with pytest.raises(ConfigError, match=message):
        learn(*clusters(6, 6), **parameters)
