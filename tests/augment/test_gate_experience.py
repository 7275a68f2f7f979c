"""The gate's rule by expectation: measured gains beside those of other tasks, in shares of the errors left."""

import re

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from synthaug import Mix
from synthaug.augment.gate import NOTHING, experience
from synthaug.augment.gate.choosing import choose
from synthaug.augment.gate.experience import (
    BESIDE,
    INSTEAD,
    Experience,
    best_value,
    expected_gain,
    fills_up,
    grows_trees,
    has_rare_class,
)
from synthaug.augment.gate.trying import N_MIXES, Tried
from synthaug.augment.mix import CLASS_WEIGHT, CLASSIC, CLASSIC_GAN, CLASSIC_TWICE, REPEAT
from synthaug.statistics import crossed_t_test

N_BLOCKS = 40
IMAGES = {"classic": CLASSIC, "classic twice": CLASSIC_TWICE, "classic+gan": CLASSIC_GAN, "gan": Mix()}
TABLE = {"class_weight": CLASS_WEIGHT, "repeat": REPEAT, "gan": Mix()}


def differences(mean, error):
    """Return differences (n_mixes, n_blocks) of this mean, and standard error."""
    waves = np.random.default_rng(0).normal(size=(N_MIXES, N_BLOCKS))
    waves -= waves.mean()
    return mean + waves * (error / crossed_t_test(waves).standard_error if error else 0.0)


def measured(mean, error):
    return crossed_t_test(differences(mean, error))


def decide(
    candidates, *, level=0.8, metric="balanced_accuracy", images=True, rare=False, trees=False, counts=None, **gains
):
    """Let the gate choose among candidates of these gains, (mean, standard error), over nothing at ``level``."""
    base = np.full((N_MIXES, N_BLOCKS), level)
    said = {"classic+gan": "both", "classic twice": "twice"}
    scores = {name: base + differences(*gains.get(said.get(name, name), (0.0, 0.0))) for name in candidates}
    known = {"counts": counts or {"well": 60, "ill": 4 if rare else 60}, "trees": trees}
    return choose(Tried({NOTHING: base} | scores, ()), candidates, metric=metric, images=images, **known)


EXPERIENCES = {name: one for name, one in vars(experience).items() if isinstance(one, Experience)}


@pytest.mark.parametrize("before", EXPERIENCES.values(), ids=EXPERIENCES)
@pytest.mark.parametrize(("mean", "error"), [(0.02, 0.03), (-0.01, 0.005), (0.1, 0.02)])
def test_what_is_expected_is_the_mean_given_the_measurement(before, mean, error):
    """The closed form agrees with the integral over all gains that are possible."""
    errors = 0.2
    centre, spread = before.mean * errors, before.sd * errors

    def weight(gain):
        return norm.pdf(gain, centre, spread) * norm.pdf(mean, gain, error)

    ends = min(centre, mean) - 10 * spread, max(centre, mean) + 10 * spread
    total = quad(weight, *ends, points=[centre, mean], limit=200)[0]
    truth = quad(lambda gain: gain * weight(gain), *ends, points=[centre, mean], limit=200)[0] / total
    assert expected_gain(measured(mean, error), before, errors) == pytest.approx(truth, rel=1e-6, abs=1e-9)


def test_a_sure_measurement_speaks_for_itself():
    """The smaller its error, the less a gain is drawn to others; a mix that changes no answer gains nothing."""
    found = [expected_gain(measured(0.01, error), INSTEAD, 0.2) for error in (0.1, 0.01, 0.001)]
    assert found == sorted(found)
    assert found[0] < 0
    assert found[2] == pytest.approx(0.01, abs=1e-4)
    assert expected_gain(measured(0.0, 0.0), BESIDE, 0.2) == 0


def test_small_gains_of_few_rows_are_not_believed():
    """Beside transformed rows a gain of a third of its error is taken for luck, one of twice its error is not."""
    assert decide(IMAGES, both=(0.01, 0.03)).chosen == NOTHING
    assert decide(IMAGES, both=(0.06, 0.03)).chosen == "classic+gan"
    assert decide(IMAGES, both=(0.01, 0.005)).chosen == "classic+gan"


def test_synthetic_rows_in_the_place_of_real_ones_must_gain_more():
    """What is enough for rows beside the transformed ones is not for rows in their place."""
    assert decide(IMAGES, gan=(0.015, 0.03)).chosen == NOTHING
    assert decide(IMAGES, gan=(0.03, 0.01)).chosen == "gan"
    assert decide(IMAGES, both=(0.015, 0.03), rare=True).chosen == "classic+gan"


