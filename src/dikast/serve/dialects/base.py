"""What every shape is: its name, its options, how a body is read and an answer written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from dikast.errors import DataError
from dikast.records import Rollout, Score
from dikast.reward.reward import Reward
from dikast.rollouts import rollout_of
from dikast.serve.options import Options
from dikast.serve.refusals import NotJsonError

T = TypeVar("T")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was read."""

    rollouts: Sequence[Rollout]
    body: Any = None
    """What the answer needs of the request."""
    deadline: float | None = None
    """Seconds, where the body names them."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """Scores, with the number that a trainer gets for each."""

    asked: Asked
    scores: Sequence[Score]
    rewards: Sequence[float]
    options: Options
    reward: Reward


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """The shape in which one trainer asks for rewards."""

    name: str
    """The last part of its address."""
    trainer: str
    read: Callable[[bytes, Options], Asked]
    write: Callable[[Answered], bytes]
    options: frozenset[str] = frozenset()
    drops_nan: Callable[[Options], bool] = lambda _options: False
    one_by_one: bool = True
    """Whether the rollouts of a prompt come in requests of their own: nothing can be compared then."""
    missing: Literal["number", "masked", "word"] = "number"
    """What the shape has for a missing score: a number only, a number with a mark that it is none, or a word."""


def decoded(body: bytes, into: type[T]) -> T:
    """Reads a body. Raises `NotJsonError`, or `DataError` where it has another shape.

    What strict JSON does not allow and a policy may well have written, half surrogates above all, is read too.
    """
    try:
        return msgspec.json.decode(body, type=into, strict=True)
    except msgspec.ValidationError as error:
        raise DataError(f"the body has another shape: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return msgspec.convert(json.loads(body), into, strict=True)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise DataError(f"the body has another shape: {error}") from None
    except RecursionError:
        raise NotJsonError("the body is nested too deeply") from None
    except ValueError as error:
        raise NotJsonError(f"the body is no JSON ({getattr(error, 'msg', error)})") from None


def made_rollout(columns: dict[str, Any], *, place: int, prompt: Any, completion: str) -> Rollout:
    """Makes a rollout of what a trainer sends; columns that are named like the fixed ones stand in for them.

    Without an id it has its content's: a rollout that is sent again is the same. Raises `DataError`.
    """
    row = {"prompt": prompt, **columns, "completion": completion}
    if "id" not in row:
        row["id"] = hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return rollout_of(row, path=Path("rollout"), line=place)


def columns_of(label: Any, *, as_json: bool) -> dict[str, Any]:
    """Gives the columns that stand in a trainer's label: a text is the reference, an object holds columns.

    With `as_json` a text is read as an object: many data formats allow one type only. Raises `DataError`.
    """
    if as_json and isinstance(label, str):
        try:
            label = json.loads(label)
        except (ValueError, RecursionError):
            label = None
        if not isinstance(label, dict):
            raise DataError("label=json: the label is not the text of a JSON object")
    if isinstance(label, dict):
        return dict(label)
    return {} if label is None else {"reference": label if isinstance(label, str) else json.dumps(label)}


def reads_labels_as_json(options: Options) -> bool:
    """Whether `label=json` stands in the address. Raises `DataError`."""
    given = options.get("label", "text")
    if given not in ("text", "json"):
        raise DataError(f"label: must be text or json, not '{given}'")
    return given == "json"
