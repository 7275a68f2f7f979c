"""Residual blocks add to what they got."""

import torch
import torch.nn.functional as F

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, TableSchema
from synthaug.models.conditioning import CONDITIONAL_NORMS
from synthaug.models.layers import build
from synthaug.models.residual import GrowingBlock, ResidualTableGenerator, ShrinkingBlock
from synthaug.models.style import CriticStyle

MAPS = torch.randn(3, 4, 6, 5, generator=torch_stream(0))
CODE = torch.randn(3, 2, generator=torch_stream(1))


def test_growing_adds_to_the_doubled_maps():
    """With nothing to add, a block is its one by one convolution at twice the size; else the rest comes on top."""
    block = build(lambda: GrowingBlock(4, 3, 2, CONDITIONAL_NORMS["batch"]), torch_stream(2)).eval()
    doubled = F.interpolate(F.conv2d(MAPS, block.skip.weight), scale_factor=2.0)
    rest = F.conv2d(F.interpolate(F.relu(block.norms[0](MAPS, CODE)), scale_factor=2.0), block.first.weight, padding=1)
    rest = F.conv2d(F.relu(block.norms[1](rest, CODE)), block.second.weight, padding=1)
    torch.testing.assert_close(block(MAPS, CODE), doubled + rest)
    torch.nn.init.zeros_(block.second.weight)
    torch.testing.assert_close(block(MAPS, CODE), doubled)


def test_shrinking_adds_to_the_halved_maps():
    """With nothing to add, a block is its one by one convolution at half the size, odd sides cut."""
    block = build(lambda: ShrinkingBlock(4, 3, CriticStyle(norm="none")), torch_stream(2)).eval()
    halved = F.avg_pool2d(F.conv2d(MAPS, block.skip.weight, block.skip.bias), 2)
    rest = F.conv2d(F.leaky_relu(MAPS, 0.2), block.first.weight, padding=1)
    rest = F.conv2d(F.leaky_relu(rest, 0.2), block.second.weight, padding=1)
    torch.testing.assert_close(block(MAPS), halved + F.avg_pool2d(rest, 2))
    torch.nn.init.zeros_(block.second.weight)
    assert block(MAPS).shape == (3, 3, 3, 2)
    torch.testing.assert_close(block(MAPS), halved)


def test_rows_see_the_code_through_every_layer():
    """With hidden layers that say nothing, a row is still a linear map of noise and label."""
    schema = TableSchema((Column("a", "number"), Column("b", "number")), 3)
    generator = build(lambda: ResidualTableGenerator(schema, noise_dim=5, width=4), torch_stream(2)).eval()
    for layer in (generator.first, generator.second):
        torch.nn.init.zeros_(layer.weight)
    noise, labels = torch.randn(6, 5, generator=torch_stream(3)), torch.arange(6) % 3
    wanted = generator.code(noise, labels) @ generator.last.weight[:, -10:].T
    torch.testing.assert_close(generator(noise, labels), wanted)
