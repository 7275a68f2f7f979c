"""``SyntheticAugmenter``: learn a generator from labelled rows, draw new ones, in the user's own terms."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from synthaug._check import FEWEST_ROWS, check_device, check_positive
from synthaug._seed import derive, seed_from
from synthaug.augment import learning
from synthaug.augment.diagnosis import Course, Finding, diagnose
from synthaug.augment.drawing import Tally, report
from synthaug.augment.fingerprints import Fingerprints, take_fingerprints
from synthaug.augment.looks import looks_of, snapshots_of
from synthaug.augment.plan import Counts, drop_small_classes, plan_counts
from synthaug.augment.reading import (
    Reading,
    check_as_read,
    checked_to_predict,
    count_rows,
    read_training_rows,
    warn_of_strangers,
)
from synthaug.augment.streaming import LearnedModel, asked_of, joined, stream, warn_of_shortfall
from synthaug.augment.unlabelled import unlabelled_for
from synthaug.data.constraints import Constraint, check_constraints, name_constraints
from synthaug.data.container import join, known
from synthaug.data.images import ImageCodec
from synthaug.data.labels import one_column
from synthaug.data.rows import RowsOptions
from synthaug.errors import ConfigError, NoRowsAddedWarning
from synthaug.generators import Learner, Limits
from synthaug.quality.selection import Everything, Selection, check_selection
from synthaug.training.loop import StepRecord
from synthaug.training.threads import fixed_threads, threads_of


class SyntheticAugmenter(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Learn a conditional generator from a small labelled set and draw rows of any class.

    Images and tables go in as numpy, pandas or torch and come out in the same container, type, layout and range.

    Parameters
    ----------
    generator
        A learner's name, a learner such as ``CGAN(n_steps=500)``, or ``auto``: ``LatentGAN`` for images, whose rows
        differ more at equal cost than ``CGAN``'s, and where rows without labels come; ``Copula`` for tables.
        ``generator_`` tells which.
    sampling_strategy
        Which classes are brought to which count: imbalanced-learn's grammar for over-sampling.
    n_synthetic
        Synthetic rows on top of that: ``auto`` (none where classes are balanced by the strategy; as many as real rows
        where they are about balanced already), an integer for each class, or a ratio of the class's real rows, such as
        ``"x0.5"``.
    selection
        Which drawn rows are taken: ``agreement`` (those that classifiers, cross-fitted on the training rows, give to
        the intended class), ``auto`` (the same; of tables of up to 2,000 rows ``agreement+novelty``, which drops rows
        that look like copies of training rows), any other key of ``quality.selection.SELECTIONS``, or several joined by
        ``+``, such as ``agreement+density``. ``selection_report_`` counts what was dropped. Rows that are selected
        are more typical of their class than real ones: shares of categories and of missing values move with it.
        ``none``: every row, as the learner draws it.
    image_shape
        ``(h, w)``, ``(h, w, c)`` or ``(c, h, w)`` of images that come as flat rows.
    image_format
        ``channels_last``, ``channels_first``, or ``auto`` where the shape leaves no doubt.
    categorical_features
        Columns of numbers that are names of categories: their names, their numbers, or a bool for each column. Words,
        booleans and pandas' categories are categories anyhow (``auto``).
    constraints
        Rules that every drawn row keeps, and training rows too: ``LessOrEqual("start", "end")``, functions of rows that
        return which are right, bool (n,), and ``Fixed("origin", "drawn")``, of drawn rows alone. Rows are corrected
        where the rule says how; the others are drawn anew, at most ten times as many as are asked for.
    max_seconds, max_steps
        Caps on learning. A run that ``max_seconds`` cut is not reproducible: ``was_cut_`` tells.
    device
        Where learners train: ``auto`` (the GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``, ... What was learned
        rests in main memory. On a GPU the same seed may learn other weights, in the last digits, each time.
    checkpoint_dir
        Folder for checkpoints; may be shared by any number of augmenters.
    resume
        Go on from a checkpoint of the same rows, parameters and seed.
    callbacks
        Functions of a ``StepRecord``; one that returns True stops learning, one that is a context manager too is
        entered while it learns.
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
        ``diversity``: mean pairwise feature distance over the real rows'; ``another_class``, of a selector that tells
        classes apart: share that it takes for rows of another), ``value``, ``measured_on``.
    quality_history_ : DataFrame
        A row for each look at the learner while it trained and each class: ``step``, ``class``, ``distance`` (kernel
        distance to real rows), ``diversity``, ``measured_on``.
    snapshots_ : dict
        Samples of the same noise at each look: ``steps`` (t,), ``labels`` (k,), ``images`` (t, k, ...), rows as an
        array; not saved.
    diagnosis_ : list of Finding or None
        What went wrong, if anything; ``str`` of each says where, what shows it and what to do. None of a model that
        was saved before there were findings.
    selection_report_ : DataFrame
        After ``sample`` or ``augment``, or the last batch of ``sample_batches``: a row a class, how many rows were
        ``drawn``, ``kept``, dropped for each reason, and ``filled`` (dropped rows that the sample holds because too few
        were kept). It is gone from the start of the next sample to its end.
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

    _fingerprints: Fingerprints | None = None  # of a loaded augmenter, whose training rows nobody knows

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
        constraints: Sequence[Constraint] | None = None,
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
        self.constraints = constraints
        self.max_seconds = max_seconds
        self.max_steps = max_steps
        self.device = device
        self.checkpoint_dir = checkpoint_dir
        self.resume = resume
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, X_unlabeled: Any = None) -> Self:
        """Learn from rows and labels, from a torch Dataset of both, or from rows alone.

        Parameters
        ----------
        X
            Images (n, h, w), (n, h, w, c), (n, c, h, w), flat images with ``image_shape``, a table (n, d), or a torch
            Dataset whose items hold an image and a label. A table's columns hold numbers, words, booleans, categories
            or dates, some of them missing; an array of objects may hold several kinds, as a DataFrame does.
        y
            Labels (n,): strings, integers, booleans. Left out for a Dataset. Rows without labels are learned as one
            class, called None: ``sample(n)`` then returns rows and None.
        groups
            Which rows belong together (a patient's), shape (n,). Selection keeps a group on one side of its folds, and
            a learner that holds rows out, to know when to stop, holds out whole groups.
        X_unlabeled
            Further rows, without labels (m, ...), of X's shape, kind of numbers and range, for learners that use them:
            else they are refused.

        Returns
        -------
        The augmenter itself.

        Raises
        ------
        ShapeError, LabelError, ConfigError
            If rows, labels or parameters cannot be learned from; the message says what came and the remedy.
        ConstraintError
            If training rows break a constraint; they are named.
        DivergedError
            If a loss is not finite.
        """
        self._check_parameters()
        options = RowsOptions(self.image_shape, self.image_format, self.categorical_features)
        reading = read_training_rows(self, X, y, options)
        check_constraints(self.constraints, known(X) if reading.item_format is None else reading.rows)
        self._remember(reading)
        learner = learning.new_learner(
            self.generator, for_images=self.image_shape_ is not None, has_unlabelled=X_unlabeled is not None
        )
        more = unlabelled_for(learner, X_unlabeled, codec=self.codec_, labels=self.labels_)
        counts = np.bincount(reading.numbers, minlength=len(self.classes_))
        self.class_counts_ = dict(zip(self.classes_.tolist(), counts.tolist(), strict=True))
        self.plan_ = drop_small_classes(self._plan(self.class_counts_), self.class_counts_)
        self.learned_ = np.flatnonzero(counts >= FEWEST_ROWS)
        self.seed_, self.n_samples_drawn_ = seed_from(self.random_state), 0
        with fixed_threads(threads_of(learner, self._schema())):
            rows = learning.learnable(reading, self.learned_, seed=self.seed_, groups=groups, x_unlabeled=more)
            self._learn(learner, rows)
        return self

    def transform(self, X: Any) -> Any:
        """Return X as it is, after checking that it has the shape that ``fit`` saw.

        At prediction time nothing may change, and a transformer cannot add rows: use ``augment`` or ``sample``.
        """
        check_is_fitted(self)
        checked = checked_to_predict(self, X, self.codec_)
        warn_of_strangers(checked, self.codec_)
        return checked

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
            As they went into ``fit``: container, type, layout, range, columns, label type; y is None where no labels
            went in.

        Raises
        ------
        LabelError
            If a class is unknown, or was too small to learn from.
        ConfigError
            If a count is negative or absurd.
        ConstraintError
            If too few of ten times the rows asked for keep the constraints; those are named.

        Warns
        -----
        ShortfallWarning
            If selection took too few of ten times the rows asked for; the best of the others fill up.
        """
        check_is_fitted(self)
        model, tallies = self._model(), dict[int, Tally]()
        asked, seed = asked_of(model, n_per_class), self._seed_of_sample(random_state)
        self._forget_report()
        batches = list(stream(model, asked, seed, tallies=tallies))
        self._tell_of_selection(tallies)
        rows, numbers = joined(model, batches)
        return rows, self.labels_.decode(numbers)

    def sample_batches(
        self, n_per_class: int | Mapping[Any, int], *, batch_size: int = 1024, random_state: int | None = None
    ) -> Iterator[tuple[Any, Any]]:
        """Draw the rows of ``sample`` a batch at a time, in memory that does not grow with their number.

        Parameters
        ----------
        n_per_class, random_state
            As in ``sample``.
        batch_size
            How many rows a batch holds; only the last may hold fewer.

        Yields
        ------
        X, y
            As from ``sample``; all batches together are what it returns.

        Raises
        ------
        LabelError, ConfigError
            As ``sample`` does, when this is called.

        Warns
        -----
        ShortfallWarning
            As ``sample`` does, after the last batch.
        """
        check_is_fitted(self)
        check_positive("batch_size", batch_size, integer=True)
        asked, seed = asked_of(self._model(), n_per_class), self._seed_of_sample(random_state)
        self._forget_report()
        return self._batches(asked, seed, batch_size)

    def augment(self, X: Any, y: Any = None, *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return the rows given, untouched, and after them as many synthetic ones as the strategy asks for.

        Parameters
        ----------
        X, y
            Rows and labels of the same kind as ``fit`` saw; no labels where it saw none.
        random_state
            As in ``sample``.

        Raises
        ------
        ShapeError, LabelError
            If the rows are of another shape, container or kind of number than those of ``fit``, or a label is unknown.
        """
        check_is_fitted(self)
        y = one_column(y)
        counts = count_rows(X, y, self.labels_)
        check_as_read(X, y, codec=self.codec_, labels=self.labels_)
        warn_of_strangers(X, self.codec_)
        learned = set(self.classes_[self.learned_].tolist())
        plan = {label: n for label, n in self._plan(counts).items() if label in learned}
        X_new, y_new = self.sample(plan, random_state=random_state)
        return join(X, X_new), None if y is None else join(y, y_new)

    def plan(self) -> Counts:
        """Return how many synthetic rows of each class the strategy asks for, given the training rows."""
        check_is_fitted(self)
        return dict(self.plan_)

    def is_training_row(self, X: Any) -> np.ndarray:
        """Return which rows are ones that ``fit`` learned from, equal in every number.

        The augmenter knows its training rows while it lives, by keyed hashes that are neither saved nor pickled.

        Parameters
        ----------
        X
            Rows (n, ...), as ``fit`` saw them.

        Returns
        -------
        Bool, shape (n,).

        Raises
        ------
        ConfigError
            If the augmenter was loaded, copied or unpickled: it no longer knows.
        ShapeError
            If the rows are of another shape than those of ``fit``.
        """
        check_is_fitted(self)
        if self._fingerprints is None:
            raise ConfigError(
                "is_training_row must be asked of the augmenter that learned, in the same process; got one that was "
                "loaded, copied or unpickled (fingerprints of training rows are never kept). Fit again, then ask."
            )
        return take_fingerprints(checked_to_predict(self, X, self.codec_)).found_in(self._fingerprints)

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

    def _check_parameters(self) -> None:
        check_selection(self.selection)
        learning.check_caps(self.max_seconds, self.max_steps)
        learning.check_resume(self.resume, self.checkpoint_dir)
        learning.check_generator(self.generator)

    def _remember(self, reading: Reading) -> None:
        self.codec_, self.labels_, self.classes_ = reading.codec, reading.labels, reading.labels.classes
        self.image_shape_ = reading.codec.shape if isinstance(reading.codec, ImageCodec) else None
        self.n_features_in_ = int(np.prod(reading.codec.row_shape))
        self._fingerprints = take_fingerprints(reading.rows)
        self.__dict__.pop("item_format_", None)
        self._forget_report()
        if reading.item_format is not None:
            self.item_format_ = reading.item_format

    def _plan(self, counts: Counts) -> Counts:
        return plan_counts(counts, self.sampling_strategy, self.n_synthetic)

    def _schema(self) -> Any:
        return self.codec_.schema(len(self.learned_))

    def _learn(self, learner: Learner, rows: learning.TrainingSet) -> None:
        self.generator_, self.was_cut_, self.seconds_ = learner, False, 0.0
        self.selector_: Selection = Everything()
        self.history_, self.quality_ = pd.DataFrame(), pd.DataFrame()
        self._look_back(None)
        if len(self.learned_) == 0:
            return
        run = learning.train(learner, rows, limits=self._limits(), callbacks=self.callbacks, verbose=bool(self.verbose))
        self.generator_, self.history_ = run.learner, run.history
        self.was_cut_, self.seconds_ = bool(run.learner.was_cut_), run.seconds
        self.selector_ = learning.select(self.selection, rows, self.generator_)
        self.quality_ = learning.measure_quality(self.generator_, self.selector_, rows)
        self._look_back(self.generator_)

    def _look_back(self, learner: Learner | None) -> None:
        labels, ending = self.classes_[self.learned_], getattr(learner, "ending_", None)
        self.snapshots_, self.quality_history_ = snapshots_of(learner, self.codec_, labels), looks_of(learner, labels)
        course = Course(self.class_counts_, self.history_, self.quality_history_, self.quality_, ending, learner)
        self.diagnosis_: list[Finding] | None = diagnose(course)

    def _limits(self) -> Limits:
        folder = None if self.checkpoint_dir is None else Path(self.checkpoint_dir)
        return Limits(check_device(self.device), self.max_steps, self.max_seconds, folder, self.resume)

    def _model(self) -> LearnedModel:
        rules = name_constraints(self.constraints)
        return LearnedModel(self.generator_, self.selector_, self.codec_, self.labels_, self.learned_, rules)

    def _batches(self, asked: dict[int, int], seed: int, batch_size: int) -> Iterator[tuple[Any, Any]]:
        tallies: dict[int, Tally] = {}
        for rows, numbers in stream(self._model(), asked, seed, tallies=tallies, batch_size=batch_size):
            yield rows, self.labels_.decode(numbers)
        self._tell_of_selection(tallies)

    def _seed_of_sample(self, random_state: int | None) -> int:
        if random_state is not None:
            return seed_from(random_state)
        self.n_samples_drawn_ += 1
        return derive(self.seed_, "sample", self.n_samples_drawn_)

    def _forget_report(self) -> None:
        self.__dict__.pop("selection_report_", None)

    def _tell_of_selection(self, tallies: dict[int, Tally]) -> None:
        labels = self.classes_.tolist()
        labelled = {labels[number]: tally for number, tally in tallies.items()}
        self.selection_report_ = report(labelled)
        warn_of_shortfall(labelled, stacklevel=3)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.one_d_labels = True
        tags.input_tags.allow_nan = True  # a table's missing values; images with NaN are refused
        tags.input_tags.categorical = True
        return tags
