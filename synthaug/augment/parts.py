"""What a classifier, a gate and a study are made of, checked in words before anything is learned."""

from collections.abc import Mapping
from typing import Any

from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.fitting import check_classifier, has_method
from synthaug.augment.mix import Mix
from synthaug.errors import ConfigError


def check_parts(estimator: Any, augmenter: Any, gate: Any) -> None:
    """Raise ConfigError unless these are a classifier, an augmenter, and True or False; None stands for a default."""
    check_augmenter(augmenter)
    check_estimator(estimator)
    if isinstance(gate, str) or gate not in (True, False):
        raise ConfigError(f"gate must be True or False; got {gate!r}. Leave the gate out by gate=False.")


def named_candidates(candidates: Any) -> dict[str, Mix] | None:
    """Return the user's own candidates; None for ``auto``.

    Raises
    ------
    ConfigError
        If they are neither ``auto`` nor mixes by name.
    """
    if isinstance(candidates, str) and candidates == "auto":
        return None
    if not isinstance(candidates, Mapping) or not all(isinstance(mix, Mix) for mix in candidates.values()):
        raise ConfigError(
            f"candidates must be 'auto' or a dict of Mix by name; got {candidates!r}. Name them: "
            "candidates={'half': Mix(amount=0.5)}."
        )
    return dict(candidates)


def check_augmenter(augmenter: Any) -> None:
    """Raise ConfigError unless this is an augmenter, or None for the default one."""
    if augmenter is None or isinstance(augmenter, SyntheticAugmenter):
        return
    remedy = (
        "Make one: SyntheticAugmenter()."
        if isinstance(augmenter, type)
        else f"Wrap the learner: SyntheticAugmenter({augmenter!r})."
    )
    raise ConfigError(f"augmenter must be a SyntheticAugmenter; got {augmenter!r}. {remedy}")


def check_estimator(estimator: Any) -> None:
    """Raise ConfigError unless this is a classifier, or None for the default one."""
    if estimator is None:
        return
    if isinstance(estimator, type):
        name = estimator.__name__
        raise ConfigError(f"estimator must be a classifier; got the class {name}. Make one: {name}().")
    if isinstance(estimator, SyntheticAugmenter):
        raise ConfigError(
            f"estimator must be a classifier; got {estimator!r}. Name it: AugmentedClassifier(augmenter=...)."
        )
    if not hasattr(estimator, "fit") or not has_method(estimator, "predict"):
        raise ConfigError(
            f"estimator must be a classifier, with fit and predict; got {estimator!r}. Pass one, such as "
            "LogisticRegression()."
        )
    check_classifier(estimator)
