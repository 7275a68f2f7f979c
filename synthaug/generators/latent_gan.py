"""The GAN on codes: a label-blind encoder, a conditional decoder, and a critic on what is decoded from drawn codes.

Diversity holds by construction, for the decoder has to reach every training row. Codes are blind to the label, so a
rare class takes on the styles of the frequent ones: see ``training/latent.py`` for the step and its sources.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from synthaug._check import check_choice, check_fraction, check_positive, check_word
from synthaug._seed import torch_stream
from synthaug.data.schema import ImageSchema, Schema
from synthaug.generators.adversarial import check_parameters, start
from synthaug.generators.choices import PRECISIONS, Choices
from synthaug.generators.protocol import Limits
from synthaug.generators.run import Run, plan_run, remember, train_within
from synthaug.models.density import CodeDensity
from synthaug.models.fast import FastEncoder, FastGenerator
from synthaug.models.heads import RowHead
from synthaug.models.layers import build
from synthaug.models.table import TableEncoder, TableGenerator
from synthaug.training.latent import Autoencoder, LatentStep, MixedCodes, PriorCodes, choose_sources, mix_codes
from synthaug.training.loop import OnStep, Rows, TakeStep
from synthaug.training.threads import fixed_threads, threads_of
from synthaug.training.unlabelled import Unlabelled

CODES = ("auto", "prior", "mixed")
_ENCODED_AT_ONCE = 256
_FARTHEST_LABELS = 100.0


class LatentGAN(BaseEstimator):
    """A GAN on codes of rows, for images and tables; the default for images.

    Parameters
    ----------
    objective
        What the players minimise: a key of ``OBJECTIVES``.
    n_steps, batch_size
        How many steps to train, and rows a step.
    max_repeats
        How often a row may be shown. The classes are shown evenly, but rows of a class of very few would be learned by
        heart in a long training, so beyond that many times the other classes take their place.
    code_dim
        Length of a code.
    width
        Channels of the finest maps (images) or units of a hidden layer (tables).
    codes
        ``prior``: codes are drawn from N(0, I), to which the encoder is kept, so all classes share all styles.
        ``mixed``: codes lie between those of two rows. ``auto``: ``prior`` for images, ``mixed`` for tables.
    prior_weight
        Weight of the distance between the rows' codes and N(0, I), with ``prior``.
    label_scale
        How strongly codes are kept from telling the class, with ``prior``: how far apart, in deviations of a code, the
        labels stand beside the codes in that distance; 0 leaves them out.
    borrow
        How often a class takes codes of any class, with ``mixed``. ``auto``: ``1 - n / n_max`` for a class of n rows
        where the greatest has n_max, so classes of equal size borrow nothing.
    reconstruction_weight
        Weight of the mean absolute error of reconstruction.
    lr, critic_lr, beta1, beta2, policy, regularisers, halflife_fraction, precision, n_threads, early_stopping
        As in ``CGAN``.

    Attributes
    ----------
    decoder_ : torch.nn.Module
        The averaged decoder.
    codes_ : str
        Where codes come from: ``prior`` or ``mixed``.
    density_ : CodeDensity or None
        A Gaussian of codes for each class, with ``mixed``.
    borrow_ : torch.Tensor
        How often each class borrows, shape (n_classes,).
    was_cut_ : bool
        Whether a time limit ended training.

    Examples
    --------
    >>> import numpy as np
    >>> from synthaug import LatentGAN, SyntheticAugmenter
    >>> X = np.random.default_rng(0).normal(size=(40, 3))
    >>> y = np.array([0] * 30 + [1] * 10)
    >>> augmenter = SyntheticAugmenter(LatentGAN(n_steps=5, width=8), selection="none", random_state=0).fit(X, y)
    >>> augmenter.sample({1: 4})[0].shape
    (4, 3)
    >>> [round(share, 2) for share in augmenter.generator_.borrow_.tolist()]
    [0.0, 0.67]
    """

    def __init__(
        self,
        objective: str = "hinge",
        *,
        n_steps: int = 1500,
        batch_size: int = 32,
        max_repeats: int = 1500,
        code_dim: int = 16,
        width: int = 32,
        codes: str = "auto",
        prior_weight: float = 3.0,
        label_scale: float = 4.0,
        borrow: float | str = "auto",
        reconstruction_weight: float = 10.0,
        lr: float = 1e-3,
        critic_lr: float = 1e-3,
        beta1: float = 0.0,
        beta2: float = 0.99,
        policy: str = "auto",
        regularisers: Mapping[str, float] | None = None,
        halflife_fraction: float = 0.05,
        precision: str = "auto",
        n_threads: int | str = "auto",
        early_stopping: bool | str = "auto",
    ) -> None:
        self.objective = objective
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.max_repeats = max_repeats
        self.code_dim = code_dim
        self.width = width
        self.codes = codes
        self.prior_weight = prior_weight
        self.label_scale = label_scale
        self.borrow = borrow
        self.reconstruction_weight = reconstruction_weight
        self.lr = lr
        self.critic_lr = critic_lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.policy = policy
        self.regularisers = regularisers
        self.halflife_fraction = halflife_fraction
        self.precision = precision
        self.n_threads = n_threads
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
        """Learn from samples (n, ...) and classes (n,), and from samples without classes (m, ...); see ``CGAN.fit``.

        Samples without classes train encoder, decoder and critic under a label of their own, *unknown*, from which
        nothing is drawn.
        """
        self._check(schema)
        self.schema_, self.n_labels_ = schema, schema.n_classes + (x_unlabeled is not None)
        self.codes_, self.head_ = self._kind_of_codes(schema), RowHead.of(schema)
        self.borrow_ = self._borrow(torch.bincount(y, minlength=schema.n_classes))
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
            max_repeats=self.max_repeats,
        )
        labelled = replace(schema, n_classes=self.n_labels_)
        with fixed_threads(threads_of(self, schema)):
            both = build(lambda: self._autoencoder(labelled), torch_stream(seed, "generator"), limits.device)
            training = start(
                self,
                both,
                labelled,
                noise_dim=self.code_dim,
                seed=seed,
                choices=Choices(network="fast", precision=self.precision),
                n_steps=run.n_steps,
            )
        averaged = training.average.module
        assert isinstance(averaged, Autoencoder)

        def draw(labels: Tensor, draw_seed: int) -> Tensor:
            self._keep(averaged, *run.few_rows())
            return self.draw(labels, draw_seed)

        remember(self, train_within(run, training, take_step=self._step(run, x_unlabeled), draw=draw))
        self._keep(averaged, x, y)
        return self

    def draw(self, labels: Tensor, seed: int) -> Tensor:
        """Return a sample (b, ...), float32 on the CPU, for each class number in ``labels`` (b,)."""
        raw = self._decode(self._draw_codes(labels, torch_stream(seed, "codes")), labels)
        return self.head_(raw, torch_stream(seed, "categories"))

    def walk(self, labels: Tensor, n_frames: int, seed: int) -> Tensor:
        """Return samples (b, n_frames, ...), float32: from one draw of each class in ``labels`` (b,) to another.

        Codes c and d are joined by ``cos(t) c + sin(t) d``, t from 0 to π/2, which keeps N(0, I); mixed ones by a line.
        """
        start, end = (self._draw_codes(labels, torch_stream(seed, which))[:, None] for which in ("codes", "end"))
        share = torch.linspace(0.0, 1.0, n_frames)[None, :, None]
        angle = share * torch.pi / 2
        codes = torch.lerp(start, end, share) if self.density_ else angle.cos() * start + angle.sin() * end
        raw = self._decode(codes.flatten(0, 1), labels.repeat_interleave(n_frames)).unflatten(0, (-1, n_frames))
        return self.head_.along(raw, torch_stream(seed, "categories"))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the decoder's weights, the density of codes if there is one, and whether training was cut."""
        tensors = {f"decoder.{name}": value.cpu() for name, value in self.decoder_.state_dict().items()}
        if self.density_ is not None:
            tensors |= {f"density.{name}": value for name, value in vars(self.density_).items()}
        return tensors | {"borrow": self.borrow_}, {"was_cut": self.was_cut_, "n_labels": self.n_labels_}

    def from_state(self, tensors: dict[str, Tensor], facts: dict[str, Any], schema: Schema) -> Self:
        """Set what ``state`` gave and return self."""
        self.schema_, self.was_cut_, self.borrow_ = schema, bool(facts["was_cut"]), tensors["borrow"]
        self.n_labels_, self.codes_ = int(facts["n_labels"]), self._kind_of_codes(schema)
        self.head_ = RowHead.of(schema)
        density = [tensors[f"density.{name}"] for name in ("mean", "root") if self.codes_ == "mixed"]
        self.density_ = CodeDensity(*density) if density else None
        labelled = replace(schema, n_classes=self.n_labels_)
        self.decoder_ = build(lambda: self._decoder(labelled), torch_stream(0)).eval().requires_grad_(False)
        weights = {k.removeprefix("decoder."): v for k, v in tensors.items() if k.startswith("decoder.")}
        self.decoder_.load_state_dict(weights)
        return self

    def _check(self, schema: Schema) -> None:
        check_parameters(self, schema, "code_dim", "max_repeats")
        check_choice("codes", self.codes, CODES)
        check_word("precision", self.precision, PRECISIONS)
        for name in ("reconstruction_weight", "prior_weight"):
            check_positive(name, getattr(self, name))
        check_fraction("label_scale", self.label_scale, most=_FARTHEST_LABELS)

    def _kind_of_codes(self, schema: Schema) -> str:
        if self.codes != "auto":
            return self.codes
        return "prior" if isinstance(schema, ImageSchema) else "mixed"

    def _step(self, run: Run, x_unlabeled: Tensor | None) -> TakeStep:
        if x_unlabeled is None:
            return LatentStep(self._codes(run.rows, self.borrow_), self.reconstruction_weight)
        unlabelled = Unlabelled(x_unlabeled.to(run.limits.device), run.schema.n_classes)
        codes = self._codes(unlabelled.among(run.rows), torch.cat([self.borrow_, torch.zeros(1)]))
        return unlabelled.beside_each(LatentStep(codes, self.reconstruction_weight))

    def _codes(self, rows: Rows, borrow: Tensor) -> PriorCodes | MixedCodes:
        if self.codes_ == "prior":
            return PriorCodes(self.prior_weight, self.n_labels_, self.label_scale)
        return MixedCodes(rows, borrow.to(rows.x.device))

    def _borrow(self, count: Tensor) -> Tensor:
        if self.borrow == "auto":
            return 1.0 - count / count.max()
        return torch.full((len(count),), check_fraction("borrow", self.borrow))

    def _draw_codes(self, labels: Tensor, stream: torch.Generator) -> Tensor:
        if self.density_ is None:
            return torch.randn(len(labels), self.code_dim, generator=stream)
        first, second = choose_sources(labels, self.borrow_, lambda n: self._any_class(n, stream), stream)
        return mix_codes(self.density_.draw(first, stream), self.density_.draw(second, stream), stream)

    def _any_class(self, n: int, stream: torch.Generator) -> Tensor:
        return torch.randint(len(self.borrow_), (n,), generator=stream)

    def _decode(self, codes: Tensor, labels: Tensor) -> Tensor:
        device = next(self.decoder_.parameters()).device
        with torch.inference_mode(), fixed_threads(threads_of(self, self.schema_)):
            return self.decoder_(codes.to(device), labels.to(device)).cpu()

    def _keep(self, both: Autoencoder, x: Tensor, y: Tensor) -> None:
        """Keep the decoder and, with mixed codes, their density; the encoder and the codes themselves are dropped."""
        self.decoder_, self.density_ = both.decoder, None
        if self.codes_ == "prior":
            return
        device = next(both.parameters()).device
        with torch.inference_mode(), fixed_threads(threads_of(self, self.schema_)):
            codes = torch.cat([both.encoder(part.to(device)).cpu() for part in x.split(_ENCODED_AT_ONCE)])
        self.density_ = CodeDensity.fit(codes.clone(), y, self.schema_.n_classes)

    def _autoencoder(self, schema: Schema) -> Autoencoder:
        if isinstance(schema, ImageSchema):
            return Autoencoder(FastEncoder(schema, code_dim=self.code_dim, width=self.width), self._decoder(schema))
        return Autoencoder(TableEncoder(schema, code_dim=self.code_dim, width=self.width), self._decoder(schema))

    def _decoder(self, schema: Schema) -> nn.Module:
        if isinstance(schema, ImageSchema):
            return FastGenerator(schema, noise_dim=self.code_dim, width=self.width)
        return TableGenerator(schema, noise_dim=self.code_dim, width=self.width)
