"""The command line: every command answers, with codes and JSON that machines can rely on."""

import contextlib
import html
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthaug import __version__
from synthaug.cli import main
from synthaug.cli.listing import CHOICES
from synthaug.cli.options import read_counts, read_shape
from synthaug.cli.terminal import as_json, clock
from synthaug.data.readers import read_rows_file, write_rows_file
from synthaug.errors import ConfigError

COMMANDS = ("run", "fit", "sample", "augment", "compare", "report", "sync", "list")
PIPELINE = """\
name: toy
data: {path: rows.npz}
design: {kind: draws, n_draws: 2, rows_per_class: 8, test_rows: 20}
estimator: {name: GaussianNB}
generator: {name: cgan, params: {n_steps: 3, width: 8, batch_size: 8}}
arms: [none, smote, gan]
tracking: {enabled: false}
output: runs/toy
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def rows() -> Path:
    rng = np.random.default_rng(0)
    labels = np.repeat(["benign", "malignant"], 24)
    return write_rows_file("rows.npz", rng.normal(size=(48, 3)) + (labels == "benign")[:, None], labels)


@pytest.fixture
def table(rows: Path) -> Path:
    X, y = read_rows_file(rows)
    return write_rows_file("rows.csv", X[10:], y[10:], label="finding")


@pytest.fixture
def pipeline(rows: Path) -> Path:
    path = Path("toy.yaml")
    path.write_text(PIPELINE)
    return path


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict:
    """Run a command with ``--json`` and return the one object that standard output holds."""
    assert main([*words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_of_the_command(command: str, capsys: pytest.CaptureFixture[str]):
    """``--help`` ends with a line that can be copied."""
    assert main([command, "--help"]) == 0
    assert f"Example: synthaug {command} " in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_help_names_every_command(words: list[str], capsys: pytest.CaptureFixture[str]):
    """The first thing a person sees is what there is to do."""
    main(words)
    said = "".join(capsys.readouterr())
    assert all(f" {command} " in said for command in COMMANDS)


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]):
    """``--version`` says which synthaug this is."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"synthaug {__version__}"


def test_help_imports_nothing_heavy():
    """Help is there at once: neither torch nor scikit-learn nor matplotlib is imported for it."""
    code = "import sys; from synthaug.cli import main; main(['run', '--help']); main(['list', 'estimators'])"
    heavy = "; print([name for name in ('torch', 'sklearn', 'matplotlib', 'mlflow', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + heavy], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


WRONG_USES = [
    ["fly"],
    ["run"],
    ["run", "a.yaml", "--fly"],
    ["list", "arm"],
    ["compare", "wine", "--folds", "3", "--draws", "3"],
    ["compare", "wine", "--repeats", "3", "--draws", "3"],
    ["compare", "wine", "--rows-per-class", "5"],
    ["fit", "wine", "--out", "m", "--steps", "x"],
]


@pytest.mark.parametrize("words", WRONG_USES, ids=" ".join)
def test_wrong_use_is_code_2(words: list[str], capsys: pytest.CaptureFixture[str]):
    """Unknown commands, options and values are usage errors, told on standard error."""
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Error" in said.err


def test_fit_writes_how_it_learned(rows: Path, capsys: pytest.CaptureFixture[str]):
    """``--page`` leaves an HTML page where it was asked for, and says so."""
    words = ("fit", str(rows), "--out", "model", "--steps", "3", "--page", "pages/training.html")
    assert answer(capsys, *words)["page"] == "pages/training.html"
    assert "How to read this" in Path("pages/training.html").read_text(encoding="utf-8")
    assert main(list(words)) == 0
    assert "how it learned: pages/training.html" in capsys.readouterr().out


