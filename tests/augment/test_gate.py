"""The gate: inner folds of training rows only, the rule for metrics without a best value, words for what it found."""

import re
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from synthaug import CGAN, AugmentedClassifier, Mix, SyntheticAugmenter
from synthaug.augment import classifier
from synthaug.augment.gate import NOTHING, PooledSource, Trial, auto_candidates, decide, final_plan
from synthaug.augment.gate.choosing import choose as choose_among
from synthaug.augment.gate.trying import N_MIXES, Tried, affordable, blocks_of
from synthaug.augment.mix import REPEAT, plan_for
from synthaug.errors import ConfigError, LabelError, SmallClassWarning

CANDIDATES = {"half": Mix(amount=0.5), "all": Mix(), "twice": Mix(amount=2.0)}
COUNTS = {"no": 40, "yes": 20}


def augmenter(**settings):
    return SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=4), selection="none", **settings)


class CountsDraws(SyntheticAugmenter):
    """Counts how often it is asked for rows."""

    def sample(self, n_per_class, *, random_state=None):
        """Count, and draw."""
        self.n_draws_ = getattr(self, "n_draws_", 0) + 1
        return super().sample(n_per_class, random_state=random_state)


def table(n=60):
    rng = np.random.default_rng(0)
    y = np.repeat(["no", "yes"], [2 * n // 3, n // 3])
    return rng.normal(size=(n, 3)) + 2.0 * (y == "yes")[:, None], y


def choose(gains, noise=0.1, n=40):
    """Let the gate choose among candidates of these mean gains, the error of each difference being about noise."""
    rng = np.random.default_rng(0)
    waves = rng.normal(size=(len(gains), N_MIXES, n))
    waves -= waves.mean(axis=(1, 2), keepdims=True)
    base = rng.normal(size=(N_MIXES, n))
    own = noise * np.sqrt(N_MIXES * n / 2) * waves
    scores = {name: base + gain + wave for name, gain, wave in zip(CANDIDATES, gains, own, strict=True)}
    return choose_among(Tried({NOTHING: base} | scores, ()), CANDIDATES, counts=COUNTS)


def test_a_clear_winner_is_chosen():
    """A mix that is ahead of all simpler ones by more than a standard error is taken."""
    decision = choose([0.05, 0.5, 0.2])
    assert decision.chosen == "all"
    assert decision.mix == CANDIDATES["all"]
    assert decision.sentence.startswith("Augmented with all: it gained +0.500 (")


@pytest.mark.parametrize("gains", [[0.02, 0.05, 0.01], [-0.5, -0.2, -0.1], [-0.2, 0.01, 0.0]])
def test_a_doubtful_winner_is_not(gains):
    """A mix that gains less than a standard error, nothing, or loses is not taken: nothing is added."""
    decision = choose(gains)
    assert decision.chosen == NOTHING
    assert decision.mix.amount == 0
    assert decision.sentence.startswith("Not augmented: the best mix, ")
    why = "within one standard error of nothing" if max(gains) > 0 else "no gain"
    assert f"on rows held back from it, which is {why}." in decision.sentence


def test_the_simplest_of_equals_is_taken():
    """Of candidates within one standard error of the best the first, simplest one is taken."""
    decision = choose([0.45, 0.5, 0.5])
    assert decision.chosen == "half"
    assert decision.table.set_index("candidate").loc["half", "why"].startswith("the simplest within one standard error")
    assert choose([0.2, 0.5, 0.5]).chosen == "all"


def test_the_table_tells_all():
    """The table has a row a candidate and one for nothing: gain, its 95 % interval, and one of them chosen."""
    table = choose([0.05, 0.5, 0.2]).table.set_index("candidate")
    assert table.index.tolist() == [NOTHING, *CANDIDATES]
    np.testing.assert_allclose(table["gain"], [0, 0.05, 0.5, 0.2], atol=1e-12)
    np.testing.assert_allclose(table["score"] - table.loc[NOTHING, "score"], table["gain"], atol=1e-12)
    np.testing.assert_allclose(table["gain"] - table["low"], table["high"] - table["gain"], atol=1e-12)
    assert (table["high"] > table["gain"])[1:].all()
    assert table["chosen"].tolist() == [False, False, True, False]
    assert table.loc["all", "why"] == "the best"


def test_the_error_is_that_of_the_two_compared():
    """Two candidates that err on the same rows are told apart by a small difference, however wild both are."""
    rng = np.random.default_rng(0)
    base, wild = rng.normal(size=(2, N_MIXES, 40))
    scores = {NOTHING: base, "half": base + 1 + 0.5 * wild, "all": base + 1.02 + 0.5 * wild, "twice": base}
    assert choose_among(Tried(scores, ()), CANDIDATES, counts=COUNTS).chosen == "all"


@pytest.mark.parametrize("transformed", [True, False])
@pytest.mark.parametrize(("ahead", "chosen"), [(0.01, "real"), (-0.01, NOTHING)])
def test_real_rows_again_need_only_be_ahead(ahead, chosen, transformed):
    """Real rows again are taken where they gain at all; synthetic rows have to gain a standard error more."""
    rng = np.random.default_rng(0)
    base, wave, own = (each - each.mean() for each in rng.normal(size=(3, N_MIXES, 40)))
    candidates = {"real": Mix(synthetic_fraction=0.0, classic=transformed), "gan": Mix()}
    scores = {NOTHING: base, "real": base + ahead + wave, "gan": base + 0.02 + own}
    decision = choose_among(Tried(scores, ()), candidates, counts=COUNTS)
    assert decision.chosen == chosen
    if chosen == "real":
        assert "over this the best mix with some, gan, gained +0.010 (" in decision.sentence


def test_a_no_says_what_it_would_take():
    """A gain in doubt is given with the rows a class it would take; none is promised where there was no gain."""
    said = re.search(
        r"With about (\d+) times as many rows, (\d+) to (\d+) a class", choose([0.02, 0.05, 0.01]).sentence
    )
    n_times, fewest, most = map(int, said.groups())
    assert (fewest, most) == (20 * n_times, 40 * n_times)
    assert choose([0.02, 0.05, 0.01], noise=0.1 / n_times**0.5).chosen != NOTHING
    assert choose([0.02, 0.05, 0.01], noise=0.1 / (n_times - 1) ** 0.5).chosen == NOTHING
    assert "more than ten times as many rows" in choose([-0.2, 0.01, 0.0]).sentence
    assert choose([-0.5, -0.2, -0.1]).sentence.endswith("which is no gain.")


def test_a_loss_is_said_in_its_own_unit():
    """A gate that goes by log-loss speaks of no points."""
    base = np.random.default_rng(0).normal(-2.0, 0.1, size=(N_MIXES, 40))
    decision = choose_among(
        Tried({NOTHING: base, "half": base + 0.25, "all": base, "twice": base}, ()),
        CANDIDATES,
        counts=COUNTS,
        metric="neg_log_loss",
    )
    assert "it gained +0.250 (" in decision.sentence


@pytest.mark.parametrize(("n_splits", "steps"), [(2, 75), (3, 50), (5, 30), (1, 100)])
def test_all_inner_learners_cost_one_and_a_half(n_splits, steps):
    """The steps and caps of the inner learners together are 1.5 times those of one, whatever the folds."""
    X, y = table()
    whole = SyntheticAugmenter(CGAN(n_steps=100), max_steps=100, max_seconds=10.0)
    inner = affordable(Trial(X, y, LogisticRegression(), whole, CANDIDATES, n_splits=n_splits))
    assert (inner.generator.n_steps, inner.max_steps, inner.max_seconds) == (steps, steps, steps / 10)
    assert whole.generator.n_steps == 100


@pytest.mark.parametrize(("asked", "given"), [("auto", 1), (2, 2)])
def test_inner_learners_share_the_cores(asked, given):
    """Folds run side by side: each learns on one thread, unless the user said how many; a clone is changed."""
    X, y = np.zeros((30, 3)), np.repeat([0, 1], 15)
    whole = SyntheticAugmenter(CGAN(n_threads=asked))
    assert affordable(Trial(X, y, LogisticRegression(), whole, CANDIDATES)).generator.n_threads == given
    assert whole.generator.n_threads == asked


def test_without_noise_the_best_is_taken():
    """Candidates without any spread, as where every row gains the same, give no NaN."""
    decision = choose([0.0, 0.1, 0.05], noise=0.0)
    assert decision.chosen == "all"
    assert decision.table.drop(columns="why").notna().all(axis=None)


@pytest.mark.parametrize(
    ("estimator", "images", "names"),
    [
        (LogisticRegression(), False, ["repeat", "class_weight", "gan, low weight", "gan x0.5", "gan"]),
        (KNeighborsClassifier(), False, ["repeat", "gan x0.5", "gan"]),
        (KNeighborsClassifier(), True, ["classic", "classic twice", "classic+gan", "gan"]),
        (SVC(), True, ["classic", "classic twice", "classic+gan", "gan"]),
    ],
)
def test_candidates_fit_rows_and_classifier(estimator, images, names):
    """Images add classical mixes; in tables a low weight is tried where the classifier takes weights."""
    assert list(auto_candidates(estimator, images=images)) == names


def run(X, y, estimator=None, candidates=None, **settings):
    estimator = LogisticRegression() if estimator is None else estimator
    candidates = CANDIDATES if candidates is None else candidates
    return decide(Trial(X, y, estimator, augmenter(), candidates, **{"scoring": "balanced_accuracy", **settings}))


def decide_by_accuracy(X, y, classifier, source, candidates):
    return decide(Trial(X, y, classifier, source, candidates, scoring="accuracy"))


def test_a_classifier_that_ignores_its_rows_is_not_augmented():
    """Where no row can change what the classifier does, every gain is exactly 0 and nothing is added."""
    decision = run(*table(), DummyClassifier(strategy="constant", constant="no"))
    assert decision.chosen == NOTHING
    assert (decision.table["gain"] == 0).all()


def test_a_mix_that_hurts_is_refused():
    """Rows whose labels are wrong, many and heavy, lose clearly, and the gate says so."""
    X, y = table(90)

    class Liar(SyntheticAugmenter):
        """An augmenter whose synthetic rows carry the other class's label."""

        def sample(self, n_per_class, *, random_state=None):
            other = {"no": "yes", "yes": "no"}
            rng = np.random.default_rng(random_state)
            labels = np.repeat(list(n_per_class), list(n_per_class.values()))
            rows = (
                rng.normal(size=(len(labels), 3)) + 2.0 * np.array([other[label] == "yes" for label in labels])[:, None]
            )
            return rows, labels

    liar = Liar(CGAN(n_steps=1, width=4), selection="none", sampling_strategy={}, n_synthetic="x5")
    decision = decide_by_accuracy(X, y, LogisticRegression(), liar, CANDIDATES)
    assert decision.chosen == NOTHING
    assert (decision.table.set_index("candidate").loc[list(CANDIDATES), "high"] < 0).all()


def test_a_mix_that_helps_is_taken():
    """Rows from the true distribution beside few real ones gain clearly, and the gate takes them."""
    rng = np.random.default_rng(0)
    y = np.repeat(["no", "yes"], 40)
    X = rng.normal(size=(80, 60)) + 0.25 * (y == "yes")[:, None]

    class Oracle(SyntheticAugmenter):
        """An augmenter that knows the truth."""

        def sample(self, n_per_class, *, random_state=None):
            stream = np.random.default_rng(random_state)
            labels = np.repeat(list(n_per_class), list(n_per_class.values()))
            return stream.normal(size=(len(labels), 60)) + 0.25 * (labels == "yes")[:, None], labels

    oracle = Oracle(CGAN(n_steps=1, width=4), selection="none", sampling_strategy={}, n_synthetic="x20")
    classifier, candidates = LogisticRegression(max_iter=1000), {"gan": Mix()}
    decision = decide_by_accuracy(X, y, classifier, oracle, candidates)
    assert decision.chosen == "gan"
    assert decision.table["gain"].max() > 0


def test_weights_of_the_rows_count():
    """A classifier whose rows of one class weigh nothing answers otherwise, and the gate sees it."""
    X, y = table()
    light = np.where(y == "yes", 1e-6, 1.0)
    plain, weighted = (run(X, y, weight=weight).table.set_index("candidate") for weight in (None, light))
    assert weighted.loc[NOTHING, "score"] == pytest.approx(0.5)
    assert plain.loc[NOTHING, "score"] > 0.7


def test_the_same_seed_decides_the_same():
    """One seed, one table, in one process or two."""
    first, again, parallel = (run(*table(), seed=3, n_jobs=n_jobs).table for n_jobs in (None, 1, 2))
    assert first.equals(again)
    assert first.equals(parallel)


def test_a_mix_that_adds_nothing_gains_nothing():
    """A candidate of amount 0 is the same as nothing, to the last digit, so it is never chosen over it."""
    decision = run(*table(), candidates={"empty": Mix(amount=0.0)})
    assert decision.chosen == NOTHING
    assert decision.table["gain"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("y", "groups", "why"),
    [
        (["a", "b", "c", "a"], None, "too few for 3 inner folds"),
        (["a"] * 20 + ["b"], None, "leave one of them with a single class"),
        (["a"] * 15 + ["b"] * 15, np.repeat([0, 1], 15), "too few for 3 inner folds"),
        (["a"] * 20 + ["b"] * 10, np.repeat([0, 1, 2, 3], [10, 5, 5, 10]), "leave one of them with a single class"),
    ],
)
def test_rows_that_cannot_be_folded_are_not_augmented(y, groups, why):
    """Too few rows or groups to hold some back is no error: nothing is added, and the sentence says why."""
    X = np.random.default_rng(0).normal(size=(len(y), 2))
    decision = run(X, np.array(y), groups=groups)
    assert decision.chosen == NOTHING
    assert why in decision.sentence
    assert decision.table["why"].item() in decision.sentence
    assert decision.sources == ()


ONE_GROUP_A_CLASS = (np.repeat([0, 1, 2], [20, 20, 10]), np.repeat(np.arange(5), 10), "roc_auc_ovr_weighted")
ONE_BLOCK = (np.repeat([0, 1, 2, 3], [6, 6, 1, 1]), np.repeat(["a", "b"], [12, 2]), "accuracy")


@pytest.mark.parametrize(("y", "groups", "scoring"), [ONE_GROUP_A_CLASS, ONE_BLOCK])
def test_groups_too_few_to_tell_a_gain_by_are_not_augmented(y, groups, scoring):
    """Where a block of groups holds all rows of a class, a score that needs it cannot be told from chance."""
    X = np.random.default_rng(0).normal(size=(len(y), 2)) + y[:, None]
    classifier = LogisticRegression(max_iter=500)
    decision = decide(Trial(X, y, classifier, augmenter(), CANDIDATES, scoring=scoring, groups=groups, n_splits=2))
    assert decision.chosen == NOTHING
    assert "in too few groups to tell how sure a gain would be" in decision.sentence
    assert decision.sources == ()


@pytest.mark.parametrize("scoring", [None, "balanced_accuracy", "neg_log_loss", "roc_auc_ovr"])
def test_a_class_of_one_row_is_left_out_of_the_score(scoring):
    """A class whose only row cannot be held back counts in no score, whatever the score asks of classes."""
    X, y = table()
    y = np.where(np.arange(60) == 5, "rare", y)
    decision = run(X, y, LogisticRegression(max_iter=500), scoring=scoring)
    assert np.isfinite(decision.table[["gain", "low", "high"]]).all(axis=None)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 31])