def test_in_tables_less_than_one_error_is_enough():
    """Gains differ so much from table to table that a measured one is mostly believed; a loss never is a gain."""
    assert decide(TABLE, gan=(0.01, 0.02), images=False).chosen == "gan"
    assert decide(TABLE, gan=(-0.01, 0.02), images=False).chosen == NOTHING


def test_images_are_transformed_unless_the_rows_speak_against_it():
    """What transforms gain as a rule stands against a loss in doubt, which is told, not against a sure one."""
    kept = decide(IMAGES, classic=(-0.01, 0.03), twice=(-0.01, 0.03))
    assert kept.chosen == "classic"
    assert "it gained −1.0 points (" in kept.sentence
    assert "held back from it, too unsure to go against what classic gains elsewhere. No synthetic row" in kept.sentence
    assert decide(IMAGES, classic=(-0.05, 0.01), twice=(-0.05, 0.01), both=(-0.05, 0.01)).chosen == NOTHING


def test_synthetic_rows_beside_real_ones_are_trusted_more_where_a_class_is_rare():
    """A gain in doubt is taken where such rows gain as a rule, for a rare class that borrows the others' styles."""
    assert decide(IMAGES, both=(0.005, 0.03), rare=True).chosen == "classic+gan"
    assert decide(IMAGES, both=(0.005, 0.03), rare=False).chosen != "classic+gan"
    assert decide(IMAGES, both=(-0.03, 0.01), rare=True).chosen != "classic+gan"


def test_a_gain_too_small_to_tell_is_said_to_be():
    """Of synthetic rows that are a tenth of a point ahead of a surer way no number of rows is told."""
    decision = decide(IMAGES, twice=(0.04, 0.005), both=(0.041, 0.08), rare=True)
    assert decision.chosen == "classic twice"
    assert "the best mix with some, classic+gan, gained +0.1 points" in decision.sentence
    assert "To tell so small a gain from luck would take more than ten times as many rows." in decision.sentence


def test_trees_are_given_more_rows_unless_the_rows_speak_against_it():
    """Trees gain from more transformed rows as a rule, and from synthetic ones too where a class is rare."""
    level = {"classic": (0.03, 0.03), "twice": (0.03, 0.05), "both": (0.03, 0.05)}
    assert decide(IMAGES, **level).chosen == "classic"
    assert decide(IMAGES, **level, trees=True).chosen == "classic twice"
    assert decide(IMAGES, **level, trees=True, rare=True).chosen == "classic+gan"
    behind = {"classic": (0.06, 0.01), "twice": (0.03, 0.02), "both": (0.02, 0.02)}
    assert decide(IMAGES, **behind, trees=True, rare=True).chosen == "classic"


@pytest.mark.parametrize(
    ("estimator", "trees"),
    [
        (RandomForestClassifier(), True),
        (DecisionTreeClassifier(), True),
        (make_pipeline(StandardScaler(), HistGradientBoostingClassifier()), True),
        (make_pipeline(StandardScaler(), LogisticRegression()), False),
        (SVC(), False),
        (KNeighborsClassifier(), False),
    ],
    ids=str,
)
def test_trees_are_known_alone_and_behind_other_steps(estimator, trees):
    """Trees, forests and boosting are told from other classifiers, also at the end of a pipeline."""
    assert grows_trees(estimator) == trees


def test_uneven_tables_are_filled_up_for_a_metric_that_counts_classes_alike():
    """There a measured loss in doubt does not stand against what filling up gains as a rule; elsewhere it does."""
    uneven, doubtful = {"well": 60, "ill": 20}, {"class_weight": (-0.01, 0.05), "gan": (-0.01, 0.05)}
    assert decide(TABLE, images=False, counts=uneven, **doubtful).chosen == "gan"
    assert decide(TABLE, images=False, counts=uneven, metric="accuracy", **doubtful).chosen == NOTHING
    assert decide(TABLE, images=False, **doubtful).chosen == NOTHING
    sure = {"class_weight": (0.05, 0.01), "gan": (0.02, 0.01)}
    assert decide(TABLE, images=False, counts=uneven, **sure).chosen == "class_weight"
    assert fills_up({"a": 60, "b": 30}, "balanced_accuracy")
    assert not fills_up({"a": 60, "b": 50}, "balanced_accuracy")
    assert not fills_up({"a": 60, "b": 30}, "roc_auc")


@pytest.mark.parametrize(("counts", "rare"), [((60, 4), True), ((60, 15), False), ((60, 14), True), ((5, 5), False)])
def test_a_class_is_rare_by_the_rows_of_the_largest(counts, rare):
    """Less than a quarter of the largest class's rows is rare."""
    assert has_rare_class(dict(enumerate(counts))) == rare


