"""An arm called gan always has adversarial training, whatever the augmenter would take by itself."""

import numpy as np
import pytest

from synthaug import VAE, Folds, SyntheticAugmenter, compare


@pytest.mark.parametrize(("generator", "learner"), [("auto", "LatentGAN"), (VAE(width=8), "VAE")])
def test_the_shared_learner_of_a_table_is_a_gan_unless_another_is_named(generator, learner):
    """With auto, which takes no GAN for tables, the arm gan learns one; a learner that is named stays as it is."""
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1], 20)
    augmenter = SyntheticAugmenter(generator, max_steps=3, selection="none")
    found = compare(X, y, augmenter=augmenter, arms=["none", "gan"], cv=Folds(2, 1), random_state=0)
    assert {record.parameters["learner"] for split in found.splits for record in split.learners} == {learner}
