"""What a pipeline file may say, and what is wrong with one that says something else.

``load_config`` reads a YAML file into a frozen ``PipelineConfig``. All problems of a file come in one error, one a
line, each with file, line, column, the key (``arms[2]``, ``design.n_draws``) and the nearest valid word.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, Field, Strict, ValidationError, field_validator, model_validator

from synthaug._seed import LARGEST_SEED
from synthaug.errors import ConfigError, FileError
from synthaug.experiment import problems as words
from synthaug.experiment.sections import (
    SCORINGS,
    AugmenterConfig,
    DataConfig,
    DrawsConfig,
    EstimatorConfig,
    FoldsConfig,
    GeneratorConfig,
    Scoring,
    Section,
    TrackingConfig,
    Tuple,
)
from synthaug.experiment.yaml_file import YamlFile, read_yaml
from synthaug.statistics import DEFAULT_ROPE

__all__ = [
    "SCORINGS",
    "DrawsConfig",
    "FoldsConfig",
    "PipelineConfig",
    "load_config",
    "make_config",
    "plain",
    "save_config",
]


def _check_arm(value: str) -> str:
    from synthaug.augment.arms import ARMS

    return words.check_known(value, ARMS)


def _default_arms() -> tuple[str, ...]:
    from synthaug.experiment.compare import DEFAULT_ARMS

    return DEFAULT_ARMS


def _check_transform(value: str) -> str:
    from synthaug.augment.classic import PRESETS

    return words.check_known(value, [*PRESETS, "tuned"])


def _check_resamples(value: int) -> int:
    from synthaug.experiment.checks import check_resamples

    try:
        return check_resamples(value)
    except ConfigError as error:
        words.refuse((), str(error).removeprefix("bootstrap "))


def _check_anatomy(transform: str, anatomy: str) -> None:
    from synthaug.augment.classic import MIRRORING

    if anatomy == "sided" and transform in MIRRORING:
        words.refuse(
            ("image_transform",),
            f"must not mirror images whose sides differ; got {transform!r}. Say anatomy: mirrored if left and right "
            "may be exchanged",
        )


class PipelineConfig(Section):
    """A whole study, as a pipeline file says it.

    Attributes
    ----------
    name
        The study's name: letters, digits, ``-``, ``_``, ``.`` and spaces.
    data, design, estimator, generator, augmenter, tracking
        Its parts.
    arms
        At least two ways to train, from ``synthaug.augment.arms.ARMS``; the others are compared with the first.
    image_transform
        What *classic* does to images: a preset of ``synthaug.augment.classic.PRESETS``, or ``tuned``, which leaves the
        choice to inner folds of the training rows.
    anatomy
        ``sided``: left and right differ, so no image may be mirrored. ``mirrored``: they may be exchanged, so a
        transform may mirror, and ``tuned`` tries it.
    scoring, metrics
        The primary metric, named before the study, and further ones; from ``SCORINGS``. None for the usual ones.
    rope
        Differences up to this count as none, in the primary metric's unit.
    label_equivalence
        Multiples of the labelled rows, each above 1, at which the best way without a generator's rows is measured too,
        so that a gain can be told in real labels; none for no learning curve.
    bootstrap
        How often the groups of the test rows are resampled, for an interval of every metric; 0 for none.
    output
        The study's folder; ``runs/<name>`` unless said.
    include_real_rows
        Whether pictures of real rows may go into the report and the tracker.
    seed, n_jobs
        The one seed, and how many splits run at a time (-1: one a core).

    Examples
    --------
    >>> from synthaug.experiment.config import make_config
    >>> values = {"name": "wine", "data": {"name": "wine"}, "estimator": {"name": "SVC"}}
    >>> make_config(values, source="an example").arms
    ('none', 'classic', 'classic twice', 'smote', 'gan', 'classic+gan', 'gated')
    """

    name: Annotated[str, Field(pattern=r"^[\w][\w .-]{0,99}$")]
    data: DataConfig
    design: Annotated[DrawsConfig | FoldsConfig, Field(discriminator="kind")] = FoldsConfig()
    estimator: EstimatorConfig
    generator: GeneratorConfig = GeneratorConfig()
    augmenter: AugmenterConfig = AugmenterConfig()
    arms: Annotated[tuple[Annotated[str, AfterValidator(_check_arm)], ...], Tuple, Field(min_length=2)] = Field(
        default_factory=_default_arms
    )
    image_transform: Annotated[str, AfterValidator(_check_transform)] = "shift"
    anatomy: Literal["sided", "mirrored"] = "sided"
    scoring: Scoring = "balanced_accuracy"
    metrics: Annotated[tuple[Scoring, ...], Tuple] | None = None
    rope: Annotated[float, Field(ge=0)] = DEFAULT_ROPE
    label_equivalence: Annotated[tuple[Annotated[float, Field(gt=1, le=1000)], ...], Tuple] = ()
    bootstrap: Annotated[int, AfterValidator(_check_resamples)] = 0
    tracking: TrackingConfig = TrackingConfig()
    output: Annotated[Path | None, Strict(False)] = None
    include_real_rows: bool = False
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0
    n_jobs: Annotated[int, Field(ge=-1, le=1024)] = 1

    @field_validator("arms", "metrics", "label_equivalence")
    @classmethod
    def _each_once(cls, value: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        return value and words.check_each_once(value)

    @field_validator("n_jobs")
    @classmethod
    def _some_job(cls, value: int) -> int:
        if value == 0:
            words.refuse((), "must be -1 (one job a core) or at least 1; got 0")
        return value

    @model_validator(mode="after")
    def _scorable(self) -> "PipelineConfig":
        words.check_scorable(self.estimator.name, self.estimator.params, (self.scoring, *(self.metrics or ())))
        return self

    @model_validator(mode="after")
    def _respects_anatomy(self) -> "PipelineConfig":
        _check_anatomy(self.image_transform, self.anatomy)
        return self

    @property
    def transform(self) -> str:
        """What *classic* does to images, or may choose among."""
        return (
            "tuned mirrored" if (self.image_transform, self.anatomy) == ("tuned", "mirrored") else self.image_transform
        )

    @property
    def folder(self) -> Path:
        """The study's folder."""
        return self.output if self.output is not None else Path("runs") / self.name.replace(" ", "_")


