"""The report of a study: one HTML file, without network or script, for light and dark, screen, phone and paper."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthaug._files import make_folder, write_atomically
from synthaug.experiment import report_learners as learners
from synthaug.experiment import report_parts as parts
from synthaug.experiment.pages import render

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
    return render("report.html", _view(comparison, include_real_rows=include_real_rows))


def _view(comparison: "Comparison", *, include_real_rows: bool) -> dict[str, Any]:
    return {
        "name": comparison.name,
        "design": comparison.design,
        "baseline": comparison.baseline,
        "verdicts": parts.verdicts_part(comparison),
        "facts": parts.facts_part(comparison),
        "differences": parts.differences_part(comparison),
        "scores": parts.scores_part(comparison),
        "learning": learners.learning_part(comparison.splits),
        "images": learners.images_part(comparison, include_real_rows=include_real_rows),
        "quality": learners.quality_part(comparison.splits),
        "gate": parts.gate_part(comparison),
        "settings": parts.settings_part(comparison.settings),
    }
