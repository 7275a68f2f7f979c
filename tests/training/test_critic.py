"""The critic sees samples as it is bound to, remembers when asked, and answers in float32 whatever it computes in."""

import pytest
import torch
from torch import nn

from synthaug._seed import torch_stream
from synthaug.data.schema import ImageSchema
from synthaug.models.layers import build
from synthaug.models.networks import NETWORKS, Shape
from synthaug.training.critic import Critic, LogitMeans, run_in

B, D = 6, 3
SAMPLES = torch.randn(B, D, generator=torch_stream(0))
LABELS = torch.arange(B) % 2
IMAGES = ImageSchema((1, 8, 8), 2)


class Spy(nn.Module):
    """A discriminator that keeps what it sees and answers with the sum."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, samples, labels):
        """Return the sums (b,)."""
        self.seen.append((samples, labels))
        return samples.sum(1)


def double(samples, stream):
    """Return twice the samples."""
    return 2 * samples


def noisy(samples, stream):
    """Return samples with noise of the stream's."""
    return samples + torch.randn(samples.shape, generator=stream)


def test_labels_and_augmentation_are_bound():
    """The discriminator gets the augmented samples, in the order of the policy, and the labels."""
    spy = Spy()
    logits = Critic(spy, LABELS, torch_stream(1), augment=(double, lambda x, stream: x + 1))(SAMPLES)
    assert torch.equal(spy.seen[0][0], 2 * SAMPLES + 1)
    assert torch.equal(spy.seen[0][1], LABELS)
    assert torch.equal(logits, (2 * SAMPLES + 1).sum(1))


def test_instance_noise_has_its_deviation_and_follows_the_augmentation():
    """What is added is normal with the deviation asked for, on top of the augmented samples, other at each look."""
    spy, zeros = Spy(), torch.zeros(300, 100)
    critic = Critic(spy, torch.zeros(300), torch_stream(1), augment=(double,), instance_noise=0.3)
    critic(zeros + 1)
    critic(zeros + 1)
    first, second = (seen - 2 for seen, _ in spy.seen)
    assert abs(first.mean()) < 0.01
    assert abs(first.std() - 0.3) < 0.01
    assert abs((first * second).mean()) < 0.01


def test_without_instance_noise_the_stream_is_left_alone():
    """A critic that adds no noise draws none."""
    stream = torch_stream(1)
    before = stream.get_state()
    Critic(Spy(), LABELS, stream)(SAMPLES)
    assert torch.equal(stream.get_state(), before)


def test_a_remembering_critic_judges_each_tensor_once():
    """The same tensor gets the same logits with the same graph; another one, and a new memory, are judged anew."""
    spy = Spy()
    critic = Critic(spy, LABELS, torch_stream(1), augment=(noisy,))
    judge = critic.remembering()
    first = judge(SAMPLES)
    assert judge(SAMPLES) is first
    assert len(spy.seen) == 1
    assert not torch.equal(judge(SAMPLES.clone()), first)
    assert not torch.equal(critic.remembering()(SAMPLES), first)
    assert not torch.equal(critic(SAMPLES), critic(SAMPLES))


def test_running_means_are_the_first_batchs_and_then_move_slowly():
    """The first batch counts in full; from there on an old mean keeps 99 hundredths of its weight."""
    means = LogitMeans()
    first = means.follow(torch.tensor([1.0, 3.0]), torch.tensor([-5.0]))
    assert [value.item() for value in first] == pytest.approx([2.0, -5.0])
    second = means.follow(torch.tensor([4.0]), torch.tensor([-5.0]))
    assert second[0].item() == pytest.approx((0.99 * 2 + 4) / 1.99)
    assert second[1].item() == pytest.approx(-5.0)
    twin = LogitMeans()
    twin.load_state_dict(means.state_dict())
    both = (each.follow(torch.zeros(2), torch.zeros(2)) for each in (means, twin))
    assert len({tuple(value.item() for value in pair) for pair in both}) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_in_bfloat16_only_the_forward_passes_are(name):
    """Outputs, weights, gradients and buffers stay float32; the answer is near float32's, and not equal to it."""
    shape = Shape(noise_dim=4, width=8)
    generator = build(lambda: NETWORKS[name].generator(IMAGES, shape), torch_stream(0))
    discriminator = build(lambda: NETWORKS[name].discriminator(IMAGES, shape), torch_stream(1))
    noise = torch.randn(B, 4, generator=torch_stream(2))
    exact, rough = (run_in(dtype, generator, noise, LABELS) for dtype in (torch.float32, torch.bfloat16))
    assert exact.dtype == rough.dtype == torch.float32
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(rough, exact, atol=0.1, rtol=0.1)
    critic = Critic(discriminator, LABELS, torch_stream(3), dtype=torch.bfloat16)
    logits = critic(rough)
    assert logits.dtype == critic.features(rough).dtype == torch.float32
    logits.sum().backward()
    for module in (generator, discriminator):
        assert all(value.dtype != torch.bfloat16 for value in module.state_dict().values())
        assert all(weight.grad.dtype == torch.float32 for weight in module.parameters() if weight.grad is not None)


def test_batch_norms_statistics_are_float32s_own():
    """In bfloat16 running statistics are summed in float32: near those of the inputs that were not rounded."""
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    images = 1 + 0.1 * torch.randn(64, 1, 16, 16, generator=torch_stream(4))
    run_in(torch.bfloat16, network, images)
    with torch.no_grad():
        maps = network[0](images)
    torch.testing.assert_close(network[1].running_mean, 0.1 * maps.mean((0, 2, 3)), atol=2e-4, rtol=1e-2)


def test_float32_is_not_cast():
    """Without a lower precision nothing is cast at all, float64 neither."""
    network = nn.Linear(D, 1).double()
    assert run_in(torch.float32, network, SAMPLES.double()).dtype == torch.float64
