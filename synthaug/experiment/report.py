"""The report of a study: one HTML file, without network or script, for light and dark, screen, phone and paper."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthaug._check import check_flag
from synthaug._files import make_folder, write_atomically
from synthaug.experiment.pages import render
from synthaug.experiment.report_classes import quality_part, recalls_part
from synthaug.experiment.report_columns import columns_part
from synthaug.experiment.report_copies import copies_part
from synthaug.experiment.report_gate import gate_part
from synthaug.experiment.report_intervals import intervals_part
from synthaug.experiment.report_labels import labels_part
from synthaug.experiment.report_learners import images_part, learning_part
from synthaug.experiment.report_parts import differences_part, scores_part
from synthaug.experiment.report_settings import facts_part, settings_part
from synthaug.experiment.report_verdict import verdict_part

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison


def write_report(comparison: "Comparison", path: str | Path, *, include_real_rows: bool) -> Path:
    """Write the report of a study and return its path.

    Parameters
    ----------
    comparison
        What ``compare`` or a study gave.
    path
        The HTML file; its folder is made where it is not there, and a file there is replaced only by a whole one.
    include_real_rows
        Whether pictures of real rows may go in.

    Raises
    ------
    FileError
        If the folder cannot be written to or the disk is full.
    """
    path = Path(path)
    make_folder(path.parent)
    write_atomically(path, report_html(comparison, include_real_rows=include_real_rows).encode())
    return path


def report_html(comparison: "Comparison", *, include_real_rows: bool) -> str:
    """Return the report of a study as HTML text."""
    check_flag("include_real_rows", include_real_rows)
    return render("report.html", _view(comparison, include_real_rows=include_real_rows))


def _view(comparison: "Comparison", *, include_real_rows: bool) -> dict[str, Any]:
    return {
        "name": comparison.name,
        "design": comparison.design,
        "baseline": comparison.baseline,
        "verdict": verdict_part(comparison),
        "facts": facts_part(comparison),
        "differences": differences_part(comparison),
        "labels": labels_part(comparison),
        "scores": scores_part(comparison),
        "intervals": intervals_part(comparison),
        "recalls": recalls_part(comparison),
        "images": images_part(comparison, include_real_rows=include_real_rows),
        "columns": columns_part(comparison.splits, names=comparison.class_names),
        "quality": quality_part(comparison.splits, names=comparison.class_names),
        "copies": copies_part(comparison.splits, names=comparison.class_names),
        "learning": learning_part(comparison.splits),
        "gate": gate_part(comparison),
        "settings": settings_part(comparison.settings),
    }
