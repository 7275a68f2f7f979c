"""The step of a variational autoencoder: rows are rebuilt from codes, and a code may tell no more than it has to.

With codes z of d numbers, the prior p(z) = N(0, 1), an encoder q(z|x) = N(m(x), s(x)²) that is blind to the label and
a decoder p(x|z, y) = N(G(z, y), σ²) that is not, a row x of n numbers and of class y costs, in nats,

    ½ n log(2πσ²) + |x - G(z, y)|² / (2σ²)  +  w KL(q(z|x) || p(z)),     z from q(z|x),
    KL = ½ Σ_j (m_j² + s_j² - 1 - log s_j²),

which for w = 1 is the negative bound on log p(x|y). The variance σ² is no parameter: in each batch it is the one that
costs least, the mean squared error, so the two terms need no weights to be balanced by hand. A category of a table
costs its cross-entropy instead, which is the negative logarithm of its likelihood too, so no weight is needed there
either.

A row without a label is decoded under one label more (see ``unlabelled.py``). (Summing over the classes it may have, as
Kingma et al. 2014 do, costs a decoding a class and teaches a class the rows that it was wrongly given.)

Kingma and Welling, "Auto-Encoding Variational Bayes", 2014; Kingma et al., "Semi-supervised Learning with Deep
Generative Models", 2014; Sohn et al., "Learning Structured Output Representation using Deep Conditional Generative
Models", 2015; Higgins et al., "beta-VAE", 2017 (the weight w); Rybkin et al., "Simple and Effective VAE Training with
Calibrated Decoders", 2021 (the variance); Zhu et al., "A Batch Normalized Inference Network Keeps the KL Vanishing
Away", 2020 (the encoder's last batch normalisation, which keeps codes from saying nothing).
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from synthaug.models.heads import RowHead
from synthaug.training.objectives import Terms
from synthaug.training.step import descend
from synthaug.training.unlabelled import Unlabelled

_LEAST_VARIANCE = 1e-4  # an error of a hundredth; below it a few rows known by heart would outweigh everything


class VariationalAutoencoder(nn.Module):
    """Encoder, what it says of codes, and decoder as one module, so that they are averaged and kept together.

    Parameters
    ----------
    encoder
        ``encoder(samples) -> (b, 2 code_dim)``, each number of mean 0 and variance 1 over a batch.
    decoder
        ``decoder(codes, labels) -> samples``.
    code_dim
        Length d of a code.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, code_dim: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.describe = nn.Linear(2 * code_dim, 2 * code_dim)
        self.decoder = decoder

    def posterior(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the logarithm of the variance of the codes of samples (b, ...), each (b, d)."""
        mean, log_variance = self.describe(self.encoder(samples)).chunk(2, dim=1)
        return mean, log_variance

    def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
        """Return the reconstruction of samples (b, ...) of classes (b,) from their mean codes."""
        return self.decoder(self.posterior(samples)[0], labels)


@dataclass(frozen=True)
class Coders:
    """What a step updates: an autoencoder, by its optimiser."""

    both: VariationalAutoencoder
    optimiser: torch.optim.Optimizer

    def modules(self) -> dict[str, nn.Module]:
        """Return the modules whose state decides later steps, by name: what a checkpoint holds."""
        return {"both": self.both}

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the optimisers by name."""
        return {"optimiser": self.optimiser}


def draw_codes(mean: Tensor, log_variance: Tensor, stream: torch.Generator) -> Tensor:
    """Return a code (b, d) from each Gaussian of mean (b, d) and variance exp(log_variance)."""
    noise = torch.randn(mean.shape, generator=stream, device=mean.device)
    return torch.addcmul(mean, noise, (0.5 * log_variance).exp())


def gaussian_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, exp(log_variance)) || N(0, 1)) in nats, (b,), for means and log-variances (b, d).

    References
    ----------
    Kingma and Welling, "Auto-Encoding Variational Bayes", 2014, appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(1)


def calibrated_error(rebuilt: Tensor, samples: Tensor) -> Tensor:
    """Return the negative log-likelihood (b,), in nats, of samples (b, ...) under Gaussians around their rebuilds.

    All share one variance, the batch's mean squared error, taken as a constant where gradients are concerned: at the
    least the derivative by the variance is 0.

    References
    ----------
    Rybkin et al., "Simple and Effective VAE Training with Calibrated Decoders", 2021, equation 4.
    """
    squares = (rebuilt - samples).square().flatten(1)
    variance = squares.detach().mean().clamp_min(_LEAST_VARIANCE)
    return 0.5 * (squares / variance + (2.0 * math.pi * variance).log()).sum(1)


def mixed_error(head: RowHead, raw: Tensor, rows: Tensor) -> Tensor:
    """Return the negative log-likelihood (b,), in nats, of rows (b, d) with categories under raw outputs (b, d).

    Numbers are Gaussian, as in ``calibrated_error``; those whose state is not regular cost nothing.
    """
    squares, counted = head.squares(raw, rows)
    variance = (squares.detach().sum() / counted.sum().clamp_min(1.0)).clamp_min(_LEAST_VARIANCE)
    cost = squares / variance + counted * (2.0 * math.pi * variance).log()
    return 0.5 * cost.sum(1) + head.surprise(raw, rows)


@dataclass(frozen=True)
class VariationalStep:
    """One update of encoder and decoder.

    Attributes
    ----------
    kl_weight
        The weight w of the divergence.
    unlabelled
        Rows without labels; None where there are none.
    head
        What makes rows of the decoder's outputs.
    """

    kl_weight: float
    unlabelled: Unlabelled | None = None
    head: RowHead = field(default_factory=RowHead)

    def __call__(self, coders: Coders, real: Tensor, labels: Tensor, stream: torch.Generator) -> dict[str, Tensor]:
        """Update the autoencoder once and return the mean of each term, detached.

        As many rows without labels as with labels are taken; their terms bear the ending ``_unlabelled``.
        """
        n_labelled = len(real)
        if self.unlabelled is not None:
            real, labels = self.unlabelled.beside(real, labels, stream)
        terms = self._cost(coders.both, real, labels, stream)
        ours = {name: term[:n_labelled] for name, term in terms.items()}
        if self.unlabelled is not None:
            ours |= {f"{name}_unlabelled": term[n_labelled:] for name, term in terms.items()}
        descend(coders.optimiser, ours)
        return {name: term.detach().mean() for name, term in ours.items()}

    def _cost(self, both: VariationalAutoencoder, samples: Tensor, labels: Tensor, stream: torch.Generator) -> Terms:
        mean, log_variance = both.posterior(samples)
        rebuilt = both.decoder(draw_codes(mean, log_variance, stream), labels)
        return {
            "reconstruction": self._error(rebuilt, samples),
            "divergence": self.kl_weight * gaussian_divergence(mean, log_variance),
        }

    def _error(self, rebuilt: Tensor, samples: Tensor) -> Tensor:
        if self.head.layout is None:
            return calibrated_error(rebuilt, samples)
        return mixed_error(self.head, rebuilt, samples)
