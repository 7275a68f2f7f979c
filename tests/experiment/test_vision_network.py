"""Networks of torchvision with weights from a file."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model

from synthaug.errors import ConfigError, FileError
from synthaug.experiment.vision_network import NETWORKS, check_side, load_network


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small network's weights on disk, and the network."""
    network = get_model("mobilenet_v3_small", weights=None, num_classes=7).eval()
    path = tmp_path_factory.mktemp("weights") / "small.pth"
    torch.save(network.state_dict(), path)
    return path, network


def test_features_are_those_before_the_head(small):
    """The head of the original on the features gives what the original gives for the same pixels."""
    path, original = small
    network = load_network("mobilenet_v3_small", path, side=32).eval()
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        pixels = ((images + 1) / 2 - network.mean) / network.spread
        torch.testing.assert_close(original.classifier[3](network(images)), original(pixels))


def test_grey_images_of_any_size_are_read(small):
    """A grey image is three equal channels; it is resized to what the network sees."""
    network = load_network("mobilenet_v3_small", small[0], side=32).eval()
    grey = torch.zeros(2, 1, 20, 28)
    with torch.inference_mode():
        torch.testing.assert_close(network(grey), network(grey.expand(-1, 3, -1, -1)))


def test_safetensors_are_the_same(small, tmp_path):
    """The same weights in a .safetensors file give the same network."""
    path, original = small
    save_file(original.state_dict(), tmp_path / "small.safetensors")
    first, second = (
        load_network("mobilenet_v3_small", place, side=32).state_dict()
        for place in (path, tmp_path / "small.safetensors")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", NETWORKS)
def test_every_network_loses_its_head(architecture, tmp_path):
    """Each named network gives features from its own weights; the last layer is where the table says."""
    path = tmp_path / "weights.pth"
    torch.save(get_model(architecture, weights=None, num_classes=3).state_dict(), path)
    network = load_network(architecture, path, side=32).eval()
    with torch.inference_mode():
        features = network(torch.zeros(1, 1, 32, 32))
    assert features.ndim == 2
    assert features.shape[1] > 100


def test_nothing_is_downloaded(small, monkeypatch):
    """Loading opens no connection."""

    def refuse(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)
    load_network("mobilenet_v3_small", small[0], side=32)


class Harmful:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return np.zeros, (1,)


def test_wrong_files_are_refused_in_words(small, tmp_path):
    """Missing, damaged, foreign and harmful files each say what they are."""
    with pytest.raises(FileError, match=r"weights must be a file on disk; '.*none.pth' is not there"):
        load_network("resnet18", tmp_path / "none.pth", side=32)
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(FileError, match="cannot be read as weights"):
        load_network("resnet18", tmp_path / "text.pth", side=32)
    torch.save(Harmful(), tmp_path / "harm.pth")
    with pytest.raises(FileError, match="cannot be read as weights"):
        load_network("resnet18", tmp_path / "harm.pth", side=32)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(FileError, match="must hold a state dict"):
        load_network("resnet18", tmp_path / "list.pth", side=32)
    with pytest.raises(FileError, match=r"must hold weights of resnet18; .* tensors are missing"):
        load_network("resnet18", small[0], side=32)
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "shape.pth")
    with pytest.raises(FileError, match="must hold weights of resnet18; size mismatch"):
        load_network("resnet18", tmp_path / "shape.pth", side=32)


def test_wrong_settings_are_refused():
    """Only networks of the table, and sides that they can see."""
    with pytest.raises(ConfigError, match=r"architecture must be one of .*Did you mean 'resnet18'"):
        load_network("resnet81", "none.pth", side=32)
    with pytest.raises(ConfigError, match="side must be a whole number from 32 to 512; got 8"):
        check_side(8)
