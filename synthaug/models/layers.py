"""The parts that the networks are made of.

* Spectral normalisation: a weight W is used as W / σ(W), σ its greatest singular value by one step of power iteration a
  forward pass (Miyato et al., "Spectral Normalization for GANs", 2018).
* Conditional batch normalisation: the scale and the shift come from the label (Dumoulin et al., 2017; de Vries et
  al., 2017).
* Initialisation from a given generator only: building a network leaves torch's global stream where it was.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def build(make: Callable[[], nn.Module], generator: torch.Generator, device: torch.device | str = "cpu") -> nn.Module:
    """Return the module that ``make`` describes, with weights drawn from ``generator`` alone.

    Weights of linear maps and convolutions are orthogonal (Saxe et al., 2014), embeddings normal with deviation 0.02,
    biases 0; every other parameter and buffer is what ``reset`` of its own module sets.
    """
    with torch.device("meta"):
        module = make()
    module.to_empty(device="cpu")
    for part in module.modules():
        _initialise(part, generator)
    for part in module.modules():
        if isinstance(part, ConditionalBatchNorm):
            nn.init.zeros_(part.scale.weight)
            nn.init.zeros_(part.shift.weight)
    return module.to(device)


def _initialise(part: nn.Module, generator: torch.Generator) -> None:
    if isinstance(part, nn.Conv2d | nn.Linear):
        nn.init.orthogonal_(part.weight, generator=generator)
        if part.bias is not None:
            nn.init.zeros_(part.bias)
    elif isinstance(part, nn.Embedding):
        nn.init.normal_(part.weight, std=0.02, generator=generator)
    if isinstance(part, SpectralNorm):
        part.reset(generator)
    elif isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
        part.reset_parameters()


class SpectralNorm(nn.Module):
    """The spectral normalisation of one weight; holds the estimate of its first left singular vector.

    Parameters
    ----------
    n_rows
        How many rows the weight has when it is seen as a matrix (out, everything else).
    """

    u: Tensor

    def __init__(self, n_rows: int) -> None:
        super().__init__()
        self.register_buffer("u", torch.empty(n_rows))

    def reset(self, generator: torch.Generator) -> None:
        """Draw the estimate anew."""
        self.u.copy_(F.normalize(torch.randn(self.u.shape, generator=generator), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """Return ``weight`` divided by its greatest singular value."""
        matrix = weight.flatten(1)
        with torch.no_grad():
            v = F.normalize(matrix.t() @ self.u, dim=0)
            u = F.normalize(matrix @ v, dim=0)
            if self.training:
                self.u.copy_(u)
        return weight / torch.dot(u, matrix @ v)


class SpectralConv2d(nn.Conv2d):
    """A convolution whose weight is spectrally normalised."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__(c_in, c_out, kernel, stride, padding)
        self.normalised = SpectralNorm(c_out)

    def forward(self, images: Tensor) -> Tensor:
        """Return (b, c_out, ...) for (b, c_in, ...)."""
        return F.conv2d(images, self.normalised(self.weight), self.bias, self.stride, self.padding)


class SpectralLinear(nn.Linear):
    """A linear map whose weight is spectrally normalised."""

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__(d_in, d_out)
        self.normalised = SpectralNorm(d_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, d_out) for (b, d_in)."""
        return F.linear(x, self.normalised(self.weight), self.bias)


class Projection(nn.Module):
    """The label's part of a projection discriminator: logit = w·h + e(label)·h (Miyato & Koyama, 2018).

    Parameters
    ----------
    n_classes, d
        Number of classes and length of the features h.
    """

    def __init__(self, n_classes: int, d: int) -> None:
        super().__init__()
        self.everyone = SpectralLinear(d, 1)
        self.each = nn.Embedding(n_classes, d)
        self.normalised = SpectralNorm(n_classes)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return logits (b,) for features (b, d) and labels (b,)."""
        embedded = F.embedding(labels, self.normalised(self.each.weight))
        return self.everyone(features).squeeze(1) + (embedded * features).sum(1)


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation whose scale and shift come from a condition; works on (b, d) and (b, d, h, w).

    Parameters
    ----------
    d, d_condition
        Number of features, and length of the condition: noise and label together (Brock et al., "BigGAN", 2019).
    images
        Whether the features are maps (b, d, h, w).
    """

    def __init__(self, d: int, d_condition: int, *, images: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(d, affine=False) if images else nn.BatchNorm1d(d, affine=False)
        self.scale = nn.Linear(d_condition, d)
        self.shift = nn.Linear(d_condition, d)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return the normalised features (b, d, ...), scaled by 1 + scale(condition) and shifted by
        shift(condition).
        """
        shape = (len(features), -1, *(1,) * (features.ndim - 2))
        scale, shift = self.scale(condition).view(shape), self.shift(condition).view(shape)
        return torch.addcmul(shift, self.norm(features), 1.0 + scale)


class LabelledCode(nn.Module):
    """Noise (or a code) and label as one vector: the noise, then a learned direction of the label at the noise's
    length.

    Parameters
    ----------
    n_classes, d
        Number of classes and length of the noise.
    """

    def __init__(self, n_classes: int, d: int) -> None:
        super().__init__()
        self.label = nn.Embedding(n_classes, d)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return (b, 2 d) for noise (b, d) and labels (b,)."""
        return torch.cat([noise, F.normalize(self.label(labels), dim=1) * noise.shape[1] ** 0.5], dim=1)
