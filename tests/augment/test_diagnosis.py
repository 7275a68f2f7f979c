"""What goes wrong while learning is said in words: where, what shows it, what to do; and nothing is said where it
goes well.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthaug import CGAN, VAE, LatentGAN
from synthaug.augment.diagnosis import CHECKS, Course, diagnose
from synthaug.training.session import Ending


def quality(**metrics):
    """Return a quality table of two classes."""
    rows = [(label, name, value) for name, values in metrics.items() for label, value in zip("ab", values, strict=True)]
    return pd.DataFrame(rows, columns=["class", "metric", "value"])


def looks(*distances):
    """Return a table of looks, two classes each."""
    rows = [(25 * step, label, value, 1.0) for step, value in enumerate(distances, 1) for label in "ab"]
    return pd.DataFrame(rows, columns=["step", "class", "distance", "diversity"])


def history(*accuracy):
    """Return a history of the critic's accuracy."""
    return pd.DataFrame({"step": range(len(accuracy)), "critic_accuracy": accuracy})


FINE = Course(
    counts={"a": 30, "b": 12},
    history=history(*[0.8] * 100),
    looks=looks(3.0, 2.0, 1.1, 1.0, 1.02, 1.0, 1.01, 0.99),
    quality=quality(diversity=(0.9, 1.0), acceptance=(0.9, 0.8), another_class=(0.05, 0.1)),
    ending=Ending("finished", 200, 200),
    learner=CGAN(),
)
NOTHING = Course({}, pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), None)
WRONG = {
    "divergence": (
        {"ending": Ending("diverged", 170, 100)},
        ("the run", "no longer finite at step 170, so the weights of step 100 are kept", "Lower lr and critic_lr"),
    ),
    "collapse within a class": (
        {"quality": quality(diversity=(0.21, 0.9), acceptance=(0.9, 0.9))},
        ("class 'a'", "differ from one another 0.21 times as much as real ones", "latent_gan"),
    ),
    "the critic won": (
        {"history": history(*[0.7] * 75, *[0.995] * 25)},
        ("the run", "the critic told 99.5% of real and drawn rows apart", "r1"),
    ),
    "wrong class": (
        {"quality": quality(diversity=(0.9, 0.9), acceptance=(0.9, 0.1), another_class=(0.05, 0.88))},
        ("class 'b'", "the selector takes 88% of the drawn rows for rows of another class", "Learn longer"),
    ),
    "too few rows": (
        {"counts": {"a": 30, "b": 1}},
        ("class 'b'", "1 training row", "Add rows: at least 2 are needed"),
    ),
    "not finished": (
        {"looks": looks(8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0)},
        ("the run", "the distance to real rows still fell, by 67%", "n_steps"),
    ),
}


@pytest.mark.parametrize("course", [FINE, NOTHING], ids=["fine", "nothing known"])
def test_nothing_is_said_of_a_run_that_went_well(course):
    """No finding where there is nothing to find, nor where nothing is known."""
    assert diagnose(course) == []


def test_every_check_has_its_case():
    """The cases of this file are the checks."""
    assert set(WRONG) == set(CHECKS)


@pytest.mark.parametrize("kind", CHECKS)
def test_each_trouble_is_found_alone_and_in_words(kind):
    """One thing changed for the worse gives one finding: its kind, place, figures and remedy, all in its sentence."""
    changed, (where, evidence, remedy) = WRONG[kind]
    (finding,) = diagnose(replace(FINE, **changed))
    assert (finding.kind, finding.where) == (kind, where)
    assert evidence in finding.evidence
    assert remedy in finding.remedy
    assert str(finding) == f"{kind} ({where}): {finding.evidence}. {finding.remedy}"


def test_all_troubles_are_found_together_the_gravest_first():
    """Checks do not hide one another; a run that diverged is not called unfinished."""
    changed = {name: value for kind in ("too few rows", "the critic won") for name, value in WRONG[kind][0].items()}
    bad = replace(FINE, **changed, quality=quality(diversity=(0.1, 0.1), another_class=(0.9, 0.9)))
    kinds = [finding.kind for finding in diagnose(replace(bad, ending=Ending("diverged", 9, 5)))]
    assert kinds == [
        "divergence",
        *["collapse within a class"] * 2,
        "the critic won",
        *["wrong class"] * 2,
        "too few rows",
    ]


