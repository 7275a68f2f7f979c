"""Networks of torchvision, with weights from a file on disk. Nothing here ever downloads.

A state dict is what ``torch.save(network.state_dict(), path)`` writes, and what torchvision's own weight files hold
(``.pth``); ``.safetensors`` is read too. Files are read without unpickling code.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthaug._check import check_word
from synthaug.errors import ConfigError, FileError

_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, which the published weights expect


class VisionNetwork(nn.Module):
    """A network of torchvision without its head: images (n, c, h, w) in [-1, 1] to features (n, n_features).

    Grey images become three equal channels; all are resized to ``side`` pixels, anti-aliased, and get the mean and
    spread of ImageNet, which torchvision's weights expect.

    Parameters
    ----------
    body
        The network; what it gives are the features.
    side
        Pixels a side that it sees.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, body: nn.Module, *, side: int) -> None:
        super().__init__()
        self.body = body
        self.side = side
        self.head: nn.Module = nn.Identity()
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.register_buffer("spread", torch.tensor(_SPREAD)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of images, or what the head makes of them."""
        sized = F.interpolate((images + 1) / 2, size=(self.side, self.side), mode="bilinear", antialias=True)
        coloured = sized.expand(-1, 3, -1, -1) if sized.shape[1] == 1 else sized[:, :3]
        return self.head(self.body((coloured - self.mean) / self.spread))


def load_network(architecture: str, weights: str | Path, *, side: int) -> VisionNetwork:
    """Return a network of torchvision with the weights of a file, its head taken off.

    Parameters
    ----------
    architecture
        A name of ``NETWORKS``.
    weights
        A state dict on disk, ``.pth`` or ``.safetensors``; its head may be of any size.
    side
        Pixels a side that it shall see.

    Raises
    ------
    ConfigError
        If there is no such network.
    FileError
        If the file is not there, damaged, or holds the weights of another network.
    """
    from torchvision.models import get_model

    head = check_word("architecture", architecture, NETWORKS)
    body = get_model(architecture, weights=None)
    state = {name: value for name, value in _read_state(Path(weights)).items() if not name.startswith(f"{head}.")}
    wanted = {name for name in body.state_dict() if not name.startswith(f"{head}.")}
    try:
        body.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise _foreign(weights, architecture, str(error).splitlines()[-1].strip()) from error
    if missing := wanted - set(state):
        raise _foreign(weights, architecture, f"{len(missing)} of {len(wanted)} tensors are missing")
    _replace(body, head)
    return VisionNetwork(body, side=side)


def check_side(side: Any) -> int:
    """Return the pixels a side that a network sees, or raise ConfigError."""
    if type(side) is not int or not 32 <= side <= 512:
        raise ConfigError(f"side must be a whole number from 32 to 512; got {side!r}. Most weights expect 224.")
    return side


def _read_state(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise FileError(
            f"weights must be a file on disk; '{path}' is not there. Save a state dict of the network into it: "
            "torch.save(network.state_dict(), path)."
        )
    try:
        state = _load(path)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise FileError(f"'{path}' cannot be read as weights ({type(error).__name__}). Save it anew.") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise FileError(
            f"'{path}' must hold a state dict: tensors by name. Save network.state_dict(), not the network."
        )
    return state


def _load(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load

        return load(path.read_bytes())
    return torch.load(path, map_location="cpu", weights_only=True)


def _foreign(path: str | Path, architecture: str, why: str) -> FileError:
    return FileError(f"'{path}' must hold weights of {architecture}; {why}. Name the architecture that it is of.")


def _replace(body: nn.Module, head: str) -> None:
    """Put an identity in the place of the last layer."""
    parent, _, name = head.rpartition(".")
    owner = body.get_submodule(parent)
    if name.isdigit():
        owner[int(name)] = nn.Identity()  # type: ignore[operator]
    else:
        setattr(owner, name, nn.Identity())


NETWORKS: dict[str, str] = {  # architecture: its last layer
    "resnet18": "fc",
    "resnet34": "fc",
    "resnet50": "fc",
    "mobilenet_v3_small": "classifier.3",
    "mobilenet_v3_large": "classifier.3",
    "efficientnet_b0": "classifier.1",
    "convnext_tiny": "classifier.2",
    "densenet121": "classifier",
}
