"""What the gate tries: mixes by name, the simplest first."""

from collections.abc import Mapping
from typing import Any

from synthaug.augment.fitting import own_parameter, weight_parameter
from synthaug.augment.mix import CLASS_WEIGHT, CLASSIC, CLASSIC_GAN, CLASSIC_TWICE, REPEAT, Mix

NOTHING = "nothing"
_LOW_WEIGHT = 0.3

Candidates = Mapping[str, Mix]


def auto_candidates(estimator: Any, *, images: bool) -> dict[str, Mix]:
    """Return the gate's candidates beside nothing.

    First what needs no learner: for images, real ones transformed, and twice as many; for tables, the plan filled up
    with real rows again, and, where the classifier takes such, weights of classes. Then, for images, transformed rows
    and as many transformed synthetic ones beside, and synthetic rows alone; for tables synthetic rows of a low weight,
    where the classifier takes weights, half of the plan, and all of it.
    """
    if images:
        return {"classic": CLASSIC, "classic twice": CLASSIC_TWICE, "classic+gan": CLASSIC_GAN, "gan": Mix()}
    weighs = weight_parameter(estimator) is not None
    balances = weighs or own_parameter(estimator, "class_weight") is not None
    weights = {"class_weight": CLASS_WEIGHT} if balances else {}
    light = {"gan, low weight": Mix(synthetic_weight=_LOW_WEIGHT)} if weighs else {}
    return {"repeat": REPEAT, **weights, **light, "gan x0.5": Mix(amount=0.5), "gan": Mix()}
