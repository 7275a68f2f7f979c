"""The label's ways into the networks agree with what their sources say."""

import pytest
import torch
from torch import nn

from synthaug._seed import torch_stream
from synthaug.models.conditioning import (
    CONDITIONAL_NORMS,
    CONDITIONINGS,
    PLAIN_NORMS,
    AuxiliaryHead,
    BlindCode,
    LabelPlane,
    SampleAlone,
    SingleHead,
    set_label_strength,
)
from synthaug.models.layers import CRITIC_NORMS, LabelledCode, Projection, build

LABELS = torch.tensor([0, 2, 1, 1, 0])


@pytest.mark.parametrize(("samples", "shape"), [((5, 3, 4, 6), (1, 4, 6)), ((5, 7), (16,))])
def test_a_plane_is_the_labels_pattern_behind_the_sample(samples, shape):
    """The sample comes first and untouched; the pattern hangs on the label alone and has mean square 1."""
    samples = torch.randn(samples, generator=torch_stream(0))
    made = build(lambda: LabelPlane(3, shape), torch_stream(1))(samples, LABELS)
    plane = made[:, samples.shape[1] :]
    assert torch.equal(made[:, : samples.shape[1]], samples)
    assert plane.shape == (5, *shape)
    torch.testing.assert_close(plane.flatten(1).square().mean(1), torch.ones(5))
    assert len(plane.unique(dim=0)) == 3
    assert torch.equal(plane[0], plane[4])


@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0])
def test_strength_is_the_factor_of_the_labels_part(strength):
    """Code and plane are the strength times what they are; a projection's label part likewise."""
    noise, rows = torch.randn(5, 4, generator=torch_stream(0)), torch.randn(5, 6, generator=torch_stream(1))
    code, plane = (
        build(lambda: LabelledCode(3, 4), torch_stream(2)),
        build(lambda: LabelPlane(3, (8,)), torch_stream(3)),
    )
    judge = build(lambda: Projection(3, 6), torch_stream(4)).eval()
    full = [part(x, LABELS) for part, x in ((code, noise), (plane, rows), (judge, rows))]
    common = judge.everyone(rows).squeeze(1)
    for part in (code, plane, judge):
        set_label_strength(part, strength)
    torch.testing.assert_close(code(noise, LABELS)[:, 4:], strength * full[0][:, 4:])
    torch.testing.assert_close(plane(rows, LABELS)[:, 6:], strength * full[1][:, 6:])
    torch.testing.assert_close(judge(rows, LABELS), common + strength * (full[2] - common))


def test_strength_reaches_every_reader_below():
    """Setting it on a network sets it on all parts, however deep."""
    network = nn.Sequential(LabelledCode(3, 4), nn.Sequential(nn.Linear(2, 2), LabelPlane(3, (2,))), Projection(3, 4))
    set_label_strength(network, 0.4)
    assert [part.label_strength for part in network.modules() if hasattr(part, "label_strength")] == [0.4] * 3
    assert not any("strength" in name for name in network.state_dict())


def test_the_blind_parts_pass_everything_on():
    """Without a label noise and samples stay what they are, and nothing is learned."""
    for part in (BlindCode(3, 4), SampleAlone(3, (1, 2, 2))):
        x = torch.randn(5, 4, generator=torch_stream(0))
        assert part(x, LABELS) is x
        assert not list(part.parameters())


@pytest.mark.parametrize("layers", CRITIC_NORMS.values(), ids=CRITIC_NORMS)
def test_heads_are_linear_maps(layers):
    """The single head is w.h + b; the auxiliary one has besides a row of weights for each class."""
    features = torch.randn(5, 6, generator=torch_stream(0))
    single = build(lambda: SingleHead(3, 6, layers), torch_stream(1)).eval()
    auxiliary = build(lambda: AuxiliaryHead(3, 6, layers), torch_stream(1)).eval()
    for head in (single, auxiliary):
        linear = head.everyone
        weight = linear.normalised(linear.weight) if hasattr(linear, "normalised") else linear.weight
        torch.testing.assert_close(head(features, LABELS), features @ weight[0] + linear.bias)
        assert torch.equal(head(features, LABELS), head(features, 0 * LABELS))
    assert auxiliary.class_logits(features).shape == (5, 3)


def test_a_plain_projection_has_plain_weights():
    """Without spectral normalisation the logit is w.h + b + e(label).h of the weights as they are."""
    judge = build(lambda: Projection(3, 6, CRITIC_NORMS["none"]), torch_stream(0))
    features = torch.randn(5, 6, generator=torch_stream(1))
    wanted = judge.everyone(features).squeeze(1) + (judge.each.weight[LABELS] * features).sum(1)
    torch.testing.assert_close(judge(features, LABELS), wanted)


@pytest.mark.parametrize("name", CONDITIONINGS)
def test_a_conditioning_says_how_much_longer_it_makes_things(name):
    """Code and sample grow by what the record announces, so that the layers behind them fit."""
    labels = CONDITIONINGS[name]
    noise, images = torch.randn(5, 4, generator=torch_stream(0)), torch.randn(5, 2, 3, 3, generator=torch_stream(1))
    assert build(lambda: labels.code(3, 4), torch_stream(2))(noise, LABELS).shape == (5, labels.n_codes * 4)
    entered = build(lambda: labels.enter(3, (1, 3, 3)), torch_stream(3))(images, LABELS)
    assert entered.shape == (5, 2 + labels.n_planes, 3, 3)


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize("kind", CONDITIONAL_NORMS)
def test_norms_begin_alike(kind, images):
    """Fresh, a conditional norm is the plain one, whatever the condition; without a norm both are the identity."""
    features = 2 + torch.randn((9, 4, 3, 3) if images else (9, 4), generator=torch_stream(0))
    condition = torch.randn(9, 2, generator=torch_stream(1))
    conditional, plain = (
        build(lambda norms=norms: norms[kind](4, 2, images), torch_stream(2))(features, condition)
        for norms in (CONDITIONAL_NORMS, PLAIN_NORMS)
    )
    torch.testing.assert_close(conditional, plain)
    assert torch.equal(plain, features) == (kind == "none")


@pytest.mark.parametrize("images", [False, True])
def test_a_norm_less_modulation_scales_and_shifts(images):
    """Features times 1 + scale plus shift: of the row's condition, or of no condition at all."""
    features = torch.randn((9, 4, 3, 3) if images else (9, 4), generator=torch_stream(0))
    condition = torch.randn(9, 2, generator=torch_stream(1))
    ends = (1,) * (features.ndim - 2)
    conditional, plain = (
        build(lambda norms=norms: norms["none"](4, 2, images), torch_stream(2))
        for norms in (CONDITIONAL_NORMS, PLAIN_NORMS)
    )
    for parameter in (*conditional.parameters(), *plain.parameters()):
        nn.init.normal_(parameter, generator=torch_stream(3))
    scale, shift = (part(condition).view(9, 4, *ends) for part in (conditional.scale, conditional.shift))
    torch.testing.assert_close(conditional(features, condition), features * (1 + scale) + shift)
    scale, shift = (part.view(1, 4, *ends) for part in (plain.scale, plain.shift))
    torch.testing.assert_close(plain(features, condition), features * (1 + scale) + shift)
