"""``compare``: the arms of a study, run on every split of the rows."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from synthaug._check import check_labels, check_same_length, check_two_classes, check_word
from synthaug._seed import seed_from
from synthaug.augment.arms import ARMS, USES_UNLABELLED, Arm, self_training
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.encoding import default_classifier
from synthaug.augment.fingerprints import warn_of_twins
from synthaug.augment.fitting import check_classifier
from synthaug.augment.learning import check_generator, new_learner
from synthaug.augment.mix import reads_images
from synthaug.augment.unlabelled import check_takes_unlabelled, check_unlabelled
from synthaug.data.container import known
from synthaug.data.groups import checked_groups
from synthaug.data.near_duplicates import warn_of_near_duplicates
from synthaug.data.split import Split
from synthaug.errors import ConfigError, ShapeError, SmallClassWarning
from synthaug.experiment.arm_study import ArmStudy, Progress
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.designs import Draws, read_design
from synthaug.experiment.learning_curve import read_factors
from synthaug.experiment.metrics import check_scorable, read_metrics
from synthaug.experiment.run_split import blocks_of
from synthaug.experiment.settings import settings_of
from synthaug.experiment.work import Work
from synthaug.statistics import DEFAULT_ROPE, check_rope

DEFAULT_ARMS = ("none", "classic", "classic twice", "smote", "gan", "classic+gan", "gated")
FEWEST_RESAMPLES, _MOST_RESAMPLES = 100, 100_000


def compare(
    X: Any,
    y: Any,
    *,
    estimator: Any = None,
    arms: Sequence[str] | Mapping[str, Arm] = DEFAULT_ARMS,
    augmenter: SyntheticAugmenter | None = None,
    groups: Any = None,
    X_unlabeled: Any = None,
    scoring: Any = "balanced_accuracy",
    metrics: Sequence[Any] | None = None,
    cv: Any = None,
    image_transform: Any = "shift",
    rope: float = DEFAULT_ROPE,
    label_equivalence: Sequence[float] | None = None,
    bootstrap: int = 0,
    n_jobs: int | None = None,
    random_state: int | None = None,
    include_real_rows: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Compare ways to train one classifier, paired over the same splits, without leaks, with a corrected test.

    Parameters
    ----------
    X, y
        Rows and labels, as ``SyntheticAugmenter.fit`` takes them.
    estimator
        The classifier; logistic regression on standardised columns if None.
    arms
        Names from ``ARMS``, or a dict of them and of your own functions of a ``Task`` that return ``Trained`` (both
        from `synthaug.augment.arms`). The first is the baseline.
    augmenter
        The augmenter for the arms that learn; the default one if None.
    groups
        Which rows belong together (n,), such as a patient's: never on both sides of a split.
    X_unlabeled
        Rows without labels (m, ...), for an augmenter whose learner uses them and for the arm *self-training*, which
        shows what the same rows give without a generator. Where *gan unlabelled* is among the arms only it and *gated*
        learn from them, so that *gan* shows what they are worth, for one learner more a split. None may be a row of X,
        for every row of X is tested on. Rows equal in every number are found; others of a tested row's group (a
        patient's other images) must not be there either, and nothing can check that. Transform them by the same steps
        as X: behind a step that changed X alone no duplicate can be seen. Every split gets them whole, unlike in
        scikit-learn's cross-validation, which gives each fold a part of them if there are as many as rows of X.
    scoring
        The primary metric, named beforehand: a scorer's name, a scorer, or None for accuracy; higher is better.
    metrics
        Further names or scorers, for information; if None accuracy, balanced accuracy, macro-F1, log-loss, Brier score,
        the area under the ROC curve and, of two classes, average precision, as far as splits and classifier allow.
    cv
        None (5 times 5 folds), a number of folds, ``Folds``, ``Draws``, or a scikit-learn splitter. With ``groups`` a
        splitter that tears one apart is refused.
    image_transform
        What *classic* does to images: see ``transform_images``; ``tuned``: chosen among nothing, ``shift`` and
        ``affine`` on the training rows of each split.
    rope
        Differences up to this count as none, in the metric's unit: half a point unless said. The summary's ``p_gain``
        is the probability of a larger one.
    label_equivalence
        Multiples of the labelled rows, such as ``(1.25, 1.5, 2.0, 3.0)``, at which the best way without a generator's
        rows is measured too, so that ``result.label_equivalence()`` says how many real labels an arm is worth. With
        ``Draws`` the labels are those held back, as far as they reach. In a cross-validation none are: the arms with a
        generator's rows then learn a second time, from a part of the rows (a third for a largest multiple of 3), and
        are compared with more of them, which costs as many learners again and, below some hundreds of rows, mostly
        cannot tell.
    bootstrap
        How often the groups of the test rows (patients; rows where there are no groups) are resampled, for
        ``result.intervals()``: 1,000 is usual, 0 for none.
    n_jobs
        Splits at a time.
    random_state
        Decides everything random.
    include_real_rows
        Whether pictures of real rows may be kept in the result, and so in its report.
    on_progress
        Is told after each split.

    Returns
    -------
    The comparison: ``summary()``, ``verdict(a, b)``, ``practical(a, b)``, ``recalls()``, ``label_equivalence()``,
    ``frame``, ``plot()``, ``to_html(path)``.

    Raises
    ------
    ConfigError
        If an arm, a metric, a classifier or a splitter cannot be, a split learns from one class, rows of X are among
        the rows without labels, or no arm uses those.
    LabelError
        If y holds one class.
    ShapeError
        If X is sparse, or rows without labels are not like those of X.

    Warns
    -----
    SmallClassWarning
        If a split has no row of a class to learn from or to test on.
    LeakWarning
        If a split tests on a row that is equal, in every number, to one it trains on.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from synthaug import Folds, compare
    >>> X, y = load_wine(return_X_y=True)
    >>> result = compare(X, y, arms=["none", "smote"], cv=Folds(3, 2), random_state=0)
    >>> result.summary().loc["smote", "verdict"]
    'no evidence'
    """
    study = prepare(
        X,
        y,
        estimator=estimator,
        arms=arms,
        augmenter=augmenter,
        groups=groups,
        X_unlabeled=X_unlabeled,
        scoring=scoring,
        metrics=metrics,
        cv=cv,
        image_transform=image_transform,
        rope=rope,
        label_equivalence=label_equivalence,
        bootstrap=bootstrap,
        n_jobs=n_jobs,
        random_state=random_state,
        include_real_rows=include_real_rows,
    )
    return study.run(on_progress=on_progress)


