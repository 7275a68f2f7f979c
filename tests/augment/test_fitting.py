"""Fitting and scoring a user's classifier: weights, flat rows, answers that are pooled and scored by block."""

import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from synthaug.augment.fitting import (
    Answers,
    UnseenRows,
    among,
    answers_of,
    as_estimator_wants,
    fit_classifier,
    pool_answers,
    score_blocks,
    weight_parameter,
)
from synthaug.augment.metrics import score
from synthaug.errors import ConfigError
from synthaug.statistics import stratified_blocks

X, Y = load_iris(return_X_y=True)
X, Y = X + np.random.default_rng(0).normal(size=X.shape), np.array(["se", "ve", "vi"])[Y]
METRICS = ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr", "neg_log_loss")
CLASSIFIERS = {
    "logistic": LogisticRegression(max_iter=1000),
    "forest": RandomForestClassifier(10, random_state=0),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
}


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (LogisticRegression(), "sample_weight"),
        (make_pipeline(StandardScaler(), SVC()), "svc__sample_weight"),
        (make_pipeline(make_pipeline(StandardScaler(), SVC())), "pipeline__svc__sample_weight"),
        (KNeighborsClassifier(), None),
        (make_pipeline(StandardScaler(), KNeighborsClassifier()), None),
        (GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}), "sample_weight"),
        (GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.1, 1]}), "svc__sample_weight"),
        (GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}), None),
        (VotingClassifier([("a", LogisticRegression()), ("b", SVC()), ("c", "drop")]), "sample_weight"),
        (VotingClassifier([("a", LogisticRegression()), ("b", KNeighborsClassifier())]), None),
    ],
)
def test_weights_find_their_way(estimator, name):
    """The fit parameter for row weights is found through pipelines; None where the classifier takes none."""
    assert weight_parameter(estimator) == name


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: GridSearchCV(model, {"C": [1.0]}, cv=3),
        lambda model: VotingClassifier([("a", model), ("b", "drop")], voting="soft"),
        lambda model: make_pipeline(StandardScaler(), GridSearchCV(model, {"C": [1.0]}, cv=3)),
    ],
)
def test_weights_reach_what_is_fitted_inside(wrap):
    """A search and a vote hand weights on: a class that weighs next to nothing is hardly ever predicted."""
    light = np.where(Y == "se", 1e-6, 1.0)
    plain, weighted = (fit_classifier(wrap(LogisticRegression()), X, Y, weight) for weight in (None, light))
    assert (plain.predict(X) == "se").mean() > 0.25
    assert (weighted.predict(X) == "se").mean() < 0.01


def test_weights_that_must_be_asked_for_are_not_handed_on():
    """With metadata routing a search hands on only what its estimator asks for, so that it takes no weights here."""
    with sklearn.config_context(enable_metadata_routing=True):
        assert weight_parameter(GridSearchCV(LogisticRegression(), {"C": [1.0]})) is None


def test_a_weight_is_as_good_as_a_repeated_row():
    """Fitting with weights 1 and 2 is fitting with the second row twice, inside a pipeline too."""
    estimator = make_pipeline(LogisticRegression(max_iter=5000, tol=1e-8))
    twice = np.arange(len(X)) % 3 == 0
    weighted = fit_classifier(estimator, X, Y, 1.0 + twice)
    repeated = fit_classifier(estimator, np.concatenate([X, X[twice]]), np.concatenate([Y, Y[twice]]))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-4)


def test_weights_for_an_estimator_without_are_refused():
    """An estimator that takes no weights is named, rather than fitted without them."""
    with pytest.raises(ConfigError, match="takes sample_weight; got KNeighborsClassifier, which does not"):
        fit_classifier(KNeighborsClassifier(), X, Y, np.ones(len(X)))


def test_the_estimator_itself_is_not_fitted():
    """A clone is fitted: the user's estimator stays as it was."""
    estimator = LogisticRegression(max_iter=1000)
    fit_classifier(estimator, X, Y)
    assert not hasattr(estimator, "coef_")


