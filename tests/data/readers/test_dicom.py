"""DICOM: the values of the scanner, as pydicom's own files and written ones show."""

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synthaug.errors import FileError, IdentityWarning, SkippedFilesWarning

pydicom = pytest.importorskip("pydicom", reason="DICOM needs synthaug[medical]")
SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.fixture
def shipped(tmp_path: Path) -> Callable[..., Path]:
    """Put pydicom's own files into a class folder and return the root."""

    def copy(*names: str) -> Path:
        folder = tmp_path / "root" / "a"
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(SHIPPED / name, folder / name)
        return folder.parent

    return copy


@pytest.fixture
def scan(tmp_path: Path) -> Callable[..., Path]:
    """Write a DICOM file of stored values (h, w) or (frames, h, w), uint16."""

    def write_scan(name: str, stored: np.ndarray, **tags: object) -> Path:
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _dataset(stored, **tags).save_as(path, enforce_file_format=True)
        return path

    return write_scan


def _dataset(stored: np.ndarray, **tags: object) -> "pydicom.Dataset":
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = pydicom.uid.CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = pydicom.uid.generate_uid()
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.NumberOfFrames = len(stored) if stored.ndim == 3 else 1
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset.PixelData = stored.astype("<u2").tobytes()
    return dataset


def _is_decoded(name: str) -> bool:
    syntax = pydicom.dcmread(SHIPPED / name, stop_before_pixels=True).file_meta.TransferSyntaxUID
    return pydicom.pixels.get_decoder(syntax).is_available


def _quiet(read: Callable, **settings: object) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentityWarning)
        return read(**settings)


