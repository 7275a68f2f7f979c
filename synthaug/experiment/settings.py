"""What a study notes of itself: everything to reproduce it, the same in every process."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from synthaug.experiment.designs import Design, Draws, Splitter
from synthaug.experiment.environment import environment
from synthaug.experiment.work import Work

_OF_THE_MACHINE = ("callbacks", "checkpoint_dir", "resume", "verbose", "device")


def settings_of(work: Work, design: Design, n_jobs: int | None) -> dict[str, Any]:
    """Return everything to reproduce a study, as JSON holds it."""
    parameters = work.augmenter.get_params(deep=False).items()
    said = ((name, value) for name, value in parameters if name not in _OF_THE_MACHINE)
    augmenter = {name: value if isinstance(value, str) else _described(value) for name, value in said}
    described = with_plain_keys(asdict(design)) if isinstance(design, Draws) else _described(_of_the_caller(design))
    return {
        "estimator": _described(work.estimator),
        "augmenter": augmenter,
        "arms": list(work.arms),
        "design": json.loads(json.dumps(described, default=str)),
        "scoring": work.primary,
        "metrics": list(work.metrics),
        "image_transform": work.transform if isinstance(work.transform, str) else _described(work.transform),
        "include_real_rows": work.include_real_rows,
        **({} if work.groups is None else {"n_groups": len(np.unique(work.groups))}),
        **({} if work.X_unlabeled is None else {"n_unlabelled": len(work.X_unlabeled)}),
        **({"bootstrap": work.n_resamples} if work.n_resamples else {}),
        "seed": work.seed,
        "n_jobs": n_jobs,
        "versions": environment(),
    }


def with_plain_keys(value: Any) -> Any:
    """Return nested settings with keys that JSON takes: others, such as numpy's numbers, become text.

    Examples
    --------
    >>> import numpy as np
    >>> with_plain_keys({"rows_per_class": {np.int64(1): 10, (0, 1): 4}})
    {'rows_per_class': {'1': 10, '(0, 1)': 4}}
    """
    if isinstance(value, Mapping):
        plain = str | int | float | None
        return {key if isinstance(key, plain) else str(key): with_plain_keys(part) for key, part in value.items()}
    return [with_plain_keys(part) for part in value] if isinstance(value, list | tuple) else value


def _of_the_caller(design: Design) -> Any:
    """Return what the caller passed as ``cv``."""
    return design.splitter if isinstance(design, Splitter) else design


def _described(value: Any) -> str:
    """Return an object in words that are the same in every process: whole, and without addresses in memory."""
    whole = value.__repr__(N_CHAR_MAX=math.inf) if isinstance(value, BaseEstimator) else repr(value)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", whole)
