"""SyntheticAugmenter: exact counts, the same rows for the same seed, and everything in the user's own terms."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from torch.utils.data import DataLoader, TensorDataset

from synthaug import CGAN, AugmentedClassifier, SyntheticAugmenter
from synthaug.errors import ConfigError, LabelError, NoRowsAddedWarning, ShapeError, ShortfallWarning, SmallClassWarning
from synthaug.generators import GENERATORS

NETWORKED = {name: make for name, make in GENERATORS.items() if "batch_size" in make().get_params()}


def learn(X, y=None, learner=None, **settings):
    learner = CGAN(n_steps=3, batch_size=8, noise_dim=4, width=4) if learner is None else learner
    return SyntheticAugmenter(learner, **{"selection": "none", "random_state": 0, **settings}).fit(X, y)


def make_images(n=24):
    """Images (n, 8, 8), uint8, of three classes in two to one to one, named by strings."""
    y = np.array(["left", "left", "right", "top"] * (n // 4))
    return np.random.default_rng(0).integers(0, 256, size=(n, 8, 8), dtype=np.uint8), y


def make_table():
    """A table (30, 3), 20 rows of class 0 and 10 of class 1."""
    return np.random.default_rng(0).normal(size=(30, 3)), np.repeat([0, 1], [20, 10])


@pytest.fixture(scope="module")
def fitted():
    """An augmenter that learned images; tests draw from it with seeds only."""
    return learn(*make_images())


@pytest.mark.parametrize("asked", [{"top": 7}, {"top": 3, "left": 70}, {"left": 1, "right": 0}, 5, 0, {}])
def test_counts_are_exact(fitted, asked):
    """Exactly the rows asked for come, of exactly the classes named; an integer means every class."""
    X, y = fitted.sample(asked, random_state=0)
    wanted = asked if isinstance(asked, dict) else dict.fromkeys(["left", "right", "top"], asked)
    assert {label: int((y == label).sum()) for label in wanted} == wanted
    assert len(X) == len(y) == sum(wanted.values())


def test_a_seed_gives_the_same_rows_on_every_call(fitted):
    """With a seed a sample can be drawn again, whatever was drawn in between; another seed gives other rows."""
    first, _ = fitted.sample(6, random_state=1)
    fitted.sample(100)
    again, _ = fitted.sample(6, random_state=1)
    np.testing.assert_array_equal(again, first)
    assert (fitted.sample(6, random_state=2)[0] != first).any()


def test_without_a_seed_each_call_goes_on():
    """Without a seed no call repeats an earlier one, and a second augmenter of the same seed makes the same series."""
    series = [[augmenter.sample(4)[0] for _ in range(3)] for augmenter in (learn(*make_images()) for _ in range(2))]
    np.testing.assert_array_equal(series[0], series[1])
    assert len(np.unique(np.concatenate(series[0]), axis=0)) == 3 * 12


@pytest.mark.parametrize("selection", ["none", "agreement"])
def test_a_longer_sample_begins_with_the_shorter_one(selection):
    """Asking for more rows adds rows and changes none, so a study can be widened later."""
    X, y = make_table()
    augmenter = learn(X + 3 * y[:, None], y, CGAN(n_steps=60, batch_size=16, width=16), selection=selection)
    (short, _), (long, _) = (augmenter.sample({1: n}, random_state=0) for n in (5, 90))
    np.testing.assert_array_equal(long[:5], short)


def test_a_class_does_not_depend_on_what_else_is_asked(fitted):
    """The rows of one class are the same, drawn alone or beside other classes."""
    alone, _ = fitted.sample({"top": 6}, random_state=0)
    together, y = fitted.sample({"left": 80, "top": 6, "right": 3}, random_state=0)
    np.testing.assert_array_equal(together[y == "top"], alone)


CONTAINERS = {
    "grey": lambda X: X,
    "float": lambda X: (X / 255).astype(np.float32),
    "uint16": lambda X: X.astype(np.uint16) * 200,
    "colour, last": lambda X: np.stack([X, 255 - X, X], axis=-1),
    "colour, first": lambda X: np.stack([X, 255 - X, X], axis=1),
    "torch": lambda X: torch.from_numpy(X)[:, None],
    "torch, float": lambda X: torch.from_numpy(X / 255)[:, None],
    "table": lambda X: X[:, 0].astype(np.float64),
    "whole numbers": lambda X: X[:, 0].astype(np.int16),
    "torch table": lambda X: torch.from_numpy(X[:, 0]).float(),
    "frame": lambda X: pd.DataFrame(X[:, 0, :3], columns=["age", "stage", "size"]).astype({"size": np.float32}),
}
LABELS = {
    "strings": lambda y: y,
    "objects": lambda y: y.astype(object),
    "a list": lambda y: y.tolist(),
    "numbers with gaps": lambda y: np.select([y == "left", y == "right"], [-5, 2], default=900),
    "booleans": lambda y: y == "left",
    "torch": lambda y: torch.from_numpy(y == "left"),
    "a series": lambda y: pd.Series(y, name="finding"),
    "categories": lambda y: pd.Series(y, dtype="category"),
}


def dtypes(values):
    return dict(values.dtypes) if isinstance(values, pd.DataFrame) else getattr(values, "dtype", None)


@pytest.mark.parametrize("form", CONTAINERS)
def test_rows_come_back_as_they_went_in(form):
    """Container, type, layout and column names of the rows stay, in sample and in augment, and so does the range."""
    X, y = CONTAINERS[form](make_images()[0]), make_images()[1]
    before = copy.deepcopy(X)
    augmenter = learn(X, y)
    for new in (augmenter.sample(3, random_state=0)[0], augmenter.augment(X, y, random_state=0)[0]):
        assert type(new) is type(X)
        assert dtypes(new) == dtypes(X)
        assert new.shape[1:] == X.shape[1:]
        assert np.asarray(new).min() >= np.asarray(X).min()
        assert np.asarray(new).max() <= np.asarray(X).max()
        assert list(getattr(new, "columns", [])) == list(getattr(X, "columns", []))
    np.testing.assert_array_equal(np.asarray(X), np.asarray(before))


@pytest.mark.parametrize("form", LABELS)
def test_labels_come_back_as_they_went_in(form):
    """Labels of any kind come back in their container and type."""
    X, y = make_images()
    y = LABELS[form](y)
    augmenter = learn(X, y)
    wanted = np.asarray(y) if isinstance(y, list) else y
    for new in (augmenter.sample(3, random_state=0)[1], augmenter.augment(X, y, random_state=0)[1]):
        assert type(new) is type(wanted)
        assert new.dtype == wanted.dtype
        assert set(np.asarray(new).tolist()) == set(np.asarray(y).tolist())
        assert getattr(new, "name", None) == getattr(y, "name", None)


@pytest.mark.parametrize("form", ["grey", "torch", "frame"])
def test_augment_keeps_the_real_rows_first_and_untouched(form):
    """The first rows are the caller's, bit for bit; what follows fills the classes up to balance."""
    X, y = CONTAINERS[form](make_images()[0]), make_images()[1]
    X_all, y_all = learn(X, y).augment(X, y)
    np.testing.assert_array_equal(np.asarray(X_all[: len(X)]), np.asarray(X))
    np.testing.assert_array_equal(y_all[: len(y)], y)
    assert np.unique(y_all, return_counts=True)[1].tolist() == [12, 12, 12]
    assert len(X_all) == len(y_all) == 36


