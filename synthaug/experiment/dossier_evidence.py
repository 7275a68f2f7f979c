"""What a study's folder holds as evidence, read once: the dossier says nothing that is not in here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug.experiment.dossier_data import DataUsed
from synthaug.experiment.report_classes import falls_short
from synthaug.experiment.report_quality import quality_tables
from synthaug.experiment.results import LearnerRecord, SplitResult, shown_learners
from synthaug.quality.assess import ALL
from synthaug.quality.measures import BETTER, MEMBERSHIP
from synthaug.quality.membership import NO_SECRET

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

_FIGURES = ["value", "floor", "low", "high"]


@dataclass(frozen=True)
class Evidence:
    """What is known of a study.

    Attributes
    ----------
    comparison
        Its scores, verdicts, learners and settings.
    data
        The rows in numbers; None for a study of before they were counted.
    environment
        Versions by name; those that the settings note where nothing else was kept.
    include_real_rows
        Whether pictures of real rows were allowed.
    n_planned
        How many splits were planned.
    figures
        Means over the learners shown: index ``class``, ``metric``; columns ``value``, ``floor``,
        ``low``, ``high``. Without a row where nothing was measured.
    saved
        SHA-256 of each file of the saved learners, by its path in the study's folder.
    """

    comparison: "Comparison"
    data: DataUsed | None
    environment: dict[str, str]
    include_real_rows: bool
    n_planned: int
    figures: pd.DataFrame
    saved: dict[str, str]

    @property
    def learners(self) -> list[LearnerRecord]:
        """The learners that the study shows: see ``shown_learners``; none where no arm learned."""
        return shown_learners(self.comparison.splits)

    @property
    def classes(self) -> list[str]:
        """The names of the classes that any figure was measured of, as they stand in ``figures``."""
        return [name for name in dict.fromkeys(self.figures.index.get_level_values("class")) if name != ALL]

    def figure(self, name: str, metric: str, which: str = "value") -> float:
        """Return a class's mean figure; NaN where it was not measured."""
        return float(self.figures[which].get((name, metric), np.nan))


def gather(comparison: "Comparison", folder: str | Path, facts: dict[str, Any]) -> Evidence:
    """Return the evidence of a study.

    Parameters
    ----------
    comparison
        Its finished splits.
    folder
        Its folder, for the checksums of saved learners.
    facts
        What ``SplitStore.facts`` says of it.
    """
    data = facts.get("data_used")
    return Evidence(
        comparison=comparison,
        data=None if data is None else DataUsed.from_facts(data),
        environment=dict(facts.get("environment") or comparison.settings.get("versions") or {}),
        include_real_rows=bool(facts["include_real_rows"]),
        n_planned=int(facts.get("n_splits", len(comparison.splits))),
        figures=mean_figures(comparison.splits, names=comparison.class_names),
        saved=_checksums(Path(folder), shown_learners(comparison.splits)),
    )


def mean_figures(splits: Sequence[SplitResult], *, names: Sequence[str]) -> pd.DataFrame:
    """Return each class's figures, means over the learners shown, indexed by class and metric.

    ``names`` are the classes', in the order of their labels.
    """
    tables = quality_tables(splits, names=names)
    if not tables:
        index = pd.MultiIndex.from_arrays([[], []], names=["class", "metric"])
        return pd.DataFrame(columns=_FIGURES, index=index, dtype=float)
    found = pd.concat(tables).reindex(columns=["class", "metric", *_FIGURES])
    return found.groupby(["class", "metric"], sort=False)[_FIGURES].mean()


def weak_classes(evidence: Evidence, metric: str) -> list[tuple[str, float, float]]:
    """Return class, value and floor where a figure falls short of the real rows' own by a fifth or more."""
    found = [(name, evidence.figure(name, metric), evidence.figure(name, metric, "floor")) for name in evidence.classes]
    return [one for one in found if falls_short(one[1], one[2], BETTER.get(metric, ""))]


def betrayed_classes(evidence: Evidence) -> list[str]:
    """Return the classes, ``all`` included, whose attack is right more often than chance: the interval lies above."""
    names = [ALL, *evidence.classes]
    return [name for name in names if evidence.figure(name, MEMBERSHIP, "low") > NO_SECRET]


def _checksums(folder: Path, learners: Sequence[LearnerRecord]) -> dict[str, str]:
    places = [folder / learner.folder for learner in learners if learner.folder is not None]
    files = sorted(path for place in places if place.is_dir() for path in place.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
