"""A learner that names its threads is learned from, selected and drawn with that many, and no more."""

import numpy as np
import pytest
import torch

from synthaug import SyntheticAugmenter
from synthaug.generators import VAE
from synthaug.models.features import RandomFeatures


@pytest.mark.filterwarnings("ignore::synthaug.errors.ShortfallWarning")
@pytest.mark.parametrize("n_threads", [1, 3])
def test_selecting_and_drawing_keep_to_the_learners_threads(monkeypatch, n_threads):
    """Two such learners side by side on two cores wait for one another at every operation with more than one each."""
    seen = set()
    forward = RandomFeatures.forward

    def spy(self, x):
        seen.add(torch.get_num_threads())
        return forward(self, x)

    monkeypatch.setattr(RandomFeatures, "forward", spy)
    monkeypatch.setattr("synthaug.training.threads.os.cpu_count", lambda: 2)
    X, y = np.random.default_rng(0).integers(0, 256, (40, 20, 20), dtype=np.uint8), np.arange(40) % 2
    learner = VAE(n_steps=2, n_threads=n_threads)
    SyntheticAugmenter(learner, selection="agreement+novelty", random_state=0).fit(X, y).sample(4)
    assert seen == {n_threads}
