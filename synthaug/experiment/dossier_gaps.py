"""What a study did not measure, said as openly as what it did.

A gap is a function of the evidence that returns what was not measured and why, "" where it was. A new one is a function
and a line in ``GAPS``.
"""

from collections.abc import Callable

import numpy as np

from synthaug.experiment.axis import metric_text
from synthaug.experiment.dossier_evidence import Evidence
from synthaug.experiment.label_equivalence import curve_sizes
from synthaug.experiment.report_gate import gate_part
from synthaug.quality.measures import MEMBERSHIP

NOT_MEASURED = "not measured: "
_CALIBRATION = ("neg_log_loss", "neg_brier_score")


def not_measured(evidence: Evidence) -> list[str]:
    """Return what was not measured, a text each, all beginning with ``not measured:``."""
    said = [text for gap in GAPS for text in [gap(evidence)] if text]
    skipped = evidence.comparison.skipped.items()
    return [NOT_MEASURED + text for text in [*said, *(f"the arm {arm}, for {reason}" for arm, reason in skipped)]]


def _counts(evidence: Evidence) -> str:
    return "" if evidence.data else "counts of rows, classes and groups: the study was made before they were kept"


def _learner(evidence: Evidence) -> str:
    return "" if evidence.learners else "anything of synthetic rows: no arm of this study learned a generator"


def _quality(evidence: Evidence) -> str:
    if not evidence.learners or len(evidence.figures):
        return ""
    return "the quality of each class: fewer than two classes had rows enough to learn from"


def _thin_classes(evidence: Evidence) -> str:
    """Return the classes without a figure that others have."""
    if not len(evidence.figures):
        return ""
    unknown = evidence.figures["value"].unstack("class")[evidence.classes].isna()
    thin = unknown[~unknown.all(axis=1)].any()
    return f"some measures of quality of {', '.join(thin.index[thin])}: too few rows" if thin.any() else ""


def _membership(evidence: Evidence) -> str:
    if not len(evidence.figures):
        return ""
    unknown = [name for name in evidence.classes if not np.isfinite(evidence.figure(name, MEMBERSHIP, "low"))]
    if not unknown:
        return ""
    return f"whether training rows show in {', '.join(unknown)}: too few training or held-out rows"


def _gate(evidence: Evidence) -> str:
    return "" if gate_part(evidence.comparison)["n"] else "the gate's decision: the arm 'gated' was not asked for"


def _group_intervals(evidence: Evidence) -> str:
    if any(split.replicates for split in evidence.comparison.splits):
        return ""
    return "intervals of every metric by resampling whole groups of test rows: bootstrap is off"


def _labels_worth(evidence: Evidence) -> str:
    return "" if curve_sizes(evidence.comparison) else "what a gain is worth in real labels: label_equivalence is off"


def _calibration(evidence: Evidence) -> str:
    metrics = set(evidence.comparison.frame["metric"])
    if metrics & set(_CALIBRATION):
        return ""
    return "whether probabilities can be trusted (calibration): add neg_brier_score to metrics"


def _operating_point(evidence: Evidence) -> str:
    metrics = [metric_text(str(metric)) for metric in evidence.comparison.frame["metric"].unique()]
    if len(evidence.comparison.class_names) != 2 or any("sensitivity" in metric for metric in metrics):
        return ""
    return "sensitivity at a fixed specificity, at which a test would be used"


def _groups(evidence: Evidence) -> str:
    if evidence.data is None or evidence.data.n_groups is not None:
        return ""
    return "whether one person's rows lie on both sides of a split: no groups were named"


def _always(text: str) -> Callable[[Evidence], str]:
    return lambda evidence: text


GAPS: list[Callable[[Evidence], str]] = [
    _counts,
    _learner,
    _quality,
    _thin_classes,
    _membership,
    _groups,
    _gate,
    _group_intervals,
    _labels_worth,
    _calibration,
    _operating_point,
    _always("rows of another site, device or time (external validation)"),
    _always("subgroups, such as age, sex or origin: neither utility nor quality was split by them"),
    _always("stronger attacks on privacy (shadow models, the learner's weights, guessing attributes)"),
    _always("what experts see: nobody was asked to tell synthetic rows from real ones"),
]
