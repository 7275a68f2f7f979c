"""``fit``, ``sample`` and ``augment``: learn rows, draw new ones, add them to a file."""

import shlex
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthaug.cli.columns import describe_columns, show_columns
from synthaug.cli.options import (
    Data,
    Generator,
    Json,
    Label,
    Seed,
    Shape,
    Steps,
    build_augmenter,
    read_counts,
    read_data,
)
from synthaug.cli.pictures import Format, OnError, Size, keep_intensity, read_folder, write_drawn
from synthaug.cli.terminal import LearningProgress, print_json, quiet_stdout, say

if TYPE_CHECKING:
    from synthaug.augment.augmenter import SyntheticAugmenter

OutFile = Annotated[
    Path, typer.Option("--out", help="The file to write: .npz; .csv or .parquet for a table. With --format a folder.")
]


def fit(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="The folder to save the learner in.")],
    label: Label = None,
    generator: Generator = "auto",
    steps: Steps = None,
    image_shape: Shape = None,
    seed: Seed = 0,
    page: Annotated[Path | None, typer.Option("--page", help="Also write how it learned, as an HTML page.")] = None,
    size: Size = None,
    on_error: OnError = "raise",
    json: Json = False,
) -> None:
    """Learn the rows of each class and save the learner."""
    from synthaug._check import check_choice
    from synthaug._files import make_folder
    from synthaug.data.readers.images import ON_ERROR

    check_choice("--on-error", on_error, ON_ERROR)
    for folder in (out, *([page.parent] if page else ())):
        make_folder(folder)
    rows = read_folder(data, size, on_error) if Path(data).is_dir() else None
    X, y = read_data(data, label=label) if rows is None else (rows.X, rows.y)
    groups = None if rows is None else rows.groups
    augmenter = _learn(X, y, generator, steps, image_shape=image_shape, seed=seed, as_json=json, groups=groups)
    augmenter.save(out)
    keep_intensity(out, None if rows is None else rows.intensity)
    facts = _facts(augmenter) | _page_fact(augmenter, page)
    if json:
        columns = _columns(X, augmenter)
        print_json({"folder": out, **facts, **({"columns": columns} if columns else {})})
        return
    learned = _listed(facts["rows"])
    say(f"{facts['learner']} learned {learned} in {facts['seconds']:.1f} s; saved in {out}")
    if page:
        say(f"how it learned: {page}")
    ending = "csv" if hasattr(X, "columns") else "npz"
    asked = shlex.quote(f"{next(iter(facts['rows']))}=100")
    say(f"draw rows with: synthaug sample {shlex.quote(str(out))} -n {asked} --out synthetic.{ending}")


def sample(
    folder: Annotated[Path, typer.Argument(help="The folder of a saved learner.")],
    n: Annotated[list[str], typer.Option("-n", "--n", help="label=count, once a label; or one count for every class.")],
    out: OutFile,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed draws the same rows.", min=0)] = None,
    format: Format = None,
    json: Json = False,
) -> None:
    """Draw new rows from a saved learner."""
    from synthaug.augment.augmenter import SyntheticAugmenter
    from synthaug.data.readers import check_rows_file, write_rows_file
    from synthaug.data.writers import check_format

    if format is None:
        check_rows_file(out)
    else:
        check_format(format)
    counts = read_counts(n)
    with quiet_stdout(json):
        augmenter = SyntheticAugmenter.load(folder)
        X, y = augmenter.sample(counts, random_state=seed)
    if format is None:
        path = write_rows_file(out, X, y, label=_label_of(y))
    else:
        path = write_drawn(out, X, y, augmenter=augmenter, model=folder, format=format)
    _tell_rows(path, y, as_json=json)


def augment(
    data: Data,
    out: OutFile,
    model: Annotated[Path | None, typer.Option("--model", help="A saved learner; learns anew without.")] = None,
    label: Label = None,
    generator: Generator = "auto",
    steps: Steps = None,
    image_shape: Shape = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Write the rows of a file and, after them, synthetic ones that balance the classes."""
    from synthaug.augment.augmenter import SyntheticAugmenter
    from synthaug.data.readers import check_rows_file, write_rows_file

    check_rows_file(out)
    X, y = read_data(data, label=label)
    if model is not None:
        augmenter = SyntheticAugmenter.load(model)
    else:
        augmenter = _learn(X, y, generator, steps, image_shape=image_shape, seed=seed, as_json=json)
    with quiet_stdout(json):
        X_all, y_all = augmenter.augment(X, y, random_state=seed)
    path = write_rows_file(out, X_all, y_all, label=label or _label_of(y_all))
    _tell_rows(path, y_all, as_json=json, n_real=len(y))


def _learn(
    X: Any,
    y: Any,
    generator: str,
    steps: int | None,
    *,
    image_shape: str | None,
    seed: int,
    as_json: bool,
    groups: Any = None,
) -> "SyntheticAugmenter":
    callbacks = [LearningProgress()]
    with quiet_stdout(as_json):
        augmenter = build_augmenter(X, generator, steps, image_shape=image_shape, seed=seed, callbacks=callbacks)
        columns = _columns(X, augmenter)
        if columns and not as_json:
            show_columns(columns)
        return augmenter.fit(X, y, groups=groups)


def _columns(X: Any, augmenter: "SyntheticAugmenter") -> list[dict[str, Any]]:
    """Return how the columns of a file were read; none of images, and of arrays without names."""
    if augmenter.image_shape is not None or not hasattr(X, "columns"):
        return []
    from synthaug.augment.mix import codec_of
    from synthaug.data.tables import TableCodec

    codec = codec_of(X, augmenter)
    assert isinstance(codec, TableCodec)
    return describe_columns(X, codec)


def _label_of(y: Any) -> str:
    """Return the name of the column that the labels came from."""
    return str(getattr(y, "name", None) or "label")


def _page_fact(augmenter: "SyntheticAugmenter", page: Path | None) -> dict[str, Path]:
    """Write the training page, if it is wanted, and return where."""
    if page is None:
        return {}
    from synthaug.experiment.training_page import training_page

    return {"page": training_page(augmenter, page)}


def _facts(augmenter: "SyntheticAugmenter") -> dict[str, Any]:
    last = augmenter.history_.iloc[-1].to_dict() if len(augmenter.history_) else {}
    return {
        "learner": type(augmenter.generator_).__name__,
        "rows": augmenter.class_counts_,
        "steps": last.pop("step", None),
        "seconds": last.pop("seconds", augmenter.seconds_),
        "losses": {name: value for name, value in last.items() if name != "images_seen"},
    }


def _tell_rows(path: Path, y: Any, *, as_json: bool, n_real: int = 0) -> None:
    labels = y.tolist() if hasattr(y, "tolist") else list(y)
    counts = dict(Counter(labels[n_real:]))
    if as_json:
        print_json({"file": path, "n_rows": len(labels), "n_real": n_real, "synthetic": counts})
        return
    real = f"{n_real:,} real rows and " if n_real else ""
    say(f"wrote {path}: {real}{len(labels) - n_real:,} synthetic rows ({_listed(counts) or 'none'})")


def _listed(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{label}: {count:,}" for label, count in counts.items())
