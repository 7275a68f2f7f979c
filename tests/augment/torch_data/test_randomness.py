"""Seeded transforms: every stream a transform may draw from is seeded by row and given back."""

import functools
import os
import pickle
import random

import numpy as np
import pytest
import torch

from synthaug.augment.torch_data.randomness import SeededTransform, lent_streams

MODULE_STREAM = np.random.default_rng(5)


class OwnStream:
    """A transform that owns a generator."""

    def __init__(self, stream):
        self.stream = stream

    def __call__(self, image):
        return image + (self.stream.random() if hasattr(self.stream, "random") else self.stream.uniform())


class OwnTorchStream:
    """A transform that owns a torch generator."""

    def __init__(self):
        self.stream = torch.Generator().manual_seed(3)

    def __call__(self, image):
        return image + float(torch.rand((), generator=self.stream))


def with_closure():
    stream = random.Random(5)
    return lambda image: image + stream.random()


def with_module_stream(image):
    return image + MODULE_STREAM.normal()


def with_inner_function(image):
    return sum((lambda: image + MODULE_STREAM.normal())() for _ in range(2))


def added(stream, image):
    return image + stream.normal()


TRANSFORMS = {
    "torch": lambda image: image + float(torch.rand(())),
    "numpy": lambda image: image + np.random.uniform(),  # noqa: NPY002
    "python": lambda image: image + random.random(),
    "numpy generator": OwnStream(np.random.default_rng(3)),
    "other bit generator": OwnStream(np.random.Generator(np.random.Philox(3))),
    "random state": OwnStream(np.random.RandomState(3)),
    "python generator": OwnStream(random.Random(3)),
    "torch generator": OwnTorchStream(),
    "closure": with_closure(),
    "global": with_module_stream,
    "inner function": with_inner_function,
    "partial": functools.partial(added, np.random.default_rng(3)),
    "list": functools.reduce(lambda f, g: lambda x: g(f(x)), [OwnStream(random.Random(i)) for i in range(3)]),
}


def states():
    return torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002


def same_states(first, second):
    numpy_same = all(np.array_equal(a, b) for a, b in zip(first[1], second[1], strict=True))
    return torch.equal(first[0], second[0]) and numpy_same and first[2] == second[2]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_row_and_epoch_decide(name):
    """Each row's outcome is the same in any order, and differs between rows, epochs and seeds."""
    seeded = SeededTransform(TRANSFORMS[name], 0)
    images = [np.zeros(1)] * 3
    forward = seeded(images, [0, 1, 2], [0, 0, 0])
    assert forward == seeded(images, [2, 1, 0], [0, 0, 0])[::-1]
    outcomes = [
        *forward,
        *seeded(images, [0, 1, 2], [1, 1, 1]),
        *SeededTransform(TRANSFORMS[name], 1)(images, [0, 1, 2], [0] * 3),
    ]
    assert len({float(outcome[0]) for outcome in outcomes}) == 9


@pytest.mark.parametrize("name", TRANSFORMS)
def test_streams_are_given_back(name):
    """After a batch the streams, a transform's own ones too, go on as if nothing had happened."""
    transform, image = TRANSFORMS[name], np.zeros(1)
    before, kept = states(), pickle.dumps(MODULE_STREAM.bit_generator.state)
    SeededTransform(transform, 0)([image], [0], [0])
    assert same_states(before, states())
    assert kept == pickle.dumps(MODULE_STREAM.bit_generator.state)
    with lent_streams():
        first = transform(image)
    SeededTransform(transform, 0)([image], [0], [0])
    with lent_streams():
        second = transform(image)
    own_goes_on = name not in ("torch", "numpy", "python")
    assert (first != second) == own_goes_on


def test_own_stream_continues_exactly():
    """The draws of an owned generator are those of a run without synthetic rows."""
    alone, shared = OwnStream(np.random.default_rng(3)), OwnStream(np.random.default_rng(3))
    expected = [alone(0.0) for _ in range(4)]
    outcomes = []
    for _ in range(4):
        SeededTransform(shared, 0)([0.0, 0.0], [0, 1], [0, 0])
        outcomes.append(shared(0.0))
    assert outcomes == expected


def test_streams_are_given_back_after_an_error():
    """A transform that raises leaves the streams as they were."""
    before = states()
    with pytest.raises(ZeroDivisionError):
        SeededTransform(lambda image: random.random() + 1 / 0, 0)([0.0], [0], [0])
    assert same_states(before, states())


def test_pickled_transform_finds_its_own_generators():
    """In another process the transform's copies of its generators are the ones that are seeded."""
    seeded = SeededTransform(TRANSFORMS["numpy generator"], 0)
    expected = seeded([0.0], [7], [0])
    assert pickle.loads(pickle.dumps(seeded))([0.0], [7], [0]) == expected


@pytest.mark.parametrize(
    "wrap", [lambda pipeline: pipeline, lambda pipeline: lambda image: pipeline(image=image)["image"]]
)
def test_albumentations_is_seeded(wrap):
    """An albumentations pipeline, bare or in a lambda, is seeded by row, and its own draws go on as before."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    albumentations = pytest.importorskip("albumentations")
    steps = [albumentations.RandomBrightnessContrast(p=0.9), albumentations.Affine(translate_percent=0.2, p=0.9)]
    pipeline, twin = (
        albumentations.Compose(steps_, seed=4)
        for steps_ in (steps, [type(s)(**s.get_transform_init_args()) for s in steps])
    )
    seeded = SeededTransform(wrap(pipeline), 0)
    images = [np.random.default_rng(0).integers(0, 256, size=(16, 16, 3), dtype=np.uint8)] * 4
    forward = seeded(images, range(4), [0] * 4)
    backward = seeded(images, [3, 2, 1, 0], [0] * 4)[::-1]
    assert np.array_equal(forward, backward)
    assert len({image.tobytes() for image in forward}) > 1
    assert np.array_equal(pipeline(image=images[0])["image"], twin(image=images[0])["image"])


def test_torchvision_is_seeded():
    """Transforms of torchvision draw from torch's global stream and are seeded by row."""
    v2 = pytest.importorskip("torchvision.transforms.v2")
    seeded = SeededTransform(v2.Compose([v2.RandomHorizontalFlip(), v2.RandomRotation(30)]), 0)
    images = [torch.rand(1, 8, 8)] * 4
    forward, backward = seeded(images, range(4), [0] * 4), seeded(images, [3, 2, 1, 0], [0] * 4)[::-1]
    assert all(torch.equal(a, b) for a, b in zip(forward, backward, strict=True))
    assert not torch.equal(forward[0], forward[1])
