"""Every network, under every choice, keeps the same contract."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.models.conditioning import CONDITIONAL_NORMS, CONDITIONINGS, set_label_strength
from synthaug.models.dropout import Dropout, set_stream
from synthaug.models.layers import CRITIC_NORMS, SpectralConv2d, SpectralLinear, build
from synthaug.models.minibatch import MINIBATCHES
from synthaug.models.networks import NETWORKS, Shape

B, NOISE, N_CLASSES = 6, 5, 3
LABELS = torch.arange(B) % N_CLASSES
SCHEMAS = {
    "8x8": ImageSchema((1, 8, 8), N_CLASSES),
    "13x22 RGB": ImageSchema((3, 13, 22), N_CLASSES),
    "table": TableSchema(tuple(Column(str(i), "number") for i in range(4)), N_CLASSES),
}
ON_IMAGES = list(product(NETWORKS, [name for name in SCHEMAS if name != "table"]))
EVERYWHERE = ON_IMAGES + [(name, "table") for name, network in NETWORKS.items() if not network.images_only]
FEW = [pair for pair in EVERYWHERE if pair[1] != "13x22 RGB"]
EVERY_CRITIC = list(product(CRITIC_NORMS, MINIBATCHES, (0.0, 0.3)))


def players(name, schema, seed=0, **choices):
    """Return a generator and a discriminator."""
    shape, network = Shape(noise_dim=NOISE, width=2, **choices), NETWORKS[name]
    generator = build(lambda: network.generator(schema, shape), torch_stream(seed, "generator"))
    discriminator = build(lambda: network.discriminator(schema, shape), torch_stream(seed, "discriminator"))
    set_stream(discriminator, torch_stream(seed, "dropout"))
    return generator, discriminator


def noise(n=B):
    return torch.randn(n, NOISE, generator=torch_stream(1))


def rows(schema, n=B):
    return torch.randn(n, *schema.shape, generator=torch_stream(2)).clamp(-1, 1)


def assert_reached(module, loss):
    """Assert that the loss moves every parameter of the module."""
    loss.backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches {name}"
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 1e-7, f"the gradient of {name} is 0"


def critic_loss(discriminator, samples, conditioning):
    """Return a loss that needs every output of the discriminator."""
    logits = discriminator(samples, LABELS)
    assert logits.shape == (B,)
    loss = (logits.square() + logits).sum()
    if conditioning != "auxiliary":
        return loss
    told = discriminator.class_logits(samples)
    assert told.shape == (B, N_CLASSES)
    return loss + told.square().sum()


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize(("name", "schema"), EVERYWHERE)
def test_networks_have_their_shapes_and_learn_everywhere(name, schema, conditioning):
    """Samples of the schema's shape, logits (b,), class logits where they belong; every parameter is moved."""
    schema = SCHEMAS[schema]
    generator, discriminator = players(name, schema, conditioning=conditioning)
    made = generator(noise(), LABELS)
    assert made.shape == (B, *schema.shape)
    assert_reached(generator, (made - rows(schema)).square().sum())
    assert_reached(discriminator, critic_loss(discriminator, rows(schema), conditioning))


@pytest.mark.parametrize(("norm", "minibatch", "dropout"), EVERY_CRITIC)
@pytest.mark.parametrize("name", NETWORKS)
def test_discriminators_learn_everywhere_under_every_choice(name, norm, minibatch, dropout):
    """Norm, dropout and a look at the batch go together, and leave no parameter without a gradient."""
    schema = SCHEMAS["8x8"]
    _, discriminator = players(name, schema, critic_norm=norm, minibatch=minibatch, dropout=dropout)
    assert_reached(discriminator, critic_loss(discriminator, rows(schema), "projection"))
    assert any(isinstance(part, Dropout) for part in discriminator.modules()) == bool(dropout)


@pytest.mark.parametrize("minibatch", MINIBATCHES)
@pytest.mark.parametrize("norm", CRITIC_NORMS)
def test_discriminators_of_tables_learn_everywhere_under_every_choice(norm, minibatch):
    """Rows of a table know the same choices."""
    schema = SCHEMAS["table"]
    choices = {"critic_norm": norm, "minibatch": minibatch, "dropout": 0.2, "conditioning": "concatenation"}
    _, discriminator = players("resize", schema, **choices)
    assert_reached(discriminator, critic_loss(discriminator, rows(schema), "concatenation"))


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize(("name", "schema"), FEW)
def test_generators_learn_everywhere_without_a_norm(name, schema, conditioning):
    """A generator without batch normalisation trains too, and its rows do not depend on each other."""
    schema = SCHEMAS[schema]
    generator, _ = players(name, schema, conditioning=conditioning, generator_norm="none")
    made = generator(noise(), LABELS)
    torch.testing.assert_close(generator(noise()[:2], LABELS[:2]), made[:2], rtol=1e-4, atol=1e-5)
    assert_reached(generator, (made - rows(schema)).square().sum())


