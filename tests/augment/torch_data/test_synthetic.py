"""SyntheticDataset: the rows asked for, the same by index whatever the order, process or mode."""

import gc
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch.utils.data import DataLoader, TensorDataset

from synthaug import CGAN, MixedDataset, SyntheticAugmenter, SyntheticDataset, augment_loader
from synthaug.errors import ConfigError, LabelError

MODES = ["cached", "lazy"]
may_fork = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def noisy(image):
    return torch.as_tensor(image, dtype=torch.float32) + torch.rand(()) + float(np.random.uniform())  # noqa: NPY002


def stacked(dataset, order=None):
    return torch.stack([dataset[index][0] for index in order or range(len(dataset))])


def test_plan_is_the_default_count(augmenter):
    """Without counts the dataset holds what the augmenter's strategy asks for."""
    dataset = SyntheticDataset(augmenter)
    assert dataset.counts == augmenter.plan()
    assert [label for _, label in dataset] == [1] * 8


@pytest.mark.parametrize("mode", MODES)
def test_counts_and_form(augmenter, mode):
    """Rows come in the counts asked for, in the container, shape and dtype of the training rows, with python labels."""
    dataset = SyntheticDataset(augmenter, {1: 3, 0: 70}, mode=mode)
    image, _ = dataset[0]
    assert (type(image), image.shape, image.dtype) == (np.ndarray, (8, 8), np.uint8)
    assert [dataset[index][1] for index in range(73)] == [1] * 3 + [0] * 70


def test_number_for_every_class(augmenter):
    """An integer counts for every class."""
    assert SyntheticDataset(augmenter, 2).counts == {0: 2, 1: 2}


@pytest.mark.parametrize("mode", MODES)
def test_row_depends_on_index_alone(augmenter, mode):
    """Any order of access, one by one or in batches, gives the same rows, random transforms included."""
    forward = stacked(SyntheticDataset(augmenter, 40, mode=mode, transform=noisy))
    backward = stacked(SyntheticDataset(augmenter, 40, mode=mode, transform=noisy), list(range(79, -1, -1)))
    batch = SyntheticDataset(augmenter, 40, mode=mode, transform=noisy).__getitems__([5, 70, 5])
    torch.testing.assert_close(forward, backward.flip(0))
    torch.testing.assert_close(torch.stack([image for image, _ in batch]), forward[[5, 70, 5]])


@pytest.mark.parametrize("mode", MODES)
def test_seed_decides_rows(augmenter, mode):
    """The same seed gives the same rows, another seed gives others."""
    first, again, other = (SyntheticDataset(augmenter, 4, mode=mode, random_state=seed) for seed in (0, 0, 1))
    assert all(np.array_equal(first[i][0], again[i][0]) for i in range(8))
    assert not all(np.array_equal(first[i][0], other[i][0]) for i in range(8))


def test_epoch_decides_transforms(augmenter):
    """set_epoch changes the random transforms and not the rows; going back brings them back."""
    dataset = SyntheticDataset(augmenter, 3, transform=noisy)
    first = stacked(dataset)
    dataset.set_epoch(1)
    second = stacked(dataset)
    dataset.set_epoch(0)
    assert not torch.equal(first, second)
    torch.testing.assert_close(stacked(dataset), first)


@may_fork
@pytest.mark.parametrize("mode", MODES)
def test_two_workers_give_the_same_rows(augmenter, mode):
    """Worker processes hand out what the main process would."""
    dataset = SyntheticDataset(augmenter, 40, mode=mode, transform=noisy)
    alone, shared = (DataLoader(dataset, batch_size=16, num_workers=n) for n in (0, 2))
    for (images, labels), (images_2, labels_2) in zip(alone, shared, strict=True):
        torch.testing.assert_close(images, images_2)
        torch.testing.assert_close(labels, labels_2)


@may_fork
def test_running_workers_learn_the_epoch(augmenter):
    """Persistent workers, started in epoch 0, transform by the epoch that the main process sets."""
    dataset = SyntheticDataset(augmenter, 4, transform=noisy)
    loader = DataLoader(dataset, batch_size=8, num_workers=2, persistent_workers=True)
    epochs = []
    for epoch in (0, 1):
        dataset.set_epoch(epoch)
        epochs.append(next(iter(loader))[0])
    torch.testing.assert_close(epochs[1], stacked(dataset))
    assert not torch.equal(epochs[0], epochs[1])


