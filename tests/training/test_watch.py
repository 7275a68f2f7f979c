"""Looks at what is being learned decide when to stop and which weights to keep, and nothing else decides it."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import DivergedError
from synthaug.models.features import RandomFeatures
from synthaug.quality.distances import diversity_ratio, kernel_distance
from synthaug.training.watch import (
    LOOKS_A_RUN,
    PATIENCE,
    Look,
    Reference,
    Watch,
    best_look,
    collapsed_classes,
    has_collapsed,
    has_settled,
    look_steps,
    shares_shown,
)

NAN = float("nan")
PAIR = TableSchema((Column("a", "number"), Column("b", "number")), 2)
DISTANCES = st.lists(st.floats(0, 10), min_size=1, max_size=16)


def looks(*distances, diversity=(1.0, 1.0)):
    """Return looks of these mean distances."""
    return [Look(25 * (place + 1), (value, value), diversity) for place, value in enumerate(distances)]


def one_look(*diversities):
    """Return a look of these classes' diversities."""
    return Look(25, tuple(1.0 for _ in diversities), diversities)


@given(DISTANCES)
def test_the_best_look_is_the_nearest_and_latest(distances):
    """No look is nearer than the best, and none after it is as near."""
    best = best_look(looks(*distances))
    assert distances[best] == min(distances)
    assert all(value > distances[best] for value in distances[best + 1 :])


@given(DISTANCES)
def test_training_settles_once_patience_is_over(distances):
    """It has settled exactly when the last four looks are all farther than one before; later looks undo nothing."""
    n = len(distances)
    waited = n > PATIENCE and min(distances[-PATIENCE:]) > min(distances[:-PATIENCE])
    assert has_settled(looks(*distances)) == waited


def test_a_class_without_a_distance_does_not_count():
    """The mean is over the classes that have one; looks without any are no nearer than others."""
    assert Look(1, (1.0, NAN, 3.0), (1.0,) * 3).mean_distance == 2.0
    nothing = Look(1, (NAN, NAN), (NAN, NAN))
    assert nothing.mean_distance == float("inf")
    assert best_look([nothing, *looks(5.0), nothing]) == 1
    assert best_look([nothing, nothing]) == 1


def test_a_collapsed_look_is_never_the_best():
    """However near its mean: where half of the classes are one row each, nothing was learned."""
    collapsed = Look(1, (0.0, 0.0), (0.01, 1.0))
    assert best_look([collapsed, *looks(5.0), collapsed]) == 1
    assert Look(1, (0.0, 0.0, 0.0), (0.01, 1.0, 1.0)).mean_distance == 0.0


@pytest.mark.parametrize(
    ("diversity", "collapsed"),
    [
        ((0.01, 0.9), [0]),
        ((0.01, 0.02), [0, 1]),
        ((0.06, 0.9), []),
        ((NAN, NAN), []),
    ],
)
def test_a_class_whose_rows_are_one_has_collapsed(diversity, collapsed):
    """Below a twentieth of the real rows' diversity at each of the last four looks, not at one of them."""
    assert collapsed_classes([one_look(*diversity)] * PATIENCE) == collapsed
    assert collapsed_classes([one_look(1.0, 1.0)] * 9 + [one_look(*diversity)] * (PATIENCE - 1)) == []
    assert collapsed_classes([one_look(*diversity)] * (PATIENCE - 1)) == []


def test_training_has_collapsed_where_half_of_the_classes_have():
    """A quarter of the run is left to the start; then half of the classes decide, not one among many."""
    alike, fine = one_look(0.0, 1.0), one_look(1.0, 1.0)
    assert not has_collapsed([alike] * (2 * PATIENCE - 1))
    assert has_collapsed([alike] * (2 * PATIENCE))
    assert has_collapsed([fine] * PATIENCE + [alike] * PATIENCE)
    assert not has_collapsed([one_look(0.0, 1.0, 1.0)] * (3 * PATIENCE))
    assert not has_collapsed([])


@pytest.mark.parametrize("n_steps", [1, 24, 25, 400, 1500, 100_000])
def test_a_run_is_looked_at_sixteen_times(n_steps):
    """Sixteen times, or less often where that would be more than once in 25 steps."""
    assert n_steps // look_steps(n_steps) <= LOOKS_A_RUN + 1
    assert look_steps(n_steps) >= 25
    assert n_steps < 400 or n_steps // look_steps(n_steps) >= LOOKS_A_RUN


def test_a_look_is_the_distances_of_each_class():
    """Distance and diversity are those of quality.distances in random features, for each class by itself."""
    stream = torch_stream(0)
    x, samples = torch.randn(40, 2, generator=stream), 2.0 * torch.randn(30, 2, generator=stream)
    y, labels = torch.arange(40) % 2, torch.arange(30) % 2
    look = Reference.of(x, y, schema=PAIR, is_held_out=True).compare(7, samples, labels)
    raw = RandomFeatures(PAIR)
    centre, scale = raw(x).mean(0), raw(x).std(0, correction=0).square().mean().sqrt()
    for number in range(2):
        pair = [(raw(rows) - centre) / scale for rows in (x[y == number], samples[labels == number])]
        assert look.distance[number] == pytest.approx(kernel_distance(*pair), rel=1e-4)
        assert look.diversity[number] == pytest.approx(diversity_ratio(*pair), rel=1e-4)
    assert look.step == 7


