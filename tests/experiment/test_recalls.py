"""The recall of each class under each arm."""

import numpy as np
import pytest
from sklearn.metrics import recall_score

from synthaug.experiment.recalls import class_recalls, recall_table
from synthaug.experiment.results import SplitResult


def split(index: int, **recalls: list[float]) -> SplitResult:
    arrays = {arm: np.array(values) for arm, values in recalls.items()}
    return SplitResult(index, 0, index, 10, 5, {}, {}, {}, {}, {}, recalls=arrays)


def test_recalls_are_scikit_learns():
    """Of labels of any kind, class by class."""
    rng, classes = np.random.default_rng(0), np.array(["a", "b", "c"])
    y, predicted = rng.choice(classes, 60), rng.choice(classes, 60)
    np.testing.assert_allclose(class_recalls(y, predicted, classes), recall_score(y, predicted, average=None))


def test_a_class_without_a_row_has_no_recall():
    """It is NaN, not 0: nothing was got wrong."""
    found = class_recalls(np.array([0, 0, 2]), np.array([0, 2, 2]), np.arange(3))
    np.testing.assert_array_equal(found, [0.5, np.nan, 1.0])


def test_the_table_averages_over_the_splits_with_rows_of_the_class():
    """Mean recall of each arm and class, and its difference from the baseline's."""
    splits = [split(0, none=[0.5, np.nan], gan=[1.0, np.nan]), split(1, none=[0.7, 0.2], gan=[0.8, 0.6])]
    table = recall_table(splits, ["none", "gan"], "none", ["well", "ill"]).set_index(["arm", "class"])
    assert table["recall"].tolist() == pytest.approx([0.6, 0.2, 0.9, 0.6])
    assert table["difference"].tolist() == pytest.approx([0, 0, 0.3, 0.4])


def test_studies_of_before_have_an_empty_table():
    """Without recalls there are columns and no rows."""
    table = recall_table([split(0)], ["none"], "none", ["well", "ill"])
    assert table.empty
    assert list(table.columns) == ["arm", "class", "recall", "difference"]
