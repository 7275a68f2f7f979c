"""What the adversarial learners share: their parameters' checks, their players, and training within limits."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from synthaug._check import check_fraction, check_positive, check_word
from synthaug._files import make_folder
from synthaug._seed import torch_stream
from synthaug._version import __version__
from synthaug.data.schema import ImageSchema, Schema
from synthaug.errors import ConfigError
from synthaug.generators.protocol import Limits
from synthaug.models.image import ImageDiscriminator
from synthaug.models.layers import build
from synthaug.models.table import TableDiscriminator
from synthaug.training.average import MovingAverage
from synthaug.training.checkpoint import Checkpoint, fingerprint
from synthaug.training.diffaug import POLICIES, Augment
from synthaug.training.loop import OnStep, Rows, TakeStep, Training, train
from synthaug.training.objectives import OBJECTIVES, REGULARISERS
from synthaug.training.session import Session
from synthaug.training.step import Players
from synthaug.training.threads import choose_threads, fixed_threads

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
    if learner.regularisers is not None and not isinstance(learner.regularisers, Mapping):
        raise ConfigError(f"regularisers must be weights by name, like {{'r1': 0.1}}; got {learner.regularisers!r}.")
    for name, weight in (learner.regularisers or {}).items():
        check_word("regularisers", name, REGULARISERS)
        check_positive(f"regularisers[{name!r}]", weight)
    if learner.n_threads != "auto":
        check_positive("n_threads", learner.n_threads, integer=True)


def start(learner: Adversarial, generator: nn.Module, schema: Schema, *, noise_dim: int, seed: int) -> Training:
    """Return training at step 0: the generator given, a fresh discriminator, and their optimisers."""
    device = next(generator.parameters()).device
    discriminator = build(lambda: _discriminator(learner, schema), torch_stream(seed, "discriminator"), device)
    betas = (learner.beta1, learner.beta2)
    players = Players(
        generator,
        discriminator,
        torch.optim.Adam(generator.parameters(), learner.lr, betas, fused=True),
        torch.optim.Adam(discriminator.parameters(), learner.critic_lr, betas, fused=True),
        OBJECTIVES[learner.objective],
        tuple((REGULARISERS[name], float(weight)) for name, weight in (learner.regularisers or {}).items()),
        _augment(learner, schema),
        noise_dim,
    )
    halflife_images = learner.halflife_fraction * learner.n_steps * learner.batch_size
    average = MovingAverage(generator, halflife_images=halflife_images)
    return Training(players, average, torch_stream(seed, "training", device=device))


def train_within(
    limits: Limits,
    learner: Adversarial,
    training: Training,
    rows: Rows,
    *,
    schema: Schema,
    checkpoint: Checkpoint | None,
    on_step: OnStep,
    take_step: TakeStep,
) -> Session:
    """Train from the checkpoint, if that is wanted, to the last step or limit; return what watched over it."""
    session = Session(training, on_step, checkpoint=checkpoint, max_seconds=limits.max_seconds)
    if limits.resume:
        session.resume()
    n_steps = learner.n_steps if limits.max_steps is None else min(learner.n_steps, limits.max_steps)
    with fixed_threads(n_threads(learner, schema)):
        train(training, rows, batch_size=learner.batch_size, n_steps=n_steps, on_step=session, take_step=take_step)
    return session


def n_threads(learner: Adversarial, schema: Schema) -> int:
    """Return how many torch threads a learner uses."""
    return choose_threads(schema) if learner.n_threads == "auto" else int(learner.n_threads)


def own_checkpoint(
    learner: Adversarial, x: Tensor, y: Tensor, *, schema: Schema, seed: int, limits: Limits
) -> Checkpoint | None:
    """Return the checkpoint of these rows, parameters and seed, or None where none are kept."""
    if limits.checkpoint_dir is None:
        return None
    parameters = {"learner": type(learner).__name__, **learner.get_params(), "n_jobs": None}
    settings = {
        "version": __version__,
        "parameters": parameters,
        "seed": seed,
        "schema": repr(schema),
        "max_steps": limits.max_steps,
    }
    return Checkpoint(make_folder(limits.checkpoint_dir), fingerprint((x, y), settings))


def _discriminator(learner: Adversarial, schema: Schema) -> nn.Module:
    if isinstance(schema, ImageSchema):
        return ImageDiscriminator(schema, width=learner.width)
    return TableDiscriminator(schema, width=learner.width)


def _augment(learner: Adversarial, schema: Schema) -> tuple[Augment, ...]:
    if learner.policy != "auto":
        return POLICIES[learner.policy]
    return POLICIES["translation+cutout"] if isinstance(schema, ImageSchema) else ()
