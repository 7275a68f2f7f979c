"""Terms beside the objective, for the critic and for the generator, each of shape (b,).

Of the critic: functions of ``(critic, real, fake)``. With D the critic's logit, ∇D its gradient with respect to the
sample, x a real and g a synthetic sample:

================  ====================================================  ===============================================
r1                ½ |∇D(x)|²                                            Mescheder et al., "Which Training Methods for
                                                                        GANs do actually Converge?", 2018
r2                ½ |∇D(g)|²                                            the same
gradient_penalty  (|∇D(u x + (1 - u) g)| - 1)², u uniform in [0, 1]     Gulrajani et al., "Improved Training of
                                                                        Wasserstein GANs", 2017
lecam             max(0, D(x) - m_g)² + max(0, m_x - D(g))², m_x and    Tseng et al., "Regularizing GANs under Limited
                  m_g the running means of D(x) and D(g)                Data", 2021, as in the authors' code
auxiliary         -log C(y | x) - log C(y | g), C the class head        Odena et al., "Conditional Image Synthesis with
                                                                        Auxiliary Classifier GANs", 2017
================  ====================================================  ===============================================

Penalties of the gradient take a critic that judges each sample by itself: not with batch normalisation or minibatch
features.

Of the generator: functions of ``(critic, real, made)``. With f the features that the critic's head sees:

================  ====================================================  ===============================================
feature_matching  |mean f(x) - mean f(g)|², means over the batch        Salimans et al., "Improved Techniques for
                                                                        Training GANs", 2016
mode_seeking      1 / (|g - g'| / |z - z'| + ε), | | the mean absolute  Mao et al., "Mode Seeking Generative Adversarial
                  difference, g' made from other noise z'; ε = 1e-5     Networks for Diverse Image Synthesis", 2019
auxiliary         -log C(y | g)                                         Odena et al., 2017
================  ====================================================  ===============================================
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from synthaug.training.critic import Critic
from synthaug.training.objectives import Player, Terms

_SMALLEST_RATIO = 1e-5


@dataclass(frozen=True, eq=False)
class Made:
    """What the generator made, and from what.

    Attributes
    ----------
    noise
        Noise or codes, shape (b, d).
    samples
        Samples (b, ...) made from them.
    again
        Draws other noise (b, d) for the same labels and returns it with its samples (b, ...).
    """

    noise: Tensor
    samples: Tensor
    again: Callable[[], tuple[Tensor, Tensor]]


GeneratorPlayer = Callable[[Critic, Tensor, Made], Terms]


def gradient_at(critic: Critic, samples: Tensor) -> Tensor:
    """Return the gradient (b, d) of the logit with respect to each sample, flat; it can be differentiated again."""
    samples = samples.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(samples).sum(), samples, create_graph=True)
    return gradient.flatten(1)


def squared_gradient(critic: Critic, samples: Tensor) -> Tensor:
    """Return the squared norm (b,) of the gradient of the logit with respect to each sample."""
    return gradient_at(critic, samples).square().sum(1)


def r1(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return half the squared gradient norm at real samples."""
    return {"r1": 0.5 * squared_gradient(critic, real)}


def r2(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return half the squared gradient norm at synthetic samples."""
    return {"r2": 0.5 * squared_gradient(critic, fake)}


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the squared distance to 1 of the gradient norm between a real and a synthetic sample."""
    share = torch.rand(len(real), generator=critic.stream, device=real.device, dtype=real.dtype)
    between = torch.lerp(fake.detach(), real.detach(), share.view(-1, *(1,) * (real.ndim - 1)))
    norm = torch.linalg.vector_norm(gradient_at(critic, between), dim=1)
    return {"gradient_penalty": (norm - 1.0) ** 2}


def lecam(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return how far logits run ahead of the other side's running mean; each call moves the running means on."""
    of_real, of_fake = critic(real), critic(fake)
    mean_real, mean_fake = critic.means.follow(of_real, of_fake)
    return {"lecam": F.relu(of_real - mean_fake) ** 2 + F.relu(mean_real - of_fake) ** 2}


def auxiliary_critic(critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Return the cross-entropy of the class head at real and synthetic samples, times the label's strength."""
    return {
        "class_real": critic.label_strength * _class_entropy(critic, real),
        "class_fake": critic.label_strength * _class_entropy(critic, fake),
    }


def feature_matching(critic: Critic, real: Tensor, made: Made) -> Terms:
    """Return the squared distance between the batch's mean features, the same number for each sample."""
    apart = critic.features(real).mean(0).detach() - critic.features(made.samples).mean(0)
    return {"feature_matching": apart.square().sum().expand(len(real))}


def mode_seeking(critic: Critic, real: Tensor, made: Made) -> Terms:
    """Return how little samples move for how much the noise does."""
    noise, samples = made.again()
    moved = _mean_distance(made.samples, samples) / _mean_distance(made.noise, noise)
    return {"mode_seeking": 1.0 / (moved + _SMALLEST_RATIO)}


def auxiliary_generator(critic: Critic, real: Tensor, made: Made) -> Terms:
    """Return the cross-entropy of the class head at synthetic samples, times the label's strength."""
    return {"generator_class": critic.label_strength * _class_entropy(critic, made.samples)}


def _class_entropy(critic: Critic, samples: Tensor) -> Tensor:
    return F.cross_entropy(critic.class_logits(samples), critic.labels, reduction="none")


def _mean_distance(first: Tensor, second: Tensor) -> Tensor:
    return (first - second).abs().flatten(1).mean(1)


REGULARISERS: dict[str, Player] = {"r1": r1, "r2": r2, "gradient_penalty": gradient_penalty, "lecam": lecam}

GENERATOR_REGULARISERS: dict[str, GeneratorPlayer] = {
    "feature_matching": feature_matching,
    "mode_seeking": mode_seeking,
}
