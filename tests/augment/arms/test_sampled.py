"""Arms of rows that a sampler makes: imbalanced-learn's own, noise, and torchvision's blends."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
from scipy.stats import kstest

from synthaug import CGAN, SyntheticAugmenter
from synthaug._seed import derive
from synthaug.augment.arms import ARMS, NotApplicable

X = np.random.default_rng(0).integers(0, 256, size=(30, 5)).astype(float)
Y = np.array(["ill", "well", "well"] * 10)


def test_smote_is_imbalanced_learns(make_task):
    """The points that the arm adds lie between rows as imbalanced-learn's do: the same, for the same seed."""
    it = make_task("table", n_synthetic=4)
    classifier = ARMS["smote"](it).classifier
    sampler = SMOTE(
        sampling_strategy={"ill": 24, "well": 24}, k_neighbors=5, random_state=derive(it.seed, "smote") % 2**32
    )
    rows, y = sampler.fit_resample(it.X, it.y)
    np.testing.assert_array_equal(classifier.y_, y)
    np.testing.assert_allclose(classifier.X_, np.rint(rows), atol=1e-4)  # whole numbers stay whole


def test_smote_of_images_of_whole_numbers(make_task):
    """Pixels of 8 bits lie between those of their class, as floats do: differences do not wrap around at 0."""
    y = np.repeat(["dark", "light"], [20, 10])
    pixels = np.random.default_rng(0).integers(-40, 41, size=(30, 8, 8)) + np.where(y == "dark", 60, 200)[:, None, None]
    made = [ARMS["smote"](make_task("images", rows=(pixels.astype(kind), y))) for kind in (np.uint8, np.float64)]
    light = [np.asarray(arm.classifier.X_)[30:].astype(float) for arm in made]
    assert light[0].min() >= 160
    np.testing.assert_allclose(*light, atol=1.0)


def test_smote_with_few_rows(make_task):
    """With fewer rows than neighbours SMOTE takes fewer neighbours; with one row it does not apply, and says why."""
    few = np.where(np.arange(30) < 3, "rare", "well")
    assert ARMS["smote"](make_task("table", rows=(X, few))).n_added == 24
    with pytest.raises(NotApplicable, match="SMOTE needs 2 rows a class; 'rare' has 1"):
        ARMS["smote"](make_task("table", rows=(X, np.where(np.arange(30) < 1, "rare", "well"))))


COLOURS = np.random.default_rng(1).integers(0, 4, size=(30, 3)).astype(float) * 10


@pytest.mark.parametrize(
    ("named", "sampler"),
    [
        ([0, 2], lambda **options: SMOTENC([0, 2], **options)),
        (["a", "c"], lambda **options: SMOTENC([0, 2], **options)),
        ([True, False, True], lambda **options: SMOTENC([0, 2], **options)),
        ([0, 1, 2], SMOTEN),
    ],
)
def test_smote_takes_declared_categories_from_neighbours(make_task, named, sampler):
    """Columns that the augmenter names as categories are imbalanced-learn's SMOTENC's, or SMOTEN's if all are."""
    rows = COLOURS + np.array([0, 0.25, 0]) * np.arange(30)[:, None]
    it = make_task("frame", rows=(pd.DataFrame(rows, columns=list("abc")), pd.Series(Y)), categorical_features=named)
    made = np.asarray(ARMS["smote"](it).classifier.X_)
    options = {"k_neighbors": 5, "random_state": derive(it.seed, "smote") % 2**32}
    expected, _ = sampler(sampling_strategy={"ill": 20, "well": 20}, **options).fit_resample(rows, Y)
    np.testing.assert_allclose(made, np.rint(expected.astype(float) * 4) / 4, atol=1e-4)  # steps of a quarter stay
    assert set(made[30:, 0]) <= set(rows[:, 0])


def test_smote_and_classic_transforms_the_points(make_task):
    """Each point between images passes the task's transform, and is else SMOTE's."""
    it = make_task("images")
    plain, both = (ARMS[name](it).classifier.X_ for name in ("smote", "smote+classic"))
    np.testing.assert_array_equal(plain, both)  # the task's transform leaves an image as it is
    it = replace(it, transform=lambda image: 1 - image)
    np.testing.assert_allclose(ARMS["smote+classic"](it).classifier.X_[30:], 255.0 - plain[30:], atol=1)


