"""Images that are all but the same (one scan exported twice, brightened, resized, compressed anew), by perceptual hash.

Each image becomes 32 x 32 grey levels. The hash is the signs of its 63 lowest spatial frequencies (of the discrete
cosine transform, the mean left out) about their median: brightness, contrast, noise and size hardly move it. Two images
are near-duplicates if their hashes differ in few bits *and* their grey levels correlate by 0.99 at least, for images of
one kind (digits, fundus photographs) share their low frequencies without being the same. Images of one grey level have
no near-duplicate: there is nothing to know them by.

References
----------
Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010 (the hash of cosine transforms).
"""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from synthaug._check import check_choice, check_count
from synthaug.data.container import known, unwrap
from synthaug.data.groups import checked_groups
from synthaug.data.images import FORMATS, read_axes, unflatten
from synthaug.data.split import Split
from synthaug.errors import ConfigError, LeakWarning, ShapeError

DISTANCE = 4  # bits
_SIDE, _KEPT = 32, 8
_BITS = _KEPT**2 - 1
_CORRELATION = 0.99
_AT_ONCE, _COMPARED_AT_ONCE = 1024, 256
_FLAT = 1e-6
_NAMED = 4


def near_duplicate_groups(
    images: Any, groups: Any = None, *, distance: int = DISTANCE, image_format: str = "auto"
) -> np.ndarray:
    """Return a group for each image: near-duplicates, and near-duplicates of those, share one.

    Parameters
    ----------
    images
        Images (n, h, w), (n, h, w, c) or (n, c, h, w) of any numbers; they may lie in a memory-mapped file.
    groups
        Groups that are known already, such as patients, shape (n,): what belongs to one stays together, and two that
        hold near-duplicates become one.
    distance
        The most bits, 0 to 63, that two hashes may differ in. Four finds copies that were brightened, blurred,
        compressed or resized, and no pair among 1,797 handwritten digits.
    image_format
        ``auto``, ``channels_first`` or ``channels_last``.

    Returns
    -------
    Numbers from 0 in the order in which groups first appear, shape (n,), int64: for ``groups=`` wherever it stands.

    Raises
    ------
    ShapeError
        If these are no images, or there is not one group for each.
    ConfigError
        If ``distance`` is not 0 to 63.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from synthaug import near_duplicate_groups
    >>> images = load_digits().images[:6]
    >>> images[4] = 0.9 * images[1] + 1  # the same digit, less contrast, brighter
    >>> near_duplicate_groups(images).tolist()
    [0, 1, 2, 3, 1, 4]
    >>> near_duplicate_groups(images, groups=["p", "p", "q", "q", "r", "r"]).tolist()
    [0, 0, 1, 1, 0, 0]
    """
    pairs = near_duplicate_pairs(images, distance=distance, image_format=image_format)
    n_rows = len(images)
    known_groups = checked_groups(groups, n_rows)
    owners = np.arange(n_rows) if known_groups is None else np.unique(known_groups, return_inverse=True)[1]
    links = (np.ones(len(pairs) + n_rows), np.hstack([pairs.T, [np.arange(n_rows), n_rows + owners]]))
    _, parts = connected_components(coo_array(links, shape=(2 * n_rows, 2 * n_rows)), directed=False)
    return _numbered(parts[:n_rows])


def near_duplicate_pairs(images: Any, *, distance: int = DISTANCE, image_format: str = "auto") -> np.ndarray:
    """Return the row numbers of all pairs of near-duplicates, the smaller first, shape (k, 2), int64.

    The parameters and errors are those of ``near_duplicate_groups``. Every image is compared with every other, so time
    grows with the square of their number.
    """
    if check_count("distance", distance) > _BITS:
        raise ConfigError(f"distance must be 0 to {_BITS} bits; got {distance}.")
    thumbnails = _thumbnails(images, image_format)
    hashes = _hashes(thumbnails)
    found = [pairs[_alike(thumbnails, pairs)] for pairs in _close(hashes, distance)]
    return np.concatenate([np.empty((0, 2), dtype=np.int64), *found])


