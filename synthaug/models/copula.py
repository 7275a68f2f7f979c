"""Rows of mixed columns by Gaussian copulas: how columns depend, apart from what each is by itself.

A class of many rows is cut into parts, each of them with a copula of its own: a mixture. A row of part p is z ~ N(0,
R_p), a number for each column, and then column by column what z_j stands for: a number is ``Q_pj(z_j)``, Q the
quantiles of the part; a category is the place between whose cuts z_j falls, the cuts being at the shares of the part's
values.

A part's own quantiles are stored for columns of which it has ten numbers or more, as means of two neighbours at least.
Of a smaller one only the mean is stored: the numbers of all parts, each less its part's mean, give the shape.

Nelsen, "An Introduction to Copulas", 2006; Tewari et al., "Parametric Characterization of Multimodal Distributions with
Non-Gaussian Modes", 2011 (mixtures of Gaussian copulas).
"""

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from synthaug.models.heads import Layout

FEWEST_NUMBERS = 10
_FARTHEST = 3.5  # deviations: knots of a quantile function lie evenly between -3.5 and 3.5
_N_KNOTS = 129
_LEAST_SHARE = 1e-6
_DRAWN_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Margins:
    """What each column is by itself, in each of P parts.

    Attributes
    ----------
    knots
        Numbers at 129 even places of z from -3.5 to 3.5, ascending, shape (P, k, 129).
    cuts
        The upper cut of each category's place, in z, shape (P, d), d the length of a row; 0 where no category is.
    order
        For each place of a category the place that holds its rank, shape (d,): cuts ascend along the ranks.
    """

    knots: Tensor
    cuts: Tensor
    order: Tensor

    def numbers(self, z: Tensor, parts: Tensor) -> Tensor:
        """Return the numbers (b, k) of parts (b,) at latent values (b, k)."""
        place = (z.clamp(-_FARTHEST, _FARTHEST) + _FARTHEST) * ((_N_KNOTS - 1) / (2 * _FARTHEST))
        below = place.long().clamp_max(_N_KNOTS - 2)
        where = parts[:, None], torch.arange(z.shape[1])
        return torch.lerp(self.knots[(*where, below)], self.knots[(*where, below + 1)], place - below)

    def places(self, z: Tensor, parts: Tensor, block: Tensor) -> Tensor:
        """Return the places (b, k) of the values of a block of categories (k, width) at latent values (b, k)."""
        rank = (z[..., None] > self.cuts[parts[:, None, None], block][..., :-1]).sum(2)
        return self.order[block][torch.arange(len(block)), rank]


@dataclass(frozen=True, eq=False)
class MixedCopula:
    """The copulas of all parts of all classes.

    Attributes
    ----------
    layout
        Which places of a row hold what.
    margins
        What each column is by itself.
    root
        Lower triangular roots of the correlations, shape (P, m, m): the k numbers first, then the categories in the
        order of the layout's blocks.
    share
        Which share of each class's rows a part holds, shape (n_classes, P); each row's sum is 1.
    """

    layout: Layout
    margins: Margins
    root: Tensor
    share: Tensor

    def parts(self, labels: Tensor, stream: torch.Generator) -> Tensor:
        """Return a part (b,) of each class in ``labels`` (b,), as likely as it is large."""
        luck = torch.rand(len(labels), 1, generator=stream)
        return (luck >= self.share.cumsum(1)[labels, :-1]).sum(1)

    def rows(self, noise: Tensor, parts: Tensor) -> Tensor:
        """Return rows (b, d) of parts (b,) for noise (b, m)."""
        pieces = zip(noise.split(_DRAWN_AT_ONCE), parts.split(_DRAWN_AT_ONCE), strict=True)
        return torch.cat([self._read(self._correlated(*piece), piece[1]) for piece in pieces])

    def _correlated(self, noise: Tensor, parts: Tensor) -> Tensor:
        z = torch.empty_like(noise)
        for number in parts.unique().tolist():
            mine = parts == number
            z[mine] = noise[mine] @ self.root[number].T
        return z

    def _read(self, z: Tensor, parts: Tensor) -> Tensor:
        layout, start = self.layout, len(self.layout.numbers)
        rows = z.new_zeros(len(z), len(self.margins.order))
        rows[:, layout.numbers] = self.margins.numbers(z[:, :start], parts)
        for block in layout.blocks:
            rows.scatter_(1, self.margins.places(z[:, start : start + len(block)], parts, block), 1.0)
            start += len(block)
        rows[:, layout.with_states] *= rows[:, layout.regular]
        return rows

    def state(self) -> dict[str, Tensor]:
        """Return everything but the layout, which the schema gives."""
        return {"root": self.root, "share": self.share} | {
            field.name: getattr(self.margins, field.name) for field in fields(Margins)
        }

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], layout: Layout) -> Self:
        """Return the copulas that ``state`` described."""
        return cls(
            layout, Margins(*(tensors[field.name] for field in fields(Margins))), tensors["root"], tensors["share"]
        )


