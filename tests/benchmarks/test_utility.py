"""The utility study: which rows it uses, what it keeps, how its figures are pooled."""

import importlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from synthaug import CGAN, Draws, SyntheticAugmenter
from synthaug.augment.arms import ARMS
from synthaug.experiment.designs import compare_arms
from synthaug.statistics import PairedTest

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = (
    "kept",
    "tasks",
    "utility_archive",
    "utility_tasks",
    "utility_ways",
    "utility_run",
    "utility_tables",
    "utility_tune",
)


@pytest.fixture(scope="module")
def study():
    """The study's modules, imported as a script in their folder does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})


@pytest.fixture
def plan(study, tmp_path):
    return study.utility_run.Plan(
        tmp_path,
        "report",
        4,
        2,
        ("none", "class_weight", "classic", "gan"),
        ("none", "classic", "gan"),
        ("logistic",),
        2,
    )


def test_halves_share_no_row(study):
    """What is tuned on is not what is reported; a set that nothing is tuned on is whole in both."""
    dev, report = (study.utility_tasks.study_rows("digits-5", half, n_draws=2) for half in ("dev", "report"))
    rows = [{row.tobytes() for row in part.X} for part in (dev, report)]
    assert not rows[0] & rows[1]
    whole = [study.utility_tasks.study_rows("breast_cancer-20", half, n_draws=2) for half in ("dev", "report")]
    np.testing.assert_array_equal(whole[0].X, whole[1].X)
    assert len(whole[0].y) == 569


def test_draws_share_test_rows_and_differ_in_rare_classes(study):
    """Each draw has four rows in four classes, other ones by the draw, 60 elsewhere, and no test row among them."""
    rows = study.utility_tasks.study_rows("digits-rare", "report", n_draws=6)
    rare = set()
    for split in rows.splits:
        counts = np.bincount(rows.y[split.train], minlength=10)
        assert sorted(counts.tolist()) == [4] * 4 + [60] * 6
        assert not set(split.train) & set(split.test)
        np.testing.assert_array_equal(split.test, rows.splits[0].test)
        rare.add(tuple(np.flatnonzero(counts == 4)))
    assert len(rare) > 2


def test_folds_stop_where_draws_do(study):
    """A task whose labels are not held back gets as many folds as draws are asked for, 25 at the most."""
    make, task = study.utility_tasks._splits, study.utility_tasks.STUDY["pima"]
    y = np.arange(60) % 2
    assert [len(make(task, np.zeros((60, 1)), y, None, n)) for n in (3, 7, 40)] == [3, 7, 25]


def test_every_task_and_arm_is_known(study):
    """Finalists and usual ways are arms; every task has a design, and an amount of learning."""
    run, tables = study.utility_run, study.utility_tables
    assert {*run.FINALISTS["images"], *run.FINALISTS["table"], *tables.USUAL} <= set(ARMS)
    assert run.every_arm()[0] == "none"
    for name, task in study.utility_tasks.STUDY.items():
        assert task.data in study.tasks.SETS
        assert task.n_steps > 0
        assert study.utility_ways.estimators_of(task)
        assert study.utility_ways.chosen_for(name, "logistic").transform in (*task.transforms, "tuned", "shift")


def test_amounts_keep_classes_balanced(study):
    """Rows are added up to balance, or four times the largest class to every class; once where that is large."""
    assert study.utility_ways.amounts(np.repeat([0, 1], [60, 4])) == ("auto", 240)
    assert study.utility_ways.amounts(np.repeat([0, 1], [300, 4])) == ("auto", 300)


@pytest.mark.filterwarnings("ignore::synthaug.errors.ShortfallWarning")
@pytest.mark.parametrize("selection", ["none", pytest.param("agreement", marks=pytest.mark.slow)])
def test_kept_augmenter_learns_once(study, tmp_path, images, selection):
    """It gives what a plain augmenter gives; rows that were learned are not learned again, other rows are."""
    X, y = images[0], np.unique(images[1], return_inverse=True)[1]
    learner = {"generator": CGAN(n_steps=2, width=4), "selection": selection, "random_state": 3, "n_synthetic": 5}
    plain = SyntheticAugmenter(**learner)
    kept = study.kept.KeptAugmenter(**learner, checkpoint_dir=tmp_path)
    expected = plain.fit(X, y).sample(4, random_state=1)
    for _ in range(2):
        drawn = kept.fit(X, y).sample(4, random_state=1)
        np.testing.assert_array_equal(drawn[0], expected[0])
        np.testing.assert_array_equal(drawn[1], expected[1])
    assert kept.plan() == plain.plan()
    assert len(list(tmp_path.iterdir())) == 1
    kept.set_params(n_synthetic=7).fit(X, y)
    assert set(kept.plan().values()) == {7}
    assert len(list(tmp_path.iterdir())) == 1
    kept.set_params(random_state=4).fit(X, y)
    kept.set_params(generator__n_steps=1).fit(X, y)
    kept.fit(X[1:], y[1:])
    assert len(list(tmp_path.iterdir())) == 4


def made(study, rng, gain, n_draws=12):
    """Draws of one task in which ``gan`` scores ``gain`` above ``classic``, on the same blocks."""
    for index in range(n_draws):
        classic = 0.7 + rng.normal(0, 0.02) + rng.normal(0, 0.05, 20)
        blocks = {"classic": classic, "gan": classic + gain + rng.normal(0, 0.02, 20), "none": classic - 0.05}
        empty = {"skipped": {}, "n_added": {}, "seconds": {}}
        scores = {arm: {"balanced_accuracy": values.mean()} for arm, values in blocks.items()}
        yield study.utility_tables.SplitResult(index, index, 0, 50, 300, scores=scores, blocks=blocks, **empty)


def test_differences_are_the_packages_own_test(study):
    """A way is judged against the best without GAN rows by the paired test."""
    splits = list(made(study, np.random.default_rng(0), 0.03))
    table = study.utility_tables.differences({("digits-5", "logistic"): splits}).set_index("arm")
    test = compare_arms("draws", tuple(splits), "gan", "classic", scoring="balanced_accuracy")
    assert table.loc["gan", "reference"] == "classic"
    assert table.loc["gan", "difference"] == pytest.approx(test.difference)
    assert table.loc["gan", ["low", "high"]].tolist() == pytest.approx([test.low, test.high])
    assert table.loc["gan", "verdict"] == "helps"
    assert table.loc["none", "verdict"] == "hurts"
    assert "**helps**" in study.utility_tables.table_of_differences(table.reset_index())


def test_what_a_draw_is_compared_with_is_chosen_without_it(study):
    """Of equal ways the luckiest on a draw is not what that draw is judged by, so none looks worse than the others."""
    rng, tables = np.random.default_rng(0), study.utility_tables
    gaps = []
    for _ in range(60):
        splits = [
            replace(split, scores={str(k): {"balanced_accuracy": value} for k, value in enumerate(rng.normal(size=8))})
            for split in made(study, rng, 0.0, n_draws=4)
        ]
        judged = tables.with_reference(splits, [str(k) for k in range(8)])
        gaps += [
            split.scores["0"]["balanced_accuracy"] - split.scores[tables.REFERENCE]["balanced_accuracy"]
            for split in judged
        ]
        for split, one in zip(splits, judged, strict=True):
            others = [other for other in splits if other.index != split.index]
            assert one.explanation == tables.best_of(others, [str(k) for k in range(8)])
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / np.sqrt(len(gaps))


def test_experience_is_the_share_of_the_errors_left(study):
    """A way that halves the errors of the habit gained half of them, on each task."""
    rng = np.random.default_rng(0)
    found = {}
    for task in ("digits-5", "mnist-20"):
        splits = list(made(study, rng, 0.0))
        halved = [
            {**split.scores, "gan": {"balanced_accuracy": (1 + split.scores["classic"]["balanced_accuracy"]) / 2}}
            for split in splits
        ]
        found[task, "svm"] = [replace(split, scores=scores) for split, scores in zip(splits, halved, strict=True)]
    table = study.utility_tables.experience_table(found)
    assert "| images | gan | classic | all | 50 % | 0 % | digits-5 50 %, mnist-20 50 % |" in table


def test_experience_tells_trees_from_others_and_rare_classes_from_even_ones(study):
    """What is added to transformed rows has a line for each, and no line mixes them."""
    gains = {("digits-5", "svm"): 0.0, ("mnist-20", "logistic"): 0.0, ("digits-rare", "forest"): 0.5}
    gains[("mnist-rare", "boosting")] = 0.5
    found = {}
    for pair, gain in gains.items():
        splits = list(made(study, np.random.default_rng(0), 0.0))
        found[pair] = [
            replace(split, scores={**split.scores, "classic+gan": {"balanced_accuracy": better}})
            for split in splits
            for usual in [split.scores["classic"]["balanced_accuracy"]]
            for better in [usual + gain * (1 - usual)]
        ]
    table = study.utility_tables.experience_table(found)
    assert "| classic+gan | classic | trees, a rare class | 50 % | 0 % | digits-rare 50 %, mnist-rare 50 % |" in table
    assert "| classic+gan | classic | others, none rare | 0 % | 0 % | digits-5 0 %, mnist-20 0 % |" in table


def test_one_task_pools_to_its_own_interval_and_equal_ones_to_less(study):
    """The pooled mean of independent tests has their standard errors in quadrature, and of one test is that test."""
    test = PairedTest(0.02, 0.01, 12.0, 0.0, 0.04, 0.07)
    one, four = study.utility_tables.pool([test]), study.utility_tables.pool([test] * 4)
    assert (one.difference, one.standard_error, one.df) == pytest.approx((0.02, 0.01, 12))
    assert (four.difference, four.standard_error, four.df) == pytest.approx((0.02, 0.005, 48))
    assert one.bound == pytest.approx(stats.t(12, 0.02, 0.01).ppf(0.05))


def test_targets_say_what_was_planted(study):
    """A gain of three points on two tasks and two estimators stands in the line of its kind of task."""
    rng = np.random.default_rng(1)
    found = {
        (task, estimator): list(made(study, rng, 0.03))
        for task in ("digits-5", "mnist-20")
        for estimator in ("logistic", "svm")
    }
    lines = study.utility_tables.targets(found, "gan").splitlines()
    assert float(lines[0].split("): ")[1].split()[0]) == pytest.approx(3, abs=0.5)
    assert "over 2 tasks" in lines[0]
    assert "not measured" in lines[1]
    assert "no GAN arm gained" in lines[4]
    assert "| gan | 1.0 | 3 | 4 |" in study.utility_tables.ranks(found)
    line = study.utility_tables.task_table(found).splitlines()[-1].split(" | ")
    assert line[:4] == ["| mnist-20", "12 (0)", "", ""]
    assert float(line[5].split()[0]) == pytest.approx(3, abs=1)


def test_one_way_for_all_is_judged_on_the_gates_own_draws(study):
    """A way that loses five points wherever it is taken says so, and how far the gate is ahead of it."""
    rng, tables = np.random.default_rng(1), study.utility_tables
    found = {}
    for task in ("digits-5", "mnist-20"):
        splits = list(made(study, rng, 0.0))
        gated = [
            replace(
                split,
                scores={**split.scores, "gated": split.scores["classic"]},
                blocks={**split.blocks, "gated": split.blocks["classic"]},
            )
            for split in splits[:8]
        ]
        found[task, "svm"] = [*gated, *splits[8:]]
    lines = [line.strip("| ").split(" | ") for line in tables.everywhere_table(found).splitlines()]
    told = {way: cells for rows, way, *cells in lines[2:] if rows == "images"}
    assert [cell.split(" (")[0] for cell in told["none"]] == ["-5.0", "2 of 2 tasks", "5.0"]
    assert [cell.split(" (")[0] for cell in told["classic"]] == ["0.0", "0 of 2 tasks", "0.0"]
    assert told["gated"][1] == "0 of 2 tasks"
    assert tables.everywhere_table({pair: splits[8:] for pair, splits in found.items()}) == "Not measured yet."


def test_an_estimator_of_few_draws_does_not_narrow_a_tasks_line(study):
    """The mean of a task is of the estimators that ran on the most draws, and on all of these."""
    rng = np.random.default_rng(1)
    found = {("digits-5", name): list(made(study, rng, 0.03)) for name in ("logistic", "svm")}
    alone = study.utility_tables.task_table(found)
    assert study.utility_tables.task_table(found | {("digits-5", "forest"): list(made(study, rng, 0.2))[:3]}) == alone


def test_a_piece_is_measured_once_and_later_arms_are_added(study, plan):
    """What is on disk is not measured again; an arm that joins later is put beside the others of its draw."""
    run = study.utility_run
    first = replace(plan, screened=("none", "classic"))
    assert "logistic 2" in run.run_piece(first, "digits-5", 0)
    assert "nothing to do" in run.run_piece(first, "digits-5", 0)
    before = run.results(first, "digits-5", "logistic")[0]
    assert "logistic 1" in run.run_piece(replace(first, screened=("none", "classic", "class_weight")), "digits-5", 0)
    after = run.results(first, "digits-5", "logistic")[0]
    assert set(after.scores) == {"none", "classic", "class_weight"}
    np.testing.assert_array_equal(after.blocks["classic"], before.blocks["classic"])
    assert isinstance(run.study_of(first, "digits-5", "logistic").design, Draws)


def test_a_task_without_more_labels_says_so(study, plan):
    """Where the half holds too few labels for a learning curve the line says why, and the other tasks go on."""
    small = replace(plan, n_draws=2, screened=("none", "class_weight"))
    for index in range(2):
        study.utility_run.run_piece(small, "digits-rare", index)
    line = importlib.import_module("utility")._curve(small, "digits-rare", "logistic")
    assert line.startswith("digits-rare logistic: no learning curve: label_equivalence needs labels held back")


def test_the_gate_keeps_what_it_keeps(study):
    """Where the gate gains two thirds of what a GAN arm does, that share is told, however the cases are picked."""
    rng, found = np.random.default_rng(0), {}
    for estimator in ("logistic", "svm", "forest"):
        splits = list(made(study, rng, 0.06))
        found["digits-5", estimator] = [_gated(split, 2 / 3) for split in splits]
    told = study.utility_tables.targets(found, "gan").splitlines()[4]
    for part in told.split("half): ")[1].split(";"):
        kept, gain = part.split(", ")[1].split(" points")[0].split(" of ")
        assert float(kept) == pytest.approx(float(gain) * 2 / 3, abs=0.2)
        assert part.endswith("in 6 cases")


def _gated(split, share):
    """Return a split with a gate that keeps so great a share of what the GAN gains over classic."""
    blocks = split.blocks["classic"] + share * (split.blocks["gan"] - split.blocks["classic"])
    scores = {**split.scores, "gated": {"balanced_accuracy": blocks.mean()}}
    return replace(split, scores=scores, blocks={**split.blocks, "gated": blocks})


def test_the_archive_brings_every_draw_back(study, plan, tmp_path):
    """What was packed makes the same tables in a folder that has measured nothing, and what is there stays."""
    archive, path = study.utility_archive, tmp_path / "results.gz"
    small = replace(plan, n_draws=2, n_screened=2, screened=("none", "class_weight", "classic"))
    for index in range(2):
        study.utility_run.run_piece(small, "digits-5", index)
    assert archive.pack(small, ["digits-5"], path) == 2
    assert archive.pack(small, ["digits-5"], path) == 2
    elsewhere = replace(small, folder=tmp_path / "elsewhere")
    assert archive.unpack(elsewhere, path) == 2
    assert archive.unpack(elsewhere, path) == 0
    measured, again = (
        study.utility_tables.differences(study.utility_tables.found_of(each, ["digits-5"])).set_index("arm")
        for each in (small, elsewhere)
    )
    numbers = ["difference", "low", "high"]
    np.testing.assert_allclose(measured[numbers], again[numbers], atol=1e-4)  # a hundredth of a point
    assert "nothing to do" in study.utility_run.run_piece(elsewhere, "digits-5", 0)
    archive.forget(elsewhere, ["digits-5"], ["classic"])
    assert "logistic 1" in study.utility_run.run_piece(elsewhere, "digits-5", 0)


@pytest.mark.slow
def test_two_draws_give_all_tables(study, plan):
    """From rows to tables: learners of two steps, four arms, then the finalists on the other draws."""
    for index in range(4):
        study.utility_run.run_piece(plan, "digits-5", index)
    utility = importlib.import_module("utility")
    found = utility.tables(plan, ["digits-5"], "gan")
    assert "| digits-5 | logistic | " in found["Differences from the best way without a GAN row"]
    assert "gan less tuned classic" in found["Targets"]
    assert (plan.folder / "report" / "differences.csv").exists()
    assert len(list((plan.folder / "kept").iterdir())) == 4


@pytest.mark.slow
def test_the_page_is_what_the_kept_draws_give(study, plan):
    """Nobody has written into it by hand, and no draw was kept that it does not show."""
    utility = importlib.import_module("utility")
    whole = replace(plan, n_draws=25, screened=tuple(study.utility_run.every_arm()), finalists=None)
    whole = replace(whole, estimators=tuple(study.utility_ways.ESTIMATORS))
    study.utility_archive.unpack(whole)
    assert utility.page(whole, list(study.utility_tasks.STUDY), "classic+gan") == utility.PAGE.read_text()


def test_the_summary_shows_the_pages_figures():
    """The targets and the tasks' table of the benchmarks' readme are the page's."""
    summary, page = (FOLDER.joinpath(name).read_text() for name in ("README.md", "utility.md"))
    parts = dict(part.split("\n\n", 1) for part in page.split("\n## ")[1:])
    for title in ("Targets", "By task"):
        assert parts[title].strip() in summary


@pytest.mark.slow
def test_settings_are_those_that_score_best_on_the_dev_half(study, plan):
    """The choice is the best of the grid, found again by scoring every setting by itself."""
    small = replace(plan, n_draws=2)
    chosen = study.utility_tune.tune(small, "digits-5", "logistic")
    rows = study.utility_tasks.study_rows("digits-5", "dev", n_draws=2)
    scores = {
        params["C"]: study.utility_tune._score(
            small, "digits-5", "logistic", rows, study.utility_ways.Chosen(params, "shift", "auto"), "none"
        )
        for params in study.utility_ways.ESTIMATORS["logistic"].choices()
    }
    assert scores[chosen.params["C"]] == max(scores.values())
