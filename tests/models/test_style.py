"""What stands behind a discriminator's layers is what its style says, in this order."""

import pytest
from torch import nn

from synthaug.models.conditioning import CONDITIONINGS
from synthaug.models.dropout import Dropout
from synthaug.models.layers import CRITIC_NORMS
from synthaug.models.minibatch import MINIBATCHES
from synthaug.models.style import DEFAULT_STYLE, CriticStyle


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize("norm", CRITIC_NORMS)
def test_norm_rectifier_dropout(norm, images):
    """A hidden layer is normalised, rectified with slope 0.2, and partly forgotten; an open one not normalised."""
    style = CriticStyle(norm=norm, dropout=0.3)
    kinds = [type(part) for part in style.finish(4, images=images)]
    between = (nn.BatchNorm2d if images else nn.BatchNorm1d) if norm == "batch" else nn.Identity
    assert kinds == [between, nn.LeakyReLU, Dropout]
    assert [type(part) for part in style.rectify()] == [nn.LeakyReLU, Dropout]
    assert style.rectify()[0].negative_slope == 0.2
    assert style.rectify()[1].kept == pytest.approx(0.7)


def test_nothing_is_forgotten_by_default():
    """The default style has no dropout, and names entries that exist."""
    assert [type(part) for part in DEFAULT_STYLE.rectify()] == [nn.LeakyReLU]
    assert DEFAULT_STYLE.labels is CONDITIONINGS["projection"]
    assert DEFAULT_STYLE.layers is CRITIC_NORMS["spectral"]
    assert DEFAULT_STYLE.batch is MINIBATCHES["none"]
