"""What tests of learners share: rows of every schema, and a fit with a tiny budget."""

import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.generators import Limits
from synthaug.models.heads import RowHead

SCHEMAS = {
    "images": ImageSchema((1, 8, 9), 3),
    "table": TableSchema((Column("a", "number"), Column("b", "integer")), 3),
    "mixed": TableSchema(
        (Column("a", "number"), Column("a", "category", 2), Column("b", "category", 3), Column("c", "number")), 3
    ),
}


@pytest.fixture(params=SCHEMAS.values(), ids=SCHEMAS)
def schema(request):
    """A schema of three classes."""
    return request.param


def make_rows(schema, n, seed=0):
    """Return n samples of a schema: numbers at random, one place of each category 1, numbers that are not regular 0."""
    stream = torch_stream(seed)
    x = torch.randn(n, *schema.shape, generator=stream).clamp(-1, 1)
    return RowHead.of(schema)(x, stream)


@pytest.fixture
def learn():
    """A function that fits a learner of three steps on rows of a schema, classes of 12, 6 and 2 rows."""

    def learn(make, schema, *, seed=1, on_step=lambda record: None, limits=Limits(), **parameters):  # noqa: B008
        y = torch.repeat_interleave(torch.arange(3), torch.tensor([12, 6, 2]))
        x = make_rows(schema, 20)
        learner = make(**{"n_steps": 3, "batch_size": 8, "width": 4, **parameters})
        return learner.fit(x, y, schema=schema, seed=seed, on_step=on_step, limits=limits)

    return learn
