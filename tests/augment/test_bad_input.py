"""Bad input: an error of the right kind that says what came and what to do, before anything is learned or lost."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.exceptions import NotFittedError

from synthaug import CGAN, AugmentedClassifier, SyntheticAugmenter
from synthaug.errors import (
    BudgetWarning,
    CellError,
    ConfigError,
    FileError,
    LabelError,
    ShapeError,
    SynthaugError,
    UnseenValueWarning,
)

ROWS = np.random.default_rng(0).integers(0, 256, size=(12, 8, 8), dtype=np.uint8)
LABELS = np.repeat(["cat", "dog"], 6)
TABLE = np.random.default_rng(0).normal(size=(12, 3))


def augmenter(**settings):
    learner = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=4), selection="none")
    return learner.set_params(**settings)


def classifier(**settings):
    return AugmentedClassifier(augmenter=augmenter(), **settings)


@pytest.fixture(scope="module")
def fitted():
    return augmenter().fit(ROWS, LABELS)


def with_pixel(value, row=4):
    images = ROWS.astype(np.float32)
    images[row, 2, 3] = value
    return images


def with_cell(value):
    table = TABLE.copy()
    table[4, 1] = value
    return table


UNEQUAL = [np.zeros((8, 8)), np.zeros((8, 9)), np.zeros((8, 8))] * 4
OBJECTS = np.empty(12, dtype=object)
OBJECTS[:] = UNEQUAL
WORDS = np.full((12, 8, 8), "pixel")
BAD_ROWS = {
    "NaN pixel": (
        with_pixel(np.nan),
        ShapeError,
        r"pixels must be finite; got NaN in 1 of 12 images \(the first is row 4",
    ),
    "infinite pixel": (with_pixel(-np.inf), ShapeError, "pixels must be finite; got infinity in 1 of 12 images"),
    "infinite cell": (
        with_cell(np.inf),
        ShapeError,
        r"numbers must be finite; column 1 contains infinity \(inf\) in row 4. Write NaN there",
    ),
    "empty images": (ROWS[:0], ShapeError, r"at least one row; got shape \(0, 8, 8\)"),
    "empty table": (TABLE[:0], ValueError, "0 sample"),
    "table without columns": (TABLE[:, :0], ValueError, "0 feature"),
    "one-dimensional": (TABLE[:, 0], ValueError, "Expected 2D array"),
    "too few rows": (ROWS[:-1], LabelError, "one label for each row of X; got 11 rows and 12 labels"),
    "unequal shapes, list": (
        UNEQUAL,
        ShapeError,
        r"one shape; got \(8, 8\) in row 0 and \(8, 9\) in row 1.*Resize or crop",
    ),
    "unequal shapes, objects": (OBJECTS, ShapeError, r"one shape; got \(8, 8\) in row 0 and \(8, 9\) in row 1"),
    "words for pixels": (WORDS, ShapeError, "images must hold numbers; got dtype <U5"),
    "objects for pixels": (ROWS.astype(object), ShapeError, "images must hold numbers; got dtype object"),
    "words and numbers in a column": (
        np.array([[1.5, "a"], ["b", "a"]] * 6, dtype=object),
        ShapeError,
        "column 0 holds a number in row 0 and a string in row 1. Make them one",
    ),
    "a list in a cell": (
        pd.DataFrame({"age": TABLE[:, 0], "stays": [[1], [2, 3]] * 6}),
        CellError,
        "got list in column 'stays', row 0. Split it into columns of its own",
    ),
    "two columns of one name": (
        pd.DataFrame(TABLE, columns=["age", "size", "age"]),
        ShapeError,
        "names of their own; got 'age' more than once. Rename them",
    ),
    "no column in a frame": (pd.DataFrame(index=range(12)), ShapeError, "at least one row and one column"),
    "complex pixels": (ROWS * 1j, ShapeError, "images must hold numbers; got dtype complex128"),
    "sparse": (scipy.sparse.csr_matrix(TABLE), TypeError, "Sparse data was passed"),
    "ambiguous layout": (
        np.zeros((12, 8, 8, 8)),
        ShapeError,
        r"layout of the images must be clear; got rows of shape \(8, 8, 8\).*Say image_format='channels_last'",
    ),
    "volumes": (np.zeros((12, 8, 8, 8, 1)), ShapeError, r"got rows of shape \(8, 8, 8, 1\).*slice by slice"),
    "tiny images": (ROWS[:, :4, :4], ShapeError, "8 to 128 pixels high and wide; got 4 x 4"),
    "huge images": (np.zeros((12, 200, 200)), ShapeError, "8 to 128 pixels high and wide; got 200 x 200.*Resize them"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_rows_that_cannot_be_learned_from(case):
    """Rows with a hole, of no or of several shapes, or of no numbers are refused, and the message names what came."""
    rows, error, message = BAD_ROWS[case]
    with pytest.raises(error, match=message):
        augmenter().fit(rows, LABELS[:0] if case.startswith("empty") else LABELS)


BAD_LABELS = {
    "one class": (np.full(12, "cat"), LabelError, r"at least two classes; got one class \('cat'\)"),
    "missing, float": (
        np.array([np.nan, *[0.0, 1.0] * 5, 1.0]),
        LabelError,
        "missing .* got 1 missing, the first in row 0",
    ),
    "missing, object": (
        np.array(["cat", None, *["cat", "dog"] * 5], dtype=object),
        LabelError,
        r"labels must not be missing \(NaN, None\); got 1 missing, the first in row 1.*X_unlabeled",
    ),
    "missing, list": (["cat", None, *["cat", "dog"] * 5], LabelError, "missing"),
    "two types": (np.array(["cat", 3, *["cat", "dog"] * 5], dtype=object), LabelError, "one type; got int and str"),
    "too few": (LABELS[:5], LabelError, "one label for each row of X; got 12 rows and 5 labels"),
    "regression": (TABLE[:, 0], ValueError, "Unknown label type: continuous"),
    "one-hot": (np.eye(2)[[0, 1] * 6], ValueError, "1d array"),
}


@pytest.mark.parametrize(
    "make", [augmenter, classifier, lambda: classifier(gate=False)], ids=["learn", "gate", "no gate"]
)
@pytest.mark.parametrize("case", BAD_LABELS)
def test_labels_that_cannot_be_learned_from(case, make):
    """Labels that are missing, of one class, of mixed types or no classes are refused, by the classifier as well."""
    labels, error, message = BAD_LABELS[case]
    with pytest.raises(error, match=message):
        make().fit(ROWS, labels)


@pytest.mark.parametrize("labels", [np.arange(24), np.arange(24) * 10 // 7 % 17, [f"patient {i}" for i in range(24)]])
def test_a_regression_target_or_a_key_is_no_class(labels):
    """Labels of which most stand alone are not learned; the message asks whether the column is the right one."""
    with pytest.raises(LabelError, match=r"classes; got \d+ different values in 24 rows, (?!np).*regression target"):
        augmenter().fit(np.tile(TABLE, (2, 1)), labels)


def test_rows_with_what_fit_did_not_see_are_named():
    """A new category or a hole: a warning that names column and row, and the rows come back as they are."""
    seen = pd.DataFrame({"age": TABLE[:, 0], "sex": ["f", "m"] * 6})
    learned = augmenter(generator__n_steps=1).fit(seen, LABELS)
    for column, value in {"sex": "other", "age": np.nan}.items():
        came = seen.copy()
        came.loc[3, column] = value
        with pytest.warns(UnseenValueWarning, match=f"X holds what fit did not see: .* in column '{column}', row 3"):
            pd.testing.assert_frame_equal(learned.transform(came), came)
        with pytest.warns(UnseenValueWarning, match=f"in column '{column}', row 3"):
            pd.testing.assert_frame_equal(learned.augment(came, LABELS)[0][:12], came)


BAD_SETTINGS = {
    "generator, near miss": (
        {"generator": "cgn"},
        r"generator must be one of auto, cgan.*; got 'cgn'\. Did you mean 'cgan'\?",
    ),
    "generator, no learner": ({"generator": 3}, "generator must be 'auto', a name, or a learner such as CGAN.*; got 3"),
    "generator, a class": ({"generator": CGAN}, "a learner such as CGAN.*; got <class"),
    "selection": ({"selection": "agrement"}, r"got 'agrement'\. Did you mean 'agreement'\?"),
    "image_format": ({"image_format": "channel_last"}, r"got 'channel_last'\. Did you mean 'channels_last'\?"),
    "categorical_features": ({"categorical_features": [0]}, r"must be 'auto' or None for images; got \[0\]. Leave it"),
    "resume": ({"resume": True}, "resume must come with checkpoint_dir"),
    "max_seconds": ({"max_seconds": -1}, "max_seconds must be a positive number; got -1"),
    "max_seconds, NaN": ({"max_seconds": float("nan")}, "max_seconds must be a positive number; got nan"),
    "max_steps": ({"max_steps": 0}, "max_steps must be a positive integer; got 0"),
    "max_steps, fraction": ({"max_steps": 2.5}, "max_steps must be a positive integer; got 2.5"),
    "sampling_strategy": ({"sampling_strategy": "minorty"}, r"Did you mean 'minority'\?"),
    "n_synthetic": ({"n_synthetic": -3}, "n_synthetic must be a whole number from 0 to 10,000,000; got -3"),
    "device, unknown": ({"device": "tpu"}, "device must be auto, cpu, cuda.*; got 'tpu'"),
    "objective": ({"generator__objective": "hing"}, r"got 'hing'\. Did you mean 'hinge'\?"),
    "policy": ({"generator__policy": "translate"}, r"policy must be one of .*; got 'translate'"),
    "lr": ({"generator__lr": -0.1}, "lr must be a positive number; got -0.1"),
    "n_steps": ({"generator__n_steps": 0}, "n_steps must be a positive integer; got 0"),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_settings_that_cannot_be(case):
    """A setting with a typo or an impossible value is refused by fit, with the nearest word where there is one."""
    settings, message = BAD_SETTINGS[case]
    with pytest.raises(ConfigError, match=message):
        augmenter(**settings).fit(ROWS, LABELS)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the GPU that is asked for")
def test_a_missing_gpu_is_named():
    """A GPU that is asked for and not there is an error, not a slow run on the CPU."""
    with pytest.raises(ConfigError, match=r"got 'cuda', but this machine shows 0 CUDA device.*Pass device='cpu'"):
        augmenter(device="cuda").fit(ROWS, LABELS)


@pytest.mark.parametrize("gate", [True, False], ids=["gate", "no gate"])
def test_a_classifier_needs_labels(gate):
    """Without labels a classifier has nothing to learn, though an augmenter has."""
    with pytest.raises(LabelError, match="y must be given"):
        classifier(gate=gate).fit(ROWS, None)


@pytest.mark.parametrize(
    ("image_shape", "message"),
    [
        ((7, 8), r"as many pixels as a row has numbers; got \(7, 8\) \(56 pixels\) for rows of 64"),
        ((64,), r"image_shape must be \(h, w\), \(h, w, c\) or \(c, h, w\) .*; got \(64,\)"),
        ((4, 16), "8 to 128 pixels high and wide; got 4 x 16"),
    ],
)
def test_an_image_shape_that_does_not_fit(image_shape, message):
    """image_shape must describe the flat rows; a contradiction is named with both sides of it."""
    with pytest.raises(ShapeError, match=message):
        augmenter(image_shape=image_shape).fit(ROWS.reshape(12, 64), LABELS)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"cow": 3}, LabelError, "class must be one of 'cat', 'dog'; got 'cow'"),
        ({"cat": -1}, ConfigError, r"n_per_class\['cat'\] must be a whole number from 0 to 10,000,000; got -1"),
        ({"cat": 1.5}, ConfigError, "must be a whole number .*; got 1.5"),
        ({"cat": "many"}, ConfigError, "must be a whole number .*; got 'many'"),
        ({"cat": True}, ConfigError, "must be a whole number .*; got True"),
        (10**12, ConfigError, "n_per_class must be a whole number from 0 to 10,000,000; got 1000000000000"),
        (-3, ConfigError, "n_per_class must be a whole number .*; got -3"),
        (None, ConfigError, "n_per_class must be a whole number .*; got None"),
    ],
)
def test_samples_that_cannot_be_drawn(fitted, asked, error, message):
    """An unknown class, and a number that is negative, absurd or no whole number, are refused before drawing."""
    with pytest.raises(error, match=message):
        fitted.sample(asked)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "explain_decision"])
def test_an_unfitted_classifier_says_so(method):
    """Predicting before fit names fit."""
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(classifier(), method)(*([] if method == "explain_decision" else [ROWS]))


@pytest.mark.parametrize(
    ("rows", "seen", "error", "message"),
    [
        (ROWS, ROWS[:, :7], ShapeError, r"rows must have the shape that fit saw, \(8, 8\); got \(7, 8\)"),
        (ROWS, ROWS.reshape(12, 64), ShapeError, r"shape that fit saw, \(8, 8\); got \(64,\)"),
        (TABLE, TABLE[:, :2], ValueError, "2 features, but AugmentedClassifier is expecting 3"),
        (TABLE, TABLE[0], ValueError, "Expected 2D array"),
    ],
)
def test_rows_to_predict_must_have_the_shape_of_fit(rows, seen, error, message):
    """Rows of another shape than fit saw are refused, images as well as tables."""
    model = classifier(gate=False).fit(rows, LABELS)
    with pytest.raises(error, match=message):
        model.predict(seen)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"candidates": "all"}, "candidates must be 'auto' or a dict of Mix by name; got 'all'"),
        ({"n_splits": 1}, "n_splits must be at least 2; got 1"),
        ({"n_splits": "three"}, "n_splits must be a whole number .*; got 'three'"),
        ({"synthetic_weight": -1}, "synthetic_weight must be a number from 0 to 100; got -1"),
        ({"synthetic_weight": "low"}, "synthetic_weight must be a number from 0 to 100; got 'low'"),
        (
            {"image_transform": "shif"},
            r"image_transform must be one of shift, affine, mirror, .*; got 'shif'\. Did you mean 'shift'\?",
        ),
    ],
)
def test_settings_of_the_classifier_that_cannot_be(settings, message):
    """What the gate cannot work with is refused in words."""
    with pytest.raises(ConfigError, match=message):
        classifier(**settings).fit(ROWS, LABELS)


@pytest.mark.parametrize("make", [classifier, lambda: classifier(gate=False), augmenter])
def test_groups_must_be_one_for_each_row(make):
    """Groups of another length are refused, not cut or repeated."""
    with pytest.raises(ShapeError, match=r"groups must hold one entry for each row; got shape \(5,\) for 12 rows"):
        make().fit(ROWS, LABELS, groups=np.arange(5))


@pytest.mark.parametrize("where", ["in the place of a file", "below a file"])
@pytest.mark.parametrize("task", ["save", "checkpoint"])
def test_a_folder_that_cannot_be_written(tmp_path, fitted, task, where):
    """A folder that cannot be made is named at once, with the reason."""
    (tmp_path / "taken").write_text("mine")
    folder = tmp_path / "taken" if where == "in the place of a file" else tmp_path / "taken" / "below"
    with pytest.raises(FileError, match=r"folder must be writable; got '.*taken.*' \(.+\)\. Choose another one"):
        fitted.save(folder) if task == "save" else augmenter(checkpoint_dir=folder).fit(ROWS, LABELS)
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"no checkpoint" * 99]
)
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    """Resume refuses a checkpoint that is cut short, empty or foreign, names the file and says how to go on."""
    settings = {"checkpoint_dir": tmp_path, "resume": True, "random_state": 0}
    augmenter(**settings).fit(ROWS, LABELS)
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileError, match=f"{path.name}' is damaged.*Delete it to start anew"):
        augmenter(**settings).fit(ROWS, LABELS)
    augmenter(**settings | {"resume": False}).fit(ROWS, LABELS)
    augmenter(**settings).fit(ROWS, LABELS)


@pytest.fixture
def full_disk():
    """A context in which no file may grow past so many bytes: writing more fails as it does on a full disk."""
    resource = pytest.importorskip("resource", reason="file size limits are POSIX's")

    @contextmanager
    def limited(n_bytes):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.mark.parametrize("fits", ["nothing", "the weights alone"])
def test_a_full_disk_while_saving(tmp_path, full_disk, fits):
    """No room: the error says so, no half file is left, and the model saved before is still there and whole."""
    learner = augmenter(generator__n_steps=100, generator__noise_dim=4, random_state=0)
    before = learner.fit(TABLE, LABELS).sample(2, random_state=0)[0]
    learner.save(tmp_path)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    room = 1000 if fits == "nothing" else sizes["model.safetensors"]
    assert room < sizes["model.json"]
    with full_disk(room), pytest.raises(FileError, match="cannot be written: no room is left on the disk"):
        learner.fit(TABLE + 1, LABELS).save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]
    np.testing.assert_array_equal(SyntheticAugmenter.load(tmp_path).sample(2, random_state=0)[0], before)


def test_a_full_disk_while_learning(tmp_path, full_disk):
    """No room for a checkpoint: learning goes on without, warns, and leaves no half file."""
    learner = augmenter(checkpoint_dir=tmp_path)
    with full_disk(1000), pytest.warns(BudgetWarning, match="training goes on without checkpoints: .*no room is left"):
        learner.fit(TABLE, LABELS)
    assert learner.history_["step"].max() == 3
    assert not list(tmp_path.iterdir())


def test_every_error_of_ours_is_of_one_family():
    """One except clause catches whatever synthaug raises on purpose; builtin families still fit."""
    families = {ConfigError: ValueError, ShapeError: ValueError, LabelError: ValueError, FileError: OSError}
    for error, family in families.items():
        assert issubclass(error, SynthaugError)
        assert issubclass(error, family)
