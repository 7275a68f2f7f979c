"""Ways to use added rows: one function mixes them with the real ones and fits the classifier.

A ``Mix`` says which rows are added and how they are used; a ``Setting`` says all that stays the same while mixes are
compared. The arms, the gate and ``AugmentedClassifier`` fit through here, so that a way of use is the same in each.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone

from synthaug._seed import derive
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.fitting import as_estimator_wants, fit_classifier, own_parameter, weight_parameter
from synthaug.augment.in_turn import fit_in_turn, why_not_in_turn
from synthaug.augment.mix import Mix, Mixed, Source, adds_synthetic, mix_rows, reads_images
from synthaug.augment.plan import Counts, counts_of
from synthaug.augment.teachers import Teachers, cross_fit, soften, teaches
from synthaug.data.container import known, take, unwrap
from synthaug.errors import ConfigError


class NotApplicable(ConfigError):  # noqa: N818  no error of the user's
    """A way to train that does not fit the rows or the classifier; its message says why."""


@dataclass(frozen=True)
class Setting:
    """What stays the same while mixes are compared.

    Attributes
    ----------
    estimator
        The classifier to train; cloned, never fitted itself.
    augmenter
        Says how rows are to be read (``image_shape``, ...).
    source
        What draws synthetic rows; None where no mix asks for any.
    plan
        Rows to add to each class at ``amount`` 1.
    transform
        What ``classic`` does: see ``transform_images``.
    seed
        Decides everything random.
    weight
        Weights of the real rows (n,); None where all are 1. An added row weighs its mix's weight times their mean.
    groups
        Which real rows belong together (n,), or None.
    """

    estimator: Any
    augmenter: SyntheticAugmenter
    source: Source | None
    plan: Counts
    transform: Any
    seed: int
    weight: np.ndarray | None = None
    groups: np.ndarray | None = None


@dataclass(frozen=True)
class Fitted:
    """What a mix gave.

    Attributes
    ----------
    classifier
        The fitted classifier.
    n_added
        How many rows it saw beside the real ones.
    """

    classifier: Any
    n_added: int


def fit_mix(mix: Mix, X: Any, y: Any, setting: Setting) -> Fitted:
    """Return the classifier fitted on the real rows and those that the mix adds, in the way that the mix says.

    Parameters
    ----------
    mix
        What is added, and how it is used.
    X, y
        Real rows and labels, as the user has them.
    setting
        Everything else.

    Raises
    ------
    NotApplicable
        If the classifier cannot be trained in this way; the message says why.
    """
    check_applies(mix, X, setting)
    mix, setting = _on_the_fly(mix, setting) if mix.classic else (mix, setting)
    mix, setting = _weighing(mix, setting) if mix.class_weight else (mix, setting)
    mixed = _mixed(mix, X, y, setting)
    if mix.labels == "soft" and mixed.n_added:
        mixed = soften(mixed, y, _teachers(mix, X, y, setting))
    weight = _weights(mix, mixed)
    if mix.order == "pretrain" and mixed.n_added:
        classifier = _pretrained(mix, replace(mixed, weight=weight), X, y, setting)
    else:
        rows = as_estimator_wants(setting.estimator, mixed.X)
        classifier = fit_classifier(setting.estimator, rows, mixed.y, weight)
    return Fitted(classifier, mixed.n_added)


def setting_of_part(setting: Setting, y: Any, rows: np.ndarray, *, seed: int) -> Setting:
    """Return the setting for some of the real rows, without synthetic ones: the plan shrinks with each class."""
    all_of, part = counts_of(y), counts_of(take(y, rows))
    plan = {label: round(n * part.get(label, 0) / all_of[label]) for label, n in setting.plan.items() if n}
    weight = None if setting.weight is None else setting.weight[rows]
    return replace(setting, source=None, plan=plan, seed=seed, weight=weight, groups=None)


def check_weights(estimator: Any, what: str) -> None:
    """Raise NotApplicable, saying what needs them, unless a classifier takes weights of rows."""
    if weight_parameter(estimator) is None:
        name = type(estimator).__name__
        raise NotApplicable(
            f"{what} needs an estimator that takes sample_weight; got {name}, which does not name it in fit"
        )


def check_applies(mix: Mix, X: Any, setting: Setting) -> None:
    """Raise NotApplicable with the reason if a mix does not fit the rows or the classifier; nothing is drawn."""
    if mix.class_weight and own_parameter(setting.estimator, "class_weight") is None:
        check_weights(setting.estimator, "a weight of classes")
    if not mix.amount:
        return
    if mix.classic and not reads_images(setting.augmenter, X):
        raise NotApplicable("a table has no classical transforms")
    if mix.synthetic_weight != 1.0:
        check_weights(setting.estimator, "a weight of synthetic rows")
    if mix.labels == "soft":
        check_weights(setting.estimator, "training on soft labels")
        _check_teaches(setting.estimator)
    reason = why_not_in_turn(setting.estimator) if mix.order == "pretrain" else None
    if reason:
        raise NotApplicable(reason)


def _check_teaches(estimator: Any) -> None:
    if not teaches(estimator):
        raise NotApplicable(f"soft labels need a classifier with predict_proba; {type(estimator).__name__} has none")


def _on_the_fly(mix: Mix, setting: Setting) -> tuple[Mix, Setting]:
    """Return the mix without transforms and the classifier with them, if it transforms rows itself while it learns."""
    own = _with_own(setting, "image_transform", setting.transform)
    return (mix, setting) if own is None else (replace(mix, classic=False), own)


def _weighing(mix: Mix, setting: Setting) -> tuple[Mix, Setting]:
    """Return the mix without weights of classes and the classifier with them, if it has a parameter for these.

    A classifier's own goes by how many rows a class has. Where rows weigh differently, those of each are balanced by
    their weights in its place, if it takes weights of rows.
    """
    by_rows = setting.weight is not None or (adds_synthetic(mix) and mix.synthetic_weight != 1.0)
    if by_rows and weight_parameter(setting.estimator) is not None:
        return mix, _with_own(setting, "class_weight", None) or setting
    own = _with_own(setting, "class_weight", mix.class_weight)
    return (mix, setting) if own is None else (replace(mix, class_weight=None), own)


def _with_own(setting: Setting, name: str, value: Any) -> Setting | None:
    """Return the setting with a parameter of the classifier set; None if the classifier has none of this name."""
    parameter = own_parameter(setting.estimator, name)
    if parameter is None:
        return None
    return replace(setting, estimator=clone(setting.estimator).set_params(**{parameter: value}))


def _teachers(mix: Mix, X: Any, y: Any, setting: Setting) -> Teachers:
    """Return clones of the classifier that were fitted on parts of the real rows, filled up by the plan."""

    def fit(train: np.ndarray, number: int) -> Any:
        part = setting_of_part(setting, y, train, seed=derive(setting.seed, "teacher", number))
        alike = Mix(synthetic_fraction=0.0, classic=mix.classic)
        return fit_mix(alike, take(X, train), take(y, train), part).classifier

    try:
        return cross_fit(fit, X, y, groups=setting.groups, seed=setting.seed)
    except ConfigError as error:
        raise NotApplicable(str(error)) from error


def _pretrained(mix: Mix, mixed: Mixed, X: Any, y: Any, setting: Setting) -> Any:
    """Return the classifier fitted on the rows added, then on the real ones, which repeated rows fill up.

    Real rows of a class without any added stand in for them, so that the classifier sees every class from the start.
    """
    real = np.asarray(unwrap(known(y))[0])
    added = np.asarray(unwrap(known(mixed.y))[0])[len(y) :]
    places = np.concatenate([np.flatnonzero(~np.isin(real, added)), np.arange(len(y), len(mixed.y))])
    finish = _mixed(Mix(mix.amount, 0.0, mix.classic), X, y, setting)
    stages = [
        (take(mixed.X, places), take(mixed.y, places), None if mixed.weight is None else mixed.weight[places]),
        (finish.X, finish.y, _weights(mix, finish)),
    ]
    first, last = ((as_estimator_wants(setting.estimator, rows), labels, w) for rows, labels, w in stages)
    return fit_in_turn(setting.estimator, first, last)


def _mixed(mix: Mix, X: Any, y: Any, setting: Setting) -> Mixed:
    """Return the rows to train on.

    Where real rows have weights, a repeated one keeps its own, and a synthetic one has the mix's times their mean.
    """
    mixed = mix_rows(
        mix,
        X,
        y,
        source=setting.source,
        augmenter=setting.augmenter,
        plan=setting.plan,
        transform=setting.transform,
        seed=setting.seed,
    )
    real = setting.weight
    if real is None:
        return mixed
    own = np.ones(len(mixed.y)) if mixed.weight is None else mixed.weight
    n_drawn = mixed.n_added - len(mixed.origins)
    return replace(mixed, weight=own * np.concatenate([real, real[mixed.origins], np.full(n_drawn, real.mean())]))


def _weights(mix: Mix, mixed: Mixed) -> np.ndarray | None:
    """Return a weight for each row, the real ones first; None where all are 1."""
    return mixed.weight if mix.class_weight is None else _balanced(mixed, mixed.weight)


def _balanced(mixed: Mixed, weight: np.ndarray | None) -> np.ndarray:
    """Return weights (n,) that are the same in all for every class, and as great together as those given."""
    classes = np.unique(np.asarray(unwrap(known(mixed.y))[0]), return_inverse=True)[1]
    weight = np.ones(len(classes)) if weight is None else weight
    totals = np.bincount(classes, weight)
    return weight * weight.sum() / (len(totals) * np.maximum(totals, np.finfo(float).tiny)[classes])
