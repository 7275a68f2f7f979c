"""What can be chosen of a GAN beside its objective: networks, conditioning, stabilisers, precision; and the checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from synthaug._check import check_choice, check_fraction, check_positive, check_word
from synthaug.data.schema import ImageSchema, Schema
from synthaug.errors import ConfigError
from synthaug.models.conditioning import CONDITIONINGS
from synthaug.models.layers import CRITIC_NORMS
from synthaug.models.minibatch import MINIBATCHES
from synthaug.models.networks import NETWORKS, Shape
from synthaug.training.objectives import OBJECTIVES, Player
from synthaug.training.regularisers import (
    GENERATOR_REGULARISERS,
    GeneratorPlayer,
    auxiliary_critic,
    auxiliary_generator,
)
from synthaug.training.step import Stabilisers

GENERATOR_NORMS = ("batch", "none")
_MOST_DROPOUT = 0.9
_MOST_SMOOTHING = 0.45


class Choosing(Protocol):
    """The hyper-parameters that say it; ``CGAN`` tells what each means."""

    objective: str
    regularisers: Mapping[str, float] | None
    noise_dim: int
    width: int
    network: str
    conditioning: str
    dropout: float
    critic_norm: str
    generator_norm: str
    minibatch: str
    generator_regularisers: Mapping[str, float] | None
    label_smoothing: tuple[float, float]
    label_flip_fraction: float
    instance_noise: float
    n_critic_steps: int
    n_generator_steps: int
    ramp_fraction: float
    per_class: bool
    precision: str


@dataclass(frozen=True)
class Choices:
    """What was chosen; the defaults are what a learner without these parameters is.

    Attributes
    ----------
    network
        A key of ``NETWORKS``, which makes the discriminator.
    shape
        What of it is chosen; None for the learner's own width alone.
    generator_regularisers
        Weights of further terms of the generator by name.
    label_smoothing
        How far the critic's targets are from 1 (real) and 0 (synthetic).
    stabilisers
        What keeps the players in balance.
    precision
        A key of ``PRECISIONS``.
    """

    network: str = "resize"
    shape: Shape | None = None
    generator_regularisers: Mapping[str, float] = field(default_factory=dict)
    label_smoothing: tuple[float, float] = (0.0, 0.0)
    stabilisers: Stabilisers = field(default_factory=Stabilisers)
    precision: str = "float32"

    @property
    def has_class_head(self) -> bool:
        """Whether an auxiliary classifier judges the classes."""
        return self.shape is not None and self.shape.conditioning == "auxiliary"

    def further_critic_terms(self) -> tuple[tuple[Player, float], ...]:
        """Return the critic's terms, with weights, that the conditioning asks for."""
        return ((auxiliary_critic, 1.0),) if self.has_class_head else ()

    def further_generator_terms(self) -> tuple[tuple[GeneratorPlayer, float], ...]:
        """Return the generator's terms, with weights, that are chosen or that the conditioning asks for."""
        chosen = tuple((GENERATOR_REGULARISERS[name], float(w)) for name, w in self.generator_regularisers.items())
        return (*chosen, (auxiliary_generator, 1.0)) if self.has_class_head else chosen


def shape_of(learner: Choosing) -> Shape:
    """Return what of its networks a learner chooses."""
    return Shape(
        learner.noise_dim,
        learner.width,
        conditioning=learner.conditioning,
        dropout=float(learner.dropout),
        critic_norm=learner.critic_norm,
        generator_norm=learner.generator_norm,
        minibatch=learner.minibatch,
    )


def choices_of(learner: Choosing) -> Choices:
    """Return what a learner, whose parameters were checked, chooses."""
    stabilisers = Stabilisers(
        n_critic_steps=learner.n_critic_steps,
        n_generator_steps=learner.n_generator_steps,
        label_flip_fraction=float(learner.label_flip_fraction),
        instance_noise=float(learner.instance_noise),
        ramp_fraction=float(learner.ramp_fraction),
    )
    return Choices(
        learner.network,
        shape_of(learner),
        learner.generator_regularisers or {},
        (float(learner.label_smoothing[0]), float(learner.label_smoothing[1])),
        stabilisers,
        learner.precision,
    )


