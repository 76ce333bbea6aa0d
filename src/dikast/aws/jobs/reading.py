"""Reads what a finished job left back into rollouts and scores: an evaluation's rows, or the reward Lambda's own log.

An evaluation passes the Lambda's row through, beside the prompt and the answer; the container gives ids of its
own, so a row's document is known by its prompt. The Lambda's log holds samples only where it was built with
`log_texts`, and then whole, the parts of a score included: the only place where a training's rollouts are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from dikast.aws.events import MISSING_BECAUSE, read_event
from dikast.aws.jobs.unpacking import files_with_rows
from dikast.errors import DataError
from dikast.evaluate.judging import storable
from dikast.records import MISSING_REASONS, Message, Part, Rollout, Score
from dikast.reward.binding import require_columns
from dikast.rollouts import group_of, rows_or_errors
from dikast.spec.reward import RewardSpec

DEEPEST = 6
_PROMPTS = ("prompt", "query", "input")
_ANSWERS = ("completion", "response", "inference", "inference_output", "model_output", "output", "prediction")


class Logged(NamedTuple):
    """One answer with its score."""

    rollout: Rollout
    score: Score


class Found(NamedTuple):
    """What was read, and how many rows held no score or no text."""

    answers: list[Logged]
    unread: int
    scored_by: frozenset[str]
    """Hashes of the rewards that scored, where the rows say so: a Lambda's log does."""


def read_outputs(paths: Iterable[Path], reward: RewardSpec, known: Mapping[str, Rollout]) -> Found:
    """Reads files, folders or archives of a job. `known`: group → a rollout with the columns that a row may lack.

    Raises `DataError` where no row can be read, and where a score is none of this reward's.
    """
    answers: list[Logged] = []
    names = _Names()
    scored_by: set[str] = set()
    unread = 0
    for place, line, row in _rows(paths):
        for at, one in enumerate(_answers_of(row, reward, known)):
            if one is None:
                unread += 1
                continue
            _require_in_range(one, reward, f"{place}:{line}")
            answers.append(_renamed(one, names.free(one.rollout.id or f"{place.stem}-{line}-{at}")))
            if isinstance(said := (row or {}).get("reward_hash"), str):
                scored_by.add(said)
    if not answers:
        raise DataError(
            f"no row with an answer and its score; give an evaluation's output, or the log of a Lambda that was built "
            f"with log_texts ({unread} rows were looked at)"
        )
    _require_known(answers, reward)
    return Found(answers, unread, frozenset(scored_by))


def _answers_of(row: dict[str, Any] | None, reward: RewardSpec, known: Mapping[str, Rollout]) -> list[Logged | None]:
    if row is None:
        return [None]
    if isinstance(row.get("samples"), list):
        return [_of_sample(sample, known) for sample in row["samples"]]
    return [_of_row(row, reward, known)]


def _require_known(answers: Sequence[Logged], reward: RewardSpec) -> None:
    unknown = [one.rollout.id for one in answers if not _has_columns(one.rollout, reward)]
    if unknown:
        raise DataError(
            f"{len(unknown)} of {len(answers)} answers, the first '{unknown[0]}', have a prompt of no row of run.yaml's "
            "data, so the columns that the reward reads are not known; name the rows that the job was given as data.test"
        )


def _has_columns(rollout: Rollout, reward: RewardSpec) -> bool:
    try:
        require_columns(reward, rollout)
    except DataError:
        return False
    return True


def _require_in_range(one: Logged, reward: RewardSpec, where: str) -> None:
    low, high = reward.file.range
    score = one.score.score
    if score is not None and not low <= score <= high:
        raise DataError(
            f"{where}: the score {score:g} is outside the reward's range [{low:g}, {high:g}]; give the run whose reward "
            "the Lambda was built of"
        )


class _Names:
    """Gives each answer a name of its own: a trainer asks one row many times, and review tells answers apart by it."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def free(self, name: str) -> str:
        """The name, or where it is taken the name with a number."""
        free = name
        while free in self._taken:
            self._taken[name] += 1
            free = f"{name}#{self._taken[name]}"
        self._taken[free] = 0
        return free


def _renamed(one: Logged, name: str) -> Logged:
    return Logged(msgspec.structs.replace(one.rollout, id=name), msgspec.structs.replace(one.score, id=name))


def _rows(paths: Iterable[Path]) -> Iterator[tuple[Path, int, dict[str, Any] | None]]:
    """Gives the rows with their places; None for a line that is no JSON object, as a log has at every start."""
    for path in paths:
        with files_with_rows(path) as files:
            for file in files:
                for line, row in rows_or_errors(file):
                    yield file, line, _read(row)


def _read(row: dict[str, Any] | DataError) -> dict[str, Any] | None:
    if isinstance(row, DataError):
        return None
    try:
        return _message_of(_whole(row))
    except RecursionError:
        return None


def _message_of(row: dict[str, Any]) -> dict[str, Any]:
    """A line of CloudWatch as it is exported holds the Lambda's own line as a text."""
    inner = _plain(row.get("message"))
    return cast("dict[str, Any]", inner) if isinstance(inner, dict) else row


