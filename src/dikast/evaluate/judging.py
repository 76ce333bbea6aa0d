"""Has the judge score the arms' answers: by the reward, and on a 1–5 scale in another wording.

Document by document, all arms together: their requests share the documents' prefix, and equal answers
are judged once. The 1–5 score is 1 + 4 P(yes) to one question, asked with the known answer at hand. It
comes from the same model as the reward, so it is no independent measure, and the report says so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from dikast.errors import DataError
from dikast.evaluate.arms import Arm
from dikast.evaluate.measure import Measure
from dikast.evaluate.records import Answer
from dikast.judges.render import Case
from dikast.records import Missing, Rollout, Score
from dikast.reward.binding import bind
from dikast.reward.reward import Reward
from dikast.spec.judge import Criterion
from dikast.spec.run import EvalSpec
from dikast.tasks import side_by_side

KNOWN = "KnownAnswer"
"""The name under which the judge of the 1–5 score sees the known answer."""

ANSWERS_AT_ONCE = 8
"""Usual number of answers to one document: so many requests share a prefix at a time."""

Progress = Callable[[int], None]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that is to be judged."""

    arm: str
    sample: int | None
    rollout: Rollout


class ScaleJudge:
    """Asks the reward's own model how well an answer agrees with the known one."""

    def __init__(self, reward: Reward, spec: EvalSpec) -> None:
        self._reward = reward.spec
        self._known = spec.known
        self._judge = reward.judges.rubric()
        self._criterion = Criterion(id="judge_score", ask=spec.ask)

    async def score(self, rollout: Rollout) -> float | None:
        """Gives 1 + 4 P(yes), or None where the verdict could not be had. The answer is shown as it is, JSON or not."""
        documents = bind(self._reward, rollout).documents
        if self._known:
            documents += ((KNOWN, known_answer(rollout, self._known)),)
        case = Case(documents=documents, candidate=rollout.completion)
        [verdicts], _ = await self._judge.judge([case], [self._criterion])
        verdict = verdicts[self._criterion.id]
        return None if isinstance(verdict, Missing) or verdict.value is None else 1 + 4 * verdict.value


def known_answer(rollout: Rollout, column: str) -> str:
    """Gives the known answer as the judge reads it. Raises `DataError` where the column is not there."""
    try:
        value: Any = rollout.column(column)
    except KeyError:
        raise DataError(
            f"rollout '{rollout.id}': no column '{column}', which eval.known names; add it to the data"
        ) from None
    if value is None or value in ("", [], {}):
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def storable(text: str) -> str:
    """Replaces half surrogates, which a completion may hold and no file can."""
    return text.encode("utf-8", "replace").decode()


def plan(arms: Sequence[Arm], greedy: Sequence[str], documents: Sequence[str]) -> dict[str, list[Asked]]:
    """Lists what is judged of each document: all arms' greedy answers to some, and every sample."""
    asked: dict[str, list[Asked]] = {document: [] for document in documents}
    chosen = set(greedy)
    for arm in arms:
        for rollout in arm.greedy:
            if rollout.group in chosen:
                asked[rollout.group].append(Asked(arm=arm.name, sample=None, rollout=rollout))
        for samples in arm.sampled:
            for number, rollout in enumerate(samples):
                if rollout.group in asked:
                    asked[rollout.group].append(Asked(arm=arm.name, sample=number, rollout=rollout))
    return {document: answers for document, answers in asked.items() if answers}


async def judge_all(
    asked: dict[str, list[Asked]],
    reward: Reward,
    spec: EvalSpec,
    measure: Measure,
    *,
    seed: int,
    progress: Progress | None = None,
) -> list[Answer]:
    """Judges every planned answer, in the plan's order. As many documents at once as the model bears."""
    scale = ScaleJudge(reward, spec)
    at_once = asyncio.Semaphore(max(1, reward.judges.concurrency // ANSWERS_AT_ONCE))

    async def run(answers: list[Asked]) -> list[Answer]:
        async with at_once:
            judged = await _judge_document(answers, reward, scale, measure, best_of=spec.best_of, seed=seed)
        if progress:
            progress(len(answers))
        return judged

    judged = await side_by_side(run(answers) for answers in asked.values())
    return [answer for answers in judged for answer in answers]


async def _judge_document(
    answers: list[Asked], reward: Reward, scale: ScaleJudge, measure: Measure, *, best_of: int, seed: int
) -> list[Answer]:
    scores = await reward.ascore([one.rollout for one in answers])
    picks = picked(answers, scores, best_of)
    rated = [at for at, one in enumerate(answers) if one.sample is None or at in picks]
    ratings = await side_by_side(scale.score(answers[at].rollout) for at in rated)
    on_scale = dict(zip(rated, ratings, strict=True))
    return [
        Answer(
            seed=seed,
            arm=one.arm,
            document=one.rollout.group,
            sample=one.sample,
            completion=storable(one.rollout.completion),
            score=score,
            gold=measure.gold(one.rollout),
            judge_score=on_scale.get(at),
            picked=at in picks,
        )
        for at, (one, score) in enumerate(zip(answers, scores, strict=True))
    ]


def picked(answers: Sequence[Asked], scores: Sequence[Score], best_of: int) -> set[int]:
    """Gives the positions of each arm's best among its first k samples: the first of equals; none with fewer than k."""
    best: dict[str, tuple[float, int]] = {}
    valid: dict[str, int] = {}
    for at, (one, score) in enumerate(zip(answers, scores, strict=True)):
        if one.sample is None or score.score is None or valid.get(one.arm, 0) >= best_of:
            continue
        valid[one.arm] = valid.get(one.arm, 0) + 1
        if one.arm not in best or score.score > best[one.arm][0]:
            best[one.arm] = (score.score, at)
    return {at for arm, (_, at) in best.items() if valid[arm] >= best_of}
