"""A study: paired, reproducible, resumable, and honest about what it could not see."""

import json
import re
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import fbeta_score, make_scorer, roc_auc_score
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedGroupKFold

from synthaug import (
    CGAN,
    AugmentedClassifier,
    Draws,
    Folds,
    Mix,
    SyntheticAugmenter,
    assess_quality,
    compare,
    near_duplicate_groups,
)
from synthaug.augment.arms import ARMS, Trained, train_mix
from synthaug.errors import ConfigError, LabelError, LeakWarning, ShapeError, SmallClassWarning
from synthaug.experiment.compare import prepare
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.report import report_html
from synthaug.experiment.report_learners import learning_part
from synthaug.experiment.report_verdict import spoken_verdict
from synthaug.experiment.storage import SplitStore
from synthaug.experiment.verdict import Verdict
from synthaug.statistics import detectable_gain
from synthaug.statistics.units import NOT_THERE

NAMED = ["none", "classic", "smote", "gan", "classic+gan", "gated"]
FEW = ["none", "smote", "gan"]
BETA_2 = make_scorer(fbeta_score, beta=2, pos_label="ill")


@pytest.fixture(scope="module")
def clinic():
    """Two hundred 8 x 8 images of two classes that overlap, the second one bright at the left."""
    rng = np.random.default_rng(0)
    y = np.repeat(["well", "ill"], [140, 60])
    X = rng.normal(8, 3, size=(200, 8, 8))
    X[y == "ill", :, :2] += 1.2
    return X.clip(0, 16).round(), y


PATIENT = LogisticRegression(max_iter=5000)


def study(clinic, **changes):
    settings = {
        "estimator": LogisticRegression(max_iter=200),
        "arms": NAMED,
        "augmenter": SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=4)),
        "cv": Draws({"ill": 6, "well": 20}, n_draws=2, test_rows=100),
        "random_state": 0,
    }
    return prepare(*clinic, **(settings | changes))


@pytest.fixture(scope="module")
def finished(clinic):
    return study(clinic).run()


def test_every_arm_is_scored_on_every_draw(finished):
    """Each arm has a score for each draw and metric; classic and gan add the same rows, classic+gan both."""
    frame = finished.frame
    assert set(frame["arm"]) == set(NAMED)
    assert (frame.groupby(["arm", "metric"]).size() == 2).all()
    assert {split.n_added[arm] for split in finished.splits for arm in ("classic", "smote", "gan")} == {14}
    assert {split.n_added["classic+gan"] for split in finished.splits} == {28}


def test_differences_are_paired(finished):
    """A difference in the summary is the mean of the differences on the same draws."""
    scores = finished.frame.query("metric == 'balanced_accuracy'").pivot_table(
        index="repeat", columns="arm", values="value"
    )
    expected = (scores["gan"] - scores["none"]).mean()
    assert finished.summary().loc["gan", "difference"] == pytest.approx(expected)


def test_blocks_carry_the_score(finished):
    """The mean of an arm's pseudo-values is its score, so that interval and score speak of the same figure."""
    for split in finished.splits:
        for arm, values in split.blocks.items():
            assert values.mean() == pytest.approx(split.scores[arm]["balanced_accuracy"])


def test_same_seed_same_figures_whatever_the_workers(clinic, finished):
    """A study gives the same figures again, also with two workers, and whatever other arms there are."""
    again = study(clinic, arms=FEW, n_jobs=2).run()
    assert again.frame["value"].tolist() == finished.frame.query("arm in @FEW")["value"].tolist()


def test_another_seed_gives_other_draws(clinic, finished):
    """The seed decides which rows are drawn."""
    other = study(clinic, random_state=1)
    assert not np.array_equal(other.splits[0].train, study(clinic).splits[0].train)


def test_a_study_goes_on_where_it_stopped(clinic, tmp_path):
    """After an interruption finished draws are read back, not run again, and the figures are those of a whole run."""
    store = SplitStore(tmp_path)
    part = study(clinic, arms=FEW)
    finished = part.run()
    store.open(part.key, {}, resume=False)
    store.save(finished.splits[1])
    seen = []
    whole = part.run(store=store, on_progress=lambda progress: seen.append(progress.done))
    assert whole.frame["value"].tolist() == finished.frame["value"].tolist()
    assert seen == [1, 2]
    assert store.finished() == [0, 1]


def test_a_stored_split_comes_back_whole(finished, tmp_path):
    """Scores, pseudo-values, the gate's table, histories and pictures survive the disk."""
    store, split = SplitStore(tmp_path), finished.splits[0]
    store.open("key", {}, resume=False)
    store.save(split)
    back = store.load(0)
    assert back.scores == split.scores
    assert all(np.array_equal(back.blocks[arm], split.blocks[arm]) for arm in split.blocks)
    assert all(np.array_equal(back.recalls[arm], split.recalls[arm]) for arm in split.recalls)
    assert back.decision.equals(split.decision)
    assert [learner.name for learner in back.learners] == [learner.name for learner in split.learners]
    assert back.learners[0].history.equals(split.learners[0].history)
    assert np.array_equal(back.learners[0].synthetic, split.learners[0].synthetic)


@pytest.mark.parametrize("resume", [True, False])
def test_a_study_run_anew_keeps_nothing_of_the_one_before(tmp_path, resume):
    """Report and tables of another study are gone before the first split is there; a resumed one keeps its own."""
    store = SplitStore(tmp_path)
    outcome = [tmp_path / name for name in ("report.html", "model_card.json", "summary.csv", "intervals.csv")]
    for path in outcome:
        path.write_text("of the study before")
    store.open("key", {}, resume=resume)
    assert [path.exists() for path in outcome] == [resume] * len(outcome)


