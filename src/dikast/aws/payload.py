"""How much an event and an answer of a Lambda may weigh, and how many samples fit."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from dikast.errors import DataError

LIMIT = 6 * 1024 * 1024
"""Bytes of a synchronous event, and of its answer, that Lambda takes."""
WARN_SHARE = 0.8


def as_sent(payload: Any) -> bytes:
    """A payload as compact UTF-8 JSON."""
    try:
        return msgspec.json.encode(payload)
    except UnicodeEncodeError:
        # Half a surrogate, which travels as an escape.
        return json.dumps(payload, separators=(",", ":")).encode()


def weight_of(payload: Any) -> int:
    """Bytes of a payload as compact JSON: the least that it weighs. A sender that escapes weighs more."""
    return len(as_sent(payload))


def samples_that_fit(size: int, samples: int) -> int:
    """How many samples like these go into one event."""
    return samples if size <= 0 else int(LIMIT * samples / size)


def require_fits(size: int, samples: int, what: str) -> str | None:
    """Gives a warning where a payload comes near the limit. Raises `DataError` where it is over it."""
    said = (
        f"the {what} weighs {size / 2**20:.2f} MB of the 6 MB that Lambda takes; about {samples_that_fit(size, samples)} "
        f"of such samples fit (lambda_batch_size; here are {samples})"
    )
    if size > LIMIT:
        raise DataError(said)
    return said if size > LIMIT * WARN_SHARE else None
