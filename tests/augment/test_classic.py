"""Classical augmentation: presets, and whatever transform a user has."""

import os
import subprocess
import sys

import albumentations
import numpy as np
import pytest
import torch
from albumentations.pytorch import ToTensorV2
from torchvision.transforms import v2

from synthaug.augment.classic import MIRRORING, PRESETS, transform_images
from synthaug.errors import ConfigError, ShapeError


def noise(n=20, shape=(1, 12, 16)):
    return torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, size=(n, *shape)).astype(np.float32))


TRANSFORMS = {
    **{name: lambda name=name: name for name in PRESETS},
    "albumentations": lambda: albumentations.Compose([albumentations.HorizontalFlip(p=0.5)]),
    "torchvision": lambda: v2.RandomHorizontalFlip(p=0.5),
    "torchvision, composed": lambda: v2.Compose([v2.RandomVerticalFlip(), v2.RandomErasing(p=1.0)]),
}


@pytest.mark.parametrize("shape", [(1, 12, 16), (3, 16, 8), (5, 8, 8)])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_seed_decides_the_transforms(name, shape):
    """One seed gives one result; another seed, and another image of the same pixels, are transformed otherwise."""
    images = noise(1, shape).repeat(20, 1, 1, 1)
    first, again, other = (transform_images(images, TRANSFORMS[name](), seed=seed) for seed in (0, 0, 1))
    assert first.shape == images.shape
    assert first.dtype == torch.float32
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(first.flatten(1).unique(dim=0)) > 1


@pytest.mark.parametrize("name", TRANSFORMS)
def test_global_random_state_is_left_alone(name):
    """A transform has its own stream: torch's and NumPy's are as before."""
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    transform_images(noise(), TRANSFORMS[name](), seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 40, 24)])
def test_shift_moves_the_image_by_whole_pixels(shape):
    """Every shifted image is the image rolled by 8 % of a side at most, at least a pixel; no pixel in it is new."""
    images = noise(40, shape)
    reach = [max(1, round(0.08 * side)) for side in shape[1:]]
    inner = (..., slice(reach[0], shape[1] - reach[0]), slice(reach[1], shape[2] - reach[1]))
    moves = set()
    for image, shifted in zip(images, transform_images(images, "shift", seed=0), strict=True):
        fits = [
            (down, right)
            for down in range(-reach[0], reach[0] + 1)
            for right in range(-reach[1], reach[1] + 1)
            if torch.allclose(torch.roll(image, (down, right), (1, 2))[inner], shifted[inner], atol=1e-6)
        ]
        assert len(fits) == 1
        moves.add(fits[0])
    axes = np.array(list(moves))
    assert axes.min(axis=0).tolist() == [-reach[0], -reach[1]]
    assert axes.max(axis=0).tolist() == reach


@pytest.mark.parametrize("name", PRESETS)
def test_only_what_says_so_mirrors(name):
    """Of images that brighten to the right a preset of ``MIRRORING`` mirrors about half, and another none."""
    rows = torch.linspace(-1, 1, 12).expand(1, 12, 12)[None].repeat(60, 1, 1, 1)
    moved = transform_images(rows, name, seed=0)
    darker = (moved[..., -3:].mean((1, 2, 3)) < moved[..., :3].mean((1, 2, 3))).float().mean()
    assert (0.25 < darker < 0.75) if name in MIRRORING else darker == 0


def test_shift_repeats_the_edge():
    """What comes in at the side is the edge's own pixels, not black ones."""
    rows = torch.linspace(-1, 1, 8)[:, None].expand(8, 8)[None, None].repeat(10, 1, 1, 1)
    shifted = transform_images(rows, "shift", seed=0)
    assert (shifted.diff(dim=2) >= 0).all()
    assert (shifted.diff(dim=3) == 0).all()


def test_nothing_is_nothing():
    """Without a transform images stay as they are, to the bit."""
    images = noise()
    assert torch.equal(transform_images(images, None, seed=0), images)


def disc(shape, radius, at=(0.0, 0.0)):
    """A white disc on black, (c, h, w) in [-1, 1], whose middle lies ``at`` from the image's."""
    down, right = (np.arange(side) - (side - 1) / 2 for side in shape[1:])
    inside = (down[:, None] - at[0]) ** 2 + (right[None] - at[1]) ** 2 <= radius**2
    return torch.from_numpy(np.where(inside, 1.0, -1.0).astype(np.float32)).expand(shape).contiguous()


def measured(images):
    """The middle (n, 2) and the area (n,) of what is white."""
    white = (images[:, 0].numpy() + 1) / 2
    area = white.sum(axis=(1, 2))
    down, right = (np.arange(side) - (side - 1) / 2 for side in white.shape[1:])
    middle = [(white * down[:, None]).sum(axis=(1, 2)) / area, (white * right[None]).sum(axis=(1, 2)) / area]
    return np.stack(middle, 1), area


@pytest.mark.parametrize("name", ["affine", "photo"])
def test_an_affine_preset_keeps_to_its_bounds(name):
    """A disc in the middle moves by up to 8 % of a side and grows or shrinks by up to 10 %, both ways, and no more."""
    images = disc((1, 64, 64), 14)[None].repeat(150, 1, 1, 1)
    moved = transform_images(images, name, seed=0)
    middle, area = measured((moved > 0).float() * 2 - 1)
    zoom = np.sqrt(area / measured(images[:1])[1])
    assert (np.abs(middle) <= 0.08 * 64 * 1.1 + 0.6).all()
    assert (middle.min(axis=0) < -3).all()
    assert (middle.max(axis=0) > 3).all()
    assert 0.88 <= zoom.min() < 0.93
    assert 1.07 < zoom.max() <= 1.12


