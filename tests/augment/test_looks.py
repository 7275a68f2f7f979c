"""What was seen of a learner while it trained comes in the user's own terms."""

import numpy as np
import pandas as pd
import pytest

from synthaug import CGAN, SyntheticAugmenter
from synthaug.augment.looks import LOOK_COLUMNS, looks_of, snapshots_of
from synthaug.training import watch


class Silent:
    """A learner that tells nothing of its training."""


def images():
    """Return 24 grey images of two classes as bytes, and their labels."""
    return np.random.default_rng(0).integers(0, 256, (24, 8, 8), dtype=np.uint8), np.repeat(["cat", "dog"], 12)


def table():
    """Return 24 rows of a table in a frame, and their labels."""
    return pd.DataFrame(np.random.default_rng(0).normal(size=(24, 3)), columns=list("abc")), np.arange(24) % 2


@pytest.fixture(autouse=True)
def look_often(monkeypatch):
    """Look at every second step."""
    monkeypatch.setattr(watch, "_FEWEST_STEPS_APART", 2)


def fit(rows, **more):
    """Return an augmenter that learned for four steps."""
    learner = CGAN(n_steps=4, width=4, batch_size=4, **more)
    return SyntheticAugmenter(learner, selection="none", random_state=0).fit(*rows)


@pytest.mark.parametrize("per_class", [False, True])
@pytest.mark.parametrize("make", [images, table])
def test_snapshots_are_rows_as_they_came(make, per_class):
    """At each look rows of the same labels: decoded, finite, in the shape of the user's rows."""
    X, y = make()
    augmenter = fit((X, y), per_class=per_class)
    snapshots = augmenter.snapshots_
    assert snapshots["steps"].tolist() == [2, 4]
    assert snapshots["images"].shape == (2, 12, *X.shape[1:])
    assert snapshots["labels"].tolist() == [label for label in np.unique(y).tolist() for _ in range(6)]
    assert np.isfinite(snapshots["images"].astype(float)).all()
    assert snapshots["images"].dtype == np.asarray(X).dtype


@pytest.mark.parametrize("per_class", [False, True])
def test_the_history_of_quality_names_the_classes(per_class):
    """A row a look and class, with what was measured on."""
    history = fit(images(), per_class=per_class).quality_history_
    assert tuple(history) == LOOK_COLUMNS
    assert history["step"].tolist() == [2, 2, 4, 4]
    assert history["class"].tolist() == ["cat", "dog"] * 2
    assert np.isfinite(history[["distance", "diversity"]]).all(axis=None)
    assert set(history["measured_on"]) == {"training rows"}
    assert set(fit(images(), early_stopping=True).quality_history_["measured_on"]) == {"held-out rows"}


@pytest.mark.parametrize("learner", [None, Silent()])
def test_a_learner_that_tells_nothing_gives_empty_tables(learner):
    """Third parties' learners need not look at anything."""
    labels = np.array(["cat", "dog"])
    snapshots = snapshots_of(learner, None, labels)
    assert len(snapshots["steps"]) == len(snapshots["labels"]) == len(snapshots["images"]) == 0
    assert tuple(looks_of(learner, labels)) == LOOK_COLUMNS
    assert looks_of(learner, labels).empty


def test_a_saved_augmenter_keeps_its_findings(tmp_path):
    """Figures and findings are saved; snapshots are not."""
    X, y = images()
    X, y = X[:13], y[:13]
    with pytest.warns(UserWarning, match="got 1 for 'dog'"):
        augmenter = fit((X, y))
    augmenter.save(tmp_path)
    loaded = SyntheticAugmenter.load(tmp_path)
    pd.testing.assert_frame_equal(loaded.quality_history_, augmenter.quality_history_)
    assert loaded.diagnosis_ == augmenter.diagnosis_
    assert "too few rows" in [finding.kind for finding in loaded.diagnosis_]
    assert len(loaded.snapshots_["steps"]) == 0


def test_nothing_learned_is_still_diagnosed():
    """Where every class is too small there is a finding for each, and no look."""
    with pytest.warns(UserWarning, match="at least 2 rows"):
        augmenter = fit((images()[0][[0, 23]], np.array(["cat", "dog"])))
    assert [finding.kind for finding in augmenter.diagnosis_] == ["too few rows"] * 2
    assert augmenter.quality_history_.empty