@pytest.mark.parametrize("as_column", [lambda y: y[:, None], lambda y: pd.DataFrame({"finding": y})])
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_labels_in_a_column_are_augmented(as_column):
    """Labels of shape (n, 1), which fit takes, are joined as labels (n,), those of a frame as a Series."""
    y = as_column(np.repeat(["ill", "well"], [20, 40]))
    X = np.random.default_rng(0).normal(size=(60, 3))
    X_all, y_all = SyntheticAugmenter(CGAN(n_steps=3, width=8), selection="none").fit(X, y).augment(X, y)
    assert len(X_all) == 80
    assert y_all.shape == (80,)
    assert isinstance(y_all, pd.Series) == isinstance(y, pd.DataFrame)


def test_augment_follows_the_rows_it_is_given():
    """The strategy counts the rows of the call, not those of fit, so a part of the rows is balanced by itself."""
    X, y = make_images()
    part = np.flatnonzero((y == "left") | (np.arange(24) < 6))
    _, y_all = learn(X, y).augment(X[part], y[part])
    assert set(np.unique(y_all, return_counts=True)[1]) == {12}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X, y: (X[:, :7], y), ShapeError, r"shape .* that fit saw, rows of \(8, 8\); got \(24, 7, 8\)"),
        (lambda X, y: (torch.from_numpy(X), y), ShapeError, r"X must come as fit saw it \(numpy\); got torch"),
        (lambda X, y: (X, pd.Series(y)), ShapeError, r"y must come as fit saw it \(numpy\); got pandas"),
        (lambda X, y: (X / 255, y), ShapeError, r"of the kind that fit saw \(uint8\); got float64"),
        (lambda X, y: (X, y[:-1]), LabelError, "one label for each row of X; got 24 rows and 23 labels"),
        (lambda X, y: (X, np.where(y == "top", "bottom", y)), LabelError, "among those that fit saw .* got 'bottom'"),
        (lambda X, y: (X, None), LabelError, "y must be given"),
    ],
)
def test_augment_refuses_rows_that_fit_did_not_see_the_like_of(fitted, change, error, message):
    """Rows of another shape, container or range cannot be joined with synthetic ones, and a message says which."""
    with pytest.raises(error, match=message):
        fitted.augment(*change(*make_images()))


