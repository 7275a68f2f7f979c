"""Tables come back with their columns, types and ranges, and the model sees numbers and one-hot blocks."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from synthaug.data.container import known, unwrap
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.data.tables import TableCodec, restore_table_codec, table_codec_state
from synthaug.errors import CellError, ConfigError, ShapeError

COLUMN_TYPES = ("float64", "float32", "int64", "int8", "uint16", "bool", "Int64", "UInt8", "Float64", "boolean")
DAYS = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.arange(24) % 11, "D")


def codec_of(table: Any, **options: Any) -> tuple[TableCodec, Any]:
    """Return the codec of a table, and what it encodes."""
    plain, container = unwrap(known(table))
    codec = fit_row_codec(plain, container, RowsOptions(**options))
    assert isinstance(codec, TableCodec)
    return codec, plain


def round_trip(table: Any, **options: Any) -> Any:
    codec, plain = codec_of(table, **options)
    return codec.decode(codec.encode(plain))


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


@settings(max_examples=60)
@given(frame=frames())
def test_frames_come_back_as_they_went_in(frame):
    """decode(encode(X)) is X: names (strings, numbers, pairs) and each column's own type; whole numbers exactly."""
    decoded = round_trip(frame)
    pd.testing.assert_index_equal(decoded.columns, frame.columns, exact="equiv")
    assert decoded.dtypes.tolist() == frame.dtypes.tolist()
    for (_, before), (_, after) in zip(frame.items(), decoded.items(), strict=True):
        eps = np.finfo(np.float32 if before.dtype == np.float32 else np.float64).eps
        before, after = before.to_numpy(np.float64), after.to_numpy(np.float64)
        allowed = 1e-5 * np.ptp(before) + 4 * eps * np.abs(before).max()
        np.testing.assert_allclose(after, before, rtol=0, atol=allowed if (before % 1).any() else 0)


@settings(max_examples=40)
@given(frame=frames(), seed=st.integers(0, 99))
def test_drawn_values_stay_in_the_range_seen(frame, seed):
    """However far a network goes: no value outside its column's range, whole columns stay whole, constant ones so."""
    codec, _ = codec_of(frame)
    wild = 10 * torch.randn(20, *codec.schema(2).shape, generator=torch.Generator().manual_seed(seed))
    for (_, seen), (_, drawn) in zip(frame.items(), codec.decode(wild).items(), strict=True):
        seen, drawn = seen.to_numpy(np.float64), drawn.to_numpy(np.float64)
        assert seen.min() <= drawn.min() <= drawn.max() <= seen.max()
        assert (seen % 1).any() or not (drawn % 1).any()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("wrap", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_arrays_and_tensors_keep_their_type(dtype, wrap):
    """A table without names comes back as the container and type that it was."""
    table = wrap((np.random.default_rng(0).random((9, 3)) * 50).astype(dtype))
    decoded = round_trip(table)
    assert type(decoded) is type(table)
    assert decoded.dtype == table.dtype
    allowed = 0 if dtype in ("int32", "uint8", "bool") else 1e-3 if dtype == "float16" else 1e-5
    np.testing.assert_allclose(np.asarray(decoded, float), np.asarray(table, float), rtol=0, atol=50 * allowed)


def test_the_model_sees_normal_scores():
    """Of a column of whatever shape: mean 0, variance 1, and a normal distribution by Kolmogorov and Smirnov's test."""
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.normal(1e9, 3, 2000), rng.lognormal(0, 3, 2000), rng.random(2000), np.full(2000, 0.1)])
    encoded = codec_of(table)[0].encode(table).double().numpy()
    assert encoded.shape == (2000, 3)
    np.testing.assert_allclose(encoded.mean(0), 0, atol=0.01)
    np.testing.assert_allclose(encoded.std(0), 1, atol=0.02)
    assert all(stats.kstest(scores, "norm").pvalue > 0.5 for scores in encoded.T)


def test_spread_counts_are_normal_and_lead_back():
    """To learn, the rows of one count are spread over its step; each place of it is the count again. Equal seeds, equal
    places.
    """
    table = pd.DataFrame({"count": np.random.default_rng(0).poisson(2, 3000)})
    codec, plain = codec_of(table)
    spread = codec.encode(plain, spread_seed=1)
    assert stats.kstest(spread[:, 0].numpy(), "norm").pvalue > 0.01
    pd.testing.assert_frame_equal(codec.decode(spread), table)
    assert torch.equal(spread, codec.encode(plain, spread_seed=1))
    assert len(codec.encode(plain).unique()) == table["count"].nunique()


