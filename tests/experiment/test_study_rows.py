"""The rows that a pipeline names, with their groups and the finding."""

import numpy as np
import pytest
from PIL import Image

from synthaug.errors import ConfigError, FileError
from synthaug.experiment.config import make_config
from synthaug.experiment.study import Study
from synthaug.experiment.study_rows import load_rows, rows_per_class

SIDE = 12


def config(data, **more):
    values = {
        "name": "mine",
        "data": data,
        "design": {"kind": "folds", "n_splits": 2, "n_repeats": 1},
        "estimator": {"name": "LogisticRegression"},
        "arms": ["none", "classic"],
        "tracking": {"enabled": False},
    }
    return make_config(values | more, source="test")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """Images are cached in the test's own folder, and the home is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def scans(tmp_path):
    """Two classes, four patients each, two images a patient; one image of two patients is the same."""
    rng = np.random.default_rng(0)
    twin = rng.integers(0, 255, (SIDE, SIDE))
    for label in ("benign", "malignant"):
        for patient in range(4):
            folder = tmp_path / "scans" / label / f"{label[0]}{patient}"
            folder.mkdir(parents=True)
            for number in range(2):
                pixels = rng.integers(0, 255, (SIDE, SIDE))
                pixels = twin if (label, number) == ("benign", 0) and patient < 2 else pixels
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "scans"


def test_a_folder_gives_images_patients_and_near_duplicates(scans):
    """A patient's images share a group, and patients whose images are the same share one too."""
    rows = load_rows(config({"folder": str(scans)}))
    assert rows.X.shape == (16, SIDE, SIDE)
    assert len(np.unique(rows.groups)) == 7
    apart = load_rows(config({"folder": str(scans), "near_duplicates": "apart"}))
    assert len(np.unique(apart.groups)) == 8


def test_the_finding_is_the_second_class(scans):
    """Its rows are 1, all others 0, and the classes keep their names."""
    rows = load_rows(config({"folder": str(scans), "finding": "benign"}))
    assert rows.class_names == ("malignant", "benign")
    assert rows.y.tolist() == [1] * 8 + [0] * 8
    with pytest.raises(
        ConfigError, match=r"data.finding must be one of .*got 'cyst'. They are \['benign', 'malignant'\]"
    ):
        load_rows(config({"folder": str(scans), "finding": "cyst"}))


def test_of_more_classes_the_finding_is_one_against_the_rest():
    """Of ten digits one is found, and the rest has a name."""
    rows = load_rows(config({"name": "digits", "finding": 3}))
    assert rows.class_names == ("not 3", "3")
    assert rows.y.sum() == 183


def test_draws_count_the_finding_and_the_rest(scans):
    """Rows of each class are asked for by the labels that the user knows."""
    design = {"kind": "draws", "n_draws": 2, "rows_per_class": {"benign": 3, "malignant": 2}, "test_rows": 8}
    data = {"folder": str(scans), "finding": "malignant"}
    assert rows_per_class(config(data, design=design)) == {0: 3, 1: 2}
    wrong = {**design, "rows_per_class": {"benign": 3, "cyst": 2}}
    with pytest.raises(ConfigError, match="rows_per_class must name two classes, the finding 'malignant'"):
        rows_per_class(config(data, design=wrong))


def test_a_manifest_names_paths_and_patients(scans, tmp_path):
    """A table of paths, labels and patients serves as well as folders."""
    lines = [
        f"{path.relative_to(scans).as_posix()},{path.parts[-3]},{path.parts[-2]}"
        for path in sorted(scans.rglob("*.png"))
    ]
    (tmp_path / "scans.csv").write_text("\n".join(["path,label,patient", *lines]))
    rows = load_rows(config({"folder": str(scans), "manifest": str(tmp_path / "scans.csv")}))
    assert len(rows.y) == 16
    assert len(np.unique(rows.groups)) == 7


def test_medmnist_is_found_or_the_way_to_get_it_told(tmp_path):
    """A file in the folder data is read with all of its splits; without one the message says how to get it."""
    with pytest.raises(FileError, match=r"breastmnist.npz must lie in the folder 'data'.*pip install medmnist"):
        load_rows(config({"medmnist": "breastmnist"}))
    (tmp_path / "data").mkdir()
    rng = np.random.default_rng(0)
    parts = {
        f"{split}_{kind}": rng.integers(0, 255, (n, 28, 28)).astype(np.uint8)
        if kind == "images"
        else np.ones((n, 1), int)
        for split, n in (("train", 4), ("val", 2), ("test", 3))
        for kind in ("images", "labels")
    }
    np.savez(tmp_path / "data" / "breastmnist.npz", **parts)
    assert load_rows(config({"medmnist": "breastmnist"})).X.shape == (9, 28, 28)


def test_a_study_of_a_folder_keeps_patients_apart(scans):
    """From the file of settings to the splits: no patient is on both sides."""
    study = Study.from_config(
        config({"folder": str(scans), "finding": "malignant"}, scoring="sensitivity_at_75_specificity")
    )
    groups = study.arms.work.groups
    for split in study.arms.splits:
        assert not set(groups[split.train]) & set(groups[split.test])
    assert study.arms.class_names == ("benign", "malignant")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": {"folder": "a", "name": "digits"}}, "data must have exactly one of the keys name, path, folder"),
        ({"scoring": "sensitivity_at_100_specificity"}, "scoring must be one of"),
        ({"image_transform": "photo"}, "image_transform must not mirror images whose sides differ; got 'photo'"),
        ({"bootstrap": 7}, "bootstrap must be 0 or 100 to 100000 resamples; got 7"),
        ({"data": {"medmnist": "../up"}}, "data.medmnist must"),
    ],
)
def test_what_cannot_be_is_refused(values, message):
    """Each mistake is told with its key."""
    with pytest.raises(ConfigError, match=message):
        config(**({"data": {"name": "digits"}} | values))


def test_anatomy_says_what_may_be_mirrored():
    """Sides that may be exchanged allow mirrored images, and let the tuning try them."""
    data = {"name": "digits"}
    assert config(data, image_transform="tuned").transform == "tuned"
    assert config(data, image_transform="tuned", anatomy="mirrored").transform == "tuned mirrored"
    assert config(data, image_transform="photo", anatomy="mirrored").transform == "photo"
