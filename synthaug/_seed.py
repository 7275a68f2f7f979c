"""One integer becomes every random stream, and no global stream is touched.

A stream is named by the seed and a path of keys: ``numpy_stream(7, "draw", 3)`` is the stream of chunk 3 of the
drawing of seed 7. Streams of different paths are independent (NumPy's ``SeedSequence``), and none depends on which
was asked first.
"""

import zlib

import numpy as np
import torch
from sklearn.utils import check_random_state

Key = int | str
LARGEST_SEED = 2**31 - 1


def seed_from(random_state: int | np.random.RandomState | None) -> int:
    """Return an integer seed for what scikit-learn accepts as ``random_state``.

    An integer is itself; a ``RandomState`` gives its next number; ``None`` gives a fresh one from NumPy's global
    stream.
    """
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        check_random_state(int(random_state) % 2**32)
        return int(random_state)
    return int(check_random_state(random_state).randint(LARGEST_SEED))


def derive(seed: int, *path: Key) -> int:
    """Return the integer seed of the stream that ``path`` names under ``seed``."""
    words = [zlib.crc32(key.encode()) if isinstance(key, str) else int(key) for key in path]
    state = np.random.SeedSequence(int(seed) % 2**64, spawn_key=words).generate_state(2, np.uint32)
    return int(state[0]) << 31 | int(state[1]) >> 1


def numpy_stream(seed: int, *path: Key) -> np.random.Generator:
    """Return the NumPy generator of the stream that ``path`` names under ``seed``."""
    return np.random.default_rng(derive(seed, *path))


def torch_stream(seed: int, *path: Key, device: torch.device | str = "cpu") -> torch.Generator:
    """Return the torch generator, on ``device``, of the stream that ``path`` names under ``seed``."""
    return torch.Generator(device=device).manual_seed(derive(seed, *path))
