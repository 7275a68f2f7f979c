"""SyntheticSampler: a step of an imbalanced-learn pipeline, for tables and images."""

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import Pipeline as ImbalancedPipeline
from imblearn.pipeline import make_pipeline as make_imbalanced_pipeline
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import StandardScaler

from synthaug import CGAN, SyntheticAugmenter, SyntheticSampler
from synthaug.errors import SmallClassWarning


def sampler(**settings):
    augmenter = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=4), selection="none")
    return SyntheticSampler(augmenter, **{"random_state": 0, **settings})


def make_table():
    y = np.array(["common"] * 24 + ["rare"] * 6 + ["middle"] * 12)
    return np.random.default_rng(0).normal(size=(42, 3)), y


def make_images():
    return np.random.default_rng(0).integers(0, 256, size=(42, 8, 8), dtype=np.uint8), make_table()[1]


def counts(y):
    return dict(zip(*np.unique(y, return_counts=True), strict=True))


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        ("auto", {"common": 24, "middle": 24, "rare": 24}),
        ("minority", {"common": 24, "middle": 12, "rare": 24}),
        ({"rare": 10}, {"common": 24, "middle": 12, "rare": 10}),
    ],
)
def test_classes_are_brought_to_the_strategys_counts(strategy, wanted):
    """The sampler resamples to the counts of imbalanced-learn's grammar; the augmenter's own settings give way."""
    X, y = make_table()
    step = sampler(sampling_strategy=strategy)
    step.augmenter.set_params(n_synthetic="x3", sampling_strategy="all")
    X_all, y_all = step.fit_resample(X, y)
    assert counts(y_all) == wanted
    np.testing.assert_array_equal(X_all[:42], X)
    np.testing.assert_array_equal(y_all[:42], y)
    assert {label: n for label, n in step.sampling_strategy_.items() if n} == {
        label: n - counts(y)[label] for label, n in wanted.items() if n > counts(y)[label]
    }


def test_images_keep_their_form():
    """Images go in as they are and come out as they are, synthetic ones after the real ones."""
    X, y = make_images()
    X_all, y_all = sampler().fit_resample(X, y)
    assert X_all.shape == (len(y_all), 8, 8) == (72, 8, 8)
    assert X_all.dtype == np.uint8
    np.testing.assert_array_equal(X_all[:42], X)


def test_frames_keep_their_form():
    """A DataFrame and a Series come back as such, with their columns, types and name."""
    X, y = make_table()
    frame = pd.DataFrame(X, columns=list("abc")).astype({"b": np.float32})
    X_all, y_all = sampler().fit_resample(frame, pd.Series(y, name="finding"))
    assert X_all.dtypes.equals(frame.dtypes)
    assert y_all.name == "finding"
    pd.testing.assert_frame_equal(X_all[:42], frame)


class Flatten(TransformerMixin, BaseEstimator):
    """Images to rows of numbers."""

    def fit(self, X, y=None):
        self.n_features_in_ = 64
        return self

    def transform(self, X):
        return X.reshape(len(X), -1) / 255


@pytest.mark.parametrize("rows", [make_table, make_images])
def test_it_works_in_an_imbalanced_pipeline(rows):
    """As a step of a pipeline it adds rows while fitting and none while predicting, so it can be cross-validated."""
    X, y = rows()
    first = StandardScaler() if X.ndim == 2 else sampler()
    rest = [sampler()] if X.ndim == 2 else [Flatten()]
    pipeline = make_imbalanced_pipeline(first, *rest, LogisticRegression(max_iter=50, tol=0.1))
    assert pipeline.fit(X, y).predict(X).shape == (42,)
    scores = cross_val_score(pipeline, X, y, cv=3, error_score="raise")
    assert ((scores >= 0) & (scores <= 1)).all()


def test_its_learner_can_be_searched():
    """The learner's parameters are reached through sampler and augmenter."""
    X, y = make_table()
    pipeline = ImbalancedPipeline([("sampler", sampler()), ("model", LogisticRegression())])
    search = GridSearchCV(pipeline, {"sampler__augmenter__generator__n_steps": [1, 2]}, cv=2, error_score="raise")
    steps = search.fit(X, y).best_params_["sampler__augmenter__generator__n_steps"]
    assert search.best_estimator_["sampler"].augmenter_.history_["step"].max() == steps


def test_a_seed_gives_the_same_rows():
    """Two samplers of one seed give the same rows; another seed gives others."""
    first, again, other = (sampler(random_state=seed).fit_resample(*make_images())[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_class_of_one_row_is_left_as_it_is():
    """A class too small to learn from is warned of and not resampled; the others are."""
    X, y = make_table()
    y = np.where(np.arange(42) == 0, "single", y)
    with pytest.warns(SmallClassWarning, match="got 1 for 'single'"):
        _, y_all = sampler().fit_resample(X, y)
    assert counts(y_all) == {"common": 23, "middle": 23, "rare": 23, "single": 1}


def test_balanced_rows_stay_as_they_are():
    """Where nothing is missing, nothing is added, whatever the augmenter would add by itself."""
    X, _ = make_table()
    assert len(sampler().fit_resample(X, np.repeat(["a", "b"], 21))[0]) == 42
