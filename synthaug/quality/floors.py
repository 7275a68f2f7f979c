"""Figures of synthetic rows, class by class, each beside its floor: that of held-out real rows in their place."""

import math
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import torch
from torch import Tensor

from synthaug._card import CardTable
from synthaug._seed import derive, torch_stream
from synthaug.data.schema import Schema
from synthaug.errors import LabelError, ShapeError
from synthaug.models.features import RandomFeatures
from synthaug.quality.copying import nearest_distances
from synthaug.quality.measures import MEMBERSHIP, Group, Measure, Rows
from synthaug.quality.membership import NO_SECRET, Groups, Membership, RowsAndLabels, attack

Embed = Callable[[Tensor], Tensor]

_BLOCK_ROWS = 512
_LITTLE = 0.1  # features that spread less, as a share of the average one, hardly differ


def labelled_sets(
    real: RowsAndLabels, synthetic: RowsAndLabels, holdout: RowsAndLabels, *, schema: Schema
) -> list[RowsAndLabels]:
    """Return the three sets on the CPU as float32, checked: ShapeError or LabelError if one is not of the schema."""
    for name, (x, y) in (("real", real), ("synthetic", synthetic), ("holdout", holdout)):
        _check(name, x, y, schema, least=0 if name == "holdout" else 1)
    return [(x.detach().cpu().float(), y.detach().cpu()) for x, y in (real, synthetic, holdout)]


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


def frame_beside_floors(
    sets: list[RowsAndLabels],
    rows: list[Rows],
    measures: tuple[Measure, ...],
    *,
    n_classes: int,
    k: int,
    seed: int,
    groups: Groups | None = None,
) -> pd.DataFrame:
    """Return each measure of each class and of all rows, beside its floor, and the attack on them: a report's frame."""
    trained, drawn, held = rows
    drawn, stand_in = _equalise(drawn, held, n_classes, seed)
    group, floor = (Group(trained, side, stand_in, side.probabilities.mean(0), k) for side in (drawn, stand_in))
    records, attacks = _records("all", group, floor, measures), attack(*sets, n_classes=n_classes, groups=groups)
    records.append(_attack_record("all", attacks["all"], len(sets[1][1])))
    group, floor = replace(group, holdout=held), replace(floor, holdout=held)  # one class: no mix to keep equal
    for label in range(n_classes):
        records += _records(label, _of_class(group, label), _of_class(floor, label), measures)
        records.append(_attack_record(label, attacks[label], int((sets[1][1] == label).sum())))
    return pd.DataFrame(records)


@torch.no_grad()
def nearest_to_training(
    train: Tensor, drawn: Tensor, held: Tensor, *, schema: Schema, network: Embed | None, seed: int
) -> list[Tensor]:
    """Return distances to the nearest training row in pixels and in features, (n, 2) of each set; 0 of the first."""
    embed = embedding(train, schema=schema, network=network, seed=seed)
    others = nearest_distances(torch.cat([drawn, held]), train, embed=embed).T
    return [others.new_zeros(len(train), 2), others[: len(drawn)], others[len(drawn) :]]


def embedding(train: Tensor, *, schema: Schema, network: Embed | None, seed: int) -> Embed:
    """Return the features that distances are taken in: a network's, else random ones, standardised."""
    return _standardised(network or RandomFeatures(schema, seed=derive(seed, "assess")), train)


def _standardised(network: Embed, train: Tensor) -> Embed:
    """Return the network with features of mean 0 and variance 1 over the training rows.

    Those that hardly differ over them, such as a unit that no training row switches on, are scaled as others are on
    average: by their own spread a single row that switches one on would stand far from all others.
    """
    raw = torch.cat([network(block) for block in train.split(_BLOCK_ROWS)]).float()
    if raw.ndim != 2:
        raise ShapeError(f"feature_network must return features (n, d); got {tuple(raw.shape)}. Flatten them.")
    centre, spread = raw.mean(0), raw.std(0, correction=0)
    scale = torch.where(spread < _LITTLE * spread.mean(), spread.mean(), spread) + 1e-2 * spread.mean() + 1e-6
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


def _attack_record(label: int | str, found: Membership, n_synthetic: int) -> dict[str, object]:
    counts = {"n_real": found.n_members, "n_synthetic": n_synthetic, "low": found.low, "high": found.high}
    floor = NO_SECRET if math.isfinite(found.auc) else math.nan
    return {"class": label, "metric": MEMBERSHIP, "value": found.auc, "floor": floor, **counts}


def table_beside_floors(frame: pd.DataFrame) -> CardTable:
    """Return a row a class and a column a metric: the value, and in brackets what real rows get."""
    metrics, classes = list(dict.fromkeys(frame["metric"])), list(dict.fromkeys(frame["class"].tolist()))
    cells = {(label, metric): (value, floor) for label, metric, value, floor, *_ in frame.itertuples(index=False)}
    found = [[cells.get((label, metric), (math.nan, math.nan)) for metric in metrics] for label in classes]
    texts = [[f"{value:.2f} ({floor:.2f})" if value == value else "–" for value, floor in row] for row in found]
    rows = [[str(label), *row] for label, row in zip(classes, texts, strict=True)]
    return CardTable(["class", *(metric.replace("_", " ") for metric in metrics)], rows)
