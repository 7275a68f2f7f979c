"""The medical study: which rows it uses, what it keeps, how its figures come about. On made images."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = ("tasks", "store", "kept", "medical_tasks", "medical_tables", "medical")


def made_set(n=240):
    """Return images (n, 1, 16, 16), uint8, in two classes that differ in a corner; every eighth comes twice."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    images = rng.integers(0, 180, (n, 1, 16, 16))
    images[labels == 0, :, :6, :6] += 40
    images[::8] = images[1::8] + 5
    labels[::8] = labels[1::8]
    return images.astype(np.uint8), labels


@pytest.fixture(scope="module")
def study():
    """The study's modules, imported as a script in their folder does, with made sets in the place of the real ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        found = SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
        for name in ("breastmnist", "brain_mri64"):
            patch.setitem(found.tasks.SETS, name, made_set)
        patch.setitem(
            found.medical_tasks.MEDICAL, "breast-10", found.medical_tasks.MedicalTask("breastmnist", 0, 2, 10)
        )
        patch.setitem(
            found.medical_tasks.MEDICAL, "breast-20", found.medical_tasks.MedicalTask("breastmnist", 0, 2, 20)
        )
        found.tasks._load.cache_clear()
        found.medical_tasks._common.cache_clear()
        yield found
        found.tasks._load.cache_clear()
        found.medical_tasks._common.cache_clear()


def test_draws_are_tested_on_the_report_half_alone(study):
    """All draws and sizes share their test rows, none of them of the dev half, none a near-duplicate of a training
    row; a larger draw holds the smaller one.
    """
    few, many = (study.medical_tasks.medical_rows(name, n_splits=3) for name in ("breast-10", "breast-20"))
    dev = {row.tobytes() for row in study.tasks.rows_of_half("breastmnist", "dev", distinct=True)[0][:, 0]}
    for small, large in zip(few.splits, many.splits, strict=True):
        np.testing.assert_array_equal(small.test, few.splits[0].test)
        np.testing.assert_array_equal(small.test, large.test)
        assert set(small.train) < set(large.train)
        assert np.bincount(few.y[small.train]).tolist() == [10, 10]
        assert not set(few.groups[large.train]) & set(few.groups[large.test])
        assert not {row.tobytes() for row in few.X[small.test]} & dev
    assert set(few.splits[0].train) != set(few.splits[1].train)


def test_what_is_found_is_the_second_class(study):
    """Label 0 of the ultrasound set, malignant, becomes 1."""
    rows = study.medical_tasks.medical_rows("breast-10", n_splits=2)
    corner = rows.X[:, :6, :6].mean(axis=(1, 2))
    assert corner[rows.y == 1].mean() > corner[rows.y == 0].mean() + 20


def test_folds_test_every_row_and_keep_near_duplicates_together(study):
    """Five folds hold each row once; no group is on both sides."""
    rows = study.medical_tasks.medical_rows("brain", n_splits=5)
    assert sorted(np.concatenate([split.test for split in rows.splits])) == list(range(len(rows.y)))
    assert len(np.unique(rows.groups)) < len(rows.y)
    for split in rows.splits:
        assert not set(rows.groups[split.train]) & set(rows.groups[split.test])


def test_draws_of_all_sizes_are_resampled_together(study):
    """A larger draw holds the smaller one of its number, so two sizes with the same answers say no more than one."""
    rng = np.random.default_rng(0)
    few, many = (study.medical_tasks.medical_rows(name, n_splits=8) for name in ("breast-10", "breast-20"))
    truth = few.y[few.splits[0].test]
    pieces = {
        index: {
            "none": {"answers": rng.random(len(truth))},
            "gated": {"answers": (truth + rng.normal(size=len(truth)) * luck > 0.5).astype(float)},
        }
        for index, luck in enumerate(rng.uniform(0.2, 2, 8))
    }
    parts = [
        study.medical_tables.Measured(name, "features", rows, pieces)
        for name, rows in (("breast-10", few), ("breast-20", many))
    ]
    single = study.medical_tables.difference(parts[0], "gated", "none", "AUROC")
    pooled = study.medical_tables.pooled_difference(parts, "gated", "none", "AUROC")
    assert single.low < single.value < single.high
    assert (pooled.value, pooled.low, pooled.high) == pytest.approx((single.value, single.low, single.high))


def test_sizes_are_pooled_over_the_draws_that_all_have(study):
    """A draw that one size lacks yet is left out of all."""
    pieces = {index: {"gated": {}, "none": {}} for index in range(3)}
    rows = study.medical_tasks.medical_rows("breast-10", n_splits=3)
    parts = [study.medical_tables.Measured("breast-10", "features", rows, some) for some in (pieces, {2: pieces[2]})]
    assert study.medical_tables.common_splits(parts, ["gated", "none"]) == [2]


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    """A study of two arms without a generator, run."""
    plan = study.medical.Plan(tmp_path_factory.mktemp("medical"), ("features",), ("none", "classic"), 2)
    tasks = ("breast-10", "breast-20", "brain")
    for task in tasks:
        rows = study.medical_tasks.medical_rows(task, n_splits=2)
        for index in range(2):
            study.medical.run_piece(plan, task, rows, index)
    return plan, tasks


@pytest.mark.slow
def test_what_is_there_is_not_trained_again(study, finished):
    """A second run of a piece finds everything on disk."""
    plan, _ = finished
    rows = study.medical_tasks.medical_rows("breast-10", n_splits=2)
    assert "nothing to do" in study.medical.run_piece(plan, "breast-10", rows, 0)


@pytest.mark.slow
def test_levels_are_the_mean_scores_of_the_answers(study, finished):
    """A level is the mean over draws of scikit-learn's score of the answers on disk, inside of its interval."""
    plan, tasks = finished
    found = study.medical.measured(plan, tasks, n_splits=2)[0]
    level = study.medical_tables.level(found, "none", "AUROC")
    y = found.rows.y[found.rows.splits[0].test]
    values = [roc_auc_score(y, found.pieces[index]["none"]["answers"]) for index in range(2)]
    assert level.value == pytest.approx(np.mean(values))
    assert level.low <= level.value <= level.high


@pytest.mark.slow
def test_the_tables_hold_every_task_and_the_pooled_difference(study, finished):
    """Every task has its line, the sizes a common one; the pooled difference is the mean of the sizes'."""
    plan, tasks = finished
    found = study.medical.measured(plan, tasks, n_splits=2)
    text = "\n".join(study.medical_tables.tables(found, arm="classic", other="none"))
    assert all(f"| {task} | features | 2 |" in text for task in tasks)
    assert "| all 2 sizes | features | 4 |" in text
    parts = [study.medical_tables.difference(part, "classic", "none", "AUROC").value for part in found[:2]]
    pooled = study.medical_tables.pooled_difference(found[:2], "classic", "none", "AUROC")
    assert pooled.value == pytest.approx(np.mean(parts))
    assert pooled.low <= pooled.value <= pooled.high
