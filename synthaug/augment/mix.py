"""A mix: which rows are put beside the real ones. Arms and the gate's candidates are mixes.

Every mix fills up the same plan (so many rows for each class), or a multiple of it, so that ways to train can be
compared at equal counts; it says which share of those rows is synthetic. The others are real rows, transformed; with
``classic`` the synthetic ones are too.
"""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from synthaug._check import check_choice, check_fraction
from synthaug._seed import derive, numpy_stream
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.classic import transform_images
from synthaug.augment.plan import Counts, counts_of, plan_counts
from synthaug.data.container import join, known, take, unwrap
from synthaug.data.images import ImageCodec
from synthaug.data.labels import fit_label_codec
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.data.tables import TableCodec

_MOST = 1000.0


@dataclass(frozen=True)
class Mix:
    """Which rows are added.

    Attributes
    ----------
    amount
        Rows added, as a multiple of the plan; 0 adds none.
    synthetic_fraction
        Share of the rows added that are synthetic; the rest are transformed real rows.
    classic
        Whether transforms are applied to the rows added.
    synthetic_weight
        Weight of a synthetic row where a real one has 1.
    labels
        What an added row is labelled with: ``hard``, its class; ``soft``, half its class and half the probabilities
        that teachers give it, each fitted on a part of the real rows (those for a repeated row come from the teacher
        that never saw it).
    order
        ``together``, or ``pretrain``: fit on the added rows first, finish on the real ones.
    class_weight
        ``balanced``: every class weighs the same in all, as in scikit-learn, however many rows it has; None: every row
        does.

    Examples
    --------
    Let the gate choose between nothing, half of the plan, and three times the plan at a low weight.

    >>> from synthaug import AugmentedClassifier, Mix
    >>> candidates = {"half": Mix(amount=0.5), "many, light": Mix(amount=3.0, synthetic_weight=0.2)}
    >>> model = AugmentedClassifier(candidates=candidates)
    """

    amount: float = 1.0
    synthetic_fraction: float = 1.0
    classic: bool = False
    synthetic_weight: float = 1.0
    labels: Literal["hard", "soft"] = "hard"
    order: Literal["together", "pretrain"] = "together"
    class_weight: Literal["balanced"] | None = None

    def __post_init__(self) -> None:
        """Raise ConfigError if a number is out of range or a word is none of those known."""
        check_fraction("amount", self.amount, most=_MOST)
        check_fraction("synthetic_fraction", self.synthetic_fraction)
        check_fraction("synthetic_weight", self.synthetic_weight, most=_MOST)
        check_choice("labels", self.labels, ("hard", "soft"))
        check_choice("order", self.order, ("together", "pretrain"))
        if self.class_weight is not None:
            check_choice("class_weight", self.class_weight, ("balanced",))


REAL_ALONE = Mix(amount=0.0)
CLASS_WEIGHT = Mix(amount=0.0, class_weight="balanced")
REPEAT = Mix(synthetic_fraction=0.0)
CLASSIC = Mix(synthetic_fraction=0.0, classic=True)
CLASSIC_TWICE = Mix(amount=2.0, synthetic_fraction=0.0, classic=True)
CLASSIC_GAN = Mix(amount=2.0, synthetic_fraction=0.5, classic=True)  # all that *classic* adds, and as many synthetic


def adds_synthetic(mix: Mix) -> bool:
    """Return whether a mix adds synthetic rows."""
    return bool(mix.amount and mix.synthetic_fraction)


