"""To reproduce: what the report tells to type gives the same figures."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from synthaug import CGAN, Draws, Fixed, Folds, LessOrEqual, SyntheticAugmenter, compare
from synthaug.experiment.compare import prepare
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.report_settings import facts_part, settings_part

NAMES = {"RandomForestClassifier": RandomForestClassifier, "CGAN": CGAN}
STUDIES = {
    "folds": {"estimator": RandomForestClassifier(n_estimators=3, random_state=0), "cv": Folds(2, 1), "metrics": []},
    "draws": {"estimator": RandomForestClassifier(n_estimators=3, random_state=1), "cv": Draws(10, 2, 60)},
}


@pytest.mark.parametrize("kind", STUDIES)
def test_call_in_the_report_gives_the_same_study(kind: str):
    """Whoever types the call with the same rows gets the same scores."""
    X, y = load_wine(return_X_y=True)
    augmenter = SyntheticAugmenter(CGAN(n_steps=3, width=4), selection="none")
    found = compare(X, y, arms=["none", "gan"], augmenter=augmenter, random_state=3, **STUDIES[kind])
    names = {**NAMES, "X": X, "y": y}
    exec(settings_part(found.settings)["call"], names)
    assert names["result"].frame.equals(found.frame)


def brighter(images):
    """Return brighter images."""
    return images


def test_call_names_groups_splitter_and_transform():
    """A splitter of scikit-learn's, groups and a function of one's own stand in the call as they were passed."""
    X = np.random.default_rng(0).normal(size=(40, 8, 8))
    given = {"groups": np.arange(40) // 2, "cv": StratifiedGroupKFold(2), "image_transform": brighter}
    call = settings_part(prepare(X, np.arange(40) % 4 // 2, arms=["none", "repeat"], **given).settings)["call"]
    assert "    groups=groups,\n" in call
    assert f"    cv={StratifiedGroupKFold(2)!r},\n" in call
    assert "    image_transform=brighter,\n" in call


def test_study_of_a_pipeline_is_run_again_by_its_command(study: Comparison):
    """A pipeline's study names the command, with the file where the run wrote it; one of before names its folder."""
    assert settings_part(study.settings)["command"] == "synthaug run STUDY/config.yaml --output again"
    part = settings_part({**study.settings, "config": "runs/my study/config.yaml"})
    assert part["command"] == "synthaug run 'runs/my study/config.yaml' --output again"
    assert "config.yaml" not in part["yaml"]
    assert part["call"] == ""


def test_install_names_versions_without_the_mark_of_a_local_build():
    """What pip is asked for exists in an index: no '+cpu'; Python itself is no package."""
    part = settings_part({"versions": {"synthaug": "0.1.0", "torch": "2.14.0+cpu", "python": "3.11.2"}})
    assert part["install"] == "python -m pip install 'synthaug==0.1.0' 'torch==2.14.0'"
    assert ("torch", "2.14.0+cpu") in part["versions"]


@pytest.mark.parametrize(
    ("estimator", "text"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression(C=3)), "StandardScaler, LogisticRegression"),
        (RandomForestClassifier(n_estimators=3), "RandomForestClassifier"),
        ("clf" * 30, "clf" * 19 + "cl…"),
    ],
)
def test_classifier_is_named_in_a_few_words(study: Comparison, estimator: object, text: str):
    """The names of what is fitted, without its parameters; what is no call is cut."""
    named = Comparison("x", "folds", "accuracy", "none", study.splits, {"estimator": str(estimator)}, ())
    assert dict(facts_part(named))["classifier"] == text


def adult(rows):
    """Return which rows are of adults."""
    return rows["age"] >= 18


def test_rules_stand_in_the_call_as_code():
    """The call of a study with rules for drawn rows can be run: rules and imports stand in it, no address."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"low": rng.normal(80, 5, 60), "high": rng.normal(120, 5, 60), "age": rng.normal(50, 5, 60)})
    y = np.repeat(["ill", "well"], 30)
    rules = [LessOrEqual("low", "high"), Fixed("age", 40.0), adult]
    augmenter = SyntheticAugmenter("copula", constraints=rules)
    asked = {"estimator": RandomForestClassifier(3), "arms": ["none", "smote"], "cv": Folds(2, 1), "random_state": 0}
    found = compare(X, y, augmenter=augmenter, **asked)
    call = settings_part(found.settings)["call"]
    assert call.startswith("from synthaug import Draws, Fixed, Folds, LessOrEqual, SyntheticAugmenter, compare\n")
    assert "0x" not in json.dumps(found.settings)
    names = {**NAMES, "X": X, "y": y, "adult": adult}
    exec(call, names)
    assert names["result"].frame.equals(found.frame)
