"""Limits of use in plain words, each derived from what was measured, or from how the rows come to be.

A limit is a function of the evidence that returns sentences, none where it does not apply. A new one is a function and
a line in ``LIMITS``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthaug._check import FEWEST_ROWS
from synthaug.experiment.axis import metric_text
from synthaug.experiment.dossier_evidence import ALL, Evidence, betrayed_classes, weak_classes
from synthaug.experiment.report_classes import few_digits
from synthaug.experiment.report_gate import gate_part
from synthaug.experiment.report_settings import short_name
from synthaug.experiment.report_verdict import answer, asked_arms
from synthaug.quality.measures import MEMBERSHIP
from synthaug.statistics.units import spoken

_FEW_ROWS = 20
_MANY_COPIES = 0.05  # more than this above what held-out real rows get
_MOST_NAMED = 8


@dataclass(frozen=True)
class Limit:
    """One limit of use.

    Attributes
    ----------
    about
        A key of ``LIMITS``.
    text
        A sentence or two: what was found, and what not to do.
    """

    about: str
    text: str


def limits_of_use(evidence: Evidence) -> list[Limit]:
    """Return the limits of use that the evidence calls for, in the order of ``LIMITS``."""
    return [Limit(about, text) for about, check in LIMITS.items() for text in check(evidence)]


def _observations(evidence: Evidence) -> list[str]:
    if not evidence.learners:
        return ["No learner of a generator is part of this study: it says nothing about synthetic rows."]
    return [
        "The synthetic rows are drawn from a learned model. None of them is an observation of a person or a specimen, "
        "and how many there are of a class was asked for, not found. Do not diagnose from them, do not count them as "
        "cases, and do not estimate prevalences, risks or effects from them."
    ]


def _usefulness(evidence: Evidence) -> list[str]:
    comparison = evidence.comparison
    if not comparison.learned_arms:
        return []
    text = answer(comparison)["text"]
    words = {arm: comparison.verdict(arm, comparison.reference).word for arm in asked_arms(comparison)}
    helping = [arm for arm, word in words.items() if word == "helps" and arm in comparison.learned_arms]
    if helping:
        return [f"These rows are shown to help in {', '.join(helping)} only. {text}"]
    if words and set(words.values()) == {"hurts"}:
        return [f"Do not add these rows to training. {text}"]
    return [f"Nothing here shows that these rows make a better classifier. {text}"]


def _transfer(evidence: Evidence) -> list[str]:
    comparison = evidence.comparison
    classifier = short_name(comparison.settings.get("estimator", "one classifier"))
    return [
        f"Utility was measured as {metric_text(comparison.scoring)} of {classifier}, on held-out rows from where the "
        "training rows come from. Another classifier, site, device or year may fare differently: measure again there."
    ]


def _gate(evidence: Evidence) -> list[str]:
    part = gate_part(evidence.comparison)
    if not part["used"]:
        return []
    return [f"The gate chose for each set of training rows anew. {part['used']} Let it choose again on yours."]


def _membership(evidence: Evidence) -> list[str]:
    shown = [name for name in betrayed_classes(evidence) if name != ALL]
    if shown:
        return [
            f"Training rows show in the class{_es(shown)} {_named(shown, _attack(evidence))}: a simple attack tells "
            "who was learned from better than chance. Give these rows and the saved learners only to those who may see "
            "the training rows."
        ]
    if ALL in betrayed_classes(evidence):
        return [
            f"Over all classes a simple attack tells training rows from new ones better than chance "
            f"({_attack(evidence)(ALL)}). Give the rows only to those who may see the training rows."
        ]
    if not np.isfinite(evidence.figure(ALL, MEMBERSHIP, "low")):
        return []
    return [
        f"One simple attack could not tell training rows from new ones ({_attack(evidence)(ALL)}). That is no proof of "
        "privacy: a stronger attack may, and nothing here is a formal guarantee such as differential privacy."
    ]


def _attack(evidence: Evidence) -> Callable[[str], str]:
    def say(name: str) -> str:
        value, low, high = (evidence.figure(name, MEMBERSHIP, which) for which in ("value", "low", "high"))
        return f"AUC {spoken(value, 2)}, {spoken(low, 2)} to {spoken(high, 2)}"

    return say


def _copies(evidence: Evidence) -> list[str]:
    def say(name: str) -> str:
        value, floor = (evidence.figure(name, "copy_rate", which) for which in ("value", "floor"))
        return f"{_percent(value)}, real rows {_percent(floor)}"

    many = [
        name
        for name in evidence.classes
        if evidence.figure(name, "copy_rate") > evidence.figure(name, "copy_rate", "floor") + _MANY_COPIES
    ]
    if not many:
        return []
    return [
        f"More rows than chance explains lie very near to a training row in the class{_es(many)} {_named(many, say)}. "
        "Look at the nearest pairs before any row of these classes leaves the house."
    ]


def _labels(evidence: Evidence) -> list[str]:
    said = "rows may show another class than they are labelled with: do not use them unseen"
    return _said_of(weak_classes(evidence, "agreement"), said)


def _variety(evidence: Evidence) -> list[str]:
    found = weak_classes(evidence, "diversity")
    poor, wild = [one for one in found if one[1] < one[2]], [one for one in found if one[1] >= one[2]]
    return [
        *_said_of(poor, "rows vary less than real ones: they repeat the usual case and lack the unusual ones"),
        *_said_of(wild, "rows vary more than real ones: some show what does not occur"),
    ]


def _coverage(evidence: Evidence) -> list[str]:
    return _said_of(weak_classes(evidence, "coverage"), "rows leave out parts of what real rows show")


def _said_of(found: list[tuple[str, float, float]], what: str) -> list[str]:
    """Return a sentence on classes with their figure and the real rows' own; none of no class."""
    figures = {name: f"{few_digits(value)}, real rows {few_digits(floor)}" for name, value, floor in found}
    names = list(figures)
    return [f"In the class{_es(names)} {_named(names, figures.__getitem__)} {what}."] if names else []


