"""The records that a study leaves: what the report shows, the tracker logs and ``--resume`` reads back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from synthaug.experiment.column_figures import ColumnFigures

FULL, FULL_UNLABELLED = "full", "full, unlabelled rows"
_A_GAN = re.compile(r"(?<![a-z])[^\Waeiou\d_]*gan(?![a-z])")  # a word: gan, cgan, ctgan; no organ, no began


@dataclass(frozen=True)
class LearnerRecord:
    """What one learner did on the training rows of one split.

    Attributes
    ----------
    name
        ``full`` for the learner of all training rows of the split, ``full, unlabelled rows`` for one that saw rows
        without labels too, ``inner 0``, ``inner 1``, ... for the gate's.
    n_rows
        How many training rows it saw.
    seconds
        Wall time of learning.
    parameters
        The learner's hyper-parameters, by name.
    history
        One row a logged step: ``step``, ``images_seen``, ``seconds``, then a column for each loss term.
    quality
        One row a class and metric: ``class``, ``metric``, ``value``, ``floor``; empty where it was not measured.
    real, synthetic
        Rows to look at: a few real and a few synthetic images of each class, shape (n_classes, k, h, w, c), uint8;
        empty (size 0) for tables and where real rows may not be shown.
    folder
        Where the learner is saved, relative to the study's folder; None where it was not kept.
    columns
        How a table's columns compare with real ones, as figures; None for images and where it was not measured.
    """

    name: str
    n_rows: int
    seconds: float
    parameters: dict[str, Any]
    history: pd.DataFrame
    quality: pd.DataFrame
    real: np.ndarray
    synthetic: np.ndarray
    folder: str | None = None
    columns: ColumnFigures | None = None

    @property
    def of_all_rows(self) -> bool:
        """Whether it learned from all training rows of its split, unlike the gate's."""
        return self.name in (FULL, FULL_UNLABELLED)


@dataclass(frozen=True)
class CurvePoint:
    """What one arm scored on one split with a part or a multiple of its training rows.

    Attributes
    ----------
    arm
        The arm.
    fraction
        Training rows, as a multiple of the split's.
    n_rows
        How many real rows it learned from.
    value
        The primary metric.
    blocks
        The metric's pseudo-values, shape (n_blocks,), as in ``SplitResult.blocks``; empty for folds.
    """

    arm: str
    fraction: float
    n_rows: int
    value: float
    blocks: np.ndarray


@dataclass(frozen=True)
class SplitResult:
    """Everything that one split (a draw of the training rows, or a fold) gave.

    Attributes
    ----------
    index, repeat, fold
        Its number in the study, the repeat (or draw) and the fold in it.
    n_train, n_test
        How many rows were learned from and scored on.
    scores
        ``scores[arm][metric]``; higher is better for every metric.
    blocks
        ``blocks[arm]``, shape (n_blocks,): the primary metric's pseudo-values over the same blocks of test rows for
        every arm; their mean is the score. Empty for folds: only the crossed test of the label-scarce design needs
        them.
    skipped
        ``skipped[arm]``: why an arm does not apply.
    n_added
        ``n_added[arm]``: how many rows the arm put beside the real ones.
    seconds
        ``seconds[arm]``: wall time of the arm without the shared learner's.
    decision
        The gate's table (columns candidate, score, gain, low, high, chosen, why, synthetic); empty without a gate.
    explanation
        The gate's sentence, or "".
    learners
        The learners of this split.
    recalls
        ``recalls[arm]``, shape (n_classes,): the share of each class's test rows that the arm gets right; NaN for a
        class without a test row.
    curve
        What arms scored with other numbers of rows; empty unless label-equivalence was asked for.
    learned
        The arms that asked for the shared learner or went through the gate, whatever their names, and arms of the
        user's own that are named after a GAN; None where nobody noted it: then names decide.
    replicates
        ``replicates[arm][metric]``, shape (n_resamples,): the metric on each resample of the groups of test rows, the
        same resamples for every arm and split; empty unless intervals by bootstrap were asked for.
    gated_arm
        The arm whose gate decided, if one did.
    answers
        ``answers[arm]``: a digest of what the arm's classifier answered to the test rows, the same for the same
        probabilities (margins or labels, where it gives none); empty where nobody noted it.
    """

    index: int
    repeat: int
    fold: int
    n_train: int
    n_test: int
    scores: dict[str, dict[str, float]]
    blocks: dict[str, np.ndarray]
    skipped: dict[str, str]
    n_added: dict[str, int]
    seconds: dict[str, float]
    decision: pd.DataFrame = field(default_factory=pd.DataFrame)
    explanation: str = ""
    learners: tuple[LearnerRecord, ...] = ()
    recalls: dict[str, np.ndarray] = field(default_factory=dict)
    curve: tuple[CurvePoint, ...] = ()
    learned: tuple[str, ...] | None = None
    replicates: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    gated_arm: str = "gated"
    answers: dict[str, str] = field(default_factory=dict)

    @property
    def learned_arms(self) -> list[str]:
        """The arms that train on rows of a learned generator, or may: as noted, or else by their names."""
        return [arm for arm in self.scores if (is_learned(arm) if self.learned is None else arm in self.learned)]

    @property
    def gate_took_learned_rows(self) -> bool:
        """Whether the gate chose a candidate with synthetic rows; by its name where an older table does not say."""
        if self.decision.empty:
            return False
        chosen = self.decision[self.decision["chosen"].astype(bool)].iloc[0]
        return bool(chosen["synthetic"]) if "synthetic" in chosen else is_learned(str(chosen["candidate"]))


def shown_learners(splits: Sequence[SplitResult]) -> list[LearnerRecord]:
    """Return the learners that a study shows: those of all training rows, one a split, or else the gate's."""
    learners = [learner for split in splits for learner in split.learners]
    kinds = ([one for one in learners if one.name == name] for name in (FULL, FULL_UNLABELLED))
    return next(filter(None, kinds), learners)


def is_learned(arm: str) -> bool:
    """Return whether an arm, by its name, trains on rows of a learned generator, or may.

    Examples
    --------
    >>> is_learned("classic+gan"), is_learned("my_ctgan"), is_learned("gated"), is_learned("organ crops")
    (True, True, True, False)
    """
    return arm == "gated" or _A_GAN.search(arm.lower()) is not None
