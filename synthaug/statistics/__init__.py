"""Corrected tests, intervals and verdicts, and the blocks of rows they rest on. Numbers in, numbers out.

==========  ==================================================
``paired``  paired tests of two designs, Holm, power, verdicts
``blocks``  jackknife pseudo-values over blocks of rows
==========  ==================================================
"""

from synthaug.statistics.blocks import jackknife_blocks, stratified_blocks
from synthaug.statistics.paired import (
    PairedTest,
    corrected_resampled_t_test,
    crossed_t_test,
    detectable_gain,
    holm,
    verdict,
)

__all__ = [
    "PairedTest",
    "corrected_resampled_t_test",
    "crossed_t_test",
    "detectable_gain",
    "holm",
    "jackknife_blocks",
    "stratified_blocks",
    "verdict",
]
