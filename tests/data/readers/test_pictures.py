"""PNG, JPEG and TIFF come with the values that are in them, 8 bits and 16, pages and turned ones."""

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
