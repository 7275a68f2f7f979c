"""Real rows beside drawn ones, a line a class, as one picture.

::

    python benchmarks/pictures.py --data digits --rows 20 --out docs/samples_digits.png
    python benchmarks/pictures.py --data fashion --rows 50 --out docs/samples_fashion.png
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from synthaug import LatentGAN, SyntheticAugmenter
from synthaug.data.datasets import DATASETS

_SHOWN = 10
_GAP = 4
_HEIGHT = 40  # of a line, in pixels


def draw_lines(x: np.ndarray, drawn: np.ndarray, y: np.ndarray, y_drawn: np.ndarray) -> np.ndarray:
    """Return a grey picture: for each class ten real rows, a gap, ten drawn ones."""
    lines = []
    for label in np.unique(y):
        gap = np.full((x.shape[1], _GAP), x.max())
        lines.append(np.concatenate([*x[y == label][:_SHOWN], gap, *drawn[y_drawn == label][:_SHOWN]], axis=1))
    return np.concatenate(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["digits", "fashion"], default="digits")
    parser.add_argument("--rows", type=int, default=20, help="training rows a class")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    data = DATASETS[options.data]()
    rng = np.random.default_rng(options.seed)
    rows = np.concatenate([rng.choice(np.flatnonzero(data.y == k), options.rows, False) for k in np.unique(data.y)])
    x, y = np.asarray(data.X)[rows], np.asarray(data.y)[rows]
    augmenter = SyntheticAugmenter(LatentGAN(n_steps=options.steps), random_state=options.seed).fit(x, y)
    drawn, y_drawn = augmenter.sample(_SHOWN, random_state=options.seed)
    picture = draw_lines(x, drawn, y, y_drawn).astype(float)
    image = Image.fromarray((255 * picture / picture.max()).astype(np.uint8))
    factor = max(1, round(_HEIGHT / x.shape[1]))
    image.resize((factor * image.width, factor * image.height), Image.Resampling.NEAREST).save(options.out)
    print(f"learned in {augmenter.seconds_:.0f} s; written to {options.out}")


if __name__ == "__main__":
    main()
