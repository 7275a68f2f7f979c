"""What synthetic rows cost: an epoch of ``augment_loader`` over one of the plain loader with the same number of rows.

Run ``python benchmarks/loader.py``; add ``--check`` to exit with 1 if a bound is broken, ``--repeats 40`` for narrower
intervals. Both loaders are timed in turn within each repeat, in alternating order; the ratio is the geometric mean over
repeats with a 95 % t-interval on the logarithm. The plain loader repeats real rows to have as many.

* PNG files: 96 x 96 colour images decoded from disk, an albumentations transform, two persistent workers; at most 1.05.
* Bare tensors: a TensorDataset of 28 x 28 grey images, no workers; at most 1.30.
* Bare tensors, random flip: the same with a transform, no workers. Without a bound: it shows what seeding the transform
  for every synthetic row costs where nothing hides it.
"""

import os

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy import stats
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset

from synthaug import CGAN, SyntheticAugmenter, augment_loader

FRACTION = 0.3
BATCH_SIZE = 32


@dataclass(frozen=True)
class Case:
    """Two loaders to compare.

    Attributes
    ----------
    name
        For the table.
    plain, mixed
        Loaders over the same number of rows.
    bound
        The greatest ratio allowed; None for no bound.
    """

    name: str
    plain: DataLoader
    mixed: DataLoader
    bound: float | None


class PngFolder(Dataset):
    """Images decoded from PNG files, each then transformed."""

    def __init__(self, paths: list[Path], transform: Callable[[np.ndarray], torch.Tensor] | None) -> None:
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[object, int]:
        image = np.asarray(Image.open(self.paths[index]))
        return image if self.transform is None else self.transform(image), index % 3


class Flipped(Dataset):
    """Tensors flipped at random."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return random_flip(self.images[index]), self.labels[index]


def random_flip(image: torch.Tensor) -> torch.Tensor:
    return image.flip(-1) if torch.rand(()) < 0.5 else image


def png_case(folder: Path, n_real: int) -> Case:
    transform = _albumentations_transform()
    paths = _write_pngs(folder, n_real)
    augmenter = _learn(PngFolder(paths, None))
    real = PngFolder(paths, transform)
    settings = {"batch_size": BATCH_SIZE, "shuffle": True, "num_workers": 2, "persistent_workers": True}
    mixed = augment_loader(DataLoader(real, **settings), augmenter, synthetic_fraction=FRACTION, transform=transform)
    plain = DataLoader(_repeated(real, len(mixed.dataset)), **settings)
    return Case("PNG files, albumentations, 2 workers", plain, mixed, 1.05)


def tensor_case(n_real: int) -> Case:
    images, labels = torch.rand(n_real, 1, 28, 28), torch.arange(n_real) % 3
    real = TensorDataset(images, labels)
    loader = DataLoader(real, batch_size=BATCH_SIZE, shuffle=True)
    mixed = augment_loader(loader, _learn(real), synthetic_fraction=FRACTION)
    again = torch.arange(len(mixed.dataset)) % n_real
    plain = DataLoader(TensorDataset(images[again], labels[again]), batch_size=BATCH_SIZE, shuffle=True)
    return Case("bare tensors, no workers", plain, mixed, 1.30)


def flip_case(n_real: int) -> Case:
    images, labels = torch.rand(n_real, 1, 28, 28), torch.arange(n_real) % 3
    loader = DataLoader(Flipped(images, labels), batch_size=BATCH_SIZE, shuffle=True)
    augmenter = _learn(TensorDataset(images, labels))
    mixed = augment_loader(loader, augmenter, synthetic_fraction=FRACTION, transform=random_flip)
    again = torch.arange(len(mixed.dataset)) % n_real
    plain = DataLoader(Flipped(images[again], labels[again]), batch_size=BATCH_SIZE, shuffle=True)
    return Case("bare tensors, random flip, no workers", plain, mixed, None)


def measure(case: Case, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds of each repeat's plain and mixed epoch, shapes (repeats,)."""
    loaders = [case.plain, case.mixed]
    for loader in loaders:
        _epoch_seconds(loader)
    seconds = np.empty((repeats, 2))
    for repeat in range(repeats):
        for which in (0, 1) if repeat % 2 else (1, 0):
            seconds[repeat, which] = _epoch_seconds(loaders[which])
    return seconds[:, 0], seconds[:, 1]


def ratio_interval(plain: np.ndarray, mixed: np.ndarray) -> tuple[float, float, float]:
    """Return the geometric mean of mixed / plain with its 95 % interval."""
    logs = np.log(mixed / plain)
    half = stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs))
    return tuple(np.exp([logs.mean(), logs.mean() - half, logs.mean() + half]).tolist())


def main() -> int:
    """Print the table; return 1 if a bound was asked to hold and does not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if a ratio is above its bound")
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    torch.manual_seed(0)
    print("| rows from | rows | plain, ms | mixed, ms | ratio (95 % interval) | bound |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        cases = [png_case(Path(folder), 700), tensor_case(7000), flip_case(7000)]
        broken = [_report(case, options.repeats) for case in cases]
    return int(options.check and any(broken))


def _report(case: Case, repeats: int) -> bool:
    plain, mixed = measure(case, repeats)
    ratio, low, high = ratio_interval(plain, mixed)
    bound = "" if case.bound is None else f"{case.bound:.2f}"
    times = f"{np.median(plain) * 1e3:.0f} | {np.median(mixed) * 1e3:.0f}"
    n_rows = len(case.mixed.dataset)
    print(f"| {case.name} | {n_rows} | {times} | {ratio:.3f} ({low:.3f} to {high:.3f}) | {bound} |", flush=True)
    return case.bound is not None and ratio > case.bound


def _epoch_seconds(loader: DataLoader) -> float:
    start = time.perf_counter()
    for _ in loader:
        pass
    return time.perf_counter() - start


def _learn(dataset: Dataset) -> SyntheticAugmenter:
    # What is drawn does not matter here, so a few steps do.
    return SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), selection="none", random_state=0).fit(dataset)


def _repeated(dataset: Dataset, n: int) -> Dataset:
    return ConcatDataset([dataset, Subset(dataset, range(n - len(dataset)))])


def _write_pngs(folder: Path, n: int) -> list[Path]:
    stream = np.random.default_rng(0)
    paths = [folder / f"{index:04d}.png" for index in range(n)]
    for path in paths:
        coarse = Image.fromarray(stream.integers(0, 256, size=(12, 12, 3), dtype=np.uint8))
        coarse.resize((96, 96), Image.Resampling.BICUBIC).save(path)
    return paths


def _albumentations_transform() -> Callable[[np.ndarray], torch.Tensor]:
    import albumentations
    from albumentations.pytorch import ToTensorV2

    steps = [
        albumentations.HorizontalFlip(p=0.5),
        albumentations.Affine(rotate=(-10, 10), scale=(0.9, 1.1), p=0.8),
        albumentations.RandomBrightnessContrast(p=0.5),
        albumentations.Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        ToTensorV2(),
    ]
    pipeline = albumentations.Compose(steps)
    return lambda image: pipeline(image=image)["image"]


if __name__ == "__main__":
    sys.exit(main())
