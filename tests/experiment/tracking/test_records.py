from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthaug.augment.arms import USES_GAN
from synthaug.experiment.tracking.records import (
    arm_points,
    flat_parameters,
    learner_points,
    learner_user,
    metric_key,
    sample_grid,
    tag_texts,
)


@settings(deadline=None)  # the first call imports mlflow
@given(st.lists(st.text(max_size=12) | st.text("./a", max_size=4), min_size=1, max_size=3))
def test_any_name_becomes_one_that_mlflow_takes(parts):
    """Whatever a class or metric is called, MLflow accepts the metric's name."""
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(metric_key(*parts))


@settings(deadline=None)
@given(st.one_of(st.text(max_size=12), st.text("ab./: -", max_size=6), st.text("k[", min_size=240, max_size=260)))
def test_any_tag_gets_a_name_that_mlflow_takes(name):
    """A tag keeps its name where MLflow takes it, and gets another one where MLflow would refuse it."""
    from mlflow.exceptions import MlflowException
    from mlflow.utils.validation import _validate_length_limit, _validate_tag_name

    def check(key):
        _validate_tag_name(key)
        _validate_length_limit("key", 250, key)

    ((key, text),) = tag_texts({name: 1}).items()
    check(key)
    assert text == "1"
    if key != name:
        with pytest.raises(MlflowException):
            check(name)


@given(st.text("<>+-/._ ab", min_size=1, max_size=6), st.text("<>+-/._ ab", min_size=1, max_size=6))
def test_different_classes_keep_different_names(a, b):
    """Two classes never share a metric's name, though neither may be a legal one."""
    assert (metric_key("recall", a) == metric_key("recall", b)) == (a == b)


def test_gain_needs_the_baseline_in_the_same_split(split):
    """A split in which the baseline was not scored logs no gain rather than a wrong one."""
    result = split(scores={"gan": {"accuracy": 0.9}})
    names = {point.key for point in arm_points(result, "gan", scoring="accuracy", baseline="none")}
    assert names == {"accuracy", "n_added", "seconds"}


def test_learner_points_keep_steps_and_times(learner):
    """A loss keeps its step and the second it was reached at."""
    points = [point for point in learner_points(learner(n_steps=3)) if point.key == "critic"]
    assert [(point.step, point.seconds) for point in points] == [(0, 0.0), (1, 0.5), (2, 1.0)]


def test_empty_history_gives_no_losses(learner):
    """A learner that logged no step has only its size and quality."""
    points = learner_points(learner(history=pd.DataFrame()))
    assert {point.key.split("/")[0] for point in points} == {"quality", "n_rows", "seconds"}


@pytest.mark.parametrize("arm", [arm for arm in USES_GAN if arm not in ("gated", "gan unlabelled")])
def test_learner_belongs_to_whatever_arm_uses_it(split, arm):
    """Every arm with learned rows can be the one beneath which the learner's run goes."""
    assert learner_user("full", ran(split, "none", "classic", "self-training", arm)) == arm


@pytest.mark.parametrize(
    ("learner", "arms", "user"),
    [
        ("full", ["none", "gan soft labels", "gan"], "gan soft labels"),
        ("full", ["none", "gated", "classic+gan"], "classic+gan"),
        ("full", ["none", "gan unlabelled", "gan"], "gan"),
        ("full, unlabelled rows", ["none", "gan", "gan unlabelled"], "gan unlabelled"),
        ("inner 3", ["none", "gan", "gated"], "gated"),
        ("inner 3", ["none", "gan"], None),
    ],
)
def test_learner_belongs_to_an_arm_that_uses_it(split, learner, arms, user):
    """A learner's run goes beneath the first arm that used it; without one, beneath the study."""
    assert learner_user(learner, ran(split, *arms)) == user


def test_learner_belongs_to_an_arm_of_ones_own(split):
    """What an arm did counts, not what it is called: one that asked for the learner, one whose gate decided."""
    result = replace(ran(split, "none", "mine", "my gate"), learned=("mine", "my gate"), gated_arm="my gate")
    assert (learner_user("full", result), learner_user("inner 0", result)) == ("mine", "my gate")


def ran(split, *arms):
    """Return a split on which these arms ran, and nobody noted which of them learned."""
    return replace(split(), scores={arm: {"accuracy": 0.5} for arm in arms}, learned=None)


def test_empty_section_of_settings_is_kept():
    """An empty section is logged as such instead of vanishing."""
    assert flat_parameters({"params": {}, "none": None}) == {"params": "{}", "none": "None"}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_grid_shows_real_beside_synthetic(learner, channels):
    """The grid is titled real and synthetic, and has a row for each class, whatever the number of channels."""
    images = np.zeros((3, 2, 4, 5, channels), dtype=np.uint8)
    figure = sample_grid(learner(real=images, synthetic=images[:, :1]), ["benign", "$", "悪性"])
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["real", "synthetic", "benign", "$", "悪性"]
    assert axes.images[0].get_array().shape == (15, 20, 3)


def test_grid_hides_real_rows_that_may_not_be_shown(learner):
    """Without real images only the synthetic ones are drawn."""
    figure = sample_grid(learner(real=np.empty(0)))
    assert [text.get_text() for text in figure.axes[0].texts] == ["synthetic", "0", "1", "2"]


def test_grid_of_a_table_is_none(learner):
    """A learner without images has no grid."""
    assert sample_grid(learner(synthetic=np.empty(0))) is None
