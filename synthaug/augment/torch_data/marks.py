"""What items carry when asked: whether a row is synthetic, and its weight."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthaug.errors import ConfigError, ShapeError


@dataclass(frozen=True)
class Marks:
    """Values appended to an item: under their names in a dictionary, at the end of a tuple or list.

    Attributes
    ----------
    is_synthetic
        The flag; None: not appended.
    weight
        The row's weight in a loss; None: not appended.
    """

    is_synthetic: bool | None = None
    weight: float | None = None

    def names(self) -> dict[str, Any]:
        """Return what is appended, by name."""
        both = {"is_synthetic": self.is_synthetic, "weight": self.weight}
        return {name: value for name, value in both.items() if value is not None}

    def check(self, item: Any) -> None:
        """Raise ShapeError if an item cannot carry the marks, ConfigError if the weight is none."""
        if self.weight is not None and not 0 <= self.weight < float("inf"):
            raise ConfigError(f"synthetic_weight must be a finite number of at least 0; got {self.weight!r}.")
        check_room(item, list(self.names()))

    def put_all(self, items: list[Any]) -> list[Any]:
        """Return the items with the marks; the items given stay as they are."""
        values = self.names()
        return [append(item, values) for item in items] if values else items


def check_room(item: Any, names: list[str]) -> None:
    """Raise ShapeError if values of these names cannot be appended to an item."""
    if names and hasattr(item, "_fields"):
        raise ShapeError(
            f"items must be tuples, lists or dictionaries to carry {' and '.join(names)}; got the "
            f"namedtuple {type(item).__name__}, whose fields are fixed. Hand out dictionaries: item._asdict()."
        )
    taken = [name for name in names if isinstance(item, Mapping) and name in item]
    if taken:
        raise ShapeError(f"items must leave the key {taken[0]!r} free; got a dictionary that has it. Rename it.")


def append(item: Any, values: dict[str, Any]) -> Any:
    """Return an item with values at its end, or under their names in a dictionary; the item stays as it is."""
    if isinstance(item, Mapping):
        return {**item, **values}
    return [*item, *values.values()] if isinstance(item, list) else (*item, *values.values())
