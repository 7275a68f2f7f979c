"""Corrected tests, intervals and verdicts, and the blocks of rows they rest on. Numbers in, numbers out.

=============  ======================================================
``paired``     paired tests of two designs, Holm, power, verdicts
``blocks``     jackknife pseudo-values over blocks of rows
``practical``  the probability that a difference is large enough
``worth``      what a gain is worth in labels, by a learning curve
=============  ======================================================
"""

from synthaug.statistics.blocks import jackknife_blocks, jackknife_sums, stratified_blocks
from synthaug.statistics.paired import (
    PairedTest,
    corrected_resampled_t_test,
    crossed_t_test,
    detectable_gain,
    holm,
    verdict,
)
from synthaug.statistics.practical import DEFAULT_ROPE, Practical, check_rope, practical_equivalence
from synthaug.statistics.worth import LabelWorth, isotonic_curve, label_worth

__all__ = [
    "DEFAULT_ROPE",
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
    "practical_equivalence",
    "stratified_blocks",
    "verdict",
]
