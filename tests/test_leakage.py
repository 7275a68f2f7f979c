"""No arm, and nothing that it learns, ever sees a test row. Two proofs, each of every arm in ``ARMS``.

*Spies*: rows carry their number, and augmenters and classifiers (teachers and thresholds are made of them) note whom
they meet while an arm runs. *Another world*: the test rows, their labels and groups are replaced by others, in a folder
full of checkpoints of learners that saw them, and all that every arm learned stays the same to the last bit.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.naive_bayes import GaussianNB

from synthaug import CGAN, Draws, Folds, LatentGAN, SyntheticAugmenter, compare
from synthaug.augment.arms import ARMS, SHARED_LEARNER_ARMS, USES_UNLABELLED, NotApplicable, Trained
from synthaug.augment.fitting import as_estimator_wants
from synthaug.experiment.compare import prepare
from synthaug.experiment.run_split import run_split

N_ROWS = 48
GROUPS = np.arange(N_ROWS) % 12
MET: list[dict] = []  # what the spies met, in order; emptied before each test


def numbers(X):
    """The numbers that the rows carry; of rows made from real ones, whatever stands there."""
    rows = np.asarray(X)
    return np.rint(rows.reshape(len(rows), -1)[:, 0]).astype(int)


def whole(X):
    """The rows themselves, so that one that was learned from can be told from one made of it."""
    return {row.tobytes() for row in np.ascontiguousarray(np.asarray(X, dtype=np.float32)).reshape(len(X), -1)}


class SpyAugmenter(SyntheticAugmenter):
    """An augmenter that notes which rows and groups it learns from."""

    def fit(self, X, y=None, *, groups=None, X_unlabeled=None):
        met = None if groups is None else set(groups.tolist())
        rows = {"rows": set(numbers(X)), "unlabelled": X_unlabeled is not None}
        MET.append({"who": "augmenter", "groups": met, "whole": whole(X), **rows})
        return super().fit(X, y, groups=groups, X_unlabeled=X_unlabeled)


class SpyClassifier(GaussianNB):
    """A classifier that notes which rows it is fitted with and asked about."""

    def fit(self, X, y, sample_weight=None):
        MET.append({"who": "classifier", "whole": whole(X)})
        return super().fit(X, y, sample_weight)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        MET.append({"who": "classifier", "whole": whole(X)})
        return super().partial_fit(X, y, classes, sample_weight)

    def predict_proba(self, X):
        MET.append({"who": "asked", "whole": whole(X)})
        return super().predict_proba(X)

    def predict(self, X):
        MET.append({"who": "asked", "whole": whole(X)})
        return super().predict(X)


def augmenter(kind=SpyAugmenter, **settings):
    learner = CGAN(n_steps=2, batch_size=8, noise_dim=4, width=4)
    return kind(learner, **{"selection": "none", "random_state": 0, **settings})


def images():
    """Images (48, 8, 8), float32, whose first pixel is their number, of two classes."""
    X = np.random.default_rng(0).normal(size=(N_ROWS, 8, 8)).astype(np.float32)
    X[:, 0, 0] = np.arange(N_ROWS)
    return X, np.array(["ill", "well", "well"] * (N_ROWS // 3))


def table():
    """A table (48, 4) whose first column is the row's number."""
    X, y = images()
    return X.reshape(N_ROWS, -1)[:, :4].astype(np.float64), y


ROWS = {"images": images, "table": table}


@pytest.fixture(autouse=True)
def _forget():
    MET.clear()


def watched(name, arm):
    """An arm that notes what it is given, and when it has done what the arm of this name does."""

    def run(task):
        MET.append({"who": "arm", "name": name, "rows": set(numbers(task.X)), "whole": whole(task.X)})
        assert task.groups is None or task.groups.tolist() == GROUPS[numbers(task.X)].tolist()
        try:
            trained = arm(task)
            if name in SHARED_LEARNER_ARMS:
                MET.append({"who": "shared", "n_rows": sum(task.learned().class_counts_.values())})
            return trained
        finally:
            MET.append({"who": "done"})

    return run


def runs():
    """What was met in each run of an arm, a list a run, in their order."""
    found, running = [], False
    for meeting in MET:
        if meeting["who"] == "arm":
            found.append([])
            running = True
        if running:
            found[-1].append(meeting)
        running &= meeting["who"] != "done"
    return found


DESIGNS = {
    "folds": lambda: Folds(2, 1),
    "draws": lambda: Draws(8, n_draws=2, test_rows=16),
    "splitter": lambda: StratifiedGroupKFold(2),
}


