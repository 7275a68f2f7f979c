"""Do synthetic rows look like the dataset's own: kind, dtype, shape, range of values, labels.

The range is judged by what must hold for rows that went through one transform, however well the generator learned.
Probes that hold both ends of the training range go through ``transform``. No row leaves what they reach, so the real
rows' mean lies in it and their standard deviation is at most half of it (Popoviciu); and rows that attain far less than
every probe does, while drawn rows attain more, went through another transform. Random transforms get room on all sides.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthaug.augment.torch_data.randomness import lent_streams
from synthaug.augment.torch_data.synthetic import SyntheticDataset
from synthaug.data.item_format import ItemTemplate, kind_of_image, read_template
from synthaug.data.torch_rows import image_array, label_value, split_item
from synthaug.errors import LabelError, ShapeError

_N_ROWS = 32
_REMEDY = (
    "Pass transform=, the transform that the dataset applies to its own rows (synthetic rows leave the augmenter as "
    "its training rows were)."
)
_Images = Sequence[Any]


def read_real_items(real: Any) -> list[Any]:
    """Return up to 32 items spread over a dataset, without moving the global random streams."""
    places = np.unique(np.linspace(0, len(real) - 1, _N_ROWS).round().astype(int))
    with lent_streams():
        return [real[int(place)] for place in places]


def check_match(items: list[Any], synthetic: SyntheticDataset, *, check_range: bool) -> ItemTemplate:
    """Return the template of the real items, or raise because synthetic rows would not look like them.

    Raises
    ------
    ShapeError
        If kind, dtype, shape or range of values differ.
    LabelError
        If the augmenter knows none of the real labels.
    """
    template = read_template(items[0])
    form = template.format
    parts = [split_item(item, form, index) for index, item in enumerate(items)]
    real = [image for image, _ in parts]
    _check_labels([label_value(label, index) for index, (_, label) in enumerate(parts)], synthetic)
    if len(synthetic) > 0:
        images = _synthetic_images(synthetic)
        _check_form(real, images, transformed=synthetic.transform is not None)
        if check_range and synthetic.pixel_range is not None:
            _check_range(real, images, synthetic)
    return template


def _check_labels(labels: list[Any], synthetic: SyntheticDataset) -> None:
    known = synthetic.label_values()
    if not known.intersection(labels):
        raise LabelError(
            f"the dataset's labels must be among the augmenter's; got {labels[0]!r} in the dataset beside "
            f"{sorted(known, key=str)[:8]} in the augmenter. Pass target_transform=, the one that the dataset applies."
        )


def _synthetic_images(synthetic: SyntheticDataset) -> list[Any]:
    rows = synthetic.raw(range(min(len(synthetic), _N_ROWS)))
    return list(rows) if synthetic.transform is None else _transformed(rows, synthetic)


def _check_form(real: _Images, images: _Images, *, transformed: bool) -> None:
    device = str(getattr(real[0], "device", "cpu"))
    if not device.startswith("cpu"):
        raise ShapeError(
            f"the dataset must hold its rows in main memory; got tensors on {device}. Move batches there in the loop."
        )
    expected, arrays = _arrays(real), _arrays(images)
    # Without a transform the rows take on the dataset's own container, so only what is inside must agree.
    same_kind = not transformed or kind_of_image(images[0]) == kind_of_image(real[0])
    one_shape = len({array.shape for array in expected}) == 1
    same_shape = arrays[0].shape == expected[0].shape if one_shape else arrays[0].ndim == expected[0].ndim
    if not (same_kind and same_shape and arrays[0].dtype == expected[0].dtype):
        raise ShapeError(
            f"synthetic rows must look like the dataset's; got {_described(images)} beside the dataset's "
            f"{_described(real)}. {_REMEDY}"
        )


def _transformed(rows: np.ndarray, synthetic: SyntheticDataset) -> list[Any]:
    try:
        images = synthetic.apply_transform(rows)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, RuntimeError) as error:
        raise ShapeError(
            f"transform must take a row as the augmenter gives it, {rows.dtype} of shape {rows.shape[1:]}; it raised "
            f"{type(error).__name__}: {error}. Fit the augmenter on the rows that the transform expects, or convert "
            "them at its start."
        ) from error
    if kind_of_image(images[0]) is None:
        raise ShapeError(
            f"transform must return an array, a tensor or a PIL image; got {type(images[0]).__name__}. "
            "Return the image alone: lambda image: pipeline(image=image)['image'], for example."
        )
    return images


def _check_range(real: _Images, images: _Images, synthetic: SyntheticDataset) -> None:
    low, high = synthetic.pixel_range or (0.0, 0.0)
    probes = [_finite([probe]) for probe in _transformed(_probes(synthetic.raw([0])[0], low, high), synthetic)]
    values, drawn, reached = _finite(real), _finite(images), np.concatenate(probes)
    if not all(part.size for part in (values, drawn, *probes)) or np.ptp(values) == 0 or np.ptp(reached) == 0:
        return
    attained = max(probe.min() for probe in probes), min(probe.max() for probe in probes)
    if _lies_outside(values, reached.min(), reached.max()) or _falls_short(values, drawn, *attained):
        raise ShapeError(
            f"synthetic rows must have the dataset's range of values; got {_span(reached)} beside the dataset's "
            f"{_span(values)}. {_REMEDY} If the ranges are right, pass check_range=False."
        )


def _probes(like: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return raw rows (12, ...), each of which holds both ends of the range: ramps, halves, single odd pixels."""
    place = np.arange(like.size)
    ramp = np.linspace(low, high, like.size)
    halves = np.where(place < like.size // 2, low, high)
    dot = np.where(place == like.size // 2 + round(like.size**0.5) // 2, high, low)
    rows = np.stack([probe for shape in (ramp, halves, dot) for probe in (shape, low + high - shape)] * 2)
    return np.ascontiguousarray(rows.reshape(-1, *like.shape).astype(like.dtype))


def _lies_outside(values: np.ndarray, low: float, high: float) -> bool:
    span = high - low
    lower, upper = np.quantile(values, [0.05, 0.95])
    has_moments = low - 0.3 * span <= values.mean() <= high + 0.3 * span and values.std() <= 0.8 * span
    return bool(not has_moments or lower < low - 0.5 * span or upper > high + 0.5 * span)


def _falls_short(values: np.ndarray, drawn: np.ndarray, low: float, high: float) -> bool:
    """Return whether values leave out a half, both ends or nearly all of what every image of the full range attains."""
    span = high - low
    if span <= 0:
        return False
    below, above = (values.min() - low) / span, (high - values.max()) / span
    leaves_out = below > 0.45 or above > 0.55 or min(below, above) > 0.25 or below + above > 0.98
    # One odd pixel stretches the training range, so the drawn rows must bear the suspicion out.
    is_exceeded = drawn.min() < values.min() - 0.1 * span or drawn.max() > values.max() + 0.1 * span
    return bool(leaves_out and is_exceeded)


def _arrays(images: _Images) -> list[np.ndarray]:
    return [image_array(image, index) for index, image in enumerate(images)]


def _finite(images: _Images) -> np.ndarray:
    values = np.concatenate([array.astype(np.float64).ravel() for array in _arrays(images)])
    return values[np.isfinite(values)]


def _described(images: _Images) -> str:
    first = image_array(images[0], 0)
    kind = {"numpy": "array", "torch": "tensor", "pil": "PIL image"}[kind_of_image(images[0]) or "numpy"]
    return f"{first.dtype} {kind} of shape {first.shape} with {_span(_finite(images))}"


def _span(values: np.ndarray) -> str:
    return f"values from {values.min():.4g} to {values.max():.4g}" if values.size else "no finite values"