@pytest.mark.parametrize("kind", ["settled", "collapsed", "diverged"])
def test_a_run_that_ended_by_itself_is_not_unfinished(kind):
    """More steps are advised only where steps or seconds ended the run."""
    course = replace(FINE, looks=WRONG["not finished"][0]["looks"], ending=Ending(kind, 200, 200))
    assert "not finished" not in [finding.kind for finding in diagnose(course)]


@pytest.mark.parametrize(
    ("n", "words"), [(1, "no synthetic row is drawn"), (2, "borrows styles"), (3, "borrows styles")]
)
def test_a_class_of_few_rows_is_named(n, words):
    """One row: nothing is drawn; two or three: what was measured of so few, and the learner that copes best."""
    (finding,) = diagnose(replace(FINE, counts={"a": 30, "b": n}))
    assert finding.where == "class 'b'"
    assert str(n) in finding.evidence
    assert words in finding.remedy
    assert diagnose(replace(FINE, counts={"a": 30, "b": 4})) == []


def test_what_was_not_measured_is_not_held_against_a_class():
    """NaN, where all real rows of a class are one, is no collapse."""
    course = replace(FINE, quality=quality(diversity=(np.nan, 1.0), acceptance=(1.0, 1.0)))
    assert diagnose(course) == []


def test_rows_that_a_selector_drops_by_design_are_not_of_another_class():
    """The best quarter, the hard half, the new ones: few are kept, and nothing says that the others are of no class."""
    assert diagnose(replace(FINE, quality=quality(diversity=(0.9, 0.9), acceptance=(0.25, 0.02)))) == []


@pytest.mark.parametrize(
    ("learner", "counts", "words"),
    [
        (CGAN(), {"a": 30, "b": 12}, "drawn rows of at least half of the classes became one, so training stopped at"),
        (CGAN(per_class=True), {"a": 30, "b": 12}, "drawn rows of a class became one, so training stopped at"),
        (CGAN(), {None: 30}, "drawn rows became one, so training stopped at"),
    ],
)
def test_a_collapse_is_told_though_what_was_kept_is_varied(learner, counts, words):
    """A run that went back to good weights still says that it collapsed, when, and what it kept."""
    (finding,) = diagnose(replace(FINE, ending=Ending("collapsed", 170, 100), learner=learner, counts=counts))
    assert (finding.kind, finding.where) == ("collapse within a class", "the run")
    assert finding.evidence == f"{words} step 170 and keeps the weights of step 100"


@pytest.mark.parametrize(
    ("kind", "learner", "remedy"),
    [
        ("divergence", CGAN(), "Lower lr and critic_lr."),
        ("divergence", CGAN(objective="minimax"), "Lower lr and critic_lr, or choose the objective 'hinge'."),
        ("divergence", VAE(), "Lower lr."),
        ("divergence", None, "Lower the learning rate."),
        ("collapse within a class", LatentGAN(), "Lower critic_lr."),
        ("collapse within a class", VAE(), "Use the learner 'latent_gan', whose rows lie between real ones."),
        ("the critic won", LatentGAN(), "Lower critic_lr, or add regularisers={'r1': 0.1}."),
        (
            "the critic won",
            CGAN(policy="none", regularisers={"r1": 0.1}),
            "Lower critic_lr, take the policy 'auto', or raise the weight of 'r1' in regularisers.",
        ),
        ("the critic won", None, "Lower the critic's learning rate."),
    ],
    ids=str,
)
def test_what_is_advised_can_be_followed(kind, learner, remedy):
    """No parameter is named that the learner lacks, and nothing that it does already."""
    (finding,) = diagnose(replace(FINE, **WRONG[kind][0], learner=learner))
    assert finding.remedy == remedy


@pytest.mark.parametrize(
    ("counts", "learner"), [({None: 3}, CGAN()), ({"a": 3}, VAE()), ({"a": 30, "b": 3}, LatentGAN())]
)
def test_nobody_borrows_where_there_is_nobody_to_borrow_from(counts, learner):
    """Styles are borrowed from other classes, and a learner that borrows need not be told of."""
    (finding,) = diagnose(replace(FINE, counts=counts, learner=learner))
    assert finding.remedy == "Add rows."


def test_rows_without_labels_have_no_class():
    """What is found of rows without labels is found of all rows, not of a class of some name."""
    alike = pd.DataFrame({"class": [None], "metric": ["diversity"], "value": [0.2]})
    (finding,) = diagnose(replace(FINE, counts={None: 30}, quality=alike))
    assert finding.where == "all rows"
    assert finding.evidence.endswith("as much as real ones; a GAN at 0.33 added nothing in our measurements")
    assert diagnose(replace(FINE, counts={None: 1}))[0].where == "all rows"
