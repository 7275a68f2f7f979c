"""Selectors keep the rows they promise, say why they drop others, and hold weights and thresholds only."""

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import ConfigError, FileError
from synthaug.quality.copying import distances_to_others, nearest_distances
from synthaug.quality.selection import SELECTIONS, check_selection, fit_selection, restore_selector
from synthaug.quality.selection.agreement import Agreement, intended
from synthaug.quality.selection.best import BEST_FRACTION
from synthaug.quality.selection.density import fit_gaussians, mahalanobis
from synthaug.quality.selection.novelty import _area_under_curve, _limit
from synthaug.quality.selection.reference import class_centres, class_quantiles, held_out_values

NAMES = [*SELECTIONS, "distance+density"]


class Copier:
    """A learner of which one row in four is a training row, and the others are rows it never saw."""

    def __init__(self, train, fresh):
        self.train, self.fresh = train, fresh

    def draw(self, labels, seed):
        stream = torch_stream(seed)
        copied = torch.rand(len(labels), generator=stream) < 0.25
        return torch.where(
            copied.view(-1, *[1] * (self.train[0].ndim - 1)),
            self._any(self.train, labels, stream),
            self._any(self.fresh, labels, stream),
        )

    @staticmethod
    def _any(rows, labels, stream):
        x, y = rows
        luck = torch.rand(len(labels), len(y), generator=stream) * (labels[:, None] == y)
        return x[luck.argmax(1)]


@pytest.fixture(scope="module")
def selectors(digits):
    """Return a selector of each kind, fitted on digits with rare classes."""
    learner = Copier(digits.train, digits.holdout)
    return {name: fit_selection(name, *digits.train, schema=digits.schema, learner=learner) for name in NAMES}


@pytest.fixture(params=NAMES)
def selector(request, selectors):
    """Return a selector of each kind in turn."""
    return selectors[request.param]


def kept(selector, x, y):
    return float(selector.review(x, y).kept.double().mean())


def noise(n, seed=0):
    return torch.rand(n, 1, 8, 8, generator=torch_stream(seed)) * 2 - 1


def test_a_review_names_one_reason_for_each_row_it_drops(selector, digits):
    """Kept rows and those dropped for each reason are all rows, once; scores lie between 0 and 1."""
    review = selector.review(*digits.other)
    named = torch.stack([review.kept, *review.dropped.values()])
    assert (named.long().sum(0) == 1).all()
    assert ((review.scores >= 0) & (review.scores <= 1)).all()
    assert review.scores.dtype == torch.float32