def test_pooled_learners_draw_an_equal_share(n):
    """The inner learners together draw exactly what was asked for, each as many as the others give or take one."""

    class Count:
        class_counts_ = {"no": 5, "yes": 5}

        def sample(self, n_per_class, *, random_state=None):
            labels = np.repeat(list(n_per_class), list(n_per_class.values()))
            shares.append(len(labels))
            return np.zeros((len(labels), 2)), labels

    shares = []
    X, y = PooledSource((Count(), Count(), Count())).sample({"no": 0, "yes": n}, random_state=0)
    assert len(X) == len(y) == sum(shares) == n
    assert max(shares) - min(shares) <= 1


class Counting(SyntheticAugmenter):
    """An augmenter that notes how many rows of each class it is asked for."""

    asked = []

    def sample(self, n_per_class, *, random_state=None):
        self.asked.append(dict(n_per_class))
        return super().sample(n_per_class, random_state=random_state)


@pytest.mark.parametrize(("n", "settings"), [(10, {}), (10, {"n_synthetic": 30}), (11, {"sampling_strategy": "all"})])
def test_inner_parts_get_as_many_rows_for_each_of_theirs(n, settings, monkeypatch):
    """Balanced classes stay as much filled up when folds leave them a row apart: to their share of the same total."""
    monkeypatch.setattr(Counting, "asked", [])
    y = np.repeat(["no", "yes", "perhaps"], n)
    X = np.random.default_rng(0).normal(size=(len(y), 3))
    source = Counting(CGAN(n_steps=1, width=4), selection="none", **settings)
    decide_by_accuracy(X, y, KNeighborsClassifier(1), source, {"all": Mix()})
    total = 2 / 3 * (len(y) + sum(plan_for(source, y).values()))
    for asked in Counting.asked:
        assert 2 / 3 * len(y) + sum(asked.values()) == pytest.approx(total, abs=2)


