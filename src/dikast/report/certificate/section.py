"""A section of the certificate's page: a title, a template of this package, and what the template shows."""

from __future__ import annotations

from typing import Any, NamedTuple


class Section(NamedTuple):
    """One section; `content` is what its template calls `section.content`."""

    id: str
    title: str
    template: str
    content: Any
