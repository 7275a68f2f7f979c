"""Where training stands, on disk: everything that decides the next step, keyed by what decided the first.

The key is a hash of the training rows, the parameters and the seed. It is the file's name and stands inside the file
too, so learners that share a folder (clones in cross-validation) never meet each other's weights.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from synthaug._files import write_atomically
from synthaug.errors import FileError

FORMAT = 2


def fingerprint(tensors: tuple[Tensor, ...], settings: dict[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of tensors (shape, type and bytes) and of settings that JSON can hold."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for tensor in tensors:
        array = np.ascontiguousarray(tensor.numpy())
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """One learner's place in a folder of checkpoints.

    Attributes
    ----------
    folder
        The folder, which may be shared.
    key
        The learner's fingerprint.
    every_seconds
        How long to train between two writes.
    """

    folder: Path
    key: str
    every_seconds: float = 20.0

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"{self.key[:40]}.safetensors"

    def write(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Write tensors and facts, atomically.

        Raises
        ------
        FileError
            If there is no room or no right to write.
        """
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        header = {"format": FORMAT, "key": self.key, "facts": facts, "sha256": _checksum(plain, facts)}
        write_atomically(self.path, save(plain, {"synthaug": json.dumps(header)}))

    def read(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the tensors and facts last written, or None where nothing was.

        Raises
        ------
        FileError
            If the file is damaged, or belongs to other rows, parameters or another version.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                header = json.loads(file.metadata()["synthaug"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
            made_from, facts, checksum = (header["format"], header["key"]), header["facts"], header["sha256"]
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise self._refusal("is damaged or not one of synthaug's") from error
        if made_from != (FORMAT, self.key):
            raise self._refusal("was made from other rows or parameters, or by another version")
        if checksum != _checksum(tensors, facts):
            raise self._refusal("is damaged: its content is not what its checksum says")
        return tensors, facts

    def _refusal(self, why: str) -> FileError:
        return FileError(f"checkpoint must be this learner's own; '{self.path}' {why}. Delete it to start anew.")


def _checksum(tensors: dict[str, Tensor], facts: dict[str, Any]) -> str:
    names = sorted(tensors)
    return fingerprint(tuple(tensors[name] for name in names), {"names": names, "facts": facts})


def pack_optimiser(name: str, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimiser's state as flat tensors, ``name.number.what``."""
    state = optimiser.state_dict()["state"]
    return {f"{name}.{number}.{what}": value for number, entry in state.items() for what, value in entry.items()}


def unpack_optimiser(name: str, optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Set an optimiser's state from what ``pack_optimiser`` gave."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{name}."):
            _, number, what = key.split(".", 2)
            state.setdefault(int(number), {})[what] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
