"""What a reward Lambda tells CloudWatch: one structured log line an event, metrics in the embedded format.

Powertools for AWS Lambda writes both. No line holds a text of a sample unless the settings ask for it.
`build` takes the names of the metrics from here for its alarms and its dashboard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from dikast.records import Rollout, Score, Usage

if TYPE_CHECKING:
    from dikast.aws.settings import HandlerSettings

SERVICE = "dikast-reward"
"""The name in every log line, and a dimension of every metric."""
ROLLOUTS = "rollouts"
REWARD = "reward"
MISSING = "missing"
MISSING_SHARE = "missing_share"
"""Of an event, in percent."""
MISSING_BY_REASON = "missing_{reason}"
GATED_SHARE = "gated_share"
"""Of an event, in percent."""
UNREADABLE = "unreadable"
"""Samples that are none of the known forms, or lack a column that the reward names."""
JUDGE_LATENCY = "judge_latency"
"""Seconds of one call of the judge, a value a rollout."""
JUDGE_CALLS = "judge_calls"
PROMPT_TOKENS = "prompt_tokens"
CACHED_TOKENS = "cached_tokens"
COMPLETION_TOKENS = "completion_tokens"
COST = "cost_usd"
EVENT_SECONDS = "event_seconds"
DIMENSION = "reward_file"
"""The other dimension of every metric: the reward's name."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event."""

    scores: Sequence[Score]
    """Of the samples that a model has answered."""
    rollouts: Sequence[Rollout | None]
    """As the scores; None where a sample is none of the known forms."""
    unanswered: int
    unreadable: Sequence[str]
    """What was wrong with the samples that could not be read."""
    seconds: float
    usd: float | None
    """None where nobody knows the judge's price."""


class Telemetry:
    """Writes to standard output, which Lambda hands to CloudWatch."""

    def __init__(
        self, settings: HandlerSettings, *, reward: str, reward_hash: str, certificate_hash: str | None
    ) -> None:
        from aws_lambda_powertools import Logger
        from aws_lambda_powertools.metrics import EphemeralMetrics

        self._settings = settings
        self._metrics = EphemeralMetrics(namespace=settings.namespace, service=SERVICE)
        self._metrics.set_default_dimensions(**{DIMENSION: reward})
        self._logger = Logger(service=SERVICE, level="INFO")
        self._logger.append_keys(reward=reward, reward_hash=reward_hash, certificate_hash=certificate_hash)

    def warn(self, message: str) -> None:
        """Logs what an operator should look at."""
        self._logger.warning(message)

    def tell(self, told: Told, *, request: str | None) -> None:
        """Logs an event and its figures. `request` is the id that Lambda gave the event."""
        self._log(told, request)
        for name, unit, value in figures(told):
            self._metrics.add_metric(name=name, unit=unit, value=value)
        self._metrics.flush_metrics()

    def _log(self, told: Told, request: str | None) -> None:
        usage = _usage(told.scores)
        line: dict[str, Any] = {
            "aws_request_id": request,
            "rollouts": len(told.scores),
            "unanswered": told.unanswered,
            "missing": dict(Counter(score.missing for score in told.scores if score.missing)),
            "gated": sum(score.status == "gated" for score in told.scores),
            "seconds": round(told.seconds, 3),
            "usage": msgspec.to_builtins(usage),
            "usd": told.usd,
        }
        if told.unreadable:
            line["unreadable"] = list(told.unreadable)[:5]
        if self._settings.log_texts:
            line["samples"] = [_in_words(*one) for one in zip(told.scores, told.rollouts, strict=True)]
        log = self._logger.warning if line["missing"] else self._logger.info
        log("event scored", extra=line)


def figures(told: Told) -> list[tuple[str, str, float]]:
    """The metrics of an event: (name, unit, value). A name that comes several times is a distribution."""
    scores, count = told.scores, len(told.scores)
    usage = _usage(scores)
    missing = Counter(score.missing for score in scores if score.missing)
    found = [
        (ROLLOUTS, "Count", float(count)),
        (MISSING, "Count", float(missing.total())),
        (UNREADABLE, "Count", float(len(told.unreadable))),
        (JUDGE_CALLS, "Count", float(usage.asked)),
        (PROMPT_TOKENS, "Count", float(usage.prompt_tokens)),
        (CACHED_TOKENS, "Count", float(usage.cached_tokens)),
        (COMPLETION_TOKENS, "Count", float(usage.completion_tokens)),
        (EVENT_SECONDS, "Seconds", told.seconds),
    ]
    if told.usd is not None:
        found.append((COST, "None", told.usd))
    if count:
        found.append((MISSING_SHARE, "Percent", 100 * missing.total() / count))
        found.append((GATED_SHARE, "Percent", 100 * sum(score.status == "gated" for score in scores) / count))
    found += [(MISSING_BY_REASON.format(reason=reason), "Count", float(often)) for reason, often in missing.items()]
    found += [(REWARD, "None", score.score) for score in scores if score.score is not None]
    found += [
        (JUDGE_LATENCY, "Seconds", score.usage.seconds / score.usage.asked) for score in scores if score.usage.asked
    ]
    return found


def _usage(scores: Sequence[Score]) -> Usage:
    return sum((score.usage for score in scores), Usage())


def _in_words(score: Score, rollout: Rollout | None) -> dict[str, Any]:
    """One sample with its texts, for who asked for them."""
    return {
        "id": score.id,
        "score": score.score,
        "status": score.status,
        "missing": score.missing,
        "detail": score.detail,
        "parts": msgspec.to_builtins(score.parts),
        "prompt": None if rollout is None else msgspec.to_builtins(rollout.prompt),
        "completion": None if rollout is None else rollout.completion,
    }
