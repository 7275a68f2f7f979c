"""Rows without labels: beside labelled ones, for learners that use them, and alone, for a generator without classes."""

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from imblearn.pipeline import Pipeline as ImbalancedPipeline
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from synthaug import CGAN, VAE, AugmentedClassifier, Folds, SyntheticAugmenter, SyntheticSampler, compare
from synthaug.augment.unlabelled import check_apart, read_unlabelled, takes_unlabelled
from synthaug.errors import ConfigError, LabelError, ShapeError
from synthaug.experiment.compare import prepare
from synthaug.experiment.report import report_html
from synthaug.experiment.report_settings import facts_part
from synthaug.generators import GENERATORS

NETWORKED = {name: make for name, make in GENERATORS.items() if "batch_size" in make().get_params()}
MET: list = []  # what the spies were given, in order


class Spy(VAE):
    """A learner that notes the rows it is given, and does little else."""

    def fit(self, x, y, *, schema, seed, on_step, limits, x_unlabeled=None):
        MET.append((x, x_unlabeled))
        return super().fit(x, y, schema=schema, seed=seed, on_step=on_step, limits=limits, x_unlabeled=x_unlabeled)


class Deaf(BaseEstimator):
    """A learner that takes labelled rows only."""

    def fit(self, x, y, *, schema, seed, on_step, limits):
        raise AssertionError("it must not be asked")

    def draw(self, labels, seed):
        raise AssertionError("it must not be asked")


@pytest.fixture(autouse=True)
def _forget():
    MET.clear()


def augmenter(learner=None, **settings):
    learner = Spy(n_steps=2, batch_size=8, width=4) if learner is None else learner
    return SyntheticAugmenter(learner, **{"selection": "none", "random_state": 0} | settings)


def images(n=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=(n, 8, 8), dtype=np.uint8)


def table(n=30, seed=0):
    return np.random.default_rng(seed).normal(3.0, 2.0, size=(n, 3))


def whole(n=30, seed=0):
    return np.random.default_rng(seed).integers(0, 100, size=(n, 3))


def frame(n=30, seed=0):
    return pd.DataFrame(table(n, seed), columns=list("abc"))


LABELS = np.array(["ill", "well", "well"] * 10)
ROWS = {
    "images": images,
    "colour": lambda n=30, seed=0: np.stack([images(n, seed)] * 3, axis=-1),
    "unit images": lambda n=30, seed=0: images(n, seed).astype(np.float32) / 255,
    "tensors": lambda n=30, seed=0: torch.from_numpy(images(n, seed))[:, None],
    "table": table,
    "frame": frame,
}


@pytest.mark.parametrize("kind", ROWS)
def test_rows_without_labels_reach_the_learner_as_labelled_ones_do(kind):
    """They are encoded by what the labelled rows were read by: the same row gives the same tensor."""
    X, more = ROWS[kind](), ROWS[kind](7, seed=1)
    fitted = augmenter().fit(X, LABELS, X_unlabeled=more)
    ((x, x_unlabeled),) = MET
    assert x_unlabeled.shape == (7, *x.shape[1:])
    torch.testing.assert_close(read_unlabelled(X, fitted.codec_), x)
    assert "reconstruction_unlabelled" in fitted.history_


def test_the_container_does_not_matter():
    """A frame's columns may come without labels as an array, and images as a tensor."""
    codec = augmenter().fit(frame(), LABELS).codec_
    assert torch.equal(read_unlabelled(frame(), codec), read_unlabelled(table(), codec))
    codec = augmenter().fit(images(), LABELS).codec_
    assert torch.equal(read_unlabelled(torch.from_numpy(images()), codec), read_unlabelled(images(), codec))


def test_pixels_beyond_the_range_are_clipped():
    """A grey level that no labelled row has is taken for the nearest one that they have, as drawn ones are."""
    X = images().clip(20, 200)
    encoded = read_unlabelled(images(5, seed=1), augmenter().fit(X, LABELS).codec_)
    assert (encoded.min(), encoded.max()) == (-1.0, 1.0)


