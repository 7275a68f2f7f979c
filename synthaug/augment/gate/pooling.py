"""The inner learners together: what is drawn in the end comes from all of them, so the gate costs no further one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.plan import Counts
from synthaug.data.container import join


@dataclass(frozen=True)
class PooledSource:
    """Several fitted augmenters as one: each draws an equal share."""

    sources: tuple[SyntheticAugmenter, ...]

    def sample(self, n_per_class: Mapping[Any, int], *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for, from those learners that learned the class."""
        parts = []
        for number, source in enumerate(self.sources):
            share = {label: self._share(label, int(n), number) for label, n in n_per_class.items()}
            seed = None if random_state is None else derive(random_state, "source", number)
            parts.append(source.sample(share, random_state=seed))
        X, y = parts[0]
        for more_X, more_y in parts[1:]:
            X, y = join(X, more_X), join(y, more_y)
        return X, y

    def _share(self, label: Any, n: int, number: int) -> int:
        able = [place for place, source in enumerate(self.sources) if source.class_counts_.get(label, 0) >= FEWEST_ROWS]
        if number not in able:
            return 0
        return n // len(able) + (able.index(number) < n % len(able))


def final_plan(plan: Counts, sources: tuple[SyntheticAugmenter, ...]) -> Counts:
    """Return the plan with 0 for classes that no inner learner has learned."""
    learned = {label for source in sources for label, n in source.class_counts_.items() if n >= FEWEST_ROWS}
    return {label: n if label in learned else 0 for label, n in plan.items()}
