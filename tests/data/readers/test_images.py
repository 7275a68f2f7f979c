"""Images come from folders and manifests, with labels, patients and splits, as they are in the files."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from synthaug.data.readers import read_images
from synthaug.errors import ConfigError, FileError, SkippedFilesWarning


def test_folders_are_classes(root, read):
    """The first folder below the root is the label; pixels are those of the files, in the order of their names."""
    rows = read()
    assert rows.y.tolist() == ["benign", "benign", "malignant"]
    assert rows.paths.tolist() == ["benign/a.png", "benign/bb.png", "malignant/ccc.png"]
    assert (rows.X.dtype, len(rows), rows.groups, rows.split, rows.frames.tolist()) == ("uint8", 3, None, None, [0] * 3)
    for image, name in zip(rows.X, rows.paths, strict=True):
        np.testing.assert_array_equal(image, np.asarray(Image.open(root / name)))


def test_rows_are_mapped_and_not_written_to(root, read):
    """X is a file mapped into memory, which nobody can change by accident."""
    rows = read()
    assert isinstance(rows.X, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        rows.X[0] = 0


@pytest.mark.parametrize("inner", ["patient 7/scan", "patient 7"])
def test_folders_below_the_class_are_patients(write, read, inner):
    """Images in one folder inside their class's, however deep below it, are one patient's; others are on their own."""
    for name in (f"a/{inner}/1.png", "a/patient 7/22.png", "b/patient 8/333.png", "b/4444.png"):
        write(name)
    groups = read().groups
    assert groups[0] == groups[1]
    assert len(set(groups)) == 3


@pytest.fixture
def lines():
    return pd.DataFrame(
        {
            "path": ["malignant/ccc.png", "benign/a.png", "benign/bb.png"],
            "label": [1, 0, 0],
            "patient": ["Jane Doe", "p2", "Jane Doe"],
            "split": ["train", "test", "train"],
        }
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("inside", [True, False])
def test_manifests_say_label_patient_and_split(root, read, lines, tmp_path, ending, inside):
    """Rows come in the order of the lines; patients become numbers, whatever they are called."""
    manifest = (root if inside else tmp_path) / f"manifest.{ending}"
    lines.to_csv(manifest, index=False) if ending == "csv" else lines.to_parquet(manifest)
    rows = read(manifest) if inside else read(manifest=manifest)
    assert rows.paths.tolist() == lines.path.tolist()
    assert (rows.y.tolist(), rows.y.dtype.kind) == ([1, 0, 0], "i")
    assert rows.groups.tolist() == [0, 1, 0]
    assert rows.split.tolist() == ["train", "test", "train"]
    assert "Doe" not in repr(rows)


def test_label_names_the_manifests_column(root, read, lines):
    """Labels may stand in a column of another name; None reads without labels."""
    lines.assign(grade=["x", "y", "z"]).drop(columns="label").to_csv(root / "m.csv", index=False)
    assert read(root / "m.csv", label="grade").y.tolist() == ["x", "y", "z"]
    assert read(root / "m.csv", label=None).y is None
    with pytest.raises(
        ConfigError, match=r"manifest must have the columns path and label; got '.*m.csv' with path, pat"
    ):
        read(root / "m.csv")


@pytest.mark.parametrize("word", ["None", "NA", "null", "nan", "N/A", ""])
def test_only_an_empty_cell_of_a_manifest_is_missing(root, read, word):
    """Words that tables take for missing are classes, patients and splits like others."""
    (root / "m.csv").write_text(
        "path,label,patient,split,note\n"
        f"benign/a.png,{word},{word},{word},NA\nbenign/bb.png,Mild,7,train,1\nmalignant/ccc.png,Mild,{word},{word},2\n"
    )
    if not word:
        with pytest.raises(FileError, match=r"'benign/a.png' has no label in the manifest"):
            read(root / "m.csv")
        return
    rows = read(root / "m.csv")
    assert rows.y.tolist() == [word, "Mild", "Mild"]
    assert rows.groups.tolist() == [0, 1, 0]
    assert rows.split.tolist() == [word, "train", word]


def test_patients_are_told_apart_as_they_are_written(root, read):
    """A number with a zero more is another patient; labels that are numbers stay numbers."""
    (root / "m.csv").write_text(
        "path,label,patient\nbenign/a.png,1,1.1\nbenign/bb.png,0,1.10\nmalignant/ccc.png,1,1.1\n"
    )
    rows = read(root / "m.csv")
    assert (rows.y.tolist(), rows.groups.tolist()) == ([1, 0, 1], [0, 1, 0])


def test_files_are_read_without_labels(tmp_path, read, root):
    """A folder of images without classes, and a single file, are read if labels are not asked for."""
    assert len(read(label=None)) == 3
    rows = read(root / "benign" / "a.png", label=None)
    assert (len(rows), rows.y) == (1, None)
    with pytest.raises(ConfigError, match=r"got the file '.*a.png', which has no label. Pass label=None"):
        read(root / "benign" / "a.png")


def test_images_get_one_size(root, write, read):
    """Images of several sizes become one, and where each comes from is recorded."""
    write("benign/wide.png", np.tile(np.arange(40, dtype=np.uint8), (20, 1)))
    rows = read(size=16)
    assert rows.X.shape == (4, 16, 16)
    assert rows.original_size.tolist() == [[12, 10], [12, 10], [20, 40], [12, 10]]
    assert (rows.resizing.size, rows.resizing.aspect) == ((16, 16), "pad")


@pytest.mark.parametrize(("channels", "shape"), [(1, (2, 12, 10)), (3, (2, 12, 10, 3))])
def test_grey_and_colours_become_one(write, read, noise, channels, shape):
    """Grey and coloured files are read together if it is said what they become."""
    write("a/grey.png")
    write("b/colour.png", noise((12, 10, 3)))
    with pytest.raises(FileError, match=r"has 3 channel\(s\), while .* Pass channels=1 or channels=3"):
        read()
    assert read(channels=channels).X.shape == shape


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"on_error": "ignore"}, "on_error must be one of raise, skip; got 'ignore'"),
        ({"size": 0}, "size must be a positive integer; got 0"),
        ({"size": (8, 8, 3)}, r"size must be one number, \(h, w\) or None; got \(8, 8, 3\)"),
        ({"aspect": "padding"}, "aspect must be one of pad, crop, stretch; got 'padding'. Did you mean 'pad'"),
        ({"channels": 4}, r"channels must be 1 \(grey\), 3 \(colours\) or None"),
        ({"window": "lung"}, "window must be one of auto, none, header, percentile; got 'lung'"),
        ({"window": (40,)}, r"window must be one of auto, .*, or \(centre, width\); got \(40,\)"),
        ({"window": ("40", 400)}, "window must have a number as its centre; got '40'"),
        ({"window": (40, 0)}, "window's width must be a positive number; got 0"),
        ({"window": "header"}, "window='header' needs files whose headers name one; got none"),
        ({"spacing": "equal"}, "spacing must be one of same, any; got 'equal'"),
        ({"spacing": 1.0}, r"spacing must be 'same', 'any' or \(row, column\) in millimetres a pixel; got 1.0"),
        ({"axis": "frontal"}, "axis must be sagittal, coronal, axial, or 0, 1, 2; got 'frontal'"),
        ({"axis": None}, "3-D generation is out of scope: images are learned and drawn slice by slice"),
        ({"max_pixels": 0}, "max_pixels must be a positive integer; got 0"),
    ],
)
def test_impossible_settings_are_named(root, read, settings, message):
    """Each setting is checked, and the message says what may stand there."""
    with pytest.raises(ConfigError, match=message):
        read(**settings)


def test_what_is_not_there_is_named(tmp_path, read, root):
    """A folder, a manifest or a file that is not there is named."""
    with pytest.raises(FileError, match=r"path must be a folder of images, a manifest or a .npz file; got '.*nope'"):
        read(tmp_path / "nope")
    with pytest.raises(FileError, match=r"manifest must be a file that is there; got '.*nope.csv'"):
        read(manifest=tmp_path / "nope.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match=r"path must hold images that are read; got '.*empty' with no file"):
        read(tmp_path / "empty")


def test_a_bar_shows_how_far_it_is(root, read, capsys):
    """The bar goes to standard error, when it is asked for."""
    read(verbose=True)
    said = capsys.readouterr()
    assert "decoding" in said.err
    assert said.out == ""
    read(size=8, verbose=False)
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_an_augmenter_learns_from_the_rows(write, read, noise):
    """Rows, labels and patients go into the augmenter as they are, and what it draws is like them."""
    from synthaug import CGAN, SyntheticAugmenter

    for n in range(24):
        write(f"{'ab'[n % 2]}/patient {n // 4}/{n}.png", noise((8, 8), seed=n))
    rows = read()
    augmenter = SyntheticAugmenter(CGAN(n_steps=2, batch_size=8, width=4), selection="none", random_state=0)
    X, y = augmenter.fit(rows.X, rows.y, groups=rows.groups).sample({"b": 3})
    assert (X.shape, X.dtype, y.tolist()) == ((3, 8, 8), "uint8", ["b"] * 3)
    assert rows.intensity.undo(X).dtype == "uint8"


def test_the_default_cache_is_the_users(root, monkeypatch, tmp_path):
    """Without a folder, caches go where the user's caches are."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    rows = read_images(root)
    assert Path(rows.X.filename).is_relative_to(tmp_path / "own" / "synthaug" / "images")


def test_skipping_nothing_warns_of_nothing(root, read):
    """The policy to skip says nothing where all files can be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SkippedFilesWarning)
        assert len(read(on_error="skip").skipped) == 0
