"""Drawn rows keep the user's rules, or the rule that cannot be kept is named."""

import numpy as np
import pandas as pd
import pytest
import torch

from synthaug import CGAN, Fixed, LessOrEqual, SyntheticAugmenter
from synthaug.augment.constrained import Constrained
from synthaug.augment.drawing import CHUNK, Order, Tally, draw_pieces
from synthaug.augment.torch_data.drawn_rows import row_key
from synthaug.data.constraints import name_constraints
from synthaug.errors import ConstraintError
from synthaug.quality.selection import Everything, Review

ORDERED = LessOrEqual("diastolic", "systolic")


@pytest.fixture(scope="module")
def rows():
    """Blood pressures of two groups: the lower is never above the upper."""
    rng = np.random.default_rng(0)
    low = rng.normal(80, 10, 60).round()
    X = pd.DataFrame({"diastolic": low, "systolic": low + rng.integers(0, 30, 60), "age": rng.integers(18, 90, 60)})
    return X, pd.Series(np.where(X["systolic"] > 100, "ill", "well"), name="finding")


def middle_aged(rows):
    return (rows["age"] > 30) & (rows["age"] < 80)


def of_another_species(rows):
    return rows["age"] > 200


def learned(rows, *constraints):
    learner = CGAN(n_steps=5, width=8, batch_size=16)
    augmenter = SyntheticAugmenter(learner, constraints=list(constraints), selection="none", random_state=0)
    return augmenter.fit(*rows)


@pytest.fixture(scope="module")
def augmenter(rows):
    """An augmenter that learned under a rule that its rows break without it."""
    return learned(rows, ORDERED)


def test_drawn_rows_keep_every_rule(rows):
    """Inequalities, values and functions hold in every drawn row; counts are exact and types stay."""
    rules = [ORDERED, middle_aged, Fixed("systolic", 500.0)]
    fitted = learned((rows[0][middle_aged(rows[0])], rows[1][middle_aged(rows[0])]), *rules)
    X, y = fitted.sample({"ill": 40, "well": 30}, random_state=0)
    assert middle_aged(X).all()
    assert (X["diastolic"] <= X["systolic"]).all()
    assert (X["systolic"] == 500).all()
    assert X.dtypes.to_dict() == rows[0].dtypes.to_dict()
    assert y.value_counts().to_dict() == {"ill": 40, "well": 30}


def test_rules_change_only_the_rows_that_break_them(rows, augmenter):
    """Rows that kept the rule anyway are those that are drawn without it."""
    free, _ = learned(rows).sample(50, random_state=0)
    ruled, _ = augmenter.sample(50, random_state=0)
    right = ~ORDERED.broken(free)
    assert 0 < right.sum() < len(free)
    pd.testing.assert_frame_equal(free[right], ruled[right])


def test_a_rule_that_cannot_be_kept_is_named(augmenter):
    """At most ten times the rows are drawn; then the error names rule, class and counts."""
    asked_too_much = learned_under(augmenter, [of_another_species])
    message = r"got 0 of 20 rows of 'ill' among 256 drawn \('of_another_species' refused 256\)"
    with pytest.raises(ConstraintError, match=message):
        asked_too_much.sample({"ill": 20}, random_state=0)


def learned_under(augmenter, constraints):
    """Return what an augmenter learned, with other rules from now on."""
    twin = SyntheticAugmenter()
    twin.__dict__.update(augmenter.__dict__, constraints=constraints)
    return twin


def test_batches_keep_the_rules_and_the_rows(augmenter):
    """Rows that come in batches are those of one sample."""
    whole, _ = augmenter.sample(30, random_state=3)
    parts = pd.concat([X for X, _ in augmenter.sample_batches(30, batch_size=7, random_state=3)], ignore_index=True)
    pd.testing.assert_frame_equal(whole, parts)
    assert not ORDERED.broken(parts).any()


def test_the_report_counts_what_a_rule_refused(augmenter):
    """selection_report_ has a column for each rule, and drawn is kept plus all reasons."""
    ruled = learned_under(augmenter, [ORDERED, middle_aged])
    ruled.sample(30, random_state=0)
    report = ruled.selection_report_
    assert {"diastolic <= systolic", "middle_aged"} <= set(report)
    reasons = report.drop(columns=["class", "drawn", "kept", "filled"])
    assert (report["drawn"] == report["kept"] + reasons.sum(axis=1)).all()


def test_a_saved_model_keeps_the_rules(augmenter, tmp_path):
    """What was loaded draws the same rows under the same rules; a function must be given again."""
    augmenter.save(tmp_path / "rules")
    loaded = SyntheticAugmenter.load(tmp_path / "rules")
    assert loaded.constraints == [ORDERED]
    pd.testing.assert_frame_equal(loaded.sample(20, random_state=1)[0], augmenter.sample(20, random_state=1)[0])
    learned_under(augmenter, [middle_aged]).save(tmp_path / "function")
    with pytest.raises(ConstraintError, match=r"'middle_aged' must be given again.*set_params\(constraints"):
        SyntheticAugmenter.load(tmp_path / "function").sample(2)


class Counting:
    """A learner whose rows are the numbers from 0 to 63."""

    def draw(self, labels, seed):
        return torch.arange(float(CHUNK))[:, None]


class Great:
    """A selector that takes rows of 60 and more; the greater, the better."""

    def review(self, x, labels):
        return Review(x[:, 0] / CHUNK, {"small": x[:, 0] < 60})


def test_rows_that_break_a_rule_never_fill_up():
    """Where selection falls short, the best of the rows that keep the rule follow; none that breaks it does."""
    rules = name_constraints([lambda rows: rows[:, 0] % 2 == 0])
    selector, tally = Constrained(Great(), rules, lambda x: x.numpy()), Tally(6)
    drawn = torch.cat(list(draw_pieces(Order(Counting(), selector, 0, 6, seed=0), tally)))[:, 0]
    assert drawn.tolist() == [60, 62, 52, 54, 56, 58]
    assert tally.dropped == {"<lambda>": 32, "small": 30}


def test_fewer_rows_come_where_too_few_keep_the_rule():
    """A rule is never broken for the sake of the count."""
    rules = name_constraints([lambda rows: rows[:, 0] < 3])
    selector, tally = Constrained(Everything(), rules, lambda x: x.numpy()), Tally(6)
    assert len(torch.cat(list(draw_pieces(Order(Counting(), selector, 0, 6, seed=0), tally)))) == 3


def test_cached_rows_of_other_rules_are_others(augmenter):
    """Rows on disk are named by the rules too; those under a function are never taken for one another."""
    keys = [row_key(learned_under(augmenter, rules), {"ill": 3}, 0) for rules in (None, [ORDERED], [ORDERED])]
    assert keys[0] != keys[1] == keys[2]
    under_a_function = [row_key(learned_under(augmenter, [middle_aged]), {"ill": 3}, 0) for _ in range(2)]
    assert under_a_function[0] != under_a_function[1]
