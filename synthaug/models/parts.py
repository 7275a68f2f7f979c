"""Classes cut into parts of rows that are alike: k-means within each class.

Lloyd, "Least Squares Quantization in PCM", 1982; Arthur & Vassilvitskii, "k-means++: The Advantages of Careful
Seeding", 2007 (where it begins).
"""

import torch
from torch import Tensor

_N_ROUNDS = 25
_MOST_ROWS = 10_000  # that centres are sought among
_FEWEST_ROWS = 20  # a part of fewer joins the nearest other


def split_classes(x: Tensor, y: Tensor, n_parts: Tensor, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return each row's part (n,), numbered through all classes, and each class's shares, shape (n_classes, P).

    Parameters
    ----------
    x, y
        Rows (n, d) and classes (n,), each class at least once.
    n_parts
        Into how many parts each class is cut at the most, shape (n_classes,).
    stream
        Where centres are drawn from.
    """
    parts, first, counts = torch.zeros_like(y), 0, list[Tensor]()
    for number, most in enumerate(n_parts.tolist()):
        mine = y == number
        own = split_rows(x[mine], most, stream)
        counts.append(torch.bincount(own))
        parts[mine] = own + first
        first += len(counts[-1])
    return parts, torch.block_diag(*(count[None] / count.sum() for count in counts))


def split_rows(x: Tensor, most: int, stream: torch.Generator) -> Tensor:
    """Return which part each row of (n, d) is in, (n,): at most so many parts, each of 20 rows or more if there are
    several.
    """
    if most == 1:
        return torch.zeros(len(x), dtype=torch.int64)
    some = x[torch.randperm(len(x), generator=stream)[:_MOST_ROWS]]
    centres = _first_centres(some, most, stream)
    for _ in range(_N_ROUNDS):
        nearest = torch.cdist(some, centres).argmin(1)
        count = torch.bincount(nearest, minlength=len(centres))
        sums = torch.zeros_like(centres).index_add_(0, nearest, some)
        centres = torch.where(count[:, None] > 0, sums / count.clamp_min(1)[:, None], centres)
    return _without_small(x, centres)


def _first_centres(rows: Tensor, most: int, stream: torch.Generator) -> Tensor:
    """Return so many rows, the later ones likely to be far from the earlier."""
    centres = rows[:1]
    while len(centres) < most:
        far = torch.cdist(rows, centres).amin(1).square().double().cumsum(0)
        luck = torch.rand((), generator=stream, dtype=torch.float64) * far[-1]
        centres = torch.cat([centres, rows[torch.searchsorted(far, luck).clamp_max(len(rows) - 1)][None]])
    return centres


def _without_small(x: Tensor, centres: Tensor) -> Tensor:
    """Return the nearest centre of each row (n,), after dropping, one by one, those that have the fewest rows."""
    while True:
        nearest = torch.cdist(x, centres).argmin(1)
        count = torch.bincount(nearest, minlength=len(centres))
        if len(centres) == 1 or int(count.min()) >= _FEWEST_ROWS:
            return nearest
        centres = centres[torch.arange(len(centres)) != count.argmin()]
