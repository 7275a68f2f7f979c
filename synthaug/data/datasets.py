"""Data sets that need no download: those that scikit-learn carries, and Fashion-MNIST where Debian's package is
installed.
"""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthaug.errors import FileError

_FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_IDX_IMAGES, _IDX_LABELS = 2051, 2049


@dataclass(frozen=True)
class LabelledRows:
    """Rows with their labels.

    Attributes
    ----------
    X
        Images (n, h, w) or a table (n, d).
    y
        Labels (n,).
    class_names
        A name for each distinct label, in their order.
    """

    X: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...]


def digits() -> LabelledRows:
    """Return 1,797 handwritten digits, 8 x 8 grey, 0 to 16 (Alpaydin & Kaynak, UCI, CC BY 4.0; in scikit-learn)."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return LabelledRows(loaded.images, loaded.target, tuple(map(str, loaded.target_names)))


def breast_cancer() -> LabelledRows:
    """Return 569 rows of 30 measures of cell nuclei (Wolberg et al., UCI, CC BY 4.0; in scikit-learn)."""
    from sklearn.datasets import load_breast_cancer

    loaded = load_breast_cancer()
    return LabelledRows(loaded.data, loaded.target, tuple(map(str, loaded.target_names)))


def wine() -> LabelledRows:
    """Return 178 rows of 13 chemical measures of wines (Aeberhard & Forina, UCI, CC BY 4.0; in scikit-learn)."""
    from sklearn.datasets import load_wine

    loaded = load_wine()
    return LabelledRows(loaded.data, loaded.target, tuple(map(str, loaded.target_names)))


def fashion() -> LabelledRows:
    """Return 70,000 pictures of clothes, 28 x 28 grey, uint8 (Xiao et al. 2017, MIT; Debian: dataset-fashion-mnist).

    Raises
    ------
    FileError
        If Debian's package is not installed.
    """
    names = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
    parts = [_read_idx(part, _IDX_IMAGES, "images-idx3-ubyte") for part in ("train", "t10k")]
    labels = [_read_idx(part, _IDX_LABELS, "labels-idx1-ubyte") for part in ("train", "t10k")]
    return LabelledRows(np.concatenate(parts), np.concatenate(labels).astype(np.int64), names)


def _read_idx(part: str, magic: int, kind: str) -> np.ndarray:
    path = _FASHION_FOLDER / f"{part}-{kind}.gz"
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"'{path}' cannot be read. Install Debian's package dataset-fashion-mnist.") from error
    n_axes = magic % 256
    start = 4 + 4 * n_axes
    header = np.frombuffer(content[:start].ljust(start, b"\0"), dtype=">i4")
    if header[0] != magic or len(content) != start + int(np.prod(header[1:])):
        raise FileError(f"'{path}' must be a whole IDX file of the kind {magic}; got {header[0]}. Install it anew.")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(header[1:])


DATASETS: dict[str, Callable[[], LabelledRows]] = {
    "digits": digits,
    "breast_cancer": breast_cancer,
    "wine": wine,
    "fashion": fashion,
}
