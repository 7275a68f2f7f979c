"""A study as one figure, panel by panel what its report shows: differences, scores, worth in labels, recalls."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from synthaug.experiment.axis import metric_text
from synthaug.experiment.figures import VERDICT_COLOURS, draw_differences, quiet
from synthaug.experiment.report_classes import shown_arms, shown_classes
from synthaug.experiment.report_labels import label_curve
from synthaug.statistics.units import unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from synthaug.experiment.comparison import Comparison

Panel = tuple[Callable[["Axes", "Comparison"], None], float]  # what draws it, and how high it is in inches
_ROW_INCHES, _FRAME_INCHES, _CURVE_INCHES = 0.36, 0.95, 2.9
_ARM_COLOURS = ("#6d7480", "#000000", "#0072B2", "#D55E00", "#009E73")
_ARM_MARKERS = ("o", "s", "^", "D", "v")


class StudyFigure(Figure):
    """A figure that a notebook shows by itself, also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()


def plot_study(comparison: "Comparison") -> StudyFigure:
    """Return the study as a figure, with a panel for each of the report's charts that it has data for.

    Parameters
    ----------
    comparison
        What ``compare`` gave.

    Returns
    -------
    A matplotlib figure: differences from the baseline, differences from the best way without learned rows, every
    split's scores, the learning curve with what arms are worth in labels, and recalls class by class.
    """
    panels = _panels(comparison)
    heights = [inches for _, inches in panels]
    figure = StudyFigure(figsize=(7.5, sum(heights)), layout="constrained")
    places = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (draw, _) in zip(places, panels, strict=True):
        draw(axes, comparison)
    return figure


def _panels(comparison: "Comparison") -> list[Panel]:
    n_arms, n_classes = len(comparison.arms), comparison.recalls()["class"].nunique()
    panels: list[Panel] = [(_draw_from_baseline, _inches(n_arms - 1))]
    if comparison.reference != comparison.baseline and comparison.learned_arms:
        panels.append((_draw_from_reference, _inches(len(comparison.learned_arms))))
    panels.append((draw_scores, _inches(n_arms)))
    panels += [(draw_label_curve, _CURVE_INCHES)] if label_curve(comparison) is not None else []
    return panels + ([(draw_recalls, _inches(min(n_classes, 40)))] if n_classes else [])


def _inches(n_rows: int) -> float:
    return _FRAME_INCHES + _ROW_INCHES * max(1, n_rows)


def _draw_from_baseline(axes: "Axes", comparison: "Comparison") -> None:
    draw_differences(axes, comparison, [arm for arm in comparison.arms if arm != comparison.baseline])


def _draw_from_reference(axes: "Axes", comparison: "Comparison") -> None:
    draw_differences(axes, comparison, comparison.learned_arms, baseline=comparison.reference)


def draw_scores(axes: "Axes", comparison: "Comparison") -> None:
    """Draw every split's score, a dot each, and the mean as a line, a row an arm."""
    unit, frame = unit_of(comparison.scoring), comparison.frame
    scores = frame[frame["metric"] == comparison.scoring]
    for row, arm in enumerate(comparison.arms):
        values = unit.factor * scores.loc[scores["arm"] == arm, "value"].to_numpy()
        axes.plot(values, np.full(len(values), row), "o", color=VERDICT_COLOURS["helps"], alpha=0.4, markersize=6)
        axes.plot(values.mean(), row, "|", color="#1b1d20", markersize=13, markeredgewidth=2)
    kind = "draw" if comparison.design == "draws" else "fold"
    _name_rows(axes, comparison.arms)
    axes.set_xlabel(f"{_in_percent(comparison)}, a dot a {kind}", parse_math=False)


def draw_label_curve(axes: "Axes", comparison: "Comparison") -> None:
    """Draw the learning curve of the best way without learned rows, and the level of the best way with them."""
    curve, unit = label_curve(comparison), unit_of(comparison.scoring)
    assert curve is not None
    sizes = curve.sizes.repeat(curve.values.shape[1])
    axes.plot(sizes, unit.factor * curve.values.ravel(), "o", color=VERDICT_COLOURS["baseline"], alpha=0.4)
    named = axes.plot(
        curve.sizes, unit.factor * curve.mean, color="#1b1d20", linewidth=2, label=f"{curve.arm}, made to rise"
    )
    if curve.beside is not None:
        text = _with_worth(curve.beside, comparison)
        named.append(
            axes.axhline(unit.factor * curve.level, color=VERDICT_COLOURS["helps"], linestyle="--", label=text)
        )
    axes.set_xscale("log")
    axes.set_xticks(curve.sizes, [f"{size:,.0f}" for size in curve.sizes])
    axes.minorticks_off()
    axes.set_xlabel("labelled training rows")
    axes.set_ylabel(_in_percent(comparison), parse_math=False)
    _legend(axes, named)
    quiet(axes)


def _in_percent(comparison: "Comparison") -> str:
    percent = unit_of(comparison.scoring).percent
    return metric_text(comparison.scoring) + (f",{percent}" if percent else "")


def _with_worth(arm: str, comparison: "Comparison") -> str:
    texts = comparison.label_equivalence()["text"].to_dict()
    return f"{arm}: {texts[arm]}" if arm in texts else arm


def draw_recalls(axes: "Axes", comparison: "Comparison") -> None:
    """Draw each class's recall, a row a class and a mark an arm, for the arms that tell most."""
    table = comparison.recalls()
    classes = shown_classes(table, comparison.baseline)
    named: list[Line2D] = []
    for arm, colour, marker in zip(shown_arms(comparison), _ARM_COLOURS, _ARM_MARKERS, strict=False):
        recall = table[table["arm"] == arm].set_index("class")["recall"]
        named += axes.plot(100 * recall[classes], range(len(classes)), marker, color=colour, alpha=0.8, label=arm)
    _name_rows(axes, classes)
    axes.grid(axis="y", color="#e4e4de", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("recall of each class, %")
    _legend(axes, named)


def _name_rows(axes: "Axes", names: list[str]) -> None:
    axes.set_yticks(range(len(names)), [str(name) for name in names], parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    quiet(axes, left=False)


def _legend(axes: "Axes", named: list[Line2D]) -> None:
    legend = axes.legend(
        handles=named, frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
