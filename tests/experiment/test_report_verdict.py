"""The answer: what it says follows from the verdicts, in every case that a study can end in."""

from dataclasses import replace

import pytest

from synthaug.experiment.comparison import Comparison
from synthaug.experiment.report import report_html
from synthaug.experiment.report_parts import differences_part
from synthaug.experiment.report_verdict import answer, probability_text, spoken_verdict, true_minus, verdict_part
from synthaug.statistics.units import NOT_THERE

HURTS = {"none": 0.0, "smote": 0.03, "gan": -0.05, "gated": -0.02}
USELESS = {"none": 0.0, "smote": 0.03, "gan": 0.03, "classic+gan": 0.03}
NO_LEARNED = {"none": 0.0, "smote": 0.03, "classic": -0.02}
NOTHING_HELPS = {"none": 0.0, "smote": -0.03}
BASE_IS_BEST = {"none": 0.0, "gan": 0.05}


@pytest.mark.parametrize(
    ("gains", "noise", "style", "word", "text"),
    [
        (HURTS, 0.005, "hurts", "No.", "Every way with learned rows does worse than smote. So train with smote, which"),
        (USELESS, 0.002, "flat", "No.", "A gain above 0.5 points over smote is unlikely. So train with smote, which"),
        (USELESS, 0.05, "flat", "Not shown.", "No way with learned rows is shown to beat"),
        (NO_LEARNED, 0.005, "helps", "", "smote scored best: +3."),
        (NOTHING_HELPS, 0.005, "flat", "", "No other way scored better than none. Train with none."),
        (BASE_IS_BEST, 0.005, "helps", "Yes.", "gan gains +"),
    ],
)
def test_answer_says_what_to_do(a_study, gains: dict, noise: float, style: str, word: str, text: str):
    """Yes, no, not shown: the word is that of the best arm's verdict, and what to train with follows."""
    said = answer(a_study(gains=gains, noise=noise))
    assert (said["style"], said["word"]) == (style, word)
    assert said["text"].startswith(text)


def test_an_arm_that_is_shown_to_help_is_the_answer(a_study):
    """Also beside one that differs by more, but so wildly that nothing is shown of it."""
    study = a_study(gains={"none": 0.0, "smote": 0.03, "gan": 0.06, "classic+gan": 0.06})

    def wild(split):
        luck = 0.05 + 0.5 * (-1) ** split.index
        scores = split.scores | {"gan": {"balanced_accuracy": split.scores["gan"]["balanced_accuracy"] + luck}}
        return replace(split, scores=scores, blocks=split.blocks | {"gan": split.blocks["gan"] + luck})

    study = replace(study, splits=tuple(map(wild, study.splits)))
    found = {arm: study.verdict(arm, "smote") for arm in ("gan", "classic+gan")}
    assert found["gan"].difference > found["classic+gan"].difference
    assert [one.word for one in found.values()] == ["no evidence", "helps"]
    said = answer(study)
    assert (said["style"], said["word"]) == ("helps", "Yes.")
    assert said["text"].startswith("classic+gan gains +")


def test_equal_scores_name_no_gain_that_would_have_been_seen(study: Comparison):
    """Where two arms score alike on every split with other rows, no study has seen how small a gain it can see."""

    def alike(split):
        fields = {name: getattr(split, name) | {"gated": getattr(split, name)["none"]} for name in ("scores", "blocks")}
        return replace(split, **fields, n_added=split.n_added | {"gated": 7})

    equal = replace(study, splits=tuple(map(alike, study.splits)))
    text = "gated scored as none did on every split: no evidence of a difference."
    assert str(equal.verdict("gated", "none")) == text
    part = differences_part(equal)
    assert "by gated" not in part["unseen"]
    row = next(row for row in part["table"]["rows"] if row["arm"] == "gated")
    assert (row["p_gain"], row["detectable"]) == (NOT_THERE, NOT_THERE)


def test_equal_scores_are_no_proof_that_there_is_no_gain(a_study):
    """Where everything scored the same nothing is called unlikely: this study cannot tell."""
    study = a_study(gains={"none": 0.0, "gan": 0.0})
    splits = tuple(
        replace(
            split, **{name: dict.fromkeys(split.scores, getattr(split, name)["none"]) for name in ("scores", "blocks")}
        )
        for split in study.splits
    )
    splits = tuple(replace(split, n_added={"none": 0, "gan": 9}) for split in splits)
    said = answer(replace(study, splits=splits))
    assert (said["style"], said["word"]) == ("flat", "Not shown.")
    assert "this study cannot tell them apart" in said["text"]
    assert "unlikely" not in said["text"]


def test_not_shown_tells_how_probable_a_gain_is(a_study):
    """Where nothing is shown, the nearest arm's interval and the chance of a gain that matters are named."""
    study = a_study(gains=USELESS, noise=0.05)
    found = study.practical("classic+gan", study.reference)
    best = max((study.verdict(arm, study.reference) for arm in ("gan", "classic+gan")), key=lambda one: one.difference)
    text = answer(study)["text"]
    assert f"The nearest, {best.arm}, differs by" in text
    assert probability_text(study.practical(best.arm, study.reference).gain) in text
    assert found.gain <= study.practical(best.arm, study.reference).gain
    assert "Until more draws say otherwise, train with" in text


def twins(study: Comparison) -> Comparison:
    """Return the study with *gated* as a copy of *smote*."""

    def same(split):
        fields = ("scores", "blocks", "n_added", "recalls", "answers")
        return replace(
            split, **{name: getattr(split, name) | {"gated": getattr(split, name)["smote"]} for name in fields}
        )

    return replace(study, splits=tuple(same(split) for split in study.splits))


def test_arm_that_did_the_same_is_said_to_be_the_same(study: Comparison):
    """An arm with the same rows and scores has no difference of 0.0 (0.0 to 0.0) but a word."""
    same = twins(study)
    html = report_html(same, include_real_rows=False)
    assert "The same answers as smote gave on every draw: nothing to compare." in html
    assert "0.0 to 0.0" not in html
    assert "same as smote" in html


def test_study_whose_gate_changed_nothing_says_so(a_study):
    """Where the only arm with learned rows is the same as the best without, the answer is about that one."""
    study = twins(a_study(gains={"none": 0.0, "smote": 0.03, "gated": 0.0}))
    said = answer(study)
    assert said["word"] == "Learned rows changed nothing."
    assert said["text"].startswith("smote scored best: +")


def test_many_arms_are_told_in_two_parts(a_study):
    """The best four arms' sentences stand at the top, the rest in a part that opens; none is lost."""
    gains = {"none": 0.0, "smote": 0.02} | {f"gan {k}": k / 100 for k in range(7)}
    study = a_study(gains=gains)
    said = verdict_part(study)
    assert (len(said["sentences"]), len(said["others"])) == (4, 3)
    assert [text["text"][:5] for text in said["sentences"]] == ["gan 6", "gan 5", "gan 4", "gan 3"]
    assert len(spoken_verdict(study)) == 8


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "under 1 %"), (0.014, "1 %"), (0.874, "87 %"), (0.99, "99 %"), (1.0, "over 99 %")]
)
def test_probability_is_never_said_to_be_certain(share: float, text: str):
    """Whole percent; what is nearly 0 or 1 is not said to be it."""
    assert probability_text(share) == text


def test_hyphens_of_words_stay():
    """A minus sign stands before numbers only."""
    assert true_minus("self-training: -0.2 (-1.0 to 2) classic-3") == "self-training: −0.2 (−1.0 to 2) classic-3"