def warn_of_near_duplicates(
    images: Any,
    splits: Iterable[Split],
    *,
    image_shape: tuple[int, ...] | None = None,
    image_format: str = "auto",
    stacklevel: int = 2,
) -> int:
    """Return how many splits test on a near-duplicate of an image that they train on, and warn if there is one.

    Parameters
    ----------
    images
        All rows, as ``near_duplicate_groups`` takes them, or flat (n, d) with ``image_shape``.
    splits
        The splits to come.
    image_shape, image_format
        As in ``SyntheticAugmenter``.
    stacklevel
        As in ``warnings.warn``, seen from the caller.

    Warns
    -----
    LeakWarning
        If there is one; it names pairs of rows by number.
    """
    shaped, splits = unflatten(np.asarray(unwrap(known(images))[0]), image_shape), list(splits)
    pairs = near_duplicate_pairs(shaped, image_format=image_format)
    torn = [part for split in splits if len(part := _torn(pairs, split, len(images)))]
    if torn:
        told = ", ".join(f"{first} and {second}" for first, second in torn[0][:_NAMED].tolist())
        more = ", ..." if len(torn[0]) > _NAMED else ""
        warnings.warn(
            "images that are tested should not be near-duplicates of images that are trained on; got such pairs in "
            f"{len(torn)} of {len(splits)} splits (in the first of them rows {told}{more}). Give them one group: "
            "groups=near_duplicate_groups(X, groups).",
            LeakWarning,
            stacklevel=stacklevel + 1,
        )
    return len(torn)


def _torn(pairs: np.ndarray, split: Split, n_rows: int) -> np.ndarray:
    """Return the pairs (k, 2) of which one is trained and the other tested on."""
    side = np.zeros(n_rows, dtype=np.int8)
    side[split.train], side[split.test] = 1, -1
    return pairs[side[pairs[:, 0]] * side[pairs[:, 1]] < 0]


def _numbered(parts: np.ndarray) -> np.ndarray:
    """Return parts (n,) as numbers from 0 in the order in which they first appear."""
    _, firsts, places = np.unique(parts, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(firsts))[places].astype(np.int64)


def _thumbnails(images: Any, image_format: str) -> torch.Tensor:
    """Return images as grey levels of mean 0 and norm 1, (n, 1024), float16; all 0 for images of one grey level."""
    plain = unwrap(known(images))[0]
    shape = np.shape(plain)
    if len(shape) not in (3, 4) or 0 in shape[1:]:
        raise ShapeError(
            f"images must have shape (n, h, w), (n, h, w, c) or (n, c, h, w); got {shape}. Flat rows need reshaping."
        )
    axes = read_axes(shape[1:], check_choice("image_format", image_format, FORMATS))
    blocks = [
        _standard(_grey(np.asarray(plain[first : first + _AT_ONCE]), axes)) for first in range(0, shape[0], _AT_ONCE)
    ]
    return torch.cat([torch.empty(0, _SIDE**2, dtype=torch.float16), *blocks])


def _grey(images: np.ndarray, axes: str) -> torch.Tensor:
    grey = torch.from_numpy(np.nan_to_num(images.astype(np.float32)))
    grey = grey if axes == "hw" else grey.mean(1 if axes == "chw" else 3)
    return F.interpolate(grey[:, None], size=(_SIDE, _SIDE), mode="bilinear", antialias=True)


def _standard(grey: torch.Tensor) -> torch.Tensor:
    flat = grey.flatten(1)
    centred = flat - flat.mean(1, keepdim=True)
    norms = centred.norm(dim=1, keepdim=True)
    empty = norms <= _FLAT * flat.norm(dim=1, keepdim=True)
    return torch.where(empty, 0.0, centred / norms.clamp_min(1e-30)).half()


def _hashes(thumbnails: torch.Tensor) -> torch.Tensor:
    """Return the hash of each thumbnail as signs -1 and 1, shape (n, 63), float32."""
    squares = thumbnails.float().numpy().reshape(-1, _SIDE, _SIDE)
    waves = dctn(squares, axes=(1, 2), norm="ortho")[:, :_KEPT, :_KEPT].reshape(-1, _BITS + 1)[:, 1:]
    return torch.from_numpy(np.where(waves > np.median(waves, axis=1, keepdims=True), 1.0, -1.0).astype(np.float32))


def _close(hashes: torch.Tensor, distance: int) -> Iterator[np.ndarray]:
    """Yield pairs (k, 2) of rows whose hashes differ in so many bits at most: by a product of signs, 63 less twice
    the bits.
    """
    for first in range(0, len(hashes), _COMPARED_AT_ONCE):
        block = hashes[first : first + _COMPARED_AT_ONCE]
        near = (block @ hashes[first:].T >= _BITS - 2 * distance).triu(1).nonzero()
        yield near.numpy() + first


def _alike(thumbnails: torch.Tensor, pairs: np.ndarray) -> np.ndarray:
    """Return which pairs (k, 2) of thumbnails correlate enough, bool, shape (k,)."""
    blocks = np.array_split(pairs, max(1, -(-len(pairs) // _AT_ONCE)))
    sides = [(thumbnails[block[:, 0]].float(), thumbnails[block[:, 1]].float()) for block in blocks]
    return np.concatenate([((left * right).sum(1) >= _CORRELATION).numpy() for left, right in sides])
