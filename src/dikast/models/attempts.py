"""Tries one request several times: how often, how long, and how long to wait between. Nothing above `models` retries.

The place among the requests under way is held during an attempt and given back while waiting, so that one
request that must wait does not hold up the others.
"""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import math
import random
import re
from collections.abc import Awaitable, Callable

import msgspec

from dikast.errors import ModelError
from dikast.models.base import Reply
from dikast.models.limiter import Limiter
from dikast.models.stopwatch import Stopwatch
from dikast.records import MissingReason

LONGEST_RETRY_AFTER = 60.0
"""Seconds; a server that asks for more is asked again after these."""

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SPANS = re.compile(rf"(?:{_SPAN.pattern})+")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class TryAgain(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt failed in a way that may pass."""

    reason: MissingReason
    detail: str
    after: float = 0.0
    """Seconds that the server asks to wait."""
    too_much: bool = False
    """The server says that it gets more than it can take."""


class Attempts(msgspec.Struct, frozen=True, kw_only=True):
    """How often one request is tried, and how long it rests in between."""

    most: int
    first_pause: float = 0.5
    """Upper bound of the first pause; each next one is twice as long."""
    longest_pause: float = 30.0


async def tried(
    once: Callable[[], Awaitable[Reply | TryAgain]],
    attempts: Attempts,
    *,
    limiter: Limiter,
    watch: Stopwatch,
    dice: random.Random,
    tokens: int = 0,
) -> Reply:
    """Gives the reply of the first attempt that has one. Raises `ModelError` with the last attempt's reason.

    `watch` stops an attempt that takes too long; the wait for a place is not timed.
    """
    number = 0
    while True:
        number += 1
        if (entered := limiter.entered(tokens)) is None:
            entered = await limiter.enter(tokens)
        try:
            try:
                with watch.timed():
                    outcome = await once()
            except TimeoutError:
                outcome = TryAgain(reason="timeout", detail=f"no answer within {watch.seconds:g} s")
            if isinstance(outcome, Reply):
                limiter.well()
                return outcome
            if outcome.too_much:
                limiter.too_much(entered=entered, after=outcome.after)
        finally:
            limiter.leave()
        if number >= attempts.most:
            tries = "one attempt" if number == 1 else f"{number} attempts"
            raise ModelError(outcome.reason, f"{outcome.detail} ({tries})")
        await asyncio.sleep(outcome.after + _pause(number, attempts, dice))


def seconds_of(retry_after: str | None, *, unit: float = 1.0) -> float:
    """Reads a Retry-After header, a number or a date, into 0..60 seconds; 0 where it says nothing."""
    if not retry_after:
        return 0.0
    try:
        seconds = float(retry_after) * unit
    except ValueError:
        seconds = _until(retry_after)
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else 0.0


def seconds_of_reset(text: str | None) -> float:
    """Reads a rate-limit reset header, as in 1m30s, 250ms or 12, into 0..60 seconds; 0 where it says nothing."""
    if not text:
        return 0.0
    if _SPANS.fullmatch(text.strip()):
        spans = _SPAN.findall(text)
        return min(sum(float(number) * _UNITS[unit] for number, unit in spans), LONGEST_RETRY_AFTER)
    return seconds_of(text)


def _pause(number: int, attempts: Attempts, dice: random.Random) -> float:
    """Full jitter: anything up to a bound that doubles, so that requests that failed together come back apart."""
    bound = min(attempts.first_pause * 2.0 ** min(number - 1, 32), attempts.longest_pause)
    return dice.uniform(0.0, bound)


def _until(date: str) -> float:
    try:
        then = email.utils.parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    if then.tzinfo is None:
        then = then.replace(tzinfo=datetime.UTC)
    return (then - datetime.datetime.now(datetime.UTC)).total_seconds()
