"""The dossier of a study: what a reviewer or an ethics board asks about synthetic rows, for people and for machines.

``dossier.html`` is one file without network or script; ``model_card.json`` holds the same for programs. Both come from
a study's folder alone and say openly what was not measured. No real row is in them: counts, figures and settings only,
and pictures of real rows only where the study allows them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthaug._files import make_folder, write_atomically, write_together
from synthaug.experiment.axis import count_range, metric_text
from synthaug.experiment.dossier_card import ModelCard, model_card
from synthaug.experiment.dossier_data import DataUsed
from synthaug.experiment.dossier_evidence import ALL, Evidence, betrayed_classes, gather
from synthaug.experiment.pages import render
from synthaug.experiment.report_classes import quality_part
from synthaug.experiment.report_columns import columns_part
from synthaug.experiment.report_copies import copies_part
from synthaug.experiment.report_gate import gate_part
from synthaug.experiment.report_intervals import intervals_part
from synthaug.experiment.report_labels import labels_part
from synthaug.experiment.report_learners import images_part, learning_part
from synthaug.experiment.report_parts import differences_part
from synthaug.experiment.report_settings import settings_part
from synthaug.experiment.report_verdict import verdict_part
from synthaug.experiment.storage import CARD, DOSSIER, SplitStore
from synthaug.quality.measures import MEMBERSHIP
from synthaug.statistics.units import NOT_THERE, spoken

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

Part = dict[str, Any]
_MOST_COLUMNS = 40


def write_dossier(comparison: "Comparison", folder: str | Path) -> dict[str, Path]:
    """Write ``dossier.html`` and ``model_card.json`` into a study's folder and return their paths, by what they are.

    Parameters
    ----------
    comparison
        The study's finished splits.
    folder
        Its folder.

    Raises
    ------
    FileError
        If the folder holds no study or cannot be written to.
    """
    folder = make_folder(folder)
    evidence = gather(comparison, folder, SplitStore(folder).facts())
    card = model_card(evidence)
    page = dossier_html(evidence, card)
    write_together({folder / DOSSIER: page.encode(), folder / CARD: card.to_json().encode()})
    return {"dossier": folder / DOSSIER, "card": folder / CARD}


def write_card(comparison: "Comparison", folder: str | Path) -> Path:
    """Write ``model_card.json`` into a study's folder and return its path; raises as ``write_dossier`` does."""
    evidence = gather(comparison, folder, SplitStore(folder).facts())
    write_atomically(Path(folder) / CARD, model_card(evidence).to_json().encode())
    return Path(folder) / CARD


def dossier_html(evidence: Evidence, card: ModelCard) -> str:
    """Return the dossier as HTML text."""
    return render("dossier.html", _view(evidence, card))


def _view(evidence: Evidence, card: ModelCard) -> Part:
    comparison = evidence.comparison
    copies = copies_part(comparison.splits, names=comparison.class_names)
    return {
        "name": comparison.name,
        "written": f"{card.written_at[:10]} by {card.written_by}",
        "schema": f"{card.schema} {card.schema_version}",
        "design": comparison.design,
        "baseline": comparison.baseline,
        "verdict": verdict_part(comparison),
        "glance": _glance(evidence),
        "data": _data_part(evidence.data),
        "making": _making_part(evidence, card),
        "images": images_part(comparison, include_real_rows=evidence.include_real_rows),
        "columns": columns_part(comparison.splits, names=comparison.class_names),
        "copies": copies,
        "quality": quality_part(comparison.splits, names=comparison.class_names),
        "differences": differences_part(comparison),
        "intervals": intervals_part(comparison, grouped=_grouped(evidence.data)),
        "gate": gate_part(comparison),
        "limits": card.limits,
        "missing": card.not_measured,
        "labels": labels_part(comparison),
        "settings": {**settings_part(comparison.settings), "versions": list(evidence.environment.items())},
    }


