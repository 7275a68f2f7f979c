"""PNG, JPEG and TIFF come with the values that are in them, 8 bits and 16, pages and turned ones."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from synthaug.errors import FileError

LOSSLESS = {
    "8-bit grey.png": ((12, 10), "uint8"),
    "8-bit grey.tif": ((12, 10), "uint8"),
    "16-bit grey.png": ((12, 10), "uint16"),
    "16-bit grey.tiff": ((12, 10), "uint16"),
    "8-bit colour.png": ((12, 10, 3), "uint8"),
    "8-bit colour.tif": ((12, 10, 3), "uint8"),
    "16-bit colour.png": ((12, 10, 3), "uint16"),
    "16-bit colour.tif": ((12, 10, 3), "uint16"),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_values_are_those_of_the_file(root, read, noise, name):
    """What another library wrote comes out bit by bit; 16 bits stay 16 bits."""
    shape, dtype = LOSSLESS[name]
    image = noise(shape, dtype=dtype)
    folder = root / "only"
    (folder / "a").mkdir(parents=True)
    assert cv2.imwrite(str(folder / "a" / name), image if image.ndim == 2 else image[..., ::-1])
    rows = read(folder)
    assert rows.X.dtype == dtype
    np.testing.assert_array_equal(rows.X[0], image)
    np.testing.assert_array_equal(rows.intensity.undo(rows.X[0]), image)


@pytest.mark.parametrize("ending", ["jpg", "JPEG"])
def test_jpegs_are_read_and_turned_upright(write, read, ending):
    """A photograph taken with the camera held upright comes upright, with its sides exchanged."""
    image = np.tile(np.linspace(0, 255, 24, dtype=np.uint8), (16, 1))
    exif = Image.Exif()
    exif[0x0112] = 6
    write(f"a/turned.{ending}", image, exif=exif, quality=95)
    turned = read().X[0]
    assert turned.shape == (24, 16)
    np.testing.assert_allclose(turned, np.rot90(image, -1), atol=4)


UPRIGHT = {
    1: lambda image: image,
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(image, 2).swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("size", [(12, 10), (12, 10, 3)], ids=["grey", "colour"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_pages_of_a_tiff_are_turned_upright(write, read, noise, orientation, size, compression):
    """Each page lies as its tag says it is to be shown, the picture mirrored or on its side."""
    pages, tags = [noise(size, seed=seed) for seed in range(2)], {274: orientation}
    more = {"save_all": True, "append_images": [Image.fromarray(pages[1])]}
    write("a/stack.tif", pages[0], tiffinfo=tags, compression=compression, **more)
    write("b/single.tif", pages[0], tiffinfo=tags, compression=compression)
    shown = [UPRIGHT[orientation](page) for page in pages]
    np.testing.assert_array_equal(read().X, [*shown, shown[0]])


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("size", "dtype"), [((12, 10), "uint8"), ((12, 10), "uint16"), ((12, 10, 3), "uint8"), ((12, 10, 3), "uint16")]
)
def test_pngs_are_turned_upright(root, read, noise, orientation, size, dtype):
    """A PNG's EXIF is heeded as a JPEG's is, at any depth."""
    image, exif = noise(size, dtype=dtype), Image.Exif()
    exif[274] = orientation
    content = exif.tobytes().removeprefix(b"Exif\0\0")
    named = b"eXIf" + content
    chunk = struct.pack(">I", len(content)) + named + struct.pack(">I", zlib.crc32(named))
    plain = cv2.imencode(".png", image if image.ndim == 2 else image[..., ::-1])[1].tobytes()
    (root / "benign" / "only").mkdir()
    (root / "benign" / "only" / "x.png").write_bytes(plain[:33] + chunk + plain[33:])
    np.testing.assert_array_equal(read(root / "benign" / "only", label=None).X[0], UPRIGHT[orientation](image))


def test_unsigned_thirty_two_bits_stay_positive(write, read, noise):
    """Numbers above 2 ** 31 are not taken for negative ones, and are undone to what they were."""
    image = noise(dtype="uint32")
    image[0, :2] = 0, 2**32 - 1
    for name in ("a/1.tif", "b/2.tif"):
        path = write(name, image.view(np.int32))
        signed, unsigned = (struct.pack("<HHII", 339, 3, 1, kind) for kind in (2, 1))
        path.write_bytes(path.read_bytes().replace(signed, unsigned))
    rows = read()
    assert (rows.X.dtype, rows.intensity.file_dtype) == ("float32", "uint32")
    np.testing.assert_array_equal(rows.X[0], image.astype(np.float32))
    assert rows.intensity.undo(rows.X[0])[0, :2].tolist() == [0, 2**32 - 1]


def test_signed_thirty_two_bits_stay_negative(write, read, noise):
    """A TIFF of whole numbers with a sign keeps it."""
    image = noise(dtype="uint16").astype(np.int32) - 30_000
    write("a/signed.tif", image)
    rows = read()
    assert rows.intensity.file_dtype == "int32"
    np.testing.assert_array_equal(rows.X[0], image)


def test_sixteen_bits_from_white_to_black_are_turned_round(write, read, noise):
    """A TIFF that stores white as zero shows the same image as one that stores black as zero."""
    image = noise((12, 10), dtype="uint16")
    write("a/plain.tiff", image)
    write("a/turned.tiff", 65535 - image, tiffinfo={262: 0})
    plain, turned = np.asarray(read().X)
    np.testing.assert_array_equal(plain, turned)


def test_pages_of_a_tiff_are_rows_of_one_group(write, read, noise):
    """A TIFF of several pages is a stack: a row a page, in one group; a blank page is left out and listed."""
    pages = [noise((12, 10), seed=seed) for seed in range(3)]
    pages.insert(1, np.zeros_like(pages[0]))
    path = write("a/stack.tif", pages[0], save_all=True, append_images=[Image.fromarray(page) for page in pages[1:]])
    write("b/single.tif")
    rows = read()
    assert rows.frames.tolist() == [0, 2, 3, 0]
    assert rows.groups.tolist() == [0, 0, 0, 1]
    np.testing.assert_array_equal(rows.X[1], pages[2])
    assert rows.skipped.path.tolist() == [f"a/{path.name}#1"]


def test_floats_are_read_as_they_are(write, read, noise):
    """A TIFF of floats keeps them."""
    image = noise().astype(np.float32) / 7
    write("a/floats.tif", image)
    rows = read()
    assert rows.X.dtype == np.float32
    np.testing.assert_array_equal(rows.X[0], image)


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("P", 3), ("RGBA", 3), ("LA", 1), ("CMYK", 3)], ids=lambda mode: str(mode)
)
def test_other_modes_become_grey_or_colours(tmp_path, read, noise, mode, channels):
    """Black and white, palettes, transparent ones and print colours are read as what they show."""
    folder = tmp_path / "root" / "a"
    folder.mkdir(parents=True)
    shown = Image.fromarray(noise((12, 10, 3))).convert(mode)
    shown.save(folder / ("x.tif" if mode == "CMYK" else "x.png"))
    rows = read()
    np.testing.assert_array_equal(rows.X[0], np.asarray(shown.convert("L" if channels == 1 else "RGB")))


def test_images_larger_than_allowed_are_not_decoded(write, read, noise):
    """The limit is on what the header says."""
    write("a/1.png", noise((40, 50)))
    with pytest.raises(FileError, match="its 40 x 50 pixels are more than allowed: raise max_pixels"):
        read(max_pixels=1999)
    assert len(read(max_pixels=2000)) == 1
