"""The tables' benchmark: its made sets, its figures against closed forms, what it keeps and how it tests."""

import importlib
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone

from synthaug import CGAN, SyntheticAugmenter
from synthaug.experiment.results import SplitResult

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = (
    "tables_made",
    "tables_sets",
    "tables_peers",
    "tables_figures",
    "tables_run",
    "tables_targets",
    "tables_utility",
    "tables_cost",
)

SDMETRICS = """
import json, pandas
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
from sdmetrics.single_column import KSComplement, TVComplement

real, drawn = pandas.read_parquet("real.parquet"), pandas.read_parquet("drawn.parquet")
asked = [
    (KSComplement, "pressure", {}),
    (TVComplement, "ward", {}),
    (CorrelationSimilarity, ["age", "pressure"], {}),
    (ContingencySimilarity, ["smoker", "ward"], {}),
    (ContingencySimilarity, ["pressure", "ward"], {"continuous_column_names": ["pressure"]}),
]
print(json.dumps([m.compute(real_data=real[c], synthetic_data=drawn[c], **more) for m, c, more in asked]))
"""


@pytest.fixture(scope="module")
def bench():
    """The benchmark's modules, imported as a script in their folder does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})


@pytest.fixture
def plan(bench, tmp_path):
    return bench.tables_run.Plan(tmp_path, "report", 3, tmp_path / "no environment")


@pytest.fixture
def mixed():
    """Rows of two numbers, one with holes, an integer and a category, and labels."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60), "n": rng.integers(0, 9, 60)})
    frame["word"] = pd.Categorical(np.where(frame["a"] > 0, "up", "down"))
    return frame.assign(b=frame["b"].mask(frame["n"] > 6)), np.repeat([0, 1], [40, 20])


@pytest.mark.parametrize("name", ["clinic", "switch"])
def test_made_labels_have_the_odds_that_are_known(bench, name):
    """Among rows whose known odds are alike, class 1 is as frequent as the odds say; no row breaks a rule."""
    X, y = bench.tables_made.make_table(name, 20_000, seed=3)
    structure = bench.tables_made.STRUCTURES[name]
    odds = structure.odds(X)
    for part in np.array_split(np.argsort(odds), 5):
        assert abs(y[part].mean() - odds[part].mean()) < 4 * np.sqrt(0.25 / len(part))
    assert not structure.broken(X).any()


def test_a_broken_rule_and_shuffled_labels_are_seen(bench):
    """Rows with nights of those not admitted break the rule; labels of other rows are less true."""
    X, y = bench.tables_made.make_table("clinic", 2000, seed=0)
    broken = bench.tables_made.STRUCTURES["clinic"].broken(X.assign(nights=X["nights"] + 1))
    np.testing.assert_array_equal(broken, (X["admitted"] == "no").to_numpy())
    assert bench.tables_figures.judge_structure((X, y[::-1]), (X, y), "clinic")["truth"] < 0.95


@pytest.mark.parametrize("name", ["wine", "breast_cancer", "clinic", "switch"])
def test_splits_are_apart_and_small_sets_are_whole(bench, name):
    """No test row is learned from; draws share their test rows; sets that nothing is tuned on keep all rows."""
    rows = bench.tables_sets.table_rows(name, "report", n_splits=4)
    assert all(not set(split.train) & set(split.test) for split in rows.splits)
    assert len(rows.splits) == 4
    shared = all(np.array_equal(split.test, rows.splits[0].test) for split in rows.splits)
    assert shared == (name in ("clinic", "switch"))
    assert not rows.X.duplicated().any()


@pytest.mark.parametrize("name", ["pima", "german", "mammography"])
def test_halves_are_those_of_the_other_benchmarks(bench, name):
    """What is tuned on here was tuned on there, and no row of it is reported."""
    task = bench.tables_sets.TASKS[name]
    if not bench.tables_sets.available(name):
        pytest.skip("the set's file is not there; SYNTHAUG_DATA names its folder")
    tasks = importlib.import_module("tasks")
    for half in ("dev", "report"):
        rows = bench.tables_sets.table_rows(name, half, n_splits=2)
        there = tasks.rows_of_half(task.file, half, distinct=True)[0]
        coded = bench.tables_sets.coded(rows.X)
        assert {row.tobytes() for row in coded} == {row.tobytes() for row in there}


