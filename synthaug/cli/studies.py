"""``run``, ``compare`` and ``report``: studies of whether synthetic rows help."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthaug.cli.options import Data, Generator, Json, Label, Seed, Shape, Steps, read_shape
from synthaug.cli.terminal import StudyProgress, comparison_record, print_json, print_summary, quiet_stdout, say
from synthaug.errors import ConfigError

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison
    from synthaug.experiment.study import Study


def run(
    pipeline: Annotated[Path, typer.Argument(help="A pipeline: a YAML file, such as pipelines/digits.yaml.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The study's folder.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what an earlier run finished.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do and how long; do nothing.")] = False,
    no_tracking: Annotated[bool, typer.Option("--no-tracking", help="Log nothing to MLflow.")] = False,
    draws: Annotated[int | None, typer.Option("--draws", help="How many draws, in the place of the file's.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The seed, in the place of the file's.")] = None,
    json: Json = False,
) -> None:
    """Run a pipeline: learn, mix, compare, log, report."""
    from synthaug.experiment.config import load_config
    from synthaug.experiment.study import Study

    asked = {"output": output and str(output), "design.n_draws": draws, "seed": seed}
    changes: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
    config = load_config(pipeline, changes=changes | ({"tracking.enabled": False} if no_tracking else {}))
    with quiet_stdout(json):
        study = Study.from_config(config, config.folder)
    if dry_run:
        _describe(study, as_json=json)
    else:
        _answer(study, *_run(study, resume=resume, as_json=json), as_json=json)


def compare(
    data: Data,
    label: Label = None,
    estimator: Annotated[
        str, typer.Option(help="The classifier; see 'synthaug list estimators'.")
    ] = "LogisticRegression",
    standardise: Annotated[bool, typer.Option(help="Give columns mean 0 and variance 1 first.")] = True,
    arms: Annotated[
        str, typer.Option(help="Ways to train, the baseline first.")
    ] = "none,classic,classic twice,smote,gan,classic+gan,gated",
    scoring: Annotated[
        str, typer.Option(help="The primary metric; see 'synthaug list metrics'.")
    ] = "balanced_accuracy",
    folds: Annotated[int | None, typer.Option(help="Cross-validation with so many folds (5 unless said).")] = None,
    repeats: Annotated[int | None, typer.Option(help="How often the folds are drawn (5 unless said).")] = None,
    groups: Annotated[str | None, typer.Option(help="The column whose equal values stay together.")] = None,
    draws: Annotated[int | None, typer.Option(help="Draw few labels so many times instead.")] = None,
    rows_per_class: Annotated[
        int | None, typer.Option(help="With --draws: training rows of each class (10 unless said).")
    ] = None,
    test_rows: Annotated[int | None, typer.Option(help="With --draws: rows held out (500 unless said).")] = None,
    generator: Generator = "auto",
    steps: Steps = None,
    image_shape: Shape = None,
    out: Annotated[Path | None, typer.Option("--out", help="A folder for report and learners.")] = None,
    jobs: Annotated[int, typer.Option(help="Splits at a time.")] = 1,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Compare ways to train a classifier on the rows of a file."""
    from synthaug.experiment.config import make_config
    from synthaug.experiment.study import Study

    if draws is not None and (folds, repeats) != (None, None):
        raise typer.BadParameter("--folds and --repeats are for cross-validation: say them or --draws, not both")
    sizes = {"rows_per_class": rows_per_class, "test_rows": test_rows}
    said = {name: n for name, n in sizes.items() if n is not None}
    if draws is None and said:
        raise typer.BadParameter("--rows-per-class and --test-rows are for --draws: say how many draws")
    asked = {"n_splits": folds, "n_repeats": repeats}
    design: dict[str, Any] = {"kind": "folds", **{name: n for name, n in asked.items() if n is not None}}
    if draws is not None:
        design = {"kind": "draws", "n_draws": draws, "rows_per_class": 10, "test_rows": 500, **said}
    values = {
        "name": "comparison",
        "data": {**_source(data, label), "image_shape": read_shape(image_shape)},
        "design": design | {"groups": groups},
        "estimator": {"name": estimator, "standardise": standardise},
        **_learner(generator, steps),
        "arms": [arm.strip() for arm in arms.split(",")],
        "scoring": scoring,
        "tracking": {"enabled": False},
        "seed": seed,
        "n_jobs": jobs,
    }
    config = make_config(values, source="command line")
    with _folder(out) as folder, quiet_stdout(json):
        study = Study.from_config(config, folder)
        comparison, seconds = _run(study, resume=False, as_json=json)
    _answer(study, comparison, seconds, as_json=json, kept=out is not None)


