"""Arms that fill up with blends of two rows: torchvision's mixup and cutmix.

A blended row counts for both classes, by how much of each it holds. Its anchor comes from the class that the plan asks
for and makes up the greater part; the other row is any of the filled-up classes.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthaug._seed import derive, numpy_stream
from synthaug.augment.arms.task import Task, Trained
from synthaug.augment.fitting import as_estimator_wants, fit_classifier
from synthaug.augment.mix import Mixed, reads_images, repeat_rows
from synthaug.augment.teachers import share_out
from synthaug.augment.ways import NotApplicable, check_weights
from synthaug.data.container import join, known, take, unwrap
from synthaug.data.labels import fit_label_codec
from synthaug.data.rows import RowsOptions, fit_row_codec

_MIXUP_ALPHA = 0.2
_CUTMIX_ALPHA = 1.0


def mixup(task: Task) -> Trained:
    """Fill up with weighted means of two rows (Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018)."""
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
    array, container = unwrap(known(task.X))
    options = RowsOptions(task.augmenter.image_shape, task.augmenter.image_format)
    codec = fit_row_codec(np.asarray(array), container, options)
    rows, shares = _blended(blend, codec.encode(np.asarray(array)), labels, np.stack([anchors, partners], 1), seed)
    X = join(task.X, codec.decode(rows))
    mixed = Mixed(X, join(task.y, take(known(task.y), anchors)), None, len(anchors), np.empty(0, dtype=np.int64))
    mixed = share_out(mixed, task.y, shares)
    rows = as_estimator_wants(task.estimator, mixed.X)
    return Trained(fit_classifier(task.estimator, rows, mixed.y, mixed.weight), len(anchors))


def _blended(blend: Any, x: Tensor, labels: np.ndarray, pairs: np.ndarray, seed: int) -> tuple[Tensor, np.ndarray]:
    """Return blends of pairs of rows, (m, ...), and how much of each class they hold, (m, n_classes)."""
    images = x if x.ndim == 4 else x[:, None, None]
    found = []
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(derive(seed, "blend"))  # torchvision knows no other stream
        for pair in pairs:
            both, shares = blend(images[pair], torch.from_numpy(labels[pair]))
            place = int(shares[:, labels[pair[0]]].argmax())
            found.append((both[place], shares[place]))
    rows = torch.stack([row for row, _ in found]).reshape(-1, *x.shape[1:])
    return rows, torch.stack([share for _, share in found]).double().numpy()
