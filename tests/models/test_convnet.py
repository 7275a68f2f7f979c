"""The small convolutional classifier."""

import pytest
import torch

from synthaug.data.schema import ImageSchema
from synthaug.models.convnet import ConvNet


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 20), (1, 9, 13), (2, 64, 64), (1, 1, 5)])
def test_any_size_gives_logits_and_features(shape):
    """Sides need not be multiples of four: a last place that is not full counts."""
    network = ConvNet(ImageSchema(shape, 3), width=4)
    images = torch.zeros(2, *shape)
    assert network(images).shape == (2, 3)
    assert network.features(images).shape == (2, 16)


def test_gradient_reaches_every_parameter():
    """No part of the network is dead."""
    network = ConvNet(ImageSchema((1, 8, 8), 3), width=4)
    network(torch.rand(16, 1, 8, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_dropout_is_for_training_only():
    """A trained network answers the same every time."""
    network = ConvNet(ImageSchema((1, 8, 8), 3), width=4).eval()
    images = torch.rand(4, 1, 8, 8)
    assert torch.equal(network(images), network(images))
