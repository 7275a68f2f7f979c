"""The parts of a report that show the learners: loss curves and pictures."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from synthaug.experiment.axis import Axis, count_range, fit_axis, metric_text, tick_text
from synthaug.experiment.figures import image_strip, loss_curves
from synthaug.experiment.results import LearnerRecord, SplitResult, shown_learners
from synthaug.statistics.units import spoken

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

Part = dict[str, Any]
_MOST_CLASSES = 40
_MOST_IMAGES = 10


def learning_part(splits: Sequence[SplitResult]) -> Part:
    """Return the learners' loss curves as SVG paths and a line of facts."""
    learners = shown_learners(splits)
    panels = [curve_panel(term, steps, lines) for term, (steps, lines) in loss_curves(learners).items()]
    n_all = sum(len(split.learners) for split in splits)
    facts = [("learners", str(n_all))] if learners else []
    if learners:
        n_full = sum(learner.of_all_rows for learner in learners)
        facts.append(("of all training rows", str(n_full) if n_full else "none: the gate's alone"))
        facts.append(("time each, median", f"{np.median([learner.seconds for learner in learners]):.1f} s"))
        facts.append(("rows each", count_range([learner.n_rows for learner in learners])))
    return {"panels": panels, "facts": facts, "parameters": _parameters(learners)}


def _parameters(learners: Sequence[LearnerRecord]) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in learners[0].parameters.items()] if learners else []


def curve_panel(term: str, steps: np.ndarray, lines: np.ndarray) -> Part:
    """Return curves, shape (n_curves, s), over steps (s,), and their mean as SVG paths with the ticks of both axes."""
    axis = fit_axis(np.percentile(lines, [0.5, 99.5]), most_ticks=4)
    across = replace(fit_axis([steps[0], steps[-1]], most_ticks=4), low=float(steps[0]), high=float(steps[-1]) + 1e-9)
    return {
        "term": metric_text(term),
        "lines": [_path(steps, line, across, axis) for line in lines] if len(lines) > 1 else [],
        "mean": _path(steps, lines.mean(axis=0), across, axis),
        "ticks": tick_text(axis),
        "steps": [(place, f"{tick:,.0f}") for (place, _), tick in zip(tick_text(across), across.ticks, strict=True)],
        "text": f"{metric_text(term)} from {spoken(lines[:, 0].mean(), 3)} to {spoken(lines[:, -1].mean(), 3)}",
    }


def _path(steps: np.ndarray, line: np.ndarray, across: Axis, axis: Axis) -> str:
    places = [(across.place(float(x)), axis.place(float(y))) for x, y in zip(steps, line, strict=True)]
    return "M" + "L".join(f"{x:.1f} {100 - y:.1f}" for x, y in places if x is not None and y is not None)


def images_part(comparison: "Comparison", *, include_real_rows: bool) -> Part:
    """Return a row of pictures for each class, real ones beside synthetic ones, from the first learner that has any."""
    found = [learner for learner in shown_learners(comparison.splits) if learner.synthetic.size]
    if not found:
        return {"rows": [], "real": False, "more": 0, "widest": 1}
    synthetic, real = found[0].synthetic, found[0].real
    with_real = include_real_rows and real.size > 0
    names = _names(comparison.class_names, len(synthetic))
    rows = [
        {"name": names[i], "real": _picture(real[i]) if with_real else None, "synthetic": _picture(synthetic[i])}
        for i in range(min(len(synthetic), _MOST_CLASSES))
    ]
    widest = min(_MOST_IMAGES, max(synthetic.shape[1], real.shape[1]))
    return {"rows": rows, "real": with_real, "more": len(synthetic) - len(rows), "widest": widest}


def _names(names: Sequence[str], n_classes: int) -> list[str]:
    return [str(name) for name in names] if len(names) == n_classes else [str(i) for i in range(n_classes)]


def _picture(images: np.ndarray) -> Part | None:
    """Return images side by side, or None where there is none (all are black: a class with too few rows)."""
    there = [image for image in images[:_MOST_IMAGES] if image.any()]
    if not there:
        return None
    content = base64.b64encode(image_strip(np.stack(there))).decode()
    return {"source": f"data:image/png;base64,{content}", "width": len(there)}
