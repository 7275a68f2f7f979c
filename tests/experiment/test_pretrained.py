"""A network of torchvision, trained further."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from torchvision.models import get_model

from synthaug.errors import ConfigError, FileError
from synthaug.experiment.pretrained import PretrainedClassifier
from synthaug.experiment.problems import check_estimator_params

DIGITS = load_digits(n_class=2)
IMAGES, LABELS = DIGITS.images[:80], np.array(["zero", "one"])[DIGITS.target[:80]]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "small.pth"
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        torch.save(get_model("mobilenet_v3_small", weights=None).state_dict(), path)
    settings = {"architecture": "mobilenet_v3_small", "side": 32, "n_steps": 12, "lr": 1e-3, "batch_size": 16}
    return PretrainedClassifier(str(path), random_state=0, **settings)


@pytest.mark.slow
def test_it_learns_from_where_the_weights_are(classifier):
    """Every weight moves in training; on two digits the loss of the training rows falls."""
    model = clone(classifier).fit(IMAGES, LABELS)
    state = torch.load(classifier.weights, weights_only=True)
    moved = dict(model.network_.body.named_parameters())
    assert not any(torch.equal(moved[name], state[name]) for name in moved)
    first = clone(classifier).set_params(n_steps=1, lr=1e-9).fit(IMAGES, LABELS)
    losses = []
    for fitted in (first, model):
        network = fitted.network_.train()
        with torch.inference_mode():
            logits = network(fitted.codec_.encode(IMAGES))
        losses.append(torch.nn.functional.cross_entropy(logits, torch.from_numpy(fitted.labels_.encode(LABELS))))
    assert losses[1] < losses[0]


def test_a_seed_decides(classifier):
    """One seed gives one classifier; its probabilities are those of its labels."""
    first, second = (clone(classifier).set_params(n_steps=2).fit(IMAGES, LABELS) for _ in range(2))
    shares = first.predict_proba(IMAGES)
    np.testing.assert_array_equal(shares, second.predict_proba(IMAGES))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_array_equal(first.predict(IMAGES), first.classes_[shares.argmax(axis=1)])


def test_weights_must_be_named_and_there(classifier, tmp_path):
    """Without a file there is nothing to start from, and nothing is fetched."""
    with pytest.raises(ConfigError, match="weights must name a file with the network's weights; got None"):
        PretrainedClassifier().fit(IMAGES, LABELS)
    with pytest.raises(FileError, match="weights must be a file on disk"):
        PretrainedClassifier(tmp_path / "none.pth").fit(IMAGES, LABELS)


def test_a_batch_of_one_row_is_refused(classifier):
    """Normalisation over a batch has nothing to compare one row with; the error says so, not torch's."""
    with pytest.raises(ConfigError, match="batch_size must be at least 2; got 1"):
        clone(classifier).set_params(batch_size=1).fit(IMAGES, LABELS)


def test_a_pipeline_hears_of_it(tmp_path):
    """A pipeline whose weights are not there is refused with the place of the parameter, before anything runs."""
    from pydantic_core import PydanticCustomError

    with pytest.raises(PydanticCustomError) as caught:
        check_estimator_params("PretrainedClassifier", {"weights": str(tmp_path / "none.pth")})
    assert "is not there" in str(caught.value.context)
