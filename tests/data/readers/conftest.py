"""Folders of images that tests write."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthaug.data.readers import ImageRows, read_images


def picture(size: tuple[int, ...] = (12, 10), seed: int = 0, dtype: str = "uint8") -> np.ndarray:
    """Return an image of noise that spans the whole range of its type."""
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, size, dtype=dtype, endpoint=True)


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """What makes an image of noise."""
    return picture


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write an image under the root, and return its path."""

    def write_image(name: str, image: np.ndarray | None = None, **settings: object) -> Path:
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed=len(name)) if image is None else image).save(path, **settings)
        return path

    return write_image


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., ImageRows]:
    """Read the root, or what else is named, with a cache of the test's own."""

    def read_root(path: Path | None = None, **settings: object) -> ImageRows:
        return read_images(path or tmp_path / "root", **{"cache_dir": tmp_path / "caches", **settings})

    return read_root


@pytest.fixture
def root(tmp_path: Path, write: Callable[..., Path]) -> Path:
    """A folder of two classes with three images."""
    for name in ("benign/a.png", "benign/bb.png", "malignant/ccc.png"):
        write(name)
    return tmp_path / "root"
