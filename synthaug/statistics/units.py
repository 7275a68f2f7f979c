"""How a metric's numbers are said: shares in percent and points, all others as they are."""

import math
from dataclasses import dataclass

NOT_THERE = "–"
_SHARES = (
    *("accuracy", "balanced_accuracy", "top_k_accuracy", "average_precision", "f1", "fbeta", "jaccard", "precision"),
    *("recall", "roc_auc", "matthews_corrcoef", "cohen_kappa"),
)
_WAYS = ("", "_score", "_binary", "_macro", "_micro", "_samples", "_weighted", "_ovo", "_ovr")
_OF_SHARES = {f"{share}{way}" for share in _SHARES for way in (*_WAYS, "_ovo_weighted", "_ovr_weighted")}
_AT_A_SPECIFICITY = "sensitivity_at_"


@dataclass(frozen=True)
class Unit:
    """How a metric is shown: shares in percent, their differences in points; losses and all else as they are.

    Attributes
    ----------
    factor
        What values are multiplied by.
    points, percent
        The words after a difference and after a value.
    digits
        Decimal places.
    """

    factor: float
    points: str
    percent: str
    digits: int

    def value(self, number: float) -> str:
        """Return a score as text, such as ``84.2 %``."""
        return f"{spoken(number * self.factor, self.digits)}{self.percent}" if math.isfinite(number) else NOT_THERE

    def difference(self, number: float) -> str:
        """Return a difference as text with its sign, such as ``+3.2``."""
        return spoken(number * self.factor, self.digits, sign=True) if math.isfinite(number) else NOT_THERE

    def gain(self, number: float) -> str:
        """Return a difference as text with its sign and its unit, such as ``+3.2 points``."""
        return f"{self.difference(number)}{self.points and f' {self.points}'}"

    def size(self, number: float) -> str:
        """Return the size of a difference as text, such as ``2.1``."""
        return spoken(abs(number) * self.factor, self.digits) if math.isfinite(number) else NOT_THERE


def unit_of(metric: str) -> Unit:
    """Return how a metric is shown: in percent where it is known by its name to end at 1.

    Examples
    --------
    >>> unit_of("balanced_accuracy").difference(0.0321)
    '+3.2'
    >>> unit_of("neg_log_loss").value(-0.5)
    '−0.500'
    >>> unit_of("profit").value(250.0)
    '250.000'
    """
    is_share = metric in _OF_SHARES or metric.startswith(_AT_A_SPECIFICITY)
    return Unit(100.0, "points", " %", 1) if is_share else Unit(1.0, "", "", 3)


def spoken(number: float, digits: int, *, sign: bool = False) -> str:
    """Return a number as text with a true minus sign, and none before a zero."""
    text = f"{number:{'+' if sign else ''}.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")
