"""The network as a scikit-learn classifier."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import check_estimator

from synthaug.data.container import unwrap
from synthaug.data.images import ImageCodec
from synthaug.errors import ConfigError, DivergedError, LabelError, ShapeError
from synthaug.experiment.convnet import ConvNetClassifier

NOT_MET = {
    "check_sample_weight_equivalence_on_dense_data": "a weight is how likely a row is drawn: equal on average only",
}


def small(**parameters):
    return ConvNetClassifier(
        **{"n_steps": 40, "lr": 5e-3, "width": 4, "batch_size": 16, "random_state": 0, **parameters}
    )


class OnTables(ConvNetClassifier):
    """The classifier with columns read as images one pixel high: scikit-learn's checks know tables only."""

    def _fit_codec(self, X):
        return ImageCodec(unwrap(X)[1], (1, 1, X.shape[1]), "hw", True, float(X.min()), float(X.max()))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_scikit_learns_checks_pass():
    """All of scikit-learn's checks of classifiers pass but those named here, each with its reason."""
    network = OnTables(n_steps=60, width=16, lr=1e-2, batch_size=32)
    results = check_estimator(network, expected_failed_checks=NOT_MET, on_skip=None, on_fail=None)
    assert {result["check_name"] for result in results if result["status"] == "failed"} == set()
    assert {result["check_name"] for result in results if result["status"] == "xfail"} <= set(NOT_MET)


def layouts():
    X = load_digits().images[:120]
    colour = np.repeat(X[..., None], 3, axis=3)
    return {
        "grey": (X, {}),
        "channels last": (colour, {}),
        "channels first": (colour.transpose(0, 3, 1, 2), {}),
        "tensor": (torch.from_numpy(X).float(), {}),
        "bytes": (X.astype(np.uint8), {}),
        "flat": (X.reshape(120, -1), {"image_shape": (8, 8)}),
        "frame": (pd.DataFrame(X.reshape(120, -1)).add_prefix("p"), {"image_shape": (8, 8)}),
    }


@pytest.mark.parametrize("layout", layouts())
def test_any_layout_is_learned(layout):
    """Images of any layout, type and container are classified, far better than by chance."""
    (X, parameters), y = layouts()[layout], load_digits().target[:120].astype(str)
    network = small(n_steps=60, width=8, **parameters).fit(X, y)
    shares = network.predict_proba(X)
    assert shares.shape == (120, 10)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (network.predict(X) == y).mean() > 0.5
    assert network.n_features_in_ == np.prod(X.shape[1:])


def test_a_seed_decides_everything(images):
    """The same seed gives the same network in any thread setting, and after pickling; no global stream is moved."""
    X, y = images
    before = torch.get_rng_state()
    first = small().fit(X, y)
    assert torch.equal(torch.get_rng_state(), before)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    again = clone(first).fit(X, y)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    np.testing.assert_array_equal(first.predict_proba(X), pickle.loads(pickle.dumps(first)).predict_proba(X))
    assert not np.array_equal(first.predict_proba(X), small(random_state=1).fit(X, y).predict_proba(X))


def test_rows_of_weight_zero_are_never_seen(images):
    """Where the rows of one class weigh nothing, the class is hardly ever answered; with weights of 1 it is."""
    X, y = images
    without = small().fit(X, y, sample_weight=(y != "left").astype(float))
    assert (without.predict(X) == "left").sum() == 0
    np.testing.assert_array_equal(
        small().fit(X, y).predict_proba(X), small().fit(X, y, sample_weight=np.ones(60)).predict_proba(X)
    )


def test_class_weight_means_what_scikit_learn_means(images):
    """A class of hardly any weight is hardly ever answered; ``balanced`` is the weights that scikit-learn computes."""
    X, y = images
    heavy = small().fit(X, y, sample_weight=np.where(y == "top", 1.0, 1e-6))
    light = small(class_weight={"left": 1e-6, "right": 1e-6, "top": 1}).fit(X, y)
    np.testing.assert_array_equal(heavy.predict_proba(X), light.predict_proba(X))
    few = np.r_[0:20, 20:25, 40:60]
    weight = np.where(y[few] == "right", 45 / (3 * 5), 45 / (3 * 20))
    np.testing.assert_array_equal(
        small(class_weight="balanced").fit(X[few], y[few]).predict_proba(X),
        small().fit(X[few], y[few], sample_weight=weight).predict_proba(X),
    )


