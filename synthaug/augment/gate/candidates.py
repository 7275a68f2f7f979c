"""What the gate tries: mixes by name, the simplest first."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from synthaug.augment.fitting import weight_parameter
from synthaug.augment.mix import Mix

NOTHING = "nothing"
_LOW_WEIGHT = 0.3

Candidates = Mapping[str, Mix]


def auto_candidates(estimator: Any, *, images: bool) -> dict[str, Mix]:
    """Return the gate's candidates beside nothing: the less synthetic rows count in one, the earlier it stands.

    First what needs no learner: the plan filled up with real rows, repeated and, for images, transformed. Then, for
    images, half and half with transformed synthetic rows, and synthetic rows alone; for tables half of the plan, and
    all of it. For classifiers that take weights one of them is also tried with synthetic rows of a low weight.
    """
    weighs = weight_parameter(estimator) is not None
    if images:
        both = Mix(synthetic_fraction=0.5, classic=True)
        light = {"classic+gan, low weight": replace(both, synthetic_weight=_LOW_WEIGHT)} if weighs else {}
        return {"classic": Mix(synthetic_fraction=0.0, classic=True), **light, "classic+gan": both, "gan": Mix()}
    light = {"gan, low weight": Mix(synthetic_weight=_LOW_WEIGHT)} if weighs else {}
    return {"repeat": Mix(synthetic_fraction=0.0), **light, "gan x0.5": Mix(amount=0.5), "gan": Mix()}