def test_a_class_of_one_row_is_not_measured():
    """Nothing can be said of its distance, and no number is made up."""
    x = torch.randn(9, 2, generator=torch_stream(0))
    look = Reference.of(x, torch.tensor([0] * 8 + [1]), schema=PAIR, is_held_out=False).compare(
        1, x, torch.arange(9) % 2
    )
    assert look.distance[0] == look.distance[0]
    assert look.distance[1] != look.distance[1]
    assert look.diversity[1] != look.diversity[1]


class Shift(nn.Module):
    """Two Gaussians, moved by a parameter."""

    def __init__(self):
        super().__init__()
        self.by = nn.Parameter(torch.zeros(()))

    def draw(self, labels, seed):
        """Return samples (b, 2) about (label, by)."""
        noise = torch.randn(len(labels), 2, generator=torch_stream(seed))
        return (noise + torch.stack([labels.float(), self.by.expand(len(labels))], 1)).detach()


def watched(*, is_held_out=True, schema=PAIR):
    """Return a watch over a moved pair of Gaussians, and the module."""
    module, y = Shift(), torch.arange(128) % 2
    x = module.draw(y, 99)
    return Watch(module, module.draw, Reference.of(x, y, schema=schema, is_held_out=is_held_out), 2, seed=5), module


def look_at(watch, module, *shifts):
    """Look once at each shift."""
    for number, shift in enumerate(shifts):
        nn.init.constant_(module.by, shift)
        watch.look(25 * (number + 1))


def test_the_best_weights_are_kept_not_the_last():
    """The weights nearest to the real rows come back, whatever came after."""
    watch, module = watched()
    look_at(watch, module, 3.0, 0.1, 2.0, 1.0)
    assert watch.restore() == 50
    assert module.by.item() == pytest.approx(0.1)


@pytest.mark.parametrize(("is_held_out", "verdict"), [(True, "settled"), (False, None)])
def test_only_held_out_rows_decide_that_it_settled(is_held_out, verdict):
    """Going away from held-out rows for four looks ends the run; from training rows never."""
    watch, module = watched(is_held_out=is_held_out)
    look_at(watch, module, 1.0, 0.0, 2.0, 2.5, 3.0)
    assert watch.verdict() is None
    look_at(watch, module, 4.0)
    assert watch.verdict() == verdict


def test_every_look_shows_the_same_noise():
    """Snapshots differ by what was learned and by nothing else; they come class by class, six a class."""
    watch, module = watched()
    look_at(watch, module, 1.0, 0.0, 1.0)
    first, other, again = watch.snapshots
    assert torch.equal(first, again)
    torch.testing.assert_close(first[:, 1], other[:, 1] + 1.0)
    assert watch.shown_labels.tolist() == [0] * 6 + [1] * 6
    assert abs(first[6:, 0].mean() - first[:6, 0].mean()) < 2.0


@pytest.mark.parametrize(
    ("shape", "n_classes", "k"),
    [((1, 8, 8), 2, 12), ((1, 28, 28), 10, 60), ((1, 28, 28), 100, 60), ((3, 128, 128), 10, 5), ((3, 999, 999), 2, 1)],
)
def test_as_much_is_shown_as_fits(shape, n_classes, k):
    """At most 60 samples, six a class, and not more numbers than a page or a checkpoint can bear."""
    schema = ImageSchema(shape, n_classes)
    reference = Reference(None, None, None, (), is_held_out=False)
    watch = Watch(nn.Identity(), lambda labels, seed: labels, reference, n_classes, seed=0)
    shown = watch.shown(torch.Size(schema.shape).numel())
    assert len(shown) == k
    assert torch.equal(watch.labels[shown], watch.labels[shown].sort().values)


@pytest.mark.parametrize(("numbers", "n_parts"), [(64, 3), (784, 100), (3 * 128 * 128, 10), (3 * 999 * 999, 2)])
def test_learners_of_one_class_each_show_together_what_one_shows_of_all(numbers, n_parts):
    """As many samples as of one learner of all classes, spread as evenly as they can be."""
    alone = Watch(nn.Identity(), None, None, n_classes=1, seed=0).shown(numbers)
    one = Watch(nn.Identity(), None, None, n_parts, seed=0)
    shares = shares_shown([len(alone)] * n_parts, numbers)
    assert shares == torch.bincount(one.labels[one.shown(numbers)], minlength=n_parts).tolist()
    assert sum(shares) * numbers <= max(2**18, numbers)


def test_what_is_packed_goes_on_as_if_never_interrupted():
    """Looks, snapshots and best weights survive tensors and JSON exactly, and lead to the same verdict."""
    shifts = [1.0, 0.0, 2.0, 2.5, 3.0, 4.0]
    undisturbed, module = watched()
    look_at(undisturbed, module, *shifts)
    first, module = watched()
    look_at(first, module, *shifts[:3])
    tensors, facts = first.pack()
    resumed, module = watched()
    resumed.unpack(tensors, json.loads(json.dumps(facts)))
    for number, shift in enumerate(shifts[3:], start=4):
        nn.init.constant_(module.by, shift)
        resumed.look(25 * number)
    assert resumed.looks == undisturbed.looks
    assert resumed.verdict() == undisturbed.verdict() == "settled"
    assert resumed.restore() == undisturbed.restore() == 50
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(resumed.snapshots, undisturbed.snapshots, strict=True))


def test_a_drawn_number_that_is_not_finite_is_divergence():
    """A look never keeps weights that draw NaN; the error names the step."""
    watch, module = watched()
    with pytest.raises(DivergedError, match=r"drawn rows must stay finite; got others after step 25. Lower lr"):
        look_at(watch, module, NAN)
    assert not watch.best
