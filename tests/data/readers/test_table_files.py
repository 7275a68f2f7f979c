"""Tables in files: types inferred, types kept, broken lines named."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthaug.data.readers import read_rows_file, write_rows_file
from synthaug.errors import FileError, SynthaugWarning

VISITS = """id,seen,left,age,pulse,smoker,grade,outcome
p1,2024-01-05,2024-01-05 10:30,61,72.5,True,low,ill
p2,2024-02-29,,58,,False,,well
p3,2024-03-01,2024-03-02 08:00,,80.0,True,high,ill
"""


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    path = tmp_path / "visits.csv"
    path.write_text(VISITS)
    return path


def test_types_are_inferred(visits: Path):
    """Dates become dates, whole numbers stay whole where some are missing, the rest is what it looks like."""
    X, y = read_rows_file(visits, label="outcome")
    kinds = {"id": "str", "age": "Int64", "pulse": "float64", "smoker": "bool", "grade": "str"}
    assert {name: str(dtype) for name, dtype in X.drop(columns=["seen", "left"]).dtypes.items()} == kinds
    assert all(str(X[name].dtype).startswith("datetime64") for name in ("seen", "left"))
    assert X["age"].tolist() == [61, 58, pd.NA]
    assert y.tolist() == ["ill", "well", "ill"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_comes_back_as_it_was(visits: Path, ending: str):
    """What was read and written is read again in the same types, whichever the kind of file."""
    X, y = read_rows_file(visits, label="outcome")
    again, labels = read_rows_file(
        write_rows_file(visits.with_name(f"more.{ending}"), X, y, label="outcome"), label="outcome"
    )
    pd.testing.assert_frame_equal(again, X)
    pd.testing.assert_series_equal(labels, y)


def test_parquet_keeps_what_a_csv_cannot(tmp_path: Path):
    """Categories with an order and narrow numbers keep their types; labels too."""
    stage = pd.CategoricalDtype(["I", "II"], ordered=True)
    X = pd.DataFrame({"stage": pd.Categorical(["I", "II"], dtype=stage), "dose": np.array([1, 2], dtype=np.int16)})
    y = pd.Series([True, False], name="alive")
    again, labels = read_rows_file(write_rows_file(tmp_path / "a.parquet", X, y, label="alive"), label="alive")
    pd.testing.assert_frame_equal(again, X)
    pd.testing.assert_series_equal(labels, y)


BROKEN = {
    "a field too many": ("a,b\n1,2\n1,2,3\n", r"its 2 fields in every line; got 3 in line 3\. Mend this line"),
    "semicolons": ("a;b;y\n1;2,5;0\n", r"its fields parted by commas; got ';' between them\. Save it with commas"),
    "tabs": ("a\ty\n1\t0\n", r"its fields parted by commas; got '\\t' between them"),
    "a field too few": ("a,b,y\n1,2,0\n3,0\n", r"its 3 fields in every line; got 2 in line 3"),
    "after a cell of two lines": ('a,b\n"x\ny",2\n1\n', r"got 1 in line 4"),
    "an open quote": ('a,b\n1,2\n"3,4\n5,6\n', r"line 4 is broken \(unexpected end of data\)"),
    "no text": (b"a,b\n1,2\n\xff,3\n", r"in UTF-8; line 3 is not\. Save it as 'CSV UTF-8'"),
    "a name twice": ("a,b,a\n1,2,3\n", r"must have names of their own; got 'a' more than once"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_line_is_named(tmp_path: Path, content: str | bytes, message: str):
    """The line's number is the file's own, the header being line 1."""
    path = tmp_path / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FileError, match=message):
        read_rows_file(path, label="b")


def test_empty_lines_and_marks_of_order_do_no_harm(tmp_path: Path):
    """Blank lines, Windows' line ends and a mark before the header are no part of the table."""
    (tmp_path / "a.csv").write_bytes("\ufeffa,b\r\n1,x\r\n\r\n2,y\r\n".encode())
    X, y = read_rows_file(tmp_path / "a.csv", label="b")
    assert (X["a"].tolist(), y.tolist()) == ([1, 2], ["x", "y"])


def test_a_few_words_among_numbers_are_named(tmp_path: Path):
    """One misspelt cell would make categories of a whole column of numbers."""
    cells = [*map(str, range(30)), "12o"]
    pd.DataFrame({"a": cells, "b": 1}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.warns(SynthaugWarning, match=r"column 'a' of .* words in 1 of 31 rows \(the first: '12o' in row 30\)"):
        read_rows_file(tmp_path / "a.csv", label="b")


def test_what_only_looks_like_dates_stays_text(tmp_path: Path):
    """A month that does not exist, or a date among words, makes no dates."""
    pd.DataFrame({"a": ["2024-13-01", "2024-01-01"], "b": ["2024-01-01", "soon"], "y": 1}).to_csv(
        tmp_path / "a.csv", index=False
    )
    X, _ = read_rows_file(tmp_path / "a.csv", label="y")
    assert [str(dtype) for dtype in X.dtypes] == ["str", "str"]


@pytest.mark.parametrize("attempt", ["read", "written"])
def test_parquet_without_pyarrow_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attempt: str):
    """A package that is missing is named."""
    X, y = pd.DataFrame({"a": [1, 2]}), [0, 1]
    path = write_rows_file(tmp_path / "a.parquet", X, y)
    for name in ("pyarrow", "fastparquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(FileError, match=f"needs pyarrow to be {attempt}. Install it: pip install pyarrow"):
        read_rows_file(path, label="label") if attempt == "read" else write_rows_file(path, X, y)


def test_codes_keep_their_leading_zeros(tmp_path: Path):
    """Postcodes and the like are words, as 00501 is no number; 0, 0.5 and -0.25 are numbers."""
    (tmp_path / "a.csv").write_text("zip,dose,y\n00501,0,a\n,0.5,b\n94107,-0.25,a\n")
    X, y = read_rows_file(tmp_path / "a.csv", label="y")
    assert X["zip"].tolist() == ["00501", np.nan, "94107"]
    assert X["dose"].tolist() == [0, 0.5, -0.25]
    written = write_rows_file(tmp_path / "b.csv", X, y, label="y")
    assert written.read_text().splitlines()[1].startswith("00501,")


def test_a_damaged_parquet_file_is_named(tmp_path: Path):
    """A file that is no such file is refused in words."""
    (tmp_path / "a.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(FileError, match=r"must be a \.parquet file"):
        read_rows_file(tmp_path / "a.parquet", label="y")
