"""Worth in labels: a learning curve read backwards, never beyond its ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from synthaug.errors import ConfigError, ShapeError
from synthaug.statistics import LabelWorth, crossed_t_test, isotonic_curve, label_worth

SIZES = (50, 75, 100)
CURVE = (0.70, 0.74, 0.78)


def worth_of(score: float, *, spread: float = 0.01, curve: tuple[float, ...] = CURVE) -> LabelWorth:
    luck = spread * np.random.default_rng(0).normal(size=(4, 10, 20))
    luck = luck - luck.mean(axis=(1, 2), keepdims=True)  # so that the scores are the means
    points = np.array(curve)[:, None, None] + luck[:3]
    return label_worth(score + luck[3], points, n_rows=SIZES, test_of=crossed_t_test)


@pytest.mark.parametrize(
    ("score", "truth"), [(0.71, 50 * 1.5**0.25 - 50), (0.74, 25), (0.77, 75 * (4 / 3) ** 0.75 - 50)]
)
def test_a_score_between_the_ends_is_read_off_the_curve(score, truth):
    """The estimate is where the curve, straight over log rows, passes the score; the interval holds it."""
    found = worth_of(score, spread=0.002)
    assert found.word == "worth"
    assert found.rows == pytest.approx(truth, abs=0.5)
    assert found.low <= found.rows <= found.high


def test_more_luck_makes_a_wider_interval():
    """The interval is that of the paired tests along the curve."""
    narrow, wide = (worth_of(0.74, spread=spread) for spread in (0.01, 0.05))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("score", "spread", "text"),
    [
        (0.90, 0.01, "worth more than 50 real labels"),
        (0.60, 0.01, "worth less than no real label"),
        (0.74, 0.5, "cannot tell"),
        (0.78, 0.5, "cannot tell"),
    ],
)
def test_nothing_is_said_of_sizes_outside_of_the_curve(score, spread, text):
    """Beyond the last size: more than; below the first: less than none; both ends within luck: cannot tell."""
    assert worth_of(score, spread=spread).text == text


def test_an_arm_near_the_end_is_worth_more_than_what_it_beats():
    """Where the end cannot be ruled out, the bound is the largest size that is significantly worse."""
    found = worth_of(0.78)
    assert found.word == "more than"
    assert 25 < found.rows < 50
    assert np.isnan(found.high)


def test_an_arm_near_the_base_is_worth_at_most():
    """Where the base cannot be ruled out, there is an upper end only."""
    found = worth_of(0.70)
    assert np.isnan(found.low)
    assert 0 < found.high < 25
    assert "at most" in found.text


def test_an_arm_that_is_the_base_is_worth_no_label():
    """The same scores as without the extra are worth nothing, or less than the first size that is better."""
    luck = 0.002 * np.random.default_rng(0).normal(size=(3, 10, 20))
    points = np.array(CURVE)[:, None, None] + luck
    assert label_worth(points[0], points, n_rows=SIZES, test_of=crossed_t_test).rows == pytest.approx(0, abs=1)


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_the_mean_curve_is_the_isotonic_regression(values):
    """Of the means, sizes pooled as scikit-learn's isotonic regression pools them."""
    curve = np.array(values)[:, None] + 0.1 * np.random.default_rng(0).normal(size=(len(values), 4))
    expected = IsotonicRegression().fit_transform(np.arange(len(values)), curve.mean(axis=1))
    np.testing.assert_allclose(isotonic_curve(curve).mean(axis=1), expected, atol=1e-12)


def test_a_flat_curve_is_worth_more_than_all_of_it_or_less_than_none():
    """Where more labels do not help, an arm that does beats every number of them."""
    assert worth_of(0.8, curve=(0.7, 0.7, 0.7)).text == "worth more than 50 real labels"
    assert worth_of(0.6, curve=(0.7, 0.7, 0.7)).word == "less than none"


@pytest.mark.parametrize(
    ("worth", "text"),
    [
        (LabelWorth("worth", 12.2, 3.0, 19.6, 50), "worth 12 real labels (3 to 20)"),
        (LabelWorth("worth", 1.0, 0.0, 2.0, 50), "worth 1 real label (0 to 2)"),
        (LabelWorth("worth", 4.0, float("nan"), 9.0, 50), "worth 4 real labels (at most 9)"),
        (LabelWorth("worth", 0.0, float("nan"), 9.0, 50), "worth at most 9 real labels"),
        (LabelWorth("worth", 0.0, float("nan"), 0.0, 50), "worth no real label"),
        (LabelWorth("more than", 40.0, 40.0, float("nan"), 50), "worth more than 40 real labels"),
        (LabelWorth("more than", 0.0, 0.0, float("nan"), 50), "worth some real labels, how many cannot be told"),
    ],
)
def test_words(worth, text):
    """The record says itself in words."""
    assert worth.text == text


@pytest.mark.parametrize(
    ("curve", "sizes", "error", "message"),
    [
        (np.zeros((1, 4)), [5], ShapeError, "curve must have shape"),
        (np.zeros((2, 3)), [5, 6], ShapeError, r"got \(2, 3\) for 2 sizes and an arm of shape \(4,\)"),
        (np.zeros((2, 4)), [6, 6], ConfigError, r"n_rows must rise from at least 1; got \[6, 6\]"),
        (np.zeros((2, 4)), [0, 6], ConfigError, "n_rows must rise from at least 1"),
    ],
)
def test_bad_curves_are_named(curve, sizes, error, message):
    """Errors say the rule, what came and what to do."""
    with pytest.raises(error, match=message):
        label_worth(np.zeros(4), curve, n_rows=sizes, test_of=crossed_t_test)
