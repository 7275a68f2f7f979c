"""A column's type as JSON can hold it, and back."""

from typing import Any

import numpy as np
import pandas as pd

from synthaug.errors import FileError


def dtype_facts(dtype: Any) -> dict[str, Any]:
    """Return what ``restore_dtype`` makes a pandas or NumPy type of.

    Raises
    ------
    FileError
        If its categories are neither words, numbers, booleans, dates nor intervals of numbers.
    """
    if isinstance(dtype, pd.CategoricalDtype):
        return {"categories": _index_facts(dtype.categories), "ordered": bool(dtype.ordered)}
    if isinstance(dtype, pd.StringDtype):
        return {"storage": dtype.storage, "na": "NA" if dtype.na_value is pd.NA else "nan"}
    if isinstance(dtype, pd.SparseDtype):
        return {"sparse": str(dtype.subtype), "fill": dtype.fill_value}
    return {"name": str(dtype)}


def restore_dtype(facts: dict[str, Any]) -> Any:
    """Return the type of what ``dtype_facts`` gave."""
    if "categories" in facts:
        return pd.CategoricalDtype(_restore_index(facts["categories"]), facts["ordered"])
    if "storage" in facts:
        return pd.StringDtype(facts["storage"], na_value=pd.NA if facts["na"] == "NA" else np.nan)
    if "sparse" in facts:
        return pd.SparseDtype(facts["sparse"], facts["fill"])
    return pd.api.types.pandas_dtype(facts["name"])


def _index_facts(index: pd.Index) -> dict[str, Any]:
    if isinstance(index, pd.IntervalIndex):
        sides = {"left": _index_facts(index.left), "right": _index_facts(index.right)}
        return {**sides, "closed": index.closed}
    if pd.api.types.is_datetime64_any_dtype(index.dtype) or pd.api.types.is_timedelta64_dtype(index.dtype):
        return {"times": index.astype(np.int64).tolist(), "dtype": dtype_facts(index.dtype)}
    values = index.tolist()
    if not all(isinstance(value, str | bool | int | float) for value in values):
        raise FileError(f"categories must be words, numbers, booleans or dates to be saved; got {values[0]!r}.")
    return {"values": values, "dtype": dtype_facts(index.dtype)}


def _restore_index(facts: dict[str, Any]) -> pd.Index:
    if "left" in facts:
        left, right = (_restore_index(facts[side]) for side in ("left", "right"))
        return pd.IntervalIndex.from_arrays(left, right, closed=facts["closed"])
    dtype = restore_dtype(facts["dtype"])
    if "times" in facts:
        return pd.Index(np.array(facts["times"], dtype=np.int64)).astype(dtype)
    return pd.Index(facts["values"], dtype=dtype)
