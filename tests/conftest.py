"""What tests share: small made data, and a learner whose budget is tiny but whose work is real."""

import numpy as np
import pytest
from hypothesis import settings

from synthaug import CGAN

settings.register_profile("any machine", deadline=None, derandomize=True)
settings.load_profile("any machine")


@pytest.fixture
def tiny():
    """A conditional GAN of three steps."""
    return CGAN(n_steps=3, batch_size=8, noise_dim=4, width=4)


@pytest.fixture
def images():
    """Sixty 8 x 8 images of three classes that can be told apart, uint8, with string labels."""
    rng = np.random.default_rng(0)
    y = np.repeat(["left", "right", "top"], 20)
    X = rng.integers(0, 60, size=(60, 8, 8))
    X[y == "left", :, :3] += 150
    X[y == "right", :, 5:] += 150
    X[y == "top", :3, :] += 150
    return X.astype(np.uint8), y


@pytest.fixture
def table():
    """Eighty rows of three numbers, 60 of class 0 and 20 of class 1."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [60, 20])
    return rng.normal(size=(80, 3)) + 2.0 * y[:, None], y