def test_a_round_trip_through_files_gives_identical_reviews(selector, digits):
    """Tensors through safetensors and settings through JSON restore the same scores and choices."""
    tensors, settings = selector.state()
    loaded = load(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
    again = restore_selector(loaded, json.loads(json.dumps(settings)), digits.schema)
    one, two = selector.review(*digits.other), again.review(*digits.other)
    assert torch.equal(one.scores, two.scores)
    assert torch.equal(one.kept, two.kept)
    assert again.state()[1] == settings


def test_no_rows_are_no_error(selector, digits):
    """An empty draw gives an empty review."""
    x, y = digits.other
    review = selector.review(x[:0], y[:0])
    assert review.scores.shape == (0,)
    assert review.kept.dtype == torch.bool


@pytest.mark.parametrize("name", ["agreement", "distance", "density", "hard", "novelty"])
def test_a_row_is_judged_by_itself(selectors, name, digits):
    """What is said of a row doesn't depend on the rows beside it."""
    x, y = digits.other
    whole = selectors[name].review(x, y).kept
    parts = [selectors[name].review(*part).kept for part in zip(x.split(64), y.split(64), strict=True)]
    assert (whole == torch.cat(parts)).double().mean() > 0.995  # a sum's rounding may move a row over a threshold


def test_a_fit_is_decided_by_its_seed(digits):
    """The same seed gives the same weights."""
    for name in ("distance", "density"):
        one, two = (fit_selection(name, *digits.train, schema=digits.schema, seed=3).state()[0] for _ in range(2))
        assert all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("name", ["agreement", "distance", "density", "hard", "best", "novelty"])
def test_what_is_kept_has_the_same_size_whatever_the_number_of_rows(name, digits):
    """What is saved or pickled holds nothing of a single row."""
    x, y = digits.holdout
    learner = Copier(digits.train, digits.other)
    few, many = (fit_selection(name, x[:n], y[:n], schema=digits.schema, learner=learner) for n in (80, 200))
    sizes = [{name: tensor.shape for name, tensor in s.state()[0].items()} for s in (few, many)]
    assert sizes[0] == sizes[1]
    assert abs(len(pickle.dumps(few)) - len(pickle.dumps(many))) < 64


@pytest.mark.parametrize("name", ["agreement", "distance", "density", "hard", "best", "agreement+density"])
def test_a_table_with_tiny_classes_is_selected(name):
    """A class of one row, and one of none, leave the others selectable."""
    schema = TableSchema((Column("a", "number"), Column("b", "number")), n_classes=3)
    x = torch.tensor([[-1.0, 0], [-1.1, 0.1], [-0.9, 0.1], [-1.0, 0.2], [1.0, 0]])
    selector = fit_selection(name, x, torch.tensor([0, 0, 0, 0, 1]), schema=schema)
    review = selector.review(torch.tensor([[-1.0, 0.1], [1.0, 0.0], [1.0, 0.0]]), torch.tensor([0, 1, 2]))
    assert review.scores.isfinite().all()
    assert bool(review.kept[0])


def test_right_rows_agree_and_wrong_labels_do_not(selectors, digits):
    """Real new rows of well-known classes are kept nine times in ten, and almost none under another label."""
    (x, y), agreement = digits.holdout, selectors["agreement"]
    known = y < 6
    assert kept(agreement, x[known], y[known]) > 0.8
    assert kept(agreement, x[~known], y[~known]) > 0.35
    assert kept(agreement, x, (y + 1) % 10) < 0.03


@pytest.mark.parametrize("name", ["agreement", "distance", "density", "hard"])
def test_noise_is_not_kept(selectors, name):
    """Rows of noise are refused under any label."""
    assert kept(selectors[name], noise(200), torch.arange(200) % 10) < 0.05


def test_agreeing_rows_are_of_the_intended_class_and_sure(selectors, digits):
    """Agreement is exactly: most probable class is the intended one, and the score reaches its threshold."""
    (x, y), agreement = digits.other, selectors["agreement"]
    probabilities, review = agreement.judge.probabilities(x), agreement.review(x, y)
    assert torch.equal(review.scores, intended(probabilities, y))
    assert torch.equal(review.dropped["another class"], probabilities.argmax(1) != y)
    assert torch.equal(review.kept, (probabilities.argmax(1) == y) & (review.scores >= agreement.thresholds[y]))


@pytest.mark.parametrize(("name", "low"), [("distance", 0.8), ("density", 0.75)])
def test_a_limit_leaves_nine_real_rows_in_ten(selectors, name, low, digits):
    """Of real rows that were not learned from, a limit at the 90 % quantile keeps about nine in ten."""
    x, y = digits.holdout
    known = y < 6
    assert low < kept(selectors[name], x[known], y[known]) < 0.97


@pytest.mark.parametrize("name", ["distance", "density"])
def test_a_row_of_another_class_is_farther(selectors, name, digits):
    """Under a wrong label fewer rows are kept, and scores fall."""
    x, y = digits.holdout
    assert kept(selectors[name], x, (y + 1) % 10) < 0.6 * kept(selectors[name], x, y)
    right, wrong = (selectors[name].review(x, labels).scores.mean() for labels in (y, (y + 1) % 10))
    assert wrong < right


def test_hard_rows_are_right_and_less_sure_than_the_easy_ones(selectors, digits):
    """Hard rows are rows that agree, all of them less sure than the easy ones that are dropped."""
    (x, y), hard = digits.holdout, selectors["hard"]
    review, agreement = hard.review(x, y), hard.agreement.review(x, y)
    easy = review.dropped["easy"]
    assert torch.equal(review.kept | easy, agreement.kept)
    assert 0.2 < easy.double().mean() < 0.7
    for label in range(6):
        own = y == label
        assert agreement.scores[review.kept & own].max() <= agreement.scores[easy & own].min()


def test_the_least_easy_row_fills_up_first(selectors, digits):
    """Of easy rows the one nearest to the boundary has the best score, and it is better than a wrong row."""
    hard, (x, y) = selectors["hard"], digits.holdout
    review, sure = hard.review(x, y), hard.agreement.review(x, y).scores
    easy = review.dropped["easy"] & (y == 0)
    assert torch.equal(review.scores[easy].argsort(), sure[easy].argsort(descending=True))
    assert review.scores[easy].min() > review.scores[review.dropped["another class"]].max()


def test_the_best_quarter_of_each_class_is_kept(selectors, digits):
    """Of rows reviewed together, a quarter of each class is kept, and none that is kept is worse than one dropped."""
    x, y = digits.holdout
    review = selectors["best"].review(x, y)
    for label in range(10):
        own = y == label
        assert int(review.kept[own].sum()) == -(-int(own.sum()) // round(1 / BEST_FRACTION))
        assert review.scores[own & review.kept].min() >= review.scores[own & ~review.kept].max()


def test_several_selectors_keep_what_each_keeps(selectors, digits):
    """Joined by a plus sign: kept by all, scores multiplied, the first reason counted."""
    one, two = (selectors[name].review(*digits.other) for name in ("distance", "density"))
    both = selectors["distance+density"].review(*digits.other)
    assert torch.equal(both.kept, one.kept & two.kept)
    torch.testing.assert_close(both.scores, one.scores * two.scores)
    assert torch.equal(both.dropped["far from the class"], ~one.kept)
    assert torch.equal(both.dropped["low density"], ~two.kept & one.kept)


def test_copies_are_dropped_more_often_than_other_rows(selectors, digits):
    """Of a learner that copies one row in four, training rows are dropped more often than rows it never saw."""
    novelty, (x, y) = selectors["novelty"], digits.train
    assert novelty.limit.isfinite()
    assert kept(novelty, x, y) < kept(novelty, *digits.other) - 0.1


def test_nothing_is_dropped_where_nothing_is_copied(digits):
    """A learner of rows that it never saw has no copy that could be told, so each row is kept."""

    class Noise:
        def draw(self, labels, seed):
            return noise(len(labels), seed)

    novelty = fit_selection("novelty", *digits.train, schema=digits.schema, learner=Noise())
    assert kept(novelty, *digits.train) == 1


@pytest.mark.parametrize("groups", [np.zeros(376), None], ids=["one group", "one row"])
def test_rows_without_others_leave_every_row_kept(groups, digits):
    """Where no row has one of another group to compare with nothing is dropped: finite scores, of a state that fits."""
    x, y = digits.train if groups is not None else (digits.train[0][:1], digits.train[1][:1])
    learner = Copier(digits.train, digits.holdout)
    novelty = fit_selection("novelty", x, y, schema=digits.schema, learner=learner, groups=groups)
    review = restore_selector(*novelty.state(), digits.schema).review(*digits.other)
    assert review.scores.isfinite().all()
    assert review.kept.all()


def test_the_limit_drops_twice_the_copies_where_they_can_be_told():
    """The limit is the quantile at twice the share of copies, minus infinity without copies or without skill."""
    predicted = torch.linspace(0, 1, 101, dtype=torch.float64)
    copies = torch.arange(101) < 10
    assert float((predicted < _limit(predicted, copies)).double().mean()) == pytest.approx(20 / 101, abs=0.011)
    assert _limit(predicted, torch.zeros(101, dtype=torch.bool)) == -torch.inf
    assert _limit(predicted, copies.flip(0)) == -torch.inf
    assert float((predicted < _limit(predicted, ~copies.flip(0))).double().mean()) <= 0.5


def test_the_area_under_the_curve_is_that_of_scikit_learn():
    """It is how often a copy is predicted nearer than another row."""
    from sklearn.metrics import roc_auc_score

    predicted, copies = torch.randn(60, generator=torch_stream(0)), torch.rand(60, generator=torch_stream(1)) < 0.3
    expected = roc_auc_score(copies.numpy(), -predicted.numpy())
    assert _area_under_curve(predicted, copies) == pytest.approx(expected)


def test_novelty_needs_the_learner(digits):
    """Without a learner there is nothing to be predicted."""
    with pytest.raises(ConfigError, match="'novelty' must be fitted with the learner"):
        fit_selection("novelty", *digits.train, schema=digits.schema)


def test_distances_to_others_are_distances_to_the_rest():
    """Each row's distance is that to all rows but itself, or but those of its group."""
    x, groups = torch.rand(9, 1, 8, 8, generator=torch_stream(0)), torch.tensor([0, 0, 1, 1, 2, 2, 3, 4, 5])
    alone = torch.cat([nearest_distances(x[i : i + 1], x[torch.arange(9) != i]) for i in range(9)], dim=1)
    torch.testing.assert_close(distances_to_others(x), alone)
    apart = torch.cat([nearest_distances(x[i : i + 1], x[groups != groups[i]]) for i in range(9)], dim=1)
    torch.testing.assert_close(distances_to_others(x, groups=groups), apart)


def test_the_metric_is_mahalanobis():
    """With many rows the distance is scipy's, from the classes' common covariance, up to the shrinkage."""
    from scipy.spatial.distance import mahalanobis as expected

    stream = torch_stream(0)
    mix = torch.tensor([[2.0, 0.5, 0], [0, 1, 0.3], [0, 0, 0.5]], dtype=torch.float64)
    labels = torch.arange(40000) % 2
    x = torch.randn(40000, 3, generator=stream, dtype=torch.float64) @ mix + 3 * labels[:, None]
    measured = mahalanobis(*fit_gaussians(x, labels, 2))(x[:20].float(), labels[:20])
    inverse = torch.linalg.inv(mix.T @ mix).numpy()
    truth = [expected(row, [3.0 * label] * 3, inverse) for row, label in zip(x[:20].numpy(), labels[:20], strict=True)]
    assert measured.tolist() == pytest.approx(truth, rel=0.05)


def test_no_direction_is_kept_of_few_rows():
    """Where rows are few beside features, the metric is a multiple of the unit matrix."""
    x, labels = torch.randn(30, 32, generator=torch_stream(0)), torch.arange(30) % 2
    _, metric = fit_gaussians(x, labels, 2)
    torch.testing.assert_close(metric, metric[0, 0] * torch.eye(32), atol=1e-6, rtol=1e-6)


def test_a_class_of_few_rows_borrows_its_quantile():
    """The quantile moves from the pooled one to the class's own as its rows grow in number."""
    many = torch.linspace(0.5, 1, 101)
    held_out = torch.cat([many, torch.tensor([0.1, 0.1, 0.1, 0.1]), torch.tensor([float("nan")])])
    labels = torch.cat([torch.zeros(101), torch.ones(4), torch.tensor([2])]).long()
    quantiles = class_quantiles(held_out, labels, 4, quantile=0.1, empty=0.0)
    pooled = held_out[:-1].quantile(0.1)
    assert quantiles[0] == pytest.approx(0.55, abs=0.01)
    assert quantiles[1] == pytest.approx(float(4 / 9 * 0.1 + 5 / 9 * pooled))
    assert quantiles[2] == quantiles[3] == pooled
    assert class_quantiles(held_out[-1:], labels[-1:], 4, quantile=0.9, empty=torch.inf).isinf().all()


def test_no_row_has_a_part_in_its_own_measure():
    """A held-out value is that of a measure fitted without the row's fold; a row without a fold has none."""
    features, folds = torch.arange(5.0)[:, None], torch.tensor([0, 0, 1, 1, -1])

    def fit(rows, labels):
        return lambda new, _: new[:, 0] - rows.mean()

    values = held_out_values(features, torch.zeros(5).long(), folds, fit)
    assert values[:4].tolist() == pytest.approx([0 - 3, 1 - 3, 2 - 5 / 3, 3 - 5 / 3])
    assert values[4].isnan()


def test_a_class_of_one_row_has_no_centre():
    """The mean of one row would be the row."""
    centres = class_centres(torch.tensor([[1.0], [3.0], [7.0]]), torch.tensor([0, 0, 1]), 3)
    assert centres[0] == 2
    assert centres[1:].isnan().all()


@pytest.mark.parametrize("name", [*NAMES, "auto"])
def test_a_known_name_passes(name):
    """Each way to select, and several joined, are names."""
    assert check_selection(name) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("agrement", "selection must be one of auto, none, agreement, .*; got 'agrement'. Did you mean 'agreement'"),
        ("agreement+densty", "got 'densty'. Did you mean 'density'"),
        ("agreement+none", "selection must be one of agreement, .*; got 'none'"),
        ("hard+hard", r"selection must join different ways to select; got 'hard\+hard'. Name each once."),
        (3, "selection must be one of auto, .*; got 3"),
    ],
)
def test_an_unknown_name_is_refused(name, message):
    """A typo, a join with none, and one with itself are named."""
    with pytest.raises(ConfigError, match=message):
        check_selection(name)


