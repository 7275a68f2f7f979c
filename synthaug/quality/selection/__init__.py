"""Which drawn rows are kept: named ways to select, each fitted on the training rows when a learner has learned them.

========== ==================================================================== =====================================
name       keeps                                                                source
========== ==================================================================== =====================================
none       every row
agreement  rows that classifiers, cross-fitted on real rows, give to the class  Ravuri & Vinyals 2019; Xue et al. 2019
distance   rows near the centre of the class in feature space                   Xue et al. 2019
density    rows where a Gaussian of the class in feature space is dense         DeVries et al. 2020; Lee et al. 2018
hard       rows that are right, yet nearer to the boundary than most real ones  Han et al. 2005
best       the quarter of each chunk that a classifier is surest of             Razavi et al. 2019
novelty    rows that are not predicted to be copies of training rows            Meehan et al. 2020
========== ==================================================================== =====================================

Names joined by ``+`` (``agreement+density``) keep what each of them keeps.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
from torch import Tensor

from synthaug._check import check_choice
from synthaug.data.schema import Schema, TableSchema
from synthaug.errors import ConfigError, FileError
from synthaug.quality.selection.agreement import ANOTHER_CLASS, Agreement, fit_agreement
from synthaug.quality.selection.best import Best, fit_best
from synthaug.quality.selection.combined import SEPARATOR, Combined, restore_combined
from synthaug.quality.selection.density import Density, fit_density
from synthaug.quality.selection.distance import Distance, fit_distance
from synthaug.quality.selection.everything import Everything, fit_nothing
from synthaug.quality.selection.hard import Hard, fit_hard
from synthaug.quality.selection.novelty import Novelty, fit_novelty
from synthaug.quality.selection.protocol import Review, Selection

__all__ = [
    "ANOTHER_CLASS",
    "SELECTIONS",
    "Everything",
    "Review",
    "Selection",
    "check_selection",
    "fit_selection",
    "restore_selector",
]


_FEW_ROWS = 2000


def check_selection(name: str) -> str:
    """Return the name of a way to select, or of several joined by ``+``.

    Raises
    ------
    ConfigError
        If a name is unknown, or one is joined with itself or with ``none``.
    """
    parts = name.split(SEPARATOR) if isinstance(name, str) else [name]
    if len(parts) == 1:
        return check_choice("selection", name, ["auto", *SELECTIONS])
    for part in parts:
        check_choice("selection", part, [known for known in SELECTIONS if known != "none"])
    if len(set(parts)) < len(parts):
        raise ConfigError(f"selection must join different ways to select; got {name!r}. Name each once.")
    return name


def fit_selection(
    name: str,
    x: Tensor,
    y: Tensor,
    *,
    schema: Schema,
    seed: int = 0,
    groups: np.ndarray | None = None,
    learner: Any = None,
) -> Selection:
    """Return a selector fitted on training rows.

    Parameters
    ----------
    name
        ``auto`` (agreement; for tables of up to 2,000 rows, whose learners come near to single rows, novelty too), a
        key of ``SELECTIONS``, or several joined by ``+``.
    x, y
        Training rows, images (n, c, h, w) in [-1, 1] or tables (n, d), float32, and labels (n,), int64.
    schema
        What the rows are.
    seed
        Names the random features and the folds.
    groups
        Which rows belong together, shape (n,): a group is held out whole.
    learner
        The learner whose rows will be selected; ``novelty`` draws from it.

    Raises
    ------
    ConfigError
        If the name is unknown.
    ShapeError, LabelError
        If rows and labels differ in number, there are none, or a label is not one of the schema's classes.

    Examples
    --------
    >>> import torch
    >>> from synthaug.data.schema import Column, TableSchema
    >>> schema = TableSchema((Column("a", "number"),), n_classes=2)
    >>> x = torch.tensor([[-1.0], [-1.2], [-0.9], [1.0], [1.1], [0.9]])
    >>> selector = fit_selection("agreement+distance", x, torch.tensor([0, 0, 0, 1, 1, 1]), schema=schema)
    >>> review = selector.review(torch.tensor([[-1.0], [-1.0], [-3.0]]), torch.tensor([0, 1, 0]))
    >>> {reason: dropped.tolist() for reason, dropped in review.dropped.items() if dropped.any()}
    {'another class': [False, True, False], 'far from the class': [False, False, True]}
    """
    check_selection(name)
    few = isinstance(schema, TableSchema) and len(x) <= _FEW_ROWS and learner is not None
    auto = ["agreement", "novelty"] if few else ["agreement"]
    parts = [auto if part == "auto" else [part] for part in name.split(SEPARATOR)]
    names = tuple(dict.fromkeys(chain.from_iterable(parts)))
    fits = [SELECTIONS[part] for part in names]
    fitted = [fit(x, y, schema=schema, seed=seed, groups=groups, learner=learner) for fit in fits]
    return fitted[0] if len(fitted) == 1 else Combined(names, tuple(fitted))


def restore_selector(tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> Selection:
    """Return the selector of any kind that ``state()`` described.

    Raises
    ------
    FileError
        If the kind is unknown, or a tensor or setting is missing or of the wrong shape.
    """
    kind = settings.get("selection")
    if "parts" in settings:
        return restore_combined(tensors, settings, lambda held, part: restore_selector(held, part, schema))
    if kind not in _RESTORE:
        raise FileError(f"a saved selector must be one of {', '.join(_RESTORE)}; got {kind!r}. Update synthaug.")
    return _RESTORE[kind](tensors, settings, schema)


_RESTORE: dict[str, Callable[[dict[str, Tensor], dict[str, Any], Schema], Selection]] = {
    "none": Everything.from_state,
    "agreement": Agreement.from_state,
    "distance": Distance.from_state,
    "density": Density.from_state,
    "hard": Hard.from_state,
    "best": Best.from_state,
    "novelty": Novelty.from_state,
}

SELECTIONS: dict[str, Callable[..., Selection]] = {
    "none": fit_nothing,
    "agreement": fit_agreement,
    "distance": fit_distance,
    "density": fit_density,
    "hard": fit_hard,
    "best": fit_best,
    "novelty": fit_novelty,
}
