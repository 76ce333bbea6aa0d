"""Compiles any JSON Schema, with jsonschema: what it says is what counts.

The draft is that of `$schema`, 2020-12 without one. `format` is an annotation, as the specification has it.
A reference is looked up in the schema and the drafts' own schemas only, never fetched. Patterns run for a
bounded time (see `patterns`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for  # pyright: ignore[reportUnknownVariableType]  jsonschema is untyped there
from jsonschema_specifications import REGISTRY  # pyright: ignore[reportMissingTypeStubs]  it has no types
from referencing.exceptions import Unresolvable
from referencing.jsonschema import specification_with

from dikast.checks.base import Json, short
from dikast.checks.parsing import identity
from dikast.checks.patterns import compile_pattern, matches
from dikast.errors import ConfigError

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def compile_schema(schema: Json, *, where: str) -> Validator:
    """Compiles a schema. Raises `ConfigError`, starting with `where`, when it is none or needs the network."""
    if not isinstance(schema, dict | bool):
        raise ConfigError(f"{where}: a JSON Schema is an object, or true or false")
    dialect = _dialect(schema, where)
    if isinstance(schema, dict):
        # With `$schema` in it, a reference to the root would go on with jsonschema's unbounded keywords.
        schema = {key: value for key, value in schema.items() if key != "$schema"}
        if any(isinstance(part.get("$schema"), str) for part in _objects_in(schema)):
            raise ConfigError(f"{where}: '$schema' may stand at the top only")
    if error := next(dialect(dialect.META_SCHEMA).iter_errors(schema), None):
        raise ConfigError(f"{where}: {short(f'{error.json_path}: {error.message}')}")
    _check_parts(list(_reachable(schema, dialect, where)), where)
    return _bounded(dialect)(schema, registry=REGISTRY)


def _dialect(schema: Json, where: str) -> type[Validator]:
    named = schema.get("$schema") if isinstance(schema, dict) else None
    if named is None:
        return Draft202012Validator
    known = validator_for({"$schema": named}, default=cast("Any", None)) if isinstance(named, str) else None
    if known is None:
        raise ConfigError(f"{where}: unknown $schema {named!r}; write https://json-schema.org/draft/2020-12/schema")
    return known


def _reachable(schema: Json, dialect: type[Validator], where: str) -> Iterator[dict[str, Json]]:
    """Walks through the schema and all that it refers to; a reference that leads nowhere is an error."""
    specification = specification_with(cast("dict[str, Any]", dialect.META_SCHEMA)["$schema"])
    todo = [(schema, REGISTRY.resolver_with_root(specification.create_resource(schema)))]
    seen: set[int] = set()
    while todo:
        part, resolver = todo.pop()
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        for reference in (part.get(keyword) for keyword in _REFERENCES):
            if not isinstance(reference, str):
                continue
            try:
                found = resolver.lookup(reference)
            except Unresolvable as error:
                raise ConfigError(
                    f"{where}: $ref '{reference}' is not in the file, and nothing is fetched; put it under $defs"
                ) from error
            todo.append((cast("Json", found.contents), found.resolver))
        for inner in specification.create_resource(part).subresources():
            todo.append((cast("Json", inner.contents), resolver.in_subresource(inner)))


def _check_parts(parts: list[dict[str, Json]], where: str) -> None:
    """Compiles all patterns, and refuses the one combination whose patterns could not be bounded."""
    for part in parts:
        by_pattern = part.get("patternProperties")
        patterns: list[Json] = list(by_pattern) if isinstance(by_pattern, dict) else []
        for pattern in [*patterns, part.get("pattern")]:
            if isinstance(pattern, str):
                compile_pattern(pattern, where=where)
    if any("unevaluatedProperties" in part for part in parts) and any("patternProperties" in part for part in parts):
        raise ConfigError(
            f"{where}: unevaluatedProperties with patternProperties is not supported; use additionalProperties"
        )


def _objects_in(value: Json) -> Iterator[dict[str, Json]]:
    todo = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield node
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)


@lru_cache
def _bounded(dialect: type[Validator]) -> type[Validator]:
    """Gives a draft's validator with keywords of ours for those that can take for ever on a hostile text."""
    keywords = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    return cast("type[Validator]", extend(dialect, keywords))


def _found(pattern: str, text: str) -> bool:
    return matches(compile_pattern(pattern, where="schema"), text)


def _pattern(_validator: Any, pattern: str, instance: Json, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: dict[str, Json], instance: Json, _schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, schema in patterns.items():
        for key, value in instance.items():
            if _found(pattern, key):
                yield from validator.descend(value, schema, path=key, schema_path=pattern)


def _additional_properties(
    validator: Any, allowed: Json, instance: Json, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    patterns = schema.get("patternProperties", {})
    for key, value in instance.items():
        if key in schema.get("properties", {}) or any(_found(pattern, key) for pattern in patterns):
            continue
        if allowed is False:
            yield ValidationError(f"{key!r} is not among the properties that the schema knows")
        else:
            yield from validator.descend(value, allowed, path=key)


def _unique_items(_validator: Any, wanted: bool, instance: Json, _schema: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(instance, list) and len(set(map(identity, instance))) < len(instance):
        yield ValidationError("an item stands there twice")
