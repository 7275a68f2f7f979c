"""The classifier that measures: a small convolutional network, as oracle (labels and features) and as the pupil of the
utility test. Classic transforms (a random shift, turn, scale, and a flip where that keeps the class) are applied anew
to every batch; their strength, the learning rate and the number of steps were chosen on the dev halves.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthaug._seed import torch_stream
from synthaug.data.schema import ImageSchema
from synthaug.models.layers import build

_BATCH = 64
_WIDTH = 32
_N_FEATURES = 128
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


class ConvNet(nn.Module):
    """Images (b, c, h, w) to logits (b, n_classes); ``features`` gives what the last layer sees."""

    def __init__(self, schema: ImageSchema) -> None:
        super().__init__()
        channels, height, width = schema.shape
        self.first = nn.Conv2d(channels, _WIDTH, 3, padding=1)
        self.second = nn.Conv2d(_WIDTH, 2 * _WIDTH, 3, padding=1)
        self.stride = max(1, min(height, width) // 28)
        n_places = (height // (4 * self.stride)) * (width // (4 * self.stride))
        self.hidden = nn.Linear(2 * _WIDTH * n_places, _N_FEATURES)
        self.last = nn.Linear(_N_FEATURES, schema.n_classes)

    def features(self, images: Tensor) -> Tensor:
        """Return features (b, 128)."""
        maps = F.relu(F.max_pool2d(self.first(images), 2 * self.stride))
        maps = F.relu(F.max_pool2d(self.second(maps), 2))
        return self.hidden(maps.flatten(1))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (b, n_classes)."""
        return self.last(F.dropout(F.relu(self.features(images)), 0.3, self.training))


def learn(x: Tensor, y: Tensor, *, schema: ImageSchema, recipe: Recipe, seed: int) -> ConvNet:
    """Return the network trained on images (n, c, h, w) and labels (n,), classes drawn evenly."""
    network = build(lambda: ConvNet(schema), torch_stream(seed, "convnet")).train()
    network = network.to(memory_format=torch.channels_last)  # pooling is several times faster so
    stream = torch_stream(seed, "batches")
    optimiser = torch.optim.AdamW(network.parameters(), recipe.lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.lr, total_steps=recipe.n_steps)
    weight = 1.0 / torch.bincount(y, minlength=schema.n_classes).clamp_min(1)[y]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # dropout knows no other stream
        for _ in range(recipe.n_steps):
            rows = torch.multinomial(weight, _BATCH, replacement=True, generator=stream)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(transform(x[rows], recipe, stream))
            loss = F.cross_entropy(logits.float(), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def transform(images: Tensor, recipe: Recipe, stream: torch.Generator) -> Tensor:
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
