"""The orders in which real and synthetic rows come."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import SequentialSampler

from synthaug.augment.torch_data.samplers import Appended, Interleaved, SyntheticOrder, WithEpoch


def epochs_of(indices):
    return {index.epoch for index in indices if hasattr(index, "epoch")}


@given(n_real=st.integers(1, 40), n_synthetic=st.integers(1, 60))
def test_interleaved_is_all_rows_evenly(n_real, n_synthetic):
    """Over one pass every row comes once, real rows in order, and each stretch holds its share of synthetic ones."""
    order = SyntheticOrder(n_real, n_synthetic, seed=0)
    indices = list(Interleaved(range(n_real), order))
    assert sorted(indices) == list(range(n_real + n_synthetic))
    assert [index for index in indices if index < n_real] == list(range(n_real))
    assert len(indices) == len(Interleaved(range(n_real), order))
    for n_seen, place in enumerate(place for place, index in enumerate(indices) if index < n_real):
        n_before = sum(index >= n_real for index in indices[:place])
        assert abs(n_before - n_seen * n_synthetic / n_real) <= 1


def test_interleaved_shuffles_anew_each_epoch():
    """Synthetic rows come in another order in the next epoch, which their indices name; set_epoch goes back."""
    sampler = Interleaved(range(10), SyntheticOrder(10, 10, seed=0))
    first, second = list(sampler), list(sampler)
    assert first != second
    assert (epochs_of(first), epochs_of(second)) == ({0}, {1})
    sampler.set_epoch(0)
    assert list(sampler) == first


def test_interleaved_takes_endless_samplers():
    """A sampler without end or length is followed, synthetic rows coming round again."""
    sampler = Interleaved(itertools.repeat(0), SyntheticOrder(4, 2, seed=0))
    indices = list(itertools.islice(sampler, 30))
    assert indices.count(0) == 20
    assert {index for index in indices if index >= 4} == {4, 5}
    with pytest.raises(TypeError):
        len(sampler)


def test_ranks_share_synthetic_rows():
    """Processes that train together get disjoint synthetic rows, which together are all."""
    orders = [SyntheticOrder(4, 10, seed=0, rank=rank, n_ranks=2) for rank in (0, 1)]
    shares = [set(itertools.islice(order.of_epoch(0), 5)) for order in orders]
    assert shares[0].isdisjoint(shares[1])
    assert shares[0] | shares[1] == set(range(4, 14))


def test_appended_keeps_batches_whole():
    """Each of the user's batches comes whole, with synthetic rows after it in the proportion asked for."""
    batches = [[3, 1], [0], [2, 4, 5]]
    appended = list(Appended(batches, SyntheticOrder(6, 3, seed=0)))
    assert [batch[: len(real)] for batch, real in zip(appended, batches, strict=True)] == batches
    assert [len(batch) for batch in appended] == [3, 1, 5]
    assert sorted(itertools.chain(*appended)) == list(range(9))


def test_with_epoch_marks_synthetic_rows_only():
    """Indices are the inner sampler's; those of synthetic rows name the epoch."""
    sampler = WithEpoch(SequentialSampler(range(5)), 3)
    first, second = list(sampler), list(sampler)
    assert first == second == list(range(5))
    assert [hasattr(index, "epoch") for index in second] == [False] * 3 + [True] * 2
    assert (epochs_of(first), epochs_of(second), len(sampler)) == ({0}, {1}, 5)
