"""A fixed number of torch threads, so that a learner gives the same result in any worker."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from synthaug.data.schema import ImageSchema, Schema

_MOST_THREADS = 4
_SMALL_IMAGE_PIXELS = 400


def choose_threads(schema: Schema) -> int:
    """Return how many threads pay: one for tables and images under 400 pixels, else one a core, four at the most."""
    small = not isinstance(schema, ImageSchema) or schema.shape[1] * schema.shape[2] < _SMALL_IMAGE_PIXELS
    return 1 if small else min(_MOST_THREADS, os.cpu_count() or 1)


def threads_of(learner: object, schema: Schema) -> int:
    """Return how many torch threads a learner uses, and all that is done around it: what it names, else what pays.

    Selecting and drawing must keep to it, for several threads beside other busy processes wait for one another at every
    operation.
    """
    named = getattr(learner, "n_threads", "auto")
    return max(1, int(named)) if isinstance(named, int | np.integer) else choose_threads(schema)


@contextmanager
def fixed_threads(n_threads: int) -> Iterator[None]:
    """Let torch use ``n_threads`` threads inside the block and as many as before after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
