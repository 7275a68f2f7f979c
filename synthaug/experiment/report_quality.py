"""The figures that a study's learners left of their rows, by the names that the study has for its classes."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from synthaug.experiment.results import SplitResult, shown_learners
from synthaug.quality.assess import ALL, told_apart


def quality_tables(splits: Sequence[SplitResult], *, names: Sequence[str]) -> list[pd.DataFrame]:
    """Return the quality of each learner shown that has any, its classes by name, and ``"all"`` for all of them.

    Parameters
    ----------
    splits
        The study's splits.
    names
        The classes, in the order of their labels.
    """
    tables = [learner.quality for learner in shown_learners(splits) if len(learner.quality)]
    classes = [[label for label in dict.fromkeys(table["class"]) if label != ALL] for table in tables]
    most = sorted(classes, key=len)[-1] if classes else []
    said = names_of(most, told_apart(names))
    return [table.assign(**{"class": [str(said.get(label, label)) for label in table["class"]]}) for table in tables]


def names_of(labels: Iterable[Any], names: Sequence[str]) -> dict[Any, str]:
    """Return the name of each label, in their order; none where labels, counted once, are more or fewer than names."""
    found = list(dict.fromkeys(labels))
    return dict(zip(found, names, strict=True)) if len(found) == len(names) else {}
