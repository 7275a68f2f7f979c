"""The parts of the training page, each from what a fitted augmenter holds; empty where it holds nothing of the kind."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from synthaug._seed import derive
from synthaug.experiment.axis import count_range, metric_text
from synthaug.experiment.figures import image_strip
from synthaug.experiment.pictures import animation, as_pixels, data_uri, png, sheet, with_bar
from synthaug.experiment.report_learners import curve_panel
from synthaug.statistics.units import NOT_THERE, spoken

if TYPE_CHECKING:
    from synthaug.augment.augmenter import SyntheticAugmenter
    from synthaug.augment.diagnosis import Finding

Part = dict[str, Any]
_NOT_TERMS = ("step", "images_seen", "seconds")
_MOST_CLASSES, _MOST_A_CLASS = 10, 6
_WALK_FRAMES = 9
_FEWEST_ABREAST = 12
_MOST_TICKS = 8
_FRAME_MILLISECONDS, _LAST_MILLISECONDS = 350, 1800
_LEAST_PIXELS = 28
_ENDINGS = {
    "finished": "at the last step",
    "settled": "as held-out rows came no nearer",
    "stopped": "by a callback",
    "cut": "by the limit of seconds",
    "collapsed": "as the drawn rows became one",
    "diverged": "as a loss was no longer finite",
}
MEANINGS: dict[str, str] = {
    "distance": "Kernel distance of drawn rows to real ones; 0 is no distance",
    "diversity": "How much drawn rows differ, over the real rows' own; 1 is as varied as real",
    "acceptance": "Share of drawn rows that the selector keeps; some, such as 'best', drop most by design",
    "another_class": "Share of drawn rows that the selector takes for rows of another class",
}


def findings_part(augmenter: "SyntheticAugmenter") -> list[Part]:
    """Return the diagnosis in sentences, one for each kind, or one that says that nothing was found or is known."""
    kinds: dict[str, list[str]] = {}
    findings: list[Finding] | None = getattr(augmenter, "diagnosis_", None)
    if findings is None:
        return [{"style": "flat", "text": "Whether anything went wrong is not known: none was saved.", "others": []}]
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(_sentence(finding))
    found = [{"style": "hurts", "text": first, "others": others} for first, *others in kinds.values()]
    return found or [{"style": "helps", "text": "Nothing was found wrong with this run.", "others": []}]


def _sentence(finding: "Finding") -> str:
    text = str(finding)
    return text[:1].upper() + text[1:]


def facts_part(augmenter: "SyntheticAugmenter") -> list[tuple[str, str]]:
    """Return what was learned, how long, and how it ended, as words and values."""
    counts = list(augmenter.class_counts_.values())
    facts = [("classes", f"{len(augmenter.learned_)} of {len(counts)}"), ("rows each", count_range(counts))]
    if len(augmenter.history_):
        last = augmenter.history_.iloc[-1]
        facts.append(("steps", f"{last['step']:,.0f}"))
        facts.append(("real rows, one batch a step", f"{last['images_seen']:,.0f}"))
    facts.append(("time", f"{augmenter.seconds_:.1f} s"))
    ending = getattr(augmenter.generator_, "ending_", None)
    if ending is not None:
        facts.append(("ended", _ENDINGS.get(ending.kind, str(ending.kind))))
        facts.append(("weights kept", f"of step {ending.kept_step:,}"))
    return facts


def losses_part(augmenter: "SyntheticAugmenter") -> list[Part]:
    """Return a panel for each term of ``history_``, the critic's accuracy last."""
    history = augmenter.history_
    terms = [str(name) for name in history if name not in _NOT_TERMS]
    terms.sort(key=lambda term: term == "critic_accuracy")
    return [panel for term in terms for panel in _panel(term, history["step"].to_numpy(float), history[[term]])]


def _panel(term: str, steps: np.ndarray, values: pd.DataFrame) -> list[Part]:
    """Return a panel of the columns that have a value at every step; none where there is no such column."""
    lines = values.to_numpy(float).T
    whole = lines[np.isfinite(lines).all(axis=1)]
    return [curve_panel(term, steps, whole)] if whole.size else []


def looks_part(augmenter: "SyntheticAugmenter") -> Part:
    """Return a panel each for distance and diversity over time, a line a class, and what they were measured on."""
    looks = getattr(augmenter, "quality_history_", pd.DataFrame())
    if not len(looks):
        return {"panels": [], "measured_on": ""}
    panels, codes = [], pd.factorize(looks["class"], use_na_sentinel=False)[0]
    for metric in ("distance", "diversity"):
        table = looks.assign(code=codes).pivot_table(index="step", columns="code", values=metric, dropna=False)
        panels += _panel(metric, table.index.to_numpy(float), table)
    return {"panels": panels, "measured_on": looks["measured_on"].iloc[0]}


