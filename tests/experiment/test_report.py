"""The report: one file that is honest, safe to open, and readable anywhere."""

import errno
import io
import math
import re
import shutil
import subprocess
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
from synthaug.experiment.axis import fit_axis, p_text, spoken, tick_text, unit_of
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.figures import image_strip, loss_curves, plot_curves, plot_differences
from synthaug.experiment.report import report_html, write_report
from synthaug.experiment.results import LearnerRecord, SplitResult

GAINS = {"none": 0.0, "smote": 0.03, "gan": -0.05, "classic+gan": 0.07, "gated": 0.031}
EVIL = "<script>alert('x')</script>"
NO_IMAGES = np.empty((0, 0, 0, 0, 1), np.uint8)


def a_learner(rng: np.random.Generator, *, images: bool = True) -> LearnerRecord:
    steps = np.arange(0, 100, 10)
    history = pd.DataFrame({"step": steps, "images_seen": steps * 8, "seconds": steps * 0.1})
    history = history.assign(hinge=rng.normal(size=10), r1=rng.random(10))
    quality = pd.DataFrame(
        [
            (label, metric, rng.random(), 0.9)
            for label in ("all", "a", "b")
            for metric in ("kid", "recall", "diversity")
        ],
        columns=["class", "metric", "value", "floor"],
    )
    pictures = rng.integers(1, 255, (2, 2, 4, 8, 8, 1), np.uint8)
    real, synthetic = pictures if images else (NO_IMAGES, NO_IMAGES)
    return LearnerRecord("full", 60, 1.5, {"n_steps": 100}, history, quality, real, synthetic)


def a_split(index: int, rng: np.random.Generator, *, scoring: str, images: bool) -> SplitResult:
    base = 0.7 + rng.normal(0, 0.02)
    values = {arm: base + gain + rng.normal(0, 0.005) for arm, gain in GAINS.items()}
    noise = rng.normal(0, 0.02, (len(values), 20))
    blocks = {arm: value + row - row.mean() for (arm, value), row in zip(values.items(), noise, strict=True)}
    decision = pd.DataFrame({"candidate": ["nothing", "x1"], "gain": [0.0, 0.02], "low": [np.nan, 0.01]})
    decision = decision.assign(high=[np.nan, 0.03], chosen=[False, True], why=["", "best"])
    return SplitResult(
        index=index,
        repeat=index,
        fold=0,
        n_train=60,
        n_test=400,
        scores={arm: {scoring: value, "f1_macro": value - 0.01} for arm, value in values.items()},
        blocks=blocks,
        skipped={"classic": "the rows are no images"},
        n_added=dict.fromkeys(values, 40),
        seconds=dict.fromkeys(values, 0.1),
        decision=decision,
        explanation="Augmented: the best mix gained 2.0 points.",
        learners=(a_learner(rng, images=images),),
    )


def a_study(*, design: str = "draws", scoring: str = "balanced_accuracy", images: bool = True) -> Comparison:
    rng = np.random.default_rng(0)
    splits = tuple(a_split(i, rng, scoring=scoring, images=images) for i in range(6))
    settings = {"data": {"name": "toy"}, "estimator": "SVC()", "seed": 0, "versions": {"synthaug": "0.1.0"}}
    return Comparison("toy", design, scoring, "none", splits, settings, ("a", "b"))


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
def study() -> Comparison:
    return a_study()


def test_report_leads_with_the_verdict(study: Comparison):
    """The first thing after the name is what the study found, against the best way without learned rows."""
    page = read(report_html(study, include_real_rows=True))
    assert page.text.index("classic+gan helps") < page.text.index("Did it help?")
    assert "gan hurts: −8" in page.text
    assert "over smote" in page.text


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("design", ["draws", "folds"])
@pytest.mark.parametrize("scoring", ["balanced_accuracy", "neg_log_loss"])
def test_report_holds_together_for_every_kind_of_study(design: str, scoring: str, images: bool):
    """Draws or folds, images or tables, shares or losses: tags close, and nothing reads 'nan'."""
    page = read(report_html(a_study(design=design, scoring=scoring, images=images), include_real_rows=True))
    assert "nan" not in re.findall(r"[a-z]+", page.text.lower())
    assert any(tag == "img" for tag, _ in page.tags) == images


