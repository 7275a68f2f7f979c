"""The variational autoencoder, its decoder told the class: smooth rows, trained without an opponent.

Codes are blind to the label, so all classes, and rows without a label, share one space of styles: see
``training/variational.py`` for the step and its sources. Rows are not drawn from the prior but from a Gaussian of the
codes of each class, for what a class's rows are coded as is never quite the prior (Ghosh et al., "From Variational to
Deterministic Autoencoders", 2020). Numbers of a table are drawn as p(x|z, y) says, spread about what is decoded:
without that their columns would be too narrow. Pixels are not: noise on an image is seen.
"""

from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from synthaug._check import check_fraction, check_positive
from synthaug._seed import torch_stream
from synthaug.data.schema import ImageSchema, Schema, TableSchema
from synthaug.errors import ConfigError
from synthaug.generators.protocol import Limits
from synthaug.generators.run import plan_run, remember, train_within
from synthaug.models.density import CodeDensity
from synthaug.models.heads import RowHead, layout_of
from synthaug.models.image import ImageEncoder, ImageGenerator
from synthaug.models.layers import build
from synthaug.models.table import TableEncoder, TableGenerator
from synthaug.training.average import MovingAverage
from synthaug.training.loop import OnStep, Training
from synthaug.training.threads import fixed_threads, threads_of
from synthaug.training.unlabelled import Unlabelled
from synthaug.training.variational import Coders, VariationalAutoencoder, VariationalStep

_ENCODED_AT_ONCE = 256
_MOST_DECAY = 0.999999


