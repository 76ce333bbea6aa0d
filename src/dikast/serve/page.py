"""The OpenAPI document as a page for people, which loads nothing from anywhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f4;padding:1rem;overflow:auto;font-size:.85rem}h2 code{font-size:1rem}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}pre{background:#222}}"
)


def page(document: dict[str, Any]) -> str:
    """Writes the page."""
    info = document["info"]
    operations = "".join(
        _operation(path, method, told) for path, ways in document["paths"].items() for method, told in ways.items()
    )
    schemas = "".join(
        f'<h3 id="{escape(name)}">{escape(name)}</h3>{_shown(schema)}'
        for name, schema in document["components"]["schemas"].items()
    )
    title = escape(info["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(info['version'])}. {escape(info['description'])} "
        "The same for programs: <code>/openapi.json</code>.</p>"
        f"{operations}<h2>Shapes</h2>{schemas}</html>"
    )


def _operation(path: str, method: str, told: dict[str, Any]) -> str:
    answers = "".join(
        f"<li>{escape(status)}: {escape(one['description'])}</li>" for status, one in told["responses"].items()
    )
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    takes = f"<p>Takes</p>{_shown(body)}" if body else ""
    gives = next(iter(told["responses"]["200"]["content"].values()))["schema"]
    return (
        f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2><p>{escape(told['summary'])}</p>"
        f"{takes}<p>Gives</p>{_shown(gives)}<ul>{answers}</ul>"
    )


def _shown(schema: dict[str, Any]) -> str:
    return f"<pre>{escape(json.dumps(schema, indent=2))}</pre>"
