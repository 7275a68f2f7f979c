"""Features of networks that do not learn, and logistic regression on them."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torchvision.models import get_model

from synthaug.errors import ShapeError
from synthaug.experiment.estimators import build_estimator
from synthaug.experiment.frozen_features import FrozenFeatures, FrozenFeaturesClassifier

DIGITS = load_digits()
IMAGES, LABELS = DIGITS.images[:200], DIGITS.target[:200] % 2


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "small.pth"
    torch.save(get_model("mobilenet_v3_small", weights=None).state_dict(), path)
    return str(path)


def test_without_weights_the_features_are_random_filters_and_say_so():
    """The same images get the same features whoever asks; where they come from is told."""
    first, second = (FrozenFeatures().fit(IMAGES) for _ in range(2))
    np.testing.assert_array_equal(first.transform(IMAGES[:5]), second.transform(IMAGES[:5]))
    assert first.source_ == "random filters"


def test_with_weights_they_are_the_networks(weights):
    """A file's network is used as it is, and named."""
    features = FrozenFeatures(weights, architecture="mobilenet_v3_small", side=32).fit(IMAGES)
    assert features.transform(IMAGES[:3]).shape == (3, 1024)
    assert features.source_ == f"mobilenet_v3_small, {weights}"


def test_flat_rows_and_images_are_the_same():
    """Flat rows with a shape give the features of the images."""
    flat = FrozenFeatures(image_shape=(8, 8)).fit(IMAGES.reshape(200, -1))
    np.testing.assert_allclose(
        flat.transform(IMAGES.reshape(200, -1)[:4]), FrozenFeatures().fit(IMAGES).transform(IMAGES[:4])
    )
    with pytest.raises(ShapeError, match="rows must be images"):
        FrozenFeatures().fit(IMAGES.reshape(200, -1))


def test_the_classifier_is_logistic_regression_on_them():
    """It gives what scikit-learn's own pipeline on the features gives, weights of rows included."""
    weight = np.where(LABELS == 1, 2.0, 1.0)
    model = clone(FrozenFeaturesClassifier(C=0.1)).fit(IMAGES, LABELS, sample_weight=weight)
    features = FrozenFeatures().fit_transform(IMAGES)
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    plain.fit(features, LABELS, logisticregression__sample_weight=weight)
    np.testing.assert_allclose(model.predict_proba(IMAGES), plain.predict_proba(features))
    np.testing.assert_allclose(model.decision_function(IMAGES), plain.decision_function(features))
    np.testing.assert_array_equal(model.predict(IMAGES), plain.predict(features))
    assert model.score(IMAGES, LABELS) > 0.9


def test_a_pipeline_may_name_it():
    """It is among the classifiers of a pipeline."""
    assert isinstance(build_estimator("FrozenFeaturesClassifier", {"C": 0.5}), FrozenFeaturesClassifier)
