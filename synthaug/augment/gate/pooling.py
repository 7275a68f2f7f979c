"""The inner learners together: what is drawn in the end comes from all of them, so the gate costs no further one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.plan import Counts
from synthaug.data.container import join
from synthaug.errors import LabelError


@dataclass(frozen=True)
class PooledSource:
    """Several fitted augmenters as one: each draws an equal share."""

    sources: tuple[SyntheticAugmenter, ...]

    def sample(self, n_per_class: Mapping[Any, int], *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for, from those learners that learned the class.

        Raises
        ------
        LabelError
            If rows of a class are asked for that none of them learned.
        """
        learned = [learned_by(source) for source in self.sources]
        parts = []
        for number, (source, share) in enumerate(zip(self.sources, _shares(n_per_class, learned), strict=True)):
            seed = None if random_state is None else derive(random_state, "source", number)
            parts.append(source.sample(share, random_state=seed))
        X, y = parts[0]
        for more_X, more_y in parts[1:]:
            X, y = join(X, more_X), join(y, more_y)
        return X, y


def learned_by(source: SyntheticAugmenter) -> set[Any]:
    """Return the labels of which a fitted augmenter can draw rows."""
    return {label for label, n in source.class_counts_.items() if n >= FEWEST_ROWS}


def _shares(n_per_class: Mapping[Any, int], learned: list[set[Any]]) -> list[Counts]:
    """Return what each learner is asked for, given the labels it learned: of no other, for it may not know them."""
    shares: list[Counts] = [{} for _ in learned]
    for label, n in n_per_class.items():
        able = [share for share, labels in zip(shares, learned, strict=True) if label in labels]
        if n and not able:
            raise LabelError(
                f"class must have been learned to be drawn; got {label!r}, of which no inner learner had at least "
                f"{FEWEST_ROWS} rows. The classes are {sorted(set.union(*learned))}."
            )
        for place, share in enumerate(able):
            share[label] = int(n) // len(able) + (place < int(n) % len(able))
    return shares


def final_plan(plan: Counts, sources: tuple[SyntheticAugmenter, ...]) -> Counts:
    """Return the plan with 0 for classes that no inner learner has learned."""
    learned = set().union(*map(learned_by, sources))
    return {label: n if label in learned else 0 for label, n in plan.items()}
