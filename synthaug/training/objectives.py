"""What the two players of a GAN minimise.

An objective is two functions of ``(critic, real, fake)``, one for each player. Each returns named terms of shape
(b,), one number a sample; the loss is the mean of their sum, and the names are the metrics' names. ``critic`` is the
discriminator with labels and augmentation bound: ``critic(images) -> logits (b,)``. With D the critic's logit and σ
the logistic function:

=================  =========================================  =====================  =============================
objective          critic                                     generator              source
=================  =========================================  =====================  =============================
hinge              max(0, 1 - D(x)) + max(0, 1 + D(g))        -D(g)                  Lim & Ye 2017
non_saturating     -log σ(D(x)) - log(1 - σ(D(g)))            -log σ(D(g))           Goodfellow et al. 2014
least_squares      (D(x) - 1)² + D(g)²                        (D(g) - 1)²            Mao et al. 2017
relativistic       -log σ(D(x) - D(g))                        -log σ(D(g) - D(x))    Jolicoeur-Martineau 2018
=================  =========================================  =====================  =============================

A regulariser has the form of a critic's function; its term is added to the critic's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Critic = Callable[[Tensor], Tensor]
Terms = dict[str, Tensor]
Player = Callable[[Critic, Tensor, Tensor], Terms]


@dataclass(frozen=True)
class Objective:
    """What the critic and what the generator minimise."""

    critic: Player
    generator: Player


def hinge_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return how far real samples stay below 1 and synthetic ones above -1."""
    return {"critic_real": F.relu(1.0 - critic(real)), "critic_fake": F.relu(1.0 + critic(fake))}


def hinge_generator(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the negative logit of the synthetic samples."""
    return {"generator": -critic(fake)}


def non_saturating_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the cross-entropy of telling real from synthetic."""
    return {"critic_real": F.softplus(-critic(real)), "critic_fake": F.softplus(critic(fake))}


def non_saturating_generator(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the cross-entropy of synthetic samples taken for real."""
    return {"generator": F.softplus(-critic(fake))}


def least_squares_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the squared distance of the logits to 1 (real) and 0 (synthetic)."""
    return {"critic_real": (critic(real) - 1.0) ** 2, "critic_fake": critic(fake) ** 2}


def least_squares_generator(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the squared distance of the synthetic samples' logits to 1."""
    return {"generator": (critic(fake) - 1.0) ** 2}


def relativistic_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the cross-entropy of a real sample being the more real one of a pair."""
    return {"critic": F.softplus(critic(fake) - critic(real))}


def relativistic_generator(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the cross-entropy of a synthetic sample being the more real one of a pair."""
    return {"generator": F.softplus(critic(real) - critic(fake))}


def squared_gradient(critic: Critic, samples: Tensor) -> Tensor:
    """Return the squared norm (b,) of the gradient of the logit with respect to each sample."""
    samples = samples.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(samples).sum(), samples, create_graph=True)
    return gradient.flatten(1).square().sum(1)


def r1(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return half the squared gradient norm at real samples (Mescheder et al., 2018)."""
    return {"r1": 0.5 * squared_gradient(critic, real)}


def r2(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return half the squared gradient norm at synthetic samples (Mescheder et al., 2018)."""
    return {"r2": 0.5 * squared_gradient(critic, fake)}


OBJECTIVES: dict[str, Objective] = {
    "hinge": Objective(hinge_critic, hinge_generator),
    "non_saturating": Objective(non_saturating_critic, non_saturating_generator),
    "least_squares": Objective(least_squares_critic, least_squares_generator),
    "relativistic": Objective(relativistic_critic, relativistic_generator),
}

REGULARISERS: dict[str, Player] = {"r1": r1, "r2": r2}
