"""The sections of a pipeline file: what each may say. ``config`` puts them together."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    Strict,
    ValidationInfo,
    field_validator,
    model_validator,
)

from synthaug.experiment import problems as words
from synthaug.experiment.estimators import ESTIMATORS

SCORINGS: dict[str, str] = {
    "accuracy": "share of rows whose class is right",
    "balanced_accuracy": "mean over the classes of the share of their rows that is right",
    "f1_macro": "mean over the classes of the F1 score",
    "f1_weighted": "F1 score, classes weighted by their rows",
    "precision_macro": "mean over the classes of the precision",
    "recall_macro": "mean over the classes of the recall",
    "matthews_corrcoef": "Matthews correlation",
    "roc_auc": "area under the ROC curve, two classes",
    "roc_auc_ovr": "area under the ROC curve, each class against the rest; needs probabilities",
    "sensitivity_at_90_specificity": "share of the second of two classes found at 90 % specificity; any percentage",
    "average_precision": "average precision; of more than two classes the mean over them",
    "neg_log_loss": "minus the log-loss; needs probabilities",
    "neg_brier_score": "minus the Brier score; needs probabilities",
}
_TABLES = (".csv", ".parquet")
_ROWS_MOST = 10_000_000
_STRATEGIES = ("auto", "all", "minority", "not minority", "not majority")

Tuple = Strict(False)
Label = int | str | bool | float
Count = Annotated[int, Field(ge=1, le=_ROWS_MOST)]
Scoring = Annotated[str, AfterValidator(lambda value: words.check_scoring(value, SCORINGS))]


class Section(BaseModel):
    """A part of a pipeline: strict types, no unknown key, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)


def _check_data_name(value: str | None) -> str | None:
    from synthaug.data.datasets import DATASETS

    return value if value is None else words.check_known(value, DATASETS)


class DataConfig(Section):
    """Where the rows come from: a data set by name, a file, or images in files. One of the first five keys is needed.

    Attributes
    ----------
    name
        A key of ``synthaug.data.datasets.DATASETS``.
    path, label
        A file (.npz, .csv or .parquet) in its place, and the column of a table that holds the labels.
    folder
        Images in files, a folder for each class, in it files or a folder for each patient; see ``read_images``.
    manifest
        A .csv or .parquet file with the columns ``path``, ``label`` and, if known, ``patient``; its paths start from
        ``folder``, or from where it lies.
    medmnist
        The name of one of MedMNIST's files, such as ``breastmnist``, in the folder ``data`` or where the package
        ``medmnist`` keeps them. All of its images are rows.
    size, window, on_error
        As in ``read_images``, for images in files.
    near_duplicates
        ``together`` (they share a group, so that none is tested on while another is trained on) or ``apart``; unless
        said, together for images in files.
    finding
        The label of what is to be found, such as ``malignant``: it becomes the second of two classes, which
        sensitivity, specificity and average precision are about, and all other labels the first.
    image_shape, image_format
        As in ``SyntheticAugmenter``, for images that come flat or in a layout that could be read two ways.
    """

    name: Annotated[str | None, AfterValidator(_check_data_name)] = None
    path: Annotated[Path | None, Strict(False)] = None
    folder: Annotated[Path | None, Strict(False)] = None
    manifest: Annotated[Path | None, Strict(False)] = None
    medmnist: Annotated[str | None, Field(pattern=r"^[a-z0-9_]{1,40}$")] = None
    size: Annotated[int, Field(ge=8, le=128)] | None = None
    window: Literal["auto", "none", "header", "percentile"] = "auto"
    on_error: Literal["raise", "skip"] = "raise"
    near_duplicates: Literal["together", "apart"] | None = None
    finding: Annotated[Label | None, PlainValidator(words.check_label)] = None
    label: str | None = None
    image_shape: Annotated[tuple[Annotated[int, Field(ge=1)], ...] | None, Tuple] = Field(
        None, min_length=2, max_length=3
    )
    image_format: Literal["auto", "channels_first", "channels_last"] = "auto"

    @model_validator(mode="after")
    def _one_source(self) -> "DataConfig":
        sources = (self.name, self.path, self.medmnist, self.folder or self.manifest)
        if sum(source is not None for source in sources) != 1:
            words.refuse((), "must have exactly one of the keys name, path, folder (or manifest) and medmnist")
        if self.name is not None and self.label is not None:
            words.refuse(("label",), f"must be left out for {self.name}, whose labels are known; got {self.label!r}")
        kind = "" if self.path is None else self.path.suffix.lower()
        if kind not in ("", ".npz", *_TABLES) or (self.path is not None and not kind):
            words.refuse(("path",), f"must be a .npz, .csv or .parquet file; got {str(self.path)!r}")
        if kind in _TABLES and self.label is None:
            words.refuse(("label",), f"must name the column of the labels, as the data is a {kind} file")
        return self

    @property
    def source(self) -> str:
        """What the rows come from, in a word or path."""
        return str(self.name or self.path or self.medmnist or self.manifest or self.folder)

    @property
    def in_files(self) -> bool:
        """Whether the rows are images in files, or one of MedMNIST's."""
        return self.folder is not None or self.manifest is not None or self.medmnist is not None


