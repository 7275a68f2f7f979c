"""What the gate tries: mixes by name, the simplest first."""

from collections.abc import Mapping
from typing import Any

from synthaug.augment.fitting import weight_parameter
from synthaug.augment.mix import CLASSIC_GAN, Mix

NOTHING = "nothing"
_LOW_WEIGHT = 0.3

Candidates = Mapping[str, Mix]


def auto_candidates(estimator: Any, *, images: bool) -> dict[str, Mix]:
    """Return the gate's candidates beside nothing.

    First what needs no learner: the plan filled up with real rows, repeated and, for images, transformed. Then, for
    images, those and as many transformed synthetic rows beside, and synthetic rows alone. For tables synthetic rows of
    a low weight, where the classifier takes weights, half of the plan, and all of it.
    """
    if images:
        return {"classic": Mix(synthetic_fraction=0.0, classic=True), "classic+gan": CLASSIC_GAN, "gan": Mix()}
    weighs = weight_parameter(estimator) is not None
    light = {"gan, low weight": Mix(synthetic_weight=_LOW_WEIGHT)} if weighs else {}
    return {"repeat": Mix(synthetic_fraction=0.0), **light, "gan x0.5": Mix(amount=0.5), "gan": Mix()}
