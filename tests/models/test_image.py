"""Networks for images of every size, form and number of channels that is promised."""

import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.data.schema import ImageSchema
from synthaug.models.image import ImageDiscriminator, ImageEncoder, ImageGenerator, n_halvings
from synthaug.models.layers import build

SHAPES = [(1, 8, 8), (1, 9, 13), (3, 8, 128), (5, 30, 11), (3, 28, 28), (1, 65, 64), (2, 128, 96), (1, 128, 128)]
B, NOISE = 4, 6
LABELS = torch.tensor([0, 1, 2, 1])


def networks(shape, n_classes=3, seed=0):
    """Return generator, discriminator and encoder."""
    schema = ImageSchema(shape, n_classes)
    makers = (
        lambda: ImageGenerator(schema, noise_dim=NOISE, width=4),
        lambda: ImageDiscriminator(schema, width=4),
        lambda: ImageEncoder(schema, code_dim=NOISE, width=4),
    )
    return [build(make, torch_stream(seed, number)) for number, make in enumerate(makers)]


def assert_reached(module, loss):
    """Assert that the loss moves every parameter of the module."""
    loss.backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches {name}"
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, f"the gradient of {name} is 0"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_generators_paint_the_shape_asked_for(shape):
    """Images have the schema's shape, are finite, and a loss on them moves every parameter."""
    generator = networks(shape)[0]
    images = generator(torch.randn(B, NOISE, generator=torch_stream(1)), LABELS)
    assert images.shape == (B, *shape)
    assert images.isfinite().all()
    target = torch.randn(images.shape, generator=torch_stream(2))
    assert_reached(generator, (images - target).square().sum())


def test_the_ends_of_the_range_can_be_reached():
    """Backgrounds lie at -1 exactly: pixels go a little beyond both ends, to be clipped, and no further."""
    generator = networks((1, 8, 8))[0]
    with torch.no_grad():
        generator.paint.weight.mul_(1000)
    images = generator(torch.randn(B, NOISE, generator=torch_stream(1)), LABELS)
    assert 1 < images.max() < 1.2
    assert -1.2 < images.min() < -1


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_discriminators_see_the_whole_image(shape):
    """One finite logit an image; it moves every parameter, and every pixel moves it."""
    discriminator = networks(shape)[1]
    images = torch.randn(B, *shape, generator=torch_stream(1)).clamp(-1, 1).requires_grad_()
    logits = discriminator(images, LABELS)
    assert logits.shape == (B,)
    assert logits.isfinite().all()
    assert_reached(discriminator, logits.square().sum())
    assert (images.grad != 0).float().mean() > 0.99


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_encoders_give_codes(shape):
    """One finite code an image, which moves every parameter of the encoder."""
    encoder = networks(shape)[2]
    codes = encoder(torch.randn(B, *shape, generator=torch_stream(1)))
    assert codes.shape == (B, NOISE)
    assert_reached(encoder, (codes - 1).square().sum())


def test_labels_matter_from_the_start():
    """The same noise gives another image under another label, the same image another logit."""
    generator, discriminator, _ = (part.eval() for part in networks((1, 16, 16)))
    noise = torch.randn(1, NOISE, generator=torch_stream(1)).expand(3, -1)
    images = generator(noise, torch.arange(3))
    same = images[:1].expand(3, -1, -1, -1)
    assert all(not torch.allclose(images[i], images[j]) for i, j in [(0, 1), (1, 2), (0, 2)])
    assert len(discriminator(same, torch.arange(3)).unique()) == 3


def test_rows_of_a_batch_do_not_meet_once_learned():
    """In evaluation a row depends on its own noise and label alone, so it can be drawn in any company."""
    generator = networks((1, 12, 10))[0].eval()
    noise = torch.randn(B, NOISE, generator=torch_stream(1))
    together = generator(noise, LABELS)
    alone = torch.cat([generator(noise[i : i + 1], LABELS[i : i + 1]) for i in range(B)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("shape", "n"), [((1, 8, 8), 1), ((3, 16, 128), 2), ((1, 28, 28), 3), ((1, 128, 128), 5)])
def test_the_shorter_side_is_halved_to_about_4(shape, n):
    """8 is halved once, 128 five times; the longer side does not count."""
    assert n_halvings(shape) == n


def test_one_class_alone_can_be_learned():
    """Networks for one class work: ``per_class`` builds them."""
    generator, discriminator, _ = networks((1, 8, 8), n_classes=1)
    labels = torch.zeros(B, dtype=torch.int64)
    assert discriminator(generator(torch.randn(B, NOISE, generator=torch_stream(1)), labels), labels).shape == (B,)


def test_weights_have_the_names_of_saved_models():
    """The names that files hold do not change with the choices that came later, which by default add no weight."""
    generator, discriminator, _ = networks((1, 8, 8))
    norm = {f"norms.{i}.{part}" for i in range(2) for part in ("scale.weight", "scale.bias", "shift.weight")}
    norm |= {f"norms.{i}.{part}" for i in range(2) for part in ("shift.bias", "norm.running_mean", "norm.running_var")}
    norm |= {f"norms.{i}.norm.num_batches_tracked" for i in range(2)}
    rest = {"code.label.weight", "project.weight", "project.bias", "grow.0.weight", "paint.weight", "paint.bias"}
    assert set(generator.state_dict()) == norm | rest
    maps = {f"{part}.{kind}" for part in ("read", "shrink.0", "last") for kind in ("weight", "bias", "normalised.u")}
    head = {"judge.everyone.weight", "judge.everyone.bias", "judge.everyone.normalised.u"}
    assert set(discriminator.state_dict()) == maps | head | {"judge.each.weight", "judge.normalised.u"}
