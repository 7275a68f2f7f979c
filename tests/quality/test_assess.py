"""An assessment tells real rows, wrong labels, collapse and copies apart, class by class."""

import math
import warnings

import numpy as np
import pytest
import torch

from synthaug import assess_quality
from synthaug.data.schema import Column, TableSchema
from synthaug.errors import ConfigError, LabelError, ShapeError
from synthaug.quality.assess import assess
from synthaug.quality.measures import BETTER, COPYING, FRECHET, MEASURES, MEMBERSHIP

METRICS = [*(name for measure in MEASURES for name in measure.names), MEMBERSHIP]
FAR_IS_FINE = [*(name for measure in COPYING for name in measure.names), MEMBERSHIP]


def table_of(report, column="value"):
    return report.frame.pivot(index="metric", columns="class", values=column)


@pytest.fixture(scope="module")
def real_report(digits):
    """Return the assessment of other real rows."""
    return assess(digits.train, digits.other, digits.holdout, schema=digits.schema)


def test_the_frame_has_every_class_and_metric(real_report):
    """Every class and all of them have a row for each metric, with the numbers of rows."""
    frame = real_report.frame
    assert frame.columns.tolist() == ["class", "metric", "value", "floor", "n_real", "n_synthetic", "low", "high"]
    assert frame["low"].notna().eq(frame["metric"] == MEMBERSHIP).all()
    assert sorted(map(str, frame["class"].unique())) == sorted([*map(str, range(10)), "all"])
    assert len(frame) == 11 * len(METRICS)
    assert set(METRICS) | set(FRECHET.names) == set(BETTER)
    assert frame[frame["class"] == 7]["n_real"].eq(4).all()


def test_real_rows_lie_near_their_floor(real_report):
    """Held-out real rows in the place of synthetic ones get the floor's figures."""
    rows = real_report.frame[real_report.frame["class"] == "all"].set_index("metric")
    for metric in ("agreement", "coverage", "precision", "recall", "diversity", "density"):
        assert rows.loc[metric, "value"] == pytest.approx(rows.loc[metric, "floor"], abs=0.07), metric
    assert rows.loc["kid", "value"] == pytest.approx(rows.loc["kid", "floor"], abs=0.1)
    assert rows.loc["copy_rate", "value"] == pytest.approx(0.05, abs=0.04)


def test_value_and_floor_are_taken_at_equal_n(digits):
    """In each class the larger set is cut to the size of the smaller, and the same rows serve whatever their order."""
    x, y = digits.holdout
    report = assess(digits.train, (x[:300], y[:300]), (x[300:400], y[300:400]), schema=digits.schema)
    counts = torch.minimum(torch.bincount(y[:300]), torch.bincount(y[300:400])).tolist()
    n = report.frame.drop_duplicates("class").set_index("class")["n_synthetic"]
    assert [n[label] for label in range(10)] == counts
    assert n["all"] == sum(counts)


def test_wrong_labels_show(digits):
    """Shuffled labels give low agreement and coverage in every class, though all rows together look real."""
    x, y = digits.other
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(0))]
    values = table_of(assess(digits.train, (x, shuffled), digits.holdout, schema=digits.schema))
    assert values.loc["agreement", "all"] < 0.2
    assert values.loc["coverage", list(range(6))].max() < 0.6
    assert values.loc["coverage", "all"] > 0.7


def test_collapse_shows(digits):
    """One row repeated in each class gives diversity 0 and low coverage, also in the figures of all rows."""
    x, y = digits.train
    first = torch.stack([x[y == label][0] for label in range(10)])
    collapsed = first.repeat_interleave(30, 0), torch.arange(10).repeat_interleave(30)
    values = table_of(assess(digits.train, collapsed, digits.holdout, schema=digits.schema))
    assert values.loc["diversity"].max() < 1e-4
    assert values.loc["coverage", [*range(6), "all"]].max() < 0.2
    assert values.loc["recall", "all"] < 0.1


def test_copies_show(digits):
    """The training rows themselves have a copy rate of 1 in every class, their floor stays at 5 %."""
    report = assess(digits.train, digits.train, digits.holdout, schema=digits.schema)
    assert table_of(report).loc["copy_rate"].min() == 1
    assert table_of(report, "floor").loc["copy_rate", "all"] == pytest.approx(0.05, abs=0.01)


