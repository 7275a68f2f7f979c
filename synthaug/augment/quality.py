"""``assess_quality``: how good synthetic rows are, per class and beside what real rows would score.

``audit_copies``: how much they give away of the rows they were learned from.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthaug._check import check_same_length
from synthaug.augment.fingerprints import take_fingerprints, warn_of_training_rows
from synthaug.data.container import known, unwrap
from synthaug.data.groups import check_sets_apart, checked_groups
from synthaug.data.images import ImageCodec
from synthaug.data.labels import fit_label_codec
from synthaug.data.rows import RowsOptions, encode_to_compare, fit_row_codec
from synthaug.data.schema import Schema
from synthaug.errors import ShapeError
from synthaug.quality.assess import QualityReport, assess, told_apart
from synthaug.quality.audit import CopyAudit, audit
from synthaug.quality.membership import Groups

LabelledRows = tuple[Any, Any]
_TIMES = 15  # 0 to 16 beside 0 to 1, and all that lie further apart
_UNIT = (0.5, 1.0)  # where the largest pixel lies on a scale that ends at 1


def assess_quality(
    real: LabelledRows,
    synthetic: LabelledRows,
    holdout: LabelledRows,
    *,
    image_shape: tuple[int, ...] | None = None,
    image_format: str = "auto",
    feature_network: Callable[[torch.Tensor], torch.Tensor] | None = None,
    k: int = 5,
    random_state: int = 0,
    groups: tuple[Any, Any] | None = None,
) -> QualityReport:
    """Return the quality of synthetic rows, for each class and for all, beside a real-against-real floor at equal n.

    Parameters
    ----------
    real
        ``(X, y)``: the rows that were learned from.
    synthetic
        ``(X, y)``: the rows to assess.
    holdout
        ``(X, y)``: real rows that were not learned from; they set the floor.
    image_shape, image_format
        As in ``SyntheticAugmenter``.
    feature_network
        Images or rows as tensors to features (n, d), in the place of the fixed random network; adds ``frechet``.
    k
        Which nearest neighbour sets the reach of precision, recall, density and coverage.
    random_state
        Seed of the random network, the classifier's folds and subsampling.
    groups
        Which of the real rows, and which of the held-out rows, belong together (patients): a pair (n,), (m,).

    Returns
    -------
    A report whose ``frame`` has columns ``class`` (a label, or ``"all"``), ``metric``, ``value``, ``floor``,
    ``n_real``, ``n_synthetic``, ``low`` and ``high``. A class that is labelled ``"all"`` is ``"all (class)"`` there.

    Raises
    ------
    ShapeError, LabelError
        If rows differ in shape or, images, in the scale of their pixels from the real ones, a label is not among
        theirs, or a group is on both sides.

    Warns
    -----
    LeakWarning
        If a held-out row was learned from.

    Notes
    -----
    Images are on another scale than the real ones, such as 0 to 1 beside 0 to 255, if the largest pixel of one side is
    at least 0.5 and below a fifteenth of what half of the other side's rows reach. Dark rows pass: those on the other
    side's grey levels (whole numbers, or multiples of 1/255), if their type can hold what it reaches, and beside a
    side without grey levels those that go beyond 1.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from synthaug import assess_quality
    >>> X, y = load_digits(return_X_y=True)
    >>> rows = [(X[part::3], y[part::3]) for part in range(3)]
    >>> report = assess_quality(*rows, image_shape=(8, 8))
    >>> bool(report.frame.query("`class` == 'all' and metric == 'agreement'")["value"].item() > 0.9)
    True
    """
    sets, schema, names = _encoded(real, synthetic, holdout, RowsOptions(image_shape, image_format))
    _warn_of_learned(real, holdout)
    numbered = _numbered(groups, len(real[0]), len(holdout[0]))
    report = assess(*sets, schema=schema, feature_network=feature_network, k=k, seed=random_state, groups=numbered)
    return QualityReport(_named(report.frame, names))


def audit_copies(
    real: LabelledRows,
    synthetic: LabelledRows,
    holdout: LabelledRows,
    *,
    image_shape: tuple[int, ...] | None = None,
    image_format: str = "auto",
    feature_network: Callable[[torch.Tensor], torch.Tensor] | None = None,
    random_state: int = 0,
    groups: tuple[Any, Any] | None = None,
) -> CopyAudit:
    """Return how much synthetic rows give away of the rows they were learned from, calibrated by rows held back.

    Three figures for each class and for all: the ``copy_rate`` (share of synthetic rows that lie nearer to a training
    row than 95 % of the held-out rows do, so about 0.05 of new real rows), the ``distance_ratio`` (median distance to
    the nearest training row over that of held-out rows, so about 1 of new real rows) and the ``membership_auc`` (how
    well nearness to synthetic rows tells training rows from held-out ones: 0.5 is chance, 1 is always), with its
    interval. ``assess_quality`` reports the same beside the figures of quality.

    Parameters
    ----------
    real
        ``(X, y)``: the rows that were learned from.
    synthetic
        ``(X, y)``: the rows to audit. The more of them, the more an attacker has.
    holdout
        ``(X, y)``: real rows that were not learned from and come from where the training rows do: 20 at least, and of
        other patients. Rows of another hospital would be told from the training rows by that alone.
    image_shape, image_format, feature_network, random_state, groups
        As in ``assess_quality``. With groups the interval is as wide as their number warrants.

    Returns
    -------
    The audit; ``str`` of it is a sentence, ``frame`` the table.

    Raises
    ------
    ShapeError, LabelError
        If rows differ in shape or, images, in the scale of their pixels from the real ones (see ``assess_quality``), a
        label is not among theirs, or a group is on both sides.

    Warns
    -----
    LeakWarning
        If a held-out row was learned from.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from synthaug import audit_copies
    >>> X, y = load_digits(return_X_y=True)
    >>> real, new, holdout = ((X[part:600:3], y[part:600:3]) for part in range(3))
    >>> print(audit_copies(real, real, holdout, image_shape=(8, 8)))
    Training rows show: ...
    >>> bool(audit_copies(real, new, holdout, image_shape=(8, 8)).betrays)
    False
    """
    sets, schema, names = _encoded(real, synthetic, holdout, RowsOptions(image_shape, image_format))
    _warn_of_learned(real, holdout)
    numbered = _numbered(groups, len(real[0]), len(holdout[0]))
    found = audit(*sets, schema=schema, feature_network=feature_network, seed=random_state, groups=numbered)
    return CopyAudit(_named(found.frame, names))


def _encoded(
    real: LabelledRows, synthetic: LabelledRows, holdout: LabelledRows, options: RowsOptions
) -> tuple[list[tuple[torch.Tensor, torch.Tensor]], Schema, list[Any]]:
    """Return the three sets as tensors, what a row is, and the classes' labels, all as the real rows have them."""
    array, container = unwrap(known(real[0]))
    codec, labels = fit_row_codec(array, container, options), fit_label_codec(real[1])

    def encode(rows: LabelledRows) -> tuple[torch.Tensor, torch.Tensor]:
        check_same_length(*rows)
        return encode_to_compare(codec, unwrap(known(rows[0]))[0]), torch.from_numpy(labels.encode(rows[1]))

    sets = [encode(rows) for rows in (real, synthetic, holdout)]
    if isinstance(codec, ImageCodec):
        for name, (rows, _) in (("synthetic", synthetic), ("holdout", holdout)):
            _check_scale(name, rows, np.asarray(array), codec, options)
    return sets, codec.schema(len(labels.classes)), labels.classes.tolist()


