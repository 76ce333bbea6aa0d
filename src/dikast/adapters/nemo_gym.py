"""NeMo Gym: what a resources server's `verify` says of one response, as plain values.

The server itself is `adapters/nemo_gym_server.py`; here is what needs no Gym. A missing score has `mask_sample`, a
kind of failure from Gym's own list, and the reward 0 that Gym puts in such a place. Some of NeMo RL's loops let a
masked sample vote in its group's baseline; `dikast serve` waits for the siblings there, this does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from dikast.adapters.single import SingleScorer
from dikast.adapters.told import metrics_of, reasons_of
from dikast.adapters.turns import messages_of, text_of
from dikast.errors import DataError
from dikast.records import Message, Rollout, Score
from dikast.reward.about import AboutReward
from dikast.rollouts import group_of
from dikast.spec.run import Constant

MASKED = 0.0
"""What Gym itself puts where a reward is masked: a number must be there, and nobody reads it."""
_UNREAD = frozenset({"unparsable", "bad_evidence", "truncated"})
_OURS = frozenset({"check_error", "not_applicable"})


def rollout_of(body: Mapping[str, Any]) -> Rollout:
    """Makes a rollout of a verify request: its columns are the fields of the data's row. Raises `DataError`."""
    row = {name: value for name, value in body.items() if not name.startswith("_ng_")}
    prompt = prompt_of(row.pop("responses_create_params", None))
    completion = completion_of(row.pop("response", None))
    reference = row.pop("reference", None)
    group = str(row.pop("group", None) or group_of(prompt))
    return Rollout(
        id=str(row.pop("id", None) or group),
        group=group,
        prompt=prompt,
        completion=completion,
        reference=reference if isinstance(reference, str) else None,
        columns=row,
    )


def verdict_of(scorer: SingleScorer, score: Score) -> dict[str, Any]:
    """Gives the fields of the response, the same ones for every score. Raises `ModelError` under `on_missing: raise`."""
    masked = score.score is None and not isinstance(scorer.on_missing, Constant)
    reward = MASKED if masked and scorer.on_missing != "raise" else scorer.number(score)
    return {
        "reward": reward,
        "reward_components": components(scorer.reward.about, score, reward),
        "mask_sample": masked,
        **failure_of(score),
        "score_reasons": reasons_of(score),
        **{name.replace("/", "_"): value for name, value in metrics_of([score]).items()},
    }


def components(about: AboutReward, score: Score, total: float) -> dict[str, float]:
    """Gives what each check that weighs adds to a reward, and the judge the rest; the same names for every score."""
    had = {part.name: part.value or 0.0 for part in score.parts} if score.status == "scored" else {}
    weighed = {name: worth * had.get(name, 0.0) for name, worth in about.checks.items()}
    return dict(zip([*weighed, "judge"], _adding_up(total, list(weighed.values())), strict=True))


def failure_of(score: Score) -> dict[str, str | None]:
    """Gives the kind, one of Gym's own list, and the reason of a missing score; nothing of another."""
    if score.missing is None:
        return {"failure_kind": None, "failure_reason": None}
    return {"failure_kind": _kind_of(score.missing), "failure_reason": f"{score.missing}: {score.detail}"}


def _adding_up(total: float, terms: list[float]) -> list[float]:
    """Gives the terms with what they lack of the total behind them, so that their sum in order is exactly that.

    Sums are rounded, so a last bit may have to be put right in the rest, or in the first term. Where terms of both
    signs cancel (a range below 0), no float may give the very last bit.
    """
    for first in _near(terms[0]) if terms else ():
        others = [first, *terms[1:]]
        for rest in _near(total - sum(others)):
            if sum([*others, rest]) == total:
                return [*others, rest]
    return [*terms, total - sum(terms)]


def _near(number: float) -> Iterator[float]:
    yield number
    up = down = number
    for _ in range(3):
        up, down = math.nextafter(up, math.inf), math.nextafter(down, -math.inf)
        yield up
        yield down


def _kind_of(missing: str) -> str:
    if missing in _UNREAD:
        return "judge_unparseable"
    return "verifier_error" if missing in _OURS else "judge_failed"


def prompt_of(params: Any) -> str | tuple[Message, ...]:
    """Gives what the policy was asked, of `responses_create_params`. Raises `DataError`."""
    given = params.get("input") if isinstance(params, Mapping) else None
    if isinstance(given, str) and not params.get("instructions"):
        return given
    turns = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(turns, list | tuple):
        raise DataError("'responses_create_params' must hold an 'input': a text, or a list of turns")
    system = [{"role": "system", "content": params["instructions"]}] if params.get("instructions") else []
    try:
        return messages_of([*system, *filter(_is_turn, turns)])
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise DataError(f"'responses_create_params': a turn of 'input' has no role and content ({error})") from None


def completion_of(response: Any) -> str:
    """Gives what the policy said, of `response`. Raises `DataError`."""
    output = response.get("output") if isinstance(response, Mapping) else None
    if not isinstance(output, list | tuple):
        raise DataError("'response' must hold an 'output': the list of what the policy said")
    return "".join(text_of(one.get("content")) for one in output if _is_turn(one) and one.get("role") == "assistant")


def _is_turn(one: Any) -> bool:
    return isinstance(one, Mapping) and one.get("type", "message") == "message"