def test_noise_shows(digits):
    """Noise is far from real rows by every figure of fidelity, and no copy."""
    noise = torch.rand(300, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    report = assess(digits.train, (noise, torch.arange(300) % 10), digits.holdout, schema=digits.schema)
    values, floors = table_of(report)["all"], table_of(report, "floor")["all"]
    assert values["precision"] < 0.05
    assert values["copy_rate"] == 0
    assert values["kid"] > 10 * abs(floors["kid"])
    assert values["classifier_score"] < floors["classifier_score"] / 2


def test_classes_with_too_few_rows_give_nan_without_a_warning(digits):
    """Four training rows are too few for five neighbours; one synthetic row is too few for a distance."""
    x, y = digits.other
    one = torch.cat([torch.nonzero(y == 0)[:1], torch.nonzero(y == 7)]).flatten()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = table_of(assess(digits.train, (x[one], y[one]), digits.holdout, schema=digits.schema))
    assert values.loc[["precision", "recall", "density", "coverage"], 7].isna().all()
    assert values.loc[["kid", "diversity"], 0].isna().all()
    assert values.loc[["kid", "diversity", "agreement"], 7].notna().all()
    assert values[3].isna().all()


def test_without_held_out_rows_there_is_no_floor(digits):
    """No held-out rows leave floors and all about copies NaN, and the values as they are."""
    x, y = digits.holdout
    report = assess(digits.train, digits.other, (x[:0], y[:0]), schema=digits.schema)
    assert report.frame["floor"].isna().all()
    assert table_of(report).loc[FAR_IS_FINE].isna().all(axis=None)
    assert table_of(report).loc["agreement"].notna().all()
    assert report.frame["n_synthetic"].max() == 400
    assert report.worst("agreement")["class"] in range(10)


def test_a_feature_network_replaces_the_random_one_and_gives_frechet(digits, real_report):
    """With a network, its features are used and the Fréchet distance is added."""
    report = assess(
        digits.train, digits.other, digits.holdout, schema=digits.schema, feature_network=lambda x: x.flatten(1)
    )
    assert set(report.frame["metric"]) - set(real_report.frame["metric"]) == {"frechet"}
    assert table_of(report).loc["frechet", "all"] > 0
    assert table_of(report).loc["kid", "all"] != table_of(real_report).loc["kid", "all"]
    assert table_of(report).loc["agreement", "all"] == table_of(real_report).loc["agreement", "all"]


def test_the_same_seed_gives_the_same_figures(digits, real_report):
    """Figures depend on the rows and the seed only; the global streams are not touched."""
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    again = assess(digits.train, digits.other, digits.holdout, schema=digits.schema)
    assert again.frame.equals(real_report.frame)
    assert torch.equal(states[0], torch.random.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])  # noqa: NPY002


@pytest.fixture(scope="module")
def noisy_report(digits):
    """Return the assessment of other real rows of the classes below 6, where class 2 is noise."""
    x, y = digits.other
    x, chosen = x.clone(), y == 2
    x[chosen] = torch.rand(int(chosen.sum()), 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    only = y < 6
    return assess(digits.train, (x[only], y[only]), digits.holdout, schema=digits.schema)


@pytest.mark.parametrize("metric", METRICS)
def test_the_worst_class_is_the_one_that_is_worst(metric, noisy_report):
    """A class that holds noise only is the worst in every figure but those of copies."""
    worst = noisy_report.worst(metric)
    assert (worst["class"] == 2) == (metric not in FAR_IS_FINE)
    assert worst["metric"] == metric


def test_a_table_is_assessed():
    """Tables go the same way; rows that lie far away score worse than real ones in every figure."""
    schema = TableSchema((Column("a", "number"), Column("b", "number")), n_classes=2)
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(120) % 2
    real, other, holdout = (torch.randn(120, 2, generator=generator) + 2 * y[:, None] for _ in range(3))
    near = table_of(assess((real, y), (other, y), (holdout, y), schema=schema))
    far = table_of(assess((real, y), (other + 5, y), (holdout, y), schema=schema))
    assert (
        far.loc[["precision", "coverage", "density"], "all"] < near.loc[["precision", "coverage", "density"], "all"]
    ).all()
    assert far.loc["kid", "all"] > near.loc["kid", "all"]


def test_impossible_rows_are_named(digits):
    """Rows of another shape, different lengths, no synthetic row, unknown labels and metrics are refused in words."""
    (x, y), holdout, schema = digits.other, digits.holdout, digits.schema
    with pytest.raises(ShapeError, match=r"synthetic must be rows of shape \(1, 8, 8\)"):
        assess(digits.train, (x[:, 0], y), holdout, schema=schema)
    with pytest.raises(ShapeError, match=r"synthetic must be rows of shape .* as many labels"):
        assess(digits.train, (x, y[:3]), holdout, schema=schema)
    with pytest.raises(ShapeError, match="synthetic must have at least 1 rows; got 0"):
        assess(digits.train, (x[:0], y[:0]), holdout, schema=schema)
    with pytest.raises(LabelError, match=r"labels of synthetic must lie in 0 \.\. 9"):
        assess(digits.train, (x, y + 1), holdout, schema=schema)
    with pytest.raises(ShapeError, match=r"feature_network must return features \(n, d\)"):
        assess(digits.train, (x, y), holdout, schema=schema, feature_network=lambda rows: rows)


def test_an_unknown_metric_is_named(real_report):
    """A metric that the report lacks is answered with the nearest that it has."""
    with pytest.raises(ConfigError, match="Did you mean 'coverage'"):
        real_report.worst("covrage")
    assert not math.isnan(real_report.worst("coverage")["value"])


@pytest.mark.parametrize("seed", range(6))
def test_real_rows_of_a_small_table_are_as_near_as_real_rows_can_be(seed):
    """Thirds of the same rows of numbers: no feature that training never switched on makes a distance of hundreds."""
    X = np.random.default_rng(seed + 8).normal(size=(180, 3))
    y = np.where(X[:, 0] > 0.5, "b", "a")
    frame = assess_quality(*[(X[i::3], y[i::3]) for i in range(3)]).frame
    kid = frame[(frame["class"] == "all") & (frame["metric"] == "kid")]
    assert kid[["value", "floor"]].abs().to_numpy().max() < 2
