"""What was seen of a learner while it trained, in the user's own terms: labels, and rows as they came."""

from typing import Any

import numpy as np
import pandas as pd

from synthaug.generators import Learner

LOOK_COLUMNS = ("step", "class", "distance", "diversity", "measured_on")


def snapshots_of(learner: Learner | None, codec: Any, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return samples of the same noise and labels, drawn as training went on.

    Parameters
    ----------
    learner
        What was fitted; None, or one that looks at nothing while it trains, has no snapshots.
    codec
        What decodes rows.
    labels
        The label of each of the learner's classes, shape (n_classes,).

    Returns
    -------
    ``steps`` (t,), ``labels`` (k,), and ``images`` (t, k, ...): rows as ``sample`` gives them, as an array.
    """
    snapshots: list[tuple[int, Any]] = getattr(learner, "snapshots_", [])
    if not snapshots:
        return {"steps": np.empty(0, dtype=np.int64), "labels": labels[:0], "images": np.empty((0, 0))}
    decoded = [np.asarray(codec.decode(samples)) for _, samples in snapshots]
    numbers = getattr(learner, "snapshot_labels_").numpy()  # noqa: B009  not every learner has it
    return {
        "steps": np.array([step for step, _ in snapshots]),
        "labels": labels[numbers],
        "images": np.stack(decoded),
    }


def looks_of(learner: Learner | None, labels: np.ndarray) -> pd.DataFrame:
    """Return the quality of drawn rows over the time of training: a row for each look and class.

    Parameters
    ----------
    learner, labels
        As in ``snapshots_of``.

    Returns
    -------
    Columns ``step``, ``class``, ``distance`` (kernel distance to real rows in random features, 0 where equal),
    ``diversity`` (mean pairwise distance over the real rows') and ``measured_on`` (held-out or training rows).
    """
    names, on = labels.tolist(), getattr(learner, "watched_", "")
    rows = [
        (look.step, name, distance, diversity, on)
        for look in getattr(learner, "looks_", [])
        for name, distance, diversity in zip(names, look.distance, look.diversity, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(LOOK_COLUMNS))