def prepare(
    X: Any,
    y: Any,
    *,
    estimator: Any = None,
    arms: Sequence[str] | Mapping[str, Arm] = DEFAULT_ARMS,
    augmenter: SyntheticAugmenter | None = None,
    groups: Any = None,
    X_unlabeled: Any = None,
    scoring: Any = "balanced_accuracy",
    metrics: Sequence[Any] | None = None,
    cv: Any = None,
    image_transform: Any = "shift",
    rope: float = DEFAULT_ROPE,
    label_equivalence: Sequence[float] | None = None,
    bootstrap: int = 0,
    n_jobs: int | None = None,
    random_state: int | None = None,
    name: str = "study",
    class_names: Sequence[str] | None = None,
    include_real_rows: bool = False,
    learners_folder: Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> ArmStudy:
    """Return the study that ``compare`` runs, checked: it can be asked for an estimate, run, and resumed.

    The parameters are those of ``compare``, and ``name``, ``class_names``, ``learners_folder`` (where fitted learners
    are saved) and ``settings`` (what to note beside).
    """
    labels = check_labels(y)
    check_two_classes(np.unique(labels))
    if scipy.sparse.issparse(X):
        raise ShapeError("X must be dense; got a sparse matrix. Pass X.toarray().")
    check_same_length(X, labels)
    X = X if hasattr(X, "dtype") or hasattr(X, "iloc") else known(X)
    y = y if hasattr(y, "dtype") else labels
    groups = checked_groups(groups, len(labels))
    chosen = _read_arms(arms)
    seed, design = seed_from(random_state), read_design(cv)
    augmenter = SyntheticAugmenter() if augmenter is None else augmenter
    estimator = default_classifier(X, augmenter) if estimator is None else estimator
    check_classifier(estimator)
    scoring = "accuracy" if scoring is None else scoring
    splits = design.splits(X, labels, groups, seed)
    tested = splits[:1] if isinstance(design, Draws) else splits  # draws share their test rows
    work = Work(
        X=X,
        y=y,
        groups=groups,
        estimator=estimator,
        augmenter=augmenter,
        arms=chosen,
        scoring=scoring,
        metrics=read_metrics(scoring, metrics, labels, tested, estimator),
        transform=image_transform,
        include_real_rows=include_real_rows,
        learners_folder=learners_folder,
        common_test_rows=isinstance(design, Draws),
        seed=seed,
        X_unlabeled=X_unlabeled,
        n_resamples=check_resamples(bootstrap),
    )
    _check_unlabelled(work)
    _check_splits(work, splits)
    check_scorable(work.metrics, labels, tested, estimator)
    _warn_of_missing_classes(work, splits)
    warn_of_twins(X, splits, stacklevel=3)
    torn = _warn_of_near_duplicates(work, splits) if reads_images(augmenter, X) else None
    names = tuple(map(str, np.unique(labels))) if class_names is None else tuple(class_names)
    factors = read_factors(label_equivalence, work, splits)
    noted = {**settings_of(work, design, n_jobs), "rope": check_rope(rope), **(settings or {})}
    if torn is not None:
        noted["splits_with_near_duplicates"] = torn
    if factors:
        noted["label_equivalence"] = list(factors)
    return ArmStudy(name, work, splits, design, names, n_jobs, noted, factors)


def _warn_of_near_duplicates(work: Work, splits: Sequence[Split]) -> int:
    shape, layout = work.augmenter.image_shape, work.augmenter.image_format
    return warn_of_near_duplicates(work.X, splits, image_shape=shape, image_format=layout, stacklevel=4)


def check_resamples(bootstrap: Any) -> int:
    """Return how often groups are resampled: 0, or 100 at least, below which an interval's ends are chance."""
    whole = isinstance(bootstrap, int | np.integer) and not isinstance(bootstrap, bool)
    if not whole or not (bootstrap == 0 or FEWEST_RESAMPLES <= bootstrap <= _MOST_RESAMPLES):
        raise ConfigError(
            f"bootstrap must be 0 or {FEWEST_RESAMPLES} to {_MOST_RESAMPLES} resamples; got {bootstrap!r}. 1000 is "
            "usual."
        )
    return int(bootstrap)


def _read_arms(arms: Sequence[str] | Mapping[str, Arm]) -> dict[str, Arm]:
    if isinstance(arms, str) or len(arms) < 2:
        raise ConfigError(f"arms must be at least two, the baseline first; got {arms!r}.")
    if isinstance(arms, Mapping):
        if unnamed := [name for name in arms if not isinstance(name, str)]:
            raise ConfigError(f"arms must be named by words; got {unnamed[0]!r}. Write {str(unnamed[0])!r}.")
        return {name: arm if callable(arm) else check_word("arm", arm, ARMS) for name, arm in arms.items()}
    if len(set(arms)) < len(arms):
        raise ConfigError(f"arms must each stand once; got {list(arms)}.")
    return {name: check_word("arm", name, ARMS) for name in arms}


def _check_splits(work: Work, splits: Sequence[Split]) -> None:
    """Raise unless there are two splits, each learns from two classes, and common test rows can tell chance."""
    if len(splits) < 2:
        raise ConfigError(f"cv must give at least 2 splits; got {len(splits)} (chance cannot be told from one).")
    _check_two_classes_to_learn(work, splits)
    blocks_of(work, splits[0])


def _check_two_classes_to_learn(work: Work, splits: Sequence[Split]) -> None:
    for number, split in enumerate(splits):
        there = np.unique(np.asarray(work.y)[split.train]).tolist()
        if len(there) < 2:
            raise ConfigError(
                f"cv must leave two classes to learn from in every split; got split {number}, whose training rows are "
                f"all of {there}. Shuffle, take fewer folds, or groups that hold more classes."
            )


def _warn_of_missing_classes(work: Work, splits: Sequence[Split]) -> None:
    """Warn where a class is missing on one side of a split: such a split is scored over the others."""
    labels = np.asarray(work.y)
    classes = set(labels.tolist())
    for side, what in (("train", "to learn from"), ("test", "to test on")):
        missing = [classes - set(labels[getattr(split, side)].tolist()) for split in splits]
        if any(missing):
            warnings.warn(
                f"{sum(map(bool, missing))} of {len(splits)} splits have no row {what} of "
                f"{sorted(set().union(*missing), key=str)}: their scores are not of the same classes as the others'. "
                "Take fewer folds, or more groups that hold these classes.",
                SmallClassWarning,
                stacklevel=4,
            )


def _check_unlabelled(work: Work) -> None:
    """Raise unless the rows without labels, if any, are like X's, apart from them, and of use to each arm that asks."""
    if work.X_unlabeled is None:
        return
    check_unlabelled(work.X, work.X_unlabeled, work.augmenter)
    users = [arm for arm in work.arms.values() if arm in USES_UNLABELLED or arm not in ARMS.values()]
    if not users or (users == [self_training] and not hasattr(work.estimator, "predict_proba")):
        raise ConfigError(
            f"X_unlabeled must be of use to an arm; got {list(work.arms)}, which use none. Add 'self-training' (with a "
            "classifier that has predict_proba), 'gan' or 'gated', or leave X_unlabeled out."
        )
    if any(arm in USES_UNLABELLED and arm is not self_training for arm in users):
        check_generator(work.augmenter.generator)
        images = reads_images(work.augmenter, work.X)
        check_takes_unlabelled(new_learner(work.augmenter.generator, for_images=images, has_unlabelled=True))
