"""Mixes: which rows are put beside the real ones, in counts that are the plan's."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synthaug import Mix, SyntheticAugmenter
from synthaug.augment.mix import mix_rows, plan_for, reads_images
from synthaug.errors import ConfigError

MARK = 200


class Marked:
    """A source whose synthetic rows are all of one known value."""

    def __init__(self, X):
        self.X = X

    def sample(self, n_per_class, *, random_state=None):
        y = np.repeat(list(n_per_class), list(n_per_class.values()))
        shape = (len(y), *self.X.shape[1:])
        if isinstance(self.X, pd.DataFrame):
            return pd.DataFrame(np.full(shape, MARK), columns=self.X.columns), pd.Series(y)
        return np.full(shape, MARK, dtype=self.X.dtype), y


def images(n=12):
    X = np.zeros((n, 8, 8), dtype=np.uint8) + np.arange(n, dtype=np.uint8)[:, None, None]
    X[0, 0, 0] = 255
    return X, np.array(["ill", "well", "well", "well"] * (n // 4))


def mixed(mix, X, y, plan, *, seed=0, transform=lambda image: image, augmenter=None):
    augmenter = SyntheticAugmenter() if augmenter is None else augmenter
    return mix_rows(mix, X, y, source=Marked(X), augmenter=augmenter, plan=plan, transform=transform, seed=seed)


def added(result):
    """How many rows of each class were added, and how many of them are synthetic."""
    rows, labels = result.X[-result.n_added :], result.y[-result.n_added :]
    synthetic = (np.asarray(rows).reshape(len(rows), -1) == MARK).all(axis=1)
    counts = {str(label): int((labels == label).sum()) for label in np.unique(labels)}
    return counts, int(synthetic.sum())


@settings(max_examples=30)
@given(
    amount=st.floats(0, 3),
    fraction=st.floats(0, 1),
    plan=st.fixed_dictionaries({"ill": st.integers(0, 40), "well": st.integers(0, 40)}),
    classic=st.booleans(),
)
def test_the_rows_added_are_the_plans(amount, fraction, plan, classic):
    """A mix adds ``amount`` times the plan to every class, and the share asked for of that is synthetic."""
    X, y = images()
    result = mixed(Mix(amount, fraction, classic), X, y, plan)
    asked = {label: round(amount * n) for label, n in plan.items()}
    assert result.n_added == sum(asked.values())
    assert len(result.X) == len(result.y) == 12 + result.n_added
    if result.n_added:
        counts, n_synthetic = added(result)
        assert counts == {label: n for label, n in asked.items() if n}
        assert n_synthetic == sum(round(fraction * n) for n in asked.values())


@pytest.mark.parametrize(
    "mix", [Mix(), Mix(synthetic_fraction=0.5, classic=True), Mix(synthetic_fraction=0), Mix(amount=0)]
)
def test_real_rows_come_first_and_untouched(mix):
    """Whatever a mix adds, the caller's rows and labels stand before it as they were."""
    X, y = images()
    result = mixed(mix, X, y, {"ill": 6, "well": 2})
    np.testing.assert_array_equal(result.X[:12], X)
    np.testing.assert_array_equal(result.y[:12], y)


def test_repeated_rows_keep_their_class():
    """A real row that is added carries its own label, and every row is used once before any is used twice."""
    X, y = images()
    result = mixed(Mix(synthetic_fraction=0.0), X, y, {"ill": 7, "well": 4})
    numbers, labels = result.X[12:, 4, 4].astype(int), result.y[12:]
    assert (y[numbers] == labels).all()
    times = np.bincount(numbers, minlength=12)
    assert set(times[y == "ill"]) == {2, 3}
    assert set(times[y == "well"]) == {0, 1}


def test_classic_transforms_the_rows_added_and_no_other():
    """Repeated and synthetic rows are transformed, also onto each other's range; the real ones are not."""
    X, y = images()
    result = mixed(
        Mix(synthetic_fraction=0.5, classic=True), X, y, {"ill": 4, "well": 0}, transform=lambda image: 1 - image
    )
    repeated, synthetic = result.X[12:14], result.X[14:]
    assert (synthetic == 255 - MARK).all()
    assert (repeated[:, 4, 4] >= 255 - 12).all()
    np.testing.assert_array_equal(result.X[:12], X)


