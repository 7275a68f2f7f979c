"""The textbook GAN that benchmarks measure against: the networks that are promised, in the form of a learner."""

import importlib.util
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from synthaug.data.schema import ImageSchema
from synthaug.generators import Learner, Limits
from synthaug.training.loop import StepRecord

PATH = Path(__file__).parents[2] / "benchmarks" / "textbook.py"
SCHEMA = ImageSchema((1, 8, 8), 3)


@pytest.fixture(scope="module")
def textbook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("textbook", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def learned(textbook: ModuleType, *, limits: Limits, on_step: Any = lambda record: None, **parameters: Any) -> Any:
    x = torch.rand(12, *SCHEMA.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    learner = textbook.TextbookGAN(**{"batch_size": 4, "n_threads": 1, "record_steps": 1, **parameters})
    return learner.fit(x, torch.arange(12) % 3, schema=SCHEMA, seed=0, on_step=on_step, limits=limits)


@pytest.mark.parametrize(("size", "start"), [(28, 7), (32, 8), (30, 8)])
def test_networks_are_the_textbooks(textbook: ModuleType, size: int, start: int):
    """A linear layer to 128 channels at a quarter of the size; four strided convolutions, 32 to 256 channels."""
    schema = ImageSchema((3, size, size), 5)
    generator, discriminator = textbook.TextbookGenerator(schema), textbook.TextbookDiscriminator(schema)
    images = generator(torch.zeros(2, 100), torch.tensor([0, 4]))
    assert images.shape == (2, 3, size, size)
    assert discriminator(images, torch.tensor([0, 4])).shape == (2,)
    assert generator.linear.weight.shape == (128 * start**2, 105)
    convs = [part for part in discriminator.convs if isinstance(part, torch.nn.Conv2d)]
    assert [part.out_channels for part in convs] == [32, 64, 128, 256]


def test_textbook_gan_is_a_learner(textbook: ModuleType):
    """It learns, draws what its saved state draws, and the same seed gives the same weights."""
    learner, again = (learned(textbook, n_steps=2, limits=Limits()) for _ in range(2))
    assert isinstance(learner, Learner)
    labels = torch.tensor([0, 1, 2, 2])
    drawn = learner.draw(labels, 7)
    assert torch.equal(drawn, again.draw(labels, 7))
    copy = textbook.TextbookGAN(n_threads=1).from_state(*learner.state(), SCHEMA)
    assert torch.equal(drawn, copy.draw(labels, 7))
    assert drawn.abs().max() <= 1


def test_drawing_while_learning_changes_nothing_and_costs_no_time(textbook: ModuleType):
    """What ``on_step`` draws and how long it takes leave neither the weights nor the clock another."""
    plain = learned(textbook, n_steps=3, limits=Limits())
    watched = textbook.TextbookGAN(n_steps=3, batch_size=4, n_threads=1, record_steps=1)
    seconds = []

    def look(record: StepRecord) -> None:
        watched.draw(torch.tensor([0, 1]), record.step)
        time.sleep(0.5)
        seconds.append(record.seconds)

    x = torch.rand(12, *SCHEMA.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    watched.fit(x, torch.arange(12) % 3, schema=SCHEMA, seed=0, on_step=look, limits=Limits())
    for name, value in plain.state()[0].items():
        assert torch.equal(value, watched.state()[0][name]), name
    began = time.perf_counter()
    watched.fit(x, torch.arange(12) % 3, schema=SCHEMA, seed=0, on_step=look, limits=Limits())
    assert seconds[-1] <= time.perf_counter() - began - 1.4


def test_limit_of_seconds_cuts_the_run(textbook: ModuleType):
    """``max_seconds`` ends it and is told; ``max_steps`` ends it without."""
    assert learned(textbook, limits=Limits(max_seconds=1e-6)).was_cut_
    assert not learned(textbook, limits=Limits(max_steps=2)).was_cut_
