"""How fast 28 x 28 images are drawn, and how peak memory grows with their number.

Run ``python benchmarks/drawing.py``; add ``--check`` to exit with 1 if a bound is broken.

* Speed: images a second of ``sample_batches``, each learner as it is by default, the median of ``--repeats`` draws,
  with and without selection. Bound: at least 5,000 a second without selection for the default learner of images.
* Memory: the greatest resident set of a fresh process that draws a number of images in batches, or all at once. Bound:
  in batches it grows by at most 10 % from the least to the greatest number.

What is learned decides nothing here, so learners take a few steps.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np

from synthaug import CGAN, LatentGAN, SyntheticAugmenter

LEAST_SPEED = 5_000
MOST_GROWTH = 1.10
N_CLASSES = 10
NUMBERS = (1_000, 10_000, 100_000)
LEARNERS = {"LatentGAN": LatentGAN, "CGAN": CGAN}


def learn(name: str, selection: str) -> SyntheticAugmenter:
    """Return an augmenter of 28 x 28 images that has hardly learned."""
    stream = np.random.default_rng(0)
    X, y = stream.integers(0, 256, size=(200, 28, 28), dtype=np.uint8), np.arange(200) % N_CLASSES
    return SyntheticAugmenter(LEARNERS[name](n_steps=3), selection=selection, random_state=0).fit(X, y)


def images_a_second(augmenter: SyntheticAugmenter, n: int, repeats: int) -> float:
    """Return the median speed of drawing n images."""
    _draw(augmenter, n // 4)
    return n / statistics.median(_draw(augmenter, n) for _ in range(repeats))


def peak_megabytes(n: int, way: str) -> float:
    """Return the greatest resident set of a process that draws n images in ``batches`` or as a ``whole``."""
    command = [sys.executable, __file__, "--peak", str(n), way]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> int:
    """Print the tables; return 1 if a bound was asked to hold and does not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound is broken")
    parser.add_argument("--images", type=int, default=10_000, help="images a timed draw")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--numbers", type=int, nargs="+", default=NUMBERS, help="images drawn to measure memory")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        return _report_peak(int(options.peak[0]), options.peak[1])
    broken = [_report_speed(options.images, options.repeats), _report_memory(options.numbers)]
    return int(options.check and any(broken))


def _report_speed(n: int, repeats: int) -> bool:
    print("| learner | selection | images a second | bound |\n|---|---|---|---|")
    speeds = {}
    for name, selection in [("LatentGAN", "none"), ("CGAN", "none"), ("LatentGAN", "agreement")]:
        m = n if selection == "none" else n // 10  # noise is refused: ten times as many rows are drawn
        speeds[name, selection] = _speed(name, selection, m, repeats)
        bound = f"{LEAST_SPEED}" if (name, selection) == ("LatentGAN", "none") else ""
        print(f"| {name} | {selection} | {speeds[name, selection]:.0f} | {bound} |", flush=True)
    return speeds["LatentGAN", "none"] < LEAST_SPEED


def _speed(name: str, selection: str, n: int, repeats: int) -> float:
    """Return images drawn (kept or not) a second."""
    augmenter = learn(name, selection)
    speed = images_a_second(augmenter, n, repeats)
    return speed * augmenter.selection_report_["drawn"].sum() / n


def _report_memory(numbers: list[int]) -> bool:
    print("\n| images drawn | in batches, MB | as a whole, MB |\n|---|---|---|")
    streamed = []
    for n in numbers:
        streamed.append(peak_megabytes(n, "batches"))
        print(f"| {n} | {streamed[-1]:.0f} | {peak_megabytes(n, 'whole'):.0f} |", flush=True)
    return max(streamed) > MOST_GROWTH * streamed[0]


def _report_peak(n: int, way: str) -> int:
    augmenter = learn("LatentGAN", "none")
    if way == "batches":
        _draw(augmenter, n)
    else:
        augmenter.sample(n // N_CLASSES, random_state=0)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return 0


def _draw(augmenter: SyntheticAugmenter, n: int) -> float:
    """Return the seconds that drawing n images takes."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rows of a learner that has learned nothing are refused
        for _ in augmenter.sample_batches(n // N_CLASSES, random_state=0):
            pass
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
