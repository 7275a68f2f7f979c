"""The average of a network's weights follows its closed form."""

import pytest
import torch
from torch import nn

from synthaug.training.average import MovingAverage


def network():
    """Return a network with parameters and buffers, in float64."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double()


def test_the_average_is_its_definition_over_any_path():
    """After k updates with weights w_1 .. w_k it is b^k w_0 + (1 - b) sum b^(k - i) w_i."""
    module = network()
    average = MovingAverage(module, halflife_images=100)
    beta, path = 0.5 ** (32 / 100), [module[0].weight.detach().clone()]
    for step in range(1, 8):
        with torch.no_grad():
            module[0].weight.copy_(torch.randn(2, 3, generator=torch.Generator().manual_seed(step)).double())
        path.append(module[0].weight.detach().clone())
        average.update(32)
    k = len(path) - 1
    wanted = beta**k * path[0] + (1 - beta) * sum(beta ** (k - i) * path[i] for i in range(1, k + 1))
    torch.testing.assert_close(average.module[0].weight, wanted)


@pytest.mark.parametrize("batch", [1, 8, 50, 400])
def test_after_a_half_life_half_is_new(batch):
    """Whatever the batch size: after as many images as the half-life the average is half way to the new weights."""
    module = network()
    average = MovingAverage(module, halflife_images=400)
    before = module[0].weight.detach().clone()
    with torch.no_grad():
        module[0].weight.add_(1.0)
    for _ in range(400 // batch):
        average.update(batch)
    torch.testing.assert_close(average.module[0].weight, before + 0.5)


def test_buffers_are_copied():
    """Running means of batch normalisation, and its counter, are those of now."""
    module = network()
    average = MovingAverage(module, halflife_images=1e9)
    for _ in range(3):
        module(torch.randn(16, 3, dtype=torch.float64))
        average.update(16)
    assert torch.equal(average.module[1].running_mean, module[1].running_mean)
    assert average.module[1].num_batches_tracked == 3


def test_the_average_is_a_network_of_its_own():
    """It is in evaluation, asks for no gradient, and training does not move it before an update."""
    module = network()
    average = MovingAverage(module, halflife_images=10)
    assert not average.module.training
    assert not any(parameter.requires_grad for parameter in average.module.parameters())
    with torch.no_grad():
        module[0].weight.zero_()
    assert average.module[0].weight.abs().sum() > 0
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())
