"""One integer names every random stream: the same everywhere, independent of order, and no global stream is moved."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from synthaug._seed import derive, numpy_stream, seed_from, torch_stream

PATHS = st.lists(st.one_of(st.integers(0, 2**20), st.text(min_size=1, max_size=5)), max_size=4).map(tuple)
SEEDS = st.integers(0, 2**63 - 2)


@given(seed=SEEDS, first=PATHS, second=PATHS)
def test_different_paths_name_different_streams(seed, first, second):
    """No two paths share a stream; a path and the same one with a 0 behind it do not either."""
    if first != second:
        assert derive(seed, *first) != derive(seed, *second)
    assert derive(seed, *first) != derive(seed, *first, 0)


@given(seed=SEEDS, path=PATHS, other=SEEDS)
def test_different_seeds_name_different_streams(seed, path, other):
    """Another seed gives another stream under every path, and both are seeds that torch takes."""
    assert 0 <= derive(seed, *path) < 2**63
    assert (derive(seed, *path) == derive(other, *path)) == (seed == other)
    assert derive(-seed - 1, *path) != derive(seed + 1, *path)


@given(seed=SEEDS, paths=st.lists(PATHS, min_size=2, max_size=5))
def test_the_order_of_asking_does_not_matter(seed, paths):
    """A stream gives the same numbers whichever was asked for, or used, before."""
    forward = {path: numpy_stream(seed, *path).random(3).tolist() for path in paths}
    backward = {path: numpy_stream(seed, *path).random(3).tolist() for path in reversed(paths)}
    assert forward == backward


def test_streams_are_the_same_in_another_process():
    """Neither the salt of Python's hash nor anything else of the process decides a stream."""
    code = "from synthaug._seed import derive; print(derive(7, 'draw', 3))"
    environment = {"PYTHONHASHSEED": "12345", "OMP_NUM_THREADS": "1"}
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, env=environment)
    assert int(printed.stdout) == derive(7, "draw", 3)


def test_neighbouring_streams_are_uncorrelated():
    """The streams of 200 chunks together look like one stream: no pair of them moves together."""
    draws = np.array([numpy_stream(3, "chunk", place).standard_normal(500) for place in range(200)])
    correlations = np.corrcoef(draws)[np.triu_indices(200, k=1)]
    assert abs(correlations).max() < 6 / 500**0.5
    assert correlations.std() == pytest.approx(1 / 500**0.5, rel=0.05)


def test_no_global_stream_is_moved():
    """Asking for streams and drawing from them leaves torch's, NumPy's and Python's own where they were."""
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    torch.randn(3, generator=torch_stream(1, "a"))
    numpy_stream(1, "a").random(3)
    seed_from(5)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1:] == (np.random.get_state()[1].tolist(), random.getstate())  # noqa: NPY002


def test_random_state_means_what_scikit_learn_means():
    """An integer is itself, a RandomState gives its next number, None gives a fresh one from NumPy's global stream."""
    assert seed_from(41) == seed_from(np.int64(41)) == 41
    state = np.random.RandomState(0)
    assert seed_from(state) != seed_from(state)
    assert seed_from(np.random.RandomState(0)) == seed_from(np.random.RandomState(0))
    held = np.random.get_state()  # noqa: NPY002
    fresh = seed_from(None)
    np.random.set_state(held)  # noqa: NPY002
    assert seed_from(None) == fresh


@pytest.mark.parametrize("value", ["7", 1.5, [1]])
def test_what_is_no_random_state_is_refused(value):
    """scikit-learn's own words say what a random state can be."""
    with pytest.raises(ValueError, match="cannot be used to seed"):
        seed_from(value)
