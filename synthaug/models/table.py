"""Networks for tables: multi-layer perceptrons, the label through conditional batch normalisation and projection."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthaug.data.schema import Schema, TableSchema
from synthaug.models.conditioning import CONDITIONINGS, N_LABEL_NUMBERS, AuxiliaryHead
from synthaug.models.layers import SLOPE
from synthaug.models.style import DEFAULT_STYLE, CriticStyle


class TableGenerator(nn.Module):
    """Noise and labels to rows.

    Parameters
    ----------
    schema
        Gives the columns (or the pixels, taken as columns) and the number of classes.
    noise_dim
        Length of the noise.
    width
        Units of each of the two hidden layers.
    conditioning
        How the label enters: a key of ``CONDITIONINGS``.
    norm
        ``batch`` or ``none``.
    """

    def __init__(
        self, schema: Schema, *, noise_dim: int, width: int, conditioning: str = "projection", norm: str = "batch"
    ) -> None:
        super().__init__()
        labels = CONDITIONINGS[conditioning]
        d_code = labels.n_codes * noise_dim
        self.code = labels.code(schema.n_classes, noise_dim)
        self.first = nn.Linear(d_code, width, bias=False)
        self.second = nn.Linear(width, width, bias=False)
        self.norms = nn.ModuleList(labels.norms[norm](width, d_code, False) for _ in range(2))
        self.last = nn.Linear(width, math.prod(schema.shape))

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
        hidden = F.leaky_relu(self.second(F.leaky_relu(self.first(rows), SLOPE)), SLOPE)
        return self.norm(self.describe(hidden))


class TableDiscriminator(nn.Module):
    """Rows (or images, taken as rows of pixels) and labels to logits.

    Parameters
    ----------
    schema
        Gives the shape of a row and the number of classes.
    width
        Units of each of the two hidden layers.
    style
        How it reads labels, normalises, forgets and compares.
    """

    def __init__(self, schema: Schema, *, width: int, style: CriticStyle = DEFAULT_STYLE) -> None:
        super().__init__()
        labels, layers, batch = style.labels, style.layers, style.batch
        self.enter = labels.enter(schema.n_classes, (N_LABEL_NUMBERS,))
        self.first = layers.linear(math.prod(schema.shape) + labels.n_planes * N_LABEL_NUMBERS, width)
        self.second = layers.hidden_linear(batch.n_before_last(width), width)
        self.judge = labels.judge(schema.n_classes, width + batch.n_at_end, layers)
        self.rectify, self.finish = style.rectify(), style.finish(width, images=False)
        self.before_last, self.at_end = batch.before_last(), batch.at_end(width)

    def features(self, rows: Tensor, labels: Tensor) -> Tensor:
        """Return what the head sees, (b, k), for rows (b, ...), standardised, and labels (b,)."""
        hidden = self.rectify(self.first(self.enter(rows.flatten(1), labels)))
        return self.at_end(self.finish(self.second(self.before_last(hidden))))

    def forward(self, rows: Tensor, labels: Tensor) -> Tensor:
        """Return logits (b,) for rows (b, ...), standardised, and labels (b,)."""
        return self.judge(self.features(rows, labels), labels)

    def class_logits(self, rows: Tensor) -> Tensor:
        """Return logits (b, n_classes) of the classes; only an auxiliary conditioning has them."""
        assert isinstance(self.judge, AuxiliaryHead)
        blind = torch.zeros(len(rows), dtype=torch.int64, device=rows.device)
        return self.judge.class_logits(self.features(rows, blind))