def test_a_split_stored_by_an_earlier_version_is_read(finished, tmp_path):
    """Without recalls and learning curve, which it did not keep, a split comes back, and its tables are empty."""
    store, place = SplitStore(tmp_path), tmp_path / "splits" / "0000"
    store.open("key", {}, resume=False)
    store.save(finished.splits[0])
    facts = json.loads((place / "result.json").read_text())
    (place / "result.json").write_text(json.dumps({name: fact for name, fact in facts.items() if name != "curve"}))
    with np.load(place / "arrays.npz") as file:
        kept = {name: file[name] for name in file.files if not name.startswith("recalls/")}
    np.savez(place / "arrays.npz", **kept)
    back = store.load(0)
    assert back.scores == finished.splits[0].scores
    assert replace(finished, splits=(back, back)).recalls().empty
    assert replace(finished, splits=(back, back)).label_equivalence().empty


def test_gaps_in_nullable_columns_have_a_key():
    """Whole numbers and truth values with gaps, as Parquet files hold them, are told apart like any other rows."""
    ages = pd.array([*range(19), None], dtype="Int64")
    frame = pd.DataFrame({"age": ages, "smokes": pd.array([True, False, None, False] * 5, dtype="boolean")})
    other = frame.assign(age=frame["age"].fillna(30))
    keys = {prepare(rows, np.arange(20) % 2, arms=["none", "smote"], random_state=0).key for rows in (frame, other)}
    assert len(keys) == 2


def test_a_study_of_words_is_known_in_every_process(clinic):
    """What a study is resumed by names its steps whole, and no place in memory."""
    frame = pd.DataFrame({"sex": ["f", "m"] * 10, "age": range(20), "since": pd.date_range("2020", periods=20)})
    described = prepare(frame, [0, 1, 1, 0] * 5, arms=["none", "smote"], random_state=0).settings["estimator"]
    assert "0x" not in described
    assert "..." not in described
    assert described.count("(") == described.count(")")


def test_a_study_is_not_resumed_with_other_settings(clinic, tmp_path):
    """Finished draws of other settings are never mixed in."""
    store = SplitStore(tmp_path)
    store.open(study(clinic).key, {}, resume=False)
    with pytest.raises(ConfigError, match="resumed with the data and settings it began with"):
        store.open(study(clinic, random_state=5).key, {}, resume=True)


@pytest.mark.parametrize(("asked", "given"), [("auto", 1), (2, 2)])
def test_learners_of_a_study_share_the_cores(clinic, asked, given):
    """Splits run side by side: each learner has one thread, unless the user said how many."""
    X, y = clinic
    images = np.kron(X, np.ones((3, 3)))  # large enough for several threads
    augmenter = SyntheticAugmenter(CGAN(n_steps=2, batch_size=4, width=4, n_threads=asked), selection="none")
    result = study((images, y), arms=["none", "gan"], augmenter=augmenter, n_jobs=1).run()
    assert {learner.parameters["n_threads"] for split in result.splits for learner in split.learners} == {given}


def test_the_estimate_counts_learners(clinic):
    """One shared learner and three inner ones a draw."""
    estimate = study(clinic).estimate()
    assert (estimate.n_splits, estimate.n_learners) == (2, 8)
    assert estimate.seconds > 0
    assert "8 learners" in estimate.text


class Slow(DummyClassifier):
    """A classifier that takes a tenth of a second, however busy the machine is."""

    def fit(self, X, y, sample_weight=None):
        time.sleep(0.1)
        return super().fit(X, y, sample_weight)


def test_the_estimate_knows_that_cores_are_shared(clinic, monkeypatch):
    """Two splits at a time are not done sooner where there is one core for both."""

    def seconds(n_jobs):
        return study(clinic, estimator=Slow(), arms=["none", "smote"], n_jobs=n_jobs).estimate().seconds

    monkeypatch.setattr("synthaug.experiment.arm_study.cpu_count", lambda: 1)
    assert seconds(2) > 0.75 * seconds(1)
    monkeypatch.setattr("synthaug.experiment.arm_study.cpu_count", lambda: 2)
    assert seconds(2) < 0.75 * seconds(1)


