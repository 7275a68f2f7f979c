"""How good synthetic rows are, class by class, each figure beside what as many real rows get in their place.

The floor of a figure is the same figure for held-out real rows at equal n: in each class the larger of the two sets is
cut at random to the size of the smaller, so both have the same class mix. A figure says something only by its distance
from the floor.

Features come from a fixed random network (or from the caller's), standardised by the training rows. Features of a
classifier trained on the same rows would be nearer to what a person sees; they are not used yet.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch

from synthaug._card import card
from synthaug._seed import derive
from synthaug.data.schema import Schema
from synthaug.errors import unknown_word
from synthaug.quality.agreement import cross_fit
from synthaug.quality.floors import (
    Embed,
    embedding,
    frame_beside_floors,
    labelled_sets,
    nearest_to_training,
    table_beside_floors,
)
from synthaug.quality.measures import BETTER, FRECHET, MEASURES, Rows
from synthaug.quality.membership import Groups, RowsAndLabels

ALL = "all"
_CARD_TEXT = "How good the synthetic rows are, class by class"
_CARD_NOTE = "In brackets: the same figure for as many held-out real rows. A figure says something only beside it."


@dataclass(frozen=True)
class QualityReport:
    """What ``assess`` found.

    Attributes
    ----------
    frame
        One row a class and metric: ``class`` (index, or ``"all"``), ``metric``, ``value``, ``floor`` (the value of as
        many held-out real rows), ``n_real``, ``n_synthetic`` (how many rows both were measured on), ``low`` and
        ``high`` (a 95 % interval, of ``membership_auc`` only). NaN where a class has too few rows.
    """

    frame: pd.DataFrame

    def _repr_html_(self) -> str:
        return card([("flat", _CARD_TEXT)], table_beside_floors(self.frame), note=_CARD_NOTE)

    def worst(self, metric: str) -> pd.Series:
        """Return the frame's row of the class that does worst in a metric, compared with its floor.

        Parameters
        ----------
        metric
            A word of the frame's column ``metric``.

        Returns
        -------
        A row of the frame; its value is NaN where no class had enough rows.

        Raises
        ------
        ConfigError
            If the report has no such metric.
        """
        rows = self.frame[(self.frame["metric"] == metric) & (self.frame["class"] != ALL)]
        if rows.empty:
            raise unknown_word("metric", metric, dict.fromkeys(self.frame["metric"]))
        floor = rows["floor"].fillna(rows["floor"].mean()).fillna(1.0)
        excess = rows["value"] - floor
        badness = {"lower": excess, "higher": -excess, "equal": excess.abs()}[BETTER[metric]]
        return rows.iloc[int(badness.fillna(-math.inf).to_numpy().argmax())]


def told_apart(labels: Sequence[Any]) -> list[Any]:
    """Return labels as a frame has them: one that is ``"all"``, as the total is, has ``(class)`` behind it.

    Examples
    --------
    >>> told_apart(["all", "none"])
    ['all (class)', 'none']
    """
    said = ALL
    while said in (ALL, *labels):
        said += " (class)"
    return [said if label == ALL else label for label in labels]


def assess(
    real: RowsAndLabels,
    synthetic: RowsAndLabels,
    holdout: RowsAndLabels,
    *,
    schema: Schema,
    feature_network: Embed | None = None,
    k: int = 5,
    seed: int = 0,
    groups: Groups | None = None,
) -> QualityReport:
    """Return how good synthetic rows are, for each class and for all, beside the floor that real rows set.

    Metrics: ``kid``, ``precision``, ``recall``, ``density``, ``coverage`` and ``diversity`` on features (``diversity``
    of all rows is the mean over classes, so that a collapse inside the classes shows); ``agreement`` and
    ``classifier_score`` from a classifier trained on ``real``; ``frechet`` if a network is given; and what ``audit``
    measures.

    Rows that a ``Selector`` of the same training rows let through agree with this classifier more than they should: it
    has other random features but the same form. The honest figure is that of the rows before selection.

    Parameters
    ----------
    real, synthetic, holdout
        Rows and labels ``(x, y)``: the training rows, the rows to assess, and real rows that neither the generator nor
        the classifier saw (with none, floors and copy rates are NaN). Images (n, c, h, w) in [-1, 1] or tables (n, d),
        float32; labels (n,), int64.
    schema
        What the rows are.
    feature_network
        Rows to features (n, d), used in place of the random network.
    k
        Which nearest neighbour sets the radius of precision, recall, density and coverage.
    seed
        Names the random features, the classifier's folds and the rows that equal n leaves out.
    groups
        Which training rows and which held-out rows belong together, shapes (n,) and (m,), no group in both; each row
        alone by default.

    Raises
    ------
    ShapeError
        If rows and labels differ in number, rows are not of the schema's shape, or there is no real or synthetic row.
    LabelError
        If a label is not one of the schema's classes.

    Examples
    --------
    >>> import torch
    >>> from synthaug.data.schema import Column, TableSchema
    >>> schema = TableSchema((Column("a", "number"), Column("b", "number")), n_classes=2)
    >>> x, y = torch.randn(90, 2, generator=torch.Generator().manual_seed(0)), torch.arange(90) % 2
    >>> report = assess((x[:30], y[:30]), (x[30:60], y[30:60]), (x[60:], y[60:]), schema=schema)
    >>> report.frame.columns.tolist()
    ['class', 'metric', 'value', 'floor', 'n_real', 'n_synthetic', 'low', 'high']
    """
    sets = labelled_sets(real, synthetic, holdout, schema=schema)
    rows = _describe(*sets, schema=schema, network=feature_network, seed=seed, groups=groups)
    measures = MEASURES if feature_network is None else (*MEASURES, FRECHET)
    frame = frame_beside_floors(sets, rows, measures, n_classes=schema.n_classes, k=k, seed=seed, groups=groups)
    return QualityReport(frame)


@torch.no_grad()
def _describe(
    *sets: RowsAndLabels, schema: Schema, network: Embed | None, seed: int, groups: Groups | None
) -> list[Rows]:
    """Return features, class probabilities and nearness of each set, as the first set (the training rows) sees them."""
    x, y = torch.cat([x for x, _ in sets]), torch.cat([y for _, y in sets])
    of_training = None if groups is None else groups[0].numpy()
    judge = cross_fit(*sets[0], schema=schema, seed=derive(seed, "judge"), groups=of_training)
    embed = embedding(sets[0][0], schema=schema, network=network, seed=seed)
    nearest = torch.cat(nearest_to_training(*(x for x, _ in sets), schema=schema, network=network, seed=seed))
    rows = Rows(y, embed(x), judge.probabilities(x), nearest)
    return [rows.take(index) for index in torch.arange(len(x)).split([len(labels) for _, labels in sets])]