def fit_margins(x: Tensor, parts: Tensor, layout: Layout, n_parts: int) -> Margins:
    """Return the margins of rows (n, d) of parts (n,), each part at least once."""
    regular = regular_numbers(x, layout)
    values = x[:, layout.numbers].double()
    knots = torch.zeros(n_parts, len(layout.numbers), _N_KNOTS)
    for place in range(len(layout.numbers)):
        seen = regular[:, place]
        knots[:, place] = _quantiles(values[seen, place], parts[seen], n_parts)
    order = _order(x, parts, layout, n_parts)
    return Margins(knots, _cuts(x, parts, layout, order, n_parts), order)


def regular_numbers(x: Tensor, layout: Layout) -> Tensor:
    """Return which numbers (n, k) of rows (n, d) are regular, bool."""
    regular = torch.ones(x.shape, dtype=torch.bool)
    regular[:, layout.with_states] = x[:, layout.regular] > 0
    return regular[:, layout.numbers]


def part_scores(values: Tensor, parts: Tensor, n_parts: int) -> Tensor:
    """Return normal scores (n,) of numbers (n,): their ranks within their part, or, in a small part, among all the
    numbers less the means of their parts.
    """
    rest = values - _part_means(values, parts, n_parts)[parts]
    scores = _scores(rest)
    for number in torch.nonzero(_is_large(parts, n_parts))[:, 0].tolist():
        scores[parts == number] = _scores(values[parts == number])
    return scores


def _quantiles(values: Tensor, parts: Tensor, n_parts: int) -> Tensor:
    """Return the knots (n_parts, 129) of one column's numbers (n,) of parts (n,)."""
    if not len(values):
        return torch.zeros(n_parts, _N_KNOTS)
    means, large = _part_means(values, parts, n_parts), _is_large(parts, n_parts)
    shape = _knots(values - means[parts])
    own = [_knots(values[parts == number]) if large[number] else means[number] + shape for number in range(n_parts)]
    return torch.stack(own).clamp(values.min(), values.max()).float()


def _knots(values: Tensor) -> Tensor:
    """Return the quantiles (129,) of numbers (n,), taken from means of two neighbours or more."""
    n_groups = max(1, len(values) // 2)
    group = torch.arange(len(values)) * n_groups // len(values)
    means = torch.bincount(group, weights=values.sort().values) / torch.bincount(group)
    share = torch.special.ndtr(torch.linspace(-_FARTHEST, _FARTHEST, _N_KNOTS, dtype=values.dtype))
    place = (share * n_groups - 0.5).clamp(0, n_groups - 1)
    below = place.long().clamp_max(max(0, n_groups - 2))
    return torch.lerp(means[below], means[(below + 1).clamp_max(n_groups - 1)], place - below)


def _cuts(x: Tensor, parts: Tensor, layout: Layout, order: Tensor, n_parts: int) -> Tensor:
    """Return the upper cuts (n_parts, d): the pooled shares count as one row more of each part."""
    pooled = x.double().mean(0)
    cuts = torch.zeros(n_parts, x.shape[1])
    for number in range(n_parts):
        rows = x[parts == number].double()
        share = (rows.sum(0) + pooled) / (len(rows) + 1)
        for block in layout.blocks:
            upper = share[order[block]].cumsum(1).clamp(_LEAST_SHARE, 1 - _LEAST_SHARE)
            cuts[number, block] = torch.special.ndtri(upper).float()
    return cuts


def _order(x: Tensor, parts: Tensor, layout: Layout, n_parts: int) -> Tensor:
    """Return for each place of a category which place holds its rank, (d,): values stand in the order of their mean
    along the direction in which rows of a part differ most.
    """
    order = torch.arange(x.shape[1])
    if layout.blocks:
        means = torch.stack([x[parts == number].mean(0) for number in range(n_parts)])
        along = _main_direction(x - means[parts])
        mean = (x.T @ along) / x.sum(0).clamp_min(1.0)
        for block in layout.blocks:
            order[block] = block.gather(1, mean[block].argsort(dim=1, stable=True))
    return order


def _main_direction(rest: Tensor, n_rounds: int = 20) -> Tensor:
    """Return where rows (n, d) lie along the direction of their greatest variance, (n,), by power iteration."""
    along = rest.square().sum(0) + torch.linspace(0.0, 1e-3, rest.shape[1])
    for _ in range(n_rounds):
        along = rest.T @ (rest @ (along / along.norm().clamp_min(1e-12)))
    return rest @ (along / along.norm().clamp_min(1e-12))


def _part_means(values: Tensor, parts: Tensor, n_parts: int) -> Tensor:
    """Return each part's mean (n_parts,); the mean of all where a part has no number."""
    count = torch.bincount(parts, minlength=n_parts)
    means = torch.zeros(n_parts, dtype=values.dtype).index_add_(0, parts, values) / count.clamp_min(1)
    return torch.where(count > 0, means, values.mean())


def _is_large(parts: Tensor, n_parts: int) -> Tensor:
    return torch.bincount(parts, minlength=n_parts) >= FEWEST_NUMBERS


def _scores(values: Tensor) -> Tensor:
    """Return the normal scores (n,) of the ranks of numbers (n,)."""
    rank = torch.empty(len(values), dtype=torch.float64)
    rank[values.argsort(stable=True)] = torch.arange(len(values), dtype=torch.float64)
    return torch.special.ndtri((rank + 0.5) / max(1, len(values)))