BAD = {
    "shape": (
        images,
        images()[:, :7],
        ShapeError,
        r"X's, \(m, 8, 8\), at least one; got \(30, 7, 8\). Bring",
    ),
    "no row": (images, images()[:0], ShapeError, r"at least one; got \(0, 8, 8\)"),
    "kind": (images, images() / 255, ShapeError, r"numbers of X's kind \(uint8\); got float64. Rescale one"),
    "larger range": (ROWS["unit images"], images() * 1.0, ShapeError, "in X's range, 0 to 1; got 0 to 255. Rescale"),
    "smaller range": (lambda: images() * 1.0, ROWS["unit images"](), ShapeError, "X's range, 0 to 255; got 0 to 1."),
    "columns": (table, table()[:, :2], ShapeError, r"shape of X's, \(m, 3\), at least one; got \(30, 2\)"),
    "column names": (
        frame,
        frame()[["a", "c", "b"]],
        ShapeError,
        r"X's columns in their order; got \['a', 'c', 'b'\]. Take",
    ),
    "another scale": (
        table,
        table() * 100,
        ShapeError,
        r"scale; got medians .* in 3 of 3 columns \(the first: 0\)",
    ),
    "scaled": (lambda: table() + 50, table() - 3, ShapeError, r"first: 0\). Transform it by the same steps as X"),
    "fractions": (
        whole,
        whole() + 0.5,
        ShapeError,
        r"X's type, int64, can hold; got another in row 0. Convert X to float",
    ),
    "fraction in a column": (
        lambda: pd.DataFrame(whole(), columns=list("abc")).astype({"a": float}),
        pd.DataFrame(whole() + 0.5, columns=list("abc")),
        ShapeError,
        r"X's type, int64, can hold; got another in row 0",
    ),
    "overflow": (images, images().astype(np.int64) + np.eye(8, dtype=int) * 256, ShapeError, "type, uint8, can hold"),
    "sparse": (table, csr_matrix(table(5, seed=1)), ShapeError, r"must be dense; got a sparse matrix. Pass X_unlab"),
    "ragged": (table, [[1.0, 2.0, 3.0], [1.0, 2.0]], ShapeError, r"rows must all have one shape; got \(3,\) in row 0"),
    "objects": (images, images().astype(object), ShapeError, r"numbers of X's kind \(uint8\); got object"),
    "holes": (table, np.full((3, 3), np.nan), ValueError, "fit saw none missing; got NaN in column '0', row 0"),
    "holes in images": (ROWS["unit images"], np.full((3, 8, 8), np.nan), ShapeError, "pixels must be finite; got NaN"),
}


@pytest.mark.parametrize("case", BAD)
def test_rows_that_differ_from_the_labelled_ones_are_refused(case):
    """Rows of another shape, kind, range or order, or with holes, are refused, and the message names X_unlabeled."""
    rows, more, error, message = BAD[case]
    with pytest.raises(error, match=message):
        augmenter().fit(rows(), LABELS, X_unlabeled=more)


