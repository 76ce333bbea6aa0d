"""The templates of the pages: every text from outside is escaped, and what cannot be seen is made visible."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from dikast.report.words import visible


def template(name: str) -> Template:
    """Gives a template of this package."""
    return _environment().get_template(name)


def own(text: str) -> Markup:
    """Marks a text of ours as safe: what it holds from outside is escaped where it is drawn."""
    return Markup(text)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("dikast.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _shown(value: Any) -> Any:
    """What every expression of a template passes through, before it is escaped."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
