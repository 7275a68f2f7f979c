"""The judge knows digits from few labels, and never speaks of a row that it has seen."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import LabelError, ShapeError
from synthaug.quality import agreement
from synthaug.quality.agreement import cross_fit, label_agreement

TABLE = TableSchema((Column("a", "number"), Column("b", "number")), n_classes=3)


def clouds(counts, seed=0):
    """Return a table with ``counts`` rows of each of three classes, well apart."""
    y = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))
    centres = torch.tensor([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])
    return centres[y] + 0.3 * torch.randn(len(y), 2, generator=torch.Generator().manual_seed(seed)), y


def test_it_knows_digits_with_rare_classes(digits):
    """With 60 labels in six classes and 4 in four, balanced accuracy on new rows and on held-out ones is high."""
    fit = cross_fit(*digits.train, schema=digits.schema)
    x, y = digits.holdout
    predicted, held_out = fit.probabilities(x).argmax(1), fit.held_out.argmax(1)
    assert np.mean([(predicted[y == label] == label).double().mean() for label in range(10)]) > 0.8
    assert (held_out == digits.train[1]).double().mean() > 0.9


def test_held_out_probabilities_come_from_heads_that_never_saw_the_row(digits):
    """Changing one row changes the heads that saw it, but not the head that speaks of it."""
    x, y = digits.train
    features = agreement.RandomFeatures(digits.schema, seed=0)
    folds = agreement._folds(y.numpy(), 3, 0)
    rows = features(x).double().numpy()
    changed = rows.copy()
    changed[5] += 3
    before = agreement._fit_heads(rows, y.numpy(), folds, 10, 1.0)
    after = agreement._fit_heads(changed, y.numpy(), folds, 10, 1.0)
    same = [torch.equal(a, b) for a, b in zip(before[0], after[0], strict=True)]
    assert [bool(s) for s in same] == [fold == folds[5] for fold in range(3)]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_head_agrees_with_scikit_learn(n_classes):
    """The weights, kept as tensors, give scikit-learn's probabilities, also for two classes."""
    x, y = clouds([20, 20, 20])
    rows, labels = x[y < n_classes].double().numpy(), y[y < n_classes].numpy()
    weight, bias = agreement._fit_head(rows, labels, n_classes, 1.0)
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=500).fit(rows, labels)
    mine = (torch.from_numpy(rows) @ weight + bias).softmax(1).numpy()
    assert mine == pytest.approx(model.predict_proba(rows), abs=1e-10)


def test_probabilities_sum_to_one_and_are_reproducible(digits):
    """Rows of probabilities sum to 1; the same seed gives the same ones, another seed others."""
    fits = [cross_fit(*digits.train, schema=digits.schema, seed=seed) for seed in (0, 0, 1)]
    first, again, other = (fit.probabilities(digits.other[0]) for fit in fits)
    assert first.sum(1) == pytest.approx(np.ones(400), abs=1e-5)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_plain_heads_take_rows_as_they_are(digits):
    """Mean and scale of the columns are folded into the heads: the mean over heads of a linear map."""
    judge = cross_fit(*digits.train, schema=digits.schema).judge
    x = digits.other[0][:7]
    columns = torch.cat([judge.features(x), x.flatten(1)], dim=1)
    heads = zip(judge.weights, judge.biases, strict=True)
    truth = torch.stack([(columns @ weight + bias).softmax(1) for weight, bias in heads]).mean(0)
    assert torch.allclose(judge.probabilities(x), truth, atol=1e-6)


@pytest.mark.parametrize("counts", [[9, 2, 9], [9, 1, 9], [9, 0, 9], [1, 1, 1], [2, 2, 2], [0, 5, 0]], ids=str)
def test_small_and_absent_classes_do_not_crash(counts):
    """A class of two rows is judged; one of one row has no held-out answer; an absent one is improbable."""
    x, y = clouds(counts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = cross_fit(x, y, schema=TABLE)
    single = torch.tensor([counts[label] == 1 for label in y.tolist()])
    assert fit.held_out[single].isnan().all()
    assert fit.held_out[~single].isfinite().all()
    probabilities = fit.probabilities(x)
    assert (probabilities.argmax(1) == y).all()
    assert all(probabilities[:, label].max() < 1e-6 for label in range(3) if not counts[label])


def test_constant_columns_and_large_images_are_judged():
    """Constant columns do no harm, and images of any size and channel count are taken."""
    x = torch.zeros(12, 3, 40, 60)
    y = torch.arange(12) % 2
    x[y == 1, 0, 10:20] = 1
    fit = cross_fit(x, y, schema=ImageSchema((3, 40, 60), n_classes=2))
    assert (fit.held_out.argmax(1) == y).all()
    assert fit.judge.weights.shape == (3, 256 + agreement.n_pixel_columns(ImageSchema((3, 40, 60), 2)), 2)


def test_agreement_counts_rows_of_the_right_class():
    """Agreement is the share of rows whose most probable class is the label, NaN without rows."""
    probabilities = torch.tensor([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]])
    assert label_agreement(probabilities, torch.tensor([0, 1, 1, 1])) == 0.75
    assert np.isnan(label_agreement(probabilities[:0], torch.tensor([], dtype=torch.int64)))


def test_the_global_streams_are_not_touched(digits):
    """A fit leaves the global streams of torch and NumPy where they were."""
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    cross_fit(*digits.train, schema=digits.schema)
    assert torch.equal(states[0], torch.random.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])  # noqa: NPY002


def test_impossible_rows_and_labels_are_named():
    """Different lengths, no rows and labels beyond the schema are refused in words."""
    x, y = clouds([3, 3, 3])
    with pytest.raises(ShapeError, match="equally many and at least 1; got 9 and 8"):
        cross_fit(x, y[:8], schema=TABLE)
    with pytest.raises(ShapeError, match="equally many and at least 1; got 0 and 0"):
        cross_fit(x[:0], y[:0], schema=TABLE)
    with pytest.raises(LabelError, match=r"labels must lie in 0 \.\. 2; got 0 \.\. 5"):
        cross_fit(x, torch.where(y == 2, 5, y), schema=TABLE)
