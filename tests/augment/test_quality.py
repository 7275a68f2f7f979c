"""assess_quality and audit_copies: rows in the user's own terms, measured beside a floor."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits

from synthaug import assess_quality, audit_copies
from synthaug.errors import LabelError, LeakWarning, ShapeError

X, Y = load_digits(return_X_y=True)
X, Y = X[Y < 4][:360], Y[Y < 4][:360]
PARTS = [(X[part::3], Y[part::3]) for part in range(3)]


def assess(change=lambda rows, labels: (rows, labels), parts=PARTS, **settings):
    """Assess with rows in another form."""
    return assess_quality(*(change(*part) for part in parts), **settings).frame


def value(frame, metric, label="all"):
    return frame.query("`class` == @label and metric == @metric")["value"].item()


def test_every_metric_stands_beside_its_floor():
    """The table has each class and all of them, each metric with a floor taken from real rows."""
    frame = assess(image_shape=(8, 8))
    assert list(frame) == ["class", "metric", "value", "floor", "n_real", "n_synthetic", "low", "high"]
    assert set(frame["class"]) == {"all", 0, 1, 2, 3}
    metrics = set(frame["metric"])
    assert {"kid", "precision", "recall", "agreement", "copy_rate"} <= metrics
    assert len(frame) == 5 * len(metrics)
    everything = frame[frame["class"] == "all"]
    assert everything[["value", "floor"]].notna().all(axis=None)


@pytest.mark.parametrize(
    "labels",
    [lambda y: np.array(["a", "b", "c", "dd"])[y], lambda y: pd.Series(y * 10 - 5), lambda y: torch.from_numpy(y)],
)
def test_classes_are_named_as_the_user_names_them(labels):
    """Strings, numbers with gaps, series and tensors: the table names the classes as they came."""
    frame = assess(lambda rows, y: (rows, labels(y)), image_shape=(8, 8))
    assert set(frame["class"]) == {"all", *np.unique(np.asarray(labels(Y))).tolist()}


@pytest.mark.parametrize(
    "form",
    [
        lambda rows: rows.reshape(-1, 8, 8),
        lambda rows: rows.reshape(-1, 1, 8, 8),
        lambda rows: torch.from_numpy(rows.reshape(-1, 8, 8)),
        lambda rows: rows.reshape(-1, 8, 8).astype(np.uint8),
    ],
)
def test_the_container_does_not_matter(form):
    """The same images flat, whole, as tensors or bytes are of the same quality."""
    flat, other = assess(image_shape=(8, 8)), assess(lambda rows, y: (form(rows), y))
    np.testing.assert_allclose(flat["value"], other["value"], equal_nan=True, rtol=1e-5, atol=1e-7)


def test_a_scale_does_not_matter():
    """Images from 0 to 1 are as good as the same from 0 to 16: the range is the real rows' own."""
    ours, other = (assess(lambda rows, y, k=k: (rows * k, y), image_shape=(8, 8)) for k in (1.0, 1 / 16))
    np.testing.assert_allclose(ours["value"], other["value"], equal_nan=True, rtol=1e-4, atol=1e-5)


def test_worse_rows_are_seen_to_be_worse():
    """Noise, wrong labels and copies each show in the metric that is for them."""
    (real, synthetic, holdout), rng = PARTS, np.random.default_rng(0)
    good = assess(image_shape=(8, 8))
    noise = assess(
        parts=[real, (rng.uniform(0, 16, size=synthetic[0].shape), synthetic[1]), holdout], image_shape=(8, 8)
    )
    wrong = assess(parts=[real, (synthetic[0], (synthetic[1] + 1) % 4), holdout], image_shape=(8, 8))
    copies = assess(parts=[real, real, holdout], image_shape=(8, 8))
    assert value(noise, "kid") > 5 * abs(value(good, "kid"))
    assert value(wrong, "agreement") < 0.2 < 0.9 < value(good, "agreement")
    assert value(copies, "copy_rate") > 0.9 > 0.2 > value(good, "copy_rate")


