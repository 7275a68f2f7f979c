"""The critic: the discriminator as an objective sees it, with labels, augmentation and instance noise bound.

It judges ``D(T(x) + σ ε)`` with T the augmentation, ε normal and σ the deviation of the instance noise (Sønderby et
al., "Amortised MAP Inference for Image Super-resolution", 2017; Arjovsky & Bottou, "Towards Principled Methods for
Training GANs", 2017). Only the networks' forward passes run in a lower precision; logits and features come out in
float32.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from synthaug.training.diffaug import Augment

_KEPT = 0.99


class LogitMeans(nn.Module):
    """Running means of the logits of real and of synthetic samples, zero-debiased; part of a checkpoint.

    The decay is 0.99 (Tseng et al., "Regularizing GANs under Limited Data", 2021, the authors' code).
    """

    sums: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sums", torch.zeros(2))
        self.register_buffer("weight", torch.zeros(()))

    @torch.no_grad()
    def follow(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Move on by a batch of logits (b,) and return the two means, of real and of synthetic samples, shapes ()."""
        self.sums.mul_(_KEPT).add_((1.0 - _KEPT) * torch.stack([real.mean(), fake.mean()]))
        self.weight.mul_(_KEPT).add_(1.0 - _KEPT)
        mean_real, mean_fake = self.sums / self.weight
        return mean_real, mean_fake


def run_in(dtype: torch.dtype, forward: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """Return what ``forward`` gives for the inputs, computed by autocast in ``dtype`` and returned in float32.

    With float32 nothing is cast at all.
    """
    if dtype == torch.float32:
        return forward(*inputs)
    with torch.autocast(inputs[0].device.type, dtype):
        return forward(*inputs).float()


@dataclass(frozen=True, eq=False)
class Critic:
    """The discriminator with everything bound that is not a sample.

    Attributes
    ----------
    discriminator
        ``discriminator(samples, labels) -> logits (b,)``, with ``features`` and ``class_logits`` where they are used.
    labels
        The classes of the samples to be judged, shape (b,).
    stream
        Where augmentation and noise are drawn from.
    augment
        What is done to samples before they are seen.
    instance_noise
        Deviation of the noise added to what is seen.
    label_strength
        How much the label counts at this step, 0 to 1.
    means
        The running means of the logits.
    dtype
        The precision of forward passes.
    """

    discriminator: Any
    labels: Tensor
    stream: torch.Generator
    augment: tuple[Augment, ...] = ()
    instance_noise: float = 0.0
    label_strength: float = 1.0
    means: LogitMeans = field(default_factory=LogitMeans)
    dtype: torch.dtype = torch.float32
    _judged: dict[int, tuple[Tensor, Tensor]] | None = None

    def __call__(self, samples: Tensor) -> Tensor:
        """Return logits (b,) for samples (b, ...)."""
        if self._judged is None:
            return self._judge(samples)
        if id(samples) not in self._judged:
            self._judged[id(samples)] = samples, self._judge(samples)
        return self._judged[id(samples)][1]

    def features(self, samples: Tensor) -> Tensor:
        """Return what the discriminator's head sees (b, d) of samples (b, ...)."""
        return run_in(self.dtype, self.discriminator.features, self._view(samples), self.labels)

    def class_logits(self, samples: Tensor) -> Tensor:
        """Return the auxiliary classifier's logits (b, n_classes) for samples (b, ...)."""
        return run_in(self.dtype, self.discriminator.class_logits, self._view(samples))

    def remembering(self) -> "Critic":
        """Return the same critic that judges each tensor once: terms of one update share its logits and their graph."""
        return replace(self, _judged={})

    def _judge(self, samples: Tensor) -> Tensor:
        return run_in(self.dtype, self.discriminator, self._view(samples), self.labels)

    def _view(self, samples: Tensor) -> Tensor:
        seen = reduce(lambda images, change: change(images, self.stream), self.augment, samples)
        if not self.instance_noise:
            return seen
        noise = torch.randn(seen.shape, generator=self.stream, device=seen.device, dtype=seen.dtype)
        return seen + self.instance_noise * noise
