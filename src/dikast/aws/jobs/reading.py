"""Reads what a finished job left back into rollouts and scores: an evaluation's rows, or the reward Lambda's own log.

An evaluation passes the Lambda's row through, beside the prompt and the answer; the container gives ids of its
own, so a row's document is known by its prompt. The Lambda's log holds samples only where it was built with
`log_texts`, and then whole, the parts of a score included: the only place where a training's rollouts are.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from dikast.aws.events import MISSING_BECAUSE, read_event
from dikast.errors import DataError
from dikast.evaluate.judging import storable
from dikast.records import MISSING_REASONS, Message, Part, Rollout, Score
from dikast.rollouts import group_of, read_rows
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


def read_outputs(paths: Iterable[Path], reward: RewardSpec, known: Mapping[str, Rollout]) -> Found:
    """Reads files, folders or archives of a job. `known`: group → a rollout with the columns that a row may lack."""
    answers: list[Logged] = []
    unread = 0
    for place, line, row in _rows(paths):
        if "samples" in row and isinstance(row["samples"], list):
            found = [_of_sample(sample, known) for sample in row["samples"]]
        else:
            found = [_of_row(row, reward, known)]
        for at, one in enumerate(found):
            if one is None:
                unread += 1
            else:
                answers.append(_renamed(one, f"{place.stem}-{line}-{at}"))
    if not answers:
        raise DataError(
            f"no row with an answer and its score; give an evaluation's output, or the log of a Lambda that was built "
            f"with log_texts ({unread} rows were looked at)"
        )
    return Found(answers, unread)


def _renamed(one: Logged, fallback: str) -> Logged:
    """Gives what came without an id of its own one that is not taken twice."""
    name = one.rollout.id if one.rollout.id and not one.rollout.id.startswith("row-") else fallback
    return Logged(msgspec.structs.replace(one.rollout, id=name), msgspec.structs.replace(one.score, id=name))


def _rows(paths: Iterable[Path]) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    for path in paths:
        for file in _files(path):
            for line, row in read_rows(file):
                yield file, line, _message_of(_whole(row))


def _files(path: Path) -> list[Path]:
    """The files with rows in what was given; an archive is unpacked beside itself."""
    if path.is_file() and path.name.endswith((".tar.gz", ".tgz")):
        target = path.with_name(path.name.partition(".")[0] + "-unpacked")
        try:
            with tarfile.open(path) as archive:
                archive.extractall(target, filter="data")
        except (tarfile.TarError, OSError) as error:
            raise DataError(f"{path}: cannot be unpacked ({error}); download it again") from error
        path = target
    if path.is_dir():
        return sorted(one for one in path.rglob("*") if one.suffix in (".jsonl", ".parquet"))
    return [path]


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
        rollout = _with_columns(str(sample.get("id")), prompt, sample["completion"], known)
        score = msgspec.convert(
            {name: sample.get(name) for name in ("id", "score", "status", "detail", "missing")}
            | {"group": rollout.group},
            Score,
        )
    except msgspec.ValidationError:
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
        number = held.get("aggregate_reward_score")
        if isinstance(number, int | float) and not isinstance(number, bool):
            return held
        return next((found for one in held.values() if (found := _scored(one, depth - 1))), None)
    if isinstance(value, list):
        return next((found for one in cast("list[Any]", value) if (found := _scored(one, depth - 1))), None)
    return None


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
    for entry in answer.get("metrics_list") or []:
        if isinstance(entry, dict) and isinstance(entry.get("value"), int | float):
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
