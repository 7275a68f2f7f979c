"""How a table was read: what kind each column is taken for, and what it holds."""

from typing import TYPE_CHECKING, Any

from synthaug.cli.terminal import console

if TYPE_CHECKING:
    import pandas as pd

    from synthaug.data.tables import TableCodec
    from synthaug.data.tables.codec import ColumnCodec
    from synthaug.data.tables.column_types import ColumnType

_MOST_COLUMNS, _LONGEST_NAME = 40, 32
_MOST_VALUES, _LONGEST_VALUE = 4, 24


def describe_columns(X: "pd.DataFrame", codec: "TableCodec") -> list[dict[str, Any]]:
    """Return a record a column: ``column``, ``kind``, ``values`` in words, ``missing`` as a fraction of the rows.

    Parameters
    ----------
    X
        The rows.
    codec
        What they were read by.
    """
    return [
        {"column": str(kind.name), "kind": _kind(kind, way), "values": _values(kind, way), "missing": float(missing)}
        for kind, way, missing in zip(codec.types, codec.codecs, X.isna().mean(), strict=True)
    ]


def show_columns(columns: list[dict[str, Any]]) -> None:
    """Print a table of the columns on standard error; of many the first forty."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("column", no_wrap=True)
    table.add_column("read as", no_wrap=True)
    table.add_column("missing", justify="right", no_wrap=True)
    table.add_column("values", overflow="fold")
    for column in columns[:_MOST_COLUMNS]:
        missing = f"{column['missing']:.0%}" if column["missing"] else ""
        name, values = Text(column["column"][:_LONGEST_NAME]), Text(column["values"], style="dim")
        table.add_row(name, column["kind"], missing, values)
    console(stderr=True).print(table)
    if len(columns) > _MOST_COLUMNS:
        console(stderr=True).print(f"... and {len(columns) - _MOST_COLUMNS:,} columns more")


def _kind(kind: "ColumnType", way: "ColumnCodec") -> str:
    from synthaug.data.tables.categories import CategoryCodec
    from synthaug.data.tables.keys import KeyCodec
    from synthaug.data.tables.numbers import NumberCodec

    if isinstance(way, NumberCodec):
        return {"moment": "date", "span": "span of time"}.get(
            kind.content, "whole number" if way.is_whole else "number"
        )
    return {CategoryCodec: "category", KeyCodec: "key"}.get(type(way), "constant")


def _values(kind: "ColumnType", way: "ColumnCodec") -> str:
    from synthaug.data.tables.categories import CategoryCodec
    from synthaug.data.tables.keys import KeyCodec
    from synthaug.data.tables.numbers import NumberCodec

    if isinstance(way, KeyCodec):
        return "made anew for drawn rows"
    if isinstance(way, NumberCodec):
        low, high = _written(kind, way.range, whole=kind.content != "real")
        return f"{low} to {high}" + (", some often" if len(way.atoms) else "")
    if isinstance(way, CategoryCodec):
        shown = ", ".join(_written(kind, way.values[:_MOST_VALUES]))
        return f"{len(way.values)}: {shown}" + (", ..." if len(way.values) > _MOST_VALUES else "")
    return ", ".join(_written(kind, way.value)) or "none"


def _written(kind: "ColumnType", values: Any, *, whole: bool = False) -> list[str]:
    """Return values of a column as its own cells are written."""
    import numpy as np

    from synthaug.data.tables.column_types import Cells

    inner = np.rint(np.asarray(values)).astype(np.int64) if whole else np.asarray(values)
    cells = kind.write(Cells(inner, np.zeros(len(inner), dtype=bool)))
    if kind.content == "moment":
        return [str(cell.date()) if cell == cell.normalize() else str(cell) for cell in cells]
    words = [f"{cell:g}" if kind.content == "real" else str(cell) for cell in cells]
    return [word if len(word) <= _LONGEST_VALUE else f"{word[: _LONGEST_VALUE - 3]}..." for word in words]
