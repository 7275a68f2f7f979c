"""One step of a GAN is the update that its mathematics says, the critic's first."""

import pytest
import torch
from torch import nn

from synthaug._seed import torch_stream
from synthaug.training.objectives import OBJECTIVES, REGULARISERS
from synthaug.training.step import Players, gan_step

B, D, LR = 64, 2, 0.1


class LinearGenerator(nn.Linear):
    """Samples W z."""

    def forward(self, noise, labels):
        """Return W z, whatever the labels."""
        return super().forward(noise)


class LinearDiscriminator(nn.Linear):
    """Logits v.x."""

    def forward(self, samples, labels):
        """Return v.x, whatever the labels."""
        return super().forward(samples).squeeze(1)


def players(regularisers=(), augment=()):
    """Return linear players with plain gradient descent."""
    generator, discriminator = LinearGenerator(D, D, bias=False), LinearDiscriminator(D, 1, bias=False)
    with torch.no_grad():
        generator.weight.copy_(torch.tensor([[0.3, 0.1], [0.0, 0.2]]))
        discriminator.weight.copy_(torch.tensor([[0.05, -0.1]]))
    optimisers = (torch.optim.SGD(module.parameters(), LR) for module in (generator, discriminator))
    return Players(generator, discriminator, *optimisers, OBJECTIVES["hinge"], regularisers, augment, noise_dim=D)


REAL = 0.5 * torch.randn(B, D, generator=torch_stream(1))
LABELS = torch.zeros(B, dtype=torch.int64)


def noises():
    """Return the noise of the critic's update and that of the generator's."""
    stream = torch_stream(2)
    return torch.randn(B, D, generator=stream), torch.randn(B, D, generator=stream)


@pytest.mark.parametrize(("weight", "factor"), [(0.0, 1.0), (3.0, 1.0), (0.0, -2.0), (0.7, 0.5)])
def test_a_step_is_the_gradient_step_of_both_players(weight, factor):
    """For linear players inside the hinge: v moves by mean T(x) - mean T(Wz) and the penalty, then W by v mean(z)."""
    ours = players(((REGULARISERS["r1"], weight),), (lambda x, stream: factor * x,))
    v, w = ours.discriminator.weight.detach().clone()[0], ours.generator.weight.detach().clone()
    first, second = noises()
    terms = gan_step(ours, REAL, LABELS, torch_stream(2))
    fake = factor * first @ w.T
    penalty = 0.5 * weight * factor**2 * v @ v
    moved = v + LR * (factor * REAL.mean(0) - fake.mean(0) - weight * factor**2 * v)
    torch.testing.assert_close(ours.discriminator.weight[0], moved)
    torch.testing.assert_close(ours.generator.weight, w + LR * factor * torch.outer(moved, second.mean(0)))
    wanted = {
        "critic_real": 1 - factor * (REAL @ v).mean(),
        "critic_fake": 1 + (fake @ v).mean(),
        "r1": penalty,
        "generator": -factor * (second @ w.T @ moved).mean(),
    }
    assert set(terms) == set(wanted)
    for name, value in terms.items():
        torch.testing.assert_close(value, wanted[name])
        assert not value.requires_grad


def test_a_step_leaves_both_players_ready_for_the_next():
    """The critic asks for gradients again, and what the generator's update sent into it is not used."""
    ours = players()
    for _ in range(2):
        gan_step(ours, REAL, LABELS, torch_stream(2))
        assert all(parameter.requires_grad for parameter in ours.discriminator.parameters())
    held = ours.discriminator.weight.detach().clone()
    ours.critic_optimiser.zero_grad()
    ours.critic_optimiser.step()
    assert torch.equal(ours.discriminator.weight, held)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_every_objective_makes_a_step(objective):
    """Both players move and stay finite under every objective with every regulariser."""
    base = players(tuple((regulariser, 0.1) for regulariser in REGULARISERS.values()))
    ours = Players(**{**vars(base), "objective": objective})
    before = [module.weight.detach().clone() for module in (ours.generator, ours.discriminator)]
    terms = gan_step(ours, REAL, LABELS, torch_stream(2))
    assert all(value.isfinite() for value in terms.values())
    for module, weight in zip((ours.generator, ours.discriminator), before, strict=True):
        assert module.weight.isfinite().all()
        assert not torch.equal(module.weight, weight)
