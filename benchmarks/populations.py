"""Simulated populations whose truth is known, and whole studies of them.

*Draws.* 20 draws (or 6) of the training rows, 800 common test rows in ten classes, balanced accuracy. Row r of class c
is right in draw i under arm k where a latent margin is above 0::

    offset[k, c] + draw_i + draw_ik + draw_ikc + row_r + row_rk + both_ir + both_irk

All parts are normal, so an arm's true accuracy in a class is Phi(offset / total sd), and the true gain is exact.

*Folds.* 5 x 5 stratified folds of 100 rows, a real learner (the nearer of two learned centroids). Two normal classes,
one above and one below 0 in every feature. Both arms are the same learner on the very same folds; they share some
features and each has some of its own. With own features of one strength the true gain is 0 by symmetry; strengthening
the second arm's gives any other. Nearest neighbour on 30 rows, arms without a common feature, is the known hard case.

*Worth in labels.* The same learner with ``extra`` more rows of the same population is worth exactly those, whatever
the learning curve looks like.
"""

from functools import partial

import numpy as np
from scipy import optimize, special

from synthaug.statistics import (
    LabelWorth,
    PairedTest,
    corrected_resampled_t_test,
    crossed_t_test,
    label_worth,
    stratified_blocks,
)

GAINS = (0.0, 0.01, 0.02, 0.05)
LUCK = {
    "draws and rows": {
        "draw": 0.2,
        "arm": 0.15,
        "class": 0.3,
        "row": 1.0,
        "row_arm": 0.4,
        "both": 0.5,
        "both_arm": 0.4,
    },
    "draws": {"draw": 0.3, "arm": 0.3, "class": 0.6, "row": 1.0, "row_arm": 0.1, "both": 0.3, "both_arm": 0.3},
    "draws with rows": {
        "draw": 0.05,
        "arm": 0.0,
        "class": 0.0,
        "row": 1.0,
        "row_arm": 0.0,
        "both": 0.5,
        "both_arm": 0.6,
    },
    "rows": {"draw": 0.05, "arm": 0.02, "class": 0.05, "row": 1.0, "row_arm": 0.6, "both": 0.1, "both_arm": 0.1},
}
CLASSES = np.repeat(np.arange(10), [100] * 6 + [50] * 4)
BLOCKS = stratified_blocks(CLASSES, 40)
SHARED, OWN = 6, 3
ARMS = (np.arange(SHARED + OWN), np.r_[0:SHARED, SHARED + OWN : SHARED + 2 * OWN])
STEEP = {"centre": 0.12, "n_features": 100}  # a population whose learning curve is steep
FACTORS = np.array([1.0, 1.25, 1.5, 2.0, 3.0])

# draws


def offsets(luck: dict[str, float], gain: float) -> np.ndarray:
    """Return what is added to the margin of each class under either arm, shape (2, 10)."""
    accuracy = np.linspace(0.7, 0.85, 10) + np.array([[0.0], [gain]])
    return special.ndtri(accuracy) * np.sqrt(sum(sd**2 for sd in luck.values()))


def simulated_draws(rng: np.random.Generator, luck: dict[str, float], gain: float, n_draws: int) -> np.ndarray:
    """Return right (1) or wrong (0) for each arm, draw and test row of one study, shape (2, n_draws, n_rows)."""
    n_rows = CLASSES.size
    rows, draws = luck["row"] * rng.standard_normal(n_rows), luck["draw"] * rng.standard_normal((n_draws, 1))
    shared = rows + draws + luck["both"] * rng.standard_normal((n_draws, n_rows), dtype=np.float32)
    margins = []
    for offset in offsets(luck, gain):
        of_arm = luck["arm"] * rng.standard_normal((n_draws, 1))
        of_class = offset + of_arm + luck["class"] * rng.standard_normal((n_draws, 10))
        of_row = luck["row_arm"] * rng.standard_normal(n_rows)
        of_both = luck["both_arm"] * rng.standard_normal((n_draws, n_rows), dtype=np.float32)
        margins.append(shared + of_class[:, CLASSES] + of_row + of_both)
    return (np.stack(margins) > 0).astype(np.float32)


