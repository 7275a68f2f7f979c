"""MixedDataset: real rows untouched and first, synthetic ones in their form, in the counts asked for."""

import collections
import types

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, TensorDataset, default_collate

from synthaug import CGAN, MixedDataset, SyntheticAugmenter, SyntheticDataset
from synthaug.errors import ConfigError, LabelError, ShapeError

Pair = collections.namedtuple("Pair", ["x", "y"])
FORMS = {
    "tuple": lambda image, label: (image, label),
    "list": lambda image, label: [image, label],
    "namedtuple": Pair,
    "dictionary": lambda image, label: {"pixel_values": image, "labels": label},
    "numpy image": lambda image, label: (image.numpy(), int(label)),
    "pil image": lambda image, label: (Image.fromarray((image[0] * 255).byte().numpy()), int(label)),
    "label array of one": lambda image, label: (image, label.numpy()[None]),
    "numpy label": lambda image, label: (image, np.int32(label)),
    "text label": lambda image, label: (image, "ab"[int(label)]),
    "extras": lambda image, label: (image, label, "patient", 3, 0.5, np.uint8(7), torch.zeros(2, dtype=torch.bool)),
    "dictionary with extras": lambda image, label: {"id": "A17", "image": image, "label": int(label), "box": [1, 2]},
}


class Formed(Dataset):
    """Rows of a TensorDataset in another form."""

    def __init__(self, tensors, form):
        self.tensors, self.form = tensors, form

    def __len__(self):
        return len(self.tensors)

    def __getitem__(self, index):
        return self.form(*self.tensors[index])


def outline(item):
    """The structure of an item: types, dtypes and shapes."""
    if isinstance(item, dict):
        return {key: outline(value) for key, value in item.items()}
    if isinstance(item, tuple | list):
        return type(item), [outline(value) for value in item]
    return (
        type(item),
        getattr(item, "dtype", None),
        getattr(item, "shape", None),
        item.mode if isinstance(item, Image.Image) else "",
    )


def augmenter_of(dataset):
    return SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), selection="none", random_state=0).fit(dataset)


@pytest.mark.parametrize("name", FORMS)
def test_synthetic_items_have_the_real_structure(tensors, name):
    """fit(dataset) and back: whatever the items look like, synthetic ones look the same, value by value."""
    real = Formed(tensors, FORMS[name])
    mixed = MixedDataset(real, augmenter_of(real))
    assert outline(mixed[0]) == outline(real[0])
    assert [outline(mixed[index]) for index in range(24, 32)] == [outline(real[0])] * 8
    if name != "pil image":
        batch = default_collate([mixed[0], mixed[-1]])
        assert len(batch) == len(real[0])


def test_real_rows_come_first_and_untouched(tensors, tensor_augmenter):
    """Items below n_real are the dataset's own."""
    mixed = MixedDataset(tensors, tensor_augmenter, n_synthetic=1)
    assert all(torch.equal(a, b) for index in range(24) for a, b in zip(mixed[index], tensors[index], strict=True))
    assert len(list(mixed)) == len(mixed) == 26


def test_extras_of_synthetic_items_are_blank(tensors):
    """A synthetic row has no patient, file or measurement."""
    real = Formed(tensors, FORMS["extras"])
    _, _, patient, number, measure, small, flags = MixedDataset(real, augmenter_of(real))[24]
    assert (patient, number, int(small), flags.tolist()) == ("", -1, 0, [False, False])
    assert np.isnan(measure)


@pytest.mark.parametrize(("fraction", "n_synthetic"), [(0, 0), (0.2, 6), (0.5, 24), (0.3, 10)])
def test_fraction_is_of_all_rows(tensors, tensor_augmenter, fraction, n_synthetic):
    """synthetic_fraction is the synthetic share of the whole, in the plan's proportions."""
    mixed = MixedDataset(tensors, tensor_augmenter, synthetic_fraction=fraction)
    assert (mixed.n_real, mixed.n_synthetic, mixed.synthetic.counts) == (24, n_synthetic, {0: 0, 1: n_synthetic})


def test_fraction_follows_the_plan(pixels):
    """Counts keep the plan's proportions, add up, and the remainder goes to the rarest class."""
    y = np.array(["a"] * 12 + ["b"] * 7 + ["c"] * 5)
    augmenter = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), selection="none").fit(pixels, y)
    assert augmenter.plan() == {"a": 0, "b": 5, "c": 7}
    real = list(zip(pixels, y.tolist(), strict=True))
    assert MixedDataset(real, augmenter, synthetic_fraction=1 / 3).synthetic.counts == {"a": 0, "b": 5, "c": 7}
    assert MixedDataset(real, augmenter, synthetic_fraction=1 / 25).synthetic.counts == {"a": 0, "b": 0, "c": 1}


def test_plan_is_the_default(tensors, tensor_augmenter):
    """Without a fraction or counts the strategy's plan is drawn."""
    assert MixedDataset(tensors, tensor_augmenter).synthetic.counts == tensor_augmenter.plan()


