"""Nothing that learns sees a row it is scored on: not the learner, the gate, nor the classifier. The arms:
``tests/test_leakage.py``.

Every row carries its number (a pixel, a column), so a spy that notes what reaches it knows exactly whom it met.
"""

import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.pipeline import make_pipeline as make_imbalanced_pipeline
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from synthaug import CGAN, AugmentedClassifier, Mix, SyntheticAugmenter, SyntheticSampler, compare
from synthaug.errors import FileError, ShapeError

N_ROWS = 48
MET: list[dict] = []  # what the spies met, in order; emptied before each test


def numbers(X):
    """The numbers that the rows carry; of rows made from real ones, whatever stands there."""
    rows = X.to_numpy() if isinstance(X, pd.DataFrame) else np.asarray(X)
    return np.rint(rows.reshape(len(rows), -1)[:, 0]).astype(int)


class SpyAugmenter(SyntheticAugmenter):
    """An augmenter that notes which rows and groups it learns from."""

    def fit(self, X, y=None, *, groups=None, X_unlabeled=None):
        met = set(groups.tolist()) if groups is not None else None
        MET.append({"who": "augmenter", "rows": set(numbers(X)), "groups": met})
        return super().fit(X, y, groups=groups, X_unlabeled=X_unlabeled)


class SpyClassifier(GaussianNB):
    """A classifier that notes which rows it is fitted with and asked about."""

    def fit(self, X, y, sample_weight=None):
        MET.append({"who": "classifier", "whole": rows_of(X), "rows": set(numbers(X))})
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        MET.append({"who": "asked", "rows": set(numbers(X))})
        return super().predict_proba(X)

    def predict(self, X):
        MET.append({"who": "asked", "rows": set(numbers(X))})
        return super().predict(X)


def rows_of(X):
    return {row.tobytes() for row in np.ascontiguousarray(np.asarray(X, dtype=np.float32)).reshape(len(X), -1)}


def spy(**settings):
    return SpyAugmenter(
        CGAN(n_steps=2, batch_size=8, noise_dim=4, width=4), **{"selection": "none", "random_state": 0, **settings}
    )


