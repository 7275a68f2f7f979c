"""HTML pages from the templates in this folder: whole files, without network or script."""

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, view: dict[str, Any]) -> str:
    """Return a page as HTML text.

    Parameters
    ----------
    template
        A file of this folder.
    view
        What the template shows; every text in it is escaped, and a name that is missing is an error.
    """
    return _templates().get_template(template).render(view)


@cache
def _templates() -> "Environment":
    """Return the templates, read and compiled once."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _read(template: str) -> str:
    return resources.files("synthaug.experiment").joinpath(template).read_text(encoding="utf-8")
