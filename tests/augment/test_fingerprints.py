"""A fitted augmenter knows its training rows while it lives, nothing keeps them, and whoever scores on one is told."""

import copy
import pickle
import warnings
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import cross_validate

from synthaug import CGAN, AugmentedClassifier, Folds, SyntheticAugmenter, compare
from synthaug.augment.fingerprints import take_fingerprints, warn_of_training_rows
from synthaug.errors import ConfigError, LeakWarning, ShapeError

TINY = CGAN(n_steps=2, batch_size=8, noise_dim=4, width=4)
X = np.random.default_rng(0).normal(size=(40, 4))
Y = np.repeat(["ill", "well"], 20)


@pytest.fixture(scope="module")
def fitted():
    """Return an augmenter that learned from the first 30 rows."""
    return SyntheticAugmenter(TINY, selection="none", random_state=0).fit(X[:30], Y[:30])


@pytest.fixture(scope="module")
def classifier():
    """Return a classifier that learned from the first 30 rows."""
    model = AugmentedClassifier(augmenter=SyntheticAugmenter(TINY, selection="none"), gate=False, random_state=0)
    return model.fit(X[:30], Y[:30])


FORMS = {
    "array": lambda rows: rows,
    "reversed memory": lambda rows: np.asfortranarray(rows),
    "float32": lambda rows: rows.astype(np.float32),
    "tensor": torch.from_numpy,
    "single tensor": lambda rows: torch.from_numpy(rows).float(),
    "frame": lambda rows: pd.DataFrame(rows),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seen", FORMS)
def test_a_row_is_found_whatever_it_comes_in(seen, form):
    """Equal numbers are one row in any container and type; of doubles the narrower type of the two decides."""
    theirs = take_fingerprints(FORMS[seen](X[:30]))
    assert take_fingerprints(FORMS[form](X)).found_in(theirs).tolist() == [True] * 30 + [False] * 10


def test_a_row_is_every_number_of_it_in_its_order():
    """One number changed by the last bit, or two swapped, make another row; -0 is 0, and whole numbers are numbers."""
    rows = np.arange(12.0).reshape(3, 4)
    changed = rows.copy()
    changed[1, 2] = np.nextafter(changed[1, 2], 9)
    theirs = take_fingerprints(rows)
    assert take_fingerprints(changed).found_in(theirs).tolist() == [True, False, True]
    assert not take_fingerprints(rows[:, ::-1]).found_in(theirs).any()
    assert take_fingerprints(-np.zeros((1, 4))).found_in(take_fingerprints(np.zeros((1, 4)))).all()
    for kind in (np.uint8, np.int64, np.float16, bool):
        assert take_fingerprints(rows.astype(kind)).found_in(take_fingerprints(rows.astype(kind).astype(float))).all()
    assert take_fingerprints(rows.reshape(3, 2, 2)).found_in(theirs).all()


MIXED = pd.DataFrame(
    {
        "town": ["Ayr", "Bern", None, "Cork", "Ayr", "Bern"],
        "seen": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", None, "2024-01-01", "2024-01-02"]),
        "size": [1.5, np.nan, -0.0, 4.0, 1.5, np.nan],
        "ill": [True, False, True, False, True, True],
    }
)


@pytest.mark.parametrize(
    "form",
    [lambda rows: rows, lambda rows: rows.astype({"town": "category"}), lambda rows: rows.reset_index(drop=True)],
    ids=["words", "categories", "another index"],
)
def test_a_row_of_mixed_columns_is_found(form):
    """Words, dates and gaps are compared as cells, whatever type a column came in; one other cell is another row."""
    theirs = take_fingerprints(MIXED[:4])
    assert take_fingerprints(form(MIXED)).found_in(theirs).tolist() == [True] * 5 + [False]
    other = MIXED[:4].assign(town=["Ayr", "Bern", "Ayr", "Cork"])
    assert take_fingerprints(form(other)).found_in(theirs).tolist() == [True, True, False, True]


def test_an_augmenter_knows_its_training_rows(fitted):
    """It tells them from others, and refuses rows that could be none."""
    assert fitted.is_training_row(X).tolist() == [True] * 30 + [False] * 10
    assert not fitted.is_training_row(fitted.sample(20, random_state=0)[0]).any()
    with pytest.raises((ShapeError, ValueError), match="features"):
        fitted.is_training_row(X[:, :3])


def test_images_are_known_too(images):
    """Images are found among the training rows as they came."""
    pictures, labels = images
    fitted = SyntheticAugmenter(TINY, selection="none", random_state=0).fit(pictures[::2], labels[::2])
    assert fitted.is_training_row(pictures).tolist() == [True, False] * 30


KEPT = {
    "pickle": lambda augmenter, folder: pickle.loads(pickle.dumps(augmenter)),
    "copy": lambda augmenter, folder: copy.deepcopy(augmenter),
    "folder": lambda augmenter, folder: (augmenter.save(folder), SyntheticAugmenter.load(folder))[1],
}


@pytest.mark.parametrize("way", KEPT)
def test_nothing_that_is_kept_knows_a_training_row(way, fitted, tmp_path):
    """A pickle, a copy and a saved model hold no fingerprint, and say so when they are asked."""
    other = KEPT[way](fitted, tmp_path / "model")
    with pytest.raises(ConfigError, match="fingerprints of training rows are never kept"):
        other.is_training_row(X)
    assert fitted.is_training_row(X[:1]).all()
    marks = [mark.tobytes() for mark in (*fitted._fingerprints.narrow, *fitted._fingerprints.wide)]
    content = pickle.dumps(other) + b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not any(mark in content for mark in marks)


def test_another_process_has_other_fingerprints(monkeypatch):
    """The key is drawn anew in every process, so that fingerprints of two cannot be compared."""
    ours = take_fingerprints(X)
    monkeypatch.setattr("synthaug.augment.fingerprints._KEY", b"another key")
    assert not take_fingerprints(X).found_in(ours).any()


def test_a_score_on_training_rows_is_warned_of(classifier):
    """The classifier's score warns of rows it learned from, by number and not by value; on other rows it is silent."""
    assert 0 <= classifier.score(X[30:], Y[30:]) <= 1
    with pytest.warns(LeakWarning, match=r"got 2 of 12 rows that were \(rows 0, 1\). Score rows that were held back"):
        classifier.score(X[28:], Y[28:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeakWarning)
        assert classifier.score(X, Y) == np.mean(classifier.predict(X) == Y)
    pickle.loads(pickle.dumps(classifier)).score(X, Y)


def test_cross_validation_scores_no_training_row():
    """scikit-learn's cross-validation gets no warning for its test scores, and one for training scores."""
    model = AugmentedClassifier(augmenter=SyntheticAugmenter(TINY, selection="none"), gate=False, random_state=0)
    cross_validate(model, X, Y, cv=2)
    with pytest.warns(LeakWarning, match="got 20 of 20"):
        cross_validate(model, X, Y, cv=2, return_train_score=True)


@pytest.mark.parametrize("form", [lambda rows: rows, pd.DataFrame], ids=["array", "frame"])
@pytest.mark.parametrize("twins", [False, True])
def test_rows_on_both_sides_of_a_split_are_warned_of(form, twins):
    """A comparison warns of rows equal to training rows, by number; in one group the same rows do no harm."""
    rows, labels = np.concatenate([X, X[:7]]), np.concatenate([Y, Y[:7]])
    if not twins:
        rows[40:] += 1e-9
    told = (
        pytest.warns(LeakWarning, match=r"in 2 of 2 splits \(in the first of them rows? \d+")
        if twins
        else nullcontext()
    )
    with told:
        compare(form(rows), labels, arms=["none", "smote"], cv=Folds(2, 1), random_state=0)
    groups = np.concatenate([np.arange(40), np.arange(7)])
    compare(form(rows), labels, arms=["none", "smote"], cv=Folds(2, 1), groups=groups, random_state=0)


def test_a_long_list_of_rows_is_cut():
    """Five rows are named, more are counted."""
    with pytest.warns(LeakWarning, match=r"got 9 of 9 rows that were \(rows 0, 1, 2, 3, 4, \.\.\.\)"):
        warn_of_training_rows(np.ones(9, dtype=bool))
    with pytest.warns(LeakWarning, match=r"got 1 of 3 rows that were \(row 2\)"):
        warn_of_training_rows(np.array([False, False, True]))
