"""What the two players of a GAN minimise.

An objective is two functions of ``(critic, real, fake)``, one for each player. Each returns named terms of shape
(b,), one number a sample; the loss is the mean of their sum, and the names are the metrics' names. ``critic`` is the
discriminator with labels and augmentation bound: ``critic(images) -> logits (b,)``. With D the critic's logit and σ
the logistic function:

=================  =====================================  =================  ==========================================
objective          critic                                 generator          source
=================  =====================================  =================  ==========================================
minimax            -log σ(D(x)) - log(1 - σ(D(g)))        log(1 - σ(D(g)))   Goodfellow et al., "Generative Adversarial
                                                                             Nets", 2014, equation 1
non_saturating     -log σ(D(x)) - log(1 - σ(D(g)))        -log σ(D(g))       the same, section 3
least_squares      (D(x) - 1)² + D(g)²                    (D(g) - 1)²        Mao et al., "Least Squares GAN", 2017
wasserstein        D(g) - D(x), weights clipped to ±0.01  -D(g)              Arjovsky et al., "Wasserstein GAN", 2017
wasserstein_gp     D(g) - D(x) + 10 gradient_penalty      -D(g)              Gulrajani et al., "Improved Training of
                                                                             Wasserstein GANs", 2017
hinge              max(0, 1 - D(x)) + max(0, 1 + D(g))    -D(g)              Lim & Ye, "Geometric GAN", 2017
relativistic       -log σ(D(x) - D(g))                    -log σ(D(g)-D(x))  Jolicoeur-Martineau, "The Relativistic
                                                                             Discriminator", 2018
relativistic_r1_r2 the same + r1 + r2                     the same           Huang et al., "The GAN is Dead; Long Live
                                                                             the GAN!" (R3GAN), 2024
=================  =====================================  =================  ==========================================

Regularisers are told of in ``regularisers.py``. Weight clipping and the gradient penalty are there to bound the
critic's slope; spectral normalisation does so too, so the textbook's form of either takes ``critic_norm="none"``. R3GAN
tunes the weight of r1 and r2 for each data set; here it is 1 unless ``regularisers`` says otherwise.

Smoothed labels: where the critic has targets, 1 for real and 0 for synthetic samples, they may be 1 - a and b
(Salimans et al., "Improved Techniques for Training GANs", 2016, who smooth only the real ones; Szegedy et al., 2016).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from synthaug.training.critic import Critic

Terms = dict[str, Tensor]
Player = Callable[[Critic, Tensor, Tensor], Terms]


@dataclass(frozen=True)
class Objective:
    """What the critic and what the generator minimise.

    Attributes
    ----------
    critic, generator
        The players' functions.
    regularisers
        Terms of the critic that belong to the objective: weights by the names of ``REGULARISERS``.
    clip
        The critic's weights are clipped to plus or minus this after its update; None for no clipping.
    towards
        ``towards(real, fake)`` returns the critic's function for other targets than 1 and 0; None where it has none.
    middle
        The logit above which the critic takes a sample for real; None where it only compares two.
    """

    critic: Player
    generator: Player
    regularisers: Mapping[str, float] = field(default_factory=dict)
    clip: float | None = None
    towards: Callable[[float, float], Player] | None = None
    middle: float | None = 0.0


def cross_entropy_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the cross-entropy of telling real from synthetic."""
    return {"critic_real": F.softplus(-critic(real)), "critic_fake": F.softplus(critic(fake))}


def cross_entropy_towards(real_target: float, fake_target: float) -> Player:
    """Return the critic's function with targets t: ``-t log σ(D) - (1 - t) log(1 - σ(D)) = softplus(D) - t D``."""

    def smoothed_cross_entropy_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
        of_real, of_fake = critic(real), critic(fake)
        return {
            "critic_real": F.softplus(of_real) - real_target * of_real,
            "critic_fake": F.softplus(of_fake) - fake_target * of_fake,
        }

    return smoothed_cross_entropy_critic


def minimax_generator(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the log-probability of synthetic samples being found out; flat where the critic is sure."""
    return {"generator": -F.softplus(critic(fake))}


def non_saturating_generator(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the cross-entropy of synthetic samples taken for real."""
    return {"generator": F.softplus(-critic(fake))}


def least_squares_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the squared distance of the logits to 1 (real) and 0 (synthetic)."""
    return {"critic_real": (critic(real) - 1.0) ** 2, "critic_fake": critic(fake) ** 2}


def least_squares_towards(real_target: float, fake_target: float) -> Player:
    """Return the critic's function with other targets than 1 and 0."""

    def smoothed_least_squares_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
        return {
            "critic_real": (critic(real) - real_target) ** 2,
            "critic_fake": (critic(fake) - fake_target) ** 2,
        }

    return smoothed_least_squares_critic


def least_squares_generator(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the squared distance of the synthetic samples' logits to 1."""
    return {"generator": (critic(fake) - 1.0) ** 2}


def wasserstein_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the logit of synthetic samples less that of real ones: minus the estimated earth mover's distance."""
    return {"critic_real": -critic(real), "critic_fake": critic(fake)}


def raise_logits_generator(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the negative logit of the synthetic samples."""
    return {"generator": -critic(fake)}


def hinge_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return how far real samples stay below 1 and synthetic ones above -1."""
    return {"critic_real": F.relu(1.0 - critic(real)), "critic_fake": F.relu(1.0 + critic(fake))}


def relativistic_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the cross-entropy of a real sample being the more real one of a pair."""
    return {"critic": F.softplus(critic(fake) - critic(real))}


def relativistic_generator(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the cross-entropy of a synthetic sample being the more real one of a pair."""
    return {"generator": F.softplus(critic(real) - critic(fake))}


def smoothed(objective: Objective, smoothing: tuple[float, float]) -> Player:
    """Return the critic's function with targets ``1 - smoothing[0]`` for real and ``smoothing[1]`` for synthetic
    samples; its own where both are 0.
    """
    if tuple(smoothing) == (0.0, 0.0):
        return objective.critic
    assert objective.towards is not None
    return objective.towards(1.0 - smoothing[0], smoothing[1])


def right_signs(objective: Objective, of_real: Tensor, of_fake: Tensor) -> Tensor:
    """Return, for each pair of logits (b,), the share that the critic got right: of the two, or of the comparison."""
    if objective.middle is None:
        return (of_real > of_fake).float()
    return ((of_real > objective.middle).float() + (of_fake < objective.middle).float()) / 2


OBJECTIVES: dict[str, Objective] = {
    "hinge": Objective(hinge_critic, raise_logits_generator),
    "minimax": Objective(cross_entropy_critic, minimax_generator, towards=cross_entropy_towards),
    "non_saturating": Objective(cross_entropy_critic, non_saturating_generator, towards=cross_entropy_towards),
    "least_squares": Objective(
        least_squares_critic, least_squares_generator, towards=least_squares_towards, middle=0.5
    ),
    "wasserstein": Objective(wasserstein_critic, raise_logits_generator, clip=0.01, middle=None),
    "wasserstein_gp": Objective(
        wasserstein_critic, raise_logits_generator, regularisers={"gradient_penalty": 10.0}, middle=None
    ),
    "relativistic": Objective(relativistic_critic, relativistic_generator, middle=None),
    "relativistic_r1_r2": Objective(
        relativistic_critic, relativistic_generator, regularisers={"r1": 1.0, "r2": 1.0}, middle=None
    ),
}
