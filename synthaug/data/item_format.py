"""The form of a torch Dataset's items: where the image and the label sit, and what each is."""

import copy
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from synthaug.errors import LabelError, ShapeError

ImageKind = Literal["numpy", "torch", "pil"]
IMAGE_KEYS = ("image", "images", "img", "pixel_values", "x", "X", "input", "inputs", "data", "features")
LABEL_KEYS = ("label", "labels", "y", "target", "targets", "class", "class_id", "class_label", "category")


@dataclass(frozen=True)
class ItemFormat:
    """Where image and label sit in an item, and what each is. Every field is a word or a number, so JSON can hold it.

    Attributes
    ----------
    image_key, label_key
        Places in a tuple, or keys of a dictionary.
    container
        What the image is: ``numpy``, ``torch`` or ``pil``.
    pil_mode
        The mode of PIL images, such as ``L`` or ``RGB``; else "".
    label_kind
        What the label is: ``python`` (int, float, bool or str), ``numpy`` or ``torch``.
    label_dtype
        The label's element type by name; "" for ``python``.
    label_shape
        ``()``, or ``(1,)`` for labels that come as arrays of one value.
    """

    image_key: int | str = 0
    label_key: int | str = 1
    container: ImageKind = "numpy"
    pil_mode: str = ""
    label_kind: Literal["python", "numpy", "torch"] = "python"
    label_dtype: str = ""
    label_shape: tuple[int, ...] = ()

    def wrap(self, image: np.ndarray) -> Any:
        """Return an image array as the kind of image that the items hold."""
        if self.container == "torch":
            return torch.from_numpy(image)
        return _pil_image(image, self.pil_mode) if self.container == "pil" else image

    def label_column(self, labels: np.ndarray) -> Any:
        """Return labels of shape (n,) as a sequence whose every entry is what a label is in the items."""
        shape = (len(labels), *self.label_shape)
        if self.label_kind == "torch":
            return torch.as_tensor(labels).to(getattr(torch, self.label_dtype)).reshape(shape)
        return labels.astype(self.label_dtype).reshape(shape) if self.label_kind == "numpy" else labels.tolist()


@dataclass(frozen=True)
class ItemTemplate:
    """An item to be filled with an image and a label.

    Attributes
    ----------
    format
        Where they go.
    blank
        An item of the same structure. What it holds besides image and label is blank, for a synthetic row has no
        patient and no file: -1 for integers, NaN for floats, "" for strings, zeros for booleans and unsigned
        integers, else None.

    Examples
    --------
    >>> from synthaug.data.item_format import read_template
    >>> import numpy as np
    >>> template = read_template({"image": np.zeros((8, 8)), "label": 1, "patient": "A17"})
    >>> template.build(np.ones((8, 8)), 2)["patient"]
    ''
    """

    format: ItemFormat
    blank: Any

    @property
    def is_pair(self) -> bool:
        """Whether an item is just the tuple ``(image, label)``."""
        return type(self.blank) is tuple and len(self.blank) == 2 and self.format.image_key == 0

    def build(self, image: Any, label: Any) -> Any:
        """Return an item that holds this image and this label."""
        filled = {self.format.image_key: image, self.format.label_key: label}
        if isinstance(self.blank, Mapping):
            item: Any = copy.copy(self.blank)
            item.update(filled)
            return item
        return _sequence_like(self.blank, [filled.get(place, value) for place, value in enumerate(self.blank)])

    def build_all(self, images: Sequence[Any], labels: Sequence[Any]) -> list[Any]:
        """Return an item for each image and its label."""
        if self.is_pair:
            return list(zip(images, labels, strict=True))
        return [self.build(image, label) for image, label in zip(images, labels, strict=True)]


def read_format(item: Any) -> ItemFormat:
    """Return the form of an item.

    Raises
    ------
    ShapeError
        If the item is of no known form.
    LabelError
        If it holds an image and no label.
    """
    image_key, label_key = _keys(item)
    image, label = item[image_key], item[label_key]
    container = kind_of_image(image) or "numpy"
    pil_mode = image.mode if container == "pil" else ""
    if isinstance(label, Tensor):
        dtype = str(label.dtype).removeprefix("torch.")
        return ItemFormat(image_key, label_key, container, pil_mode, "torch", dtype, tuple(label.shape))
    if isinstance(label, np.ndarray | np.generic):
        return ItemFormat(image_key, label_key, container, pil_mode, "numpy", str(label.dtype), label.shape)
    return ItemFormat(image_key, label_key, container, pil_mode)