def balanced_effects(difference: np.ndarray) -> np.ndarray:
    """Return the jackknife of the balanced accuracy of all draws at once, shape (n_draws, n_blocks)."""
    owner = np.empty(CLASSES.size, int)
    owner[np.concatenate(BLOCKS)] = np.repeat(np.arange(40), [block.size for block in BLOCKS])
    cells = np.zeros((CLASSES.size, 400), np.float32)
    cells[np.arange(CLASSES.size), owner * 10 + CLASSES] = 1
    sums, counts = (difference @ cells).reshape(-1, 40, 10), cells.sum(0).reshape(40, 10)
    whole = (sums.sum(1) / counts.sum(0)).mean(-1, keepdims=True)
    without = ((sums.sum(1, keepdims=True) - sums) / (counts.sum(0) - counts)).mean(-1)
    deviations = 40 * (1 - counts.sum(1) / CLASSES.size) * (whole - without)
    return whole + deviations - deviations.mean(1, keepdims=True)


def draw_studies(luck: str, gain: float, n_draws: int, n_studies: int) -> list[PairedTest]:
    """Return the tests of simulated studies by draws."""
    rng = np.random.default_rng([n_draws, int(1000 * gain), n_studies])
    studies = (simulated_draws(rng, LUCK[luck], gain, n_draws) for _ in range(n_studies))
    return [crossed_t_test(balanced_effects(study[1] - study[0])) for study in studies]


# folds