def test_a_table_is_assessed_as_one():
    """Rows of two dimensions without image_shape are a table, as a frame or an array."""
    array = assess(lambda rows, y: (rows[:, 10:30], y))
    frame = assess(lambda rows, y: (pd.DataFrame(rows[:, 10:30]).rename(columns=str), y))
    np.testing.assert_allclose(array["value"], frame["value"], equal_nan=True, rtol=1e-5)


def test_a_network_of_the_users_own_adds_a_metric():
    """With a feature network the Frechet distance is measured in its features, beside the others."""
    frame = assess(image_shape=(8, 8), feature_network=lambda images: images.flatten(1)[:, ::8])
    assert value(frame, "frechet") >= 0
    assert "frechet" not in set(assess(image_shape=(8, 8))["metric"])


def test_the_same_rows_are_judged_the_same():
    """A seed decides the measurement."""
    assert assess(image_shape=(8, 8)).equals(assess(image_shape=(8, 8)))


@pytest.mark.parametrize(
    ("synthetic", "error", "message"),
    [
        ((X[:5, :60], Y[:5]), ShapeError, r"shape that fit saw, \(n, 64\)"),
        ((X[:5], Y[:4]), LabelError, "one label for each row of X; got 5 rows and 4 labels"),
        ((X[:5], Y[:5] + 7), LabelError, r"among those that fit saw \(0, 1, 2, 3\); got"),
        ((X[:5] * np.nan, Y[:5]), ShapeError, "pixels must be finite; got NaN"),
    ],
)
def test_rows_that_cannot_be_compared(synthetic, error, message):
    """Rows of another shape or of unknown classes are refused in words."""
    with pytest.raises(error, match=message):
        assess_quality(PARTS[0], synthetic, PARTS[2], image_shape=(8, 8))


def test_an_audit_finds_what_an_assessment_finds():
    """The audit reports the same copies and the same attack as the assessment does, of named classes too."""
    named = [(rows, np.array(["a", "b", "c", "dd"])[labels]) for rows, labels in PARTS]
    ours = audit_copies(*named, image_shape=(8, 8)).frame.set_index(["class", "metric"])
    theirs = assess(parts=named, image_shape=(8, 8)).set_index(["class", "metric"]).loc[ours.index]
    pd.testing.assert_frame_equal(ours, theirs)
    assert set(ours.index.get_level_values("class")) == {"all", "a", "b", "c", "dd"}


BYTES = [(np.rint(rows.reshape(-1, 8, 8) * 15).astype(np.uint8), labels) for rows, labels in PARTS]
RANGES = {"bytes": lambda x: x, "unit": lambda x: x / 255, "signed": lambda x: x / 127.5 - 1, "z": lambda x: x / 64 - 2}
RANGES |= {"float bytes": lambda x: x + 0.3, "words": lambda x: x.astype(np.uint16) * 257, "16": lambda x: x / 15}
APART = [("bytes", name) for name in ("unit", "signed", "z", "words")]
APART += [("words", "unit"), ("float bytes", "unit"), ("16", "unit")]


@pytest.mark.parametrize("name", ["synthetic", "holdout"])
@pytest.mark.parametrize(("one", "other"), [*APART, *(pair[::-1] for pair in APART)])
def test_pixels_on_another_scale_are_named(one, other, name):
    """Copies on another scale, and held-out rows, are refused with both ranges, and not cleared of being copies."""
    places = [("real", 0), ("synthetic", 0), ("holdout", 2)]
    sets = [(RANGES[other if who == name else one](BYTES[part][0]), BYTES[part][1]) for who, part in places]
    said = f"pixels of {name} must be on the scale of real, .* to .*; got .* to .*. Rescale one of them."
    with pytest.raises(ShapeError, match=said):
        audit_copies(*sets)


def test_a_scale_is_named_with_its_ends():
    """The message has the range of either side."""
    real, _, holdout = BYTES
    with pytest.raises(ShapeError, match=r"scale of real, 0 to 240; got 0 to 0\.94"):
        assess_quality(real, (real[0] / 255, real[1]), holdout)