def test_a_dataset_is_learned_from_as_its_arrays_are():
    """A torch Dataset gives the very augmenter that its rows give as tensors."""
    X, y = make_images()
    X, y = torch.from_numpy(X)[:, None], torch.from_numpy(y == "top").long()
    (of_dataset, labels), (of_tensors, _) = (
        augmenter.sample(3, random_state=0) for augmenter in (learn(TensorDataset(X, y)), learn(X, y))
    )
    assert torch.equal(of_dataset, of_tensors)
    assert of_dataset.dtype == torch.uint8
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_loader_is_refused_in_words():
    """A DataLoader in the place of its data set is called by its name."""
    with pytest.raises(ConfigError, match=r"got a DataLoader .*Pass loader.dataset"):
        SyntheticAugmenter().fit(DataLoader(TensorDataset(torch.zeros(4, 3), torch.tensor([0, 0, 1, 1]))))


def test_a_class_too_small_to_learn_from_is_no_error():
    """A class of one row gets a warning and no synthetic row; the others are learned, and it cannot be drawn."""
    X, y = make_images()
    y[1:], y[0] = np.where(y[1:] == "top", "left", y[1:]), "top"
    with pytest.warns(SmallClassWarning, match="got 1 for 'top'"):
        augmenter = learn(X, y)
    _, y_all = augmenter.augment(X, y)
    assert (y_all == "top").sum() == 1
    assert (y_all == "right").sum() == (y_all == "left").sum()
    assert set(augmenter.sample(2)[1]) == {"left", "right"}
    assert augmenter.classes_.tolist() == ["left", "right", "top"]
    with pytest.raises(LabelError, match="must have been learned to be drawn; got 'top', which had 1 training row"):
        augmenter.sample({"top": 1})


def test_nothing_but_small_classes_is_no_error():
    """Where no class can be learned, there is a plan of nothing."""
    with pytest.warns(SmallClassWarning, match="got 1 for 0, 1"):
        augmenter = learn(np.eye(2), [0, 1])
    assert augmenter.plan() == {0: 0, 1: 0}
    assert len(augmenter.augment(np.eye(2), np.array([0, 1]))[0]) == 2


def test_the_story_of_learning_is_kept(fitted):
    """history_ has a row a logged step with each loss; quality_ one for each class and metric."""
    assert list(fitted.history_)[:3] == ["step", "images_seen", "seconds"]
    assert fitted.history_["step"].tolist() == [1, 2, 3]
    assert fitted.history_["images_seen"].tolist() == [8, 16, 24]
    assert fitted.history_["seconds"].is_monotonic_increasing
    assert np.isfinite(fitted.history_).all(axis=None)
    assert list(fitted.quality_) == ["class", "metric", "value", "measured_on"]
    measured = set(zip(fitted.quality_["class"], fitted.quality_["metric"], strict=True))
    assert measured == {(label, metric) for label in fitted.classes_ for metric in ("acceptance", "diversity")}
    assert fitted.class_counts_ == {"left": 12, "right": 6, "top": 6}
    assert (fitted.image_shape_, fitted.n_features_in_, fitted.was_cut_) == ((1, 8, 8), 64, False)


