"""What is seen of a learner while it trains, and what follows: when to stop, and which weights to keep.

Sixteen times a run samples of the same noise and labels are drawn from the averaged generator and compared, class by
class, with real rows in the features of a fixed random network, centred and scaled by the real rows so that the
kernel's higher orders count::

    distance     kernel distance (squared MMD) between drawn and real rows, which are held out where there are many
    diversity    mean pairwise distance of drawn rows over that of real ones

Everything is decided from the list of looks, so a resumed run decides what an undisturbed one does. Training settles
when the distance to held-out rows has not fallen for a quarter of the run (Prechelt, "Early Stopping, But When?",
1998; the distance is that of Bińkowski et al., "Demystifying MMD GANs", 2018). It has collapsed when in at least half
of the classes all drawn rows have been one for a quarter of the run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from synthaug._seed import derive, torch_stream
from synthaug.data.schema import Schema
from synthaug.errors import DivergedError
from synthaug.models.features import RandomFeatures
from synthaug.quality.distances import diversity_ratio, kernel_distance

Draw = Callable[[Tensor, int], Tensor]

LOOKS_A_RUN = 16
PATIENCE = 4  # looks: a quarter of the run
COLLAPSED = 0.05
_FEWEST_STEPS_APART = 25
_ROWS_A_LOOK, _FEWEST_A_CLASS, _MOST_A_CLASS = 200, 8, 64  # about the cost of two steps
_SHOWN_A_CLASS, _MOST_SHOWN, _MOST_NUMBERS_SHOWN = 6, 60, 2**18
_ROWS_COMPARED_WITH = 1280
_CHUNK = 64


@dataclass(frozen=True)
class Look:
    """How near drawn rows are to real ones after a step.

    Attributes
    ----------
    step
        The step.
    distance, diversity
        For each class; NaN for a class of fewer than two real rows, or of equal ones (diversity).
    """

    step: int
    distance: tuple[float, ...]
    diversity: tuple[float, ...]

    @property
    def mean_distance(self) -> float:
        """The mean over the classes that have a distance; infinite where none has, or half of all have collapsed."""
        known = [value for value in self.distance if value == value]
        n_collapsed = sum(value < COLLAPSED for value in self.diversity)
        return sum(known) / len(known) if known and 2 * n_collapsed < len(self.diversity) else float("inf")


def best_look(looks: Sequence[Look]) -> int:
    """Return the place of the look of least mean distance, the latest of equals."""
    return min(range(len(looks)), key=lambda place: (looks[place].mean_distance, -place))


def has_settled(looks: Sequence[Look]) -> bool:
    """Return whether the last looks, as many as patience allows, brought nothing nearer."""
    return len(looks) > PATIENCE and best_look(looks) < len(looks) - PATIENCE


def collapsed_classes(looks: Sequence[Look]) -> list[int]:
    """Return the classes whose drawn rows were one in each of the last looks, as many as patience allows."""
    last = looks[-PATIENCE:]
    if len(last) < PATIENCE:
        return []
    return [number for number, row in enumerate(zip(*(look.diversity for look in last), strict=True)) if _is_one(row)]


def has_collapsed(looks: Sequence[Look]) -> bool:
    """Return whether at least half of the classes collapsed, the first quarter of the run left out."""
    past_the_start = looks[PATIENCE:]
    return bool(past_the_start) and 2 * len(collapsed_classes(past_the_start)) >= len(looks[0].diversity)


def shares_shown(counts: Sequence[int], numbers_a_sample: int) -> list[int]:
    """Return how many of their samples each of several learners may show, so that together they are not too many.

    Parameters
    ----------
    counts
        How many each of them shows alone.
    numbers_a_sample
        Numbers in a sample.
    """
    fitting, n = _most_shown(numbers_a_sample), len(counts)
    return [min(count, (fitting - place - 1) // n + 1) for place, count in enumerate(counts)]


def _most_shown(numbers_a_sample: int) -> int:
    return min(_MOST_SHOWN, max(1, _MOST_NUMBERS_SHOWN // numbers_a_sample))


def look_steps(n_steps: int) -> int:
    """Return how many steps lie between two looks."""
    return max(_FEWEST_STEPS_APART, n_steps // LOOKS_A_RUN)


@dataclass(frozen=True)
class Reference:
    """Real rows to compare with, as features.

    Attributes
    ----------
    network
        Rows to features.
    centre, scale
        What is taken from features, shape (d,), and what the rest is divided by: then the mean squared norm is d.
    features
        For each class (m, d), at most 64 rows.
    is_held_out
        Whether the learner never trains on these rows, so that their distance may decide when to stop.
    """

    network: RandomFeatures
    centre: Tensor
    scale: Tensor
    features: tuple[Tensor, ...]
    is_held_out: bool

    @classmethod
    def of(cls, x: Tensor, y: Tensor, *, schema: Schema, is_held_out: bool, seed: int = 0) -> "Reference":
        """Return samples x (n, ...) of classes y (n,), where they are many some at random, as features."""
        network = RandomFeatures(schema)
        most = max(_FEWEST_A_CLASS, min(_MOST_A_CLASS, _ROWS_COMPARED_WITH // schema.n_classes))
        stream = torch_stream(seed, "reference")
        places = [torch.nonzero(y == number)[:, 0] for number in range(schema.n_classes)]
        chosen = [x[each[torch.randperm(len(each), generator=stream)[:most]]].cpu() for each in places]
        features = network(torch.cat(chosen))
        centre = features.mean(0)
        scale = (features - centre).square().mean().sqrt()
        scale = torch.where(scale > 0, scale, 1.0)
        parts = ((features - centre) / scale).split([len(rows) for rows in chosen])
        return cls(network, centre, scale, parts, is_held_out)

    def compare(self, step: int, samples: Tensor, labels: Tensor) -> Look:
        """Return the look at samples (k, ...) of classes (k,) after a step."""
        drawn = (self.network(samples) - self.centre) / self.scale
        pairs = [(real, drawn[labels == number]) for number, real in enumerate(self.features)]
        nothing = float("nan")
        enough = [len(real) > 1 and len(ours) > 1 for real, ours in pairs]
        distance = [kernel_distance(*pair) if fine else nothing for pair, fine in zip(pairs, enough, strict=True)]
        diversity = [diversity_ratio(*pair) if fine else nothing for pair, fine in zip(pairs, enough, strict=True)]
        return Look(step, tuple(distance), tuple(diversity))


@dataclass
class Watch:
    """The looks of a run, what was shown of each, and the best weights.

    Attributes
    ----------
    average
        The averaged network that is to be kept.
    draw
        Draws from it.
    reference
        What is compared with.
    n_classes, seed
        Whose samples are drawn, and the seed of their noise.
    first_step
        Before it nothing is looked at: the label is still being brought in.
    looks, snapshots, best
        What was seen: the looks, at each the samples shown (k, ...), and the weights of the best look.
    """

    average: nn.Module
    draw: Draw
    reference: Reference
    n_classes: int
    seed: int
    first_step: int = 0
    looks: list[Look] = field(default_factory=list)
    snapshots: list[Tensor] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    @property
    def labels(self) -> Tensor:
        """The classes drawn at each look, in turn, shape (k,)."""
        share = _ROWS_A_LOOK // self.n_classes
        return torch.arange(self.n_classes * max(_FEWEST_A_CLASS, min(_MOST_A_CLASS, share))) % self.n_classes

    def shown(self, numbers_a_sample: int) -> Tensor:
        """Return which of the samples drawn are shown, class by class."""
        labels = self.labels[: min(_SHOWN_A_CLASS * self.n_classes, _most_shown(numbers_a_sample))]
        return torch.argsort(labels, stable=True)

    @property
    def shown_labels(self) -> Tensor:
        """The classes of the samples shown, shape (k,)."""
        if not self.snapshots:
            return torch.empty(0, dtype=torch.int64)
        return self.labels[self.shown(self.snapshots[0][0].numel())]

    def look(self, step: int) -> None:
        """Draw, compare, and keep the weights if they are the best so far.

        Raises
        ------
        DivergedError
            If a drawn number is not finite.
        """
        labels = self.labels
        parts = enumerate(labels.split(_CHUNK))
        samples = torch.cat([self.draw(part, derive(self.seed, "look", place)) for place, part in parts]).cpu().clone()
        if not bool(samples.isfinite().all()):
            raise DivergedError(f"drawn rows must stay finite; got others after step {step}. Lower lr and critic_lr.")
        self.looks.append(self.reference.compare(step, samples, labels))
        self.snapshots.append(samples[self.shown(samples[0].numel())])
        if best_look(self.looks) == len(self.looks) - 1:
            self.best = {name: value.detach().clone() for name, value in self.average.state_dict().items()}

    def verdict(self) -> str | None:
        """Return ``collapsed`` or ``settled`` if training is to stop for it, else None."""
        if has_collapsed(self.looks):
            return "collapsed"
        return "settled" if self.reference.is_held_out and has_settled(self.looks) else None

    def restore(self) -> int:
        """Set the average to the best weights; return their step."""
        self.average.load_state_dict(self.best)
        return self.looks[best_look(self.looks)].step

    def pack(self) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
        """Return weights and snapshots as flat tensors, and the looks as JSON holds them."""
        tensors = {f"best.{name}": value for name, value in self.best.items()}
        tensors |= {f"snapshot.{place}": value for place, value in enumerate(self.snapshots)}
        return tensors, [vars(look) for look in self.looks]

    def unpack(self, tensors: dict[str, Tensor], looks: list[dict[str, Any]]) -> None:
        """Set what ``pack`` gave."""
        self.looks = [Look(look["step"], tuple(look["distance"]), tuple(look["diversity"])) for look in looks]
        self.snapshots = [tensors[f"snapshot.{place}"] for place in range(len(looks))]
        self.best = {name.removeprefix("best."): value for name, value in tensors.items() if name.startswith("best.")}


def _is_one(diversity: tuple[float, ...]) -> bool:
    return all(value < COLLAPSED for value in diversity)