def test_an_affine_preset_turns_by_ten_degrees_at_most():
    """A disc off the middle swings around it by up to 10 degrees to each side."""
    pair = torch.stack([disc((1, 96, 96), 6, (0.0, 26.0)), disc((1, 96, 96), 6, (0.0, -26.0))])
    ends = [measured(transform_images(one[None].repeat(150, 1, 1, 1), "affine", seed=0))[0] for one in pair]
    across = ends[0] - ends[1]
    degrees = np.degrees(np.arctan2(across[:, 0], across[:, 1]))
    assert 8 < np.abs(degrees).max() <= 10.5
    assert degrees.min() < -7
    assert degrees.max() > 7


def test_a_photo_is_mirrored_half_of_the_time_and_lit_otherwise():
    """``photo`` mirrors left to right about every other image, and changes brightness by up to 20 %."""
    left = disc((3, 48, 48), 6, (0.0, -14.0))[None].repeat(200, 1, 1, 1)
    grey = torch.zeros(100, 3, 48, 48)
    right = measured((transform_images(left, "photo", seed=0) > 0).float() * 2 - 1)[0][:, 1] > 0
    assert 0.35 < right.mean() < 0.65
    light = transform_images(grey, "photo", seed=0).mean(dim=(1, 2, 3)) / 2
    assert light.min() < -0.1
    assert light.max() > 0.1
    assert light.abs().max() <= 0.31


def test_a_function_may_return_a_mirrored_view():
    """What numpy flips without copying is taken as it is."""
    images = torch.arange(8.0).view(1, 1, 2, 4) / 8
    mirrored = transform_images(images, lambda image: image[:, ::-1], seed=0)
    torch.testing.assert_close(mirrored, images.flip(3))


def test_a_function_gets_one_image_at_a_time():
    """Any function of one image (h, w, c) in [0, 1] will do, and what it returns is what comes back."""
    seen = []

    def invert(image):
        seen.append((image.shape, image.dtype, float(image.min()) >= 0, float(image.max()) <= 1))
        return 1 - image

    images = noise(3, (2, 8, 10))
    torch.testing.assert_close(transform_images(images, invert, seed=0), -images)
    assert seen == [((8, 10, 2), np.float32, True, True)] * 3


def test_a_torch_module_gets_channels_first():
    """A torchvision transform sees a tensor (c, h, w) in [0, 1]."""

    class Invert(torch.nn.Module):
        def forward(self, image):
            assert image.shape == (2, 8, 10)
            return 1 - image

    images = noise(3, (2, 8, 10))
    torch.testing.assert_close(transform_images(images, Invert(), seed=0), -images)


def test_a_single_albumentations_transform_is_seeded_too():
    """A transform that is not composed works as one that is, and is decided by the seed as well."""
    images = noise()
    first, again = (transform_images(images, albumentations.HorizontalFlip(p=0.5), seed=0) for _ in range(2))
    assert torch.equal(first, again)


def test_an_unknown_preset_is_named():
    """A preset's name with a typo is refused with the nearest one."""
    with pytest.raises(
        ConfigError,
        match=r"transform must be one of shift, affine, mirror, photo; got 'shfit'\. Did you mean 'shift'\?",
    ):
        transform_images(noise(1), "shfit", seed=0)


@pytest.mark.parametrize("transform", [lambda image: image[:4], v2.Resize((4, 4)), albumentations.Resize(4, 4)])
def test_a_transform_that_changes_the_shape_is_refused(transform):
    """Transformed rows stand beside untransformed ones, so a transform that resizes is named."""
    with pytest.raises(ShapeError, match=r"must keep the shape of an image, \(.+\); got \(.+\)\. Leave resizing out"):
        transform_images(noise(2), transform, seed=0)


ASK_AT_IMPORT = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "albumentations":
            print(os.environ.get("NO_ALBUMENTATIONS_UPDATE"), flush=True)
            os._exit(0)  # the import itself takes seconds
sys.meta_path.insert(0, Watch())
from synthaug.augment.classic import PRESETS
assert "albumentations" not in sys.modules
PRESETS["shift"]((1, 8, 8))
"""


@pytest.mark.parametrize(
    "transform",
    [ToTensorV2(), lambda image: image.transpose(1, 0, 2), v2.RandomRotation([90, 90], expand=True)],
)
def test_a_transform_that_moves_axes_is_refused(transform):
    """As many numbers in another order are another image: they are not taken for one of the right shape."""
    message = r"must keep the shape of an image, \(.+\); got .*\. Leave resizing out, and what moves axes"
    with pytest.raises(ShapeError, match=message):
        transform_images(noise(2, (3, 8, 12)), transform, seed=0)


def test_grey_images_may_lose_their_channel():
    """One channel has no order: it may be dropped, or stand first."""
    images = noise(2)
    for transform in (lambda image: image[..., 0], lambda image: image.transpose(2, 0, 1)):
        assert torch.allclose(transform_images(images, transform, seed=0), images, atol=1e-6)


def test_albumentations_is_told_not_to_call_home_before_it_is_imported():
    """Its version check is switched off at the moment of the import, and importing our module imports it not at all."""
    environment = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK_AT_IMPORT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stdout.split() == ["1"]
