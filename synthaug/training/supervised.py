"""The training of a network that classifies: one flat loop.

Adam with decoupled weight decay (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019) under one cycle of
the learning rate (Smith & Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates",
2019), cross-entropy, batches drawn with replacement. A row's weight is how likely it is drawn, so that rows of little
weight cost little. Transforms are applied anew in each step.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from synthaug._seed import torch_stream
from synthaug.data.schema import ImageSchema
from synthaug.errors import DivergedError
from synthaug.models.convnet import ConvNet
from synthaug.models.layers import build

_WEIGHT_DECAY = 1e-2

Network = TypeVar("Network", bound=nn.Module)
Transform = Callable[[Tensor, torch.Generator], Tensor]
Scheduler = Callable[[Optimizer, "Steps"], LRScheduler]


@dataclass(frozen=True)
class Steps:
    """How many steps a network takes: so many, with Adam's greatest learning rate, of so many rows each."""

    n_steps: int
    lr: float
    batch_size: int


@dataclass(frozen=True, eq=False)
class Rows:
    """What a network learns from.

    Attributes
    ----------
    images
        Shape (n, c, h, w), float32 in [-1, 1].
    labels
        Class numbers (n,), int64.
    weight
        How likely a row is drawn, up to a factor (n,), float64, at least one above 0.
    """

    images: Tensor
    labels: Tensor
    weight: Tensor


def new_network(schema: ImageSchema, *, width: int, seed: int) -> ConvNet:
    """Return an untrained network whose weights the seed decides, its memory laid out so that pooling is fast."""
    network = build(lambda: ConvNet(schema, width), torch_stream(seed, "convnet"))
    assert isinstance(network, ConvNet)
    return network.to(memory_format=torch.channels_last)


def one_cycle(optimiser: Optimizer, steps: Steps) -> LRScheduler:
    """Return a learning rate that rises to its greatest and falls to nothing."""
    return OneCycleLR(optimiser, steps.lr, total_steps=steps.n_steps)


def constant(optimiser: Optimizer, steps: Steps) -> LRScheduler:
    """Return a learning rate that stays."""
    return ConstantLR(optimiser, factor=1.0, total_iters=0)


def train_network(
    network: Network,
    rows: Rows,
    steps: Steps,
    *,
    transform: Transform,
    seed: int,
    scheduler: Scheduler = one_cycle,
) -> Network:
    """Return the network, trained further on the rows, in bfloat16 where that is safe.

    Parameters
    ----------
    network, rows, steps
        What learns, from what, for how long.
    transform
        Is applied to each batch.
    seed
        Decides batches, transforms and dropout.
    scheduler
        How the learning rate runs.

    Raises
    ------
    DivergedError
        If the loss is not finite.
    """
    network.train()
    stream = torch_stream(seed, "batches")
    optimiser = AdamW(network.parameters(), steps.lr, weight_decay=_WEIGHT_DECAY)
    schedule = scheduler(optimiser, steps)
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)  # dropout knows no other stream
        for step in range(steps.n_steps):
            chosen = torch.multinomial(rows.weight, steps.batch_size, replacement=True, generator=stream)
            images = transform(rows.images[chosen], stream)  # in float32: bfloat16 would blur where pixels go
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(images)
            loss = F.cross_entropy(logits.float(), rows.labels[chosen])
            if not math.isfinite(loss.item()):
                raise DivergedError(f"the network's loss must be finite; got {loss.item()} in step {step}. Lower lr.")
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()
