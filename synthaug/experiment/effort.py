"""What a study will cost: how many learners learn, for how many steps, and how many classifiers are fitted."""

from synthaug.augment.arms import ARMS, GATED_ARMS, SHARED_LEARNER_ARMS
from synthaug.augment.classifier import AugmentedClassifier
from synthaug.augment.gate import auto_candidates
from synthaug.augment.gate.trying import LEARNING, mixings
from synthaug.augment.mix import reads_images
from synthaug.augment.tuning import N_FOLDS, TRIED_FOR
from synthaug.experiment.work import Work, compares_unlabelled

_N_INNER = AugmentedClassifier().n_splits
_STAGES = 2
_WITH_FIVE_OTHERS = 6  # teachers, or folds that a threshold is tuned on
_FITS = {
    "threshold": _WITH_FIVE_OTHERS,
    "self-distillation": _WITH_FIVE_OTHERS,
    "gan soft labels": _WITH_FIVE_OTHERS,
    "gan pretrain": _STAGES,
}


def n_learners(work: Work) -> int:
    """Return how many learners the arms of a split need: one that they share, and the gate's."""
    return _shared(work) + _N_INNER * _gated(work)


def learning(work: Work) -> float:
    """Return how many times the steps of one learner the learners of a split take.

    The gate's together take one and a half times as many as one.
    """
    return _shared(work) + min(_N_INNER, LEARNING) * _gated(work)


def n_fits(work: Work, *, n_sizes: int = 0) -> int:
    """Return how many classifiers a split fits; an arm that fits until it is sure, or of the user's own, counts as one.

    Parameters
    ----------
    work
        The arms and what they share.
    n_sizes
        At how many further numbers of rows a learning curve is measured. Where no labels are held back the arms with
        learned rows are measured at one of them as well.
    """
    images = reads_images(work.augmenter, work.X)
    tuned = len(TRIED_FOR.get(work.transform, ())) * N_FOLDS if images and isinstance(work.transform, str) else 0
    again = (
        0 if work.common_test_rows or not n_sizes else sum(_fits(name, work) for name in _known(work) if _learns(name))
    )
    return tuned + sum(_fits(name, work) for name in _known(work)) + n_sizes + again


def _fits(name: str, work: Work) -> int:
    """Return how many classifiers an arm fits."""
    if name not in GATED_ARMS:
        return _FITS.get(name, 1)
    candidates = auto_candidates(work.estimator, images=reads_images(work.augmenter, work.X))
    return _N_INNER * (1 + sum(mixings(mix) for mix in candidates.values())) + 1


def _known(work: Work) -> list[str]:
    """Return what our arms are called in the registry, whatever the study calls them; "" for one of the user's own."""
    return [next((name for name, known in ARMS.items() if known is arm), "") for arm in work.arms.values()]


def _learns(name: str) -> bool:
    return name in SHARED_LEARNER_ARMS or name in GATED_ARMS


def _shared(work: Work) -> int:
    """Return how many learners the arms share: one, and one more where *gan unlabelled* is compared with others."""
    apart = compares_unlabelled(work)
    return len({apart and name == "gan unlabelled" for name in _known(work) if name in SHARED_LEARNER_ARMS})


def _gated(work: Work) -> int:
    return sum(name in GATED_ARMS for name in _known(work))
