"""Networks for tables: multi-layer perceptrons, the label through conditional batch normalisation and projection."""

import torch.nn.functional as F
from torch import Tensor, nn

from synthaug.data.schema import TableSchema
from synthaug.models.layers import ConditionalBatchNorm, LabelledCode, Projection, SpectralLinear

_SLOPE = 0.2


class TableGenerator(nn.Module):
    """Noise and labels to rows.

    Parameters
    ----------
    schema
        Gives the columns and the number of classes.
    noise_dim
        Length of the noise.
    width
        Units of each of the two hidden layers.
    """

    def __init__(self, schema: TableSchema, *, noise_dim: int, width: int) -> None:
        super().__init__()
        self.code = LabelledCode(schema.n_classes, noise_dim)
        self.first = nn.Linear(2 * noise_dim, width, bias=False)
        self.second = nn.Linear(width, width, bias=False)
        self.norms = nn.ModuleList(ConditionalBatchNorm(width, 2 * noise_dim, images=False) for _ in range(2))
        self.last = nn.Linear(width, schema.shape[0])

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return rows (b, d), standardised, for noise (b, noise_dim) and labels (b,)."""
        code = self.code(noise, labels)
        hidden = F.relu(self.norms[0](self.first(code), code))
        return self.last(F.relu(self.norms[1](self.second(hidden), code)))


class TableEncoder(nn.Module):
    """Rows to codes, blind to the label: each number of a code has mean 0 and variance 1 over a batch.

    Parameters
    ----------
    schema
        Gives the columns.
    code_dim
        Length of a code.
    width
        Units of each of the two hidden layers.
    """

    def __init__(self, schema: TableSchema, *, code_dim: int, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(schema.shape[0], width)
        self.second = nn.Linear(width, width)
        self.describe = nn.Linear(width, code_dim)
        self.norm = nn.BatchNorm1d(code_dim, affine=False)

    def forward(self, rows: Tensor) -> Tensor:
        """Return codes (b, code_dim) for rows (b, d), standardised."""
        hidden = F.leaky_relu(self.second(F.leaky_relu(self.first(rows), _SLOPE)), _SLOPE)
        return self.norm(self.describe(hidden))


class TableDiscriminator(nn.Module):
    """Rows and labels to logits.

    Parameters
    ----------
    schema
        Gives the columns and the number of classes.
    width
        Units of each of the two hidden layers.
    """

    def __init__(self, schema: TableSchema, *, width: int) -> None:
        super().__init__()
        self.first = SpectralLinear(schema.shape[0], width)
        self.second = SpectralLinear(width, width)
        self.judge = Projection(schema.n_classes, width)

    def forward(self, rows: Tensor, labels: Tensor) -> Tensor:
        """Return logits (b,) for rows (b, d), standardised, and labels (b,)."""
        hidden = F.leaky_relu(self.second(F.leaky_relu(self.first(rows), _SLOPE)), _SLOPE)
        return self.judge(hidden, labels)