STORED = np.random.default_rng(0).integers(0, 4096, (12, 10)).astype(np.uint16)
UNCOMPRESSED = ("MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "MR_small_expb.dcm")
COMPRESSED = ("MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_padded.dcm", "MR_small_jpeg_ls_lossless.dcm")


@pytest.mark.parametrize("name", [*UNCOMPRESSED, *COMPRESSED])
def test_one_scan_is_the_same_in_every_transfer_syntax(shipped, read, name):
    """Little endian or big, run lengths, JPEG 2000 or JPEG-LS: the values are those of the uncompressed file."""
    if not _is_decoded(name):
        pytest.skip("no decoder for it is installed")
    shipped(name)
    rows = _quiet(read, window="none")
    truth = pydicom.dcmread(SHIPPED / "MR_small.dcm").pixel_array
    np.testing.assert_array_equal(rows.X[0], truth)
    np.testing.assert_array_equal(rows.intensity.undo(rows.X[0]), truth)
    assert rows.spacing.tolist() == [[0.3125, 0.3125]]


def test_ct_is_in_hounsfield_units(shipped, read):
    """Slope and intercept are applied: CT_small stores 0 for -1024."""
    shipped("CT_small.dcm")
    rows = _quiet(read)
    dataset = pydicom.dcmread(SHIPPED / "CT_small.dcm")
    np.testing.assert_array_equal(rows.X[0], dataset.pixel_array * 1.0 - 1024)
    assert (rows.intensity.unit, rows.intensity.file_dtype, rows.X.dtype) == ("HU", "int32", np.float32)


def test_deflated_files_are_read(shipped, read):
    """A file whose whole content is compressed is unpacked."""
    shipped("image_dfl.dcm")
    truth = pydicom.dcmread(SHIPPED / "image_dfl.dcm").pixel_array
    np.testing.assert_array_equal(_quiet(read, window="none").X[0], truth)


def test_colours_and_palettes_become_red_green_blue(shipped, read):
    """Luminance with colour differences, palettes and plain colours are read as RGB."""
    shipped("SC_ybr_full_422_uncompressed.dcm", "SC_rgb_rle.dcm")
    rows = _quiet(read, spacing="any")
    assert rows.X.shape == (2, 100, 100, 3)
    truth = pydicom.dcmread(SHIPPED / "SC_rgb_rle.dcm").pixel_array
    np.testing.assert_array_equal(rows.X[0], truth)
    np.testing.assert_allclose(rows.X[1], truth, atol=6)  # its colours are halved in width


def test_palettes_become_colours(shipped, read):
    """Each stored number is looked up in the file's table of colours."""
    shipped("examples_palette.dcm")
    dataset = pydicom.dcmread(SHIPPED / "examples_palette.dcm")
    truth = pydicom.pixels.apply_color_lut(dataset.pixel_array, dataset)
    np.testing.assert_array_equal(_quiet(read).X[0], truth[..., :3])


def test_frames_are_rows_of_one_patient(shipped, read):
    """A multi-frame file gives a row a frame, all in one group."""
    shipped("rtdose.dcm", "SC_rgb_rle_2frame.dcm")
    rows = _quiet(read, channels=1, size=16, spacing="any", window="none")
    dose = pydicom.dcmread(SHIPPED / "rtdose.dcm")
    own = rows.paths == "a/rtdose.dcm"
    assert own.sum() == int(dose.NumberOfFrames) == len(set(rows.frames[own].tolist()))
    assert len(set(rows.groups[own])) == len(set(rows.groups[~own])) == 1


def test_a_series_is_slices_of_one_patient(scan, read):
    """Files of one patient share a group, whatever folder they are in; the patient's number is nowhere in the rows."""
    for number, (name, patient) in enumerate([("a/1.dcm", "ID-77"), ("a/x/2", "ID-77"), ("b/3.dcm", "ID-78")]):
        scan(name, np.roll(STORED, number), PatientID=patient)
    rows = _quiet(read)
    assert rows.groups.tolist() == [0, 0, 1]
    assert rows.y.tolist() == ["a", "a", "b"]
    assert "ID-7" not in repr(rows)
    assert not any(b"ID-7" in path.read_bytes() for path in rows.skipped_file.parent.iterdir())


def test_without_a_patient_the_study_stands_for_one(scan, read):
    """Where the number was taken out, files of one study belong together."""
    for name, study in [("a/1.dcm", "1.2.3"), ("a/2.dcm", "1.2.3"), ("a/3.dcm", "1.2.4")]:
        scan(name, np.roll(STORED, len(study)), StudyInstanceUID=study)
    assert read().groups.tolist() == [0, 0, 1]


def test_studies_in_one_patients_folder_are_one_patients(scan, read):
    """Where the number was taken out, studies in one folder are one group, and a study in two folders joins them."""
    places = [("a/p1/1.dcm", "1"), ("a/p1/2.dcm", "2"), ("b/p2/3.dcm", "2"), ("b/p3/4.dcm", "3"), ("b/p3/5.dcm", "4")]
    for number, (name, study) in enumerate(places):
        scan(name, _noise(seed=number), StudyInstanceUID=f"1.2.{study}")
    assert _quiet(read).groups.tolist() == [0, 0, 0, 1, 1]


WINDOWS = {
    "LINEAR": (40, 400, 40 - 0.5 - 399 / 2, 40 - 0.5 + 399 / 2),
    "LINEAR_EXACT": (40, 400, -160, 240),
    "SIGMOID": (40, 400, -160, 240),
}


@pytest.mark.parametrize("function", WINDOWS)
def test_the_headers_window_is_applied_and_undone(scan, read, function):
    """Values in the window come back as they were, to one step of 16 bits; beyond it they are clipped."""
    centre, width, low, high = WINDOWS[function]
    scan(
        "a/1.dcm", STORED // 4, RescaleSlope=1, RescaleIntercept=-300, WindowCenter=[centre, 1], WindowWidth=[width, 2],
        VOILUTFunction=function,
    )  # fmt: skip
    rows = read()
    assert (rows.intensity.kind, rows.intensity.low, rows.intensity.high) == ("header", low, high)
    assert rows.X.dtype == np.uint16
    values = (STORED // 4).astype(float) - 300
    np.testing.assert_allclose(rows.intensity.undo(rows.X[0]), np.clip(values, low, high), atol=0.5 + 1e-6)


def test_pydicoms_own_windowing_agrees(scan, read):
    """Windowed pixels are those of pydicom's own function, to one grey level of 16 bits."""
    path = scan("a/1.dcm", STORED, WindowCenter=2000, WindowWidth=1500)
    dataset = pydicom.dcmread(path)
    shown = pydicom.pixels.apply_windowing(dataset.pixel_array, dataset)  # to 0 ... 4095
    np.testing.assert_allclose(read().X[0] / 65535, shown / 4095, atol=1e-4)


def test_a_window_of_the_users_own_is_taken(scan, read):
    """(centre, width) says which values become black and white."""
    scan("a/1.dcm", STORED, WindowCenter=1, WindowWidth=10)
    rows = read(window=(2000, 1000))
    assert (rows.intensity.kind, rows.intensity.low, rows.intensity.high) == ("window", 1500, 2500)
    assert np.all((rows.X[0] == 0) == (STORED <= 1500))


def test_percentiles_are_the_samples(scan, read):
    """Half a per cent of the values is clipped at either end."""
    scan("a/1.dcm", STORED)
    rows = read(window="percentile")
    assert (rows.intensity.low, rows.intensity.high) == tuple(np.percentile(STORED, [0.5, 99.5]))


def test_negatives_are_turned_positive(scan, read):
    """MONOCHROME1 is the negative of the same MONOCHROME2 image, values and window alike."""
    tags = {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 1000.5, "WindowWidth": 801}
    scan("a/negative.dcm", STORED, PhotometricInterpretation="MONOCHROME1", **tags)
    turned = 2.0 * (4095 - STORED) - 100
    np.testing.assert_array_equal(read(window="none").X[0], turned)
    rows = read()
    low, high = 2 * 4095 - 200 - 1400, 2 * 4095 - 200 - 600
    assert (rows.intensity.low, rows.intensity.high) == (low, high)
    np.testing.assert_allclose(rows.intensity.undo(rows.X[0]), np.clip(turned, low, high), atol=0.5)


def test_enhanced_files_rescale_each_frame(scan, read):
    """Slope, intercept and spacing of a frame's own functional group are used."""
    frames = np.stack([STORED, STORED[::-1]])
    groups = []
    for slope in (1, 3):
        group, values, measures = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
        values.RescaleSlope, values.RescaleIntercept = slope, -10
        measures.PixelSpacing = [0.5, 0.7]
        group.PixelValueTransformationSequence, group.PixelMeasuresSequence = [values], [measures]
        groups.append(group)
    scan("a/1.dcm", frames, PerFrameFunctionalGroupsSequence=groups)
    rows = read()
    np.testing.assert_array_equal(rows.X[0], STORED * 1.0 - 10)
    np.testing.assert_array_equal(rows.X[1], STORED[::-1] * 3.0 - 10)
    assert rows.spacing.tolist() == [[0.5, 0.7]] * 2


def test_spacings_that_differ_are_refused_accepted_or_resampled(scan, read):
    """Pixels of different sizes do not mix unless it is said how."""
    for number, side in enumerate((1.0, 1.005, 2.0)):
        scan(f"a/{number}.dcm", np.roll(STORED, number), PixelSpacing=[side, side])
    with pytest.raises(FileError, match=r"'a/2.dcm' has a spacing of 2 x 2 mm, while 2 of 3 files have .* 1 x 1 mm"):
        read(size=8)
    np.testing.assert_allclose(read(spacing="any").spacing[:, 0], [1.0, 1.005, 2.0])
    rows = read(spacing=(2.0, 2.0), size=(12, 10))
    assert rows.resizing.spacing == (2.0, 2.0)
    np.testing.assert_allclose(rows.spacing[:, 0], [1.0, 1.0, 2.0], rtol=0.01)


MISSING = {
    "JPEGLSNearLossless_16.dcm": "compressed as JPEG-LS Lossy .*, for which no decoder is installed. Export it",
    "SC_rgb_jpeg_gdcm.dcm": "compressed as JPEG Lossless, .*, for which no decoder is installed. Export it",
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_codec_is_named(shipped, read, name):
    """What no installed package decodes says so before it is tried, and how to have it decoded."""
    if _is_decoded(name):
        pytest.skip("a decoder for it is installed")
    shipped(name)
    with pytest.raises(FileError, match=MISSING[name]):
        read()


REFUSED = {
    "MR_truncated.dcm": "it is damaged",
    "no_meta.dcm": "it is no DICOM file",
    "reportsi.dcm": r"it holds no image \(SR\)",
    "rtplan.dcm": r"it holds no image \(RTPLAN\)",
    "badVR.dcm": "it is damaged",
    "JPEG-lossy.dcm": "of a kind that no installed package decodes",  # 12 bits
}


@pytest.mark.parametrize("name", REFUSED)
def test_damaged_files_and_other_objects_are_refused(shipped, read, name):
    """Broken files of pydicom's own, reports and plans are told apart."""
    shipped(name)
    with pytest.raises(FileError, match=REFUSED[name]):
        _quiet(read)


def test_frames_cut_off_leave_nothing_half_read(scan, read):
    """A film that ends too early gives no row at all, though its first frames could be decoded."""
    path = scan("a/1.dcm", np.stack([np.roll(STORED, n) for n in range(6)]))
    whole = scan("a/2.dcm", STORED)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.warns(match="1 files or slices were left out"):
        rows = read(on_error="skip")
    assert rows.paths.tolist() == [f"a/{whole.name}"]
    np.testing.assert_array_equal(rows.X[0], STORED)


def test_what_headers_give_away_is_told_by_the_tags_names(scan, read):
    """A name in a header is warned of once, with how many files have it, and never said."""
    for number in range(3):
        scan(f"a/{number}.dcm", np.roll(STORED, number), PatientName="Doe^Jane", PatientID="77")
    with pytest.warns(IdentityWarning, match=r"of 3 files some hold PatientID \(3\), PatientName \(3\)") as caught:
        read()
    assert "Doe" not in str(caught[0].message)


def test_a_deflated_bomb_is_not_unpacked(tmp_path, read, monkeypatch):
    """A small file that unpacks to more than is allowed is stopped on the way."""
    path = tmp_path / "root" / "a" / "bomb.dcm"
    path.parent.mkdir(parents=True)
    dataset = _dataset(np.zeros((3000, 3000), np.uint16))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    assert path.stat().st_size < 100_000
    with pytest.raises(FileError, match="it unpacks to more than is allowed"):
        read(max_pixels=1_000_000)


@pytest.mark.parametrize("word", ["ANONYMOUS", "Anonymized", "unknown", " "])
def test_a_word_for_nobody_is_no_patient(scan, read, word):
    """Where all patients are called alike for want of a name, the study tells them apart: they are not one group."""
    for number in range(6):
        told = {"PatientID": word, "StudyInstanceUID": f"1.2.{number // 2}"}
        scan(f"{'ab'[number % 2]}/{number}.dcm", _noise(seed=number), **told)
    rows = _quiet(read)
    assert len(set(rows.groups)) == 3
    assert all(len(set(rows.groups[np.isin(rows.paths, [f"a/{n}.dcm", f"b/{n + 1}.dcm"])])) == 1 for n in (0, 2, 4))


def test_the_manifest_and_the_headers_name_the_same_patients(scan, read, tmp_path):
    """A line without a patient belongs to the patient whom the manifest names for another scan of the same header."""
    for number, patient in enumerate("PPQQ"):
        scan(f"{number}.dcm", _noise(seed=number), PatientID=patient)
    lines = ["path,label,patient", "0.dcm,a,smith", "1.dcm,b,", "2.dcm,a,", "3.dcm,b,"]
    (tmp_path / "m.csv").write_text("\n".join(lines))
    assert _quiet(read, manifest=tmp_path / "m.csv").groups.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("compressed", [False, True])
def test_frames_that_a_file_cannot_hold_are_its_own_fault(scan, read, compressed):
    """A header that says a billion frames has its file skipped; it is not taken for a disk without room."""
    scan("a/good.dcm", _noise())
    path = scan("a/lies.dcm", _noise(seed=1))
    dataset = pydicom.dcmread(path)
    if compressed:
        dataset.compress(pydicom.uid.RLELossless)
    dataset.NumberOfFrames = 10**9
    dataset.save_as(path)
    with pytest.warns(SkippedFilesWarning, match=r"too short for the pixels of 1000000000 frame\(s\)"):
        assert _quiet(read, on_error="skip").paths.tolist() == ["a/good.dcm"]


def test_resampling_does_not_blow_up_an_image(scan, read):
    """A header whose pixels are metres apart would become billions of pixels: its file is refused unread."""
    scan("a/good.dcm", _noise(), PixelSpacing=[1.0, 1.0])
    scan("a/far.dcm", _noise(seed=1), PixelSpacing=[1e6, 1e6])
    with pytest.warns(SkippedFilesWarning, match="far.dcm' is of .* pixels when resampled, more than allowed"):
        assert _quiet(read, spacing=(1.0, 1.0), size=8, on_error="skip").paths.tolist() == ["a/good.dcm"]


def test_a_file_without_spacing_cannot_be_resampled_to_one(scan, read):
    """It is refused with the way out, not passed off as having the spacing asked for."""
    scan("a/good.dcm", _noise(), PixelSpacing=[2.0, 2.0])
    scan("a/silent.dcm", _noise(seed=1))
    with pytest.raises(FileError, match=r"'a/silent.dcm' does not say its spacing.* Pass spacing='any'"):
        _quiet(read, spacing=(1.0, 1.0), size=8)


def test_an_element_of_a_broken_length_is_a_damaged_file(scan, read):
    """A flipped byte in a header has its file skipped, whatever element it is in."""
    scan("a/good.dcm", _noise())
    path = scan("a/bad.dcm", _noise(seed=1))
    dataset = pydicom.dcmread(path)
    dataset.add_new(0x00280106, "LO", "sixsix")
    dataset.save_as(path)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"\x28\0\x06\x01LO", b"\x28\0\x06\x01FL"))  # numbers of four bytes in six
    with pytest.warns(SkippedFilesWarning, match="bad.dcm' it is damaged"):
        assert _quiet(read, on_error="skip").paths.tolist() == ["a/good.dcm"]


@pytest.mark.parametrize(
    "name", ["MR_small_jpeg_ls_lossless.dcm", "MR_small_jp2klossless.dcm", "SC_rgb_jpeg_dcmtk.dcm"]
)
def test_a_frame_that_says_another_size_is_not_decoded(shipped, read, name, monkeypatch):
    """A decoder would make room for 30,000 x 30,000 pixels: the file is refused before it is asked."""
    root = shipped(name)
    whole = (root / "a" / name).read_bytes()
    marker, skipped, size = (b"\xff\xf7", 5, b"\x75\x30" * 2)
    if "jp2k" in name:
        marker, skipped, size = b"\xff\x4f\xff\x51", 8, b"\0\0\x75\x30" * 2
    if "rgb_jpeg" in name:
        marker = b"\xff\xc0"
    start = whole.index(marker) + skipped
    (root / "a" / name).write_bytes(whole[:start] + size + whole[start + len(size) :])
    monkeypatch.setattr("synthaug.data.readers.dicom.iter_pixels", lambda _: pytest.fail("decoded"))
    with pytest.raises(FileError, match=r"its compressed pixels \(30000, 30000\) are not of the size its header says"):
        _quiet(read)


def _noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4096, (12, 10))
