"""The parts of the networks agree with the mathematics that they name, and are built from their own stream alone."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from synthaug._seed import torch_stream
from synthaug.models.layers import (
    CRITIC_NORMS,
    ConditionalBatchNorm,
    ConditionalScale,
    LabelledCode,
    PlainBatchNorm,
    PlainScale,
    Projection,
    SpectralConv2d,
    SpectralLinear,
    SpectralNorm,
    build,
)

PARTS = {
    "linear": lambda: nn.Linear(5, 7),
    "convolution": lambda: nn.Conv2d(3, 4, 3),
    "transposed convolution": lambda: nn.ConvTranspose2d(3, 4, 4, stride=2, padding=1),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "layer norm": lambda: nn.LayerNorm(4),
    "batch norm": lambda: nn.BatchNorm2d(4),
    "plain norm": lambda: PlainBatchNorm(4, images=True),
    "plain scale": lambda: PlainScale(4),
    "conditional scale": lambda: ConditionalScale(4, 3),
    "spectral linear": lambda: SpectralLinear(5, 7),
    "spectral convolution": lambda: SpectralConv2d(3, 4, 3, stride=2, padding=1),
    "projection": lambda: Projection(3, 6),
    "conditional norm of maps": lambda: ConditionalBatchNorm(4, 3, images=True),
    "conditional norm of rows": lambda: ConditionalBatchNorm(4, 3, images=False),
    "several": lambda: nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.Embedding(3, 4), SpectralLinear(2, 2)),
}


@pytest.mark.parametrize("make", PARTS.values(), ids=PARTS)
def test_a_seed_decides_the_weights_and_nothing_else_does(make):
    """The same stream gives the same finite weights whatever torch's global stream is, and leaves that alone."""
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = build(make, torch_stream(5)).state_dict()
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(2)
    second = build(make, torch_stream(5)).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(value.isfinite().all() for value in first.values())
    assert all(value.device.type == "cpu" for value in first.values())


@pytest.mark.parametrize("make", [make for name, make in PARTS.items() if "norm" not in name and "scale" not in name])
def test_another_seed_gives_other_weights(make):
    """Two learners do not start from the same weights."""
    first, second = (build(make, torch_stream(seed)).state_dict() for seed in (5, 6))
    assert any(not torch.equal(first[name], second[name]) for name in first)


MAPS = {
    "linear": lambda: nn.Linear(9, 5),
    "spectral linear": lambda: SpectralLinear(4, 8),
    "convolution": lambda: nn.Conv2d(2, 5, 3),
    "transposed convolution": lambda: nn.ConvTranspose2d(5, 2, 4),
}


@pytest.mark.parametrize("make", MAPS.values(), ids=MAPS)
def test_weights_begin_orthogonal(make):
    """A fresh weight, seen as a matrix, stretches no direction: its singular values are 1, and biases are 0."""
    part = build(make, torch_stream(0))
    values = torch.linalg.svdvals(part.weight.detach().flatten(1).double())
    torch.testing.assert_close(values, torch.ones_like(values), atol=1e-5, rtol=0)
    assert not part.bias.any()


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 3, 3, 3), (1, 8), (3, 3)])
def test_spectral_norm_finds_the_greatest_singular_value(shape):
    """After enough steps of power iteration the weight is divided by what an exact decomposition gives."""
    weight = torch.randn(shape, dtype=torch.float64, generator=torch_stream(1, "weight"))
    norm = build(lambda: SpectralNorm(shape[0]), torch_stream(2)).double()
    for _ in range(2000):
        norm(weight)
    greatest = torch.linalg.svdvals(weight.flatten(1))[0]
    torch.testing.assert_close(norm(weight), weight / greatest, rtol=1e-8, atol=1e-10)


def test_spectral_norm_passes_the_gradient_of_the_division():
    """At the true singular vectors the gradient is that of W / s(W), as autograd has it through the exact value."""
    weight = torch.randn(5, 4, dtype=torch.float64, generator=torch_stream(3)).requires_grad_()
    norm = build(lambda: SpectralNorm(5), torch_stream(4)).double()
    for _ in range(2000):
        norm(weight)
    direction = torch.randn(5, 4, dtype=torch.float64, generator=torch_stream(5))
    (ours,) = torch.autograd.grad((norm(weight) * direction).sum(), weight)
    (truth,) = torch.autograd.grad((weight / torch.linalg.matrix_norm(weight, 2) * direction).sum(), weight)
    torch.testing.assert_close(ours, truth, rtol=1e-6, atol=1e-8)


def test_spectral_norm_keeps_its_precision_under_autocast():
    """In a pass of half precision the division by the singular value is still that of the weight's own precision."""
    norm = build(lambda: SpectralNorm(6), torch_stream(0)).eval()
    weight = torch.randn(6, 6, generator=torch_stream(1))
    exact = norm(weight)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(norm(weight), exact)


def test_spectral_norm_learns_only_in_training():
    """In evaluation the estimate stays, so that the same critic gives the same logits twice."""
    norm = build(lambda: SpectralNorm(6), torch_stream(0)).eval()
    weight = torch.randn(6, 6, generator=torch_stream(1))
    before = norm.u.clone()
    assert torch.equal(norm(weight), norm(weight))
    assert torch.equal(norm.u, before)
    norm.train()(weight)
    assert not torch.equal(norm.u, before)


