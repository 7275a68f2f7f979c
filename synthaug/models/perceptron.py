"""The networks of the first GAN: multi-layer perceptrons, blind to what is next to what in an image.

Goodfellow et al., "Generative Adversarial Nets", 2014. For tables they are what ``models/table.py`` has.
"""

from torch import Tensor, nn

from synthaug.data.schema import ImageSchema
from synthaug.models.image import as_pixels
from synthaug.models.table import TableGenerator


class PerceptronGenerator(nn.Module):
    """Noise and labels to images, through two hidden layers.

    Parameters
    ----------
    schema
        Gives the shape (c, h, w) and the number of classes.
    noise_dim
        Length of the noise.
    width
        Units of each hidden layer.
    conditioning
        How the label enters: a key of ``CONDITIONINGS``.
    norm
        ``batch`` or ``none``.
    """

    def __init__(
        self, schema: ImageSchema, *, noise_dim: int, width: int, conditioning: str = "projection", norm: str = "batch"
    ) -> None:
        super().__init__()
        self.shape = schema.shape
        self.pixels = TableGenerator(schema, noise_dim=noise_dim, width=width, conditioning=conditioning, norm=norm)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return images (b, c, h, w) in [-1.1, 1.1], to be clipped, for noise (b, d) and labels (b,)."""
        return as_pixels(self.pixels(noise, labels)).view(-1, *self.shape)
