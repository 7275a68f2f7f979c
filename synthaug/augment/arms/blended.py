"""Arms that fill up with blends of two rows: torchvision's mixup and cutmix.

A blended row counts for both classes, by how much of each it holds. Its anchor comes from the class that the plan asks
for, which makes up the greater part; the other row is any of the filled-up classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthaug._seed import derive, numpy_stream
from synthaug.augment.arms.columns import take_apart
from synthaug.augment.arms.task import Task, Trained
from synthaug.augment.fitting import as_estimator_wants, fit_classifier
from synthaug.augment.mix import Mixed, codec_of, reads_images, repeat_rows
from synthaug.augment.teachers import share_out
from synthaug.augment.ways import NotApplicable, check_weights
from synthaug.data.container import join, known, take, unwrap
from synthaug.data.labels import fit_label_codec

_MIXUP_ALPHA = 0.2
_CUTMIX_ALPHA = 1.0


@dataclass(frozen=True, eq=False)
class Blends:
    """Blends of pairs of rows.

    Attributes
    ----------
    rows
        Shape (m, ...).
    shares
        How much of each class they hold, (m, n_classes).
    greater
        Number of the row that makes up the greater part of each, (m,).
    """

    rows: Tensor
    shares: np.ndarray
    greater: np.ndarray


def mixup(task: Task) -> Trained:
    """Fill up with weighted means of two rows (Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018).

    Categories have no mean: they are those of the row that makes up the greater part.
    """
    from torchvision.transforms.v2 import MixUp

    return _train_blended(task, MixUp(alpha=_MIXUP_ALPHA, num_classes=len(np.unique(np.asarray(task.y)))))


def cutmix(task: Task) -> Trained:
    """Fill up with images that hold a rectangle of another one (Yun et al., "CutMix: Regularization Strategy to Train
    Strong Classifiers with Localizable Features", 2019).
    """
    from torchvision.transforms.v2 import CutMix

    if not reads_images(task.augmenter, task.X):
        raise NotApplicable("a table has no rectangles to cut out")
    return _train_blended(task, CutMix(alpha=_CUTMIX_ALPHA, num_classes=len(np.unique(np.asarray(task.y)))))


def _train_blended(task: Task, blend: Any) -> Trained:
    check_weights(task.estimator, "training on blended labels")
    seed, labels = derive(task.seed, "blend"), fit_label_codec(task.y).encode(task.y)
    anchors = repeat_rows(task.y, task.plan, seed)
    filled_up = np.concatenate([np.arange(len(labels)), anchors])
    partners = numpy_stream(seed, "partners").choice(filled_up, len(anchors))
    pairs = np.stack([anchors, partners], axis=1)
    blended = _blended_images if reads_images(task.augmenter, task.X) else _blended_rows
    rows, shares = blended(task, partial(_blended, blend, labels=labels, pairs=pairs, seed=seed), anchors)
    y = join(task.y, take(known(task.y), anchors))
    mixed = Mixed(join(task.X, rows), y, None, len(anchors), np.empty(0, dtype=np.int64))
    mixed = share_out(mixed, task.y, shares)
    fitted = fit_classifier(task.estimator, as_estimator_wants(task.estimator, mixed.X), mixed.y, mixed.weight)
    return Trained(fitted, len(anchors))


def _blended_images(task: Task, blend: Callable[[Tensor], Blends], anchors: np.ndarray) -> tuple[Any, np.ndarray]:
    codec = codec_of(task.X, task.augmenter)
    blends = blend(codec.encode(np.asarray(unwrap(known(task.X))[0])))
    return codec.decode(blends.rows), blends.shares


def _blended_rows(task: Task, blend: Callable[[Tensor], Blends], anchors: np.ndarray) -> tuple[Any, np.ndarray]:
    """Return rows of mean numbers, with the categories of the row that makes up the greater part; a number that one of
    two rows lacks is not averaged.
    """
    parts = take_apart(task.X, task.augmenter)
    if not parts.numbers.shape[1]:
        raise NotApplicable("mixup takes means of numbers; the table's columns are categories")
    blends = blend(torch.from_numpy(parts.numbers))
    own, means = parts.numbers[anchors], blends.rows.numpy()
    numbers = np.where(np.isnan(own) | np.isnan(means), own, means)
    return parts.together(numbers, parts.choices[blends.greater]), blends.shares


def _blended(blend: Any, x: Tensor, *, labels: np.ndarray, pairs: np.ndarray, seed: int) -> Blends:
    """Return blends of pairs of row numbers (m, 2), in which the first one's class makes up the greater part."""
    images, one_class = x if x.ndim == 4 else x[:, None, None], labels[pairs[:, 0]] == labels[pairs[:, 1]]
    found = []
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(derive(seed, "blend"))  # torchvision knows no other stream
        for pair, alike in zip(pairs, one_class, strict=True):
            both, parts = blend(images[pair], torch.arange(2))
            place = 0 if alike else int(parts[:, 0].argmax())
            found.append((both[place], parts[place, :2]))
    rows = torch.stack([row for row, _ in found]).reshape(-1, *x.shape[1:])
    of_rows = torch.stack([part for _, part in found]).double().numpy()
    shares = np.einsum("mp,mpc->mc", of_rows, np.eye(labels.max() + 1)[labels[pairs]])
    return Blends(rows, shares, pairs[np.arange(len(pairs)), of_rows.argmax(axis=1)])