def test_flag_and_weight(tensors, tensor_augmenter):
    """Flag and weight are appended to a tuple and keyed in a dictionary, for real and synthetic rows."""
    asked = {"with_flag": True, "synthetic_weight": 0.5}
    mixed = MixedDataset(tensors, tensor_augmenter, **asked)
    assert (mixed[0][2:], mixed[24][2:]) == ((False, 1.0), (True, 0.5))
    keyed = MixedDataset(Formed(tensors, FORMS["dictionary"]), tensor_augmenter, **asked)
    assert [keyed[0][key] for key in ("is_synthetic", "weight")] == [False, 1.0]
    assert [keyed[24][key] for key in ("is_synthetic", "weight")] == [True, 0.5]


def test_namedtuple_cannot_carry_a_flag(tensors, tensor_augmenter):
    """A namedtuple's fields are fixed, so a flag is refused with the remedy; so are a taken key and a bad weight."""
    with pytest.raises(ShapeError, match=r"got the namedtuple Pair, whose fields are fixed. .*_asdict"):
        MixedDataset(Formed(tensors, Pair), tensor_augmenter, with_flag=True)
    taken = Formed(tensors, lambda image, label: {"image": image, "label": label, "weight": 1})
    with pytest.raises(ShapeError, match="must leave the key 'weight' free"):
        MixedDataset(taken, tensor_augmenter, synthetic_weight=1)
    with pytest.raises(ConfigError, match="synthetic_weight must be a finite number of at least 0; got -1"):
        MixedDataset(tensors, tensor_augmenter, synthetic_weight=-1)


def test_ready_synthetic_dataset_is_mixed_in(tensors, tensor_augmenter):
    """A SyntheticDataset may be given; its counts stand, and a second word on them is refused."""
    synthetic = SyntheticDataset(tensor_augmenter, {0: 2})
    mixed = MixedDataset(tensors, synthetic)
    assert torch.equal(mixed[24][0], synthetic[0][0])
    assert len(mixed) == 26
    with pytest.raises(ConfigError, match="n_synthetic must be given to the SyntheticDataset"):
        MixedDataset(tensors, synthetic, n_synthetic=3)


def test_batched_reading_is_passed_on(tensors, tensor_augmenter):
    """A dataset that reads whole batches is asked for whole batches."""
    asked = []

    class Batched(TensorDataset):
        def __getitems__(self, indices):
            asked.append(list(indices))
            return [self[index] for index in indices]

    mixed = MixedDataset(Batched(*tensors.tensors), tensor_augmenter)
    items = mixed.__getitems__([3, 25, 1])
    assert asked == [[3, 1]]
    for index, item in zip([3, 25, 1], items, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(item, mixed[index], strict=True))


def test_pil_rows_reach_the_transform_as_pil(tensors):
    """An augmenter that learned from PIL images gives PIL images to the transform."""
    from torchvision.transforms.functional import pil_to_tensor

    raw = Formed(tensors, FORMS["pil image"])
    real = Formed(raw, lambda image, label: (pil_to_tensor(image), label))
    mixed = MixedDataset(real, augmenter_of(raw), transform=pil_to_tensor)
    assert outline(mixed[24]) == outline(mixed[0])


def test_colour_pil_images(pixels):
    """Colour PIL images come back as colour PIL images."""
    rows = [(Image.fromarray(np.stack([image] * 3, axis=-1)), i % 2) for i, image in enumerate(pixels)]
    read = Formed(rows, lambda image, label: (image, label))
    assert MixedDataset(read, augmenter_of(read))[24][0].getbands() == ("R", "G", "B")


def test_bad_arguments_are_refused(tensors, tensor_augmenter):
    """What cannot be mixed is refused with the remedy."""

    class Stream(IterableDataset):
        def __iter__(self):
            return iter(tensors)

    with pytest.raises(ConfigError, match=r"real must be a map-style dataset .* got Stream. Read it once, rows = "):
        MixedDataset(Stream(), tensor_augmenter)
    with pytest.raises(ShapeError, match="real must hold rows; got an empty dataset"):
        MixedDataset([], tensor_augmenter)
    with pytest.raises(ConfigError, match="must not both be given"):
        MixedDataset(tensors, tensor_augmenter, synthetic_fraction=0.1, n_synthetic=3)
    with pytest.raises(ConfigError, match=r"synthetic_fraction must be a number from 0 to 0\.99; got 1"):
        MixedDataset(tensors, tensor_augmenter, synthetic_fraction=1)
    with pytest.raises(IndexError, match="index must be from -26 to 25; got 26"):
        MixedDataset(tensors, tensor_augmenter, n_synthetic=1)[26]


def test_rows_on_a_gpu_are_refused(tensors, tensor_augmenter):
    """Rows that live on a GPU are refused: synthetic ones are in main memory."""
    elsewhere = Formed(tensors, lambda image, label: (image.to("meta"), label))
    with pytest.raises(ShapeError, match=r"got tensors on meta\. Move batches there in the loop"):
        MixedDataset(elsewhere, tensor_augmenter)


def test_unlabelled_items_are_refused(tensors, tensor_augmenter):
    """A dataset of images alone is refused."""
    with pytest.raises(LabelError, match="every item must have a label"):
        MixedDataset(Formed(tensors, lambda image, label: image), tensor_augmenter)
    with pytest.raises(ShapeError, match=r"an item must be .* or a dictionary; got SimpleNamespace"):
        MixedDataset(Formed(tensors, lambda image, label: types.SimpleNamespace(image=image)), tensor_augmenter)
