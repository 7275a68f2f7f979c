"""Rows drawn a batch at a time are those of one sample, and what selection did is told."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from synthaug import CGAN, SyntheticAugmenter
from synthaug.data.container import join
from synthaug.errors import ConfigError, LabelError, ShortfallWarning
from synthaug.quality.selection import Review

CONTAINERS = {
    "numpy": (lambda X: X, np.asarray),
    "torch": (torch.from_numpy, torch.from_numpy),
    "pandas": (lambda X: pd.DataFrame(X.reshape(len(X), -1)[:, :4], columns=list("abcd")), pd.Series),
}


def rows():
    """Images (40, 8, 8), float32, and two classes that can be told apart."""
    X, y = np.random.default_rng(0).normal(size=(40, 8, 8)).astype(np.float32), np.repeat([3, 5], [25, 15])
    X[y == 5, :, :4] += 3
    return X, y


def learn(kind="numpy", selection="none"):
    (X, y), (of_rows, of_labels) = rows(), CONTAINERS[kind]
    learner = CGAN(n_steps=2, batch_size=8, noise_dim=4, width=4)
    return SyntheticAugmenter(learner, selection=selection, random_state=0).fit(of_rows(X), of_labels(y))


@pytest.fixture(scope="module")
def fitted():
    return learn()


@pytest.mark.parametrize("kind", CONTAINERS)
def test_batches_are_the_sample_in_its_container(kind):
    """All batches together are what ``sample`` returns, in the container that was learned from."""
    augmenter = learn(kind)
    X, y = augmenter.sample({3: 70, 5: 40}, random_state=1)
    batches = list(augmenter.sample_batches({3: 70, 5: 40}, batch_size=32, random_state=1))
    assert [len(part) for part, _ in batches] == [32, 32, 32, 14]
    assert type(batches[0][0]) is type(X)
    np.testing.assert_array_equal(np.asarray(join(*(part for part, _ in batches))), np.asarray(X))
    np.testing.assert_array_equal(np.asarray(join(*(labels for _, labels in batches))), np.asarray(y))


@pytest.mark.parametrize("batch_size", [1, 64, 1000])
def test_the_size_of_a_batch_changes_no_row(fitted, batch_size):
    """Rows are bit-identical whatever the size of the batches they come in."""
    X, _ = fitted.sample(65, random_state=2)
    parts = [part for part, _ in fitted.sample_batches(65, batch_size=batch_size, random_state=2)]
    np.testing.assert_array_equal(np.concatenate(parts), X)


def test_the_number_asked_changes_no_row(fitted):
    """A row depends on the seed, its class and its number: where every row is taken, a longer sample of a class begins
    with the shorter one.
    """
    long, _ = fitted.sample({5: 200}, random_state=3)
    short, _ = fitted.sample({5: 70}, random_state=3)
    np.testing.assert_array_equal(long[:70], short)


def test_without_a_seed_the_stream_goes_on():
    """Two augmenters of one seed give the same rows, one by ``sample``, the other in batches, call after call."""
    one, two = learn(), learn()
    for _ in range(2):
        X, _ = one.sample(5)
        np.testing.assert_array_equal(next(two.sample_batches(5))[0], X)


def test_nothing_asked_is_no_batch(fitted):
    """No row, no batch."""
    assert list(fitted.sample_batches(0)) == []
    assert len(fitted.sample(0)[0]) == 0


def test_mistakes_are_told_at_once(fitted):
    """A wrong class or size is refused when the batches are asked for, not when the first is taken."""
    with pytest.raises(LabelError, match="must be one of 3, 5"):
        fitted.sample_batches({9: 1})
    with pytest.raises(ConfigError, match="batch_size must be"):
        fitted.sample_batches(3, batch_size=0)


WAYS_TO_ASK = {
    "sample": lambda augmenter: augmenter.sample({3: 30, 5: 30}),
    "augment": lambda augmenter: augmenter.augment(*rows()),
    "sample_batches": lambda augmenter: list(augmenter.sample_batches({3: 30, 5: 30})),
}


@pytest.mark.parametrize("ask", WAYS_TO_ASK)
def test_the_report_tells_what_selection_dropped_and_why(ask):
    """Drawn rows are those kept and those dropped for a reason, for each class that was asked for."""
    augmenter = learn(selection="agreement")
    with pytest.warns(ShortfallWarning, match=r"it took \d+ of \d+ for "):
        WAYS_TO_ASK[ask](augmenter)
    frame = augmenter.selection_report_
    assert set(frame["class"]) <= {3, 5}
    assert (frame["drawn"] == frame["kept"] + frame["another class"] + frame["unsure"]).all()
    assert (frame["filled"] > 0).any()


def test_the_report_of_no_selection_drops_nothing(fitted):
    """Without selection every drawn row is kept."""
    fitted.sample({3: 70})
    assert fitted.selection_report_.to_dict("records") == [{"class": 3, "drawn": 128, "kept": 128, "filled": 0}]


class Picky:
    """Takes two rows of a chunk."""

    def review(self, x, labels):
        return Review(x.flatten(1).mean(1).sigmoid(), {"picky": torch.arange(len(x)) % 32 > 0})


def test_where_selection_falls_short_samples_begin_with_what_it_took():
    """A longer sample and a shorter one share the rows that selection took; who fills up depends on the number."""
    augmenter = learn()
    augmenter.selector_ = Picky()
    samples = []
    for n, kept in ((30, 10), (40, 14)):
        with pytest.warns(ShortfallWarning, match=f"it took {kept} of {n} for 5"):
            samples.append(augmenter.sample({5: n}, random_state=0)[0])
    short, long = samples
    np.testing.assert_array_equal(long[:10], short[:10])
    assert not np.array_equal(long[:30], short)


def test_the_report_is_of_the_last_whole_sample(fitted):
    """From the start of a sample to its last batch there is no report, so none is taken for another sample's."""
    fitted.sample({3: 70})
    batches = fitted.sample_batches({5: 9}, batch_size=5)
    assert not hasattr(fitted, "selection_report_")
    next(batches)
    assert not hasattr(fitted, "selection_report_")
    list(batches)
    assert fitted.selection_report_["class"].tolist() == [5]