def test_oversampled_rows_are_rows_of_their_class(make_task):
    """Every row that is added is a real one under its own label, drawn with replacement."""
    recorder = ARMS["oversample"](make_task("table", rows=(X, Y), n_synthetic=90)).classifier
    known = {(*row, label) for row, label in zip(X.tolist(), Y, strict=True)}
    added = [(*row, label) for row, label in zip(recorder.X_[30:].tolist(), recorder.y_[30:], strict=True)]
    assert set(added) <= known
    times = np.unique([added.index(row) for row in added], return_counts=True)[1]
    assert len(set(times)) > 2  # not every row equally often


def test_noise_is_a_tenth_of_a_columns_deviation(make_task):
    """What is added to the rows is normal with a tenth of each column's standard deviation; a constant stays."""
    rows = np.random.default_rng(0).normal(size=(400, 3)) * [1.0, 50.0, 0.0] + [0.0, 7.0, 3.0]
    y = np.repeat(["ill", "well"], 200)
    recorder = ARMS["noise"](make_task("table", rows=(rows, y))).classifier
    added = recorder.X_[400:]
    nearest = np.abs(added[:, None, :2] / [1, 50] - rows[None, :, :2] / [1, 50]).sum(axis=2).argmin(axis=1)
    assert (added[:, 2] == 3.0).all()
    order = np.argsort(rows[:, 0])
    moved = np.sort(added[:, 0])[50:-50] - np.sort(rows[order, 0])[50:-50]
    assert np.abs(moved).max() < 0.2
    assert len(set(nearest)) > 150


def test_noise_is_normal(make_task):
    """On two rows far apart a class, the noise is seen by itself: a normal sample by Kolmogorov and Smirnov's test."""
    rows = np.array([[0.0], [1000.0]] * 2)
    y = np.array(["ill", "ill", "well", "well"])
    it = make_task("table", rows=(rows + np.array([[0.5], [0.25], [0.125], [0.75]]), y), n_synthetic=300)
    added = ARMS["noise"](it).classifier.X_[4:, 0]
    inside = added[(added > 1) & (added < 999)]  # drawn rows keep to the range that was seen: one side is cut off
    distance = np.where(inside < 500, inside, 1000 - inside) / (0.1 * rows.std())
    assert kstest(distance, "halfnorm").pvalue > 1e-3


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_a_blend_counts_for_both_of_its_rows(make_task, name):
    """A row of 0s blended with one of 255s has the grey level, or the share of white pixels, that its weights say."""
    images = np.zeros((20, 8, 8), dtype=np.uint8)
    images[10:] = 255
    y = np.repeat(["black", "white"], 10)
    recorder = ARMS[name](make_task("images", rows=(images, y))).classifier
    flat, weight, labels = recorder.X_[20:].reshape(-1, 64) / 255, recorder.weight_[20:], recorder.y_[20:]
    white = flat.mean(axis=1)
    share = np.where(labels == "white", weight, 1 - weight)
    kept = (share > 0) & (share < 1)
    np.testing.assert_allclose(white[kept], share[kept], atol=0.003)
    assert kept.any()
    if name == "cutmix":
        assert set(np.unique(flat)) <= {0.0, 1.0}
    assert weight.sum() == pytest.approx(20)


def test_a_blends_anchor_is_the_greater_part(make_task):
    """With a rare class to fill up, most of each blend's weight is the rare class's."""
    y = np.where(np.arange(30) < 4, "rare", "well")
    recorder = ARMS["mixup"](make_task("table", rows=(X, y))).classifier
    added = recorder.y_[30:] == "rare"
    assert (recorder.weight_[30:][added] >= 0.5).all()
    assert added.sum() == 22
    assert (~added).any()


@pytest.mark.filterwarnings("ignore::synthaug.errors.ShortfallWarning")
def test_raw_rows_are_those_before_selection(make_task):
    """The arm without selection adds what the learner draws under the same seed, and leaves the augmenter as it was."""
    it = make_task("images")
    fitted, bare = (
        SyntheticAugmenter(CGAN(n_steps=2, batch_size=8, width=4), selection=name, random_state=0).fit(it.X, it.y)
        for name in ("agreement", "none")
    )
    raw, selected, drawn = (
        ARMS[name](replace(it, learned=lambda learner=learner: learner)).classifier.X_[30:]
        for name, learner in (("gan raw", fitted), ("gan", fitted), ("gan", bare))
    )
    np.testing.assert_array_equal(raw, drawn)
    assert (raw != selected).any()
