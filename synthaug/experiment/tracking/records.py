"""A study's records as plain rows: the names, numbers and pictures that a tracker shows. Nothing here knows MLflow."""

import math
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from synthaug.experiment.results import FULL, FULL_UNLABELLED, LearnerRecord, SplitResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_PARAMETER_LENGTH = 500
_UNLABELLED = "gan unlabelled"
_SUMMARY = ("score", "difference", "low", "high", "p_value", "p_adjusted", "p_gain", "detectable")
_INCHES_PER_IMAGE, _INCHES_PER_LETTER, _MARGIN = 0.45, 0.075, 0.3


class Point(NamedTuple):
    """One value of one metric.

    Attributes
    ----------
    key
        The metric's name.
    value
        Its value.
    step
        The number of the split, or the learner's step.
    seconds
        When it was reached, in seconds after the run began.
    """

    key: str
    value: float
    step: int = 0
    seconds: float = 0.0


def metric_key(*parts: object) -> str:
    """Return a metric's name, each part made of characters that MLflow accepts, joined by a slash.

    A character that it refuses becomes its code point, so that two classes never share a name.

    Examples
    --------
    >>> metric_key("recall", "malignant"), metric_key("recall", "<50"), metric_key("recall", ">50")
    ('recall/malignant', 'recall/_x3c_50', 'recall/_x3e_50')
    """
    return "/".join(_part(str(part)) for part in parts)[:250]


