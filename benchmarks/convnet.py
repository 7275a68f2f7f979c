"""The classifier that measures: a small convolutional network, as oracle (labels and features) and as the pupil of the
utility test. Classic transforms (a random shift, turn, scale, and a flip where that keeps the class) are applied anew
to every batch; their strength, the learning rate and the number of steps were chosen on the dev halves.
"""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from synthaug.data.schema import ImageSchema
from synthaug.models.convnet import ConvNet
from synthaug.training.supervised import Rows, Steps, new_network, train_network

_BATCH = 64
_WIDTH = 32
_AT_ONCE = 512


@dataclass(frozen=True)
class Recipe:
    """How the network is trained.

    Attributes
    ----------
    n_steps, lr
        Steps of 64 rows, and Adam's greatest learning rate (one cycle).
    strength
        Of the classic transforms: at 1 shifts by up to a twelfth of the side, turns by up to 10 degrees, scales by up
        to a tenth.
    flip
        Whether left and right may be swapped.
    """

    n_steps: int = 600
    lr: float = 2e-3
    strength: float = 1.0
    flip: bool = False


def learn(x: Tensor, y: Tensor, *, schema: ImageSchema, recipe: Recipe, seed: int) -> ConvNet:
    """Return the network trained on images (n, c, h, w) and labels (n,), classes drawn evenly."""
    network = new_network(schema, width=_WIDTH, seed=seed)
    weight = 1.0 / torch.bincount(y, minlength=schema.n_classes).clamp_min(1)[y]
    steps = Steps(recipe.n_steps, recipe.lr, _BATCH)
    return train_network(network, Rows(x, y, weight), steps, transform=partial(transform, recipe), seed=seed)


def transform(recipe: Recipe, images: Tensor, stream: torch.Generator) -> Tensor:
    """Return images (b, c, h, w), each shifted, turned and scaled at random."""
    if recipe.flip:
        turned = torch.rand(len(images), generator=stream) < 0.5
        images = torch.where(turned[:, None, None, None], images.flip(3), images)
    if recipe.strength == 0:
        return images
    luck = recipe.strength * (2 * torch.rand(4, len(images), generator=stream) - 1)
    angle, scale = luck[0] * torch.pi / 18, 1 + 0.1 * luck[1]
    cos, sin = scale * angle.cos(), scale * angle.sin()
    rows = [torch.stack([cos, -sin, luck[2] / 6], 1), torch.stack([sin, cos, luck[3] / 6], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


@torch.inference_mode()
def answers(network: ConvNet, x: Tensor) -> Tensor:
    """Return the most probable class (n,) of images."""
    return torch.cat([network(part).argmax(1) for part in x.split(_AT_ONCE)])


@torch.inference_mode()
def features(network: ConvNet, x: Tensor) -> Tensor:
    """Return features (n, 128) of images."""
    return torch.cat([network.features(part) for part in x.split(_AT_ONCE)])


def balanced_accuracy(network: ConvNet, x: Tensor, y: Tensor) -> float:
    """Return the mean over classes of the share of images that get their label."""
    right = (answers(network, x) == y).double()
    return float(torch.stack([right[y == label].mean() for label in y.unique()]).mean())
