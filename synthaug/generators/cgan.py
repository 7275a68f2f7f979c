"""The conditional GAN: one network shared by the classes, or one for each.

Projection discriminator with spectral normalisation (Miyato & Koyama 2018), differentiable augmentation (Zhao et al.
2020), hinge loss by default, two learning rates (Heusel et al. 2017), and samples drawn from a moving average of the
generator.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from synthaug._seed import torch_stream
from synthaug.data.schema import Schema
from synthaug.errors import ConfigError
from synthaug.generators.adversarial import check_parameters, start
from synthaug.generators.choices import check_choices, choices_of, shape_of
from synthaug.generators.each_class import fit_each_class
from synthaug.generators.protocol import Limits
from synthaug.generators.run import Run, plan_run, remember, train_within
from synthaug.models.conditioning import set_label_strength
from synthaug.models.heads import RowHead
from synthaug.models.layers import build
from synthaug.models.networks import NETWORKS
from synthaug.training.loop import OnStep, TakeStep
from synthaug.training.step import GanStep
from synthaug.training.threads import fixed_threads, threads_of
from synthaug.training.unlabelled import Unlabelled

_ENDS: tuple[tuple[str, ...], ...] = (("noise",), ("noise", "other end"))


class CGAN(BaseEstimator):
    """A conditional GAN for images and tables.

    Parameters
    ----------
    objective
        What the players minimise: a key of ``OBJECTIVES``.
    n_steps
        How many steps to train, each as many updates of the critic and of the generator as ``n_critic_steps`` and
        ``n_generator_steps`` say.
    batch_size
        Rows a step; the classes are drawn evenly.
    noise_dim
        Length of the noise.
    width
        The capacity. For images, channels at full resolution with the networks ``resize`` and ``residual``, and half
        of those at half the resolution with ``dcgan``; with ``fast``, the critic's channels at its finest maps and
        half of the generator's at its smallest; with ``mlp``, an eighth of a hidden layer's units. For tables, units
        of a hidden layer.
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
    network
        What the players are built of: a key of ``NETWORKS``.
    conditioning
        How the label enters them: a key of ``CONDITIONINGS``.
    dropout
        Which share of the critic's features is dropped in training.
    critic_norm, generator_norm
        Normalisation: ``spectral``, ``batch`` or ``none`` of the critic, ``batch`` or ``none`` of the generator. With
        the objectives ``wasserstein`` and ``wasserstein_gp`` the textbook's critic has ``none``.
    minibatch
        What the critic sees of the other rows of a batch: a key of ``MINIBATCHES``.
    generator_regularisers
        Weights of further terms of the generator by name, such as ``{"feature_matching": 1.0}``.
    label_smoothing
        By how much the critic's targets for real and for synthetic samples are less sure: they are 1 - a and b.
        Objectives without targets take (0, 0) alone.
    label_flip_fraction
        Which share of real and synthetic samples is shown to the critic as the other kind.
    instance_noise
        Deviation of noise on what the critic sees, at the first of n steps; it falls linearly to 1/n of it at the last.
    n_critic_steps, n_generator_steps
        Updates of each player a step; each of the critic's has real rows of its own.
    ramp_fraction
        Over which share of the steps the label is brought in: unconditional at the first, in full from there on. What
        is drawn meanwhile counts the label in full.
    precision
        Of the networks' forward passes in training: ``float32``, ``bfloat16``, or ``auto``: ``bfloat16`` for images on
        a processor or GPU with instructions for it, else ``float32``; name one where machines of two kinds are to
        learn the same weights. Weights, losses and statistics are float32 always, draws too.
    early_stopping
        ``auto``: where every class has at least 100 rows, hold a fifth of them out of training (at most 50 a class),
        stop when drawn rows come no nearer to those, and keep the weights that came nearest. True holds rows out, for
        which every class needs 10, False none. ``per_class`` holds rows out of every class or of none; each class
        stops by itself.

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
        network: str = "resize",
        conditioning: str = "projection",
        dropout: float = 0.0,
        critic_norm: str = "spectral",
        generator_norm: str = "batch",
        minibatch: str = "none",
        generator_regularisers: Mapping[str, float] | None = None,
        label_smoothing: tuple[float, float] = (0.0, 0.0),
        label_flip_fraction: float = 0.0,
        instance_noise: float = 0.0,
        n_critic_steps: int = 1,
        n_generator_steps: int = 1,
        ramp_fraction: float = 0.0,
        precision: str = "auto",
        early_stopping: bool | str = "auto",
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
        self.network = network
        self.conditioning = conditioning
        self.dropout = dropout
        self.critic_norm = critic_norm
        self.generator_norm = generator_norm
        self.minibatch = minibatch
        self.generator_regularisers = generator_regularisers
        self.label_smoothing = label_smoothing
        self.label_flip_fraction = label_flip_fraction
        self.instance_noise = instance_noise
        self.n_critic_steps = n_critic_steps
        self.n_generator_steps = n_generator_steps
        self.ramp_fraction = ramp_fraction
        self.precision = precision
        self.early_stopping = early_stopping

    def fit(
        self,
        x: Tensor,
        y: Tensor,
        *,
        schema: Schema,
        seed: int,
        on_step: OnStep,
        limits: Limits,
        x_unlabeled: Tensor | None = None,
        groups: np.ndarray | None = None,
    ) -> Self:
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
        x_unlabeled
            Samples without classes (m, ...): as many as with classes come on top in each batch, under one label more,
            so that both players' shared layers learn from them.
        groups
            Which rows belong together, shape (n,): they are held out together or not at all.

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
        check_choices(self, schema, has_unlabelled=x_unlabeled is not None)
        self.schema_, self.n_labels_ = schema, schema.n_classes + (x_unlabeled is not None)
        self.head_ = RowHead.of(schema)
        if self.per_class:
            _refuse_unlabelled(x_unlabeled)
            self.networks_ = fit_each_class(self, x, y, seed=seed, on_step=on_step, limits=limits, groups=groups)
            self.label_strength_ = 1.0
            return self
        run = plan_run(
            self,
            x,
            y,
            schema=schema,
            seed=seed,
            on_step=on_step,
            limits=limits,
            x_unlabeled=x_unlabeled,
            groups=groups,
        )
        labelled = replace(schema, n_classes=self.n_labels_)
        with fixed_threads(threads_of(self, schema)):
            generator = build(lambda: self._generator(labelled), torch_stream(seed, "generator"), limits.device)
            choices = choices_of(self)
            training = start(
                self, generator, labelled, noise_dim=self.noise_dim, seed=seed, choices=choices, n_steps=run.n_steps
            )
        self.networks_ = [training.average.module]
        take_step = _gan_step(run, lambda: training.step / run.n_steps, x_unlabeled)
        remember(self, train_within(run, training, take_step=take_step, draw=self.draw))
        self.label_strength_ = choices.stabilisers.label_strength_at(training.step / run.n_steps)
        set_label_strength(training.average.module, self.label_strength_)  # below 1 where a limit ended the ramp
        return self

    def draw(self, labels: Tensor, seed: int) -> Tensor:
        """Return a sample (b, ...), float32 on the CPU, for each class number in ``labels`` (b,)."""
        raw = self._make(torch.randn(len(labels), self.noise_dim, generator=torch_stream(seed, "noise")), labels)
        return self.head_(raw, torch_stream(seed, "categories"))

    def walk(self, labels: Tensor, n_frames: int, seed: int) -> Tensor:
        """Return a walk from one draw of each class in ``labels`` to another of the same class.

        Parameters
        ----------
        labels
            Class numbers, shape (b,).
        n_frames
            How many frames a walk has, both ends counted. The first are ``draw(labels, seed)``.
        seed
            Decides both ends.

        Returns
        -------
        Samples, shape (b, n_frames, ...), float32 on the CPU.

        Notes
        -----
        The noise between two ends z and z' is ``cos(a) z + sin(a) z'``, a from 0 to a right angle: for independent
        normal ends every frame's noise is normal too, which a straight line's is not (White, "Sampling Generative
        Networks", 2016).
        """
        first, last = (torch.randn(len(labels), self.noise_dim, generator=torch_stream(seed, *path)) for path in _ENDS)
        angles = torch.linspace(0.0, torch.pi / 2, n_frames)[:, None]
        noise = angles.cos() * first[:, None] + angles.sin() * last[:, None]
        raw = self._make(noise.flatten(0, 1), labels.repeat_interleave(n_frames)).unflatten(0, (-1, n_frames))
        return self.head_.along(raw, torch_stream(seed, "categories"))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the averaged generators' weights, and whether training was cut."""
        tensors = {
            f"{number}.{name}": value.cpu()
            for number, network in enumerate(self.networks_)
            for name, value in network.state_dict().items()
        }
        facts = {"was_cut": self.was_cut_, "n_labels": self.n_labels_, "label_strength": self.label_strength_}
        return tensors, facts

    def from_state(self, tensors: dict[str, Tensor], facts: dict[str, Any], schema: Schema) -> Self:
        """Set the weights that ``state`` gave and return self."""
        self.schema_, self.was_cut_, self.head_ = schema, bool(facts["was_cut"]), RowHead.of(schema)
        self.n_labels_, self.label_strength_ = int(facts["n_labels"]), float(facts["label_strength"])
        labelled = replace(schema, n_classes=1 if self.per_class else self.n_labels_)
        self.networks_ = [
            build(lambda: self._generator(labelled), torch_stream(0)).eval().requires_grad_(False)
            for _ in range(schema.n_classes if self.per_class else 1)
        ]
        for number, network in enumerate(self.networks_):
            prefix = f"{number}."
            network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
            set_label_strength(network, self.label_strength_)
        return self

    def _make(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return the outputs (b, ...), on the CPU, of noise (b, d) for classes (b,)."""
        device = next(self.networks_[0].parameters()).device
        with torch.inference_mode(), fixed_threads(threads_of(self, self.schema_)):
            if not self.per_class:
                return self.networks_[0](noise.to(device), labels.to(device)).cpu()
            samples = torch.empty(len(labels), *self.schema_.shape)
            for number in labels.unique().tolist():
                chosen = labels == number
                alone = torch.zeros(int(chosen.sum()), dtype=torch.int64, device=device)
                samples[chosen] = self.networks_[number](noise[chosen].to(device), alone).cpu()
            return samples

    def _generator(self, schema: Schema) -> nn.Module:
        return NETWORKS[self.network].generator(schema, shape_of(self))


def _gan_step(run: Run, progress: Callable[[], float], x_unlabeled: Tensor | None) -> TakeStep:
    if x_unlabeled is None:
        return GanStep(run.rows.batch, progress)
    more = Unlabelled(x_unlabeled.to(run.limits.device), run.schema.n_classes)
    return more.beside_each(GanStep(lambda n, stream: more.beside(*run.rows.batch(n // 2, stream), stream), progress))


def _refuse_unlabelled(x_unlabeled: Tensor | None) -> None:
    if x_unlabeled is not None:
        raise ConfigError(
            "per_class must be False where there are rows without labels; got True (each class alone, to none of which "
            "those rows belong). Pass per_class=False, or leave X_unlabeled out."
        )
