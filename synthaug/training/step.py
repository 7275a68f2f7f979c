"""One step of a GAN: the critic's updates, then the generator's.

What keeps the two in balance, beside objective and regularisers (``Stabilisers``):

====================  ==================================================================  ==============================
several steps         the critic, or the generator, is updated more often than the other  Goodfellow et al. 2014;
                                                                                          Gulrajani et al. 2017 (5 to 1)
label_flip_fraction   so many pairs of a real and a synthetic sample change sides before  Chintala et al., "How to Train
                      the critic is updated; regularisers see them unchanged              a GAN?", 2016
instance_noise        normal noise on what the critic sees, falling linearly, in n steps  Sønderby et al. 2017; Arjovsky
                      to 1/n of its start                                                 & Bottou 2017
ramp_fraction         the label's strength rises linearly from 0 to 1 over this share of  Shahbazi et al., "Collapse by
                      the steps: unconditional first, then conditional                    Conditioning", 2022
====================  ==================================================================  ==============================

Two time scales (Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", 2017) are the optimisers' rates.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from synthaug.models.conditioning import set_label_strength
from synthaug.models.heads import RowHead
from synthaug.training.critic import Critic, LogitMeans, run_in
from synthaug.training.diffaug import Augment
from synthaug.training.objectives import Objective, Player, Terms, right_signs
from synthaug.training.regularisers import GeneratorPlayer, Made


@dataclass(frozen=True)
class Stabilisers:
    """What keeps the players in balance; the defaults are plain alternation.

    Attributes
    ----------
    n_critic_steps, n_generator_steps
        Updates of each player a step.
    label_flip_fraction
        Which share of the pairs change sides in the critic's update, 0 to 1.
    instance_noise
        Deviation of the noise that the critic sees at the first of n steps; it falls linearly to 1/n of it at the last.
    ramp_fraction
        Over which share of the steps the label is brought in, 0 to 1.
    """

    n_critic_steps: int = 1
    n_generator_steps: int = 1
    label_flip_fraction: float = 0.0
    instance_noise: float = 0.0
    ramp_fraction: float = 0.0

    def noise_at(self, progress: float) -> float:
        """Return the deviation of the instance noise once a share ``progress`` of the steps is done."""
        return self.instance_noise * (1.0 - progress)

    def label_strength_at(self, progress: float) -> float:
        """Return how much the label counts once a share ``progress`` of the steps is done."""
        return 1.0 if progress >= self.ramp_fraction else progress / self.ramp_fraction


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
        Further terms of the critic, each with its weight: those of the objective too.
    augment
        What is done to real and fake samples before the discriminator sees them.
    noise_dim
        Length of the noise.
    generator_regularisers
        Further terms of the generator, each with its weight.
    stabilisers
        What keeps the two in balance.
    dtype
        The precision of the networks' forward passes; parameters, losses and statistics are float32.
    means
        Running means of the logits.
    head
        What makes samples of the generator's outputs.
    """

    generator: nn.Module
    discriminator: nn.Module
    generator_optimiser: torch.optim.Optimizer
    critic_optimiser: torch.optim.Optimizer
    objective: Objective
    regularisers: tuple[tuple[Player, float], ...]
    augment: tuple[Augment, ...]
    noise_dim: int
    generator_regularisers: tuple[tuple[GeneratorPlayer, float], ...] = ()
    stabilisers: Stabilisers = field(default_factory=Stabilisers)
    dtype: torch.dtype = torch.float32
    means: LogitMeans = field(default_factory=LogitMeans)
    head: RowHead = field(default_factory=RowHead)

    def modules(self) -> dict[str, nn.Module]:
        """Return the modules whose state decides later steps, by name: what a checkpoint holds."""
        return {"generator": self.generator, "discriminator": self.discriminator, "means": self.means}

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the optimisers by name."""
        return {"generator_optimiser": self.generator_optimiser, "critic_optimiser": self.critic_optimiser}


def gan_step(
    players: Players, real: Tensor, labels: Tensor, stream: torch.Generator, *, progress: float = 0.0
) -> dict[str, Tensor]:
    """Update both players once and return the mean of each term, detached.

    Parameters
    ----------
    players
        The players.
    real, labels
        A batch: samples (b, ...) and their classes (b,).
    stream
        Where noise and augmentation are drawn from.
    progress
        Which share of the steps is done.
    """
    critic = bind(players, labels, stream, progress=progress)
    terms = _train_critic(players, critic, real)
    return _means(terms | _train_generator(players, critic, real))


@dataclass(frozen=True)
class GanStep:
    """A step of as many updates of each player as their stabilisers say; it returns the terms of the last of each.

    Attributes
    ----------
    draw_batch
        ``draw_batch(b, stream)`` returns b samples and their classes, for the critic's updates after the first.
    progress
        Returns which share of the steps is done.
    """

    draw_batch: Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
    progress: Callable[[], float]

    def __call__(self, players: Players, real: Tensor, labels: Tensor, stream: torch.Generator) -> dict[str, Tensor]:
        """Update both players and return the mean of each term, detached; see ``gan_step``."""
        progress, rules = self.progress(), players.stabilisers
        ramp_label(players, progress)
        critic = bind(players, labels, stream, progress=progress)
        terms = _train_critic(players, critic, real)
        for _ in range(rules.n_critic_steps - 1):
            real, labels = self.draw_batch(len(real), stream)
            critic = bind(players, labels, stream, progress=progress)
            terms = _train_critic(players, critic, real)
        for _ in range(rules.n_generator_steps):
            terms |= _train_generator(players, critic, real)
        return _means(terms)


def ramp_label(players: Players, progress: float) -> None:
    """Set how much the label counts in both networks once a share ``progress`` of the steps is done."""
    if players.stabilisers.ramp_fraction > 0.0:
        strength = players.stabilisers.label_strength_at(progress)
        set_label_strength(players.generator, strength)
        set_label_strength(players.discriminator, strength)


def bind(players: Players, labels: Tensor, stream: torch.Generator, *, progress: float = 0.0) -> Critic:
    """Return the critic: the discriminator with labels (b,), augmentation and instance noise bound."""
    rules = players.stabilisers
    return Critic(
        players.discriminator,
        labels,
        stream,
        augment=players.augment,
        instance_noise=rules.noise_at(progress),
        label_strength=rules.label_strength_at(progress),
        means=players.means,
        dtype=players.dtype,
    )


def update_critic(players: Players, critic: Critic, real: Tensor, fake: Tensor) -> Terms:
    """Update the critic once on samples (b, ...), synthetic ones detached, and return its terms (b,).

    Beside those that it minimises there is ``critic_accuracy``: the share of right signs, or of pairs in the right
    order where an objective only compares.
    """
    judge = critic.remembering()
    swap = _swapped(players, critic, len(real))
    shown_real, shown_fake = (real, fake) if swap is None else _swap(swap, real, fake)
    terms = players.objective.critic(judge, shown_real, shown_fake)
    for regulariser, weight in players.regularisers:
        terms |= {name: weight * term for name, term in regulariser(judge, real, fake).items()}
    logits = judge(shown_real).detach(), judge(shown_fake).detach()
    of_real, of_fake = logits if swap is None else _swap(swap, *logits)
    descend(players.critic_optimiser, terms)
    if players.objective.clip is not None:
        clip_weights(players.critic_optimiser, players.objective.clip)
    return terms | {"critic_accuracy": right_signs(players.objective, of_real, of_fake)}


def generator_terms(players: Players, critic: Critic, real: Tensor, made: Made) -> Terms:
    """Return what the generator minimises at samples that it made: the objective's terms and the regularisers'."""
    terms = players.objective.generator(critic, real, made.samples)
    for regulariser, weight in players.generator_regularisers:
        terms |= {name: weight * term for name, term in regulariser(critic, real, made).items()}
    return terms


def descend(optimiser: torch.optim.Optimizer, terms: Terms) -> None:
    """Take one step down the gradient of the sum of the terms' means; only the optimiser's weights get gradients."""
    optimiser.zero_grad(set_to_none=True)
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    torch.stack([term.mean() for term in terms.values()]).sum().backward(inputs=weights)
    optimiser.step()


@torch.no_grad()
def clip_weights(optimiser: torch.optim.Optimizer, most: float) -> None:
    """Clip every weight of an optimiser's to [-most, most], in place."""
    for group in optimiser.param_groups:
        torch._foreach_clamp_min_(group["params"], -most)
        torch._foreach_clamp_max_(group["params"], most)


