"""HTML pages from the templates in this folder: whole files, without network or script."""

from importlib import resources
from typing import Any


def render(template: str, view: dict[str, Any]) -> str:
    """Return a page as HTML text.

    Parameters
    ----------
    template
        A file of this folder.
    view
        What the template shows; every text in it is escaped, and a name that is missing is an error.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(view)


def _read(template: str) -> str:
    return resources.files("synthaug.experiment").joinpath(template).read_text(encoding="utf-8")
