"""The dossier: what it says follows from the evidence, and it says what was not measured."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthaug.cli import main
from synthaug.errors import FileError
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.config import make_config
from synthaug.experiment.dossier import write_card, write_dossier
from synthaug.experiment.dossier_card import SCHEMA_VERSION, ModelCard
from synthaug.experiment.dossier_data import ClassRows, DataUsed
from synthaug.experiment.dossier_evidence import gather
from synthaug.experiment.dossier_gaps import not_measured
from synthaug.experiment.dossier_limits import limits_of_use
from synthaug.experiment.storage import SplitStore
from synthaug.experiment.study import Study

DATA = DataUsed(
    kind="images",
    row_shape=(8, 8),
    columns=(),
    n_rows=500,
    n_unlabelled=0,
    classes=(ClassRows("a", 300, 100, (50, 50), (240, 240)), ClassRows("b", 200, 80, (10, 10), (160, 160))),
    n_groups=150,
    rows_per_group=(1, 9),
    n_splits=6,
    most_groups_on_both_sides=0,
    most_twins=0,
)


FACTS = {"include_real_rows": False, "n_splits": 6, "data_used": asdict(DATA)}


def keep(comparison: Comparison, folder: Path, **facts: object) -> Path:
    """Keep what a study says of itself in a folder as a run does."""
    names = ("name", "design", "scoring", "baseline", "settings")
    said = {name: getattr(comparison, name) for name in names} | {"class_names": comparison.class_names}
    SplitStore(folder).open("key", {**said, **FACTS, **facts}, resume=False)
    return folder


class Words(HTMLParser):
    """The words of a page, without its style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.feed(re.sub("<style>.*?</style>", "", page, flags=re.DOTALL))

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        """All of them, with single spaces."""
        return " ".join(" ".join(self.said).split())


def written(comparison: Comparison, folder: Path, **facts: object) -> tuple[str, dict]:
    """Return the dossier's words and its card."""
    places = write_dossier(comparison, keep(comparison, folder, **facts))
    return Words(places["dossier"].read_text()).text, json.loads(places["card"].read_text())


def test_page_and_card_hold_the_same_findings(study: Comparison, tmp_path: Path):
    """Every limit and every gap stands in both; counts, verdicts and the gate's sentence too."""
    text, card = written(study, tmp_path)
    for said in [*(limit["text"] for limit in card["limits"]), *card["not_measured"], card["answer"]]:
        assert " ".join(said.split()) in text
    assert [one["n_rows"] for one in card["data"]["classes"]] == [300, 200]
    assert "150 groups of 1 to 9 rows; no group is on both sides of any split (counted)." in text
    assert {one["arm"]: one["verdict"] for one in card["utility"]["arms"]} == study.summary()["verdict"].to_dict()
    assert card["gate"]["sentences"][0] in text
    assert card["gate"]["n_decisions"] == len(study.splits)


def test_card_has_the_keys_of_its_schema(study: Comparison, tmp_path: Path):
    """The keys are those of the record, the version is there, and nothing but JSON's own numbers is in it."""
    _, card = written(study, tmp_path)
    assert list(card) == list(ModelCard.__dataclass_fields__)
    assert (card["schema"], card["schema_version"]) == ("synthaug.model_card", SCHEMA_VERSION)
    text = (tmp_path / "model_card.json").read_text()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_attacked_classes_are_kept_in_the_house(study: Comparison, tmp_path: Path):
    """A class whose attack's interval lies above chance is named, with what not to do."""
    text, card = written(study, tmp_path)
    assert card["audit"]["training_rows_show_in"] == ["a"]
    assert "Training rows show in the class a (AUC 0.72, 0.62 to 0.82)" in text
    assert "only to those who may see the training rows" in text


def limits(study: Comparison, **facts: object) -> str:
    """Return a study's limits of use as one text."""
    return " ".join(limit.text for limit in limits_of_use(gather(study, "nowhere", FACTS | facts)))


