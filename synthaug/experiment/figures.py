"""What figures of a study are made of: differences from a baseline, the learners' losses, and rows of images.

The report draws the same numbers itself, so that they follow its width and colours. Colours are Okabe and Ito's, told
apart by people who see red and green alike.

References
----------
Okabe and Ito, "Color Universal Design", 2008.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from synthaug.experiment.axis import metric_text
from synthaug.experiment.results import LearnerRecord
from synthaug.statistics.units import unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from synthaug.experiment.comparison import Comparison
    from synthaug.experiment.verdict import Verdict

VERDICT_COLOURS = {"helps": "#0072B2", "hurts": "#D55E00", "no evidence": "#6d7480", "baseline": "#6d7480"}
VERDICT_MARKERS = {"helps": "^", "hurts": "v", "no evidence": "o", "baseline": "|"}
_NOT_TERMS = ("step", "images_seen", "seconds")
_GRID_STEPS = 160


def draw_differences(
    axes: "Axes", comparison: "Comparison", arms: Sequence[str], *, baseline: str | None = None
) -> None:
    """Draw a row an arm: its difference from ``baseline`` (the study's if None), the interval, the visible gain."""
    baseline, unit = baseline or comparison.baseline, unit_of(comparison.scoring)
    for row, arm in enumerate(arms):
        _draw_difference(axes, row, comparison.verdict(arm, baseline), unit.factor)
    axes.axvline(0, color="#9aa1ab", linewidth=1, zorder=0)
    axes.set_yticks(range(len(arms)), [str(arm) for arm in arms], parse_math=False)
    axes.set_ylim(len(arms) - 0.4, -0.6)
    what = f"difference in {metric_text(comparison.scoring)} from {baseline}, 95 % interval"
    axes.set_xlabel(f"{unit.points} ({what})" if unit.points else what, parse_math=False)
    quiet(axes, left=False)


def _draw_difference(axes: "Axes", row: int, found: "Verdict", factor: float) -> None:
    if found.same:
        axes.text(0, row, f"  same as {found.baseline}", va="center", fontsize=9, color="#6d7480", parse_math=False)
        return
    colour, marker = VERDICT_COLOURS[found.word], VERDICT_MARKERS[found.word]
    ends = [found.low * factor, found.high * factor]
    axes.plot(ends, [row, row], color=colour, linewidth=2, solid_capstyle="round")
    axes.plot(found.difference * factor, row, marker, color=colour, markersize=8)
    if not found.tied:
        axes.plot(found.detectable * factor, row, "|", color="#9aa1ab", markersize=11, markeredgewidth=1.5)


def loss_curves(learners: Sequence[LearnerRecord]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return each loss term's steps, shape (s,), and values, shape (n_learners, s), on one grid of steps.

    A learner that stopped before the last step of the grid keeps its last value; what is not finite is left out.
    """
    histories = [learner.history for learner in learners if len(learner.history)]
    if not histories:
        return {}
    steps = np.linspace(min(h["step"].min() for h in histories), max(h["step"].max() for h in histories), _GRID_STEPS)
    terms = [term for term in dict.fromkeys(str(column) for h in histories for column in h) if term not in _NOT_TERMS]
    lines = {
        term: [_on_grid(h, term, steps) for h in histories if term in h and np.isfinite(h[term]).any()]
        for term in terms
    }
    return {term: (steps, np.stack(found)) for term, found in lines.items() if found}


def _on_grid(history: pd.DataFrame, term: str, steps: np.ndarray) -> np.ndarray:
    known = history[np.isfinite(history[term])]
    return np.interp(steps, known["step"], known[term])


def image_strip(images: np.ndarray, *, least_pixels: int = 40, gap: int = 1) -> bytes:
    """Return images side by side as a PNG, enlarged by whole factors without smoothing.

    Parameters
    ----------
    images
        Shape (k, h, w, c), uint8; channels beyond three, or two of them, are averaged.
    least_pixels
        How high one image gets at least.
    gap
        Transparent pixels of the small images between two of them.

    Returns
    -------
    The bytes of a PNG file with transparency.
    """
    from matplotlib.image import imsave

    rgb = images if images.shape[-1] == 3 else images.mean(axis=-1, keepdims=True).repeat(3, axis=-1)
    rgba = np.concatenate([rgb, np.full((*rgb.shape[:3], 1), 255)], axis=-1).astype(np.uint8)
    spaced = np.pad(rgba, ((0, 0), (0, 0), (0, gap), (0, 0)))
    row = np.concatenate(list(spaced), axis=1)[:, : -gap or None]
    factor = max(1, -(-least_pixels // row.shape[0]))
    buffer = io.BytesIO()
    imsave(buffer, row.repeat(factor, axis=0).repeat(factor, axis=1), format="png")
    return buffer.getvalue()


def quiet(axes: "Axes", *, left: bool = True) -> None:
    """Take the frame of a panel back to thin grey lines below and, if asked for, to the left."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines["left"].set_visible(left)
    axes.spines[["bottom", "left"]].set_color("#c9ccd1")
    axes.tick_params(colors="#3c4148", labelsize=9, length=3 if left else 0)