def test_an_arm_that_does_not_apply_says_why():
    """A table has no classical transforms: the arm is skipped with the reason, and the others run."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.repeat([0, 1], [40, 20])
    result = compare(X, y, arms=["none", "classic", "smote"], cv=Folds(2, 2), random_state=0)
    assert list(result.summary().index) == ["none", "smote"]
    assert "no classical transforms" in result.skipped["classic"]


def test_an_arm_of_ones_own(clinic):
    """A function of a task is an arm like any other."""

    def flipped(task):
        return Trained(LogisticRegression(max_iter=200).fit(task.X.reshape(len(task.X), -1), task.y[::-1]), 0)

    result = study(clinic, arms={"none": "none", "flipped": flipped}).run()
    assert result.verdict("flipped", "none").difference < 0


def test_what_could_be_seen_goes_by_the_arms_that_were_asked_about(finished):
    """A pair that no table holds is not corrected for, so less could have been seen there than in the summary."""
    arms = len(NAMED) - 1
    pair, corrected = (finished.verdict("smote", other) for other in ("classic", "none"))
    test = finished._test("smote", "none")
    assert corrected.detectable == pytest.approx(detectable_gain(test, alpha=0.05 / arms))
    assert pair.detectable == pytest.approx(detectable_gain(finished._test("smote", "classic"), alpha=0.05))


def test_no_evidence_is_not_no_effect(finished):
    """A verdict without evidence says which gain the study could have seen."""
    verdict = finished.verdict("gan", "classic")
    assert verdict.detectable > 0
    if verdict.word == "no evidence":
        assert "could have seen" in str(verdict)


def test_the_summary_gives_the_probability_of_a_gain_that_matters(finished):
    """Beside the p-value stands the probability that the gain exceeds the region of practical equivalence."""
    found = finished.practical("gan", "none")
    assert finished.summary().loc["gan", "p_gain"] == found.gain
    assert found.rope == finished.rope == 0.005
    assert finished.practical("gan", "none", rope=0.5).equal > 0.9
    assert np.isnan(finished.summary().loc["none", "p_gain"])


def test_the_region_is_the_users(clinic):
    """``rope`` is noted with the settings and decides no score, so a finished study can be read with another."""
    wide = study(clinic, rope=0.05)
    assert wide.settings["rope"] == 0.05
    assert wide.key == study(clinic).key


def test_recalls_are_kept_for_every_arm_and_class(finished):
    """Their mean over the classes is the balanced accuracy, and the baseline differs from itself by 0."""
    recalls = finished.recalls()
    assert set(recalls["class"]) == {"ill", "well"}
    means, scores = recalls.groupby("arm")["recall"].mean(), finished.summary()["score"]
    assert means[scores.index].tolist() == pytest.approx(scores.tolist())
    assert (recalls.query("arm == 'none'")["difference"] == 0).all()


def test_an_arm_that_did_what_another_did_is_called_the_same(clinic):
    """Where all answers agree on every split, the verdict says so instead of an interval of no width."""
    result = study(clinic, arms={"none": "none", "again": lambda task: ARMS["none"](task)}).run()
    assert result.verdict("again", "none").same
    assert str(result.verdict("again", "none")).startswith("again is the same as none: it gave the same answers")
    assert not result.verdict("none", "none").same


@pytest.mark.parametrize("cv", [Draws({"ill": 6, "well": 20}, n_draws=2, test_rows=100), Folds(2, 1)], ids=repr)
def test_any_scorer_can_be_primary(clinic, cv):
    """A scorer of one's own is named by its function; every arm gets all metrics, none of them NaN."""

    def share_found_ill(classifier, X, y):
        return float((classifier.predict(X) == "ill").mean())

    metrics = ("accuracy", "f1_macro", "roc_auc", "average_precision", "neg_log_loss", "neg_brier_score")
    named = {"estimator": LogisticRegression(C=0.01, max_iter=1000), "arms": ["none", "smote"], "metrics": metrics}
    result = study(clinic, **named, scoring=share_found_ill, cv=cv).run()
    assert result.scoring == "share_found_ill"
    assert set(result.frame["metric"]) == {"share_found_ill", *metrics}
    assert np.isfinite(result.frame["value"]).all()
    assert np.isfinite(result.summary().loc["smote", "difference"])


SHARES, LOSSES = {"balanced_accuracy", "accuracy", "f1_macro"}, {"neg_log_loss", "neg_brier_score"}


@pytest.mark.parametrize(
    ("n_classes", "estimator", "expected"),
    [
        (2, LogisticRegression(), SHARES | LOSSES | {"roc_auc", "average_precision"}),
        (3, LogisticRegression(), SHARES | LOSSES | {"roc_auc_ovr"}),
        (2, RidgeClassifier(), SHARES | {"roc_auc", "average_precision"}),
        (3, RidgeClassifier(), SHARES),
    ],
)
def test_a_study_has_the_fields_metrics(clinic, n_classes, estimator, expected):
    """Where nothing is said all that labels and classifier allow are there, the primary one first; [] asks for none."""
    rows = {"X": clinic[0], "y": np.arange(200) % n_classes, "estimator": estimator, "cv": Folds(3, 1)}
    names = list(prepare(**rows, scoring="f1_macro").work.metrics)
    assert names[0] == "f1_macro"
    assert set(names) == expected
    assert list(prepare(**rows, metrics=[]).work.metrics) == ["balanced_accuracy"]


