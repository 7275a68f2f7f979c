"""Fitting and scoring a user's classifier: flat rows where it wants them, weights where it takes them, scores by
block.
"""

from typing import Any

import numpy as np
import torch
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_regressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import has_fit_parameter

from synthaug._seed import LARGEST_SEED, derive
from synthaug.errors import ConfigError
from synthaug.statistics import jackknife_blocks


def weight_parameter(estimator: Any) -> str | None:
    """Return the fit parameter through which an estimator takes row weights; None if it takes none.

    A search takes those of the estimator that it tunes; a vote takes them where all who vote do. With metadata routing
    on neither does, nor does a pipeline: who takes what is the user's to say then, of each part.
    """
    routed = get_config()["enable_metadata_routing"]
    if isinstance(estimator, Pipeline):
        if routed:
            return None
        name, last = estimator.steps[-1]
        inner = weight_parameter(last)
        return None if inner is None else f"{name}__{inner}"
    if has_fit_parameter(estimator, "sample_weight"):
        return "sample_weight"
    return None if routed else _handed_on(estimator)


def _handed_on(estimator: Any) -> str | None:
    """Return the parameter through which what is fitted inside takes row weights, where they are handed on to it."""
    from sklearn.ensemble import VotingClassifier  # not to be paid at import

    if isinstance(estimator, GridSearchCV | RandomizedSearchCV):
        return weight_parameter(estimator.estimator)
    if isinstance(estimator, VotingClassifier):
        taken = {weight_parameter(voter) for _, voter in estimator.estimators if voter != "drop"}
        return "sample_weight" if taken == {"sample_weight"} else None
    return None


def has_method(estimator: Any, name: str) -> bool:
    """Return whether a classifier will have a method once it is fitted.

    A stack that gets its final estimator, logistic regression, only then has ``predict`` and the like only then, too.
    """
    from sklearn.ensemble import StackingClassifier  # not to be paid at import

    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    filled = isinstance(last, StackingClassifier) and last.final_estimator is None
    return hasattr(estimator, name) or (filled and hasattr(LogisticRegression, name))


def own_parameter(estimator: Any, name: str) -> str | None:
    """Return the name under which an estimator, or a pipeline's last step, has a parameter; None if it has none."""
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        inner = own_parameter(last, name)
        return None if inner is None else f"{step}__{inner}"
    return name if name in estimator.get_params(deep=False) else None


def seeded(estimator: Any, seed: int) -> Any:
    """Return a classifier each of whose parts that would draw a seed of its own, ``random_state`` None, has one."""
    parameters = estimator.get_params() if hasattr(estimator, "get_params") else {}
    unseeded = [name for name in sorted(parameters) if name.split("__")[-1] == "random_state"]
    given = {name: derive(seed, name) % LARGEST_SEED for name in unseeded if parameters[name] is None}
    return clone(estimator).set_params(**given) if given else estimator


def fit_classifier(estimator: Any, X: Any, y: Any, weight: np.ndarray | None = None) -> Any:
    """Return a clone of ``estimator`` fitted on the rows, weighted where weights are given.

    Raises
    ------
    ConfigError
        If there are weights and the estimator takes none.
    """
    if weight is None:
        return clone(estimator).fit(X, y)
    parameter = weight_parameter(estimator)
    if parameter is None:
        raise ConfigError(
            f"row weights need an estimator that takes sample_weight; got {type(estimator).__name__}, which does not "
            "name it in fit. Leave out sample_weight and synthetic_weight, or choose another estimator."
        )
    return clone(estimator).fit(X, y, **{parameter: weight})


def as_estimator_wants(estimator: Any, X: Any) -> Any:
    """Return images as flat rows, unless the estimator's tags say that it takes arrays of three dimensions."""
    if np.ndim(X) <= 2 or get_tags(estimator).input_tags.three_d_array:
        return X
    rows = X.detach().cpu().numpy() if isinstance(X, torch.Tensor) else np.asarray(X)
    return rows.reshape(len(rows), -1)


class UnseenRows:
    """Rows as a scorer gets them: to be handed on to ``Answers`` and counted, not to be looked at.

    Scores are taken of answers that were kept, on many parts and resamples of the rows; the rows are no longer there.

    Parameters
    ----------
    numbers
        Row numbers (n,), int.
    """

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._looked_at()

    def __getitem__(self, place: Any) -> Any:
        raise self._looked_at()

    def __iter__(self) -> Any:
        raise self._looked_at()

    def __array__(self, *args: Any, **settings: Any) -> Any:
        raise self._looked_at()

    def _looked_at(self) -> ConfigError:
        return ConfigError(
            "a scorer may look at answers and labels only; got one that looks at the values of X (scores are taken of "
            "answers that were kept, without the rows). Let it use X in estimator.predict(X), "
            "estimator.predict_proba(X), estimator.decision_function(X) and len(X), and nowhere else."
        )


