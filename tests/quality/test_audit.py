"""An audit finds copies, lets new rows be, and says both in a sentence."""

import numpy as np
import pytest
import torch

from synthaug.data.schema import Column, TableSchema
from synthaug.quality.audit import audit


def of_all(found):
    return found.frame[found.frame["class"] == "all"].set_index("metric")


def test_copies_are_found_and_said(digits):
    """Training rows with a little noise are copies by all three figures, and the sentence says so."""
    x, y = digits.train
    noisy = x + 0.02 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    found = audit(digits.train, (noisy, y), digits.holdout, schema=digits.schema)
    rows = of_all(found)
    assert rows["value"].to_dict() == pytest.approx({"copy_rate": 1, "distance_ratio": 0, "membership_auc": 1}, abs=0.1)
    assert rows["floor"].to_dict() == pytest.approx(
        {"copy_rate": 0.05, "distance_ratio": 1, "membership_auc": 0.5}, abs=0.02
    )
    assert found.betrays
    assert str(found).startswith("Training rows show: nearness to synthetic rows")
    assert "100% of the synthetic rows count as copies, where 5% of new real rows would" in str(found)


def test_new_rows_give_nobody_away(digits):
    """Real rows that nobody learned from are audited as what they are."""
    found = audit(digits.train, digits.other, digits.holdout, schema=digits.schema)
    rows = of_all(found)
    assert rows.loc["copy_rate", "value"] < 0.09
    assert rows.loc["distance_ratio", "value"] == pytest.approx(1, abs=0.05)
    assert rows.loc["membership_auc", "low"] < 0.5 < rows.loc["membership_auc", "high"]
    assert not found.betrays
    assert str(found).startswith("No evidence that training rows show")


@pytest.mark.parametrize("copied", [False, True])
def test_few_held_out_rows_hide_no_leak(digits, copied):
    """With fewer than twenty held-out rows copies are not counted, but an attack that succeeds is still said."""
    x, y = digits.holdout
    drawn = digits.train if copied else digits.other
    found = audit(digits.train, drawn, (x[:15], y[:15]), schema=digits.schema)
    assert found.betrays == copied
    assert str(found).startswith("Training rows show" if copied else "No evidence that training rows show")
    assert str(found).endswith("0.50 is chance); rows are too few to count copies.")


def test_no_held_out_rows_are_said(digits):
    """Without a held-out row nothing can be told, and the sentence says that and nothing else."""
    x, y = digits.holdout
    found = audit(digits.train, digits.train, (x[:0], y[:0]), schema=digits.schema)
    assert not found.betrays
    assert str(found).startswith("No class has held-out rows")


def test_equal_rows_by_nature_lie_as_near_as_real_ones():
    """In a table of few distinct rows, where new real rows equal training rows too, the ratio of distances is 1."""
    schema = TableSchema((Column("a", "number"), Column("b", "number")), n_classes=2)
    x, y = torch.randint(0, 2, (180, 2), generator=torch.Generator().manual_seed(0)).float(), torch.arange(180) % 2
    found = audit((x[:60], y[:60]), (x[60:120], y[60:120]), (x[120:], y[120:]), schema=schema)
    row = of_all(found).loc["distance_ratio"]
    assert (row["value"], row["floor"]) == pytest.approx((1, 1))


def test_where_held_out_rows_repeat_training_rows_no_ratio_is_told():
    """Where half of the held-out rows equal training rows and no drawn one does, nothing is some times as far."""
    schema = TableSchema((Column("a", "number"), Column("b", "number")), n_classes=2)
    x, y = torch.randint(0, 2, (180, 2), generator=torch.Generator().manual_seed(0)).float(), torch.arange(180) % 2
    found = audit((x[:60], y[:60]), (x[60:120] + 0.4, y[60:120]), (x[120:], y[120:]), schema=schema)
    rows = of_all(found)
    assert np.isnan(rows.loc["distance_ratio", "value"])
    assert (rows.loc["copy_rate", "value"], rows.loc["copy_rate", "floor"]) == (0, 1)
    assert "times as far" not in str(found)


def test_half_copies_lie_between(digits):
    """A mix of copies and new rows, half each, has about half the copy rate, and betrays."""
    (x, y), (other, other_y) = digits.train, digits.other
    mixed = torch.cat([x[::2], other[:188]]), torch.cat([y[::2], other_y[:188]])
    found = of_all(audit(digits.train, mixed, digits.holdout, schema=digits.schema))
    assert 0.3 < found.loc["copy_rate", "value"] < 0.75
    assert 0.5 < found.loc["membership_auc", "low"] < found.loc["membership_auc", "high"] < 1
