"""Scores of answers: those of scikit-learn, for every kind of label, also where a class has no test row."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import average_precision_score, fbeta_score, get_scorer, make_scorer, max_error, roc_curve

from synthaug.augment.fitting import Answers, answers_of
from synthaug.augment.fitting import score_blocks as one_by_one
from synthaug.augment.metrics import (
    RANK_METRICS,
    SUM_METRICS,
    metric_name,
    score,
    score_blocks,
    score_resamples,
    specificity_of,
)
from synthaug.statistics import resample_groups, stratified_blocks

rng = np.random.default_rng(0)
ROWS, CODES = load_iris(return_X_y=True)
ROWS = ROWS[:, :2] + rng.normal(0, 0.3, (150, 2))
NAMES = np.array(["se", "ve", "vi"])
OURS = [*SUM_METRICS, *RANK_METRICS]
MULTI_CLASS = [name for name in OURS if name != "roc_auc"]


@pytest.fixture(scope="module")
def three():
    fitted = LogisticRegression(max_iter=1000).fit(ROWS[::2], NAMES[CODES[::2]])
    return answers_of(fitted, ROWS[1::2]), NAMES[CODES[1::2]], fitted


@pytest.fixture(scope="module")
def two():
    fitted = LogisticRegression(max_iter=1000).fit(ROWS[50::2], CODES[50::2] - 1)
    return answers_of(fitted, ROWS[51::2]), CODES[51::2] - 1, fitted


@pytest.mark.parametrize("name", MULTI_CLASS)
def test_scores_of_three_classes_are_scikit_learns(three, name):
    """Every metric gives what scikit-learn's scorer of that name gives for the classifier itself."""
    answers, y, fitted = three
    assert score(name, answers, y) == pytest.approx(get_scorer(name)(fitted, ROWS[1::2], y), abs=1e-12)


@pytest.mark.parametrize("name", OURS)
def test_scores_of_two_classes_are_scikit_learns(two, name):
    """The same for two classes."""
    answers, y, fitted = two
    assert score(name, answers, y) == pytest.approx(get_scorer(name)(fitted, ROWS[51::2], y), abs=1e-12)


@pytest.mark.parametrize("name", MULTI_CLASS)
def test_pseudo_values_are_those_of_scoring_one_by_one(three, name):
    """The short way over sums gives what scoring without each block gives."""
    answers, y, _ = three
    blocks = stratified_blocks(y, 9)
    np.testing.assert_allclose(score_blocks(name, answers, y, blocks), one_by_one(name, answers, y, blocks), atol=1e-12)


@pytest.mark.parametrize("name", OURS)
def test_labels_may_be_words(two, name):
    """Named labels score as numbered ones do, also where scikit-learn would ask for the positive one."""
    answers, y, _ = two
    words = np.array(["healthy", "ill"])
    named = Answers(words, answers.values | {"predict": words[answers.values["predict"]]})
    assert score(name, named, words[y]) == pytest.approx(score(name, answers, y))


@pytest.mark.parametrize("name", MULTI_CLASS)
def test_a_class_without_a_test_row_is_no_error(three, name):
    """A score stands where a class has no test row, and where the classifier never saw one of the test's."""
    answers, y, _ = three
    some = np.flatnonzero(y != "vi")
    fewer = Answers(answers.classes_, {method: values[some] for method, values in answers.values.items()})
    assert np.isfinite(score(name, fewer, y[some]))
    unseen = np.where(y == "vi", "xx", y)
    assert np.isfinite(score(name, answers, unseen))


@pytest.mark.parametrize("name", OURS)
def test_no_spread_gives_no_nan(name):
    """Answers that are all the same give finite pseudo-values without spread between blocks that are alike."""
    y = np.tile([0, 1], 20)
    same = Answers(np.array([0, 1]), {"predict": np.zeros(40, int), "predict_proba": np.full((40, 2), 0.5)})
    values = score_blocks(name, same, y, stratified_blocks(y, 10))
    assert np.ptp(values) == pytest.approx(0, abs=1e-12)
    assert np.isfinite(values).all()


def test_a_decision_function_can_be_ranked():
    """Without probabilities rows are ranked by the decision function, one column for two classes."""
    fitted = RidgeClassifier().fit(ROWS[50::2], CODES[50::2])
    answers, y = answers_of(fitted, ROWS[51::2]), CODES[51::2]
    expected = average_precision_score(y == 2, fitted.decision_function(ROWS[51::2]))
    assert score("average_precision", answers, y) == pytest.approx(expected)