def test_more_transformed_rows_are_the_simpler_way():
    """Synthetic rows that gain no more than as many transformed real ones are not taken."""
    assert decide(IMAGES, twice=(0.03, 0.01), both=(0.03, 0.01)).chosen == "classic twice"
    assert decide(IMAGES, twice=(0.03, 0.01), both=(0.05, 0.01)).chosen == "classic+gan"


def test_without_transforms_gains_count_from_nothing():
    """Where no candidate transforms images, synthetic rows need not make up for it."""
    assert decide({"gan": Mix()}, gan=(0.01, 0.01)).chosen == "gan"
    assert decide({"gan": Mix()}, gan=(-0.01, 0.01)).chosen == NOTHING


def test_what_weights_of_classes_do_needs_no_row():
    """Rows that gain no more than weights of classes are not added, and the sentence says so."""
    decision = decide(TABLE, images=False, class_weight=(0.05, 0.01), repeat=(0.05, 0.01), gan=(0.05, 0.01))
    assert decision.mix == CLASS_WEIGHT
    assert decision.sentence.startswith("Not augmented, but trained with class_weight: it gained +5.0 points (")
    assert decide(TABLE, images=False, class_weight=(0.05, 0.01), gan=(0.09, 0.01)).chosen == "gan"


def test_gains_count_from_the_usual():
    """Synthetic rows that are ahead of nothing but behind transformed real ones are not taken."""
    decision = decide(IMAGES, classic=(0.08, 0.01), both=(0.06, 0.01))
    assert decision.chosen == "classic"
    assert "over this the best mix with some, classic+gan, gained −2.0 points" in decision.sentence
    ahead = decide(IMAGES, classic=(0.05, 0.0), both=(0.09, 0.01))
    assert ahead.chosen == "classic+gan"
    assert "Over classic, without a synthetic row, it gained +4.0 points (" in ahead.sentence
    assert ahead.table.set_index("candidate").loc["classic+gan", "why"].endswith("points over classic")


def test_the_unit_does_not_matter():
    """A loss in any unit is decided like a share: by the errors left."""
    for factor in (1.0, 100.0):
        less = decide(
            TABLE, level=-0.2 * factor, gan=(0.01 * factor, 0.02 * factor), metric="neg_log_loss", images=False
        )
        assert less.chosen == "gan"
        more = decide(IMAGES, level=-0.2 * factor, both=(0.01 * factor, 0.03 * factor), metric="neg_log_loss")
        assert more.chosen == NOTHING


def test_nothing_is_added_where_nothing_is_left_to_gain():
    """A classifier without errors is left as it is."""
    assert decide(IMAGES, level=1.0, both=(0.0, 0.01)).chosen == NOTHING


def test_a_metric_of_unknown_range_is_decided_by_one_standard_error():
    """Where no best value is known what was gained elsewhere says nothing."""
    for metric in ("profit", "positive_likelihood_ratio"):
        assert best_value(metric) is None
        assert decide(TABLE, gan=(0.01, 0.02), metric=metric, images=False).chosen == NOTHING
        assert decide(TABLE, gan=(0.03, 0.02), metric=metric, images=False).chosen == "gan"


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc_ovr", "f1_macro", "sensitivity_at_90_specificity"])
def test_the_best_of_a_share_is_one(metric):
    """Metrics that are shares can be 1 at best, losses 0."""
    assert best_value(metric) == 1.0
    assert best_value("neg_brier_score") == 0.0


@pytest.mark.parametrize("gains", [{"both": (0.01, 0.03)}, {"classic": (0.03, 0.01), "both": (0.04, 0.04)}], ids=str)
def test_so_many_times_the_rows_are_enough_and_fewer_are_not(gains):
    """With the rows that it is said to take, every error so much smaller, synthetic rows are chosen; with fewer not."""

    def decide_with(times):
        return decide(IMAGES, **{name: (mean, error / times**0.5) for name, (mean, error) in gains.items()})

    said = re.search(r"With about (\d+) times as many rows, (\d+) a class", decide_with(1).sentence)
    n_times = int(said[1])
    assert int(said[2]) == 60 * n_times
    assert "gan" in decide_with(n_times).chosen
    assert not any("gan" in decide_with(times).chosen for times in range(1, n_times))


def test_no_rows_are_promised_that_would_not_do():
    """Where real rows are ahead of synthetic ones no number of rows is told, nor where ten times would not do."""
    assert "times as many rows" not in decide(IMAGES, classic=(0.03, 0.03), both=(0.02, 0.03)).sentence
    assert "more than ten times as many rows" in decide(IMAGES, both=(0.002, 0.03)).sentence
