"""The dossier for machines: one JSON object, whose keys and meaning stay the same within a schema version.

``schema_version`` is *major.minor*: a key that is added raises the second number, one that is removed or changes its
meaning the first. Numbers that were not measured are null, and ``not_measured`` says so in words.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from synthaug._version import __version__
from synthaug.experiment.dossier_data import DataUsed
from synthaug.experiment.dossier_evidence import ALL, Evidence, betrayed_classes
from synthaug.experiment.dossier_gaps import not_measured
from synthaug.experiment.dossier_limits import Limit, limits_of_use
from synthaug.experiment.report_classes import QUALITY_MEANINGS
from synthaug.experiment.report_columns import column_likeness
from synthaug.experiment.report_copies import COPYING
from synthaug.experiment.report_quality import names_of
from synthaug.experiment.report_settings import settings_part
from synthaug.experiment.report_verdict import answer
from synthaug.experiment.results import LearnerRecord

SCHEMA, SCHEMA_VERSION = "synthaug.model_card", "1.0"
Record = dict[str, Any]


@dataclass(frozen=True)
class ModelCard:
    """What a reviewer's program reads.

    Attributes
    ----------
    schema, schema_version
        What this is, and in which version of it.
    name, written_at, written_by
        The study, when the card was written (UTC, ISO 8601), and by which version of synthaug.
    answer
        What the study says should be done, in words.
    data
        The rows in numbers (``DataUsed``); None where they were not counted. No row is in here.
    generation
        How rows were made: learner, parameters, learners with their rows, steps and seconds, how rows are drawn, and
        the SHA-256 of every file of the saved learners.
    audit
        What rows give away: a record a class with ``copy_rate``, ``distance_ratio`` and ``membership_auc``, each with
        value, floor, low and high; and the classes whose training rows show.
    quality
        A record a class and metric: value, and floor (the same of as many held-out real rows).
    columns
        For tables a record a class and column: how alike synthetic and real values are, 0 to 1, beside the floor.
    utility
        The primary metric, the design, and a record an arm: score, paired difference from the baseline with its 95 %
        interval, adjusted p, the chance of more than ``rope``, the smallest gain that could have been seen, verdict;
        and the same beside the best arm without learned rows; ``intervals``: every metric's, by resampling whole
        groups, where that was asked for.
    gate
        How often each candidate was chosen, and the sentence of each split.
    limits
        Limits of use.
    not_measured
        What was not measured.
    versions
        Programs by name.
    reproduce
        Commands, and the settings with every seed.
    """

    schema: str
    schema_version: str
    name: str
    written_at: str
    written_by: str
    answer: str
    data: DataUsed | None
    generation: Record
    audit: Record
    quality: list[Record]
    columns: list[Record]
    utility: Record
    gate: Record
    limits: list[Limit]
    not_measured: list[str]
    versions: dict[str, str]
    reproduce: Record

    def to_json(self) -> str:
        """Return the card as JSON text; what is not finite is null."""
        return json.dumps(_plain(asdict(self)), indent=1, ensure_ascii=False, allow_nan=False)


def model_card(evidence: Evidence) -> ModelCard:
    """Return the model card of a study's evidence."""
    comparison = evidence.comparison
    said = answer(comparison)
    return ModelCard(
        schema=SCHEMA,
        schema_version=SCHEMA_VERSION,
        name=comparison.name,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        written_by=f"synthaug {__version__}",
        answer=f"{said['word']} {said['text']}".strip(),
        data=evidence.data,
        generation=_generation(evidence),
        audit=_audit(evidence),
        quality=_quality(evidence),
        columns=_columns(evidence),
        utility=_utility(evidence),
        gate=_gate(evidence),
        limits=limits_of_use(evidence),
        not_measured=not_measured(evidence),
        versions=evidence.environment,
        reproduce=_reproduce(evidence),
    )