def test_without_classic_nothing_is_transformed():
    """A mix that is not classic adds rows as they are."""

    def refuse(image):
        raise AssertionError

    X, y = images()
    assert mixed(Mix(synthetic_fraction=0.5), X, y, {"ill": 4, "well": 0}, transform=refuse).n_added == 4


@pytest.mark.parametrize("weight", [0.3, 1.0, 0.0])
def test_synthetic_rows_weigh_what_was_asked(weight):
    """Weights stand only where they are not all 1: the mix's for synthetic rows, 1 for any real one."""
    X, y = images()
    result = mixed(Mix(synthetic_fraction=0.5, synthetic_weight=weight), X, y, {"ill": 4, "well": 0})
    if weight == 1:
        assert result.weight is None
    else:
        assert result.weight.tolist() == [1.0] * 12 + [1.0] * 2 + [weight] * 2


def test_a_seed_decides_the_mix():
    """The same seed adds the same rows, another one others."""
    X, y = images()
    first, again, other = (mixed(Mix(synthetic_fraction=0), X, y, {"ill": 0, "well": 5}, seed=s).X for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("form", ["frame", "list", "torch", "flat"])
def test_containers_stay(form):
    """Rows come back in the container they came in, real and added ones together."""
    X, y = images()
    forms = {
        "frame": (pd.DataFrame(X[:, 0]), pd.Series(y)),
        "list": (X.tolist(), y.tolist()),
        "torch": (torch.from_numpy(X), y),
        "flat": (X.reshape(12, 64), y),
    }
    rows, labels = forms[form]
    mix = Mix(synthetic_fraction=0.0, classic=form in ("torch", "flat"))
    augmenter = SyntheticAugmenter(image_shape=(8, 8) if form == "flat" else None)
    result = mixed(mix, rows, labels, {"ill": 3, "well": 0}, augmenter=augmenter)
    wanted = np.ndarray if form == "list" else type(rows)
    assert isinstance(result.X, wanted)
    assert len(result.X) == len(result.y) == 15
    assert np.asarray(result.X).shape[1:] == np.asarray(rows).shape[1:]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"labels": "sfot"}, r"labels must be one of hard, soft; got 'sfot'\. Did you mean 'soft'\?"),
        ({"order": "first"}, "order must be one of together, pretrain; got 'first'"),
        ({"amount": -1.0}, "amount must be a number from 0 to 1000; got -1.0"),
        ({"synthetic_fraction": 1.5}, "synthetic_fraction must be a number from 0 to 1; got 1.5"),
        ({"synthetic_weight": float("nan")}, "synthetic_weight must be a number from 0 to 1000; got nan"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(words, message):
    """A typo or a number out of range is refused where the mix is made, not after an hour of learning."""
    with pytest.raises(ConfigError, match=message):
        Mix(**words)


def test_the_plan_is_the_augmenters_strategy():
    """plan_for counts the labels given and asks the augmenter's strategy, without learning anything."""
    y = np.array(["a"] * 5 + ["b"] * 3)
    assert plan_for(SyntheticAugmenter(), y) == {"a": 0, "b": 2}
    assert plan_for(SyntheticAugmenter(sampling_strategy={}, n_synthetic="x2"), y) == {"a": 10, "b": 6}
    assert plan_for(SyntheticAugmenter(), torch.tensor([0, 0, 1])) == {0: 0, 1: 1}


def test_what_reads_as_images():
    """Arrays of three or four dimensions are images; flat rows are where image_shape says so; tables are not."""
    assert reads_images(SyntheticAugmenter(), np.zeros((2, 8, 8)))
    assert reads_images(SyntheticAugmenter(image_shape=(8, 8)), np.zeros((2, 64)))
    assert not reads_images(SyntheticAugmenter(), np.zeros((2, 64)))
