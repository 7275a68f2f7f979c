"""augment_loader: a loader like the user's, whatever its structure, sampler and settings."""

import collections
import itertools

import numpy as np
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from synthaug import augment_loader
from synthaug.errors import ConfigError, ShapeError

Pair = collections.namedtuple("Pair", ["image", "label"])
may_fork = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


class Numbered(Dataset):
    """Rows whose label is hidden and whose number is known: (image, label, number)."""

    def __init__(self, tensors, form=lambda image, label, number: (image, label, number)):
        self.tensors, self.form = tensors, form

    def __len__(self):
        return len(self.tensors)

    def __getitem__(self, index):
        return self.form(*self.tensors[index], index)


def numbers(loader):
    """The numbers of the rows of an epoch, batch by batch; -1 for a synthetic row."""
    return [batch[2].tolist() for batch in loader]


def flat(batches):
    return list(itertools.chain(*batches))


def real_of(batches):
    return [number for number in flat(batches) if number >= 0]


def jitter(image):
    return (image + 0.1 * torch.rand(())).clamp(0, 1)


@pytest.mark.parametrize(
    "form",
    [lambda x, y, i: (x, y), lambda x, y, i: [x, y], lambda x, y, i: Pair(x, y), lambda x, y, i: {"image": x, "y": y}],
)
def test_batch_structure_is_kept(tensors, tensor_augmenter, form):
    """Tuples, lists, namedtuples and dictionaries come out of the new loader as out of the old one."""
    loader = DataLoader(Numbered(tensors, form), batch_size=8, shuffle=True)
    for old, new in zip(loader, augment_loader(loader, tensor_augmenter, synthetic_fraction=0.25), strict=False):
        assert type(old) is type(new)
        pairs = zip(old.values(), new.values(), strict=True) if isinstance(old, dict) else zip(old, new, strict=True)
        assert all((a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs)


def test_collate_fn_is_kept(tensors, tensor_augmenter):
    """The user's collate_fn sees the items of each batch."""
    loader = DataLoader(
        tensors, batch_size=8, collate_fn=lambda items: (len(items), {label.item() for _, label in items})
    )
    assert [n for n, _ in augment_loader(loader, tensor_augmenter, synthetic_fraction=0.25)] == [8] * 4


def test_flag_and_weight_reach_the_batch(tensors, tensor_augmenter):
    """Flag and weight arrive as tensors at the end of the batch."""
    loader = DataLoader(tensors, batch_size=32)
    marked = augment_loader(loader, tensor_augmenter, synthetic_fraction=0.25, with_flag=True, synthetic_weight=0.5)
    _, labels, flags, weights = next(iter(marked))
    assert (flags.dtype, int(flags.sum()), len(labels)) == (torch.bool, 8, 32)
    assert torch.equal(weights, torch.where(flags, 0.5, 1.0).double())


def test_sequential_order_is_kept(tensors, tensor_augmenter):
    """shuffle=False: real rows in their order, and in every batch its share of synthetic ones."""
    loader = augment_loader(DataLoader(Numbered(tensors), batch_size=8), tensor_augmenter, synthetic_fraction=0.25)
    batches = numbers(loader)
    assert real_of(batches) == list(range(24))
    assert [batch.count(-1) for batch in batches] == [2, 2, 2, 2]
    assert len(loader) == 4


def test_shuffling_uses_the_same_generator(tensors, tensor_augmenter):
    """shuffle=True: all rows in one shuffle, decided by the user's generator, another one each epoch."""

    def epochs(seed):
        generator = torch.Generator().manual_seed(seed)
        loader = DataLoader(Numbered(tensors), batch_size=8, shuffle=True, generator=generator)
        new = augment_loader(loader, tensor_augmenter, synthetic_fraction=0.25)
        assert new.generator is generator
        return numbers(new), numbers(new)

    first, second = epochs(0)
    assert (first, second) == epochs(0)
    assert first != epochs(1)[0]
    assert first != second
    assert sorted(flat(first)) == [-1] * 8 + list(range(24))


def test_random_sampler_keeps_its_settings(tensors, tensor_augmenter):
    """A RandomSampler's replacement stays, and its number of samples grows in proportion."""
    sampler = RandomSampler(tensors, replacement=True, num_samples=48)
    loader = augment_loader(DataLoader(Numbered(tensors), sampler=sampler), tensor_augmenter, synthetic_fraction=0.25)
    assert (loader.sampler.replacement, loader.sampler.num_samples) == (True, 64)


@pytest.mark.parametrize(
    "sampler",
    [
        WeightedRandomSampler([0.0] * 12 + [1.0] * 12, 60, generator=torch.Generator().manual_seed(0)),
        SubsetRandomSampler(range(5, 20)),
        [3, 1, 4, 1, 5, 9, 2, 6],
    ],
)
def test_other_samplers_decide_the_real_rows(tensors, tensor_augmenter, sampler):
    """Real rows are those that the user's sampler names; synthetic ones come at the fraction asked for."""
    seen = []

    class Spy:
        def __iter__(self):
            seen.append(list(sampler))
            return iter(seen[-1])

        def __len__(self):
            return len(sampler)

    loader = DataLoader(Numbered(tensors), batch_size=4, sampler=Spy())
    new = augment_loader(loader, tensor_augmenter, synthetic_fraction=0.2)
    batches = numbers(new)
    assert real_of(batches) == seen[0]
    assert len(flat(batches)) == len(sampler) + len(sampler) // 4
    assert len(new) == len(batches)


def test_distributed_ranks_get_their_shares(tensors, tensor_augmenter):
    """Each rank gets its sampler's real rows and its own synthetic ones, as many as the others; set_epoch is heard."""
    shares = []
    for rank in (0, 1):
        sampler = DistributedSampler(tensors, num_replicas=2, rank=rank, shuffle=True)
        loader = DataLoader(Numbered(tensors), batch_size=4, sampler=sampler)
        new = augment_loader(loader, tensor_augmenter, synthetic_fraction=0.25)
        shares.append(list(new.sampler))
        sampler.set_epoch(3)
        assert {index.epoch for index in new.sampler if index >= 24} == {3}
    assert [len(share) for share in shares] == [16, 16]
    assert sorted(flat(shares)) == list(range(32))


def test_own_batch_sampler_keeps_its_batches(tensors, tensor_augmenter):
    """Batches of a custom batch sampler stay whole and get synthetic rows appended."""
    batches = [list(range(start, start + 8)) for start in (16, 0, 8)]
    loader = augment_loader(
        DataLoader(Numbered(tensors), batch_sampler=batches), tensor_augmenter, synthetic_fraction=0.2
    )
    assert numbers(loader) == [[*batch, -1, -1] for batch in batches]
    assert len(loader) == 3


def test_plain_batch_sampler_keeps_its_size(tensors, tensor_augmenter):
    """Torch's own BatchSampler keeps batch size and drop_last."""
    batches = BatchSampler(SequentialSampler(tensors), 5, drop_last=True)
    loader = augment_loader(
        DataLoader(Numbered(tensors), batch_sampler=batches), tensor_augmenter, synthetic_fraction=0.25
    )
    assert [len(batch) for batch in numbers(loader)] == [5] * 6


def test_no_batches(tensors, tensor_augmenter):
    """batch_size=None hands out single rows, still without batches."""
    loader = augment_loader(DataLoader(Numbered(tensors), batch_size=None), tensor_augmenter, synthetic_fraction=0.25)
    rows = list(loader)
    assert len(rows) == 32
    assert {tuple(image.shape) for image, _, _ in rows} == {(1, 8, 8)}


def test_every_setting_is_kept(tensors, tensor_augmenter):
    """Workers, pinning, prefetching and the rest are the old loader's, which stays as it was."""
    settings = {
        "batch_size": 5,
        "drop_last": True,
        "num_workers": 2,
        "pin_memory": True,
        "timeout": 30,
        "prefetch_factor": 4,
        "persistent_workers": True,
        "worker_init_fn": print,
        "collate_fn": list,
        "generator": torch.Generator(),
        "in_order": False,
    }
    old = DataLoader(tensors, multiprocessing_context="spawn", **settings)
    new = augment_loader(old, tensor_augmenter)
    for loader in (old, new):
        assert {name: getattr(loader, name) for name in settings} == settings
        assert loader.multiprocessing_context.get_start_method() == "spawn"
    assert old.dataset is tensors


@may_fork
def test_workers_do_not_change_synthetic_rows(tensors, tensor_augmenter):
    """None or two persistent workers: over two epochs the same synthetic rows with the same random transforms."""

    def epochs(n_workers):
        settings = {"num_workers": n_workers, "persistent_workers": n_workers > 0}
        loader = DataLoader(tensors, batch_size=8, **settings)
        new = augment_loader(loader, tensor_augmenter, synthetic_fraction=0.4, transform=jitter, with_flag=True)
        return [[images[flags] for images, _, flags in new] for _ in range(2)]

    alone, shared = epochs(0), epochs(2)
    assert all(torch.equal(a, b) for a, b in zip(flat(alone), flat(shared), strict=True))
    first, second = (torch.cat(batches) for batches in alone)
    assert not torch.equal(first.sum((1, 2, 3)).sort().values, second.sum((1, 2, 3)).sort().values)


@may_fork
def test_real_rows_draw_as_without_synthetic_ones(tensors, tensor_augmenter):
    """Real rows' random transforms, drawn from torch's global stream, are those of the plain loader."""

    class Jittered(Dataset):
        def __len__(self):
            return len(tensors)

        def __getitem__(self, index):
            image, label = tensors[index]
            return jitter(image), label, index

    loader = DataLoader(Jittered(), batch_size=1)
    new = augment_loader(loader, tensor_augmenter, synthetic_fraction=0.25, transform=jitter)
    torch.manual_seed(0)
    old_images = [batch[0] for batch in loader]
    torch.manual_seed(0)
    new_images = [batch[0] for batch in new if int(batch[2]) >= 0]
    assert all(torch.equal(a, b) for a, b in zip(old_images, new_images, strict=True))


def test_zero_fraction_is_the_plain_loader(tensors, tensor_augmenter):
    """A fraction of 0 adds nothing and changes nothing."""
    loader = DataLoader(Numbered(tensors), batch_size=8)
    assert numbers(augment_loader(loader, tensor_augmenter, synthetic_fraction=0)) == numbers(loader)


def test_lazy_rows_and_kept_rows(tensors, tensor_augmenter, tmp_path):
    """Mode and cache_dir reach the synthetic rows."""
    loader = DataLoader(tensors, batch_size=32)
    lazy = augment_loader(loader, tensor_augmenter, synthetic_fraction=0.25, mode="lazy")
    assert len(next(iter(lazy))[1]) == 32
    augment_loader(loader, tensor_augmenter, synthetic_fraction=0.25, cache_dir=tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 1


def test_bad_loaders_are_refused(tensors, tensor_augmenter):
    """What has no rows by single index is refused with the remedy, and so is a mismatch of the rows."""

    class Stream(IterableDataset):
        def __iter__(self):
            return iter(tensors)

    with pytest.raises(ConfigError, match=r"got an IterableDataset. Read it once, rows = "):
        augment_loader(DataLoader(Stream()), tensor_augmenter)
    with pytest.raises(ConfigError, match="loader must be a torch DataLoader; got TensorDataset"):
        augment_loader(tensors, tensor_augmenter)
    batches = BatchSampler(SequentialSampler(tensors), 5, drop_last=True)
    with pytest.raises(ConfigError, match="Pass it as batch_sampler= instead of sampler="):
        augment_loader(DataLoader(tensors, sampler=batches, batch_size=None), tensor_augmenter)
    with pytest.raises(ConfigError, match="synthetic_fraction must be a number from 0 to"):
        augment_loader(DataLoader(tensors), tensor_augmenter, synthetic_fraction=None)
    wide = Numbered(tensors, lambda image, label, number: (image * 255, label))
    with pytest.raises(ShapeError, match="range of values"):
        augment_loader(DataLoader(wide), tensor_augmenter)


def test_labels_stay_with_their_rows(tensors, tensor_augmenter):
    """Only the planned class gets synthetic rows, and they carry its label."""
    loader = augment_loader(
        DataLoader(tensors, batch_size=32), tensor_augmenter, synthetic_fraction=0.25, with_flag=True
    )
    _, labels, flags = next(iter(loader))
    assert np.unique(labels[flags]).tolist() == [1]