@pytest.mark.parametrize("ask", ["sample", "sample_batches"])
def test_a_shortfall_is_told_where_the_rows_were_asked_for(ask):
    """The warning names the file of whoever asked, not one of the package's."""
    augmenter = learn(selection="agreement")
    with pytest.warns(ShortfallWarning) as told:
        for _ in getattr(augmenter, ask)(100, random_state=0):
            pass
    assert [warning.filename for warning in told] == [__file__]


def test_selectors_joined_by_a_plus_are_saved_with_the_model(tmp_path):
    """A model with several selectors draws the same rows and drops the same ones after loading."""
    augmenter = learn(selection="agreement+distance")
    augmenter.save(tmp_path / "model")
    loaded = SyntheticAugmenter.load(tmp_path / "model")
    with pytest.warns(ShortfallWarning):
        X, _ = augmenter.sample(20, random_state=0)
    with pytest.warns(ShortfallWarning):
        again, _ = loaded.sample(20, random_state=0)
    np.testing.assert_array_equal(again, X)
    pd.testing.assert_frame_equal(loaded.selection_report_, augmenter.selection_report_)


_PEAK = """
import resource, sys
import numpy as np
from synthaug import CGAN, SyntheticAugmenter
X = np.random.default_rng(0).integers(0, 256, size=(40, 28, 28), dtype=np.uint8)
learner = CGAN(n_steps=2, batch_size=8, width=4)
augmenter = SyntheticAugmenter(learner, selection="none", random_state=0).fit(X, np.repeat([0, 1], 20))
for n in map(int, sys.argv[1:]):
    for batch in augmenter.sample_batches({0: n}, batch_size=512):
        pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_drawn():
    """Twenty times as many rows, 47 MB of bytes and 188 MB of numbers, add less than 10 MB to the peak."""
    command = [sys.executable, "-c", _PEAK, "3000", "60000"]
    few, many = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert (many - few) / 1024 < 10
