"""Builds a reward's checks, once: schemas, lists and patterns are compiled, a user's source is loaded here.

Only the kinds that a reward has are imported: with what they stand on they take longer than all the rest of it.
"""

from __future__ import annotations

from dikast.checks.base import CheckFunction
from dikast.spec.checks import (
    ArtifactsCheck,
    CheckSpec,
    JsonCheck,
    LanguageCheck,
    LengthCheck,
    PythonCheck,
    QuoteCheck,
    SafetyCheck,
)
from dikast.spec.reward import RewardSpec, python_source


def build_checks(spec: RewardSpec) -> list[tuple[CheckSpec, CheckFunction]]:
    """Gives each check with its function, in the file's order. Raises `ConfigError` for one that cannot work."""
    return [(check, _build(check, spec)) for check in spec.file.checks]


def _build(check: CheckSpec, spec: RewardSpec) -> CheckFunction:
    items = spec.file.items
    where = f"{spec.path}: checks ({check.part_name})"
    match check:
        case JsonCheck(schema=schema):
            from dikast.checks.json_schema import json_check

            return json_check(None if schema is None else spec.resource(schema), items=items)
        case QuoteCheck():
            from dikast.checks.quote import quote_check

            return quote_check(check, items=items)
        case LengthCheck():
            from dikast.checks.length import length_check

            return length_check(check, items=items, where=where)
        case LanguageCheck():
            from dikast.checks.language import language_check

            return language_check(check, where=where)
        case SafetyCheck(lists=lists):
            from dikast.checks.safety import safety_check

            return safety_check(None if lists is None else [spec.resource(name) for name in lists])
        case ArtifactsCheck():
            from dikast.checks.artifacts import artifacts_check

            return artifacts_check
        case PythonCheck(call=call):
            from dikast.checks.user import python_check

            return python_check(python_source(spec, call), call.partition(":")[2], where=where)
