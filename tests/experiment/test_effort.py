"""What a study is said to cost is what it then costs."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from synthaug import CGAN, Draws, Folds, SyntheticAugmenter
from synthaug.augment.arms import ARMS
from synthaug.experiment.compare import prepare
from synthaug.experiment.effort import learning, n_fits, n_learners

UNSURE = ("self-training",)  # goes on until it is sure


class Counted(LogisticRegression):
    """A classifier that counts how often any of its clones was fitted."""

    fits = 0

    def fit(self, X, y, sample_weight=None):
        Counted.fits += 1
        return super().fit(X, y, sample_weight)


def study(arms, *, image=True, **changes):
    rng, y = np.random.default_rng(0), np.tile([0, 1], 90)
    X = rng.normal(size=(180, 8, 8)) + y[:, None, None]
    settings = {
        "estimator": Counted(max_iter=1000),
        "augmenter": SyntheticAugmenter(CGAN(n_steps=2, batch_size=8, width=4), selection="none"),
        "cv": Draws(15, n_draws=2, test_rows=80),
        "random_state": 0,
    }
    return prepare(X if image else X.reshape(180, -1), y, arms=arms, **(settings | changes))


def fits_of(made) -> int:
    Counted.fits = 0
    made.run()
    return Counted.fits


@pytest.mark.parametrize("arm", [name for name in ARMS if name not in ("none", "gan unlabelled", *UNSURE)])
def test_fits_of_every_arm_are_counted(arm):
    """Each arm fits as many classifiers a split as the estimate counts."""
    made = study(["none", arm])
    assert fits_of(made) == 2 * n_fits(made.work)


@pytest.mark.parametrize(
    "changes",
    [
        {"arms": ["none", "classic"], "image_transform": "tuned"},
        {"arms": {"none": "none", "my gate": "gated"}, "image": False},
        {"arms": ["none", "gan"], "label_equivalence": (1.5, 2.0)},
        {"arms": ["none", "gan soft labels"], "label_equivalence": (2.0, 3.0), "cv": Folds(2, 1)},
    ],
    ids=["a tuned transform", "the gate's candidates of a table", "a curve by draws", "a curve by folds"],
)
def test_fits_of_a_study_are_counted(changes):
    """The estimate counts what is fitted beside the arms themselves."""
    made = study(**changes)
    assert fits_of(made) == len(made.splits) * n_fits(made.work, n_sizes=len(made.factors))


def test_the_gates_learners_take_the_steps_of_one_and_a_half():
    """They are three, of half the steps each."""
    work = study(["none", "gan", "gan raw", "gated"]).work
    assert (n_learners(work), learning(work)) == (4, 2.5)
    assert (n_learners(study(["none", "smote"]).work), learning(study(["none", "smote"]).work)) == (0, 0)
