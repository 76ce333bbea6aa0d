"""Says how a reward function must be set for a data set, and which quota of the judge that takes.

    plan = size(rollouts, planned, target="smtj")

The figures are arithmetic over what `reward.planning` counted. What AWS's pages leave open, or what is judgement, is
named: a constant here, and a note in the plan.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dikast.aws.payload import LIMIT, WARN_SHARE
from dikast.aws.settings import SAMPLE_BY_SAMPLE, Target
from dikast.errors import DataError
from dikast.records import Rollout
from dikast.reward.planning import ModelPlan, Plan

MOST_SAMPLES = 64
"""`lambda_batch_size` where the payload allows it. One page of AWS's gives 64 as the trainers' default, another 128."""
CONCURRENCY: Mapping[Target, int] = {"hyperpod": 64}
"""Events that a trainer has under way at once: on HyperPod 64 for each rollout worker."""
USUAL_CONCURRENCY = 12
"""`lambda_concurrency_limit` of the published recipes for training jobs."""
LONGEST, SHORTEST = 900, 60
"""Seconds that a function may be given, and that AWS's pages ask for at the least."""
SPARE = 10
"""Times that a batch may take over what it takes without a single retry. Judgement."""
BASE_MB, MB_PER_MB = 200, 16
"""Of memory: an environment without an event, and for each MB of one, with its requests under way. Measured: 54 and 8; the rest is room."""
USUAL_MB, PROCESSOR_MB = 1024, 1769
"""The least that is advised, and what brings a whole processor, from which on more memory makes no single thread faster."""
BUSY = 64
"""Judge calls under way in one environment above which a whole processor is advised. Judgement."""
BYTES_PER_TOKEN = 4
_ID = "0" * 36


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """What one model of the judge is asked for when as many environments are busy as can be."""

    model: str
    calls_per_sample: float
    in_flight: int
    """Calls at once, over all environments."""
    requests_per_minute: int | None
    """None where nobody knows how long a call takes."""
    tokens_per_minute: int | None
    """Of the prompt, and of all that the answer may have: quotas reserve that when a call begins."""


class LambdaPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How the function and its trainer are to be set."""

    target: Target
    mean_bytes: int
    """Of a sample in an event."""
    largest_bytes: int
    lambda_batch_size: int
    lambda_concurrency: int
    """Events under way at once: the trainer's limit, and the function's reserved concurrency at the least."""
    batch_bytes: int
    """Of a batch of the largest."""
    memory_mb: int
    timeout_s: int
    batch_seconds: float | None
    """What a batch takes without a retry; None where nobody knows how long a call takes."""
    quotas: tuple[Quota, ...]
    notes: tuple[str, ...]


def size(
    rollouts: Sequence[Rollout],
    planned: Plan,
    *,
    target: Target,
    per_step: int | None = None,
    concurrency: int | None = None,
    max_new_tokens: int | None = None,
) -> LambdaPlan:
    """Works out the settings. `planned` must count on no journal: a Lambda function has none. Raises `DataError`."""
    sizes = [event_bytes(rollout, max_new_tokens) for rollout in rollouts]
    largest = max(sizes)
    if largest > LIMIT:
        raise DataError(
            f"rollout '{rollouts[sizes.index(largest)].id}' alone weighs {largest / 2**20:.1f} MB in an event, and Lambda "
            "takes 6; shorten its documents, or leave columns out that the reward does not name"
        )
    samples = _batch_size(largest, target)
    waiting = [one for one in planned.models if one.calls]
    while samples > 1 and (spent := _seconds(waiting, samples, planned.file.rollouts)) and spent * SPARE > LONGEST:
        samples -= 1
    spent = _seconds(waiting, samples, planned.file.rollouts)
    at_once = concurrency or CONCURRENCY.get(target, USUAL_CONCURRENCY)
    # A step's samples are all there is at once: the next step waits for their rewards.
    busy = at_once if per_step is None else min(at_once, math.ceil(per_step / samples))
    quotas = tuple(_quota(one, samples, planned.file.rollouts, busy) for one in waiting)
    return LambdaPlan(
        target=target,
        mean_bytes=round(sum(sizes) / len(sizes)),
        largest_bytes=largest,
        lambda_batch_size=samples,
        lambda_concurrency=at_once,
        batch_bytes=largest * samples,
        memory_mb=_memory(largest * samples, max((one.in_flight // busy for one in quotas), default=0)),
        timeout_s=LONGEST if spent is None else min(LONGEST, max(SHORTEST, 60 * math.ceil(spent * SPARE / 60))),
        batch_seconds=spent,
        quotas=quotas,
        notes=tuple(_notes(target, samples, at_once, waiting, max_new_tokens)),
    )


def event_bytes(rollout: Rollout, max_new_tokens: int | None = None) -> int:
    """What a rollout weighs in an event, as a sender writes it that escapes all but ASCII."""
    turns = [*_asked(rollout), ("assistant", rollout.completion)]
    sample: dict[str, Any] = {
        "id": _ID,
        "messages": [{"role": role, "content": content} for role, content in turns],
        **rollout.columns,
    }
    if rollout.reference is not None:
        sample["reference_answer"] = rollout.reference
    room = BYTES_PER_TOKEN * (max_new_tokens or 0) - len(json.dumps(rollout.completion))
    return len(json.dumps(sample)) + max(0, room)


def _asked(rollout: Rollout) -> list[tuple[str, str]]:
    if isinstance(rollout.prompt, str):
        return [("user", rollout.prompt)]
    return [(turn.role, turn.content) for turn in rollout.prompt]


def _batch_size(largest: int, target: Target) -> int:
    # Any samples may meet in a batch, and those of one prompt do: it must hold if all are as large as the largest.
    return 1 if target in SAMPLE_BY_SAMPLE else max(1, min(MOST_SAMPLES, int(WARN_SHARE * LIMIT / largest)))


def _in_flight(one: ModelPlan, samples: int, rollouts: int) -> float:
    """Calls at once in one environment."""
    return min(float(one.concurrency), one.calls / rollouts * samples)


def _seconds(models: Sequence[ModelPlan], samples: int, rollouts: int) -> float | None:
    """What a batch takes: its slowest model, call by call as many as may go at once."""
    if any(one.latency is None for one in models):
        return None
    return max(
        ((one.latency or 0.0) * math.ceil(one.calls / rollouts * samples / one.concurrency) for one in models),
        default=0.0,
    )


def _quota(one: ModelPlan, samples: int, rollouts: int, at_once: int) -> Quota:
    in_flight = max(1, round(_in_flight(one, samples, rollouts) * at_once))
    rate = None if not one.latency else in_flight * 60 / one.latency
    allowed = one.completion_tokens / one.answer_share if one.answer_share else one.completion_tokens
    tokens = (one.prompt_tokens + allowed) / one.calls
    return Quota(
        model=one.model,
        calls_per_sample=one.calls / rollouts,
        in_flight=in_flight,
        requests_per_minute=None if rate is None else math.ceil(rate),
        tokens_per_minute=None if rate is None else math.ceil(rate * tokens),
    )


def _memory(batch: int, in_flight: int) -> int:
    needed = BASE_MB + MB_PER_MB * batch / 2**20
    least = PROCESSOR_MB if in_flight > BUSY else USUAL_MB
    return max(least, 64 * math.ceil(needed / 64))


def _notes(
    target: Target, samples: int, at_once: int, models: Sequence[ModelPlan], max_new_tokens: int | None
) -> list[str]:
    notes = [
        f"concurrency: give the trainer (lambda_concurrency_limit) and the function (ReservedConcurrency) at least {at_once}"
    ]
    if target in SAMPLE_BY_SAMPLE:
        notes.append("HyperPod sends sample by sample: no sibling is there to take a missing score's place")
    elif samples < MOST_SAMPLES:
        notes.append(
            f"lambda_batch_size: more than {samples} of the largest samples may be over 6 MB, or over the time"
        )
    if max_new_tokens is None:
        notes.append("completions are taken as in the file; --max-new-tokens makes room for longer ones")
    if any(one.latency is None for one in models):
        notes.append("nobody knows how long a call takes, so no quota is given; say it with --latency")
    notes.append(
        f"limits in models.yaml hold for one environment: write the account's quota / {at_once} there, as each limits itself alone"
    )
    notes.append(
        f"timeout: {SPARE} times what a batch takes without a retry, {SHORTEST} to {LONGEST} s; more costs nothing"
    )
    return notes