def test_the_fields_metrics_are_those_that_every_split_can_have(clinic):
    """Where whole groups leave a split's test rows one class, metrics of ranks are left out."""
    X, y = clinic
    order = np.argsort(y)
    with pytest.warns(SmallClassWarning):
        sorted_rows = prepare(X[order], y[order], groups=np.arange(200) // 25, cv=Folds(8, 1))
    assert set(sorted_rows.work.metrics) == SHARES | LOSSES


@pytest.mark.parametrize("cv", [Draws({"ill": 6, "well": 20}, n_draws=2, test_rows=100), Folds(2, 1)], ids=repr)
def test_an_arm_without_probabilities_has_what_it_can(clinic, cv, tmp_path):
    """Metrics that look at what an arm of one's own does not give are NaN, and said so in the report; the primary
    one must be there.
    """

    def ridge(task):
        return Trained(RidgeClassifier().fit(task.X.reshape(len(task.X), -1), task.y), 0)

    named = {"estimator": LogisticRegression(C=0.01, max_iter=1000), "arms": {"none": "none", "ridge": ridge}, "cv": cv}
    result = study(clinic, **named, bootstrap=100).run(store=SplitStore(tmp_path / "splits"))
    missing = result.frame[result.frame["value"].isna()]
    assert set(zip(missing["arm"], missing["metric"], strict=True)) == {("ridge", loss) for loss in LOSSES}
    assert np.isfinite(result.summary()["score"]).all()
    found = result.intervals().set_index(["arm", "metric"])["value"]
    assert found.isna().sum() == len(LOSSES)
    assert np.isfinite(found["ridge", "roc_auc"])
    result.to_html(tmp_path / "report.html")
    cell = '<td class="n">{}</td>'.format
    assert re.search(f"ridge</th>({cell('[^<]*')})*{cell(NOT_THERE)}", (tmp_path / "report.html").read_text())
    with pytest.raises(ConfigError, match=r"neg_log_loss must give a finite number .*got nan for arm 'ridge'"):
        study(clinic, **named, scoring="neg_log_loss").run()


def test_metrics_that_cannot_be_are_refused_before_anything_runs(clinic):
    """Metrics that the labels or the classifier do not allow are named at once."""
    X, _ = clinic
    with pytest.raises(ConfigError, match=r"roc_auc is for two classes; .*roc_auc_ovr"):
        prepare(X, np.arange(200) % 3, scoring="roc_auc")
    with pytest.raises(ConfigError, match="neg_log_loss needs probabilities; RidgeClassifier gives none"):
        study(clinic, estimator=RidgeClassifier(), metrics=["neg_log_loss"])
    with pytest.raises(
        ConfigError, match=r"metrics\[0\] f1 must be able to score these labels .*pos_label=1 is not a valid"
    ):
        study(clinic, metrics=["f1"])
    with pytest.raises(ConfigError, match=r"metrics\[1\] must be one of .*; got 'acuracy'"):
        study(clinic, metrics=["f1_macro", "acuracy"])
    with pytest.raises(ConfigError, match=r"roc_auc_ovo must look at what RidgeClassifier gives.*predict_proba"):
        study(clinic, estimator=RidgeClassifier(), scoring="roc_auc_ovo")
    with pytest.raises(ConfigError, match="rope must be at least 0"):
        study(clinic, rope=-1)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "roc_auc_ovr", "sensitivity_at_90_specificity"])
def test_a_metric_that_a_split_cannot_have_is_refused_before_anything_runs(clinic, metric):
    """Where whole groups leave a split's test rows one class, a metric of ranks is refused and others are taken."""
    X, y = clinic
    order = np.argsort(y)
    groups = np.arange(200) // 25
    with pytest.raises(ConfigError, match=rf"scoring {metric} must be able to score .* of 1 of the 2 classes"):
        prepare(X[order], y[order], groups=groups, cv=Folds(8, 1), scoring="accuracy", metrics=[metric])
    with pytest.warns(SmallClassWarning, match=r"splits have no row to test on of \['ill', 'well'\]"):
        assert prepare(X[order], y[order], groups=groups, cv=Folds(8, 1), metrics=["neg_log_loss", "f1_macro"])


def test_groups_choose_group_folds(clinic):
    """With groups no group stands on both sides of any split."""
    groups = np.arange(200) // 4
    for split in study(clinic, cv=Folds(4, 2), groups=groups).splits:
        assert not set(groups[split.train]) & set(groups[split.test])
    for split in study(clinic, groups=groups).splits:
        assert not set(groups[split.train]) & set(groups[split.test])


def test_a_splitter_sees_the_rows(clinic):
    """A splitter may go by what is in the rows; pairs of row numbers are a splitter, too."""

    class ByBrightness:
        def split(self, X, y=None, groups=None):
            order = np.argsort(X.sum(axis=(1, 2)), kind="stable")
            return [(order[::2], order[1::2]), (order[1::2], order[::2])]

    pairs = ByBrightness().split(clinic[0])
    for splits in (study(clinic, cv=ByBrightness()).splits, study(clinic, cv=pairs).splits):
        for split, (train, test) in zip(splits, pairs, strict=True):
            np.testing.assert_array_equal(split.train, train)
            np.testing.assert_array_equal(split.test, test)


def test_a_splitter_that_tears_groups_is_refused(clinic):
    """A splitter that ignores groups is refused by what it does; one that honours them is taken."""
    groups = np.arange(200) // 4
    with pytest.raises(ShapeError, match=r"group number \d+ on both"):
        study(clinic, cv=KFold(4, shuffle=True, random_state=0), groups=groups)
    assert len(study(clinic, cv=StratifiedGroupKFold(4), groups=groups).splits) == 4