def test_pimas_impossible_zeros_are_missing(bench):
    """Nobody has a blood pressure of zero: such values are missing, and zero pregnancies are not."""
    if not bench.tables_sets.available("pima"):
        pytest.skip("the set's file is not there; SYNTHAUG_DATA names its folder")
    X = bench.tables_sets.table_rows("pima", "report", n_splits=2).X
    assert X["bp"].isna().any()
    assert (X["bp"].dropna() > 0).all()
    assert (X["pregnancies"] == 0).any()


def test_missing_values_go_and_come_back(bench, mixed):
    """What peers that take no missing values are given leads back to the same rows, types and holes."""
    X, _ = mixed
    X.loc[3, "word"] = np.nan
    filled = bench.tables_peers.without_missing(X)
    assert not filled.isna().any().any()
    pd.testing.assert_frame_equal(bench.tables_peers.with_missing(filled, X), X)


def test_smote_gives_the_training_rows_counts_and_types(bench, mixed):
    """SMOTE's rows are as many of each class as there are, with the columns and types of the rows."""
    drawn = bench.tables_peers.smote(bench.tables_peers.Rows(*mixed, seed=0))
    assert np.bincount(drawn.y).tolist() == [40, 20]
    assert drawn.X.dtypes.equals(mixed[0].dtypes)
    assert drawn.X["b"].isna().any()


def test_shapes_are_the_known_distances(bench):
    """Of a shifted uniform number, and of a category that lost a value, distances are known in closed form."""
    grid = np.arange(1000) / 1000
    real = pd.DataFrame({"u": grid, "c": pd.Categorical(["x", "y"] * 500)})
    drawn = pd.DataFrame({"u": grid + 0.3, "c": pd.Categorical(["x", "x"] * 500, ["x", "y"])})
    assert bench.tables_figures.column_shapes(real[["u"]], drawn[["u"]]) == pytest.approx(0.7, abs=2e-3)
    assert bench.tables_figures.column_shapes(real[["c"]], drawn[["c"]]) == pytest.approx(0.5)
    assert bench.tables_figures.column_shapes(real, real) == 1


def test_lost_holes_count(bench, mixed):
    """Rows without the missing values that real ones have are less alike by the share that is missing."""
    X = mixed[0][["b"]]
    lost = X.fillna({"b": 0.0})
    alike = 1 - stats.ks_2samp(X["b"].dropna(), lost["b"]).statistic
    expected = (alike + 1 - X["b"].isna().mean()) / 2
    assert bench.tables_figures.column_shapes(X, lost) == pytest.approx(expected)


def test_pairs_see_a_reversed_dependence(bench):
    """Numbers of correlation 1 against -1 score 0; a category that swaps beside a number scores 0."""
    line = np.linspace(0, 1, 100)
    numbers = pd.DataFrame({"a": line, "b": line})
    assert bench.tables_figures.pair_trends(numbers, numbers.assign(b=-line)) == pytest.approx(0, abs=1e-9)
    words = pd.DataFrame({"a": line, "c": pd.Categorical(np.where(line > 0.5, "up", "down"), ["down", "up"])})
    swapped = words.assign(c=pd.Categorical(np.where(line > 0.5, "down", "up"), ["down", "up"]))
    assert bench.tables_figures.pair_trends(words, swapped) == pytest.approx(0, abs=1e-9)
    assert bench.tables_figures.pair_trends(words, words) == 1


