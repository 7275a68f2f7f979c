"""Corrected tests, intervals and verdicts, and the blocks of rows they rest on. Numbers in, numbers out.

=============  ======================================================
``paired``     paired tests of two designs, Holm, power, verdicts
``blocks``     jackknife pseudo-values over blocks of rows
``bootstrap``  intervals by resampling whole groups, such as patients
``planning``   what a study will be able to see, from a pilot
``practical``  the probability that a difference is large enough
``worth``      what a gain is worth in labels, by a learning curve
=============  ======================================================
"""

from synthaug.statistics.blocks import jackknife_blocks, jackknife_sums, stratified_blocks
from synthaug.statistics.bootstrap import Interval, mean_replicates, pooled_interval, resample_groups
from synthaug.statistics.paired import (
    PairedTest,
    corrected_resampled_t_test,
    crossed_t_test,
    detectable_gain,
    holm,
    verdict,
)
from synthaug.statistics.planning import planned_draws, planned_folds
from synthaug.statistics.practical import DEFAULT_ROPE, Practical, check_rope, practical_equivalence
from synthaug.statistics.worth import LabelWorth, isotonic_curve, label_worth

__all__ = [
    "DEFAULT_ROPE",
    "Interval",
    "LabelWorth",
    "PairedTest",
    "Practical",
    "check_rope",
    "corrected_resampled_t_test",
    "crossed_t_test",
    "detectable_gain",
    "holm",
    "isotonic_curve",
    "jackknife_blocks",
    "jackknife_sums",
    "label_worth",
    "mean_replicates",
    "planned_draws",
    "planned_folds",
    "pooled_interval",
    "practical_equivalence",
    "resample_groups",
    "stratified_blocks",
    "verdict",
]