class Source(Protocol):
    """What synthetic rows are drawn from."""

    def sample(self, n_per_class: Any, *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for."""


@dataclass(frozen=True)
class Mixed:
    """Rows to train on: the real ones first, then those added.

    Attributes
    ----------
    X, y
        Rows and labels in the user's container.
    weight
        A weight for each row, or None where all are 1.
    n_added
        How many rows were added.
    origins
        Which real rows the first of those added repeat (m,); the others are synthetic.
    """

    X: Any
    y: Any
    weight: np.ndarray | None
    n_added: int
    origins: np.ndarray


def mix_rows(
    mix: Mix,
    X: Any,
    y: Any,
    *,
    source: Source | None,
    augmenter: SyntheticAugmenter,
    plan: Counts,
    transform: Any,
    seed: int,
) -> Mixed:
    """Return the real rows and what the mix adds to them.

    Parameters
    ----------
    mix
        What to add.
    X, y
        Real rows and labels, as the user has them.
    source
        What draws synthetic rows; None if the mix asks for none.
    augmenter
        Says how rows are to be read (``image_shape``, ...).
    plan
        Rows to add to each class at ``amount`` 1.
    transform
        What ``classic`` does: see ``transform_images``.
    seed
        Decides everything random.
    """
    asked = {label: round(mix.amount * n) for label, n in plan.items()}
    synthetic = {label: round(mix.synthetic_fraction * n) for label, n in asked.items()}
    repeated = {label: n - synthetic[label] for label, n in asked.items()}
    parts_X, parts_y, weights = [X], [y], [np.ones(len(y))]
    rows = repeat_rows(y, repeated, seed)
    if len(rows):
        parts_X.append(
            _transformed(take(X, rows), X, augmenter, transform, derive(seed, "real")) if mix.classic else take(X, rows)
        )
        parts_y.append(take(y, rows))
        weights.append(np.ones(len(rows)))
    if any(synthetic.values()) and source is not None:
        X_new, y_new = source.sample(synthetic, random_state=derive(seed, "synthetic"))
        parts_X.append(_transformed(X_new, X, augmenter, transform, derive(seed, "fake")) if mix.classic else X_new)
        parts_y.append(y_new)
        weights.append(np.full(len(y_new), mix.synthetic_weight))
    return _together(parts_X, parts_y, np.concatenate(weights), rows)


def plan_for(augmenter: SyntheticAugmenter, y: Any) -> Counts:
    """Return how many rows the augmenter's strategy adds to each class of ``y``."""
    return plan_counts(counts_of(unwrap(known(y))[0]), augmenter.sampling_strategy, augmenter.n_synthetic)


def reads_images(augmenter: SyntheticAugmenter, X: Any) -> bool:
    """Return whether an augmenter reads the rows as images."""
    return np.ndim(X) > 2 or augmenter.image_shape is not None


def codec_of(X: Any, augmenter: SyntheticAugmenter) -> ImageCodec | TableCodec:
    """Return the codec of rows, read as an augmenter reads them."""
    plain, container = unwrap(known(X))
    options = RowsOptions(augmenter.image_shape, augmenter.image_format, augmenter.categorical_features)
    return fit_row_codec(plain, container, options)


def repeat_rows(y: Any, counts: Counts, seed: int) -> np.ndarray:
    """Return numbers of rows to repeat, with replacement only where a class has fewer rows than are asked for."""
    codec = fit_label_codec(y)
    labels, stream = codec.encode(y), numpy_stream(seed, "repeat")
    chosen = [np.empty(0, dtype=np.int64)]
    for label, n in counts.items():
        if n:
            rows = np.flatnonzero(labels == codec.number(label))
            rounds = [stream.permutation(rows) for _ in range(-(-n // len(rows)))]
            chosen.append(np.concatenate(rounds)[:n])
    return np.concatenate(chosen)


def _together(parts_X: list[Any], parts_y: list[Any], weight: np.ndarray, origins: np.ndarray) -> Mixed:
    X, y = parts_X[0], parts_y[0]
    for more_X, more_y in zip(parts_X[1:], parts_y[1:], strict=True):
        X, y = join(X, more_X), join(y, more_y)
    return Mixed(X, y, None if (weight == 1).all() else weight, len(weight) - len(parts_y[0]), origins)


def _transformed(rows: Any, like: Any, augmenter: SyntheticAugmenter, transform: Any, seed: int) -> Any:
    codec = codec_of(like, augmenter)
    assert isinstance(codec, ImageCodec)
    images = codec.encode(np.asarray(unwrap(known(rows))[0]))
    return codec.decode(transform_images(images, transform, seed=seed).clamp(-1.0, 1.0))
