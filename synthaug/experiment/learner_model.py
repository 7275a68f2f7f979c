"""A saved learner as an MLflow model: how many rows of each label in, rows out.

MLflow stores only the learner's own files (weights and JSON, no pickle) and the name of this module, which reads them
back through ``_load_pyfunc``. MLflow is imported inside functions only, after ``tracking.client`` has switched its
telemetry off.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug._version import __version__
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.errors import ConfigError

if TYPE_CHECKING:
    from mlflow.models import ModelSignature


class LearnerModel:
    """Draws synthetic rows from a learner when MLflow asks for a prediction.

    Parameters
    ----------
    augmenter
        A fitted augmenter.

    Examples
    --------
    >>> import pandas as pd
    >>> from synthaug import CGAN, SyntheticAugmenter
    >>> X, y = pd.DataFrame({"age": range(20)}, dtype=float), ["ill", "well"] * 10
    >>> augmenter = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), random_state=0).fit(X, y)
    >>> rows = LearnerModel(augmenter).predict(pd.DataFrame({"label": ["ill"], "n": [2]}))
    >>> rows.columns.tolist(), rows["label"].tolist()
    (['age', 'label'], ['ill', 'ill'])
    """

    def __init__(self, augmenter: SyntheticAugmenter):
        self.augmenter = augmenter

    def predict(self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Return the rows asked for, a column a feature (images flat, ``pixel_0``, ...), then their label.

        Parameters
        ----------
        model_input
            Columns ``label`` and ``n``, how many rows of it.
        params
            ``random_state`` for the same rows on every call.

        Raises
        ------
        ConfigError
            If one of the two columns is missing.
        LabelError
            If a label is none of the learner's.
        """
        if not {"label", "n"} <= set(model_input.columns):
            raise ConfigError(
                f"model_input must have the columns label and n; got {', '.join(map(str, model_input.columns))}. "
                "Give one row a label."
            )
        counts = model_input.groupby("label", sort=False, dropna=False)["n"].sum()
        wanted = dict(zip(counts.index.tolist(), counts.tolist(), strict=True))
        X, y = self.augmenter.sample(wanted, random_state=(params or {}).get("random_state"))
        return self._frame(X, y)

    def _frame(self, X: Any, y: Any) -> pd.DataFrame:
        rows = X.reset_index(drop=True) if isinstance(X, pd.DataFrame) else self._columns(np.asarray(X))
        label = next(word for word in ("label", "label_", "synthaug label") if word not in rows.columns)
        return pd.concat([rows, pd.Series(np.asarray(y), name=label)], axis=1)

    def _columns(self, rows: np.ndarray) -> pd.DataFrame:
        word = "feature" if self.augmenter.image_shape_ is None else "pixel"
        flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
        return pd.DataFrame(flat, columns=[f"{word}_{i}" for i in range(flat.shape[1])])


def _load_pyfunc(data_path: str) -> LearnerModel:
    """Return the model that MLflow asks for: the learner saved in a folder."""
    return LearnerModel(SyntheticAugmenter.load(Path(data_path)))


def save_model(path: Path, folder: Path, identity: tuple[str, str, str]) -> None:
    """Write a saved learner as an MLflow model: its files as they are, and the name of the module that reads them.

    Parameters
    ----------
    path
        Where to.
    folder
        The saved learner.
    identity
        The model's location, its run and its number in MLflow.
    """
    from mlflow import pyfunc
    from mlflow.models import Model

    location, run_id, model_id = identity
    pyfunc.save_model(
        path,
        loader_module="synthaug.experiment.learner_model",
        data_path=str(folder),
        mlflow_model=Model(location, run_id, model_uuid=model_id, model_id=model_id),
        signature=_signature(),
        pip_requirements=[f"synthaug=={__version__}"],  # asking MLflow to infer them takes seconds
    )


def _signature() -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema

    columns = Schema([ColSpec(AnyType(), "label"), ColSpec(DataType.long, "n")])
    return ModelSignature(columns, params=ParamSchema([ParamSpec("random_state", DataType.long, None)]))
