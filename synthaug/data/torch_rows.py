"""Rows of a torch Dataset as arrays, and the form of its items, so that a synthetic row can take the same form.

Known forms: ``(image, label, ...)`` as a tuple, list or namedtuple, and dictionaries with one key of each line below.
"""

import itertools
import math
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from synthaug.data.item_format import ItemFormat, describe_item, kind_of_image, read_format
from synthaug.errors import ConfigError, LabelError, ShapeError

_FIRST_CAPACITY = 256
_AMBIGUOUS_MODES = {"1": "L", "P": "RGB"}


@dataclass(frozen=True)
class Rows:
    """What a torch Dataset held.

    Attributes
    ----------
    X
        Images of shape (n, ...) in the items' layout and dtype: a tensor if the items hold tensors, else an array.
    y
        Labels, shape (n,): integers, booleans, floats or strings.
    item_format
        The form of one item.
    """

    X: np.ndarray | Tensor
    y: np.ndarray
    item_format: ItemFormat


def read_rows(dataset: Any) -> Rows:
    """Return the rows of a map-style or iterable torch Dataset, each read once and in order.

    The rows go one by one into arrays of the final size (an iterable without a length: arrays that double). A dataset
    should hand out its rows as they are, without random transforms: those belong to training, not to what is learned
    from.

    Parameters
    ----------
    dataset
        Items ``(image, label, ...)`` or dictionaries; image a numpy array, torch tensor or PIL image, label an integer,
        boolean, float, string, or an array or tensor that holds one.

    Raises
    ------
    ShapeError
        If the dataset is empty, the items have no known form, or the images differ in kind, shape or dtype.
    LabelError
        If an item has no label, or a label that is not one value; the index is named.
    ConfigError
        If a DataLoader came instead of its dataset.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from synthaug.data.torch_rows import read_rows
    >>> rows = read_rows(TensorDataset(torch.rand(6, 1, 8, 8), torch.tensor([0, 1, 0, 1, 0, 1])))
    >>> rows.X.shape, rows.y.tolist(), rows.item_format.container
    (torch.Size([6, 1, 8, 8]), [0, 1, 0, 1, 0, 1], 'torch')
    """
    items = _items(dataset)
    first = next(items, None)
    if first is None:
        raise ShapeError("dataset must hold rows; got an empty one. Check the folder or the split that it reads.")
    form = read_format(first)
    capacity = operator.length_hint(dataset, _FIRST_CAPACITY)
    images, labels = _read(itertools.chain([first], items), form, capacity=capacity)
    return Rows(torch.from_numpy(images) if form.container == "torch" else images, _label_array(labels), form)


def is_map_style(dataset: Any) -> bool:
    """Return whether a dataset has a length and hands out any row by its index."""
    return not isinstance(dataset, IterableDataset) and hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")


def split_item(item: Any, form: ItemFormat, index: int) -> tuple[Any, Any]:
    """Return the image and the label of an item.

    Raises
    ------
    ShapeError
        If the item is not of the form of the first one; the index is named.
    """
    try:
        return item[form.image_key], item[form.label_key]
    except (KeyError, IndexError, TypeError) as error:
        raise ShapeError(
            f"items must have one form, with the image under {form.image_key!r} and the label under {form.label_key!r} "
            f"as at index 0; got {describe_item(item)} at index {index}. Hand out every item in the same form."
        ) from error


def image_array(image: Any, index: int) -> np.ndarray:
    """Return an image of any known kind as an array, without a copy where possible; ``index`` is for the message.

    Raises
    ------
    ShapeError
        If it is no image, a palette or one-bit PIL image, or of a dtype that numpy lacks.
    """
    kind = kind_of_image(image)
    if kind == "torch":
        return _tensor_array(image, index)
    if kind == "pil" and image.mode in _AMBIGUOUS_MODES:
        raise ShapeError(
            f"PIL images must hold intensities or colours; got mode {image.mode!r} at index {index}. "
            f"Convert them in the dataset: image.convert({_AMBIGUOUS_MODES[image.mode]!r})."
        )
    if kind is None:
        raise ShapeError(
            f"an image must be a numpy array, a torch tensor or a PIL image; got {type(image).__name__} at index "
            f"{index}. Convert it with numpy.asarray."
        )
    return np.asarray(image)


