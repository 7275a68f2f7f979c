"""Without ``include_real_rows`` no picture of a real row leaves a study, in folder, MLflow or logs; a number never."""

import base64
import io
import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image, ImageSequence
from sklearn.naive_bayes import GaussianNB

from synthaug import CGAN, Folds, SyntheticAugmenter, training_page
from synthaug.data.readers import write_rows_file
from synthaug.experiment.compare import prepare
from synthaug.experiment.config import load_config
from synthaug.experiment.study import Study

MAGENTA = np.array([255, 0, 255])
NUMBER = 31337.125
LABELS = np.array(["ill", "well"] * 20)


def images():
    """Dim images (40, 8, 8, 3) of which every one has a planted corner, pure magenta."""
    X = np.random.default_rng(0).integers(90, 160, size=(40, 8, 8, 3), dtype=np.uint8)
    X[:, :2, :2] = MAGENTA
    return X


def table():
    """A table (40, 3) with a planted number in the middle of the range of a column."""
    X = pd.DataFrame(np.random.default_rng(0).uniform(0, 60000, size=(40, 3)).round(3), columns=list("abc"))
    X.loc[7, "b"] = NUMBER
    return X


def run(rows, folder, uri, *, allowed):
    """Run a study of the rows with everything that leaves something behind, and return its folder."""
    path = write_rows_file(folder / f"rows.{'csv' if hasattr(rows, 'columns') else 'npz'}", rows, LABELS)
    settings = {
        "name": "planted",
        "data": {"path": str(path), "label": "label" if path.suffix == ".csv" else None},
        "design": {"kind": "folds", "n_splits": 2, "n_repeats": 1},
        "estimator": {"name": "GaussianNB"},
        "generator": {"name": "cgan", "params": {"n_steps": 2, "width": 4}},
        "augmenter": {"selection": "none"},
        "arms": ["none", "gan"],
        "tracking": {"uri": uri, "experiment": "planted"},
        "output": str(folder / "study"),
        "include_real_rows": allowed,
    }
    (folder / "planted.yaml").write_text(yaml.safe_dump(settings))
    Study.from_config(load_config(folder / "planted.yaml")).run()
    return folder


def files(folder):
    """Every file that the study left, the data itself and what names it apart."""
    return [path for path in folder.rglob("*") if path.is_file() and path.stem != "rows"]


def pictures(path):
    """Every picture (h, w, 3) that a file is or holds."""
    found = []
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            flat = [array.reshape(-1, *array.shape[-3:]) for array in arrays.values() if array.shape[-1:] == (3,)]
        return [image for array in flat for image in array]
    if path.suffix == ".png":
        found = [path.read_bytes()]
    if path.suffix == ".html":
        found = map(base64.b64decode, re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", path.read_text()))
    frames = [frame for content in found for frame in ImageSequence.all_frames(Image.open(io.BytesIO(content)))]
    return [np.asarray(frame.convert("RGB")) for frame in frames]


def shows_planted(path):
    """Whether a file shows a planted corner, or holds a real image's bytes."""
    close = [(np.abs(picture.astype(int) - MAGENTA) <= 8).all(axis=-1).any() for picture in pictures(path)]
    content = path.read_bytes()
    forms = [images(), np.float32(images() / 127.5 - 1).transpose(0, 3, 1, 2)]
    return any(close) or any(row.tobytes() in content for form in forms for row in form)


@pytest.mark.parametrize("allowed", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_pictures_of_real_rows_need_leave(uri, tmp_path, allowed):
    """With leave the report, MLflow's grid and the record of a split show a real image; without, no file does."""
    left = files(run(images(), tmp_path, uri, allowed=allowed))
    assert {path.suffix for path in left if pictures(path)} == {".html", ".png", ".npz"}
    shown = {path.suffix for path in left if shows_planted(path)}
    assert shown == ({".html", ".png", ".npz"} if allowed else set())


def tiny(rows, *, arms=("none", "gan"), **settings):
    augmenter = SyntheticAugmenter(CGAN(n_steps=2, width=4, batch_size=8), selection="none", random_state=0)
    fixed = {"estimator": GaussianNB(), "augmenter": augmenter, "cv": Folds(2, 1), "random_state": 0}
    return prepare(rows, LABELS, arms=arms, **(fixed | settings))


def test_nothing_is_kept_unless_it_is_said(tmp_path):
    """By default a comparison keeps no real picture; where it was told to, its report still has to be told too."""
    assert all(learner.real.size == 0 for split in tiny(images()).run().splits for learner in split.learners)
    kept = tiny(images(), include_real_rows=True).run()
    assert not shows_planted(kept.to_html(tmp_path / "default.html"))
    assert shows_planted(kept.to_html(tmp_path / "allowed.html", include_real_rows=True))


def test_leave_is_not_taken_back_by_resuming():
    """A study that kept real pictures is another study than one that may not: it is not resumed as one."""
    assert tiny(images(), include_real_rows=True).key != tiny(images()).key


def test_the_training_page_shows_drawn_rows_only(tmp_path):
    """The page of how a learner learned holds pictures, none of them of a real row."""
    augmenter = tiny(images()).work.augmenter.fit(images(), LABELS)
    page = training_page(augmenter, tmp_path / "page.html")
    assert pictures(page)
    assert not shows_planted(page)


@pytest.mark.slow
def test_no_number_of_a_table_is_left_behind(uri, tmp_path, capfd, caplog):
    """Neither text nor bytes of a number in a real row stand in a file, in what is printed, or in the log."""
    with caplog.at_level(logging.DEBUG):
        left = files(run(table(), tmp_path, uri, allowed=True))
    forms = [b"31337.1", *(kind(NUMBER).tobytes() for kind in (np.float32, np.float64))]
    assert forms[0] in (tmp_path / "rows.csv").read_bytes()
    assert len(left) > 8
    assert not [path for path in left if any(form in path.read_bytes() for form in forms)]
    printed = capfd.readouterr()
    assert "31337" not in printed.out + printed.err + caplog.text
    assert not [path for path in left if path.suffix == ".npz" and holds_number(path)]


def holds_number(path: Path) -> bool:
    with np.load(path, allow_pickle=False) as arrays:
        return any(np.isclose(array.astype(float), NUMBER, rtol=1e-9).any() for array in arrays.values())
