"""The user's container (numpy, torch or pandas) off and on again, so that rows come back as they went in."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse
import torch

from synthaug._check import check_column_names


@dataclass(frozen=True)
class Container:
    """What rows or labels came in.

    Attributes
    ----------
    kind
        ``numpy``, ``torch``, or ``pandas`` (a DataFrame for rows, a Series for labels).
    dtype
        The element type by name (numpy's or torch's); "" for a DataFrame, whose columns each have one.
    names
        A DataFrame's columns or a Series' one name; else empty.
    dtypes
        A DataFrame's or Series' types, as text; else empty.
    categories, ordered
        The categories of a Series of categories, and whether they have an order; else empty.
    """

    kind: Literal["numpy", "torch", "pandas"]
    dtype: str = ""
    names: tuple[Any, ...] = ()
    dtypes: tuple[str, ...] = ()
    categories: tuple[Any, ...] = ()
    ordered: bool = False

    def wrap(self, array: np.ndarray) -> Any:
        """Return ``array`` in this container. Integers are rounded first."""
        if self.kind == "torch":
            dtype = getattr(torch, self.dtype)
            rounded = array if dtype.is_floating_point or array.dtype.kind != "f" else np.rint(array)
            return torch.as_tensor(np.ascontiguousarray(rounded)).to(dtype)
        if self.kind == "numpy":
            return _cast(array, self.dtype)
        if array.ndim == 1:
            return pd.Series(array, name=self.names[0]).astype(self._series_dtype())
        columns = [_cast_column(column, dtype) for column, dtype in zip(array.T, self.dtypes, strict=True)]
        frame = pd.DataFrame(dict(enumerate(columns)))
        frame.columns = pd.Index(self.names)
        return frame

    def _series_dtype(self) -> Any:
        if self.dtypes[0] == "category":
            return pd.CategoricalDtype(list(self.categories), self.ordered)
        return pd.api.types.pandas_dtype(self.dtypes[0])


def known(values: Any) -> Any:
    """Return numpy arrays, tensors, frames, series and sparse matrices as they are, and anything else as an array.

    Lists of rows that hold words become arrays of objects, so that the numbers beside the words stay numbers.
    """
    if isinstance(values, np.ndarray | torch.Tensor | pd.DataFrame | pd.Series) or scipy.sparse.issparse(values):
        return values
    array = np.asarray(values)
    is_table_with_words = array.ndim == 2 and array.dtype.kind == "U"
    return np.asarray(values, dtype=object) if is_table_with_words else array


def unwrap(values: Any) -> tuple[Any, Container]:
    """Return known values as an array (or the frame or sparse matrix they are), and the container to put others in.

    Raises
    ------
    ShapeError
        If two columns of a DataFrame have one name.
    """
    if isinstance(values, torch.Tensor):
        plain = values.detach().cpu()
        plain = plain.float() if plain.dtype in (torch.bfloat16, torch.float16) else plain
        return plain.numpy(), Container("torch", str(values.dtype).removeprefix("torch."))
    if isinstance(values, pd.DataFrame):
        check_column_names(values)
        names, dtypes = tuple(values.columns), tuple(str(dtype) for dtype in values.dtypes)
        return values, Container("pandas", names=names, dtypes=dtypes)
    if isinstance(values, pd.Series):
        return values.to_numpy(), _series_container(values)
    return values, Container("numpy", str(values.dtype))


def take(rows: Any, numbers: np.ndarray) -> Any:
    """Return the rows (or labels) of these numbers, in the container they are in; a list's come as an array."""
    rows = known(rows)
    return rows.iloc[numbers] if hasattr(rows, "iloc") else rows[numbers]


def join(first: Any, *others: Any) -> Any:
    """Return the rows (or labels) of containers of one kind, one after the other; a frame's index starts anew."""
    if isinstance(first, torch.Tensor):
        return torch.cat([first, *(other.to(first.device) for other in others)])
    if isinstance(first, pd.DataFrame | pd.Series):
        return pd.concat([first, *others], ignore_index=True)
    return np.concatenate([np.asarray(rows) for rows in (first, *others)])


def _series_container(values: pd.Series) -> Container:
    kind = values.dtype
    plain = Container("pandas", names=(values.name,), dtypes=(str(kind),))
    if isinstance(kind, pd.CategoricalDtype):
        return replace(plain, categories=tuple(kind.categories.tolist()), ordered=bool(kind.ordered))
    return plain


def _cast(array: np.ndarray, dtype: str) -> np.ndarray:
    wanted = np.dtype(dtype)
    if wanted.kind in "iub" and array.dtype.kind == "f":
        array = np.rint(array)
    if wanted.kind == "U":
        wanted = max(wanted, array.astype(str).dtype, key=lambda dtype: dtype.itemsize)  # a longer word is not cut
    return array.astype(wanted, copy=False)


def _cast_column(column: np.ndarray, dtype: str) -> pd.Series:
    whole = "int" in dtype.lower() or "bool" in dtype.lower()
    values = np.rint(column).astype(np.int64) if whole else column
    return pd.Series(values).astype(pd.api.types.pandas_dtype(dtype))