DARK = {
    "black": lambda x: x * 0,
    "constant": lambda x: x * 0 + 3,
    "near black": lambda x: x // 40,
    "near black floats": lambda x: x.astype(np.float64) // 40,
    "no grey levels": lambda x: x / 80.0 + 0.001,
    "near black of 0 to 1": lambda x: x / 255 / 20,
    "a bright pixel": lambda x: np.where(np.arange(64).reshape(8, 8) == 0, 250, x / 255),
    "beyond": lambda x: x + 40.0,
}
BESIDE = {"no grey levels": "float bytes", "near black of 0 to 1": "unit"}


@pytest.mark.parametrize("name", DARK)
def test_dark_rows_are_on_the_same_scale(name):
    """Dark, constant and somewhat brighter rows, and one outlier among training rows, are no other scale."""
    real, synthetic, holdout = ((RANGES[BESIDE.get(name, "bytes")](x), y) for x, y in BYTES)
    outlier = real[0].astype(np.float64)
    outlier[0, 0, 0] = 60 * outlier.max()
    for train in (real[0], outlier):
        audit_copies((train, real[1]), (DARK[name](BYTES[1][0]), synthetic[1]), holdout)


@pytest.mark.parametrize("labels", [["all", "none"], ["all (class)", "all"]])
def test_a_class_called_all_is_not_the_total(labels):
    """Where every row of the class ``all`` is a copy, its figure is apart from the total, and the worst."""
    few = [(x[y < 2], y[y < 2]) for x, y in PARTS]
    copied, fresh = labels.index("all"), 1 - labels.index("all")
    (real, y), (other, other_y), _ = few
    rows = np.concatenate([real[y == copied], other[other_y == fresh]])
    numbers = np.repeat([copied, fresh], [(y == copied).sum(), (other_y == fresh).sum()])
    sets = [(x, np.array(labels)[of]) for x, of in (few[0], (rows, numbers), few[2])]
    said = "all (class)" if "none" in labels else "all (class) (class)"
    report = assess_quality(*sets, image_shape=(8, 8))
    assert set(report.frame["class"]) == {"all", said, labels[fresh]}
    assert not report.frame.duplicated(["class", "metric"]).any()
    assert report.worst("copy_rate")["class"] == said
    assert value(audit_copies(*sets, image_shape=(8, 8)).frame, "copy_rate", said) > 0.9


@pytest.mark.parametrize("judge", [assess_quality, audit_copies])
def test_held_out_rows_that_were_learned_from_are_named(judge):
    """A held-out row that is a training row flatters the floor: a warning names it by its number."""
    real, synthetic, (rows, labels) = PARTS
    mixed = np.concatenate([rows, real[0][5:7]]), np.concatenate([labels, real[1][5:7]])
    with pytest.warns(LeakWarning, match=r"holdout must hold no row .*; got 2 of 122 rows that were \(rows 120, 121\)"):
        judge(real, synthetic, mixed, image_shape=(8, 8))


@pytest.mark.parametrize("judge", [assess_quality, audit_copies])
def test_patients_are_counted_and_kept_apart(judge):
    """With groups the attack's interval is wider and its AUC the same; a patient on both sides is named by number."""
    real, synthetic, holdout = PARTS
    groups = [np.arange(len(rows[1])) // 3 + 1000 * place for place, rows in enumerate((real, holdout))]

    def attack(**settings):
        frame = judge(real, synthetic, holdout, image_shape=(8, 8), **settings).frame
        return frame[(frame["class"] == "all") & (frame["metric"] == "membership_auc")].iloc[0]

    alone, grouped = attack(), attack(groups=groups)
    assert grouped["value"] == alone["value"]
    assert grouped["low"] < alone["low"] < alone["high"] < grouped["high"]
    groups[1][:2] = groups[0][3]
    with pytest.raises(ShapeError, match=r"group number 1 in both \(rows 3, 4, 5 of real and rows 0, 1 of holdout\)"):
        attack(groups=groups)
    with pytest.raises(ShapeError, match="groups of holdout must hold one entry for each row"):
        attack(groups=(groups[0], [1]))
    with pytest.raises(ShapeError, match="groups must be a pair"):
        attack(groups=(groups[0], None))
