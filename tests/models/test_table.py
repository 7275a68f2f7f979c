"""Networks for tables of any number of columns."""

import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, TableSchema
from synthaug.models.layers import build
from synthaug.models.table import TableDiscriminator, TableEncoder, TableGenerator

B, NOISE = 6, 5
LABELS = torch.arange(B) % 3


def networks(d, n_classes=3):
    """Return generator, discriminator and encoder for d columns."""
    schema = TableSchema(tuple(Column(str(i), "number") for i in range(d)), n_classes)
    makers = (
        lambda: TableGenerator(schema, noise_dim=NOISE, width=8),
        lambda: TableDiscriminator(schema, width=8),
        lambda: TableEncoder(schema, code_dim=NOISE, width=8),
    )
    return [build(make, torch_stream(0, number)) for number, make in enumerate(makers)]


def assert_reached(module, loss):
    """Assert that the loss moves every parameter of the module."""
    loss.backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches {name}"
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, f"the gradient of {name} is 0"


@pytest.mark.parametrize("d", [1, 2, 30])
def test_every_network_has_its_shape_and_learns_everywhere(d):
    """Rows (b, d), logits (b,) and codes (b, noise), finite, and each loss moves every parameter of its network."""
    generator, discriminator, encoder = networks(d)
    rows = torch.randn(B, d, generator=torch_stream(1))
    made = generator(torch.randn(B, NOISE, generator=torch_stream(2)), LABELS)
    logits, codes = discriminator(rows, LABELS), encoder(rows)
    assert (made.shape, logits.shape, codes.shape) == ((B, d), (B,), (B, NOISE))
    assert_reached(generator, (made - rows).square().sum())
    assert_reached(discriminator, logits.square().sum())
    assert_reached(encoder, (codes - 1).square().sum())


def test_every_column_moves_the_logit():
    """A discriminator overlooks no column."""
    discriminator = networks(9)[1]
    rows = torch.randn(B, 9, generator=torch_stream(1)).requires_grad_()
    discriminator(rows, LABELS).sum().backward()
    assert (rows.grad.abs().sum(0) > 0).all()


def test_labels_matter_from_the_start():
    """The same noise gives another row under another label, the same row another logit."""
    generator, discriminator, _ = (part.eval() for part in networks(4))
    noise = torch.randn(1, NOISE, generator=torch_stream(1)).expand(3, -1)
    rows = generator(noise, torch.arange(3))
    assert len(rows.unique(dim=0)) == 3
    assert len(discriminator(rows[:1].expand(3, -1), torch.arange(3)).unique()) == 3


def test_values_are_not_bounded():
    """A standardised column reaches as far as its tails: no tanh in the way."""
    generator = networks(2)[0]
    with torch.no_grad():
        generator.last.weight.mul_(100)
    assert generator(torch.randn(B, NOISE, generator=torch_stream(1)), LABELS).abs().max() > 5
