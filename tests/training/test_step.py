"""One step of a GAN is the update that its mathematics says, the critic's first."""

import pytest
import torch
from torch import nn

from synthaug._seed import torch_stream
from synthaug.models.layers import LabelledCode
from synthaug.training.objectives import OBJECTIVES, Objective
from synthaug.training.regularisers import GENERATOR_REGULARISERS, REGULARISERS, Made
from synthaug.training.step import (
    GanStep,
    Players,
    Stabilisers,
    bind,
    clip_weights,
    descend,
    gan_step,
    generator_terms,
    update_critic,
)

B, D, LR = 64, 2, 0.1


class LinearGenerator(nn.Linear):
    """Samples W z."""

    def forward(self, noise, labels):
        """Return W z, whatever the labels."""
        return super().forward(noise)


class LinearDiscriminator(nn.Linear):
    """Logits v.x."""

    def features(self, samples, labels):
        """Return the samples."""
        return samples

    def forward(self, samples, labels):
        """Return v.x, whatever the labels."""
        return super().forward(samples).squeeze(1)


def players(regularisers=(), augment=(), objective="hinge", **further):
    """Return linear players with plain gradient descent."""
    generator, discriminator = LinearGenerator(D, D, bias=False), LinearDiscriminator(D, 1, bias=False)
    with torch.no_grad():
        generator.weight.copy_(torch.tensor([[0.3, 0.1], [0.0, 0.2]]))
        discriminator.weight.copy_(torch.tensor([[0.05, -0.1]]))
    optimisers = (torch.optim.SGD(module.parameters(), LR) for module in (generator, discriminator))
    return Players(
        generator, discriminator, *optimisers, OBJECTIVES[objective], regularisers, augment, noise_dim=D, **further
    )


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
        "critic_accuracy": ((factor * REAL @ v > 0).float() + (fake @ v < 0).float()).mean() / 2,
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


def weights(ours):
    """Return copies of both players' weights."""
    return [module.weight.detach().clone() for module in (ours.generator, ours.discriminator)]


def step_without_accuracy(ours, stream):
    """Update both players by the objective's own terms and nothing else."""
    critic, objective = bind(ours, LABELS, stream), ours.objective
    fake = ours.generator(torch.randn(B, D, generator=stream), LABELS)
    descend(ours.critic_optimiser, objective.critic(critic, REAL, fake.detach()))
    if objective.clip is not None:
        clip_weights(ours.critic_optimiser, objective.clip)
    fake = ours.generator(torch.randn(B, D, generator=stream), LABELS)
    descend(ours.generator_optimiser, objective.generator(critic, REAL, fake))


def with_noise(x, stream):
    """Augment by noise from the stream."""
    return x + 0.1 * torch.randn(x.shape, generator=stream)