def images():
    """Images (48, 8, 8), float32, whose first pixel is their number, of two classes."""
    X = np.random.default_rng(0).normal(size=(N_ROWS, 8, 8)).astype(np.float32)
    X[:, 0, 0] = np.arange(N_ROWS)
    return X, np.array(["ill", "well", "well"] * (N_ROWS // 3))


def table():
    """A table (48, 4) whose first column is the row's number."""
    X, y = images()
    return X.reshape(N_ROWS, -1)[:, :4].astype(np.float64), y


def frame():
    X, y = table()
    return pd.DataFrame(X, columns=list("abcd")), pd.Series(y)


ROWS = {"images": images, "table": table, "frame": frame}
GROUPS = np.arange(N_ROWS) % 12
FOLDS = StratifiedKFold(2, shuffle=True, random_state=0)
ONE = {"gan": Mix()}  # all candidates together stand in the test of the gate itself


def same(image):
    """Transform an image into itself, so that whoever gets it gets a whole row."""
    return image


@pytest.fixture(autouse=True)
def _forget():
    MET.clear()


def met(who):
    return [meeting for meeting in MET if meeting["who"] == who]


def parts(X, y, cv=FOLDS, groups=None):
    return [(set(train.tolist()), set(test.tolist())) for train, test in cv.split(np.zeros(len(y)), y, groups)]


class Flat(TransformerMixin, BaseEstimator):
    """A step that makes rows of numbers of images."""

    def fit(self, X, y=None):
        self.n_features_in_ = int(np.prod(np.shape(X)[1:]))
        return self

    def transform(self, X):
        return np.asarray(X).reshape(len(X), -1)


CLASSIFIERS = {"classifier": SpyClassifier, "pipeline": lambda: make_pipeline(Flat(), SpyClassifier())}


@pytest.mark.parametrize("gate", [True, False], ids=["gate", "no gate"])
@pytest.mark.parametrize("classifier", CLASSIFIERS)
@pytest.mark.parametrize("kind", ROWS)
def test_cross_validation_shows_the_augmenter_training_rows_only(kind, classifier, gate):
    """Whoever learns inside a fold of cross_val_score, learns from that fold's training rows."""
    X, y = ROWS[kind]()
    model = AugmentedClassifier(CLASSIFIERS[classifier](), spy(), gate=gate, candidates=ONE, n_splits=2, random_state=0)
    cross_val_score(model, X, y, cv=FOLDS, error_score="raise")
    n_learners = 2 if gate else 1
    assert len(met("augmenter")) == 2 * n_learners
    for fold, (train, _) in enumerate(parts(X, y)):
        learned = [meeting["rows"] for meeting in met("augmenter")[fold * n_learners : (fold + 1) * n_learners]]
        assert set.union(*learned) == train
        assert gate == all(rows < train for rows in learned)


@pytest.mark.parametrize("kind", ROWS)
def test_the_classifier_meets_no_row_it_is_scored_on(kind):
    """Before it is asked about the test rows, the classifier of a fold has met none of them, whole or by number."""
    X, y = ROWS[kind]()
    whole = np.asarray(X)
    for train, test in parts(X, y):
        MET.clear()
        rows = sorted(train)
        part = X.iloc[rows] if hasattr(X, "iloc") else X[rows]
        model = AugmentedClassifier(
            SpyClassifier(), spy(), candidates=ONE, n_splits=2, image_transform=same, random_state=0
        )
        model.fit(part, np.asarray(y)[rows])
        seen = set.union(*(meeting["whole"] for meeting in met("classifier")))
        assert seen.isdisjoint(rows_of(whole[sorted(test)]))
        assert rows_of(whole[rows]) <= seen


@pytest.mark.parametrize("kind", ROWS)
def test_the_gate_scores_inner_rows_on_what_never_saw_them(kind):
    """Each inner learner sees its inner training rows; what it then answers for are the others, and all get answers."""
    X, y = ROWS[kind]()
    AugmentedClassifier(SpyClassifier(), spy(), random_state=0, image_transform=same).fit(X, y)
    everyone, fitted, inner = set(range(N_ROWS)), {}, set()
    answered, n_learned = set(), 0
    for meeting in MET[:-1]:
        if meeting["who"] == "augmenter":
            n_learned += 1
            assert meeting["rows"] == inner
        elif meeting["who"] == "classifier":
            fitted = meeting
        else:
            answered |= meeting["rows"]
            inner = everyone - meeting["rows"]
            assert inner <= fitted["rows"]
            assert fitted["whole"].isdisjoint(rows_of(np.asarray(X)[sorted(meeting["rows"])]))
    assert n_learned == 3
    assert answered == everyone


@pytest.mark.parametrize("kind", ["images", "table"])
def test_the_sampler_sees_training_rows_only(kind):
    """Inside an imbalanced-learn pipeline the sampler learns from the fold's training rows."""
    X, y = ROWS[kind]()
    pipeline = make_imbalanced_pipeline(SyntheticSampler(spy(), random_state=0), Flat(), SpyClassifier())
    cross_val_score(pipeline, X, y, cv=FOLDS, error_score="raise")
    assert [meeting["rows"] for meeting in met("augmenter")] == [train for train, _ in parts(X, y)]
    for meeting, (_, test) in zip(met("classifier"), parts(X, y), strict=True):
        assert meeting["whole"].isdisjoint(rows_of(np.asarray(X)[sorted(test)]))


def test_a_search_shows_the_augmenter_inner_training_rows_only():
    """GridSearchCV around the classifier fits every setting on its own training rows, and the best on all."""
    X, y = table()
    model = AugmentedClassifier(SpyClassifier(), spy(), gate=False, random_state=0)
    GridSearchCV(model, {"augmenter__generator__lr": [1e-4, 1e-3]}, cv=FOLDS, error_score="raise").fit(X, y)
    trains = [train for train, _ in parts(X, y)]
    assert [meeting["rows"] for meeting in met("augmenter")] == [*trains, *trains, set(range(N_ROWS))]


def predictions(X, y, *, lr=5e-4, **settings):
    learner = SyntheticAugmenter(CGAN(n_steps=20, batch_size=8, width=16, lr=lr), selection="none", **settings)
    model = AugmentedClassifier(LogisticRegression(max_iter=500), learner, gate=False, random_state=0)
    return cross_val_predict(model, X, y, cv=FOLDS, method="predict_proba")


def test_a_shared_folder_of_checkpoints_changes_nothing(tmp_path):
    """Folds that share a checkpoint folder and resume get what folds without one get, the first time and again.

    Before, the folder holds the finished checkpoints of learners of other rows, and of the same rows and another
    learning rate.
    """
    X, y = table()
    alone = predictions(X, y)
    shared = {"checkpoint_dir": tmp_path, "resume": True}
    predictions(X + 1.0, y, **shared)
    predictions(X, y, lr=5e-3, **shared)
    np.testing.assert_array_equal(predictions(X, y, **shared), alone)
    np.testing.assert_array_equal(predictions(X, y, **shared), alone)


@pytest.mark.parametrize("gate", [True, False], ids=["gate", "no gate"])
def test_learners_of_two_folds_have_two_checkpoints(tmp_path, gate):
    """In a shared folder every learner has a file of its own, and a learner of the same rows finds its own again."""
    X, y = table()
    model = AugmentedClassifier(
        make_pipeline(SpyClassifier()),
        spy(checkpoint_dir=tmp_path, resume=True),
        gate=gate,
        candidates=ONE,
        n_splits=2,
        random_state=0,
    )
    for _ in range(2):
        MET.clear()
        cross_val_score(model, X, y, cv=FOLDS, error_score="raise")
        assert len(list(tmp_path.iterdir())) == len(met("augmenter")) == (4 if gate else 2)
        for train, test in parts(X, y):
            assert any(meeting["rows"] <= train for meeting in met("augmenter"))
            assert all(meeting["rows"] != train | test for meeting in met("augmenter"))
    seen = [meeting["rows"] for meeting in met("augmenter")]
    n_learners = len(seen) // 2
    for number, rows in enumerate(seen):
        assert rows <= parts(X, y)[number // n_learners][0]


def test_a_checkpoint_under_another_name_is_refused(tmp_path):
    """The key stands inside the file too: a checkpoint renamed to another learner's name is not taken for it."""
    X, y = table()
    settings = {"checkpoint_dir": tmp_path, "resume": True}
    spy(**settings).fit(X, y)
    (theirs,) = tmp_path.iterdir()
    content = theirs.read_bytes()
    theirs.unlink()
    spy(**settings).fit(X[:, ::-1], y)
    (ours,) = tmp_path.iterdir()
    ours.write_bytes(content)
    with pytest.raises(FileError, match="was made from other rows or parameters"):
        spy(**settings).fit(X[:, ::-1], y)


def test_no_group_is_torn_by_the_gate():
    """With groups routed through cross_validate, no inner learner shares a patient with the rows it is judged on."""
    X, y = table()
    cv = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    model = AugmentedClassifier(SpyClassifier(), spy(), candidates=ONE, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(groups=True)
        cross_validate(model, X, y, cv=cv, params={"groups": GROUPS}, error_score="raise")
    folds = parts(X, y, cv, GROUPS)
    for number, meeting in enumerate(met("augmenter")):
        train, test = folds[number // 3]
        learned, judged = meeting["rows"], train - meeting["rows"]
        assert learned < train
        assert meeting["groups"] == set(GROUPS[sorted(learned)])
        assert meeting["groups"].isdisjoint(GROUPS[sorted(judged)])
        assert meeting["groups"].isdisjoint(GROUPS[sorted(test)])


def test_a_splitter_that_tears_a_group_apart_is_refused():
    """A splitter that ignores groups is refused before anything is learned; the message names rows, not patients."""
    X, y = table()
    with pytest.raises(ShapeError, match=r"a group must stand on one side of a split; got group number \d+ on both"):
        compare(X, y, arms=["none", "gan"], augmenter=spy(), groups=GROUPS, cv=FOLDS)
    assert not MET


def test_a_class_that_is_one_patient_is_no_error():
    """Where a class is one patient's, the gate cannot hold it back: it adds nothing rather than fail or leak."""
    X, y = table()
    groups = np.where(y == "ill", -1, GROUPS)
    fitted = AugmentedClassifier(SpyClassifier(), spy(), random_state=0).fit(X, y, groups=groups)
    assert fitted.n_added_ == 0
    assert "single class" in fitted.explain_decision()
    assert not met("augmenter")