@pytest.mark.slow
def test_shapes_and_pairs_are_those_of_sdmetrics(bench, tmp_path):
    """Distances of columns and of pairs, of two numbers, two categories and one of each, agree with sdmetrics'."""
    python = FOLDER.parent / "runs" / "ctgan_env" / "bin" / "python"
    if not python.exists():
        pytest.skip("sdmetrics is in the environment that benchmarks/tables.py makes for ctgan, which is not there")
    real, drawn = (bench.tables_made.make_table("clinic", n, seed=n)[0] for n in (500, 400))
    drawn["pressure"] += 8
    for name, frame in (("real", real), ("drawn", drawn)):
        words = dict.fromkeys(frame.select_dtypes("category"), str)
        frame.astype(words).to_parquet(tmp_path / f"{name}.parquet")
    done = subprocess.run([python, "-W", "ignore", "-c", SDMETRICS], cwd=tmp_path, check=True, capture_output=True)
    figures = bench.tables_figures
    ours = [figures.column_shapes(real[[name]], drawn[[name]]) for name in ("pressure", "ward")]
    pairs = (["age", "pressure"], ["smoker", "ward"], ["pressure", "ward"])
    ours += [figures.pair_trends(real[pair], drawn[pair]) for pair in pairs]
    assert json.loads(done.stdout) == pytest.approx(ours)


def test_detection_knows_a_shift_and_not_a_half(bench):
    """A forest tells rows moved far apart, and does not tell two halves of the same rows."""
    X, _ = bench.tables_made.make_table("switch", 400, seed=0)
    halves = X.iloc[:200].reset_index(drop=True), X.iloc[200:].reset_index(drop=True)
    assert bench.tables_figures.detection_auc(halves[0], halves[1].assign(x3=9.0), seed=0) > 0.99
    assert 0.35 < bench.tables_figures.detection_auc(*halves, seed=0) < 0.65


def test_copies_are_found_and_fresh_rows_are_not(bench):
    """The training rows themselves are copies; other rows of the table are, at the calibrated rate, not."""
    X, _ = bench.tables_made.make_table("clinic", 900, seed=0)
    parts = [X.iloc[start : start + 300].reset_index(drop=True) for start in (0, 300, 600)]
    assert bench.tables_figures.copies(parts[0], parts[0], parts[2]) == 1
    assert bench.tables_figures.copies(parts[0], parts[1], parts[2]) < 0.12


def test_a_cell_is_measured_once(bench, plan):
    """What was measured is read again from disk; a peer's matched time waits for what it is matched with."""
    cell = bench.tables_run.run_cell(plan, "wine", "smote", 0)
    assert {"f1", "shapes", "pairs", "detection", "copies", "n_train"} <= set(cell)
    plan.store("wine").put("smote 0", {"said": "kept"})
    assert bench.tables_run.run_cell(plan, "wine", "smote", 0) == {"said": "kept"}
    with pytest.raises(bench.tables_run.NotYet, match="needs auto and ctgan"):
        bench.tables_run.run_cell(plan, "wine", bench.tables_run.CTGAN_MATCHED, 0)


def test_matched_epochs_take_our_time(bench, plan):
    """One epoch costs what it costs; the others share the rest of the default's time evenly."""
    store = plan.store("wine")
    store.put("ctgan 2", {"seconds": 32.9, "one_epoch_seconds": 3.0})
    epochs = bench.tables_run.EPOCHS[bench.tables_run.CTGAN_MATCHED]
    for ours, expected in ((3.0, 1), (0.1, 1), (13.0, 101), (32.9, 300)):
        store.put("auto 2", {"seconds": ours})
        asked = bench.tables_peers.Rows(pd.DataFrame(), np.empty(0), seed=2)
        assert epochs(plan, "wine", asked) == pytest.approx(expected, abs=1)


def test_differences_are_paired_over_common_splits(bench, plan):
    """Folds get the corrected test of the estimators' mean difference, on the splits that both sides have."""
    rng = np.random.default_rng(0)
    for source, n_splits in (("auto", 3), ("smote", 2)):
        for index in range(n_splits):
            f1 = {name: [float(rng.random())] for name in ("logistic", "forest")}
            cell = {"f1": f1, "n_train": 80, "n_test": 20, "shapes": 0.9}
            plan.store("wine").put(f"{source} {index}", cell)
    cells = bench.tables_targets.found_of(plan, ["wine"])["wine"]
    test = bench.tables_targets.f1_less("wine", cells, "auto", "smote")
    means = [[np.mean([f[0] for f in cells[name][index]["f1"].values()]) for index in (0, 1)] for name in cells]
    difference = np.subtract(*means)
    assert test.difference == pytest.approx(difference.mean())
    assert test.standard_error == pytest.approx(np.sqrt((1 / 2 + 20 / 80) * difference.var(ddof=1)))
    table = bench.tables_targets.quality_table({"wine": cells})
    assert table.count("\n| wine |") == 2
    assert "not measured" in bench.tables_targets.targets({"wine": cells})


