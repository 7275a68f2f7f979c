"""``augment_loader``: a DataLoader like the user's, with synthetic rows among the real ones."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

from torch.utils.data import BatchSampler, DataLoader, IterableDataset, RandomSampler

from synthaug._check import check_fraction
from synthaug._seed import derive, seed_from
from synthaug.augment.teachers import Teachers
from synthaug.augment.torch_data.mixed import MixedDataset
from synthaug.augment.torch_data.randomness import Transform
from synthaug.augment.torch_data.samplers import Appended, Interleaved, SyntheticOrder, WithEpoch
from synthaug.errors import ConfigError

_KEPT = (
    "num_workers",
    "collate_fn",
    "pin_memory",
    "timeout",
    "worker_init_fn",
    "multiprocessing_context",
    "generator",
    "prefetch_factor",
    "persistent_workers",
    "in_order",
)


def augment_loader(
    loader: DataLoader[Any],
    augmenter: Any,
    *,
    synthetic_fraction: float = 0.3,
    transform: Transform | None = None,
    target_transform: Callable[[Any], Any] | None = None,
    with_flag: bool = False,
    synthetic_weight: float | None = None,
    teachers: Teachers | None = None,
    check_range: bool = True,
    random_state: int = 0,
    mode: Literal["cached", "lazy"] = "cached",
    cache_dir: str | Path | None = None,
) -> DataLoader[Any]:
    """Return a new DataLoader that hands out the loader's rows and synthetic ones, in batches of the same structure.

    Batch size, ``drop_last``, ``collate_fn``, workers, pinned memory, generator and every other setting are the
    loader's own. What comes in which order depends on its sampler:

    ================================  ==================================================================================
    the loader has                    the new loader has
    ================================  ==================================================================================
    ``shuffle=True`` (RandomSampler)  all rows shuffled together by the same generator; ``num_samples`` grows
    ``shuffle=False``                 real rows in their order, synthetic ones evenly between them
    any other sampler                 real rows as the sampler has them, synthetic ones evenly between them; with a
                                      ``DistributedSampler`` each rank has its own share of both
    its own ``batch_sampler``         each of its batches whole, with synthetic rows appended
    an ``IterableDataset``            refused: it has no rows by index
    ================================  ==================================================================================

    Synthetic rows are the same in every epoch up to their random transforms, which are seeded by row and epoch, so
    that any number of workers gives the same synthetic rows. Epochs are counted by the new loader's sampler (as
    ``set_epoch`` of its ``sampler`` says, to resume); a ``DistributedSampler``'s own epoch decides where there is
    one.

    Parameters
    ----------
    loader
        The loader of the real rows; it stays as it is. A subclass of DataLoader is not preserved.
    augmenter
        A fitted ``SyntheticAugmenter``.
    synthetic_fraction
        Synthetic rows as a fraction of all rows, from 0 to below 1.
    transform, target_transform
        What the loader's dataset applies to its own images and labels; applied to the synthetic ones.
    with_flag, synthetic_weight, teachers, check_range
        As in ``MixedDataset``: append ``is_synthetic``, ``weight`` and ``soft_label``; refuse a range that is not the
        real rows'.
    random_state, mode, cache_dir
        As in ``SyntheticDataset``.

    Raises
    ------
    ConfigError
        If the loader reads an ``IterableDataset``, its sampler hands out whole batches with ``batch_size=None``, or the
        augmenter was fitted without labels.
    ShapeError, LabelError
        As ``MixedDataset`` raises them.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import DataLoader, TensorDataset
    >>> from synthaug import CGAN, SyntheticAugmenter, augment_loader
    >>> real = TensorDataset(torch.rand(24, 1, 8, 8), torch.tensor([0] * 16 + [1] * 8))
    >>> augmenter = SyntheticAugmenter(CGAN(n_steps=3, width=8), selection="none", random_state=0).fit(real)
    >>> loader = augment_loader(DataLoader(real, batch_size=8, shuffle=True), augmenter, synthetic_fraction=0.25)
    >>> [len(labels) for images, labels in loader]
    [8, 8, 8, 8]
    """
    _check_loader(loader)
    mixed = MixedDataset(
        loader.dataset,
        augmenter,
        synthetic_fraction=check_fraction("synthetic_fraction", synthetic_fraction),
        transform=transform,
        target_transform=target_transform,
        with_flag=with_flag,
        synthetic_weight=synthetic_weight,
        teachers=teachers,
        check_range=check_range,
        random_state=random_state,
        mode=mode,
        cache_dir=cache_dir,
    )
    kept = {name: getattr(loader, name) for name in _KEPT}
    return DataLoader(mixed, **_sampling(loader, mixed, derive(seed_from(random_state), "loader")), **kept)


def _check_loader(loader: Any) -> None:
    if not isinstance(loader, DataLoader):
        raise ConfigError(
            f"loader must be a torch DataLoader; got {type(loader).__name__}. Wrap it: DataLoader(dataset)."
        )
    if isinstance(loader.dataset, IterableDataset):
        raise ConfigError(
            "loader must read a map-style dataset (with a length and rows by index); got an IterableDataset. Read it "
            "once, rows = synthaug.data.torch_rows.read_rows(dataset), and load "
            "TensorDataset(rows.X, torch.as_tensor(rows.y))."
        )
    if loader.batch_sampler is None and isinstance(loader.sampler, BatchSampler):
        raise ConfigError(
            "loader must hand out rows by single indices; got a sampler of whole batches with batch_size=None. "
            "Pass it as batch_sampler= instead of sampler=."
        )


def _sampling(loader: DataLoader[Any], mixed: MixedDataset, seed: int) -> dict[str, Any]:
    """Return the new loader's ``sampler`` and ``batch_size``, or its ``batch_sampler``."""
    batches = loader.batch_sampler
    if batches is None or loader.batch_size is not None:
        return {
            "sampler": _mixed_sampler(loader.sampler, mixed, seed),
            "batch_size": loader.batch_size,
            "drop_last": loader.drop_last,
        }
    if type(batches) is BatchSampler:
        sampler = _mixed_sampler(batches.sampler, mixed, seed)
        return {"batch_sampler": BatchSampler(sampler, batches.batch_size, batches.drop_last)}
    return {"batch_sampler": Appended(batches, _order(batches, mixed, seed))}


def _mixed_sampler(sampler: Any, mixed: MixedDataset, seed: int) -> Any:
    if mixed.n_synthetic == 0:
        return sampler
    if type(sampler) is RandomSampler and len(sampler.data_source) == mixed.n_real:
        n_samples = round(sampler.num_samples * len(mixed) / mixed.n_real)
        shuffled = RandomSampler(mixed, sampler.replacement, n_samples, sampler.generator)
        return WithEpoch(shuffled, mixed.n_real) if mixed.synthetic.transform else shuffled
    return Interleaved(sampler, _order(sampler, mixed, seed))


def _order(sampler: Iterable[Any], mixed: MixedDataset, seed: int) -> SyntheticOrder:
    n_ranks = getattr(sampler, "num_replicas", 1)
    return SyntheticOrder(mixed.n_real, mixed.n_synthetic, seed=seed, rank=getattr(sampler, "rank", 0), n_ranks=n_ranks)
