"""What drawn rows give away of the rows they were learned from: digits, a few labels a class, all other rows held out.

::

    python benchmarks/copies.py --rows 10 --seeds 0 1 2

Per learner, over the seeds (each with other training rows): the area under the curve of a membership attack by the
nearest drawn row, the share of drawn rows that count as copies, and how far drawn rows lie from training rows beside
held-out ones. Fifty rows a class are drawn: whoever holds more knows more.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits

from synthaug import SyntheticAugmenter, audit_copies
from synthaug.generators import find_generator

_DRAWN = 50
_METRICS = ("membership_auc", "copy_rate", "distance_ratio")


def audited(name: str, *, n_rows: int, n_steps: int, seed: int) -> list[float]:
    """Return the audit's three figures for one learner and one draw of the training rows."""
    digits, rng = load_digits(), np.random.default_rng(seed)
    X, y = digits.images, digits.target
    rows = np.concatenate([rng.choice(np.flatnonzero(y == k), n_rows, replace=False) for k in range(10)])
    rest = np.setdiff1d(np.arange(len(y)), rows)
    learner = find_generator(name)().set_params(n_steps=n_steps)
    augmenter = SyntheticAugmenter(learner, random_state=seed).fit(X[rows], y[rows])
    drawn = augmenter.sample(_DRAWN, random_state=seed)
    frame = audit_copies((X[rows], y[rows]), drawn, (X[rest], y[rest])).frame
    of_all = frame[frame["class"] == "all"].set_index("metric")["value"]
    return [float(of_all[metric]) for metric in _METRICS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", nargs="+", default=["cgan", "latent_gan", "vae"])
    parser.add_argument("--rows", type=int, default=10, help="training rows a class")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    print("| learner | membership AUC | copies | distance ratio |\n|---|---|---|---|")
    for name in options.learners:
        seeds = [audited(name, n_rows=options.rows, n_steps=options.steps, seed=seed) for seed in options.seeds]
        mean, spread = np.mean(seeds, axis=0), np.std(seeds, axis=0, ddof=min(1, len(seeds) - 1))
        cells = [f"{value:.2f} ± {error:.2f}" for value, error in zip(mean, spread, strict=True)]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
