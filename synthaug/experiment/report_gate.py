"""What the gate decided: how often it used learned rows, each candidate over all splits, every split's table."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug.experiment.report_parts import split_name
from synthaug.statistics.units import NOT_THERE, Unit, unit_of

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison
    from synthaug.experiment.results import SplitResult

Part = dict[str, Any]
_NOTHING = "nothing"


def gate_part(comparison: "Comparison") -> Part:
    """Return the gate's decisions; ``n`` is 0 for a study without the arm *gated*."""
    unit = unit_of(comparison.scoring)
    decided = [split for split in comparison.splits if len(split.decision) or split.explanation]
    tables = [split.decision for split in decided if len(split.decision)]
    return {
        "n": len(decided),
        "unit": unit.points,
        "used": _used([split for split in decided if len(split.decision)], comparison.design),
        "rows": _candidates(tables, unit) if tables else [],
        "splits": [_split(split, comparison) for split in decided],
    }


def _used(decided: list["SplitResult"], design: str) -> str:
    """Return how often learned rows, another way without any, and none were chosen, in words."""
    kind, n = "draws" if design == "draws" else "folds", len(decided)
    n_learned, n_none = sum(split.gate_took_learned_rows for split in decided), sum(map(_took_nothing, decided))
    told = [(n_learned, "used learned rows"), (n - n_learned - n_none, "another way without any"), (n_none, "nothing")]
    parts = [f"{text} in {times} of {n} {kind}" for times, text in told if times or text == "used learned rows"]
    return f"It {', '.join(parts)}." if decided else ""


def _took_nothing(split: "SplitResult") -> bool:
    table = split.decision
    return _NOTHING in set(table.loc[table["chosen"].astype(bool), "candidate"])


def _candidates(tables: list[pd.DataFrame], unit: Unit) -> list[Part]:
    groups = pd.concat(tables).groupby("candidate", sort=False)
    return [
        {
            "name": str(name),
            "score": unit.value(float(group["score"].mean())) if "score" in group else NOT_THERE,
            "gain": unit.difference(float(group["gain"].mean())),
            "chosen": int(group["chosen"].astype(bool).sum()),
        }
        for name, group in groups
    ]


def _split(split: "SplitResult", comparison: "Comparison") -> Part:
    unit = unit_of(comparison.scoring)
    return {
        "name": split_name(comparison.design, (split.repeat, split.fold)),
        "sentence": split.explanation,
        "rows": [_candidate(row, unit) for _, row in split.decision.iterrows()],
    }


def _candidate(row: pd.Series, unit: Unit) -> Part:
    interval = [unit.difference(float(row[side])) for side in ("low", "high")]
    return {
        "name": str(row["candidate"]),
        "score": unit.value(float(row.get("score", np.nan))),
        "gain": unit.difference(float(row["gain"])),
        "interval": NOT_THERE if NOT_THERE in interval else " to ".join(interval),
        "chosen": bool(row["chosen"]),
        "why": str(row["why"]),
    }