def test_no_evidence_is_not_called_no_effect(study: Comparison):
    """Beside every 'no evidence' stands the gain that the study could have seen."""
    page = read(report_html(study, include_real_rows=True))
    row = study.verdict("gated", "smote")
    assert row.word == "no evidence"
    assert f"could have seen {100 * row.detectable:.1f} points" in page.text
    assert "no evidence of a difference" in page.text
    assert "“No evidence” says that this study cannot tell" in page.text


def test_table_holds_the_summary(study: Comparison):
    """Every arm of the summary is there with its score, difference and interval; skipped arms with their reason."""
    page = read(report_html(study, include_real_rows=True))
    for arm, row in study.summary().iterrows():
        assert f"{arm}" in page.text
        assert f"{100 * row['score']:.1f} %" in page.text
        if math.isfinite(row["difference"]):
            assert f"{spoken(100 * row['low'], 1, sign=True)} to {spoken(100 * row['high'], 1, sign=True)}" in page.text
    assert "Does not apply: the rows are no images" in page.text


def test_report_asks_nothing_of_the_network(study: Comparison):
    """No script, no link, no address but pictures inside the file; the browser is told to load nothing."""
    html = report_html(study, include_real_rows=True)
    page = read(html)
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


def test_real_rows_are_shown_only_when_allowed(study: Comparison):
    """Without leave the report holds synthetic pictures only, and says so."""
    with_real, without = (read(report_html(study, include_real_rows=allowed)) for allowed in (True, False))
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
    nothing = {"learners": (), "decision": pd.DataFrame(), "explanation": "", "skipped": {}}
    keep = ("none", "smote")
    splits = tuple(
        replace(s, **nothing, scores={a: {"accuracy": s.scores[a][study.scoring]} for a in keep}) for s in study.splits
    )
    bare = Comparison("bare", "folds", "accuracy", "none", splits, {}, ())
    page = read(write_report(bare, tmp_path / "r.html", include_real_rows=True).read_text())
    assert "What the gate decided" not in page.text
    assert "How the learners learned" not in page.text


def test_same_study_gives_the_same_bytes(study: Comparison):
    """The report holds no clock and no chance."""
    assert report_html(study, include_real_rows=True) == report_html(study, include_real_rows=True)


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
    figure = plot_differences(replace(study, splits=splits, baseline="$\\x none"))
    figure.savefig(io.BytesIO())
    assert figure.axes[0].get_yticklabels()[0].get_text().startswith("$")


def test_curves_have_a_panel_for_each_loss_term(study: Comparison):
    """Steps, counts and seconds are no losses; the bold line is the learners' mean."""
    learners = [split.learners[0] for split in study.splits]
    figure = plot_curves(learners)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["hinge", "r1"]
    steps, lines = loss_curves(learners)["hinge"]
    expected = np.mean([np.interp(steps, one.history["step"], one.history["hinge"]) for one in learners], axis=0)
    np.testing.assert_allclose(figure.axes[0].lines[-1].get_ydata(), expected)
    assert lines.shape == (6, len(steps))


def test_curves_without_a_history_are_empty(study: Comparison):
    """A learner that logged nothing, or nothing finite, gives no panel."""
    learner = study.splits[0].learners[0]
    empty = replace(learner, history=pd.DataFrame())
    broken = replace(learner, history=learner.history[["step"]].assign(hinge=np.nan))
    assert plot_curves([empty]).axes == []
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


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_page_fits_a_phone_and_a_desk(tmp_path: Path, study: Comparison, width: int):
    """Drawn by a browser, nothing is wider than the window and nothing is complained about."""
    splits = tuple(replace(split, explanation="long" * 60) for split in study.splits)
    html = report_html(replace(study, splits=splits), include_real_rows=True)
    asked = "<script>parent.postMessage(innerWidth + ' ' + document.documentElement.scrollWidth, '*')</script></body>"
    html = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", html).replace("</body>", asked)
    (tmp_path / "report.html").write_text(html.replace("<details", "<details open"))
    frame = f"<iframe src=report.html width={width} height=900 style='border:0'></iframe>"
    (tmp_path / "frame.html").write_text(f"<script>onmessage = e => document.title = e.data</script>{frame}")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    more = f"--disable-component-update --disable-sync --user-data-dir={tmp_path / 'profile'} --enable-logging=stderr"
    page = (tmp_path / "frame.html").as_uri()
    command = ["chromium", *flags.split(), *more.split(), "--virtual-time-budget=2000", "--dump-dom", page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    inner, needed = map(int, re.search(r"<title>(\d+) (\d+)</title>", done.stdout).groups())
    assert needed <= inner == width
    assert "CONSOLE" not in done.stderr
