"""A table's codec as arrays and facts, for a model's folder: what JSON cannot hold well, the quantiles, are arrays."""

from typing import Any

import numpy as np
import torch

from synthaug.data.container import Container
from synthaug.data.tables.categories import CategoryCodec, category_state, restore_categories
from synthaug.data.tables.codec import TableCodec
from synthaug.data.tables.column_types import ColumnType
from synthaug.data.tables.constants import ConstantCodec, constant_state, restore_constant
from synthaug.data.tables.dtype_facts import dtype_facts, restore_dtype
from synthaug.data.tables.keys import KeyCodec, key_state, restore_key
from synthaug.data.tables.numbers import NumberCodec, number_state, restore_numbers


def table_codec_state(codec: TableCodec) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return tensors, named ``0.values`` for column 0, and facts (of JSON) of a codec.

    Raises
    ------
    FileError
        If a column's type cannot be written.
    """
    tensors, columns = dict[str, torch.Tensor](), []
    for i, (kind, column) in enumerate(zip(codec.types, codec.codecs, strict=True)):
        word = next(word for word, way in WAYS.items() if isinstance(column, way[0]))
        arrays, facts = WAYS[word][1](column)
        tensors |= {f"{i}.{name}": torch.tensor(array) for name, array in arrays.items()}
        columns.append(_type_facts(kind) | {"is": word, "facts": facts})
    return tensors, {"columns": columns}


def restore_table_codec(container: Container, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> TableCodec:
    """Return the codec of what ``table_codec_state`` gave."""
    types, codecs, arrays = [], [], [dict[str, np.ndarray]() for _ in facts["columns"]]
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        arrays[int(number)][name] = value.numpy()
    for i, column in enumerate(facts["columns"]):
        name = _hashable(column["name"])
        types.append(ColumnType(name, restore_dtype(column["dtype"]), column["content"], column["missing_as"]))
        codecs.append(WAYS[column["is"]][2](str(name), arrays[i], column["facts"]))
    return TableCodec(container, tuple(types), tuple(codecs))


def _type_facts(kind: ColumnType) -> dict[str, Any]:
    facts = {"name": kind.name, "content": kind.content, "missing_as": kind.missing_as}
    return facts | {"dtype": dtype_facts(kind.dtype)}


def _hashable(name: Any) -> Any:
    return tuple(map(_hashable, name)) if isinstance(name, list) else name


WAYS: dict[str, tuple[Any, Any, Any]] = {
    "number": (NumberCodec, number_state, restore_numbers),
    "category": (CategoryCodec, category_state, restore_categories),
    "constant": (ConstantCodec, constant_state, restore_constant),
    "key": (KeyCodec, key_state, restore_key),
}
