"""The main job: a pipeline's data, splits and arms, run, logged to MLflow and reported, in a folder of its own."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from synthaug._files import make_folder, write_atomically
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.encoding import needs_encoding, with_encoding
from synthaug.data.rules import Fixed, LessOrEqual
from synthaug.errors import ConfigError
from synthaug.experiment.arm_study import ArmStudy, Estimate, Progress
from synthaug.experiment.compare import prepare
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.config import DrawsConfig, PipelineConfig, save_config
from synthaug.experiment.designs import Draws, Folds
from synthaug.experiment.dossier import write_card, write_dossier
from synthaug.experiment.dossier_data import describe_data
from synthaug.experiment.environment import environment, with_earlier
from synthaug.experiment.estimators import build_estimator
from synthaug.experiment.report import write_report
from synthaug.experiment.storage import DOSSIER, FRAME, INTERVALS, REPORT, SUMMARY, SplitStore
from synthaug.experiment.study_rows import load_rows, rows_per_class
from synthaug.experiment.tracking import Mirror, begin_tracking, describe_rows, mirrored, note_untracked
from synthaug.generators import find_generator

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"
_STARTED_BY_MLFLOW = "MLFLOW_RUN_ID"


@dataclass(frozen=True)
class Study:
    """A pipeline, checked and ready to run.

    Attributes
    ----------
    config
        What the pipeline says.
    folder
        Where everything goes: ``config.yaml``, ``splits/``, ``learners/``, ``report.html``, ``summary.csv``,
        ``frame.csv``.
    arms
        The arms, rows and splits.
    reading
        How files became rows, in words.
    """

    config: PipelineConfig
    folder: Path
    arms: ArmStudy
    reading: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_config(cls, config: PipelineConfig, folder: str | Path | None = None) -> Self:
        """Return the study that a pipeline describes; data is read and checked, nothing is learned or written.

        Raises
        ------
        ConfigError, ShapeError, LabelError, FileError
            If data and settings do not go together; the message says what came and the remedy.
        """
        folder = Path(folder) if folder is not None else config.folder
        rows, augmenter = load_rows(config), _augmenter(config, folder)
        arms = prepare(
            rows.X,
            rows.y,
            estimator=_estimator(config, rows.X, augmenter),
            arms=config.arms,
            augmenter=augmenter,
            groups=rows.groups,
            scoring=config.scoring,
            metrics=config.metrics,
            cv=_design(config),
            image_transform=config.transform,
            rope=config.rope,
            label_equivalence=config.label_equivalence or None,
            bootstrap=config.bootstrap,
            n_jobs=config.n_jobs,
            random_state=config.seed,
            name=config.name,
            class_names=rows.class_names,
            include_real_rows=config.include_real_rows,
            learners_folder=folder / "learners",
            settings={"data": config.data.source},
        )
        return cls(config, folder, arms, rows.reading)

    def estimate(self) -> Estimate:
        """Return how long the study will take, from a trial of a few steps."""
        return self.arms.estimate()

    def describe(self) -> str:
        """Return in words what ``run`` would do."""
        work, first, data = self.arms.work, self.arms.splits[0], self.config.data
        labels, counts = np.unique(np.asarray(work.y)[first.train], return_counts=True)
        rows = ", ".join(f"{label}: {n}" for label, n in zip(labels.tolist(), counts.tolist(), strict=True))
        facts = {
            "study": self.arms.name,
            "data": f"{data.source}: {len(work.y)} rows of shape {np.shape(work.X)[1:]}",
            "design": f"{self.arms.kind}: {len(self.arms.splits)} splits",
            "training": f"{len(first.train)} rows ({rows})",
            "test": f"{len(first.test)} rows",
            "arms": f"{', '.join(work.arms)} (the first is the baseline)",
            "primary": work.scoring,
            "learners": self.arms.n_learners,
            "folder": self.folder,
            "tracking": self.config.tracking.uri if self.config.tracking.enabled else "off",
        }
        return "\n".join(f"{name:<9} {fact}" for name, fact in facts.items())

    def run(self, *, on_progress: Callable[[Progress], None] | None = None, resume: bool = False) -> Comparison:
        """Run what is not finished, log it, write the report, and return the comparison.

        Parameters
        ----------
        on_progress
            Is told after each split.
        resume
            Go on with what an earlier run of the same pipeline finished in this folder.

        Raises
        ------
        ConfigError
            If what is to be resumed was begun with other data or settings, or another run writes to the folder.
        FileError
            If the folder cannot be written to.
        """
        store = SplitStore(self.folder)
        with store.locked():
            return self._run_in(store, on_progress=on_progress, resume=resume)

    def _run_in(self, store: SplitStore, *, on_progress: Callable[[Progress], None] | None, resume: bool) -> Comparison:
        earlier = store.facts().get("environment", {}) if resume and store.finished() else {}
        versions = with_earlier(environment(), earlier)
        noted = {"versions": versions, "config": str(self.folder / CONFIG)}
        arms = replace(self.arms, settings=self.arms.settings | noted)
        store.open(self.arms.key, self._facts() | {"settings": arms.settings, "environment": versions}, resume=resume)
        save_config(self.config, self.folder / CONFIG)
        with self._tracked(resume=resume) as tracked:
            comparison = arms.run(
                store=store, on_progress=on_progress, on_split=None if tracked is None else tracked.update
            )
            report = write_outcome(comparison, self.folder, include_real_rows=self.config.include_real_rows)
            if tracked is not None:
                tracked.finish(comparison, report)
        shutil.rmtree(self.folder / CHECKPOINTS, ignore_errors=True)  # every learner is finished
        return comparison

    def _facts(self) -> dict[str, Any]:
        return {
            "name": self.arms.name,
            "design": self.arms.kind,
            "scoring": self.arms.work.scoring,
            "baseline": next(iter(self.arms.work.arms)),
            "class_names": list(self.arms.class_names),
            "include_real_rows": self.config.include_real_rows,
            "n_splits": len(self.arms.splits),
            "data_used": asdict(describe_data(self.arms, reading=self.reading)),
        }

    @contextmanager
    def _tracked(self, *, resume: bool) -> Iterator[Mirror | None]:
        tracking, data = self.config.tracking, self.config.data
        dataset = describe_rows(self.arms.work.X, self.arms.work.y, data.name or Path(data.source).stem)
        if not tracking.enabled:
            note_untracked(self.folder, register_as=tracking.register_as, dataset=dataset, resume=resume)
            yield None
            return
        begin_tracking(
            self.folder,
            uri=None if _STARTED_BY_MLFLOW in os.environ else tracking.uri,  # `mlflow run` brings its own run
            experiment=tracking.experiment,
            register_as=tracking.register_as,
            dataset=dataset,
            resume=resume,
        )
        with mirrored(self.folder) as mirror:
            yield mirror


def load_study(folder: str | Path) -> Comparison:
    """Return the comparison of the finished splits in a study's folder.

    Raises
    ------
    FileError
        If the folder holds no study, or none of its splits is finished.
    ConfigError
        If fewer than two splits are finished, which no interval can come from.
    """
    store = SplitStore(folder)
    facts, finished = store.facts(), store.finished()
    if len(finished) < 2:
        raise ConfigError(
            f"a report needs at least two finished splits; got {len(finished)} in '{folder}'. Resume the study."
        )
    splits = tuple(store.load(index) for index in finished)
    names = ("name", "design", "scoring", "baseline", "settings")
    return Comparison(**{name: facts[name] for name in names}, splits=splits, class_names=tuple(facts["class_names"]))


def shows_real_rows(folder: str | Path) -> bool:
    """Return whether a study's pipeline allows pictures of real rows."""
    return bool(SplitStore(folder).facts()["include_real_rows"])


