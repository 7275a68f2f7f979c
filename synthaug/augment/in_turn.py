"""Two stages of fitting: a classifier learns from some rows first and goes on with others."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from synthaug.augment.fitting import own_parameter, weight_parameter

_OF_TREES = ("n_estimators", "max_leaf_nodes")
Stage = tuple[Any, Any, np.ndarray | None]


def why_not_in_turn(estimator: Any) -> str | None:
    """Return why a classifier cannot go on learning from other rows; None if it can.

    One with ``warm_start`` or ``partial_fit`` can, also as a pipeline's last step. Trees cannot: with ``warm_start``
    an ensemble keeps those it has and adds others.
    """
    last = estimator
    while isinstance(last, Pipeline):
        last = last.steps[-1][1]
    if any(own_parameter(last, name) is not None for name in _OF_TREES):
        return f"pretraining needs a classifier that goes on learning; {type(last).__name__} would only add trees"
    if own_parameter(last, "warm_start") is None and not hasattr(last, "partial_fit"):
        return f"pretraining needs a classifier with warm_start or partial_fit; {type(last).__name__} has neither"
    return None


def fit_in_turn(estimator: Any, first: Stage, last: Stage) -> Any:
    """Return a clone fitted on the rows of the first stage, then further on those of the last.

    Parameters
    ----------
    estimator
        A classifier with ``warm_start`` or ``partial_fit``, or a pipeline that ends in one; what stands before it is
        fitted on the rows of the last stage.
    first, last
        Rows, labels and weights (or None). Both stages hold every class.
    """
    if isinstance(estimator, Pipeline):
        return _pipeline_in_turn(clone(estimator), first, last)
    if own_parameter(estimator, "warm_start") is None:
        return _partly_fitted(clone(estimator), first, last)
    model = clone(estimator).set_params(warm_start=True)
    for X, y, weight in (first, last):
        model.fit(X, y, **_weighted(model, weight))
    return model.set_params(warm_start=estimator.warm_start)


def _pipeline_in_turn(pipeline: Pipeline, first: Stage, last: Stage) -> Pipeline:
    name, tail = pipeline.steps[-1]
    if len(pipeline.steps) > 1:
        head = pipeline[:-1].fit(last[0], last[1])
        first, last = ((head.transform(X), y, weight) for X, y, weight in (first, last))
        pipeline.steps[:-1] = head.steps
    pipeline.steps[-1] = (name, fit_in_turn(tail, first, last))
    return pipeline


def _partly_fitted(model: Any, first: Stage, last: Stage) -> Any:
    classes = np.unique(np.asarray(last[1]))
    for X, y, weight in (first, last):
        model.partial_fit(X, y, classes=classes, **_weighted(model, weight))
    return model


def _weighted(model: Any, weight: np.ndarray | None) -> dict[str, np.ndarray]:
    parameter = weight_parameter(model)
    return {} if weight is None or parameter is None else {parameter: weight}
