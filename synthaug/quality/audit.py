"""How much synthetic rows give away of the rows they were learned from, calibrated by real rows held back."""

import math
from dataclasses import dataclass

import pandas as pd

from synthaug._card import card
from synthaug.data.schema import Schema
from synthaug.quality.floors import (
    Embed,
    frame_beside_floors,
    labelled_sets,
    nearest_to_training,
    table_beside_floors,
)
from synthaug.quality.measures import COPYING, MEMBERSHIP, Rows
from synthaug.quality.membership import NO_SECRET, Groups, RowsAndLabels

_CARD_NOTE = "In brackets: what as many new real rows give. No training row is shown, and no proof of privacy is made."


@dataclass(frozen=True)
class CopyAudit:
    """What ``audit`` found.

    Attributes
    ----------
    frame
        As a ``QualityReport``'s, with the metrics ``copy_rate``, ``distance_ratio`` and ``membership_auc``.
    """

    frame: pd.DataFrame

    @property
    def betrays(self) -> bool:
        """Whether the attack is right more often than chance allows: its whole interval lies above 0.5."""
        return bool(self._of_all(MEMBERSHIP)["low"] > NO_SECRET)

    def _repr_html_(self) -> str:
        tone = "hurts" if self.betrays else "flat"
        return card([(tone, str(self))], table_beside_floors(self.frame), note=_CARD_NOTE)

    def __str__(self) -> str:
        """Return the audit as a sentence."""
        copies, ratio, auc = (self._of_all(name) for name in ("copy_rate", "distance_ratio", MEMBERSHIP))
        shows = "Training rows show" if self.betrays else "No evidence that training rows show"
        if math.isnan(auc["value"]):
            return "No class has held-out rows beside synthetic ones, so nothing tells whether training rows show."
        attack = (
            f"{shows}: nearness to synthetic rows tells them from held-out rows with AUC {auc['value']:.2f} "
            f"({auc['low']:.2f} to {auc['high']:.2f}; 0.50 is chance)"
        )
        if math.isnan(copies["value"]):
            return f"{attack}; rows are too few to count copies."
        counted = (
            f"{attack}; {copies['value']:.0%} of the synthetic rows count as copies, where {copies['floor']:.0%} of "
            "new real rows would"
        )
        if math.isnan(ratio["value"]):
            return f"{counted}."
        return f"{counted}; they lie {ratio['value']:.2f} times as far from training rows as new real rows do."

    def _of_all(self, metric: str) -> pd.Series:
        chosen = (self.frame["class"] == "all") & (self.frame["metric"] == metric)
        return self.frame[chosen].iloc[0]


def audit(
    real: RowsAndLabels,
    synthetic: RowsAndLabels,
    holdout: RowsAndLabels,
    *,
    schema: Schema,
    feature_network: Embed | None = None,
    seed: int = 0,
    groups: Groups | None = None,
) -> CopyAudit:
    """Return how much synthetic rows give away of the rows they were learned from, for each class and for all.

    Metrics: ``copy_rate`` (see ``quality.copying``); ``distance_ratio``, the synthetic rows' median distance to the
    nearest training row over that of held-out rows, in pixels (or columns) or in features, whichever is less: below 1
    they lie nearer than new real rows do; ``membership_auc`` (see ``quality.membership``).

    The parameters are those of ``assess``, and so are the errors.
    """
    sets = labelled_sets(real, synthetic, holdout, schema=schema)
    nearest = nearest_to_training(*(x for x, _ in sets), schema=schema, network=feature_network, seed=seed)
    rows = [Rows(y, near[:, :0], near[:, :0], near) for (_, y), near in zip(sets, nearest, strict=True)]
    return CopyAudit(
        frame_beside_floors(sets, rows, COPYING, n_classes=schema.n_classes, k=1, seed=seed, groups=groups)
    )