def splits_of(design, X, y, groups):
    if hasattr(design, "splits"):
        return [(split.train, split.test) for split in design.splits(X, y, groups, 0)]
    return list(design.split(np.zeros(len(y)), y, groups))


def study(rows, arms, **settings):
    fixed = {
        "estimator": SpyClassifier(),
        "scoring": "accuracy",
        "random_state": 0,
        "image_transform": lambda image: image,
    }
    return compare(*rows, arms=arms, **(fixed | settings))


@pytest.mark.parametrize(
    ("kind", "design", "groups", "unlabelled"),
    [
        ("table", "splitter", GROUPS, False),
        ("table", "folds", GROUPS, True),
        pytest.param("images", "draws", GROUPS, True, marks=pytest.mark.slow),
        pytest.param("images", "draws", GROUPS, False, marks=pytest.mark.slow),
        pytest.param("images", "folds", None, False, marks=pytest.mark.slow),
        pytest.param("table", "folds", GROUPS, False, marks=pytest.mark.slow),
        pytest.param("table", "draws", None, False, marks=pytest.mark.slow),
    ],
)
def test_no_arm_meets_a_test_row(tmp_path, kind, design, groups, unlabelled):
    """In a comparison no arm, and nobody whom it trains or asks, meets a row of its test part, nor a patient of one."""
    X, y = ROWS[kind]()
    arms = {name: watched(name, arm) for name, arm in ARMS.items()}
    shared = augmenter(checkpoint_dir=tmp_path, resume=True)
    more = {}
    if unlabelled:
        shared.set_params(generator=LatentGAN(n_steps=2, batch_size=8, width=4))
        more["X_unlabeled"] = X[::2] + np.float32(0.25)
    result = study((X, y), arms, augmenter=shared, groups=groups, cv=DESIGNS[design](), **more)
    splits = splits_of(DESIGNS[design](), X, y, groups)
    assert [run[0]["name"] for run in runs()] == [*ARMS] * len(splits)
    for place, run in enumerate(runs()):
        train, test = splits[place // len(ARMS)]
        check_run(run, X, train, groups, groups is not None and set(groups[test]))
    assert set(result.arms) | set(result.skipped) == set(ARMS)
    assert unlabelled == {"gan unlabelled", "self-training"}.issubset(result.arms)
    learned = {(frozenset(met["rows"]), met["unlabelled"]) for met in MET if met["who"] == "augmenter"}
    assert len(list(tmp_path.iterdir())) == len(learned)


def check_run(run, X, train, groups, tested):
    """Fail if anybody in a run of an arm met a row that is not in its training part, or a group that is tested."""
    hidden = whole(np.delete(X, train, axis=0))
    assert run[0]["rows"] == set(train.tolist())
    for meeting in run:
        assert meeting.get("whole", set()).isdisjoint(hidden), meeting["who"]
        if meeting["who"] == "augmenter":
            assert (meeting["groups"] is None) == (groups is None)
            assert groups is None or meeting["groups"].isdisjoint(tested)
        if meeting["who"] == "shared":
            assert meeting["n_rows"] == len(train)


@pytest.mark.parametrize("way", ["fit", "predict"])
def test_the_spies_catch_an_arm_that_peeks(way):
    """An arm that trains on all rows of the study, or asks about them, is caught."""
    X, y = table()

    def peeking(task):
        rows, labels = (X, y) if way == "fit" else (task.X, task.y)
        classifier = SpyClassifier().fit(rows, labels)
        classifier.predict(X)
        return Trained(classifier, 0)

    study((X, y), {"none": ARMS["none"], "peeking": watched("peeking", peeking)}, cv=Folds(2, 1))
    train, _ = splits_of(Folds(2, 1), X, y, None)[0]
    with pytest.raises(AssertionError, match="classifier" if way == "fit" else "asked"):
        check_run(runs()[0], X, train, None, False)


@dataclass(frozen=True)
class Given:
    """A splitter of one's own: the last 16 rows are tested, after each of two draws of the others."""

    def split(self, X, y=None, groups=None):
        first, second = np.arange(0, 30), np.arange(2, 32)
        return [(first, np.arange(32, N_ROWS)), (second, np.arange(32, N_ROWS))]


def elsewhere(X, y):
    """The rows with other test rows: of other values and another range, labelled otherwise."""
    X, y = X.copy(), y.copy()
    X[32:] = np.random.default_rng(1).normal(5, 50, size=X[32:].shape)
    y[32:] = y[32:][::-1]
    return X, y


def learned_by(rows, arms=ARMS, **settings):
    """Return what every arm learned in one split: answers to a probe, counts, the gate's table, samples, selector."""
    found, probe = {name: [] for name in arms}, ROWS["images" if rows[0].ndim == 3 else "table"]()[0]

    def noting(name, arm):
        def run(task):
            try:
                trained = arm(task)
            except NotApplicable as reason:
                found[name].append(str(reason))
                raise
            classifier = trained.classifier
            found[name].append(classifier.predict_proba(as_estimator_wants(classifier, probe)))
            found[name].append(trained.n_added)
            found[name].append(None if trained.decision is None else trained.decision.table.to_dict())
            if name in SHARED_LEARNER_ARMS:
                weights, _ = task.learned().selector_.state()
                found[name] += [task.learned().sample(4, random_state=0)[0], [np.asarray(w) for w in weights.values()]]
            return trained

        return run

    chosen = {name: noting(name, arm) for name, arm in arms.items()}
    settings = {"augmenter": augmenter(SyntheticAugmenter), "image_transform": "tuned"} | settings
    fixed = {"estimator": GaussianNB(), "scoring": "accuracy", "cv": Given(), "random_state": 0}
    prepared = prepare(*rows, arms=chosen, **(fixed | settings))
    run_split(prepared.work, 0, prepared.splits[0])
    return found


def of_patients(elsewhere):
    """Groups of four rows; where the test rows are others, so are their patients."""
    return np.arange(N_ROWS) // 2 + np.where(np.arange(N_ROWS) < 32, 0, 100 * elsewhere)


def two_worlds(rows, folder, alone, **settings):
    """Return what arms learned in two worlds that differ in their test rows, the second in a spoilt folder."""
    for everything in (rows, elsewhere(*rows)):
        clone(alone).set_params(checkpoint_dir=folder).fit(*everything)
    shared = clone(alone).set_params(checkpoint_dir=folder, resume=True)
    return (
        learned_by(rows, groups=of_patients(elsewhere=False), augmenter=alone, **settings),
        learned_by(elsewhere(*rows), groups=of_patients(elsewhere=True), augmenter=shared, **settings),
    )


@pytest.fixture(scope="module", params=["images", pytest.param("table", marks=pytest.mark.slow)])
def worlds(request, tmp_path_factory):
    """Return what all arms learned in two worlds, of images or of a table."""
    alone = augmenter(SyntheticAugmenter, selection="agreement")
    return two_worlds(ROWS[request.param](), tmp_path_factory.mktemp("checkpoints"), alone)


def same(ours, theirs):
    """Whether what an arm learned is the same in two worlds, to the last bit."""
    try:
        np.testing.assert_equal(theirs, ours)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("name", ARMS)
def test_other_test_rows_change_nothing_that_an_arm_learns(worlds, name):
    """With other test rows, labels and patients, and checkpoints of learners that saw them, an arm learns the same."""
    here, there = worlds
    assert len(here[name]) > 1 or "rows without labels" in here[name][0] or "table" in here[name][0]
    assert same(here[name], there[name])


@pytest.mark.slow
def test_other_test_rows_change_nothing_beside_rows_without_labels(tmp_path):
    """Where there are rows without labels, the arms that learn from them learn the same with other test rows."""
    alone = SyntheticAugmenter(LatentGAN(n_steps=2, batch_size=8, width=4), selection="none", random_state=0)
    arms = {name: arm for name, arm in ARMS.items() if arm in USES_UNLABELLED or name == "none"}
    more = np.random.default_rng(2).uniform(0, 20, size=(20, 8, 8)).astype(np.float32)
    here, there = two_worlds(images(), tmp_path, alone, arms=arms, X_unlabeled=more)
    assert all(len(learned) > 1 for learned in here.values())
    assert [name for name in arms if not same(here[name], there[name])] == []


def test_another_world_shows_where_an_arm_peeks():
    """An arm that looks at the test rows learns something else where they are others."""
    rows = table()

    def peeking(X):
        def arm(task):
            return Trained(GaussianNB().fit(task.X - X.mean(axis=0), task.y), 0)

        return arm

    arms = [{"none": ARMS["none"], "peeking": peeking(X)} for X, _ in (rows, elsewhere(*rows))]
    here, there = learned_by(rows, arms[0]), learned_by(elsewhere(*rows), arms[1])
    assert same(here["none"], there["none"])
    assert not same(here["peeking"], there["peeking"])
