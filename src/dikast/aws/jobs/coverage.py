"""How many scores of a job are missing, as its reward Lambda told CloudWatch: no trainer's log says it."""

from __future__ import annotations

import datetime

import msgspec

from dikast.aws.calling import told
from dikast.aws.jobs.starting import Clients
from dikast.aws.telemetry import DIMENSION, MISSING, ROLLOUTS, SERVICE

_PERIOD_S = 3600
"""CloudWatch gives at most 1,440 periods at once: sixty days of hours."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What the Lambda scored since a moment, for whichever job."""

    rollouts: int
    missing: int

    @property
    def share(self) -> float:
        """Of the rollouts, those whose score is missing."""
        return self.missing / self.rollouts

    def in_words(self) -> str:
        """For a person."""
        return f"missing scores: {self.missing} of {self.rollouts} ({self.share:.1%}), says the reward Lambda"


def coverage_of(reward: str, since: datetime.datetime, clients: Clients, *, namespace: str) -> Coverage | None:
    """Gives the coverage of a reward's Lambda, by the reward's name; None where it told nothing since."""
    rollouts = _sum(ROLLOUTS, reward, since, clients, namespace)
    return Coverage(rollouts=rollouts, missing=_sum(MISSING, reward, since, clients, namespace)) if rollouts else None


def _sum(metric: str, reward: str, since: datetime.datetime, clients: Clients, namespace: str) -> int:
    with told(f"metrics of {reward}"):
        answer = clients("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": "service", "Value": SERVICE}, {"Name": DIMENSION, "Value": reward}],
            StartTime=since,
            # It is left out itself, and must lie behind the start.
            EndTime=datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1),
            Period=_PERIOD_S,
            Statistics=["Sum"],
        )
    return round(sum(point["Sum"] for point in answer["Datapoints"]))
