"""The list that Amazon Nova's trainers send to a reward Lambda, for whoever relays it here: `POST /nova`.

Samples with `messages`, of which the last is the policy's; columns stand beside them, or under `metadata`. Back goes
`[{"id", "aggregate_reward_score", "metrics_list"}]`. There is no word for a missing score.
"""

from __future__ import annotations

import json
from typing import Any

from dikast.errors import DataError
from dikast.records import Rollout, Score
from dikast.serve.dialects.base import Answered, Asked, Dialect, decoded, made_rollout
from dikast.serve.dialects.chat import text_of
from dikast.serve.options import MISSING, Options

_ROLES = {"nova_assistant": "assistant"}
_NOT_COLUMNS = frozenset({"messages", "metadata", "prompt", "completion", "reference"})


def read(body: bytes, _options: Options) -> Asked:
    """Reads a list of samples, one sample, or `{"trajectories": [...]}`. Raises `DataError`."""
    sent = decoded(body, object)
    if isinstance(sent, dict):
        sent = sent.get("trajectories", [sent])
    if not isinstance(sent, list):
        raise DataError("the body must be a list of samples with 'messages'")
    samples = [sample if isinstance(sample, dict) else {} for sample in sent]
    return Asked(
        rollouts=[_rollout(place, sample) for place, sample in enumerate(samples, 1)],
        body=[sample.get("id") for sample in samples],
    )


def write(answered: Answered) -> bytes:
    """Writes a row for each sample, under its own id where it has one."""
    rows = [
        {
            "id": score.id if name is None else name,
            "aggregate_reward_score": reward,
            "metrics_list": _metrics(score),
        }
        for name, score, reward in zip(answered.asked.body, answered.scores, answered.rewards, strict=True)
    ]
    return json.dumps(rows).encode()


def _rollout(place: int, sample: dict[str, Any]) -> Rollout:
    messages = sample.get("messages")
    if not isinstance(messages, list) or not all(isinstance(turn, dict) for turn in messages):
        raise DataError(f"sample {place}: 'messages' must be a list of turns with role and content")
    turns = [{"role": _role(turn), "content": text_of(turn.get("content"))} for turn in messages]
    if not turns or turns[-1]["role"] != "assistant":
        raise DataError(f"sample {place}: the last turn must be the assistant's, which is judged")
    return made_rollout(_columns(sample), place=place, prompt=turns[:-1], completion=turns[-1]["content"])


def _columns(sample: dict[str, Any]) -> dict[str, Any]:
    """What a reward may name: fields of the sample, of its metadata, of a structured reference; outer ones count more."""
    metadata = sample.get("metadata")
    outer = {**metadata, **sample} if isinstance(metadata, dict) else dict(sample)
    reference = outer.get("reference_answer")
    columns = {**reference, **outer} if isinstance(reference, dict) else outer
    columns = {name: value for name, value in columns.items() if name not in _NOT_COLUMNS and value is not None}
    if reference is not None:
        columns["reference"] = reference if isinstance(reference, str) else json.dumps(reference, ensure_ascii=False)
    return columns


def _role(turn: dict[str, Any]) -> Any:
    role = turn.get("role")
    return _ROLES.get(role, role) if isinstance(role, str) else role


def _metrics(score: Score) -> list[dict[str, Any]]:
    return [
        {"name": part.name, "value": part.value, "type": "Metric"}
        for part in score.parts
        if part.item is None and part.value is not None
    ]


DIALECT = Dialect(name="nova", trainer="Amazon Nova", read=read, write=write, options=MISSING, one_by_one=False)
