"""A YAML file read into plain values, each with its place in the file. Nothing in a file can run code.

Only the tags of plain data are known (PyYAML's ``SafeLoader``); size, depth and the number of values are bounded, so
that aliases cannot grow a small file into a large one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from synthaug.errors import ConfigError, FileError

LARGEST_FILE_BYTES = 256 * 1024
_MOST_VALUES = 10_000
_DEEPEST = 20
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "seq", "map"))

Place = tuple[int, int]
Key = str | int
KeyPath = tuple[Any, ...]


class _PlainLoader(yaml.SafeLoader):
    """PyYAML's safe loader, which also reads ``2e-4`` as a number, as YAML 1.2 does, and leaves dates as text."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)


@dataclass(frozen=True)
class YamlFile:
    """What a YAML file holds.

    Attributes
    ----------
    path
        The file.
    values
        Its top-level mapping.
    places
        ``places[("design", "n_draws")]``: line and column, from 1, of a key or of an entry of a list.
    changed
        Keys whose values were set after reading, and so have no place.
    """

    path: Path
    values: dict[Any, Any]
    places: dict[KeyPath, Place]
    changed: set[KeyPath] = field(default_factory=set)

    def place(self, keys: KeyPath) -> Place:
        """Return line and column of a key, or of the nearest key above it."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys, (1, 1))

    def where(self, keys: KeyPath) -> str:
        """Return ``file:line:column`` of a key, or of the nearest key above it; the source alone where that is no
        file.
        """
        line, column = self.place(keys)
        if not self.places:
            return str(self.path)
        return "set on the command line" if keys in self.changed else f"{self.path}:{line}:{column}"


@dataclass
class _Reading:
    """What is known while a file is walked."""

    path: Path
    places: dict[KeyPath, Place] = field(default_factory=dict)
    n_values: int = 0

    def refuse(self, place: Place, what: str) -> ConfigError:
        return ConfigError(f"{self.path}:{place[0]}:{place[1]}: {what}")


def read_yaml(path: str | Path) -> YamlFile:
    """Return the values of a YAML file and their places.

    Parameters
    ----------
    path
        A UTF-8 file of at most 256 KiB, whose top level is a mapping.

    Raises
    ------
    FileError
        If the file is not there or cannot be read.
    ConfigError
        If it is empty, too large, not text, not YAML, or holds a duplicate key or a tag that is not plain data; the
        message names line and column.
    """
    path = Path(path)
    node, loader = _compose(path, _read_text(path))
    if node is None:
        raise ConfigError(f"{path} must hold a pipeline; got an empty file. Start from one in the folder pipelines.")
    reading = _Reading(path)
    if not isinstance(node, yaml.MappingNode):
        raise reading.refuse(_place(node), "the file must be a mapping of keys to values, such as 'name: digits'.")
    values = _walk(node, (), reading, loader)
    return YamlFile(path, values, reading.places)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise FileError(f"pipeline must be a file that is there; got {str(path)!r}.{_neighbours(path)}") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror}).") from error
    if len(content) > LARGEST_FILE_BYTES:
        raise ConfigError(f"{path} must be at most {LARGEST_FILE_BYTES // 1024} KiB; a pipeline is a page of text.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} must be UTF-8 text; got a byte that is not at place {error.start}.") from error


def _neighbours(path: Path) -> str:
    found = sorted(other.name for pattern in ("*.yaml", "*.yml") for other in path.parent.glob(pattern))
    return f" There are in {path.parent}: {', '.join(found[:8])}." if found else " Check the path."


def _compose(path: Path, text: str) -> tuple[yaml.Node | None, _PlainLoader]:
    try:
        loader = _PlainLoader(text)
        return loader.get_single_node(), loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: this is not YAML ({error.problem}).{_tab_hint(error)}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: this is not YAML ({' '.join(str(error).split())}).") from error
    except RecursionError as error:
        raise ConfigError(f"{path} must not be nested deeper than {_DEEPEST} levels.") from error


def _tab_hint(error: yaml.MarkedYAMLError) -> str:
    return " Indent with spaces, not tabs." if "'\\t'" in str(error.problem) else ""


def _walk(node: yaml.Node, keys: KeyPath, reading: _Reading, loader: _PlainLoader) -> Any:
    reading.n_values += 1
    if reading.n_values > _MOST_VALUES or len(keys) > _DEEPEST:
        raise reading.refuse(_place(node), f"the file holds more than {_MOST_VALUES} values or {_DEEPEST} levels.")
    if node.tag not in _PLAIN_TAGS:
        raise reading.refuse(_place(node), f"the tag {_short(node.tag)} is not allowed; values must be plain data.")
    if isinstance(node, yaml.SequenceNode):
        return [_entry(child, (*keys, i), reading, loader) for i, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, keys, reading, loader))
    return _scalar(node, reading, loader)


def _entry(node: yaml.Node, keys: KeyPath, reading: _Reading, loader: _PlainLoader) -> Any:
    reading.places[keys] = _place(node)
    return _walk(node, keys, reading, loader)


def _pairs(node: yaml.MappingNode, keys: KeyPath, reading: _Reading, loader: _PlainLoader) -> Iterator[tuple[Key, Any]]:
    seen: dict[Any, Place] = {}
    for key_node, value_node in node.value:
        place = _place(key_node)
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in _PLAIN_TAGS:
            raise reading.refuse(place, f"a key must be a plain word or number{_merge_hint(key_node)}.")
        key = _scalar(key_node, reading, loader)
        if key in seen:
            raise reading.refuse(place, f"the key {key!r} is there twice, first on line {seen[key][0]}. Keep one.")
        seen[key] = reading.places[(*keys, key)] = place
        yield key, _walk(value_node, (*keys, key), reading, loader)


def _merge_hint(node: yaml.Node) -> str:
    return "; merge keys ('<<') are not read" if node.tag.endswith(":merge") else ""


def _scalar(node: yaml.Node, reading: _Reading, loader: _PlainLoader) -> Any:
    try:
        return loader.construct_object(node)
    except (ValueError, yaml.YAMLError) as error:
        raise reading.refuse(_place(node), f"{node.value[:40]!r} does not fit its tag {_short(node.tag)}.") from error


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _place(node: yaml.Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1