@pytest.mark.parametrize("mode", MODES)
def test_pickle_keeps_rows(augmenter, mode):
    """A pickled dataset, as a spawned worker gets it, has the same rows; those of a cached one stay on disk."""
    dataset = SyntheticDataset(augmenter, 200, mode=mode)
    content = pickle.dumps(dataset)
    twin = pickle.loads(content)
    assert all(np.array_equal(dataset[index][0], twin[index][0]) for index in (0, 399))
    assert mode == "lazy" or len(content) < 10_000


def test_rows_are_safe_to_change(augmenter):
    """Writing into a row that was handed out does not change the dataset."""
    dataset = SyntheticDataset(augmenter, 1)
    kept = dataset[0][0].copy()
    dataset[0][0][:] = 0
    assert np.array_equal(dataset[0][0], kept)


def test_temporary_folder_goes_with_the_dataset(augmenter):
    """The temporary cache is removed when the dataset is."""
    dataset = SyntheticDataset(augmenter, 1)
    path = dataset._rows.path
    assert path.exists()
    del dataset
    gc.collect()
    assert not path.parent.exists()


def test_flag_and_weight_are_appended(augmenter):
    """Items carry the flag and the weight when asked."""
    _, label, is_synthetic, weight = SyntheticDataset(augmenter, 1, with_flag=True, weight=0.25)[1]
    assert (label, is_synthetic, weight) == (1, True, 0.25)


def test_target_transform_maps_labels(augmenter):
    """Labels pass target_transform."""
    dataset = SyntheticDataset(augmenter, 1, target_transform=lambda label: f"class {label}")
    assert [label for _, label in dataset] == ["class 0", "class 1"]


def test_table_rows(classes):
    """An augmenter of a DataFrame gives rows of its columns."""
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(24, 5)), columns=list("abcde"))
    augmenter = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), selection="none").fit(table, classes)
    assert SyntheticDataset(augmenter, 2)[3][0].shape == (5,)


def test_empty_dataset_is_allowed(augmenter):
    """Zero rows make an empty dataset."""
    assert len(SyntheticDataset(augmenter, 0)) == 0
    assert list(SyntheticDataset(augmenter, {})) == []


def test_negative_index_counts_from_the_end(augmenter):
    """Negative indices count from the end, others out of range raise."""
    dataset = SyntheticDataset(augmenter, 1)
    assert dataset[-1][1] == 1
    with pytest.raises(IndexError, match="index must be from -2 to 1; got 2"):
        dataset[2]


def test_augmenter_must_be_fitted():
    """An augmenter that has not learned is refused with scikit-learn's own error."""
    with pytest.raises(NotFittedError):
        SyntheticDataset(SyntheticAugmenter(), 3)


def test_bad_settings_are_refused(augmenter, tmp_path):
    """Unknown modes, bad counts, unknown classes and a cache for lazy rows are refused in words."""
    with pytest.raises(ConfigError, match="mode must be one of cached, lazy; got 'lasy'"):
        SyntheticDataset(augmenter, mode="lasy")
    with pytest.raises(ConfigError, match=r"n_per_class\[0\] must be a whole number"):
        SyntheticDataset(augmenter, {0: -1})
    with pytest.raises(LabelError, match="class must be one of 0, 1; got 'cat'"):
        SyntheticDataset(augmenter, {"cat": 1})
    with pytest.raises(ConfigError, match="cache_dir must come with mode='cached'"):
        SyntheticDataset(augmenter, mode="lazy", cache_dir=tmp_path)


WITHOUT_LABELS = {
    "dataset": lambda augmenter, real: SyntheticDataset(augmenter, 3),
    "lazy dataset": lambda augmenter, real: SyntheticDataset(augmenter, {None: 3}, mode="lazy"),
    "mixed": lambda augmenter, real: MixedDataset(real, augmenter, synthetic_fraction=0.3),
    "loader": lambda augmenter, real: augment_loader(DataLoader(real, batch_size=4), augmenter),
}


@pytest.mark.parametrize("way", WITHOUT_LABELS)
def test_an_augmenter_without_labels_is_refused(way):
    """An item is a row and its label, so an augmenter that knows no label is told to learn some."""
    X = torch.rand(12, 1, 8, 8)
    fitted = SyntheticAugmenter(CGAN(n_steps=1, batch_size=4, width=4), selection="none", random_state=0).fit(X)
    with pytest.raises(ConfigError, match=r"augmenter must have been fitted with labels; got one .* Fit it with y"):
        WITHOUT_LABELS[way](fitted, TensorDataset(X, torch.arange(12) % 2))