def test_the_next_command_can_be_typed_as_it_stands(capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch):
    """What ``fit`` says to type next runs as it stands, for labels and folders of several words too."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=30), "b": rng.normal(size=30), "y": ["very ill"] * 15 + ["it's"] * 15})
    frame.to_csv("rows.csv", index=False)
    assert main(["fit", "rows.csv", "--label", "y", "--out", "my model"]) == 0
    said = re.search(r"draw rows with: synthaug (.*)", capsys.readouterr().out.replace("\n", " "))
    assert main(shlex.split(said[1])) == 0
    assert len(pd.read_csv("synthetic.csv")) == 100


def test_auto_is_the_same_learner_as_in_python(rows: Path, capsys: pytest.CaptureFixture[str]):
    """``--generator auto`` learns with what the augmenter would choose: another learner for images than for tables."""
    write_rows_file("images.npz", np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2)
    words = ("--out", "model", "--generator", "auto", "--steps", "3")
    assert answer(capsys, "fit", str(rows), *words)["learner"] == "Copula"
    assert answer(capsys, "fit", "images.npz", *words)["learner"] == "LatentGAN"


@pytest.mark.parametrize("what", CHOICES)
def test_list_describes_every_choice(what: str, capsys: pytest.CaptureFixture[str]):
    """Every name is listed with what it means."""
    entries = answer(capsys, "list", what)[what]
    assert entries
    assert all(entries.values())
    assert main(["list", what]) == 0
    assert all(name in capsys.readouterr().out for name in [next(iter(entries))])


def test_list_without_a_word_shows_everything(capsys: pytest.CaptureFixture[str]):
    """All kinds of choices are there."""
    assert set(answer(capsys, "list")) == set(CHOICES)


def test_run_shows_table_verdict_and_report(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """A person sees the arms, what was found in words, and where the report is; the estimate comes first."""
    assert main(["run", str(pipeline)]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("about ")
    assert "draw 2: 2 of 2 done" in said.err or "draw 1: 2 of 2 done" in said.err
    for part in ("balanced accuracy", "baseline", "smote", "gan: ", "runs/toy/report.html"):
        assert part in said.out
    assert Path("runs/toy/report.html").exists()


def test_run_shows_every_metric_with_its_interval(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """Resampled, every metric that two classes and a naive Bayes classifier have stands there, a few side by side."""
    pipeline.write_text(PIPELINE + "bootstrap: 100\n")
    assert main(["run", "toy.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if line.startswith("arm ")][1:]
    named = [name for head in heads for name in re.split(r"\s{2,}", head.strip())[1:]]
    further = ["accuracy", "f1 macro", "neg log loss", "neg brier score", "roc auc", "average precision"]
    assert named == ["balanced accuracy", *further]
    assert all(len(line) <= 100 for line in lines if line.split("  ")[0] in {"arm", "none", "smote", "gan"})


def test_run_says_what_arms_are_worth_in_labels(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """Measured at more labels, each learned arm's worth stands below the table."""
    pipeline.write_text(PIPELINE + "label_equivalence: [1.25, 1.5]\n")
    assert main(["run", "toy.yaml"]) == 0
    found = re.search(
        r"Worth in real labels, beside the 16 that there are:\nnone: .*\ngan: (.*)\n", capsys.readouterr().out
    )
    assert found
    assert re.fullmatch(r"cannot tell|worth .* labels?( \(.*\))?", found[1])


