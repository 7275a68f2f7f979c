"""How good synthetic rows are, class by class, each figure beside what as many real rows get in their place.

The floor of a figure is the same figure for held-out real rows at equal n: in each class the larger of the two sets is
cut at random to the size of the smaller, so both have the same class mix. A figure says something only by its distance
from the floor.

Features come from a fixed random network (or from the caller's), standardised by the training rows. Features of a
classifier trained on the same rows would be nearer to what a person sees; they are not used yet.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd
import torch
from torch import Tensor

from synthaug._seed import derive, torch_stream
from synthaug.data.schema import Schema
from synthaug.errors import LabelError, ShapeError, unknown_word
from synthaug.models.features import RandomFeatures
from synthaug.quality.agreement import cross_fit
from synthaug.quality.copying import nearest_distances
from synthaug.quality.measures import BETTER, FRECHET, MEASURES, Group, Measure, Rows

Embed = Callable[[Tensor], Tensor]
RowsAndLabels = tuple[Tensor, Tensor]

_BLOCK_ROWS = 512


@dataclass(frozen=True)
class QualityReport:
    """What ``assess`` found.

    Attributes
    ----------
    frame
        One row a class and metric: ``class`` (index, or ``"all"``), ``metric``, ``value``, ``floor`` (the value of as
        many held-out real rows), ``n_real``, ``n_synthetic`` (how many rows both were measured on). NaN where a class
        has too few rows.
    """

    frame: pd.DataFrame

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
        rows = self.frame[(self.frame["metric"] == metric) & (self.frame["class"] != "all")]
        if rows.empty:
            raise unknown_word("metric", metric, dict.fromkeys(self.frame["metric"]))
        floor = rows["floor"].fillna(rows["floor"].mean()).fillna(1.0)
        excess = rows["value"] - floor
        badness = {"lower": excess, "higher": -excess, "equal": excess.abs()}[BETTER[metric]]
        return rows.iloc[int(badness.fillna(-math.inf).to_numpy().argmax())]


def assess(
    real: RowsAndLabels,
    synthetic: RowsAndLabels,
    holdout: RowsAndLabels,
    *,
    schema: Schema,
    feature_network: Embed | None = None,
    k: int = 5,
    seed: int = 0,
) -> QualityReport:
    """Return how good synthetic rows are, for each class and for all, beside the floor that real rows set.

    Metrics: ``kid``, ``precision``, ``recall``, ``density``, ``coverage`` and ``diversity`` on features (``diversity``
    of all rows is the mean over classes, so that a collapse inside the classes shows); ``agreement`` and
    ``classifier_score`` from a classifier trained on ``real``; ``copy_rate``; ``frechet`` if a network is given.

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
    ['class', 'metric', 'value', 'floor', 'n_real', 'n_synthetic']
    """
    for name, (x, y) in (("real", real), ("synthetic", synthetic), ("holdout", holdout)):
        _check(name, x, y, schema, least=0 if name == "holdout" else 1)
    trained, drawn, held = _describe(real, synthetic, holdout, schema=schema, network=feature_network, seed=seed)
    drawn, stand_in = _equalise(drawn, held, schema.n_classes, seed)
    measures = MEASURES if feature_network is None else (*MEASURES, FRECHET)
    group, floor = (Group(trained, rows, stand_in, rows.probabilities.mean(0), k) for rows in (drawn, stand_in))
    records = _records("all", group, floor, measures)
    group, floor = replace(group, holdout=held), replace(floor, holdout=held)  # one class: no mix to keep equal
    for label in range(schema.n_classes):
        records += _records(label, _of_class(group, label), _of_class(floor, label), measures)
    return QualityReport(pd.DataFrame(records))


def _check(name: str, x: Tensor, y: Tensor, schema: Schema, *, least: int) -> None:
    if tuple(x.shape[1:]) != tuple(schema.shape) or len(x) != len(y):
        raise ShapeError(
            f"{name} must be rows of shape {tuple(schema.shape)} and as many labels; "
            f"got {tuple(x.shape)} and {tuple(y.shape)}."
        )
    if len(x) < least:
        raise ShapeError(f"{name} must have at least {least} rows; got {len(x)}.")
    if len(y) and not 0 <= int(y.min()) <= int(y.max()) < schema.n_classes:
        raise LabelError(
            f"labels of {name} must lie in 0 .. {schema.n_classes - 1}; got {int(y.min())} .. {int(y.max())}."
        )


@torch.no_grad()
def _describe(*sets: RowsAndLabels, schema: Schema, network: Embed | None, seed: int) -> list[Rows]:
    """Return features, class probabilities and nearness of each set, as the first set (the training rows) sees them."""
    cpu_sets = [(x.detach().cpu().float(), y.detach().cpu()) for x, y in sets]
    train, x, y = cpu_sets[0][0], torch.cat([x for x, _ in cpu_sets]), torch.cat([y for _, y in cpu_sets])
    judge = cross_fit(*cpu_sets[0], schema=schema, seed=derive(seed, "judge"))
    embed = _standardised(network or RandomFeatures(schema, seed=derive(seed, "assess")), train)
    nearest = torch.zeros(len(x), 2)
    nearest[len(train) :] = nearest_distances(x[len(train) :], train, embed=embed).T
    rows = Rows(y, embed(x), judge.probabilities(x), nearest)
    return [rows.take(index) for index in torch.arange(len(x)).split([len(labels) for _, labels in cpu_sets])]


def _standardised(network: Embed, train: Tensor) -> Embed:
    """Return the network with features of mean 0 and variance 1 over the training rows; constant ones stay small."""
    raw = torch.cat([network(block) for block in train.split(_BLOCK_ROWS)]).float()
    if raw.ndim != 2:
        raise ShapeError(f"feature_network must return features (n, d); got {tuple(raw.shape)}. Flatten them.")
    centre, spread = raw.mean(0), raw.std(0, correction=0)
    scale = spread + 1e-2 * spread.mean() + 1e-6
    return lambda x: (torch.cat([network(block) for block in x.split(_BLOCK_ROWS)]).float() - centre) / scale


def _equalise(drawn: Rows, held: Rows, n_classes: int, seed: int) -> tuple[Rows, Rows]:
    """Return both with equally many rows of each class, cut at random; classes without held-out rows stay whole."""
    kept: tuple[list[Tensor], list[Tensor]] = ([], [])
    for label in range(n_classes):
        generator = torch_stream(seed, "equal n", label)
        rows = [torch.nonzero(side.labels == label).flatten() for side in (drawn, held)]
        n = min(len(rows[0]), len(rows[1])) or len(rows[0])
        for side, index in zip(kept, rows, strict=True):
            side.append(index[torch.randperm(len(index), generator=generator)[:n]])
    return drawn.take(torch.cat(kept[0])), held.take(torch.cat(kept[1]))


def _of_class(group: Group, label: int) -> Group:
    real, synthetic, holdout = (rows.of(label) for rows in (group.real, group.synthetic, group.holdout))
    return replace(group, real=real, synthetic=synthetic, holdout=holdout)


def _records(label: int | str, group: Group, floor: Group, measures: tuple[Measure, ...]) -> list[dict[str, object]]:
    counts = {"n_real": len(group.real), "n_synthetic": len(group.synthetic)}
    values = {name: value for measure in measures for name, value in measure(group).items()}
    floors = {name: value for measure in measures for name, value in measure(floor).items()}
    return [{"class": label, "metric": name, "value": values[name], "floor": floors[name], **counts} for name in values]
