"""A table's columns, real beside synthetic: how alike each is, shares of its values, and which columns go together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from synthaug.experiment.axis import fit_axis, tick_text
from synthaug.experiment.column_figures import Associations, ColumnFigures
from synthaug.experiment.column_shapes import MISSING, Marginal
from synthaug.experiment.report_classes import few_digits
from synthaug.experiment.report_quality import names_of
from synthaug.experiment.results import SplitResult, shown_learners
from synthaug.statistics.units import spoken

Part = dict[str, Any]
_SHORT = 0.1  # of likeness below what real rows get
_MOST_CLASSES = 6
_MOST_LISTED = 60
_MOST_PAIRS = 8
_TALLEST = 92.0
_MARGIN, _DATE_MARGIN = 8.0, 25.0  # nearer to an end a tick's text would be cut


def columns_part(splits: Sequence[SplitResult], *, names: Sequence[str]) -> Part:
    """Return what a report shows of a table's columns; ``rows`` is empty for images.

    Parameters
    ----------
    splits
        The study's splits.
    names
        The classes, in the order of their labels.
    """
    found = _measured(splits)
    if not found:
        return {"rows": []}
    drawn = next((one for one in found if one.marginals or one.associations), found[0])
    table = column_likeness(splits)
    labels = list(dict.fromkeys(table["class"]))[:_MOST_CLASSES]
    said = names_of(table["class"], names)
    return {
        "n": len(found),
        "least": drawn.least_rows,
        "classes": [str(said.get(label, label)) for label in labels],
        "more_classes": table["class"].nunique() - len(labels),
        "rows": _rows(table, labels)[:_MOST_LISTED],
        "more": max(0, drawn.n_columns - len(drawn.keys) - min(_MOST_LISTED, table["column"].nunique())),
        "left_out": list(drawn.keys),
        "marginals": _marginals(drawn, table, {label: str(said.get(label, label)) for label in labels}),
        "tables": [
            _heat(one, str(said.get(one.label, one.label))) for one in drawn.associations if one.label in labels
        ],
        "pairs": [_pair_row(str(said.get(label, label)), found, label) for label in labels],
        "differences": _pairs_most_different(drawn.associations, {label: said.get(label, label) for label in labels}),
    }


def column_likeness(splits: Sequence[SplitResult]) -> pd.DataFrame:
    """Return ``class``, ``column``, ``value``, ``floor``: means over the learners; without a row for images."""
    found = [record for one in _measured(splits) for record in one.likeness]
    records = pd.DataFrame(found, columns=["class", "column", "value", "floor"])
    return records.groupby(["class", "column"], sort=False)[["value", "floor"]].mean().reset_index()


def _measured(splits: Sequence[SplitResult]) -> list[ColumnFigures]:
    found = [learner.columns for learner in shown_learners(splits) if learner.columns is not None]
    return [one for one in found if one.likeness]


def _rows(table: pd.DataFrame, labels: Sequence[str]) -> list[Part]:
    """Return a row a column, the least alike first, with a cell for each class and their mean."""
    means = table.groupby("column", sort=False)[["value", "floor"]].mean()
    order = (means["floor"].fillna(1.0) - means["value"]).sort_values(ascending=False, kind="stable").index
    at = table.set_index(["class", "column"])
    return [
        {
            "name": str(name),
            "mean": _cell(means.loc[name]),
            "cells": [_cell(at.loc[(label, name)]) for label in labels],
        }
        for name in order
    ]


def _cell(figures: pd.Series) -> Part:
    value, floor = float(figures["value"]), float(figures["floor"])
    return {"value": few_digits(value), "floor": few_digits(floor), "weak": bool(value < floor - _SHORT)}


def _marginals(drawn: ColumnFigures, table: pd.DataFrame, labels: dict[str, str]) -> list[Part]:
    """Return a part a column with a panel for each class; the least alike column first."""
    means = table.groupby("column", sort=False)[["value", "floor"]].mean()
    kept = [one for one in drawn.marginals if one.label in labels]
    columns = dict.fromkeys(one.column for one in kept)
    behind = means["value"] - means["floor"].fillna(1.0)
    worst = sorted(columns, key=lambda name: float(behind[name]))
    return [
        {
            "name": name,
            "likeness": _cell(means.T[name]),
            "panels": [_panel(one, labels[one.label]) for one in kept if one.column == name],
        }
        for name in worst
    ]


def _panel(marginal: Marginal, label: str) -> Part:
    part = {"label": label, "column": marginal.column, "missing": _missing(marginal)}
    if marginal.kind == "category":
        most = max(*marginal.real, *marginal.synthetic)
        bars = zip(marginal.names, marginal.real, marginal.synthetic, strict=True)
        return {**part, "bars": [_bar(name, real, made, most) for name, real, made in bars], "steps": None}
    return {**part, "bars": [], "steps": _steps(marginal)}


def _bar(name: str, real: float, synthetic: float, most: float) -> Part:
    widths = [round(100 * share / most, 2) for share in (real, synthetic)]
    return {"name": name, "widths": widths, "text": f"real {_percent(real)}, synthetic {_percent(synthetic)}"}


def _steps(marginal: Marginal) -> Part:
    """Return real shares as boxes and synthetic ones as a line of steps, densities, in percent of the drawing."""
    edges = np.array(marginal.edges)
    heights = np.array([marginal.real, marginal.synthetic]) / np.diff(edges)
    heights *= _TALLEST / max(heights.max(), 1e-12)
    places = 100 * (edges - edges[0]) / (edges[-1] - edges[0])
    boxes = [
        (round(a, 2), round(100 - h, 2), round(max(b - a, 0), 2), round(h, 2))
        for a, b, h in zip(places, places[1:], heights[0], strict=False)
    ]
    points = [(x, 100 - h) for a, b, h in zip(places, places[1:], heights[1], strict=False) for x in (a, b)]
    return {
        "boxes": boxes,
        "line": "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points),
        "ticks": _ticks(marginal),
    }


def _ticks(marginal: Marginal) -> list[tuple[float | None, str]]:
    low, high = marginal.edges[0], marginal.edges[-1]
    axis = fit_axis([low, high], most_ticks=4)
    texts = tick_text(axis)
    if marginal.kind == "date":
        texts = [(place, _date(tick)) for (place, _), tick in zip(texts, axis.ticks, strict=True)]
    places = [round(100 * (tick - low) / (high - low), 2) for tick in axis.ticks]
    margin = _DATE_MARGIN if marginal.kind == "date" else _MARGIN
    return [(place, text) for place, (_, text) in zip(places, texts, strict=True) if margin <= place <= 100 - margin]


def _date(days: float) -> str:
    return str(pd.Timestamp("1970-01-01") + pd.Timedelta(days=round(days)))[:10]


def _missing(marginal: Marginal) -> str:
    if marginal.missing is None:
        return ""
    return f"{MISSING}: real {_percent(marginal.missing[0])}, synthetic {_percent(marginal.missing[1])}"


def _heat(found: Associations, label: str) -> Part:
    sides = [_cells(found, table) for table in (found.real, found.synthetic)]
    return {
        "label": label,
        "columns": list(found.columns),
        "sides": list(zip(("real", "synthetic"), sides, strict=True)),
    }


def _cells(found: Associations, table: Sequence[Sequence[float]]) -> list[list[Part]]:
    names = found.columns
    return [
        [_tile(value, f"{names[i]}, {names[j]}") if i != j else _tile(np.nan, names[i]) for j, value in enumerate(row)]
        for i, row in enumerate(table)
    ]


def _tile(value: float, what: str) -> Part:
    known = np.isfinite(value)
    return {
        "percent": round(100 * abs(value)) if known else 0,
        "style": "minus" if known and value < 0 else "plus",
        "text": f"{what}: {spoken(value, 2)}" if known else what,
    }


def _pair_row(name: str, found: Sequence[ColumnFigures], label: str) -> Part:
    """Return one class's mean difference of associations, a mean over the learners."""
    records = [one for figures in found for one in figures.pairs if one["class"] == label]
    value, floor = (float(np.mean([one[key] for one in records])) for key in ("value", "floor"))
    return {"name": name, "value": few_digits(value), "floor": few_digits(floor), "weak": bool(value > floor + _SHORT)}


def _pairs_most_different(tables: Sequence[Associations], names: dict[str, Any]) -> list[Part]:
    """Return the pairs whose real and synthetic associations differ most, over all classes."""
    found = [
        (abs(one.real[i][j] - one.synthetic[i][j]), one, i, j)
        for one in tables
        for i in range(len(one.columns))
        for j in range(i)
        if one.label in names and np.isfinite(one.real[i][j] - one.synthetic[i][j])
    ]
    worst = sorted(found, key=lambda each: -each[0])[:_MOST_PAIRS]
    return [
        {
            "class": str(names[one.label]),
            "pair": f"{one.columns[j]}, {one.columns[i]}",
            "real": spoken(one.real[i][j], 2),
            "synthetic": spoken(one.synthetic[i][j], 2),
        }
        for _, one, i, j in worst
    ]


def _percent(share: float) -> str:
    return f"{spoken(100 * share, 0)} %"
