"""Whether synthetic rows betray the rows they were learned from: the simplest attack, and how well it does.

The attacker holds the synthetic rows and takes a row for a training row if a synthetic row of its class lies near it.
Its AUC is the probability that a training row lies nearer to a synthetic row than a held-out one of the same class does
(ties count half): 0.5 where synthetic rows tell nothing, 1 where they are copies. Classes are averaged by the number of
their training rows, so that training and held-out rows may differ in their class mix.

The interval of one class is Newcombe's for an AUC, which has a width even where the attack never fails; that of the
average combines the classes' (Zou and Donner). Where rows belong to groups, such as patients, there are taken to be
(sum of sizes)^2 / sum of squared sizes of them, as if a patient's further rows said nothing new (Kish): the interval is
too wide where they do say something.

References
----------
Hilprecht et al., "Monte Carlo and Reconstruction Membership Inference Attacks against Generative Models", 2019.
Kish, "Survey Sampling", 1965 (the effective number of clustered rows).
Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2", 2006, method 5.
Zou, Donner, "Construction of confidence limits about effect measures: a general approach", 2008.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from synthaug.quality.copying import nearest_distances

RowsAndLabels = tuple[Tensor, Tensor]
Groups = tuple[Tensor, Tensor]

NO_SECRET = 0.5
_Z = 1.959964
_HALVINGS = 60
_TINY = 1e-12


@dataclass(frozen=True)
class Membership:
    """How well an attack tells training rows from held-out ones.

    Attributes
    ----------
    auc
        Probability that the attack ranks a training row before a held-out one.
    low, high
        Its 95 % interval.
    n_members, n_others
        How many training and how many held-out rows it was tried on.
    """

    auc: float
    low: float
    high: float
    n_members: int
    n_others: int


def attack(
    real: RowsAndLabels,
    synthetic: RowsAndLabels,
    holdout: RowsAndLabels,
    *,
    n_classes: int,
    groups: Groups | None = None,
) -> dict[int | str, Membership]:
    """Return how well nearness to the synthetic rows tells the training rows of each class, and of all, from others.

    Parameters
    ----------
    real, synthetic, holdout
        Rows and labels ``(x, y)``: the training rows, those learned from them, and real rows held back. Images
        (n, c, h, w) or tables (n, d), float; labels (n,), int64.
    n_classes
        How many classes there are.
    groups
        Which training rows and which held-out rows belong together, shapes (n,) and (m,); each row alone by default.

    Returns
    -------
    By class number, and under ``"all"`` their average; NaN where a class lacks rows of one of the three.
    """
    (real_x, real_y), (synthetic_x, synthetic_y), (holdout_x, holdout_y) = real, synthetic, holdout
    scale = _scale(torch.cat([real_x, holdout_x]))
    real_groups, holdout_groups = groups or (torch.arange(len(real_y)), torch.arange(len(holdout_y)))
    found: dict[int | str, Membership] = {}
    for label in range(n_classes):
        near, far = (x[y == label] / scale for x, y in ((real_x, real_y), (holdout_x, holdout_y)))
        targets = synthetic_x[synthetic_y == label] / scale
        distances = [nearest_distances(rows, targets)[0] for rows in (near, far)]
        found[label] = membership(*distances, groups=(real_groups[real_y == label], holdout_groups[holdout_y == label]))
    return {"all": average([each for each in found.values() if math.isfinite(each.auc)]), **found}


def membership(members: Tensor, others: Tensor, *, groups: Groups | None = None) -> Membership:
    """Return how well small distances tell members from others.

    Parameters
    ----------
    members, others
        Distance of each row to the nearest synthetic row, shapes (n,) and (m,).
    groups
        Which of either belong together, shapes (n,) and (m,); each row alone by default.

    Returns
    -------
    The attack's AUC and interval; NaN without rows, or without a synthetic row to be near to.
    """
    n, m = len(members), len(others)
    if min(n, m) == 0 or not torch.isfinite(members).all():
        return Membership(math.nan, math.nan, math.nan, n, m)
    ordered = others.sort().values
    nearer, as_near = (torch.searchsorted(ordered, members, right=right) for right in (False, True))
    auc = 1 - float((nearer + as_near).double().mean()) / (2 * m)
    sizes = (n, m) if groups is None else (_effective(groups[0]), _effective(groups[1]))
    return Membership(auc, _limit(auc, 0.0, *sizes), _limit(auc, 1.0, *sizes), n, m)


def average(parts: list[Membership]) -> Membership:
    """Return the average of attacks on different rows, by the number of members; NaN of none."""
    n, m = sum(part.n_members for part in parts), sum(part.n_others for part in parts)
    shares = [part.n_members / n for part in parts]
    auc = sum(share * part.auc for share, part in zip(shares, parts, strict=True)) if parts else math.nan
    below = math.hypot(*(share * (part.auc - part.low) for share, part in zip(shares, parts, strict=True)))
    above = math.hypot(*(share * (part.high - part.auc) for share, part in zip(shares, parts, strict=True)))
    return Membership(auc, auc - below, auc + above, n, m)


def _scale(rows: Tensor) -> Tensor:
    """Return the spread of a table's columns (d,) over training and held-out rows alike; 1 for images."""
    if rows.ndim != 2:
        return torch.ones(())
    spread = rows.std(0, correction=0)
    return torch.where(spread > _TINY, spread, 1.0)


def _effective(groups: Tensor) -> float:
    """Return how many rows alone say as much as those of these groups (n,) at least do."""
    sizes = groups.unique(return_counts=True)[1].double()
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def _limit(auc: float, end: float, n: float, m: float) -> float:
    """Return where, between ``auc`` and ``end``, the true AUC is so far that ``auc`` is 1.96 standard errors off."""
    inside, outside = auc, end
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if abs(middle - auc) < _Z * _standard_error(middle, n, m):
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2


def _standard_error(auc: float, n: float, m: float) -> float:
    mean_size = (n + m) / 2 - 1
    within = 1 + mean_size * ((1 - auc) / (2 - auc) + auc / (1 + auc))
    return math.sqrt(max(0.0, auc * (1 - auc) * within / (n * m)))
