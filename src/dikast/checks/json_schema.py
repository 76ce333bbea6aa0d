"""Checks that a completion is JSON, strictly, and follows a JSON Schema where the reward names one.

What a schema means is jsonschema's to say (`schema_compiling`). Where a plain schema and a plain value leave no doubt
(`plain_schema`) it is not asked, nor loaded. A pattern that was stopped leaves the check missing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dikast.checks.base import NOT_JSON, PASSED, Checked, CheckFunction, Json, Outcome, short
from dikast.checks.parsing import read_json
from dikast.checks.plain_schema import plain_test
from dikast.errors import ConfigError
from dikast.records import Missing

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator


def json_check(schema: Path | None, *, items: str | None) -> CheckFunction:
    """The value is 1 or 0; `items` is the key of the set, where there is one. Raises `ConfigError` for a broken schema."""
    if schema is None:
        return _only_json
    content = _read(schema)
    follows = plain_test(content)

    @cache
    def validator() -> Validator:
        from dikast.checks.schema_compiling import compile_schema

        return compile_schema(content, where=str(schema))

    if follows is None:
        validator()

    def run(checked: Checked) -> Outcome | Missing:
        if checked.parsed is NOT_JSON:
            return _only_json(checked)
        if follows is not None and follows(checked.parsed):
            return PASSED
        try:
            error = next(validator().iter_errors(checked.parsed), None)
        except TimeoutError:
            return Missing("check_error", f"{schema}: a pattern took too long on this completion")
        except RecursionError:
            return Missing("check_error", f"{schema}: its references never end on this completion")
        return PASSED if error is None else _broken(error, items)

    return run


def _read(path: Path) -> Json:
    try:
        return read_json(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not a JSON file ({error})") from error


def _only_json(checked: Checked) -> Outcome:
    if checked.parsed is not NOT_JSON:
        return PASSED
    try:
        read_json(checked.rollout.completion)
    except ValueError as error:
        return Outcome(value=0.0, reason=short(f"not JSON: {error}"))
    return Outcome(value=0.0, reason="not JSON")


def _broken(error: ValidationError, items: str | None) -> Outcome:
    match list(error.absolute_path):
        case [key, int(at), *_] if key == items:
            item = at
        case _:
            item = None
    return Outcome(value=0.0, reason=short(f"{error.json_path}: {error.message}"), item=item)