def _columns(evidence: Evidence) -> list[Record]:
    table = column_likeness(evidence.comparison.splits)
    said = names_of(table["class"], evidence.comparison.class_names)
    table = table.assign(**{"class": [said.get(label, label) for label in table["class"]]})
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _generation(evidence: Evidence) -> Record:
    learners, settings = evidence.learners, evidence.comparison.settings
    parameters = dict(learners[0].parameters) if learners else {}
    return {
        "learner": parameters.pop("learner", None),
        "parameters": parameters,
        "conditioned_on": "class",
        "drawing": settings.get("augmenter"),
        "learners": [_learner(learner) for learner in learners],
        "files_sha256": evidence.saved,
    }


def _learner(record: LearnerRecord) -> Record:
    steps, images = (_last(record.history, name) for name in ("step", "images_seen"))
    return {
        "folder": record.folder,
        "n_rows": record.n_rows,
        "seconds": record.seconds,
        "n_steps": steps,
        "rows_seen": images,
    }


def _last(history: pd.DataFrame, column: str) -> int | None:
    return int(history[column].iloc[-1]) if len(history) and column in history else None


def _audit(evidence: Evidence) -> Record:
    names = [ALL, *evidence.classes]
    found = [name for name in names if any((name, metric) in evidence.figures.index for metric in COPYING)]
    records = [{"class": name, **{metric: _figures(evidence, name, metric) for metric in COPYING}} for name in found]
    return {
        "meaning": {"copy_rate": QUALITY_MEANINGS["copy_rate"], **_ATTACK},
        "classes": records,
        "training_rows_show_in": betrayed_classes(evidence),
    }


def _figures(evidence: Evidence, name: str, metric: str) -> Record:
    return {which: evidence.figure(name, metric, which) for which in ("value", "floor", "low", "high")}


def _quality(evidence: Evidence) -> list[Record]:
    kept = [key for key in evidence.figures.index if key[1] not in COPYING]
    return [
        {"class": name, "metric": metric, **{k: evidence.figure(name, metric, k) for k in ("value", "floor")}}
        for name, metric in kept
    ]


def _utility(evidence: Evidence) -> Record:
    comparison = evidence.comparison
    learned = [arm for arm in comparison.learned_arms if arm != comparison.reference]
    return {
        "metric": comparison.scoring,
        "design": comparison.design,
        "n_splits": len(comparison.splits),
        "n_splits_planned": evidence.n_planned,
        "baseline": comparison.baseline,
        "rope": comparison.rope,
        "interval": 0.95,
        "arms": [{"arm": str(arm), **row.to_dict()} for arm, row in comparison.summary().iterrows()],
        "best_without_learned_rows": comparison.reference,
        "beside_best": [asdict(comparison.verdict(arm, comparison.reference)) for arm in learned],
        "intervals": comparison.intervals().to_dict("records"),
        "intervals_over_best": comparison.intervals(over=comparison.reference).to_dict("records"),
        "skipped": dict(comparison.skipped),
        "sentence": comparison.sentence(),
    }


def _gate(evidence: Evidence) -> Record:
    splits = [split for split in evidence.comparison.splits if len(split.decision) or split.explanation]
    tables = [split.decision for split in splits if len(split.decision)]
    chosen = [str(name) for table in tables for name in table.loc[table["chosen"].astype(bool), "candidate"]]
    return {
        "n_decisions": len(splits),
        "n_with_learned_rows": sum(split.gate_took_learned_rows for split in splits),
        "chosen": {name: chosen.count(name) for name in dict.fromkeys(chosen)},
        "sentences": [split.explanation for split in splits],
    }


def _reproduce(evidence: Evidence) -> Record:
    part = settings_part(evidence.comparison.settings)
    return {**{name: part[name] for name in ("install", "command", "call")}, "settings": evidence.comparison.settings}


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


_ATTACK = {
    "distance_ratio": "distance of synthetic rows to the nearest training row, over that of held-out rows; 1 is as new",
    "membership_auc": "how often nearness ranks a training row before a held-out one; 0.5 is chance, 1 always",
}