def test_a_class_that_a_strategy_names_may_be_missing_inside():
    """Targets for a class whose only row an inner part lacks are no error there."""
    X, y = table()
    y = y.astype(object)
    y[0] = "rare"
    source = augmenter(sampling_strategy={"yes": 40, "rare": 3})
    with pytest.warns(SmallClassWarning):
        source.fit(X, y)
    assert decide_by_accuracy(X, y, LogisticRegression(), source, {"all": Mix()}).sources


def test_what_candidates_use_alike_is_drawn_once():
    """Mixes of the same synthetic rows at another weight share what is drawn, and score as they would alone."""
    X, y = table()
    light = Mix(synthetic_weight=0.3)
    alone, both = (
        decide(Trial(X, y, LogisticRegression(), CountsDraws(augmenter().generator, selection="none"), candidates))
        for candidates in ({"light": light}, {"light": light, "all": Mix()})
    )
    draws = [[source.n_draws_ for source in decision.sources] for decision in (alone, both)]
    assert draws == [[N_MIXES] * 3] * 2
    light_alone, light_beside = (decision.table.set_index("candidate").loc["light"] for decision in (alone, both))
    assert light_alone["score"] == light_beside["score"]


@pytest.mark.parametrize("n_groups", [3, 30, 90])
def test_rows_of_a_group_are_scored_in_one_block(n_groups):
    """What rows of one group have in common is counted once: their blocks are of whole groups."""
    X, y = table(90)
    groups = np.random.default_rng(0).permutation(np.arange(90) % n_groups)
    blocks = blocks_of(Trial(X, y, LogisticRegression(), augmenter(), CANDIDATES, groups=groups))
    assert len(blocks) == min(40, n_groups)
    np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), np.arange(90))
    assert sum(len(np.unique(groups[block])) for block in blocks) == n_groups