class Answers(ClassifierMixin, BaseEstimator):
    """A classifier's answers to some rows, looked up by row number: any scorer can look at any subset of them.

    Parameters
    ----------
    classes
        The labels, sorted, shape (n_classes,).
    values
        Answers to all rows by method: ``predict``, ``predict_proba``, ``decision_function``, as far as there are.
    """

    def __init__(self, classes: np.ndarray, values: dict[str, np.ndarray]) -> None:
        self.classes = classes
        self.values = values

    @property
    def classes_(self) -> np.ndarray:
        """The labels, as scikit-learn's scorers ask for them."""
        return self.classes

    def fit(self, X: Any = None, y: Any = None) -> "Answers":
        """Return itself: there is nothing to learn."""
        return self

    def predict(self, rows: UnseenRows) -> np.ndarray:
        """Return the predicted labels of rows (n,)."""
        return self._of("predict", rows)

    @available_if(lambda self: "predict_proba" in self.values)
    def predict_proba(self, rows: UnseenRows) -> np.ndarray:
        """Return the class probabilities of rows (n,)."""
        return self._of("predict_proba", rows)

    @available_if(lambda self: "decision_function" in self.values)
    def decision_function(self, rows: UnseenRows) -> np.ndarray:
        """Return the decision function of rows (n,)."""
        return self._of("decision_function", rows)

    def _of(self, method: str, rows: UnseenRows) -> np.ndarray:
        if not isinstance(rows, UnseenRows):
            raise ConfigError(
                f"a scorer may ask {method} of the X that it was given only; got {type(rows).__name__} (no answers "
                f"to others were kept). Write estimator.{method}(X)."
            )
        return self.values[method][rows.numbers]

    def __sklearn_is_fitted__(self) -> bool:
        return True


def check_classifier(estimator: Any) -> None:
    """Raise ConfigError for what says of itself that it predicts numbers."""
    if hasattr(estimator, "__sklearn_tags__") and is_regressor(estimator):
        raise ConfigError(f"estimator must be a classifier; got {estimator!r}, a regressor. Choose its classifier.")


def answers_of(classifier: Any, X: Any) -> Answers:
    """Return a fitted classifier's answers to the rows."""
    if not hasattr(classifier, "classes_"):
        raise ConfigError(
            f"a fitted classifier must have classes_, its labels in order; {type(classifier).__name__} has none. Set "
            "it in fit: self.classes_ = np.unique(y)."
        )
    methods = [name for name in ("predict", "predict_proba", "decision_function") if hasattr(classifier, name)]
    return Answers(classifier.classes_, {name: getattr(classifier, name)(X) for name in methods})


def pool_answers(parts: list[Answers], rows: list[np.ndarray], *, among: np.ndarray | None = None) -> Answers:
    """Return the answers of several classifiers, each to its own rows, as answers to all rows in their order.

    A class that one of them never saw has probability 0 there, and a margin below all others; margins that are not
    one a class are left out. The classes are those that any of them saw, or ``among`` these.
    """
    classes = np.unique(np.concatenate([part.classes for part in parts])) if among is None else among
    order = np.argsort(np.concatenate(rows))
    whole = {"predict_proba": _all_classes, "decision_function": _all_margins}
    values = {}
    for name in set.intersection(*(set(part.values) for part in parts)):
        columns = [whole[name](part, classes) if name in whole else part.values[name] for part in parts]
        if len({column.shape[1:] for column in columns}) == 1:
            values[name] = np.concatenate(columns)[order]
    return Answers(classes, values)


def probabilities_of(classifier: Any, X: Any, classes: np.ndarray) -> np.ndarray:
    """Return a fitted classifier's probabilities of these classes, (n, n_classes): 0 for one that it never saw."""
    return _all_classes(Answers(classifier.classes_, {"predict_proba": classifier.predict_proba(X)}), classes)


def among(classes: np.ndarray, answers: Answers) -> Answers:
    """Return the answers of a classifier that can give these classes only: their probabilities sum to 1."""
    kept = np.isin(answers.classes, classes)
    if kept.all():
        return answers
    values = {"predict": answers.values["predict"]}
    if "predict_proba" in answers.values:
        columns = answers.values["predict_proba"][:, kept]
        total = columns.sum(axis=1, keepdims=True)
        values["predict_proba"] = np.divide(columns, total, out=np.full_like(columns, 1 / kept.sum()), where=total > 0)
    if "decision_function" in answers.values and answers.values["decision_function"].shape[1:] == kept.shape:
        margins = answers.values["decision_function"][:, kept]
        values["decision_function"] = margins[:, 1] - margins[:, 0] if kept.sum() == 2 else margins
    return Answers(answers.classes[kept], values)


def score_blocks(scoring: Any, answers: Answers, y: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    """Return a score's pseudo-values over blocks of rows, shape (n_blocks,); their mean is the score of all rows in
    them.

    Parameters
    ----------
    scoring
        A scorer, its name, or None for accuracy.
    answers, y
        A classifier's answers, and the true labels (n,).
    blocks
        Row numbers of each block.
    """
    scorer = check_scoring(answers, scoring=scoring)
    return jackknife_blocks(lambda rows: float(scorer(answers, UnseenRows(rows), y[rows])), blocks)


def _all_classes(part: Answers, classes: np.ndarray) -> np.ndarray:
    columns = np.zeros((len(part.values["predict_proba"]), len(classes)))
    columns[:, np.searchsorted(classes, part.classes)] = part.values["predict_proba"]
    return columns


def _all_margins(part: Answers, classes: np.ndarray) -> np.ndarray:
    """Return a classifier's margins with a column for each class, or as they are where it knows them all."""
    margins = part.values["decision_function"]
    if len(part.classes) == len(classes):
        return margins
    margins = np.stack([-margins, margins], axis=1) if margins.ndim == 1 else margins
    if margins.shape[1] != len(part.classes):
        return margins
    columns = np.full((len(margins), len(classes)), margins.min() - 1)
    columns[:, np.searchsorted(classes, part.classes)] = margins
    return columns