class Folding(ClassifierMixin, BaseEstimator):
    """A classifier that takes images as they are."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


@pytest.mark.parametrize("images", [np.zeros((4, 8, 9)), torch.zeros(4, 8, 9), np.zeros((4, 8, 3, 3))])
def test_images_come_flat_unless_wanted_whole(images):
    """A two-dimensional estimator gets rows of numbers, one whose tags ask for arrays gets the images."""
    assert as_estimator_wants(LogisticRegression(), images).shape == (4, 72)
    assert as_estimator_wants(Folding(), images) is images
    assert as_estimator_wants(LogisticRegression(), X) is X


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_pooled_answers_score_as_direct_answers_do(name, metric):
    """Answers of several folds, pooled, score what scikit-learn's own out-of-fold predictions score."""
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, Y))
    parts = [answers_of(fit_classifier(CLASSIFIERS[name], X[train], Y[train]), X[test]) for train, test in folds]
    pooled = pool_answers(parts, [test for _, test in folds])
    method = "predict" if metric in ("accuracy", "balanced_accuracy", "f1_macro") else "predict_proba"
    predicted = cross_val_predict(CLASSIFIERS[name], X, Y, cv=folds, method=method)
    direct = get_scorer(metric)._score_func(Y, predicted, **get_scorer(metric)._kwargs) * get_scorer(metric)._sign
    assert score(metric, pooled, Y) == pytest.approx(direct, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_answers_score_as_the_classifier_does(metric):
    """A scorer asked of the answers gives what it gives when asked of the classifier itself."""
    classifier = LogisticRegression(max_iter=1000).fit(X[::2], Y[::2])
    direct = get_scorer(metric)(classifier, X[1::2], Y[1::2])
    assert score(metric, answers_of(classifier, X[1::2]), Y[1::2]) == pytest.approx(direct, abs=1e-12)


def test_a_margin_is_scored_where_there_are_no_probabilities():
    """A classifier with a decision function only can be scored by the area under the curve."""
    binary = Y != "se"
    classifier = RidgeClassifier().fit(X[::2], binary[::2])
    answers = answers_of(classifier, X[1::2])
    assert not hasattr(answers, "predict_proba")
    assert score("roc_auc", answers, binary[1::2]) == pytest.approx(
        get_scorer("roc_auc")(classifier, X[1::2], binary[1::2])
    )


def test_a_class_unseen_by_one_part_is_improbable_there():
    """Where an inner part knew two of three classes, the third has probability 0 in its rows and sums stay 1."""
    two = Y != "vi"
    parts = [
        answers_of(LogisticRegression(max_iter=1000).fit(X[rows], Y[rows]), X[:5])
        for rows in (two, np.ones(len(Y), dtype=bool))
    ]
    pooled = pool_answers(parts, [np.arange(5), np.arange(5, 10)])
    probabilities = pooled.predict_proba(UnseenRows(np.arange(10)))
    assert probabilities.shape == (10, 3)
    assert (probabilities[:5, 2] == 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("unseen", [("se", "ve"), ("vi", "vi"), ("ve", "vi")])
def test_a_class_unseen_by_one_part_is_farthest_there(unseen):
    """Where parts knew other classes than one another, each margin stands in its own class's column."""
    known = [np.flatnonzero(np.isin(Y, label, invert=True)) for label in unseen]
    parts = [answers_of(SVC().fit(X[rows], Y[rows]), X[:30]) for rows in known]
    pooled = pool_answers(parts, [np.arange(30), np.arange(30, 60)])
    margins = pooled.decision_function(UnseenRows(np.arange(60)))
    if unseen[0] == unseen[1]:
        assert margins.shape == (60,)
        return
    assert margins.shape == (60, 3)
    np.testing.assert_array_equal(pooled.classes_[margins.argmax(axis=1)], pooled.values["predict"])


def test_margins_among_two_classes_are_one_column():
    """The margin of the second of two classes over the first ranks rows as two columns do."""
    answers = answers_of(SVC().fit(X, Y), X[:100])
    margins = among(np.array(["se", "ve"]), answers).values["decision_function"]
    columns = answers.values["decision_function"]
    np.testing.assert_array_equal(margins > 0, columns[:, 1] > columns[:, 0])


def test_answers_among_fewer_classes():
    """Without the columns of a class nobody scores, probabilities sum to 1 again and log loss can be taken."""
    classifier = LogisticRegression(max_iter=1000).fit(X, Y)
    answers = among(np.array(["se", "ve"]), answers_of(classifier, X[:100]))
    probabilities = classifier.predict_proba(X[:100])[:, :2]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert score("neg_log_loss", answers, Y[:100]) == pytest.approx(-log_loss(Y[:100], probabilities))
    sure = Answers(np.array(["se", "ve", "vi"]), {"predict": Y[:2], "predict_proba": np.eye(3)[[2, 0]]})
    assert among(np.array(["se", "ve"]), sure).values["predict_proba"].tolist() == [[0.5, 0.5], [1.0, 0.0]]


@pytest.mark.parametrize("metric", [*METRICS, None])
def test_blocks_share_out_the_score(metric):
    """The mean over blocks is the score of all rows, for metrics that are no means of rows as well."""
    answers = answers_of(LogisticRegression(max_iter=1000).fit(X[::2], Y[::2]), X[1::2])
    blocks = stratified_blocks(Y[1::2], 15)
    shares = score_blocks(metric, answers, Y[1::2], blocks)
    assert shares.shape == (15,)
    assert shares.std() > 0
    assert shares.mean() == pytest.approx(score(metric, answers, Y[1::2]))


def test_a_scorer_of_the_users_own_is_taken():
    """Scoring may be any scikit-learn scorer, not only a name."""
    answers = answers_of(LogisticRegression(max_iter=1000).fit(X[::2], Y[::2]), X[1::2])

    def share_of_first_class(classifier, rows, labels):
        return float((classifier.predict(rows) == "se").mean())

    shares = score_blocks(share_of_first_class, answers, Y[1::2], stratified_blocks(Y[1::2], 5))
    assert shares.mean() == pytest.approx((answers.values["predict"] == "se").mean())


def the_best_scorer(estimator, rows, labels):
    """Score all that an estimator of its own rows can be asked, in one number."""
    right = (estimator.predict(rows) == labels).sum() / len(rows)
    sure = estimator.predict_proba(rows).max(axis=1).mean()
    return float(right + sure + estimator.decision_function(rows).max() + estimator.score(rows, labels))


def test_a_scorer_may_ask_for_all_answers():
    """A plain function that hands its rows on, and counts them, gives what it gives of the classifier itself."""
    fitted = LogisticRegression(max_iter=1000).fit(X[::2], Y[::2])
    assert score(the_best_scorer, answers_of(fitted, X[1::2]), Y[1::2]) == the_best_scorer(fitted, X[1::2], Y[1::2])


@pytest.mark.parametrize(
    "look",
    [
        lambda rows: rows[:, -1],
        lambda rows: rows["amount"],
        lambda rows: rows.amount,
        lambda rows: rows.shape,
        lambda rows: np.asarray(rows),
        lambda rows: np.ones(75) * rows,
        lambda rows: list(rows),
        np.mean,
    ],
)
@pytest.mark.parametrize("take_score", [score, lambda *asked: score_blocks(*asked, stratified_blocks(Y[1::2], 5))])
def test_a_scorer_that_looks_at_rows_is_refused(look, take_score):
    """It had got row numbers in the place of rows, and so a wrong score without a word."""
    answers = answers_of(LogisticRegression(max_iter=1000).fit(X[::2], Y[::2]), X[1::2])

    def cost(classifier, rows, labels):
        return float((np.asarray(look(rows)) * (classifier.predict(rows) != labels)).mean())

    with pytest.raises(ConfigError, match="a scorer may look at answers and labels only"):
        take_score(cost, answers, Y[1::2])


def test_a_scorer_that_asks_of_other_rows_is_refused():
    """Answers are kept of the rows that are scored; those to rows that a scorer makes up there are none."""
    answers = answers_of(LogisticRegression(max_iter=1000).fit(X[::2], Y[::2]), X[1::2])
    with pytest.raises(ConfigError, match="may ask predict_proba of the X that it was given only; got ndarray"):
        score(lambda classifier, rows, labels: classifier.predict_proba(np.zeros((5, 4))).mean(), answers, Y[1::2])


def test_a_classifier_without_its_labels_is_named():
    """A fitted classifier that does not say which labels it has is refused with the remedy."""

    class Silent:
        def predict(self, X):
            return np.zeros(len(X))

    with pytest.raises(ConfigError, match=r"must have classes_, its labels in order; Silent has none\. Set it in fit"):
        answers_of(Silent(), np.zeros((3, 2)))
