"""Do the intervals hold what they promise? Whole studies are simulated, of the populations of `populations.py`.

    python benchmarks/calibration.py            # 2,000 studies a line, some minutes
    python benchmarks/calibration.py --quick    # 200 studies a line

The first table has the paired tests of both designs: how often the 95 % interval holds the true gain, how often a gain
is called significant (at a true gain of 0 a false alarm, with the upper end of its own 95 % interval; elsewhere power),
and how often a gain above half a point is given a probability of at least 0.95 though there is none. The second has
what is said of the worth in labels, and how often it is true (a tenth as many studies: each holds a learning curve).
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from populations import GAINS, LUCK, draw_studies, draws_worth, fold_studies, folds_worth, nearest_neighbour_studies
from scipy import stats

from synthaug.statistics import LabelWorth, PairedTest, practical_equivalence

WORTHS = {  # how worths are simulated, and of how many of the tests' studies
    "20 draws of 20 rows, up to 60": (draws_worth, 0.5),
    "5 x 5 folds of 200 rows, 54 up to 160": (folds_worth, 0.1),
}
_WORDS = ("worth", "more than", "less than none", "cannot tell")


@dataclass(frozen=True)
class Calibration:
    """What many studies of one truth gave.

    Attributes
    ----------
    n_studies
        How many.
    coverage
        Share whose 95 % interval holds the truth.
    called, called_most
        Share called significant, and the upper end of its 95 % interval (Clopper & Pearson, 1934).
    sure_and_wrong
        Share of studies that give a gain above half a point a probability of at least 0.95; NaN where that is true.
    """

    n_studies: int
    coverage: float
    called: float
    called_most: float
    sure_and_wrong: float


def calibrate(tests: list[PairedTest], gain: float) -> Calibration:
    """Return how often the tests of studies with this true gain were right."""
    called = sum(test.p_value <= 0.05 for test in tests)
    most = float(stats.binomtest(called, len(tests)).proportion_ci(0.95).high)
    held = float(np.mean([test.low <= gain <= test.high for test in tests]))
    sure = float(np.mean([practical_equivalence(test).gain >= 0.95 for test in tests])) if gain <= 0.005 else np.nan
    return Calibration(len(tests), held, called / len(tests), most, sure)


def holds(worth: LabelWorth, truth: float) -> bool:
    """Return whether what was said is true."""
    if worth.word == "less than none":
        return truth < 0
    low = -np.inf if np.isnan(worth.low) else worth.low
    high = np.inf if np.isnan(worth.high) else worth.high
    return low <= truth <= high


def lines(n_studies: int) -> Iterator[tuple[str, float, Callable[[], list[PairedTest]]]]:
    """Return what is simulated: its name, the true gain, and the studies."""
    for gain in GAINS:
        for n_draws in (6, 20):
            for luck in LUCK:
                yield f"{n_draws} draws, luck in {luck}", gain, partial(draw_studies, luck, gain, n_draws, n_studies)
        for n, r in ((5, 5), (10, 10), (5, 1)):
            name = f"{r} x {n} folds, nearest centroid"
            yield name, gain, partial(fold_studies, gain, n_folds=n, n_repeats=r, n_studies=n_studies)
    yield "5 x 5 folds, nearest neighbour on 30 rows", 0.0, partial(nearest_neighbour_studies, n_studies)


def print_tests(n_studies: int) -> None:
    """Print the table of coverage, false alarms and power."""
    print("| design | true gain | studies | coverage of 95 % | called | P(gain) ≥ 0.95 and wrong |")
    print("|---|---|---|---|---|---|")
    for name, gain, studies in lines(n_studies):
        found = calibrate(studies(), gain)
        called = f"{found.called:.3f}" + (f" (at most {found.called_most:.3f})" if gain == 0 else "")
        wrong = "" if np.isnan(found.sure_and_wrong) else f"{found.sure_and_wrong:.3f}"
        points = f"{100 * gain:.0f} points"
        print(f"| {name} | {points} | {found.n_studies} | {found.coverage:.3f} | {called} | {wrong} |", flush=True)


def print_worths(n_studies: int) -> None:
    """Print the table of what is said of labels, and how often it is true."""
    print("\n| design | extra labels | studies | true | worth | more than | less than none | cannot tell |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (studies, share) in WORTHS.items():
        for extra in (0, 5, 10, 15, 40):
            found = studies(extra, round(share * n_studies))
            true = np.mean([holds(worth, 2 * extra) for worth in found])
            said = " | ".join(f"{np.mean([worth.word == word for worth in found]):.2f}" for word in _WORDS)
            print(f"| {name} | {2 * extra} | {len(found)} | {true:.3f} | {said} |", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Coverage, false alarms and power of the statistics, by simulation.")
    parser.add_argument("--quick", action="store_true", help="200 studies a line instead of 2,000")
    n_studies = 200 if parser.parse_args().quick else 2000
    print_tests(n_studies)
    print_worths(n_studies)


if __name__ == "__main__":
    main()