class VAE(BaseEstimator):
    """A class-conditional variational autoencoder, for images and tables; it also learns from rows without labels.

    Parameters
    ----------
    n_steps, batch_size
        How many steps to train, and labelled rows a step; the classes are drawn evenly. Where there are rows without
        labels, as many of those come on top.
    code_dim
        Length of a code.
    width
        Channels at full resolution (images) or units of a hidden layer (tables).
    kl_weight
        Weight of the divergence of codes from the prior. 1 is the bound on the likelihood; less gives sharper rows.
    lr, beta1, beta2
        Adam's learning rate and decay rates.
    halflife_fraction, n_threads, early_stopping
        As in ``CGAN``.

    Attributes
    ----------
    decoder_ : torch.nn.Module
        The averaged decoder.
    density_ : CodeDensity
        A Gaussian of codes for each class.
    spread_ : torch.Tensor or None
        How far numbers of a table lie from what is decoded, root mean square, shape (d,); None for images.
    was_cut_ : bool
        Whether a time limit ended training.

    Examples
    --------
    >>> import numpy as np
    >>> from synthaug import VAE, SyntheticAugmenter
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> y = np.repeat(["no", "yes"], 15)
    >>> augmenter = SyntheticAugmenter(VAE(n_steps=5, width=8), selection="none", random_state=0)
    >>> X_new, y_new = augmenter.fit(X[:30], y, X_unlabeled=X[30:]).sample({"yes": 4})
    >>> X_new.shape
    (4, 3)
    """

    def __init__(
        self,
        *,
        n_steps: int = 1500,
        batch_size: int = 32,
        code_dim: int = 16,
        width: int = 32,
        kl_weight: float = 1.0,
        lr: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        halflife_fraction: float = 0.05,
        n_threads: int | str = "auto",
        early_stopping: bool | str = "auto",
    ) -> None:
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.code_dim = code_dim
        self.width = width
        self.kl_weight = kl_weight
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.halflife_fraction = halflife_fraction
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
        """Learn from samples (n, ...) and classes (n,), and from samples without classes (m, ...); see ``CGAN.fit``."""
        self._check()
        self.schema_, self.n_labels_ = schema, schema.n_classes + (x_unlabeled is not None)
        self.head_ = RowHead.of(schema)
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
        with fixed_threads(threads_of(self, schema)):
            training = self._start(seed, limits.device, run.n_steps)
        more = None if x_unlabeled is None else Unlabelled(x_unlabeled.to(limits.device), schema.n_classes)
        take_step = VariationalStep(self.kl_weight, more, self.head_)
        averaged = training.average.module

        def draw(labels: Tensor, draw_seed: int) -> Tensor:
            self._keep(averaged, *run.few_rows())
            return self.draw(labels, draw_seed)

        remember(self, train_within(run, training, take_step=take_step, draw=draw))
        self._keep(averaged, x, y)
        return self

    def draw(self, labels: Tensor, seed: int) -> Tensor:
        """Return a sample (b, ...), float32 on the CPU, for each class number in ``labels`` (b,)."""
        raw = self._decode(self.density_.draw(labels, torch_stream(seed, "codes")), labels)
        return self.head_(self._spread(raw[:, None], seed)[:, 0], torch_stream(seed, "categories"))

    def walk(self, labels: Tensor, n_frames: int, seed: int) -> Tensor:
        """Return samples (b, n_frames, ...), float32: from one draw of each class in ``labels`` (b,) straight to
        another.
        """
        start, end = (self.density_.draw(labels, torch_stream(seed, which)) for which in ("codes", "end"))
        share = torch.linspace(0.0, 1.0, n_frames)[None, :, None]
        codes = torch.lerp(start[:, None], end[:, None], share)
        raw = self._decode(codes.flatten(0, 1), labels.repeat_interleave(n_frames)).unflatten(0, (-1, n_frames))
        return self.head_.along(self._spread(raw, seed), torch_stream(seed, "categories"))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the decoder's weights, the density of codes, how many labels there are, and whether training was
        cut.
        """
        tensors = {f"decoder.{name}": value.cpu() for name, value in self.decoder_.state_dict().items()}
        tensors |= {"density.mean": self.density_.mean, "density.root": self.density_.root}
        tensors |= {} if self.spread_ is None else {"spread": self.spread_}
        return tensors, {"was_cut": self.was_cut_, "n_labels": self.n_labels_}

    def from_state(self, tensors: dict[str, Tensor], facts: dict[str, Any], schema: Schema) -> Self:
        """Set what ``state`` gave and return self."""
        self.schema_, self.was_cut_, self.n_labels_ = schema, bool(facts["was_cut"]), int(facts["n_labels"])
        self.density_, self.head_ = CodeDensity(tensors["density.mean"], tensors["density.root"]), RowHead.of(schema)
        self.spread_ = tensors.get("spread")
        self.decoder_ = build(self._decoder, torch_stream(0)).eval().requires_grad_(False)
        weights = {k.removeprefix("decoder."): v for k, v in tensors.items() if k.startswith("decoder.")}
        self.decoder_.load_state_dict(weights)
        return self

    def _check(self) -> None:
        for name in ("n_steps", "batch_size", "width", "code_dim"):
            check_positive(name, getattr(self, name), integer=True)
        if self.batch_size < 2:
            raise ConfigError(f"batch_size must be at least 2, for batch normalisation; got {self.batch_size}.")
        for name in ("kl_weight", "lr", "halflife_fraction"):
            check_positive(name, getattr(self, name))
        for name in ("beta1", "beta2"):
            check_fraction(name, getattr(self, name), most=_MOST_DECAY)
        if self.n_threads != "auto":
            check_positive("n_threads", self.n_threads, integer=True)

    def _start(self, seed: int, device: torch.device, n_steps: int) -> Training:
        """Return training at step 0."""
        both = build(self._autoencoder, torch_stream(seed, "generator"), device)
        assert isinstance(both, VariationalAutoencoder)
        optimiser = torch.optim.Adam(both.parameters(), self.lr, (self.beta1, self.beta2), fused=True)
        average = MovingAverage(both, halflife_images=self.halflife_fraction * n_steps * self.batch_size)
        return Training(Coders(both, optimiser), average, torch_stream(seed, "training", device=device))

    def _keep(self, both: nn.Module, x: Tensor, y: Tensor) -> None:
        """Keep the decoder and the density of the rows' codes; the encoder and the codes themselves are dropped."""
        assert isinstance(both, VariationalAutoencoder)
        device = next(both.parameters()).device
        with torch.inference_mode(), fixed_threads(threads_of(self, self.schema_)):
            parts = [both.posterior(part.to(device)) for part in x.split(_ENCODED_AT_ONCE)]
        mean, log_variance = (torch.cat([part[which] for part in parts]).cpu() for which in (0, 1))
        self.decoder_ = both.decoder
        self.density_ = code_density(mean.clone(), log_variance.exp(), y, self.schema_.n_classes)
        schema: Schema = self.schema_
        self.spread_ = number_spread(self._decode(mean, y), x, schema) if isinstance(schema, TableSchema) else None

    def _spread(self, raw: Tensor, seed: int) -> Tensor:
        """Return outputs (b, n, ...) with the numbers of a table spread, the n of a walk alike."""
        if self.spread_ is None:
            return raw
        noise = torch.randn(len(raw), 1, raw.shape[2], generator=torch_stream(seed, "spread"))
        return raw + self.spread_ * noise

    def _decode(self, codes: Tensor, labels: Tensor) -> Tensor:
        device = next(self.decoder_.parameters()).device
        with torch.inference_mode(), fixed_threads(threads_of(self, self.schema_)):
            return self.decoder_(codes.to(device), labels.to(device)).cpu()

    def _autoencoder(self) -> VariationalAutoencoder:
        encoder = ImageEncoder if isinstance(self.schema_, ImageSchema) else TableEncoder
        body: nn.Module = encoder(self.schema_, code_dim=2 * self.code_dim, width=self.width)  # type: ignore[arg-type]
        return VariationalAutoencoder(body, self._decoder(), self.code_dim)

    def _decoder(self) -> nn.Module:
        schema = replace(self.schema_, n_classes=self.n_labels_)
        if isinstance(schema, ImageSchema):
            return ImageGenerator(schema, noise_dim=self.code_dim, width=self.width)
        return TableGenerator(schema, noise_dim=self.code_dim, width=self.width)


def number_spread(raw: Tensor, rows: Tensor, schema: TableSchema) -> Tensor:
    """Return how far each place's numbers lie from raw outputs (n, d), root mean square, (d,); 0 at categories."""
    layout = layout_of(schema)
    squares, counted = RowHead(layout).squares(raw, rows)
    spread = torch.zeros(rows.shape[1])
    spread[layout.numbers] = (squares.sum(0) / counted.sum(0).clamp_min(1.0)).sqrt()
    return spread


def code_density(mean: Tensor, variance: Tensor, labels: Tensor, n_classes: int) -> CodeDensity:
    """Return the Gaussian of each class's codes, those of a row being spread as the encoder says.

    Its covariance is that of the rows' mean codes (``CodeDensity.fit``) and, added to it, the mean over all rows of
    the variances: all rows, so that nothing of a small class but its mean is kept.

    Parameters
    ----------
    mean, variance
        Of each row's code, shapes (n, d).
    labels
        The rows' classes (n,), each at least once.
    n_classes
        How many classes there are.
    """
    between = CodeDensity.fit(mean, labels, n_classes)
    root = between.root.double()
    covariance = root @ root.mT + torch.diag(variance.double().mean(0))
    return CodeDensity(between.mean, torch.linalg.cholesky(covariance).float())
