"""Synthetic images into files that say so: PNG, TIFF, DICOM (secondary capture) or one ``.npz``.

Each file carries the mark *SYNTHETIC - not a patient* where its format keeps words, and its name begins with
``synthetic-``. ``synthetic.csv`` lists them with their labels.
"""

from synthaug.data.writers.folder import FORMATS, check_format, write_images
from synthaug.data.writers.levels import Levels, levels_of

__all__ = ["FORMATS", "Levels", "check_format", "levels_of", "write_images"]