def utility_splits(scores):
    """Return finished splits with these scores by arm."""
    n_splits = len(next(iter(scores.values())))
    return [
        SplitResult(
            index,
            index,
            0,
            n_train=80,
            n_test=20,
            scores={arm: {"balanced_accuracy": values[index]} for arm, values in scores.items()},
            blocks={},
            skipped={},
            n_added={arm: 5 * (arm == "gated, weights") for arm in scores},
            seconds={},
        )
        for index in range(n_splits)
    ]


def test_the_best_plain_way_is_chosen_on_the_other_half_of_the_splits(bench):
    """A way that was lucky on some splits is not compared with on those."""
    scores = {"none": [0.5, 0.5, 0.5, 0.5], "smote": [0.9, 0.4, 0.9, 0.4], "gated": [0.6, 0.6, 0.6, 0.6]}
    gains = bench.tables_utility.gain_of(("wine", "logistic", "balanced_accuracy"), utility_splits(scores))
    expected = {0: 0.6 - 0.5, 1: 0.6 - 0.4, 2: 0.6 - 0.5, 3: 0.6 - 0.4}
    assert {index: float(gain[0]) for index, gain in gains.items()} == pytest.approx(expected)


def test_the_plain_gate_alone_is_judged(bench):
    """Gates around class weights and thresholds are columns that say so; neither the gain nor the rows are theirs."""
    scores = {"none": [0.5, 0.52, 0.5, 0.51], "gated": [0.6, 0.61, 0.6, 0.6]}
    scores |= {"gated, weights": [0.9] * 4, "gated, threshold": [0.8] * 4}
    case = ("wine", "logistic", "balanced_accuracy")
    splits = utility_splits(scores)
    gain = np.mean(np.subtract(scores["gated"], scores["none"]))
    assert np.mean(list(bench.tables_utility.gain_of(case, splits).values())) == pytest.approx(gain)
    head, _, line, *_, pooled = bench.tables_utility.utility_table({case: splits}).splitlines()
    assert "| gated | gated, weights (not judged) | gated, threshold (not judged) | gated less best plain" in head
    assert "| 0.900 | 0.800 | 9.5 (" in line
    assert line.endswith("| 0 % |")
    assert pooled.startswith("* gated less best plain, balanced_accuracy, all sets (target: above -0.5 with 95 %): 9.5")


def test_estimators_and_scores_share_what_was_learned(bench, monkeypatch):
    """The same rows and parameters are learned once in a process; other rows are learned anew."""
    X, y = bench.tables_made.make_table("switch", 60, seed=0)
    fits = []
    plain_fit = SyntheticAugmenter.fit
    monkeypatch.setattr(SyntheticAugmenter, "fit", lambda self, *a, **k: fits.append(1) or plain_fit(self, *a, **k))
    monkeypatch.setattr(bench.tables_utility, "_LEARNED", {})
    shared = bench.tables_utility.SharedAugmenter(CGAN(n_steps=2, width=8), selection="none", random_state=0)
    drawn = [clone(shared).fit(X, y).sample(3, random_state=1)[0] for _ in range(2)]
    assert len(fits) == 1
    pd.testing.assert_frame_equal(*drawn)
    clone(shared).fit(X.iloc[::-1].reset_index(drop=True), y)
    assert len(fits) == 2


def test_costs_of_a_made_table_are_measured(bench):
    """Learning and drawing a small table take time and memory above zero."""
    found = bench.tables_cost.measure(60, 4, n_drawn=200)
    assert set(found) == {"fit_seconds", "rows_a_second auto", "rows_a_second none", "peak_gib"}
    assert min(found.values()) > 0
