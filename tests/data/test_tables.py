"""Tables come back with their columns, types and ranges, and the model sees standardised numbers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synthaug.data.container import known, unwrap
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.data.tables import TableCodec
from synthaug.errors import ShapeError

COLUMN_TYPES = ("float64", "float32", "int64", "int8", "uint16", "bool", "Int64", "UInt8", "Float64", "boolean")


def codec_of(table: Any) -> tuple[TableCodec, np.ndarray]:
    """Return the codec of a table, and the array that it encodes."""
    plain, container = unwrap(known(table))
    rows = np.asarray(plain)
    codec = fit_row_codec(rows, container, RowsOptions())
    assert isinstance(codec, TableCodec)
    return codec, rows


def column(rng: np.random.Generator, n: int, dtype: str, low: float, span: float) -> pd.Series:
    """Return a column of a type; a span of 0 makes it constant."""
    values = low + span * rng.random(n)
    if dtype.lower().startswith("bool"):
        values = values > values.mean()
    elif "loat" not in dtype:
        values = np.clip(np.rint(values), 0, 100).astype(np.int64)
    return pd.Series(values).astype(dtype)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """DataFrames of numeric columns of mixed types, constant ones among them, with names of one kind."""
    rng, n = np.random.default_rng(draw(st.integers(0, 99))), draw(st.integers(2, 30))
    spread = st.tuples(st.sampled_from(COLUMN_TYPES), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1e-3, 1.0, 500.0]))
    columns = [column(rng, n, *facts) for facts in draw(st.lists(spread, min_size=1, max_size=5))]
    frame = pd.concat(columns, axis=1)
    names = draw(st.sampled_from([range(9), list("abcdefghi"), [("a", i) for i in range(9)]]))
    frame.columns = pd.Index(names[: len(columns)])
    return frame


@settings(max_examples=100)
@given(frame=frames())
def test_frames_come_back_as_they_went_in(frame):
    """decode(encode(X)) is X: names (strings, numbers, pairs) and each column's own type; whole numbers exactly."""
    codec, rows = codec_of(frame)
    decoded = codec.decode(codec.encode(rows))
    pd.testing.assert_index_equal(decoded.columns, frame.columns, exact="equiv")
    assert decoded.dtypes.tolist() == frame.dtypes.tolist()
    for (_, before), (_, after) in zip(frame.items(), decoded.items(), strict=True):
        eps = np.finfo(np.float32 if before.dtype == np.float32 else np.float64).eps
        before, after = before.to_numpy(np.float64), after.to_numpy(np.float64)
        allowed = 1e-6 * np.ptp(before) + 4 * eps * np.abs(before).max()
        np.testing.assert_allclose(after, before, rtol=0, atol=allowed if (before % 1).any() else 0)


@settings(max_examples=60)
@given(frame=frames(), seed=st.integers(0, 99))
def test_drawn_values_stay_in_the_range_seen(frame, seed):
    """However far a network goes: no value outside its column's range, whole columns stay whole, constant ones so."""
    codec, _ = codec_of(frame)
    wild = 10 * torch.randn(20, frame.shape[1], generator=torch.Generator().manual_seed(seed))
    for (_, seen), (_, drawn) in zip(frame.items(), codec.decode(wild).items(), strict=True):
        seen, drawn = seen.to_numpy(np.float64), drawn.to_numpy(np.float64)
        assert seen.min() <= drawn.min() <= drawn.max() <= seen.max()
        assert (seen % 1).any() or not (drawn % 1).any()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("wrap", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_arrays_and_tensors_keep_their_type(dtype, wrap):
    """A table without names comes back as the container and type that it was."""
    table = wrap((np.random.default_rng(0).random((9, 3)) * 50).astype(dtype))
    codec, rows = codec_of(table)
    decoded = codec.decode(codec.encode(rows))
    assert type(decoded) is type(table)
    assert decoded.dtype == table.dtype
    allowed = 0 if dtype in ("int32", "uint8", "bool") else 1e-3 if dtype == "float16" else 1e-5
    np.testing.assert_allclose(np.asarray(decoded, float), np.asarray(table, float), rtol=0, atol=50 * allowed)


def test_the_model_sees_mean_0_and_variance_1():
    """Each column is standardised by its own mean and deviation, a constant one is 0 throughout."""
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.normal(1e9, 3, 200), rng.exponential(1e-6, 200), np.full(200, 0.1)])
    encoded = codec_of(table)[0].encode(table).double()
    torch.testing.assert_close(encoded.mean(0), torch.zeros(3, dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(encoded.std(0, correction=0), torch.tensor([1.0, 1.0, 0.0]).double(), atol=1e-5, rtol=0)


def test_floats_that_hold_whole_numbers_are_drawn_whole():
    """A column of counts stored as floats gets counts, and the learner is told which columns are such."""
    table = np.array([[0.0, 0.5], [3.0, 1.0], [7.0, 2.5]])
    codec, _ = codec_of(table)
    assert [column.kind for column in codec.schema(2).columns] == ["integer", "number"]
    drawn = codec.decode(torch.linspace(-1, 1, 40).view(20, 2))
    assert not (drawn[:, 0] % 1).any()
    assert (drawn[:, 1] % 1).any()


def test_the_schema_names_columns_as_text():
    """A learner sees the names of a frame, or numbers where there are none."""
    frame = pd.DataFrame({"age": [1.0, 2.0], "size": [3.0, 4.0]})
    assert [c.name for c in codec_of(frame)[0].schema(2).columns] == ["age", "size"]
    assert [c.name for c in codec_of(frame.to_numpy())[0].schema(2).columns] == ["0", "1"]
    assert codec_of(frame)[0].schema(3) == replace(codec_of(frame)[0].schema(2), n_classes=3)


def test_another_number_of_columns_is_named():
    """At prediction time both numbers are said."""
    with pytest.raises(ShapeError, match=r"must have the 3 columns that fit saw; got \(4,\)"):
        codec_of(np.eye(3))[0].encode(np.eye(4))


def test_columns_that_are_no_numbers_are_named():
    """Text, dates and categories are listed with their types, and the remedy is said."""
    frame = pd.DataFrame({"age": [1, 2], "sex": ["f", "m"], 7: pd.to_datetime(["2020", "2021"])})
    frame["ward"] = pd.Categorical([1, 2])
    with pytest.raises(ShapeError, match=r"got 'sex' \(.*\), 7 \(datetime.*\), 'ward' \(category\). Encode them first"):
        codec_of(frame)


def test_columns_of_one_name_are_named():
    """Two columns of one name could not be told apart on the way back."""
    frame = pd.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"])
    with pytest.raises(ShapeError, match=r"names of their own; got 'x' more than once. Rename them"):
        codec_of(frame)
