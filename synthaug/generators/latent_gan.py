"""The latent interpolator: an autoencoder whose decodes of codes mixed from two rows have to fool a critic.

Diversity holds by construction, for every drawn code lies among those of real rows. Codes are blind to the label, so
a rare class can borrow the styles of the frequent ones: see ``training/latent.py`` for the step and its sources.
"""

from collections.abc import Mapping
from typing import Any, Self

import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from synthaug._check import check_fraction, check_positive
from synthaug._seed import torch_stream
from synthaug.data.schema import ImageSchema, Schema
from synthaug.generators.adversarial import check_parameters, n_threads, own_checkpoint, start, train_within
from synthaug.generators.protocol import Limits
from synthaug.models.density import CodeDensity
from synthaug.models.image import ImageEncoder, ImageGenerator
from synthaug.models.layers import build
from synthaug.models.table import TableEncoder, TableGenerator
from synthaug.training.latent import Autoencoder, LatentStep, choose_sources, mix_codes
from synthaug.training.loop import OnStep, Rows
from synthaug.training.threads import fixed_threads

_ENCODED_AT_ONCE = 256


class LatentGAN(BaseEstimator):
    """A GAN on codes of rows, for images and tables; at its best where some classes are rare.

    Parameters
    ----------
    objective
        What the players minimise: a key of ``OBJECTIVES``.
    n_steps, batch_size
        How many steps to train, and rows a step; the classes are drawn evenly.
    code_dim
        Length of a code.
    width
        Channels at full resolution (images) or units of a hidden layer (tables).
    borrow
        How often a class takes codes of any class. ``auto``: ``1 - n / n_max`` for a class of n rows where the greatest
        has n_max, so classes of equal size borrow nothing.
    reconstruction_weight
        Weight of the mean absolute error of reconstruction.
    lr, critic_lr, beta1, beta2, policy, regularisers, halflife_fraction, n_threads
        As in ``CGAN``.

    Attributes
    ----------
    decoder_ : torch.nn.Module
        The averaged decoder.
    density_ : CodeDensity
        A Gaussian of codes for each class.
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
        code_dim: int = 16,
        width: int = 32,
        borrow: float | str = "auto",
        reconstruction_weight: float = 10.0,
        lr: float = 5e-4,
        critic_lr: float = 5e-4,
        beta1: float = 0.0,
        beta2: float = 0.99,
        policy: str = "auto",
        regularisers: Mapping[str, float] | None = None,
        halflife_fraction: float = 0.05,
        n_threads: int | str = "auto",
    ) -> None:
        self.objective = objective
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.code_dim = code_dim
        self.width = width
        self.borrow = borrow
        self.reconstruction_weight = reconstruction_weight
        self.lr = lr
        self.critic_lr = critic_lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.policy = policy
        self.regularisers = regularisers
        self.halflife_fraction = halflife_fraction
        self.n_threads = n_threads

    def fit(self, x: Tensor, y: Tensor, *, schema: Schema, seed: int, on_step: OnStep, limits: Limits) -> Self:
        """Learn from samples (n, ...) and classes (n,); see ``CGAN.fit``."""
        check_parameters(self, schema, "code_dim")
        check_positive("reconstruction_weight", self.reconstruction_weight)
        self.schema_ = schema
        self.borrow_ = self._borrow(torch.bincount(y, minlength=schema.n_classes))
        checkpoint = own_checkpoint(self, x, y, schema=schema, seed=seed, limits=limits)
        with fixed_threads(n_threads(self, schema)):
            both = build(lambda: self._autoencoder(schema), torch_stream(seed, "generator"), limits.device)
            training = start(self, both, schema, noise_dim=self.code_dim, seed=seed)
        rows = Rows.by_class(x, y, schema.n_classes, limits.device)
        take_step = LatentStep(rows, self.borrow_.to(limits.device), self.reconstruction_weight)
        session = train_within(
            limits, self, training, rows, schema=schema, checkpoint=checkpoint, on_step=on_step, take_step=take_step
        )
        self.story_, self.was_cut_ = session.story, session.was_cut
        averaged = training.average.module
        assert isinstance(averaged, Autoencoder)
        self._keep(averaged, x, y)
        return self

    def draw(self, labels: Tensor, seed: int) -> Tensor:
        """Return a sample (b, ...), float32 on the CPU, for each class number in ``labels`` (b,)."""
        stream = torch_stream(seed, "codes")
        first, second = choose_sources(labels, self.borrow_, lambda n: self._any_class(n, stream), stream)
        codes = mix_codes(self.density_.draw(first, stream), self.density_.draw(second, stream), stream)
        device = next(self.decoder_.parameters()).device
        with torch.inference_mode(), fixed_threads(n_threads(self, self.schema_)):
            return self.decoder_(codes.to(device), labels.to(device)).cpu()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the decoder's weights, the density of codes, and whether training was cut."""
        tensors = {f"decoder.{name}": value.cpu() for name, value in self.decoder_.state_dict().items()}
        tensors |= {f"density.{name}": value for name, value in vars(self.density_).items()}
        return tensors | {"borrow": self.borrow_}, {"was_cut": self.was_cut_}

    def from_state(self, tensors: dict[str, Tensor], facts: dict[str, Any], schema: Schema) -> Self:
        """Set what ``state`` gave and return self."""
        self.schema_, self.was_cut_, self.borrow_ = schema, bool(facts["was_cut"]), tensors["borrow"]
        self.density_ = CodeDensity(*(tensors[f"density.{name}"] for name in ("mean", "root")))
        self.decoder_ = build(lambda: self._decoder(schema), torch_stream(0)).eval().requires_grad_(False)
        weights = {k.removeprefix("decoder."): v for k, v in tensors.items() if k.startswith("decoder.")}
        self.decoder_.load_state_dict(weights)
        return self

    def _borrow(self, count: Tensor) -> Tensor:
        if self.borrow == "auto":
            return 1.0 - count / count.max()
        return torch.full((len(count),), check_fraction("borrow", self.borrow))

    def _any_class(self, n: int, stream: torch.Generator) -> Tensor:
        return torch.randint(len(self.borrow_), (n,), generator=stream)

    def _keep(self, both: Autoencoder, x: Tensor, y: Tensor) -> None:
        """Keep the decoder and the density of the rows' codes; the encoder and the codes themselves are dropped."""
        device = next(both.parameters()).device
        with torch.inference_mode(), fixed_threads(n_threads(self, self.schema_)):
            codes = torch.cat([both.encoder(part.to(device)).cpu() for part in x.split(_ENCODED_AT_ONCE)])
        self.decoder_ = both.decoder
        self.density_ = CodeDensity.fit(codes.clone(), y, self.schema_.n_classes)

    def _autoencoder(self, schema: Schema) -> Autoencoder:
        if isinstance(schema, ImageSchema):
            return Autoencoder(ImageEncoder(schema, code_dim=self.code_dim, width=self.width), self._decoder(schema))
        return Autoencoder(TableEncoder(schema, code_dim=self.code_dim, width=self.width), self._decoder(schema))

    def _decoder(self, schema: Schema) -> nn.Module:
        if isinstance(schema, ImageSchema):
            return ImageGenerator(schema, noise_dim=self.code_dim, width=self.width)
        return TableGenerator(schema, noise_dim=self.code_dim, width=self.width)
