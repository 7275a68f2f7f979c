"""NIfTI: slices of the body, whatever order the file's axes are in."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synthaug.errors import FileError

nibabel = pytest.importorskip("nibabel", reason="NIfTI needs synthaug[medical]")
ZOOMS = (2.0, 3.0, 4.0)
BODY = np.random.default_rng(0).integers(0, 900, (9, 8, 7)).astype(np.int16)  # right, anterior, superior
AXES = {"sagittal": 0, "coronal": 1, "axial": 2}


@pytest.fixture
def volume(tmp_path: Path) -> Callable[..., Path]:
    """Write a volume in the order of axes that a code such as LPS says."""

    def write_volume(name: str, values: np.ndarray = BODY, code: str = "RAS", **settings: object) -> Path:
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = nibabel.Nifti1Image(values, np.diag([*ZOOMS, 1.0]), **settings)
        turn = nibabel.orientations.axcodes2ornt(code)
        there = nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine), turn)
        image.as_reoriented(there).to_filename(path)
        return path

    return write_volume


def _shown(axis: int, number: int) -> np.ndarray:
    """Return the slice of the body as it is to be shown: later axis upwards, earlier to the right."""
    return np.take(BODY, number, axis=axis).T[::-1]


CODES = ["".join(code) for code in itertools.product("RL", "AP", "SI")] + ["PIR", "SAL", "AIL"]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_slices_are_the_bodys_in_whatever_order_the_file_is(volume, read, code, ending):
    """The same body written in another order of axes gives the same slices and spacing."""
    volume(f"a/scan.{ending}", code=code)
    rows = read(axis="coronal")
    assert rows.X.shape == (8, 7, 9)
    for number in range(8):
        np.testing.assert_array_equal(rows.X[number], _shown(1, number))
    assert rows.spacing.tolist() == [[4.0, 2.0]] * 8
    assert rows.groups.tolist() == [0] * 8
    assert rows.frames.tolist() == list(range(8))


@pytest.mark.parametrize("axis", [*AXES, 0, 1, 2])
def test_every_axis_can_be_sliced_across(volume, read, axis):
    """Sagittal, coronal and axial are the body's axes 0, 1 and 2."""
    volume("a/scan.nii")
    number = AXES.get(axis, axis)
    rows = read(axis=axis)
    np.testing.assert_array_equal(rows.X[3], _shown(number, 3))
    rest = [zoom for place, zoom in enumerate(ZOOMS) if place != number]
    assert rows.spacing[0].tolist() == rest[::-1]


def test_slope_and_intercept_are_applied(volume, read, tmp_path):
    """Scaled voxels come in their own units, as nibabel gives them."""
    path = volume("a/scan.nii.gz", BODY.astype(np.int16))
    image = nibabel.load(path)
    scaled = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine)
    scaled.header.set_slope_inter(0.5, -100)
    scaled.header.set_data_dtype(np.int16)
    scaled.to_filename(path)
    truth = nibabel.load(path).get_fdata()
    np.testing.assert_allclose(read().X[2], truth[:, :, 2].T[::-1], atol=1e-3)


def test_nibabels_own_volume_is_read(read):
    """A volume of nibabel's tests, stored from right to left, is turned as nibabel turns it."""
    path = Path(nibabel.__file__).parent / "tests" / "data" / "anatomical.nii"
    rows = read(path, label=None, window="none")
    truth = nibabel.as_closest_canonical(nibabel.load(path)).get_fdata()
    slices = [truth[:, :, number].T[::-1] for number in range(truth.shape[2])]
    np.testing.assert_allclose(rows.X, [slices[number] for number in rows.frames])
    assert len(rows) + len(rows.skipped) == truth.shape[2]


def test_blank_slices_are_left_out_and_listed(volume, read):
    """The empty ends of a volume are no rows; the list names them."""
    values = BODY.copy()
    values[:, :, [0, 6]] = 0
    volume("a/scan.nii", values)
    rows = read()
    assert rows.frames.tolist() == [1, 2, 3, 4, 5]
    assert rows.skipped.path.tolist() == ["a/scan.nii#0", "a/scan.nii#6"]


def test_slices_with_nan_are_refused_or_listed(volume, read):
    """A slice with a voxel that is no number is named; the others can be used if it is said so."""
    values = BODY.astype(np.float32)
    values[1, 2, 4] = np.nan
    volume("a/scan.nii", values)
    with pytest.raises(FileError, match=r"'a/scan.nii#4' holds NaN or infinite pixels"):
        read()
    with pytest.warns(match="1 files or slices were left out"):
        assert read(on_error="skip").frames.tolist() == [0, 1, 2, 3, 5, 6]


REFUSED = {
    "four axes": (np.zeros((4, 4, 4, 3), np.int16), r"must hold one volume, \(x, y, z\); its shape is \(4, 4, 4, 3\)"),
    "complex": (np.zeros((4, 4, 4), np.complex64), "its voxels must be numbers; they are complex64"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_volume_of_numbers_is_refused(tmp_path, read, case):
    """Films of volumes and complex voxels are told apart."""
    values, message = REFUSED[case]
    (tmp_path / "root" / "a").mkdir(parents=True)
    nibabel.Nifti1Image(values, np.eye(4)).to_filename(tmp_path / "root" / "a" / "scan.nii")
    with pytest.raises(FileError, match=message):
        read()


def test_a_compressed_bomb_is_not_unpacked(tmp_path, read):
    """A small file whose header says it holds more voxels than allowed is refused by its header."""
    (tmp_path / "root" / "a").mkdir(parents=True)
    path = tmp_path / "root" / "a" / "scan.nii.gz"
    nibabel.Nifti1Image(np.zeros((200, 200, 200), np.uint8), np.eye(4)).to_filename(path)
    assert path.stat().st_size < 40_000
    with pytest.raises(FileError, match=r"its shape \(200, 200, 200\) is larger than allowed: raise max_pixels"):
        read(max_pixels=100_000)


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_volumes_cut_off_are_refused(volume, read, ending):
    """Half a file gives no slice."""
    path = volume(f"a/scan.{ending}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FileError, match=f"got 1 of 1 that are not: 'a/scan.{ending}' it is damaged"):
        read()