def test_spectral_maps_are_maps_by_the_normalised_weight():
    """They do what torch's own functions do with the divided weight."""
    rows, images = torch.randn(4, 5, generator=torch_stream(0)), torch.randn(2, 3, 8, 8, generator=torch_stream(1))
    linear = build(lambda: SpectralLinear(5, 7), torch_stream(2)).eval()
    convolution = build(lambda: SpectralConv2d(3, 4, 4, stride=2, padding=1), torch_stream(3)).eval()
    torch.testing.assert_close(linear(rows), rows @ linear.normalised(linear.weight).T + linear.bias)
    weight = convolution.normalised(convolution.weight)
    wanted = F.conv2d(images, weight, convolution.bias, stride=2, padding=1)
    torch.testing.assert_close(convolution(images), wanted)
    assert wanted.shape == (2, 4, 4, 4)


def test_projection_is_a_common_part_and_one_of_the_class():
    """The logit of a label is w.h + b plus the label's own vector times h (Miyato & Koyama, 2018)."""
    judge = build(lambda: Projection(3, 6), torch_stream(0)).eval()
    features, labels = torch.randn(5, 6, generator=torch_stream(1)), torch.tensor([0, 2, 1, 1, 0])
    own = judge.normalised(judge.each.weight)
    wanted = [judge.everyone(h).item() + (own[label] @ h).item() for h, label in zip(features, labels, strict=True)]
    torch.testing.assert_close(judge(features, labels), torch.tensor(wanted))


@pytest.mark.parametrize("shape", [(30, 4), (30, 4, 3, 5)])
def test_conditional_norm_scales_and_shifts_each_row_by_its_condition(shape):
    """Features get mean 0 and variance 1 over the batch, then each row 1 + scale and shift of its own condition."""
    part = build(lambda: ConditionalBatchNorm(4, 2, images=len(shape) == 4), torch_stream(0)).double()
    features = 3 + 2 * torch.randn(shape, dtype=torch.float64, generator=torch_stream(1))
    condition = torch.randn(30, 2, dtype=torch.float64, generator=torch_stream(2))
    over = [axis for axis in range(len(shape)) if axis != 1]
    plain = (features - features.mean(over, keepdim=True)) / (features.var(over, correction=0, keepdim=True)).sqrt()
    torch.testing.assert_close(part(features, 0 * condition), plain, atol=1e-4, rtol=0)
    with torch.no_grad():
        part.scale.weight.copy_(torch.arange(8).view(4, 2) / 10)
        part.shift.weight.copy_(torch.arange(8).view(4, 2).flip(0))
    scale, shift = (
        (condition @ map_.weight.T).view(30, 4, *[1] * (len(shape) - 2)) for map_ in (part.scale, part.shift)
    )
    torch.testing.assert_close(part(features, condition), plain * (1 + scale) + shift, atol=1e-4, rtol=0)


def test_conditional_norm_begins_as_plain_norm():
    """Before anything is learned every condition gives the same."""
    part = build(lambda: ConditionalBatchNorm(4, 2, images=False), torch_stream(0))
    features = torch.randn(9, 4, generator=torch_stream(1))
    first, second = (part(features, torch.randn(9, 2, generator=torch_stream(2, i))) for i in range(2))
    torch.testing.assert_close(first, second)


def test_labels_weigh_as_much_as_noise():
    """The label's half of a code is as long as noise is on average, whatever the length of its embedding."""
    part = build(lambda: LabelledCode(3, 16), torch_stream(0))
    noise = torch.randn(5, 16, generator=torch_stream(1))
    code = part(noise, torch.tensor([0, 1, 2, 0, 1]))
    assert torch.equal(code[:, :16], noise)
    torch.testing.assert_close(code[:, 16:].norm(dim=1), torch.full((5,), 4.0))
    assert torch.equal(code[0, 16:], code[3, 16:])
    assert len(code[:3, 16:].unique(dim=0)) == 3


@pytest.mark.parametrize("name", CRITIC_NORMS)
def test_hidden_maps_leave_the_bias_to_a_norm_that_has_one(name):
    """A hidden map has a bias of its own exactly where no batch normalisation follows that would take it away."""
    layers = CRITIC_NORMS[name]
    followed = isinstance(layers.norm(4, True), nn.BatchNorm2d)
    for hidden, open_end in (
        (layers.hidden_convolution(3, 4, 3), layers.convolution(3, 4, 3)),
        (layers.hidden_linear(3, 4), layers.linear(3, 4)),
    ):
        assert (hidden.bias is None) == followed
        assert open_end.bias is not None


@pytest.mark.parametrize("images", [False, True])
def test_a_plain_norm_is_batch_normalisation(images):
    """It normalises over the batch, whatever the condition."""
    part = build(lambda: PlainBatchNorm(4, images=images), torch_stream(0)).double()
    features = 3 + torch.randn((9, 4, 3, 3) if images else (9, 4), dtype=torch.float64, generator=torch_stream(1))
    over = [axis for axis in range(features.ndim) if axis != 1]
    mean, variance = features.mean(over, keepdim=True), features.var(over, correction=0, keepdim=True)
    wanted = (features - mean) / variance.sqrt()
    torch.testing.assert_close(part(features, features), wanted, atol=1e-4, rtol=0)