@pytest.mark.parametrize("shape", [(4, 8, 128), (1, 128, 8), (2, 31, 9), (3, 28, 28), (1, 128, 128)])
@pytest.mark.parametrize("name", NETWORKS)
def test_images_of_any_size_fit(name, shape):
    """8 to 128 pixels, 1 to 4 channels, square or not, with every choice that adds a plane or a feature."""
    schema = ImageSchema(shape, N_CLASSES)
    generator, discriminator = players(name, schema, conditioning="concatenation", minibatch="deviation")
    with torch.inference_mode():
        images = generator(noise(2), LABELS[:2])
        assert images.shape == (2, *shape)
        assert images.abs().max() <= 1.1
        assert discriminator(images, LABELS[:2]).isfinite().all()


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize(("name", "schema"), FEW)
def test_one_class_is_enough(name, schema, conditioning):
    """A generator of one class, as for rows without labels, is built and judged like any other."""
    schema = type(SCHEMAS[schema])(*list(vars(SCHEMAS[schema]).values())[:-1], n_classes=1)
    generator, discriminator = players(name, schema, conditioning=conditioning)
    made = generator(noise(), torch.zeros_like(LABELS))
    assert discriminator(made, torch.zeros_like(LABELS)).isfinite().all()


def differ(made):
    """Return whether rows differ by more than rounding."""
    return float((made - made[:1]).abs().max()) > 1e-5


GENERATOR_READS = {"projection": True, "concatenation": True, "auxiliary": True, "none": False}
DISCRIMINATOR_READS = {"projection": True, "concatenation": True, "auxiliary": False, "none": False}


@pytest.mark.parametrize("strength", [1.0, 0.0])
@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize(("name", "schema"), FEW)
def test_labels_matter_as_far_as_they_are_let(name, schema, conditioning, strength):
    """One noise (one sample) under three labels differs where the network reads labels, and never at strength 0."""
    both = players(name, SCHEMAS[schema], conditioning=conditioning)
    generator, discriminator = (part.eval() for part in both)
    for part in both:
        set_label_strength(part, strength)
    with torch.inference_mode():
        made = generator(noise(1).expand(3, -1), torch.arange(3))
        logits = discriminator(made[:1].expand(3, *made.shape[1:]), torch.arange(3))
    assert differ(made) == bool(strength and GENERATOR_READS[conditioning])
    assert differ(logits) == bool(strength and DISCRIMINATOR_READS[conditioning])


@pytest.mark.slow
@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize(("name", "schema"), FEW)
def test_labels_are_learned_where_they_are_read(name, schema, conditioning):
    """Of two classes at -0.8 and 0.8 a generator that reads the label draws both; the best blind one errs by 0.64. A
    discriminator that reads it tells right labels from wrong ones; the best blind one has twice log 2 to pay.
    """
    generator, discriminator = players(name, SCHEMAS[schema], conditioning=conditioning)
    labels, stream = torch.arange(16) % 2, torch_stream(3)
    shape = SCHEMAS[schema].shape
    samples = (1.6 * labels - 0.8).view(-1, *(1 for _ in shape)).expand(16, *shape)

    def error():
        return (generator(torch.randn(16, NOISE, generator=stream), labels) - samples).square().mean()

    def confusion():
        seen = samples + 0.1 * torch.randn(samples.shape, generator=stream)
        return (F.softplus(-discriminator(seen, labels)) + F.softplus(discriminator(seen, 1 - labels))).mean()

    assert (descend(generator, error) < 0.1) == GENERATOR_READS[conditioning]
    assert (descend(discriminator, confusion) < 1.2) == DISCRIMINATOR_READS[conditioning]


def descend(player, loss):
    """Return the loss after 60 steps of Adam."""
    optimiser = torch.optim.Adam(player.parameters(), 0.02)
    for _ in range(60):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    return float(loss().detach())


def test_every_conditioning_says_who_reads_the_label():
    """The table above has a line for each."""
    assert GENERATOR_READS.keys() == DISCRIMINATOR_READS.keys() == CONDITIONINGS.keys()


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize(("name", "schema"), FEW)
def test_saved_weights_give_the_same_rows(name, schema, conditioning):
    """A network of other weights, given a state dict, does what the saved one did; label strength is not saved."""
    choices = {"conditioning": conditioning, "dropout": 0.5, "minibatch": "discrimination"}
    schema = SCHEMAS[schema]
    first, second = (players(name, schema, seed, **choices) for seed in (1, 2))
    inputs = (noise(), rows(schema))
    for ours, theirs, x in zip(first, second, inputs, strict=True):
        ours(x, LABELS)
        set_label_strength(ours, 0.3)
        theirs.load_state_dict(ours.state_dict())
        set_label_strength(ours, 1.0)
        assert torch.equal(ours.eval()(x, LABELS), theirs.eval()(x, LABELS))


