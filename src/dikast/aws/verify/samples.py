"""What a function is asked when it is verified: samples of the user's data, in all forms, and poisoned ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dikast.aws.events import read_event
from dikast.aws.payload import as_sent
from dikast.errors import DataError
from dikast.rollouts import read_rows

Sample = dict[str, Any]
"""One sample as a trainer sends it."""

_FIXED = frozenset({"id", "group", "prompt", "completion", "reference"})
_WORDS = ("The term is twelve months.", "Either party may end it.", "It renews by itself.", "Notice is thirty days.")
BUILT_IN: tuple[Sample, ...] = tuple(
    {
        "id": f"built-in-{at}",
        "messages": [
            {"role": "user", "content": f"What does the clause say? {text}"},
            {"role": "assistant", "content": text},
        ],
        "reference_answer": text,
        "metadata": {},
    }
    for at, text in enumerate(_WORDS, start=1)
)


def read_samples(path: Path | None, most: int) -> list[Sample]:
    """Reads samples: rollouts as `dikast score` takes them, or rows of a trainer's data. Without a file, built-in ones.

    A row that no model has answered is given its reference as the answer. Raises `DataError` with file and line.
    """
    if path is None:
        return list(BUILT_IN)
    samples: list[Sample] = []
    for number, row in read_rows(path):
        samples.append(_sample(row, path, number))
        if len(samples) == most:
            break
    if not samples:
        raise DataError(f"{path}: it holds no samples")
    return samples


def _sample(row: dict[str, Any], path: Path, line: int) -> Sample:
    sample = {
        **(row if "messages" in row else _from_rollout(row, path, line)),
        "id": str(row.get("id", f"line-{line}")),
    }
    [read] = read_event([sample])
    if read.problem:
        raise DataError(f"{path}:{line}: {read.problem}")
    if read.rollout is None:
        answer = sample.get("reference_answer")
        text = answer if isinstance(answer, str) else as_sent(answer).decode()
        sample["messages"] = [*sample["messages"], {"role": "assistant", "content": text}]
    return sample


def _from_rollout(row: dict[str, Any], path: Path, line: int) -> Sample:
    prompt = row.get("prompt")
    if prompt is None:
        raise DataError(f"{path}:{line}: neither 'messages' nor 'prompt'; give a trainer's rows, or rollouts")
    if not isinstance(prompt, str | list):
        raise DataError(f"{path}:{line}: 'prompt' must be a text or a list of role and content; write it so")
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    answer = row.get("completion", row.get("reference"))
    if isinstance(answer, str):
        messages.append({"role": "assistant", "content": answer})
    columns = {name: value for name, value in row.items() if name not in _FIXED}
    return {"messages": messages, "reference_answer": row.get("reference"), "metadata": columns}


def raw(sample: Sample) -> Sample:
    """A row of training data as SageMaker's own verification sends it: not answered, and without an id."""
    return {name: value for name, value in sample.items() if name != "id"} | {"messages": sample["messages"][:-1]}


def forms(sample: Sample) -> dict[str, Any]:
    """One sample as an event, in each of the forms that the vendor's pages give."""
    held = sample.get("metadata")
    metadata: dict[str, Any] = held if isinstance(held, dict) else {}
    inner = {name: value for name, value in sample.items() if name not in ("id", "messages", "metadata")}
    bare = {"id": sample["id"], "messages": sample["messages"]}
    return {
        "fields on top": [{**bare, **metadata, **inner}],
        "fields in metadata": [{**bare, "metadata": {**metadata, **inner}}],
        "nova_assistant and parts": [{**sample, "messages": [_as_parts(turn) for turn in sample["messages"]]}],
        "one object": sample,
        "trajectories": {"trajectories": [sample]},
    }


def _as_parts(turn: dict[str, Any]) -> dict[str, Any]:
    role = "nova_assistant" if turn["role"] == "assistant" else turn["role"]
    content = turn.get("content")
    return {"role": role, "content": [{"type": "text", "text": content}] if isinstance(content, str) else content}


def poisoned(sample: Sample) -> dict[str, Sample]:
    """Samples that one policy or one broken row can send, by what is wrong with them."""
    asked = sample["messages"][:-1]

    def says(text: Any) -> Sample:
        return {**sample, "messages": [*asked, {"role": "assistant", "content": text}]}

    return {
        "an empty answer": {**says(""), "id": "poison-1"},
        "an answer that is no text": {**says(None), "id": "poison-2"},
        "messages that are none": {**sample, "messages": None, "id": "poison-3"},
        "brackets without end": {**says("[" * 20_000), "id": "poison-4"},
        "no reference": {"id": "poison-5", "messages": sample["messages"]},
    }


def with_history(sample: Sample) -> Sample:
    """The sample with an empty answer before it: only the last turn is the one to score."""
    asked = sample["messages"][:-1]
    return {**sample, "messages": [*asked, {"role": "assistant", "content": ""}, *asked[-1:], sample["messages"][-1]]}


def without_text(sample: Sample) -> Sample:
    """The sample with an empty answer."""
    return {**sample, "messages": [*sample["messages"][:-1], {"role": "assistant", "content": ""}]}


def batch_of(samples: Sequence[Sample], size: int) -> list[Sample]:
    """As many samples as a trainer sends at once, each with an id of its own."""
    return [{**samples[at % len(samples)], "id": f"{at}-{samples[at % len(samples)]['id']}"} for at in range(size)]
