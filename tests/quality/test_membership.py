"""The attack's AUC agrees with scikit-learn's, its interval covers, and it finds who was learned from."""

from statistics import NormalDist

import pytest
import torch
from sklearn.metrics import roc_auc_score

from synthaug.quality.membership import Membership, attack, average, membership


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def labelled(n, *, seed, n_classes=2, d=4):
    """Rows of a table (n, d) and labels (n,), each class around a point of its own."""
    y = torch.arange(n) % n_classes
    return torch.randn(n, d, generator=stream(seed)) + 2 * y[:, None], y


@pytest.mark.parametrize("levels", [1000, 4, 1], ids=["no ties", "ties", "all equal"])
def test_the_auc_is_that_of_scikit_learn(levels):
    """Small distances speak for members, ties count half."""
    members, others = (torch.randint(levels, (n,), generator=stream(n)).double() for n in (30, 50))
    truth = roc_auc_score([1] * 30 + [0] * 50, -torch.cat([members, others]).numpy())
    assert membership(members, others).auc == pytest.approx(truth)


@pytest.mark.parametrize("truth", [0.5, 0.65, 0.9])
@pytest.mark.parametrize("sizes", [(5, 40), (20, 20), (60, 200)], ids=str)
def test_the_interval_covers_the_truth(truth, sizes):
    """Of 500 samples of two normal distributions about 95 % of the intervals hold the true AUC, small samples too."""
    apart, draws = NormalDist().inv_cdf(truth) * 2**0.5, stream(1)
    covered = 0
    for _ in range(500):
        members, others = (torch.randn(n, generator=draws, dtype=torch.float64) for n in sizes)
        found = membership(members, others + apart)
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / 500 <= 0.985


@pytest.mark.parametrize("truth", [0.5, 0.8])
def test_the_interval_covers_where_rows_come_in_groups(truth):
    """Of patients whose rows are all alike, many of one and one of another, about 95 % of the intervals hold the true
    AUC, and fewer than 80 % of those that take rows for patients.
    """
    apart, draws = NormalDist().inv_cdf(truth) * 2**0.5, stream(1)
    groups = tuple(torch.arange(n).repeat_interleave(1 + torch.arange(n) % 5) for n in (20, 30))
    covered, naive = 0, 0
    for _ in range(400):
        members, others = (torch.randn(n, generator=draws)[each] for n, each in zip((20, 30), groups, strict=True))
        found, plain = membership(members, others + apart, groups=groups), membership(members, others + apart)
        covered, naive = covered + (found.low <= truth <= found.high), naive + (plain.low <= truth <= plain.high)
    assert naive / 400 < 0.8 < 0.92 <= covered / 400 <= 0.985


def test_rows_alone_are_groups_of_their_own():
    """Groups of one row each change nothing; two rows of each patient count as one."""
    members, others = torch.arange(20.0), torch.arange(30.0) + 3
    alone = membership(members, others, groups=(torch.arange(20), torch.arange(30)))
    assert alone == membership(members, others)
    twice = membership(
        *(rows.repeat_interleave(2) for rows in (members, others)),
        groups=(torch.arange(40) // 2, torch.arange(60) // 2),
    )
    assert (twice.auc, twice.low, twice.high) == pytest.approx((alone.auc, alone.low, alone.high))


def test_a_perfect_attack_has_an_interval():
    """Where the attack never fails, or never succeeds, the interval ends there and narrows with the rows."""
    few, many = (membership(torch.zeros(n), torch.ones(n)) for n in (5, 100))
    assert few.auc == few.high == many.high == 1
    assert 0.5 < few.low < many.low < 1
    assert membership(torch.ones(5), torch.zeros(5)) == Membership(0.0, 0.0, pytest.approx(1 - few.low), 5, 5)


def test_without_rows_there_is_no_figure():
    """No member, no other row or no synthetic row gives NaN, and so does an average of nothing."""
    endless = torch.full((3,), torch.inf)
    for found in (membership(torch.zeros(0), torch.ones(3)), membership(endless, endless), average([])):
        assert str(found.auc) == str(found.low) == str(found.high) == "nan"


def test_the_average_of_one_class_is_that_class():
    """Classes are averaged by their members; one alone keeps its interval, four equal ones halve it."""
    one = membership(torch.arange(20.0), torch.arange(20.0) + 3)
    assert average([one]) == one
    four = average([one] * 4)
    assert (four.auc, four.n_members) == (pytest.approx(one.auc), 80)
    assert four.auc - four.low == pytest.approx((one.auc - one.low) / 2)


def test_copies_betray_their_originals():
    """Copies of half of the training rows of one class betray that half of it, and new rows betray nobody."""
    train, holdout, new = labelled(200, seed=1), labelled(400, seed=2), labelled(300, seed=3)
    chosen = (train[1] == 0) & (torch.arange(200) < 100)
    copies = torch.cat([train[0][chosen], new[0]]), torch.cat([train[1][chosen], new[1]])
    found = attack(train, copies, holdout, n_classes=2)
    assert found[0].low > 0.6
    assert found[1].low < 0.5 < found[1].high
    assert found["all"].auc == pytest.approx((found[0].auc + found[1].auc) / 2)
    assert found[0].n_members == 100
    innocent = attack(train, new, holdout, n_classes=2)["all"]
    assert innocent.low < 0.5 < innocent.high


def test_another_class_mix_or_scale_is_no_betrayal():
    """Held-out rows of another class mix, or columns of other units, tell nothing of who was learned from."""
    (x, y), (held, held_y), new = labelled(300, seed=1), labelled(900, seed=2), labelled(300, seed=3)
    new = new[0] * (1 + 2 * new[1][:, None]), new[1]  # rows of class 1 lie far from all synthetic ones
    rare = (held_y == 0) | (torch.arange(900) < 90)
    found = attack((x, y), new, (held[rare], held_y[rare]), n_classes=2)["all"]
    assert found.low < 0.5 < found.high
    units = torch.tensor([1.0, 1000.0, 0.001, 0.0])
    plain = attack((x[:, :3], y), (new[0][:, :3], new[1]), (held[:, :3], held_y), n_classes=2)
    scaled = attack((x * units, y), (new[0] * units, new[1]), (held * units, held_y), n_classes=2)
    assert scaled["all"].auc == pytest.approx(plain["all"].auc, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 60])
def test_the_attack_is_right_half_the_time_where_nothing_is_copied(n):
    """Over 300 triples of sets of one distribution the interval misses 0.5 in about one of twenty."""
    found = [
        attack(*(labelled(n, seed=3 * draw + part) for part in range(3)), n_classes=2)["all"] for draw in range(300)
    ]
    assert sum(each.auc for each in found) / 300 == pytest.approx(0.5, abs=0.02)
    assert 0.91 <= sum(each.low <= 0.5 <= each.high for each in found) / 300 <= 1
