"""Holds a request to the service's own model as botocore ships it, before anything is sent.

botocore checks names, types and least sizes; what it leaves to the service (enumerations, patterns, greatest
sizes) is checked here from the same model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import regex

from dikast.errors import ConfigError


def require_valid(service: str, operation: str, request: Mapping[str, Any]) -> None:
    """Raises `ConfigError` with the first thing that the service would refuse."""
    from botocore.validate import ParamValidator

    shape = _model(service).operation_model(operation).input_shape
    report: Any = ParamValidator().validate(request, shape)
    if report.has_errors():
        first = " ".join(report.generate_report().splitlines()[0].split())
        raise ConfigError(f"{operation}: {first}")
    for problem in _refused(shape, request, operation):
        raise ConfigError(problem)


@cache
def _model(service: str) -> Any:
    import botocore.session

    return botocore.session.Session().get_service_model(service)


def _refused(shape: Any, value: Any, where: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            for name, one in value.items():
                yield from _refused(shape.members[name], one, f"{where}.{name}")
        case "list":
            yield from _too_many(shape, value, where)
            for at, one in enumerate(value):
                yield from _refused(shape.member, one, f"{where}[{at}]")
        case "map":
            for name, one in value.items():
                yield from _refused(shape.value, one, f"{where}.{name}")
        case "string":
            yield from _too_many(shape, value, where)
            yield from _misspelt(shape, value, where)
        case _:
            greatest = shape.metadata.get("max")
            if greatest is not None and value > greatest:
                yield f"{where}: {value} is more than {greatest}"


def _misspelt(shape: Any, value: str, where: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{where}: '{value}' is none of {', '.join(shape.enum)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not regex.fullmatch(pattern, value, flags=regex.DOTALL):
        yield f"{where}: '{value}' does not have the form {pattern}"


def _too_many(shape: Any, value: Any, where: str) -> Iterator[str]:
    greatest = shape.metadata.get("max")
    if greatest is not None and len(value) > greatest:
        yield f"{where}: has a length of {len(value)}, and {greatest} is the most"
