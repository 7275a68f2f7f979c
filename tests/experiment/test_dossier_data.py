"""What a study was made of: counts that are counted, not taken on trust."""

import json
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from synthaug.data.split import Split
from synthaug.errors import LeakWarning
from synthaug.experiment.arm_study import ArmStudy
from synthaug.experiment.compare import prepare
from synthaug.experiment.config import make_config
from synthaug.experiment.designs import Folds
from synthaug.experiment.dossier_data import DataUsed, describe_data
from synthaug.experiment.study_rows import load_rows


@pytest.fixture
def rows() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """A table of 60 rows of 20 people, a third of them ill."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "c"])
    person = np.repeat(np.arange(20), 3)
    return X, np.where(person % 3 == 0, "ill", "well"), person


def a_study(rows: tuple, *, groups: bool = True) -> ArmStudy:
    X, y, person = rows
    named = person if groups else None
    return prepare(X, y, arms=["none", "smote"], groups=named, cv=Folds(2, 2), random_state=0)


def test_rows_groups_and_splits_are_counted(rows: tuple):
    """Every class has its rows and people; both sides of every split together hold all of them."""
    found = describe_data(a_study(rows))
    ill, well = found.classes
    assert (ill.name, ill.n_rows, ill.n_groups, well.n_rows) == ("ill", 21, 7, 39)
    assert (found.n_rows, found.n_groups, found.rows_per_group, found.n_splits) == (60, 20, (3, 3), 4)
    assert ill.train[0] + ill.test[1] == 21
    assert (found.kind, found.row_shape) == ("table", (3,))
    assert found.columns == (("a", "float64"), ("b", "float64"), ("c", "float64"))
    assert (found.most_groups_on_both_sides, found.most_twins) == (0, 0)


def test_torn_groups_and_twins_are_found(rows: tuple):
    """A split that tears three people apart is told with that number, and so are equal rows on both sides."""
    X, y, person = rows
    X = pd.concat([X.iloc[:59], X.iloc[:1]], ignore_index=True)
    with pytest.warns(LeakWarning):
        whole = a_study((X, y, person))
    numbers = np.arange(60)
    torn = Split(0, 0, numbers[numbers < 40], numbers[numbers >= 40])
    found = describe_data(replace(whole, splits=[torn]))
    assert (found.most_groups_on_both_sides, found.most_twins) == (1, 1)


def test_rows_without_groups_say_so(rows: tuple):
    """None is not zero: without groups nothing is known of them."""
    found = describe_data(a_study(rows, groups=False))
    assert (found.n_groups, found.rows_per_group, found.most_groups_on_both_sides) == (None, None, None)
    assert found.classes[0].n_groups is None


@pytest.mark.parametrize("groups", [True, False])
def test_comes_back_from_json(rows: tuple, groups: bool):
    """What is written is read back the same."""
    found = describe_data(a_study(rows, groups=groups))
    assert DataUsed.from_facts(json.loads(json.dumps(asdict(found)))) == found


def test_no_value_of_a_row_is_in_it(rows: tuple):
    """A planted number and a planted person's name are not in the counts."""
    X, y, person = rows
    X.loc[0, "a"] = 98765.4321
    names = np.array([f"planted {number}" for number in person])
    text = json.dumps(asdict(describe_data(a_study((X, y, names)))))
    assert "98765" not in text
    assert "planted" not in text


def test_how_files_became_rows_is_told(tmp_path: Path):
    """Of a folder of pictures: how many were left out, their sizes, what pixels mean; and the file's name is not."""
    rng = np.random.default_rng(0)
    for number in range(24):
        place = tmp_path / "images" / ("ill" if number % 2 else "well")
        place.mkdir(parents=True, exist_ok=True)
        side = 12 if number < 20 else 16
        Image.fromarray(rng.integers(0, 256, (side, side), np.uint8)).save(place / f"planted{number}.png")
    (tmp_path / "images" / "ill" / "planted99.png").write_bytes(b"")
    data = {"folder": str(tmp_path / "images"), "on_error": "skip", "size": 12}
    values = {"name": "toy", "data": data, "estimator": {"name": "LogisticRegression"}, "arms": ["none", "smote"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a file was left out, and what an unknown pixel means
        rows = load_rows(make_config(values, source="a test"))
    assert rows.reading["files or slices left out"] == "1"
    assert rows.reading["sizes in the files"] == "12 × 12 to 16 × 16"
    assert rows.reading["pixels"] == "the values of the files"
    assert "planted" not in str(rows.reading)
