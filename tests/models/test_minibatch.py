"""A look at the other rows of a batch gives the numbers of its sources."""

import math

import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.models.layers import build
from synthaug.models.minibatch import MINIBATCHES, MinibatchDeviation, MinibatchDiscrimination, Packing


def features(*shape, seed=0):
    return torch.randn(shape, dtype=torch.float64, generator=torch_stream(seed))


@pytest.mark.parametrize("shape", [(7, 4), (7, 4, 3, 5), (2, 1)])
def test_deviation_is_the_mean_standard_deviation(shape):
    """The new feature is the population deviation over the batch, averaged over features and places."""
    x = features(*shape)
    made = MinibatchDeviation()(x)
    assert torch.equal(made[:, :-1], x)
    wanted = x.numpy().std(axis=0).mean()
    torch.testing.assert_close(made[:, -1:], torch.full_like(x[:, :1], wanted), rtol=1e-6, atol=1e-6)


def test_deviation_of_known_rows():
    """Rows at -1 and 1 in one feature and equal in another have deviations 1 and 0: 1/2."""
    x = torch.tensor([[-1.0, 5.0], [1.0, 5.0]], dtype=torch.float64)
    torch.testing.assert_close(
        MinibatchDeviation()(x)[:, 2], torch.full((2,), 0.5, dtype=torch.float64), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("n_rows", [1, 4])
def test_equal_rows_deviate_by_nothing(n_rows):
    """A collapsed batch, or a row alone, gives about 0, and finite gradients."""
    x = features(1, 3).repeat(n_rows, 1).requires_grad_()
    made = MinibatchDeviation()(x)
    made[:, -1].sum().backward()
    assert made[:, -1].abs().max() < 1e-3
    assert x.grad.isfinite().all()


def test_deviation_has_the_gradient_of_its_formula():
    """Autograd agrees with finite differences."""
    torch.autograd.gradcheck(MinibatchDeviation(), features(4, 3).requires_grad_())


@pytest.mark.parametrize("shape", [(7, 4), (2, 4, 3, 5), (1, 4)])
def test_packing_puts_the_three_rows_that_follow_beside_each(shape):
    """Row i gets those of i + 1, i + 2 and i + 3; behind the last row comes the first."""
    x = features(*shape)
    made = Packing()(x)
    n, d = shape[:2]
    for row in range(n):
        for place in range(4):
            assert torch.equal(made[row, place * d : (place + 1) * d], x[(row + place) % n])


def test_discrimination_is_the_mean_closeness_to_the_others():
    """For each row and group: the mean over the other rows of exp(-mean absolute difference), by a plain loop."""
    part, x = build(lambda: MinibatchDiscrimination(6), torch_stream(1)).double(), features(5, 6)
    made = part(x)
    assert torch.equal(made[:, :6], x)
    groups = (x @ part.compare.weight.T).view(5, 16, 8).tolist()
    for i in range(5):
        for k in range(16):
            apart = [
                sum(abs(a - b) for a, b in zip(groups[i][k], groups[j][k], strict=True)) / 8 for j in range(5) if j != i
            ]
            assert made[i, 6 + k].item() == pytest.approx(sum(math.exp(-d) for d in apart) / 4)


@pytest.mark.parametrize(("n_rows", "closeness"), [(1, 0.0), (4, 1.0)])
def test_discrimination_of_equal_rows(n_rows, closeness):
    """Equal rows are as close as can be; a row alone is close to nothing."""
    part = build(lambda: MinibatchDiscrimination(6), torch_stream(1)).double()
    made = part(features(1, 6).repeat(n_rows, 1))[:, 6:]
    torch.testing.assert_close(made, torch.full_like(made, closeness))


def test_rows_farther_apart_are_less_close():
    """Spreading a batch lowers the closeness of every row in every group."""
    part = build(lambda: MinibatchDiscrimination(6), torch_stream(1)).double()
    x = features(5, 6)
    assert (part(2 * x)[:, 6:] < part(x)[:, 6:]).all()


@pytest.mark.parametrize("name", MINIBATCHES)
def test_a_look_adds_what_it_announces_and_goes_with_the_rows(name):
    """The record's counts are the features added; reordering the batch reorders them."""
    look, x = MINIBATCHES[name], features(5, 6)
    order = torch.tensor([3, 0, 4, 1, 2] if name != "packing" else [3, 4, 0, 1, 2])  # packs go by the order
    before, end = (build(make, torch_stream(1)).double() for make in (look.before_last, lambda: look.at_end(6)))
    assert before(x).shape == (5, look.n_before_last(6))
    assert end(x).shape == (5, 6 + look.n_at_end)
    for part in (before, end):
        torch.testing.assert_close(part(x[order]), part(x)[order])