def snapshots_part(augmenter: "SyntheticAugmenter") -> Part:
    """Return the same noise at each look: a strip over time for each class, and all of it as an animation."""
    snapshots = getattr(augmenter, "snapshots_", {})
    if augmenter.image_shape_ is None or not len(snapshots.get("steps", ())):
        return _strips_part([], [], 0)
    steps = snapshots["steps"]
    images = np.stack([as_pixels(augmenter.codec_.encode(shown)) for shown in snapshots["images"]])
    codes, classes = pd.factorize(snapshots["labels"], use_na_sentinel=False)
    shown = [np.flatnonzero(codes == code) for code in range(min(len(classes), _MOST_CLASSES))]
    strips = _strips_part(classes.tolist(), [images[:, places[0]] for places in shown], len(classes))
    each = min(_MOST_A_CLASS, *(len(places) for places in shown))
    moving, still = _animated(images[:, np.stack([places[:each] for places in shown])], steps)
    return strips | {"ticks": _step_ticks(steps), "animated": moving, "still": still}


def _strips_part(labels: Sequence[Any], images: Sequence[np.ndarray], n_classes: int) -> Part:
    """Return images (t, h, w, c) of each class as a strip under its label."""
    strips = [data_uri(image_strip(some, least_pixels=_LEAST_PIXELS)) for some in images]
    rows = [
        {"name": _name(label), "picture": {"source": source, "width": len(some)}}
        for label, some, source in zip(labels, images, strips, strict=False)
    ]
    widest = max([_FEWEST_ABREAST, *map(len, images)])
    return {"rows": rows, "widest": widest, "ticks": [], "more": n_classes - len(rows)}


def _name(label: Any) -> str:
    return "all rows" if pd.isna(label) else str(label)


def _animated(frames: np.ndarray, steps: np.ndarray) -> tuple[str, str]:
    """Return images (t, classes, k, h, w, c) as an animation and its last picture as a still one."""
    pictures = [with_bar(sheet(frame), step / steps[-1]) for frame, step in zip(frames, steps, strict=True)]
    times = [_FRAME_MILLISECONDS] * (len(pictures) - 1) + [_LAST_MILLISECONDS]
    return data_uri(animation(pictures, milliseconds=times)), data_uri(png(pictures[-1]))


def _step_ticks(steps: np.ndarray) -> list[tuple[float, str]]:
    every = -(-len(steps) // _MOST_TICKS)
    places = range(len(steps) - 1, -1, -every)
    return [(round(100 * (place + 0.5) / len(steps), 2), f"{steps[place]:,}") for place in reversed(places)]


def walks_part(augmenter: "SyntheticAugmenter") -> Part:
    """Return for each class a strip from one drawn row to another, where the learner can walk between them."""
    walk = getattr(augmenter.generator_, "walk", None)
    n_classes = len(augmenter.learned_)
    if walk is None or augmenter.image_shape_ is None or n_classes == 0:
        return _strips_part([], [], 0)
    places = torch.arange(min(n_classes, _MOST_CLASSES))
    walks = walk(places, _WALK_FRAMES, derive(augmenter.seed_, "walk"))
    labels = augmenter.classes_[augmenter.learned_].tolist()
    return _strips_part(labels, [as_pixels(frames) for frames in walks], n_classes)


def quality_part(augmenter: "SyntheticAugmenter") -> Part:
    """Return ``quality_`` as a table: a row a class, a column a metric."""
    quality = augmenter.quality_
    if not len(quality):
        return {"metrics": [], "rows": [], "measured_on": ""}
    metrics = list(dict.fromkeys(quality["metric"]))
    names = list(dict.fromkeys(quality["class"].tolist()))
    values = {(name, metric): value for name, metric, value in quality[["class", "metric", "value"]].to_numpy()}
    rows = [(_name(name), [_number(values.get((name, metric), np.nan)) for metric in metrics]) for name in names]
    heads = [(metric_text(metric), MEANINGS.get(metric, "")) for metric in metrics]
    return {"metrics": heads, "rows": rows, "measured_on": quality["measured_on"].iloc[0]}


def _number(value: float) -> str:
    return spoken(value, 2) if np.isfinite(value) else NOT_THERE
