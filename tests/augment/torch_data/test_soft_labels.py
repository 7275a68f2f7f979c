"""Soft labels in a torch loop: one-hot for real rows, half the teachers' word for synthetic ones."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.naive_bayes import GaussianNB
from torch.utils.data import DataLoader, Dataset

from synthaug import MixedDataset, SyntheticDataset, augment_loader
from synthaug.augment.teachers import fit_teachers
from synthaug.errors import ConfigError, LabelError, ShapeError


@pytest.fixture(scope="module")
def teachers(tensors):
    """Teachers of the tensors, as flat rows."""
    return fit_teachers(GaussianNB(), *tensors.tensors, random_state=0)


class Named(Dataset):
    """Rows under keys, their labels under a name of their own."""

    def __init__(self, tensors, names, key="other"):
        self.tensors, self.names, self.key = tensors, names, key

    def __len__(self):
        return len(self.tensors)

    def __getitem__(self, index):
        image, label = self.tensors[index]
        return {"image": image, "label": self.names[int(label)], self.key: index}


def test_real_rows_are_sure_and_synthetic_ones_are_the_teachers(tensors, tensor_augmenter, teachers):
    """A real row's soft label is 1 for its class; a synthetic row's is half that, half what the teachers say of it."""
    mixed = MixedDataset(tensors, tensor_augmenter, n_synthetic=3, teachers=teachers, with_flag=True)
    assert [mixed[index][3].tolist() for index in (0, 23)] == [[1.0, 0.0], [0.0, 1.0]]
    drawn = torch.stack([mixed[index][3] for index in range(24, 30)])
    rows = torch.stack([mixed[index][0] for index in range(24, 30)]).numpy()
    own = np.eye(2)[[int(mixed[index][1]) for index in range(24, 30)]]
    np.testing.assert_allclose(drawn, (own + teachers.predict_proba(rows)) / 2, atol=1e-6)
    assert drawn.dtype == torch.float32
    assert [len(mixed[index]) for index in (0, 29)] == [4, 4]


def test_labels_of_another_name_find_their_column(tensors, tensor_augmenter, teachers):
    """Labels pass ``target_transform``, as the dataset's own do, and dictionaries carry the soft label by name."""
    names = [7, 3]
    real = Named(tensors, names)
    mixed = MixedDataset(
        real, tensor_augmenter, n_synthetic=2, teachers=teachers, target_transform=lambda label: names[label]
    )
    assert mixed[0]["soft_label"].tolist() == [1.0, 0.0]
    assert mixed[23]["soft_label"].tolist() == [0.0, 1.0]
    assert mixed[25]["soft_label"].sum() == pytest.approx(1)
    assert set(mixed[25]) == {"image", "label", "other", "soft_label"}


@pytest.mark.parametrize("n_workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_loader_hands_them_out(tensors, tensor_augmenter, teachers, n_workers):
    """Batches hold soft labels beside the labels, in any number of workers, and cross-entropy takes them."""
    loader = augment_loader(
        DataLoader(tensors, batch_size=8, num_workers=n_workers),
        tensor_augmenter,
        synthetic_fraction=0.25,
        teachers=teachers,
    )
    n_sure = 0
    for images, labels, soft in loader:
        assert soft.shape == (len(images), 2)
        loss = F.cross_entropy(torch.zeros(len(images), 2), soft)
        assert loss.item() == pytest.approx(np.log(2))
        n_sure += int((soft[torch.arange(len(labels)), labels] == 1).sum())
    assert n_sure >= 24
    assert len(loader.dataset) == 32


def test_the_transform_does_not_change_what_teachers_see(tensors, tensor_augmenter, teachers):
    """Teachers judge rows before the transform that they pass on their way to the network."""
    settings = {"n_synthetic": 2, "teachers": teachers, "check_range": False}
    plain, moved = (
        MixedDataset(tensors, tensor_augmenter, transform=transform, **settings)
        for transform in (None, lambda image: 1 - image)
    )
    assert torch.equal(plain[24][2], moved[24][2])
    assert not torch.equal(plain[24][0], moved[24][0])


def test_what_cannot_be_is_refused(tensors, tensor_augmenter, teachers):
    """No teachers, a ready dataset, a taken key, or a label that no teacher knows: said in words."""
    with pytest.raises(ConfigError, match=r"teachers must come from fit_teachers; got GaussianNB"):
        MixedDataset(tensors, tensor_augmenter, teachers=GaussianNB())
    with pytest.raises(ConfigError, match="teachers must come with an augmenter; got a SyntheticDataset"):
        MixedDataset(tensors, SyntheticDataset(tensor_augmenter, 2), teachers=teachers)
    with pytest.raises(ShapeError, match="must leave the key 'soft_label' free"):
        MixedDataset(Named(tensors, [0, 1], "soft_label"), tensor_augmenter, teachers=teachers)
    strangers = fit_teachers(GaussianNB(), tensors.tensors[0], tensors.tensors[1] + 1, random_state=0)
    with pytest.raises(LabelError, match=r"augmenter's labels must be among the teachers' \(\[1, 2\]\); got 0"):
        MixedDataset(tensors, tensor_augmenter, teachers=strangers)
    mixed = MixedDataset(Named(tensors, [0, 5]), tensor_augmenter, teachers=teachers)
    with pytest.raises(LabelError, match=r"dataset's labels must be among the teachers' \(\[0, 1\]\); got 5"):
        mixed[23]
