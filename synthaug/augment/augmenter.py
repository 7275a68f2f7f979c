"""``SyntheticAugmenter``: learn a generator from labelled rows, draw new ones, in the user's own terms."""

import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from synthaug._check import FEWEST_ROWS, check_choice, check_count, check_device, check_positive, check_same_length
from synthaug._seed import derive, seed_from
from synthaug.augment.drawing import CHUNK, Drawn, draw_class
from synthaug.augment.plan import Counts, drop_small_classes, plan_counts
from synthaug.augment.progress import ShowProgress
from synthaug.augment.reading import Reading, check_as_read, checked_groups, read_training_rows
from synthaug.data.container import join, known, unwrap
from synthaug.data.images import ImageCodec
from synthaug.data.rows import RowsOptions
from synthaug.errors import ConfigError, LabelError, NoRowsAddedWarning, ShortfallWarning
from synthaug.generators import Learner, Limits, find_generator, known_generators
from synthaug.models.features import RandomFeatures
from synthaug.quality.distances import diversity_ratio
from synthaug.quality.select import SELECTIONS, Everything, Selection
from synthaug.training.loop import OnStep, StepRecord
from synthaug.training.threads import choose_threads, fixed_threads


class SyntheticAugmenter(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Learn a conditional generator from a small labelled set and draw rows of any class.

    Images and tables go in as numpy, pandas or torch and come out in the same container, type, layout and range.

    Parameters
    ----------
    generator
        A learner's name, a learner such as ``CGAN(n_steps=500)``, or ``auto``: ``LatentGAN`` for images, whose rows
        differ more at equal cost, and ``CGAN`` for tables. ``generator_`` tells which.
    sampling_strategy
        Which classes are brought to which count: imbalanced-learn's grammar for over-sampling.
    n_synthetic
        Synthetic rows on top of that: ``auto`` (none where classes are balanced by the strategy; as many as real rows
        where they are balanced already), an integer for each class, or a ratio of the class's real rows, such as
        ``"x0.5"``.
    selection
        ``auto`` and ``agreement``: take only drawn rows that classifiers, cross-fitted on the training rows, give to
        the intended class. ``none``: take every row.
    image_shape
        ``(h, w)``, ``(h, w, c)`` or ``(c, h, w)`` of images that come as flat rows.
    image_format
        ``channels_last``, ``channels_first``, or ``auto`` where the shape leaves no doubt.
    categorical_features
        ``auto`` or None. Categorical columns are refused: encode them first.
    max_seconds, max_steps
        Caps on learning. A run that ``max_seconds`` cut is not reproducible: ``was_cut_`` tells.
    device
        ``auto`` (the GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``, ...
    checkpoint_dir
        Folder for checkpoints; may be shared by any number of augmenters.
    resume
        Go on from a checkpoint of the same rows, parameters and seed.
    callbacks
        Functions of a ``StepRecord``; one that returns True stops learning.
    random_state
        Decides everything random.
    verbose
        1 shows a progress bar with the time left.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    class_counts_ : dict
        Training rows of each class.
    n_features_in_ : int
        Numbers in a row: columns, or pixels times channels.
    feature_names_in_ : ndarray
        A DataFrame's columns.
    image_shape_ : tuple or None
        ``(c, h, w)`` of images; None for tables.
    generator_ : learner
        The fitted learner.
    history_ : DataFrame
        A row a logged step: ``step``, ``images_seen``, ``seconds`` and each loss.
    quality_ : DataFrame
        A row a class and metric: ``class``, ``metric`` (``acceptance``: share of drawn rows the selector takes;
        ``diversity``: mean pairwise feature distance over the real rows'), ``value``, ``measured_on``.
    seconds_ : float
        Wall time of learning.
    was_cut_ : bool
        Whether ``max_seconds`` ended learning.

    Examples
    --------
    >>> import numpy as np
    >>> from synthaug import CGAN, SyntheticAugmenter
    >>> images = np.random.default_rng(0).integers(0, 256, size=(24, 8, 8), dtype=np.uint8)
    >>> y = np.array(["benign"] * 16 + ["malignant"] * 8)
    >>> augmenter = SyntheticAugmenter(CGAN(n_steps=5, width=8), selection="none", random_state=0).fit(images, y)
    >>> X_new, y_new = augmenter.sample({"malignant": 5})
    >>> X_new.shape, X_new.dtype
    ((5, 8, 8), dtype('uint8'))
    >>> X_all, y_all = augmenter.augment(images, y)
    >>> len(X_all), y_all.tolist().count("malignant")
    (32, 16)
    """

    def __init__(
        self,
        generator: str | Learner = "auto",
        *,
        sampling_strategy: Any = "auto",
        n_synthetic: int | str = "auto",
        selection: str = "auto",
        image_shape: tuple[int, ...] | None = None,
        image_format: str = "auto",
        categorical_features: Any = "auto",
        max_seconds: float | None = None,
        max_steps: int | None = None,
        device: str | torch.device = "auto",
        checkpoint_dir: str | Path | None = None,
        resume: bool = False,
        callbacks: Iterable[Callable[[StepRecord], bool | None]] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.generator = generator
        self.sampling_strategy = sampling_strategy
        self.n_synthetic = n_synthetic
        self.selection = selection
        self.image_shape = image_shape
        self.image_format = image_format
        self.categorical_features = categorical_features
        self.max_seconds = max_seconds
        self.max_steps = max_steps
        self.device = device
        self.checkpoint_dir = checkpoint_dir
        self.resume = resume
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, X_unlabeled: Any = None) -> Self:
        """Learn from rows and labels, or from a torch Dataset of both.

        Parameters
        ----------
        X
            Images (n, h, w), (n, h, w, c), (n, c, h, w), flat images with ``image_shape``, a table (n, d), or a torch
            Dataset whose items hold an image and a label.
        y
            Labels (n,): strings, integers, booleans. Left out for a Dataset.
        groups
            Which rows belong together (a patient's), shape (n,). Selection keeps a group on one side of its folds.
        X_unlabeled
            Rows without labels, for learners that use them; none does yet.

        Returns
        -------
        The augmenter itself.

        Raises
        ------
        ShapeError, LabelError, ConfigError
            If rows, labels or parameters cannot be learned from; the message says what came and the remedy.
        DivergedError
            If a loss is not finite.
        """
        self._check_parameters(X_unlabeled)
        options = RowsOptions(self.image_shape, self.image_format, self.categorical_features)
        reading = read_training_rows(self, X, y, options)
        self._remember(reading)
        learner = self._new_learner()
        counts = np.bincount(reading.numbers, minlength=len(self.classes_))
        self.class_counts_ = dict(zip(self.classes_.tolist(), counts.tolist(), strict=True))
        self.plan_ = drop_small_classes(self._plan(self.class_counts_), self.class_counts_)
        self.learned_ = np.flatnonzero(counts >= FEWEST_ROWS)
        self.seed_, self.n_samples_drawn_ = seed_from(self.random_state), 0
        chosen = np.isin(reading.numbers, self.learned_)
        places = torch.from_numpy(np.searchsorted(self.learned_, reading.numbers[chosen]))
        groups = checked_groups(groups, len(reading.numbers))
        groups = None if groups is None else groups[chosen]
        with fixed_threads(choose_threads(self._schema())):
            self._learn(learner, self.codec_.encode(reading.rows[chosen]), places, groups=groups)
        return self

    def transform(self, X: Any) -> Any:
        """Return X as it is, after checking that it has the shape that ``fit`` saw.

        At prediction time nothing may change, and a transformer cannot add rows: use ``augment`` or ``sample``.
        """
        check_is_fitted(self)
        X = known(X)
        if X.ndim <= 2:
            checked = validate_data(self, X, reset=False, dtype="numeric")
            return X if hasattr(X, "columns") or isinstance(X, torch.Tensor) else checked
        self.codec_.encode(unwrap(X)[0])
        return X

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Return X unchanged after ``fit``, and warn: in a plain pipeline this adds no row."""
        warnings.warn(
            "a transformer cannot add rows, so in a plain Pipeline this learns a generator that nobody asks. "
            "Wrap the pipeline instead: AugmentedClassifier(pipeline, SyntheticAugmenter()), or use SyntheticSampler "
            "in an imbalanced-learn pipeline.",
            NoRowsAddedWarning,
            stacklevel=2,
        )
        return self.fit(X, y, **fit_params).transform(X)

    def sample(self, n_per_class: int | Mapping[Any, int], *, random_state: int | None = None) -> tuple[Any, Any]:
        """Draw new rows with their labels, in exact counts.

        Parameters
        ----------
        n_per_class
            A number for every class that was learned, or a number for each label named.
        random_state
            With a seed: the same rows on every call. Without: each call goes on in the augmenter's own stream.

        Returns
        -------
        X, y
            As they went into ``fit``: container, type, layout, range, columns, label type.

        Raises
        ------
        LabelError
            If a class is unknown, or was too small to learn from.
        ConfigError
            If a count is negative or absurd.

        Warns
        -----
        ShortfallWarning
            If selection took too few of ten times the rows asked for; the best of the others fill up.
        """
        check_is_fitted(self)
        asked = self._asked(n_per_class)
        seed = self._next_seed() if random_state is None else seed_from(random_state)
        with fixed_threads(choose_threads(self._schema())):
            drawn = {number: self._draw(number, n, seed) for number, n in asked.items() if n}
        self._warn_of_shortfall(drawn)
        x = torch.cat([part.x for part in drawn.values()]) if drawn else torch.empty(0, *self._schema().shape)
        numbers = np.repeat(list(drawn), [asked[number] for number in drawn]).astype(np.int64)
        return self.codec_.decode(x), self.labels_.decode(numbers)

    def augment(self, X: Any, y: Any, *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return the rows given, untouched, and after them as many synthetic ones as the strategy asks for.

        Parameters
        ----------
        X, y
            Rows and labels of the same kind as ``fit`` saw.
        random_state
            As in ``sample``.

        Raises
        ------
        ShapeError, LabelError
            If the rows are of another shape, container or kind of number than those of ``fit``, or a label is unknown.
        """
        check_is_fitted(self)
        numbers = np.bincount(self.labels_.encode(y), minlength=len(self.classes_))
        check_same_length(X, y)
        check_as_read(X, y, codec=self.codec_, labels=self.labels_)
        counts = {label: int(n) for label, n in zip(self.classes_.tolist(), numbers, strict=True) if n}
        learned = set(self.classes_[self.learned_].tolist())
        plan = {label: n for label, n in self._plan(counts).items() if label in learned}
        X_new, y_new = self.sample(plan, random_state=random_state)
        return join(X, X_new), join(y, y_new)

    def plan(self) -> Counts:
        """Return how many synthetic rows of each class the strategy asks for, given the training rows."""
        check_is_fitted(self)
        return dict(self.plan_)

    def save(self, folder: str | Path) -> None:
        """Write the learned generator into a folder: safetensors and JSON, no pickle and no training row.

        Raises
        ------
        FileError
            If the folder cannot be written to.
        """
        from synthaug.augment.model_files import save_augmenter

        check_is_fitted(self)
        save_augmenter(self, folder)

    @classmethod
    def load(cls, folder: str | Path) -> "SyntheticAugmenter":
        """Return the augmenter that ``save`` wrote.

        Raises
        ------
        FileError
            If the folder holds no model, a damaged or foreign one, or one of a newer version.
        """
        from synthaug.augment.model_files import load_augmenter

        return load_augmenter(folder)

    def _check_parameters(self, X_unlabeled: Any) -> None:
        check_choice("selection", self.selection, ["auto", *SELECTIONS])
        for name in ("max_seconds", "max_steps"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name), integer=name == "max_steps")
        if self.resume and self.checkpoint_dir is None:
            raise ConfigError("resume must come with checkpoint_dir; got resume=True and checkpoint_dir=None.")
        if X_unlabeled is not None:
            raise ConfigError("X_unlabeled must be None: no learner uses rows without labels yet.")
        if isinstance(self.generator, str):
            check_choice("generator", self.generator, ["auto", *known_generators()])
        elif isinstance(self.generator, type) or not hasattr(self.generator, "draw"):
            raise ConfigError(f"generator must be 'auto', a name, or a learner such as CGAN(); got {self.generator!r}.")

    def _new_learner(self) -> Learner:
        if not isinstance(self.generator, str):
            return clone(self.generator)
        auto = "cgan" if self.image_shape_ is None else "latent_gan"
        return find_generator(auto if self.generator == "auto" else self.generator)()

    def _remember(self, reading: Reading) -> None:
        self.codec_, self.labels_, self.classes_ = reading.codec, reading.labels, reading.labels.classes
        self.image_shape_ = reading.codec.shape if isinstance(reading.codec, ImageCodec) else None
        self.n_features_in_ = int(np.prod(reading.codec.row_shape))
        self.__dict__.pop("item_format_", None)
        if reading.item_format is not None:
            self.item_format_ = reading.item_format

    def _plan(self, counts: Counts) -> Counts:
        return plan_counts(counts, self.sampling_strategy, self.n_synthetic)

    def _schema(self) -> Any:
        return self.codec_.schema(len(self.learned_))

    def _learn(self, learner: Learner, x: Tensor, places: Tensor, *, groups: np.ndarray | None) -> None:
        self.generator_, self.was_cut_, self.seconds_ = learner, False, 0.0
        self.selector_: Selection = Everything()
        self.history_, self.quality_ = pd.DataFrame(), pd.DataFrame()
        if len(self.learned_) == 0:
            return
        schema, records, began = self._schema(), list[StepRecord](), time.perf_counter()
        with ShowProgress(bool(self.verbose)) as show:
            listeners = [records.append, show, *(self.callbacks or ())]
            self.generator_ = learner.fit(
                x,
                places,
                schema=schema,
                seed=derive(self.seed_, "fit"),
                on_step=_tell(listeners),
                limits=self._limits(),
            )
        self.was_cut_, self.seconds_ = bool(self.generator_.was_cut_), time.perf_counter() - began
        self.history_ = pd.DataFrame([_as_row(record) for record in records])
        name = "agreement" if self.selection == "auto" else self.selection
        self.selector_ = SELECTIONS[name](x, places, schema=schema, seed=derive(self.seed_, "select"), groups=groups)
        self.quality_ = self._measure(x, places)

    def _limits(self) -> Limits:
        folder = None if self.checkpoint_dir is None else Path(self.checkpoint_dir)
        return Limits(check_device(self.device), self.max_steps, self.max_seconds, folder, self.resume)

    def _measure(self, x: Tensor, places: Tensor) -> pd.DataFrame:
        network = RandomFeatures(self._schema())
        rows = []
        for place, number in enumerate(self.learned_):
            labels = torch.full((CHUNK,), place)
            drawn = self.generator_.draw(labels, derive(self.seed_, "quality", place))
            accepted = self.selector_.accept(drawn, labels).float().mean()
            diversity = diversity_ratio(network(x[places == place]).numpy(), network(drawn).numpy())
            label = self.classes_[number]
            rows += [(label, "acceptance", float(accepted)), (label, "diversity", diversity)]
        frame = pd.DataFrame(rows, columns=["class", "metric", "value"])
        return frame.assign(measured_on=f"{CHUNK} drawn rows a class against the training rows")

    def _asked(self, n_per_class: int | Mapping[Any, int]) -> dict[int, int]:
        if not isinstance(n_per_class, Mapping):
            n = check_count("n_per_class", n_per_class)
            return {int(number): n for number in self.learned_}
        asked = {
            self.labels_.number(label): check_count(f"n_per_class[{label!r}]", n) for label, n in n_per_class.items()
        }
        for number, n in asked.items():
            if n and number not in self.learned_:
                label = self.classes_.tolist()[number]
                raise LabelError(
                    f"class must have been learned to be drawn; got {label!r}, which had 1 training row. "
                    f"At least {FEWEST_ROWS} are needed."
                )
        return asked

    def _draw(self, number: int, n: int, seed: int) -> Drawn:
        return draw_class(self.generator_, self.selector_, int(np.searchsorted(self.learned_, number)), n, seed)

    def _next_seed(self) -> int:
        self.n_samples_drawn_ += 1
        return derive(self.seed_, "sample", self.n_samples_drawn_)

    def _warn_of_shortfall(self, drawn: dict[int, Drawn]) -> None:
        labels = self.classes_.tolist()
        short = [(part, labels[number]) for number, part in drawn.items() if part.n_accepted < len(part.x)]
        if not short:
            return
        words = ", ".join(f"{part.n_accepted} of {len(part.x)} for {label!r}" for part, label in short)
        warnings.warn(
            f"selection must find the rows asked for among ten times as many; it took {words}. The best of the others "
            "fill up: learn longer (n_steps), add training rows, or pass selection='none'.",
            ShortfallWarning,
            stacklevel=3,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.one_d_labels = True
        return tags


def _tell(listeners: list[Any]) -> OnStep:
    return lambda record: any([bool(listener(record)) for listener in listeners])  # noqa: C419  all are told


def _as_row(record: StepRecord) -> dict[str, float]:
    return {"step": record.step, "images_seen": record.images_seen, "seconds": record.seconds, **record.terms}
