"""Random features are fixed by their arguments, take rows of any shape, and keep what tells classes apart."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from synthaug.data.schema import Column, ImageSchema, Schema, TableSchema
from synthaug.errors import ShapeError
from synthaug.models.features import RandomFeatures


def table(width: int) -> TableSchema:
    return TableSchema(tuple(Column(str(i), "number") for i in range(width)), n_classes=2)


SCHEMAS = [
    *(ImageSchema(shape, n_classes=2) for shape in [(1, 8, 8), (3, 28, 28), (2, 9, 40), (1, 128, 96), (5, 4, 4)]),
    *(table(width) for width in (1, 6, 400)),
]


def rows(schema: Schema, n: int = 5) -> torch.Tensor:
    return torch.rand(n, *schema.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: str(schema.shape))
@pytest.mark.parametrize("n_features", [16, 300])
def test_every_schema_gives_finite_features_and_gradients(schema, n_features):
    """Any channel count, size and width gives (n, n_features), finite, and gradients reach every row."""
    x = rows(schema).requires_grad_()
    features = RandomFeatures(schema, n_features=n_features)(x)
    features.square().sum().backward()
    assert features.shape == (5, n_features)
    assert features.dtype == torch.float32
    assert features.isfinite().all()
    assert (x.grad.flatten(1).abs().sum(1) > 0).all()


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: str(schema.shape))
def test_the_arguments_alone_name_the_network(schema):
    """Equal arguments give equal features whatever the global stream; another seed gives others; nothing is saved."""
    torch.manual_seed(1)
    first = RandomFeatures(schema, seed=3)
    torch.manual_seed(2)
    x = rows(schema)
    assert torch.equal(first(x), RandomFeatures(schema, seed=3)(x))
    assert not torch.equal(first(x), RandomFeatures(schema, seed=4)(x))
    assert not first.state_dict()
    assert not list(first.parameters())


def test_the_global_streams_are_not_touched():
    """Building and calling the network leaves the global streams of torch and NumPy where they were."""
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    RandomFeatures(SCHEMAS[0])(rows(SCHEMAS[0]))
    assert torch.equal(states[0], torch.random.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("schema", [ImageSchema((1, 8, 8), 2), table(4)], ids=["image", "table"])
def test_features_of_a_row_do_not_depend_on_its_neighbours(schema):
    """Rows are taken in blocks, and a row's features are the same alone; no rows give no features."""
    network, x = RandomFeatures(schema), rows(schema, 1200)
    assert torch.allclose(network(x)[1111], network(x[1111:1112])[0], atol=1e-5)
    assert network(x[:0]).shape == (0, 256)


def test_features_tell_moved_digits_apart_better_than_pixels():
    """The nearest neighbour of an image moved by a pixel is of its class more often in features than in pixels."""
    x, y = load_digits(return_X_y=True)
    images = torch.tensor(x / 8 - 1, dtype=torch.float32).reshape(-1, 1, 8, 8)
    moved = torch.nn.functional.pad(images, (1, 0, 0, 0), value=-1)[..., :-1]
    accuracy = []
    for embed in (lambda rows: rows.flatten(1), RandomFeatures(ImageSchema((1, 8, 8), 10))):
        neighbour = KNeighborsClassifier(1).fit(embed(images[::2]).numpy(), y[::2])
        accuracy.append(neighbour.score(embed(moved[1::2]).numpy(), y[1::2]))
    assert accuracy[1] > accuracy[0] + 0.03


def test_flat_images_and_brightness_are_seen():
    """An image without contrast gives finite features, and brightness alone moves them."""
    network = RandomFeatures(ImageSchema((1, 8, 8), 2))
    dark, bright = network(torch.stack([torch.full((1, 8, 8), -1.0), torch.full((1, 8, 8), 1.0)]))
    assert (dark - bright).norm() > 0.1


def test_a_table_keeps_its_columns():
    """A narrow table's own columns are the first features."""
    x = rows(table(6))
    assert torch.equal(RandomFeatures(table(6), n_features=32)(x)[:, :6], x)


def test_rows_of_another_shape_are_named():
    """Rows that are not of the schema's shape raise an error that names both shapes."""
    with pytest.raises(ShapeError, match=r"rows must have shape \(n, 1, 8, 8\); got \(5, 8, 8\)"):
        RandomFeatures(SCHEMAS[0])(torch.zeros(5, 8, 8))
    with pytest.raises(ShapeError, match=r"rows must have shape \(n, 6\); got \(5, 7\)"):
        RandomFeatures(table(6))(torch.zeros(5, 7))
