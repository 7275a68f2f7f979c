"""The step of a GAN on codes of rows: rows are reconstructed from their codes, and decodes of drawn codes look real.

For a row x of class y with code E(x), blind to y, the decoder G(code, y) minimises ``|G(E(x), y) - x|`` (mean over
numbers; for a table's category the cross-entropy) and, for a drawn code, what the objective asks of a synthetic sample
of class y. The reconstruction keeps the decoder from collapsing: every row has to be reachable. Codes are drawn in one
of two ways:

* ``prior``: from N(0, I), whatever the class. The encoder is kept to the same distribution by the sliced squared
  Wasserstein distance between its codes and as many drawn ones, each beside the row's label: the codes of every class,
  not only those of all together, come to look like N(0, I). A class of few rows so takes on the styles of all, and the
  critic keeps it in its class; training sees exactly what is drawn later, and no density of rows' codes is kept.
* ``mixed``: between the codes of two rows of the class, or, where the class borrows, of any class.

Tolstikhin et al., "Wasserstein Auto-Encoders", 2018, and Kolouri et al., "Sliced Wasserstein Auto-Encoders", 2019 (the
prior); Larsen et al., "Autoencoding beyond pixels using a learned similarity metric", 2016 (critic on decodes of the
prior); Berthelot et al., "Understanding and Improving Interpolation in Autoencoders via an Adversarial Regularizer",
2019, and Beckham et al., "On Adversarial Mixup Resynthesis", 2019 (mixed); Mariani et al., "BAGAN", 2018, and Antoniou
et al., "DAGAN", 2017 (what classes share).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthaug.training.critic import run_in
from synthaug.training.loop import Rows
from synthaug.training.objectives import Terms
from synthaug.training.step import Players, bind, descend, update_critic

Encode = Callable[[Tensor], Tensor]
MOST_OF_THE_SECOND = 0.5
OWN_FIRST = 0.3
_N_DIRECTIONS = 32


class Autoencoder(nn.Module):
    """Encoder and decoder as one module, so that they are averaged and kept together.

    Parameters
    ----------
    encoder
        ``encoder(samples) -> codes (b, d)``.
    decoder
        ``decoder(codes, labels) -> samples``.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
        """Return the reconstruction of samples (b, ...) of classes (b,)."""
        return self.decoder(self.encoder(samples), labels)


def mix_codes(first: Tensor, second: Tensor, stream: torch.Generator) -> Tensor:
    """Return ``(1 - w) first + w second`` for codes (b, d), each with its own w, uniform in [0, 0.5]."""
    weight = MOST_OF_THE_SECOND * torch.rand(len(first), 1, generator=stream, device=first.device)
    return torch.lerp(first, second, weight)


