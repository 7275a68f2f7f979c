"""A fitted augmenter as a folder: ``model.safetensors`` (weights) and ``model.json`` (everything else).

Nothing is pickled, so a file can do no more than be wrong. What is kept: weights of the averaged generator and of the
selector, the format of rows and labels (columns, types, ranges), parameters, losses, versions and a checksum. No
training row, no code of one and no fingerprint.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from synthaug._files import make_folder, write_together
from synthaug._version import __version__
from synthaug.augment.diagnosis import Finding
from synthaug.augment.looks import snapshots_of
from synthaug.data.constraints import constraint_facts, restore_constraints
from synthaug.data.container import Container
from synthaug.data.images import ImageCodec
from synthaug.data.labels import LabelCodec, NoLabels
from synthaug.data.tables import TableCodec, restore_table_codec, table_codec_state
from synthaug.data.torch_rows import ItemFormat
from synthaug.errors import FileError, SynthaugError
from synthaug.generators import GENERATORS, find_generator, known_generators
from synthaug.quality.selection import restore_selector

if TYPE_CHECKING:
    from synthaug.augment.augmenter import SyntheticAugmenter

FORMAT = 2
_WEIGHTS, _FACTS = "model.safetensors", "model.json"
_KEPT = ("n_synthetic", "selection", "image_shape", "image_format", "max_seconds", "max_steps")


def save_augmenter(augmenter: "SyntheticAugmenter", folder: str | Path) -> None:
    """Write a fitted augmenter into a folder.

    Raises
    ------
    FileError
        If the folder cannot be written to, or labels, columns or parameters are of a type that JSON cannot hold.
    """
    path = make_folder(folder)
    tensors, facts = _pack(augmenter)
    weights = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    facts |= {"format": FORMAT, "synthaug": __version__, "torch": torch.__version__}
    try:
        facts = json.loads(json.dumps(facts, default=_plain_number))
    except TypeError as error:
        raise FileError(
            f"labels, columns and parameters must be words, numbers or booleans to be saved; {error}."
        ) from error
    text = json.dumps(facts | {"sha256": _checksum(weights, facts)}, indent=1)
    write_together({path / _WEIGHTS: weights, path / _FACTS: text.encode()})


def load_augmenter(folder: str | Path) -> "SyntheticAugmenter":
    """Return the augmenter that a folder holds.

    Raises
    ------
    FileError
        If it holds none, a damaged or foreign one, or one of a newer or an older format.
    """
    path = Path(folder)
    weights, facts = _read(path)
    try:
        return _unpack(load(weights), facts)
    except (
        SafetensorError,
        SynthaugError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        RuntimeError,
        IndexError,
        OverflowError,
    ) as error:
        raise FileError(
            f"model must be one that save() wrote; '{path}' is damaged ({error}). Save it again."
        ) from error


def _read(path: Path) -> tuple[bytes, dict[str, Any]]:
    try:
        weights, text = (path / _WEIGHTS).read_bytes(), (path / _FACTS).read_bytes()
    except OSError as error:
        raise FileError(f"folder must hold {_WEIGHTS} and {_FACTS}; '{path}' does not ({error.strerror}).") from error
    try:
        facts = json.loads(text)
        version, checksum = facts["format"], facts.pop("sha256")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileError(f"'{path / _FACTS}' must be one that save() wrote; it is damaged or foreign.") from error
    made = facts.get("synthaug", "unknown")
    if isinstance(version, int) and version < FORMAT:
        raise FileError(f"'{path}' was saved by an older version of synthaug ({made}); fit again, and save.")
    if not isinstance(version, int) or version > FORMAT:
        raise FileError(f"'{path}' was saved by a newer synthaug ({made}); this is {__version__}. Update synthaug.")
    if checksum != _checksum(weights, facts):
        raise FileError(f"model in '{path}' is damaged: its checksum is not the one that was saved. Save it again.")
    return weights, facts


def _checksum(weights: bytes, facts: dict[str, Any]) -> str:
    return hashlib.sha256(weights + json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _plain_number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"got {value!r}")


def _pack(augmenter: "SyntheticAugmenter") -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    learned = len(augmenter.learned_) > 0
    tensors, learner = augmenter.generator_.state() if learned else ({}, {})
    packed = {f"generator.{name}": value for name, value in tensors.items()}
    tensors, selector = augmenter.selector_.state()
    packed |= {f"selector.{name}": value for name, value in tensors.items()}
    tensors, codec = _codec_state(augmenter.codec_)
    packed |= {f"codec.{name}": value for name, value in tensors.items()}
    item = getattr(augmenter, "item_format_", None)
    facts = {
        "parameters": {name: getattr(augmenter, name) for name in _KEPT},
        "sampling_strategy": _strategy_facts(augmenter),
        "constraints": constraint_facts(augmenter.constraints),
        "generator": {"name": _name_of(augmenter.generator_), "parameters": _plain(augmenter.generator_.get_params())},
        "learner": learner,
        "selector": selector,
        "codec": codec,
        "labels": _label_facts(augmenter),
        "classes": augmenter.classes_.tolist(),
        "counts": list(augmenter.class_counts_.values()),
        "plan": list(augmenter.plan_.values()),
        "learned": augmenter.learned_.tolist(),
        "seed": augmenter.seed_,
        "n_samples_drawn": augmenter.n_samples_drawn_,
        "n_features": augmenter.n_features_in_,
        "names": _names(augmenter),
        "history": augmenter.history_.to_dict("list"),
        "quality": augmenter.quality_.to_dict("list"),
        "quality_history": augmenter.quality_history_.to_dict("list"),
        "diagnosis": None if augmenter.diagnosis_ is None else [vars(finding) for finding in augmenter.diagnosis_],
        "item_format": None if item is None else asdict(item),
        "was_cut": augmenter.was_cut_,
        "seconds": augmenter.seconds_,
    }
    return packed, facts


def _unpack(tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> "SyntheticAugmenter":
    from synthaug.augment.augmenter import SyntheticAugmenter

    learner = find_generator(facts["generator"]["name"])(**facts["generator"]["parameters"])
    augmenter = SyntheticAugmenter(learner, **{name: _tuple(facts["parameters"][name]) for name in _KEPT})
    augmenter.codec_ = _codec(dict(facts["codec"]), _under("codec", tensors))
    augmenter.labels_ = _labels(facts)
    augmenter.classes_ = augmenter.labels_.classes
    names = augmenter.classes_.tolist()
    augmenter.sampling_strategy = _strategy(facts["sampling_strategy"], names)
    augmenter.constraints = restore_constraints(facts.get("constraints", []))
    augmenter.class_counts_ = dict(zip(names, map(int, facts["counts"]), strict=True))
    augmenter.plan_ = dict(zip(names, map(int, facts["plan"]), strict=True))
    augmenter.learned_ = np.array(facts["learned"], dtype=np.int64)
    augmenter.seed_, augmenter.n_samples_drawn_ = int(facts["seed"]), int(facts["n_samples_drawn"])
    augmenter.n_features_in_ = int(facts["n_features"])
    if facts["names"] is not None:
        augmenter.feature_names_in_ = np.array(facts["names"], dtype=object)
    augmenter.image_shape_ = getattr(augmenter.codec_, "shape", None)
    augmenter.history_, augmenter.quality_ = pd.DataFrame(facts["history"]), pd.DataFrame(facts["quality"])
    augmenter.quality_history_ = pd.DataFrame(facts.get("quality_history", {}))
    found = facts.get("diagnosis")
    augmenter.diagnosis_ = None if found is None else [Finding(**finding) for finding in found]
    augmenter.snapshots_ = snapshots_of(None, augmenter.codec_, augmenter.classes_[augmenter.learned_])
    augmenter.was_cut_, augmenter.seconds_, augmenter.generator_ = (
        bool(facts["was_cut"]),
        float(facts["seconds"]),
        learner,
    )
    if facts["item_format"] is not None:
        augmenter.item_format_ = ItemFormat(**{k: _tuple(v) for k, v in facts["item_format"].items()})
    _unpack_weights(augmenter, tensors, facts)
    return augmenter


def _unpack_weights(augmenter: "SyntheticAugmenter", tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
    schema = augmenter._schema()
    if len(augmenter.learned_):
        augmenter.generator_.from_state(_under("generator", tensors), facts["learner"], schema)
    augmenter.selector_ = restore_selector(_under("selector", tensors), facts["selector"], schema)


def _strategy_facts(augmenter: "SyntheticAugmenter") -> Any:
    """Return the strategy as JSON can hold it: a dict as pairs of a class's number and its count."""
    strategy = augmenter.sampling_strategy
    if callable(strategy):
        raise FileError(
            f"sampling_strategy must be a word, a number or a dict to be saved; got a function ({strategy!r}). "
            "Set it to the dict that the function returns, then save."
        )
    if isinstance(strategy, Mapping):
        return {"counts": [(augmenter.labels_.number(label), int(n)) for label, n in strategy.items()]}
    return strategy


