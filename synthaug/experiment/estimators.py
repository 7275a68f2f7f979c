"""The classifiers that a pipeline may name: exact classes, never modules, so that a file cannot run arbitrary code."""

import importlib
import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from synthaug.errors import ConfigError, FileError, unknown_word


def estimator_class(name: str) -> type:
    """Return the classifier class of a name in ``ESTIMATORS``, which is imported only now.

    Raises
    ------
    ConfigError
        If the name is not in the list; the nearest one is named.
    """
    if name not in ESTIMATORS:
        raise unknown_word("estimator", name, ESTIMATORS)
    module, attribute = ESTIMATORS[name].split(":")
    return getattr(importlib.import_module(module), attribute)


def parameter_names(cls: type) -> list[str]:
    """Return the names of the parameters that a class's ``__init__`` takes."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [name for name, p in inspect.signature(cls).parameters.items() if p.kind in kinds]


def build_estimator(name: str, params: Mapping[str, Any], *, standardise: bool = False, seed: int | None = None) -> Any:
    """Return the classifier that a pipeline names.

    Parameters
    ----------
    name
        One of ``ESTIMATORS``.
    params
        Its parameters.
    standardise
        Whether columns get mean 0 and variance 1 first, learned on the training rows.
    seed
        What ``random_state`` becomes where the class has one and ``params`` says nothing.

    Raises
    ------
    ConfigError
        If the class is not in the list or refuses a parameter.

    Examples
    --------
    >>> build_estimator("SVC", {"C": 10}, seed=0)
    SVC(C=10, random_state=0)
    """
    cls = estimator_class(name)
    seeded = {"random_state": seed} if seed is not None and "random_state" in parameter_names(cls) else {}
    try:
        estimator = cls(**{**seeded, **params})
    except TypeError as error:
        raise ConfigError(f"params must fit {name}; got {dict(params)!r} ({error}).") from error
    return _standardised(estimator) if standardise else estimator


def _standardised(estimator: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), estimator)


def why_refused(name: str, params: Mapping[str, Any]) -> str | None:
    """Return why the classifier refuses its parameters, in its own words; None if it fits a few made-up rows.

    Those that go by the data's columns or classes are not tried: the rows here have four and two.
    """
    params = {key: value for key, value in params.items() if key not in _OF_THE_DATA and not isinstance(value, Mapping)}
    estimator = build_estimator(name, params)
    for slow in ("n_estimators", "max_iter", "n_steps"):
        if type(params.get(slow)) is int and params[slow] > 2:
            estimator.set_params(**{slow: 2})
    if "n_steps" in parameter_names(type(estimator)) and params.get("n_steps", "auto") == "auto":
        estimator.set_params(n_steps=2)
    if "verbose" in params:
        estimator.set_params(verbose=0)
    rows, labels = _made_up_rows(estimator), np.arange(60) % 2
    try:
        with warnings.catch_warnings(action="ignore"):
            estimator.fit(rows, labels)
    except (ValueError, TypeError, OverflowError, FileError) as error:
        return str(error).splitlines()[0]
    return None


def _made_up_rows(estimator: Any) -> np.ndarray:
    """Return 60 rows of a table, or images where the classifier reads no others."""
    reads_images = "image_shape" in parameter_names(type(estimator))
    shape = (estimator.image_shape or (8, 8)) if reads_images else (4,)
    return np.random.default_rng(0).normal(size=(60, *shape)) ** 2


_OF_THE_DATA = ("priors", "n_components", "categorical_features", "monotonic_cst", "interaction_cst")
ESTIMATORS: dict[str, str] = {
    "LogisticRegression": "sklearn.linear_model:LogisticRegression",
    "RidgeClassifier": "sklearn.linear_model:RidgeClassifier",
    "SGDClassifier": "sklearn.linear_model:SGDClassifier",
    "SVC": "sklearn.svm:SVC",
    "LinearSVC": "sklearn.svm:LinearSVC",
    "KNeighborsClassifier": "sklearn.neighbors:KNeighborsClassifier",
    "GaussianNB": "sklearn.naive_bayes:GaussianNB",
    "LinearDiscriminantAnalysis": "sklearn.discriminant_analysis:LinearDiscriminantAnalysis",
    "QuadraticDiscriminantAnalysis": "sklearn.discriminant_analysis:QuadraticDiscriminantAnalysis",
    "DecisionTreeClassifier": "sklearn.tree:DecisionTreeClassifier",
    "RandomForestClassifier": "sklearn.ensemble:RandomForestClassifier",
    "ExtraTreesClassifier": "sklearn.ensemble:ExtraTreesClassifier",
    "GradientBoostingClassifier": "sklearn.ensemble:GradientBoostingClassifier",
    "HistGradientBoostingClassifier": "sklearn.ensemble:HistGradientBoostingClassifier",
    "MLPClassifier": "sklearn.neural_network:MLPClassifier",
    "ConvNetClassifier": "synthaug.experiment.convnet:ConvNetClassifier",
    "FrozenFeaturesClassifier": "synthaug.experiment.frozen_features:FrozenFeaturesClassifier",
    "PretrainedClassifier": "synthaug.experiment.pretrained:PretrainedClassifier",
}
