"""Ways of use: hard and soft labels, weights, two stages, and transforms that a classifier makes itself."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from synthaug import Mix, SyntheticAugmenter
from synthaug.augment.fitting import as_estimator_wants, fit_classifier
from synthaug.augment.mix import mix_rows
from synthaug.augment.ways import NotApplicable, Setting, fit_mix, setting_of_part
from synthaug.errors import ConfigError

STREAM = np.random.default_rng(0)
Y = np.array(["ill", "well", "well"] * 12)
X = STREAM.normal(size=(36, 3)) + 1.5 * (Y == "ill")[:, None]
PLAN = {"ill": 12, "well": 3}


class Drawn:
    """A source of normal rows, shifted for one class."""

    def sample(self, n_per_class, *, random_state=None):
        y = np.repeat(list(n_per_class), list(n_per_class.values()))
        return np.random.default_rng(random_state).normal(size=(len(y), 3)) + 1.5 * (y == "ill")[:, None], y


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that remembers its stages of fitting."""

    def __init__(self, warm_start=False, image_transform="its own"):
        self.warm_start = warm_start
        self.image_transform = image_transform

    def fit(self, X, y, sample_weight=None):
        self.stages_ = [*getattr(self, "stages_", []), (np.asarray(X), np.asarray(y), sample_weight)]
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def setting(estimator=None, **changes):
    estimator = Recorder() if estimator is None else estimator
    return replace(Setting(estimator, SyntheticAugmenter(), Drawn(), PLAN, None, 0), **changes)


def images():
    rows = np.random.default_rng(0).integers(0, 256, size=(36, 8, 8), dtype=np.uint8)
    return rows, Y


