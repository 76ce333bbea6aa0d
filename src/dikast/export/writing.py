"""Writes the forms of text that trainers read: JSON lines, YAML, TOML, and Python literals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

HEAD = "Written by 'dikast export'; it is yours to change."


def as_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """JSON lines, whole characters kept."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_yaml(document: Mapping[str, Any], head: str) -> str:
    """YAML in the order given, under a comment."""
    import yaml

    return _comment(head) + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def as_toml(document: Mapping[str, Any], head: str) -> str:
    """TOML: plain values first, then tables; a list of mappings becomes an array of tables."""
    return _comment(head) + "\n".join(_toml_table(document, ())) + "\n"


def as_python(values: Mapping[str, Any]) -> str:
    """A dictionary of plain values, a line each."""
    lines = "".join(f"    {_quoted(name)}: {_literal(value)},\n" for name, value in values.items())
    return "{\n" + lines + "}"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(str(name))}: {_literal(one)}" for name, one in value.items()) + "}"
    return "[" + ", ".join(map(_literal, value)) + "]" if isinstance(value, list | tuple) else repr(value)


def _quoted(text: str) -> str:
    """A string of JSON is one of Python's."""
    return json.dumps(text, ensure_ascii=False)


def _comment(head: str) -> str:
    return "".join(f"# {line}\n" for line in [*head.splitlines(), HEAD]) + "\n"


def _toml_table(table: Mapping[str, Any], name: tuple[str, ...]) -> Iterable[str]:
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping) or _is_tables(value)}
    for key, value in table.items():
        if key not in tables:
            yield f"{key} = {_toml_value(value)}"
    for key, value in tables.items():
        inner = (*name, key)
        for one in value if isinstance(value, list) else [value]:
            plain = any(not (isinstance(v, Mapping) or _is_tables(v)) for v in one.values())
            if plain or isinstance(value, list) or not one:
                yield ""
                yield f"[[{'.'.join(inner)}]]" if isinstance(value, list) else f"[{'.'.join(inner)}]"
            yield from _toml_table(one, inner)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    # A string of JSON is one of TOML's, and so are its numbers and truths.
    return json.dumps(value, ensure_ascii=False)