def test_near_duplicates_across_splits_are_told(clinic):
    """Images that are all but the same on two sides of a split are warned of and counted; in groups, not."""
    X, y = clinic[0].copy(), clinic[1]
    X[150:152] = 0.8 * X[140:142] + 1.3
    with pytest.warns(LeakWarning, match=r"in 4 of 4 splits .*groups=near_duplicate_groups\(X, groups\)"):
        told = study((X, y), cv=Folds(2, 2))
    assert told.settings["splits_with_near_duplicates"] == 4
    apart = study((X, y), cv=Folds(2, 2), groups=near_duplicate_groups(X))
    assert apart.settings["splits_with_near_duplicates"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": ["none"]}, "at least two"),
        ({"arms": ["none", "none"]}, "each stand once"),
        ({"arms": ["none", "gann"]}, "Did you mean 'gan'"),
        ({"scoring": "balanced_acuracy"}, "Did you mean 'balanced_accuracy'"),
        ({"cv": "five"}, "cv must be"),
        ({"cv": Draws({"ill": 6}, n_draws=3, test_rows=100)}, "must name every class"),
        ({"cv": Draws(50, n_draws=3, test_rows=100)}, "has 30"),
        ({"cv": Folds(80, 1)}, "smallest class"),
        ({"cv": ShuffleSplit(1)}, "at least 2 splits; got 1"),
        ({"cv": Draws(6, n_draws=1, test_rows=100)}, "at least 2 splits; got 1"),
        ({"cv": Draws(6, n_draws=2, test_rows=100), "groups": np.arange(200) % 2}, "at least 2 groups; got 1"),
        ({"metrics": "accuracy"}, "metrics must be a list; got 'accuracy'"),
        ({"metrics": 3}, "metrics must be a list; got 3"),
        ({"arms": None}, "arms must be a list or a dict"),
        ({"arms": {"none", "smote"}}, "arms must be a list or a dict"),
        ({"estimator": "SVC"}, "estimator must be a classifier, with fit and predict; got 'SVC'"),
        ({"augmenter": CGAN()}, r"Wrap the learner: SyntheticAugmenter\(CGAN\(\)\)"),
        ({"n_jobs": 0}, "n_jobs must be None, at least 1, or -1"),
        ({"rope": None}, "rope must be at least 0; got None"),
        ({"include_real_rows": "no"}, "include_real_rows must be True or False; got 'no'"),
        ({"image_transform": "flip"}, "image_transform must be one of shift"),
        ({"label_equivalence": [2.0], "arms": ["none", "smote"], "cv": Folds(2, 2)}, "Add 'gan' or 'gated', or take"),
        ({"metrics": [BETA_2, make_scorer(fbeta_score, beta=1, pos_label="ill")]}, "two scorers called 'fbeta_score'"),
    ],
)
def test_impossible_studies_are_refused_before_they_start(clinic, changes, message):
    """What cannot be run is named at once, with the remedy."""
    with pytest.raises(ConfigError, match=message):
        study(clinic, **changes)


@pytest.mark.parametrize(("X", "y", "error"), [([], [], LabelError), (None, [0, 1], ShapeError)])
def test_a_study_without_rows_is_refused(X, y, error):
    """No rows at all are named too."""
    with pytest.raises(error, match="must hold"):
        compare(X, y)


def test_real_rows_are_shown_by_true_alone(finished, tmp_path):
    """A word such as 'no' shows nothing, and is refused."""
    with pytest.raises(ConfigError, match="include_real_rows must be True or False; got 'no'"):
        finished.to_html(tmp_path / "report.html", include_real_rows="no")


def test_a_class_of_one_training_row_is_told(clinic):
    """Of such a class no learner draws rows, and who asks for learned rows is told."""
    one = Draws({"ill": 1, "well": 20}, n_draws=2, test_rows=100)
    with pytest.warns(SmallClassWarning, match=r"2 of 2 splits have a single row to learn from of \['ill'\]"):
        study(clinic, cv=one)
    assert study(clinic, cv=one, arms=["none", "repeat"])


def test_groups_of_another_length_are_refused(clinic):
    """There is one group a row."""
    with pytest.raises(ShapeError, match="groups must hold one entry for each row"):
        study(clinic, groups=np.arange(199))


def test_a_metric_may_be_named_twice(clinic):
    """A scorer among the further metrics that is the primary one too is scored once."""
    assert list(study(clinic, scoring=BETA_2, metrics=[BETA_2, "f1_macro"]).work.metrics) == ["fbeta_score", "f1_macro"]


def test_numpy_integers_are_numbers_of_folds(clinic):
    """``cv`` may come out of an array."""
    assert study(clinic, cv=np.int64(4)).design == Folds(4)


def test_a_baseline_that_does_not_apply_is_an_error_at_once():
    """The others are compared with it, so nothing is run in vain; the message says why it does not apply."""
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.repeat([0, 1], [40, 20])
    with pytest.raises(ConfigError, match=r"first of the arms must apply, .*'classic'.*no classical transforms"):
        compare(X, y, arms=["classic", "none"], cv=Folds(2, 1), random_state=0)


def test_labels_may_be_truth_values(clinic, tmp_path):
    """The report names the classes False and True."""
    X, y = clinic
    result = study(
        (X, y == "ill"), arms=["none", "gan"], cv=Draws({False: 20, True: 6}, n_draws=2, test_rows=100)
    ).run()
    assert '<th scope="row">True</th>' in result.to_html(tmp_path / "report.html").read_text()


def test_arms_are_known_by_what_they_do(clinic, tmp_path):
    """An arm that trains on learned rows under another name is no reference for those that do, also when read back."""
    arms = {"base": "none", "made up": "gan", "own": partial(train_mix, mix=Mix(amount=0.5)), "twice": "repeat"}
    made, store = study(clinic, arms=arms), SplitStore(tmp_path)
    store.open(made.key, {}, resume=False)
    assert made.n_learners == 2
    result = made.run(store=store)
    back = made.comparison([store.load(index) for index in store.finished()])
    assert result.learned_arms == back.learned_arms == ["made up", "own"]
    better = [replace(split, scores={**split.scores, "made up": {"balanced_accuracy": 2.0}}) for split in back.splits]
    assert replace(back, splits=tuple(better)).reference in ("base", "twice")


def test_real_rows_stay_out_when_they_may_not_be_shown(clinic):
    """Without leave no picture of a real row is kept."""
    split = study(clinic, arms=["none", "gan"], include_real_rows=False).run().splits[0]
    assert split.learners[0].real.size == 0
    assert split.learners[0].synthetic.size > 0