def _check_scale(name: str, rows: Any, real: np.ndarray, codec: ImageCodec, options: RowsOptions) -> None:
    """Raise ShapeError if images are on another scale than the real ones, shape (n, ...), whose codec is given."""
    plain, container = unwrap(known(rows))
    images = np.asarray(plain)
    if not len(images):
        return
    theirs = fit_row_codec(images, container, options)
    assert isinstance(theirs, ImageCodec)
    if _far_below(images, real, theirs.step, codec.step) or _far_below(real, images, codec.step, theirs.step):
        raise ShapeError(
            f"pixels of {name} must be on the scale of real, {codec.low:g} to {codec.high:g}; got {theirs.low:g} to "
            f"{theirs.high:g}. Rescale one of them."
        )


def _far_below(images: np.ndarray, others: np.ndarray, step: float, step_of_others: float) -> bool:
    """Return whether images (n, ...) are on a lower scale than others (m, ...); steps of grey levels are 0 for none."""
    peak, reached = float(_peaks(images).max()), float(np.median(_peaks(others)))
    holds = np.iinfo(images.dtype).max if images.dtype.kind in "iu" else math.inf
    if (step == step_of_others > 0 and holds >= reached) or images.min() == images.max():
        return False
    return _UNIT[0] <= peak < reached / _TIMES and (step_of_others > 0 or peak <= _UNIT[1])


def _peaks(images: np.ndarray) -> np.ndarray:
    """Return the largest absolute value of each image, shape (n,)."""
    flat = images.reshape(len(images), -1)
    return np.maximum(flat.max(1).astype(np.float64), -flat.min(1).astype(np.float64))


def _numbered(groups: tuple[Any, Any] | None, n_real: int, n_holdout: int) -> Groups | None:
    """Return the groups of real and of held-out rows as numbers, checked: ShapeError if one is on both sides."""
    if groups is None:
        return None
    first = checked_groups(groups[0], n_real, name="groups of real")
    second = checked_groups(groups[1], n_holdout, name="groups of holdout")
    if first is None or second is None:
        raise ShapeError("groups must be a pair, those of real and those of holdout; got None in it. Give both.")
    check_sets_apart(first, second, names=("real", "holdout"))
    real, holdout = (torch.from_numpy(np.unique(side, return_inverse=True)[1]) for side in (first, second))
    return real, holdout


def _named(frame: pd.DataFrame, names: list[Any]) -> pd.DataFrame:
    said = told_apart(names)
    return frame.assign(**{"class": [c if isinstance(c, str) else said[int(c)] for c in frame["class"]]})


def _warn_of_learned(real: LabelledRows, holdout: LabelledRows) -> None:
    found = take_fingerprints(holdout[0]).found_in(take_fingerprints(real[0]))
    warn_of_training_rows(found, name="holdout", stacklevel=3)