def centroid_accuracy(centre: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the exact accuracy of the nearest of two learned centroids, shape (b,)."""
    axis, middle = high - low, (high + low) / 2
    reach = np.stack([centre - middle, centre + middle])
    return special.ndtr((reach * axis).sum(-1) / np.linalg.norm(axis, axis=-1)).mean(0)


def true_gain(strength: float, n_train: int) -> float:
    """Return the expected gain of the second arm over all training sets of a size."""
    centre, rng = class_centre(strength), np.random.default_rng(0)
    low, high = (sign * centre + rng.standard_normal((50_000, centre.size)) * np.sqrt(2 / n_train) for sign in (-1, 1))
    first, second = (centroid_accuracy(centre[arm], low[:, arm], high[:, arm]).mean() for arm in ARMS)
    return float(second - first)


def class_centre(strength: float) -> np.ndarray:
    """Return where the upper class lies, shape (12,)."""
    return np.repeat([0.3, 0.3, strength], [SHARED, OWN, OWN])


def strength_for(gain: float, n_train: int) -> float:
    """Return how strong the second arm's own features must be for a true gain."""
    return 0.3 if gain == 0 else optimize.brentq(lambda s: true_gain(s, n_train) - gain, 0.3, 1.0, xtol=1e-4)


def fold_studies(gain: float, *, n_folds: int, n_repeats: int, n_studies: int) -> list[PairedTest]:
    """Return the tests of simulated repeated stratified k-fold studies with 90 or 100 rows."""
    rng, half = np.random.default_rng([n_folds, int(1000 * gain)]), 45 if n_folds == 3 else 50
    n_test = 2 * half // n_folds
    n_train = 2 * half - n_test
    centre = class_centre(strength_for(gain, n_train))
    rows = rng.standard_normal((n_studies, 2, half, centre.size)) + np.array([-1, 1])[:, None, None] * centre
    repeats = [repeat_difference(rng, rows, n_folds) for _ in range(n_repeats)]
    return [corrected_resampled_t_test(d, n_train=n_train, n_test=n_test) for d in np.concatenate(repeats, axis=1)]


def repeat_difference(rng: np.random.Generator, rows: np.ndarray, n_folds: int) -> np.ndarray:
    """Return the second arm's accuracy less the first's on each fold of a fresh split, shape (n_studies, n_folds)."""
    n_studies, _, half, d = rows.shape
    order = rng.permuted(np.broadcast_to(np.arange(half), rows.shape[:3]), axis=2)
    folds = np.take_along_axis(rows, order[..., None], 2).reshape(n_studies, 2, n_folds, -1, d)
    centroids = (rows.sum(2)[:, :, None] - folds.sum(3)) / (half - half // n_folds)
    axis, middle = np.diff(centroids, axis=1)[..., None, :], centroids.mean(1)[:, None, :, None]
    side = np.array([-1, 1])[:, None, None]
    right = [(((folds - middle) * axis)[..., arm].sum(-1) * side > 0).mean((1, 3)) for arm in ARMS]
    return right[1] - right[0]


def nearest_neighbour_studies(n_studies: int) -> list[PairedTest]:
    """Return 5 x 5-fold tests of nearest neighbour on 30 rows, arms without a common feature; true gain 0."""
    rng, classes = np.random.default_rng(5), np.repeat([0, 1], 15)
    rows = rng.standard_normal((n_studies, 2, 30, 3)) + (2 * classes - 1)[:, None] * 0.4
    distances = ((rows[:, :, :, None] - rows[:, :, None]) ** 2).sum(-1)
    repeats = []
    for _ in range(5):
        fold = rng.permuted(np.broadcast_to(np.arange(15) % 5, (n_studies, 2, 15)), axis=2).reshape(n_studies, 1, 30)
        nearest = np.where(fold[..., None] == fold[..., None, :], np.inf, distances).argmin(-1)
        gained = np.diff((classes[nearest] == classes).astype(float), axis=1)
        repeats.append(np.concatenate([(gained * (fold == k)).sum(-1) / 6 for k in range(5)], axis=1))
    return [corrected_resampled_t_test(d, n_train=24, n_test=6) for d in np.concatenate(repeats, axis=1)]


# worth in labels


def draws_worth(extra: int, n_studies: int, *, n_draws: int = 20, base: int = 10) -> list[LabelWorth]:
    """Return what ``extra`` more rows a class were found worth, beside ``base`` a class; 800 common test rows."""
    rng, sizes = np.random.default_rng([extra, n_draws]), np.rint(FACTORS * base).astype(int)
    found, most = [], max(sizes[-1], base + extra)
    for _ in range(n_studies):
        train, other = (normal_rows(rng, (n_draws, most)) for _ in range(2))
        other[:, :, : base // 2] = train[:, :, : base // 2]  # the arms share some rows and each has some of its own
        test = normal_rows(rng, (400,))
        curve = np.array([blocks_right(train[:, :, :n], test) for n in sizes])
        arm = blocks_right(other[:, :, : base + extra], test)
        found.append(label_worth(arm, curve, n_rows=2 * sizes, test_of=crossed_t_test))
    return found


def folds_worth(extra: int, n_studies: int, *, half: int = 100, n_repeats: int = 5) -> list[LabelWorth]:
    """Return the same by 5 x 5 folds of 200 rows, where two thirds of the labels are held back on purpose."""
    rng = np.random.default_rng([extra, half])
    per_class = half - half // 5
    sizes = np.rint(FACTORS * per_class / FACTORS[-1]).astype(int)
    test_of, found = partial(corrected_resampled_t_test, n_train=2 * per_class, n_test=2 * (half // 5)), []
    for _ in range(n_studies):
        rows = normal_rows(rng, (half,), **STEEP)
        order = rng.permuted(np.tile(np.arange(half), (n_repeats, 2, 1)), axis=-1).reshape(n_repeats, 2, 5, -1)
        splits = [(np.delete(part, k, axis=1).reshape(2, -1), part[:, k]) for part in order for k in range(5)]
        trains, tests = (np.array([_rows_at(rows, part[side]) for part in splits]) for side in (0, 1))
        other = normal_rows(rng, (len(splits), sizes[0] + extra), **STEEP)
        other[:, :, : sizes[0] // 2] = trains[:, :, : sizes[0] // 2]
        curve = np.array([_right(trains[:, :, :n], tests) for n in sizes])
        found.append(label_worth(_right(other, tests), curve, n_rows=2 * sizes, test_of=test_of))
    return found


def _rows_at(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.take_along_axis(rows, places[..., None], axis=1)


def _right(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return the accuracy of each split's nearest centroid on the split's own test rows, shape (n_splits,)."""
    low, high = train.mean(axis=2).transpose(1, 0, 2)
    axis, middle = (high - low)[:, None, None], ((low + high) / 2)[:, None, None]
    return (((test - middle) * axis).sum(-1) * np.array([-1, 1])[:, None] > 0).mean(axis=(1, 2))


def normal_rows(
    rng: np.random.Generator, shape: tuple[int, ...], *, centre: float = 0.3, n_features: int = SHARED + OWN
) -> np.ndarray:
    """Return rows of the lower and the upper class, shape (..., 2, n, n_features) for a shape (..., n)."""
    rows = rng.standard_normal((*shape[:-1], 2, shape[-1], n_features))
    return rows + np.array([-1, 1])[:, None, None] * centre


def blocks_right(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return the accuracy of the nearest centroid on each of 40 blocks of test rows, shape (n_draws, 40)."""
    low, high = train.mean(axis=2).transpose(1, 0, 2)
    axis, middle = high - low, (high + low) / 2
    offset = (middle * axis).sum(-1)[:, None, None]
    right = (np.einsum("krd,id->ikr", test, axis) - offset) * np.array([-1, 1])[:, None] > 0
    return right.reshape(len(train), 2, 40, -1).mean(axis=(1, 3))
