"""What the adversarial learners share: their parameters' checks and their players."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import nn

from synthaug._check import check_fraction, check_positive, check_word
from synthaug._seed import torch_stream
from synthaug.data.schema import ImageSchema, Schema
from synthaug.errors import ConfigError
from synthaug.generators.choices import PRECISIONS, Choices, check_weights
from synthaug.models.dropout import set_stream
from synthaug.models.heads import RowHead
from synthaug.models.layers import build
from synthaug.models.networks import NETWORKS, Shape
from synthaug.training.average import MovingAverage
from synthaug.training.critic import LogitMeans
from synthaug.training.diffaug import POLICIES, Augment
from synthaug.training.loop import Training
from synthaug.training.objectives import OBJECTIVES, smoothed
from synthaug.training.regularisers import REGULARISERS
from synthaug.training.step import Players

_MOST_DECAY = 0.999999


class Adversarial(Protocol):
    """The hyper-parameters that adversarial learners have in common; ``CGAN`` says what each means."""

    objective: str
    n_steps: int
    batch_size: int
    width: int
    lr: float
    critic_lr: float
    beta1: float
    beta2: float
    policy: str
    regularisers: Mapping[str, float] | None
    halflife_fraction: float
    n_threads: int | str

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the hyper-parameters by name."""


def check_parameters(learner: Adversarial, schema: Schema, *lengths: str) -> None:
    """Raise ConfigError, naming the parameter, if one is impossible; ``lengths`` are further positive integers."""
    check_word("objective", learner.objective, OBJECTIVES)
    check_word("policy", learner.policy, {"auto": None, **POLICIES})
    if not isinstance(schema, ImageSchema) and learner.policy not in ("auto", "none"):
        raise ConfigError(f"policy must be 'auto' or 'none' for a table; got {learner.policy!r}, which shifts images.")
    for name in ("n_steps", "batch_size", "width", *lengths):
        check_positive(name, getattr(learner, name), integer=True)
    if learner.batch_size < 2:
        raise ConfigError(f"batch_size must be at least 2, for batch normalisation; got {learner.batch_size}.")
    for name in ("lr", "critic_lr", "halflife_fraction"):
        check_positive(name, getattr(learner, name))
    for name in ("beta1", "beta2"):
        check_fraction(name, getattr(learner, name), most=_MOST_DECAY)
    check_weights("regularisers", learner.regularisers, REGULARISERS)
    if learner.n_threads != "auto":
        check_positive("n_threads", learner.n_threads, integer=True)


def start(
    learner: Adversarial,
    generator: nn.Module,
    schema: Schema,
    *,
    noise_dim: int,
    seed: int,
    choices: Choices = Choices(),  # noqa: B008  frozen
    n_steps: int | None = None,
) -> Training:
    """Return training at step 0: the generator given, a fresh discriminator, and their optimisers.

    Parameters
    ----------
    learner
        Whose hyper-parameters, checked, to take.
    generator
        ``generator(noise or codes, labels) -> samples``, on the device to train on.
    schema
        What the samples are.
    noise_dim
        Length of the noise.
    seed
        Decides everything random.
    choices
        What is chosen beside.
    n_steps
        How many steps there will be; the learner's own by default.
    """
    device = next(generator.parameters()).device
    stream = torch_stream(seed, "training", device=device)
    shape = choices.shape or Shape(noise_dim, learner.width)
    make = NETWORKS[choices.network].discriminator
    discriminator = build(lambda: make(schema, shape), torch_stream(seed, "discriminator"), device)
    set_stream(discriminator, stream)
    choices = replace(choices, precision=_precision(choices, schema))
    players = _players(learner, generator, discriminator, choices, _augment(learner, schema), noise_dim)
    players = replace(players, head=RowHead.of(schema))
    halflife_images = learner.halflife_fraction * (n_steps or learner.n_steps) * learner.batch_size
    return Training(players, MovingAverage(generator, halflife_images=halflife_images), stream)


def _players(
    learner: Adversarial,
    generator: nn.Module,
    discriminator: nn.Module,
    choices: Choices,
    augment: tuple[Augment, ...],
    noise_dim: int,
) -> Players:
    device = next(generator.parameters()).device
    betas = (learner.beta1, learner.beta2)
    objective = OBJECTIVES[learner.objective]
    weights = {**objective.regularisers, **(learner.regularisers or {})}
    return Players(
        generator,
        discriminator,
        torch.optim.Adam(generator.parameters(), learner.lr, betas, fused=True),
        torch.optim.Adam(discriminator.parameters(), learner.critic_lr, betas, fused=True),
        replace(objective, critic=smoothed(objective, choices.label_smoothing)),
        tuple((REGULARISERS[name], float(weight)) for name, weight in weights.items()) + choices.further_critic_terms(),
        augment,
        noise_dim,
        choices.further_generator_terms(),
        choices.stabilisers,
        PRECISIONS[choices.precision](device),
        LogitMeans().to(device),
    )


def _precision(choices: Choices, schema: Schema) -> str:
    """Return the precision, ``auto`` being float32 for tables: casts cost more than such small matrices gain."""
    small = choices.precision == "auto" and not isinstance(schema, ImageSchema)
    return "float32" if small else choices.precision


def _augment(learner: Adversarial, schema: Schema) -> tuple[Augment, ...]:
    if learner.policy != "auto":
        return POLICIES[learner.policy]
    return POLICIES["translation+cutout"] if isinstance(schema, ImageSchema) else ()
