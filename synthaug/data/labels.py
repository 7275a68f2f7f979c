"""Labels: strings, booleans or integers with gaps <-> 0 .. C - 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthaug._check import check_labels
from synthaug.data.container import Container, unwrap
from synthaug.errors import LabelError


@dataclass(frozen=True)
class LabelCodec:
    """The way between a user's labels and the model's.

    Attributes
    ----------
    container
        What the labels came in.
    classes
        The distinct labels, sorted, shape (n_classes,).
    """

    container: Container
    classes: np.ndarray

    def encode(self, y: Any) -> np.ndarray:
        """Return labels of shape (n,) as class numbers, int64.

        Raises
        ------
        LabelError
            If a label was not among those of ``fit``; True and False are not 1 and 0.
        """
        labels = check_labels(y)
        places = self._places(labels).clip(max=len(self.classes) - 1)
        unknown = (self.classes[places] != labels) | (_is_boolean(labels) != _is_boolean(self.classes))
        if unknown.any():
            raise LabelError(
                f"labels must be among those that fit saw ({_listed(self.classes)}); "
                f"got {labels[unknown].tolist()[0]!r} in row {int(np.flatnonzero(unknown)[0])}."
            )
        return places.astype(np.int64)

    def decode(self, numbers: np.ndarray) -> Any:
        """Return class numbers of shape (n,) as labels in the user's container."""
        return self.container.wrap(self.classes[np.asarray(numbers, dtype=np.int64)])

    def number(self, label: Any) -> int:
        """Return the number of one label.

        Raises
        ------
        LabelError
            If there is no such class.
        """
        found = np.flatnonzero([bool(known == label) for known in self.classes])
        if len(found) == 0 and isinstance(label, str):
            found = np.flatnonzero([str(known) == label for known in self.classes])
        if len(found) != 1:
            raise LabelError(f"class must be one of {_listed(self.classes)}; got {label!r}.")
        return int(found[0])

    def _places(self, labels: np.ndarray) -> np.ndarray:
        try:
            return np.searchsorted(self.classes, labels)
        except TypeError:  # strings and numbers have no order
            return np.zeros(len(labels), dtype=np.int64)


@dataclass(frozen=True)
class NoLabels:
    """What stands in for a codec where rows came without labels: one class, which is called None."""

    @property
    def classes(self) -> np.ndarray:
        """The one class, shape (1,)."""
        return np.array([None], dtype=object)

    def encode(self, y: Any) -> np.ndarray:
        """Raise LabelError: there are no labels to encode."""
        raise LabelError("y must be None, for fit saw no labels; got labels. Fit with labels to tell classes apart.")

    def decode(self, numbers: np.ndarray) -> None:
        """Return None, whatever the class numbers are."""

    def number(self, label: Any) -> int:
        """Return 0 for None.

        Raises
        ------
        LabelError
            If another class is meant.
        """
        if label is not None:
            raise LabelError(f"class must be None, for fit saw no labels; got {label!r}. Say None.")
        return 0


def fit_label_codec(y: Any) -> LabelCodec:
    """Return the codec for labels of shape (n,)."""
    labels, y = check_labels(y), one_column(y)
    _, container = unwrap(y if hasattr(y, "dtype") else labels)
    return LabelCodec(container, np.unique(labels))


def one_column(y: Any) -> Any:
    """Return labels of shape (n, 1) as labels (n,) in a container of their kind; others as they are."""
    if getattr(y, "ndim", 1) != 2 or y.shape[1] != 1:
        return y
    return y.iloc[:, 0] if hasattr(y, "iloc") else y[:, 0]


def place_of(label: Any, classes: Sequence[Any]) -> int | None:
    """Return where a label stands among classes, by its value, else by its text; None where it does not.

    Examples
    --------
    >>> place_of(1, [0.0, 1.0]), place_of("3", [3, 5]), place_of(True, [0, 1])
    (1, 0, None)
    """
    kind = isinstance(label, bool)
    equal = (n for n, known in enumerate(classes) if known == label and isinstance(known, bool) == kind)
    alike = (n for n, known in enumerate(classes) if str(known) == str(label))
    return next(equal, next(alike, None))


def _is_boolean(labels: np.ndarray) -> bool:
    return any(isinstance(label, bool) for label in labels[:1].tolist())


def _listed(classes: np.ndarray, most: int = 8) -> str:
    words = [repr(label) for label in classes[:most].tolist()]
    return ", ".join(words) + (f", ... ({len(classes)} in all)" if len(classes) > most else "")
