"""What a study ran on: versions, and the system's kind."""

import platform
import re
from importlib import metadata

_NAME = re.compile(r"^[\w.-]+")


def environment() -> dict[str, str]:
    """Return the versions of Python, of the system's kind, of synthaug and of what it stands on; no name of a machine.

    Examples
    --------
    >>> sorted(environment())[:3]
    ['albumentations', 'filelock', 'imbalanced-learn']
    """
    needed = [one for one in metadata.requires("synthaug") or [] if "extra ==" not in one]
    names = ["synthaug", "numpy", *(_NAME.findall(one)[0] for one in needed)]
    system = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    return system | {name: metadata.version(name) for name in names}
