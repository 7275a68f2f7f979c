"""A study: paired, reproducible, resumable, and honest about what it could not see."""

import json
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedGroupKFold

from synthaug import CGAN, Draws, Folds, Mix, SyntheticAugmenter, compare, near_duplicate_groups
from synthaug.augment.arms import ARMS, Trained, train_mix
from synthaug.errors import ConfigError, LeakWarning, ShapeError
from synthaug.experiment.compare import prepare
from synthaug.experiment.storage import SplitStore

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
    """Where scores and added rows agree on every split, the verdict says so instead of an interval of no width."""
    result = study(clinic, arms={"none": "none", "again": lambda task: ARMS["none"](task)}).run()
    assert result.verdict("again", "none").same
    assert str(result.verdict("again", "none")).startswith("again is the same as none on every split")
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


def test_metrics_that_cannot_be_are_refused_before_anything_runs(clinic):
    """Metrics that the labels or the classifier do not allow are named at once."""
    X, _ = clinic
    with pytest.raises(ConfigError, match=r"roc_auc is for two classes; .*roc_auc_ovr"):
        prepare(X, np.arange(200) % 3, scoring="roc_auc")
    with pytest.raises(ConfigError, match="neg_log_loss needs probabilities; RidgeClassifier gives none"):
        study(clinic, estimator=RidgeClassifier(), metrics=["neg_log_loss"])
    with pytest.raises(
        ConfigError, match=r"scoring f1 must be able to score these labels .*pos_label=1 is not a valid"
    ):
        study(clinic, metrics=["f1"])
    with pytest.raises(ConfigError, match=r"scoring roc_auc_ovo must be .*by RidgeClassifier; .*predict_proba"):
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
    assert prepare(X[order], y[order], groups=groups, cv=Folds(8, 1), metrics=["neg_log_loss", "f1_macro"])


def test_groups_choose_group_folds(clinic):
    """With groups no group stands on both sides of any split."""
    groups = np.arange(200) // 4
    for split in study(clinic, cv=Folds(4, 2), groups=groups).splits:
        assert not set(groups[split.train]) & set(groups[split.test])
    for split in study(clinic, groups=groups).splits:
        assert not set(groups[split.train]) & set(groups[split.test])


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
        ({"metrics": [BETA_2, make_scorer(fbeta_score, beta=1, pos_label="ill")]}, "two scorers called 'fbeta_score'"),
    ],
)
def test_impossible_studies_are_refused_before_they_start(clinic, changes, message):
    """What cannot be run is named at once, with the remedy."""
    with pytest.raises(ConfigError, match=message):
        study(clinic, **changes)


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
    result = compare(X, y, arms=["none", "smote", "gan"], augmenter=augmenter, cv=Given(), random_state=0)
    assert "SMOTE needs 2 rows" in result.skipped["smote"]
    assert result.splits[0].n_added["gan"] == 0