WAYS = {
    "classifier": lambda X, more: AugmentedClassifier(augmenter=augmenter()).fit(X, LABELS, X_unlabeled=more),
    "sampler": lambda X, more: SyntheticSampler(augmenter()).fit_resample(X, LABELS, X_unlabeled=more),
    "compare": lambda X, more: compare(X, LABELS, arms=["none", "self-training"], X_unlabeled=more),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", BAD)
def test_they_are_refused_in_the_same_words_everywhere(case, way):
    """Whoever takes rows without labels reads them before anything is learned or compared, whichever arms run."""
    rows, more, error, message = BAD[case]
    if (case, way) == ("sparse", "sampler"):
        pytest.skip("imbalanced-learn's samplers take sparse rows")
    with pytest.raises(error, match=message):
        WAYS[way](rows(), more)
    assert not MET


def test_a_sampler_takes_sparse_rows_without_labels():
    """Where X may be sparse, rows without labels may be: they are the same as dense ones."""
    X, more = table(), table(5, seed=1)
    for given in (more, csr_matrix(more)):
        SyntheticSampler(augmenter(), random_state=0).fit_resample(csr_matrix(X), LABELS, X_unlabeled=given)
    torch.testing.assert_close(MET[0][1], MET[1][1])
    with pytest.raises(ConfigError, match="got 2 of 2 rows"):
        SyntheticSampler(augmenter()).fit_resample(csr_matrix(X), LABELS, X_unlabeled=csr_matrix(X[:2]))


def test_constant_columns_tell_nothing_of_the_scale():
    """Rows are refused for most of the columns that vary in X: not for one of three, nor for constant ones."""
    X, more = table(), table(9, seed=1)
    more[:, 0] += 1000
    augmenter().fit(X, LABELS, X_unlabeled=more)
    augmenter().fit(np.c_[X[:, :1], np.zeros((30, 2))], LABELS, X_unlabeled=np.c_[X[:9, :1] + 0.1, np.ones((9, 2))])
    assert len(MET) == 2


def test_a_comparison_says_how_many_there_were():
    """Settings and report tell of rows without labels, as many as there were; nothing where there were none."""
    settings = {"arms": ["none", "self-training"], "cv": Folds(2, 1), "random_state": 0}
    result = compare(table(), LABELS, X_unlabeled=table(1007, seed=1), **settings)
    assert result.settings["n_unlabelled"] == 1007
    assert ("rows without labels", "1,007") in facts_part(result)
    assert "rows without labels" in report_html(result, include_real_rows=False)
    assert "n_unlabelled" not in compare(table(), LABELS, arms=["none", "smote"], cv=Folds(2, 1)).settings


class Unsure(GaussianNB):
    """A classifier without probabilities."""

    predict_proba = property()


@pytest.mark.parametrize(
    "settings", [{"arms": ["none", "smote"]}, {"arms": ["none", "self-training"], "estimator": Unsure()}]
)
def test_rows_that_no_arm_uses_are_refused(settings):
    """A comparison whose arms have no use for rows without labels says so, rather than leave them out."""
    with pytest.raises(ConfigError, match=r"of use to an arm; got \['none', .* Add 'self-training'"):
        compare(table(), LABELS, X_unlabeled=table(5, seed=1), **settings)


def test_a_comparison_asks_whether_its_learner_uses_them_first():
    """A learner without a use for them is refused before the first split; an arm of one's own is trusted."""
    with pytest.raises(ConfigError, match="must go to a learner that uses rows without labels"):
        prepare(table(), LABELS, arms=["none", "gan"], augmenter=augmenter(Deaf()), X_unlabeled=table(5, seed=1))
    arms = {"none": "none", "mine": lambda task: task}
    assert prepare(table(), LABELS, arms=arms, X_unlabeled=table(5, seed=1)).settings["n_unlabelled"] == 5


def test_a_learner_that_does_not_use_them_says_who_does():
    """Rows without labels are never ignored: a learner that has no use for them is refused, with those that have."""
    able = ", ".join(name for name, learner in LEARNERS.items() if uses_unlabelled(learner))
    with pytest.raises(ConfigError, match=rf"that uses rows without labels \({able}\); got Deaf. Choose one of those"):
        augmenter(Deaf()).fit(images(), LABELS, X_unlabeled=images(5, seed=1))


def uses_unlabelled(learner):
    """Return whether a learner learns something else when it is given rows without labels."""
    more = {"X_unlabeled": table(9, seed=1)} if takes_unlabelled(learner) else {}
    ours, alone = (augmenter(learner).fit(table(), LABELS, **rows).sample(2, random_state=0)[0] for rows in (more, {}))
    return not np.array_equal(ours, alone)


SHARED = np.concatenate([images(3, seed=1), images()[4:6]])


@pytest.mark.parametrize(
    "learn",
    [
        lambda: AugmentedClassifier(augmenter=augmenter()).fit(images(), LABELS, X_unlabeled=SHARED),
        lambda: AugmentedClassifier(augmenter=augmenter(), gate=False).fit(images(), LABELS, X_unlabeled=SHARED),
        lambda: SyntheticSampler(augmenter()).fit_resample(images(), LABELS, X_unlabeled=SHARED),
        lambda: compare(images(), LABELS, arms=["none", "gan"], augmenter=augmenter(), X_unlabeled=SHARED),
    ],
    ids=["classifier", "classifier without the gate", "sampler", "compare"],
)
def test_a_row_that_may_be_tested_on_is_found_among_them(learn):
    """Whoever may be scored on rows of X refuses them as rows without labels, counts them, and learns nothing."""
    with pytest.raises(ConfigError, match=r"no row of X, .* got 2 of 5 rows that X holds too. Drop them"):
        learn()
    assert not MET


def test_rows_are_compared_by_their_numbers():
    """Equal rows are found whatever container and type they are in; rows that differ in one number are not."""
    with pytest.raises(ConfigError, match="got 30 of 30"):
        check_apart(frame().astype(np.float32), table().astype(np.float32).astype(np.float64))
    with pytest.raises(ConfigError, match="got 30 of 30"):
        check_apart(table().astype(np.float32), table())
    check_apart(table(), table() * (1 + 1e-12))  # equal in float32 alone
    with pytest.raises(ConfigError, match="got 1 of 1"):
        check_apart(np.array([[0.0, 1.0]]), torch.tensor([[-0.0, 1.0]]))
    nearly = images()
    nearly[:, 0, 0] ^= 1
    check_apart(images(), nearly)
    check_apart(images(), None)


def test_folds_show_every_learner_all_rows_without_labels():
    """In a comparison each split's learner, and each of the gate's, gets them whole, beside its own rows."""
    X, more = images(60), images(9, seed=1)
    y = np.tile(LABELS, 2)
    settings = {"estimator": GaussianNB(), "cv": Folds(2, 1), "random_state": 0}
    settings["image_transform"] = lambda image: image
    arms = ["none", "gan", "gated", "self-training"]
    result = compare(X, y, arms=arms, augmenter=augmenter(), X_unlabeled=more, **settings)
    assert set(result.arms) == set(arms)
    assert len(MET) == 2 * (1 + 3)
    assert all(x_unlabeled.shape == (9, 1, 8, 8) for _, x_unlabeled in MET)


def test_a_pipelines_steps_transform_them_too():
    """With metadata routing and transform_input, a scaler before the classifier scales rows without labels as well."""
    X, more = table(), table(8, seed=1)
    with sklearn.config_context(enable_metadata_routing=True):
        model = AugmentedClassifier(augmenter=augmenter(), gate=False).set_fit_request(X_unlabeled=True)
        pipeline = Pipeline([("scale", StandardScaler()), ("model", model)], transform_input=["X_unlabeled"])
        pipeline.fit(X, LABELS, X_unlabeled=more)
        whole = MET[-1]
        cross_val_score(pipeline, X, LABELS, cv=2, params={"X_unlabeled": more}, error_score="raise")
    scaler = StandardScaler().fit(X)
    expected = augmenter().fit(scaler.transform(X), LABELS, X_unlabeled=scaler.transform(more))
    torch.testing.assert_close(whole[1], MET[-1][1])
    assert expected.n_features_in_ == 3
    assert [len(x_unlabeled) for _, x_unlabeled in MET] == [8, 8, 8, 8]


def test_a_sampler_that_stands_first_gets_them_through_an_imbalanced_pipeline():
    """With metadata routing the first step of an imbalanced-learn pipeline learns from rows without labels."""
    X, more = table(), table(8, seed=1)
    with sklearn.config_context(enable_metadata_routing=True):
        sampler = SyntheticSampler(augmenter(), random_state=0).set_fit_resample_request(X_unlabeled=True)
        steps = [("sampler", sampler), ("scale", StandardScaler()), ("model", LogisticRegression())]
        ImbalancedPipeline(steps).fit(X, LABELS, X_unlabeled=more)
    torch.testing.assert_close(MET[0][1], read_unlabelled(more, augmenter().fit(X, LABELS).codec_))


LEARNERS = {name: make(n_steps=3, batch_size=8, width=4) for name, make in NETWORKED.items()}


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
@pytest.mark.parametrize("kind", ROWS)
def test_rows_alone_make_a_generator_without_classes(kind, learner):
    """Without labels every learner learns one class, and what it draws comes back in its container, with None."""
    X = ROWS[kind]()
    fitted = augmenter(learner).fit(X)
    X_new, y_new = fitted.sample(5)
    assert y_new is None
    assert type(X_new) is type(X)
    assert tuple(X_new.shape) == (5, *X.shape[1:])
    assert fitted.classes_.tolist() == [None]
    assert fitted.class_counts_ == fitted.plan() == {None: 30}


def test_augment_needs_no_labels_where_fit_had_none():
    """The rows given come first, then as many new ones; labels are refused, for there are none to tell apart."""
    fitted = augmenter(selection="auto").fit(images())
    X_all, y_all = fitted.augment(images(20))
    np.testing.assert_array_equal(X_all[:20], images(20))
    assert (len(X_all), y_all) == (40, None)
    assert len(fitted.sample({None: 3})[0]) == 3
    with pytest.raises(LabelError, match="y must be None, for fit saw no labels"):
        fitted.augment(images(), LABELS)
    with pytest.raises(LabelError, match=r"class must be None, for fit saw no labels; got 'ill'. Say None"):
        fitted.sample({"ill": 3})


def test_a_generator_without_classes_is_saved_as_any_other(tmp_path):
    """Loaded, it draws the same rows, and still gives no labels."""
    fitted = augmenter(VAE(n_steps=3, batch_size=8, width=4), n_synthetic=7).fit(images())
    fitted.save(tmp_path)
    loaded = SyntheticAugmenter.load(tmp_path)
    np.testing.assert_array_equal(loaded.sample(4, random_state=1)[0], fitted.sample(4, random_state=1)[0])
    assert loaded.sample(2)[1] is None
    assert loaded.plan() == {None: 7}


def test_all_rows_without_labels_are_one_set():
    """Beside rows without labels there is nothing that further rows without labels could add to."""
    with pytest.raises(ConfigError, match=r"X_unlabeled must come with labels y; got y=None. Join both"):
        augmenter().fit(images(), X_unlabeled=images(5, seed=1))


def test_the_strategy_is_read_without_labels_too():
    """A misspelt strategy is named, though there is nothing to balance."""
    with pytest.raises(ConfigError, match="Did you mean 'minority'"):
        augmenter(CGAN(n_steps=1), sampling_strategy="minorty").fit(images())
