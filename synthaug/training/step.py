"""One step of a GAN: the critic's update, then the generator's."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor, nn

from synthaug.training.diffaug import Augment
from synthaug.training.objectives import Objective, Player, Terms


@dataclass(frozen=True)
class Players:
    """The two networks, their optimisers and what they play by.

    Attributes
    ----------
    generator, discriminator
        ``generator(noise, labels) -> fake`` and ``discriminator(samples, labels) -> logits (b,)``.
    generator_optimiser, critic_optimiser
        The optimiser of each.
    objective
        What each minimises.
    regularisers
        Further terms of the critic, each with its weight.
    augment
        What is done to real and fake samples before the discriminator sees them.
    noise_dim
        Length of the noise.
    """

    generator: nn.Module
    discriminator: nn.Module
    generator_optimiser: torch.optim.Optimizer
    critic_optimiser: torch.optim.Optimizer
    objective: Objective
    regularisers: tuple[tuple[Player, float], ...]
    augment: tuple[Augment, ...]
    noise_dim: int


def gan_step(players: Players, real: Tensor, labels: Tensor, stream: torch.Generator) -> dict[str, Tensor]:
    """Update both players once and return the mean of each term, detached.

    Parameters
    ----------
    players
        The players.
    real, labels
        A batch: samples (b, ...) and their classes (b,).
    stream
        Where noise and augmentation are drawn from.
    """
    critic = bind(players, labels, stream)
    with torch.no_grad():
        fake = players.generator(_noise(players, labels, stream), labels)
    terms = players.objective.critic(critic, real, fake)
    for regulariser, weight in players.regularisers:
        terms |= {name: weight * term for name, term in regulariser(critic, real, fake).items()}
    descend(players.critic_optimiser, terms)

    players.discriminator.requires_grad_(False)
    fake = players.generator(_noise(players, labels, stream), labels)
    generator_terms = players.objective.generator(critic, real, fake)
    descend(players.generator_optimiser, generator_terms)
    players.discriminator.requires_grad_(True)
    return {name: term.detach().mean() for name, term in (terms | generator_terms).items()}


def bind(players: Players, labels: Tensor, stream: torch.Generator) -> Callable[[Tensor], Tensor]:
    """Return the critic: the discriminator with labels (b,) and augmentation bound."""

    def critic(samples: Tensor) -> Tensor:
        seen = reduce(lambda images, change: change(images, stream), players.augment, samples)
        return players.discriminator(seen, labels)

    return critic


def _noise(players: Players, labels: Tensor, stream: torch.Generator) -> Tensor:
    return torch.randn(len(labels), players.noise_dim, generator=stream, device=labels.device)


def descend(optimiser: torch.optim.Optimizer, terms: Terms) -> None:
    """Take one step down the gradient of the sum of the terms' means."""
    optimiser.zero_grad(set_to_none=True)
    torch.stack([term.mean() for term in terms.values()]).sum().backward()
    optimiser.step()
