"""The networks that fold the image at its edges."""

import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.data.schema import ImageSchema
from synthaug.models.fast import FastDiscriminator, FastEncoder, FastGenerator, fold, fold_sides
from synthaug.models.layers import build

SHAPES = [(1, 8, 8), (3, 28, 28), (1, 13, 21), (1, 64, 64), (2, 50, 128)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_size_goes_in_and_comes_out(shape):
    """Images of any size and number of channels are drawn, coded and judged, and every parameter is moved."""
    schema, labels = ImageSchema(shape, 3), torch.arange(6) % 3
    generator = build(lambda: FastGenerator(schema, noise_dim=5, width=4), torch_stream(0))
    encoder = build(lambda: FastEncoder(schema, code_dim=5, width=4), torch_stream(1))
    discriminator = build(lambda: FastDiscriminator(schema, width=4), torch_stream(2))
    images = generator(torch.randn(6, 5, generator=torch_stream(3)), labels)
    assert images.shape == (6, *shape)
    codes, logits = encoder(images), discriminator(images, labels)
    assert codes.shape == (6, 5)
    assert logits.shape == (6,)
    (logits.sum() + (codes * torch.arange(5)).square().sum()).backward()
    for module in (generator, encoder, discriminator):
        assert all(parameter.grad is not None for parameter in module.parameters())


def test_folding_keeps_every_pixel():
    """A block of 2 x 2 pixels becomes four channels; what is missing at an odd edge is background."""
    images = torch.rand(2, 1, 5, 6)
    maps = fold(images, 2)
    assert maps.shape == (2, 4, 3, 3)
    assert torch.equal(torch.nn.functional.pixel_shuffle(maps, 2)[:, :, :5], images)
    assert (torch.nn.functional.pixel_shuffle(maps, 2)[:, :, 5:] == -1).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_nothing_is_convolved_at_full_resolution(shape):
    """Maps have at most half of the image's sides, a quarter from 48 pixels on, and end at sides of 8 or fewer."""
    block, sides = fold_sides(shape)
    assert block == (4 if min(shape[1:]) >= 48 else 2)
    assert sides[0] == (-(-shape[1] // block), -(-shape[2] // block))
    assert min(sides[-1]) <= 8