def label_value(label: Any, index: int) -> int | float | bool | str:
    """Return the one value that a label holds; ``index`` is for the message.

    Raises
    ------
    LabelError
        If it is missing or holds more than one value.
    """
    value = label.item() if isinstance(label, Tensor | np.ndarray | np.generic) and _size(label) == 1 else label
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise LabelError(f"every item must have a label; got {value} at index {index}. Drop the unlabelled items.")
    if not isinstance(value, int | float | str):
        raise LabelError(
            f"a label must be one value (a number or a string); got {_described(label)} at index {index}. "
            "One-hot labels: hand out label.argmax(). Several findings at once: choose one."
        )
    return value


def _items(dataset: Any) -> Iterator[Any]:
    if isinstance(dataset, DataLoader):
        raise ConfigError("dataset must be a Dataset; got a DataLoader (its items are batches). Pass loader.dataset.")
    if is_map_style(dataset):
        return (dataset[index] for index in range(len(dataset)))
    if not hasattr(dataset, "__iter__"):
        raise ShapeError(
            f"dataset must be a torch Dataset; got {type(dataset).__name__}. Give it __getitem__ and __len__, or "
            "__iter__."
        )
    return iter(dataset)


def _read(items: Iterable[Any], form: ItemFormat, *, capacity: int) -> tuple[np.ndarray, list[Any]]:
    labels: list[Any] = []
    buffer, mode = np.empty(0), None
    for index, item in enumerate(items):
        raw, label = split_item(item, form, index)
        image = image_array(raw, index)
        if index == 0:
            buffer, mode = np.empty((max(capacity, 1), *image.shape), image.dtype), _kind(raw)
        _check_alike(image, buffer, _kind(raw), mode, index)
        buffer = buffer if index < len(buffer) else np.concatenate([buffer, np.empty_like(buffer)])
        buffer[index] = image
        labels.append(label_value(label, index))
    return buffer[: len(labels)], labels


def _kind(image: Any) -> str:
    return f"PIL image of mode {image.mode}" if kind_of_image(image) == "pil" else type(image).__name__


def _check_alike(image: np.ndarray, buffer: np.ndarray, kind: str, first_kind: str | None, index: int) -> None:
    if image.shape != buffer.shape[1:]:
        raise ShapeError(
            f"images must have one shape; got {buffer.shape[1:]} at index 0 and {image.shape} at index {index}. "
            "Resize or crop them to one size in the dataset."
        )
    if (image.dtype, kind) != (buffer.dtype, first_kind):
        raise ShapeError(
            f"images must be of one kind; got {first_kind} of {buffer.dtype} at index 0 and {kind} of {image.dtype} "
            f"at index {index}. Convert them to one kind in the dataset."
        )


def _tensor_array(image: Tensor, index: int) -> np.ndarray:
    try:
        return image.detach().cpu().numpy()
    except TypeError as error:
        raise ShapeError(
            f"images must have a dtype that numpy knows; got {image.dtype} at index {index}. "
            "Convert them in the dataset: image.float()."
        ) from error


def _label_array(labels: list[Any]) -> np.ndarray:
    kinds = {type(label) for label in labels}
    if len(kinds) > 1:
        odd = next(index for index, label in enumerate(labels) if type(label) is not type(labels[0]))
        raise LabelError(
            f"labels must be of one type; got {labels[0]!r} at index 0 and {labels[odd]!r} at index {odd}. "
            "Convert them to one in the dataset."
        )
    return np.array(labels)


def _size(label: Tensor | np.ndarray | np.generic) -> int:
    return label.numel() if isinstance(label, Tensor) else label.size


def _described(label: Any) -> str:
    shape = getattr(label, "shape", None)
    return f"shape {tuple(shape)}" if shape is not None else f"{type(label).__name__} {label!r}"