def test_a_class_of_one_row_stops_no_arm():
    """A class too small to learn from is no error: the arms that can run do."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(41, 3)), np.repeat([0, 1, 2], [20, 20, 1])
    splitter = [(np.r_[0:15, 20:35, 40], np.r_[15:20, 35:40]), (np.r_[5:20, 25:40, 40], np.r_[0:5, 20:25])]

    class Given:
        def split(self, X, y, groups=None):
            return splitter

    augmenter = SyntheticAugmenter(CGAN(n_steps=2, batch_size=8, width=4))
    single = pytest.warns(SmallClassWarning, match=r"2 of 2 splits have a single row to learn from of \[2\]")
    with single, pytest.warns(SmallClassWarning, match=r"2 of 2 splits have no row to test on of \[2\]"):
        result = compare(X, y, arms=["none", "smote", "gan"], augmenter=augmenter, cv=Given(), random_state=0)
    assert "SMOTE needs 2 rows" in result.skipped["smote"]
    assert result.splits[0].n_added["gan"] == 0


def test_groups_and_draws_of_few_rows_a_class(digits_groups):
    """Patients of two rows in ten classes: as many blocks of test rows are made as the classes allow."""
    X, y = digits_groups
    result = compare(X, y, arms=["none", "repeat"], groups=np.arange(len(y)) // 2, cv=Draws(5, 3, 100), random_state=0)
    assert len(result.splits[0].blocks["none"]) >= 5
    np.testing.assert_allclose(
        result.splits[0].blocks["none"].mean(), result.splits[0].scores["none"]["balanced_accuracy"]
    )


@pytest.fixture(scope="module")
def digits_groups():
    images, labels = load_digits(return_X_y=True)
    return images[:400], labels[:400]


def test_a_class_tested_on_one_group_alone_is_refused():
    """Where all test rows of a class are one patient's, chance cannot be told, with groups as without."""
    rng = np.random.default_rng(0)
    y = np.repeat(["well", "ill"], [270, 30])
    groups = np.r_[np.arange(270) // 3, 1000 + np.arange(30) // 10]
    with pytest.raises(LabelError, match="every class needs test rows in at least 2 groups; class 'ill' has"):
        compare(rng.normal(size=(300, 3)), y, arms=["none", "smote"], groups=groups, cv=Draws(5, 6, 100))


def test_draws_that_leave_a_class_untested_are_refused():
    """A study made for a rare class never scores without it."""
    y = np.repeat(["benign", "other", "rare"], [700, 300, 4])
    X = np.random.default_rng(0).normal(size=(1004, 3))
    with pytest.raises(ConfigError, match=r"test_rows must be enough .* got 100, which leaves none of \['rare'\]"):
        compare(X, y, arms=["none", "smote"], cv=Draws({"benign": 30, "other": 30, "rare": 3}, 4, 100))


def test_a_class_missing_from_training_rows_stops_no_learner():
    """A class of one patient is learned by none in one fold: said before, and the study goes on."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [60, 60, 12])
    X, groups = rng.normal(size=(132, 3)) + 3 * y[:, None], np.r_[np.arange(120) // 3, np.full(12, 500)]
    augmenter = SyntheticAugmenter(CGAN(n_steps=2, batch_size=8, width=4))
    with pytest.warns(SmallClassWarning) as caught:
        result = compare(X, y, arms=["none", "gan"], groups=groups, cv=Folds(3, 1), augmenter=augmenter, random_state=0)
    told = [str(one.message) for one in caught]
    assert [text.split(":")[0] for text in told] == [
        "1 of 3 splits have no row to learn from of [2]",
        "2 of 3 splits have no row to test on of [2]",
    ]
    assert all(len(split.learners[0].quality) for split in result.splits)


def test_a_fold_of_one_class_is_refused(clinic):
    """Sorted labels in plain folds leave one class to learn from: refused by the split's number."""
    X, y = clinic
    order = np.argsort(y)
    with pytest.raises(ConfigError, match="got split 0, whose training rows are all of"):
        compare(X[order][40:100], y[order][40:100], arms=["none", "smote"], cv=KFold(2))


def test_what_was_done_decides_what_is_learned(clinic):
    """An arm called after a GAN that runs one of the library's without is none with learned rows."""
    arms = {"no gan": "none", "smote": "smote", "with gan": "gan"}
    augmenter = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=4))
    result = compare(*clinic, arms=arms, augmenter=augmenter, cv=Folds(2, 1), random_state=0)
    assert result.learned_arms == ["with gan"]


def test_a_sentence_without_learned_arms_is_about_the_baseline(clinic):
    """Without a generator's rows the sentence tells every arm beside the first."""
    result = compare(*clinic, arms=["none", "smote"], cv=Folds(2, 1), random_state=0)
    assert result.sentence() == str(result.verdict("smote", "none"))


