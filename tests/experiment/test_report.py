"""The report: one file that is honest, safe to open, and readable anywhere."""

import errno
import io
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from synthaug import _files
from synthaug.errors import FileError
from synthaug.experiment.axis import fit_axis, p_text, tick_text
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.figures import image_strip, loss_curves
from synthaug.experiment.report import report_html, write_report
from synthaug.experiment.results import SplitResult
from synthaug.statistics.units import spoken, unit_of

PARTS = ["differences", "labels", "scores", "recalls", "images", "quality", "copies", "learning", "gate", "settings"]
PARTS += ["read"]
EVIL = "<script>alert('x')</script>"


class Tags(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    VOID = ("meta", "line", "circle", "path", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    parser.text = " ".join(parser.text.split())
    return parser


@pytest.fixture(scope="module")
def html(study: Comparison) -> str:
    return report_html(study, include_real_rows=True)


@pytest.fixture(scope="module")
def page(html: str) -> Tags:
    return read(html)


def test_report_leads_with_the_verdict(study: Comparison, page: Tags):
    """The first thing after the name is the answer, then each arm against the best way without learned rows."""
    gain = unit_of(study.scoring).difference(study.verdict("classic+gan", "smote").difference)
    assert page.text.index(f"Yes. classic+gan gains {gain} points") < page.text.index("gan hurts: −8")
    assert page.text.index("classic+gan helps") < page.text.index("Did it help?")
    assert "over smote, the best way without learned rows" in page.text


def test_report_has_every_part(page: Tags):
    """A study with everything has every part, in the order in which a reader asks."""
    parts = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert parts == PARTS


@pytest.mark.parametrize(
    ("design", "scoring", "images"),
    [("draws", "neg_log_loss", False), ("folds", "balanced_accuracy", True), ("folds", "neg_log_loss", False)],
)
def test_report_holds_together_for_every_kind_of_study(a_study, design: str, scoring: str, images: bool):
    """Draws or folds, images or tables, shares or losses: tags close, and nothing reads 'nan'."""
    page = read(report_html(a_study(design=design, scoring=scoring, images=images), include_real_rows=True))
    assert "nan" not in re.findall(r"[a-z]+", page.text.lower())
    assert any(tag == "img" for tag, _ in page.tags) == images


def test_no_evidence_is_not_called_no_effect(study: Comparison, page: Tags):
    """Beside every 'no evidence' stands the gain that the study could have seen."""
    row = study.verdict("gated", "smote")
    assert row.word == "no evidence"
    assert f"could have seen {100 * row.detectable:.1f} points" in page.text
    assert "no evidence of a difference" in page.text
    assert "“No evidence” says that this study cannot tell" in page.text


def test_table_holds_the_summary(study: Comparison, page: Tags):
    """Every arm of the summary is there with its score, difference and interval; skipped arms with their reason."""
    for arm, row in study.summary().iterrows():
        assert f"{arm}" in page.text
        assert f"{100 * row['score']:.1f} %" in page.text
        if math.isfinite(row["difference"]):
            assert f"{spoken(100 * row['low'], 1, sign=True)} to {spoken(100 * row['high'], 1, sign=True)}" in page.text
    assert "Does not apply: the rows are no images" in page.text


def test_report_asks_nothing_of_the_network(html: str, page: Tags):
    """No script, no link, no address but pictures inside the file; the browser is told to load nothing."""
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    assert all(
        value.startswith("data:image/png;base64,")
        for _, attrs in page.tags
        if (value := attrs.get("src") or "data:image/png;base64,")
    )
    assert "http" not in html.replace("http-equiv", "")
    assert "default-src 'none'" in html


def test_names_and_words_of_the_study_are_escaped(study: Comparison):
    """A class, a study or a setting called like a tag is shown, not run."""
    splits = tuple(replace(split, explanation=EVIL, skipped={EVIL: EVIL}) for split in study.splits)
    settings = {"data": {"path": EVIL}, EVIL: EVIL, "versions": {EVIL: EVIL}}
    evil = Comparison(EVIL, "draws", study.scoring, "none", splits, settings, (EVIL, "b"))
    html = report_html(evil, include_real_rows=True)
    assert "<script" not in html
    assert read(html).text.count(EVIL) >= 7


def test_real_rows_are_shown_only_when_allowed(study: Comparison, page: Tags):
    """Without leave the report holds synthetic pictures only, and says so."""
    with_real, without = page, read(report_html(study, include_real_rows=False))
    count = [sum(tag == "img" for tag, _ in page.tags) for page in (with_real, without)]
    assert count == [4, 2]
    assert not any("real rows" in (attrs.get("alt") or "") for tag, attrs in without.tags if tag == "img")
    assert "Real rows are left out: include_real_rows is off." in without.text


def test_class_without_synthetic_rows_says_so(study: Comparison):
    """A class too small to learn from has no picture but a word."""
    learner = study.splits[0].learners[0]
    drawn = learner.synthetic.copy()
    drawn[1] = 0
    first = replace(study.splits[0], learners=(replace(learner, synthetic=drawn),))
    html = report_html(replace(study, splits=(first, *study.splits[1:])), include_real_rows=True)
    assert "none: too few rows" in read(html).text


def test_values_far_from_the_real_rows_own_are_marked(study: Comparison):
    """A recall of half the floor is marked; one at the floor is not; a distance is marked when it is larger."""
    quality = pd.DataFrame(
        [("a", "recall", 0.4, 0.8), ("b", "recall", 0.8, 0.8), ("a", "kid", 0.5, 0.01), ("b", "kid", -0.001, 0.01)],
        columns=["class", "metric", "value", "floor"],
    )
    splits = tuple(replace(s, learners=(replace(s.learners[0], quality=quality),)) for s in study.splits)
    html = report_html(replace(study, splits=splits), include_real_rows=False)
    assert re.findall(r'<span class="weak">([\d.]+)</span>', html) == ["0.40", "0.50"]


def test_report_of_a_bare_study_is_written(tmp_path: Path, study: Comparison):
    """No learners, no gate, no further metric, no settings: the parts without content are left out."""
    nothing = {"learners": (), "decision": pd.DataFrame(), "explanation": "", "skipped": {}, "recalls": {}, "curve": ()}
    keep = ("none", "smote")
    splits = tuple(
        replace(s, **nothing, scores={a: {"accuracy": s.scores[a][study.scoring]} for a in keep}) for s in study.splits
    )
    bare = Comparison("bare", "folds", "accuracy", "none", splits, {}, ())
    page = read(write_report(bare, tmp_path / "r.html", include_real_rows=True).read_text())
    parts = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert parts == ["differences", "scores", "settings", "read"]


def test_same_study_gives_the_same_bytes(study: Comparison, html: str):
    """The report holds no clock and no chance."""
    assert report_html(study, include_real_rows=True) == html


def test_report_makes_its_folder_and_replaces_the_old_one(tmp_path: Path, study: Comparison):
    """The folder is made, an old report is replaced, nothing else is left behind."""
    path = tmp_path / "deep" / "report.html"
    for _ in range(2):
        assert write_report(study, str(path), include_real_rows=False) == path
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_full_disk_leaves_the_old_report(tmp_path: Path, study: Comparison, monkeypatch: pytest.MonkeyPatch):
    """Where no room is left the error says so, and the report that was there stays whole."""
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    with pytest.raises(FileError, match="no room is left on the disk"):
        write_report(study, path, include_real_rows=False)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_folder_that_cannot_be_made_is_named(tmp_path: Path, study: Comparison):
    """A file in the place of the folder is a FileError with its path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"folder must be writable; got '.*file'"):
        write_report(study, tmp_path / "file" / "report.html", include_real_rows=False)


def test_intervals_of_every_metric_are_shown_where_they_were_asked_for(study: Comparison):
    """With resamples each arm's scores have intervals, and differences from the best plain way; else no such part."""
    drawn = np.linspace(0.2, 0.8, 60)
    splits = tuple(
        replace(split, replicates={arm: dict.fromkeys(found, drawn) for arm, found in split.scores.items()})
        for split in study.splits
    )
    text = report_html(replace(study, splits=splits), include_real_rows=False)
    assert "Every metric with its interval" in text
    assert "resampling test rows, whole groups such as patients where they were named" in text
    assert 'id="intervals"' not in report_html(study, include_real_rows=False)


def test_figure_of_differences_holds_every_arm_but_the_baseline(study: Comparison):
    """The forest plot has a row an arm, its point at the difference in points."""
    axes = study.plot().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["smote", "gan", "classic+gan", "gated"]
    places = [line.get_xdata()[0] for line in axes.lines if line.get_marker() in "^vo"]
    assert places == pytest.approx(list(100 * study.summary()["difference"].dropna()))


def test_figure_shows_names_with_dollars_as_they_are(study: Comparison):
    """A name is never read as a formula."""

    def renamed(split: SplitResult) -> SplitResult:
        fields = {name: getattr(split, name) for name in ("scores", "blocks", "n_added")}
        return replace(split, **{name: {f"$\\x {arm}": v for arm, v in held.items()} for name, held in fields.items()})

    splits = tuple(renamed(split) for split in study.splits)
    figure = replace(study, splits=splits, baseline="$\\x none").plot()
    figure.savefig(io.BytesIO())
    assert figure.axes[0].get_yticklabels()[0].get_text().startswith("$")


def test_there_is_a_curve_for_each_loss_term(study: Comparison):
    """Steps, counts and seconds are no losses; every learner has a line on the same steps."""
    learners = [split.learners[0] for split in study.splits]
    curves = loss_curves(learners)
    assert list(curves) == ["hinge", "r1"]
    steps, lines = curves["hinge"]
    expected = [np.interp(steps, one.history["step"], one.history["hinge"]) for one in learners]
    np.testing.assert_allclose(lines, expected)


def test_curves_without_a_history_are_empty(study: Comparison):
    """A learner that logged nothing, or nothing finite, gives no curve."""
    learner = study.splits[0].learners[0]
    empty = replace(learner, history=pd.DataFrame())
    broken = replace(learner, history=learner.history[["step"]].assign(hinge=np.nan))
    assert loss_curves([empty]) == {}
    assert loss_curves([broken]) == {}


@pytest.mark.parametrize(("channels", "expected"), [(1, 7), (2, 7), (3, 7), (5, 7)])
def test_strip_holds_the_pixels_enlarged_without_smoothing(channels: int, expected: int):
    """Each pixel becomes a square of its own grey or colour, with a transparent gap between images."""
    images = np.full((2, 4, 6, channels), expected, np.uint8)
    images[1] = 200
    strip = (imread(io.BytesIO(image_strip(images, least_pixels=8))) * 255).round()
    assert strip.shape == (8, (6 + 1 + 6) * 2, 4)
    assert (strip[:, :12, :3] == expected).all()
    assert (strip[:, 12:14, 3] == 0).all()
    assert (strip[:, 14:, :3] == 200).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_axis_holds_every_number(numbers: list[float]):
    """All numbers lie on the line, in their order, and the ticks inside it."""
    axis = fit_axis(numbers)
    places = [axis.place(number) for number in sorted(numbers)]
    assert all(place is not None and 0 <= place <= 100 for place in places)
    assert places == sorted(places)
    assert all(0 <= place <= 100 for place, _ in tick_text(axis))


def test_axis_without_numbers_stands():
    """Where nothing is finite the axis is 0 to 1, and what is not finite has no place."""
    axis = fit_axis([math.nan, math.inf])
    assert axis.place(math.nan) is None
    assert axis.low < 0 < 1 < axis.high


def test_numbers_become_words():
    """Points have a sign, zero has none, p is never 0, losses keep their own unit."""
    points = unit_of("balanced_accuracy")
    assert [points.difference(x) for x in (0.0321, -0.0049, 0.0, -0.0001, math.nan)] == [
        "+3.2",
        "−0.5",
        "0.0",
        "0.0",
        "–",
    ]
    assert (points.value(0.5), points.size(-0.02), points.size(math.nan)) == ("50.0 %", "2.0", "–")
    assert unit_of("neg_log_loss").difference(-0.5) == "−0.500"
    assert [p_text(p) for p in (0.0, 0.0456, math.nan)] == ["< 0.001", "0.046", "–"]
