"""Is the difference large enough to matter? Probabilities beside a region in which two arms count as equal.

The t distribution of a paired test, read as what is known of the true difference δ::

    δ ~ d + se · t(df)        P(gain) = P(δ > rope)    P(equal) = P(|δ| ≤ rope)    P(loss) = P(δ < -rope)

For repeated folds it is the posterior of the Bayesian correlated t-test under its flat prior (Corani & Benavoli, 2015),
which has the standard error of Nadeau & Bengio; for draws it is the same reading of the crossed test.
"""

from dataclasses import dataclass

from synthaug.errors import ConfigError
from synthaug.statistics.paired import PairedTest

DEFAULT_ROPE = 0.005


@dataclass(frozen=True)
class Practical:
    """How probable a difference that matters is; the three sum to 1.

    Attributes
    ----------
    gain
        Probability that the true difference is above the region.
    equal
        Probability that it lies in the region, whose ends belong to it.
    loss
        Probability that it is below the region.
    rope
        Half the width of the region of practical equivalence, in the metric's unit.
    """

    gain: float
    equal: float
    loss: float
    rope: float


def practical_equivalence(test: PairedTest, *, rope: float = DEFAULT_ROPE) -> Practical:
    """Return the probabilities that a difference is a gain, no matter, or a loss.

    Parameters
    ----------
    test
        The paired test of the difference.
    rope
        Differences from ``-rope`` to ``rope`` count as none, in the metric's unit: 0.005 is half a point. At least 0.

    Raises
    ------
    ConfigError
        If ``rope`` is negative or not finite.

    References
    ----------
    Corani & Benavoli, "A Bayesian approach for comparing cross-validated algorithms on multiple data sets", 2015.
    Benavoli, Corani, Demšar & Zaffalon, "Time for a change: a tutorial for comparing multiple classifiers through
    Bayesian analysis", 2017.

    Examples
    --------
    >>> from synthaug.statistics import corrected_resampled_t_test, practical_equivalence
    >>> test = corrected_resampled_t_test([0.02, 0.05, 0.03, 0.04, 0.01], n_train=80, n_test=20)
    >>> found = practical_equivalence(test)
    >>> print(f"gain {found.gain:.2f}, equal {found.equal:.2f}, loss {found.loss:.2f}")
    gain 0.96, equal 0.02, loss 0.01
    """
    check_rope(rope)
    if test.standard_error == 0:  # every difference was 0
        return Practical(0.0, 1.0, 0.0, float(rope))
    from scipy.stats import t

    above, below = ((edge - test.difference) / test.standard_error for edge in (rope, -rope))
    gain, loss = float(t.sf(above, test.df)), float(t.cdf(below, test.df))
    return Practical(gain, max(0.0, 1.0 - gain - loss), loss, float(rope))


def check_rope(rope: float) -> float:
    """Return half the width of a region of practical equivalence, or raise ConfigError."""
    if rope is None or isinstance(rope, str) or not 0 <= rope < float("inf"):
        raise ConfigError(f"rope must be at least 0; got {rope!r}. Write half a point as 0.005.")
    return rope
