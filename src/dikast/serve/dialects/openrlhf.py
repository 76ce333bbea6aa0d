"""OpenRLHF's remote reward: `--reward.remote_url http://127.0.0.1:8600/openrlhf`.

It sends what the policy saw and wrote as one text with the tokenizer's marks. Numbers only come back: a text among
`extra_logs` would stop the trainer. With `?dynamic_filtering=true` (and `--algo.dynamic_filtering_enable`) a score
that stays missing is NaN, for which it drops the group.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from dikast.errors import DataError
from dikast.records import Rollout
from dikast.serve.dialects.base import Answered, Asked, Dialect, columns_of, made_rollout, reads_labels_as_json
from dikast.serve.dialects.base import decoded as decode
from dikast.serve.dialects.markup import without_end
from dikast.serve.options import MISSING, Options, truth_of

_TAIL = 200
"""Characters of a prompt by whose end a completion is found where the trainer cut the prompt's start."""


class Sent(msgspec.Struct, frozen=True):
    """A request; each list has an entry a rollout."""

    query: list[str]
    prompts: list[str]
    labels: list[Any]


def read(body: bytes, options: Options) -> Asked:
    """Reads a request. Raises `DataError`."""
    sent = decode(body, Sent)
    if not len(sent.query) == len(sent.prompts) == len(sent.labels):
        raise DataError("query, prompts and labels must have the same length")
    as_json = reads_labels_as_json(options)
    rollouts = [
        _rollout(place, query, prompt, columns_of(label, as_json=as_json), options.get("end"))
        for place, (query, prompt, label) in enumerate(zip(sent.query, sent.prompts, sent.labels, strict=True), 1)
    ]
    return Asked(rollouts=rollouts)


def write(answered: Answered) -> bytes:
    """Writes the rewards, the same as scores for the filter, and numbers for the log. NaN is a word of Python's JSON."""
    logs = {
        "dikast_missing": [float(score.score is None) for score in answered.scores],
        "dikast_gated": [float(score.status == "gated") for score in answered.scores],
    }
    told = {"rewards": list(answered.rewards), "scores": list(answered.rewards), "extra_logs": logs}
    return json.dumps(told).encode()


def _rollout(place: int, query: str, prompt: str, columns: dict[str, Any], end: str | None) -> Rollout:
    tail = prompt[-_TAIL:]
    at = len(prompt) if query.startswith(prompt) else query.find(tail) + len(tail)
    if at < len(tail) or not tail:
        raise DataError(
            f"rollout:{place}: the end of the prompt is not in the query, so nothing tells the answer from it"
        )
    return made_rollout(columns, place=place, prompt=prompt, completion=without_end(query[at:], end))


DIALECT = Dialect(
    name="openrlhf",
    trainer="OpenRLHF",
    read=read,
    write=write,
    options=MISSING | {"dynamic_filtering", "label", "end"},
    drops_nan=lambda options: truth_of(options, "dynamic_filtering"),
)