def test_numpy_labels_may_name_a_draw(clinic):
    """Numbers of rows for each class of an array's labels, as ``np.unique`` gives them."""
    y = (clinic[1] == "ill").astype(int)
    asked = Draws(dict.fromkeys(np.unique(y), 6), 2, 100)
    assert compare(clinic[0], y, arms=["none", "repeat"], cv=asked).settings["design"]["rows_per_class"] == {
        "0": 6,
        "1": 6,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"estimator": Ridge()}, "estimator must be a classifier; got Ridge.*, a regressor"),
        ({"scoring": ["accuracy"]}, "scoring must be one name, one scorer or None; got .*accuracy"),
        (
            {"scoring": make_scorer(roc_auc_score, response_method="predict_proba")},
            "roc_auc_score must be able to score these labels",
        ),
        ({"metrics": {"recall": "recall_macro"}}, "metrics must be a list; got a dict of 'recall'. Pass its values"),
        ({"arms": {0: "none", 1: "smote"}}, "arms must be named by words; got 0"),
        ({"rope": "0.01"}, "rope must be at least 0; got '0.01'"),
        ({"cv": {"folds": 5}}, "a list of pairs .train, test.; got a dict"),
    ],
)
def test_slips_are_refused_in_words(digits_groups, changes, message):
    """What would end in a raw error, or in a text of arrays, is said before anything runs."""
    with pytest.raises(ConfigError, match=message):
        compare(*digits_groups, **({"arms": ["none", "smote"], "cv": Folds(2, 1)} | changes))


def test_rows_that_are_sparse_or_no_numbers_are_refused_in_words(digits_groups):
    """A sparse matrix, and an array of words without a classifier of one's own, name the remedy."""
    X, y = digits_groups
    with pytest.raises(ShapeError, match=r"Pass X.toarray\(\)"):
        compare(csr_matrix(X), y, arms=["none", "smote"])
    mixed = [["red" if label % 2 else "blue", float(label)] for label in y]
    with pytest.raises(ShapeError, match="Pass a DataFrame, whose columns are encoded"):
        compare(mixed, y, arms=["none", "smote"])


def test_no_scoring_is_accuracy(digits_groups):
    """None stands for accuracy, as everywhere else."""
    result = compare(*digits_groups, arms=["none", "repeat"], scoring=None, cv=Folds(2, 1))
    assert result.scoring == "accuracy"


def test_an_undefined_score_ends_a_study_at_once(clinic):
    """A scorer that gives no number is named with arm and split before the next one runs."""
    asked = []

    def undefined(estimator, X, y):
        asked.append(len(y))
        return np.nan

    with pytest.raises(ConfigError, match=r"scoring undefined must give a finite number .* arm 'none' on split 0"):
        compare(*clinic, arms=["none", "smote"], scoring=undefined, cv=Folds(3, 1))


def test_an_arm_of_ones_own_returns_what_it_trained(clinic):
    """A function that returns a classifier alone is told what to return."""

    def fitted(task):
        return DummyClassifier().fit(task.X.reshape(len(task.X), -1), task.y)

    with pytest.raises(ConfigError, match=r"must return Trained\(classifier, n_added\).* 'mine' returned a Dummy"):
        compare(*clinic, arms={"none": "none", "mine": fitted}, cv=Folds(2, 1))


def test_verdicts_are_the_same_both_ways(finished):
    """An arm is not worse than another that is no better than it."""
    for a in finished.arms:
        for b in finished.arms:
            assert finished.verdict(a, b).p_value == pytest.approx(finished.verdict(b, a).p_value)


def test_an_interval_without_zero_that_is_no_evidence_says_why():
    """One arm of many is ahead by chance more often: the sentence gives the corrected p."""
    doubtful = Verdict("gan", "none", "no evidence", 0.017, 0.004, 0.029, 0.061, 0.022, "accuracy")
    assert "p 0.06 after Holm's correction; this study could have seen" in str(doubtful)
    assert "Holm" not in str(replace(doubtful, low=-0.004))


def test_a_classifier_that_is_no_scikit_learns_is_taken(digits_groups):
    """What fits and predicts, and says nothing of itself, is believed."""

    class Majority:
        def get_params(self, deep=True):
            return {}

        def fit(self, X, y):
            self.classes_, counts = np.unique(y, return_counts=True)
            self.most_ = self.classes_[counts.argmax()]
            return self

        def predict(self, X):
            return np.full(len(X), self.most_)

    result = compare(*digits_groups, estimator=Majority(), arms=["none", "repeat"], cv=Folds(2, 1), random_state=0)
    assert result.summary()["score"].between(0.09, 0.11).all()


@pytest.mark.filterwarnings("ignore::synthaug.errors.SmallClassWarning")
def test_a_class_missing_from_a_splits_training_rows_leaves_its_pictures_black():
    """A learner that never saw a class of the study is recorded all the same, its classes in their own places."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    X = (20 * y[:, None, None] + rng.integers(1, 20, (60, 8, 8))).astype(np.uint8)
    groups = np.where(y == 0, 0, np.arange(60))
    augmenter = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=4))
    arms = {"estimator": LogisticRegression(max_iter=1000), "arms": ["none", "gan"], "augmenter": augmenter}
    result = compare(X, y, **arms, groups=groups, cv=Folds(3, 1), random_state=0, include_real_rows=True)
    shown = [one.learners[0].real.mean(axis=(1, 2, 3, 4)) for one in result.splits]
    assert all(first < second < third for first, second, third in shown)
    assert min(first for first, *_ in shown) == 0 < min(second for _, second, _ in shown)


@pytest.mark.filterwarnings("ignore::synthaug.errors.SmallClassWarning")
def test_a_class_missing_from_a_splits_training_rows_changes_no_metrics_scale():
    """Named classes to fill up may be missing from a split, and its Brier score counts the study's classes."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    X = rng.normal(size=(60, 4)) + y[:, None]
    groups = np.where(y == 0, 0, np.arange(60))
    augmenter = SyntheticAugmenter("latent_gan", max_steps=3, sampling_strategy={0: 30, 1: 25, 2: 25})
    settings = {
        "estimator": DummyClassifier(strategy="prior"),
        "arms": ["none", "repeat", "gan"],
        "augmenter": augmenter,
    }
    result = compare(X, y, **settings, groups=groups, cv=Folds(3, 1), random_state=0)
    found = result.frame.query("arm == 'none' and metric == 'neg_brier_score'")["value"]
    sides = [
        (np.bincount(y[part], minlength=3) / len(part) for part in (s.train, s.test))
        for s in prepare(X, y, **settings, groups=groups, cv=Folds(3, 1), random_state=0).splits
    ]
    expected = [-(known**2).sum() + 2 * known @ asked - 1 for known, asked in sides]
    assert found.tolist() == pytest.approx(expected)