def report(
    folder: Annotated[Path, typer.Argument(help="A study's folder, such as runs/digits.")],
    dossier: Annotated[
        bool, typer.Option("--dossier", help="Also write dossier.html and model_card.json, for reviewers and boards.")
    ] = False,
    json: Json = False,
) -> None:
    """Write the report of a study again, from what is finished on disk."""
    from synthaug.experiment.study import load_study, shows_real_rows, write_outcome

    comparison = load_study(folder)
    places = {"report": write_outcome(comparison, folder, include_real_rows=shows_real_rows(folder))}
    if dossier:
        from synthaug.experiment.dossier import write_dossier

        places |= write_dossier(comparison, folder)
    if json:
        print_json({**comparison_record(comparison), **places})
        return
    print_summary(comparison)
    say("\n" + "\n".join(f"{name:<8} {path}" for name, path in places.items()))


def _learner(generator: str, steps: int | None) -> dict[str, Any]:
    """Return what is learned and how long, as a pipeline says it: ``auto`` takes no number of steps, only a cap."""
    if generator == "auto":
        return {"augmenter": {"max_steps": steps}}
    return {"generator": {"name": generator, "params": {} if steps is None else {"n_steps": steps}}}


def _source(data: str, label: str | None) -> dict[str, Any]:
    """Return where rows come from, as a pipeline says it."""
    from synthaug.data.datasets import DATASETS

    if data in DATASETS and not Path(data).exists():
        return {"name": data, "label": label}
    return {"path": data, "label": label}


@contextlib.contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    with contextlib.nullcontext(out) if out is not None else tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _describe(study: "Study", *, as_json: bool) -> None:
    from synthaug.experiment.config import plain

    with quiet_stdout(as_json):
        estimate = study.estimate()
    if as_json:
        facts = ("seconds", "n_splits", "n_learners", "detectable", "metric")
        times = {name: getattr(estimate, name) for name in facts}
        config = plain(study.config.model_dump())
        print_json({"dry_run": True, "folder": study.folder, "estimate": times, "config": config})
        return
    say(study.describe())
    say(f"time      {estimate.text}")


def _run(study: "Study", *, resume: bool, as_json: bool) -> tuple["Comparison", float]:
    from synthaug.experiment.storage import SplitStore

    with SplitStore(study.folder).locked():
        return _run_alone(study, resume=resume, as_json=as_json)


def _run_alone(study: "Study", *, resume: bool, as_json: bool) -> tuple["Comparison", float]:
    began, found = time.perf_counter(), _finished(study)
    if not resume and found:
        _check_output(study, found)
    with quiet_stdout(as_json):
        estimate = study.estimate()
        kept = found if resume else 0
        say(estimate.text + (f"; {kept} splits are finished already" if kept else ""), stderr=True)
        with StudyProgress(estimate, kept) as progress, _interrupt_first():
            comparison = study.run(on_progress=progress, resume=resume)
    return comparison, time.perf_counter() - began


@contextlib.contextmanager
def _interrupt_first() -> Iterator[None]:
    """Let Ctrl-C be what is reported, also where tidying up after it failed (a store that was being written)."""
    try:
        yield
    except BaseException as error:
        if _came_of_interrupt(error):
            raise KeyboardInterrupt from error
        raise


def _came_of_interrupt(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _check_output(study: "Study", n_finished: int) -> None:
    """Raise ConfigError if a new run would remove another study, or one that is not finished, from the folder."""
    from synthaug.experiment.storage import SplitStore

    facts = SplitStore(study.folder).facts()
    name, n_splits = facts.get("name"), facts.get("n_splits")
    done = f"{n_finished} of {n_splits} splits finished, which a new run would remove"
    if name != study.arms.name:
        raise ConfigError(
            f"output must hold no other study; got '{study.folder}' with the study {name!r}, {done}. Choose another "
            "folder, or delete it."
        )
    if n_finished != n_splits:
        raise ConfigError(
            f"output must hold no unfinished study; got '{study.folder}' with {done}. Go on with --resume, choose "
            "another folder, or delete it."
        )


def _finished(study: "Study") -> int:
    from synthaug.experiment.storage import SplitStore

    return len(SplitStore(study.folder).finished())


def _answer(study: "Study", comparison: "Comparison", seconds: float, *, as_json: bool, kept: bool = True) -> None:
    from synthaug.experiment.tracking import read_destination, ui_command

    sent = read_destination(study.folder) if study.config.tracking.enabled else None
    opened = None if sent is None else ui_command(sent.uri, page=sent.page)
    if as_json:
        places = {"folder": study.folder, "report": study.folder / "report.html"} if kept else {}
        print_json({**comparison_record(comparison), **places, "tracking": opened, "seconds": round(seconds, 1)})
        return
    print_summary(comparison)
    if kept:
        say(f"\nreport   {study.folder / 'report.html'}")
    if opened is not None:
        say(f"MLflow   {opened}")
