"""The GAN of a textbook, in plain torch: what a reader of a tutorial would run, as a peer to measure against.

The networks and settings are those of the DCGAN and conditional-GAN chapters and of the repositories Keras-GAN and
PyTorch-GAN (E. Linder-Noren), after Radford et al., "Unsupervised representation learning with deep convolutional
generative adversarial networks", 2016, and Mirza & Osindero, "Conditional generative adversarial nets", 2014:

* generator: 100 numbers of noise and the one-hot label, a linear layer to 128 channels at a quarter of the size (8 x 8
  for 32 pixels, 7 x 7 for 28), twice {upsample, 3 x 3 convolution to 128 then 64, batch norm, ReLU}, a 3 x 3
  convolution, tanh;
* discriminator: the label as constant planes beside the image, four 3 x 3 convolutions of stride 2 (32, 64, 128, 256
  channels), each with LeakyReLU 0.2 and dropout 0.25, a linear layer;
* binary cross entropy, batches of 32, Adam 2e-4 with beta1 0.5; no augmentation, no average of the weights.

``TextbookGAN`` has the form of a synthaug learner, so ``SyntheticAugmenter(TextbookGAN())`` works. ``draw`` also works
inside ``on_step``, while training goes on; the time that ``on_step`` takes is not counted as training.
"""

import math
import time
from typing import Any, Self

import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

from synthaug.data.schema import ImageSchema
from synthaug.generators import Limits
from synthaug.training.loop import OnStep, StepRecord
from synthaug.training.threads import fixed_threads

NOISE_DIM = 100
WIDTHS = (32, 64, 128, 256)
CHUNK = 256


class TextbookGenerator(nn.Module):
    """``generator(noise (b, 100), labels (b,)) -> images (b, c, h, w)`` in [-1, 1]."""

    def __init__(self, schema: ImageSchema) -> None:
        super().__init__()
        channels, *size = schema.shape
        self.n_classes, self.size = schema.n_classes, size
        self.start = [math.ceil(side / 4) for side in size]
        self.linear = nn.Linear(NOISE_DIM + schema.n_classes, 128 * math.prod(self.start))
        self.convs = nn.Sequential(*_upsampled(128, 128), *_upsampled(128, 64), nn.Conv2d(64, channels, 3, 1, 1))

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return an image for each noise and label."""
        code = torch.cat([noise, F.one_hot(labels, self.n_classes).to(noise)], 1)
        images = self.convs(self.linear(code).unflatten(1, (128, *self.start)))
        return torch.tanh(images[:, :, : self.size[0], : self.size[1]])


class TextbookDiscriminator(nn.Module):
    """``discriminator(images (b, c, h, w), labels (b,)) -> logits (b,)``."""

    def __init__(self, schema: ImageSchema) -> None:
        super().__init__()
        channels, *size = schema.shape
        self.n_classes = schema.n_classes
        widths = (channels + schema.n_classes, *WIDTHS)
        self.convs = nn.Sequential(
            *(part for before, after in zip(widths, WIDTHS, strict=False) for part in _strided(before, after))
        )
        self.head = nn.Linear(WIDTHS[-1] * math.prod(math.ceil(side / 16) for side in size), 1)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return a logit for each image: above 0 where it looks real."""
        planes = F.one_hot(labels, self.n_classes).to(images)[:, :, None, None].expand(-1, -1, *images.shape[2:])
        return self.head(self.convs(torch.cat([images, planes], 1)).flatten(1)).squeeze(1)