def _glance(evidence: Evidence) -> list[tuple[str, str]]:
    """Return the facts that a reader looks for first, in pairs of a word and a value."""
    data, learners = evidence.data, evidence.learners
    rows = NOT_THERE if data is None else f"{data.n_rows:,} in {len(data.classes)} classes"
    groups = "not counted" if data is None else "none named" if data.n_groups is None else f"{data.n_groups:,}"
    kinds = sorted({str(one.parameters.get("learner", "")) for one in learners} - {""})
    return [
        ("real rows", rows),
        ("groups, such as patients", groups),
        ("learner", ", ".join(kinds) or "none"),
        ("primary metric", metric_text(evidence.comparison.scoring)),
        ("attack on training rows", _attack(evidence)),
        ("real rows in this file", _real_rows_shown(evidence)),
    ]


def _attack(evidence: Evidence) -> str:
    value = evidence.figure(ALL, MEMBERSHIP)
    if not np.isfinite(value):
        return "not measured"
    shown = len([name for name in betrayed_classes(evidence) if name != ALL])
    return f"AUC {spoken(value, 2)}; shows in {shown} of {len(evidence.classes)} classes"


def _real_rows_shown(evidence: Evidence) -> str:
    """Return what of real rows the page shows: pictures, bins that may hold one row, or none."""
    if images_part(evidence.comparison, include_real_rows=evidence.include_real_rows)["real"]:
        return "pictures"
    drawn = [one.columns for one in evidence.learners if one.columns is not None and one.columns.marginals]
    return "bins of single rows" if any(one.least_rows == 1 for one in drawn) else "none"


def _data_part(data: DataUsed | None) -> Part | None:
    """Return the rows in numbers as text; None where they were not counted."""
    if data is None:
        return None
    return {
        "rows": [
            {
                "name": one.name,
                "n_rows": f"{one.n_rows:,}",
                "n_groups": NOT_THERE if one.n_groups is None else f"{one.n_groups:,}",
                "train": count_range(one.train),
                "test": count_range(one.test),
            }
            for one in data.classes
        ],
        "what": _what(data),
        "columns": [f"{name} ({kind})" for name, kind in data.columns[:_MOST_COLUMNS]],
        "more_columns": max(0, len(data.columns) - _MOST_COLUMNS),
        "has_groups": data.n_groups is not None,
        "groups": _groups(data),
        "twins": data.most_twins,
        "reading": list(data.reading),
        "n_splits": data.n_splits,
    }


def _what(data: DataUsed) -> str:
    size = " × ".join(map(str, data.row_shape))
    shape = f"images of {size}" if data.kind == "images" else f"table rows of {size} columns"
    unlabelled = f", and {data.n_unlabelled:,} without a label" if data.n_unlabelled else ""
    return f"{data.n_rows:,} labelled rows, {shape}{unlabelled}"


def _grouped(data: DataUsed | None) -> bool | None:
    """Return whether the rows have groups; None where that was not kept."""
    return None if data is None else data.n_groups is not None


def _groups(data: DataUsed) -> str:
    if data.n_groups is None or data.rows_per_group is None:
        return "No groups, such as patients, were named: rows count as independent."
    kept = (
        "no group is on both sides of any split (counted)"
        if not data.most_groups_on_both_sides
        else f"in a split {data.most_groups_on_both_sides} of them are on both sides"
    )
    return f"{data.n_groups:,} groups of {count_range(data.rows_per_group)} rows; {kept}."


def _making_part(evidence: Evidence, card: ModelCard) -> Part:
    """Return how rows were made: the learners' facts, parameters, losses, and how rows are drawn."""
    learning = learning_part(evidence.comparison.splits)
    steps = [one["n_steps"] for one in card.generation["learners"] if one["n_steps"] is not None]
    return {
        "learner": card.generation["learner"],
        "facts": [*learning["facts"], *([("steps each", count_range(steps))] if steps else [])],
        "parameters": [(name, str(value)) for name, value in card.generation["parameters"].items()],
        "drawing": [(name, str(value)) for name, value in (card.generation["drawing"] or {}).items()],
        "added": [(row["arm"], row["n_added"]) for row in differences_part(evidence.comparison)["table"]["rows"]],
        "n_files": len(evidence.saved),
    }
