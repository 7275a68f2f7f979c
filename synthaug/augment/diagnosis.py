"""What went wrong while learning, in words: each finding says where, what shows it, and what to do.

A check is a function of what is known of a run that returns findings, none where all is well.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from synthaug._check import FEWEST_ROWS
from synthaug.generators import LatentGAN
from synthaug.training.session import Ending

_ADDED_NOTHING = 0.33  # within-class diversity, over the real rows', of a GAN that was measured to add nothing
_TOO_ALIKE = 0.4
_CRITIC_WON = 0.98
_MOSTLY_ANOTHER = 0.5
_STILL_FALLING = 0.9
_LAST_SHARE = 4
_FEW_ROWS = 4


@dataclass(frozen=True)
class Finding:
    """One thing that went wrong.

    Attributes
    ----------
    kind
        A key of ``CHECKS``.
    where
        The class, ``all rows`` where they have no labels, or ``the run``.
    evidence, remedy
        What shows it, with figures, and what to do.
    """

    kind: str
    where: str
    evidence: str
    remedy: str

    def __str__(self) -> str:
        """Return one sentence and the remedy."""
        return f"{self.kind} ({self.where}): {self.evidence}. {self.remedy}"


@dataclass(frozen=True)
class Course:
    """What is known of a run.

    Attributes
    ----------
    counts
        Training rows of each class, learned or not.
    history, looks, quality
        The augmenter's ``history_``, ``quality_history_`` and ``quality_``.
    ending
        How the run ended; None where the learner does not say, or nothing was learned.
    learner
        Who learned; None where nobody did. What is advised is what it can follow.
    """

    counts: dict[Any, int]
    history: pd.DataFrame
    looks: pd.DataFrame
    quality: pd.DataFrame
    ending: Ending | None
    learner: Any = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The learner's parameters by name; none of nobody."""
        return {} if self.learner is None else self.learner.get_params()


def diagnose(course: Course) -> list[Finding]:
    """Return what went wrong in a run, the gravest first.

    Examples
    --------
    >>> import pandas as pd
    >>> nothing = pd.DataFrame()
    >>> for finding in diagnose(Course({"cat": 30, "dog": 1}, nothing, nothing, nothing, None)):
    ...     print(finding)
    too few rows (class 'dog'): 1 training row, and from one row nothing can be learned that it does not show. \
Add rows: at least 2 are needed. Until then no synthetic row is drawn.
    """
    return [Finding(kind, *words) for kind, check in CHECKS.items() for words in check(course)]


Words = Iterator[tuple[str, str, str]]


def _diverged(course: Course) -> Words:
    if course.ending is not None and course.ending.kind == "diverged":
        kept = course.ending.kept_step
        yield (
            "the run",
            f"a loss was no longer finite at step {course.ending.step}, so the weights of step {kept} are kept",
            _steadier(course.parameters),
        )


def _steadier(parameters: dict[str, Any]) -> str:
    rates: list[str] = [name for name in ("lr", "critic_lr") if name in parameters] or ["the learning rate"]
    ways = [f"lower {' and '.join(rates)}"]
    if parameters.get("objective", "hinge") != "hinge":
        ways.append("choose the objective 'hinge'")
    return _either(ways)


def _collapsed(course: Course) -> Words:
    remedy = _more_varied(course)
    if course.ending is not None and course.ending.kind == "collapsed":
        step, kept = course.ending.step, course.ending.kept_step
        yield (
            "the run",
            f"drawn rows{_of_which(course)} became one, so training stopped at step {step} and keeps the weights of "
            f"step {kept}",
            remedy,
        )
    for label, value in _measured(course, "diversity"):
        if value < _TOO_ALIKE:
            yield (
                _place(label),
                f"drawn rows differ from one another {value:.2f} times as much as real ones; a GAN at {_ADDED_NOTHING} "
                "added nothing in our measurements",
                remedy,
            )


def _of_which(course: Course) -> str:
    if len(course.counts) < 2:
        return ""
    return " of a class" if course.parameters.get("per_class") else " of at least half of the classes"


