"""What can be chosen of a GAN: each choice learns, is saved and resumed, and the impossible ones are named."""

import itertools

import pytest
import torch

from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import ConfigError
from synthaug.generators import CGAN, Limits
from synthaug.generators.choices import GENERATOR_NORMS, PRECISIONS
from synthaug.models.conditioning import CONDITIONINGS
from synthaug.models.layers import CRITIC_NORMS
from synthaug.models.minibatch import MINIBATCHES
from synthaug.models.networks import NETWORKS
from synthaug.training.objectives import OBJECTIVES
from synthaug.training.regularisers import GENERATOR_REGULARISERS

IMAGES = ImageSchema((1, 8, 8), 3)
TABLE = TableSchema((Column("a", "number"), Column("b", "integer")), 3)
LABELS = torch.tensor([0, 1, 2, 2])

CHOICES = [
    *({"network": name} for name in NETWORKS if name != "resize"),
    *({"conditioning": name} for name in CONDITIONINGS if name not in ("projection", "none")),
    *({"critic_norm": name} for name in CRITIC_NORMS if name != "spectral"),
    *({"minibatch": name} for name in MINIBATCHES if name != "none"),
    *({"generator_regularisers": {name: 0.5}} for name in GENERATOR_REGULARISERS),
    {"generator_norm": "none"},
    {"dropout": 0.3},
    {"label_smoothing": (0.1, 0.05), "objective": "non_saturating"},
    {"label_flip_fraction": 0.3},
    {"instance_noise": 0.3},
    {"n_critic_steps": 2, "n_generator_steps": 2},
    {"ramp_fraction": 0.6},
    {"regularisers": {"lecam": 0.3}},
    {"precision": "bfloat16"},
]
EACH_CHOICE = pytest.mark.parametrize("choice", CHOICES, ids=str)


def schema_of(choice):
    """Return images where a choice makes a difference for images alone, else a table, which is learned sooner."""
    return IMAGES if choice.get("network") in ("fast", "dcgan", "mlp") else TABLE


def same(first, second):
    """Return whether two learners hold the same numbers."""
    ours, theirs = first.state()[0], second.state()[0]
    return set(ours) == set(theirs) and all(torch.equal(ours[name], theirs[name]) for name in ours)


@EACH_CHOICE
def test_each_choice_learns_something_of_its_own(choice, learn):
    """It trains to finite terms, draws other rows than without it, and the same ones from its saved state."""
    schema = schema_of(choice)
    learner = learn(CGAN, schema, **choice)
    assert all(abs(value) < float("inf") for record in learner.story_ for value in record.terms.values())
    plain = learn(CGAN, schema, objective=choice.get("objective", "hinge"))
    assert not torch.equal(learner.draw(LABELS, 3), plain.draw(LABELS, 3))
    twin = CGAN(**learner.get_params()).from_state(*learner.state(), schema)
    assert torch.equal(twin.draw(LABELS, 3), learner.draw(LABELS, 3))


def goes_on_bit_for_bit(choice, schema, learn, folder):
    """Return whether a run stopped after two of five steps and gone on from ends as an undisturbed one does."""
    whole = learn(CGAN, schema, n_steps=5, **choice)
    limits = Limits(checkpoint_dir=folder, resume=True)
    learn(CGAN, schema, n_steps=5, limits=limits, on_step=lambda record: record.step == 2, **choice)
    resumed = learn(CGAN, schema, n_steps=5, limits=limits, **choice)
    told = [[record.terms for record in learner.story_] for learner in (resumed, whole)]
    return same(resumed, whole) and told[0] == told[1]


def test_what_depends_on_the_step_goes_on_bit_for_bit(learn, tmp_path):
    """Everything with a state, a schedule or a draw of its own, all at once."""
    choice = {
        "objective": "minimax",
        "label_smoothing": (0.1, 0.1),
        "dropout": 0.2,
        "regularisers": {"lecam": 0.3, "gradient_penalty": 0.1},
        "generator_regularisers": {"mode_seeking": 0.1},
        "label_flip_fraction": 0.3,
        "instance_noise": 0.3,
        "n_critic_steps": 2,
        "n_generator_steps": 2,
        "ramp_fraction": 0.8,
        "precision": "bfloat16",
    }
    assert goes_on_bit_for_bit(choice, TABLE, learn, tmp_path)