def test_repeated_rows_in_groups_make_a_gate_no_surer():
    """The interval is as wide with every row ten times, in one group each, as with each row once."""
    X, y = table(36)
    many, label = np.repeat(X, 10, axis=0), np.repeat(y, 10)
    candidates = {"repeat": Mix(synthetic_fraction=0.0)}
    classifier = LogisticRegression(C=1e-3)
    once, ten = (
        decide(Trial(*rows, classifier, augmenter(), candidates, scoring="accuracy", groups=groups)).table.loc[1]
        for rows, groups in (((X, y), np.arange(36)), ((many, label), np.repeat(np.arange(36), 10)))
    )
    assert once["high"] > once["low"]
    assert ten["high"] - ten["low"] > 0.7 * (once["high"] - once["low"])


@pytest.mark.parametrize("scoring", ["roc_auc", "accuracy"])
def test_margins_do_where_classes_are_missing_inside(scoring):
    """A classifier without probabilities is scored by its margins, though no inner part knows every class."""
    X, y = table()
    y = y.astype(object)
    y[:3] = ["odd", "one", "out"]
    decision = decide(Trial(X, y, SVC(), augmenter(), {"repeat": Mix(synthetic_fraction=0.0)}, scoring=scoring))
    assert 0.6 < decision.table["score"].min() <= decision.table["score"].max() <= 1