def test_transforms_are_applied_to_rows_anew_in_each_step(images):
    """The transform sees a batch's rows in every step, in training only."""
    X, y = images
    calls = []

    def watch(image):
        calls.append(image.copy())
        return image

    network = small(n_steps=3, image_transform=watch).fit(X, y)
    assert len(calls) == 3 * 16
    assert all(image.shape == (8, 8, 1) and 0 <= image.min() <= image.max() <= 1 for image in calls)
    network.predict(X)
    assert len(calls) == 3 * 16


def test_warm_start_goes_on_from_the_weights(images):
    """A second fit starts where the first ended, reads pixels by the first one's range, and may lack a class."""
    X, y = images
    network = small(warm_start=True).fit(X, y)
    low = network.codec_.low
    network.set_params(n_steps=1, lr=1e-9).fit(X[:40] // 2, y[:40])
    assert network.n_iter_ == 41
    assert network.codec_.low == low
    assert (network.predict(X) == y).mean() > 0.9
    cold = small(n_steps=1, lr=1e-9).fit(X, y)
    assert cold.n_iter_ == 1
    assert (cold.predict(X) == y).mean() < 0.9
    with pytest.raises(LabelError, match="labels must be among those that fit saw"):
        network.fit(X, np.where(y == "left", "below", y))


def test_partial_fit_is_one_pass(images):
    """It takes as many steps as one pass has batches, learns with every call, and can be told the classes first."""
    X, y = images
    network = small().partial_fit(X[:40], y[:40], classes=["left", "right", "top"])
    assert network.n_iter_ == 3
    assert network.classes_.tolist() == ["left", "right", "top"]
    for _ in range(15):
        network.partial_fit(X, y)
    assert (network.predict(X) == y).mean() > 0.9


@pytest.mark.parametrize(
    ("n_rows", "n_steps"),
    [(100, 400), (2559, 400), (6400, 1000), (1_000_000, 4000)],
    ids=["few", "some", "many", "most"],
)
def test_auto_is_400_steps_or_ten_passes(n_rows, n_steps):
    """The rule that the documentation states."""
    assert ConvNetClassifier()._n_steps(n_rows) == n_steps


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_steps": 0}, ConfigError, "n_steps must be a positive integer; got 0"),
        ({"n_steps": "many"}, ConfigError, "n_steps must be a positive integer; got 'many'"),
        ({"lr": -1}, ConfigError, "lr must be a positive number; got -1"),
        ({"width": 1.5}, ConfigError, "width must be a positive integer; got 1.5"),
        ({"batch_size": 0}, ConfigError, "batch_size must be a positive integer; got 0"),
        ({"n_threads": 0}, ConfigError, "n_threads must be a positive integer; got 0"),
        ({"image_shape": (4, 4)}, ShapeError, "image_shape must agree with the images"),
        ({"image_transform": "affin"}, ConfigError, "Did you mean 'affine'"),
        ({"lr": 1e30}, DivergedError, "loss must be finite; got nan in step .* Lower lr"),
    ],
)
def test_what_cannot_be_is_refused_in_words(images, parameters, error, message):
    """Each parameter is checked when it is used, never by the constructor."""
    with pytest.raises(error, match=message):
        small(**parameters).fit(*images)


def test_rows_that_are_no_images_are_refused_in_words(images):
    """Flat rows need a shape; images of another size than those learned from are refused; so are odd weights."""
    X, y = images
    with pytest.raises(ShapeError, match=r"rows must be images; got \(60, 64\) \(flat rows\)\. Say what they are"):
        small().fit(X.reshape(60, -1), y)
    with pytest.raises(ShapeError, match=r"images must be at least one; got \(0, 8, 8\)"):
        small().fit(X[:0], y[:0])
    with pytest.raises(LabelError, match="y must hold at least two classes"):
        small().fit(X[:20], y[:20])
    with pytest.raises(ConfigError, match=r"sample_weight must hold a weight for each row; got shape \(3,\) for 60"):
        small().fit(X, y, sample_weight=np.ones(3))
    with pytest.raises(ConfigError, match=r"nowhere negative and not zero everywhere; got -1\.0 to -1\.0"):
        small().fit(X, y, sample_weight=-np.ones(60))
    network = small(n_steps=1).fit(X, y)
    with pytest.raises(ShapeError, match="images must have the shape that fit saw"):
        network.predict(np.zeros((2, 9, 9)))
