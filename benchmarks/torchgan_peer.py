"""A peer that pip installs: torchgan's conditional GAN, its networks, losses and trainer at their defaults.

``pip install --no-deps --target FOLDER torchgan`` (0.1.0 of 2021, 1 MB) into a throw-away folder is enough, as torch
and torchvision are there. Two things had to be worked around: its networks take powers of two only, so images are
padded to 32 or 64 pixels and cropped when drawn; and its picture log at the end of an epoch calls torchvision with an
argument that is gone, so it is given one endless epoch. Padding 28 pixels to 32 costs it 31 % more pixels a step.

``lightweight-gan`` 1.2.1 would have been the better known peer, but its module begins with ``assert
torch.cuda.is_available()`` and every tensor is sent ``.cuda()``: it does not run on a CPU. Nor is it conditional.
``torch-mimicry`` needs TensorFlow.
"""

import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import torch
from sklearn.base import BaseEstimator
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from synthaug.data.schema import ImageSchema
from synthaug.generators import Limits
from synthaug.training.loop import OnStep, StepRecord
from synthaug.training.threads import fixed_threads

_ENDLESS = 2**31
_CHUNK = 256
_RECORD_STEPS = 20


class _StopTraining(Exception):  # noqa: N818
    """Raised inside torchgan's loop, which has no way out of its own."""


class TorchganPeer(BaseEstimator):
    """torchgan's conditional GAN in the form of a synthaug learner.

    Parameters
    ----------
    folder
        Where pip put torchgan.
    step_channels
        torchgan's measure of width.
    batch_size
        Rows a step.
    n_threads
        How many torch threads to use.
    """

    def __init__(
        self, folder: str | Path, *, step_channels: int = 64, batch_size: int = 32, n_threads: int = 2
    ) -> None:
        self.folder = folder
        self.step_channels = step_channels
        self.batch_size = batch_size
        self.n_threads = n_threads

    def fit(self, x: Tensor, y: Tensor, *, schema: ImageSchema, seed: int, on_step: OnStep, limits: Limits) -> Self:
        """Learn from images (n, c, h, w) in [-1, 1] and classes (n,) until a limit, or until ``on_step`` says so."""
        self.schema_ = schema
        self.side_ = 2 ** math.ceil(math.log2(max(16, *schema.shape[1:])))
        missing = [self.side_ - schema.shape[2], self.side_ - schema.shape[1]]
        x = F.pad(x, (0, missing[0], 0, missing[1]), value=-1.0)
        with torch.random.fork_rng(devices=[]), fixed_threads(self.n_threads), tempfile.TemporaryDirectory() as folder:
            torch.manual_seed(seed)
            sampler = RandomSampler(x, replacement=True, num_samples=_ENDLESS)
            loader = DataLoader(TensorDataset(x, y), self.batch_size, sampler=sampler)
            trainer = self._trainer(on_step, limits, folder)
            try:
                trainer(loader)
            except _StopTraining:
                return self
        return self

    def draw(self, labels: Tensor, seed: int) -> Tensor:
        """Return an image for each label (b,), float32."""
        noise = torch.randn(len(labels), 100, generator=torch.Generator().manual_seed(seed))
        was_training = self.generator_.training
        self.generator_.eval()
        with torch.no_grad():
            pairs = zip(noise.split(_CHUNK), labels.split(_CHUNK), strict=True)
            drawn = torch.cat([self.generator_(some, which) for some, which in pairs])
        self.generator_.train(was_training)
        return drawn[:, :, : self.schema_.shape[1], : self.schema_.shape[2]]

    def _trainer(self, on_step: OnStep, limits: Limits, folder: str) -> Any:
        os.environ |= {"CONSOLE_LOGGING": "0", "TENSORBOARD_LOGGING": "0", "VISDOM_LOGGING": "0"}
        sys.path.insert(0, str(self.folder))
        try:
            from torchgan import losses, models
            from torchgan.trainer import Trainer
        finally:
            sys.path.remove(str(self.folder))
        adam = {"name": torch.optim.Adam, "args": {"lr": 2e-4, "betas": (0.5, 0.999)}}
        shape = {"num_classes": self.schema_.n_classes, "step_channels": self.step_channels}
        makes = {"out_size": self.side_, "out_channels": self.schema_.shape[0], **shape}
        takes = {"in_size": self.side_, "in_channels": self.schema_.shape[0], **shape}
        players = {
            "generator": {"name": models.ConditionalGANGenerator, "args": makes, "optimizer": adam},
            "discriminator": {"name": models.ConditionalGANDiscriminator, "args": takes, "optimizer": adam},
        }
        trainer = Trainer(
            players,
            [losses.MinimaxGeneratorLoss(), losses.MinimaxDiscriminatorLoss()],
            device=torch.device("cpu"),
            epochs=1,
            checkpoints=f"{folder}/gan",
            recon=folder,
        )
        self.generator_ = trainer.generator
        trainer.train_iter_custom = _Watch(on_step, limits, self.batch_size)
        return trainer


class _Watch:
    """Called by torchgan before every step: tells ``on_step``, whose time does not count, and ends the run."""

    def __init__(self, on_step: OnStep, limits: Limits, batch_size: int) -> None:
        self.on_step, self.batch_size = on_step, batch_size
        self.most_steps = limits.max_steps or _ENDLESS
        self.most_seconds = math.inf if limits.max_seconds is None else limits.max_seconds
        self.step, self.began = 0, time.perf_counter()

    def __call__(self) -> None:
        seconds = time.perf_counter() - self.began
        over = seconds >= self.most_seconds or self.step >= self.most_steps
        if self.step and (over or self.step % _RECORD_STEPS == 0):
            stop = self.on_step(StepRecord(self.step, self.most_steps, self.step * self.batch_size, seconds, {}))
            self.began = time.perf_counter() - seconds
            if stop or over:
                raise _StopTraining
        self.step += 1