def choose_sources(
    labels: Tensor, borrow: Tensor, any_class: Callable[[int], Tensor], stream: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return from which classes the two codes of each sample come, shapes (b,).

    Parameters
    ----------
    labels
        The classes to be made (b,).
    borrow
        How often each class borrows, shape (n_classes,), 0 to 1; where it does, its first code is its own 3 times in
        10.
    any_class
        ``any_class(n)`` draws n classes.
    stream
        Where randomness is drawn from.
    """
    luck = torch.rand(2, len(labels), generator=stream, device=labels.device)
    borrows = luck[0] < borrow[labels]
    first = torch.where(borrows & (luck[1] >= OWN_FIRST), any_class(len(labels)), labels)
    return first, torch.where(borrows, any_class(len(labels)), labels)


@dataclass(frozen=True)
class Coded:
    """The codes of a step.

    Attributes
    ----------
    own, drawn
        Codes (b, d) of the batch's rows, and those to make synthetic samples from.
    terms
        What the encoder minimises beside, (b,) each.
    """

    own: Tensor
    drawn: Tensor
    terms: Terms


@dataclass(frozen=True)
class PriorCodes:
    """Codes from N(0, I).

    Attributes
    ----------
    weight
        Weight of the distance between the rows' codes and those drawn.
    n_labels
        Number of labels.
    label_scale
        How far apart the labels stand beside the codes when the two are compared: the codes of two classes, which lie
        elsewhere, are then far from drawn ones, which do not. At 0 codes are compared alone.
    """

    weight: float
    n_labels: int
    label_scale: float = 0.0

    def __call__(self, encode: Encode, real: Tensor, labels: Tensor, stream: torch.Generator) -> Coded:
        """Return the codes of samples (b, ...) and as many drawn."""
        own = encode(real)
        drawn = torch.randn(own.shape, generator=stream, device=own.device)
        beside = self.label_scale * F.one_hot(labels, self.n_labels)
        ours, theirs = (torch.cat([codes, beside], dim=1) for codes in (own, drawn))
        return Coded(own, drawn, {"code_distance": self.weight * sliced_distance(ours, theirs, stream)})


@dataclass(frozen=True)
class MixedCodes:
    """Codes between those of two rows.

    Attributes
    ----------
    rows
        The training rows, of which partners are drawn.
    borrow
        How often each class takes codes of any class, shape (n_classes,).
    """

    rows: Rows
    borrow: Tensor

    def __call__(self, encode: Encode, real: Tensor, labels: Tensor, stream: torch.Generator) -> Coded:
        """Return the codes of samples (b, ...) of classes (b,) and as many mixed for these classes."""
        first, second = choose_sources(labels, self.borrow, lambda n: self._any_class(n, stream), stream)
        partners = self.rows.of(first, stream), self.rows.of(second, stream)
        own, one, other = encode(torch.cat([real, *partners])).chunk(3)
        return Coded(own, mix_codes(one, other, stream), {})

    def _any_class(self, n: int, stream: torch.Generator) -> Tensor:
        return torch.randint(len(self.borrow), (n,), generator=stream, device=self.borrow.device)


def sliced_distance(codes: Tensor, drawn: Tensor, stream: torch.Generator) -> Tensor:
    """Return the sliced squared Wasserstein distance between two sets of codes, as terms (b,) whose mean it is.

    Along a direction the distance is that of the sorted projections, pair by pair; it is averaged over 32 random
    directions (Kolouri et al., 2019).

    Parameters
    ----------
    codes, drawn
        Shapes (b, d).
    stream
        Where the directions are drawn from.
    """
    directions = torch.randn(codes.shape[1], _N_DIRECTIONS, generator=stream, device=codes.device)
    directions = directions / directions.norm(dim=0)
    ours, theirs = ((each @ directions).sort(dim=0).values for each in (codes, drawn))
    return (ours - theirs).square().mean(1)


@dataclass(frozen=True)
class LatentStep:
    """One update of the critic, then one of encoder and decoder.

    Attributes
    ----------
    codes
        ``codes(encode, real, labels, stream)`` returns the codes of a step: ``PriorCodes`` or ``MixedCodes``.
    reconstruction_weight
        Weight of the reconstruction.
    """

    codes: Callable[[Encode, Tensor, Tensor, torch.Generator], Coded]
    reconstruction_weight: float

    def __call__(self, players: Players, real: Tensor, labels: Tensor, stream: torch.Generator) -> dict[str, Tensor]:
        """Update both players once and return the mean of each term, detached."""
        critic = bind(players, labels, stream)
        both: Autoencoder = players.generator  # type: ignore[assignment]
        coded = self.codes(partial(run_in, players.dtype, both.encoder), real, labels, stream)
        codes = torch.cat([coded.own, coded.drawn])
        remade, raw = run_in(players.dtype, both.decoder, codes, labels.repeat(2)).chunk(2)
        fake = players.head(raw, stream)
        terms = update_critic(players, critic, real, fake.detach())
        ours = {"reconstruction": self.reconstruction_weight * players.head.missed(remade, real)} | coded.terms
        ours |= players.objective.generator(critic, real, fake)
        descend(players.generator_optimiser, ours)
        return {name: term.detach().mean() for name, term in (terms | ours).items()}
