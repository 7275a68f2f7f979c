"""What a finished study shows in MLflow: its words, its tables, the page of its arms, the learner worth registering."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug.experiment.results import SplitResult
from synthaug.experiment.tracking.records import metric_key, verdict_tags
from synthaug.statistics.units import unit_of

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

APPROVED = "approved"
_NOT_ASKED, _DECLINED = "not asked", "declined"


def study_verdict(summary: pd.DataFrame) -> dict[str, str]:
    """Return the study's tags: the arm that helps most, or where none does the one with the largest difference.

    Parameters
    ----------
    summary
        ``Comparison.summary()``.

    Examples
    --------
    >>> frame = {"difference": [float("nan"), 0.02, 0.01], "verdict": ["baseline", "no evidence", "helps"]}
    >>> study_verdict(pd.DataFrame(frame, index=["none", "gan", "gated"]))
    {'best_arm': 'gated', 'verdict': 'helps', 'gain': '0.01'}
    """
    arms = summary[summary["verdict"] != "baseline"].dropna(subset=["difference"])
    if arms.empty:
        return {}
    best = arms.assign(helps=arms["verdict"] == "helps").sort_values(["helps", "difference"]).iloc[-1]
    return {"best_arm": str(best.name)} | verdict_tags(best)


def study_tables(comparison: "Comparison") -> dict[str, pd.DataFrame]:
    """Return the study's tables by name; those without a row are left out."""
    tables = {
        "summary": comparison.summary(),
        "recalls": comparison.recalls(),
        "learning_curve": comparison.learning_curve,
        "label_equivalence": comparison.label_equivalence().reset_index(names="arm"),
    }
    return {name: table for name, table in tables.items() if len(table)}


def study_note(comparison: "Comparison") -> str:
    """Return the study's description in Markdown: what it found, then a row for each arm."""
    unit, summary = unit_of(comparison.scoring), comparison.summary()
    what = f"{unit.points or 'difference'} from {comparison.baseline} (95 % interval)"
    lines = [_row("arm", comparison.scoring, what, "verdict"), _row(*["---"] * 4)]
    for arm, row in summary.iterrows():
        found = [unit.difference(row[name]) for name in ("difference", "low", "high")]
        shown = f"{found[0]} ({found[1]} to {found[2]})" if np.isfinite(row["difference"]) else ""
        lines.append(_row(str(arm), unit.value(row["score"]), shown, row["verdict"]))
    return "\n".join([comparison.sentence(), "", *lines])


def runs_page(experiment_id: str, run_id: str) -> str:
    """Return the page of a study's arms beside each other, behind the address of MLflow's server.

    Examples
    --------
    >>> runs_page("1", "abc")
    '#/experiments/1/runs?viewStateShareKey=abc'
    """
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={run_id}"


def runs_view(run_id: str, scoring: str) -> str:
    """Return the state of MLflow's page of runs that shows a study's arms with verdict, difference and interval.

    MLflow reads it from a tag of the experiment; it is what its button *Share* writes.
    """
    metrics = [f"{metric_key(scoring)}_mean", "difference", "low", "high", "n_added"]
    columns = ["tags.`verdict`", *(f"metrics.`{name}`" for name in metrics)]
    search: dict[str, Any] = {
        "searchFilter": f"tags.kind = 'arm' and tags.study_id = '{run_id}'",
        "lifecycleFilter": "Active",
    }
    search |= {"orderByKey": f"metrics.`{metrics[0]}`", "orderByAsc": False}  # by time it would hide what is nested
    search |= {"startTime": "ALL", "datasetsFilter": [], "modelVersionFilter": "All Runs"}
    return json.dumps(search | {"selectedColumns": columns})


@dataclass(frozen=True)
class Registered:
    """The learner of a study that is worth a name of its own.

    Attributes
    ----------
    split
        The split that it learned on.
    learner
        Its record's name.
    gate
        ``approved``, ``declined`` or ``not asked``.
    explanation
        The gate's sentence, or "".
    n_approved, n_gates
        How many of the study's gates approved their learner, and how many were asked.
    """

    split: int
    learner: str
    gate: str
    explanation: str
    n_approved: int
    n_gates: int

    @property
    def approved(self) -> bool:
        """Whether its gate chose to train with its rows, and so did at least half of the study's."""
        return self.gate == APPROVED and 2 * self.n_approved >= self.n_gates

    @property
    def tags(self) -> dict[str, str]:
        """The same as tags."""
        asked = {"approved_splits": f"{self.n_approved} of {self.n_gates}"} if self.n_gates else {}
        return {"split": str(self.split), "gate": self.gate, "explanation": self.explanation} | asked


def registered_learner(splits: Sequence[SplitResult]) -> Registered | None:
    """Return the learner to register: of the first split whose gate approved it, else of the first that was kept.

    None where no split kept a learner.
    """
    words = {split.index: gate_word(split) for split in splits}
    asked = [word for word in words.values() if word != _NOT_ASKED]
    found = [
        Registered(split.index, learner.name, words[split.index], split.explanation, asked.count(APPROVED), len(asked))
        for split in splits
        for learner in split.learners
        if learner.folder is not None
    ]
    return next((learner for learner in found if learner.gate == APPROVED), found[0] if found else None)


def gate_word(split: SplitResult) -> str:
    """Return what a split's gate said about the learner's rows: ``approved``, ``declined`` or ``not asked``."""
    if split.decision.empty:
        return _NOT_ASKED
    return APPROVED if split.gate_took_learned_rows else _DECLINED


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