def test_any_other_scorer_is_asked(three):
    """A scorer of scikit-learn's or of one's own is asked as it is."""
    answers, y, fitted = three
    scorer = make_scorer(fbeta_score, beta=2, average="macro")
    assert score(scorer, answers, y) == pytest.approx(scorer(fitted, ROWS[1::2], y))
    assert score("recall_macro", answers, y) == pytest.approx(get_scorer("recall_macro")(fitted, ROWS[1::2], y))
    shares = score_blocks(scorer, answers, y, stratified_blocks(y, 9))
    assert shares.mean() == pytest.approx(score(scorer, answers, y))


def test_scorers_have_names():
    """A name is itself; a scorer has its function's, with the sign of a loss."""

    def lucky(estimator, X, y):
        return 1.0

    found = [
        metric_name(metric) for metric in ("f1_macro", None, lucky, make_scorer(max_error, greater_is_better=False))
    ]
    assert found == ["f1_macro", "accuracy", "lucky", "neg_max_error"]


@pytest.mark.parametrize("percent", ["50", "80", "90", "95", "97.5"])
@pytest.mark.parametrize("decimals", [1, 8])
def test_sensitivity_is_the_highest_at_this_specificity(percent, decimals):
    """It is the highest true positive rate of scikit-learn's ROC curve whose false positive rate is allowed; ties
    count as one threshold.
    """
    y = rng.integers(0, 2, 300)
    margins = np.round(rng.normal(size=300) + y, decimals)
    answers = Answers(np.array([0, 1]), {"predict": (margins > 0).astype(int), "decision_function": margins})
    false, true, _ = roc_curve(y, margins, drop_intermediate=False)
    expected = true[false <= 1 - float(percent) / 100 + 1e-12].max()
    assert score(f"sensitivity_at_{percent}_specificity", answers, y) == pytest.approx(expected)


def test_sensitivity_at_a_specificity_is_a_word_with_a_number():
    """Any percentage above 0 and below 100 is read; other words are not."""
    words = ["sensitivity_at_90_specificity", "sensitivity_at_99.9_specificity", "sensitivity_at_100_specificity"]
    assert [specificity_of(word) for word in words] == [0.9, pytest.approx(0.999), None]
    others = ("sensitivity_at_0_specificity", "sensitivity_at_0.0000000001_specificity", "recall_macro")
    assert [specificity_of(word) for word in others] == [None, None, None]


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        *((name, "two") for name in [*OURS, "sensitivity_at_80_specificity", "matthews_corrcoef"]),
        *((name, "three") for name in [*MULTI_CLASS, "matthews_corrcoef"]),
    ],
)
def test_a_resample_is_scored_as_its_rows_are(request, name, classes):
    """A score of a resample is the score of the answers to its rows, each as often as it was drawn."""
    answers, y, _ = request.getfixturevalue(classes)
    times = resample_groups(y, n_resamples=20, rng=np.random.default_rng(0))
    found = score_resamples(name, answers, y, times)
    for value, row in zip(found, times, strict=True):
        rows = np.repeat(np.arange(len(y)), row)
        part = Answers(answers.classes_, {method: given[rows] for method, given in answers.values.items()})
        assert value == pytest.approx(score(name, part, y[rows]))


def test_a_resample_without_a_class_has_no_mean_over_the_classes(three):
    """What would be averaged over other classes than the split's is left out; shares of rows stand."""
    answers, y, _ = three
    times = np.ones((1, len(y)), np.uint16)
    times[0, y == "vi"] = 0
    means = ("balanced_accuracy", "f1_macro", "roc_auc_ovr", "average_precision")
    assert all(np.isnan(score_resamples(name, answers, y, times)[0]) for name in means)
    assert all(np.isfinite(score_resamples(name, answers, y, times)[0]) for name in ("accuracy", "neg_log_loss"))


def test_a_resample_of_one_class_has_no_score(two):
    """Ranks need two classes: a resample with one gives NaN, not an error."""
    answers, y, _ = two
    times = (y == 1).astype(np.uint16)[None]
    assert np.isnan(score_resamples("roc_auc", answers, y, times)).all()
