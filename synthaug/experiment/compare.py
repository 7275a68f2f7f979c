"""``compare``: the arms of a study, run on every split of the rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from synthaug._check import check_flag, check_labels, check_same_length, check_two_classes
from synthaug._seed import seed_from
from synthaug.augment.arms import Arm
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.encoding import default_classifier
from synthaug.augment.fingerprints import warn_of_twins
from synthaug.augment.mix import reads_images
from synthaug.augment.parts import check_augmenter, check_estimator
from synthaug.augment.tuning import check_transform
from synthaug.data.constraints import check_constraints
from synthaug.data.container import known
from synthaug.data.groups import checked_groups
from synthaug.data.near_duplicates import warn_of_near_duplicates
from synthaug.data.split import Split
from synthaug.errors import ShapeError
from synthaug.experiment.arm_study import ArmStudy, Progress
from synthaug.experiment.checks import (
    check_jobs,
    check_resamples,
    check_rows_without_labels,
    check_splits,
    read_arms,
    warn_of_small_classes,
)
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.designs import Draws, read_design
from synthaug.experiment.learning_curve import read_factors
from synthaug.experiment.metrics import check_scorable, read_metrics
from synthaug.experiment.settings import settings_of
from synthaug.experiment.work import Work
from synthaug.statistics import DEFAULT_ROPE, check_rope

DEFAULT_ARMS = ("none", "classic", "classic twice", "smote", "gan", "classic+gan", "gated")


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
    check_flag("include_real_rows", include_real_rows)
    check_jobs(n_jobs)
    check_augmenter(augmenter)
    check_estimator(estimator)
    labels = check_labels(y)
    check_two_classes(np.unique(labels))
    if X is None:
        raise ShapeError("X must hold the rows; got None.")
    if scipy.sparse.issparse(X):
        raise ShapeError("X must be dense; got a sparse matrix. Pass X.toarray().")
    check_same_length(X, labels)
    X = X if hasattr(X, "dtype") or hasattr(X, "iloc") else known(X)
    y = y if hasattr(y, "dtype") and np.ndim(y) == 1 else labels
    groups = checked_groups(groups, len(labels))
    chosen = read_arms(arms)
    seed, design = seed_from(random_state), read_design(cv)
    augmenter = SyntheticAugmenter() if augmenter is None else augmenter
    check_constraints(augmenter.constraints, X)
    estimator = default_classifier(X, augmenter) if estimator is None else estimator
    check_transform(image_transform, estimator)
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
    check_rows_without_labels(work)
    check_splits(work, splits)
    check_scorable(work.metrics, labels, tested, estimator)
    warn_of_small_classes(work, splits)
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