class DrawsConfig(Section):
    """Independent draws of the training rows, each scored on the same held-out rows (``kind: draws``).

    Attributes
    ----------
    n_draws
        How many draws.
    rows_per_class
        How many training rows of each class: one number, or one a class.
    test_rows
        How many rows are held out, the same for every draw.
    groups
        As in ``FoldsConfig``: no group is both held out and drawn.
    """

    kind: Literal["draws"]
    n_draws: Annotated[int, Field(ge=2, le=1000)] = 10
    rows_per_class: Annotated[int | dict[Label, int], PlainValidator(words.check_rows_per_class)]
    test_rows: Annotated[int, Field(ge=2, le=_ROWS_MOST)]
    groups: str | None = None


class FoldsConfig(Section):
    """Repeated stratified k-fold cross-validation (``kind: folds``).

    Attributes
    ----------
    n_splits, n_repeats
        How many folds, and how often they are drawn.
    groups
        The column (of a .csv) or array (of a .npz) whose equal values never part, such as a patient's number.
    """

    kind: Literal["folds"] = "folds"
    n_splits: Annotated[int, Field(ge=2, le=100)] = 5
    n_repeats: Annotated[int, Field(ge=1, le=100)] = 5
    groups: str | None = None


class EstimatorConfig(Section):
    """The classifier that every arm trains.

    Attributes
    ----------
    name
        One of ``synthaug.experiment.estimators.ESTIMATORS``.
    params
        Its parameters: numbers, words, true, false, null, or lists of them.
    standardise
        Whether columns get mean 0 and variance 1 first.
    """

    name: Annotated[str, AfterValidator(lambda value: words.check_known(value, ESTIMATORS))]
    params: Annotated[dict[str, Any], PlainValidator(words.check_plain_params)] = {}
    standardise: bool = False

    @field_validator("params")
    @classmethod
    def _fits_class(cls, params: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return words.check_estimator_params(info.data.get("name"), params)

    @field_validator("standardise")
    @classmethod
    def _columns_to_scale(cls, standardise: bool, info: ValidationInfo) -> bool:
        return words.check_standardise(info.data.get("name"), standardise)


class GeneratorConfig(Section):
    """The learner: a name (``auto`` chooses by the data) and its parameters, plain values or mappings of them."""

    name: Annotated[str, AfterValidator(words.check_generator)] = "auto"
    params: Annotated[dict[str, Any], PlainValidator(words.check_learner_params)] = {}

    @field_validator("params")
    @classmethod
    def _fits_learner(cls, params: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return words.check_generator_params(info.data.get("name"), params)


class AugmenterConfig(Section):
    """How many rows of which class, how they are selected, what they keep to, how long is learned.

    Attributes
    ----------
    sampling_strategy, n_synthetic, selection, max_steps
        As in ``SyntheticAugmenter``.
    constraints
        Rules that drawn rows of a table keep, each a mapping: the parameters of ``LessOrEqual`` (``left``, ``right``,
        ``strict``) or those of ``Fixed`` (``column``, ``value``).
    """

    sampling_strategy: Annotated[Any, PlainValidator(lambda value: words.check_strategy(value, _STRATEGIES))] = "auto"
    n_synthetic: Annotated[int | str, PlainValidator(words.check_n_synthetic)] = "auto"
    selection: Annotated[str, AfterValidator(words.check_selection)] = "auto"
    max_steps: Annotated[int, Field(ge=1)] | None = None
    constraints: Annotated[tuple[dict[str, Any], ...], PlainValidator(words.check_constraints)] = ()


class TrackingConfig(Section):
    """Where the study is logged: MLflow's store and experiment.

    Attributes
    ----------
    enabled
        Whether it is logged at all.
    uri, experiment
        MLflow's store and experiment.
    register_as
        The name that the study's learner is registered under as a model; see ``track_study``.
    """

    enabled: bool = True
    uri: Annotated[str, AfterValidator(words.check_tracking_uri)] = "sqlite:///runs/mlflow.db"
    experiment: Annotated[str, Field(min_length=1, max_length=200)] = "synthaug"
    register_as: Annotated[str | None, Field(pattern=r"^[^/:'\"`\\]+$", max_length=200)] = None