def read_template(item: Any) -> ItemTemplate:
    """Return the template of items like this one; raises as ``read_format`` does."""
    form = read_format(item)
    taken = (form.image_key, form.label_key)
    if isinstance(item, Mapping):
        blank: Any = copy.copy(item)
        blank.update({key: None if key in taken else _blank(value) for key, value in item.items()})
        return ItemTemplate(form, blank)
    values = [None if place in taken else _blank(value) for place, value in enumerate(item)]
    return ItemTemplate(form, _sequence_like(item, values))


def plain_template(form: ItemFormat) -> ItemTemplate:
    """Return the template of items that hold an image, a label and nothing else: a pair, or a dictionary of two."""
    if isinstance(form.image_key, str):
        return ItemTemplate(form, dict.fromkeys([form.image_key, form.label_key]))
    return ItemTemplate(replace(form, image_key=0, label_key=1), (None, None))


def describe_item(item: Any) -> str:
    """Return what an item is, for messages."""
    if isinstance(item, Mapping):
        return f"a dictionary of {sorted(map(str, item))}"
    return f"a {type(item).__name__} of {len(item)}" if isinstance(item, tuple | list) else type(item).__name__


def kind_of_image(image: Any) -> ImageKind | None:
    """Return ``numpy``, ``torch`` or ``pil``; None for anything else."""
    if isinstance(image, Tensor):
        return "torch"
    if isinstance(image, np.ndarray):
        return "numpy"
    pillow = sys.modules.get("PIL.Image")
    return "pil" if pillow is not None and isinstance(image, pillow.Image) else None


def _keys(item: Any) -> tuple[int | str, int | str]:
    if isinstance(item, Mapping):
        return _key(item, IMAGE_KEYS, "image"), _key(item, LABEL_KEYS, "label")
    if isinstance(item, tuple | list):
        names = getattr(item, "_fields", ())
        image, label = _position(names, IMAGE_KEYS, 0), _position(names, LABEL_KEYS, 1)
        if max(image, label) < len(item):
            return image, label
    if isinstance(item, tuple | list) or kind_of_image(item) is not None:
        raise LabelError(
            f"every item must have a label; got {describe_item(item)} at index 0 (an image alone). "
            "Hand out (image, label)."
        )
    raise ShapeError(
        f"an item must be (image, label, ...) or a dictionary; got {describe_item(item)} at index 0. "
        "Hand out (image, label) or {'image': ..., 'label': ...}."
    )


def _key(item: Mapping[str, Any], known: tuple[str, ...], what: str) -> str:
    found = next((key for key in known if key in item), None)
    if found is None:
        error = LabelError if what == "label" else ShapeError
        raise error(
            f"an item must have the {what} under one of {', '.join(known)}; got {describe_item(item)} at index 0. "
            f"Rename the key to {what!r}."
        )
    return found


def _position(names: Sequence[str], known: tuple[str, ...], default: int) -> int:
    return next((names.index(name) for name in known if name in names), default)


def _blank(value: Any) -> Any:
    if isinstance(value, Tensor):
        return torch.full_like(value, _blank_number(value.dtype.is_floating_point, value.dtype.is_signed))
    if isinstance(value, np.ndarray | np.generic):
        return _blank_array(value)
    if isinstance(value, bool | str):
        return type(value)()
    if isinstance(value, int | float):
        return _blank_number(isinstance(value, float), True)
    if isinstance(value, Mapping):
        return {key: _blank(inner) for key, inner in value.items()}
    return _sequence_like(value, [_blank(inner) for inner in value]) if isinstance(value, tuple | list) else None


def _blank_array(value: np.ndarray | np.generic) -> Any:
    number = _blank_number(value.dtype.kind == "f", value.dtype.kind == "i")
    blank = np.full_like(value, number) if value.dtype.kind in "fiub" else np.zeros_like(value)
    return blank if isinstance(value, np.ndarray) else blank[()]


def _blank_number(is_float: bool, is_signed: bool) -> float:
    return float("nan") if is_float else -1 if is_signed else 0


def _sequence_like(old: Any, values: list[Any]) -> Any:
    return type(old)._make(values) if hasattr(old, "_make") else type(old)(values)


def _pil_image(image: np.ndarray, mode: str) -> Any:
    from PIL import Image

    return Image.frombytes(mode, (image.shape[1], image.shape[0]), np.ascontiguousarray(image).tobytes())
