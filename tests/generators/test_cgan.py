"""The conditional GAN: networks shared or one a class, and the size that was asked for."""

import pytest
import torch

from synthaug.data.schema import Column, TableSchema
from synthaug.errors import ConfigError
from synthaug.generators import CGAN, Limits

TABLE = TableSchema((Column("a", "number"), Column("b", "number")), 3)


def n_weights(learner):
    """Return how many numbers a learner's state holds."""
    return sum(value.numel() for value in learner.state()[0].values())


def test_one_network_is_shared_by_the_classes(schema, learn):
    """By default one network draws every class; per_class has one for each, which draws its own class alone."""
    shared, own = learn(CGAN, schema), learn(CGAN, schema, per_class=True)
    assert len(shared.networks_) == 1
    assert len(own.networks_) == 3
    weights = [network.state_dict()[name] for network in own.networks_ for name in list(network.state_dict())[:1]]
    assert len({tuple(weight.flatten().tolist()) for weight in weights}) == 3


def test_a_class_of_its_own_sees_no_other_row(schema):
    """With per_class the weights of a class do not change when the rows of another one do."""
    y = torch.arange(20) % 2
    x = torch.randn(20, *schema.shape, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    changed = torch.where((y == 1).view(-1, *[1] * len(schema.shape)), -x, x)
    learners = [
        CGAN(n_steps=3, batch_size=8, width=4, per_class=True).fit(
            rows, y, schema=_pair(schema), seed=1, on_step=lambda record: None, limits=Limits()
        )
        for rows in (x, changed)
    ]
    first, second = ([network.state_dict() for network in learner.networks_] for learner in learners)
    assert all(torch.equal(first[0][name], second[0][name]) for name in first[0])
    assert any(not torch.equal(first[1][name], second[1][name]) for name in first[1])


def test_classes_of_equal_rows_do_not_learn_in_step(schema):
    """Each class has a stream of its own: equal rows under two labels are not drawn as copies of each other."""
    x = torch.randn(10, *schema.shape, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    learner = CGAN(n_steps=3, batch_size=8, width=4, per_class=True).fit(
        torch.cat([x, x]),
        torch.arange(20) // 10,
        schema=_pair(schema),
        seed=1,
        on_step=lambda record: None,
        limits=Limits(),
    )
    first, second = (network.state_dict() for network in learner.networks_)
    assert any(not torch.equal(first[name], second[name]) for name in first)


def _pair(schema):
    """Return a schema for two classes."""
    return type(schema)(**{**vars(schema), "n_classes": 2})


def test_separate_classes_draw_their_own_labels(schema, learn):
    """In a mixed batch each row comes from its own class's network."""
    learner = learn(CGAN, schema, per_class=True)
    labels = torch.tensor([2, 0, 1, 0])
    together = learner.draw(labels, 7)
    zero = learner.networks_[0]
    noise = torch.zeros(1, learner.noise_dim)
    assert together.shape == (4, *schema.shape)
    for number in range(3):
        learner.networks_[number] = zero
    other = learner.draw(labels, 7)
    assert torch.equal(other[labels == 0], together[labels == 0])
    assert not torch.equal(other[labels == 2], together[labels == 2])
    assert zero(noise, torch.zeros(1, dtype=torch.int64)).isfinite().all()


def test_separate_classes_tell_one_story(schema, learn):
    """The losses of the classes are told as one, averaged, with all rows and seconds counted."""
    records = []
    learner = learn(CGAN, schema, per_class=True, on_step=records.append)
    assert learner.story_ == records
    assert [record.step for record in records] == [1, 2, 3]
    assert [record.images_seen for record in records] == [3 * 8 * step for step in (1, 2, 3)]
    assert set(records[0].terms) == {"critic_real", "critic_fake", "critic_accuracy", "generator"}


def test_separate_classes_share_the_time(schema, learn):
    """A limit of seconds holds for all classes together, and is told."""
    learner = learn(CGAN, schema, per_class=True, n_steps=100_000, limits=Limits(max_seconds=0.3))
    assert learner.was_cut_
    assert sum(network.training for network in learner.networks_) == 0


def test_separate_classes_go_on_from_their_checkpoints(schema, learn, tmp_path):
    """Each class has a checkpoint of its own, and going on gives the same weights."""
    limits = Limits(checkpoint_dir=tmp_path, resume=True)
    first, again = (learn(CGAN, schema, per_class=True, limits=limits) for _ in range(2))
    assert len(list(tmp_path.iterdir())) == 3
    ours, theirs = first.state()[0], again.state()[0]
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
def test_classes_in_parallel_are_classes_in_turn(schema, learn):
    """Two processes learn the very same weights as one."""
    alone, parallel = (learn(CGAN, schema, per_class=True, n_jobs=n_jobs) for n_jobs in (None, 2))
    ours, theirs = alone.state()[0], parallel.state()[0]
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert [record.terms for record in alone.story_] == [record.terms for record in parallel.story_]


def test_width_and_noise_have_the_size_asked_for(schema, learn):
    """A wider network has more weights, and noise has its own length."""
    sizes = [n_weights(learn(CGAN, schema, width=width, n_steps=1)) for width in (4, 8)]
    assert sizes[1] > 1.5 * sizes[0]
    with pytest.raises(ConfigError, match="noise_dim must be a positive integer; got 0"):
        learn(CGAN, schema, noise_dim=0)


def test_drawn_rows_of_a_class_differ(schema, learn):
    """Noise matters: rows of one draw are not copies of each other."""
    drawn = learn(CGAN, schema, width=16).draw(torch.zeros(50, dtype=torch.int64), 0)
    assert len(drawn.flatten(1).unique(dim=0)) == 50


def test_classes_learned_apart_have_no_use_for_rows_without_labels():
    """Rows without labels belong to no class, so a network for each class refuses them."""
    x, y = torch.zeros(6, 2), torch.tensor([0, 1, 2] * 2)
    with pytest.raises(ConfigError, match="per_class must be False where there are rows without labels; got True"):
        CGAN(n_steps=2, per_class=True).fit(
            x, y, schema=TABLE, seed=0, on_step=lambda record: None, limits=Limits(), x_unlabeled=x
        )


def test_rows_without_labels_come_with_every_update():
    """Several updates a step, a ramp and any objective work with rows without labels beside the others."""
    x, y = torch.zeros(6, 2), torch.tensor([0, 1, 2] * 2)
    learner = CGAN(n_steps=2, batch_size=8, width=4, n_critic_steps=2, ramp_fraction=0.5)
    learner.fit(x, y, schema=TABLE, seed=0, on_step=lambda record: None, limits=Limits(), x_unlabeled=x + 1)
    assert learner.draw(y, 0).isfinite().all()
    assert learner.state()[1]["n_labels"] == 4


@pytest.mark.parametrize(
    ("parameters", "unlabelled", "message"),
    [
        ({"conditioning": "auxiliary"}, True, "conditioning must not be 'auxiliary'"),
        ({"conditioning": "none"}, False, "conditioning must tell the classes apart; got 'none' for 3 classes"),
        ({"conditioning": "none", "per_class": True, "ramp_fraction": 0.5}, False, "ramp_fraction must be 0"),
        ({"objective": "wasserstein_gp", "critic_norm": "batch"}, False, "critic_norm must not be 'batch'"),
    ],
)
def test_choices_that_contradict_each_other_are_refused(parameters, unlabelled, message):
    """Where one choice makes another meaningless, nothing is learned and the message says what to take."""
    x, y = torch.zeros(6, 2), torch.tensor([0, 1, 2] * 2)
    more = {"x_unlabeled": x + 1} if unlabelled else {}
    with pytest.raises(ConfigError, match=message):
        CGAN(n_steps=2, **parameters).fit(
            x, y, schema=TABLE, seed=0, on_step=lambda record: None, limits=Limits(), **more
        )


def test_a_run_that_ends_while_the_label_is_brought_in_draws_as_it_was_trained():
    """The label counts in draws as much as it did at the last step, after saving and loading too."""
    x, y = torch.zeros(6, 2), torch.tensor([0, 1, 2] * 2)
    learner = CGAN(n_steps=10, batch_size=8, width=4, ramp_fraction=0.8)
    learner.fit(x, y, schema=TABLE, seed=0, on_step=lambda record: record.step == 4, limits=Limits())
    assert learner.label_strength_ == pytest.approx(0.5)
    again = CGAN(width=4).from_state(*learner.state(), TABLE)
    assert torch.equal(again.draw(y, 0), learner.draw(y, 0))
