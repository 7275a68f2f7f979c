"""One size for all images: resampled with anti-aliasing, padded, cropped or stretched."""

import numpy as np
from PIL import Image

from synthaug.data.readers.records import Resizing

ASPECTS = ("pad", "crop", "stretch")


def fitted(image: np.ndarray, spacing: tuple[float, float] | None, how: Resizing) -> np.ndarray:
    """Return an image (h, w) or (h, w, c) of any type, brought to the spacing and size asked for, as float32.

    Shrinking averages over all pixels that fall into one (a triangle filter as wide as the new pixel), so that no fine
    texture turns into a coarse one. An image that needs no change comes back as it is.
    """
    if how.spacing is not None and spacing is not None:
        image = _resampled(image, _at_spacing(image, spacing, how.spacing))
    return image if how.size is None else _sized(image, how)


def size_after(size: tuple[int, int], spacing: tuple[float, float] | None, how: Resizing) -> tuple[int, int]:
    """Return the (h, w) that ``fitted`` gives an image of a size."""
    if how.size is not None:
        return how.size
    return size if how.spacing is None or spacing is None else _scaled(size, spacing, how.spacing)


def spacing_after(
    size: tuple[int, int], spacing: tuple[float, float] | None, how: Resizing
) -> tuple[float, float] | None:
    """Return the millimetres (row, column) a pixel after ``fitted``."""
    if spacing is None:
        return None
    resampled = size if how.spacing is None else _scaled(size, spacing, how.spacing)
    inner = resampled if how.size is None else _inner(resampled, how)
    rows, columns = (old / new * each for old, new, each in zip(size, inner, spacing, strict=True))
    return rows, columns


def _at_spacing(image: np.ndarray, spacing: tuple[float, float], wanted: tuple[float, float]) -> tuple[int, int]:
    return _scaled((image.shape[0], image.shape[1]), spacing, wanted)


def _scaled(size: tuple[int, int], spacing: tuple[float, float], wanted: tuple[float, float]) -> tuple[int, int]:
    height, width = (max(1, round(n * own / new)) for n, own, new in zip(size, spacing, wanted, strict=True))
    return height, width


def _sized(image: np.ndarray, how: Resizing) -> np.ndarray:
    assert how.size is not None
    inner = _resampled(image, _inner((image.shape[0], image.shape[1]), how))
    return _padded(_cropped(inner, how.size), how.size)


def _inner(size: tuple[int, int], how: Resizing) -> tuple[int, int]:
    """Return the (h, w) of the whole image before edges are added or cut."""
    assert how.size is not None
    if how.aspect == "stretch":
        return how.size
    factors = [new / old for new, old in zip(how.size, size, strict=True)]
    factor = min(factors) if how.aspect == "pad" else max(factors)
    height, width = (max(1, round(factor * side)) for side in size)
    return height, width


def _resampled(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if image.shape[:2] == size:
        return image
    if image.ndim == 3:
        return np.stack([_resampled(image[..., c], size) for c in range(image.shape[2])], axis=-1)
    plane = Image.fromarray(np.ascontiguousarray(image, dtype=np.float32))
    return np.asarray(plane.resize((size[1], size[0]), Image.Resampling.BILINEAR))


def _cropped(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    top, left = (max(0, (old - new) // 2) for old, new in zip(image.shape[:2], size, strict=True))
    return image[top : top + size[0], left : left + size[1]]


def _padded(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    missing = [new - old for new, old in zip(size, image.shape[:2], strict=True)]
    edges = [(n // 2, n - n // 2) for n in missing] + [(0, 0)] * (image.ndim - 2)
    return np.pad(image, edges, constant_values=image.min()) if any(missing) else image