def _train_critic(players: Players, critic: Critic, real: Tensor) -> Terms:
    with torch.no_grad():
        fake = _make(players, critic)[1]
    return update_critic(players, critic, real, fake)


def _train_generator(players: Players, critic: Critic, real: Tensor) -> Terms:
    made = Made(*_make(players, critic), again=lambda: _make(players, critic))
    terms = generator_terms(players, critic, real, made)
    descend(players.generator_optimiser, terms)
    return terms


def _make(players: Players, critic: Critic) -> tuple[Tensor, Tensor]:
    """Return noise (b, d) and the generator's samples of it (b, ...)."""
    labels = critic.labels
    noise = torch.randn(len(labels), players.noise_dim, generator=critic.stream, device=labels.device)
    return noise, players.head(run_in(players.dtype, players.generator, noise, labels), critic.stream)


def _swapped(players: Players, critic: Critic, n_pairs: int) -> Tensor | None:
    """Return which pairs change sides, shape (b,), or None where none can."""
    fraction = players.stabilisers.label_flip_fraction
    if not fraction:
        return None
    return torch.rand(n_pairs, generator=critic.stream, device=critic.labels.device) < fraction


def _swap(swap: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return both with the rows exchanged where ``swap`` (b,) says so."""
    where = swap.view(-1, *(1,) * (first.ndim - 1))
    return torch.where(where, second, first), torch.where(where, first, second)


def _means(terms: Terms) -> dict[str, Tensor]:
    return {name: term.detach().mean() for name, term in terms.items()}
