"""The study's answer in sentences: what to do first, then each way with learned rows beside the best without."""

import re
from typing import TYPE_CHECKING, Any

from synthaug.statistics.units import unit_of

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison
    from synthaug.experiment.verdict import Verdict

Part = dict[str, Any]
STYLE_OF_WORD = {"helps": "helps", "hurts": "hurts", "no evidence": "flat", "baseline": "base"}
_UNLIKELY = 0.05
_MOST_SENTENCES = 4


def verdict_part(comparison: "Comparison") -> Part:
    """Return the answer, and a sentence for each arm that was asked about: the first few, and the rest."""
    found = [comparison.verdict(arm, comparison.reference) for arm in asked_arms(comparison)]
    if len(found) > _MOST_SENTENCES:
        found.sort(key=lambda one: -one.difference)
    sentences = [{"style": style_of(one), "text": true_minus(str(one))} for one in found]
    first, rest = sentences[:_MOST_SENTENCES], sentences[_MOST_SENTENCES:]
    return {"answer": answer(comparison), "sentences": first, "others": rest}


def spoken_verdict(comparison: "Comparison") -> list[str]:
    """Return the answer and every sentence, a text each."""
    said = verdict_part(comparison)
    first = " ".join([said["answer"]["word"], said["answer"]["text"]]).strip()
    return [first, *[one["text"] for one in (*said["sentences"], *said["others"])]]


def style_of(verdict: "Verdict") -> str:
    """Return how a verdict is coloured: ``helps``, ``hurts`` or ``flat``."""
    return STYLE_OF_WORD[verdict.word]


def asked_arms(comparison: "Comparison") -> list[str]:
    """Return the arms that the study is about: those with learned rows, or all, but what they are compared with."""
    return [arm for arm in comparison.learned_arms or comparison.arms if arm != comparison.reference]


def answer(comparison: "Comparison") -> Part:
    """Return what the study says should be done: a style, a first word, and one to three sentences."""
    asked = [comparison.verdict(arm, comparison.reference) for arm in asked_arms(comparison)]
    told = [one for one in asked if not one.same]
    if not comparison.learned_arms or not told:
        return _plain_answer(comparison)
    shown = [one for one in told if one.word == "helps"]
    best = max(shown or told, key=lambda one: one.difference)
    if all(one.tied for one in told):
        return _tied(best, comparison)
    if shown:
        return _told("helps", "Yes.", f"{_over(best, comparison)}{_probable(best, comparison)}")
    return _no(best, told, comparison)


def _plain_answer(comparison: "Comparison") -> Part:
    """Return the answer of a study without learned rows, or where they changed nothing."""
    reference, base = comparison.reference, comparison.baseline
    word = "Learned rows changed nothing." if comparison.learned_arms else ""
    if reference == base:
        return _told("flat", word, f"No other way scored better than {base}. Train with {base}.")
    found = comparison.verdict(reference, base)
    return _told(style_of(found), word, f"{reference} scored best: {_size(found)} over {base}.")


def _over(best: "Verdict", comparison: "Comparison") -> str:
    if best.baseline == comparison.baseline:
        return f"{best.arm} gains {_size(best)} over {best.baseline}."
    return f"{best.arm} gains {_size(best)} over {best.baseline}, the best way without learned rows."


def _tied(best: "Verdict", comparison: "Comparison") -> Part:
    reference, unit = comparison.reference, unit_of(comparison.scoring)
    score = unit.value(float(comparison.summary()["score"][reference]))
    text = (
        f"{best.arm} scored as {reference} did on every split, {score}, so this study cannot tell them apart: more or "
        f"harder test rows might. Until then, train with {reference}{_gain_of(comparison)}."
    )
    return _told("flat", "Not shown.", text)


def _no(best: "Verdict", told: list["Verdict"], comparison: "Comparison") -> Part:
    reference, unit = comparison.reference, unit_of(comparison.scoring)
    rope = _with_points(unit.size(comparison.rope), unit.points)
    train = f"train with {reference}{_gain_of(comparison)}."
    if all(one.word == "hurts" for one in told):
        return _told("hurts", "No.", f"Every way with learned rows does worse than {reference}. So {train}")
    if max(comparison.practical(one.arm, reference).gain for one in told) < _UNLIKELY:
        return _told("flat", "No.", f"A gain above {rope} over {reference} is unlikely. So {train}")
    kind = "draws" if comparison.design == "draws" else "rows"
    text = (
        f"No way with learned rows is shown to beat {reference}. The nearest, {best.arm}, differs by "
        f"{_size(best)}.{_probable(best, comparison)} Until more {kind} say otherwise, {train}"
    )
    return _told("flat", "Not shown.", text)


def _told(style: str, word: str, text: str) -> Part:
    return {"style": style, "word": word, "text": text}


def _gain_of(comparison: "Comparison") -> str:
    """Return what the best way without learned rows gains over the baseline, where it is shown to gain."""
    if comparison.reference == comparison.baseline:
        return ""
    found = comparison.verdict(comparison.reference, comparison.baseline)
    return f", which gains {_size(found)} over {found.baseline}" if found.word == "helps" else ""


def _probable(verdict: "Verdict", comparison: "Comparison") -> str:
    unit = unit_of(comparison.scoring)
    found = comparison.practical(verdict.arm, verdict.baseline)
    rope = _with_points(unit.size(found.rope), unit.points)
    return f" A gain above {rope} is {probability_text(found.gain)} probable."


def _size(verdict: "Verdict") -> str:
    unit = unit_of(verdict.metric)
    size = _with_points(unit.difference(verdict.difference), unit.points)
    return f"{size} ({unit.difference(verdict.low)} to {unit.difference(verdict.high)})"


def _with_points(number: str, points: str) -> str:
    return f"{number} {points}" if points else number


def probability_text(share: float) -> str:
    """Return a probability in whole percent, never 0 or 100."""
    return "under 1 %" if share < 0.01 else "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def true_minus(text: str) -> str:
    """Return a text whose hyphens before numbers are minus signs."""
    return re.sub(r"(?<![\w])-(?=\d)", "−", text)