@pytest.mark.slow
@EACH_CHOICE
def test_each_choice_goes_on_bit_for_bit(choice, learn, tmp_path):
    """Stopped and gone on from, each choice ends with the weights of an undisturbed run."""
    assert goes_on_bit_for_bit(choice, schema_of(choice), learn, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("schema", [IMAGES, TABLE], ids=["images", "table"])
@pytest.mark.parametrize(
    ("network", "conditioning", "critic_norm", "minibatch"),
    list(itertools.product(NETWORKS, [name for name in CONDITIONINGS if name != "none"], CRITIC_NORMS, MINIBATCHES)),
)
def test_all_choices_of_networks_go_together(schema, network, conditioning, critic_norm, minibatch, learn):
    """Every network takes every conditioning, norm and minibatch feature, with penalties and in bfloat16."""
    if NETWORKS[network].images_only and schema is TABLE:
        return
    learner = learn(
        CGAN,
        schema,
        n_steps=2,
        network=network,
        conditioning=conditioning,
        critic_norm=critic_norm,
        minibatch=minibatch,
        dropout=0.2,
        generator_norm=GENERATOR_NORMS[critic_norm == "none"],
        regularisers={"r1": 0.1, "lecam": 0.1} | ({} if critic_norm == "batch" else {"gradient_penalty": 0.1}),
        generator_regularisers={"feature_matching": 0.1, "mode_seeking": 0.01},
        precision="bfloat16",
    )
    assert learner.draw(LABELS, 0).isfinite().all()


@pytest.mark.slow
@pytest.mark.parametrize("schema", [IMAGES, TABLE], ids=["images", "table"])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_learns_in_every_precision(objective, precision, schema, learn):
    """With the objective's own penalties, whose gradients are differentiated twice."""
    learner = learn(CGAN, schema, objective=objective, precision=precision, critic_norm="none")
    assert learner.draw(LABELS, 0).isfinite().all()


def test_an_auxiliary_classifier_is_scored_for_both_players(learn):
    """Its terms are told of the critic at real and synthetic samples, and of the generator."""
    terms = learn(CGAN, TABLE, conditioning="auxiliary").story_[-1].terms
    assert {"class_real", "class_fake", "generator_class"} <= set(terms)
    assert not {"class_real", "generator_class"} & set(learn(CGAN, TABLE).story_[-1].terms)


def test_an_objectives_regularisers_can_be_weighed_anew(learn):
    """What belongs to the objective is there by itself; the user's weight for it counts instead of its own."""
    terms = [
        learn(CGAN, TABLE, objective="wasserstein_gp", n_steps=1, regularisers=regularisers).story_[0].terms
        for regularisers in (None, {"gradient_penalty": 5.0})
    ]
    assert terms[0]["gradient_penalty"] == pytest.approx(2 * terms[1]["gradient_penalty"])


def test_a_ramp_begins_without_the_label(learn):
    """Before the ramp rises the label counts for nothing: exchanged labels give the same first terms."""
    x = torch.randn(20, *TABLE.shape, generator=torch.Generator().manual_seed(0))
    first = [
        CGAN(n_steps=10, batch_size=8, width=4, ramp_fraction=ramp)
        .fit(
            torch.cat([x, x, x]),
            (torch.arange(60) // 20 + moved) % 3,
            schema=TABLE,
            seed=1,
            on_step=lambda record: True,
            limits=Limits(),
        )
        .story_[0]
        .terms
        for ramp in (0.5, 0.0)
        for moved in (0, 1)
    ]
    assert first[0] == first[1]
    assert first[0] != first[2]


@pytest.mark.parametrize("per_class", [False, True])
def test_a_walk_leads_from_a_draw_to_another_of_its_class(per_class, schema, learn):
    """Its first frame is the draw of the same seed, its last another; the steps between are of like length."""
    learner = learn(CGAN, schema, per_class=per_class, width=8)
    walk = learner.walk(LABELS, 9, seed=5)
    assert walk.shape == (4, 9, *schema.shape)
    torch.testing.assert_close(walk[:, 0], learner.draw(LABELS, 5))
    assert torch.equal(walk, learner.walk(LABELS, 9, seed=5))
    assert not torch.equal(walk, learner.walk(LABELS, 9, seed=6))
    steps = (walk[:, 1:] - walk[:, :-1]).flatten(2).norm(dim=2)
    assert (steps > 0).all()
    ends = (walk[:, -1] - walk[:, 0]).flatten(1).norm(dim=1)
    assert (steps.max(1).values < ends).all()


def test_a_walks_noise_is_normal_on_the_whole_way(learn):
    """Half way the noise has the variance of a draw's, which the middle of a straight line has not."""
    learner = learn(CGAN, TABLE, noise_dim=50)
    seen = []
    learner.networks_[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    learner.walk(torch.zeros(200, dtype=torch.int64), 3, seed=0)
    noise = seen[0].view(200, 3, 50)
    for frame in range(3):
        assert noise[:, frame].var() == pytest.approx(1.0, abs=0.05)


BAD = [
    ({"network": "resnet"}, "network must be one of .*resize.*; got 'resnet'"),
    ({"network": "dcgan"}, "network must be one that makes tables; got 'dcgan'. Take one of .*'resize'"),
    ({"conditioning": "projecton"}, r"conditioning must be one of .*; got 'projecton'. Did you mean 'projection'\?"),
    ({"critic_norm": "layer"}, "critic_norm must be one of spectral, batch, none; got 'layer'"),
    ({"generator_norm": "spectral"}, "generator_norm must be one of batch, none; got 'spectral'"),
    ({"minibatch": "std"}, "minibatch must be one of .*; got 'std'"),
    ({"dropout": 1.0}, "dropout must be a number from 0 to 0.9; got 1.0"),
    ({"generator_regularisers": {"r1": 1.0}}, "generator_regularisers must be one of feature_matching, .*; got 'r1'"),
    ({"generator_regularisers": 1.0}, r"generator_regularisers must be weights by name, like .*; got 1.0"),
    ({"generator_regularisers": {"mode_seeking": -1}}, r"generator_regularisers\['mode_seeking'\] must be a positive"),
    ({"label_smoothing": 0.1}, "label_smoothing must be two numbers, for real and for synthetic samples; got 0.1"),
    ({"label_smoothing": (0.5, 0.0), "objective": "minimax"}, r"label_smoothing\[0\] must be a number from 0 to 0.45"),
    (
        {"label_smoothing": (0.1, 0.0)},
        r"label_smoothing must be \(0.0, 0.0\) for the objective 'hinge' .*Take one of 'minimax', 'non_saturating'",
    ),
    ({"label_flip_fraction": 1.5}, "label_flip_fraction must be a number from 0 to 1; got 1.5"),
    ({"instance_noise": -0.1}, "instance_noise must be a number from 0 to 10; got -0.1"),
    ({"n_critic_steps": 0}, "n_critic_steps must be a positive integer; got 0"),
    ({"n_generator_steps": 1.5}, "n_generator_steps must be a positive integer; got 1.5"),
    ({"ramp_fraction": "half"}, "ramp_fraction must be a number from 0 to 1; got 'half'"),
    ({"precision": "float16"}, "precision must be one of auto, float32, bfloat16; got 'float16'"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD, ids=[str(parameters) for parameters, _ in BAD])
def test_impossible_choices_are_named(parameters, message, learn):
    """Each impossible value is refused before anything is learned: name, rule, value, remedy."""
    with pytest.raises(ConfigError, match=message):
        learn(CGAN, TABLE, **parameters)


@pytest.mark.parametrize(("capabilities", "dtype"), [({}, "float32"), ({"avx512_bf16": True}, "bfloat16")], ids=str)
def test_auto_precision_is_what_the_processor_gains_from(capabilities, dtype, monkeypatch):
    """On the CPU it is bfloat16 where there are instructions for it, else float32, also where torch cannot tell."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert PRECISIONS["auto"](torch.device("cpu")) == getattr(torch, dtype)
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert PRECISIONS["auto"](torch.device("cpu")) == torch.float32


def test_auto_precision_is_float32_for_tables(learn, monkeypatch):
    """A table's matrices are too small to gain, so its weights are those of float32 on every machine."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    assert same(learn(CGAN, TABLE), learn(CGAN, TABLE, precision="float32"))
    assert not same(learn(CGAN, IMAGES), learn(CGAN, IMAGES, precision="float32"))
