"""The training page: one HTML file that shows how a learner learned, without network or script.

Losses and the critic's accuracy, quality over time, the same noise drawn at each look as a sheet and as an animation,
walks between drawn rows, and what went wrong, in words. It holds no training row.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from synthaug._files import make_folder, write_atomically
from synthaug.experiment import training_parts as parts
from synthaug.experiment.pages import render

if TYPE_CHECKING:
    from synthaug.augment.augmenter import SyntheticAugmenter


def training_page(augmenter: "SyntheticAugmenter", path: str | Path) -> Path:
    """Write how an augmenter learned as an HTML page and return its path.

    Parameters
    ----------
    augmenter
        A fitted augmenter, of any learner: what a learner does not tell is left out. One that was loaded has no
        pictures of its training, as they are not saved.
    path
        The HTML file; its folder is made where it is not there, and a file there is replaced only by a whole one.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the augmenter has not learned.
    FileError
        If the folder cannot be written to or the disk is full.

    Examples
    --------
    >>> import numpy as np
    >>> from synthaug import CGAN, SyntheticAugmenter, training_page
    >>> X = np.random.default_rng(0).normal(size=(40, 3))
    >>> y = np.repeat(["no", "yes"], 20)
    >>> augmenter = SyntheticAugmenter(CGAN(n_steps=5, width=8), random_state=0).fit(X, y)
    >>> print(training_page(augmenter, "training.html"))
    training.html
    """
    path = Path(path)
    make_folder(path.parent)
    write_atomically(path, training_html(augmenter).encode())
    return path


def training_html(augmenter: "SyntheticAugmenter") -> str:
    """Return how a fitted augmenter learned as HTML text."""
    check_is_fitted(augmenter)
    return render("training_page.html", _view(augmenter))


def _view(augmenter: "SyntheticAugmenter") -> dict[str, Any]:
    return {
        "name": type(augmenter.generator_).__name__,
        "findings": parts.findings_part(augmenter),
        "facts": parts.facts_part(augmenter),
        "losses": parts.losses_part(augmenter),
        "looks": parts.looks_part(augmenter),
        "snapshots": parts.snapshots_part(augmenter),
        "walks": parts.walks_part(augmenter),
        "quality": parts.quality_part(augmenter),
        "parameters": [(name, str(value)) for name, value in augmenter.generator_.get_params().items()],
    }
