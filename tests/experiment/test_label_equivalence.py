"""What an arm is worth in real labels: measured on the same splits, with labels held back."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from synthaug import Draws, Folds, compare
from synthaug.augment.arms import ARMS, USES_GAN, Trained
from synthaug.errors import ConfigError
from synthaug.experiment.compare import prepare
from synthaug.experiment.learning_curve import resized
from synthaug.experiment.results import is_learned
from synthaug.experiment.storage import SplitStore

FACTORS = (1.5, 2.0, 3.0)
DRAWS = Draws(10, n_draws=12, test_rows=600)


def rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng, y = np.random.default_rng(seed), np.tile(["no", "yes"], n // 2)
    return rng.normal(size=(n, 9)) + 0.3 * np.where(y == "yes", 1, -1)[:, None], y


def as_with_more_labels(extra: int):
    """Return an arm that has so many more labelled rows of the population: it is worth just those."""

    def arm(task):
        X, y = rows(extra, task.seed % 2**32)
        fitted = NearestCentroid().fit(np.concatenate([task.X, X]), np.concatenate([task.y, y]))
        return Trained(fitted, extra)

    return arm


def study(cv, arms, **changes):
    X, y = rows(900, 0)
    settings = {"estimator": NearestCentroid(), "arms": arms, "cv": cv, "label_equivalence": FACTORS, "random_state": 0}
    return prepare(X, y, **(settings | changes))


@pytest.fixture(scope="module")
def finished():
    return study(DRAWS, {"none": "none", "gan of mine": as_with_more_labels(20)}).run()


@pytest.fixture(scope="module")
def folded():
    arms = {"none": "none", "gan of mine": as_with_more_labels(60), "repeated": lambda task: ARMS["none"](task)}
    X, y = rows(150, 1)
    return compare(
        X, y, estimator=NearestCentroid(), arms=arms, cv=Folds(3, 2), label_equivalence=FACTORS, random_state=0
    )


def test_an_arm_with_more_labels_is_worth_them(finished):
    """An arm that has 20 more rows of the population is found to be worth 20 real labels, within its interval."""
    found = finished.label_equivalence().loc["gan of mine"]
    assert found["base_rows"] == 20
    assert found["low"] <= 20 <= (np.inf if np.isnan(found["high"]) else found["high"])
    assert found["text"].startswith("worth")


def test_the_curve_belongs_to_the_best_way_without_a_generators_rows(finished):
    """It is measured at every multiple on every draw; the other arms stand at 1."""
    curve = finished.learning_curve
    assert list(curve.columns) == ["arm", "rows_fraction", "n_rows", "split", "value"]
    counts = curve.groupby(["arm", "rows_fraction"])["n_rows"].agg(["size", "first"])
    assert counts.loc["none"].to_dict("index") == {
        fraction: {"size": 12, "first": 20 * fraction} for fraction in (1.0, 1.5, 2.0, 3.0)
    }
    assert counts.loc["gan of mine"].index.tolist() == [1.0]


def test_in_folds_labels_are_held_back_on_purpose(folded):
    """Arms with a generator's rows learn from a third of the rows too, the reference from every part; others do not."""
    fractions = folded.learning_curve.groupby("arm")["rows_fraction"].unique().map(sorted).to_dict()
    assert fractions[folded.reference] == pytest.approx([1 / 3, 1 / 2, 2 / 3, 1])
    assert fractions["gan of mine"] == pytest.approx([1 / 3, 1])
    assert list(folded.label_equivalence().index) == ["gan of mine"]
    assert folded.label_equivalence().loc["gan of mine", "base_rows"] in (32, 33, 34)


def test_one_multiple_is_enough():
    """Also in folds, where the arms with a generator's rows are measured at as many sizes as the reference."""
    arms = {"a gan": as_with_more_labels(60), "none": "none"}
    X, y = rows(90, 1)
    result = compare(X, y, estimator=NearestCentroid(), arms=arms, cv=3, label_equivalence=[2], random_state=0)
    assert list(result.label_equivalence().index) == ["a gan"]


