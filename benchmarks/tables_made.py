"""Two made tables whose structure is known, so that what a learner kept of it can be said exactly.

*clinic*: numbers of every kind, categories and missing values around three hidden factors; the label is a coin whose
odds follow from the row. One rule always holds: whoever was not admitted stayed no night.

*switch*: a category says which of two numbers decides the label: neither number tells it alone. One row in four is of
class 1; six columns are noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

_WARDS = ["surgery", "medicine", "children", "eyes", "heart", "nerves", "skin", "bones"]


@dataclass(frozen=True)
class Structure:
    """What is known of a made table.

    Attributes
    ----------
    draw
        A frame of n rows, labels left out, from a generator and n.
    odds
        The true probability of class 1 of each row of a frame, shape (n,).
    broken
        Which rows break a rule that real rows never break, shape (n,), bool.
    """

    draw: Callable[[np.random.Generator, int], pd.DataFrame]
    odds: Callable[[pd.DataFrame], np.ndarray]
    broken: Callable[[pd.DataFrame], np.ndarray]


def make_table(name: str, n_rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows and labels (n,), 0 or 1, of a made table."""
    rng, structure = np.random.default_rng(seed), STRUCTURES[name]
    frame = structure.draw(rng, n_rows)
    return frame, (rng.random(n_rows) < structure.odds(frame)).astype(np.int64)


def make_wide(n_rows: int, n_columns: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows of any width around five hidden factors, a third of the columns categories, and labels (n,), 0 or 1.

    For measuring time and memory: no figure of quality is taken of it.
    """
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n_rows, 5))
    numbers = hidden @ rng.normal(size=(5, n_columns)) / np.sqrt(5) + 0.5 * rng.normal(size=(n_rows, n_columns))
    frame = pd.DataFrame(numbers, columns=[f"x{column}" for column in range(n_columns)])
    words = {name: _cut(_WARDS, frame[name].to_numpy()) for name in frame.columns[::3]}
    return frame.assign(**words), (hidden[:, 0] + rng.normal(size=n_rows) > 0.5).astype(np.int64)


def label_truth(name: str, frame: pd.DataFrame, y: np.ndarray) -> float:
    """Return the mean true probability of the labels given the rows: of rows and labels that belong together it is
    what the real ones have.
    """
    odds = STRUCTURES[name].odds(frame)
    return float(np.where(y == 1, odds, 1 - odds).mean())


def _clinic(rng: np.random.Generator, n_rows: int) -> pd.DataFrame:
    severity, age_factor, habit = rng.normal(size=(3, n_rows))
    admitted = rng.random(n_rows) < expit(severity)
    frame = pd.DataFrame(
        {
            "age": np.clip(np.rint(55 + 14 * age_factor), 18, 99).astype(np.int64),
            "pressure": np.rint(125 + 9 * age_factor + 8 * severity + 6 * rng.normal(size=n_rows)),
            "creatinine": np.exp(0.35 * severity + 0.2 * rng.normal(size=n_rows)).round(2),
            "drinks": np.where(habit > 0, np.rint(4 * habit**2), 0).astype(np.int64),
            "nights": np.where(admitted, 1 + rng.poisson(np.exp(0.6 + 0.5 * severity)), 0).astype(np.int64),
            "temperature": (36.8 + 0.4 * np.abs(severity) * rng.standard_t(4, n_rows) / 2).round(1),
            "admitted": pd.Categorical(np.where(admitted, "yes", "no"), ["no", "yes"]),
            "smoker": _cut(["never", "former", "current"], 0.9 * habit + 0.44 * rng.normal(size=n_rows)),
            "ward": _cut(_WARDS, 0.8 * age_factor + 0.6 * rng.normal(size=n_rows)),
        }
    )
    untested = rng.random(n_rows) < expit(-1.4 - severity)
    return frame.assign(creatinine=frame["creatinine"].mask(untested))


def _cut(names: list[str], hidden: np.ndarray) -> pd.Categorical:
    """Return categories cut from a standard normal number (n,), each 0.7 times as frequent as the one before."""
    shares = 0.7 ** np.arange(len(names))
    limits = norm.ppf(np.cumsum(shares / shares.sum())[:-1])
    return pd.Categorical.from_codes(np.searchsorted(limits, hidden), names)


def _clinic_odds(frame: pd.DataFrame) -> np.ndarray:
    creatinine = np.log(frame["creatinine"].clip(lower=0.05)).fillna(-0.3)
    smoker, ward = frame["smoker"].astype(object), frame["ward"].astype(object)
    points = (
        0.05 * (frame["age"] - 55)
        + 0.04 * (frame["pressure"] - 125)
        + 1.8 * creatinine
        + 0.9 * (smoker == "current")
        + 0.7 * ((ward == "heart") | (ward == "surgery"))
        + 0.4 * (frame["nights"] > 2)
    )
    return expit(points.to_numpy(float) - 1.6)


def _clinic_broken(frame: pd.DataFrame) -> np.ndarray:
    return ((frame["admitted"].astype(object) == "yes") != (frame["nights"] > 0)).to_numpy()


def _switch(rng: np.random.Generator, n_rows: int) -> pd.DataFrame:
    numbers = rng.normal(size=(n_rows, 8)).round(3)
    frame = pd.DataFrame(numbers, columns=[f"x{column}" for column in range(8)])
    return frame.assign(side=pd.Categorical(np.where(rng.random(n_rows) < 0.5, "left", "right"), ["left", "right"]))


def _switch_odds(frame: pd.DataFrame) -> np.ndarray:
    deciding = np.where(frame["side"].astype(object) == "left", frame["x0"], frame["x1"])
    return 0.02 + 0.94 * expit(6 * (deciding - 0.8))


def _never(frame: pd.DataFrame) -> np.ndarray:
    return np.zeros(len(frame), dtype=bool)


STRUCTURES: dict[str, Structure] = {
    "clinic": Structure(_clinic, _clinic_odds, _clinic_broken),
    "switch": Structure(_switch, _switch_odds, _never),
}
