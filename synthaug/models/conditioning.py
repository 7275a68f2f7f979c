"""How the label enters the two networks.

=============  ==================================  ==========================================  =====================
conditioning   generator                           discriminator                               source
=============  ==================================  ==========================================  =====================
projection     noise and label set the scale and   logit = w·h + e(label)·h                    Miyato & Koyama 2018
               the shift of every norm
concatenation  label beside the noise              label beside the sample: a plane more       Mirza & Osindero 2014
                                                   (images), 16 numbers more (tables)
auxiliary      as projection                       blind to the label; a second head tells     Odena et al. 2017
                                                   the class
none           the noise alone sets scale and      blind to the label                          Chen et al. 2019
               shift of every norm                                                             (self-modulation)
=============  ==================================  ==========================================  =====================

What reads the label has a factor ``label_strength``, so that training can begin without it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthaug.models.layers import (
    ConditionalBatchNorm,
    ConditionalScale,
    CriticLayers,
    LabelledCode,
    PlainBatchNorm,
    PlainScale,
    Projection,
)

N_LABEL_NUMBERS = 16  # of a label beside the columns of a table


class BlindCode(nn.Module):
    """The noise alone, whatever the label.

    Parameters
    ----------
    n_classes, d
        As of ``LabelledCode``; not used.
    """

    def __init__(self, n_classes: int, d: int) -> None:
        super().__init__()

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return the noise (b, d)."""
        return noise


class LabelPlane(nn.Module):
    """A sample with a learned pattern of its label beside it, as strong as the sample: its numbers have mean square 1.

    Parameters
    ----------
    n_classes
        Number of classes.
    shape
        Shape of the pattern: (1, h, w) beside images (b, c, h, w), (k,) beside rows (b, d).

    Attributes
    ----------
    label_strength : float
        Factor of the pattern.
    """

    def __init__(self, n_classes: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.label_strength = 1.0
        self.shape = shape
        self.label = nn.Embedding(n_classes, torch.Size(shape).numel())

    def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
        """Return the samples with the pattern behind them along axis 1."""
        length = self.label_strength * self.label.embedding_dim**0.5
        pattern = F.normalize(self.label(labels), dim=1) * length
        return torch.cat([samples, pattern.view(-1, *self.shape)], dim=1)


class SampleAlone(nn.Module):
    """The sample alone, whatever the label.

    Parameters
    ----------
    n_classes, shape
        As of ``LabelPlane``; not used.
    """

    def __init__(self, n_classes: int, shape: tuple[int, ...]) -> None:
        super().__init__()

    def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
        """Return the samples."""
        return samples


class SingleHead(nn.Module):
    """One logit from the features, whatever the label: w·h + b.

    Parameters
    ----------
    n_classes, d
        Number of classes (not used) and length of the features h.
    layers
        How the weights are normalised.
    """

    def __init__(self, n_classes: int, d: int, layers: CriticLayers) -> None:
        super().__init__()
        self.everyone = layers.linear(d, 1)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return logits (b,) for features (b, d)."""
        return self.everyone(features).squeeze(1)


class AuxiliaryHead(nn.Module):
    """One logit from the features, whatever the label, and beside it logits of the classes.

    Parameters
    ----------
    n_classes, d
        Number of classes and length of the features.
    layers
        How the weights are normalised.
    """

    def __init__(self, n_classes: int, d: int, layers: CriticLayers) -> None:
        super().__init__()
        self.everyone = layers.linear(d, 1)
        self.tell = layers.linear(d, n_classes)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return logits (b,) of being real for features (b, d)."""
        return self.everyone(features).squeeze(1)

    def class_logits(self, features: Tensor) -> Tensor:
        """Return logits (b, n_classes) of the classes for features (b, d)."""
        return self.tell(features)


def set_label_strength(module: nn.Module, value: float) -> None:
    """Set how much of the label's part counts in every module below that reads a label.

    Parameters
    ----------
    module
        A generator or discriminator.
    value
        0 (the network is unconditional) to 1 (the label counts in full). Kept in no state dict.

    References
    ----------
    Shahbazi et al., "Collapse by Conditioning: Training Class-conditional GANs with Limited Data", 2022.
    """
    for part in module.modules():
        if isinstance(part, LabelledCode | LabelPlane | Projection):
            part.label_strength = float(value)


NormMaker = Callable[[int, int, bool], nn.Module]

CONDITIONAL_NORMS: dict[str, NormMaker] = {
    "batch": lambda d, d_code, images: ConditionalBatchNorm(d, d_code, images=images),
    "none": lambda d, d_code, images: ConditionalScale(d, d_code),
}

PLAIN_NORMS: dict[str, NormMaker] = {
    "batch": lambda d, d_code, images: PlainBatchNorm(d, images=images),
    "none": lambda d, d_code, images: PlainScale(d),
}


@dataclass(frozen=True)
class Conditioning:
    """Where the label enters.

    Attributes
    ----------
    code
        ``code(n_classes, noise_dim)`` makes what turns noise and label into the generator's input, which is
        ``n_codes`` times as long as the noise.
    norms
        By the generator's kind of norm: ``norm(d, d_code, images)`` makes what stands behind each of its layers.
    enter
        ``enter(n_classes, shape)`` makes what adds the label to a sample, as ``n_planes`` times the channels of shape.
    judge
        ``judge(n_classes, d, layers)`` makes the discriminator's head: ``judge(features, labels) -> logits (b,)``.
    """

    code: Callable[[int, int], nn.Module]
    n_codes: int
    norms: Mapping[str, NormMaker]
    enter: Callable[[int, tuple[int, ...]], nn.Module]
    n_planes: int
    judge: Callable[[int, int, CriticLayers], nn.Module]


CONDITIONINGS: dict[str, Conditioning] = {
    "projection": Conditioning(LabelledCode, 2, CONDITIONAL_NORMS, SampleAlone, 0, Projection),
    "concatenation": Conditioning(LabelledCode, 2, PLAIN_NORMS, LabelPlane, 1, SingleHead),
    "auxiliary": Conditioning(LabelledCode, 2, CONDITIONAL_NORMS, SampleAlone, 0, AuxiliaryHead),
    "none": Conditioning(BlindCode, 1, CONDITIONAL_NORMS, SampleAlone, 0, SingleHead),
}
