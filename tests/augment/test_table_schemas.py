"""Tables of any schema: what is drawn has the schema of what was learned, or the error is one of ours."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator

from synthaug import CGAN, SyntheticAugmenter
from synthaug._seed import torch_stream
from synthaug.errors import KeyColumnWarning, SmallClassWarning, SynthaugError

START = pd.Timestamp("2021-03-27 22:00")


def words(rng, n, among):
    return rng.choice(np.array(among, dtype=object), n)


COLUMNS = {
    "normal": lambda rng, n: pd.Series(rng.normal(size=n)),
    "heavy": lambda rng, n: pd.Series(rng.standard_cauchy(n) * 1e12),
    "float32": lambda rng, n: pd.Series(rng.lognormal(size=n).astype(np.float32)),
    "tiny": lambda rng, n: pd.Series(rng.random(n) * 1e-300),
    "enormous": lambda rng, n: pd.Series(rng.normal(size=n) * 1e307),
    "zeros": lambda rng, n: pd.Series(np.where(rng.random(n) < 0.6, 0.0, rng.exponential(size=n))),
    "cents": lambda rng, n: pd.Series(rng.lognormal(3, 1, n).round(2)),
    "counts": lambda rng, n: pd.Series(rng.poisson(3, n)),
    "int8": lambda rng, n: pd.Series(rng.integers(-128, 128, n, dtype=np.int8)),
    "uint64": lambda rng, n: pd.Series(rng.integers(0, 2**64, n, dtype=np.uint64)),
    "int64": lambda rng, n: pd.Series(rng.integers(-(2**63), 2**63, n)),
    "Int16": lambda rng, n: pd.Series(rng.integers(0, 9, n)).astype("Int16"),
    "Float32": lambda rng, n: pd.Series(rng.random(n)).astype("Float32"),
    "flag": lambda rng, n: pd.Series(rng.random(n) < 0.3),
    "boolean": lambda rng, n: pd.Series(rng.random(n) < 0.3).astype("boolean"),
    "words": lambda rng, n: pd.Series(words(rng, n, ["", "a", "ü", "a b"])).astype("str"),
    "string": lambda rng, n: pd.Series(words(rng, n, ["x", "y"])).astype("string"),
    "objects": lambda rng, n: pd.Series(words(rng, n, ["x", "y", None]), dtype=object),
    "numbers as objects": lambda rng, n: pd.Series(words(rng, n, [1, 2.5, None]), dtype=object),
    "many words": lambda rng, n: pd.Series([f"name {number}" for number in rng.permutation(n)]),
    "category": lambda rng, n: pd.Series(pd.Categorical(words(rng, n, ["a", "b"]), ["b", "never", "a"])),
    "ordered": lambda rng, n: pd.Series(pd.Categorical(rng.integers(1, 4, n), [1, 2, 3, 4], ordered=True)),
    "bands": lambda rng, n: pd.Series(pd.cut(rng.random(n), [0, 0.2, 0.5, 1])),
    "days": lambda rng, n: pd.Series(START.normalize() + pd.to_timedelta(rng.integers(0, 500, n), "D")),
    "moments": lambda rng, n: pd.Series(START + pd.to_timedelta(rng.integers(0, 10**15, n), "ns")),
    "zoned": lambda rng, n: pd.Series(START + pd.to_timedelta(rng.integers(0, 9, n), "h")).dt.tz_localize(
        "Europe/Berlin", nonexistent="shift_forward"
    ),
    "span": lambda rng, n: pd.Series(pd.to_timedelta(rng.integers(0, 99, n), "min")),
    "constant": lambda rng, n: pd.Series(np.full(n, 3)),
    "empty": lambda rng, n: pd.Series([None] * n, dtype=object),
    "patient_id": lambda rng, n: pd.Series(rng.permutation(n) + 1000),
}
CAN_MISS = ("normal", "zeros", "cents", "Int16", "Float32", "boolean", "words", "string", "category", "days", "span")
POISON = {
    "infinity": np.inf,
    "a list": [1, 2],
    "a dictionary": {"a": 1},
    "bytes": b"a",
    "complex": 1j,
}


@st.composite
def tables(draw):
    """A table, its labels and the kinds of its columns."""
    kinds = draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=5))
    rng, n = np.random.default_rng(draw(st.integers(0, 999))), draw(st.integers(4, 40))
    frame = pd.DataFrame({f"{place} {kind}": COLUMNS[kind](rng, n) for place, kind in enumerate(kinds)})
    missing = draw(st.sampled_from([0.0, 0.0, 0.2, 0.9]))
    for name in [name for name in frame if name.split(" ", 1)[1] in CAN_MISS]:
        frame[name] = frame[name].mask(rng.random(n) < missing)
    y = np.resize(draw(st.sampled_from([["ill", "well"], [0, 1, 1], [True, False]])), n)
    return frame, y


class Noise(BaseEstimator):
    """A learner that learns nothing: far from all rows, as a network may be, and there in no time."""

    def fit(self, x, y, *, schema, seed, on_step, limits):
        self.schema_, self.was_cut_ = schema, False
        return self

    def draw(self, labels, seed):
        return 3 * torch.randn(len(labels), *self.schema_.shape, generator=torch_stream(seed, "draw"))


def learn(X, y, learner=None):
    learner = Noise() if learner is None else learner
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KeyColumnWarning)
        warnings.simplefilter("ignore", SmallClassWarning)
        return SyntheticAugmenter(learner, selection="none", random_state=0).fit(X, y)


def check_schema(drawn, frame):
    """Names, order, types (categories and their order with them), index; values among those or in the range seen."""
    assert list(drawn.columns) == list(frame.columns)
    assert drawn.dtypes.tolist() == frame.dtypes.tolist()
    assert isinstance(drawn.index, pd.RangeIndex)
    for name, seen in frame.items():
        check_values(drawn[name], seen, key=name.split(" ", 1)[1] in ("many words", "patient_id") and len(frame) >= 20)


def check_values(drawn, seen, *, key):
    assert seen.isna().any() or not drawn.isna().any()
    drawn, seen = drawn.dropna(), seen.dropna()
    if key:
        assert not set(drawn) & set(seen)
        assert drawn.is_unique
    elif seen.dtype == object or pd.api.types.is_bool_dtype(seen.dtype) or not hasattr(seen.array, "__sub__"):
        assert set(drawn) <= set(seen) or not all(isinstance(cell, str | bool) for cell in seen)
    elif seen.dtype in (np.int64, np.uint64) and float(seen.max()) - float(seen.min()) > 2**53:
        assert float(seen.min()) <= float(drawn.min()) <= float(drawn.max()) <= float(seen.max())  # as doubles
    elif len(drawn) and not isinstance(seen.dtype, pd.CategoricalDtype | pd.StringDtype):
        assert seen.min() <= drawn.min()
        assert drawn.max() <= seen.max()
    else:
        assert set(drawn) <= set(seen)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables())
def test_what_is_drawn_has_the_schema_of_what_was_learned(table):
    """Numbers, words, dates and all else, missing cells among them: same columns, order, types and ranges."""
    frame, y = table
    augmenter = learn(frame, y)
    check_schema(augmenter.sample(6)[0], frame)
    X_all, y_all = augmenter.augment(frame, y)
    assert X_all.dtypes.tolist() == frame.dtypes.tolist()
    pd.testing.assert_frame_equal(X_all[: len(frame)], frame)
    assert len(X_all) == len(y_all)


@pytest.mark.slow
@settings(max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables())
def test_what_is_drawn_has_the_schema_of_what_was_learned_2000_times(table):
    """The same of many more schemas."""
    frame, y = table
    check_schema(learn(frame, y).sample(6)[0], frame)


@pytest.mark.parametrize("n", [8, 40])
def test_a_network_learns_columns_of_every_kind_at_once(n):
    """Two steps of a real learner on a table of all kinds."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"{place} {kind}": make(rng, n) for place, (kind, make) in enumerate(COLUMNS.items())})
    learner = CGAN(n_steps=2, batch_size=4, noise_dim=2, width=4)
    check_schema(learn(frame, np.resize(["ill", "well"], n), learner).sample(6)[0], frame)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables(), poison=st.sampled_from(list(POISON)), row=st.integers(0, 3), place=st.integers(0, 4))
def test_a_cell_that_cannot_be_learned_is_named(table, poison, row, place):
    """Whatever the schema: an error of ours, which names the column."""
    frame, y = table
    name = frame.columns[place % frame.shape[1]]
    column = frame[name].astype(object)
    column[row] = None
    column.iloc[row : row + 1] = pd.Series([POISON[poison]], index=[row], dtype=object)
    frame[name] = column
    with pytest.raises(SynthaugError, match=f"'{name}'"):
        learn(frame, y)