def _with_quality(study: Comparison, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Comparison:
    def changed(split):
        learner = split.learners[0]
        return replace(split, learners=(replace(learner, quality=change(learner.quality)),))

    return replace(study, splits=tuple(changed(split) for split in study.splits))


def _figure(metric: str, value: float, *, low: float = np.nan) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(quality: pd.DataFrame) -> pd.DataFrame:
        found = quality.copy()
        found.loc[found["metric"] == metric, ["value", "floor", "low"]] = [value, 1.0, low]
        return found

    return change


LIMITS = {
    "poor": (
        _figure("diversity", 0.5),
        "In the classes a (0.50, real rows 1.00), b (0.50, real rows 1.00) rows vary less",
    ),
    "wild": (_figure("diversity", 2.0), "rows vary more than real ones"),
    "close": (_figure("membership_auc", 0.52, low=0.4), "no proof of privacy"),
    "copied": (
        lambda table: _figure("copy_rate", 0.4)(table).assign(floor=0.05),
        "very near to a training row in the class",
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_follow_from_figures(study: Comparison, name: str):
    """A figure that falls short brings its sentence."""
    change, said = LIMITS[name]
    assert said in limits(_with_quality(study, change))


def test_near_duplicates_across_splits_are_a_leak(study: Comparison):
    """What the study counted of images all but the same on both sides is said; of none nothing is."""
    told, none = (replace(study, settings={**study.settings, "splits_with_near_duplicates": n}) for n in (2, 0))
    assert "In 2 splits a test image is all but the same as a training image" in limits(told)
    assert "all but the same" not in limits(none)


def test_a_class_without_a_figure_is_said_to_be_unmeasured(study: Comparison):
    """Where one class has no figure that another has, the dossier names it."""

    def change(quality: pd.DataFrame) -> pd.DataFrame:
        return quality.assign(
            value=quality["value"].mask((quality["class"] == "b") & (quality["metric"] == "diversity"))
        )

    said = "not measured: some measures of quality of b: too few rows"
    assert said in not_measured(gather(_with_quality(study, change), "nowhere", FACTS))
    assert not any("some measures" in one for one in not_measured(gather(study, "nowhere", FACTS)))


def test_good_figures_bring_no_limit(study: Comparison):
    """Where every figure is the real rows' own, no class is warned of."""
    good = _with_quality(study, lambda table: table.assign(value=table["floor"], low=0.4))
    about = {limit.about for limit in limits_of_use(gather(good, "nowhere", FACTS))}
    assert not about & {"copies", "labels", "variety", "coverage"}
    assert "One simple attack could not tell" in limits(good)


DATA_LIMITS = {
    "no groups": ({"n_groups": None, "rows_per_group": None, "most_groups_on_both_sides": None}, "No groups"),
    "torn": ({"most_groups_on_both_sides": 3}, "In a split 3 groups lie on both sides"),
    "twins": ({"most_twins": 7}, "In a split 7 test rows equal a training row in full"),
    "few": ({}, "The class b (10 rows) had few training rows"),
}


@pytest.mark.parametrize("name", DATA_LIMITS)
def test_limits_follow_from_counts(study: Comparison, name: str):
    """Torn groups, twins, rows without groups and small classes are said."""
    changes, said = DATA_LIMITS[name]
    assert said in limits(study, data_used=asdict(replace(DATA, **changes)))


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ({"none": 0.0, "gan": 0.1}, "These rows are shown to help in gan only."),
        ({"none": 0.0, "gan": -0.1}, "Do not add these rows to training."),
        ({"none": 0.0, "gan": 0.0}, "Nothing here shows that these rows make a better classifier."),
    ],
)
def test_usefulness_is_the_verdict(a_study: Callable[..., Comparison], gains: dict, said: str):
    """The advice follows the verdict beside the best way without learned rows."""
    assert said in limits(a_study(gains=gains))


def test_a_study_without_learned_rows_advises_on_none(a_study: Callable[..., Comparison]):
    """Where SMOTE helps and nothing was learned, nothing says not to add rows."""
    said = limits(a_study(gains={"none": 0.0, "smote": 0.1}))
    assert "Do not add these rows" not in said
    assert "these rows make a better classifier" not in said


def test_what_was_not_measured_is_said(a_study: Callable[..., Comparison], tmp_path: Path):
    """A study without learner, gate, curve or counts says so of each, and has no empty part."""
    bare = a_study(gains={"none": 0.0, "smote": 0.01})
    splits = tuple(
        replace(split, learners=(), decision=pd.DataFrame(), explanation="", curve=()) for split in bare.splits
    )
    text, card = written(replace(bare, splits=splits), tmp_path, data_used=None)
    for said in (
        "counts of rows",
        "anything of synthetic rows",
        "the gate's decision",
        "real labels",
        "the arm classic",
    ):
        assert any(one.startswith(f"not measured: {said}") or said in one for one in card["not_measured"])
        assert said in text
    assert (card["data"], card["generation"]["learner"], card["quality"]) == (None, None, [])


def test_intervals_over_groups_stand_where_they_were_measured(study: Comparison, tmp_path: Path):
    """With resamples every metric has an interval beside the best plain way; without, it is said that it has none."""
    rng = np.random.default_rng(0)

    def resampled(split):
        drawn = {arm: {m: v + rng.normal(0, 0.01, 60) for m, v in split.scores[arm].items()} for arm in split.scores}
        return replace(split, replicates=drawn)

    whole = replace(study, splits=tuple(resampled(split) for split in study.splits))
    text, card = written(whole, tmp_path)
    assert "Every metric with its interval" in text
    assert {one["metric"] for one in card["utility"]["intervals"]} == {"balanced_accuracy", "f1_macro"}
    assert all(one["low"] < one["value"] < one["high"] for one in card["utility"]["intervals_over_best"])
    assert not any("resampling whole groups" in one for one in card["not_measured"])
    assert any("resampling whole groups" in one for one in written(study, tmp_path)[1]["not_measured"])


def test_rows_without_groups_are_not_told_as_groups(study: Comparison, tmp_path: Path):
    """Intervals of rows that were resampled one by one do not speak of patients."""
    drawn = np.linspace(0, 1, 60)
    splits = tuple(
        replace(split, replicates={arm: dict.fromkeys(found, drawn) for arm, found in split.scores.items()})
        for split in study.splits
    )
    alone = replace(DATA, n_groups=None, rows_per_group=None, most_groups_on_both_sides=None)
    text, _ = written(replace(study, splits=splits), tmp_path, data_used=asdict(alone))
    assert "resampling test rows, each on its own" in text
    assert "whole groups" not in text


def test_columns_are_of_the_named_classes(table_study: Comparison, tmp_path: Path):
    """The card's columns call classes as the study does, whatever their labels were."""
    _, card = written(replace(table_study, class_names=("benign", "malignant")), tmp_path)
    assert {one["class"] for one in card["columns"]} == {"benign", "malignant"}


def test_unfinished_study_is_said_to_be(study: Comparison):
    """Where splits are missing, the dossier says that figures may move."""
    assert "4 of 6 splits are" in limits(replace(study, splits=study.splits[:4]))


@pytest.mark.parametrize(("shows", "said"), [(True, "pictures"), (False, "none")])
def test_real_rows_only_where_they_may_be_shown(study: Comparison, tmp_path: Path, shows: bool, said: str):
    """Pictures of real rows go in with ``include_real_rows`` only, and the page says which."""
    places = write_dossier(study, keep(study, tmp_path, include_real_rows=shows))
    page = places["dossier"].read_text()
    assert ("real rows of class" in page) == shows
    assert f"<dt>real rows in this file</dt><dd>{said}</dd>" in page


def test_saved_learners_are_named_by_their_sums(study: Comparison, tmp_path: Path):
    """Every file of a saved learner has its SHA-256, as sha256sum gives it."""
    keep(study, tmp_path)
    (tmp_path / "learners" / "0000").mkdir(parents=True)
    (tmp_path / "learners" / "0000" / "model.json").write_bytes(b"abc")
    split = study.splits[0]
    learners = (replace(split.learners[0], folder="learners/0000"),)
    write_card(replace(study, splits=(replace(split, learners=learners), *study.splits[1:])), tmp_path)
    card = json.loads((tmp_path / "model_card.json").read_text())
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # NIST, SHA-256 example 1
    assert card["generation"]["files_sha256"] == {"learners/0000/model.json": abc}


def test_command_writes_the_dossier_where_asked(study: Comparison, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """``report`` writes the card; with ``--dossier`` the page too, and from then on it is kept up to date."""
    keep(study, tmp_path)
    for split in study.splits:
        SplitStore(tmp_path).save(split)
    assert main(["report", str(tmp_path)]) == 0
    assert ((tmp_path / "model_card.json").exists(), (tmp_path / "dossier.html").exists()) == (True, False)
    assert main(["report", str(tmp_path), "--dossier", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n{", 1)[-1].join(["{", ""]))["dossier"].endswith("dossier.html")
    (tmp_path / "dossier.html").write_text("of another study")
    assert main(["report", str(tmp_path)]) == 0
    assert "toy" in (tmp_path / "dossier.html").read_text()


@pytest.mark.slow
def test_no_value_of_a_person_is_in_what_is_shown(
    tmp_path: Path, a_table: Callable[..., tuple[pd.DataFrame, np.ndarray]]
):
    """Planted in a table: a number, a patient's name. Report, dossier, card and stored splits hold neither."""
    X, y = a_table(120, seed=0)
    X = X[["first", "slope", "few"]].assign(label=y, patient=[f"planted {number // 2}" for number in range(120)])
    X.loc[7, "first"] = 98765.4321
    X.to_csv(tmp_path / "table.csv", index=False)
    values = {
        "name": "toy",
        "data": {"path": str(tmp_path / "table.csv"), "label": "label"},
        "design": {"kind": "folds", "n_splits": 2, "n_repeats": 1, "groups": "patient"},
        "estimator": {"name": "LogisticRegression"},
        "generator": {"name": "cgan", "params": {"n_steps": 4}},
        "arms": ["none", "gan"],
        "tracking": {"enabled": False},
    }
    study = Study.from_config(make_config(values, source="a test"), tmp_path / "study")
    write_dossier(study.run(), tmp_path / "study")
    shown = [path for path in (tmp_path / "study").rglob("*") if path.suffix in (".html", ".json", ".csv", ".yaml")]
    said = {path.name: path.read_text() for path in shown if "learners" not in path.parts}
    assert {"report.html", "dossier.html", "model_card.json", "study.json", "result.json"} <= set(said)
    assert [name for name, text in said.items() if "planted " in text or "98765" in text] == []


def test_folder_without_a_study_is_refused(study: Comparison, tmp_path: Path):
    """A dossier needs a study's folder."""
    with pytest.raises(FileError, match="must be the folder of a study"):
        write_dossier(study, tmp_path)
