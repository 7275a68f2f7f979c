"""Small rows and augmenters that learned them in three steps: what they draw is poor, and exact in form."""

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from synthaug import CGAN, SyntheticAugmenter


def learn(X, y=None, **settings):
    learner = CGAN(n_steps=3, batch_size=8, width=8)
    return SyntheticAugmenter(learner, selection="none", random_state=0, **settings).fit(X, y)


@pytest.fixture(scope="session")
def pixels():
    """Images of shape (24, 8, 8), uint8, over the whole range."""
    return np.random.default_rng(0).integers(0, 256, size=(24, 8, 8), dtype=np.uint8)


@pytest.fixture(scope="session")
def classes():
    """Labels of shape (24,): sixteen 0, eight 1."""
    return np.array([0] * 16 + [1] * 8)


@pytest.fixture(scope="session")
def augmenter(pixels, classes):
    """An augmenter that learned uint8 arrays."""
    return learn(pixels, classes)


@pytest.fixture(scope="session")
def tensors(pixels, classes):
    """A TensorDataset of images (1, 8, 8), float32 in [0, 1]."""
    return TensorDataset(torch.from_numpy(pixels[:, None].astype(np.float32) / 255), torch.from_numpy(classes))


@pytest.fixture(scope="session")
def tensor_augmenter(tensors):
    """An augmenter that learned the TensorDataset."""
    return learn(tensors)