def test_the_gates_learner_is_judged_by_the_rows_that_it_saw(clinic, monkeypatch):
    """Where the gate alone learned, copies are looked for among its inner training rows, and the report says whose."""
    judged = []

    def assess(real, *others, **settings):
        judged.append(len(real[0]))
        return assess_quality(real, *others, **settings)

    monkeypatch.setattr("synthaug.experiment.learner_records.assess_quality", assess)
    result = study(clinic, arms=["none", "gated"], cv=Draws({"ill": 12, "well": 12}, n_draws=2, test_rows=100)).run()
    assert judged == [16, 16]
    assert dict(learning_part(result.splits)["facts"])["of all training rows"] == "none: the gate's alone"


def test_a_gate_of_ones_own_that_learned_elsewhere_is_recorded(clinic):
    """Learners of other processes have forgotten whose rows they saw: nothing is measured against the wrong ones."""

    def gate(task):
        model = AugmentedClassifier(task.estimator, task.augmenter, scoring=task.scoring, random_state=0, n_jobs=2)
        model.fit(task.X, task.y)
        return Trained(model, model.n_added_, model.gate_)

    arms = {"none": "none", "gan gate": gate}
    result = study(clinic, arms=arms, cv=Draws({"ill": 12, "well": 12}, n_draws=2, test_rows=100)).run()
    assert all(split.learners[0].quality.empty for split in result.splits)
    assert [split.gated_arm for split in result.splits] == ["gan gate"] * 2


def test_folds_that_differ_by_a_row_are_no_proof(clinic):
    """59 rows make folds of 20 and 19; a row lost in each of three is no evidence, and no power is claimed of it."""
    asked = {"estimator": PATIENT, "arms": ["none", "smote"], "cv": Folds(3, 1), "scoring": "accuracy", "metrics": []}
    splits = study(clinic, **asked).run().splits
    scores = [(0.80, 0.75), (0.80, 0.75), (16 / 19, 15 / 19)]
    changed = [
        replace(one, scores={"none": {"accuracy": a}, "smote": {"accuracy": b}}, n_train=39, n_test=20)
        for one, (a, b) in zip(splits, scores, strict=True)
    ]
    lost = Comparison("lost", "folds", "accuracy", "none", tuple(changed), {}, ("ill", "well"))
    found = lost.verdict("smote", "none")
    assert found.word == "no evidence"


def test_equal_scores_of_other_rows_are_no_sign_of_the_same(clinic):
    """Arms of equal scores and as many added rows are tied, not the same, where their answers differ."""
    asked = {"estimator": PATIENT, "arms": ["none", "smote", "gan"], "cv": Folds(2, 1), "metrics": []}
    result = study(clinic, **asked).run()
    scores = [replace(split, scores=dict.fromkeys(split.scores, split.scores["gan"])) for split in result.splits]
    equal = [replace(split, n_added=dict.fromkeys(split.scores, 14)) for split in scores]
    found = replace(result, splits=tuple(equal)).verdict("gan", "smote")
    assert not found.same


def test_a_score_without_end_is_said_in_its_own_unit(clinic):
    """A profit of hundreds is no percentage and has no points, in the table, the sentences and the report."""

    def profit(classifier, X, y):
        return 250.0 * float((classifier.predict(X) == y).sum()) - 90.0 * len(y)

    result = study(clinic, estimator=PATIENT, scoring=profit, metrics=[], cv=Folds(2, 1)).run()
    assert "points" not in " ".join(spoken_verdict(result))
    assert f"{result.summary().loc['none', 'score']:.3f}" in report_html(result, include_real_rows=False)


def test_nothing_is_promised_beyond_what_there_is(clinic):
    """A study that could have seen 140 points of balanced accuracy has seen that there are too few rows."""
    verdict = Verdict("smote", "none", "no evidence", 0.1, -1.0, 1.2, 0.5, 1.4, metric="balanced_accuracy")
    assert str(verdict).endswith("; this study has too few rows or splits to see any gain that there can be.")


@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_labels_in_a_column_are_labels(clinic):
    """Labels of shape (n, 1) are read as those of shape (n,)."""
    X, y = clinic
    asked = {"estimator": PATIENT, "arms": ["none", "smote"], "cv": Folds(2, 1)}
    told = [study((X, labels), **asked).run().summary() for labels in (y, y[:, None])]
    pd.testing.assert_frame_equal(*told)


def test_a_seed_decides_a_classifier_without_one(clinic):
    """A forest that would seed itself is seeded by the study, alike for every arm of a split."""
    asked = {"estimator": RandomForestClassifier(5), "arms": {"none": "none", "again": lambda t: ARMS["none"](t)}}
    first, second = (study(clinic, **asked, cv=Folds(2, 1), random_state=0).run() for _ in range(2))
    pd.testing.assert_frame_equal(first.summary(), second.summary())
    assert first.verdict("again", "none").same