def test_a_state_that_does_not_fit_is_refused(selectors, digits):
    """Missing parts, other shapes and unknown kinds are named."""
    tensors, settings = selectors["agreement"].state()
    with pytest.raises(FileError, match="weights missing"):
        Agreement.from_state({k: v for k, v in tensors.items() if k != "weights"}, settings, digits.schema)
    with pytest.raises(FileError, match="thresholds missing"):
        Agreement.from_state({k: v for k, v in tensors.items() if k != "thresholds"}, settings, digits.schema)
    with pytest.raises(FileError, match="feature_seed missing"):
        Agreement.from_state(tensors, {"selection": "agreement"}, digits.schema)
    with pytest.raises(FileError, match=r"must be one of none, agreement, .*; got 'new'"):
        restore_selector(tensors, {"selection": "new"}, digits.schema)


@pytest.mark.parametrize("name", [name for name in SELECTIONS if name != "none"])
def test_tensors_of_another_shape_are_refused(selectors, name, digits):
    """Weights for other classes or broken ones are refused by each selector."""
    tensors, settings = selectors[name].state()
    with pytest.raises(FileError, match=r"must fit 9 classes of rows of shape \(1, 8, 8\)"):
        restore_selector(tensors, settings, ImageSchema((1, 8, 8), n_classes=9))
    for broken in tensors:
        with pytest.raises(FileError, match="must fit 10 classes"):
            restore_selector({**tensors, broken: torch.zeros(3, 1, 2)}, settings, digits.schema)
