"""Classical augmentation of whole batches beside what the presets do image by image."""

import itertools

import numpy as np
import pytest
import torch

from synthaug.augment.classic import PRESETS
from synthaug.errors import ConfigError
from synthaug.experiment.batch_transforms import BATCHED, as_batch_transform


def noise(shape, n=40):
    return torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, size=(n, *shape)).astype(np.float32))


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_preset_has_a_batched_form():
    """What a preset's name means does not depend on who applies it."""
    assert set(PRESETS) <= set(BATCHED)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 12)])
@pytest.mark.parametrize("name", BATCHED)
def test_a_stream_decides_and_the_range_is_kept(name, shape):
    """One stream gives one result; rows are transformed each in its own way; no pixel leaves [-1, 1]."""
    images = noise(shape, 1).repeat(20, 1, 1, 1)
    first, again, other = (BATCHED[name](images, stream(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == images.shape
    assert first.abs().max() <= 1
    assert len(first.flatten(1).unique(dim=0)) > 5


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 20)])
def test_shift_moves_by_whole_pixels_and_repeats_the_edge(shape):
    """Every result is NumPy's own edge-padded image cut at another place, 8 % of a side away at most."""
    images = noise(shape)
    up, left = (max(1, round(0.08 * side)) for side in shape[1:])
    moves = list(itertools.product(range(2 * up + 1), range(2 * left + 1)))
    seen = set()
    for image, moved in zip(images.numpy(), BATCHED["shift"](images, stream()).numpy(), strict=True):
        padded = np.pad(image, ((0, 0), (up, up), (left, left)), mode="edge")
        fits = [(i, j) for i, j in moves if np.array_equal(padded[:, i:, j:][:, : shape[1], : shape[2]], moved)]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) > 5


@pytest.mark.parametrize("shape", [(40, 40), (60, 30)])
def test_affine_turns_zooms_and_shifts_within_its_limits(shape):
    """Three marked places stay a triangle of the same angles: turned up to 10 degrees, zoomed by 10 %, shifted by 8 %.

    The marks' centres give the map of each image by least squares; a map that is not square pixel's would shear.
    """
    height, width = shape
    centres = np.array([[0.3, 0.3], [0.3, 0.7], [0.7, 0.5]]) * [height, width]
    y, x = np.mgrid[:height, :width]
    marks = np.stack([np.exp(-((y - a) ** 2 + (x - b) ** 2) / 8) for a, b in centres])
    images = torch.from_numpy(marks.astype(np.float32))[None].repeat(60, 1, 1, 1) * 2 - 1
    moved = ((BATCHED["affine"](images, stream()) + 1) / 2).numpy().clip(1e-6)
    places = np.stack([(moved * axis).sum((2, 3)) / moved.sum((2, 3)) for axis in (y, x)], axis=2)
    design = np.column_stack([centres, np.ones(3)])
    maps = np.stack([np.linalg.solve(design, place)[:2].T for place in places])
    zoom = np.sqrt(np.abs(np.linalg.det(maps)))
    turned = np.degrees(np.arctan2(maps[:, 0, 1] - maps[:, 1, 0], maps[:, 0, 0] + maps[:, 1, 1]))
    np.testing.assert_allclose(
        maps / zoom[:, None, None] @ np.swapaxes(maps / zoom[:, None, None], 1, 2),
        np.eye(2)[None].repeat(60, 0),
        atol=0.08,
    )
    assert 5 < np.abs(turned).max() < 10.5
    assert 0.88 < zoom.min() < 0.95 < 1.05 < zoom.max() < 1.12
    middle = np.array([[height / 2 - 0.5, width / 2 - 0.5]])
    shifts = np.abs((places - centres + (centres - middle) - (centres - middle) @ np.swapaxes(maps, 1, 2)).mean(1))
    assert (shifts < 0.08 * np.array(shape) + 1).all()


def test_photo_mirrors_about_half():
    """A mark on the left side is found on the right in about half of the rows."""
    images = torch.full((200, 1, 16, 16), -0.5)
    images[:, :, :, 2:5] = 0.9
    moved = BATCHED["photo"](images, stream())
    right = (moved[:, :, :, 8:].amax((1, 2, 3)) > moved[:, :, :, :8].amax((1, 2, 3))).float().mean()
    assert 0.35 < right < 0.65


def test_other_transforms_are_applied_one_by_one():
    """None does nothing; a function of one image is called for each; an unknown word is refused with the nearest."""
    images = noise((1, 8, 8), 3)
    assert torch.equal(as_batch_transform(None)(images, stream()), images)
    mirrored = as_batch_transform(lambda image: image[:, ::-1].copy())(images, stream())
    torch.testing.assert_close(mirrored, images.flip(3))
    with pytest.raises(ConfigError, match="Did you mean 'shift'"):
        as_batch_transform("shfit")(images, stream())
