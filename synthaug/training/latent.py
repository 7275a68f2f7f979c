"""The step of a latent interpolator: rows are reconstructed from codes, and decodes of mixed codes have to look real.

For a row x of class y with code E(x) the decoder G(code, y) minimises ``|G(E(x), y) - x|`` (mean over numbers) and,
for a code mixed from those of two rows, what the objective asks of a synthetic sample of class y. The rows whose
codes are mixed come from class y, or, where the class borrows, from any class: the code knows nothing of the label,
so a class of few rows takes on the styles of the others, and the critic keeps what comes out in its class.

Berthelot et al., "Understanding and Improving Interpolation in Autoencoders via an Adversarial Regularizer", 2019;
Beckham et al., "On Adversarial Mixup Resynthesis", 2019; Mariani et al., "BAGAN", 2018; Antoniou et al., "DAGAN",
2017.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from synthaug.training.loop import Rows
from synthaug.training.step import Players, bind, descend

MOST_OF_THE_SECOND = 0.5
OWN_FIRST = 0.3


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
class LatentStep:
    """One update of the critic, then one of encoder and decoder.

    Attributes
    ----------
    rows
        The training rows, of which partners are drawn.
    borrow
        How often each class takes codes of any class, shape (n_classes,).
    reconstruction_weight
        Weight of the reconstruction.
    """

    rows: Rows
    borrow: Tensor
    reconstruction_weight: float

    def __call__(self, players: Players, real: Tensor, labels: Tensor, stream: torch.Generator) -> dict[str, Tensor]:
        """Update both players once and return the mean of each term, detached."""
        critic = bind(players, labels, stream)
        first, second = choose_sources(labels, self.borrow, lambda n: self._any_class(n, stream), stream)
        partners = self.rows.of(first, stream), self.rows.of(second, stream)
        samples = self._decode(players, real, labels, partners, stream)
        fake = samples[len(real) :]
        terms = players.objective.critic(critic, real, fake.detach())
        for regulariser, weight in players.regularisers:
            terms |= {name: weight * term for name, term in regulariser(critic, real, fake.detach()).items()}
        descend(players.critic_optimiser, terms)

        players.discriminator.requires_grad_(False)
        missed = (samples[: len(real)] - real).abs().flatten(1).mean(1)
        ours = {"reconstruction": self.reconstruction_weight * missed}
        ours |= players.objective.generator(critic, real, fake)
        descend(players.generator_optimiser, ours)
        players.discriminator.requires_grad_(True)
        return {name: term.detach().mean() for name, term in (terms | ours).items()}

    def _any_class(self, n: int, stream: torch.Generator) -> Tensor:
        return torch.randint(len(self.borrow), (n,), generator=stream, device=self.borrow.device)

    def _decode(
        self, players: Players, real: Tensor, labels: Tensor, partners: tuple[Tensor, Tensor], stream: torch.Generator
    ) -> Tensor:
        """Return reconstructions and, after them, decodes of mixed codes, in one pass: (2 b, ...)."""
        both: Autoencoder = players.generator  # type: ignore[assignment]
        codes = both.encoder(torch.cat([real, *partners]))
        own, first, second = codes.chunk(3)
        mixed = mix_codes(first, second, stream)
        return both.decoder(torch.cat([own, mixed]), labels.repeat(2))
