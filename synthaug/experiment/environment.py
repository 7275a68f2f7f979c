"""What a study ran on: versions, and the system's kind."""

import platform
import re
from collections.abc import Mapping
from importlib import metadata

from synthaug._version import __version__

_NAME = re.compile(r"^[\w.-]+")


def environment() -> dict[str, str]:
    """Return the versions of Python, of the system's kind, of synthaug and of what it stands on; no name of a machine.

    What is not installed is left out.

    Examples
    --------
    >>> sorted(environment())[:3]
    ['albumentations', 'filelock', 'imbalanced-learn']
    """
    system = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    packages = {name: version_of(name) for name in ("numpy", *_needed())}
    return system | {"synthaug": __version__} | {name: found for name, found in packages.items() if found}


def with_earlier(now: Mapping[str, str], earlier: Mapping[str, str]) -> dict[str, str]:
    """Return versions with those that earlier splits of the same study ran with, where they were others.

    Examples
    --------
    >>> with_earlier({"torch": "2.11.0", "numpy": "2.3.0"}, {"torch": "2.10.0", "numpy": "2.3.0"})
    {'torch': '2.11.0 (earlier splits: 2.10.0)', 'numpy': '2.3.0'}
    """
    return {name: _with_earlier(found, earlier.get(name, found)) for name, found in now.items()}


def _with_earlier(found: str, earlier: str) -> str:
    same = earlier == found or earlier.startswith(f"{found} (earlier")
    return earlier if same else f"{found} (earlier splits: {earlier})"


def version_of(package: str) -> str | None:
    """Return the version of an installed package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _needed() -> list[str]:
    """Return what synthaug stands on; nothing in a source tree that was never installed."""
    try:
        needed = metadata.requires("synthaug") or []
    except metadata.PackageNotFoundError:
        return []
    return [_NAME.findall(one)[0] for one in needed if "extra ==" not in one]
