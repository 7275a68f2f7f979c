"""The end of a table's generator: places, choices, gradients, errors."""

import math

import pytest
import torch
import torch.nn.functional as F

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.models.heads import RowHead, layout_of

MIXED = TableSchema(
    (
        Column("age", "integer"),
        Column("sex", "category", 2),
        Column("dose", "number"),
        Column("dose", "category", 3),
        Column("ward", "category", 3),
    ),
    2,
)
PLAIN = TableSchema((Column("a", "number"), Column("b", "integer")), 2)


def raw(n=50, seed=0):
    return torch.randn(n, *MIXED.shape, generator=torch_stream(seed))


def test_a_layout_says_which_place_holds_what():
    """Numbers, blocks of one width together, and the numbers that the next column gives the states of."""
    layout = layout_of(MIXED)
    assert layout.numbers.tolist() == [0, 3]
    assert [block.tolist() for block in layout.blocks] == [[[1, 2]], [[4, 5, 6], [7, 8, 9]]]
    assert (layout.with_states.tolist(), layout.regular.tolist()) == ([3], [4])
    assert layout.n_columns == 5


@pytest.mark.parametrize("schema", [PLAIN, ImageSchema((1, 4, 4), 2)])
def test_without_categories_samples_are_the_outputs(schema):
    """Where nothing is to be chosen nothing is drawn from the stream, and the error is the mean absolute one."""
    head, stream, outputs = RowHead.of(schema), torch_stream(0), torch.randn(3, *schema.shape)
    before = stream.get_state()
    assert head(outputs, stream) is outputs
    assert torch.equal(stream.get_state(), before)
    real = torch.zeros_like(outputs)
    torch.testing.assert_close(head.missed(outputs, real), outputs.flatten(1).abs().mean(1))


def test_rows_hold_one_value_of_each_category():
    """Every block is 0 but for one 1; numbers are the outputs, 0 where the state is not regular."""
    rows = RowHead.of(MIXED)(raw(), torch_stream(1))
    for block in ([1, 2], [4, 5, 6], [7, 8, 9]):
        assert torch.equal(
            rows[:, block].sort(1).values, F.one_hot(torch.tensor(len(block) - 1), len(block)).expand(50, -1).float()
        )
    assert torch.equal(rows[:, 0], raw()[:, 0])
    assert torch.equal(rows[:, 3], raw()[:, 3] * rows[:, 4])
    assert 0 < rows[:, 4].mean() < 1


def test_values_come_as_often_as_the_softmax_says():
    """A category's places are drawn with the probabilities softmax(outputs), whatever the temperature."""
    outputs = torch.tensor([0.0, 0, 0, 0, 1.0, 0.0, -1.0, 0, 0, 0]).expand(40_000, -1)
    rows = RowHead.of(MIXED)(outputs, torch_stream(2))
    torch.testing.assert_close(rows[:, 4:7].mean(0), torch.tensor([1.0, 0.0, -1.0]).softmax(0), atol=0.01, rtol=0)


def test_the_gradient_goes_straight_through():
    """Backward a choice has the gradient of the tempered softmax of outputs and noise."""
    head, outputs = RowHead.of(MIXED), raw(4).requires_grad_()
    noise = head.noise(4, torch_stream(3), 10)
    weight = torch.randn(4, 3, generator=torch_stream(4))
    (head.choose(outputs, noise)[:, 7:] * weight).sum().backward()
    soft_outputs = raw(4).requires_grad_()
    (((soft_outputs + noise)[:, 7:] / 0.5).softmax(1) * weight).sum().backward()
    torch.testing.assert_close(outputs.grad, soft_outputs.grad)


def test_the_error_is_the_mean_over_columns():
    """Absolute errors of numbers, none where a number is not regular, and cross-entropies of categories."""
    outputs = raw(2)
    real = RowHead.of(MIXED)(raw(2, seed=5), torch_stream(5))
    real[:, 4:7] = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])
    entropy = sum(
        F.cross_entropy(outputs[:, block], real[:, block].argmax(1), reduction="none")
        for block in ([1, 2], [4, 5, 6], [7, 8, 9])
    )
    numbers = (outputs[:, 0] - real[:, 0]).abs() + (outputs[:, 3] - real[:, 3]).abs() * torch.tensor([1.0, 0.0])
    torch.testing.assert_close(RowHead.of(MIXED).missed(outputs, real), (numbers + entropy) / 5)


def test_a_walk_keeps_its_noise():
    """Frames of equal outputs are equal rows: the choices along a walk hang on the outputs alone."""
    outputs = raw(3)[:, None].expand(-1, 6, -1)
    rows = RowHead.of(MIXED).along(outputs, torch_stream(0))
    assert torch.equal(rows, rows[:, :1].expand(-1, 6, -1))
    assert torch.equal(rows[:, 0], RowHead.of(MIXED)(raw(3), torch_stream(0)))


def test_noise_is_gumbel():
    """Its mean is Euler's constant and its variance π²/6 (Gumbel, 1954)."""
    noise = RowHead.of(MIXED).noise(20_000, torch_stream(0), 10).double()
    assert noise.isfinite().all()
    assert noise.mean().item() == pytest.approx(0.5772, abs=0.01)
    assert noise.var().item() == pytest.approx(math.pi**2 / 6, rel=0.02)