def load_config(path: str | Path, *, changes: Mapping[str, Any] | None = None) -> PipelineConfig:
    """Return the pipeline that a YAML file holds.

    Parameters
    ----------
    path
        The file.
    changes
        Values to put in the place of the file's, by dotted key: ``{"design.n_draws": 3}``.

    Raises
    ------
    FileError
        If the file is not there or cannot be read.
    ConfigError
        If it is not YAML or says something impossible; every problem with its place, one a line.
    """
    file = read_yaml(path)
    for dotted, value in (changes or {}).items():
        _put(file, dotted.split("."), value)
    return _checked(file)


def make_config(values: dict[str, Any], *, source: str) -> PipelineConfig:
    """Return the pipeline that values say, as ``load_config`` does those of a file.

    Parameters
    ----------
    values
        What a pipeline file would hold.
    source
        Where they come from, for messages.

    Raises
    ------
    ConfigError
        If they say something impossible.

    Examples
    --------
    >>> values = {"name": "wine", "data": {"name": "wine"}, "estimator": {"name": "SVC"}}
    >>> make_config(values, source="an example").design.n_splits
    5
    """
    return _checked(YamlFile(Path(source), values, {}))


def _checked(file: YamlFile) -> PipelineConfig:
    try:
        return PipelineConfig.model_validate(file.values)
    except ValidationError as error:
        raise words.describe(error, file, _keys_of) from error


def _put(file: YamlFile, keys: list[str], value: Any) -> None:
    """Put a value in the place of the file's, which from then on has no place in the file."""
    section = file.values
    for key in keys[:-1]:
        if not isinstance(section.get(key), dict):
            section[key] = {}
        section = section[key]
    section[keys[-1]] = value
    file.changed.add(tuple(keys))


_SECTIONS: dict[str, type[BaseModel]] = {
    "data": DataConfig,
    "estimator": EstimatorConfig,
    "generator": GeneratorConfig,
    "augmenter": AugmenterConfig,
    "tracking": TrackingConfig,
}


def _keys_of(section: tuple[Any, ...], values: Mapping[Any, Any]) -> list[str]:
    """Return the keys that a section may have."""
    if section == ("design",):
        kind = values.get("design", {}).get("kind")
        return list((DrawsConfig if kind == "draws" else FoldsConfig).model_fields)
    model = _SECTIONS.get(section[0], PipelineConfig) if section else PipelineConfig
    return list(model.model_fields)


def save_config(config: PipelineConfig, path: str | Path) -> Path:
    """Write a pipeline as YAML that ``load_config`` reads back as the same, and return its path.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    text = yaml.safe_dump(
        plain(config.model_dump()), sort_keys=False, default_flow_style=None, allow_unicode=True, width=100
    )
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path} cannot be written ({error.strerror}).") from error
    return Path(path)


def plain(value: Any) -> Any:
    """Return a value with tuples as lists and paths as text, as YAML and JSON have them."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