def test_floats_that_hold_whole_numbers_are_drawn_whole():
    """A column of counts stored as floats gets counts, and the learner is told which columns are such."""
    table = np.array([[0.0, 0.51], [3.0, 1.0], [7.0, 2.5]])
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


COLUMNS = {
    "words": pd.Series(["a", "b", None] * 8, dtype="str"),
    "words, nullable": pd.Series(["a", "b", None] * 8, dtype="string"),
    "words, objects": pd.Series(["a", "b", None] * 8, dtype=object),
    "flags, objects": pd.Series([True, None, False] * 8, dtype=object),
    "flags, nullable": pd.Series([True, None, False] * 8, dtype="boolean"),
    "numbers, objects": pd.Series([3, None, 5] * 8, dtype=object),
    "fractions, objects": pd.Series([3.5, 2, 5] * 8, dtype=object),
    "whole, nullable": pd.Series([3, None, 2**60 + 1] * 8, dtype="Int64"),
    "huge": pd.Series([2**64 - 2048, 0, 2**63] * 8, dtype="uint64"),
    "astronomical": pd.Series([-1.5e308, 1.7e308, 1e-300] * 8),
    "fives": pd.Series([80, 85, 120] * 8),
    "cents": pd.Series(np.arange(24) * 0.07).round(2),
    "float32 cents": pd.Series(np.arange(24) * 0.07).round(2).astype("float32"),
    "holes": pd.Series(np.where(np.arange(24) % 5, np.arange(24) / 7, np.nan)),
    "zeros": pd.Series(np.where(np.arange(24) % 3, np.arange(24) / 7, 0.0)),
    "grades": pd.Series(pd.Categorical(["low", "high", None] * 8, ["low", "mid", "high"], ordered=True)),
    "numbered grades": pd.Series(pd.Categorical([3, 1, 3] * 8)),
    "bands": pd.Series(pd.cut(np.arange(24) % 9, [-1, 3, 9])),
    "days": pd.Series(DAYS),
    "days with holes": pd.Series(DAYS).where(np.arange(24) % 4 > 0),
    "zoned": pd.Series(DAYS.tz_localize("America/New_York")),
    "spans": pd.Series(DAYS - DAYS[0]),
    "nanoseconds": pd.Series(pd.to_datetime(np.arange(24) % 7 + 1_700_000_000_123_456_789, unit="ns")),
    "constant": pd.Series(["same"] * 24, dtype=object),
    "empty": pd.Series([None] * 24, dtype=object),
    "empty floats": pd.Series([np.nan] * 24),
    "constant with holes": pd.Series([4.0, np.nan] * 12),
    "sparse": pd.Series([0.0, 0.0, 3.0] * 8).astype(pd.SparseDtype("float64", 0.0)),
    "arrow": pd.Series([1, 5, None] * 8, dtype="int64[pyarrow]"),
    "arrow words": pd.Series(["x", "y", "x"] * 8, dtype="string[pyarrow]"),
    "arrow moments": pd.Series(DAYS).astype("timestamp[us][pyarrow]"),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_every_kind_of_column_comes_back(case):
    """Words, booleans, dates, categories, holes, zeros, huge numbers: decode(encode(X)) is X, of the same type."""
    frame = pd.DataFrame({"other": np.arange(24) / 7, "x": COLUMNS[case]})
    decoded = round_trip(frame)
    if case == "huge":  # beyond 2^53 a double cannot tell neighbours
        np.testing.assert_allclose(decoded["x"].astype(float), frame["x"].astype(float))
        decoded["x"] = frame["x"].astype(decoded["x"].dtype)
    pd.testing.assert_frame_equal(decoded, frame, rtol=1e-5)


@pytest.mark.parametrize("case", COLUMNS)
def test_every_kind_of_column_is_restored_from_arrays_and_facts(case):
    """What a folder keeps of a codec decodes as the codec does."""
    frame = pd.DataFrame({"other": np.arange(24) / 7, "x": COLUMNS[case]})
    codec, plain = codec_of(frame)
    again = restore_table_codec(codec.container, *table_codec_state(codec))
    encoded = again.encode(plain)
    assert torch.equal(encoded, codec.encode(plain))
    pd.testing.assert_frame_equal(again.decode(encoded), codec.decode(encoded))


@pytest.mark.parametrize("case", COLUMNS)
def test_no_row_at_all_has_the_same_columns(case):
    """An empty sample is an empty frame of the same columns and types."""
    frame = pd.DataFrame({"other": np.arange(24) / 7, "x": COLUMNS[case]})
    codec, _ = codec_of(frame)
    drawn = codec.decode(torch.empty(0, *codec.schema(2).shape))
    assert drawn.shape == (0, 2)
    assert drawn.dtypes.tolist() == frame.dtypes.tolist()


def test_arrays_of_objects_hold_several_kinds():
    """A list of rows, or an array of objects: each column is what its cells are, and comes back as such."""
    rows = [[1, "a", 0.5, True], [2, "b", None, False], [3, "a", 2.5, True]]
    codec, plain = codec_of(rows)
    assert plain.dtype == object
    assert [column.kind for column in codec.schema(2).columns] == [
        "integer",
        "category",
        *["number", "category"],
        "category",
    ]
    decoded = codec.decode(codec.encode(plain))
    assert decoded.dtype == object
    assert [type(cell) for cell in decoded[0]] == [int, str, float, bool]
    assert decoded.tolist()[0] == rows[0]
    assert decoded[1, 2] is None


@pytest.mark.parametrize("unit", ["D", "s", "ns"])
@pytest.mark.parametrize("letter", ["M", "m"])
def test_arrays_of_times_stay_in_their_unit(letter, unit):
    """Days come back as days, of dates and of spans, and a missing one is missing."""
    days = np.arange(40).reshape(20, 2).astype(f"{letter}8[D]").astype(f"{letter}8[{unit}]")
    days[3, 1] = "NaT"
    drawn = round_trip(days)
    assert drawn.dtype == days.dtype
    np.testing.assert_array_equal(drawn, days)


def test_numbers_named_as_categories_are_categories():
    """By name, by number or by a bool a column: the column's values are told apart and never mixed."""
    frame = pd.DataFrame({"ward": [10, 20, 30] * 8, "age": np.arange(24)})
    for named in (["ward"], [0], [np.int64(0)], [True, False], [np.True_, np.False_], np.array(["ward"])):
        columns = codec_of(frame, categorical_features=named)[0].schema(2).columns
        assert [(column.kind, column.width) for column in columns] == [("category", 3), ("integer", 1)]
    with pytest.raises(
        ConfigError, match=r"categorical_features must be one of ward, age; got 'wart'. Did you mean 'w"
    ):
        codec_of(frame, categorical_features=["wart"])


def test_a_table_in_which_nothing_varies_can_be_learned():
    """A learner gets one place of zeros, and the constant comes back."""
    frame = pd.DataFrame({"x": [3] * 5, "y": ["a"] * 5})
    codec, plain = codec_of(frame)
    assert codec.schema(2).shape == (1,)
    pd.testing.assert_frame_equal(codec.decode(codec.encode(plain) + 9), frame)


def test_another_number_of_columns_is_named():
    """At prediction time both numbers are said."""
    with pytest.raises(ShapeError, match=r"must have the 3 columns that fit saw; got \(4,\)"):
        codec_of(np.eye(3))[0].encode(np.eye(4))


def test_columns_in_another_order_are_refused():
    """Names decide, not places."""
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    with pytest.raises(ShapeError, match=r"fit saw, in their order; got \['b', 'a'\]. Take them"):
        codec_of(frame)[0].encode(frame[["b", "a"]])


BAD_COLUMNS = {
    "infinite": (
        pd.Series([1.0, 2.0, -np.inf]),
        ShapeError,
        r"finite; column 'x' contains infinity \(-inf\) in row 2. Write NaN there",
    ),
    "nested": (
        pd.Series(["a", [1], "b"], dtype=object),
        CellError,
        "a string, a number, .*; got list in column 'x', row 1. Split it into columns",
    ),
    "nested only": (pd.Series([{}, {}, {}], dtype=object), CellError, "got dict in column 'x', row 0"),
    "mixed": (
        pd.Series([1, 2, "three"], dtype=object),
        ShapeError,
        r"column 'x' holds a number in row 0 and a string in row 2. Make them one: X\['x'\].astype\(str\)",
    ),
    "mixed flags": (pd.Series([None, True, 0], dtype=object), ShapeError, "a boolean in row 1 and a number in row 2"),
    "dates as objects": (
        pd.Series([pd.Timestamp("2024").date()] * 3, dtype=object),
        ShapeError,
        r"got date objects in column 'x'. Convert it: X\['x'\] = pandas.to_datetime\(X\['x'\]\)",
    ),
    "bytes": (pd.Series([b"a", b"b", b"a"], dtype=object), ShapeError, r"got bytes objects .*str.decode"),
    "complex": (pd.Series([1j, 2j, 3j]), ShapeError, "got complex128 in column 'x'"),
    "periods": (pd.Series(pd.period_range("2024", periods=3)), ShapeError, "got period.* in column 'x'"),
}


@pytest.mark.parametrize("case", BAD_COLUMNS)
def test_columns_that_cannot_be_learned_are_named(case):
    """The column, the row number and the remedy are said."""
    cells, error, message = BAD_COLUMNS[case]
    with pytest.raises(error, match=message):
        codec_of(pd.DataFrame({"ok": [1, 2, 3], "x": cells}))


UNSEEN = {
    "category": (pd.Series(["a", "b"] * 4), pd.Series(["a", "new"]), "got another in column 'x', row 1. Fit on"),
    "pandas category, known to its type": (
        pd.Series(pd.Categorical(["a", "b"] * 4, ["a", "b", "c"])),
        pd.Series(pd.Categorical(["a", "c"], ["a", "b", "c"])),
        "got another in column 'x', row 1",
    ),
    "pandas category": (
        pd.Series(pd.Categorical(["a", "b"] * 4)),
        pd.Series(pd.Categorical(["a", "new"])),
        "got another in column 'x', row 1",
    ),
    "another than the one word": (pd.Series(["a"] * 8), pd.Series(["a", "b"]), "got another in column 'x', row 1"),
    "missing word": (pd.Series(["a", "b"] * 4), pd.Series(["a", None]), "got NaN in column 'x', row 1. Fill it"),
    "missing number": (pd.Series([1.5, 2.5] * 4), pd.Series([np.nan, 1.5]), "got NaN in column 'x', row 0. Fill it"),
    "words for numbers": (pd.Series([1.5, 2.5] * 4), pd.Series(["a", "b"]), "column 'x' must hold numbers, .*got str"),
    "numbers for words": (
        pd.Series(["a", "b"] * 4),
        pd.Series([1.5, 2.5]),
        "column 'x' must hold words, .*got float64",
    ),
    "numbers for dates": (pd.Series(DAYS[:8]), pd.Series([1.5, 2.5]), "column 'x' must hold dates"),
    "numbers for flags": (pd.Series([True, False] * 4), pd.Series([1.5, 2.5]), "column 'x' must hold booleans"),
}


@pytest.mark.parametrize("case", UNSEEN)
def test_what_no_training_row_held_is_named(case):
    """A category, a hole or a type that fit did not see: the column, the row number and the remedy."""
    seen, came, message = UNSEEN[case]
    codec, _ = codec_of(pd.DataFrame({"x": seen}))
    with pytest.raises(ShapeError, match=message):
        codec.encode(pd.DataFrame({"x": came}))


def test_to_compare_what_was_never_seen_is_zeros():
    """Rows with a new category or a hole can be compared with the training rows: no place of theirs is 1."""
    codec, _ = codec_of(pd.DataFrame({"x": ["a", "b"] * 4, "size": np.arange(8) / 7, "all": ["c"] * 8}))
    came = pd.DataFrame({"x": ["new", "a", None], "size": [0.5, np.nan, 0.5], "all": ["c", "d", "c"]})
    encoded = codec.encode_strangers(came)
    assert encoded[:, :2].tolist() == [[0, 0], [1, 0], [0, 0]]
    assert encoded[1, 2] == 0


def test_columns_of_one_name_are_named():
    """Two columns of one name could not be told apart on the way back."""
    frame = pd.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"])
    with pytest.raises(ShapeError, match=r"names of their own; got 'x' more than once. Rename them"):
        codec_of(frame)


def test_names_of_two_types_are_named():
    """scikit-learn knows names that are all words, or none."""
    with pytest.raises(ShapeError, match=r"names of one type; got int and str. .*X.columns.astype\(str\)"):
        codec_of(pd.DataFrame({"x": [1, 2], 7: [3, 4]}))
