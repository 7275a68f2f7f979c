"""``assess_quality``: how good synthetic rows are, per class and beside what real rows would score."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from synthaug._check import check_same_length
from synthaug.data.container import known, unwrap
from synthaug.data.labels import fit_label_codec
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.quality.assess import QualityReport, assess

LabelledRows = tuple[Any, Any]


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

    Returns
    -------
    A report whose ``frame`` has columns ``class`` (a label, or ``"all"``), ``metric``, ``value``, ``floor``,
    ``n_real``, ``n_synthetic``.

    Raises
    ------
    ShapeError, LabelError
        If rows differ in shape from the real ones, or a label is not among theirs.

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
    array, container = unwrap(known(real[0]))
    codec = fit_row_codec(np.asarray(array), container, RowsOptions(image_shape, image_format))
    labels = fit_label_codec(real[1])

    def encode(rows: LabelledRows) -> tuple[torch.Tensor, torch.Tensor]:
        check_same_length(*rows)
        return codec.encode(np.asarray(unwrap(known(rows[0]))[0])), torch.from_numpy(labels.encode(rows[1]))

    schema = codec.schema(len(labels.classes))
    report = assess(
        encode(real),
        encode(synthetic),
        encode(holdout),
        schema=schema,
        feature_network=feature_network,
        k=k,
        seed=random_state,
    )
    names = labels.classes.tolist()
    frame = report.frame.assign(
        **{"class": [c if isinstance(c, str) else names[int(c)] for c in report.frame["class"]]}
    )
    return QualityReport(frame)
