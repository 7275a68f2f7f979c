"""A walk goes from one drawn row to another of the same class, in steps that belong together."""

import pytest
import torch

from synthaug.generators import GENERATORS
from synthaug.generators.protocol import Walker

NETWORKED = {name: make for name, make in GENERATORS.items() if "batch_size" in make().get_params()}
WALKERS = {name: make for name, make in NETWORKED.items() if hasattr(make, "walk")}
LABELS = torch.tensor([0, 2, 1, 0])


@pytest.mark.parametrize("make", WALKERS.values(), ids=WALKERS)
def test_a_walk_starts_at_a_draw_and_moves_bit_by_bit(make, schema, learn):
    """Frames of the row's shape, finite, the same for the same seed; more frames pass through the same two ends."""
    learner = learn(make, schema)
    assert isinstance(learner, Walker)
    walk, finer = learner.walk(LABELS, 3, 5), learner.walk(LABELS, 5, 5)
    assert walk.shape == (4, 3, *schema.shape)
    assert walk.isfinite().all()
    assert torch.equal(walk, learner.walk(LABELS, 3, 5))
    torch.testing.assert_close(finer[:, ::2], walk)
    assert not torch.equal(walk, learner.walk(LABELS, 3, 6))
    assert not torch.equal(walk[:, 0], walk[:, -1])
