"""Orders in which a mixed dataset's rows come: real rows as the user's sampler has them, synthetic ones among them.

Real rows have the indices ``0 .. n_real - 1``, synthetic ones those after. For every real row, ``n_synthetic / n_real``
synthetic ones come, spread evenly, taken from a new seeded shuffle of all synthetic rows in each epoch.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler

from synthaug._seed import torch_stream
from synthaug.augment.torch_data.synthetic import RowIndex


class SyntheticOrder:
    """The synthetic rows of each epoch in turn, without end, as indices into the mixed dataset.

    Parameters
    ----------
    n_real, n_synthetic
        Rows of each in the mixed dataset.
    seed
        Seed of the shuffles.
    rank, n_ranks
        This process's share where several train together: every ``n_ranks``-th row.
    """

    def __init__(self, n_real: int, n_synthetic: int, *, seed: int, rank: int = 0, n_ranks: int = 1) -> None:
        self.n_real, self.n_synthetic = n_real, n_synthetic
        self.seed, self.rank, self.n_ranks = seed, rank, n_ranks

    @property
    def ratio(self) -> float:
        """Synthetic rows for each real one."""
        return self.n_synthetic / self.n_real

    def of_epoch(self, epoch: int) -> Iterator[RowIndex]:
        """Return the endless iterator over an epoch's synthetic rows."""
        order = torch.randperm(self.n_synthetic, generator=torch_stream(self.seed, "order", epoch)).tolist()
        share = order[self.rank :: self.n_ranks] or order
        return (RowIndex(self.n_real + place, epoch) for place in itertools.cycle(share))

    def up_to(self, n_real_rows: int) -> int:
        """Return how many synthetic rows have come once this many real rows have."""
        # The small number keeps 3 / 10 * 10 at 3.
        return math.floor(self.ratio * n_real_rows + 1e-9)


class EpochCounter:
    """Which epoch a sampler is in: its own count, or that of the sampler it wraps if that keeps one.

    Parameters
    ----------
    inner
        The sampler wrapped; one with an ``epoch``, as ``DistributedSampler`` has, decides.
    """

    def __init__(self, inner: Any) -> None:
        self.inner, self._count = inner, 0

    def next(self) -> int:
        """Return the epoch that starts now."""
        own = self._count
        self._count += 1
        return int(getattr(self.inner, "epoch", own))

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch starts next."""
        self._count = epoch
        if hasattr(self.inner, "set_epoch"):
            self.inner.set_epoch(epoch)


class WithEpoch(Sampler[int]):
    """A sampler over the mixed rows, whose synthetic indices also say which epoch it is.

    Parameters
    ----------
    sampler
        A sampler over all rows of the mixed dataset.
    n_real
        Where synthetic rows begin.
    """

    def __init__(self, sampler: Sampler[int], n_real: int) -> None:
        self.sampler, self.n_real = sampler, n_real
        self._epochs = EpochCounter(sampler)

    def __iter__(self) -> Iterator[int]:
        epoch = self._epochs.next()
        return (index if index < self.n_real else RowIndex(index, epoch) for index in self.sampler)

    def __len__(self) -> int:
        return len(self.sampler)  # type: ignore[arg-type]

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch starts next."""
        self._epochs.set_epoch(epoch)


class Interleaved(Sampler[int]):
    """The user's sampler with synthetic rows spread evenly between its rows.

    Parameters
    ----------
    sampler
        The user's, over the real rows; may be endless.
    order
        The synthetic rows.
    """

    def __init__(self, sampler: Iterable[int], order: SyntheticOrder) -> None:
        self.sampler, self.order = sampler, order
        self._epochs = EpochCounter(sampler)

    def __iter__(self) -> Iterator[int]:
        synthetic = self.order.of_epoch(self._epochs.next())
        for n_seen, index in enumerate(self.sampler):
            yield index
            yield from itertools.islice(synthetic, self.order.up_to(n_seen + 1) - self.order.up_to(n_seen))

    def __len__(self) -> int:
        n_real_rows = len(self.sampler)  # type: ignore[arg-type]
        return n_real_rows + self.order.up_to(n_real_rows)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch starts next."""
        self._epochs.set_epoch(epoch)


class Appended(Sampler[list[int]]):
    """The user's batches, each whole, with synthetic rows appended.

    Parameters
    ----------
    batches
        The user's batch sampler, over the real rows.
    order
        The synthetic rows.
    """

    def __init__(self, batches: Iterable[Sequence[int]], order: SyntheticOrder) -> None:
        self.batches, self.order = batches, order
        self._epochs = EpochCounter(batches)

    def __iter__(self) -> Iterator[list[int]]:
        synthetic = self.order.of_epoch(self._epochs.next())
        n_seen = 0
        for batch in self.batches:
            n_new = self.order.up_to(n_seen + len(batch)) - self.order.up_to(n_seen)
            n_seen += len(batch)
            yield [*batch, *itertools.islice(synthetic, n_new)]

    def __len__(self) -> int:
        return len(self.batches)  # type: ignore[arg-type]

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch starts next."""
        self._epochs.set_epoch(epoch)
