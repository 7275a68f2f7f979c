"""Options that several commands share, and how they are read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthaug.errors import ConfigError, FileError, LabelError

if TYPE_CHECKING:
    from synthaug.augment.augmenter import SyntheticAugmenter

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Seed = Annotated[int, typer.Option("--seed", help="One number that decides everything random.", min=0)]
Label = Annotated[
    str | None, typer.Option("--label", help="The column (.csv, .parquet) or array (.npz) of the labels.")
]
Data = Annotated[
    str,
    typer.Argument(metavar="DATA", help="A .npz, .csv or .parquet file, or a data set's name; for fit a folder too."),
]
Generator = Annotated[str, typer.Option("--generator", help="The learner, or auto; see 'synthaug list learners'.")]
Steps = Annotated[int | None, typer.Option("--steps", help="How many steps it learns.", min=1)]
Shape = Annotated[str | None, typer.Option("--image-shape", help="Height, width and channels of flat images: 28,28.")]


def read_data(data: str, *, label: str | None) -> tuple[Any, Any]:
    """Return the rows and labels of a file, or of a data set by name.

    Raises
    ------
    FileError, ConfigError
        If it is neither, or the file cannot be read.
    LabelError
        If the label's column holds no classes.
    """
    from synthaug.data.datasets import DATASETS
    from synthaug.data.readers import read_rows_file

    if data in DATASETS and not Path(data).exists():
        loaded = DATASETS[data]()
        return loaded.X, loaded.y
    if not Path(data).exists():
        raise FileError(
            f"data must be a .npz, .csv or .parquet file, or one of {', '.join(DATASETS)}; got '{data}', which is not "
            "there."
        )
    X, y = read_rows_file(data, label=label)
    _check_classes(y, label)
    return X, y


def _check_classes(y: Any, label: str | None) -> None:
    """Raise LabelError if a column of labels holds measured numbers, or mostly values of their own."""
    import numpy as np
    import pandas as pd

    labels = pd.Series(np.asarray(y)).dropna()
    n_values, measured = labels.nunique(), labels.dtype.kind == "f" and bool((labels != np.rint(labels)).any())
    if measured or n_values > len(labels) / 2:
        raise LabelError(
            f"label must name classes; '{label or 'the array of labels'}' holds {n_values:,} different values in "
            f"{len(labels):,} rows, such as {labels.tolist()[0]!r} (is this a regression target, or a key?). "
            "Name another column, or cut it into ranges first."
        )


def read_shape(text: str | None) -> tuple[int, ...] | None:
    """Return the shape that ``28,28`` or ``28,28,3`` says.

    Examples
    --------
    >>> read_shape("28,28,3")
    (28, 28, 3)

    Raises
    ------
    ConfigError
        If it says none.
    """
    if text is None:
        return None
    parts = text.replace("x", ",").split(",")
    if len(parts) not in (2, 3) or not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise ConfigError(f"--image-shape must be height,width or height,width,channels; got '{text}'.")
    return tuple(int(part) for part in parts)


def read_counts(words: list[str]) -> int | dict[str, int]:
    """Return how many rows of which class ``["malignant=200"]`` or ``["200"]`` (of every class) says.

    Examples
    --------
    >>> read_counts(["a=b=2", "c=1"])
    {'a=b': 2, 'c': 1}

    Raises
    ------
    ConfigError
        If a word is neither, or a class comes twice.
    """
    if len(words) == 1 and "=" not in words[0]:
        return _count(words[0], words[0])
    pairs = [(word.rpartition("=")[0], _count(word.rpartition("=")[2], word)) for word in words]
    labels = [label for label, _ in pairs]
    if not labels or "" in labels or len(set(labels)) < len(labels):
        raise ConfigError(f"-n must be one number, or label=number once for each label; got {' '.join(words)}.")
    return dict(pairs)


def _count(text: str, word: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ConfigError(f"-n must be a whole number or label=number; got '{word}'. Example: -n malignant=200.")
    return int(text)


def build_augmenter(
    X: Any, generator: str, steps: int | None, *, image_shape: str | None, seed: int, callbacks: Any
) -> "SyntheticAugmenter":
    """Return the augmenter of rows ``X`` that the options describe, not fitted.

    Raises
    ------
    ConfigError
        If there is no such learner.
    """
    from synthaug.augment.augmenter import SyntheticAugmenter
    from synthaug.augment.learning import new_learner
    from synthaug.experiment.estimators import parameter_names

    if generator == "auto":
        shape = read_shape(image_shape)
        return SyntheticAugmenter(max_steps=steps, image_shape=shape, random_state=seed, callbacks=callbacks)
    learner: Any = type(new_learner(generator, for_images=image_shape is not None or len(X.shape) > 2))
    counted = steps is not None and "n_steps" in parameter_names(learner)
    return SyntheticAugmenter(
        learner(n_steps=steps) if counted else learner(),
        max_steps=None if counted else steps,
        image_shape=read_shape(image_shape),
        random_state=seed,
        callbacks=callbacks,
    )