def _more_varied(course: Course) -> str:
    ways = ["lower critic_lr"] if "critic_lr" in course.parameters else []
    if not isinstance(course.learner, LatentGAN):
        ways.insert(0, "use the learner 'latent_gan', whose rows lie between real ones")
    return _either(ways)


def _critic_won(course: Course) -> Words:
    if "critic_accuracy" not in course.history:
        return
    accuracy = float(_last(course.history)["critic_accuracy"].mean())
    if accuracy >= _CRITIC_WON:
        yield (
            "the run",
            f"in the last quarter of the run the critic told {accuracy:.1%} of real and drawn rows apart, so the "
            "generator had nothing to go by",
            _weaker_critic(course.parameters),
        )


def _weaker_critic(parameters: dict[str, Any]) -> str:
    ways = ["lower critic_lr" if "critic_lr" in parameters else "lower the critic's learning rate"]
    if parameters.get("policy", "auto") != "auto":
        ways.append("take the policy 'auto'")
    if "regularisers" in parameters:
        has_one = "r1" in (parameters["regularisers"] or {})
        ways.append("raise the weight of 'r1' in regularisers" if has_one else "add regularisers={'r1': 0.1}")
    return _either(ways)


def _wrong_class(course: Course) -> Words:
    for label, value in _measured(course, "another_class"):
        if value > _MOSTLY_ANOTHER:
            yield (
                _place(label),
                f"the selector takes {value:.0%} of the drawn rows for rows of another class",
                "Learn longer (n_steps), or add training rows of the classes that it is taken for.",
            )


def _too_few_rows(course: Course) -> Words:
    for label, n in course.counts.items():
        if n < FEWEST_ROWS:
            yield (
                _place(label),
                f"{n} training row, and from one row nothing can be learned that it does not show",
                f"Add rows: at least {FEWEST_ROWS} are needed. Until then no synthetic row is drawn.",
            )
        elif n < _FEW_ROWS:
            yield (
                _place(label),
                f"{n} training rows; of digits with 2 or 3 rows, beside classes of 60, drawn rows were measured to be "
                "of the right class, but only 0.65 ('latent_gan') or 0.45 ('cgan') times as different as real ones",
                _either(["add rows", *_who_borrows(course)]),
            )


def _who_borrows(course: Course) -> list[str]:
    if len(course.counts) < 2 or isinstance(course.learner, LatentGAN):
        return []
    return ["use the learner 'latent_gan', which borrows styles from the other classes"]


def _unfinished(course: Course) -> Words:
    mean = course.looks.groupby("step")["distance"].mean() if len(course.looks) else pd.Series(dtype=float)
    if len(mean) <= _LAST_SHARE or course.ending is None or course.ending.kind not in ("finished", "cut", "stopped"):
        return
    before = float(mean.iloc[: -(len(mean) // _LAST_SHARE)].min())
    if mean.idxmin() == mean.index[-1] and 0 < mean.iloc[-1] < _STILL_FALLING * before:
        yield (
            "the run",
            f"in the last quarter the distance to real rows still fell, by {1 - mean.iloc[-1] / before:.0%}",
            "Learn longer: n_steps, max_steps or max_seconds.",
        )


def _measured(course: Course, metric: str) -> Iterator[tuple[Any, float]]:
    if len(course.quality):
        chosen = course.quality[course.quality["metric"] == metric]
        yield from zip(chosen["class"], chosen["value"], strict=True)


def _place(label: Any) -> str:
    return "all rows" if pd.isna(label) else f"class {label!r}"


def _either(ways: Sequence[str]) -> str:
    *before, last = ways
    text = f"{', '.join(before)}, or {last}." if before else f"{last}."
    return text[:1].upper() + text[1:]


def _last(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[-max(1, len(frame) // _LAST_SHARE) :]


CHECKS: dict[str, Callable[[Course], Words]] = {
    "divergence": _diverged,
    "collapse within a class": _collapsed,
    "the critic won": _critic_won,
    "wrong class": _wrong_class,
    "too few rows": _too_few_rows,
    "not finished": _unfinished,
}