def write_outcome(comparison: Comparison, folder: str | Path, *, include_real_rows: bool) -> Path:
    """Write ``report.html``, ``model_card.json`` and the tables into a study's folder and return the report's path.

    A dossier that lies there is written anew, so that none tells of another study.
    """
    folder = make_folder(folder)
    write_about = write_dossier if (folder / DOSSIER).exists() else write_card
    write_about(comparison, folder)
    write_atomically(folder / SUMMARY, comparison.summary().to_csv(index_label="arm").encode())
    write_atomically(folder / FRAME, comparison.frame.to_csv(index=False).encode())
    if not (intervals := comparison.intervals()).empty:
        write_atomically(folder / INTERVALS, intervals.to_csv(index=False).encode())
    return write_report(comparison, folder / REPORT, include_real_rows=include_real_rows)


def _design(config: PipelineConfig) -> Draws | Folds:
    said = config.design
    if isinstance(said, DrawsConfig):
        return Draws(rows_per_class(config), said.n_draws, said.test_rows)
    return Folds(said.n_splits, said.n_repeats)


def _estimator(config: PipelineConfig, X: Any, augmenter: SyntheticAugmenter) -> Any:
    """Return the classifier, behind an encoding of the columns where a table holds more than numbers."""
    said, mixed = config.estimator, needs_encoding(X, augmenter)
    estimator = build_estimator(said.name, said.params, standardise=said.standardise and not mixed, seed=config.seed)
    return with_encoding(estimator, X, augmenter) if mixed else estimator


def _augmenter(config: PipelineConfig, folder: Path) -> SyntheticAugmenter:
    name = config.generator.name
    return SyntheticAugmenter(
        "auto" if name == "auto" else find_generator(name)(**config.generator.params),
        sampling_strategy=config.augmenter.sampling_strategy,
        n_synthetic=config.augmenter.n_synthetic,
        selection=config.augmenter.selection or "none",
        max_steps=config.augmenter.max_steps,
        constraints=[_constraint(rule) for rule in config.augmenter.constraints] or None,
        image_shape=config.data.image_shape,
        image_format=config.data.image_format,
        checkpoint_dir=folder / CHECKPOINTS,
        resume=True,
    )


def _constraint(rule: Mapping[str, Any]) -> Fixed | LessOrEqual:
    return Fixed(**rule) if "column" in rule else LessOrEqual(**rule)