@pytest.mark.parametrize(("name", "schema"), FEW)
def test_the_head_sees_the_features(name, schema):
    """Logits are the head's of the features, so that one pass gives logits, features and class logits."""
    schema = SCHEMAS[schema]
    _, discriminator = players(name, schema, conditioning="auxiliary", minibatch="deviation")
    samples = rows(schema)
    discriminator.eval()
    features = discriminator.features(samples, LABELS)
    assert features.ndim == 2
    torch.testing.assert_close(discriminator.judge(features, LABELS), discriminator(samples, LABELS))
    torch.testing.assert_close(discriminator.judge.class_logits(features), discriminator.class_logits(samples))


@pytest.mark.parametrize("conditioning", ["projection", "auxiliary"])
@pytest.mark.parametrize(("name", "schema"), FEW)
def test_a_spectral_discriminator_stretches_nowhere(name, schema, conditioning):
    """Each map is spectrally normalised: after enough steps its greatest singular value is 1 (torch.linalg)."""
    _, discriminator = players(name, SCHEMAS[schema], conditioning=conditioning)
    maps = [part for part in discriminator.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert maps
    for part in maps:
        assert isinstance(part, SpectralConv2d | SpectralLinear)
        with torch.no_grad():
            part.weight.copy_(3 * torch.randn(part.weight.shape, generator=torch_stream(3)))
            for _ in range(100):
                part.normalised(part.weight)
            weight = part.normalised(part.weight).flatten(1)
        torch.testing.assert_close(torch.linalg.matrix_norm(weight, 2), torch.tensor(1.0), rtol=0.01, atol=0)


@pytest.mark.parametrize("norm", [norm for norm in CRITIC_NORMS if norm != "spectral"])
@pytest.mark.parametrize("name", NETWORKS)
def test_another_norm_takes_the_place_of_the_spectral_one(name, norm):
    """No weight is spectrally normalised then, and batches are normalised only when that is asked."""
    _, discriminator = players(name, SCHEMAS["8x8"], critic_norm=norm)
    parts = list(discriminator.modules())
    assert not any(isinstance(part, SpectralConv2d | SpectralLinear) for part in parts)
    assert not [name for name, _ in discriminator.named_buffers() if name.endswith(".u")]
    n_batch_norms = sum(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in parts)
    assert bool(n_batch_norms) == (norm == "batch" and name != "dcgan")


def test_dcgan_normalises_batches_but_the_first():
    """The layer that sees the pixels has no batch normalisation (Radford et al., 2016), the others do."""
    _, discriminator = players("dcgan", ImageSchema((1, 32, 32), N_CLASSES), critic_norm="batch")
    kinds = [nn.BatchNorm2d in map(type, finish.modules()) for finish in discriminator.finish]
    assert kinds == [False, True, True]


def test_dcgan_has_no_dense_hidden_layer():
    """Only the head is a linear map."""
    both = players("dcgan", SCHEMAS["13x22 RGB"], conditioning="concatenation")
    generator, discriminator = ([type(part) for part in player.modules()] for player in both)
    assert nn.Linear not in generator
    assert [kind for kind in discriminator if issubclass(kind, nn.Linear)] == [SpectralLinear]


@pytest.mark.parametrize("norm", CONDITIONAL_NORMS)
@pytest.mark.parametrize(("name", "schema"), FEW)
def test_half_precision_stays_close(name, schema, norm):
    """Under autocast to bfloat16 both networks give nearly the same, and finite gradients."""
    schema = SCHEMAS[schema]
    generator, discriminator = players(name, schema, generator_norm=norm, minibatch="deviation")
    exact = generator(noise(), LABELS)
    with torch.autocast("cpu", torch.bfloat16):
        made = generator(noise(), LABELS)
        loss = discriminator(made, LABELS).float().mean()
    loss.backward()
    assert float((made.float() - exact).detach().abs().mean() / exact.detach().abs().mean()) < 0.05
    for player in (generator, discriminator):
        assert all(parameter.grad.isfinite().all() for parameter in player.parameters())
        assert all(buffer.dtype == torch.float32 for name, buffer in player.named_buffers() if "tracked" not in name)


@pytest.mark.parametrize(("name", "schema"), EVERYWHERE)
def test_class_logits_are_made_where_the_samples_are(name, schema, monkeypatch):
    """The labels that stand in for none lie on the samples' device."""
    schema = SCHEMAS[schema]
    discriminator = players(name, schema, conditioning="auxiliary")[1]
    features, seen = discriminator.features(rows(schema), LABELS), []
    monkeypatch.setattr(discriminator, "features", lambda samples, labels: seen.append(labels) or features)
    told = discriminator.class_logits(rows(schema).to("meta"))
    assert told.shape == (B, N_CLASSES)
    assert [labels.device.type for labels in seen] == ["meta"]
