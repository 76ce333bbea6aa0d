"""Reads what a run's folder tells beside its evaluation: settings, times, the log of RL, the certificate.

Each may be absent: a comparison of files has none of them but perhaps a certificate.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec

from dikast.certify.certificate import Certificate, read_certificate
from dikast.errors import DataError
from dikast.models.catalog import MODELS
from dikast.report.record import Cost
from dikast.rollouts import read_rows

Step = dict[str, float]
"""One step's line in the log of RL, its numbers only."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    name: str
    policy: str | None
    policy_sha256: str | None
    settings: str | None
    """The run file with what the command line changed, as JSON."""
    steps: tuple[Step, ...]
    stages: dict[str, float]
    certificate: Certificate | None
    banner: str | None


def read_source(folder: Path) -> Source:
    """Reads a run's folder. Raises `DataError` or `ConfigError` where a file is there and broken."""
    run = _object(folder / "run.json")
    policy = run.get("policy") if isinstance(run.get("policy"), str) else None
    certificate = folder / "certificate.json"
    known = MODELS.get(policy) if policy else None
    banner = _object(folder / "report.json").get("banner")
    return Source(
        name=folder.name,
        policy=policy,
        policy_sha256=known.sha256 if known else None,
        settings=json.dumps(run, indent=2, ensure_ascii=False) if run else None,
        steps=read_steps(folder / "rl" / "log.jsonl"),
        stages=_stages(_object(folder / "state.json")),
        certificate=read_certificate(certificate) if certificate.is_file() else None,
        banner=banner if isinstance(banner, str) else None,
    )


def read_steps(path: Path) -> tuple[Step, ...]:
    """Reads the log of RL, in the steps' order. A step done again after a resume counts as it was done last."""
    if not path.is_file():
        return ()
    steps: dict[int, Step] = {}
    for _, row in read_rows(path):
        step = row.get("step")
        if isinstance(step, int) and "reward" in row:
            steps[step] = {name: float(value) for name, value in row.items() if _is_number(value)}
    return tuple(steps[step] for step in sorted(steps))


def cost_of(sources: Sequence[Source]) -> Cost | None:
    """Adds up what the RL of all runs took; None where no step was logged."""
    steps = [step for source in sources for step in source.steps if "seconds_step" in step]
    if not steps:
        return None

    def total(name: str) -> int:
        return round(sum(step.get(name, 0.0) for step in steps))

    spent = sum(step.get("seconds_reward", 0.0) for step in steps)
    asked = total("questions_asked")
    names = dict.fromkeys(name for source in sources for name in source.stages)
    return Cost(
        steps=len(steps),
        seconds={
            part: fmean(step.get(f"seconds_{part}", 0.0) for step in steps)
            for part in ("step", "generation", "reward", "update")
        },
        rollouts=total("rollouts"),
        rollouts_distinct=total("rollouts_distinct"),
        questions=total("questions"),
        questions_asked=asked,
        questions_per_second=asked / spent if asked and spent else None,
        prompt_tokens=total("prompt_tokens"),
        cached_tokens=total("cached_tokens"),
        stages={name: fmean(s.stages[name] for s in sources if name in s.stages) for name in names},
    )


def _stages(state: dict[str, Any]) -> dict[str, float]:
    """Seconds of the stages that noted theirs."""
    return {
        name: float(found["seconds"])
        for name, found in state.items()
        if isinstance(found, dict) and _is_number(found.get("seconds"))
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _object(path: Path) -> dict[str, Any]:
    """Reads a JSON object; an empty one where there is no file."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON ({error}); remove it or run the evaluation again") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: must hold a JSON object; remove it or run the evaluation again")
    return value
