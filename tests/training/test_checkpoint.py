"""A checkpoint comes back bit for bit, is its learner's own, and is refused in words when it is not whole."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save, save_file
from torch import nn

from synthaug._seed import torch_stream
from synthaug.errors import FileError
from synthaug.training.checkpoint import Checkpoint, fingerprint, pack_optimiser, unpack_optimiser

TENSORS = {
    "weight": torch.randn(4, 3, generator=torch_stream(0)),
    "step": torch.tensor(7.0),
    "turned": torch.arange(6).view(2, 3).t(),
    "state": torch.arange(5, dtype=torch.uint8),
    "nothing": torch.empty(0, 2),
}
FACTS = {"step": 12, "seconds": 0.1 + 0.2, "story": [{"terms": {"a": 1e-17}}]}


def test_what_was_written_is_read(tmp_path):
    """Tensors of any type and shape, and facts, come back exactly; the last write counts."""
    checkpoint = Checkpoint(tmp_path, "a" * 64)
    assert checkpoint.read() is None
    checkpoint.write({}, {"step": 1})
    checkpoint.write(TENSORS, FACTS)
    tensors, facts = checkpoint.read()
    assert facts == FACTS
    assert set(tensors) == set(TENSORS)
    for name, value in tensors.items():
        assert value.dtype == TENSORS[name].dtype
        assert torch.equal(value, TENSORS[name])
    assert list(tmp_path.iterdir()) == [checkpoint.path]


@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(1, 255), cut=st.booleans())
def test_damage_is_never_read(tmp_path_factory, place, value, cut):
    """A file cut off or with one byte changed, anywhere, is refused; nothing else than what was written is read."""
    checkpoint = Checkpoint(tmp_path_factory.mktemp("damaged"), "a" * 64)
    checkpoint.write(TENSORS, FACTS)
    content = bytearray(checkpoint.path.read_bytes())
    at = int(place * len(content))
    if cut:
        content = content[:at]
    else:
        content[at] ^= value
    checkpoint.path.write_bytes(content)
    try:
        tensors, facts = checkpoint.read()
    except FileError as error:
        assert "checkpoint must be this learner's own" in str(error)  # noqa: PT017  a whole reading may pass too
        assert "Delete it to start anew" in str(error)  # noqa: PT017
        return
    assert facts == FACTS
    assert all(torch.equal(value, TENSORS[name]) for name, value in tensors.items())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a checkpoint at all",
        save({"a": torch.zeros(2)}),
        save({"a": torch.zeros(2)}, {"synthaug": "no json"}),
        save({"a": torch.zeros(2)}, {"synthaug": "[]"}),
        save({"a": torch.zeros(2)}, {"synthaug": "3"}),
        save({"a": torch.zeros(2)}, {"synthaug": json.dumps({"format": 1, "key": "a" * 64})}),
    ],
    ids=["empty", "text", "another program's", "no json", "a list", "a number", "no facts"],
)
def test_foreign_files_are_refused(tmp_path, content):
    """What another program wrote under the same name is named with its path."""
    checkpoint = Checkpoint(tmp_path, "a" * 64)
    checkpoint.path.write_bytes(content)
    with pytest.raises(FileError, match=rf"'{checkpoint.path}' is damaged or not one of synthaug's. Delete it"):
        checkpoint.read()


def test_another_learners_file_is_refused(tmp_path):
    """A checkpoint of other rows that was renamed to this learner's is not gone on from."""
    other, own = Checkpoint(tmp_path, "b" * 64), Checkpoint(tmp_path, "a" * 64)
    other.write(TENSORS, FACTS)
    assert own.read() is None
    other.path.rename(own.path)
    with pytest.raises(FileError, match="was made from other rows or parameters, or by another version"):
        own.read()


def test_another_versions_file_is_refused(tmp_path):
    """A file of a newer form is named, not half understood."""
    own = Checkpoint(tmp_path, "a" * 64)
    header = {"format": 99, "key": own.key, "facts": FACTS, "sha256": ""}
    save_file(TENSORS | {"turned": torch.zeros(1)}, own.path, {"synthaug": json.dumps(header)})
    with pytest.raises(FileError, match="or by another version"):
        own.read()


def test_every_difference_gives_another_fingerprint():
    """One changed number, shape, type, order or setting is another learner; the same is the same."""
    x, y = torch.arange(6.0).view(2, 3), torch.tensor([0, 1])
    own = fingerprint((x, y), {"lr": 0.1, "seed": 1})
    assert own == fingerprint((x.clone(), y.clone()), {"seed": 1, "lr": 0.1})
    assert fingerprint((x.t().contiguous().t(), y), {"lr": 0.1, "seed": 1}) == own
    changed = x.clone()
    changed[1, 2] += 1e-6
    others = [
        fingerprint((changed, y), {"lr": 0.1, "seed": 1}),
        fingerprint((x.view(3, 2), y), {"lr": 0.1, "seed": 1}),
        fingerprint((x.double(), y), {"lr": 0.1, "seed": 1}),
        fingerprint((x, y.flip(0)), {"lr": 0.1, "seed": 1}),
        fingerprint((x, y), {"lr": 0.2, "seed": 1}),
        fingerprint((x, y), {"lr": 0.1, "seed": 2}),
    ]
    assert len({own, *others}) == 7


def adam_steps(change):
    """Return the weights after five steps of Adam, whose optimiser ``change(old, new)`` replaces after the third."""
    module = nn.Linear(3, 2)
    nn.init.ones_(module.weight)
    nn.init.zeros_(module.bias)
    optimiser = torch.optim.Adam(module.parameters(), 0.1, (0.5, 0.9))
    for number in range(5):
        if number == 3:
            optimiser = change(optimiser, torch.optim.Adam(module.parameters(), 0.1, (0.5, 0.9)))
        optimiser.zero_grad()
        module(torch.randn(4, 3, generator=torch_stream(number))).square().sum().backward()
        optimiser.step()
    return module.weight.detach()


def test_an_optimiser_goes_on_where_it_stood():
    """Adam with its state put back makes the very steps that it would have made; a fresh one makes others."""

    def put_back(old, new):
        packed = {f"other{name}": torch.zeros_like(value) for name, value in pack_optimiser("own", old).items()}
        packed |= {name: value.clone() for name, value in pack_optimiser("own", old).items()}
        unpack_optimiser("own", new, packed)
        return new

    undisturbed = adam_steps(lambda old, new: old)
    assert torch.equal(adam_steps(put_back), undisturbed)
    assert not torch.equal(adam_steps(lambda old, new: new), undisturbed)