def _strategy(facts: Any, names: list[Any]) -> Any:
    return {names[number]: n for number, n in facts["counts"]} if isinstance(facts, dict) else facts


def _under(name: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}


def _codec_state(codec: ImageCodec | TableCodec) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    if isinstance(codec, ImageCodec):
        return {}, {"kind": "image", **asdict(codec)}
    tensors, facts = table_codec_state(codec)
    return tensors, {"kind": "table", "container": asdict(codec.container), **facts}


def _codec(facts: dict[str, Any], tensors: dict[str, torch.Tensor]) -> ImageCodec | TableCodec:
    kind, container = facts.pop("kind"), _container(facts.pop("container"))
    if kind == "table":
        return restore_table_codec(container, tensors, facts)
    return ImageCodec(container, **{name: _tuple(value) for name, value in facts.items()})


def _label_facts(augmenter: "SyntheticAugmenter") -> dict[str, Any] | None:
    if isinstance(augmenter.labels_, NoLabels):
        return None
    return {"container": asdict(augmenter.labels_.container), "dtype": str(augmenter.classes_.dtype)}


def _labels(facts: dict[str, Any]) -> LabelCodec | NoLabels:
    if facts["labels"] is None:
        return NoLabels()
    dtype = np.dtype(facts["labels"]["dtype"])
    return LabelCodec(_container(facts["labels"]["container"]), np.array(facts["classes"], dtype=dtype))


def _container(facts: dict[str, Any]) -> Container:
    return Container(**{name: _tuple(value) for name, value in facts.items()})


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def _names(augmenter: "SyntheticAugmenter") -> list[str] | None:
    names = getattr(augmenter, "feature_names_in_", None)
    return None if names is None else list(names)


def _name_of(learner: Any) -> str:
    for name in known_generators():
        if find_generator(name) is type(learner):
            return name
    raise FileError(
        f"generator must be one of {', '.join(GENERATORS)}, or offered through the entry-point group "
        f"synthaug.generators, to be saved; got {type(learner).__name__}."
    )


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: dict(value) if hasattr(value, "keys") else value for name, value in parameters.items()}
