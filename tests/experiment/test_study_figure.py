"""The figure of a study: the report's charts, shown by a notebook by itself."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from synthaug.experiment.comparison import Comparison
from synthaug.experiment.report_labels import label_curve


@pytest.fixture(scope="module")
def figure(study: Comparison):
    return study.plot()


def test_figure_has_the_reports_charts(figure, study: Comparison):
    """Differences from the baseline and from the best plain way, scores, the learning curve, recalls."""
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert [label.split(",")[0] for label in labels] == [
        "points (difference in balanced accuracy from none",
        "points (difference in balanced accuracy from smote",
        "balanced accuracy",
        "labelled training rows",
        "recall of each class",
    ]


def test_marks_lie_where_the_numbers_are(figure, study: Comparison):
    """Points of the second panel are the differences from the reference, bold marks of the third the mean scores."""
    places = [line.get_xdata()[0] for line in figure.axes[1].lines if line.get_marker() in "^vo"]
    expected = [100 * study.verdict(arm, "smote").difference for arm in ("gan", "classic+gan", "gated")]
    assert places == pytest.approx(expected)
    means = [line.get_xdata()[0] for line in figure.axes[2].lines if line.get_marker() == "|"]
    assert means == pytest.approx(list(100 * study.summary()["score"]))
    curve = next(line for line in figure.axes[3].lines if line.get_linewidth() == 2)
    np.testing.assert_allclose(curve.get_ydata(), 100 * label_curve(study).mean)


def test_charts_without_data_are_left_out(study: Comparison):
    """A study without recalls and curve has three panels; one without learned rows has two."""
    bare = tuple(replace(split, recalls={}, curve=()) for split in study.splits)
    assert len(replace(study, splits=bare).plot().axes) == 3
    plain = tuple(replace(s, scores={arm: s.scores[arm] for arm in ("none", "smote")}) for s in bare)
    assert len(replace(study, splits=plain).plot().axes) == 2


def test_notebook_gets_a_picture(figure):
    """What a notebook asks an object for is there, as a PNG file."""
    with Image.open(io.BytesIO(figure._repr_png_())) as picture:
        assert picture.format == "PNG"
        assert picture.width > 600


def test_arm_that_is_the_same_has_a_word_in_place_of_a_point(study: Comparison):
    """A twin of the reference has no point at 0."""

    def same(split):
        fields = ("scores", "blocks", "n_added", "recalls", "answers")
        return replace(
            split, **{name: getattr(split, name) | {"gated": getattr(split, name)["smote"]} for name in fields}
        )

    axes = replace(study, splits=tuple(same(split) for split in study.splits)).plot().axes[1]
    assert [text.get_text().strip() for text in axes.texts] == ["same as smote"]
    assert len([line for line in axes.lines if line.get_marker() in "^vo"]) == 2


def test_arm_of_any_name_is_in_the_legends(study: Comparison):
    """An arm whose name begins with an underscore, which matplotlib takes for no name, is named all the same."""

    def renamed(split):
        fields = ("scores", "blocks", "n_added", "recalls", "answers")
        return replace(split, **{name: {new(arm): it for arm, it in getattr(split, name).items()} for name in fields})

    def new(arm):
        return {"smote": "_mine"}.get(arm, arm)

    axes = (
        replace(study, splits=tuple(renamed(split) for split in study.splits), baseline=new(study.baseline)).plot().axes
    )
    names = [text.get_text() for text in axes[-1].get_legend().get_texts()]
    assert "_mine" in names
    assert len(names) == len(study.plot().axes[-1].get_legend().get_texts())
