"""Rows, images and labels in files: read as they were written, refused in words. No file can run code.

Tables and arrays in one file are read whole (:mod:`rows_file`, :mod:`table_files`). Images in many files are listed
(:mod:`listing`), judged by their headers (:mod:`planning`), decoded by the reader of their kind (:mod:`pictures`,
:mod:`dicom`, :mod:`nifti`, :mod:`array_file`) into a cache on the disk (:mod:`cache`), and mapped from there
(:mod:`images`).
"""

from synthaug.data.readers.images import read_images
from synthaug.data.readers.intensity import Intensity
from synthaug.data.readers.records import ImageRows, Resizing
from synthaug.data.readers.rows_file import ARRAY_NAMES, check_rows_file, read_rows_file, write_rows_file

__all__ = [
    "ARRAY_NAMES",
    "ImageRows",
    "Intensity",
    "Resizing",
    "check_rows_file",
    "read_images",
    "read_rows_file",
    "write_rows_file",
]
