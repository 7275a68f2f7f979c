"""Blocks of rows: how a metric that is no mean is shared out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthaug.errors import ConfigError, LabelError, ShapeError
from synthaug.statistics import jackknife_blocks, jackknife_sums, stratified_blocks

repeatable = settings(max_examples=60, deadline=None, derandomize=True)


@repeatable
@given(codes=st.lists(st.integers(0, 4), min_size=1, max_size=40), n_blocks=st.integers(2, 12))
def test_blocks_share_every_class_evenly(codes, n_blocks):
    """Blocks part the rows; sizes differ by at most 1, in total and in each class; without a block no class is gone."""
    labels = np.array([f"class {code}" for code in (*codes, *codes)])
    n_blocks = min(n_blocks, labels.size)
    blocks = stratified_blocks(labels, n_blocks)
    assert sorted(np.concatenate(blocks)) == list(range(labels.size))
    assert np.ptp([block.size for block in blocks]) <= 1
    for name in np.unique(labels):
        counts = np.array([(labels[block] == name).sum() for block in blocks])
        assert np.ptp(counts) <= 1
        assert counts.max() < counts.sum()


def test_pseudo_values_of_a_mean_are_the_means_of_its_blocks():
    """With blocks of one size the jackknife of a mean takes nothing away and adds nothing."""
    rows = np.random.default_rng(2).normal(size=30)
    blocks = stratified_blocks(np.repeat([0, 1, 2], 10), 6)
    np.testing.assert_allclose(
        jackknife_blocks(lambda kept: rows[kept].mean(), blocks), [rows[b].mean() for b in blocks]
    )


@repeatable
@given(sizes=st.lists(st.integers(1, 6), min_size=2, max_size=8), seed=st.integers(0, 99))
def test_the_mean_of_pseudo_values_is_the_metric(sizes, seed):
    """Blocks of any size and metrics that are no mean: the mean of the pseudo-values is the metric on all rows."""
    rows = np.random.default_rng(seed).normal(size=sum(sizes))
    blocks = np.split(np.arange(rows.size), np.cumsum(sizes)[:-1])
    for metric in (np.mean, np.median, np.std):
        values = jackknife_blocks(lambda kept, metric=metric: metric(rows[kept]), blocks)
        assert values.mean() == pytest.approx(metric(rows), abs=1e-12)


def test_the_spread_of_pseudo_values_is_the_metrics_own():
    """Over many samples the pseudo-values' standard error of a log of a mean is that of the delta method."""
    rng = np.random.default_rng(3)
    blocks = stratified_blocks(np.zeros(200), 40)
    samples = rng.gamma(4.0, size=(100, 200))
    spreads = [jackknife_blocks(lambda kept, row=row: np.log(row[kept].mean()), blocks).var(ddof=1) for row in samples]
    assert np.sqrt(np.mean(spreads) / 40) == pytest.approx(
        0.5 / np.sqrt(200), rel=0.05
    )  # sd / mean of the gamma is 1/2


@repeatable
@given(sizes=st.lists(st.integers(1, 6), min_size=2, max_size=8), seed=st.integers(0, 99))
def test_sums_give_the_same_pseudo_values(sizes, seed):
    """A metric that follows from sums has the pseudo-values that scoring it without each block gives."""
    parts = np.random.default_rng(seed).random((sum(sizes), 2))
    blocks = np.split(np.arange(len(parts)), np.cumsum(sizes)[:-1])
    by_sums = jackknife_sums(lambda sums: sums[..., 0] / sums[..., 1], parts, blocks)
    one_by_one = jackknife_blocks(lambda rows: parts[rows, 0].sum() / parts[rows, 1].sum(), blocks)
    np.testing.assert_allclose(by_sums, one_by_one, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jackknife_blocks(np.mean, [np.arange(3)]), ShapeError, "blocks must be at least 2; got 1"),
        (lambda: jackknife_sums(np.mean, np.ones((3, 1)), [np.arange(3)]), ShapeError, "at least 2; got 1"),
        (lambda: stratified_blocks([0, 0, 1, 1], 5), ConfigError, "n_blocks must be from 2 to .* 4; got 5"),
        (lambda: stratified_blocks(["a", "a", "b"], 2), LabelError, "at least 2 test rows; got 1 for class 'b'"),
    ],
)
def test_bad_blocks_are_named(call, error, message):
    """Errors say the rule, what came and what to do."""
    with pytest.raises(error, match=message):
        call()
