"""save and load: the same rows in another process, nothing that runs, no training row, damage refused in words."""

import json
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import TensorDataset

from synthaug import CGAN, Copula, SyntheticAugmenter
from synthaug.augment.model_files import FORMAT
from synthaug.errors import FileError, KeyColumnWarning, SmallClassWarning
from synthaug.generators import GENERATORS

BUDGET = {"n_steps": 3, "batch_size": 8, "width": 4}
FILES = ["model.json", "model.safetensors"]


def learn(X, y=None, learner=None, **settings):
    learner = CGAN(**BUDGET) if learner is None else learner
    return SyntheticAugmenter(learner, **{"selection": "none", "random_state": 0, **settings}).fit(X, y)


def images(n=16):
    return np.random.default_rng(0).integers(0, 256, size=(n, 8, 8), dtype=np.uint8), np.repeat(["ill", "well"], n // 2)


def table(n=16):
    return np.random.default_rng(0).normal(size=(n, 3)), np.repeat(["ill", "well"], n // 2)


def frame():
    X, y = table()
    columns = {"age": np.arange(16), "smokes": np.arange(16) % 2 == 0, "size": X[:, 0].astype(np.float32)}
    return pd.DataFrame(columns), pd.Series(y, name="finding")


def dataset():
    X, y = images()
    return TensorDataset(torch.from_numpy(X)[:, None], torch.from_numpy(y == "ill").long()), None


CASES = {
    "images": lambda: learn(*images()),
    "images, selection": lambda: learn(*images(), selection="agreement"),
    "flat images": lambda: learn(images()[0].reshape(16, 64), images()[1], image_shape=(8, 8)),
    "colour": lambda: learn(np.stack([images()[0]] * 3, axis=-1), images()[1]),
    "torch images": lambda: learn(torch.from_numpy(images()[0]), torch.from_numpy(images()[1] == "ill")),
    "dataset": lambda: learn(*dataset()),
    "table": lambda: learn(*table()),
    "table, selection": lambda: learn(*table(), selection="agreement"),
    "frame": lambda: learn(*frame()),
    "categories": lambda: learn(table()[0], pd.Series(table()[1], dtype="category")),
    "whole labels": lambda: learn(table()[0], np.repeat([-7, 900], 8)),
    "boolean labels": lambda: learn(table()[0], np.repeat([False, True], 8)),
    "object labels": lambda: learn(table()[0], table()[1].astype(object)),
    "per class": lambda: learn(*table(), CGAN(**BUDGET, per_class=True)),
    "numpy parameters": lambda: learn(*table(), CGAN(width=np.int64(4), lr=np.float32(1e-3), n_steps=np.int32(3))),
    **{
        f"learner {name}": lambda cls=cls: learn(*images(), cls(n_steps=3))
        for name, cls in GENERATORS.items()
        if not hasattr(cls, "tables_only")
    },
    "learner copula": lambda: learn(*frame(), Copula()),
}


def same(one, other):
    if isinstance(one, pd.DataFrame):
        return pd.testing.assert_frame_equal(one, other)
    if isinstance(one, pd.Series):
        return pd.testing.assert_series_equal(one, other)
    assert type(one) is type(other)
    assert one.dtype == other.dtype
    return np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a learned model, to be copied before it is damaged."""
    folder = tmp_path_factory.mktemp("model")
    CASES["images, selection"]().save(folder)
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture
def folder(saved, tmp_path):
    """A fresh copy of the saved model."""
    for name, content in saved.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_augmenter_draws_what_the_saved_one_does(tmp_path, case):
    """Rows, labels and their types are the same after save and load, and so is all that was learned about them."""
    augmenter = CASES[case]()
    augmenter.save(tmp_path)
    loaded = SyntheticAugmenter.load(tmp_path)
    for one, other in zip(augmenter.sample(3, random_state=0), loaded.sample(3, random_state=0), strict=True):
        same(one, other)
    for one, other in zip(augmenter.sample(2), loaded.sample(2), strict=True):
        same(one, other)
    same(augmenter.classes_, loaded.classes_)
    assert loaded.class_counts_ == augmenter.class_counts_
    assert loaded.image_shape_ == augmenter.image_shape_
    assert loaded.plan() == augmenter.plan()
    same(augmenter.history_, loaded.history_)
    same(augmenter.quality_, loaded.quality_)


@pytest.mark.parametrize(
    "settings",
    [
        {"sampling_strategy": {}, "n_synthetic": "x0.5"},
        {"sampling_strategy": {"ill": 20}, "n_synthetic": 0},
        {"sampling_strategy": "not majority", "n_synthetic": 3},
        {"sampling_strategy": 0.75, "n_synthetic": 0},
    ],
)
def test_a_loaded_augmenter_augments_by_the_same_plan(tmp_path, settings):
    """The strategy is part of the model: augment adds the same rows after loading."""
    X, y = images(16)
    X, y = X[:12], y[:12]
    augmenter = learn(X, y, **settings)
    augmenter.save(tmp_path)
    loaded = SyntheticAugmenter.load(tmp_path)
    for one, other in zip(augmenter.augment(X, y, random_state=0), loaded.augment(X, y, random_state=0), strict=True):
        same(one, other)
    assert len(augmenter.augment(X, y)[0]) > 12


def test_a_sample_without_a_seed_goes_on_after_loading(tmp_path):
    """A loaded augmenter does not draw again what the saved one had drawn already."""
    augmenter = learn(*images())
    before = augmenter.sample(4)[0]
    augmenter.save(tmp_path)
    after = SyntheticAugmenter.load(tmp_path).sample(4)[0]
    same(augmenter.sample(4)[0], after)
    assert (before != after).any()


def test_another_process_draws_the_same_rows(tmp_path):
    """A model is a folder that another process, with another state of everything, reads to the same rows."""
    augmenter = CASES["images, selection"]()
    augmenter.save(tmp_path / "model")
    code = (
        "import sys, numpy as np; from synthaug import SyntheticAugmenter;"
        "X, y = SyntheticAugmenter.load(sys.argv[1]).sample(5, random_state=3); np.savez(sys.argv[2], X=X, y=y)"
    )
    arguments = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "model"), str(tmp_path / "rows.npz")]
    subprocess.run(arguments, check=True, timeout=300)
    rows, (X, y) = np.load(tmp_path / "rows.npz"), augmenter.sample(5, random_state=3)
    same(rows["X"], X)
    same(rows["y"], y)


def test_a_loaded_augmenter_can_learn_again(tmp_path):
    """What was loaded has its parameters, so it can be fitted to other rows of the same kind."""
    X, y = images()
    CASES["flat images"]().save(tmp_path)
    loaded = SyntheticAugmenter.load(tmp_path)
    assert loaded.fit(X.reshape(16, 64), y).sample(1)[0].shape == (2, 64)
    assert loaded.generator_.width == 4


def test_a_small_class_stays_unlearned(tmp_path):
    """A class of one row is known and cannot be drawn, after loading as before."""
    X, y = images()
    y = np.where(np.arange(16) == 0, "unsure", y)
    with pytest.warns(SmallClassWarning):
        learn(X, y).save(tmp_path)
    loaded = SyntheticAugmenter.load(tmp_path)
    assert loaded.class_counts_ == {"ill": 7, "unsure": 1, "well": 8}
    assert set(loaded.sample(2)[1]) == {"ill", "well"}


def test_code_is_not_saved(tmp_path):
    """A strategy that is a function, and a learner of the caller's own, cannot be saved; the message says so."""
    with pytest.raises(FileError, match=r"sampling_strategy must be .* to be saved; got a function"):
        learn(*images(), sampling_strategy=lambda y: {"ill": 9}).save(tmp_path)

    class Mine(CGAN):
        """A learner that no other process would find."""

        def __init__(self, n_steps=3, width=4, **others):
            super().__init__(n_steps=n_steps, width=width, **others)

        @classmethod
        def _get_param_names(cls):
            return CGAN._get_param_names()

    with pytest.raises(FileError, match=r"generator must be one of cgan.* to be saved; got Mine"):
        learn(*images(), Mine()).save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_older_model_is_overwritten(folder):
    """Saving into a folder that holds a model replaces it."""
    augmenter = learn(*table())
    augmenter.save(folder)
    same(SyntheticAugmenter.load(folder).sample(2, random_state=0)[0], augmenter.sample(2, random_state=0)[0])


def cut(content):
    return content[: len(content) // 2]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage", [cut, lambda content: b"", lambda content: content[:-1], lambda content: content * 2]
)
def test_a_truncated_file_is_refused(folder, name, damage):
    """A file that is cut short, empty or written twice is refused in words."""
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    with pytest.raises(FileError, match="damaged"):
        SyntheticAugmenter.load(folder)


def says_the_same(text, other):
    try:
        return json.loads(text) == json.loads(other)
    except ValueError:
        return False


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_refused(folder, name):
    """Any single bit that the disk or the wire flips is noticed, in the weights as well as beside them."""
    whole = (folder / name).read_bytes()
    rng = np.random.default_rng(0)
    for place, bit in zip(rng.integers(0, len(whole), 150), rng.integers(0, 8, 150), strict=True):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        if name.endswith(".json") and says_the_same(whole, bytes(flipped)):
            continue  # 1e-05 as 1E-05, or another 17th digit: the same number
        (folder / name).write_bytes(flipped)
        with pytest.raises(FileError, match=r"damaged|newer|older"):
            SyntheticAugmenter.load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    """A folder without one of the two files is no model, and neither is one that is not there."""
    (folder / name).unlink()
    with pytest.raises(FileError, match=r"folder must hold model.safetensors and model.json; '.+' does not"):
        SyntheticAugmenter.load(folder)
    with pytest.raises(FileError, match="folder must hold"):
        SyntheticAugmenter.load(folder / "nowhere")


@pytest.mark.parametrize("foreign", [b"{}", b"[]", b"3", b'"model"', b"\xff\xfe", b"[" * 100_000, b'{"format": 1}'])
def test_a_foreign_file_is_refused(folder, foreign):
    """A JSON file of somebody else's, or no JSON at all, is refused in words."""
    (folder / "model.json").write_bytes(foreign)
    with pytest.raises(FileError, match=r"must be one that save.. wrote; it is damaged or foreign"):
        SyntheticAugmenter.load(folder)


def test_a_newer_format_is_refused(folder):
    """A model of a later version is not half understood: the message names the version that wrote it."""
    facts = json.loads((folder / "model.json").read_text()) | {"format": FORMAT + 1, "synthaug": "9.9.9"}
    (folder / "model.json").write_text(json.dumps(facts))
    with pytest.raises(FileError, match=r"saved by a newer synthaug \(9.9.9\).*Update synthaug"):
        SyntheticAugmenter.load(folder)


@pytest.mark.parametrize("version", range(FORMAT))
def test_an_older_format_is_refused(folder, version):
    """A model of an earlier format holds other facts and networks: the message says what to do instead."""
    facts = json.loads((folder / "model.json").read_text()) | {"format": version, "synthaug": "0.0.1"}
    (folder / "model.json").write_text(json.dumps(facts))
    with pytest.raises(FileError, match=r"saved by an older version of synthaug \(0.0.1\); fit again"):
        SyntheticAugmenter.load(folder)


class Bomb:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("write", [pickle.dumps, lambda bomb: pickle.dumps(bomb, protocol=0)])
@pytest.mark.parametrize("name", FILES)
def test_a_malicious_file_runs_nothing(folder, name, write):
    """A pickle in the place of either file is refused, not opened."""
    marker = folder / "it ran"
    (folder / name).write_bytes(write(Bomb(marker)))
    with pytest.raises(FileError):
        SyntheticAugmenter.load(folder)
    assert not marker.exists()
    pickle.loads(write(Bomb(marker)))
    assert marker.exists()


def test_a_malicious_torch_file_runs_nothing(folder):
    """Nor does a torch file, which is a pickle in a zip archive."""
    marker = folder / "it ran"
    torch.save(Bomb(marker), folder / "model.safetensors")
    with pytest.raises(FileError):
        SyntheticAugmenter.load(folder)
    assert not marker.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"generator": {"name": "os:system", "parameters": {}}},
        {"generator": {"name": "cgan", "parameters": {"nonsense": 1}}},
        {"learned": [0]},
        {"classes": []},
        {"codec": {"kind": "image"}},
        {"selector": {"selection": "everything"}},
        {"seed": float("inf")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_forged_facts_are_refused(folder, change):
    """Facts that were changed by hand, checksum and all, are refused in words where they cannot be."""
    from synthaug.augment.model_files import _checksum

    facts = json.loads((folder / "model.json").read_text()) | change
    del facts["sha256"]
    facts["sha256"] = _checksum((folder / "model.safetensors").read_bytes(), facts)
    (folder / "model.json").write_text(json.dumps(facts))
    with pytest.raises(FileError, match="damaged"):
        SyntheticAugmenter.load(folder)


def encodings(row):
    """What a row could look like in a file: as bytes of any type that can hold it, in any scale, and as text."""
    for values in (row, row / 255, row / 127.5 - 1):
        for dtype in (np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.uint8):
            if np.allclose(values, values.astype(dtype), rtol=1e-2):
                yield values.astype(dtype).tobytes()
        yield json.dumps(values.tolist())[1:-1].replace(" ", "").encode()


def parts_found(row, content):
    """The parts of a row, a quarter at least, that are in a file: enough to know somebody by."""
    row = np.asarray(row, dtype=np.float64).ravel()
    quarters = np.array_split(row, 4)
    assert all(len(np.unique(quarter)) >= 5 for quarter in quarters)  # five numbers do not stand there by chance
    squeezed = b"".join(content.split())
    return [code for quarter in quarters for code in encodings(quarter) if code in content or code in squeezed]


def content_of(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def rows_to_find(kind, n_rows_a_class):
    rng = np.random.default_rng(0)
    if kind == "images":
        return rng.integers(0, 256, size=(2 * n_rows_a_class, 8, 8), dtype=np.uint8)
    return rng.normal(size=(2 * n_rows_a_class, 40)) * 100


@pytest.mark.parametrize("n_rows_a_class", [2, 12])
@pytest.mark.parametrize("selection", ["none", "agreement"])
@pytest.mark.parametrize(
    ("kind", "learner"),
    [*(("images", name) for name in GENERATORS if name != "copula"), *(("table", name) for name in GENERATORS)],
)
def test_no_training_row_is_saved(tmp_path, kind, learner, selection, n_rows_a_class):
    """Nothing in the folder is a part of a training row, in any type or scale, nor of its standardised form."""
    X = rows_to_find(kind, n_rows_a_class)
    y = np.repeat(["ill", "well"], n_rows_a_class)
    augmenter = learn(X, y, GENERATORS[learner](n_steps=3), selection=selection)
    augmenter.save(tmp_path)
    content = content_of(tmp_path)
    are_ranks = kind == "table" and n_rows_a_class == 2  # four numbers that all columns share tell nobody
    for row in [*X, *([] if are_ranks else augmenter.codec_.encode(X).numpy())]:
        assert not parts_found(row, content)


@pytest.mark.parametrize("kind", ["images", "table"])
@pytest.mark.parametrize("form", ["weights", "facts"])
def test_the_search_above_would_find_a_row(tmp_path, kind, form):
    """A row that were among the weights, or among the facts, would be found."""
    X = rows_to_find(kind, 4)
    augmenter = learn(X, np.repeat(["ill", "well"], 4), CGAN(**BUDGET | {"width": 40}))
    row = augmenter.codec_.encode(X).numpy()[3].ravel()
    if form == "weights":
        weight = max(augmenter.generator_.networks_[0].parameters(), key=lambda each: each.numel())
        weight.view(-1)[: len(row)] = torch.from_numpy(row)
    else:
        augmenter.history_ = pd.DataFrame({"generator": row.tolist()})
    augmenter.save(tmp_path)
    assert len(parts_found(row, content_of(tmp_path))) >= 4


def test_ranges_are_saved_and_no_more(tmp_path):
    """Of a column's numbers, where they all differ, only the least and the greatest are kept, as documented."""
    X, y = rows_to_find("table", 12), np.repeat(["ill", "well"], 12)
    learn(X, y).save(tmp_path)
    content = content_of(tmp_path)
    kept = {value for value in X.ravel().tolist() if np.float64(value).tobytes() in content}
    assert kept == {*X.min(axis=0).tolist(), *X.max(axis=0).tolist()}
    assert not any(repr(value).encode() in content for value in X.ravel().tolist())


def test_no_key_and_no_rare_word_of_a_key_is_saved(tmp_path):
    """Names and record numbers leave no trace in the folder, not even the greatest of them."""
    y = np.repeat(["ill", "well"], 20)
    X = pd.DataFrame({"size": np.arange(40) % 7 + 0.5, "patient_id": np.arange(40) * 1013 + 40_000})
    X["name"] = [f"Name{number * 7919 % 9973:04d}" for number in range(40)]
    with pytest.warns(KeyColumnWarning, match=r"got \['patient_id', 'name'\]"):
        learn(X, y).save(tmp_path)
    content = content_of(tmp_path)
    for name, number in zip(X["name"], X["patient_id"], strict=True):
        assert name.encode() not in content
        assert not re.search(rb"(?<![\d.])%d(?!\d)" % number, content)  # digits of a number of seconds are no key
        assert number.to_bytes(8, "little") not in content


def mixed_table():
    """A column of each kind, forty rows."""
    rng, places = np.random.default_rng(0), np.arange(40)
    frame = pd.DataFrame(
        {
            "real": np.where(places % 9, rng.normal(size=40), np.nan),
            "zeros": np.where(places % 3, rng.exponential(size=40), 0.0),
            "price": np.round(rng.lognormal(size=40), 2),
            "count": pd.array(places % 5, dtype="Int64"),
            "flag": places % 2 == 0,
            "word": np.where(places % 4, "a", "b"),
            "grade": pd.Categorical(np.where(places % 3, "low", "high"), ["low", "mid", "high"], ordered=True),
            "band": pd.cut(rng.normal(size=40), [-9, 0, 9]),
            "object": np.array([None, True, False, True] * 10, dtype=object),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(places, "D"),
            "moment": pd.date_range("2024-01-01 10:00", periods=40, freq="37min", tz="Europe/Berlin"),
            "span": pd.to_timedelta(places * 7, "s"),
            "constant": 3,
            "empty": np.full(40, np.nan),
            "note_id": np.arange(40),
        }
    )
    return frame.astype({"word": pd.StringDtype("python", na_value=pd.NA)}), np.repeat(["ill", "well"], 20)


@pytest.mark.filterwarnings("ignore::synthaug.errors.KeyColumnWarning")
def test_a_table_of_every_kind_of_column_is_the_same_when_loaded(tmp_path):
    """Types, categories, zones, missing values and new keys: the loaded model draws what the saved one does."""
    X, y = mixed_table()
    augmenter = learn(X, y)
    augmenter.save(tmp_path)
    drawn = augmenter.sample(30, random_state=0)[0]
    pd.testing.assert_frame_equal(SyntheticAugmenter.load(tmp_path).sample(30, random_state=0)[0], drawn)
    assert drawn.dtypes.tolist() == X.dtypes.tolist()
    assert list(drawn.columns) == list(X.columns)
