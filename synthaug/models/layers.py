"""The parts that the networks are made of.

* Spectral normalisation: a weight W is used as W / σ(W), σ its greatest singular value by one step of power iteration a
  forward pass (Miyato et al., "Spectral Normalization for GANs", 2018).
* Conditional batch normalisation: the scale and the shift come from the label (Dumoulin et al., 2017; de Vries et
  al., 2017).
* Initialisation from a given generator only: building a network leaves torch's global stream where it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of leaky rectifiers (Radford et al., 2016)


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
        if isinstance(part, ConditionalBatchNorm | ConditionalScale):
            nn.init.zeros_(part.scale.weight)
            nn.init.zeros_(part.shift.weight)
    return module.to(device)


def _initialise(part: nn.Module, generator: torch.Generator) -> None:
    if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.orthogonal_(part.weight, generator=generator)
        if part.bias is not None:
            nn.init.zeros_(part.bias)
    elif isinstance(part, nn.Embedding):
        nn.init.normal_(part.weight, std=0.02, generator=generator)
    if isinstance(part, SpectralNorm):
        part.reset(generator)
    elif isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm | PlainScale):
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
        """Return ``weight`` divided by its greatest singular value, computed in the weight's own precision."""
        with torch.autocast(weight.device.type, enabled=False):
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


@dataclass(frozen=True)
class CriticLayers:
    """What a discriminator is built of under one kind of normalisation.

    Attributes
    ----------
    convolution, linear
        Maps that nothing normalises afterwards, so that they have a bias.
    hidden_convolution, hidden_linear
        Maps that ``norm`` follows.
    norm
        ``norm(d, images)`` makes what follows a hidden map.
    weight_norm
        ``weight_norm(n_rows)`` makes what is done to a weight that is no map's, such as an embedding's.
    """

    convolution: Callable[..., nn.Module]
    linear: Callable[[int, int], nn.Module]
    hidden_convolution: Callable[..., nn.Module]
    hidden_linear: Callable[[int, int], nn.Module]
    norm: Callable[[int, bool], nn.Module]
    weight_norm: Callable[[int], nn.Module]


def batch_norm(d: int, images: bool) -> nn.Module:
    """Return batch normalisation with scale and shift of d features, of maps or of rows."""
    return nn.BatchNorm2d(d) if images else nn.BatchNorm1d(d)


def _as_it_is(*sizes: int) -> nn.Module:
    return nn.Identity()


_SPECTRAL = CriticLayers(SpectralConv2d, SpectralLinear, SpectralConv2d, SpectralLinear, _as_it_is, SpectralNorm)


class Projection(nn.Module):
    """The label's part of a projection discriminator: logit = w·h + s e(label)·h (Miyato & Koyama, 2018).

    Parameters
    ----------
    n_classes, d
        Number of classes and length of the features h.
    layers
        How the weights are normalised.

    Attributes
    ----------
    label_strength : float
        The factor s.
    """

    def __init__(self, n_classes: int, d: int, layers: CriticLayers = _SPECTRAL) -> None:
        super().__init__()
        self.label_strength = 1.0
        self.everyone = layers.linear(d, 1)
        self.each = nn.Embedding(n_classes, d)
        self.normalised = layers.weight_norm(n_classes)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return logits (b,) for features (b, d) and labels (b,)."""
        embedded = F.embedding(labels, self.normalised(self.each.weight))
        return self.everyone(features).squeeze(1) + self.label_strength * (embedded * features).sum(1)


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
        return _modulate(self.norm(features), self.scale(condition), self.shift(condition))


class ConditionalScale(nn.Module):
    """The scale and the shift of a conditional norm without the norm (Perez et al., "FiLM", 2018).

    Parameters
    ----------
    d, d_condition
        Number of features, and length of the condition.
    """

    def __init__(self, d: int, d_condition: int) -> None:
        super().__init__()
        self.scale = nn.Linear(d_condition, d)
        self.shift = nn.Linear(d_condition, d)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return the features (b, d, ...), scaled by 1 + scale(condition) and shifted by shift(condition)."""
        return _modulate(features, self.scale(condition), self.shift(condition))


class PlainBatchNorm(nn.Module):
    """Batch normalisation in the place of a conditional one: the condition is ignored.

    Parameters
    ----------
    d
        Number of features.
    images
        Whether the features are maps (b, d, h, w).
    """

    def __init__(self, d: int, *, images: bool) -> None:
        super().__init__()
        self.norm = batch_norm(d, images)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return the normalised features (b, d, ...)."""
        return self.norm(features)


class PlainScale(nn.Module):
    """A learned scale and shift for each feature in the place of a norm: the condition is ignored.

    Parameters
    ----------
    d
        Number of features.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(1, d))
        self.shift = nn.Parameter(torch.empty(1, d))

    def reset_parameters(self) -> None:
        """Begin as the identity."""
        nn.init.zeros_(self.scale)
        nn.init.zeros_(self.shift)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return the features (b, d, ...), scaled by 1 + scale and shifted by shift."""
        return _modulate(features, self.scale, self.shift)


def _modulate(features: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    shape = (len(scale), -1, *(1,) * (features.ndim - 2))
    return torch.addcmul(shift.view(shape), features, 1.0 + scale.view(shape))


class LabelledCode(nn.Module):
    """Noise (or a code) and label as one vector: the noise, then a learned direction of the label at the noise's
    length.

    Parameters
    ----------
    n_classes, d
        Number of classes and length of the noise.

    Attributes
    ----------
    label_strength : float
        Factor of the label's half.
    """

    def __init__(self, n_classes: int, d: int) -> None:
        super().__init__()
        self.label_strength = 1.0
        self.label = nn.Embedding(n_classes, d)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return (b, 2 d) for noise (b, d) and labels (b,)."""
        length = self.label_strength * noise.shape[1] ** 0.5
        return torch.cat([noise, F.normalize(self.label(labels), dim=1) * length], dim=1)


CRITIC_NORMS: dict[str, CriticLayers] = {
    "spectral": _SPECTRAL,
    "batch": CriticLayers(
        nn.Conv2d, nn.Linear, partial(nn.Conv2d, bias=False), partial(nn.Linear, bias=False), batch_norm, _as_it_is
    ),
    "none": CriticLayers(nn.Conv2d, nn.Linear, nn.Conv2d, nn.Linear, _as_it_is, _as_it_is),
}
