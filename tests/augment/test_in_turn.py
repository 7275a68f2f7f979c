"""Two stages of fitting: what goes on learning, and what cannot."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from synthaug.augment.in_turn import fit_in_turn, why_not_in_turn

STREAM = np.random.default_rng(0)
FIRST = (STREAM.normal(size=(40, 3)), np.arange(40) % 2, None)
LAST = (STREAM.normal(2.0, 3.0, size=(30, 3)), np.arange(30) % 2, None)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (LogisticRegression(), None),
        (GaussianNB(), None),
        (make_pipeline(make_pipeline(StandardScaler(), MLPClassifier())), None),
        (SVC(), "SVC has neither"),
        (make_pipeline(StandardScaler(), SVC()), "SVC has neither"),
        (RandomForestClassifier(), "RandomForestClassifier would only add trees"),
        (GradientBoostingClassifier(), "would only add trees"),
        (HistGradientBoostingClassifier(), "would only add trees"),
    ],
)
def test_what_can_go_on_learning(estimator, reason):
    """A classifier that cannot go on from other rows is named with the reason, inside a pipeline too."""
    found = why_not_in_turn(estimator)
    assert (found is None) if reason is None else (reason in found)


def test_partial_fits_are_called_in_turn():
    """Naive Bayes, whose partial fits add up, ends where it would with all rows at once."""
    turned = fit_in_turn(GaussianNB(var_smoothing=0), FIRST, LAST)
    whole = GaussianNB(var_smoothing=0).fit(*(np.concatenate([FIRST[k], LAST[k]]) for k in (0, 1)))
    np.testing.assert_allclose(turned.theta_, whole.theta_)
    np.testing.assert_allclose(turned.var_, whole.var_)


def test_a_convex_classifier_forgets_the_first_stage():
    """A logistic regression that converges ends at the optimum of the last rows, wherever it began."""
    estimator = LogisticRegression(tol=1e-8, max_iter=2000)
    turned = fit_in_turn(estimator, FIRST, LAST)
    np.testing.assert_allclose(turned.coef_, clone(estimator).fit(*LAST[:2]).coef_, atol=1e-4)
    assert turned.warm_start is False


@pytest.mark.parametrize("estimator", [MLPClassifier((4,), max_iter=3, random_state=0), SGDClassifier(random_state=0)])
def test_the_last_stage_begins_where_the_first_ended(estimator):
    """A network's second stage starts from the first one's weights: it ends elsewhere than without a first stage."""
    turned, alone = fit_in_turn(estimator, FIRST, LAST), clone(estimator).fit(*LAST[:2])
    continued = clone(estimator).set_params(warm_start=True).fit(*FIRST[:2]).fit(*LAST[:2])
    np.testing.assert_array_equal(turned.predict(LAST[0]), continued.predict(LAST[0]))
    weights = [
        np.concatenate([np.ravel(w) for w in getattr(m, "coefs_", [m.__dict__.get("coef_")])]) for m in (turned, alone)
    ]
    assert not np.allclose(*weights)


def test_weights_reach_both_stages():
    """A row of weight 0 is not there, in either stage."""
    half = np.repeat([1.0, 0.0], 15)
    weighted = fit_in_turn(GaussianNB(), (*LAST[:2], half), (*LAST[:2], half))
    kept = (LAST[0][:15], LAST[1][:15], None)
    np.testing.assert_allclose(weighted.theta_, fit_in_turn(GaussianNB(), kept, kept).theta_)


def test_what_stands_before_the_last_step_is_fitted_on_the_last_rows():
    """A pipeline's scaler is that of the last stage's rows, and the pipeline predicts as one that was fitted whole."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8))
    turned = fit_in_turn(pipeline, FIRST, LAST)
    np.testing.assert_allclose(turned[0].mean_, LAST[0].mean(axis=0))
    np.testing.assert_allclose(
        turned.predict_proba(LAST[0]), clone(pipeline).fit(*LAST[:2]).predict_proba(LAST[0]), atol=1e-4
    )
    assert not hasattr(pipeline[0], "mean_")