def test_callbacks_hear_each_step_and_can_stop():
    """Every callback is told the losses; one that answers True ends learning, and the others are still told."""
    heard = []
    augmenter = learn(
        *make_table(), CGAN(n_steps=50, width=4), callbacks=[lambda record: record.step == 5, heard.append]
    )
    assert [record.step for record in heard] == [1, 2, 3, 4, 5]
    assert heard[0].n_steps == 50
    assert set(heard[0].terms) == {"critic_real", "critic_fake", "critic_accuracy", "generator"}
    assert augmenter.history_["step"].max() == 5


def test_max_steps_caps_the_learner():
    """max_steps ends learning early, and never makes it longer than the learner would be."""
    assert learn(*make_table(), max_steps=2).history_["step"].max() == 2
    assert learn(*make_table(), max_steps=1000).history_["step"].max() == 3


def test_a_run_cut_by_time_says_so():
    """A run that max_seconds cut is marked: the same seed need not give the same rows again."""
    augmenter = learn(*make_table(), CGAN(n_steps=10**6, width=4), max_seconds=0.2)
    assert augmenter.was_cut_
    assert augmenter.sample(2)[0].shape == (4, 3)


@pytest.mark.parametrize("learner", NETWORKED)
def test_an_interrupted_run_goes_on_to_the_same_rows(tmp_path, learner):
    """With a checkpoint folder and resume, a run that was stopped half-way ends where an unbroken one ends."""
    X, y = make_images()
    make = GENERATORS[learner]
    shared = {"checkpoint_dir": tmp_path, "resume": True, "device": "cpu"}  # GPUs add in another order each time
    learn(X, y, make(n_steps=8), callbacks=[lambda record: record.step == 5], **shared)
    steps = []
    resumed = learn(X, y, make(n_steps=8), callbacks=[lambda record: steps.append(record.step)], **shared)
    unbroken = learn(X, y, make(n_steps=8), device="cpu")
    assert steps == [1, 2, 3, 4, 5, 6, 7, 8]
    np.testing.assert_array_equal(resumed.sample(4, random_state=0)[0], unbroken.sample(4, random_state=0)[0])
    losses = [name for name in unbroken.history_ if name != "seconds"]
    pd.testing.assert_frame_equal(resumed.history_[losses], unbroken.history_[losses])


def test_progress_goes_to_standard_error_only(capsys):
    """verbose=1 shows how far learning is, and leaves standard output to the caller's own results."""
    learn(*make_table(), verbose=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "learning" in shown.err
    learn(*make_table(), verbose=0)
    assert capsys.readouterr() == ("", "")


def test_fit_transform_warns_before_it_learns():
    """In a plain pipeline no row can be added: the warning comes before the time is spent, and names the remedy."""
    learned = []
    augmenter = SyntheticAugmenter(CGAN(n_steps=3, width=4), callbacks=[learned.append], selection="none")
    X, y = make_table()
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoRowsAddedWarning)
        with pytest.raises(NoRowsAddedWarning, match="AugmentedClassifier"):
            augmenter.fit_transform(X, y)
    assert not learned
    with pytest.warns(NoRowsAddedWarning):
        np.testing.assert_array_equal(augmenter.fit_transform(X, y), X)


def test_transform_is_the_identity(fitted):
    """At prediction time nothing changes, and rows of another shape are refused."""
    X, _ = make_images()
    assert fitted.transform(X) is X
    with pytest.raises(ShapeError, match=r"the shape that fit saw, \(n, 8, 8\); got \(24, 8, 7\)"):
        fitted.transform(X[:, :, :7])
    table, y = make_table()
    augmenter = learn(table, y)
    np.testing.assert_array_equal(augmenter.transform(table), table)
    with pytest.raises(ValueError, match="2 features, but SyntheticAugmenter is expecting 3"):
        augmenter.transform(table[:, :2])


def test_frames_keep_their_columns_through_transform():
    """A DataFrame goes through transform as it is; columns in another order are refused; set_output makes frames."""
    X, y = make_table()
    frame = pd.DataFrame(X, columns=["age", "stage", "size"])
    augmenter = learn(frame, y)
    assert augmenter.transform(frame) is frame
    assert augmenter.get_feature_names_out().tolist() == ["age", "stage", "size"]
    with pytest.raises(ValueError, match="feature names should match"):
        augmenter.transform(frame[["size", "age", "stage"]])
    assert isinstance(learn(X, y).set_output(transform="pandas").transform(X), pd.DataFrame)