class Unlearning(SyntheticAugmenter):
    """An augmenter that must not learn."""

    def fit(self, X, y, *, groups=None, X_unlabeled=None):
        raise AssertionError("it learned")


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ({}, "candidates must be mixes by name, one at least"),
        ({"nothing": Mix()}, "none called 'nothing'"),
        ({"half": 0.5}, r"got \{'half': 0\.5\}\. Name some"),
        ({"classic": Mix(classic=True)}, "a table has no classical transforms"),
        ({"soft": Mix(labels="soft")}, "soft labels needs an estimator that takes sample_weight"),
        (
            {"light": Mix(synthetic_weight=0.3)},
            "a weight of synthetic rows needs an estimator that takes sample_weight",
        ),
        ({"first": Mix(order="pretrain")}, "KNeighborsClassifier has neither"),
    ],
)
def test_candidates_that_cannot_be_tried_are_refused_before_anything_is_learned(candidates, message):
    """A candidate that does not fit the rows or the classifier costs no training."""
    X, y = table()
    with pytest.raises(ConfigError, match=message):
        decide_by_accuracy(X, y, KNeighborsClassifier(), Unlearning(), candidates)


def test_pooled_learners_leave_out_those_who_never_saw_a_class():
    """A class that only some inner parts held is drawn by those alone."""
    X, y = table()
    y = np.where(np.isin(np.arange(60), [3, 4]), "rare", y)  # one row of it in two of three inner parts
    with pytest.warns(SmallClassWarning):
        sources = tuple(
            augmenter(random_state=0).fit(X[part], y[part]) for part in (np.arange(60) != 3, np.arange(60) >= 0)
        )
    pooled = PooledSource(sources)
    assert final_plan(plan_for(augmenter(), y), sources)["rare"] > 0
    assert final_plan(plan_for(augmenter(), y), sources[:1])["rare"] == 0
    rows, labels = pooled.sample({"rare": 7, "no": 3}, random_state=0)
    assert dict(zip(*np.unique(labels, return_counts=True), strict=True)) == {"no": 3, "rare": 7}
    assert len(rows) == 10