@pytest.mark.parametrize("mix", [Mix(), Mix(amount=0.0), Mix(0.5, 0.4), Mix(synthetic_weight=0.3), Mix(2.0, 0.0)])
def test_hard_labels_together_are_the_mixed_rows_fitted(mix):
    """The plain way is mixing, flattening and fitting, one after the other."""
    fitted = fit_mix(mix, X, Y, setting())
    mixed = mix_rows(mix, X, Y, source=Drawn(), augmenter=SyntheticAugmenter(), plan=PLAN, transform=None, seed=0)
    direct = fit_classifier(Recorder(), as_estimator_wants(Recorder(), mixed.X), mixed.y, mixed.weight)
    assert fitted.n_added == mixed.n_added
    for found, expected in zip(fitted.classifier.stages_[0], direct.stages_[0], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_an_added_row_weighs_its_mix_times_the_mean_of_the_real_ones():
    """Weights of real rows stay; others get the mix's weight times their mean, also for each class of a soft label."""
    real = STREAM.uniform(0.5, 3.0, size=36)
    for mix in (Mix(synthetic_weight=0.3), Mix(synthetic_weight=0.3, labels="soft")):
        rows, _, weight = fit_mix(mix, X, Y, setting(weight=real)).classifier.stages_[0]
        np.testing.assert_array_equal(weight[:36], real)
        totals = pd.Series(weight[36:]).groupby(rows[36:, 0]).sum()
        np.testing.assert_allclose(totals, 0.3 * real.mean())
        assert len(totals) == 15


@pytest.mark.parametrize("classifier", [LogisticRegression(), make_pipeline(GaussianNB())], ids=["own", "weights"])
@pytest.mark.parametrize("weight", [None, np.linspace(1.0, 2.0, 36)], ids=["alone", "with weights"])
def test_weights_of_classes_are_scikit_learns(classifier, weight):
    """Whether by its own parameter or by weights of rows, the classifier learns as if each class weighed the same."""
    labels = np.repeat(["ill", "well"], [6, 30])
    fitted = fit_mix(Mix(amount=0.0, class_weight="balanced"), X, labels, setting(classifier, weight=weight))
    own = np.ones(36) if weight is None else weight
    whole = own * own.sum() / 2 / np.where(labels == "ill", own[:6].sum(), own[6:].sum())
    step = "gaussiannb__" if isinstance(classifier, Pipeline) else ""
    alike = clone(classifier).fit(X, labels, **{f"{step}sample_weight": whole})
    np.testing.assert_allclose(fitted.classifier.predict_proba(X), alike.predict_proba(X), rtol=1e-6)
    assert fitted.n_added == 0


def test_weights_of_classes_count_added_rows_too():
    """Classes weigh the same with the rows that are added, whatever the mix adds to which."""

    class Watched(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            self.seen_ = pd.Series(sample_weight).groupby(np.asarray(y)).sum()
            return super().fit(X, y, sample_weight)

    mix = Mix(synthetic_fraction=0.0, class_weight="balanced")
    totals = fit_mix(mix, X, Y, setting(Watched(), plan={"ill": 1, "well": 9})).classifier.seen_
    assert totals["ill"] == pytest.approx(totals["well"])


def test_soft_labels_are_the_teachers():
    """An added row far inside its class is of it alone; one between two, or inside another, is of both."""

    class Between:
        def sample(self, n_per_class, *, random_state=None):
            rows = np.array([[5.0] * 3, [0.75] * 3, [-5.0] * 3])
            return rows, np.array(["ill"] * 3)

    source = {"source": Between(), "plan": {"ill": 3, "well": 0}}
    classifier = fit_mix(Mix(labels="soft"), X, Y, setting(make_pipeline(LogisticRegression()), **source)).classifier
    assert classifier.predict([[5.0] * 3, [-5.0] * 3]).tolist() == ["ill", "well"]

    class Watched(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            self.seen_ = (X, y, sample_weight)
            return super().fit(X, y, sample_weight)

    seen_X, seen_y, weight = fit_mix(Mix(labels="soft"), X, Y, setting(Watched(), **source)).classifier.seen_
    added = [(seen_y[36:][seen_X[36:, 0] == value]).tolist() for value in (5.0, 0.75, -5.0)]
    assert added == [["ill"], ["ill", "well"], ["ill", "well"]]
    assert weight[-1] == pytest.approx(0.5, abs=0.05)
    assert weight[36:].sum() == pytest.approx(3)


@pytest.mark.parametrize("form", ["frame", "torch", "strings"])
def test_soft_labels_keep_containers(form):
    """Rows and labels of any container are shared out and come back in it."""
    forms = {
        "frame": (pd.DataFrame(X, columns=list("abc")), pd.Series(Y, dtype="category")),
        "torch": (torch.from_numpy(X), torch.from_numpy((Y == "ill").astype(np.int64))),
        "strings": (X, Y.tolist()),
    }
    rows, y = forms[form]
    plan = {1: 12, 0: 0} if form == "torch" else {"ill": 12, "well": 0}
    fitted = fit_mix(Mix(synthetic_fraction=0.0, labels="soft"), rows, y, setting(GaussianNB(), plan=plan))
    assert fitted.n_added == 12
    assert fitted.classifier.classes_.tolist() == ([0, 1] if form == "torch" else ["ill", "well"])


def test_groups_bind_teachers():
    """Where rows of one group are alike, a teacher that saw one is never asked of the others."""
    groups = np.arange(36) // 3
    y = np.array(["ill", "well"] * 18)
    rows = np.random.default_rng(1).normal(size=(36, 2))
    rows[:, 0] = groups
    asked = []

    class Nosy(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            self.seen_ = set(X[:, 0])
            return super().fit(X, y, sample_weight)

        def predict_proba(self, X):
            asked.append(self.seen_ & set(X[:, 0]))
            return super().predict_proba(X)

    mix = Mix(synthetic_fraction=0.0, labels="soft")
    fit_mix(mix, rows, y, setting(Nosy(), groups=groups, plan={"ill": 4, "well": 0}))
    assert asked == [set()] * 5


def test_pretraining_ends_on_the_real_rows():
    """First come the added rows, with real ones of a class that has none; then the real rows, filled up by repeats."""
    plan = {"ill": 12, "well": 0}
    first, last = fit_mix(Mix(order="pretrain"), X, Y, setting(plan=plan)).classifier.stages_
    np.testing.assert_array_equal(first[0][:24], X[Y == "well"])
    assert np.unique(first[1], return_counts=True)[1].tolist() == [12, 24]
    np.testing.assert_array_equal(last[0][:36], X)
    assert {tuple(row) for row in last[0][36:]} <= {tuple(row) for row in X[Y == "ill"]}
    assert np.unique(last[1], return_counts=True)[1].tolist() == [24, 24]


def test_pretraining_on_soft_labels_and_weights():
    """The first stage's rows have soft labels and weights; the last stage's are the real ones with their own, twice."""
    real = STREAM.uniform(0.5, 2.0, size=36)
    mix = Mix(order="pretrain", labels="soft", synthetic_weight=0.5)
    first, last = fit_mix(mix, X, Y, setting(weight=real)).classifier.stages_
    assert first[2].sum() == pytest.approx(0.5 * real.mean() * 15)
    np.testing.assert_array_equal(last[2][:36], real)
    weight_of = dict(zip(map(tuple, X), real, strict=True))
    np.testing.assert_array_equal(last[2][36:], [weight_of[tuple(row)] for row in last[0][36:]])


def test_a_mix_of_nothing_is_fitted_once():
    """Without a row to add there are no teachers and no stages, whatever the way of use."""
    mix = Mix(labels="soft", order="pretrain")
    fitted = fit_mix(mix, X, Y, setting(plan={"ill": 0, "well": 0}))
    assert len(fitted.classifier.stages_) == 1
    assert fitted.n_added == 0


def test_a_classifier_that_transforms_rows_gets_the_transform():
    """A classifier with ``image_transform`` gets the mix's transform and the rows untransformed, in a pipeline too."""

    def refuse(image):
        raise AssertionError

    rows, y = images()
    estimator = make_pipeline(FunctionTransformer(), Recorder())
    mix = Mix(synthetic_fraction=0.0, classic=True)
    at_once = fit_mix(mix, rows, y, setting(estimator, transform=refuse)).classifier[-1]
    plain = fit_mix(replace(mix, classic=False), rows, y, setting(estimator, transform=refuse)).classifier[-1]
    assert at_once.image_transform is refuse
    assert plain.image_transform == "its own"
    np.testing.assert_array_equal(at_once.stages_[0][0], plain.stages_[0][0])


@pytest.mark.parametrize(
    ("mix", "estimator", "reason"),
    [
        (Mix(classic=True), LogisticRegression(), "a table has no classical transforms"),
        (
            Mix(synthetic_weight=0.3),
            KNeighborsClassifier(),
            "takes sample_weight; got KNeighborsClassifier, which does",
        ),
        (Mix(labels="soft"), KNeighborsClassifier(), "training on soft labels needs an estimator that takes"),
        (Mix(labels="soft"), make_pipeline(StandardScaler(), LinearSVC()), "predict_proba; Pipeline has none"),
        (Mix(order="pretrain"), KNeighborsClassifier(), "KNeighborsClassifier has neither"),
    ],
)
def test_a_way_that_does_not_apply_says_why(mix, estimator, reason):
    """What a classifier or the rows lack is named, as an error of the configuration, before a row is drawn."""

    class Refuse:
        def sample(self, n_per_class, *, random_state=None):
            raise AssertionError

    with pytest.raises(NotApplicable, match=reason) as error:
        fit_mix(mix, X, Y, setting(estimator, source=Refuse()))
    assert isinstance(error.value, ConfigError)
    assert fit_mix(replace(mix, amount=0.0), X, Y, setting(estimator)).n_added == 0


def test_too_few_rows_for_teachers():
    """Rows of one group have no teacher: the way does not apply, rather than leak."""
    mix = Mix(synthetic_fraction=0.0, labels="soft")
    with pytest.raises(NotApplicable, match="need rows of two groups"):
        fit_mix(mix, X, Y, setting(GaussianNB(), groups=np.zeros(36)))


def test_the_plan_of_a_part_shrinks_with_its_classes():
    """A part of the rows gets the plan in the proportions of its own classes, the weights of its rows, no groups."""
    weight = np.arange(36.0)
    rows = np.concatenate([np.flatnonzero(Y == "ill")[:6], np.flatnonzero(Y == "well")[:8]])
    part = setting_of_part(setting(weight=weight, groups=np.arange(36)), Y, rows, seed=7)
    assert part.plan == {"ill": 6, "well": 1}
    assert part.weight.tolist() == rows.tolist()
    assert (part.seed, part.groups, part.source) == (7, None, None)


@pytest.mark.parametrize("weight", [None, np.linspace(1.0, 2.0, 36)], ids=["alone", "with weights"])
def test_classes_weigh_the_same_where_rows_do_not(weight):
    """A classifier's own weights of classes count rows; where rows weigh differently, weights are balanced."""

    class Watched(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            self.seen_ = pd.Series(sample_weight).groupby(np.asarray(y)).sum()
            return super().fit(X, y, sample_weight)

    mix = Mix(synthetic_weight=0.3, class_weight="balanced")
    fitted = fit_mix(mix, X, Y, setting(Watched(), weight=weight, plan={"ill": 1, "well": 9})).classifier
    assert fitted.class_weight is None
    assert fitted.seen_["ill"] == pytest.approx(fitted.seen_["well"])
