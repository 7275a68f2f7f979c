"""What the gate costs: its seconds without those of the classifier, over those of learning alone; a table.

::

    python benchmarks/gate_cost.py --repeats 2                 # twelve minutes of two cores
    python benchmarks/gate_cost.py --repeats 3 --steps 300     # four minutes

Both sides in turn, in alternating order, with the same limit of steps; the gate's inner learners take 1.5 times as many
together. Its other costs are drawing, selecting and transforming the rows of every candidate. *CPU*: of all threads.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from scaling import Case, images
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from synthaug import AugmentedClassifier, SyntheticAugmenter

Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "CPU": time.process_time}


class Timed(LogisticRegression):
    """Logistic regression that sums up, by clock, what its fits, predictions and probabilities take."""

    seconds = dict.fromkeys(CLOCKS, 0.0)

    def fit(self, X, y, sample_weight=None):
        """Fit, and count the seconds."""
        return self._timed(super().fit, X, y, sample_weight)

    def predict(self, X):
        """Predict, and count the seconds."""
        return self._timed(super().predict, X)

    def predict_proba(self, X):
        """Give probabilities, and count the seconds."""
        return self._timed(super().predict_proba, X)

    def _timed(self, act, *arguments):
        began = {name: clock() for name, clock in CLOCKS.items()}
        found = act(*arguments)
        for name, clock in CLOCKS.items():
            Timed.seconds[name] += clock() - began[name]
        return found


def tasks() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return rows and labels by name: digits, larger images, and a table of numbers."""
    digits = load_digits()
    pixels, labels = digits.images[:200], digits.target[:200]
    return {
        "digits, 200 of 8 x 8": (pixels, labels),
        "images, 200 of 28 x 28": images(Case(rows=200)),
        "table, 200 x 64": (pixels.reshape(200, -1), labels),
    }


def seconds_of(act: Callable[[], object]) -> dict[str, float]:
    """Return what an act takes by each clock, without the classifier's part."""
    Timed.seconds = dict.fromkeys(CLOCKS, 0.0)
    began = {name: clock() for name, clock in CLOCKS.items()}
    act()
    return {name: clock() - began[name] - Timed.seconds[name] for name, clock in CLOCKS.items()}


def main() -> None:
    """Print a line a task: learning alone, the gate, and the ratio by both clocks with its range."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # of the classifier, whose part does not count
    print("| rows | learning alone, s | the gate, s | ratio, wall | ratio, CPU |\n|---|---|---|---|---|")
    for name, (X, y) in tasks().items():
        learner = SyntheticAugmenter("latent_gan", max_steps=options.steps, random_state=0)
        gate = AugmentedClassifier(Timed(max_iter=200), learner, random_state=0)
        sides = {"alone": lambda: learner.fit(X, y), "gate": lambda: gate.fit(X, y)}  # noqa: B023  called in the loop
        found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        for repeat in range(options.repeats):
            for side in list(sides)[:: -1 if repeat % 2 else 1]:
                found[side].append(seconds_of(sides[side]))
        wall = [f"{statistics.median(one['wall'] for one in found[side]):.1f}" for side in sides]
        print(f"| {name} | {' | '.join(wall)} | {_ratio(found, 'wall')} | {_ratio(found, 'CPU')} |", flush=True)


def _ratio(found: dict[str, list[dict[str, float]]], clock: str) -> str:
    ratios = [gate[clock] / alone[clock] for alone, gate in zip(found["alone"], found["gate"], strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