def test_pooled_learners_are_not_asked_for_classes_that_they_never_saw():
    """A class that inner parts lack, or had one row of, costs no draw; asked for, it is named."""
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1, 2], [27, 12, 1])
    with pytest.warns(SmallClassWarning):
        pooled = PooledSource(tuple(augmenter(random_state=0).fit(X[part], y[part]) for part in (y < 2, y < 3)))
    assert [len(part) for part in pooled.sample({0: 0, 1: 0, 2: 0}, random_state=0)] == [0, 0]
    assert pooled.sample({0: 0, 1: 5, 2: 0}, random_state=0)[1].tolist() == [1] * 5
    with pytest.raises(LabelError, match=r"got 2, of which no inner learner had at least 2 rows\. .* are \[0, 1\]"):
        pooled.sample({1: 5, 2: 1})


@pytest.mark.parametrize(
    ("rare", "groups"), [([7], None), (range(0, 60, 5), np.where(np.arange(60) % 5, np.arange(60) % 12, 99))]
)
def test_what_the_gate_chose_is_drawn_without_a_class_missing_inside(rare, groups, monkeypatch):
    """Synthetic rows are drawn though a class has one row, or all its rows lie in one group and so in one fold."""
    X, y = table()
    y = np.where(np.isin(np.arange(60), rare), "rare", y)
    decided = classifier.decide
    monkeypatch.setattr(classifier, "decide", lambda trial: replace(decided(trial), chosen="gan", mix=Mix()))
    model = AugmentedClassifier(LogisticRegression(), augmenter(), candidates={"gan": Mix()}, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallClassWarning)
        assert model.fit(X, y, groups=groups).n_added_ > 0
    assert np.isin(["no", "yes"], model.classes_).all()


@pytest.mark.parametrize("rare", [[], [7]])
def test_nothing_is_learned_for_candidates_without_synthetic_rows(rare):
    """Where no candidate adds a synthetic row no learner learns, and each scores as it does beside one that does."""
    X, y = table()
    y = np.where(np.isin(np.arange(60), rare), "rare", y)
    real = {"repeat": Mix(synthetic_fraction=0.0)}
    alone = decide_by_accuracy(X, y, LogisticRegression(), Unlearning(), real)
    beside = decide_by_accuracy(X, y, LogisticRegression(), augmenter(), real | {"gan": Mix()})
    assert alone.sources == ()
    assert alone.table["score"].tolist() == beside.table["score"][:2].tolist()


def test_a_classifier_that_needs_more_rows_than_inner_folds_have_is_not_augmented():
    """Where the classifier fits the rows but not an inner part of them, the gate says so before it learns."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(66, 3)), np.repeat(["rare", "ill", "well"], [6, 20, 40])
    never = Unlearning("cgan")
    fitted = AugmentedClassifier(CalibratedClassifierCV(LogisticRegression(), cv=5), never, random_state=0).fit(X, y)
    assert fitted.decision_["chosen"].tolist() == [True]
    assert (
        "the classifier cannot be fitted to the rows of an inner fold (Requesting 5-fold" in fitted.explain_decision()
    )


def test_a_scorer_that_cannot_be_hashed_is_a_scorer():
    """Any callable of (estimator, X, y) is taken, such as an instance of a dataclass."""

    @dataclass
    class Cost:
        price: float = 2.0

        def __call__(self, estimator, X, y):
            return -self.price * float((estimator.predict(X) != y).mean())

    assert run(*table(), candidates={"again": REPEAT}, scoring=Cost()).chosen in ("nothing", "again")
