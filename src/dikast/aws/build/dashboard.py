"""The dashboard of a reward function, and which metric stands for what."""

from __future__ import annotations

import json
from typing import Any, get_args

from dikast.aws import telemetry
from dikast.records import MissingReason

_WIDTH, _HEIGHT = 12, 6


def dimensions(reward: str) -> dict[str, str]:
    """The dimensions under which the handler's metrics stand."""
    return {telemetry.DIMENSION: reward, "service": telemetry.SERVICE}


def dashboard(reward: str, namespace: str) -> str:
    """Gives the dashboard's body as JSON, to be filled in by CloudFormation: region and function's name."""
    own = [part for pair in dimensions(reward).items() for part in pair]

    def ours(name: str, stat: str, label: str) -> list[Any]:
        return [namespace, name, *own, {"stat": stat, "label": label}]

    def lambdas(name: str, stat: str) -> list[Any]:
        return ["AWS/Lambda", name, "FunctionName", "${FunctionName}", {"stat": stat, "label": f"{name} {stat}"}]

    reasons = [ours(telemetry.MISSING_BY_REASON.format(reason=one), "Sum", one) for one in get_args(MissingReason)]
    charts = {
        "Rewards": [ours(telemetry.REWARD, stat, stat) for stat in ("p10", "Average", "p90")],
        "Missing and gated, percent": [
            ours(telemetry.MISSING_SHARE, "Average", "missing"),
            ours(telemetry.GATED_SHARE, "Average", "gated"),
        ],
        "Missing, by reason": reasons,
        "Judge, seconds a call": [ours(telemetry.JUDGE_LATENCY, stat, stat) for stat in ("p50", "p99")],
        "Tokens": [
            ours(telemetry.PROMPT_TOKENS, "Sum", "in"),
            ours(telemetry.CACHED_TOKENS, "Sum", "of these cached"),
            ours(telemetry.COMPLETION_TOKENS, "Sum", "out"),
        ],
        "Judge calls and cost, USD": [
            ours(telemetry.JUDGE_CALLS, "Sum", "calls"),
            ours(telemetry.COST, "Sum", "USD"),
        ],
        "Calls of the function": [lambdas(name, "Sum") for name in ("Invocations", "Errors", "Throttles")],
        "Duration, milliseconds, and environments": [
            lambdas("Duration", "p50"),
            lambdas("Duration", "p99"),
            lambdas("ConcurrentExecutions", "Maximum"),
        ],
    }
    widgets = [
        {
            "type": "metric",
            "x": at % 2 * _WIDTH,
            "y": at // 2 * _HEIGHT,
            "width": _WIDTH,
            "height": _HEIGHT,
            "properties": {"title": title, "view": "timeSeries", "region": "${AWS::Region}", "metrics": metrics},
        }
        for at, (title, metrics) in enumerate(charts.items())
    ]
    return json.dumps({"widgets": widgets}, indent=1)
