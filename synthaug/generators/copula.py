"""Gaussian copulas of each class: tables of few rows, learned without training a network.

What each column is by itself is kept apart from how columns depend, so both can be learned from a few dozen rows; see
``models/copula.py`` for the rows and ``training/latent_normal.py`` for the correlations and their sources.
"""

import time
from collections.abc import Iterator
from typing import Any, Self

import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from synthaug._check import check_positive
from synthaug._seed import torch_stream
from synthaug.data.schema import Schema, TableSchema
from synthaug.errors import ConfigError
from synthaug.generators.protocol import Limits
from synthaug.models.copula import Margins, MixedCopula, fit_margins, part_scores, regular_numbers
from synthaug.models.heads import Layout, layout_of
from synthaug.models.parts import split_classes
from synthaug.training.latent_normal import Intervals, correlations, first_values, redraw
from synthaug.training.loop import OnStep, StepRecord

_MOST_ROWS = 2000  # of a part: a correlation of so many has a standard error of 0.02 at the most
_RIDGE = 1e-6


class Copula(BaseEstimator):
    """Gaussian copulas, for tables; the default for them. A class of few rows has one, a class of many a mixture.

    Parameters
    ----------
    max_parts, rows_per_part
        A class is cut into parts, each with a copula of its own: one for every ``rows_per_part`` rows, ``max_parts`` at
        most. More parts follow shapes that one cannot, such as several clusters; parts of fewer rows come nearer to
        them.
    n_steps
        How many rounds of drawing the latent values of categories and missing numbers; where a table has neither, the
        first round finds what all others would.

    Attributes
    ----------
    copula_ : MixedCopula
        What was learned: the parts' quantiles, shares of categories, and correlations.
    was_cut_ : bool
        Whether a time limit ended learning.

    Examples
    --------
    >>> import numpy as np
    >>> from synthaug import Copula, SyntheticAugmenter
    >>> X = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=200)
    >>> augmenter = SyntheticAugmenter(Copula(), selection="none", random_state=0).fit(X, np.repeat([0, 1], 100))
    >>> bool(np.corrcoef(augmenter.sample(500)[0].T)[0, 1] > 0.8)
    True
    """

    tables_only = True

    def __init__(self, *, max_parts: int = 8, rows_per_part: int = 150, n_steps: int = 20) -> None:
        self.max_parts = max_parts
        self.rows_per_part = rows_per_part
        self.n_steps = n_steps

    def fit(self, x: Tensor, y: Tensor, *, schema: Schema, seed: int, on_step: OnStep, limits: Limits) -> Self:
        """Learn from rows (n, d) as the schema says, float32, and classes (n,), int64; see ``CGAN.fit``.

        Raises
        ------
        ConfigError
            If a parameter is impossible, or the rows are images.
        """
        for name in ("max_parts", "rows_per_part", "n_steps"):
            check_positive(name, getattr(self, name), integer=True)
        layout, stream = layout_of(_table(schema)), torch_stream(seed, "copula")
        n_parts = (torch.bincount(y, minlength=schema.n_classes) // self.rows_per_part).clamp(1, self.max_parts)
        parts, share = split_classes(x, y, n_parts, stream)
        margins = fit_margins(x, parts, layout, share.shape[1])
        rows = _some_of_each(parts, share.shape[1], stream)
        known = _intervals(x[rows], parts[rows], layout, margins)
        self.story_, self.was_cut_ = list[StepRecord](), False
        self.copula_ = MixedCopula(layout, margins, self._learn(known, stream, on_step, limits), share)
        return self

    def draw(self, labels: Tensor, seed: int) -> Tensor:
        """Return a row (b, d), float32, for each class number in ``labels`` (b,)."""
        return self.copula_.rows(self._noise(labels, seed, "noise"), self._parts(labels, seed))

    def walk(self, labels: Tensor, n_frames: int, seed: int) -> Tensor:
        """Return rows (b, n_frames, d): from one draw of each class in ``labels`` (b,) to another of the
        same part; see ``CGAN.walk``.
        """
        first, last = (self._noise(labels, seed, which)[:, None] for which in ("noise", "other end"))
        angles = torch.linspace(0.0, torch.pi / 2, n_frames)[None, :, None]
        noise = (angles.cos() * first + angles.sin() * last).flatten(0, 1)
        parts = self._parts(labels, seed).repeat_interleave(n_frames)
        return self.copula_.rows(noise, parts).unflatten(0, (-1, n_frames))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return quantiles, shares and correlations, and whether learning was cut."""
        return self.copula_.state(), {"was_cut": self.was_cut_}

    def from_state(self, tensors: dict[str, Tensor], facts: dict[str, Any], schema: Schema) -> Self:
        """Set what ``state`` gave and return self."""
        self.was_cut_ = bool(facts["was_cut"])
        self.copula_ = MixedCopula.from_state(tensors, layout_of(_table(schema)))
        return self

    def _parts(self, labels: Tensor, seed: int) -> Tensor:
        return self.copula_.parts(labels, torch_stream(seed, "parts"))

    def _noise(self, labels: Tensor, seed: int, name: str) -> Tensor:
        return torch.randn(len(labels), self.copula_.root.shape[1], generator=torch_stream(seed, name))

    def _learn(self, known: Intervals, stream: torch.Generator, on_step: OnStep, limits: Limits) -> Tensor:
        """Return the roots of the correlations (n_classes, m, m), and tell every round."""
        began, kept = time.perf_counter(), list[Tensor]()
        n_steps = min(self.n_steps, limits.max_steps or self.n_steps)
        for step, (correlation, change) in enumerate(_rounds(known, stream), start=1):
            kept = [*kept, correlation][-max(1, step // 2) :]
            seconds = time.perf_counter() - began
            self.story_.append(StepRecord(step, n_steps, step * len(known.low), seconds, {"change": change}))
            stopped = on_step(self.story_[-1])
            self.was_cut_ = limits.max_seconds is not None and seconds > limits.max_seconds and step < n_steps
            if stopped or self.was_cut_ or step == n_steps:
                break
        return _root(torch.stack(kept).mean(0))


def _rounds(known: Intervals, stream: torch.Generator) -> Iterator[tuple[Tensor, float]]:
    """Yield the correlations after each round, and the greatest change in it."""
    z = first_values(known, stream)
    found = correlations(z, known.labels, known.n_classes)
    change = float((found - torch.eye(z.shape[1], dtype=z.dtype)).abs().max())
    while True:
        yield found, change
        change = 0.0
        if len(known.free):
            z, before = redraw(z, known, found, stream), found
            found = correlations(z, known.labels, known.n_classes)
            change = float((found - before).abs().max())


def _root(correlation: Tensor) -> Tensor:
    unit = torch.eye(correlation.shape[1], dtype=correlation.dtype)
    return torch.linalg.cholesky((correlation + _RIDGE * unit) / (1 + _RIDGE)).float()


def _intervals(x: Tensor, parts: Tensor, layout: Layout, margins: Margins) -> Intervals:
    """Return where the latent values (n, m) of rows (n, d) of parts (n,) lie: numbers first, then categories."""
    n_parts = len(margins.cuts)
    low = [torch.full((len(x), len(layout.numbers)), -torch.inf, dtype=torch.float64)]
    high = [-low[0]]
    regular, values = regular_numbers(x, layout), x[:, layout.numbers].double()
    for place in range(len(layout.numbers)):
        seen = regular[:, place]
        scores = part_scores(values[seen, place], parts[seen], n_parts)
        low[0][seen, place], high[0][seen, place] = scores, scores
    for block in layout.blocks:
        rank = x[:, margins.order[block]].argmax(2, keepdim=True)
        upper = margins.cuts[:, block].double()
        upper[:, :, -1] = torch.inf
        lower = torch.cat([torch.full_like(upper[:, :, :1], -torch.inf), upper[:, :, :-1]], dim=2)
        low.append(lower[parts].gather(2, rank)[..., 0])
        high.append(upper[parts].gather(2, rank)[..., 0])
    return Intervals(torch.cat(low, 1), torch.cat(high, 1), parts, n_parts)


def _some_of_each(parts: Tensor, n_parts: int, stream: torch.Generator) -> Tensor:
    """Return row numbers, at most 2,000 of each part."""
    places = [torch.nonzero(parts == number)[:, 0] for number in range(n_parts)]
    return torch.cat([mine[torch.randperm(len(mine), generator=stream)[:_MOST_ROWS]] for mine in places])


def _table(schema: Schema) -> TableSchema:
    if not isinstance(schema, TableSchema):
        raise ConfigError(
            "generator must be one that learns images; got 'copula', which learns tables. Take 'latent_gan' or 'cgan'."
        )
    return schema
