"""Tells of plain schemas that a value follows them, without jsonschema, which takes longer to load than all other checks.

    follows = plain_test(schema)       # None where the schema is not plain
    follows(value)                     # True: it does. False: ask jsonschema, which also says why

Plain are the keywords below with operands as the drafts want them, in drafts that agree about them. Whatever else stands in
a schema, a keyword that nobody knows too, makes it none: then jsonschema alone decides, as it does about what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from dikast.checks.base import Json
from dikast.checks.parsing import identity

Test: TypeAlias = Callable[[Any], bool]

_DRAFTS = frozenset(
    {
        "https://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/draft-07/schema#",
        "http://json-schema.org/draft-06/schema#",
    }
)
"""By their `$schema`; without one it is the first. Older ones mean other things by the same words."""
_TEXTS = frozenset({"title", "description", "$comment", "format"})
"""Keywords that ask for nothing of a value, and have a text themselves."""


class _NotPlainError(Exception):
    """Only jsonschema knows what this schema means, or whether it is one."""


def plain_test(schema: Json) -> Test | None:
    """Gives the test of a plain schema, which then needs no look at whether it is one; None where it is not plain."""
    if isinstance(schema, dict) and "$schema" in schema:
        named = schema["$schema"]
        if not isinstance(named, str) or named not in _DRAFTS:
            return None
        schema = {keyword: operand for keyword, operand in schema.items() if keyword != "$schema"}
    try:
        return _test_of(schema)
    except _NotPlainError:
        return None


def _test_of(schema: Json) -> Test:
    if isinstance(schema, bool):
        return _anything if schema else _nothing
    if not isinstance(schema, dict):
        raise _NotPlainError
    tests = tuple(
        test for keyword, operand in schema.items() if (test := _test_by(keyword, operand, schema)) is not None
    )

    def all_pass(value: Any) -> bool:
        return all(test(value) for test in tests)

    return all_pass


def _test_by(keyword: str, operand: Json, schema: Mapping[str, Json]) -> Test | None:
    """The test of one keyword; None where it asks for nothing."""
    if keyword == "default" or (keyword in _TEXTS and isinstance(operand, str)):
        return None
    if keyword == "additionalProperties":
        return _others(schema.get("properties", {}), _test_of(operand))
    make = _MAKERS.get(keyword)
    if make is None:
        raise _NotPlainError
    return make(operand)


def _anything(_value: Any) -> bool:
    return True


def _nothing(_value: Any) -> bool:
    return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Test] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
}


def _type(operand: Json) -> Test:
    if isinstance(operand, list):
        tests = [_TYPES[name] for name in _different_texts(operand) if name in _TYPES]
        if not tests or len(tests) < len(operand):
            raise _NotPlainError
        return lambda value: any(test(value) for test in tests)
    if not isinstance(operand, str) or operand not in _TYPES:
        raise _NotPlainError
    return _TYPES[operand]


def _enum(operand: Json) -> Test:
    if not isinstance(operand, list) or not operand:
        raise _NotPlainError
    offered = {identity(one) for one in operand}
    if len(offered) < len(operand):
        raise _NotPlainError
    return lambda value: identity(value) in offered


def _properties(operand: Json) -> Test:
    if not isinstance(operand, dict):
        raise _NotPlainError
    tests = {name: _test_of(inner) for name, inner in operand.items()}

    def test(value: Any) -> bool:
        return not isinstance(value, dict) or all(inner(value[name]) for name, inner in tests.items() if name in value)

    return test


def _others(known: Json, inner: Test) -> Test:
    if not isinstance(known, dict):
        raise _NotPlainError

    def test(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        held = cast("dict[str, Any]", value)
        return all(inner(one) for name, one in held.items() if name not in known)

    return test


def _different_texts(operand: Json) -> frozenset[str]:
    if not isinstance(operand, list) or not all(isinstance(one, str) for one in operand):
        raise _NotPlainError
    found = frozenset(cast("list[str]", operand))
    if len(found) < len(operand):
        raise _NotPlainError
    return found


def _required(operand: Json) -> Test:
    wanted = _different_texts(operand)
    return lambda value: not isinstance(value, dict) or wanted <= value.keys()


def _items(operand: Json) -> Test:
    inner = _test_of(operand)
    return lambda value: not isinstance(value, list) or all(map(inner, cast("list[Any]", value)))


def _length(kind: type, *, at_least: bool) -> Callable[[Json], Test]:
    def make(operand: Json) -> Test:
        if not isinstance(operand, int) or isinstance(operand, bool) or operand < 0:
            raise _NotPlainError
        if at_least:
            return lambda value: not isinstance(value, kind) or len(value) >= operand
        return lambda value: not isinstance(value, kind) or len(value) <= operand

    return make


def _bound(*, at_least: bool) -> Callable[[Json], Test]:
    def make(operand: Json) -> Test:
        if not _is_number(operand):
            raise _NotPlainError
        limit = cast("float", operand)
        if at_least:
            return lambda value: not _is_number(value) or value >= limit
        return lambda value: not _is_number(value) or value <= limit

    return make


_MAKERS: dict[str, Callable[[Json], Test]] = {
    "type": _type,
    "enum": _enum,
    "properties": _properties,
    "required": _required,
    "items": _items,
    "minLength": _length(str, at_least=True),
    "maxLength": _length(str, at_least=False),
    "minItems": _length(list, at_least=True),
    "maxItems": _length(list, at_least=False),
    "minimum": _bound(at_least=True),
    "maximum": _bound(at_least=False),
}
