"""Synthetic rows that would not look like the dataset's are refused; random transforms raise no false alarm."""

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

from synthaug import CGAN, MixedDataset, SyntheticAugmenter
from synthaug.errors import LabelError, ShapeError


class Transformed(Dataset):
    """Arrays that pass a transform, with labels."""

    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.images[index]), int(self.labels[index])


def unit(image):
    return torch.from_numpy(image[None].astype(np.float32) / 255)


def signed(image):
    return unit(image) * 2 - 1


def normalised(image):
    return (unit(image) - 0.13) / 0.31


def wide(image):
    return unit(image) * 255


def standardised(image):
    values = unit(image)
    return (values - values.mean()) / (values.std() + 1e-6)


def jittered(image):
    return (unit(image) * (0.5 + torch.rand(())) + 0.3 * torch.rand(())).clamp(0, 1)


def erased(image):
    values = unit(image)
    values[:, :5, :5] = torch.rand(())
    return values


def cropped(image):
    top, left = torch.randint(0, 5, (2,)).tolist()
    return torch.nn.functional.interpolate(unit(image)[None, :, top : top + 4, left : left + 4], size=8)[0]


def noised(image):
    return unit(image) + 0.1 * torch.randn(1, 8, 8)


def blurred(image):
    return torch.nn.functional.avg_pool2d(unit(image)[None], 5, 1, 2)[0]


def inverted(image):
    return unit(image) if torch.rand(()) < 0.5 else 1 - unit(image)


FIXED = {"unit": unit, "signed": signed, "normalised": normalised, "wide": wide}
RANDOM = {
    "standardised": standardised,
    "jittered": jittered,
    "erased": erased,
    "cropped": cropped,
    "noised": noised,
    "blurred": blurred,
    "inverted": inverted,
}


@pytest.fixture(scope="module")
def digits():
    """Dark images with bright strokes, (40, 8, 8), uint8, and their labels."""
    stream = np.random.default_rng(0)
    return (255 * stream.random((40, 8, 8)) ** 4).astype(np.uint8), np.arange(40) % 2


@pytest.fixture(scope="module")
def learned(digits):
    return SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), selection="none", random_state=0).fit(*digits)


@pytest.mark.parametrize("name", [*FIXED, *RANDOM])
@pytest.mark.parametrize("seed", range(5))
def test_same_transform_is_accepted(digits, learned, name, seed):
    """Rows that pass the dataset's own transform match, however poor the learner and random the transform."""
    torch.manual_seed(seed)
    transform = {**FIXED, **RANDOM}[name]
    mixed = MixedDataset(Transformed(*digits, transform), learned, transform=transform, n_synthetic=2)
    assert mixed.n_synthetic == 4


@pytest.mark.parametrize("name", [*FIXED, *RANDOM])
def test_sparse_images_are_accepted(name):
    """Rows that are dark but for single bright pixels raise no alarm."""
    images = np.where(np.random.default_rng(0).random((40, 8, 8)) < 0.02, 255, 0).astype(np.uint8)
    augmenter = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), selection="none", random_state=0)
    augmenter.fit(images, np.arange(40) % 2)
    transform = {**FIXED, **RANDOM}[name]
    MixedDataset(Transformed(images, np.arange(40) % 2, transform), augmenter, transform=transform, n_synthetic=2)


@pytest.mark.parametrize("real", FIXED)
@pytest.mark.parametrize("synthetic", FIXED)
def test_other_range_is_refused(digits, learned, real, synthetic):
    """A transform that leads to another range is named an error, with both ranges and the remedy."""
    if real == synthetic:
        return
    with pytest.raises(
        ShapeError, match=r"range of values; got values from .* beside the dataset's .* Pass transform="
    ):
        MixedDataset(Transformed(*digits, FIXED[real]), learned, transform=FIXED[synthetic], n_synthetic=2)


