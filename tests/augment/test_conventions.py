"""The conventions of scikit-learn and imbalanced-learn, with the GAN itself."""

import pytest
from imblearn.utils.estimator_checks import estimator_checks_generator as sampler_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from synthaug import CGAN, AugmentedClassifier, SyntheticAugmenter, SyntheticSampler

TINY = CGAN(n_steps=2, batch_size=8, noise_dim=4, width=4)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::RuntimeWarning")

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "the gate draws folds and a GAN draws batches of rows, so a row of weight 2 is not two rows"
    ),
    "check_sample_weight_equivalence_on_sparse_data": "sparse rows are refused",
}


def expected_failures(estimator):
    return EXPECTED_FAILURES if isinstance(estimator, AugmentedClassifier) else {}


@parametrize_with_checks(
    [
        SyntheticAugmenter(TINY, random_state=0),
        AugmentedClassifier(augmenter=SyntheticAugmenter(TINY), random_state=0),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_conventions(estimator, check):
    """The augmenter and the classifier behave as every scikit-learn estimator does."""
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [AugmentedClassifier(augmenter=SyntheticAugmenter(TINY), gate=False, random_state=0)],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_conventions_without_the_gate(estimator, check):
    """The classifier behaves as every scikit-learn estimator does without the gate too."""
    check(estimator)


SAMPLER_CHECKS = list(sampler_checks(SyntheticSampler(SyntheticAugmenter(TINY), random_state=0)))


@pytest.mark.parametrize(
    ("estimator", "check"), SAMPLER_CHECKS, ids=[check.func.__name__ for _, check in SAMPLER_CHECKS]
)
def test_imbalanced_learn_conventions(estimator, check):
    """The sampler behaves as every imbalanced-learn sampler does."""
    check(estimator)
