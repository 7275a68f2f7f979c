"""Which of the choices that the field teaches pay: one change at a time, on the dev half of one task.

::

    SYNTHAUG_DATA=data python benchmarks/ablation.py --task mnist-20 --seconds 60 --seeds 0 1

Each variant is a learner with one thing changed. Finished cells are kept in ``--out`` and not measured again, so the
screen may be stopped and go on. Figures and steps are those of ``quality.py``; nothing here is a published figure, for
the dev half is where settings are chosen.
"""

import argparse
import itertools
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import torch
from quality import MAKERS, NOVELTY, Cell, Maker, measure, rate_kept, rate_name, table
from store import Store
from tasks import TASKS, problem

from synthaug import CGAN, LatentGAN
from synthaug.models.networks import NETWORKS
from synthaug.training.diffaug import POLICIES
from synthaug.training.objectives import OBJECTIVES
from synthaug.training.regularisers import GENERATOR_REGULARISERS, REGULARISERS

_cgan, _latent = partial(CGAN, n_threads=1), partial(LatentGAN, n_threads=1)
_WEIGHTS = {"r1": 0.1, "r2": 0.1, "gradient_penalty": 10.0, "lecam": 0.01, "feature_matching": 1.0, "mode_seeking": 0.1}
_DEARER_OBJECTIVES = ("wasserstein_gp", "relativistic_r1_r2")  # they differentiate the critic's gradient

AS_DEAR: dict[str, Maker] = {  # a step of these costs what one of the learner itself does
    **{f"cgan objective={name}": partial(_cgan, name) for name in OBJECTIVES if name not in _DEARER_OBJECTIVES},
    "cgan conditioning=concatenation": partial(_cgan, conditioning="concatenation"),
    "cgan label_smoothing": partial(_cgan, "non_saturating", label_smoothing=(0.1, 0.1)),
    "cgan label_flip_fraction=0.05": partial(_cgan, label_flip_fraction=0.05),
    "cgan instance_noise=0.3": partial(_cgan, instance_noise=0.3),
    "cgan ramp_fraction=0.5": partial(_cgan, ramp_fraction=0.5),
    "cgan one learning rate": partial(_cgan, critic_lr=5e-4),
    "latent_gan objective=non_saturating": partial(_latent, "non_saturating"),
    "latent_gan codes=mixed": partial(_latent, codes="mixed"),
    "latent_gan max_repeats=none": partial(_latent, max_repeats=10**6),
    "latent_gan prior_weight=0.1": partial(_latent, prior_weight=0.1),
    "latent_gan prior_weight=10": partial(_latent, prior_weight=10.0),
    "latent_gan reconstruction_weight=2": partial(_latent, reconstruction_weight=2.0),
    "latent_gan reconstruction_weight=40": partial(_latent, reconstruction_weight=40.0),
    "latent_gan code_dim=8": partial(_latent, code_dim=8),
    "latent_gan code_dim=32": partial(_latent, code_dim=32),
    "latent_gan lr=5e-4": partial(_latent, lr=5e-4, critic_lr=5e-4),
    "latent_gan lr=2e-3": partial(_latent, lr=2e-3, critic_lr=2e-3),
    **{f"latent_gan policy={name}": partial(_latent, policy=name) for name in POLICIES},
}
OTHERS: dict[str, Maker] = {
    **{name: make for name, make in MAKERS.items() if name not in ("textbook", NOVELTY)},
    **{f"cgan objective={name}": partial(_cgan, name) for name in _DEARER_OBJECTIVES},
    **{f"cgan network={name}": partial(_cgan, network=name) for name in NETWORKS},
    "cgan conditioning=auxiliary": partial(_cgan, conditioning="auxiliary"),
    **{f"cgan {name}": partial(_cgan, regularisers={name: _WEIGHTS[name]}) for name in REGULARISERS},
    **{
        f"cgan {name}": partial(_cgan, generator_regularisers={name: _WEIGHTS[name]}) for name in GENERATOR_REGULARISERS
    },
    "cgan dropout=0.25": partial(_cgan, dropout=0.25),
    "cgan minibatch=deviation": partial(_cgan, minibatch="deviation"),
    "cgan minibatch=discrimination": partial(_cgan, minibatch="discrimination"),
    "cgan minibatch=packing": partial(_cgan, minibatch="packing"),
    "cgan n_critic_steps=2": partial(_cgan, n_critic_steps=2),
    "cgan n_generator_steps=2": partial(_cgan, n_generator_steps=2),
    "latent_gan precision=float32": partial(_latent, precision="float32"),
    "latent_gan objective=relativistic_r1_r2": partial(_latent, "relativistic_r1_r2"),
}
_DEFAULTS = ("cgan objective=hinge", "cgan network=resize", "latent_gan policy=translation+cutout")
VARIANTS = {name: make for name, make in (OTHERS | AS_DEAR).items() if name not in _DEFAULTS}


def measure_rates(variants: Iterable[str], shape: tuple[int, ...], folder: Path) -> None:
    """Measure how many steps a second each takes, which needs both cores; variants as dear share their learner's."""
    for name in variants:
        learner = name.split()[0] if name in AS_DEAR else name
        rate = rate_kept(learner, VARIANTS[learner], shape, folder)
        Store(folder / "rates.json").once(rate_name(name, shape), lambda rate=rate: rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, default="mnist-20")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="VARIANT")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--rates", action="store_true", help="only measure how many steps a second each takes")
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    store = Store(options.out / f"{options.task}.json")
    if not options.table:
        measure_rates(options.variants, problem(options.task, half="dev", seed=0).schema.shape, options.out)
    cells = () if options.table or options.rates else itertools.product(options.seeds, options.variants)
    for seed, name in cells:
        cell = Cell(name, options.task, "dev", options.seconds, seed)
        store.once(cell.key, partial(measure, cell, store, VARIANTS))
        print(cell.key, flush=True)
    print(table(options.out, [options.task]))


if __name__ == "__main__":
    main()
