"""What is special about the GAN on codes: where codes come from, and what classes share."""

import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import ConfigError
from synthaug.generators import LatentGAN, Limits
from synthaug.generators.run import plan_run

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
    ("parameters", "message"),
    [
        ({"borrow": 1.5}, "borrow must be"),
        ({"code_dim": 0}, "code_dim"),
        ({"codes": "rows"}, "codes must be"),
        ({"prior_weight": 0}, "prior_weight must"),
        ({"max_repeats": 0}, "max_repeats must be a positive integer"),
    ],
)
def test_impossible_parameters_are_named(parameters, message):
    """A parameter that cannot be is named before anything is learned."""
    with pytest.raises(ConfigError, match=message):
        learn(*clusters(6, 6), **parameters)


@pytest.mark.parametrize("codes", ["prior", "mixed"])
def test_rows_of_either_kind_of_code_come_out_in_their_class(codes):
    """Images of two classes, bright and dark, come out bright and dark, whichever way codes are drawn."""
    schema = ImageSchema((1, 8, 8), 2)
    y = torch.tensor([0, 1] * 20)
    x = (1.2 * y.float() - 0.6)[:, None, None, None] + 0.2 * torch.randn(40, 1, 8, 8, generator=torch_stream(0))
    learner = LatentGAN(codes=codes, n_steps=150, width=8)
    learner.fit(x, y, schema=schema, seed=0, on_step=lambda record: None, limits=Limits())
    labels = torch.tensor([0, 1] * 50)
    assert (learner.draw(labels, 0).mean((1, 2, 3)).sign() == 2 * labels - 1).float().mean() > 0.95


def test_a_prior_leaves_nothing_of_the_codes_behind():
    """With codes from the prior a saved learner holds the decoder alone: no mean, no covariance of rows' codes."""
    tensors, _ = learn(*clusters(20, 5), codes="prior").state()
    assert all(name.startswith("decoder.") or name == "borrow" for name in tensors)
    assert any(name.startswith("density.") for name in learn(*clusters(20, 5), codes="mixed").state()[0])


@pytest.mark.parametrize(("n_steps", "max_steps", "expected"), [(100, None, 0.5), (1000, None, 0.2), (1000, 100, 0.5)])
def test_rows_of_a_rare_class_are_not_shown_too_often(n_steps, max_steps, expected, monkeypatch):
    """At most 200 times: four rows are half of 400 rows shown and a fifth of 4,000; a limit of steps counts."""
    runs = []

    def spy(*rows, **settings):
        runs.append(plan_run(*rows, **settings))
        raise InterruptedError

    monkeypatch.setattr("synthaug.generators.latent_gan.plan_run", spy)
    learner, limits = LatentGAN(n_steps=n_steps, batch_size=4, max_repeats=200), Limits(max_steps=max_steps)
    with pytest.raises(InterruptedError):
        learner.fit(*clusters(16, 4), schema=SCHEMA, seed=0, on_step=lambda record: None, limits=limits)
    _, labels = runs[0].rows.batch(10_000, torch_stream(0))
    assert labels.double().mean() == pytest.approx(expected, abs=0.02)


def test_images_take_the_prior_and_tables_mix():
    """``auto`` draws codes from the prior for images, and mixes those of rows for tables; ``codes_`` tells."""
    assert learn(*clusters(6, 6)).codes_ == "mixed"
    x, y = torch.rand(12, 1, 8, 8), torch.tensor([0, 1] * 6)
    learner = LatentGAN(n_steps=2, batch_size=4, width=4)
    learner.fit(x, y, schema=ImageSchema((1, 8, 8), 2), seed=0, on_step=lambda record: None, limits=Limits())
    assert learner.codes_ == "prior"


def test_a_walk_keeps_the_spread_of_the_prior():
    """Codes half way between two draws are spread like the draws: a straight line would shrink them by a third."""
    learner = learn(*clusters(20, 20), codes="prior")
    seen = []
    learner.decoder_.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    learner.walk(torch.zeros(400, dtype=torch.int64), 3, seed=0)
    middle = seen[0].unflatten(0, (400, 3))[:, 1]
    assert middle.std().item() == pytest.approx(1.0, abs=0.05)
