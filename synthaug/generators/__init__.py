"""Learners: everything that learns the rows of each class and draws new ones.

A third party adds one through the entry-point group ``synthaug.generators``; its name must not be taken.
"""

from importlib.metadata import entry_points
from typing import Any

from synthaug.errors import ConfigError, unknown_word
from synthaug.generators.cgan import CGAN
from synthaug.generators.copula import Copula
from synthaug.generators.latent_gan import LatentGAN
from synthaug.generators.protocol import Learner, Limits
from synthaug.generators.vae import VAE

__all__ = [
    "CGAN",
    "GENERATORS",
    "VAE",
    "Copula",
    "LatentGAN",
    "Learner",
    "Limits",
    "find_generator",
    "known_generators",
]

GENERATORS: dict[str, type] = {"cgan": CGAN, "copula": Copula, "latent_gan": LatentGAN, "vae": VAE}


def known_generators() -> list[str]:
    """Return the names of all learners: our own, then those of installed packages."""
    return [*GENERATORS, *sorted(entry_points(group="synthaug.generators").names - set(GENERATORS))]


def find_generator(name: str) -> type:
    """Return the class of a learner.

    Parameters
    ----------
    name
        One of ``known_generators()``.

    Raises
    ------
    ConfigError
        If there is no such learner, or the package that offers it gives something else.
    """
    if name in GENERATORS:
        return GENERATORS[name]
    if name not in known_generators():
        raise unknown_word("generator", name, ["auto", *known_generators()])
    offers = tuple(entry_points(group="synthaug.generators", name=name))
    if len(offers) > 1:
        packages = " and ".join(sorted(entry.value for entry in offers))
        raise ConfigError(f"generator {name!r} must be offered by one package; got {packages}. Uninstall one.")
    try:
        found: Any = offers[0].load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"generator {name!r} must be importable; '{offers[0].value}' is not ({error}). Repair its package."
        ) from error
    if not all(hasattr(found, method) for method in ("fit", "draw", "state", "from_state", "get_params")):
        raise ConfigError(f"generator {name!r} must have fit, draw, state, from_state and get_params; got {found!r}.")
    return found
