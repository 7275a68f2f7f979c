"""The learners of a study: which learn, from which rows, and what is kept of them."""

import numpy as np
import pytest

from synthaug import VAE, Folds, SyntheticAugmenter, compare
from synthaug.experiment.compare import prepare
from synthaug.experiment.effort import n_fits, n_learners


@pytest.mark.parametrize(("generator", "learner"), [("auto", "LatentGAN"), (VAE(width=8), "VAE")])
def test_the_shared_learner_of_a_table_is_a_gan_unless_another_is_named(generator, learner):
    """With auto, which takes no GAN for tables, the arm gan learns one; a learner that is named stays as it is."""
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1], 20)
    augmenter = SyntheticAugmenter(generator, max_steps=3, selection="none")
    found = compare(X, y, augmenter=augmenter, arms=["none", "gan"], cv=Folds(2, 1), random_state=0)
    assert {record.parameters["learner"] for split in found.splits for record in split.learners} == {learner}


def test_where_only_the_gate_learned_its_first_learner_is_looked_at(tmp_path):
    """A study of none and gated tells quality and columns, and keeps a learner, of one of the gate's."""
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.repeat([0, 1], 30)
    augmenter = SyntheticAugmenter(VAE(width=8), max_steps=3, selection="none")
    study = prepare(
        X,
        y,
        augmenter=augmenter,
        arms=["none", "gated"],
        cv=Folds(2, 1),
        random_state=0,
        learners_folder=tmp_path / "learners",
    )
    for split in study.run().splits:
        first, *others = split.learners
        assert (first.name, len(others)) == ("inner 0", 2)
        assert len(first.quality)
        assert first.columns is not None
        assert SyntheticAugmenter.load(tmp_path / first.folder).class_counts_
        assert not any(len(other.quality) or other.folder for other in others)


def test_gan_unlabelled_shows_what_rows_without_labels_are_worth_to_the_gan():
    """Beside *gan unlabelled* the other arms' learner sees no row without a label: *gan* is as without such rows."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), np.repeat([0, 1], 20)
    common = {"augmenter": SyntheticAugmenter("latent_gan", max_steps=20, selection="none"), "cv": Folds(2, 1)}
    common |= {"random_state": 0, "scoring": "neg_log_loss"}
    more = rng.normal(size=(30, 3))
    found = compare(X, y, arms=["none", "gan", "gan unlabelled"], X_unlabeled=more, **common)
    without = compare(X, y, arms=["none", "gan"], **common)
    alone = [split.scores["gan"] for split in without.splits]
    assert [split.scores["gan"] for split in found.splits] == alone
    assert [split.scores["gan unlabelled"] for split in found.splits] != alone
    assert [[record.name for record in split.learners] for split in found.splits] == 2 * [
        ["full", "full, unlabelled rows"]
    ]
    both = prepare(X, y, arms=["none", "gan", "gan unlabelled"], X_unlabeled=more, **common).work
    assert (n_learners(both), n_fits(both)) == (2, 3)
