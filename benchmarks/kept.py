"""An augmenter that learns the same rows once: the arms and estimators of a study share its learners, whichever
process asks, and so does a study that goes on after an interruption.
"""

import os
import shutil
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from synthaug import SyntheticAugmenter
from synthaug.training.checkpoint import fingerprint

_OF_THE_PLAN = ("sampling_strategy", "n_synthetic", "checkpoint_dir", "resume", "callbacks", "verbose")


class KeptAugmenter(SyntheticAugmenter):
    """A ``SyntheticAugmenter`` whose ``checkpoint_dir`` is where what was learned and drawn is kept, by its inputs."""

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, X_unlabeled: Any = None) -> Self:
        """Learn, or take what was learned from the same rows with the same parameters and seed."""
        folder = self._folder_of([X, y, groups, X_unlabeled])
        if not folder.exists():
            plain = SyntheticAugmenter(**{**self.get_params(deep=False), "checkpoint_dir": None, "resume": False})
            _save(plain.fit(X, y, groups=groups, X_unlabeled=X_unlabeled), folder)
        learned = vars(SyntheticAugmenter.load(folder))
        vars(self).update({name: value for name, value in learned.items() if name.endswith("_")})
        self.kept_ = folder
        self.plan_ = self._plan(self.class_counts_)
        return self

    def sample(self, n_per_class: Any, *, random_state: int | None = None) -> tuple[Any, Any]:
        """Draw rows, or take those that were drawn with the same counts, selection and seed."""
        if random_state is None:
            return super().sample(n_per_class)
        asked = {"counts": str(n_per_class), "seed": random_state, "selector": type(self.selector_).__name__}
        path = self.kept_ / f"rows-{fingerprint((), asked)[:24]}.npz"
        if not path.exists():
            X, y = super().sample(n_per_class, random_state=random_state)
            partial = path.with_suffix(f".{os.getpid()}.npz")
            np.savez_compressed(partial, X=X, y=y)
            os.replace(partial, path)
        with np.load(path) as rows:
            return rows["X"], rows["y"]

    def _folder_of(self, rows: list[Any]) -> Path:
        parameters = {name: value for name, value in self.get_params().items() if name not in _OF_THE_PLAN}
        assert self.checkpoint_dir is not None
        assert self.random_state is not None
        tensors = tuple(torch.as_tensor(np.ascontiguousarray(part)) for part in rows if part is not None)
        return Path(self.checkpoint_dir) / fingerprint(tensors, parameters)[:24]


def _save(augmenter: SyntheticAugmenter, folder: Path) -> None:
    """Save what was learned, unless another process that learned the same was sooner."""
    partial = folder.with_suffix(f".{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    augmenter.save(partial)
    try:
        os.replace(partial, folder)
    except OSError:
        shutil.rmtree(partial)
        if not folder.exists():
            raise