def test_run_answers_a_machine_with_one_object(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """Standard output holds the object alone; what is not a number is null."""
    said = answer(capsys, "run", str(pipeline), "--output", "elsewhere", "--draws", "3", "--seed", "5", "--no-tracking")
    assert [row["arm"] for row in said["arms"]] == ["none", "smote", "gan"]
    assert (said["n_splits"], said["arms"][0]["difference"], said["tracking"]) == (3, None, None)
    assert said["report"] == "elsewhere/report.html"
    assert Path(said["report"]).exists()


def test_same_seed_gives_the_same_figures(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """Two runs of one pipeline agree to the last digit; another seed does not."""
    first, again, other = (
        answer(capsys, "run", str(pipeline), "--output", folder, "--seed", seed)["arms"]
        for folder, seed in (("a", "1"), ("b", "1"), ("c", "2"))
    )
    assert first == again
    assert first != other


def test_dry_run_writes_nothing(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """It says what would be done and how long it would take."""
    before = sorted(Path().iterdir())
    assert main(["run", str(pipeline), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "none, smote, gan" in said
    assert "about" in said
    plan = answer(capsys, "run", str(pipeline), "--dry-run")
    assert (plan["estimate"]["n_splits"], plan["config"]["design"]["n_draws"]) == (2, 2)
    assert sorted(Path().iterdir()) == before


def test_resume_redoes_nothing_that_is_finished(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """A study with a split missing keeps the others as they are and ends with the same figures."""
    whole = answer(capsys, "run", str(pipeline))
    kept, lost = Path("runs/toy/splits/0000/result.json"), Path("runs/toy/splits/0001")
    stamp = kept.stat().st_mtime_ns
    for file in lost.iterdir():
        file.unlink()
    lost.rmdir()
    again = answer(capsys, "run", str(pipeline), "--resume")
    assert again["arms"] == whole["arms"]
    assert kept.stat().st_mtime_ns == stamp


def test_run_does_not_remove_an_unfinished_study(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """Who forgets --resume loses nothing."""
    assert main(["run", str(pipeline)]) == 0
    lost = Path("runs/toy/splits/0001")
    for file in lost.iterdir():
        file.unlink()
    lost.rmdir()
    assert main(["run", str(pipeline)]) == 1
    assert "output must hold no unfinished study; got 'runs/toy' with 1 of 2 splits finished" in capsys.readouterr().err


def test_run_does_not_remove_another_study(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """A finished study is not overwritten by one of another name, and is not called unfinished."""
    assert main(["run", str(pipeline)]) == 0
    other = pipeline.with_name("other.yaml")
    other.write_text(pipeline.read_text().replace("name: toy", "name: other"))
    assert main(["run", str(other), "--output", "runs/toy", "--draws", "3"]) == 1
    said = capsys.readouterr().err
    assert "output must hold no other study; got 'runs/toy' with the study 'toy', 2 of 2 splits finished" in said
    assert Path("runs/toy/splits/0001/result.json").exists()
    assert Path("runs/toy/splits/0000").exists()


def test_error_is_code_1_without_a_traceback(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """The message stands on standard error; a machine gets it as an object too."""
    pipeline.write_text(PIPELINE.replace("GaussianNB", "GausianNB"))
    assert main(["run", str(pipeline)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error toy.yaml:4:13: estimator.name must be one of")
    assert "Traceback" not in said.err
    told = answer(capsys, "run", str(pipeline), code=1)["error"]
    assert told["kind"] == "ConfigError"
    assert "Did you mean 'GaussianNB'?" in told["message"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "nope.yaml"], "pipeline must be a file that is there"),
        (["fit", "nope.npz", "--out", "m"], "data must be a .npz, .csv or .parquet file, or one of digits"),
        (["fit", "rows.npz", "--out", "m", "--generator", "cgna"], "generator must be one of"),
        (["fit", "rows.npz", "--out", "rows.npz/m"], "folder must be writable"),
        (["fit", "rows.npz", "--out", "m", "--image-shape", "8"], "--image-shape must be height,width"),
        (["sample", "nope", "-n", "3", "--out", "a.npz"], "nope"),
        (["sample", "nope", "-n", "a=-3", "--out", "a.npz"], "-n must be a whole number or label=number"),
        (["sample", "nope", "-n", "3", "--out", "a.pkl"], "data must be a .npz, .csv or .parquet file"),
        (["report", "nope"], "nope"),
        (["compare", "rows.npz", "--estimator", "os.system"], "command line: estimator.name must be one of"),
        (["compare", "rows.npz", "--arms", " none"], "arms must be a list of at least 2"),
        (["compare", "rows.npz", "--folds", "0"], "design.n_splits must be at least 2; got 0"),
        (["compare", "wine", "--groups", "patient"], "design.groups must be left out for wine"),
        (["compare", "wine", "--groups", "patient", "--draws", "3"], "design.groups must be left out for wine"),
        (["compare", "wine", "--label", "kind"], "data.label must be left out for wine"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_named(rows: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    """Wrong files, names, counts and folders end with code 1 and words."""
    assert main(words) == 1
    assert message in " ".join(capsys.readouterr().err.split())


def test_fit_sample_and_augment_go_together(table: Path, capsys: pytest.CaptureFixture[str]):
    """A learner is saved, drawn from in exact counts, and used to balance the file it came from."""
    words = ("--out", "model", "--generator", "cgan", "--steps", "3")
    learned = answer(capsys, "fit", str(table), "--label", "finding", *words)
    assert (learned["learner"], learned["rows"], learned["steps"]) == ("CGAN", {"benign": 14, "malignant": 24}, 3)
    drawn = answer(capsys, "sample", "model", "-n", "benign=5", "-n", "malignant=2", "--out", "new.csv", "--seed", "0")
    assert drawn["synthetic"] == {"benign": 5, "malignant": 2}
    assert len(read_rows_file("new.csv", label="finding")[0]) == 7
    words = ("augment", str(table), "--label", "finding", "--model", "model", "--out", "all.csv")
    assert answer(capsys, *words) == {"file": "all.csv", "n_rows": 48, "n_real": 38, "synthetic": {"benign": 10}}
    X, y = read_rows_file("all.csv", label="finding")
    assert y.value_counts().to_dict() == {"benign": 24, "malignant": 24}
    np.testing.assert_allclose(X[:38], read_rows_file(table, label="finding")[0])


@pytest.fixture
def clinic() -> Path:
    """A file of mixed columns, with gaps."""
    rng = np.random.default_rng(0)
    dose = np.where(rng.random(40) < 0.2, np.nan, rng.normal(5, 1, 40).round(2))
    seen = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, 40), unit="D")
    columns = {
        "patient": [f"P{i:03}" for i in range(40)],
        "age": rng.integers(18, 90, 40),
        "sex": rng.choice(["f", "m"], 40),
        "dose": dose,
        "seen": seen,
        "outcome": ["ill", "well"] * 20,
    }
    pd.DataFrame(columns).to_csv("clinic.csv", index=False)
    return Path("clinic.csv")


def test_a_mixed_table_is_learned_and_drawn(clinic: Path, capsys: pytest.CaptureFixture[str]):
    """Types are inferred and told; drawn rows come in them, under the label's own name, as .parquet and as .csv."""
    learned = answer(capsys, "fit", str(clinic), "--label", "outcome", "--out", "model", "--steps", "3")
    kinds = {column["column"]: column["kind"] for column in learned["columns"]}
    wanted = {"patient": "key", "age": "whole number", "sex": "category", "dose": "number", "seen": "date"}
    assert kinds == wanted
    assert learned["learner"] == "Copula"  # what SyntheticAugmenter takes for tables
    X, _ = read_rows_file(clinic, label="outcome")
    for ending in ("parquet", "csv"):
        answer(capsys, "sample", "model", "--n", "ill=30", "--out", f"more.{ending}", "--seed", "0")
        drawn, y = read_rows_file(f"more.{ending}", label="outcome")
        assert y.tolist() == ["ill"] * 30
        assert drawn.dtypes.to_dict() == X.dtypes.to_dict()
        assert not set(drawn["patient"]) & set(X["patient"])


def test_a_person_is_shown_how_columns_were_read(clinic: Path, capsys: pytest.CaptureFixture[str]):
    """A line a column, on standard error: what it is taken for, its gaps, its values."""
    assert main(["fit", str(clinic), "--label", "outcome", "--out", "model", "--steps", "3"]) == 0
    said = capsys.readouterr()
    lines = [" ".join(line.split()) for line in said.err.splitlines()]
    assert "column read as missing values" in lines
    assert "patient key made anew for drawn rows" in lines
    assert any(line.startswith("sex category 2: ") for line in lines)
    assert any(line.startswith("seen date 2024-01-") for line in lines)
    assert "--out synthetic.csv" in said.out


@pytest.mark.parametrize("label", ["age", "dose", "patient"])
def test_a_label_that_is_no_class_is_refused(clinic: Path, label: str, capsys: pytest.CaptureFixture[str]):
    """Measured numbers, and values most of which come once, are asked about before anything is learned."""
    assert main(["fit", str(clinic), "--label", label, "--out", "model"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert f"'{label}' holds" in said
    assert "is this a regression target, or a key?" in said


def test_a_mixed_table_is_compared_on(clinic: Path, capsys: pytest.CaptureFixture[str]):
    """Words, dates and gaps reach the classifier encoded, whichever arm adds the rows."""
    arms = ["none", "smote", "noise", "mixup", "gan"]
    words = ("--label", "outcome", "--arms", ",".join(arms), "--folds", "2", "--repeats", "1", "--steps", "3")
    said = answer(capsys, "compare", str(clinic), *words)
    assert [arm["arm"] for arm in said["arms"]] == arms
    assert said["skipped"] == {}


def test_commands_tell_a_person_what_they_wrote(table: Path, capsys: pytest.CaptureFixture[str]):
    """One line each, with counts and the next step."""
    words = ["--out", "model", "--generator", "cgan", "--steps", "3"]
    assert main(["fit", str(table), "--label", "finding", *words]) == 0
    assert "CGAN learned benign: 14, malignant: 24" in (said := capsys.readouterr().out)
    assert "synthaug sample model -n benign=100" in said
    assert main(["sample", "model", "-n", "2", "--out", "new.npz"]) == 0
    assert "wrote new.npz: 4 synthetic rows (benign: 2, malignant: 2)" in capsys.readouterr().out
    assert main(["augment", str(table), "--label", "finding", "--steps", "3", "--out", "all.csv"]) == 0
    assert "wrote all.csv: 38 real rows and 10 synthetic rows (benign: 10)" in capsys.readouterr().out


def test_same_seed_draws_the_same_rows(rows: Path, capsys: pytest.CaptureFixture[str]):
    """``sample --seed`` is reproducible."""
    answer(capsys, "fit", str(rows), "--out", "model", "--steps", "3")
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        answer(capsys, "sample", "model", "-n", "4", "--out", f"{name}.npz", "--seed", seed)
    first, again, other = (read_rows_file(f"{name}.npz")[0] for name in "abc")
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_compare_keeps_a_report_only_where_asked(table: Path, capsys: pytest.CaptureFixture[str]):
    """Without --out nothing is left behind; with it the folder can be reported on again."""
    words = ["compare", str(table), "--label", "finding", "--arms", "none,smote", "--folds", "2", "--repeats", "2"]
    before = sorted(Path().iterdir())
    said = answer(capsys, *words)
    assert (said["design"], said["n_splits"], "report" in said) == ("folds", 4, False)
    assert sorted(Path().iterdir()) == before
    kept = answer(capsys, *words, "--out", "study", "--scoring", "accuracy")
    assert kept["scoring"] == "accuracy"
    Path(kept["report"]).unlink()
    again = answer(capsys, "report", "study")
    assert again["arms"] == kept["arms"]
    assert Path(again["report"]).exists()
    assert main(["report", "study"]) == 0
    assert "study/report.html" in capsys.readouterr().out


def test_the_reports_command_runs_the_study_again(table: Path, capsys: pytest.CaptureFixture[str]):
    """What the report says to type gives the same figures, typed where the study was run."""
    words = ["compare", str(table), "--label", "finding", "--arms", "none,smote", "--folds", "2", "--repeats", "2"]
    assert main([*words, "--out", "my study"]) == 0
    page = html.unescape(Path("my study/report.html").read_text(encoding="utf-8"))
    said = re.search(r"synthaug (run .* --output again)", page)
    assert "STUDY" not in page
    capsys.readouterr()
    assert main(shlex.split(said[1])) == 0
    assert Path("again/frame.csv").read_text() == Path("my study/frame.csv").read_text()


def test_a_second_run_of_a_folder_is_refused(pipeline: Path, capsys: pytest.CaptureFixture[str]):
    """Two runs never mix their splits, and the second changes nothing; the system frees a folder whose run died."""
    held = "import sys, time; from synthaug.experiment.storage import SplitStore\n"
    held += "with SplitStore('runs/toy').locked():\n    print('held', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", held], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert main(["run", str(pipeline)]) == 1
        assert "output must be written by one run at a time; got 'runs/toy'" in capsys.readouterr().err
        assert not Path("runs/toy/splits").exists()
        other.kill()
    assert main(["run", str(pipeline), "--resume"]) == 0


def test_compare_draws_few_labels(rows: Path, capsys: pytest.CaptureFixture[str]):
    """``--draws`` chooses the label-scarce design."""
    words = ("--arms", "none,smote", "--draws", "3", "--rows-per-class", "6", "--test-rows", "20", "--estimator", "SVC")
    said = answer(capsys, "compare", str(rows), *words)
    assert (said["design"], said["n_splits"]) == ("draws", 3)


def test_own_warnings_are_one_line(rows: Path, capsys: pytest.CaptureFixture[str]):
    """A class too small to learn from is a note, without the line of code that warned."""
    X, y = read_rows_file(rows)
    write_rows_file("rare.npz", X[:25], y[:25])
    assert main(["fit", "rare.npz", "--out", "model", "--steps", "3"]) == 0
    said = capsys.readouterr().err
    assert "note: " in said
    assert "warn(" not in said


@contextlib.contextmanager
def interrupted_after_a_split(folder: Path) -> Iterator[None]:
    """Send this process what Ctrl-C sends as soon as a study's folder holds a finished split."""
    over, before = threading.Event(), signal.signal(signal.SIGINT, signal.default_int_handler)

    def watch() -> None:
        while not over.wait(0.005):
            if any(folder.glob("[0-9]*")):
                signal.raise_signal(signal.SIGINT)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        signal.signal(signal.SIGINT, before)


def run_here(capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run the study, interrupted, and return its code and what it said on standard error."""
    with interrupted_after_a_split(Path("runs/toy/splits").absolute()):
        code = main(["run", "toy.yaml"])
    return code, capfd.readouterr().err


def run_elsewhere(_: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Do the same in a process group of its own, as a terminal does; a job in the background would ignore Ctrl-C."""
    listen = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    run = f"{listen}; from synthaug.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", run, "run", "toy.yaml"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        said = ""
        while "of 4 done" not in said:
            said += process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        said += process.stderr.read()
    return process.returncode, said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups of this kind")
@pytest.mark.parametrize("interrupted", [run_here, pytest.param(run_elsewhere, marks=pytest.mark.slow)])
def test_interrupted_run_names_how_to_go_on(pipeline: Path, interrupted: Any, capfd: pytest.CaptureFixture[str]):
    """Ctrl-C ends with code 130, keeps finished splits, and the command it names finishes the study."""
    slow = PIPELINE.replace("n_steps: 3,", "n_steps: 60,").replace("n_draws: 2", "n_draws: 4")
    pipeline.write_text(slow)
    code, said = interrupted(capfd)
    assert code == 130
    assert "Traceback" not in said
    assert said.endswith("Interrupted.\nWhat is finished is kept. Go on with:\n  synthaug run toy.yaml --resume\n")
    n_kept = len(list(Path("runs/toy/splits").glob("[0-9]*")))
    assert 1 <= n_kept < 4
    started = time.time_ns()
    assert main(["run", "toy.yaml", "--resume"]) == 0
    stamps = [path.stat().st_mtime_ns for path in Path("runs/toy/splits").glob("[0-9]*")]
    assert (len(stamps), sum(stamp < started for stamp in stamps)) == (4, n_kept)


@pytest.mark.parametrize(
    ("words", "counts"), [(["5"], 5), (["a=1", "b c=2"], {"a": 1, "b c": 2}), (["a=b=3"], {"a=b": 3})]
)
def test_counts_are_read(words: list[str], counts: object):
    """A number is for every class; a label may hold spaces and equals signs."""
    assert read_counts(words) == counts


@pytest.mark.parametrize("words", [["a"], ["=3"], ["a=x"], ["a=-1"], ["a=1", "a=2"], ["3", "4"], ["²"], []])
def test_counts_that_cannot_be_are_refused(words: list[str]):
    """The message gives an example or the rule."""
    with pytest.raises(ConfigError, match="-n must be"):
        read_counts(words)


@pytest.mark.parametrize(("text", "shape"), [(None, None), ("8,8", (8, 8)), ("8x8x3", (8, 8, 3)), ("8, 8", (8, 8))])
def test_shape_is_read(text: str | None, shape: object):
    """Commas or x, with or without channels."""
    assert read_shape(text) == shape


def test_json_holds_only_what_json_knows():
    """NaN and infinity become null, NumPy's numbers become numbers, paths text."""
    record = {1: np.float64("nan"), "a": [np.int64(3), (True, None)], "p": Path("x"), "i": float("inf")}
    assert as_json(record) == {"1": None, "a": [3, [True, None]], "p": "x", "i": None}


def test_clock_reads_as_a_clock():
    """Minutes and seconds, hours where there are any."""
    assert [clock(seconds) for seconds in (0, 59.6, 75, 3700)] == ["0:00", "1:00", "1:15", "1:01:40"]