def check_choices(learner: Choosing, schema: Schema, *, has_unlabelled: bool = False) -> None:
    """Raise ConfigError, naming the parameter, if a choice is impossible, or impossible for these rows."""
    network = check_word("network", learner.network, NETWORKS)
    if network.images_only and not isinstance(schema, ImageSchema):
        others = ", ".join(repr(name) for name, each in NETWORKS.items() if not each.images_only)
        raise ConfigError(f"network must be one that makes tables; got {learner.network!r}. Take one of {others}.")
    check_choice("conditioning", learner.conditioning, list(CONDITIONINGS))
    _check_conditioning(learner, schema, has_unlabelled)
    check_choice("critic_norm", learner.critic_norm, list(CRITIC_NORMS))
    check_choice("generator_norm", learner.generator_norm, GENERATOR_NORMS)
    check_choice("minibatch", learner.minibatch, list(MINIBATCHES))
    check_fraction("dropout", learner.dropout, most=_MOST_DROPOUT)
    check_weights("generator_regularisers", learner.generator_regularisers, GENERATOR_REGULARISERS)
    _check_penalty(learner)
    _check_stabilisers(learner)
    _check_smoothing(learner)
    check_word("precision", learner.precision, PRECISIONS)


def _check_conditioning(learner: Choosing, schema: Schema, has_unlabelled: bool) -> None:
    if learner.conditioning == "auxiliary" and has_unlabelled:
        raise ConfigError(
            "conditioning must not be 'auxiliary' where there are rows without labels (its class head would learn them "
            "as a class beside the others); got both. Take 'projection', or leave X_unlabeled out."
        )
    if learner.conditioning == "none" and learner.ramp_fraction > 0:
        raise ConfigError(
            f"ramp_fraction must be 0 where the label is not used (conditioning 'none'); got {learner.ramp_fraction}."
        )
    if learner.conditioning == "none" and schema.n_classes > 1 and not learner.per_class:
        raise ConfigError(
            f"conditioning must tell the classes apart; got 'none' for {schema.n_classes} classes. "
            "Take 'projection', or per_class=True for a GAN a class."
        )


def check_weights(name: str, weights: Any, known: Mapping[str, Any]) -> None:
    """Raise ConfigError unless ``weights`` is None or positive numbers by known names."""
    if weights is not None and not isinstance(weights, Mapping):
        example = {next(iter(known)): 0.1}
        raise ConfigError(f"{name} must be weights by name, like {example}; got {weights!r}.")
    for word, weight in (weights or {}).items():
        check_word(name, word, known)
        check_positive(f"{name}[{word!r}]", weight)


def _check_penalty(learner: Choosing) -> None:
    """Gulrajani et al. 2017: batch normalisation ties a sample's gradient to the other samples."""
    penalised = {*OBJECTIVES[learner.objective].regularisers, *(learner.regularisers or {})} & {"gradient_penalty"}
    if penalised and learner.critic_norm == "batch":
        raise ConfigError(
            "critic_norm must not be 'batch' under a gradient penalty (a sample's gradient would depend on others); "
            "got both. Take 'none' or 'spectral'."
        )


def _check_stabilisers(learner: Choosing) -> None:
    for name in ("n_critic_steps", "n_generator_steps"):
        check_positive(name, getattr(learner, name), integer=True)
    check_fraction("label_flip_fraction", learner.label_flip_fraction)
    check_fraction("ramp_fraction", learner.ramp_fraction)
    check_fraction("instance_noise", learner.instance_noise, most=10.0)


def _check_smoothing(learner: Choosing) -> None:
    pair = learner.label_smoothing
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ConfigError(f"label_smoothing must be two numbers, for real and for synthetic samples; got {pair!r}.")
    for number, value in enumerate(pair):
        check_fraction(f"label_smoothing[{number}]", value, most=_MOST_SMOOTHING)
    if any(pair) and OBJECTIVES[learner.objective].towards is None:
        targeted = ", ".join(repr(name) for name, each in OBJECTIVES.items() if each.towards)
        raise ConfigError(
            f"label_smoothing must be (0.0, 0.0) for the objective {learner.objective!r} (its critic has no targets); "
            f"got {pair!r}. Take one of {targeted}."
        )


def _auto(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the device multiplies matrices faster in it, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if device.type == "cpu" and _cpu_gains() else torch.float32


def _cpu_gains() -> bool:
    """Return whether the processor has instructions for bfloat16: with them a convolution takes half the time."""
    know: Callable[[], dict[str, bool]] = getattr(torch.cpu, "get_capabilities", dict)  # torch 2.10 and newer
    return any(know().get(name, False) for name in ("avx512_bf16", "amx_bf16"))


PRECISIONS: dict[str, Callable[[torch.device], torch.dtype]] = {
    "auto": _auto,
    "float32": lambda device: torch.float32,
    "bfloat16": lambda device: torch.bfloat16,
}