@pytest.mark.parametrize("method", ["sample", "augment", "transform", "plan", "save"])
def test_nothing_can_be_asked_before_fit(method):
    """Every method but fit says that fit comes first."""
    arguments = {"sample": (3,), "augment": make_table(), "transform": make_table()[:1], "plan": (), "save": ("x",)}
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(SyntheticAugmenter(), method)(*arguments[method])


def test_a_fitted_augmenter_survives_pickling(fitted):
    """Joblib can send a fitted augmenter to another process: it draws the same rows there."""
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.sample(5, random_state=0)[0], fitted.sample(5, random_state=0)[0])


def test_clone_forgets_what_was_learned(fitted):
    """A clone has the same parameters, its learner's among them, and nothing learned."""
    other = clone(fitted)
    assert repr(other) == repr(SyntheticAugmenter(fitted.generator, selection="none", random_state=0))
    assert other.generator is not fitted.generator
    with pytest.raises(NotFittedError):
        other.sample(1)


def test_fit_leaves_its_parameters_alone():
    """Fit learns with a copy: the learner that was passed in stays as it was, so it can be used again."""
    learner = CGAN(n_steps=3, width=4)
    before = learner.get_params()
    augmenter = learn(*make_table(), learner)
    assert learner.get_params() == before
    assert not hasattr(learner, "networks_")
    assert augmenter.generator is learner


def test_the_same_seed_learns_the_same_again():
    """Two augmenters of one seed draw the same rows, whatever the global random state is; another seed does not."""
    rows = []
    for seed, global_seed in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(global_seed)
        np.random.seed(global_seed)  # noqa: NPY002  it must not matter
        rows.append(learn(*make_table(), random_state=seed).sample(4)[0])
    np.testing.assert_array_equal(rows[0], rows[1])
    assert (rows[0] != rows[2]).any()


def test_global_random_state_is_left_alone():
    """Learning and drawing draw no number of torch's or NumPy's global stream."""
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    learn(*make_images()).sample(3)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


@pytest.mark.slow
def test_a_search_over_the_learners_parameters():
    """GridSearchCV reaches the learner through the augmenter, in two processes, and refits with what it found."""
    X, y = make_table()
    model = AugmentedClassifier(
        LogisticRegression(),
        SyntheticAugmenter(CGAN(n_steps=3, width=4), selection="none"),
        gate=False,
        random_state=0,
    )
    search = GridSearchCV(model, {"augmenter__generator__lr": [1e-4, 1e-3]}, cv=2, n_jobs=2).fit(X, y)
    assert set(search.cv_results_["param_augmenter__generator__lr"]) == {1e-4, 1e-3}
    assert search.best_estimator_.augmenter_.generator_.lr == search.best_params_["augmenter__generator__lr"]
    assert search.best_estimator_.n_added_ == 10


def test_selection_that_falls_short_says_by_how_much():
    """Where too few drawn rows pass for their class, the sample is filled up and a warning counts."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.repeat(["no", "yes"], 30)
    X[y == "yes"] += 8
    augmenter = learn(X, y, CGAN(n_steps=1, width=4), selection="agreement")
    with pytest.warns(ShortfallWarning, match=r"it took \d+ of 40 for '(no|yes)'.*pass selection='none'"):
        rows, labels = augmenter.sample(40, random_state=0)
    assert len(rows) == len(labels) == 80


def test_groups_reach_the_selection():
    """Copies of a row in one group are held out together, so the selector does not take memory for knowledge."""
    rng = np.random.default_rng(0)
    X, y, patient = rng.normal(size=(20, 30)).repeat(3, axis=0), rng.permutation(20).repeat(3) % 2, np.arange(60) // 3
    augmenter = SyntheticAugmenter(CGAN(n_steps=1, width=4), selection="agreement", random_state=0)
    alone, grouped = (augmenter.fit(X, y, groups=groups).selector_.thresholds for groups in (None, patient))
    assert (grouped < alone).all()
    with pytest.raises(ShapeError, match=r"groups must hold one entry for each row; got shape \(2,\) for 60 rows"):
        augmenter.fit(X, y, groups=[0, 1])