def _of_sample(sample: Any, known: Mapping[str, Rollout]) -> Logged | None:
    """Reads a sample of the Lambda's log."""
    if not (isinstance(sample, dict) and isinstance(sample.get("completion"), str) and sample.get("prompt")):
        return None
    try:
        prompt = _prompt(sample["prompt"])
        parts = msgspec.convert(sample.get("parts") or [], tuple[Part, ...])
        rollout = _with_columns(str(sample.get("id") or ""), prompt, sample["completion"], known)
        score = msgspec.convert(
            {name: sample.get(name) for name in ("score", "status", "detail", "missing")}
            | {"id": rollout.id, "group": rollout.group},
            Score,
        )
    except msgspec.ValidationError:
        return None
    if score.score is not None and not math.isfinite(score.score):
        return None
    return Logged(rollout, msgspec.structs.replace(score, parts=parts, missing=score.missing or _reason(parts)))


def _reason(parts: Iterable[Part]) -> Any:
    return next((part.missing for part in parts if part.missing), None)


def _of_row(row: dict[str, Any], reward: RewardSpec, known: Mapping[str, Rollout]) -> Logged | None:
    """Reads a row of an evaluation."""
    answer = _scored(row, DEEPEST)
    texts = _texts(row)
    if answer is None or texts is None:
        return None
    prompt, completion = texts
    rollout = _with_columns(str(row.get("id") or ""), prompt, completion, known)
    return Logged(rollout, _score(answer, rollout, reward))


def _scored(value: Any, depth: int) -> dict[str, Any] | None:
    """Finds the Lambda's row, wherever it stands in a row of the evaluation, as an object or as its text."""
    value = _plain(value)
    if depth == 0:
        return None
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        if _is_number(held.get("aggregate_reward_score")):
            return held
        return next((found for one in held.values() if (found := _scored(one, depth - 1))), None)
    if isinstance(value, list):
        return next((found for one in cast("list[Any]", value) if (found := _scored(one, depth - 1))), None)
    return None


def _is_number(value: Any) -> bool:
    """Whether it is a finite one. Of whole numbers JSON has more than fit a float."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return _whole(json.loads(value))
        except (ValueError, RecursionError):
            return value
    return value


def _whole(value: Any) -> Any:
    """Replaces half surrogates, which a policy may write and no file can hold."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_whole(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in cast("dict[str, Any]", value).items()}
    return value


def _texts(row: dict[str, Any]) -> tuple[str | tuple[Message, ...], str] | None:
    """The prompt and the answer of a row, in the forms that the vendor's pages show."""
    if "messages" in row:
        [read] = read_event([{**row, "messages": _plain(row["messages"])}])
        if read.rollout is not None:
            return read.rollout.prompt, read.rollout.completion
        if read.problem is not None:
            return None
        asked = _prompt(_plain(row["messages"]))
    else:
        prompt = next((row[name] for name in _PROMPTS if row.get(name)), None)
        if prompt is None:
            return None
        asked = _prompt(_plain(prompt))
    completion = next((row[name] for name in _ANSWERS if isinstance(row.get(name), str)), None)
    return None if completion is None else (asked, completion)


def _prompt(value: Any) -> str | tuple[Message, ...]:
    if isinstance(value, str):
        return value
    try:
        return msgspec.convert(value, tuple[Message, ...])
    except msgspec.ValidationError:
        return msgspec.json.encode(value).decode()


def _with_columns(
    name: str, prompt: str | tuple[Message, ...], completion: str, known: Mapping[str, Rollout]
) -> Rollout:
    group = group_of(prompt)
    told = known.get(group)
    return Rollout(
        id=name,
        group=group,
        prompt=prompt,
        completion=completion,
        reference=told.reference if told else None,
        columns=told.columns if told else {},
    )


def _score(answer: Mapping[str, Any], rollout: Rollout, reward: RewardSpec) -> Score:
    """Makes a score of the Lambda's row. What a trainer was given for a missing one is no score."""
    metrics: dict[str, float] = {}
    listed = answer.get("metrics_list")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and (isinstance(entry.get("value"), bool) or _is_number(entry.get("value"))):
            metrics[str(entry.get("name"))] = float(entry["value"])
    missing, gated = metrics.get("missing") == 1.0, metrics.get("gated") == 1.0
    reason = next((reason for reason in MISSING_REASONS if metrics.get(MISSING_BECAUSE + reason)), None)
    return Score(
        id=rollout.id,
        group=rollout.group,
        score=None if missing else float(answer["aggregate_reward_score"]),
        status="missing" if missing else "gated" if gated else "scored",
        missing=cast("Any", reason),
        detail="the Lambda's row does not say why" if missing and reason is None else None,
        parts=tuple(_parts(metrics, reward)),
    )


def _parts(metrics: Mapping[str, float], reward: RewardSpec) -> Iterator[Part]:
    for check in reward.file.checks:
        name = f"gate:{check.part_name}" if check.gate else check.part_name
        if name in metrics:
            yield Part(
                name=check.part_name, kind="check", value=metrics[name], weight=check.weight or 0.0, gate=check.gate
            )
    for criterion in reward.file.judge.criteria:
        if criterion.id in metrics:
            yield Part(name=criterion.id, kind="criterion", value=metrics[criterion.id], weight=criterion.weight)