def flat_parameters(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return nested settings as one level of strings, the names joined by dots, long values cut.

    Examples
    --------
    >>> flat_parameters({"seed": 0, "generator": {"name": "cgan", "lr": 2e-4}})
    {'seed': '0', 'generator.name': 'cgan', 'generator.lr': '0.0002'}
    """
    flat: dict[str, str] = {}
    for name, value in settings.items():
        inner = flat_parameters(value) if isinstance(value, Mapping) else {}
        pairs = {f"{name}.{key}": text for key, text in inner.items()} or {str(name): _short(str(value))}
        flat.update({metric_key(key): text for key, text in pairs.items()})
    return flat


def tag_texts(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return tags as text, under names that MLflow takes.

    Examples
    --------
    >>> tag_texts({"team/site: a": 3, "a[0],b": "x"})
    {'team/site: a': '3', 'a_x5b_0_x5d__x2c_b': 'x'}
    """
    return {_tag_key(str(key)): str(value) for key, value in tags.items()}


def arm_points(result: SplitResult, arm: str, *, scoring: str, baseline: str) -> list[Point]:
    """Return one arm's metrics in one split, the split's number as the step.

    Parameters
    ----------
    result
        The split.
    arm
        One of ``result.scores``.
    scoring
        The primary metric; it and ``accuracy`` also get their gain over the baseline in the same split.
    baseline
        The arm that gains are taken from; without a score of it there are no gains.
    """
    scores, base = result.scores[arm], result.scores.get(baseline, {})
    gained = [name for name in dict.fromkeys(("accuracy", scoring)) if name in scores and name in base]
    values = scores | {f"{name}_gain": scores[name] - base[name] for name in gained}
    values |= {"n_added": result.n_added.get(arm, 0)} | (
        {"seconds": result.seconds[arm]} if arm in result.seconds else {}
    )
    return [Point(metric_key(name), float(value), result.index) for name, value in values.items()]


def learner_points(record: LearnerRecord) -> list[Point]:
    """Return a learner's loss terms over its steps, its quality as ``quality/<metric>/<class>``, its rows and seconds.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> history = pd.DataFrame({"step": [1], "images_seen": [8], "seconds": [0.5], "critic": [1.25]})
    >>> none = np.empty(0)
    >>> record = LearnerRecord("full", 40, 0.5, {}, history, pd.DataFrame(), none, none)
    >>> [(point.key, point.value) for point in learner_points(record)]
    [('critic', 1.25), ('n_rows', 40.0), ('seconds', 0.5)]
    """
    size = [Point("n_rows", float(record.n_rows)), Point("seconds", float(record.seconds))]
    return _loss_points(record.history) + _quality_points(record.quality) + size


def learner_user(learner: str, result: SplitResult) -> str | None:
    """Return the first arm of a split that uses a learner, whose run the learner's belongs beneath; None where none."""
    of_unlabelled = [arm for arm in result.learned_arms if arm == _UNLABELLED]
    others = [arm for arm in result.learned_arms if arm not in (_UNLABELLED, result.gated_arm)]
    of_gate = [arm for arm in result.scores if arm == result.gated_arm]
    users = {FULL: others, FULL_UNLABELLED: of_unlabelled + others}.get(learner, of_gate)
    return next(iter(users), None)


def verdict_points(row: pd.Series, means: pd.Series) -> list[Point]:
    """Return an arm's row of the summary and its mean metrics, ``<metric>_mean``, as points.

    Parameters
    ----------
    row
        The arm's row of ``Comparison.summary()``; what is no finite number is left out.
    means
        The mean of each metric over the splits, by its name.
    """
    numbers = {name: row[name] for name in _SUMMARY if name in row}
    numbers |= {f"{name}_mean": value for name, value in means.items()}
    return finite(Point(metric_key(name), float(value)) for name, value in numbers.items())


def verdict_tags(row: pd.Series) -> dict[str, str]:
    """Return an arm's tags: its verdict, and its gain where it has one.

    Examples
    --------
    >>> verdict_tags(pd.Series({"difference": 0.0125, "verdict": "helps"}))
    {'verdict': 'helps', 'gain': '0.0125'}
    """
    gain = float(row["difference"])
    return {"verdict": str(row["verdict"])} | ({"gain": f"{gain:.6g}"} if math.isfinite(gain) else {})


def finite(points: Iterable[Point]) -> list[Point]:
    """Return the points whose value is a finite number.

    Examples
    --------
    >>> finite([Point("kid", 0.5), Point("kid", float("nan"))])
    [Point(key='kid', value=0.5, step=0, seconds=0.0)]
    """
    return [point for point in points if math.isfinite(point.value)]


def sample_grid(record: LearnerRecord, class_names: Sequence[str] = ()) -> "Figure | None":
    """Return a figure with a row of images for each class, the real ones left of the synthetic ones.

    Parameters
    ----------
    record
        The learner; where it holds no real rows only the synthetic ones are shown.
    class_names
        A name for each class; their numbers by default.

    Returns
    -------
    The figure, or None for a learner without images.
    """
    if not record.synthetic.size:
        return None
    blocks = [images for images in (record.real, record.synthetic) if images.size]
    titles = ["real", "synthetic"][-len(blocks) :]
    names = class_names if len(class_names) == len(record.synthetic) else [str(i) for i in range(len(record.synthetic))]
    return _draw([_mosaic(images) for images in blocks], titles, [str(name) for name in names])


def _loss_points(history: pd.DataFrame) -> list[Point]:
    terms = [column for column in history.columns if column not in ("step", "images_seen", "seconds")]
    return [
        Point(metric_key(term), float(value), int(step), float(seconds))
        for term in terms
        for step, seconds, value in zip(history["step"], history["seconds"], history[term], strict=True)
    ]


def _quality_points(quality: pd.DataFrame) -> list[Point]:
    if quality.empty:
        return []
    rows = zip(quality["metric"], quality["class"], quality["value"], strict=True)
    return finite(Point(metric_key("quality", metric, name), float(value)) for metric, name, value in rows)


def _part(text: str) -> str:
    escaped = re.sub(r"[^\w.\- ]|^\.(?=\.+[^.])", lambda match: f"_x{ord(match[0]):x}_", text)
    return "_" * max(1, len(escaped)) if escaped.strip(".") == "" else escaped


def _tag_key(name: str) -> str:
    """Return the name itself where MLflow takes it for a tag, else one that it takes."""
    legal = re.fullmatch(r"[/\w.\- :]{1,250}", name) and posixpath.normpath(name) == name
    return name if legal and not name.startswith(("/", "..")) and name != "." else metric_key(name)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_PARAMETER_LENGTH else text[: _MAX_PARAMETER_LENGTH - 1] + "…"


def _mosaic(images: np.ndarray) -> np.ndarray:
    """Return images (n_classes, k, h, w, c) as one RGB image, a row for each class."""
    rgb = images if images.shape[-1] == 3 else images.mean(axis=-1, keepdims=True).repeat(3, axis=-1)
    gap = 1 + rgb.shape[2] // 16
    padded = np.pad(rgb.astype(np.uint8), ((0, 0), (0, 0), (0, gap), (0, gap), (0, 0)), constant_values=255)
    n_classes, k, height, width, _ = padded.shape
    return padded.transpose(0, 2, 1, 3, 4).reshape(n_classes * height, k * width, 3)


def _draw(mosaics: list[np.ndarray], titles: list[str], names: list[str]) -> "Figure":
    """Return the mosaics beside each other on one pair of axes: a layout engine would draw everything twice."""
    from matplotlib.figure import Figure

    picture, starts = _side_by_side(mosaics, gap=mosaics[0].shape[0] // len(names) // 2)
    height, width, _ = picture.shape
    inches = _INCHES_PER_IMAGE * len(names) / height
    left = _MARGIN + _INCHES_PER_LETTER * max(len(name) for name in names)
    figure = Figure((left + width * inches + _MARGIN, height * inches + 2 * _MARGIN))
    size = figure.get_size_inches()
    axes = figure.add_axes((left / size[0], _MARGIN / size[1], width * inches / size[0], height * inches / size[1]))
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    for start, title in zip(starts, titles, strict=True):
        axes.text(start, -2, title, fontsize=9, va="bottom")
    for row, name in enumerate(names):
        middle = (row + 0.5) * height / len(names)
        axes.text(-3, middle, name, fontsize=8, ha="right", va="center", parse_math=False)
    return figure


def _side_by_side(mosaics: list[np.ndarray], *, gap: int) -> tuple[np.ndarray, list[int]]:
    """Return one picture of all mosaics, a blank strip between two, and where each begins."""
    blank = np.full((mosaics[0].shape[0], gap, 3), 255, dtype=np.uint8)
    strips = [strip for mosaic in mosaics for strip in (mosaic, blank)][:-1]
    ends = np.cumsum([strip.shape[1] for strip in strips])
    return np.concatenate(strips, axis=1), [0, *ends[1::2].tolist()]


def batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Yield the items in runs of at most ``size``.

    Examples
    --------
    >>> [list(batch) for batch in batches([1, 2, 3], 2)]
    [[1, 2], [3]]
    """
    for start in range(0, len(items), size):
        yield items[start : start + size]
