"""Dropout drops whole features, as often as it says, from its own stream."""

import pytest
import torch
from torch import nn

from synthaug._seed import torch_stream
from synthaug.models.dropout import Dropout, set_stream


def dropout(fraction, seed=0):
    part = Dropout(fraction)
    set_stream(part, torch_stream(seed))
    return part


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_the_share_is_dropped_and_the_mean_kept(fraction):
    """About the share of the features is 0, the others are divided by the rest: on average nothing changes."""
    made = dropout(fraction)(torch.ones(400, 100))
    assert made.unique().tolist() == pytest.approx([0.0, 1 / (1 - fraction)])
    n, rate = made.numel(), (made == 0).double().mean().item()
    assert abs(rate - fraction) < 5 * (fraction * (1 - fraction) / n) ** 0.5


def test_whole_maps_are_dropped():
    """A map is kept or dropped as one."""
    made = dropout(0.5)(torch.ones(8, 6, 4, 3))
    assert (made.flatten(2).var(2) == 0).all()
    assert 0 < (made == 0).double().mean() < 1


def test_nothing_is_dropped_in_evaluation():
    """A discriminator that is asked, not trained, forgets nothing, with a stream or without."""
    x = torch.randn(5, 4, generator=torch_stream(0))
    assert torch.equal(Dropout(0.5).eval()(x), x)


def test_the_stream_decides_what_is_dropped():
    """Equal streams drop the same, a set back stream repeats itself, and torch's global stream stays where it is."""
    x, before = torch.ones(50, 20), torch.random.get_rng_state()
    part, other = dropout(0.5), dropout(0.5)
    state = part.stream.get_state()
    first, second = part(x), part(x)
    assert torch.equal(first, other(x))
    assert not torch.equal(first, second)
    part.stream.set_state(state)
    assert torch.equal(first, part(x))
    assert torch.equal(before, torch.random.get_rng_state())


def test_training_without_a_stream_is_a_mistake_of_ours():
    """Nothing is drawn from the global stream in silence."""
    with pytest.raises(AssertionError, match="set_stream"):
        Dropout(0.5)(torch.ones(2, 2))


def test_a_stream_reaches_every_dropout_below():
    """One call sets it on a whole network, and no state dict has it."""
    network, stream = nn.Sequential(nn.Linear(2, 2), nn.Sequential(Dropout(0.1), Dropout(0.2))), torch_stream(0)
    set_stream(network, stream)
    assert all(part.stream is stream for part in network.modules() if isinstance(part, Dropout))
    assert list(network.state_dict()) == ["0.weight", "0.bias"]
