"""The training of a network that classifies."""

import numpy as np
import pytest
import torch

from synthaug.data.schema import ImageSchema
from synthaug.errors import DivergedError
from synthaug.training.supervised import Rows, Steps, constant, new_network, one_cycle, train_network

SCHEMA = ImageSchema((1, 8, 8), 2)


def untouched(images, stream):
    return images


def two_classes():
    """Forty noisy images, bright above or bright below."""
    labels = torch.arange(40) % 2
    images = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(0)) / 4
    images[labels == 0, :, :4] += 0.5
    images[labels == 1, :, 4:] += 0.5
    return Rows(images.clamp(-1, 1), labels, torch.ones(40, dtype=torch.float64))


@pytest.mark.parametrize("scheduler", [one_cycle, constant])
def test_what_can_be_told_apart_is_learned(scheduler):
    """Two classes that differ plainly are told apart after 60 steps."""
    rows = two_classes()
    network = new_network(SCHEMA, width=4, seed=0)
    train_network(network, rows, Steps(60, 5e-3, 16), transform=untouched, seed=0, scheduler=scheduler)
    with torch.inference_mode():
        assert (network(rows.images).argmax(1) == rows.labels).float().mean() > 0.95


def test_weights_are_how_often_rows_are_drawn():
    """The batches hold the rows in proportion to their weights."""
    seen = []
    images = torch.arange(4.0).repeat_interleave(64).reshape(4, 1, 8, 8)
    rows = Rows(images, torch.tensor([0, 0, 1, 1]), torch.tensor([0.0, 1, 2, 5]))

    def watch(images, stream):
        seen.extend(images[:, 0, 0, 0].tolist())
        return images

    train_network(new_network(SCHEMA, width=2, seed=0), rows, Steps(50, 1e-3, 32), transform=watch, seed=0)
    np.testing.assert_allclose(np.bincount(np.array(seen, int)) / len(seen), [0, 1 / 8, 2 / 8, 5 / 8], atol=0.04)


def test_transforms_work_in_full_precision():
    """What a transform computes is not rounded to the network's half precision."""
    products = []

    def multiply(images, stream):
        products.append(images.flatten(1) @ images.flatten(1).T)
        return images

    rows = two_classes()
    train_network(new_network(SCHEMA, width=2, seed=0), rows, Steps(1, 1e-3, 8), transform=multiply, seed=0)
    assert products[0].dtype == torch.float32


def rates_of(scheduler):
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], 1.0)
    schedule = scheduler(optimiser, Steps(10, 1.0, 1))
    for _ in range(10):
        yield optimiser.param_groups[0]["lr"]
        optimiser.step()
        schedule.step()


def test_learning_rate_runs_as_it_says():
    """Constant stays; one cycle rises from a 25th to the greatest rate and falls to nothing."""
    assert list(rates_of(constant)) == [1.0] * 10
    rates = np.array(list(rates_of(one_cycle)))
    top = int(rates.argmax())
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[top] == pytest.approx(1)
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert rates[-1] < 1e-4


def test_training_that_diverges_is_said_in_words():
    """A loss that is not finite names the step and the remedy."""
    with pytest.raises(DivergedError, match=r"loss must be finite; got nan in step \d+\. Lower lr"):
        train_network(
            new_network(SCHEMA, width=2, seed=0), two_classes(), Steps(9, 1e30, 8), transform=untouched, seed=0
        )