@pytest.mark.parametrize("augment", [(), (with_noise,)], ids=["plain", "augmented"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_accuracy_changes_nothing(objective, augment):
    """Weights and the stream after a step are those of a step that tells no accuracy."""
    ours, plain = (players(objective=objective, augment=augment) for _ in range(2))
    streams = torch_stream(2), torch_stream(2)
    assert "critic_accuracy" in gan_step(ours, REAL, LABELS, streams[0])
    step_without_accuracy(plain, streams[1])
    assert all(torch.equal(one, other) for one, other in zip(weights(ours), weights(plain), strict=True))
    assert torch.equal(streams[0].get_state(), streams[1].get_state())


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_accuracy_is_of_the_logits_trained_on(objective):
    """Beside its terms the critic tells its accuracy, of the very logits that it was trained on."""
    ours = players(objective=objective)
    v, w = ours.discriminator.weight.detach()[0].clone(), ours.generator.weight.detach().clone()
    terms = gan_step(ours, REAL, LABELS, torch_stream(2))
    of_real, of_fake = REAL @ v, noises()[0] @ w.T @ v
    middle = OBJECTIVES[objective].middle
    signs = of_real > of_fake if middle is None else torch.cat([of_real > middle, of_fake < middle])
    assert terms["critic_accuracy"].item() == pytest.approx(signs.float().mean().item())


def test_wasserstein_clips_the_critics_weights_after_its_update():
    """No weight is left beyond the clip; the update before it is the plain one; the generator's weights are its own."""
    ours = players(objective="wasserstein")
    v, w = ours.discriminator.weight.detach()[0].clone(), ours.generator.weight.detach().clone()
    gan_step(ours, REAL, LABELS, torch_stream(2))
    moved = v + LR * (REAL.mean(0) - (noises()[0] @ w.T).mean(0))
    assert moved.abs().max() > 0.01
    torch.testing.assert_close(ours.discriminator.weight[0], moved.clamp(-0.01, 0.01))
    assert ours.generator.weight.abs().max() > 0.01


def test_several_updates_are_so_many_of_each_player():
    """Three critic updates, the later ones on rows of their own, then two of the generator: as in plain arithmetic."""
    ours = players(objective="wasserstein_gp", stabilisers=Stabilisers(n_critic_steps=3, n_generator_steps=2))
    batches = [REAL, REAL + 0.5, REAL - 0.2]
    rest = iter(batches[1:])
    v, w = ours.discriminator.weight.detach()[0].clone(), ours.generator.weight.detach().clone()
    step = GanStep(lambda n, stream: (next(rest), LABELS), lambda: 0.0)
    step(ours, REAL, LABELS, torch_stream(2))
    stream = torch_stream(2)
    for real in batches:
        v = v + LR * (real.mean(0) - (torch.randn(B, D, generator=stream) @ w.T).mean(0))
    for _ in range(2):
        w = w + LR * torch.outer(v, torch.randn(B, D, generator=stream).mean(0))
    torch.testing.assert_close(ours.discriminator.weight[0], v)
    torch.testing.assert_close(ours.generator.weight, w)


def test_a_step_of_one_update_each_is_the_plain_step():
    """With the default stabilisers both ways of taking a step are one."""
    first, second = players(), players()
    told = gan_step(first, REAL, LABELS, torch_stream(2))
    assert GanStep(None, lambda: 0.7)(second, REAL, LABELS, torch_stream(2)) == told
    assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


def test_flipped_pairs_change_sides_for_the_critic_alone():
    """All flipped: the critic learns the opposite, its accuracy is still told of what is real, and the penalty is
    taken at the real samples.
    """
    plain, flipped = players(), players(stabilisers=Stabilisers(label_flip_fraction=1.0))
    fake = REAL.flip(0) - 0.3
    terms = []
    for ours, pair in ((plain, (fake, REAL)), (flipped, (REAL, fake))):
        terms.append(update_critic(ours, bind(ours, LABELS, torch_stream(3)), *pair))
    assert torch.equal(plain.discriminator.weight, flipped.discriminator.weight)
    assert terms[1]["critic_accuracy"].mean() == 1 - terms[0]["critic_accuracy"].mean()
    seen = []
    spy = players(((lambda critic, real, fake: seen.append((real, fake)) or {}, 1.0),), stabilisers=flipped.stabilisers)
    update_critic(spy, bind(spy, LABELS, torch_stream(3)), REAL, fake)
    assert seen[0][0] is REAL
    assert seen[0][1] is fake


def test_a_share_of_pairs_is_flipped():
    """About so many pairs as asked for, both sides of each."""
    shown = []
    spy = players(stabilisers=Stabilisers(label_flip_fraction=0.2))
    objective = Objective(lambda critic, x, g: shown.append((x, g)) or OBJECTIVES["hinge"].critic(critic, x, g), None)
    spy = Players(**{**vars(spy), "objective": objective})
    real, fake = torch.ones(5000, D), torch.zeros(5000, D)
    update_critic(spy, bind(spy, torch.zeros(5000), torch_stream(3)), real, fake)
    ((seen_real, seen_fake),) = shown
    assert abs((seen_real == 0).float().mean() - 0.2) < 0.02
    assert torch.equal(seen_real + seen_fake, real)


def test_instance_noise_falls_and_the_label_rises_with_the_steps():
    """The noise falls linearly to 0 at the last step; the label rises linearly until its ramp ends."""
    rules = Stabilisers(instance_noise=0.5, ramp_fraction=0.4)
    assert [rules.noise_at(progress) for progress in (0.0, 0.25, 1.0)] == pytest.approx([0.5, 0.375, 0.0])
    strengths = [rules.label_strength_at(progress) for progress in (0.0, 0.1, 0.4, 1.0)]
    assert strengths == pytest.approx([0.0, 0.25, 1.0, 1.0])
    assert Stabilisers().label_strength_at(0.0) == 1.0
    assert bind(players(stabilisers=rules), LABELS, torch_stream(0), progress=0.2).instance_noise == pytest.approx(0.4)


def test_the_ramp_sets_the_labels_strength_in_both_players():
    """What reads the label is told how much it counts at this step."""
    ours = players(stabilisers=Stabilisers(ramp_fraction=0.5))
    codes = [LabelledCode(1, D), LabelledCode(1, D)]
    ours.generator.code, ours.discriminator.code = codes
    for progress, strength in ((0.0, 0.0), (0.25, 0.5), (0.75, 1.0)):
        GanStep(None, lambda progress=progress: progress)(ours, REAL, LABELS, torch_stream(2))
        assert [code.label_strength for code in codes] == [strength, strength]


def test_the_generators_regularisers_are_added_with_their_weights():
    """Its loss is the objective's and, weighted, each regulariser's; the step is the gradient step of their sum."""
    chosen = tuple((regulariser, 0.3) for regulariser in GENERATOR_REGULARISERS.values())
    ours = players(generator_regularisers=chosen)
    noise, other = noises()
    critic = bind(ours, LABELS, torch_stream(3))
    made = Made(noise, noise @ ours.generator.weight.T, lambda: (other, other @ ours.generator.weight.T))
    terms = generator_terms(ours, critic, REAL, made)
    assert set(terms) == {"generator", *GENERATOR_REGULARISERS}
    for name, regulariser in GENERATOR_REGULARISERS.items():
        torch.testing.assert_close(terms[name], 0.3 * regulariser(critic, REAL, made)[name])
    before = weights(ours)[0]
    told = gan_step(ours, REAL, LABELS, torch_stream(2))
    assert set(GENERATOR_REGULARISERS) <= set(told)
    assert not torch.equal(before, ours.generator.weight)


def test_no_gradient_is_left_in_the_critic_by_the_generator():
    """The generator's update computes its own weights' gradients and leaves the critic's as they were."""
    ours = players()
    gan_step(ours, REAL, LABELS, torch_stream(2))
    left = ours.discriminator.weight.grad.clone()
    v, w = players(), None
    critic = bind(v, LABELS, torch_stream(2))
    w = noises()[0] @ v.generator.weight.detach().T
    update_critic(v, critic, REAL, w)
    torch.testing.assert_close(v.discriminator.weight.grad, left)
