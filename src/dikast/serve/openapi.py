"""Describes what is ours as OpenAPI 3.1, made from the very types that requests are read into.

The trainers' shapes are theirs: they are listed in words, and their documents are authoritative.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from dikast.remote.terms import MOST_SECONDS
from dikast.reward.about import AboutReward
from dikast.serve.dialects.base import Dialect
from dikast.serve.dialects.native import ScoreAnswer, ScoreRequest

ROW = {
    "type": "object",
    "required": ["prompt", "completion"],
    "description": "One rollout; further fields are its columns, as the reward's inputs name them.",
    "properties": {
        "prompt": {
            "description": "A text, or chat turns.",
            "oneOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["role", "content"],
                        "properties": {"role": {"type": "string"}, "content": {"type": "string"}},
                    },
                },
            ],
        },
        "completion": {"type": "string"},
        "id": {"description": "A text, or what is then written as one; otherwise line-<n>."},
        "group": {"description": "The same; rollouts of one prompt share it; otherwise the prompt's hash."},
        "reference": {"description": "A text; anything else is taken for none."},
    },
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "One line: what is wrong, and how to mend it."}},
}
_REFUSALS = {
    400: "The body is no JSON.",
    401: "The token is missing or wrong.",
    403: "Without a token only this machine is answered.",
    404: "No such reward, or no such address.",
    408: "The body did not come in time.",
    413: "The body is longer than the server takes.",
    415: "The body is not application/json.",
    422: "The body, an option or a rollout cannot be used.",
    429: "As much is under way as may be; Retry-After says when to ask again.",
    503: "The judge cannot be had, or the server is about to end; Retry-After says when to ask again.",
}
_DEADLINE = {
    "name": "deadline",
    "in": "query",
    "description": "Seconds for the request; the body's own counts more.",
    "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_SECONDS},
}
_NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}


def document(dialects: Sequence[Dialect]) -> dict[str, Any]:
    """Gives the OpenAPI document; the first of the dialects is ours."""
    (request, answer, about), schemas = msgspec.json.schema_components(
        [ScoreRequest, ScoreAnswer, AboutReward], ref_template="#/components/schemas/{name}"
    )
    schemas["ScoreRequest"]["properties"]["rollouts"]["items"] = {"$ref": "#/components/schemas/Rollout"}
    listed = {"type": "object", "required": ["rewards"], "properties": {"rewards": {"type": "array", "items": about}}}
    score = _operation("Scores rollouts.", _answers(answer), body=request, parameters=[_DEADLINE])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dikast: a reward over HTTP",
            "version": _version(),
            "description": "Trainers' own shapes are answered too, by POST: "
            + "; ".join(f"/{one.name} ({one.trainer})" for one in dialects[1:])
            + "; each also under /v1/rewards/{name}/.",
        },
        "security": [{}, {"bearer": []}],
        "paths": {
            "/v1/score": {"post": score},
            "/v1/rewards/{name}/score": {"post": {**score, "parameters": [_NAME, _DEADLINE]}},
            "/v1/rewards": {"get": _operation("Lists the rewards.", _answers(listed))},
            "/v1/rewards/{name}": {"get": _operation("Says what a reward is.", _answers(about), parameters=[_NAME])},
            "/v1/rewards/{name}/reload": {
                "post": _operation("Reads a reward's files again.", _answers(about), parameters=[_NAME])
            },
            "/healthz": {"get": _operation("Whether the process lives.", _answers(_status("alive")), safe=True)},
            "/readyz": {"get": _operation("Whether it takes requests.", _answers(_status("ready")), safe=True)},
            "/metrics": {"get": _operation("What it did.", {"text/plain": {"schema": {"type": "string"}}})},
        },
        "components": {
            "schemas": {**schemas, "Rollout": ROW, "Error": ERROR},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _version() -> str:
    try:
        return version("dikast")
    except PackageNotFoundError:
        # From its source, as in a trainer's environment that takes it by PYTHONPATH.
        return "source"


def _operation(
    told: str,
    content: dict[str, Any],
    *,
    body: dict[str, Any] | None = None,
    parameters: Sequence[dict[str, Any]] = (),
    safe: bool = False,
) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    refusals = {str(status): {"description": why, "content": error} for status, why in _REFUSALS.items()}
    operation: dict[str, Any] = {
        "summary": told,
        "parameters": list(parameters),
        "responses": {"200": {"description": "As asked.", "content": content}, **refusals},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if safe:
        operation["security"] = []
    return operation


def _answers(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _status(word: str) -> dict[str, Any]:
    return {"type": "object", "required": ["status"], "properties": {"status": {"const": word}}}