def test_range_check_can_be_switched_off(digits, learned):
    """check_range=False lets a deliberate difference pass."""
    MixedDataset(Transformed(*digits, unit), learned, transform=wide, n_synthetic=2, check_range=False)


def test_forgotten_transform_is_named(digits, learned):
    """Raw integers beside floats: the message shows both and the remedy."""
    with pytest.raises(
        ShapeError, match=r"got uint8 array of shape \(8, 8\) .* float32 tensor of shape \(1, 8, 8\) .* Pass transform="
    ):
        MixedDataset(Transformed(*digits, unit), learned, n_synthetic=2)


def test_forgotten_scaling_is_noticed(digits):
    """The same dtype and shape in another range is noticed without any transform, in both directions."""
    images, labels = digits
    floats = images.astype(np.float32)
    settings = {"selection": "none", "random_state": 0}
    for learned_from, real in ((floats, floats / 255), (floats / 255, floats), (floats / 255, floats / 127.5 - 1)):
        augmenter = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), **settings).fit(learned_from, labels)
        with pytest.raises(ShapeError, match="range of values"):
            MixedDataset(Transformed(real, labels, np.asarray), augmenter, n_synthetic=2)


def test_odd_pixel_is_no_alarm(digits):
    """One dead pixel that stretches the training range a hundredfold does not make ordinary rows suspicious."""
    images, labels = digits
    stretched = images.astype(np.float32)
    stretched[7, 0, 0] = 25_500
    augmenter = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), selection="none", random_state=0)
    augmenter.fit(stretched, labels)
    augmenter.generator_.draw = lambda places, seed: torch.full((len(places), 1, 8, 8), -0.99)
    MixedDataset(Transformed(images.astype(np.float32), labels, np.asarray), augmenter, n_synthetic=2)


def test_other_shape_is_refused(digits, learned):
    """Images of another size are refused."""
    with pytest.raises(ShapeError, match=r"shape \(1, 8, 8\) .* shape \(1, 4, 4\)"):
        MixedDataset(
            Transformed(*digits, lambda image: unit(image)[:, ::2, ::2]), learned, transform=unit, n_synthetic=2
        )


def test_other_container_is_refused(digits, learned):
    """A transform that ends in another container than the dataset's is refused."""
    with pytest.raises(ShapeError, match=r"float32 array .* float32 tensor"):
        MixedDataset(Transformed(*digits, unit), learned, transform=lambda image: unit(image).numpy(), n_synthetic=2)


def test_failing_transform_is_explained(digits, learned):
    """A transform that cannot take the augmenter's rows is explained with what they are."""
    with pytest.raises(
        ShapeError, match=r"transform must take a row as the augmenter gives it, uint8 of shape \(8, 8\)"
    ):
        MixedDataset(Transformed(*digits, unit), learned, transform=lambda image: image.convert("L"), n_synthetic=2)
    with pytest.raises(ShapeError, match="transform must return an array, a tensor or a PIL image; got dict"):
        MixedDataset(Transformed(*digits, unit), learned, transform=lambda image: {"image": image}, n_synthetic=2)


def test_foreign_labels_are_refused(digits, learned):
    """Labels that the augmenter does not know are refused, and target_transform is the remedy."""
    images, labels = digits
    real = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels) + 10)
    with pytest.raises(
        LabelError, match=r"got 10 in the dataset beside \[0, 1\] in the augmenter\. Pass target_transform="
    ):
        MixedDataset(real, learned, n_synthetic=2)
    mixed = MixedDataset(real, learned, n_synthetic=2, target_transform=lambda label: label + 10)
    assert [int(mixed[index][1]) for index in range(40, 44)] == [10, 10, 11, 11]


def test_construction_leaves_streams_alone(digits, learned):
    """Looking at real rows for the comparison does not move the global random streams."""
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    MixedDataset(Transformed(*digits, noised), learned, transform=noised, n_synthetic=2)
    assert torch.equal(torch.rand(3), expected)
