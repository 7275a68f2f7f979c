"""Results that outlive an interruption: a JSON file written after every finished piece, by way of a temporary file."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Store:
    """Finished pieces by name, in one JSON file; a piece that is there is not measured again."""

    path: Path

    def all(self) -> dict[str, Any]:
        """Return every finished piece."""
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def get(self, name: str) -> Any:
        """Return a piece, or None where it is not there."""
        return self.all().get(name)

    def put(self, name: str, value: Any) -> None:
        """Write a piece, replacing one of that name."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.all() | {name: value}, indent=1))
        os.replace(partial, self.path)

    def once(self, name: str, measure: Callable[[], Any]) -> Any:
        """Return a piece, measured and written first where it is not there."""
        found = self.get(name)
        if found is None:
            found = measure()
            self.put(name, found)
        return found
