"""Selectors keep rows of the intended class, and hold weights and thresholds only."""

import json
import pickle

import pytest
import torch
from safetensors.torch import load, save

from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import FileError
from synthaug.quality.select import SELECTIONS, Selector, _thresholds, fit_selector, restore_selector


@pytest.fixture(scope="module")
def selector(digits):
    """Return a selector fitted on digits with rare classes."""
    return fit_selector(*digits.train, schema=digits.schema, seed=0)


@pytest.fixture(params=SELECTIONS)
def any_selector(request, digits):
    """Return a selector of each kind."""
    return SELECTIONS[request.param](*digits.train, schema=digits.schema, seed=0)


def test_right_rows_are_kept_and_wrong_labels_are_not(selector, digits):
    """Real new rows of well-known classes are kept nine times in ten, and almost none under another label."""
    x, y = digits.holdout
    known = y < 6
    assert selector.accept(x[known], y[known]).double().mean() > 0.8
    assert selector.accept(x[~known], y[~known]).double().mean() > 0.35
    assert selector.accept(x, (y + 1) % 10).double().mean() < 0.03


def test_noise_is_not_kept(selector, digits):
    """Rows of noise are refused under any label."""
    x = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert selector.accept(x, torch.arange(200) % 10).double().mean() < 0.05


def test_accepted_rows_are_of_the_intended_class_and_sure(selector, digits):
    """Acceptance is exactly: most probable class is the intended one, and the score reaches its threshold."""
    x, y = digits.other
    probabilities, scores = selector.judge.probabilities(x), selector.scores(x, y)
    expected = (probabilities.argmax(1) == y) & (scores >= selector.thresholds[y])
    assert torch.equal(selector.accept(x, y), expected)
    assert torch.equal(scores, probabilities[torch.arange(len(y)), y])


def test_a_review_is_acceptance_and_score_at_once(any_selector, digits):
    """One review gives what the two questions give one by one."""
    accepted, scores = any_selector.review(*digits.other)
    assert torch.equal(accepted, any_selector.accept(*digits.other))
    assert torch.equal(scores, any_selector.scores(*digits.other))


def test_a_class_of_few_rows_borrows_its_threshold():
    """The threshold moves from the pooled quantile to the class's own as its rows grow in number."""
    many = torch.linspace(0.5, 1, 101)
    held_out = torch.cat([many, torch.tensor([0.1, 0.1, 0.1, 0.1]), torch.tensor([float("nan")])])
    labels = torch.cat([torch.zeros(101), torch.ones(4), torch.tensor([2])]).long()
    thresholds = _thresholds(held_out, labels, n_classes=4)
    pooled = held_out[:-1].quantile(0.1)
    assert thresholds[0] == pytest.approx(0.55, abs=0.01)
    assert thresholds[1] == pytest.approx(float(4 / 9 * 0.1 + 5 / 9 * pooled))
    assert thresholds[2] == thresholds[3] == pooled


def test_a_round_trip_through_files_gives_identical_scores(any_selector, digits):
    """Tensors through safetensors and settings through JSON restore the same scores and choices."""
    tensors, settings = any_selector.state()
    loaded = load(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
    again = restore_selector(loaded, json.loads(json.dumps(settings)), digits.schema)
    assert torch.equal(any_selector.scores(*digits.other), again.scores(*digits.other))
    assert torch.equal(any_selector.accept(*digits.other), again.accept(*digits.other))
    assert type(again).from_state(loaded, settings, digits.schema).state()[1] == settings


def test_nothing_of_a_single_row_is_kept(digits):
    """What is saved or pickled has the same size whatever the number of training rows."""
    x, y = digits.holdout
    few, many = (fit_selector(x[:n], y[:n], schema=digits.schema, seed=0) for n in (100, 800))
    sizes = [{name: tensor.shape for name, tensor in s.state()[0].items()} for s in (few, many)]
    assert sizes[0] == sizes[1]
    assert abs(len(pickle.dumps(few)) - len(pickle.dumps(many))) < 64


def test_a_table_with_tiny_classes_is_selected():
    """A class of one row, and one of none, leave the others selectable."""
    schema = TableSchema((Column("a", "number"),), n_classes=3)
    x, y = torch.tensor([[-1.0], [-1.1], [-0.9], [1.0]]), torch.tensor([0, 0, 0, 1])
    selector = fit_selector(x, y, schema=schema, seed=0)
    assert selector.accept(torch.tensor([[-1.0], [1.0], [1.0]]), torch.tensor([0, 1, 2])).tolist() == [
        True,
        True,
        False,
    ]


def test_no_rows_are_no_error(any_selector, digits):
    """An empty draw gives empty answers."""
    x, y = digits.other
    assert any_selector.scores(x[:0], y[:0]).shape == (0,)
    assert any_selector.accept(x[:0], y[:0]).dtype == torch.bool


def test_a_state_that_does_not_fit_is_refused(selector, digits):
    """Missing parts, other shapes and unknown kinds are named."""
    tensors, settings = selector.state()
    with pytest.raises(FileError, match="weights missing"):
        Selector.from_state({k: v for k, v in tensors.items() if k != "weights"}, settings, digits.schema)
    with pytest.raises(FileError, match="feature_seed missing"):
        Selector.from_state(tensors, {"selection": "agreement"}, digits.schema)
    with pytest.raises(FileError, match=r"must fit 9 classes of rows of shape \(1, 8, 8\)"):
        Selector.from_state(tensors, settings, ImageSchema((1, 8, 8), n_classes=9))
    with pytest.raises(FileError, match=r"must fit 10 classes of rows of shape \(3, 28, 28\)"):
        Selector.from_state(tensors, settings, ImageSchema((3, 28, 28), n_classes=10))
    with pytest.raises(FileError, match="must fit 10 classes"):
        Selector.from_state({**tensors, "weights": torch.zeros(3)}, settings, digits.schema)
    with pytest.raises(FileError, match="must be one of none, agreement; got 'new'"):
        restore_selector(tensors, {"selection": "new"}, digits.schema)
