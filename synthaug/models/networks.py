"""The networks to choose from: a generator and a discriminator each, for images and for tables.

========  ==============================================  ================================  ==========================
network   images                                          tables                            source
========  ==============================================  ================================  ==========================
fast      pixels folded into channels at both edges       as resize                         Shi et al. 2016
          (space to depth), few wide maps between
resize    upsampling and convolution; strided             two hidden layers                 Odena et al. 2016
          convolutions, summed over places
residual  blocks that add to what they got                each layer's output beside its    Gulrajani et al. 2017, Xu
                                                          input                             et al. 2019
dcgan     transposed and strided convolutions             none                              Radford et al. 2016
mlp       two hidden layers of 8 x width units            as resize                         Goodfellow et al. 2014
========  ==============================================  ================================  ==========================

References
----------
Goodfellow et al., "Generative Adversarial Nets", 2014.
Gulrajani et al., "Improved Training of Wasserstein GANs", 2017.
Odena et al., "Deconvolution and Checkerboard Artifacts", 2016.
Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks", 2016.
Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
Network", 2016.
Xu et al., "Modeling Tabular Data using Conditional GAN", 2019.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import nn

from synthaug.data.schema import ImageSchema, Schema
from synthaug.models.dcgan import DeconvolutionGenerator, StridedDiscriminator
from synthaug.models.fast import FastDiscriminator, FastGenerator
from synthaug.models.image import ImageDiscriminator, ImageGenerator
from synthaug.models.perceptron import PerceptronGenerator
from synthaug.models.residual import ResidualDiscriminator, ResidualGenerator, ResidualTableGenerator
from synthaug.models.style import CriticStyle
from synthaug.models.table import TableDiscriminator, TableGenerator

_UNITS_A_CHANNEL = 8


@dataclass(frozen=True)
class Shape:
    """What of a network can be chosen beside its kind.

    Attributes
    ----------
    noise_dim
        Length of the noise.
    width
        The capacity. Images: channels at full resolution (``resize``, ``residual``); half of those at half the
        resolution (``dcgan``); the critic's at its finest maps, half of the generator's at its smallest (``fast``); an
        eighth of a hidden layer's units (``mlp``). Tables: units of a hidden layer.
    conditioning
        How the label enters: a key of ``CONDITIONINGS``.
    dropout
        Which share of the discriminator's features is dropped in training, 0 to below 1.
    critic_norm
        ``spectral``, ``batch`` or ``none``.
    generator_norm
        ``batch`` or ``none``.
    minibatch
        What the discriminator sees of the other rows of its batch: ``none``, ``deviation`` or ``discrimination``.
    """

    noise_dim: int
    width: int
    conditioning: str = "projection"
    dropout: float = 0.0
    critic_norm: str = "spectral"
    generator_norm: str = "batch"
    minibatch: str = "none"


Kind = Callable[..., nn.Module]
Maker = Callable[[Schema, Shape], nn.Module]


@dataclass(frozen=True)
class Network:
    """How the two players are made.

    Attributes
    ----------
    generator
        Makes a module ``generator(noise (b, d), labels (b,)) -> samples (b, ...)``.
    discriminator
        Makes a module ``discriminator(samples, labels) -> logits (b,)``. Beside it ``features(samples, labels)`` gives
        what its head sees, (b, k); ``judge(features, labels)`` is the head; with the auxiliary conditioning
        ``class_logits(samples)`` and ``judge.class_logits(features)`` give (b, n_classes).
    images_only
        Whether it makes none for tables.
    """

    generator: Maker
    discriminator: Maker
    images_only: bool = False


def _generator(images: Kind, tables: Kind | None) -> Maker:
    def make(schema: Schema, shape: Shape) -> nn.Module:
        kind = images if isinstance(schema, ImageSchema) else tables
        assert kind is not None, "images only"
        return kind(
            schema,
            noise_dim=shape.noise_dim,
            width=shape.width,
            conditioning=shape.conditioning,
            norm=shape.generator_norm,
        )

    return make


def _discriminator(images: Kind, tables: Kind | None) -> Maker:
    def make(schema: Schema, shape: Shape) -> nn.Module:
        kind = images if isinstance(schema, ImageSchema) else tables
        assert kind is not None, "images only"
        style = CriticStyle(shape.conditioning, shape.critic_norm, shape.dropout, shape.minibatch)
        return kind(schema, width=shape.width, style=style)

    return make


def _wider(make: Maker) -> Maker:
    """Return a maker that gives images' layers of pixels eight times the units of a table's."""

    def make_wider(schema: Schema, shape: Shape) -> nn.Module:
        factor = _UNITS_A_CHANNEL if isinstance(schema, ImageSchema) else 1
        return make(schema, replace(shape, width=factor * shape.width))

    return make_wider


NETWORKS: dict[str, Network] = {
    "fast": Network(_generator(FastGenerator, TableGenerator), _discriminator(FastDiscriminator, TableDiscriminator)),
    "resize": Network(
        _generator(ImageGenerator, TableGenerator), _discriminator(ImageDiscriminator, TableDiscriminator)
    ),
    "residual": Network(
        _generator(ResidualGenerator, ResidualTableGenerator), _discriminator(ResidualDiscriminator, TableDiscriminator)
    ),
    "dcgan": Network(
        _generator(DeconvolutionGenerator, None),
        _discriminator(StridedDiscriminator, None),
        images_only=True,
    ),
    "mlp": Network(
        _wider(_generator(PerceptronGenerator, TableGenerator)),
        _wider(_discriminator(TableDiscriminator, TableDiscriminator)),
    ),
}
