"""The conditional GAN: one network shared by the classes, or one for each.

Projection discriminator with spectral normalisation (Miyato & Koyama 2018), differentiable augmentation (Zhao et al.
2020), hinge loss by default, two learning rates (Heusel et al. 2017), and samples drawn from a moving average of the
generator.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, clone
from torch import Tensor, nn

from synthaug._seed import derive, torch_stream
from synthaug.data.schema import ImageSchema, Schema
from synthaug.generators.adversarial import check_parameters, n_threads, own_checkpoint, start, train_within
from synthaug.generators.protocol import Limits
from synthaug.models.image import ImageGenerator
from synthaug.models.layers import build
from synthaug.models.table import TableGenerator
from synthaug.training.loop import OnStep, Rows, StepRecord
from synthaug.training.step import gan_step
from synthaug.training.threads import fixed_threads


class CGAN(BaseEstimator):
    """A conditional GAN for images and tables.

    Parameters
    ----------
    objective
        What the players minimise: a key of ``OBJECTIVES``.
    n_steps
        How many steps to train, each one update of the critic and one of the generator.
    batch_size
        Rows a step; the classes are drawn evenly.
    noise_dim
        Length of the noise.
    width
        Channels at full resolution (images) or units of a hidden layer (tables).
    lr, critic_lr
        Adam's learning rates of the generator and of the critic.
    beta1, beta2
        Adam's decay rates.
    policy
        Augmentation of what the critic sees: a key of ``POLICIES``, or ``auto`` (``translation+cutout`` for images,
        none for tables).
    regularisers
        Weights of further terms of the critic by name, such as ``{"r1": 0.1}``.
    halflife_fraction
        Half-life of the weights' moving average, as a share of all images seen.
    per_class
        Learn separate networks, one a class, instead of one that the classes share.
    n_jobs
        How many classes to learn at a time when ``per_class``; joblib's meaning.
    n_threads
        How many torch threads to use. ``auto``: one for tables and small images, else one a core, four at the most.

    Attributes
    ----------
    networks_ : list of torch.nn.Module
        The averaged generators: one, or one a class.
    was_cut_ : bool
        Whether a time limit ended training, so that the same seed need not give the same weights.

    Examples
    --------
    >>> import numpy as np
    >>> from synthaug import CGAN, SyntheticAugmenter
    >>> X = np.random.default_rng(0).normal(size=(40, 3))
    >>> y = np.repeat(["no", "yes"], 20)
    >>> learner = CGAN(objective="hinge", n_steps=5, width=8)
    >>> X_new, y_new = SyntheticAugmenter(learner, random_state=0).fit(X, y).sample({"yes": 3})
    >>> X_new.shape, y_new.tolist()
    ((3, 3), ['yes', 'yes', 'yes'])
    """

    def __init__(
        self,
        objective: str = "hinge",
        *,
        n_steps: int = 2000,
        batch_size: int = 32,
        noise_dim: int = 32,
        width: int = 32,
        lr: float = 5e-4,
        critic_lr: float = 1e-3,
        beta1: float = 0.0,
        beta2: float = 0.99,
        policy: str = "auto",
        regularisers: Mapping[str, float] | None = None,
        halflife_fraction: float = 0.05,
        per_class: bool = False,
        n_jobs: int | None = None,
        n_threads: int | str = "auto",
    ) -> None:
        self.objective = objective
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.noise_dim = noise_dim
        self.width = width
        self.lr = lr
        self.critic_lr = critic_lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.policy = policy
        self.regularisers = regularisers
        self.halflife_fraction = halflife_fraction
        self.per_class = per_class
        self.n_jobs = n_jobs
        self.n_threads = n_threads

    def fit(self, x: Tensor, y: Tensor, *, schema: Schema, seed: int, on_step: OnStep, limits: Limits) -> Self:
        """Learn from rows.

        Parameters
        ----------
        x, y
            Samples (n, ...) as the schema says, float32, and classes (n,), int64.
        schema
            What the samples are.
        seed
            Decides everything random.
        on_step
            Is told about every hundredth of the run; its True stops it. With ``per_class`` it is told afterwards, the
            classes' losses averaged.
        limits
            Device, caps and checkpoints.

        Returns
        -------
        The learner itself.

        Raises
        ------
        ConfigError
            If a parameter is impossible.
        DivergedError
            If a loss is not finite.
        FileError
            If a checkpoint is damaged or the folder cannot be written to.
        """
        check_parameters(self, schema, "noise_dim")
        self.schema_ = schema
        if self.per_class:
            return self._fit_each_class(x, y, seed=seed, on_step=on_step, limits=limits)
        checkpoint = own_checkpoint(self, x, y, schema=schema, seed=seed, limits=limits)
        with fixed_threads(n_threads(self, schema)):
            generator = build(lambda: self._generator(schema), torch_stream(seed, "generator"), limits.device)
            training = start(self, generator, schema, noise_dim=self.noise_dim, seed=seed)
        rows = Rows.by_class(x, y, schema.n_classes, limits.device)
        session = train_within(
            limits, self, training, rows, schema=schema, checkpoint=checkpoint, on_step=on_step, take_step=gan_step
        )
        self.networks_ = [training.average.module]
        self.story_, self.was_cut_ = session.story, session.was_cut
        return self

    def draw(self, labels: Tensor, seed: int) -> Tensor:
        """Return a sample (b, ...), float32 on the CPU, for each class number in ``labels`` (b,)."""
        noise = torch.randn(len(labels), self.noise_dim, generator=torch_stream(seed, "noise"))
        device = next(self.networks_[0].parameters()).device
        with torch.inference_mode(), fixed_threads(n_threads(self, self.schema_)):
            if not self.per_class:
                return self.networks_[0](noise.to(device), labels.to(device)).cpu()
            samples = torch.empty(len(labels), *self.schema_.shape)
            for number in labels.unique().tolist():
                chosen = labels == number
                alone = torch.zeros(int(chosen.sum()), dtype=torch.int64, device=device)
                samples[chosen] = self.networks_[number](noise[chosen].to(device), alone).cpu()
            return samples

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the averaged generators' weights, and whether training was cut."""
        tensors = {
            f"{number}.{name}": value.cpu()
            for number, network in enumerate(self.networks_)
            for name, value in network.state_dict().items()
        }
        return tensors, {"was_cut": self.was_cut_}

    def from_state(self, tensors: dict[str, Tensor], facts: dict[str, Any], schema: Schema) -> Self:
        """Set the weights that ``state`` gave and return self."""
        self.schema_, self.was_cut_ = schema, bool(facts["was_cut"])
        alone = replace(schema, n_classes=1) if self.per_class else schema
        self.networks_ = [
            build(lambda: self._generator(alone), torch_stream(0)).eval().requires_grad_(False)
            for _ in range(schema.n_classes if self.per_class else 1)
        ]
        for number, network in enumerate(self.networks_):
            prefix = f"{number}."
            network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        return self

    def _generator(self, schema: Schema) -> nn.Module:
        if isinstance(schema, ImageSchema):
            return ImageGenerator(schema, noise_dim=self.noise_dim, width=self.width)
        return TableGenerator(schema, noise_dim=self.noise_dim, width=self.width)

    def _fit_each_class(self, x: Tensor, y: Tensor, *, seed: int, on_step: OnStep, limits: Limits) -> Self:
        n_classes = self.schema_.n_classes
        if limits.max_seconds is not None:
            share = min(n_classes, effective_n_jobs(self.n_jobs)) / n_classes
            limits = replace(limits, max_seconds=limits.max_seconds * share)
        one = clone(self).set_params(per_class=False, n_jobs=None)
        schema = replace(self.schema_, n_classes=1)
        parts = Parallel(self.n_jobs)(
            delayed(_fit_one_class)(clone(one), x[y == number], schema, derive(seed, "class", number), limits)
            for number in range(n_classes)
        )
        self.networks_ = [part.networks_[0] for part in parts]
        self.was_cut_ = any(part.was_cut_ for part in parts)
        self.story_ = [_together(records) for records in zip(*(part.story_ for part in parts), strict=False)]
        for record in self.story_:
            on_step(record)
        return self


def _fit_one_class(learner: CGAN, x: Tensor, schema: Schema, seed: int, limits: Limits) -> CGAN:
    y = torch.zeros(len(x), dtype=torch.int64)
    return learner.fit(x, y, schema=schema, seed=seed, on_step=lambda record: None, limits=limits)


def _together(records: tuple[StepRecord, ...]) -> StepRecord:
    terms = {name: float(np.mean([record.terms[name] for record in records])) for name in records[0].terms}
    seen, seconds = sum(record.images_seen for record in records), sum(record.seconds for record in records)
    return replace(records[0], images_seen=seen, seconds=seconds, terms=terms)
