"""Arms, rows and splits, checked: a study that can be estimated, run and resumed."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from joblib import cpu_count, effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed  # which hand on scikit-learn's configuration

from synthaug.augment.fitting import as_estimator_wants, fit_classifier
from synthaug.data.container import take
from synthaug.data.split import Split
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.designs import Design, Draws
from synthaug.experiment.effort import learning, n_fits, n_learners
from synthaug.experiment.foresight import foreseen_gain
from synthaug.experiment.learning_curve import fractions_to_measure, measure_curve
from synthaug.experiment.results import CurvePoint, SplitResult
from synthaug.experiment.run_split import run_split
from synthaug.experiment.storage import SplitStore
from synthaug.experiment.work import Work, augmenter_of
from synthaug.statistics.units import unit_of
from synthaug.training.checkpoint import fingerprint

_TRIAL_STEPS = 20
_NO_PART_OF_A_SPLIT = ("n_jobs", "versions", "rope", "label_equivalence")  # what may change when a study is resumed


@dataclass(frozen=True)
class Progress:
    """How far a study is: splits done, of how many, what was done last, and the seconds so far."""

    done: int
    total: int
    what: str
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """How long a study will take, measured on a few steps.

    Attributes
    ----------
    seconds
        Wall time expected.
    n_splits, n_learners
        How many splits there are, and how many learners they need in all.
    detectable
        The smallest gain that the study could see four times in five, by a pilot; NaN where that cannot be told.
    metric
        The primary metric, whose unit ``detectable`` has.
    """

    seconds: float
    n_splits: int
    n_learners: int
    detectable: float = float("nan")
    metric: str = "accuracy"

    @property
    def text(self) -> str:
        """The same in words."""
        minutes = f"{self.seconds / 60:.1f} minutes" if self.seconds >= 90 else f"{self.seconds:.0f} seconds"
        return f"about {minutes}: {self.n_splits} splits, {self.n_learners} learners{self._power}"

    @property
    def _power(self) -> str:
        unit = unit_of(self.metric)
        if not math.isfinite(self.detectable) or not float(unit.size(self.detectable)):
            return ""  # a pilot without a difference, or next to none, says nothing
        of = f" {unit.points}" if unit.points else ""
        if unit.points and self.detectable > 1:
            return "; too few rows or splits to see any gain that there can be"
        return f"; a gain of {unit.size(self.detectable)}{of} or more would be seen four times in five"


class Cost(NamedTuple):
    """What a piece of work takes: seconds, and how many cores it keeps busy meanwhile, one at least."""

    seconds: float
    n_cores: float


@dataclass(frozen=True)
class ArmStudy:
    """Arms, rows and splits, checked and ready to run.

    Attributes
    ----------
    name
        The study's name.
    work
        What all splits share.
    splits
        The splits.
    design
        How they were made.
    class_names
        The classes, in the order of the labels.
    n_jobs
        Splits at a time.
    settings
        Everything to reproduce the study.
    factors
        Multiples of the labelled rows that the learning curve is measured at; none for no curve.
    """

    name: str
    work: Work
    splits: list[Split]
    design: Design
    class_names: tuple[str, ...]
    n_jobs: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    factors: tuple[float, ...] = ()

    @property
    def n_learners(self) -> int:
        """How many learners all splits need, the learning curve's included."""
        return self._rounds * len(self.splits) * n_learners(self.work)

    @property
    def key(self) -> str:
        """A fingerprint of rows, splits and settings: what a resumed study must share."""
        rows = [part for part in (self.work.X, self.work.X_unlabeled) if part is not None]
        labels = np.unique(np.asarray(self.work.y), return_inverse=True)[1]
        arrays = [_numbers_of(part) for part in rows]
        tensors = (torch.from_numpy(arrays[0]), torch.from_numpy(labels), *map(torch.from_numpy, arrays[1:]))
        places = [(split.train.tolist(), split.test.tolist()) for split in self.splits]
        settings = {name: value for name, value in self.settings.items() if name not in _NO_PART_OF_A_SPLIT}
        return fingerprint(tensors, {"settings": settings, "splits": places})

    def estimate(self) -> Estimate:
        """Return how long the study will take, from a trial of 20 learning steps and one fit of the classifier, and
        what it will be able to see, from a few fits more.
        """
        train = self.splits[0].train
        X, y = take(self.work.X, train), take(self.work.y, train)
        wanted = as_estimator_wants(self.work.estimator, X)
        fitting = _cost_of(lambda: fit_classifier(self.work.estimator, wanted, y))
        split = [fitting._replace(seconds=fitting.seconds * n_fits(self.work, n_sizes=len(self.factors)))]
        if times := self._rounds * learning(self.work):
            learner = self._cost_of_learner(X, y)
            split.append(learner._replace(seconds=learner.seconds * times))
        seconds, gain = self._side_by_side(split), foreseen_gain(self.work, self.splits)
        return Estimate(seconds, len(self.splits), self.n_learners, gain, self.work.primary)

    def _side_by_side(self, split: Sequence[Cost]) -> float:
        """Return the seconds of all splits: ``n_jobs`` at a time, yet not faster than all cores together."""
        workers = min(effective_n_jobs(self.n_jobs), len(self.splits))
        alone, busy = sum(part.seconds for part in split), sum(part.seconds * part.n_cores for part in split)
        return len(self.splits) * max(alone / workers, busy / cpu_count())

    def run(
        self,
        *,
        store: SplitStore | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_split: Callable[[SplitResult], None] | None = None,
    ) -> Comparison:
        """Run every split that the store does not hold yet, and return the comparison of all.

        Parameters
        ----------
        store
            Where finished splits are kept; None to keep them in memory.
        on_progress, on_split
            Are told after each split; ``on_split`` is told about those found in the store too.
        """
        began, results = time.perf_counter(), dict[int, SplitResult]()

        def tell(n_done: int, what: str) -> None:
            if on_progress is not None:
                on_progress(Progress(n_done, self._n_pieces, what, time.perf_counter() - began))

        for result in self._results(store):
            results[result.index] = result
            if on_split is not None:
                on_split(result)
            tell(len(results), f"{self._piece} {result.index + 1}")
        for n_done, (index, curve) in enumerate(self._curves(results), start=1):
            results[index] = replace(results[index], curve=curve)
            if store is not None:
                store.save(results[index])
            tell(len(results) + n_done, f"learning curve of {self._piece} {index + 1}")
        return self.comparison([results[index] for index in sorted(results)])

    def comparison(self, results: Sequence[SplitResult]) -> Comparison:
        """Return the comparison of finished splits."""
        baseline = next(iter(self.work.arms))
        return Comparison(
            self.name, self.kind, self.work.primary, baseline, tuple(results), self.settings, self.class_names
        )

    @property
    def kind(self) -> str:
        """``draws`` or ``folds``: which statistics apply."""
        return "draws" if isinstance(self.design, Draws) else "folds"

    @property
    def _rounds(self) -> int:
        """How often the learners of a split learn: again, from a part of the rows, where no labels are held back."""
        return 2 if self.factors and self.kind == "folds" else 1

    @property
    def _piece(self) -> str:
        return "draw" if self.kind == "draws" else "fold"

    @property
    def _n_pieces(self) -> int:
        return len(self.splits) * (2 if self.factors else 1)

    def _curves(self, results: Mapping[int, SplitResult]) -> Iterator[tuple[int, tuple[CurvePoint, ...]]]:
        """Measure the learning curve of the best way without a generator's rows on the splits that lack it."""
        if not self.factors:
            return
        found = self.comparison([results[index] for index in sorted(results)])
        others = [arm for arm in found.learned_arms if arm != found.reference]
        asked = fractions_to_measure(self.factors, self.work, found.reference, others)
        points = {(fraction, arm) for fraction, arms in asked.items() for arm in arms}
        todo = [index for index, result in results.items() if not points <= _measured(result)]
        jobs = (delayed(measure_curve)(self.work, index, self.splits[index], asked) for index in sorted(todo))
        yield from Parallel(self.n_jobs, return_as="generator_unordered")(jobs)

    def _results(self, store: SplitStore | None) -> Iterator[SplitResult]:
        finished = [] if store is None else store.finished()
        if store is not None:
            yield from (store.load(index) for index in finished)
        todo = [index for index in range(len(self.splits)) if index not in finished]
        jobs = (delayed(run_split)(self.work, index, self.splits[index]) for index in todo)
        for result in Parallel(self.n_jobs, return_as="generator_unordered")(jobs):
            if store is not None:
                store.save(result)
            yield result

    def _cost_of_learner(self, X: Any, y: Any) -> Cost:
        trial = augmenter_of(self.work, has_unlabelled=self.work.X_unlabeled is not None).set_params(
            max_steps=_TRIAL_STEPS,
            selection="none",
            checkpoint_dir=None,
            resume=False,
            random_state=0,
            callbacks=None,
            verbose=0,
        )
        cores = _cost_of(lambda: trial.fit(X, y, X_unlabeled=self.work.X_unlabeled)).n_cores
        history = trial.history_
        steps = getattr(trial.generator_, "n_steps", None)
        seconds = float(history["seconds"].max()) if len(history) else 0.0
        if len(history) >= 2 and steps is not None:
            first, last = history.iloc[len(history) // 2], history.iloc[-1]
            limit = self.work.augmenter.max_steps
            each = (last["seconds"] - first["seconds"]) / max(1, last["step"] - first["step"])
            seconds = float(each * (steps if limit is None else min(steps, limit)))
        return Cost(seconds, cores)


def _cost_of(work: Callable[[], object]) -> Cost:
    """Do the work, and return what it took in this process."""
    began, busy = time.perf_counter(), time.process_time()
    work()
    seconds = time.perf_counter() - began
    return Cost(seconds, max(1.0, (time.process_time() - busy) / seconds))


def _measured(result: SplitResult) -> set[tuple[float, str]]:
    return {(point.fraction, point.arm) for point in result.curve}


def _numbers_of(rows: Any) -> np.ndarray:
    """Return rows as float64, shape (n, ...); where they hold words or dates a hash of each, int64, shape (n,)."""
    if not isinstance(rows, pd.DataFrame) and np.asarray(rows).dtype != object:
        return np.ascontiguousarray(np.asarray(rows), dtype=np.float64)
    frame = pd.DataFrame(rows)
    if all(map(pd.api.types.is_numeric_dtype, frame.dtypes)):
        return np.ascontiguousarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.array(pd.util.hash_pandas_object(frame, index=False)).view(np.int64)