class TextbookGAN(BaseEstimator):
    """The textbook's conditional GAN as a synthaug learner.

    Parameters
    ----------
    n_steps
        How many steps to train, if no limit ends it before.
    batch_size, lr, beta1, beta2
        Rows a step, and Adam's rates.
    record_steps
        Every how many steps ``on_step`` is told.
    n_threads
        How many torch threads to use.

    Attributes
    ----------
    generator_ : TextbookGenerator
        The generator; there from the first step on.
    was_cut_ : bool
        Whether ``max_seconds`` ended training.
    """

    def __init__(
        self,
        *,
        n_steps: int = 20_000,
        batch_size: int = 32,
        lr: float = 2e-4,
        beta1: float = 0.5,
        beta2: float = 0.999,
        record_steps: int = 50,
        n_threads: int = 2,
    ) -> None:
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.record_steps = record_steps
        self.n_threads = n_threads

    def fit(
        self, x: Tensor, y: Tensor, *, schema: ImageSchema, seed: int, on_step: OnStep, limits: Limits, **unused: Any
    ) -> Self:
        """Learn from images (n, c, h, w) in [-1, 1] and classes (n,), within the limits; no checkpoints are kept."""
        self.schema_, self.was_cut_ = schema, False
        with torch.random.fork_rng(devices=[]), fixed_threads(self.n_threads):
            torch.manual_seed(seed % 2**63)
            self._start(limits.device)
            self._train(x.to(limits.device), y.to(limits.device), on_step, limits)
        return self

    def draw(self, labels: Tensor, seed: int) -> Tensor:
        """Return an image for each label (b,), float32 on the CPU."""
        stream = torch.Generator().manual_seed(seed % 2**63)
        noise = torch.randn(len(labels), NOISE_DIM, generator=stream)
        device, was_training = next(self.generator_.parameters()).device, self.generator_.training
        self.generator_.eval()
        with torch.no_grad(), fixed_threads(self.n_threads):
            pairs = zip(noise.split(CHUNK), labels.split(CHUNK), strict=True)
            drawn = [self.generator_(some.to(device), which.to(device)).cpu() for some, which in pairs]
        self.generator_.train(was_training)
        return torch.cat(drawn) if drawn else torch.empty(0, *self.schema_.shape)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the generator's weights; no facts."""
        return dict(self.generator_.state_dict()), {}

    def from_state(self, tensors: dict[str, Tensor], facts: dict[str, Any], schema: ImageSchema) -> Self:
        """Set the generator's weights and return self."""
        self.schema_, self.was_cut_ = schema, False
        self.generator_ = TextbookGenerator(schema)
        self.generator_.load_state_dict(tensors)
        self.generator_.eval()
        return self

    def step(self, real: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Update the discriminator, then the generator, on one batch; return the losses, detached."""
        ones, zeros = torch.ones(len(real), device=real.device), torch.zeros(len(real), device=real.device)
        fake = self.generator_(torch.randn(len(real), NOISE_DIM, device=real.device), labels)
        real_logits = self.discriminator_(real, labels)
        fake_logits = self.discriminator_(fake.detach(), labels)
        critic_loss = _bce(real_logits, ones) + _bce(fake_logits, zeros)
        _descend(self.critic_optimiser_, critic_loss)
        generator_loss = _bce(self.discriminator_(fake, labels), ones)
        _descend(self.generator_optimiser_, generator_loss)
        return {"critic_bce": critic_loss.detach(), "generator_bce": generator_loss.detach()}

    def _start(self, device: torch.device) -> None:
        self.generator_ = TextbookGenerator(self.schema_).to(device)
        self.discriminator_ = TextbookDiscriminator(self.schema_).to(device)
        betas = (self.beta1, self.beta2)
        self.generator_optimiser_ = torch.optim.Adam(self.generator_.parameters(), self.lr, betas)
        self.critic_optimiser_ = torch.optim.Adam(self.discriminator_.parameters(), self.lr, betas)

    def _train(self, x: Tensor, y: Tensor, on_step: OnStep, limits: Limits) -> None:
        n_steps = self.n_steps if limits.max_steps is None else min(self.n_steps, limits.max_steps)
        most_seconds = math.inf if limits.max_seconds is None else limits.max_seconds
        began = time.perf_counter()
        for step in range(1, n_steps + 1):
            chosen = torch.randint(len(x), (self.batch_size,), device=x.device)
            losses = self.step(x[chosen], y[chosen])
            seconds = time.perf_counter() - began
            self.was_cut_ = seconds >= most_seconds and step < n_steps
            stop = False
            if step % self.record_steps == 0 or step == n_steps or self.was_cut_:
                terms = {name: float(loss) for name, loss in losses.items()}
                stop = bool(on_step(StepRecord(step, n_steps, step * self.batch_size, seconds, terms)))
                began = time.perf_counter() - seconds
            if stop or self.was_cut_:
                return


def _upsampled(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, 1, 1), nn.BatchNorm2d(after), nn.ReLU()


def _strided(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, after, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout(0.25)


def _bce(logits: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, targets)


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
