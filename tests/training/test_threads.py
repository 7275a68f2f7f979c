"""Learners use a number of threads of their own choice and give the caller's back."""

import os

import pytest
import torch

from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.training.threads import choose_threads, fixed_threads


@pytest.fixture
def threads():
    """Restore torch's number of threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("outside", [1, 2, 3])
def test_the_callers_threads_come_back(outside):
    """Inside the number asked for, afterwards what was, also when the block fails."""
    torch.set_num_threads(outside)
    with fixed_threads(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == outside
    with pytest.raises(KeyboardInterrupt), fixed_threads(2):
        raise KeyboardInterrupt
    assert torch.get_num_threads() == outside


def test_small_work_takes_one_thread():
    """Tables and small images do not pay for more; large images take what there is, four at the most."""
    assert choose_threads(TableSchema((Column("a", "number"),) * 500, 2)) == 1
    assert choose_threads(ImageSchema((3, 8, 8), 2)) == 1
    assert choose_threads(ImageSchema((1, 128, 128), 2)) == min(4, os.cpu_count() or 1)