@pytest.mark.parametrize("fraction", [0.4, 1.0, 1.5, 3.0])
def test_rows_of_a_smaller_multiple_are_among_those_of_a_larger(fraction):
    """Sizes are nested, every class has its share, and no row is tested on or shares a group with one that is."""
    groups = np.arange(900) // 3
    made = study(Draws({"no": 10, "yes": 20}, n_draws=2, test_rows=300), ["none", "smote"], groups=groups)
    split = made.splits[0]
    here, larger = (resized(made.work, split, size, seed=1) for size in (fraction, 4.0))
    assert set(here) <= set(larger)
    assert (set(here) <= set(split.train)) if fraction <= 1 else (set(split.train) <= set(here))
    labels, counts = np.unique(made.work.y[here], return_counts=True)
    assert dict(zip(labels, counts, strict=True)) == {"no": 10 * fraction, "yes": 20 * fraction}
    assert not set(groups[here]) & set(groups[split.test])


def test_a_curve_can_be_asked_for_afterwards(tmp_path):
    """A finished study is resumed with a learning curve: no arm is run on its splits again, and the curve is kept."""
    seen = []

    def counted(task):
        seen.append(len(task.y))
        return ARMS["none"](task)

    arms, store = {"none": counted, "smote": "smote"}, SplitStore(tmp_path)
    cv = Draws(10, n_draws=3, test_rows=600)
    plain = study(cv, arms, label_equivalence=None)
    store.open(plain.key, {}, resume=False)
    plain.run(store=store)
    asked = study(cv, arms)
    store.open(asked.key, {}, resume=True)
    del seen[:]
    first = asked.run(store=store)
    assert sorted(seen) == sorted([30, 40, 60] * 3)
    del seen[:]
    again = study(cv, arms).run(store=store)
    assert seen == []
    assert again.learning_curve.equals(first.learning_curve)
    assert again.label_equivalence().equals(first.label_equivalence())


def test_progress_counts_the_curve():
    """The pieces that are told are as many as were announced."""
    told = []
    study(Draws(10, n_draws=2, test_rows=600), ["none", "smote"]).run(on_progress=told.append)
    assert [(piece.done, piece.total) for piece in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert "learning curve" in told[-1].what


def test_without_being_asked_nothing_is_measured(finished):
    """Tables are empty and have their columns."""
    bare = replace(finished, splits=tuple(replace(split, curve=()) for split in finished.splits))
    assert bare.learning_curve.empty
    assert bare.label_equivalence().empty
    assert "text" in bare.label_equivalence().columns


def test_multiples_that_the_rows_do_not_allow_are_left_out():
    """Where rows for twice the labels are held back, three times as many are not tried; with none, all is refused."""
    made = study(Draws(60, n_draws=2, test_rows=600), ["none", "smote"])
    assert made.factors == (1.5, 2.0)
    assert made.settings["label_equivalence"] == [1.5, 2.0]
    with pytest.raises(ConfigError, match=r"needs labels held back; got \[1.5, 2.0, 3.0\].* allow 1.07 times"):
        study(Draws(140, n_draws=2, test_rows=600), ["none", "smote"])


@pytest.mark.parametrize("factors", [(1.0, 2.0), (), "2", 2.0, (0.5,), (float("inf"),), (True,)])
def test_impossible_multiples_are_refused(factors):
    """A multiple is a number above 1."""
    with pytest.raises(ConfigError, match="label_equivalence must be multiples of the labelled rows, each above 1"):
        study(DRAWS, ["none", "smote"], label_equivalence=factors)


def test_folds_need_as_many_learners_again():
    """The estimate counts the learners of the held-back part; draws need none."""
    arms = ["none", "gan"]
    assert study(Folds(3, 1), arms).n_learners == 6
    assert study(DRAWS, arms).n_learners == 12


def test_arms_with_learned_rows_are_told_by_name():
    """The rule by name agrees with the registry of arms."""
    assert {name for name in ARMS if is_learned(name)} == set(USES_GAN)