def _few_rows(evidence: Evidence) -> list[str]:
    classes = () if evidence.data is None else evidence.data.classes
    few = {one.name: one.train[0] for one in classes if one.train[0] < _FEW_ROWS}
    none = [name for name, n in few.items() if n < FEWEST_ROWS]
    said = []
    if few and evidence.learners:
        said.append(
            f"The class{_es(few)} {_named(list(few), lambda name: f'{few[name]} rows')} had few training rows. What is "
            "rare within them was never seen, and figures of so few rows are unsure."
        )
    if none and evidence.learners:
        said.append(f"No row can be drawn of {', '.join(none)} where a split holds fewer than {FEWEST_ROWS} of them.")
    return said


def _groups(evidence: Evidence) -> list[str]:
    data = evidence.data
    if data is None or data.n_groups is not None:
        return []
    return [
        "No groups, such as patients, were named, so rows count as independent. Where several come from one person, "
        "the scores are too good, the intervals too narrow and the audit of copies too kind."
    ]


def _torn(evidence: Evidence) -> list[str]:
    data, said = evidence.data, []
    if data is not None and data.most_groups_on_both_sides:
        said.append(
            f"In a split {data.most_groups_on_both_sides} groups lie on both sides: scores are too good. Split anew."
        )
    if data is not None and data.most_twins:
        said.append(f"In a split {data.most_twins} test rows equal a training row in full: scores are too good.")
    alike = int(evidence.comparison.settings.get("splits_with_near_duplicates") or 0)
    if alike:
        said.append(
            f"In {alike} splits a test image is all but the same as a training image: scores are too good. Keep such "
            "images together: near_duplicates: together."
        )
    return said


def _unfinished(evidence: Evidence) -> list[str]:
    done = len(evidence.comparison.splits)
    if done >= evidence.n_planned:
        return []
    return [f"The study is not finished: {done} of {evidence.n_planned} splits are. Every figure may still move."]


def _capped(evidence: Evidence) -> list[str]:
    seconds = (evidence.comparison.settings.get("augmenter") or {}).get("max_seconds", "None")
    if seconds in (None, "None"):
        return []
    return [f"Learning was capped at {seconds} seconds: on another machine the same seed may give other rows."]


def _es(names: object) -> str:
    return "" if len(names) == 1 else "es"  # type: ignore[arg-type]


def _named(names: list[str], say: Callable[[str], str]) -> str:
    """Return names, each with what is to say of it; of many the first few and how many more."""
    shown = [f"{name} ({say(name)})" for name in names[:_MOST_NAMED]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _percent(share: float) -> str:
    return f"{spoken(100 * share, 0)} %" if np.isfinite(share) else "unknown"


LIMITS: dict[str, Callable[[Evidence], list[str]]] = {
    "what the rows are": _observations,
    "usefulness": _usefulness,
    "where it holds": _transfer,
    "the gate": _gate,
    "training rows showing": _membership,
    "copies": _copies,
    "labels": _labels,
    "variety": _variety,
    "coverage": _coverage,
    "few rows": _few_rows,
    "groups": _groups,
    "leaks": _torn,
    "unfinished": _unfinished,
    "time": _capped,
}
