"""Augmentation inside the loss: known transformations, repeatable, and gradients pass through."""

import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.training.diffaug import POLICIES, brightness, contrast, cutout, translation

CHANGES = {change.__name__: change for policy in POLICIES.values() for change in policy}
SHAPES = [(6, 1, 8, 8), (3, 3, 20, 9), (2, 2, 64, 128)]


def images(shape=(6, 1, 8, 8)):
    """Return random images in [-1, 1]."""
    return torch.rand(shape, generator=torch_stream(0)) * 2 - 1


def apply(name, x, seed=1):
    """Return what a policy makes of images."""
    stream = torch_stream(seed)
    for change in POLICIES[name]:
        x = change(x, stream)
    return x


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_keeps_shape_and_passes_gradients(name, shape):
    """Shape and type stay, values are finite, and every image gets a gradient."""
    x = images(shape).requires_grad_()
    changed = apply(name, x)
    assert changed.shape == x.shape
    assert changed.dtype == x.dtype
    assert changed.isfinite().all()
    changed.square().sum().backward()
    assert (x.grad.flatten(1).abs().sum(1) > 0).all()


@pytest.mark.parametrize("name", POLICIES)
def test_a_stream_decides_what_happens(name):
    """The same stream changes images alike; only the empty policy gives the same under another stream."""
    x = images((16, 1, 12, 12))
    assert torch.equal(apply(name, x), apply(name, x))
    assert torch.equal(apply(name, x, seed=1), apply(name, x, seed=2)) == (POLICIES[name] == ())


def test_no_policy_changes_nothing():
    """The policy "none" is the identity."""
    x = images()
    assert apply("none", x) is x


@pytest.mark.parametrize("name", CHANGES)
def test_gradients_are_those_of_the_change(name):
    """Autograd agrees with finite differences for one fixed draw."""
    x = images((2, 1, 8, 8)).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: CHANGES[name](x, torch_stream(3)), (x,))


@pytest.mark.parametrize(("height", "width", "reach_y", "reach_x"), [(8, 8, 1, 1), (24, 16, 3, 2), (9, 40, 1, 5)])
def test_translation_shifts_each_image_by_a_whole_number_of_pixels(height, width, reach_y, reach_x):
    """Every image is one shift of itself with -1 coming in, all shifts up to an eighth occur, and no other."""
    x = images((400, 1, height, width))
    shifted = translation(x, torch_stream(1))
    found = set()
    for before, after in zip(x[:, 0], shifted[:, 0], strict=True):
        matches = [
            (dy, dx)
            for dy in range(-reach_y, reach_y + 1)
            for dx in range(-reach_x, reach_x + 1)
            if torch.equal(after, shift(before, dy, dx))
        ]
        assert len(matches) == 1
        found.add(matches[0])
    assert len(found) == (2 * reach_y + 1) * (2 * reach_x + 1)


def shift(image, dy, dx):
    """Return an image (h, w) moved down by dy and right by dx, with -1 where nothing is."""
    moved = torch.full_like(image, -1.0)
    height, width = image.shape
    rows, columns = slice(max(0, dy), height + min(0, dy)), slice(max(0, dx), width + min(0, dx))
    moved[rows, columns] = image[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
    return moved


@pytest.mark.parametrize(("height", "width"), [(8, 8), (24, 16), (9, 13)])
def test_cutout_clears_one_rectangle_of_half_of_each_side(height, width):
    """What is cleared is 0 and a rectangle, half of each side where it is not cut by the edge; the rest stays."""
    x = images((300, 2, height, width)) + 3
    cut = cutout(x, torch_stream(1))
    cleared = cut[:, 0] == 0
    assert torch.equal(cut[:, 1] == 0, cleared)
    assert torch.equal(cut[:, 0][~cleared], x[:, 0][~cleared])
    tall, wide = cleared.any(2), cleared.any(1)
    assert torch.equal(cleared, tall[:, :, None] & wide[:, None, :])
    for sides, length in ((tall, height), (wide, width)):
        assert sides.sum(1).max() == int(length / 2 + 0.5)
        runs = sides.int().diff(dim=1).abs().sum(1)
        assert (runs <= 2).all()
        assert (sides.float().mean(0) > 0.1).all()


def test_brightness_adds_one_number_to_an_image():
    """The same number for all pixels and channels of an image, within half of the range's half, another for each."""
    x = images((200, 3, 8, 8)).double()
    added = (brightness(x, torch_stream(1)) - x).flatten(1)
    torch.testing.assert_close(added, added[:, :1].expand_as(added))
    assert -0.5 <= added.min() < -0.4
    assert 0.4 < added.max() <= 0.5


def test_contrast_stretches_an_image_about_its_mean():
    """The mean stays, the deviation is multiplied by 0.5 to 1.5, another factor for each image."""
    x = images((200, 3, 8, 8)).double()
    changed = contrast(x, torch_stream(1))
    torch.testing.assert_close(changed.mean((1, 2, 3)), x.mean((1, 2, 3)))
    factor = changed.flatten(1).std(1) / x.flatten(1).std(1)
    assert 0.5 <= factor.min() < 0.6
    assert 1.4 < factor.max() <= 1.5
    mean = x.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(changed, mean + factor[:, None, None, None] * (x - mean))
