"""What importing the augmenter costs: over the packages that its users have imported anyway.

Run ``python benchmarks/import_cost.py``; add ``--check`` to exit with 1 if the ratio is above its bound, ``--pairs 25``
for a narrower interval. A pair is two fresh interpreters, one after the other, in alternating order:

* theirs: ``import torch; import sklearn.base; import sklearn.utils.validation; import pandas``, which whoever writes
  or uses a scikit-learn estimator for torch and pandas pays in any case (plain ``import sklearn`` loads next to
  nothing);
* ours: ``from synthaug import SyntheticAugmenter``, which imports those and synthaug.

The ratio is the median over pairs; its interval (at least 95 %) lies between order statistics of the pairs, which
assumes nothing about how times are spread.
"""

import argparse
import subprocess
import sys
import time

import numpy as np
from scipy.stats import binom

THEIRS = "import torch; import sklearn.base; import sklearn.utils.validation; import pandas"
OURS = "from synthaug import SyntheticAugmenter"
BOUND = 1.10
FEWEST_PAIRS = 9


def seconds(code: str) -> float:
    """Return how long a fresh interpreter takes to start and run the code."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


def measure(n_pairs: int) -> np.ndarray:
    """Return seconds of theirs and ours, shape (n_pairs, 2), after one run of each that warms the disk's cache."""
    codes = (THEIRS, OURS)
    times = np.empty((n_pairs + 1, 2))
    for pair in range(n_pairs + 1):
        for which in (0, 1) if pair % 2 else (1, 0):
            times[pair, which] = seconds(codes[which])
    return times[1:]


def median_interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Return the median and an interval for it between two order statistics (the sign test turned round)."""
    ordered, n = np.sort(values), len(values)
    place = int(binom.ppf((1 - level) / 2, n, 0.5))
    return float(np.median(values)), float(ordered[place - 1]), float(ordered[n - place])


def main() -> int:
    """Print the table; return 1 if the bound was asked to hold and does not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help=f"exit with 1 if the ratio is above {BOUND:.2f}")
    parser.add_argument("--pairs", type=int, default=15, help=f"how many pairs, at least {FEWEST_PAIRS}")
    options = parser.parse_args()
    times = measure(max(FEWEST_PAIRS, options.pairs))
    ratio, low, high = median_interval(times[:, 1] / times[:, 0])
    theirs, ours = np.median(times, axis=0)
    print("| import | seconds (median) | ratio (95 % interval) | bound |\n|---|---|---|---|")
    print(f"| torch, sklearn.base, sklearn.utils.validation, pandas | {theirs:.2f} | 1 | |")
    print(f"| synthaug.SyntheticAugmenter | {ours:.2f} | {ratio:.3f} ({low:.3f} to {high:.3f}) | {BOUND:.2f} |")
    return int(options.check and ratio > BOUND)


if __name__ == "__main__":
    sys.exit(main())
